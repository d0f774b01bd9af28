//! An event as an AuditMessage of DICOM PS3.15 A.5 (ATNA, JAHIS ヘルスケア分野における監査証跡のメッセージ標準規約 2.1): the event, who
//! took part, who recorded it, what it was about. One line of XML, without a prolog.
//!
//! DICOM's own events stand in `EventID` (110110 Patient Record, 110112 Query); the interaction of FHIR in `EventTypeCode`.

use core::fmt::Write;

use super::event::{Event, What};
use super::shape::{self, ACT_REASON, Code, DCM};
use crate::fhir::{base64, time};

/// Offset in which instants are written: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;
const RFC_3881: &str = "RFC-3881";

/// The AuditMessage; `base_url` is the address of the gateway that recorded the event.
pub fn to_dicom(event: &Event, base_url: &str) -> String {
    let mut out = String::with_capacity(2048);
    out.push_str("<AuditMessage>");
    identification(&mut out, event);
    participants(&mut out, event, base_url);
    let site = shape::host(base_url);
    let id = if site.is_empty() { "tasuki" } else { site };
    tag(&mut out, "AuditSourceIdentification", &[("AuditSourceID", id), ("AuditEnterpriseSiteID", site)], false);
    let source = if shape::is_decision(event) { "6" } else { "4" };
    tag(
        &mut out,
        "AuditSourceTypeCode",
        &[("csd-code", source), ("codeSystemName", RFC_3881), ("originalText", "")],
        true,
    );
    out.push_str("</AuditSourceIdentification>");
    objects(&mut out, event);
    out.push_str("</AuditMessage>");
    out
}

fn identification(out: &mut String, event: &Event) {
    let kind = shape::kind(event);
    let (outcome, sentence) = shape::outcome(event.outcome);
    let attributes = [
        ("EventActionCode", kind.action),
        ("EventDateTime", &time::instant(event.recorded_ms, ZONE_MINUTES)),
        ("EventOutcomeIndicator", outcome),
    ];
    tag(out, "EventIdentification", &attributes, false);
    let id = match event.what {
        _ if kind.code.0 == DCM => kind.code,
        What::Search => Code(DCM, "110112", "Query"),
        _ => Code(DCM, "110110", "Patient Record"),
    };
    coded(out, "EventID", id);
    let rest = (kind.code.0 != DCM).then_some(kind.code);
    rest.into_iter().chain(kind.subtypes).for_each(|code| coded(out, "EventTypeCode", code));
    text(out, "EventOutcomeDescription", sentence);
    if let Some(purpose) = event.purpose {
        coded(out, "PurposeOfUse", Code(ACT_REASON, purpose.code(), purpose.code()));
    }
    out.push_str("</EventIdentification>");
}

fn participants(out: &mut String, event: &Event, base_url: &str) {
    let parts = shape::parts(event);
    let sends = matches!(event.what, What::Send | What::Start | What::Stop);
    let client = event.agent.as_ref().map_or("unknown", |agent| agent.client.as_str());
    let address = event.address.map(|address| address.to_string()).unwrap_or_default();
    participant(out, "Tasuki", sends, shape::host(base_url), parts.server);
    participant(out, client, !sends && parts.people.is_empty(), &address, parts.client);
    for (nth, (part, who)) in parts.people.iter().enumerate() {
        participant(out, who, !sends && nth == 0, "", *part);
    }
}

/// `NetworkAccessPointTypeCode` is 1 for a name, 2 for an address of the Internet protocol.
fn participant(out: &mut String, who: &str, asks: bool, network: &str, part: Code) {
    let form = match network {
        "" => "",
        address if address.parse::<core::net::IpAddr>().is_ok() => "2",
        _ => "1",
    };
    let asks = if asks { "true" } else { "false" };
    let attributes = [
        ("UserID", who),
        ("UserIsRequestor", asks),
        ("NetworkAccessPointID", network),
        ("NetworkAccessPointTypeCode", form),
    ];
    tag(out, "ActiveParticipant", &attributes, false);
    coded(out, "RoleIDCode", part);
    out.push_str("</ActiveParticipant>");
}

