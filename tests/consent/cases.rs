//! Cases by chance: a record with its resources, Consents and CareTeams, the network's terms, who asks and when. Mostly
//! sound and near to each other, so that the rules meet; some of everything that is broken.

use serde_json::{Map, Value, json};
use tasuki::fhir::PatientKey;

const MEMBER_KIND: &str = "https://tasuki.example/fhir/CodeSystem/member-kind";
pub const RECORD: PatientKey = PatientKey(0x5001 << 64);
pub const STRANGER: PatientKey = PatientKey(0x5002 << 64);
pub const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
pub const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const INDICATION: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";
const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const TYPES: [&str; 13] = [
    "Observation",
    "Condition",
    "MedicationRequest",
    "Procedure",
    "DocumentReference",
    "Composition",
    "Encounter",
    "DiagnosticReport",
    "AllergyIntolerance",
    "Immunization",
    "ServiceRequest",
    "CarePlan",
    "Practitioner",
];
const DAYS: [&str; 9] = [
    "2025",
    "2026-03",
    "2026-04-01",
    "2026-04-30",
    "2026-06-15",
    "2026-06-15T09:00:00+09:00",
    "2026-06-15T00:00:00Z",
    "2026-09-30",
    "2027",
];
const PURPOSES: [&str; 11] =
    ["TREAT", "TREAT", "COC", "COC", "ETREAT", "BTG", "HRESCH", "BIORCH", "CAREMGT", "HOPERAT", "POPHLTH"];
const CODES: [(&str, &str); 3] = [("http://loinc.org", "718-7"), ("http://loinc.org", "64292-6"), ("urn:x", "718-7")];

/// The items of a list; none where it is no list.
pub fn each(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A text; empty where it is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % sides
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }

    /// Once in so many.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    fn some(&mut self, at_least: usize, most: usize, one: impl Fn(&mut Dice) -> Value) -> Value {
        let count = at_least + self.roll(most + 1 - at_least);
        (0..count).map(|_| one(self)).collect()
    }
}

/// A case as [`crate::judge`] and [`crate::naive`] read it.
pub fn case(dice: &mut Dice) -> Value {
    let count = dice.roll(4) + 2;
    let resources: Vec<Value> = (0..count).map(|at| resource(dice, at, count)).collect();
    let mut consents: Vec<Value> =
        (0..dice.pick(&[0, 1, 1, 2, 2, 2, 3, 3, 4, 6])).map(|at| consent(dice, at)).collect();
    if dice.once_in(8) {
        consents.push(grant(dice));
    }
    let mut terms = json!({});
    if dice.roll(3) > 0 {
        terms["custodian"] = dice.pick(&["Organization/h", "Organization/h", "Organization/i"]).into();
    }
    if dice.once_in(6) {
        terms["limits"] = dice.some(1, 2, limit);
    }
    terms["reconsent"] = dice.once_in(5).into();
    terms["emergency_overrides"] = dice.once_in(2).into();
    json!({
        "record": RECORD.reference(), "now": dice.pick(&["2026-06-15T09:00:00+09:00", "2026-06-15T10:30:00+09:00",
            "2026-04-30T23:59:59+09:00", "2026-05-01T00:00:00+09:00", "2026-09-30T14:59:59Z"]),
        "asker": asker(dice), "terms": terms, "consents": consents, "resources": resources,
        "care_teams": dice.some(0, 2, care_team),
    })
}

fn asker(dice: &mut Dice) -> Value {
    let mut asker = json!({"organization": dice.pick(&["Organization/a", "Organization/a", "Organization/a", "Organization/b"]),
        "purpose": if dice.once_in(4) { dice.pick(&PURPOSES) } else { "COC" }, "known": ["CareTeam/d", "Group/g"]});
    if dice.once_in(3) {
        asker["person"] = dice.pick(&["Practitioner/p", "Practitioner/q"]).into();
    }
    if dice.once_in(2) {
        asker["kind"] = dice.pick(&["doctor", "care-manager", "home-helper", "family"]).into();
    }
    if dice.once_in(3) {
        asker["teams"] = dice.pick(&[json!(["CareTeam/d"]), json!(["Group/g"]), json!(["CareTeam/d", "Group/g"])]);
    }
    if dice.once_in(3) {
        asker["application"] = json!({"system": "App", "code": dice.pick(&["1", "2"])});
    }
    if dice.once_in(3) {
        asker["joined"] = dice.pick(&DAYS).into();
    }
    asker
}

