//! Pairs of worlds which differ only in what one caller may not see. What is in both is made from one seed; what is hidden
//! comes in units, each of which is in one world only, in both with other content or another history, or in both alike.

use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::letter::Letter;
use tasuki::pipeline::{Pipeline, Relation};
use tasuki::store::Store;
use tasuki::store::ties::State;

pub(crate) use super::clock::{clock, set_clock};
use super::dice::Dice;
use super::gateway::{Ask, CLINIC, HOSPITAL, NOW, Served, bundle, condition, config_with, consent, key, letter};
use super::persons::{RULED_OUT, Registered, emergency};
use super::resources::{LOINC, TYPES, labelled, resource};

const DAY_MS: i64 = 86_400_000;

/// Numbers of the patients: one who consents, one who consents to a part, one who does not, one whose consents are void, and
/// one of the clinic.
pub(crate) const ALL: &str = "1";
pub(crate) const PART: &str = "2";
pub(crate) const NONE: &str = "3";
pub(crate) const VOID: &str = "4";
pub(crate) const CLINICS: &str = "9";

/// The record of one of them.
pub(crate) fn record(number: &str) -> PatientKey {
    if number == CLINICS { PatientKey::derive(&FacilityCode::parse(CLINIC), number) } else { key(number) }
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Put(Value),
    Delete(String),
    Letter(&'static str, String, Value),
    /// What the office decides of two records.
    Relate(PatientKey, PatientKey, State),
    /// The office takes a record out of its person.
    Alone(PatientKey),
    /// What somebody else asked for, once everything else was there.
    Asked(Ask),
}

/// How something is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In the record of somebody who has agreed to nothing.
    NoConsent,
    /// In the record of somebody whose consents are expired, withdrawn, drafts.
    VoidConsent,
    /// By a label, in a record that is open.
    Label,
    /// Outside what the consent is about.
    OutOfConsent,
    /// By naming a second patient.
    SecondPatient,
    /// By something labelled that is contained in it or that it refers to.
    Holds,
    /// Consents of others: to other agencies, and such as are void.
    Consents,
    /// In the directory, and no Organization.
    Directory,
    /// A letter with a diagnosis that is not to be told, its doctor and department; letters that are held.
    Letters,
    /// What others asked for: their exports, their pages, the audit record.
    Others,
    /// In a record that is open to the organisation, and not within the scope of the token.
    OutOfScope,
    /// In the record of somebody who consented to others.
    Plain,
    /// A whole record of somebody who is registered, labelled throughout.
    Kin,
    /// Somebody who shares a house, a number, a birth date or a name with somebody who is registered.
    Relative,
    /// Two records of somebody, linked or not.
    Couple,
    /// An insurance with its number, labelled.
    Insured,
    /// A record that stands open to others in an emergency.
    Urgent,
    /// Of a type of which the network publishes nothing.
    RuledOut,
}

/// Who asks, and what there may be that it must not notice.
pub(crate) struct Caller {
    pub(crate) client: &'static str,
    pub(crate) ways: &'static [Way],
}

const CARE: &[Way] = &[
    Way::NoConsent,
    Way::VoidConsent,
    Way::Label,
    Way::OutOfConsent,
    Way::SecondPatient,
    Way::Holds,
    Way::Consents,
    Way::Directory,
    Way::Letters,
    Way::Others,
    Way::Kin,
    Way::Relative,
    Way::Couple,
    Way::Insured,
    Way::Urgent,
    Way::RuledOut,
];
const STRANGER: &[Way] = &[
    Way::NoConsent,
    Way::VoidConsent,
    Way::Label,
    Way::SecondPatient,
    Way::Holds,
    Way::Consents,
    Way::Directory,
    Way::Letters,
    Way::Others,
    Way::Plain,
    Way::Kin,
    Way::Relative,
    Way::Couple,
    Way::Insured,
    Way::Urgent,
    Way::RuledOut,
];
const OFFICE: &[Way] = &[
    Way::NoConsent,
    Way::VoidConsent,
    Way::Label,
    Way::SecondPatient,
    Way::Holds,
    Way::Directory,
    Way::Letters,
    Way::Plain,
];
const SCOPED: &[Way] = &[
    Way::NoConsent,
    Way::VoidConsent,
    Way::Label,
    Way::OutOfConsent,
    Way::SecondPatient,
    Way::Consents,
    Way::Letters,
    Way::Others,
    Way::OutOfScope,
    Way::Kin,
    Way::Relative,
    Way::Couple,
    Way::Insured,
    Way::Urgent,
];

