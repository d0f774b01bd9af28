//! Whose record a document belongs to, what replaces what, and the limits of a document.

use super::*;
use crate::fault::Rule;
use crate::fhir::{FacilityCode, PatientKey};
use crate::map::Change;

const OWN: &str = "<id root='1.2.392.100495.20.3.51.10119999901' extension='7'/>";
const OTHER: &str = "<id root='1.2.392.100495.20.3.51.10119999902' extension='8'/>";
const REGION: &str = "<id root='1.2.392.200119.9.1' extension='9'/>";

fn document(ids: &str, inside: &str) -> String {
    format!(
        "<ClinicalDocument xmlns='urn:hl7-org:v3'><recordTarget><patientRole>{ids}</patientRole></recordTarget>{inside}\
         </ClinicalDocument>"
    )
}

fn mapped(facility: &str, text: &str) -> Result<Noted<Mapped>, Issue> {
    let source = Source { facility: FacilityCode::parse(facility), zone_minutes: 540 };
    let document = xml::parse(text).unwrap();
    let context = Context { source: &source, letter: LetterId([0; 32]), bytes: text.as_bytes(), book: &Arc::default() };
    map(&document, context)
}

fn key(facility: &str, number: &str) -> PatientKey {
    PatientKey::derive(&FacilityCode::parse(facility), number)
}

fn count(noted: &Noted<Mapped>, rule: &'static Rule) -> usize {
    noted.issues.iter().filter(|issue| issue.rule == rule).count()
}

fn reference(noted: &Noted<Mapped>, kind: &str) -> String {
    let references = noted.value.changes.iter().map(|change| match change {
        Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => draft.reference(),
        Change::Delete { .. } | Change::WholeList(_) => String::new(),
    });
    references.filter(|reference| reference.starts_with(kind)).collect()
}

#[test]
fn the_facilitys_own_number_decides_wherever_it_stands() {
    let [house, clinic] = ["0119999901", "0119999902"];
    let custodian = |number: &str| {
        format!(
            "<custodian><assignedCustodian><representedCustodianOrganization><id root='1.2' extension='{number}'/>\
             </representedCustodianOrganization></assignedCustodian></custodian>"
        )
    };
    for (facility, ids, inside, expected) in [
        (house, [REGION, OTHER, OWN].concat(), String::new(), key(house, "7")),
        (clinic, [REGION, OTHER, OWN].concat(), String::new(), key(clinic, "8")),
        // Nobody configured: the one house, the house that keeps the document, the first.
        ("", [REGION, OWN].concat(), String::new(), key(house, "7")),
        ("", [OTHER, OWN].concat(), custodian(house), key(house, "7")),
        ("", [OTHER, OWN].concat(), custodian("x"), key(clinic, "8")),
        // None of its own: kept apart, in its own name.
        (house, OTHER.to_owned(), String::new(), key(house, "1.2.392.100495.20.3.51.10119999902|8")),
        (house, REGION.to_owned(), String::new(), key(house, "1.2.392.200119.9.1|9")),
        ("", REGION.to_owned(), String::new(), key("", "1.2.392.200119.9.1|9")),
        (house, format!("<id nullFlavor='UNK'/>{OWN}"), String::new(), key(house, "7")),
        (
            house,
            "<id root='DB734647-fc99-424c-a864-7e3cda82e700'/>".into(),
            String::new(),
            key(house, "db734647-fc99-424c-a864-7e3cda82e700|db734647-fc99-424c-a864-7e3cda82e700"),
        ),
    ] {
        let noted = mapped(facility, &document(&ids, &inside)).unwrap();
        assert_eq!(noted.value.patient, expected, "{facility} {ids} {inside}");
        let is_foreign = ids == OTHER || !ids.contains(OWN);
        assert_eq!(count(&noted, &rule::FOREIGN_NUMBER), usize::from(is_foreign), "{ids}");
    }
}

#[test]
fn nobody_knows_whose_or_two_do() {
    let held = |text: &str| mapped("0119999901", text).unwrap_err();
    for ids in ["", "<id root='1.2.3'/>", "<id nullFlavor='UNK' root='1.2' extension='1'/>"] {
        assert_eq!(held(&document(ids, "")).rule, &rule::NO_PATIENT_NUMBER, "{ids}");
    }
    let two = |other: &str| document(OWN, &format!("<recordTarget><patientRole>{other}</patientRole></recordTarget>"));
    assert_eq!(held(&two(OTHER)).rule, &rule::SEVERAL_PATIENTS);
    assert!(mapped("0119999901", &two(&[REGION, OWN].concat())).is_ok());
    let issue = held("<ClinicalDocument xmlns='urn:hl7-org:v3'/>");
    assert_eq!(
        (issue.rule, issue.place.to_string().as_str()),
        (&rule::NO_PATIENT, "/ClinicalDocument/recordTarget (line 1, column 1)")
    );
    assert_eq!(held("<ClinicalDocument/>").rule, &rule::NOT_CDA);
}

