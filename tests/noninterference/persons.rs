//! Registered people: what tells them apart, their records at several facilities, and how these came to be one person's or not. And
//! what is hidden beside them: records, relatives, namesakes, insurances, strangers. Nobody hidden is ever linked to somebody who
//! is seen but by records that are labelled through and through, so that consent is the same in both worlds.

use serde_json::{Value, json};
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::store::ties::State;

use super::dice::Dice;
use super::gateway::{CLINIC, HOSPITAL, bundle, condition, consent, number_of};
use super::resources::{labelled, resource};
use super::worlds::{Step, Way, history};

/// A facility of which nobody asks.
pub(crate) const THIRD: &str = "0119999903";
/// The rule of the network in half of the pairs: of these nothing is published to anybody.
pub(crate) const RULED_OUT: &str = "Immunization";

const MEMBER: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID";
const CARE: &str = "https://tasuki.example/fhir/NamingSystem/care-insured";

/// How the records of somebody at the hospital and at the clinic stand to each other, and who may see what of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Linked by the rules; a consent at the one opens both.
    Linked,
    /// Linked by the office: another family name, another address; a consent at the clinic.
    ByOffice,
    /// On the work list; a consent at the hospital opens the hospital's.
    Proposed,
    /// Linked, and what the one opens the other closes.
    Refused,
    /// Held apart by the office; a consent at the clinic opens the clinic's.
    Apart,
    /// Linked; the consent is for a team that the record tells of.
    OfTeam,
    /// Linked; open in an emergency and not else.
    Urgent,
    /// Linked and agreed to, and taken apart by the office.
    Parted,
}

const ALL: [Told; 8] = [
    Told::Linked,
    Told::ByOffice,
    Told::Proposed,
    Told::Refused,
    Told::Apart,
    Told::OfTeam,
    Told::Urgent,
    Told::Parted,
];

/// Somebody as a facility knows them.
#[derive(Clone, Debug)]
struct Person {
    family: (&'static str, &'static str),
    given: (&'static str, &'static str),
    birth: String,
    gender: &'static str,
    address: Option<String>,
    phone: Option<String>,
    medical: Option<String>,
    care: Option<String>,
}

const FAMILIES: [(&str, &str); 4] = [("試験", "シケン"), ("佐藤", "サトウ"), ("見本", "ミホン"), ("髙橋", "タカハシ")];
const GIVEN: [(&str, &str); 8] = [
    ("花子", "ハナコ"),
    ("次郎", "ジロウ"),
    ("ゆき", "ユキ"),
    ("正", "タダシ"),
    ("和子", "カズコ"),
    ("太郎", "タロウ"),
    ("恵美", "メグミ"),
    ("清", "キヨシ"),
];
/// Given names of those who are hidden and share the rest.
const OTHERS: [(&str, &str); 3] = [("月子", "ツキコ"), ("三郎", "サブロウ"), ("律", "リツ")];

impl Person {
    /// The nth of those who are registered.
    fn nth(n: usize, dice: &mut Dice) -> Self {
        Person {
            family: *dice.pick(&FAMILIES),
            given: GIVEN[n % GIVEN.len()],
            birth: format!("19{}-0{}-1{}", 32 + n, 1 + n % 9, dice.roll(9)),
            gender: dice.word(&["female", "male"]),
            address: Some(format!("北海道札幌市中央区北{}条西2-3-{}", 1 + n, 1 + n)),
            phone: Some(format!("011-200-30{n:02}")),
            medical: dice.once_in(2).then(|| format!("01010016:12-{n}:{}:01", 7_700_000 + n)),
            care: Some(format!("011023:00001{n:05}")),
        }
    }

