//! Devices (C-CDA product instance 22.4.37, UDI organizer 22.4.311, non-medicinal supply 22.4.50) to Device,
//! DeviceUseStatement and DeviceRequest.

use super::account::{account, unmapped};
use super::identity;
use super::kind::Role;
use super::related::{Related, is_negated, note_items, related, told, unlinked};
use super::{Cx, actor, status};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::timing::Gts;
use crate::map::cda::datatype::{cd, en, ii, no_text, ts};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children};
use crate::map::stated::Content;

/// The root under which a UDI is an id.
const UDI: &str = "2.16.840.1.113883.3.3719";

/// Reports the participants of a statement whose kind its mapper does not read.
pub(super) fn report_participants(node: Node<'_>, taken: &[&str], out: &mut Output) {
    for participant in children(node, "participant") {
        if !taken.contains(&attribute(participant, "typeCode")) && node::null_flavor(participant).is_none() {
            unmapped(participant, out);
        }
    }
}

/// Whether a statement names a device.
pub(super) fn has_device(node: Node<'_>) -> bool {
    children(node, "participant").any(|p| is_device(p))
}

fn is_device(participant: Node<'_>) -> bool {
    let role = child(participant, "participantRole");
    matches!(attribute(participant, "typeCode"), "DEV" | "PRD")
        || role.is_some_and(|role| child(role, "playingDevice").is_some())
}

/// The device an observation was made with, as `Device/id`.
pub(super) fn used(node: Node<'_>, out: &mut Output) -> Option<String> {
    of_procedure(node, out).into_iter().next()
}

/// The devices that a procedure put in or worked on.
pub(super) fn of_procedure(node: Node<'_>, out: &mut Output) -> Vec<String> {
    let devices = children(node, "participant").filter(|p| attribute(*p, "typeCode") == "DEV");
    let roles: Vec<Node<'_>> = devices.filter_map(|p| child(p, "participantRole")).collect();
    let parts = udi_parts(node);
    roles.into_iter().filter_map(|role| device(role, &parts, out)).collect()
}

/// Maps a device supply: what the patient uses (EVN) or shall get.
pub(super) fn supply(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let participants: Vec<Node<'_>> = children(node, "participant").filter(|p| is_device(*p)).collect();
    let parts = udi_parts(node);
    let devices: Vec<String> = participants
        .iter()
        .filter_map(|p| child(*p, "participantRole"))
        .filter_map(|role| device(role, &parts, out))
        .collect();
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), ..cx };
    let (comments, others): (Vec<_>, Vec<_>) = related(node, out)
        .into_iter()
        .filter(|r| !is_udi(r.node))
        .partition(|r| matches!(r.role, Role::Comment | Role::Instruction));
    let is_event = matches!(attribute(node, "moodCode"), "" | "EVN");
    let resource_type = if is_event { ResourceType::DEVICE_USE_STATEMENT } else { ResourceType::DEVICE_REQUEST };
    let what = devices.first().cloned().unwrap_or_else(|| told(node, cx));
    let id = identity::of_content(node, resource_type, Content { what, when: identity::when(node) }, cx, out);
    let supply = Supply { node, device: devices.first().map(String::as_str), comments: &comments, authors: &authors };
    let w = if is_event { use_statement(supply, inner, out) } else { request(supply, inner, out) };
    const TAKEN: [&str; 11] = [
        "id",
        "code",
        "statusCode",
        "effectiveTime",
        "quantity",
        "author",
        "participant",
        "entryRelationship",
        "product",
        "independentInd",
        "performer",
    ];
    account(node, &TAKEN, out);
    let unread = children(node, "participant").filter(|p| !is_device(*p));
    unread.for_each(|participant| unmapped(participant, out));
    let mut references = vec![identity::put(node, resource_type, id, w, out)];
    references.extend(devices);
    references.extend(unlinked(&others, inner, out));
    references
}

/// A device supply and what is told around it.
#[derive(Clone, Copy)]
struct Supply<'d, 'a> {
    node: Node<'a>,
    device: Option<&'d str>,
    comments: &'d [Related<'a>],
    authors: &'d actor::Authors,
}