fn care_team(dice: &mut Dice) -> Value {
    let members =
        ["Organization/a", "Organization/b", "Practitioner/p", "PractitionerRole/r", "CareTeam/d", "Patient/x"];
    let participant = |dice: &mut Dice| {
        let mut participant = json!({});
        let side = dice.pick(&["member", "member", "onBehalfOf"]);
        participant[side] = match dice.roll(20) {
            0 => json!({"identifier": {"value": "x"}}),
            _ => json!({"reference": dice.pick(&members)}),
        };
        if dice.once_in(3) {
            participant["period"] = period(dice);
        }
        participant
    };
    let mut team = json!({"resourceType": "CareTeam", "id": dice.pick(&["t", "u"]),
        "status": dice.pick(&["active", "active", "active", "inactive"]), "participant": dice.some(0, 2, participant)});
    if dice.once_in(5) {
        team["period"] = period(dice);
    }
    team
}

fn period(dice: &mut Dice) -> Value {
    if dice.once_in(90) {
        return dice.pick(&[
            json!({}),
            json!({"start": "2026-02-30"}),
            json!({"start": "2027", "end": "2026"}),
            json!("x"),
        ]);
    }
    match dice.roll(5) {
        0 => json!({"start": dice.pick(&DAYS)}),
        1 => json!({"end": dice.pick(&DAYS)}),
        2 => json!({"start": dice.pick(&DAYS[..4]), "end": dice.pick(&DAYS[4..])}),
        _ => json!({"start": dice.pick(&DAYS[..4]), "end": dice.pick(&DAYS[7..])}),
    }
}

// ---- resources ----

pub fn resource(dice: &mut Dice, at: usize, count: usize) -> Value {
    let of = dice.pick(&TYPES);
    let mut resource = json!({"resourceType": of, "id": format!("r{at}")});
    if of != "Practitioner" {
        resource["subject"] = json!({"reference": RECORD.reference()});
    }
    if dice.once_in(25) {
        let other = [STRANGER.reference(), "http://elsewhere.example/Patient/1".to_owned()];
        resource["focus"] = json!([{"reference": dice.pick(&other)}]);
    }
    if dice.once_in(40) {
        resource["contained"] = match dice.roll(2) {
            0 => json!([{"resourceType": "Patient", "id": "x"}]),
            _ => json!([{"resourceType": "Practitioner", "id": "x", "meta": {"security": [security(dice)]}}]),
        };
    }
    coded(dice, of, &mut resource);
    dated(dice, of, &mut resource);
    authored(dice, of, &mut resource);
    if dice.once_in(2) {
        let other = dice.roll(count);
        let named = dice.pick(&TYPES);
        resource["extension"] = json!([{"url": "http://example.com/of", "valueReference":
            {"reference": format!("{named}/r{other}")}}]);
    }
    labelled(dice, of, &mut resource);
    resource
}

fn concept(dice: &mut Dice) -> Value {
    let (system, code) = dice.pick(&CODES);
    json!({"coding": [{"system": system, "code": code}]})
}

fn coded(dice: &mut Dice, of: &str, resource: &mut Value) {
    match of {
        "MedicationRequest" => resource["medicationCodeableConcept"] = concept(dice),
        "Immunization" => resource["vaccineCode"] = concept(dice),
        "Encounter" => resource["type"] = json!([concept(dice)]),
        "DocumentReference" | "Composition" => resource["type"] = concept(dice),
        "CarePlan" => resource["category"] = json!([concept(dice)]),
        "Practitioner" => {}
        _ => resource["code"] = concept(dice),
    }
    if ["Observation", "Condition", "DiagnosticReport", "ServiceRequest"].contains(&of) && dice.once_in(4) {
        resource["category"] = json!([concept(dice)]);
    }
    if of == "Observation" && dice.once_in(4) {
        resource["component"] = json!([{"code": concept(dice)}]);
    }
}