pub(crate) const CALLERS: [Caller; 8] = [
    Caller { client: "agency-a", ways: CARE },
    Caller { client: "lab-only", ways: SCOPED },
    Caller { client: "agency-a", ways: CARE },
    Caller { client: "clinic", ways: STRANGER },
    Caller { client: "agency-a", ways: CARE },
    Caller { client: "office", ways: OFFICE },
    Caller { client: "agency-a", ways: CARE },
    Caller { client: "agency-b", ways: STRANGER },
];

/// How the consent of [`PART`] narrows.
#[derive(Clone, Copy, Debug)]
enum Narrow {
    Class,
    AllButClass,
    Period,
    Code,
    Purpose,
}

/// Two worlds.
pub(crate) struct Pair {
    pub(crate) client: &'static str,
    /// Each step with the number of the common step with or after which it comes: the same things have the same times in both.
    pub(crate) worlds: [Vec<(i64, Step)>; 2],
    pub(crate) units: Vec<Way>,
    /// Whether the network has rules of its own.
    pub(crate) is_ruled: bool,
}

/// The pair of a seed.
pub(crate) fn pair(seed: u64, caller: &Caller) -> Pair {
    let mut dice = Dice(seed);
    let narrow = *dice.pick(&[Narrow::Class, Narrow::AllButClass, Narrow::Period, Narrow::Code, Narrow::Purpose]);
    let mut worlds = [Vec::new(), Vec::new()];
    let is_ruled = (seed >> 3) & 1 == 0;
    let registered = Registered::some(&mut dice);
    let (begun, common) = base(&mut dice, narrow, &registered);
    let mut units = Vec::new();
    let mut number = 0;
    for (at, step) in (0..).zip(common) {
        for world in &mut worlds {
            world.push((at, step.clone()));
        }
        // The first letter about somebody states the Patient too, which may be seen: what is hidden comes later.
        let hidden = if at < begun { 0 } else { dice.roll(3) };
        for _ in 0..hidden {
            number += 1;
            let way = *dice.pick(caller.ways);
            let seeds = [dice.number(), dice.number()];
            let kind = dice.fork();
            // Here only, there only, otherwise, the other way round, in both alike.
            let presence = match dice.roll(5) {
                0 => [Some(seeds[0]), None],
                1 => [None, Some(seeds[1])],
                4 => [Some(seeds[0]); 2],
                _ => [Some(seeds[0]), Some(seeds[1])],
            };
            for (world, content) in worlds.iter_mut().zip(presence) {
                if let Some(content) = content {
                    let steps =
                        unit(way, number, (narrow, is_ruled), &registered, &mut kind.clone(), &mut Dice(content));
                    world.extend(steps.into_iter().map(|step| (at, step)));
                }
            }
            units.push(way);
        }
    }
    Pair { client: caller.client, worlds, units, is_ruled }
}