    /// As a Patient, without the number of a facility.
    fn patient(&self) -> Value {
        let name = |family: &str, given: &str, code: &str| {
            json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": code}],
                "use": "official", "family": family, "given": [given]})
        };
        let numbers = [(MEMBER, &self.medical), (CARE, &self.care)];
        let numbers =
            numbers.iter().filter_map(|(system, value)| Some(json!({"system": system, "value": value.as_ref()?})));
        let mut patient = json!({"resourceType": "Patient", "active": true, "gender": self.gender, "birthDate": self.birth,
            "name": [name(self.family.0, self.given.0, "IDE"), name(self.family.1, self.given.1, "SYL")],
            "identifier": numbers.collect::<Vec<_>>()});
        if let Some(address) = &self.address {
            patient["address"] = json!([{"text": address}]);
        }
        if let Some(phone) = &self.phone {
            patient["telecom"] = json!([{"system": "phone", "value": phone}]);
        }
        patient
    }

    fn without_numbers(&self) -> Self {
        Person { medical: None, care: None, ..self.clone() }
    }

    fn letter(&self, facility: &'static str, number: &str, name: &str, resources: &[Value]) -> Step {
        let mut sent = bundle(number, name, resources);
        let mut patient = self.patient();
        if let Some(numbers) = patient["identifier"].as_array_mut() {
            numbers.insert(0, number_of(facility, number));
        }
        sent["entry"][0]["resource"] = patient;
        sent["identifier"]["value"] = json!(format!("{facility}^2026^{name}"));
        Step::Letter(facility, name.to_owned(), sent)
    }
}

fn at(facility: &str, number: &str) -> PatientKey {
    PatientKey::derive(&FacilityCode::parse(facility), number)
}

/// The records of the nth of those who are registered.
fn records(n: usize) -> [PatientKey; 2] {
    [at(HOSPITAL, &format!("1{n:02}")), at(CLINIC, &format!("2{n:02}"))]
}

/// Those who are registered, in a pair of worlds.
pub(crate) struct Registered(Vec<(usize, Told, Person)>);

impl Registered {
    /// Some of them.
    pub(crate) fn some(dice: &mut Dice) -> Self {
        let first = dice.roll(ALL.len());
        let some = (0..4).map(|n| (first + n * 3) % ALL.len());
        Registered(some.map(|n| (n, ALL[n], Person::nth(n, dice))).collect())
    }

    /// The letters by which facilities tell of them.
    pub(crate) fn letters(&self) -> Vec<Step> {
        let mut letters = Vec::new();
        for (n, told, person) in &self.0 {
            let other = match told {
                Told::ByOffice => Person {
                    family: ("既婚", "キコン"),
                    address: Some("北海道小樽市花園7-8-9".into()),
                    phone: None,
                    ..person.without_numbers()
                },
                Told::Proposed => Person { address: None, phone: None, ..person.without_numbers() },
                _ => person.clone(),
            };
            let person =
                if matches!(told, Told::ByOffice | Told::Proposed) { person.without_numbers() } else { person.clone() };
            let [here, there] = [format!("p1{n:02}"), format!("p2{n:02}")];
            letters.push(person.letter(HOSPITAL, &format!("1{n:02}"), &here, &[condition(&here, "I10", None)]));
            let mut sent = vec![condition(&there, "E119", None)];
            if *told == Told::Linked {
                sent.push(json!({"resourceType": "Coverage", "status": "active", "beneficiary": {"reference": format!("urn:uuid:{there}-0")},
                    "identifier": [{"system": CARE, "value": format!("013011:00002{n:05}")}], "payor": [{"display": "試験市"}]}));
            }
            letters.push(other.letter(CLINIC, &format!("2{n:02}"), &there, &sent));
        }
        letters
    }