fn dated(dice: &mut Dice, of: &str, resource: &mut Value) {
    let ways: &[&str] = match of {
        "Observation" | "DiagnosticReport" => &["effectiveDateTime", "effectivePeriod", "issued"],
        "Condition" | "AllergyIntolerance" => &["onsetDateTime", "recordedDate"],
        "MedicationRequest" => &["authoredOn"],
        "ServiceRequest" => &["occurrenceDateTime", "occurrencePeriod", "authoredOn"],
        "Procedure" => &["performedDateTime", "performedPeriod"],
        "Immunization" => &["occurrenceDateTime", "recorded"],
        "Encounter" => &["period"],
        "DocumentReference" | "Composition" => &["date"],
        "CarePlan" => &["period", "created"],
        _ => return,
    };
    for _ in 0..dice.roll(3) {
        let way = dice.pick(ways);
        let whole = way.ends_with("eriod");
        if resource
            .as_object()
            .is_some_and(|members| members.keys().all(|known| known[..4.min(known.len())] != way[..4]))
        {
            resource[way] = match whole {
                true => json!({"start": dice.pick(&DAYS[..6]), "end": dice.pick(&DAYS[7..])}),
                false if way == "issued" => "2026-06-15T09:00:00+09:00".into(),
                false => dice.pick(&DAYS).into(),
            };
        }
    }
    if whole_is_open(dice) && resource["effectivePeriod"].is_object() {
        resource["effectivePeriod"] = json!({"start": "2026-04-01"});
    }
}

fn whole_is_open(dice: &mut Dice) -> bool {
    dice.once_in(4)
}

fn authored(dice: &mut Dice, of: &str, resource: &mut Value) {
    let by = json!({"reference": dice.pick(&["Practitioner/r1", "Practitioner/p", "Organization/h"])});
    let (element, value) = match of {
        _ if dice.once_in(2) => return,
        "Observation" | "DiagnosticReport" => ("performer", json!([by])),
        "Procedure" | "Immunization" => ("performer", json!([{"actor": by}])),
        "MedicationRequest" | "ServiceRequest" => ("requester", by),
        "Condition" => (dice.pick(&["asserter", "recorder"]), by),
        "AllergyIntolerance" => (dice.pick(&["asserter", "recorder"]), by),
        "DocumentReference" | "Composition" => ("author", json!([by])),
        _ => return,
    };
    resource[element] = value;
    if dice.once_in(6) {
        resource["meta"]["source"] = dice.pick(&["http://example.com/one", "http://example.com/two"]).into();
    }
    if dice.once_in(6) {
        let profiles = ["http://example.com/StructureDefinition/s", "http://example.com/StructureDefinition/s|1.0"];
        resource["meta"]["profile"] = json!([dice.pick(&profiles)]);
    }
}

fn security(dice: &mut Dice) -> Value {
    let sensitive = |code: &str| json!({"system": ACT_CODE, "code": code});
    match dice.roll(12) {
        0..=2 => json!({"system": CONFIDENTIALITY, "code": "N"}),
        3..=5 => json!({"system": CONFIDENTIALITY, "code": "R"}),
        6 => json!({"system": CONFIDENTIALITY, "code": "V"}),
        7..=10 => sensitive(dice.pick(&["PSY", "SPI", "SUD", "ETHUD", "HIV", "SDV"])),
        _ => json!({"system": "http://elsewhere.example", "code": dice.pick(&["X", "R"])}),
    }
}