#[test]
fn versions_of_a_set_are_one_document() {
    let version = |id: &str, set: &str| {
        let set = if set.is_empty() { String::new() } else { format!("<setId root='1.2' extension='{set}'/>") };
        let noted = mapped("0119999901", &document(OWN, &format!("<id root='1.1' extension='{id}'/>{set}"))).unwrap();
        (reference(&noted, "Composition"), reference(&noted, "DocumentReference"), noted.value.origin)
    };
    assert_eq!(version("a", "s"), version("b", "s"));
    assert_ne!(version("a", "s"), version("a", "t"));
    assert_ne!(version("a", ""), version("b", ""));
    assert_eq!(version("a", "").2, None);
    assert_eq!(version("a", "s").2.as_deref(), Some("CDA 1.2^s"));
    let nameless = mapped("0119999901", &document(OWN, "")).unwrap();
    assert_eq!(count(&nameless, &rule::NO_DOCUMENT_ID), 1);
}

#[test]
fn times_without_an_offset_are_of_the_documents_zone() {
    let noted = |time: &str| {
        let text = document(OWN, &format!("<effectiveTime value='{time}'/>"));
        mapped("0119999901", &text).unwrap().value.changes[0].occurred()
    };
    assert_eq!(noted("20260401120000"), noted("20260401030000+0000"));
    assert_eq!(noted("20260401120000+0900"), noted("20260401120000"));
    for (value, expected) in [("20260401-0530", Some(-330)), ("20260401", None), ("2026+09", None), ("2026+9900", None)]
    {
        let text = format!("<t value='{value}'/>");
        let document = xml::parse(&text).unwrap();
        assert_eq!(zone(document.root_element()), expected, "{value}");
    }
}

#[test]
fn sections_are_nested_as_deep_as_the_limit() {
    let nested = |depth: usize| {
        let sections = "<component><section><title>t</title>".repeat(depth) + &"</section></component>".repeat(depth);
        let body = format!("<component><structuredBody>{sections}</structuredBody></component>");
        let noted = mapped("0119999901", &document(OWN, &body)).unwrap();
        let composition = noted.value.changes.iter().find_map(|change| match change {
            Change::Put(draft) if draft.reference().starts_with("Composition") => Some(draft.members.clone()),
            _ => None,
        });
        let composition = composition.unwrap();
        (composition.matches("\"section\":[").count(), composition.matches("\"title\":\"t\"").count(), noted)
    };
    let at = nested(section::DEPTH_MAX);
    assert_eq!((at.0, at.1, count(&at.2, &rule::SECTION_DEPTH)), (section::DEPTH_MAX, section::DEPTH_MAX, 0));
    let past = nested(section::DEPTH_MAX + 3);
    assert_eq!((past.0, past.1), (section::DEPTH_MAX, section::DEPTH_MAX + 3));
    assert_eq!(count(&past.2, &rule::SECTION_DEPTH), 3);
}

#[test]
fn issues_and_labels_have_limits() {
    let with = |number: usize| {
        let section =
            |n: usize| format!("<component><section><confidentialityCode code='X{n}'/></section></component>");
        let sections: String = (0..number).map(section).collect();
        let body = format!("<component><structuredBody>{sections}</structuredBody></component>");
        mapped("0119999901", &document(OWN, &body)).unwrap()
    };
    let labels = |noted: &Noted<Mapped>| match noted.value.changes.last() {
        Some(Change::Put(draft)) => draft.meta.matches("\"code\"").count(),
        _ => 0,
    };
    assert_eq!(labels(&with(LABELS_MAX)), LABELS_MAX);
    assert_eq!(labels(&with(LABELS_MAX + 1)), LABELS_MAX);
    // Two issues for each: no code, nothing in it.
    let noted = |number: usize| {
        let noted = with(number);
        count(&noted, &rule::SECTION_CODE) + count(&noted, &rule::SECTION_EMPTY)
    };
    assert_eq!(noted(section::ISSUES_MAX / 2), section::ISSUES_MAX);
    assert_eq!(noted(section::ISSUES_MAX / 2 + 1), section::ISSUES_MAX);
}

#[test]
fn an_author_is_the_patient_when_a_number_among_the_first_says_so() {
    let author = |others: usize| {
        let others: String = (0..others).map(|n| format!("<id root='1.9' extension='{n}'/>")).collect();
        let text = document(OWN, &format!("<author><assignedAuthor>{others}{OWN}</assignedAuthor></author>"));
        reference(&mapped("0119999901", &text).unwrap(), "Practitioner/").is_empty()
    };
    assert!(author(party::IDS_MAX - 1));
    assert!(!author(party::IDS_MAX));
}

#[test]
fn race_and_ethnicity_are_said_as_us_core_has_them() {
    let extensions = |codes: &str| {
        let role = format!("{OWN}<patient>{codes}</patient>");
        let noted = mapped("0119999901", &document(&role, "")).unwrap();
        match noted.value.changes.first() {
            Some(Change::PutWeak(draft)) => draft.members.split("\"identifier\"").next().unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    };
    let race = |code: &str| format!("<raceCode {code} codeSystem='2.16.840.1.113883.6.238'/>");
    let silent = extensions(&race("nullFlavor='UNK'"));
    assert!(
        silent.contains("v3-NullFlavor\",\"code\":\"UNK\"") && silent.contains("\"valueString\":\"Unknown\""),
        "{silent}"
    );
    let coded =
        extensions(&(race("code='2106-3' displayName='White'") + &race("code='2108-9' displayName='European'")));
    assert!(
        coded.contains("ombCategory") && coded.contains("detailed") && coded.contains("White, European"),
        "{coded}"
    );
    assert_eq!(extensions(&race("nullFlavor='NI'")), "");
}
