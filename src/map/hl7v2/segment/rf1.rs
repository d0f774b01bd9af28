//! RF1 referral information (HL7 v2.5 section 11.6.1; RF1-12 and later of version 2.8) to ServiceRequest.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::document::Confidentiality;
use crate::map::hl7v2::datatype::{cwe, hd, ts, xcn, xon};
use crate::map::hl7v2::segment::prd::Provider;
use crate::map::hl7v2::segment::{nte, orc};

const SNOMED: &str = "http://snomed.info/sct";

/// What stands around a referral.
#[derive(Debug, Default)]
pub(crate) struct Around<'m, 'a> {
    /// Whether the event cancels it (I14).
    pub(crate) is_cancelled: bool,
    /// PRD.
    pub(crate) providers: &'a [Provider],
    /// The visit.
    pub(crate) encounter: Option<&'a str>,
    /// Conditions.
    pub(crate) reasons: &'a [String],
    /// Coverages.
    pub(crate) insurances: &'a [String],
    /// Procedures, results, contacts.
    pub(crate) supporting: &'a [String],
    /// NTE about the whole.
    pub(crate) notes: &'a [Segment<'m>],
    /// Whether the visit is protected.
    pub(crate) confidentiality: Confidentiality,
}

/// What the referral is told by: RF1-6, else the first of RF1-11.
pub(crate) fn number(rf1: Segment<'_>) -> Option<String> {
    [6, 11].into_iter().map(|field| orc::number(rf1.peek(field))).find(|number| !number.is_empty())
}

/// Puts the ServiceRequest.
pub(crate) fn service_request(rf1: Segment<'_>, id: ResourceId, around: &Around<'_, '_>, out: &mut Output) {
    let requesters = of_role(around.providers, &["RP"]);
    let mut performers = of_role(around.providers, &["RT", "CP"]);
    performers.extend(xon::organization(rf1.field(19), out));
    performers.extend(xcn::practitioners(rf1.field(20), out));
    let others = around.providers.iter().filter(|provider| {
        let is_named = requesters.first() == Some(&provider.reference) || performers.contains(&provider.reference);
        !is_named
    });
    let supporting: Vec<&String> = others.map(|other| &other.reference).chain(around.supporting).collect();
    let mut w = Writer::new();
    w.array("identifier", |w| {
        for number in [6, 11].into_iter().flat_map(|field| rf1.field(field).repetitions()) {
            w.item(|w| identifier(w, number, out));
        }
    });
    w.string("status", status(rf1, around.is_cancelled));
    w.string("intent", "order");
    w.array("category", |w| cwe::concept_item(w, rf1.field(3), "HL70281", out));
    w.string("priority", priority(rf1));
    w.concept("code", SNOMED, "3457005", "Patient referral");
    w.array("orderDetail", |w| {
        for disposition in rf1.field(4).repetitions() {
            cwe::concept_item(w, disposition, "HL70282", out);
        }
    });
    out.subject(&mut w, "subject");
    w.reference("encounter", around.encounter.unwrap_or_default());
    ts::period(&mut w, "occurrencePeriod", rf1.field(7), rf1.field(8), out);
    ts::write(&mut w, "authoredOn", rf1.field(9), out);
    w.reference("requester", requesters.first().map_or("", String::as_str));
    references(&mut w, "performer", &performers);
    w.array("locationCode", |w| cwe::concept_item(w, rf1.field(5), "HL70284", out));
    w.array("reasonCode", |w| {
        for reason in rf1.field(10).repetitions() {
            cwe::concept_item(w, reason, "HL70336", out);
        }
    });
    references(&mut w, "reasonReference", around.reasons);
    references(&mut w, "insurance", around.insurances);
    w.array("supportingInfo", |w| {
        supporting.iter().for_each(|reference| w.item(|w| w.string("reference", reference)));
    });
    nte::notes(&mut w, around.notes, &[rf1.field(24)]);
    out.put_labelled(ResourceType::SERVICE_REQUEST, id, w, around.confidentiality.meta());
}

fn of_role(providers: &[Provider], roles: &[&str]) -> Vec<String> {
    let fits = |provider: &&Provider| provider.roles.iter().any(|role| roles.contains(&role.as_str()));
    providers.iter().filter(fits).map(|provider| provider.reference.clone()).collect()
}

fn references(w: &mut Writer, name: &str, references: &[String]) {
    w.array(name, |w| references.iter().for_each(|reference| w.item(|w| w.string("reference", reference))));
}

/// I14 cancels; RF1-25 D (segment action, version 2.8) takes an error back; RF1-1 (table 0283): a pending referral is
/// asked for as an accepted one is, a rejected or expired one is not any more.
fn status(rf1: Segment<'_>, is_cancelled: bool) -> &'static str {
    let state = cwe::code(rf1.field(1));
    match (rf1.field(25).text().trim(), state.as_str()) {
        ("D", _) => "entered-in-error",
        _ if is_cancelled => "revoked",
        (_, "A" | "P") => "active",
        (_, "R" | "E") => "revoked",
        _ => "unknown",
    }
}

/// RF1-2 (table 0280); empty, and left unread, when it is none of them.
fn priority(rf1: Segment<'_>) -> &'static str {
    let priority = match cwe::code(rf1.peek(2)).as_str() {
        "S" => "stat",
        "A" => "asap",
        "R" => "routine",
        _ => return "",
    };
    rf1.ignore(&[2]);
    priority
}

fn identifier(w: &mut Writer, value: Value<'_>, out: &Output) {
    let number = orc::number(value);
    if number.is_empty() {
        return;
    }
    let part = |part: u16| value.component(part).text().trim().to_owned();
    let system = hd::from_universal(&part(3), &part(4)).unwrap_or_else(|| match part(2) {
        name if name.is_empty() => out.facility.local_system("referral-number"),
        name => out.facility.local_system(&format!("referral-number-{name}")),
    });
    w.string("system", &system);
    w.string("value", &number);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hl7v2::Message;

    #[test]
    fn what_is_not_wanted_any_more_is_revoked() {
        let of = |rf1: &str, is_cancelled| {
            let text = format!("MSH|^~\\&|H\r{rf1}");
            let message = Message::parse(&text).unwrap().value;
            status(message.first("RF1").unwrap(), is_cancelled)
        };
        assert_eq!(of("RF1|A", false), "active");
        assert_eq!(of("RF1|P", false), "active");
        assert_eq!(of("RF1|R", false), "revoked");
        assert_eq!(of("RF1|E", false), "revoked");
        assert_eq!(of("RF1|A", true), "revoked");
        assert_eq!(of("RF1|99", false), "unknown");
        assert_eq!(of(&format!("RF1|A{}D", "|".repeat(24)), true), "entered-in-error");
    }
}
