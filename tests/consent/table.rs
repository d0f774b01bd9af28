//! The truth table, element by element: a few provisions, and what each says to a few who ask or of a few resources.

use serde_json::{Value, json};

use crate::cases::{ACT_CODE, CONFIDENTIALITY, RECORD, kind, receiver};
use crate::judge;

const INDICATION: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";

/// One column: what it is called, who asks, and which of the record's resources is asked for.
type Column = (&'static str, Value, usize);

/// A group of columns with its situations: each a name and the provisions of the record's Consents.
struct Section {
    title: &'static str,
    columns: Vec<Column>,
    resources: Vec<Value>,
    situations: Vec<(&'static str, Vec<Value>)>,
}

fn asker(more: Value) -> Value {
    let mut asker = json!({"organization": "Organization/a", "purpose": "COC", "known": ["CareTeam/d"]});
    asker.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    asker
}

fn resource(of: &str, id: &str, more: Value) -> Value {
    let mut resource = json!({"resourceType": of, "id": id, "subject": {"reference": RECORD.reference()}});
    resource.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    resource
}

fn permit(more: Value) -> Value {
    let mut rule = json!({"type": "permit"});
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rule
}

fn deny(more: Value) -> Value {
    let mut rule = permit(more);
    rule["type"] = "deny".into();
    rule
}

/// A permit of everything with one exception that denies.
fn but(more: Value) -> Value {
    permit(json!({"provision": [deny(more)]}))
}

fn consents(provisions: &[Value]) -> Value {
    let one = |(at, provision): (usize, &Value)| {
        json!({"resourceType": "Consent", "id": format!("c{at}"), "status": "active", "provision": provision,
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
            "patient": {"reference": RECORD.reference()}})
    };
    provisions.iter().enumerate().map(one).collect()
}

/// All sections as text.
pub fn text() -> String {
    let sections =
        [receives(), discloses(), purposes(), actions_and_kinds(), labels(), untold(), times(), data(), exceptions()];
    let mut table = String::from(
        "\nElement by element. Each line is the provisions of the record's Consents; \"but not\" is an exception that denies.\n",
    );
    for section in sections {
        table += &format!("\n{}\n{:46}", section.title, "");
        section.columns.iter().for_each(|(name, ..)| table += &format!(" {name:>11}"));
        table.push('\n');
        for (name, provisions) in &section.situations {
            let mut line = format!("  {name:44}");
            for (_, asker, row) in &section.columns {
                let case = json!({"record": RECORD.reference(), "now": "2026-06-15", "asker": asker, "care_teams": [],
                    "terms": {"custodian": if asker["facility"].is_null() { "Organization/h".into() } else { Value::Null }},
                    "consents": consents(provisions), "resources": section.resources});
                let open = judge::answers(&case).unwrap()[*row];
                line += &format!(" {:>11}", if open { "YES" } else { "no" });
            }
            table += line.trim_end();
            table.push('\n');
        }
    }
    table
}

/// The columns of a section that asks for one resource after the other.
fn each_of(resources: &[(&'static str, Value)]) -> (Vec<Column>, Vec<Value>) {
    let columns =
        resources.iter().enumerate().map(|(at, (name, _))| (*name, asker(json!({"kind": "home-helper"})), at));
    (columns.collect(), resources.iter().map(|(_, resource)| resource.clone()).collect())
}

fn plain() -> Vec<Value> {
    vec![resource("Observation", "o", json!({}))]
}

fn receives() -> Section {
    let to = |actor: Value| json!({"actor": [actor]});
    let [helper, doctor, manager] = ["home-helper", "doctor", "care-manager"].map(|kind| asker(json!({"kind": kind})));
    Section {
        title: "actor that receives: organisations, teams, persons, kinds of members",
        columns: vec![
            ("A, helper", helper, 0),
            ("A, doctor", doctor, 0),
            ("A, manager", manager, 0),
            ("A, kind -", asker(json!({})), 0),
            ("A, in team", asker(json!({"teams": ["CareTeam/d"], "kind": "family"})), 0),
            ("A, person P", asker(json!({"person": "Practitioner/p", "kind": "family"})), 0),
            ("A, person Q", asker(json!({"person": "Practitioner/q", "kind": "family"})), 0),
        ],
        resources: plain(),
        situations: vec![
            ("permit every member", vec![permit(json!({}))]),
            ("permit B", vec![permit(to(receiver("Organization/b")))]),
            ("permit a doctor", vec![permit(to(kind("doctor")))]),
            ("permit all, deny a doctor", vec![permit(json!({})), deny(to(kind("doctor")))]),
            ("permit the team", vec![permit(to(receiver("CareTeam/d")))]),
            ("permit all, deny the team", vec![permit(json!({})), deny(to(receiver("CareTeam/d")))]),
            ("permit all, deny a team nobody knows", vec![permit(json!({})), deny(to(receiver("CareTeam/e")))]),
            ("permit person P", vec![permit(to(receiver("Practitioner/p")))]),
            ("permit all, deny person P", vec![permit(json!({})), deny(to(receiver("Practitioner/p")))]),
            ("permit a kind nobody knows", vec![permit(to(kind("wizard")))]),
            ("permit all, deny a kind nobody knows", vec![permit(json!({})), deny(to(kind("wizard")))]),
        ],
    }
}

fn discloses() -> Section {
    let mut keeper = receiver("Organization/h");
    keeper["role"]["coding"][0]["code"] = "CST".into();
    let from = json!({"actor": [keeper]});
    let with = |code: &str| {
        json!({"extension": [{"url": "https://g.co/fhir/medicalrecords/Environment",
        "valueCodeableConcept": {"coding": [{"system": "App", "code": code}]}}]})
    };
    Section {
        title: "actor that discloses; with which application (Google's Environment)",
        columns: vec![
            ("kept by H", asker(json!({})), 0),
            ("keeper -", asker(json!({"facility": "unknown"})), 0),
            ("with app 1", asker(json!({"application": {"system": "App", "code": "1"}})), 0),
            ("with app 2", asker(json!({"application": {"system": "App", "code": "2"}})), 0),
        ],
        resources: plain(),
        situations: vec![
            ("permit what H keeps", vec![permit(from.clone())]),
            ("permit all but not what H keeps", vec![but(from)]),
            ("permit with app 1", vec![permit(with("1"))]),
            ("permit all but not with app 1", vec![but(with("1"))]),
        ],
    }
}

fn purposes() -> Section {
    let of = |code: &str| json!({"purpose": [{"code": code}]});
    let asks = |purpose: &'static str| (purpose, asker(json!({"purpose": purpose})), 0);
    Section {
        title: "purpose: it, or a narrower one",
        columns: ["TREAT", "COC", "ETREAT", "BTG", "HRESCH", "BIORCH", "HOPERAT"].map(asks).to_vec(),
        resources: plain(),
        situations: vec![
            ("permit TREAT", vec![permit(of("TREAT"))]),
            ("permit COC", vec![permit(of("COC"))]),
            ("permit ETREAT", vec![permit(of("ETREAT"))]),
            ("permit all but not HRESCH", vec![but(of("HRESCH"))]),
            ("permit FooBar (not known)", vec![permit(of("FooBar"))]),
            ("permit all but not FooBar (not known)", vec![but(of("FooBar"))]),
        ],
    }
}

fn actions_and_kinds() -> Section {
    let action = |code: &str| json!({"action": [{"coding": [{"code": code}]}]});
    let class = |system: &str, code: &str| json!({"class": [{"system": system, "code": code}]});
    let code = json!({"code": [{"coding": [{"system": "http://loinc.org", "code": "718-7"}]}]});
    let types = "http://hl7.org/fhir/resource-types";
    let profile = class("urn:ietf:rfc:3986", "http://example.com/StructureDefinition/s");
    let coded = |code: &str| json!({"coding": [{"system": "http://loinc.org", "code": code}]});
    let (columns, resources) = each_of(&[
        ("haemoglobin", resource("Observation", "o1", json!({"code": coded("718-7")}))),
        (
            "component",
            resource("Observation", "o2", json!({"code": coded("x"), "component": [{"code": coded("718-7")}]})),
        ),
        (
            "profiled",
            resource("Observation", "o3", json!({"meta": {"profile": ["http://example.com/StructureDefinition/s"]}})),
        ),
        ("letter", resource("DocumentReference", "d", json!({"type": coded("57133-1")}))),
        ("condition", resource("Condition", "c", json!({"code": coded("y")}))),
    ]);
    Section {
        title: "action, class and code",
        columns,
        resources,
        situations: vec![
            ("permit use", vec![permit(action("use"))]),
            ("permit correct (not reading)", vec![permit(action("correct"))]),
            ("permit all but not devour (not known)", vec![but(action("devour"))]),
            ("permit Observations", vec![permit(class(types, "Observation"))]),
            ("permit all but not Observations", vec![but(class(types, "Observation"))]),
            ("permit the profile", vec![permit(profile)]),
            ("permit letters (57133-1)", vec![permit(class("http://loinc.org", "57133-1"))]),
            ("permit Nonsense (not known)", vec![permit(class(types, "Nonsense"))]),
            ("permit all but not Nonsense (not known)", vec![but(class(types, "Nonsense"))]),
            ("permit haemoglobin", vec![permit(code.clone())]),
            ("permit all but not haemoglobin", vec![but(code)]),
        ],
    }
}

fn label(code: &str) -> Value {
    let flag = code.starts_with("UN");
    let system = if flag {
        INDICATION
    } else if code.len() == 1 {
        CONFIDENTIALITY
    } else {
        ACT_CODE
    };
    json!({"system": system, "code": code})
}

fn named(codes: &[&str]) -> Value {
    json!({"securityLabel": codes.iter().map(|code| label(code)).collect::<Vec<_>>()})
}

fn labels() -> Section {
    let row = |id: &str, codes: &[&str]| {
        let security: Vec<Value> = codes.iter().map(|code| label(code)).collect();
        resource("Observation", id, json!({"meta": {"security": security}}))
    };
    let (columns, resources) = each_of(&[
        ("-", row("o1", &[])),
        ("N", row("o2", &["N"])),
        ("R", row("o3", &["R"])),
        ("V", row("o4", &["V"])),
        ("PSY", row("o5", &["PSY"])),
        ("R PSY", row("o6", &["R", "PSY"])),
        ("V PSY", row("o7", &["V", "PSY"])),
        ("PSY HIV", row("o8", &["PSY", "HIV"])),
        ("SPI", row("o9", &["SPI"])),
        ("unknown", row("o10", &["OPTIN"])),
    ]);
    Section {
        title: "securityLabel (PSY is a kind of SPI)",
        columns,
        resources,
        situations: vec![
            ("permit, no label named", vec![permit(json!({}))]),
            ("permit N", vec![permit(named(&["N"]))]),
            ("permit R", vec![permit(named(&["R"]))]),
            ("permit PSY", vec![permit(named(&["PSY"]))]),
            ("permit N PSY", vec![permit(named(&["N", "PSY"]))]),
            ("permit R SPI", vec![permit(named(&["R", "SPI"]))]),
            ("permit V PSY HIV", vec![permit(named(&["V", "PSY", "HIV"]))]),
            ("permit V SPI HIV but not R", vec![merged(permit(named(&["V", "SPI", "HIV"])), &["R"])]),
            ("permit V SPI HIV but not PSY", vec![merged(permit(named(&["V", "SPI", "HIV"])), &["PSY"])]),
            (
                "permit V SPI HIV but not OPTIN (not known)",
                vec![merged(permit(named(&["V", "SPI", "HIV"])), &["OPTIN"])],
            ),
            ("permit V SPI HIV; deny V", vec![permit(named(&["V", "SPI", "HIV"])), deny(named(&["V"]))]),
        ],
    }
}

fn merged(mut rule: Value, denied: &[&str]) -> Value {
    rule["provision"] = json!([deny(named(denied))]);
    rule
}

fn untold() -> Section {
    let row = |id: &str, code: &str| resource("Condition", id, json!({"meta": {"tag": [label(code)]}}));
    let asks = |name: &'static str, kind: &str, row| (name, asker(json!({"kind": kind})), row);
    Section {
        title: "what the patient has not been told (未告知 UNINFORMED) or given (未提供 UNDELIVERED)",
        columns: vec![
            asks("UNI doctor", "doctor", 0),
            asks("UNI helper", "home-helper", 0),
            asks("UND doctor", "doctor", 1),
            asks("UND helper", "home-helper", 1),
        ],
        resources: vec![row("c1", "UNINFORMED"), row("c2", "UNDELIVERED")],
        situations: vec![
            ("permit, no label named", vec![permit(json!({}))]),
            ("permit V", vec![permit(named(&["V"]))]),
            ("permit UNINFORMED", vec![permit(named(&["UNINFORMED"]))]),
            ("permit both", vec![permit(named(&["UNINFORMED", "UNDELIVERED"]))]),
        ],
    }
}

fn times() -> Section {
    let row = |id: &str, date: &str| resource("Observation", id, json!({"effectiveDateTime": date}));
    let april = json!({"dataPeriod": {"start": "2026-04", "end": "2026-04"}});
    let (columns, resources) = each_of(&[
        ("31 March", row("o1", "2026-03-31")),
        ("1 April", row("o2", "2026-04-01")),
        ("30 Apr 24h-", row("o3", "2026-04-30T23:59:59+09:00")),
        ("30 Apr 15Z", row("o4", "2026-04-30T15:00:00Z")),
        ("April", row("o5", "2026-04")),
        ("in 2026", row("o6", "2026")),
        ("undated", resource("Observation", "o7", json!({}))),
    ]);
    Section {
        title: "dataPeriod",
        columns,
        resources,
        situations: vec![
            ("permit what was in April", vec![permit(april.clone())]),
            ("permit all but not what was in April", vec![but(april)]),
        ],
    }
}

fn data() -> Section {
    let about = |meaning: &str, of: &str| json!({"data": [{"meaning": meaning, "reference": {"reference": of}}]});
    let by = json!([{"reference": "Practitioner/p"}]);
    let (columns, resources) = each_of(&[
        ("report R", resource("DiagnosticReport", "r", json!({"result": [{"reference": "Observation/o"}]}))),
        ("its result", resource("Observation", "o", json!({}))),
        (
            "letter on R",
            resource("DocumentReference", "d", json!({"context": {"related": [{"reference": "DiagnosticReport/r"}]}})),
        ),
        ("else, by P", resource("Observation", "e", json!({"performer": by}))),
        ("else", resource("Observation", "f", json!({}))),
    ]);
    let report = "DiagnosticReport/r";
    Section {
        title: "data",
        columns,
        resources,
        situations: vec![
            ("permit instance R", vec![permit(about("instance", report))]),
            ("permit related R", vec![permit(about("related", report))]),
            ("permit dependents R", vec![permit(about("dependents", report))]),
            ("permit authoredby P", vec![permit(about("authoredby", "Practitioner/p"))]),
            ("permit all but not instance R", vec![but(about("instance", report))]),
            ("permit all but not related R", vec![but(about("related", report))]),
            ("permit all but not dependents R", vec![but(about("dependents", report))]),
            ("permit all but not authoredby P", vec![but(about("authoredby", "Practitioner/p"))]),
        ],
    }
}

fn exceptions() -> Section {
    let row = |id: &str, of: &str, codes: &[&str]| {
        let security: Vec<Value> = codes.iter().map(|code| label(code)).collect();
        resource(of, id, json!({"meta": {"security": security}}))
    };
    let (columns, resources) = each_of(&[
        ("result", row("o1", "Observation", &[])),
        ("result, PSY", row("o2", "Observation", &["PSY"])),
        ("condition", row("c1", "Condition", &[])),
        ("cond., PSY", row("c2", "Condition", &["PSY"])),
    ]);
    let of = |kind: &str| json!({"class": [{"system": "http://hl7.org/fhir/resource-types", "code": kind}]});
    let inside = |mut rule: Value, inner: Vec<Value>| {
        rule["provision"] = inner.into();
        rule
    };
    let results = || permit(of("Observation"));
    Section {
        title: "exceptions, to any depth",
        columns,
        resources,
        situations: vec![
            ("deny, except results", vec![inside(deny(json!({})), vec![results()])]),
            (
                "deny, except results; deny results",
                vec![inside(deny(json!({})), vec![results()]), deny(of("Observation"))],
            ),
            (
                "deny, except: permit results, deny results",
                vec![inside(deny(json!({})), vec![results(), deny(of("Observation"))])],
            ),
            ("deny, except: permit but not results", vec![inside(deny(json!({})), vec![but(of("Observation"))])]),
            ("permit N, and PSY by its own label", vec![inside(permit(named(&["N"])), vec![permit(named(&["PSY"]))])]),
            (
                "the same, but no PSY for anybody",
                vec![inside(permit(named(&["N"])), vec![permit(named(&["PSY"])), deny(named(&["PSY"]))])],
            ),
            ("permit results, exception for conditions", vec![inside(results(), vec![permit(of("Condition"))])]),
            (
                "permit without type in an exception",
                vec![inside(permit(json!({})), vec![json!({"purpose": [{"code": "COC"}]})])],
            ),
        ],
    }
}