fn use_statement(supply: Supply<'_, '_>, cx: Cx<'_>, out: &mut Output) -> Writer {
    let Supply { node, authors, .. } = supply;
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    let code = status::code(node, out);
    let status = match code {
        "completed" | "active" => code,
        "nullified" => "entered-in-error",
        "suspended" | "held" => "on-hold",
        "aborted" | "cancelled" => "stopped",
        "new" => "intended",
        _ => "active",
    };
    w.string("status", if is_negated(node) { "stopped" } else { status });
    out.subject(&mut w, "subject");
    let span = Gts::of(node).span(out);
    let span = if span.is_empty() { cx.time.cloned().unwrap_or_default() } else { span };
    span.write(&mut w, "timing");
    w.string("recordedOn", authors.latest.as_deref().unwrap_or_default());
    let types = ["Patient", "Practitioner", "PractitionerRole", "RelatedPerson"];
    w.reference("source", authors.of_types(&types).unwrap_or_default());
    what(&mut w, "device", supply, cx);
    notes(&mut w, supply, cx, out);
    w
}

fn request(supply: Supply<'_, '_>, cx: Cx<'_>, out: &mut Output) -> Writer {
    let Supply { node, authors, .. } = supply;
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    let code = status::code(node, out);
    w.string("status", status::service_request(code));
    w.string("intent", status::intent(attribute(node, "moodCode")));
    what(&mut w, "codeReference", supply, cx);
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    Gts::of(node).span(out).write(&mut w, "occurrence");
    w.string("authoredOn", authors.latest.as_deref().unwrap_or_default());
    let types = ["Practitioner", "PractitionerRole", "Organization", "Device"];
    w.reference("requester", authors.of_types(&types).unwrap_or_default());
    notes(&mut w, supply, cx, out);
    w
}

/// The device, or its words where it is not named.
fn what(w: &mut Writer, name: &str, supply: Supply<'_, '_>, cx: Cx<'_>) {
    let words = told(supply.node, cx);
    match (supply.device, name) {
        (Some(device), name) => w.reference(name, device),
        (None, "codeReference") => {
            w.object("codeCodeableConcept", |w| w.string("text", if words.is_empty() { "unknown" } else { &words }))
        }
        (None, name) => w.object(name, |w| w.string("display", if words.is_empty() { "unknown" } else { &words })),
    }
}

/// Comments, and how many there are.
fn notes(w: &mut Writer, supply: Supply<'_, '_>, cx: Cx<'_>, out: &mut Output) {
    let comments: Vec<Node<'_>> = supply.comments.iter().map(|related| related.node).collect();
    let quantity = child_attribute(supply.node, "quantity", "value");
    w.array("note", |w| {
        note_items(w, &comments, cx, out);
        w.item(|w| {
            w.string("text", &if quantity.is_empty() { String::new() } else { format!("Quantity: {quantity}") })
        });
    });
}

/// A product instance as `Device/id`; `None` when it says nothing.
fn device(role: Node<'_>, parts: &[Node<'_>], out: &mut Output) -> Option<String> {
    let playing = child(role, "playingDevice").or_else(|| child(role, "playingEntity"));
    let code = playing.and_then(|playing| child(playing, "code")).filter(|code| cd::is_stated(*code));
    let code = code.or_else(|| child(role, "code").filter(|code| cd::is_stated(*code)));
    let model = en::plain(playing.and_then(|p| child(p, "manufacturerModelName").or_else(|| child(p, "name"))));
    let shown = code.map(|code| attribute(code, "code")).unwrap_or_default();
    let key = ii::key(role).or_else(|| (!shown.is_empty() || !model.is_empty()).then(|| format!("{shown}:{model}")))?;
    let udi = children(role, "id").find(|id| attribute(*id, "root") == UDI);
    let mut w = Writer::new();
    ii::identifiers(&mut w, role, out);
    w.array("udiCarrier", |w| {
        w.item(|w| {
            w.string("deviceIdentifier", &part(parts, "304"));
            w.string("carrierHRF", udi.map(|id| attribute(id, "extension")).unwrap_or_default());
        });
    });
    w.string("distinctIdentifier", &part(parts, "308"));
    let company = part(parts, "303");
    let scoping = child(role, "scopingEntity");
    let maker = en::plain(scoping.and_then(|scoping| child(scoping, "name").or_else(|| child(scoping, "desc"))));
    w.string("manufacturer", if company.is_empty() { &maker } else { &company });
    for (name, number) in [("manufactureDate", "316"), ("expirationDate", "309")] {
        let value = find(parts, number).and_then(|part| child(part, "value"));
        ts::write(&mut w, name, value, out);
    }
    w.string("lotNumber", &part(parts, "315"));
    w.string("serialNumber", &part(parts, "319"));
    let brand = part(parts, "301");
    w.array("deviceName", |w| {
        for (name, kind) in [(&brand, "user-friendly-name"), (&model, "model-name")] {
            w.item(|w| {
                if !name.is_empty() {
                    w.string("name", name);
                    w.string("type", kind);
                }
            });
        }
    });
    w.string("modelNumber", &part(parts, "317"));
    w.string("partNumber", &part(parts, "302"));
    cd::concept(&mut w, "type", code, &no_text, out);
    out.subject(&mut w, "patient");
    let safety: Vec<Node<'_>> =
        ["318", "314"].iter().filter_map(|n| find(parts, n)).filter_map(|p| child(p, "value")).collect();
    w.array("safety", |w| {
        for value in safety.into_iter().filter(|value| cd::is_stated(*value)) {
            cd::concept_item(w, value, &no_text, out);
        }
    });
    let id = out.id(ResourceType::DEVICE, &key);
    Some(out.put_weak(ResourceType::DEVICE, id, w))
}