fn labelled(dice: &mut Dice, of: &str, resource: &mut Value) {
    if dice.once_in(6) {
        resource["meta"]["security"] = dice.some(1, 2, security);
    }
    if dice.once_in(20) {
        resource["meta"]["tag"] =
            json!([{"system": INDICATION, "code": dice.pick(&["UNINFORMED", "UNDELIVERED", "LTS"])}]);
    }
    if of == "DocumentReference" && dice.once_in(6) {
        resource["securityLabel"] = json!([{"coding": [security(dice)]}]);
    }
    if of == "Composition" && dice.once_in(6) {
        resource["confidentiality"] = dice.pick(&["N", "R"]).into();
    }
}

// ---- Consents ----

pub fn consent(dice: &mut Dice, at: usize) -> Value {
    let permits = dice.roll(10) < 9;
    let provision = if at == 0 && dice.roll(4) > 0 { generous(dice) } else { provision(dice, permits, 0) };
    let mut consent = json!({
        "resourceType": "Consent", "id": format!("c{at}"), "meta": {"versionId": "1"}, "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": RECORD.reference()}, "provision": provision
    });
    if dice.once_in(2) {
        consent["dateTime"] = dice.pick(&DAYS).into();
    }
    if dice.once_in(12) {
        consent["status"] = dice.pick(&["inactive", "draft", "rejected", "entered-in-error", "proposed"]).into();
    }
    if dice.once_in(20) {
        consent["sourceReference"] =
            json!({"reference": dice.pick(&["Consent/c0", "Consent/c1", "Consent/c2", "DocumentReference/r0"])});
    }
    if dice.once_in(60) {
        broken(dice, &mut consent);
    }
    consent
}

/// A permit that opens much, for the others to narrow.
fn generous(dice: &mut Dice) -> Value {
    let mut rule = json!({"type": "permit"});
    if dice.roll(3) > 0 {
        rule["actor"] = json!([receiver("Organization/a"), actor(dice)]);
    }
    if dice.once_in(3) {
        let more = named_label(dice);
        rule["securityLabel"] = json!([{"system": CONFIDENTIALITY, "code": dice.pick(&["N", "R", "V"])},
            {"system": ACT_CODE, "code": "SPI"}, more]);
    }
    if dice.once_in(4) {
        rule["purpose"] = json!([{"code": "TREAT"}, purpose(dice)]);
    }
    if dice.once_in(3) {
        rule["provision"] = dice.some(1, 2, |dice| {
            let permits = dice.once_in(3);
            provision(dice, permits, 1)
        });
    }
    rule
}

/// What makes a whole Consent silent, or one that is not understood.
fn broken(dice: &mut Dice, consent: &mut Value) {
    let scope = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    let of_r4 = "http://terminology.hl7.org/CodeSystem/consentscope";
    match dice.roll(14) {
        0 => consent["status"] = "Active".into(),
        1 => consent["scope"] = scope(of_r4, "research"),
        2 => consent["scope"] = scope("urn:local", "patient-privacy"),
        3 => consent["scope"] = scope("urn:local", "privacy"),
        4 => consent["scope"] = scope(of_r4, "Patient-Privacy"),
        5 => consent["patient"] = json!({"reference": STRANGER.reference()}),
        6 => consent["provision"]["type"] = Value::Null,
        7 => consent["provision"]["provision"] = json!([{"actor": [actor(dice)]}]),
        8 => consent["modifierExtension"] = json!([{"url": "u"}]),
        9 => consent["provision"]["extension"] = json!([{"url": "u", "valueBoolean": true}]),
        10 => consent["provision"]["actor"] = json!([]),
        11 => consent["someday"] = json!(1),
        12 => consent["scope"] = json!({"text": "patient-privacy"}),
        _ => consent["provision"] = Value::Null,
    }
}