/// What is in both, and by how many of its steps the records that are open are begun.
fn base(dice: &mut Dice, narrow: Narrow, registered: &Registered) -> (i64, Vec<Step>) {
    let mut steps = Vec::new();
    for id in ["agency-a", "agency-b", "network-office", "hospital", "clinic"] {
        steps.push(Step::Put(json!({"resourceType": "Organization", "id": id, "name": id, "active": true,
            "identifier": [{"system": "urn:x:organization", "value": id}]})));
    }
    for resource in [
        json!({"resourceType": "Practitioner", "id": "staff", "name": [{"text": "試験 花子"}]}),
        json!({"resourceType": "PractitionerRole", "id": "staff-role", "practitioner": {"reference": "Practitioner/staff"},
            "organization": {"reference": "Organization/agency-a"}}),
        json!({"resourceType": "Location", "id": "site", "name": "site", "managingOrganization": {"reference": "Organization/agency-a"}}),
        json!({"resourceType": "CareTeam", "id": "home", "status": "active",
            "participant": [{"member": {"reference": "Organization/agency-b"}}, {"member": {"reference": "PractitionerRole/staff-role"}}]}),
    ] {
        steps.push(Step::Put(resource));
    }
    for number in [ALL, PART] {
        let name = format!("base{number}");
        let told = told(&name);
        steps.push(Step::Letter(HOSPITAL, name.clone(), bundle(number, &name, &told)));
    }
    steps.push(Step::Letter(CLINIC, "clinics".into(), of_clinic("clinics", "K30")));
    steps.extend(registered.letters());
    let begun = i64::try_from(steps.len()).unwrap_or_default();
    let mut decisions = registered.decisions().into_iter();
    for n in 0..22 {
        let now = dice.roll(2);
        steps.extend(decisions.by_ref().take(now));
        let number = *dice.pick(&[ALL, ALL, PART, PART, NONE]);
        let id = format!("v{n}");
        let made = resource(dice.word(&TYPES), &id, &key(number).reference(), dice);
        if dice.once_in(4) {
            let mut earlier = made.clone();
            earlier["language"] = json!("ja");
            steps.push(Step::Put(earlier));
        }
        let name = format!("{}/{id}", made["resourceType"].as_str().unwrap_or_default());
        steps.push(Step::Put(made));
        if dice.once_in(8) {
            steps.push(Step::Delete(name));
        }
    }
    steps.extend(decisions);
    let plain = consent("ca", ALL, "agency-a", "active", Value::Null);
    steps.push(Step::Letter("", "ca".into(), plain));
    let mut part = consent("cp", PART, "agency-a", "active", Value::Null);
    let types = |names: &[&str]| {
        let class = |name: &&str| json!({"system": "http://hl7.org/fhir/resource-types", "code": name});
        names.iter().map(class).collect::<Value>()
    };
    let provision = &mut part["provision"];
    match narrow {
        Narrow::Class => provision["class"] = types(&["Observation", "Patient", "Practitioner"]),
        Narrow::AllButClass => {
            provision["provision"] = json!([{"type": "deny", "class": types(&["Condition", "Flag", "Procedure"])}])
        }
        Narrow::Period => provision["dataPeriod"] = json!({"start": "2026-01-01", "end": "2026-06-30"}),
        Narrow::Code => {
            provision["code"] = json!([{"coding": [{"system": "http://loinc.org", "code": LOINC[0]}]}]);
        }
        Narrow::Purpose => {
            provision["purpose"] =
                json!([{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HRESCH"}]);
        }
    }
    steps.push(Step::Letter("", "cp".into(), part));
    (begun, steps)
}

/// What everybody to whom the patient agreed may see of a letter.
fn told(name: &str) -> Vec<Value> {
    let mut finding = condition(name, "I10", None);
    finding["recorder"] = json!({"reference": format!("urn:uuid:{name}-2")});
    let number = json!([{"system": "urn:oid:1.2.392.100495.20.3.41.10119999901", "value": "D8888"}]);
    vec![finding, json!({"resourceType": "Practitioner", "identifier": number, "name": [{"text": "例示 次郎"}]})]
}

/// A letter of the clinic about its own patient.
pub(crate) fn of_clinic(name: &str, code: &str) -> Value {
    let mut bundle = bundle(CLINICS, name, &[condition(name, code, None)]);
    bundle["entry"][0]["resource"]["identifier"][0] = super::gateway::number_of(CLINIC, CLINICS);
    bundle["identifier"]["value"] = json!(format!("{CLINIC}^2026^{name}"));
    bundle
}

/// Something hidden. `kind` says what and under which ids, alike in both worlds; `content` the rest of it.
#[allow(clippy::too_many_lines)] // one arm for each way
fn unit(
    way: Way,
    number: usize,
    (narrow, is_ruled): (Narrow, bool),
    registered: &Registered,
    kind: &mut Dice,
    content: &mut Dice,
) -> Vec<Step> {
    let id = format!("h{number}");
    let of = *kind.pick(&TYPES);
    let (open, closed) = (key(ALL).reference(), key(NONE).reference());
    let with_history = |made: Value, content: &mut Dice| history(made, content);
    match way {
        Way::NoConsent | Way::VoidConsent | Way::Plain => {
            let whose = match way {
                Way::NoConsent => NONE,
                Way::VoidConsent => VOID,
                _ => ALL,
            };
            let made = resource(of, &id, &key(whose).reference(), content);
            let patient = json!({"resourceType": "Patient", "id": key(whose).patient_id().as_str(), "birthDate": "1940-01-01",
                "name": [{"family": content.word(&super::resources::NAMES)}], "identifier": [super::gateway::number_of(HOSPITAL, whose)]});
            let mut steps = if way == Way::Plain || kind.once_in(2) { Vec::new() } else { vec![Step::Put(patient)] };
            steps.extend(with_history(made, content));
            steps
        }
        Way::Label => with_history(labelled(resource(of, &id, &open, content), content), content),
        Way::OutOfConsent => {
            if matches!(narrow, Narrow::AllButClass | Narrow::Class) && kind.once_in(2) {
                let sent = bundle(PART, &id, &[condition(&id, content.word(&["C160", "C61"]), None)]);
                return vec![Step::Letter(HOSPITAL, id, sent)];
            }
            let of = match narrow {
                Narrow::Class => kind.word(&["Condition", "Procedure", "CarePlan", "Composition", "Provenance"]),
                Narrow::AllButClass => kind.word(&["Condition", "Flag", "Procedure"]),
                _ => "Observation",
            };
            let mut made = resource(of, &id, &key(PART).reference(), content);
            match narrow {
                Narrow::Period => {
                    made["effectiveDateTime"] = json!(content.word(&["2025-12-31", "2026-07-01", "2026"]))
                }
                Narrow::Code => {
                    made["code"] =
                        json!({"coding": [{"system": "http://loinc.org", "code": content.word(&LOINC[1..])}]})
                }
                _ => {}
            }
            with_history(made, content)
        }
        Way::SecondPatient => {
            let second = content.pick(&[closed.clone(), "Patient/unheard-of".into(), key(PART).reference()]).clone();
            let mut made = resource("Observation", &id, &open, content);
            made["performer"] = json!([{"reference": second, "display": content.word(&super::resources::NAMES)}]);
            with_history(made, content)
        }
        Way::Holds => {
            let inner = labelled(resource("Condition", &format!("{id}-inner"), &open, content), content);
            let mut outer = match kind.roll(4) {
                0 => {
                    let mut outer = resource("Composition", &id, &open, content);
                    outer["section"][0]["entry"] = json!([{"reference": format!("Condition/{id}-inner")}]);
                    outer
                }
                1 => {
                    let mut outer = resource("List", &id, &open, content);
                    outer["entry"] = json!([{"item": {"reference": format!("Condition/{id}-inner")}}]);
                    outer
                }
                2 => {
                    let mut outer = resource("CarePlan", &id, &open, content);
                    outer["addresses"] = json!([{"reference": format!("Condition/{id}-inner"), "display": "胃癌"}]);
                    outer
                }
                _ => json!({"resourceType": "Provenance", "id": id, "recorded": "2026-03-02T10:00:00+09:00",
                    "target": [{"reference": format!("Condition/{id}-inner")}], "agent": [{"who": {"reference": open}}]}),
            };
            outer["language"] = json!(content.word(&["ja", "en"]));
            vec![Step::Put(inner), Step::Put(outer)]
        }
        Way::Consents => {
            let (whose, organization, status, period) = match kind.roll(5) {
                0 => (ALL, "agency-z", "active", Value::Null),
                1 => (NONE, "agency-y", "active", Value::Null),
                2 => (VOID, "agency-a", "draft", Value::Null),
                3 => (VOID, "agency-b", "inactive", Value::Null),
                _ => (VOID, "agency-a", "active", json!({"start": "2026-01-01", "end": "2026-06-30"})),
            };
            vec![Step::Letter("", id.clone(), consent(&id, whose, organization, status, period))]
        }
        Way::Directory => match kind.roll(3) {
            // What the office keeps for everybody is hidden with a label alone.
            0 => vec![Step::Put(json!({"resourceType": "Practitioner", "id": id, "meta": {"security": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]},
                    "name": [{"text": content.word(&super::resources::WORDS)}]}))],
            1 => vec![Step::Put(
                json!({"resourceType": "Questionnaire", "id": id, "status": "active", "title": content.word(&super::resources::WORDS)}),
            )],
            _ => vec![Step::Put(
                json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": content.word(&super::resources::WORDS)}}),
            )],
        },
        Way::Letters => match kind.roll(3) {
            0 => {
                let mut finding = condition(&id, content.word(&["C160", "C61"]), Some("UNINFORMED"));
                finding["recorder"] = json!({"reference": format!("urn:uuid:{id}-2")});
                let number =
                    |value: &str| json!([{"system": "urn:oid:1.2.392.100495.20.3.41.10119999901", "value": value}]);
                let doctor = json!({"resourceType": "Practitioner", "identifier": number("D7777"), "name": [{"text": "腫瘍 内科"}]});
                let known = json!({"resourceType": "Practitioner", "identifier": number("D8888"), "name": [{"text": "例示　次郎"}]});
                vec![Step::Letter(HOSPITAL, id.clone(), bundle(ALL, &id, &[finding, doctor, known]))]
            }
            1 => vec![Step::Letter(
                HOSPITAL,
                id.clone(),
                json!({"resourceType": "Bundle", "type": "transaction", "id": format!("held-{}", content.roll(9))}),
            )],
            _ => vec![Step::Letter(
                HOSPITAL,
                id.clone(),
                bundle(NONE, &id, &[condition(&id, content.word(&["C160", "C61"]), None)]),
            )],
        },
        Way::Others => {
            let by = content.word(&["hospital", "nurse-station"]);
            let path = *content.pick(&[
                "/Patient?_count=1",
                "/Observation?_count=1&_sort=code",
                "/_history?_count=1",
                "/$export",
                "/Patient/$export",
            ]);
            let mut ask = Ask::get(by, path);
            if path.ends_with("$export") {
                ask = ask.with("prefer", "respond-async");
            }
            vec![Step::Asked(ask)]
        }
        Way::Kin | Way::Relative | Way::Couple | Way::Insured => registered.hidden(way, number, kind, content),
        Way::Urgent => vec![emergency(&id, key(kind.word(&[ALL, NONE])), kind.word(&["agency-y", "agency-z"]))],
        Way::RuledOut => {
            let made = resource(RULED_OUT, &id, &open, content);
            with_history(if is_ruled { made } else { labelled(made, content) }, content)
        }
        Way::OutOfScope => {
            let of = kind.word(&["Condition", "Procedure", "Observation", "Provenance", "List"]);
            let mut made = resource(of, &id, &open, content);
            if of == "Observation" {
                made["category"][0]["coding"][0]["code"] = json!(content.word(&["vital-signs", "social-history"]));
            }
            with_history(made, content)
        }
    }
}

/// As it is, or with earlier versions of the same, or deleted in the end.
pub(crate) fn history(made: Value, content: &mut Dice) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..content.roll(3) {
        let mut earlier = made.clone();
        earlier["language"] = json!(content.word(&["ja", "en", "de"]));
        steps.push(Step::Put(earlier));
    }
    let name =
        format!("{}/{}", made["resourceType"].as_str().unwrap_or_default(), made["id"].as_str().unwrap_or_default());
    steps.push(Step::Put(made));
    if content.once_in(5) {
        steps.push(Step::Delete(name));
    }
    steps
}

/// A world that was made.
pub(crate) struct World {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) served: Served,
    /// What others got to know: links to their pages, names of their exports.
    pub(crate) of_others: Vec<String>,
}