    /// What the office and the people themselves decide after that, in this order.
    pub(crate) fn decisions(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for (n, told, _) in &self.0 {
            let records = records(*n);
            let [here, there] = records;
            let mut agreed = |which: &str, record: PatientKey, organization: &str, kind: &str| {
                let id = format!("p{which}{n:02}");
                steps.push(given(&id, record, organization, kind));
            };
            match told {
                Told::Linked => {
                    agreed("a", here, "agency-a", "permit");
                    agreed("b", there, "agency-b", "permit");
                }
                Told::ByOffice => agreed("a", there, "agency-a", "permit"),
                Told::Proposed => agreed("a", here, "agency-a", "permit"),
                Told::Refused => {
                    agreed("a", here, "agency-a", "permit");
                    agreed("b", here, "agency-b", "permit");
                    agreed("c", there, "agency-a", "deny");
                }
                Told::Apart | Told::Parted => agreed("a", there, "agency-a", "permit"),
                Told::OfTeam => {}
                Told::Urgent => steps.push(emergency(&format!("pe{n:02}"), here, "agency-a")),
            }
            match told {
                Told::ByOffice => steps.push(Step::Relate(here, there, State::Linked)),
                // From all of them: what a third record joins cannot be taken apart in one place.
                Told::Apart => steps.insert(0, Step::Alone(here)),
                Told::Parted => steps.push(Step::Alone(here)),
                Told::OfTeam => {
                    let team = format!("team{n:02}");
                    steps.push(Step::Put(json!({"resourceType": "CareTeam", "id": team, "status": "active",
                        "subject": {"reference": here.reference()},
                        "participant": [{"member": {"reference": "Organization/agency-a"}}]})));
                    steps.push(given(&format!("pt{n:02}"), here, &team, "permit"));
                }
                _ => {}
            }
        }
        steps
    }

    /// Something hidden beside them.
    pub(crate) fn hidden(&self, way: Way, number: usize, kind: &mut Dice, content: &mut Dice) -> Vec<Step> {
        let (n, told, person) = kind.pick(&self.0).clone();
        // An emergency opens what is labelled too.
        let way = if told == Told::Urgent && matches!(way, Way::Kin | Way::Insured) { Way::Relative } else { way };
        let id = format!("h{number}");
        let finding = condition(&id, content.word(&["C160", "C61"]), None);
        let facility = *kind.pick(&[HOSPITAL, THIRD]);
        let mut steps = match way {
            Way::Kin => kin(&person, &id, number, content),
            Way::Relative => {
                let other = relative(&person, kind, content);
                vec![other.letter(facility, &format!("4{number:02}"), &id, &[finding])]
            }
            Way::Couple => couple(person, &id, number, content),
            Way::Insured => {
                let mut made = labelled(resource("Coverage", &id, &records(n)[0].reference(), content), content);
                // Another insurer: two numbers of one at a time would speak against the link.
                let value = [&person.care, &Some(format!("013011:00009{number:05}"))][kind.roll(2)].clone();
                made["identifier"] = json!([{"system": CARE, "value": value}]);
                return history(made, content);
            }
            _ => Vec::new(),
        };
        if kind.once_in(3) && way == Way::Relative {
            steps.push(given(&format!("{id}-z"), at(facility, &format!("4{number:02}")), "agency-z", "permit"));
        }
        steps
    }
}

