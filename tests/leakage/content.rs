//! F. What stands in a resource that may be seen.

use serde_json::{Value, json};

use crate::gateway::{HOSPITAL, bundle, condition as sent, consent, letter, number_of, receive};
use crate::{HIDDEN, SHOWN, observation, patient, serve, store, worlds};

#[test]
fn leak_39_names_beside_a_reference_do_not_leave() {
    let worlds = worlds();
    let everything = worlds.get(format!("/{}/$everything", patient(SHOWN))).body;
    for word in ["胃癌", "見本3", "secret", patient(HIDDEN).as_str()] {
        assert!(!everything.contains(word), "{word}");
    }
}

/// A patient named by number, without an address, is named.
#[test]
fn leak_39_a_patient_may_be_named_by_number() {
    let mut by_number = observation("by-number", SHOWN, "781", "2026-02-08");
    by_number["focus"] = json!([{"type": "Patient", "identifier": number_of(HOSPITAL, HIDDEN), "display": "見本3"}]);
    let served = serve(&store(&[by_number], &[]));
    assert_eq!(served.get("agency-a", "/Observation/by-number").status, 404);
}

#[test]
fn leak_41_copies_are_hidden_with_what_they_are_copies_of() {
    let worlds = worlds();
    worlds.find(&[
        ("/Composition", 1),
        ("/List", 0),
        ("/CarePlan", 0),
        ("/Goal", 0),
        ("/Composition?title=told-too-much", 0),
    ]);
    for hidden in ["Composition/told-too-much", "List/l-secret", "CarePlan/p-secret", "Goal/g-secret"] {
        assert_eq!(worlds.get(format!("/{hidden}")).status, 404, "{hidden}");
    }
}

/// What a patient refuses by a deny is in nothing that holds it: neither in the letter that brought it nor in what tells of it.
#[test]
fn leak_41_what_is_refused_is_in_nothing_that_holds_it() {
    let worlds = [false, true].map(|more| {
        let store = store(&[], &[]);
        let mut resources = vec![sent("letter", "I10", None)];
        resources.truncate(usize::from(more));
        receive(&store, &letter(HOSPITAL, "letter", &bundle(SHOWN, "letter", &resources)));
        let mut but = consent("permit", SHOWN, "agency-a", "active", Value::Null);
        let class = json!([{"system": "http://hl7.org/fhir/resource-types", "code": "Condition"}]);
        but["provision"]["provision"] = json!([{"type": "deny", "class": class}]);
        receive(&store, &letter("", "but", &but));
        serve(&store)
    });
    let bundles = worlds.each_ref().map(|served| served.get("agency-a", "/Bundle").body);
    assert!(!bundles[1].contains("I10"), "the letter holds what the patient refused: {}", bundles[1]);
    let provenances = worlds.each_ref().map(|served| served.get("agency-a", "/Provenance").body);
    assert!(!provenances[1].contains("Condition/"), "its Provenance tells of it: {}", provenances[1]);
}

#[test]
fn leak_43_labels_and_sources_are_hidden_with_what_carries_them() {
    let worlds = worlds();
    worlds.find(&[
        ("/Observation?_security=HIV", 0),
        ("/Observation?_security=http://terminology.hl7.org/CodeSystem/v3-ActCode%7C", 0),
        ("/Observation?_source=urn:x:ward-of-infections", 0),
        ("/Condition?_tag=UNINFORMED", 0),
        ("/Condition?_tag:not=UNINFORMED", 1),
    ]);
    for path in ["/$meta", "/Observation/$meta", "/Condition/$meta", "/Observation/o-hiv/$meta"] {
        let answer = worlds.get(path);
        assert!(!answer.body.contains("HIV") && !answer.body.contains("UNINFORMED"), "{path}: {}", answer.body);
    }
}

#[test]
fn leak_44_a_document_is_there_whole_or_not_at_all() {
    let worlds = worlds();
    assert_eq!(worlds.get("/Composition/told/$document").status, 200);
    let (hidden, missing) =
        (worlds.get("/Composition/told-too-much/$document"), worlds.get("/Composition/nothing/$document"));
    assert_eq!((hidden.status, &hidden.body), (404, &missing.body));
    assert_eq!(
        worlds.get("/Composition/$document?id=told-too-much").body,
        worlds.get("/Composition/$document?id=nothing").body
    );
}

#[test]
fn leak_45_provenance_tells_of_nothing_hidden() {
    let worlds = worlds();
    worlds.find(&[
        ("/Provenance", 0),
        ("/Provenance?target=Condition/secret", 0),
        ("/Provenance?target:Condition.code=secret", 0),
    ]);
    assert_eq!(worlds.get("/Provenance/pr-secret").status, 404);
    assert_eq!(worlds.get("/AuditEvent").status, 403);
}