fn grant(dice: &mut Dice) -> Value {
    let mut grant = json!({
        "resourceType": "Consent", "id": "grant", "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "https://tasuki.example/fhir/CodeSystem/consent-category", "code": "emergency-access"}]}],
        "patient": {"reference": RECORD.reference()},
        "provision": {"type": "permit", "period": {"start": "2026-06-15T09:00:00+09:00", "end": "2026-06-15T09:59:59+09:00"},
            "actor": [receiver(dice.pick(&["Organization/a", "Organization/a", "Practitioner/p", "CareTeam/t"]))]}
    });
    match dice.roll(12) {
        0 => grant["provision"]["type"] = "deny".into(),
        1 => {
            grant["provision"]["class"] =
                json!([{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}])
        }
        2 => grant["provision"]["period"]["end"] = "2026-06-15T10:00:00+09:00".into(),
        3 => grant["provision"]["purpose"] = json!([{"code": dice.pick(&["BTG", "ETREAT", "HRESCH"])}]),
        _ => {}
    }
    grant
}

fn limit(dice: &mut Dice) -> Value {
    json!({"resourceType": "Consent", "id": "limit", "status": "active", "provision": provision(dice, false, 1)})
}

/// An actor that receives.
pub fn receiver(named: &str) -> Value {
    let role =
        json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]});
    json!({"role": role, "reference": {"reference": named}})
}

/// A kind of member that receives.
pub fn kind(code: &str) -> Value {
    let mut actor = receiver("");
    actor["reference"] = json!({"identifier": {"system": MEMBER_KIND, "value": code}});
    actor
}

fn actor(dice: &mut Dice) -> Value {
    let mut actor = match dice.roll(24) {
        0..=8 => receiver("Organization/a"),
        9..=10 => receiver("Organization/b"),
        11..=12 => receiver(dice.pick(&["Practitioner/p", "PractitionerRole/r"])),
        13..=14 => receiver(dice.pick(&["CareTeam/d", "Group/g", "CareTeam/e"])),
        15..=16 => receiver(dice.pick(&["CareTeam/t", "CareTeam/u"])),
        17..=19 => kind(dice.pick(&["doctor", "care-manager", "home-helper"])),
        20..=22 => {
            let mut keeper = receiver(dice.pick(&["Organization/h", "Organization/h", "Organization/i"]));
            keeper["role"]["coding"][0]["code"] = "CST".into();
            keeper
        }
        _ => dice.pick(&[
            kind("wizard"),
            receiver("Organization/a/_history/1"),
            receiver("https://x.example/Organization/a"),
            receiver("Patient/x"),
            json!({"role": {"coding": [{"code": "AUT"}]}, "reference": {"reference": "Organization/a"}}),
            json!({"reference": {"reference": "Organization/a"}}),
        ]),
    };
    if dice.once_in(8) && actor["role"]["coding"][0]["code"] == "IRCP" {
        actor["role"]["coding"][0]["code"] = dice.pick(&["PRCP", "GRANTEE"]).into();
    }
    actor
}

