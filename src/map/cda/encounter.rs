//! componentOf/encompassingEncounter (CDA R2 section 4.2.3.5) to Encounter and Location: a mention, because the
//! messages about visits say them better.

use super::account::Account;
use super::datatype::{ad, cd, en, ii, ivl_ts::Span, no_text};
use super::node::{Node, attribute, children};
use super::party::{self, Party};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;

const ACT_CODE_OID: &str = "2.16.840.1.113883.5.4";
/// The values of ActEncounterCode (R4 value set v3-ActEncounterCode).
const CLASSES: [&str; 9] = ["AMB", "EMER", "FLD", "HH", "IMP", "ACUTE", "NONAC", "PRENC", "SS"];

/// The visit the document is about, as `Encounter/id`.
pub(super) fn state(root: Node<'_>, account: &Account, out: &mut Output) -> Option<String> {
    let node = account.enter(root, "componentOf").and_then(|of| account.enter(of, "encompassingEncounter"))?;
    let period = Span::of(account.take(node, "effectiveTime"), out);
    let participants = participants(node, account, out);
    let (location, provider) = location(node, account, out);
    let code = account.take(node, "code");
    account.take_all(node, "id").for_each(drop);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string("status", status(&period));
    class(&mut w, code);
    if let Some(code) = code.filter(|code| cd::is_stated(*code) && class_of(*code).is_none()) {
        w.array("type", |w| cd::concept_item(w, code, &no_text, out));
    }
    out.subject(&mut w, "subject");
    w.array("participant", |w| {
        for (kind, period, party) in &participants {
            for individual in party.person.iter() {
                w.item(|w| {
                    w.array("type", |w| {
                        w.item(|w| w.array("coding", |w| w.coding_item(system::V3_PARTICIPATION, kind, "")));
                    });
                    period.period(w, "period");
                    w.reference("individual", individual);
                });
            }
        }
    });
    whole(&period, &mut w);
    if let Some(disposition) = account.take(node, "dischargeDispositionCode") {
        w.object("hospitalization", |w| cd::concept(w, "dischargeDisposition", Some(disposition), &no_text, out));
    }
    w.array("location", |w| w.item(|w| w.reference("location", location.as_deref().unwrap_or_default())));
    w.reference("serviceProvider", provider.as_deref().unwrap_or_default());
    let key = ii::key(node).unwrap_or_else(|| format!("period:{}", period.first().unwrap_or_default()));
    let id = out.id(ResourceType::ENCOUNTER, &key);
    Some(out.put_weak(ResourceType::ENCOUNTER, id, w))
}

/// A point in time is a visit that began and ended then.
pub(super) fn whole(period: &Span, w: &mut Writer) {
    let mut period = period.clone();
    if period.is_point {
        period.end = period.start.clone();
    }
    period.period(w, "period");
}

/// By its time (C-CDA on FHIR): what has an end has ended.
fn status(period: &Span) -> &'static str {
    match (period.is_over() || period.ended_unknown, &period.start) {
        (true, _) => "finished",
        (false, Some(_)) => "in-progress",
        (false, None) => "unknown",
    }
}

fn class(w: &mut Writer, code: Option<Node<'_>>) {
    match code.and_then(class_of) {
        Some(class) => w.object("class", |w| {
            w.string("system", system::V3_ACT_CODE);
            w.string("code", class);
        }),
        // Encounter.class is 1..1.
        None => w.object("class", |w| {
            w.array("extension", |w| {
                w.item(|w| {
                    w.string("url", system::DATA_ABSENT_REASON);
                    w.string("valueCode", "unknown");
                });
            });
        }),
    }
}

/// The code or the translation that is an ActEncounterCode.
fn class_of<'a>(code: Node<'a>) -> Option<&'a str> {
    let mut all = [code].into_iter().chain(children(code, "translation"));
    let of = |node: Node<'a>| {
        let is_class = attribute(node, "codeSystem") == ACT_CODE_OID && CLASSES.contains(&attribute(node, "code"));
        is_class.then(|| attribute(node, "code"))
    };
    all.find_map(of)
}

fn participants(node: Node<'_>, account: &Account, out: &mut Output) -> Vec<(String, Span, Party)> {
    let mut all = Vec::new();
    for responsible in account.enter_all(node, "responsibleParty") {
        if let Some(entity) = account.enter(responsible, "assignedEntity") {
            all.push(("PPRF".to_owned(), Span::default(), party::assigned(entity, account, out)));
        }
    }
    for participant in account.enter_all(node, "encounterParticipant") {
        let period = Span::of(account.take(participant, "time"), out);
        if let Some(entity) = account.enter(participant, "assignedEntity") {
            let kind = attribute(participant, "typeCode").to_owned();
            all.push((kind, period, party::assigned(entity, account, out)));
        }
    }
    all
}

/// The place, and the organisation that runs it.
fn location(node: Node<'_>, account: &Account, out: &mut Output) -> (Option<String>, Option<String>) {
    let facility = account.enter(node, "location").and_then(|l| account.enter(l, "healthCareFacility"));
    let Some(facility) = facility else { return (None, None) };
    let provider = account.enter(facility, "serviceProviderOrganization");
    let provider = provider.and_then(|provider| party::organization(provider, account, out));
    let place = account.enter(facility, "location");
    let name = en::plain(place.and_then(|place| account.take(place, "name")));
    let addr = place.and_then(|place| account.take(place, "addr"));
    account.take_all(facility, "id").for_each(drop);
    let code = account.take(facility, "code").filter(|code| cd::is_stated(*code));
    let Some(key) = ii::key(facility).or_else(|| (!name.is_empty()).then(|| format!("name:{name}"))) else {
        return (None, provider);
    };
    let mut w = Writer::new();
    ii::identifiers(&mut w, facility, out);
    w.string("name", &name);
    w.array("type", |w| {
        if let Some(code) = code {
            cd::concept_item(w, code, &no_text, out);
        }
    });
    if let Some(addr) = addr {
        w.object("address", |w| ad::address(w, addr, out));
    }
    w.reference("managingOrganization", provider.as_deref().unwrap_or_default());
    let id = out.id(ResourceType::LOCATION, &key);
    (Some(out.put_weak(ResourceType::LOCATION, id, w)), provider)
}
