//! RXR pharmacy route (HL7 v2.5 section 4.14.2) to route, site, method and device of a Dosage.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;
use crate::map::hl7v2::drug::comment::About;
use crate::map::hl7v2::drug::usage::Usage;

const BODY_SITE: &str = "http://hl7.org/fhir/StructureDefinition/bodySite";
/// The id of the contained BodyStructure.
const SITE: &str = "site";

/// Codes of table 0162 by which a drug is injected or infused.
const INJECTIONS: [&str; 13] = ["IV", "IM", "SC", "SD", "ID", "IA", "IT", "EP", "IP", "IVB", "IVD", "IVP", "IVS"];

/// Whether the route is an injection's.
pub(crate) fn is_injection(route: Segment<'_>) -> bool {
    INJECTIONS.contains(&cwe::code(route.peek(1)).as_str())
}

/// Writes Devices (RXR-3, 投与装置) and, where the site has a modifier (RXR-6), the BodyStructure as items of `contained`.
pub(crate) fn contained(w: &mut Writer, routes: &[Segment<'_>], out: &mut Output) {
    for (at, route) in routes.iter().enumerate().filter(|(_, r)| r.peek(3).is_valued()) {
        w.item(|w| {
            w.string("resourceType", "Device");
            w.string("id", &device_id(at));
            cwe::concept(w, "type", route.field(3), "HL70164", out);
        });
    }
    let Some(route) = routes.first().filter(|r| r.peek(6).is_valued()) else { return };
    w.item(|w| {
        w.string("resourceType", "BodyStructure");
        w.string("id", SITE);
        cwe::concept(w, "location", route.field(2), "HL70550", out);
        w.array("locationQualifier", |w| cwe::concept_item(w, route.field(6), "HL70495", out));
        out.subject(w, "patient");
    });
}

/// The contained Devices, each as reference and what a person calls it.
pub(crate) fn devices(routes: &[Segment<'_>]) -> Vec<(String, String)> {
    let with_device = routes.iter().enumerate().filter(|(_, r)| r.peek(3).is_valued());
    with_device.map(|(at, r)| (format!("#{}", device_id(at)), cwe::text(r.peek(3)))).collect()
}

fn device_id(at: usize) -> String {
    if at == 0 { "device".to_owned() } else { format!("device-{}", at + 1) }
}

/// Writes the Devices as JP Core extensions, items of `extension`.
pub(crate) fn device_extensions(w: &mut Writer, routes: &[Segment<'_>]) {
    for (reference, name) in devices(routes) {
        w.item(|w| {
            w.string("url", &format!("{}JP_MedicationDosage_Device", system::JP_EXTENSION));
            w.object("valueReference", |w| {
                w.string("reference", &reference);
                w.string("display", &name);
            });
        });
    }
}

/// Writes `site`, `route` and `method`. A Dosage has one of each: what further RXR allow instead, RXR-5 and `comments` stand
/// beside them as comments. Without RXR-4 the usage says the method.
pub(crate) fn route(
    w: &mut Writer,
    routes: &[Segment<'_>],
    usage: Option<&Usage>,
    comments: &[Value<'_>],
    out: &mut Output,
) {
    let Some((first, others)) = routes.split_first() else {
        if !comments.is_empty() {
            w.object("route", |w| w.array("extension", |w| about_route(w, comments, out)));
        }
        return usage.map(|usage| usage.method(w)).unwrap_or_default();
    };
    let further = |n: u16| others.iter().map(move |r| r.field(n)).filter(Value::is_valued);
    w.object("site", |w| {
        w.array("extension", |w| {
            w.item(|w| {
                if first.peek(6).is_valued() {
                    w.string("url", BODY_SITE);
                    w.object("valueReference", |w| {
                        w.string("reference", &format!("#{SITE}"));
                        w.string("display", &site_text(*first));
                    });
                }
            });
            further(2).for_each(|value| About::Site.write(w, value, out));
        });
        cwe::members(w, first.field(2), "HL70163", out);
    });
    w.object("route", |w| {
        w.array("extension", |w| {
            let routing = routes.iter().map(|r| r.field(5)).filter(Value::is_valued);
            let all: Vec<Value<'_>> = further(1).chain(routing).chain(comments.iter().copied()).collect();
            about_route(w, &all, out);
        });
        cwe::members(w, first.field(1), "HL70162", out);
    });
    if first.peek(4).is_valued() || further(4).next().is_some() {
        w.object("method", |w| {
            w.array("extension", |w| further(4).for_each(|value| About::Method.write(w, value, out)));
            cwe::members(w, first.field(4), "HL70165", out);
        });
    } else if let Some(usage) = usage {
        usage.method(w);
    }
}

fn about_route(w: &mut Writer, comments: &[Value<'_>], out: &mut Output) {
    comments.iter().for_each(|value| About::Route.write(w, *value, out));
}

/// 左腕: the modifier and the site, as Japanese puts them.
fn site_text(route: Segment<'_>) -> String {
    let [site, modifier] = [2, 6].map(|n| cwe::text(route.peek(n)));
    let separator = if site.is_ascii() && modifier.is_ascii() { " " } else { "" };
    [modifier, site].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(separator)
}

/// Method, route and site in words, for a Dosage without a usage.
pub(crate) fn text(routes: &[Segment<'_>]) -> Vec<String> {
    let Some(first) = routes.first() else { return Vec::new() };
    let words = [cwe::text(first.peek(4)), cwe::text(first.peek(1)), site_text(*first)];
    words.into_iter().filter(|t| !t.is_empty()).collect()
}