impl World {
    pub(crate) fn of(steps: &[(i64, Step)], is_ruled: bool) -> World {
        let store = Store::open_memory();
        // What links are sealed with is chance otherwise.
        store.secret("links", [7; 16]).expect("kept");
        set_clock(NOW - DAY_MS);
        let mut open = settings(is_ruled);
        open.open = true;
        let gateway = Arc::new(Gateway::over(store.clone(), &open, clock).expect("the gateway starts"));
        let served = Served::new(gateway.clone());
        let pipeline = Pipeline::new(store.clone(), clock);
        let mut asked = Vec::new();
        for (at, step) in steps {
            set_clock(NOW - DAY_MS + at * 1000);
            match step {
                Step::Put(resource) => put(&served, resource),
                Step::Delete(name) => {
                    let answer = served.ask(Ask { method: "DELETE", ..Ask::get("", format!("/{name}")) });
                    assert_eq!(answer.status, 204, "{name}: {}", answer.body);
                }
                Step::Letter(facility, name, body) => {
                    let letter: Letter = letter(facility, name, body);
                    pipeline.receive(&letter).expect("received");
                }
                Step::Relate(one, other, state) => decide(&pipeline, &[(*one, *other)], *state),
                Step::Alone(record) => {
                    let (ties, _) = store.ties(*record).expect("readable");
                    let linked = ties.in_state(State::Linked).map(|pair| (*record, pair.other));
                    decide(&pipeline, &linked.collect::<Vec<_>>(), State::Separate);
                }
                Step::Asked(ask) => asked.push(ask.clone()),
            }
            // What is linked follows from the order of what was committed, and not from when the linker came to it.
            gateway.linker().settle().expect("settled");
        }
        drop((served, gateway));
        set_clock(NOW);
        let gateway = Arc::new(Gateway::over(store, &settings(is_ruled), clock).expect("the gateway starts"));
        gateway.linker().settle().expect("settled");
        let served = Served::new(gateway.clone());
        let mut of_others = Vec::new();
        for ask in asked {
            let answer = served.ask(ask);
            of_others.extend(next_page(&answer.body));
            let export = answer.header("content-location").and_then(|url| url.rsplit('/').next());
            of_others.extend(export.map(|name| format!("/$export-status/{name}")));
        }
        World { gateway, served, of_others }
    }
}