/// The observations of the UDI organizer within a statement.
fn udi_parts<'a>(node: Node<'a>) -> Vec<Node<'a>> {
    let organizers = children(node, "entryRelationship").filter_map(|relation| child(relation, "organizer"));
    let organizers = organizers.filter(|organizer| is_udi(*organizer));
    organizers.flat_map(|organizer| children(organizer, "component")).filter_map(|c| child(c, "observation")).collect()
}

/// Whether an organizer tells the parts of a UDI: they are read with the device.
pub(super) fn is_udi(organizer: Node<'_>) -> bool {
    super::kind::is_ccda(organizer, "311")
}

fn find<'a>(parts: &[Node<'a>], number: &str) -> Option<Node<'a>> {
    parts.iter().copied().find(|part| super::kind::is_ccda(*part, number))
}

fn part(parts: &[Node<'_>], number: &str) -> String {
    let Some(value) = find(parts, number).and_then(|part| child(part, "value")) else { return String::new() };
    let stated = [
        attribute(value, "extension"),
        attribute(value, "displayName"),
        attribute(value, "code"),
        attribute(value, "value"),
    ];
    match stated.into_iter().find(|text| !text.is_empty()) {
        Some(text) => text.to_owned(),
        None => node::text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{map_entry, resource};

    #[test]
    fn an_implant_is_a_device_with_the_parts_of_its_udi() {
        let entry = concat!(
            r#"<procedure classCode="PROC" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.14"/>"#,
            r#"<id root="1.2.3" extension="P"/><code code="360030002" codeSystem="2.16.840.1.113883.6.96"/>"#,
            r#"<statusCode code="completed"/><effectiveTime value="20140815"/><participant typeCode="DEV">"#,
            r#"<participantRole classCode="MANU"><id root="2.16.840.1.113883.3.3719" extension="(01)0064(10)A"/>"#,
            r#"<playingDevice><code code="704708004" codeSystem="2.16.840.1.113883.6.96" displayName="Lead"/></playingDevice>"#,
            r#"<scopingEntity><desc>Test Devices</desc></scopingEntity></participantRole></participant>"#,
            r#"<entryRelationship typeCode="COMP"><organizer classCode="CLUSTER" moodCode="EVN">"#,
            r#"<templateId root="2.16.840.1.113883.10.20.22.4.311"/><component><observation classCode="OBS" moodCode="EVN">"#,
            r#"<templateId root="2.16.840.1.113883.10.20.22.4.319"/><value xsi:type="ED">S-1</value></observation></component>"#,
            r#"</organizer></entryRelationship></procedure>"#
        );
        let (out, references) = map_entry(entry, "47519-4");
        assert_eq!(references.len(), 1);
        let device = resource(&out, "Device");
        assert_eq!(device["udiCarrier"][0]["carrierHRF"], "(01)0064(10)A");
        assert_eq!(device["serialNumber"], "S-1");
        assert_eq!(device["manufacturer"], "Test Devices");
        let procedure = resource(&out, "Procedure");
        assert!(procedure["focalDevice"][0]["manipulated"]["reference"].as_str().unwrap().starts_with("Device/"));
    }
}
