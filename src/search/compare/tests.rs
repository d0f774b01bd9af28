//! Comparisons of values, row by row of the acceptance list (PTYPE, PSTR).
use super::*;
use crate::search::example::{World, ids, resource};
use serde_json::{Value as Json, json};

/// For each query, the ids it finds among resources that say one thing each.
fn table(name: &str, resources: &[(&str, Json)], rows: &[(&str, &str, &str)]) {
    let resources: Vec<Json> = resources.iter().map(|(id, members)| resource(name, id, members.clone())).collect();
    let world = World::of(&resources);
    let found = rows.iter().map(|(row, query, _)| (*row, *query, ids(&world, name, query)));
    let wrong: Vec<_> = found.zip(rows).filter(|((_, _, found), (_, _, expected))| found != expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn decimals_have_the_precision_that_is_asked() {
    let risk = |p: &str| json!({"prediction": [{"probabilityDecimal": serde_json::from_str::<Json>(p).unwrap()}]});
    let all = [("a", risk("0.8")), ("b", risk("0.84")), ("c", risk("0.85")), ("d", risk("0.750")), ("e", json!({}))];
    table(
        "RiskAssessment",
        &all,
        &[
            ("PTYPE-02", "probability=0.8", "a b d"),
            ("PTYPE-02", "probability=0.80", "a"),
            ("PTYPE-02", "probability=0.850", "c"),
            ("PTYPE-01", "probability=eq0.84", "b"),
            ("PTYPE-03", "probability=gt0.84", "c"),
            ("PTYPE-03", "probability=ge0.84", "b c"),
            ("PTYPE-03", "probability=lt0.8", "d"),
            ("PTYPE-03", "probability=le0.8", "a d"),
            ("PTYPE-03", "probability=sa0.8", "b c"),
            ("PTYPE-03", "probability=eb0.8", "d"),
            ("PTYPE-03", "probability=ne0.8", "c"),
            ("PTYPE-03", "probability=ap0.8", "a b c d"),
            ("PTYPE-03", "probability=ap0.77", "a b d"),
            ("PTYPE-04", "probability=0.84,0.85", "b c"),
            ("PTYPE-04", "probability=8.4e-1", "b"),
            ("PSTR-17", "probability:missing=true", "e"),
            ("PSTR-17", "probability:missing=false", "a b c d"),
        ],
    );
}

#[test]
fn the_examples_of_the_specification_hold() {
    let value = |text: &str| Value::Number {
        low: crate::fhir::decimal::Decimal::parse(text),
        high: crate::fhir::decimal::Decimal::parse(text),
        is_integer: false,
    };
    let found = |asked: &str, stated: &str| {
        let wanted = Wanted::Number(super::super::query::NumberWanted::read(asked).unwrap());
        any(&[value(stated)], &wanted)
    };
    for (asked, inside, outside) in [
        ("100", ["99.5", "100.49"], ["99.49", "100.5"]),
        ("100.00", ["99.995", "100.0049"], ["99.99", "100.005"]),
        ("1e2", ["95", "104.9"], ["94.9", "105"]),
        ("-5.40e-3", ["-0.0054", "-0.005396"], ["-0.0053", "0.0054"]),
    ] {
        assert_eq!(inside.map(|stated| found(asked, stated)), [true, true], "PTYPE-02 {asked}");
        assert_eq!(outside.map(|stated| found(asked, stated)), [false, false], "PTYPE-02 {asked}");
    }
}

#[test]
fn integers_are_equal_exactly() {
    let window = |start: u32| json!({"variant": [{"start": start, "end": start}]});
    table(
        "MolecularSequence",
        &[("a", window(100)), ("b", window(101)), ("c", window(104))],
        &[
            ("PTYPE-04", "variant-start=100", "a"),
            ("PTYPE-04", "variant-start=100.0", "a"),
            ("PTYPE-04", "variant-start=100.4", ""),
            ("PTYPE-04", "variant-start=1e2", "a b c"),
            ("PTYPE-04", "variant-start=-100", ""),
            ("PTYPE-04", "variant-start=100,101", "a b"),
            ("PTYPE-04", "variant-start=ne100", "b c"),
            ("PTYPE-04", "variant-start=gt100", "b c"),
        ],
    );
}

#[test]
fn dates_are_intervals() {
    let at = |text: &str| json!({"effectiveDateTime": text});
    let during = |start: Option<&str>, end: Option<&str>| {
        let mut period = json!({});
        if let Some(start) = start {
            period["start"] = json!(start);
        }
        if let Some(end) = end {
            period["end"] = json!(end);
        }
        json!({"effectivePeriod": period})
    };
    let all = [
        ("day", at("2013-01-14")),
        ("instant", at("2013-01-14T10:00:00+09:00")),
        ("month", at("2013-01")),
        ("open", during(Some("2013-01-10"), None)),
        ("past", during(None, Some("2013-01-10"))),
        ("period", during(Some("2013-01-13"), Some("2013-01-15"))),
        ("timing", json!({"effectiveTiming": {"event": ["2013-01-14T08:00:00+09:00", "2013-01-20"]}})),
        ("unknown", json!({})),
        ("zone", at("2013-01-14T23:30:00-05:00")),
    ];
    table(
        "Observation",
        &all,
        &[
            ("PTYPE-05", "date=2013-01", "day instant month period timing zone"),
            ("PTYPE-05", "date=2013-01-14", "day instant"),
            ("PTYPE-06", "date=ne2013-01-14", "month open past period timing zone"),
            ("PTYPE-07", "date=gt2013-01-14", "month open period timing zone"),
            ("PTYPE-07", "date=lt2013-01-14", "month open past period"),
            ("PTYPE-07", "date=ge2013-01-14", "day instant month open period timing zone"),
            ("PTYPE-07", "date=le2013-01-14", "day instant month open past period"),
            ("PTYPE-08", "date=sa2013-01-14", "zone"),
            ("PTYPE-08", "date=eb2013-01-13", "past"),
            ("PTYPE-09", "date=ap2013-01-14", "day instant month open past period timing zone"),
            ("PTYPE-10", "date=2013", "day instant month period timing zone"),
            ("PTYPE-10", "date=2013-01-14T10:00", "instant"),
            ("PTYPE-10", "date=2013-01-14T10%3A00%3A00", "instant"),
            ("PTYPE-10", "date=2013-01-14T10:00:01", ""),
            ("PTYPE-11", "date=2013-01-15T04:30:00Z", "zone"),
            ("PTYPE-11", "date=2013-01-14T10:00:00%2B09:00", "instant"),
            ("PTYPE-13", "date=ge2013-01-14&date=lt2013-01-15", "day instant month open period timing"),
            ("PSTR-17", "date:missing=true", "unknown"),
        ],
    );
}

/// PTYPE-12: date, dateTime, instant, Period and Timing; a Period without an end goes on for ever.
#[test]
fn every_type_that_is_a_date_is_compared_as_one() {
    let during = |period: Json| json!({"effectivePeriod": period});
    let all = [
        ("datetime", json!({"effectiveDateTime": "2013-01-14"})),
        ("instant", json!({"effectiveInstant": "2013-01-14T10:00:00.500+09:00"})),
        ("no-end", during(json!({"start": "2013-01-14"}))),
        ("no-start", during(json!({"end": "2013-01-14"}))),
        (
            "timing-bounds",
            json!({"effectiveTiming": {"repeat": {"boundsPeriod": {"start": "2013-01-14", "end": "2013-01-16"}}}}),
        ),
        ("timing-code", json!({"effectiveTiming": {"code": {"text": "daily"}}})),
        ("timing-events", json!({"effectiveTiming": {"event": ["2013-01-16", "2013-01-14"]}})),
    ];
    table(
        "Observation",
        &all,
        &[
            ("PTYPE-12", "date=2013-01-14", "datetime instant"),
            ("PTYPE-12", "date=2013-01-14T10:00:00.500", "instant"),
            ("PTYPE-12", "date=2013-01", "datetime instant timing-bounds timing-events"),
            ("PTYPE-12", "date=gt2099", "no-end"),
            ("PTYPE-12", "date=lt1900", "no-start"),
            ("PTYPE-12", "date=sa2013-01-13", "datetime instant no-end timing-bounds timing-events"),
            ("PTYPE-12", "date=eb2013-01-15", "datetime instant no-start"),
            ("PTYPE-12", "date=gt2013-01-15", "no-end timing-bounds timing-events"),
            ("PTYPE-12", "date:missing=true", "timing-code"),
        ],
    );
    let born = [("day", json!({"birthDate": "1940-02-29"})), ("year", json!({"birthDate": "1940"}))];
    table("Patient", &born, &[("PTYPE-12", "birthdate=1940", "day year"), ("PTYPE-12", "birthdate=1940-02", "day")]);
}

/// PTYPE-09: within a tenth of the time between now (2026-01-01) and the date.
#[test]
fn approximately_is_nearer_the_nearer_the_date_is() {
    let at = |text: &str| json!({"effectiveDateTime": text});
    let all = [
        ("day", at("2025-12-21T00:00:00Z")),
        ("hour", at("2025-12-22T00:00:00Z")),
        ("year", at("2016-06-01T00:00:00Z")),
        ("period", json!({"effectivePeriod": {"start": "2025-12-01", "end": "2025-12-21T09:30:00+09:00"}})),
    ];
    table(
        "Observation",
        &all,
        &[
            ("PTYPE-09", "date=ap2025-12-22T00:00:00Z", "day hour period"),
            ("PTYPE-09", "date=ap2025-12-20T00:00:00Z", "day period"),
            ("PTYPE-09", "date=ap2016-01-01T00:00:00Z", "year"),
            ("PTYPE-09", "date=ap2015-01-01T00:00:00Z", ""),
        ],
    );
}

#[test]
fn quantities_have_units() {
    let of = |value: &str, unit: &str| {
        let value: Json = serde_json::from_str(value).unwrap();
        json!({"valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit, "unit": unit}})
    };
    let mut below = of("5", "mg");
    below["valueQuantity"]["comparator"] = json!("<");
    let all = [
        ("below", below),
        ("g", of("0.0054", "g")),
        ("local", json!({"valueQuantity": {"value": 5.4, "unit": "錠"}})),
        ("mg", of("5.4", "mg")),
        ("range", json!({"valueRange": {"low": {"value": 5}}})),
        ("text", json!({"valueString": "5.4"})),
    ];
    table(
        "Observation",
        &all,
        &[
            ("PTYPE-15", "value-quantity=5.4", "local mg"),
            ("PTYPE-15", "value-quantity=5.40", "local mg"),
            ("PTYPE-15", "value-quantity=5.4||mg", "mg"),
            ("PTYPE-15", "value-quantity=5.4||%E9%8C%A0", "local"),
            ("PTYPE-16", "value-quantity=5.4|http://unitsofmeasure.org|mg", "g mg"),
            ("PTYPE-16", "value-quantity=0.0054|http://unitsofmeasure.org|g", "g mg"),
            ("PTYPE-16", "value-quantity=gt5|http://unitsofmeasure.org|mg", "g mg"),
            ("PTYPE-15", "value-quantity=5.4|urn:other|mg", ""),
            ("PTYPE-17", "value-quantity=lt5.4|http://unitsofmeasure.org|mg", "below"),
            ("PTYPE-17", "value-quantity=gt5.4|http://unitsofmeasure.org|mg", ""),
            ("PSTR-18", "value-string=5.4", "text"),
        ],
    );
}

#[test]
fn strings_are_folded_unless_exact() {
    let named = |family: &str, given: &str| json!({"name": [{"use": "official", "family": family, "given": [given]}]});
    let all = [
        ("a", named("Evelyn", "Müller")),
        ("b", named("eve", "Jo-Ann")),
        ("c", named("Steven", "山田")),
        ("d", json!({"name": [{"text": "official Ｅｖｅ"}]})),
        ("f", json!({"name": [{"family": "Carreno Quiñones"}]})),
        ("e", json!({"address": [{"line": ["10 Main  Street"], "city": "Ｙｏｋｏｈａｍａ", "use": "home"}]})),
    ];
    table(
        "Patient",
        &all,
        &[
            ("PSTR-01", "family=eve", "a b"),
            ("PSTR-01", "given=Muller", "a"),
            ("PSTR-02", "family:exact=eve", "b"),
            ("PSTR-02", "family:exact=Eve", ""),
            ("PSTR-02", "family:contains=EVE", "a b c"),
            ("PSTR-03", "name=EVE", "a b"),
            ("PSTR-03", "family=quinones", "f"),
            ("PSTR-03", "name=quin", "f"),
            ("PSTR-03", "family=carreno quin", "f"),
            ("PSTR-02", "family:exact=Quiñones", ""),
            ("PSTR-02", "family:exact=Carreno Quiñones", "f"),
            ("PSTR-03", "name=official", "d"),
            ("PSTR-03", "address=yokohama", "e"),
            ("PSTR-03", "address=home", ""),
            ("PSTR-04", "address=10 main street", "e"),
            ("PSTR-04", "given=%E5%B1%B1", "c"),
            ("PSTR-16", r"family=e\,x", ""),
            ("PSTR-16", r"family=e\,v", "a b"),
            ("SRCH-12", "given=jo,muller&family=eve", "a b"),
            ("PSTR-17", "family:missing=true", "d e"),
            ("PSTR-02", "family=-", ""),
        ],
    );
}

#[test]
fn tokens_have_systems() {
    let coded = |codings: Json| json!({"code": {"coding": codings, "text": "Body Weight"}});
    let all = [
        ("a", coded(json!([{"system": "s", "code": "1", "display": "Mass"}, {"system": "t", "code": "2"}]))),
        ("b", coded(json!([{"code": "1"}]))),
        ("c", json!({"code": {"text": "weight"}})),
        ("d", json!({})),
    ];
    table(
        "Observation",
        &all,
        &[
            ("PSTR-05", "code=1", "a b"),
            ("PSTR-05", "code=s|1", "a"),
            ("PSTR-05", "code=|1", "b"),
            ("PSTR-05", "code=t|", "a"),
            ("PSTR-08", "code:not=2", "b c d"),
            ("PSTR-08", "code:not=1,2", "c d"),
            ("PSTR-09", "code:text=body", "a b"),
            ("PSTR-09", "code:text=mass", "a"),
            ("PSTR-09", "code:text=weight", "c"),
            ("PSTR-17", "code:missing=true", "d"),
            ("PSTR-17", "code:missing=false", "a b c"),
            ("SRCH-08", "code=nothing", ""),
            ("SRCH-13", "code=", "a b c d"),
        ],
    );
    let typed = |system: &str, value: &str| {
        let kind = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]});
        json!({"identifier": [{"type": kind, "system": system, "value": value}, {"value": "9"}], "active": true,
            "telecom": [{"system": "phone", "value": "555"}]})
    };
    table(
        "Patient",
        &[("a", typed("s", "1")), ("b", json!({"active": false, "gender": "male"}))],
        &[
            ("PSTR-09", "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|1", "a"),
            ("PSTR-09", "identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|9", ""),
            ("PSTR-06", "identifier=s|1", "a"),
            ("PSTR-06", "active=true", "a"),
            ("PSTR-06", "active:not=true", "b"),
            ("PSTR-06", "phone=555", "a"),
            ("PSTR-06", "identifier=s|", "a"),
            ("PSTR-06", "gender=male", "b"),
            ("PSTR-06", "gender=http://hl7.org/fhir/administrative-gender|male", "b"),
            ("PALL-01", "_id=a,b", "a b"),
            ("PALL-01", "_id=nobody", ""),
            ("PALL-02", "_lastUpdated=ge2026-01-01T09:00:00.000", "a b"),
            ("PALL-02", "_lastUpdated=gt2026-01-01T09:00:00.000", ""),
        ],
    );
}

/// PSTR-07: case counts where the system says so, and nowhere else; PALL-01: `_id` is exact.
#[test]
fn tokens_tell_case_where_their_system_does() {
    let coded = |system: &str| json!({"code": {"coding": [{"system": system, "code": "Ab-1"}]}, "status": "final"});
    let all = [
        ("hl7", coded("http://terminology.hl7.org/CodeSystem/x")),
        ("icd", coded("http://hl7.org/fhir/sid/icd-10")),
        ("local", coded("urn:local")),
        ("none", json!({"code": {"coding": [{"code": "ＡＢ-1"}]}})),
        ("ucum", coded("http://unitsofmeasure.org")),
    ];
    table(
        "Observation",
        &all,
        &[
            ("PSTR-07", "code=Ab-1", "hl7 icd local none ucum"),
            ("PSTR-07", "code=aB-1", "icd local none"),
            ("PSTR-07", "code=urn:local|AB-1", "local"),
            ("PSTR-07", "code=|ab-1", "none"),
            ("PSTR-07", "code=http://unitsofmeasure.org|ab-1", ""),
            ("PSTR-07", "code=http://unitsofmeasure.org|Ab-1", "ucum"),
            ("PSTR-07", "code:not=AB-1", "hl7 ucum"),
            ("PSTR-07", "status=FINAL", ""),
            ("PSTR-07", "status=final", "hl7 icd local ucum"),
            ("PSTR-07", "_id=HL7,icd", "icd"),
        ],
    );
    let known =
        |value: &str| json!({"identifier": [{"system": "s", "value": value}], "telecom": [{"value": "A@b.example"}]});
    table(
        "Patient",
        &[("a", known("ab1")), ("b", known("AB1")), ("c", known("12"))],
        &[
            ("PSTR-07", "identifier=s|Ab1", "a b"),
            ("PSTR-07", "identifier=12", "c"),
            ("PSTR-07", "telecom=a@B.example", "a b c"),
        ],
    );
    let version = |text: &str| json!({"version": text});
    table("ValueSet", &[("a", version("1.0-Beta"))], &[("PSTR-07", "version=1.0-BETA", "a")]);
}

/// PSTR-06: where there is no system, none is asked for.
#[test]
fn a_pipe_is_refused_where_there_is_no_system() {
    use crate::search::example::server;
    use crate::search::query::{Query, Scope};
    let patient = crate::fhir::ResourceType::PATIENT;
    for query in
        ["active=|true", "active=x|true", "phone=|555", "telecom=phone|555", "deceased=|false", "active:not=|true"]
    {
        let refused = Query::parse(Scope::Type(patient), query, server()).unwrap_err();
        assert_eq!(refused.rule.id, "search-value", "PSTR-06 {query}");
    }
    assert!(Query::parse(Scope::Type(patient), r"phone=a\|b", server()).is_ok(), "PSTR-06: an escaped one is none");
}

#[test]
fn references_and_uris_are_read_in_each_form() {
    let about =
        |reference: &str| json!({"subject": {"reference": reference, "identifier": {"system": "s", "value": "1"}}});
    let all = [
        ("a", about("Patient/p")),
        ("b", about("Group/p")),
        ("c", about("Patient/p/_history/2")),
        ("d", about("https://gw.example/fhir/Patient/p")),
        ("e", about("https://other.example/fhir/Patient/p")),
    ];
    table(
        "Observation",
        &all,
        &[
            ("PSTR-10", "subject=p", "a b c d"),
            ("PSTR-10", "subject=Patient/p", "a c d"),
            ("PSTR-10", "subject=https://gw.example/fhir/Patient/p", "a c d"),
            ("PSTR-10", "subject=https://other.example/fhir/Patient/p", "e"),
            ("PSTR-11", "subject:Patient=p", "a c d"),
            ("PSTR-11", "subject:Group=p", "b"),
            ("PSTR-12", "subject:identifier=s|1", "a b c d e"),
            ("PSTR-13", "patient=p", "a c d"),
            ("SRCH-08", "subject=Patient/nobody", ""),
            ("PSTR-17", "subject:missing=true", ""),
            ("PTYPE-01", "subject:missing=false", "a b c d e"),
        ],
    );
    let at = |url: &str| json!({"url": url, "meta": {"profile": [format!("{url}|1.0")], "source": url}});
    table(
        "ValueSet",
        &[("a", at("http://x.example/a")), ("b", at("http://x.example/a/b")), ("c", at("urn:oid:1.2.3"))],
        &[
            ("PSTR-14", "url=http://x.example/a", "a"),
            ("PSTR-14", "url=http://X.example/a", ""),
            ("PSTR-14", "url:below=http://x.example/a", "a b"),
            ("PSTR-14", "url:above=http://x.example/a/b/c", "a b"),
            ("PALL-03", "_profile=http://x.example/a", "a"),
            ("PALL-03", "_profile=http://x.example/a|1.0", "a"),
            ("PALL-03", "_profile=http://x.example/a|2.0", ""),
            ("PALL-03", "_source=urn:oid:1.2.3", "c"),
        ],
    );
}

#[test]
fn composites_are_about_one_element() {
    let component = |code: &str, value: u32| json!({"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": value}});
    let all = [
        ("a", json!({"component": [component("8480-6", 150), component("8462-4", 80)]})),
        ("b", json!({"component": [component("8480-6", 120), component("8462-4", 150)]})),
        ("c", component("8480-6", 160)),
    ];
    table(
        "Observation",
        &all,
        &[
            ("PSTR-15", "component-code-value-quantity=http://loinc.org|8480-6$gt140", "a"),
            ("PSTR-15", "component-code-value-quantity=8480-6$lt130,8462-4$lt100", "a b"),
            ("PSTR-15", "code-value-quantity=8480-6$gt140", "c"),
            ("PSTR-15", "combo-code-value-quantity=8480-6$gt140", "a c"),
            ("PSTR-19", "component-value-quantity=150", "a b"),
        ],
    );
}

#[test]
fn places_are_near() {
    let at = |latitude: f64, longitude: f64| json!({"position": {"latitude": latitude, "longitude": longitude}});
    table(
        "Location",
        &[("tokyo", at(35.681, 139.767)), ("yokohama", at(35.466, 139.622)), ("osaka", at(34.702, 135.496))],
        &[
            ("CHAIN-07", "near=35.68|139.76", "tokyo"),
            ("CHAIN-07", "near=35.68|139.76|30|km", "tokyo yokohama"),
            ("CHAIN-07", "near=35.68|139.76|500000|m", "osaka tokyo yokohama"),
        ],
    );
}