/// A whole record of somebody who is registered, of which every row is labelled; linked perhaps.
fn kin(person: &Person, id: &str, number: usize, content: &mut Dice) -> Vec<Step> {
    let known = match content.roll(4) {
        0 => person.without_numbers(),
        1 => Person { phone: None, address: None, ..person.clone() },
        _ => person.clone(),
    };
    let own = format!("3{number:02}");
    let Step::Letter(facility, name, mut sent) =
        known.letter(THIRD, &own, id, &[condition(id, "C61", Some("UNINFORMED"))])
    else {
        return Vec::new();
    };
    let label =
        json!({"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]});
    sent["entry"][0]["resource"]["meta"] = label;
    let mut steps = vec![Step::Letter(facility, name, sent)];
    let record = at(THIRD, &own);
    match content.roll(4) {
        0 => steps.push(given(&format!("{id}-z"), record, "agency-z", "permit")),
        1 => steps.push(Step::Alone(record)),
        _ => {}
    }
    steps
}

/// Somebody else: of the same house, or with the same name.
fn relative(person: &Person, kind: &mut Dice, content: &mut Dice) -> Person {
    let given = *content.pick(&OTHERS);
    let own = format!("011023:000071{:04}", content.roll(9999));
    let branch = person.medical.as_ref().map(|number| number.replace(":01", ":02"));
    match kind.roll(4) {
        // A twin.
        0 => Person { given, medical: branch, care: Some(own), ..person.clone() },
        // Of the same house.
        1 => Person { given, birth: "1961-06-06".into(), medical: branch, care: None, ..person.clone() },
        // The same number by mistake.
        2 => Person { given, birth: "1955-05-05".into(), address: None, phone: None, ..person.clone() },
        // A namesake.
        _ => Person { address: None, phone: None, ..person.without_numbers() },
    }
}

/// Two records of somebody whom nobody sees, linked, held apart, or only alike.
fn couple(like: Person, id: &str, number: usize, content: &mut Dice) -> Vec<Step> {
    let known = Person {
        given: OTHERS[number % OTHERS.len()],
        birth: format!("1929-1{}-2{}", number % 3, content.roll(9)),
        care: Some(format!("011023:00008{number:05}")),
        medical: None,
        ..like
    };
    let (one, two) = (format!("5{number:02}"), format!("6{number:02}"));
    let second = if content.once_in(3) {
        Person { address: None, phone: None, ..known.without_numbers() }
    } else {
        known.clone()
    };
    let told = |name: &str| [condition(name, "C61", None)];
    let mut steps = vec![
        known.letter(HOSPITAL, &one, &format!("{id}-1"), &told(&format!("{id}-1"))),
        second.letter(THIRD, &two, &format!("{id}-2"), &told(&format!("{id}-2"))),
    ];
    let (here, there) = (at(HOSPITAL, &one), at(THIRD, &two));
    match content.roll(4) {
        0 => steps.push(Step::Relate(here, there, State::Separate)),
        1 => steps.push(Step::Relate(here, there, State::Linked)),
        2 => steps.push(given(&format!("{id}-y"), there, "agency-y", "permit")),
        _ => {}
    }
    steps
}

/// A Consent about a record, for an organisation, or for a team of the record.
fn given(id: &str, record: PatientKey, to: &str, kind: &str) -> Step {
    let mut one = consent(id, "", to, "active", Value::Null);
    one["patient"] = json!({"reference": record.reference()});
    one["policyRule"] = json!({"text": "opt-in"});
    one["provision"]["type"] = json!(kind);
    if to.starts_with("team") {
        one["provision"]["actor"][0]["reference"] = json!({"reference": format!("CareTeam/{to}")});
    }
    Step::Put(one)
}

/// What `$emergency-access` writes, but for the notice to the keeper.
pub(crate) fn emergency(id: &str, record: PatientKey, organization: &str) -> Step {
    let mut one = consent(
        id,
        "",
        organization,
        "active",
        json!({"start": "2026-11-21T11:30:00+09:00", "end": "2026-11-21T12:29:59+09:00"}),
    );
    one["patient"] = json!({"reference": record.reference()});
    one["policyRule"] = json!({"text": "opt-in"});
    one["dateTime"] = json!("2026-11-21T11:30:00+09:00");
    one["category"] = json!([{"coding": [{"system": "https://tasuki.example/fhir/CodeSystem/consent-category", "code": "emergency-access"}]}]);
    one["provision"]["purpose"] =
        json!([{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "BTG"}]);
    Step::Put(one)
}

/// All records that there may be of those who are registered, and of those who are hidden.
pub(crate) fn all_records(units: usize) -> Vec<PatientKey> {
    let registered = (0..ALL.len()).flat_map(records);
    let hidden = (0..=units).flat_map(|number| {
        let named = |first: u8| format!("{first}{number:02}");
        [
            at(THIRD, &named(3)),
            at(HOSPITAL, &named(4)),
            at(THIRD, &named(4)),
            at(HOSPITAL, &named(5)),
            at(THIRD, &named(6)),
        ]
    });
    registered.chain(hidden).collect()
}