fn objects(out: &mut String, event: &Event) {
    for patient in &event.patients {
        let id = Code(RFC_3881, "2", "Patient Number");
        object(out, (&patient.reference(), "1", "1"), id, |_| {});
    }
    let type_name = event.resource_type.map_or("", |resource_type| resource_type.name());
    if let Some(id) = event.id.as_ref().filter(|_| !type_name.is_empty()) {
        let reference = format!("{type_name}/{}", id.as_str());
        object(out, (&reference, "2", "4"), Code("http://hl7.org/fhir/resource-types", type_name, type_name), |_| {});
    }
    if event.what == What::Search || shape::finds(event.what) {
        let names = shape::asked(event, &event.query.text());
        let asked = Some(event.query.asked()).filter(|asked| !asked.is_empty());
        let query = asked.map(|asked| shape::asked(event, asked));
        object(out, ("query", "2", "24"), Code(RFC_3881, "10", "Search Criteria"), |out| {
            text(out, "ParticipantObjectQuery", &base64::encode(query.as_ref().unwrap_or(&names).as_bytes()));
            let count = base64::encode(event.count.to_string().as_bytes());
            tag(out, "ParticipantObjectDetail", &[("type", "results"), ("value", &count)], true);
        });
    }
    for consent in &event.consents {
        let reference = format!("Consent/{}/_history/{}", consent.id, consent.version);
        object(out, (&reference, "2", "13"), Code("http://hl7.org/fhir/resource-types", "Consent", "Consent"), |_| {});
    }
    let (what, code) = match shape::letter(event) {
        Some(letter) => (letter, Code("urn:ietf:rfc:3986", "letter", "Letter")),
        None => (
            event.request.as_str(),
            Code("https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId", "X-Request-Id"),
        ),
    };
    if !what.is_empty() {
        object(out, (what, "2", "20"), code, |_| {});
    }
}

/// An object with its id, its type and its role; `inside` is what stands in it beside the kind of its id.
fn object(out: &mut String, (id, kind, role): (&str, &str, &str), code: Code, inside: impl FnOnce(&mut String)) {
    let attributes =
        [("ParticipantObjectID", id), ("ParticipantObjectTypeCode", kind), ("ParticipantObjectTypeCodeRole", role)];
    tag(out, "ParticipantObjectIdentification", &attributes, false);
    coded(out, "ParticipantObjectIDTypeCode", code);
    inside(out);
    out.push_str("</ParticipantObjectIdentification>");
}

/// A code as DICOM has it: `DCM` for its own, the system's address for others.
fn coded(out: &mut String, name: &str, code: Code) {
    let system = if code.0 == DCM { "DCM" } else { code.0 };
    let meaning = if code.2.is_empty() { code.1 } else { code.2 };
    tag(out, name, &[("csd-code", code.1), ("codeSystemName", system), ("originalText", meaning)], true);
}

/// An element with its attributes; those that are empty are left out.
fn tag(out: &mut String, name: &str, attributes: &[(&str, &str)], is_empty: bool) {
    // Writing into a String does not fail.
    let _ = write!(out, "<{name}");
    for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(out, " {name}=\"");
        escaped(out, value);
        out.push('"');
    }
    out.push_str(if is_empty { "/>" } else { ">" });
}

fn text(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = write!(out, "<{name}>");
        escaped(out, value);
        let _ = write!(out, "</{name}>");
    }
}