/// The configuration, with rules of the network's own or without.
pub(crate) fn settings(is_ruled: bool) -> Config {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    if !is_ruled {
        return config_with("");
    }
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let class = json!([{"system": "http://hl7.org/fhir/resource-types", "code": RULED_OUT}]);
        let rule = json!({"resourceType": "Consent", "id": "ruled-out", "status": "active", "provision": {"type": "deny", "class": class}});
        std::fs::write(folder.path().join("ruled-out.json"), rule.to_string()).expect("written");
        folder
    });
    config_with(&format!("[network]\nemergency_overrides = true\nrules = [\"{}\"]\n", folder.path().display()))
}

fn decide(pipeline: &Pipeline, pairs: &[(PatientKey, PatientKey)], state: State) {
    let relation = |(one, other): &(PatientKey, PatientKey)| Relation {
        one: *one,
        other: *other,
        state: Some(state),
        ground: "office".into(),
        by: "office".into(),
        reason: "試験".into(),
        score: 0.0,
    };
    let relations: Vec<Relation> = pairs.iter().map(relation).collect();
    // What somebody else was told apart from cannot be joined; that holds in whatever world it is.
    let _ = pipeline.relate(&relations).expect("the store works");
}

/// The address of the next page of an answer.
pub(crate) fn next_page(body: &str) -> Option<String> {
    let bundle: Value = serde_json::from_str(body).ok()?;
    let links = bundle["link"].as_array()?.iter();
    let url = links.filter(|link| link["relation"] == "next").find_map(|link| link["url"].as_str())?;
    url.strip_prefix(super::gateway::BASE).map(str::to_owned)
}

fn put(served: &Served, resource: &Value) {
    let path =
        format!("/{}/{}", resource["resourceType"].as_str().expect("a type"), resource["id"].as_str().expect("an id"));
    let answer = served.ask(Ask::put("", path, resource));
    assert!(matches!(answer.status, 200 | 201), "{resource}: {}", answer.body);
}