pub fn provision(dice: &mut Dice, permits: bool, level: usize) -> Value {
    let mut rule = Map::new();
    rule.insert("type".into(), if permits { "permit" } else { "deny" }.into());
    // A permit of nothing in particular, often: the rest has something to narrow. A denial of everything, seldom.
    let rare = if permits && level == 0 { 9 } else { 6 };
    if dice.roll(4) > 0 {
        rule.insert("actor".into(), dice.some(1, 3, actor));
    }
    if dice.once_in(if level == 0 { 3 } else { rare }) {
        rule.insert("period".into(), period(dice));
    }
    if dice.once_in(5) {
        rule.insert("purpose".into(), dice.some(1, 2, purpose));
    }
    if dice.once_in(rare) {
        rule.insert("action".into(), dice.some(1, 2, action));
    }
    if dice.once_in(if permits { 5 } else { 3 }) {
        rule.insert("securityLabel".into(), dice.some(1, 3, named_label));
    }
    type Element = (&'static str, fn(&mut Dice) -> Value);
    let elements: [Element; 4] = [("class", class), ("code", named_code), ("data", data), ("extension", extension)];
    let seldom = if permits { rare + 3 } else { 4 };
    for (name, one) in elements {
        if dice.once_in(seldom) {
            rule.insert(name.into(), dice.some(1, 2, one));
        }
    }
    if dice.once_in(seldom) {
        rule.insert("dataPeriod".into(), period(dice));
    }
    if !permits && level == 0 && rule.len() < 3 {
        rule.insert("securityLabel".into(), dice.some(1, 2, named_label));
    }
    if level < 4 && dice.once_in(if level == 0 { 3 } else { 4 }) {
        let other = |dice: &mut Dice| {
            let permits = if dice.roll(4) == 0 { permits } else { !permits };
            provision(dice, permits, level + 1)
        };
        rule.insert("provision".into(), dice.some(1, 3, other));
    }
    Value::Object(rule)
}

fn purpose(dice: &mut Dice) -> Value {
    match dice.roll(30) {
        0 => json!({"system": "urn:local", "code": "TREAT"}),
        1 => json!({"system": ACT_REASON, "code": "FooBar"}),
        2..=4 => json!({"code": dice.pick(&PURPOSES)}),
        _ => json!({"system": ACT_REASON, "code": dice.pick(&PURPOSES)}),
    }
}

fn action(dice: &mut Dice) -> Value {
    let code = dice.pick(&["access", "access", "use", "disclose", "correct", "collect", "devour"]);
    json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": code}]})
}

fn named_label(dice: &mut Dice) -> Value {
    match dice.roll(10) {
        0 => json!({"system": INDICATION, "code": dice.pick(&["UNINFORMED", "UNDELIVERED"])}),
        1 if dice.once_in(4) => json!({"system": "urn:local", "code": "UNINFORMED"}),
        1 if dice.once_in(3) => json!({"system": ACT_REASON, "code": "HTEST"}),
        _ => security(dice),
    }
}

fn class(dice: &mut Dice) -> Value {
    match dice.roll(16) {
        0 => json!({"system": "http://hl7.org/fhir/resource-types", "code": "Nonsense"}),
        1 => json!({"system": "urn:ietf:bcp:13", "code": "application/hl7-cda+xml"}),
        2 => json!({"code": "Observation"}),
        3..=4 => json!({"system": "urn:ietf:rfc:3986", "code": "http://example.com/StructureDefinition/s"}),
        5..=6 => json!({"system": "http://loinc.org", "code": dice.pick(&["718-7", "64292-6"])}),
        _ => json!({"system": "http://hl7.org/fhir/resource-types", "code": dice.pick(&TYPES)}),
    }
}

fn named_code(dice: &mut Dice) -> Value {
    match dice.roll(12) {
        0 => json!({"text": "haemoglobin"}),
        1 => json!({"coding": [{"code": "718-7"}]}),
        2 => json!({"coding": [{"system": "http://loinc.org"}, {"system": "http://loinc.org", "code": "718-7"}]}),
        3 => json!({"coding": [{"system": "http://loinc.org", "code": ""}]}),
        _ => concept(dice),
    }
}

fn data(dice: &mut Dice) -> Value {
    let of = format!("{}/r{}", dice.pick(&TYPES), dice.roll(4));
    let author = dice.pick(&["Practitioner/p", "Organization/h", "Practitioner/r1"]).to_owned();
    let (meaning, named) = match dice.roll(20) {
        0 => ("instance", "https://elsewhere.example/Observation/r0".to_owned()),
        1 => ("nearby", of),
        2..=5 => ("instance", of),
        6..=9 => ("related", of),
        10..=13 => ("dependents", of),
        _ => ("authoredby", author),
    };
    json!({"meaning": meaning, "reference": {"reference": named}})
}

fn extension(dice: &mut Dice) -> Value {
    match dice.roll(2) {
        0 => json!({"url": "https://g.co/fhir/medicalrecords/Environment",
            "valueCodeableConcept": {"coding": [{"system": "App", "code": dice.pick(&["1", "2"])}]}}),
        _ => json!({"url": "https://g.co/fhir/medicalrecords/DataSource",
            "valueUri": dice.pick(&["http://example.com/one", "http://example.com/two"])}),
    }
}