/// What XML has no form for is left out (XML 1.0 section 2.2).
fn escaped(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use roxmltree::{Document, Node};

    use super::*;
    use crate::audit::{Agent, Outcome, QueryShape};
    use crate::consent::{ConsentVersion, Purpose, Role};
    use crate::fhir::{PatientKey, ResourceId, ResourceType};

    fn event(what: What, outcome: Outcome, words: &str) -> Event {
        Event {
            outcome,
            agent: Some(Agent { client: words.into(), organization: "Organization/a".into(), role: Role::Care }),
            address: "192.0.2.7".parse().ok(),
            resource_type: Some(ResourceType::OBSERVATION),
            id: ResourceId::parse("o1"),
            patients: vec![PatientKey(7 << 64)],
            query: QueryShape::of(["patient"]).with_asked(words),
            request: words.into(),
            consents: vec![ConsentVersion { id: "k1".into(), version: 3 }],
            count: 17,
            purpose: Some(Purpose::TREATMENT),
            person: None,
            ..Event::new(1_790_000_000_123, what)
        }
    }

    fn named<'a>(of: Node<'a, 'a>, name: &str) -> Vec<Node<'a, 'a>> {
        of.children().filter(|node| node.has_tag_name(name)).collect()
    }

    /// PS3.15 A.5.1: what must be there, in its order.
    fn check(xml: &str) {
        let document = Document::parse(xml).unwrap();
        let root = document.root_element();
        assert!(root.has_tag_name("AuditMessage"));
        let order = [
            "EventIdentification",
            "ActiveParticipant",
            "AuditSourceIdentification",
            "ParticipantObjectIdentification",
        ];
        let places: Vec<_> =
            root.children().map(|node| order.iter().position(|name| node.has_tag_name(*name)).unwrap()).collect();
        assert!(places.is_sorted(), "{xml}");
        let has = |node: Node, names: &[&str]| {
            names.iter().all(|name| node.attribute(*name).is_some_and(|value| !value.is_empty()))
        };
        let code = |of: Node, name: &str| {
            let codes = of.children().filter(|node| node.has_tag_name(name)).collect::<Vec<_>>();
            !codes.is_empty() && codes.iter().all(|node| has(*node, &["csd-code", "codeSystemName", "originalText"]))
        };
        let [event] = named(root, "EventIdentification")[..] else { panic!("{xml}") };
        assert!(
            has(event, &["EventActionCode", "EventDateTime", "EventOutcomeIndicator"]) && code(event, "EventID"),
            "{xml}"
        );
        assert!(["C", "R", "U", "D", "E"].contains(&event.attribute("EventActionCode").unwrap()));
        assert!(["0", "4", "8", "12"].contains(&event.attribute("EventOutcomeIndicator").unwrap()));
        let participants = named(root, "ActiveParticipant");
        assert!(
            participants.iter().all(|one| has(*one, &["UserID", "UserIsRequestor"]) && code(*one, "RoleIDCode")),
            "{xml}"
        );
        assert_eq!(participants.iter().filter(|one| one.attribute("UserIsRequestor") == Some("true")).count(), 1);
        for one in participants.iter().filter(|one| one.attribute("NetworkAccessPointID").is_some()) {
            assert!(["1", "2"].contains(&one.attribute("NetworkAccessPointTypeCode").unwrap()), "{xml}");
        }
        let [source] = named(root, "AuditSourceIdentification")[..] else { panic!("{xml}") };
        assert!(has(source, &["AuditSourceID"]));
        for object in named(root, "ParticipantObjectIdentification") {
            assert!(has(object, &["ParticipantObjectID", "ParticipantObjectTypeCode"]), "{xml}");
            assert!(code(object, "ParticipantObjectIDTypeCode"), "{xml}");
        }
    }

    #[test]
    fn every_kind_of_event_is_a_message() {
        for what in What::ALL.into_iter().chain([What::Other]) {
            for outcome in Outcome::ALL.into_iter().chain([Outcome::Other]) {
                check(&to_dicom(&event(what, outcome, "r-1"), "https://gateway.example/fhir"));
                check(&to_dicom(&Event { outcome, ..Event::new(0, what) }, ""));
            }
        }
    }

    #[test]
    fn a_search_reads_as_jahis_has_it() {
        let xml = to_dicom(&event(What::Search, Outcome::Done, "patient=7"), "http://192.0.2.1:8080/fhir");
        for expected in [
            r#"<EventID csd-code="110112" codeSystemName="DCM" originalText="Query"/>"#,
            r#"<ActiveParticipant UserID="Tasuki" UserIsRequestor="false" NetworkAccessPointID="192.0.2.1" NetworkAccessPointTypeCode="2"><RoleIDCode csd-code="110152" codeSystemName="DCM" originalText="Destination Role ID"/>"#,
            r#"<RoleIDCode csd-code="110153" codeSystemName="DCM" originalText="Source Role ID"/>"#,
            r#"NetworkAccessPointID="192.0.2.7" NetworkAccessPointTypeCode="2""#,
            r#"ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="24""#,
            "<ParticipantObjectQuery>R0VUIE9ic2VydmF0aW9uP3BhdGllbnQ9Nw==</ParticipantObjectQuery>",
        ] {
            assert!(xml.contains(expected), "{expected} in {xml}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_the_words_are_it_is_xml(words in "\\PC{0,20}|[<>&\"'\u{0}-\u{1f}\u{fffe}]{0,8}") {
            let event = event(What::Read, Outcome::Done, &words);
            let event = if words.is_empty() { Event { agent: None, ..event } } else { event };
            let xml = to_dicom(&event, "https://gateway.example/fhir");
            prop_assert!(Document::parse(&xml).is_ok(), "{}", xml);
        }
    }
}
