//! IN1 insurance (HL7 v2.5 6.5.6), and ZI1 of PPR^ZD1, which has the same fields, to Coverage.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::hl7v2::Output;
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::datatype::{cwe, ts, xad, xpn, xtn};
use crate::map::hl7v2::segment::related_person::{self, Fields};

const PUBLIC_PAYER_NUMBER: &str = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/PublicPayerNumber";
const ORGANIZATION_TYPE: &str = "http://terminology.hl7.org/CodeSystem/organization-type";
const SUBSCRIBER_RELATIONSHIP: &str = "http://terminology.hl7.org/CodeSystem/subscriber-relationship";

const COVERAGE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/coverage-class";

/// The insured, where it is not the patient.
const INSURED: Fields = Fields {
    numbers: 49,
    names: 16,
    relationship: 17,
    telecoms: &[],
    gender: 43,
    birth: 18,
    addresses: 19,
    period: (0, 0),
    language: 0,
};

/// 法別番号 of publicly funded care (公費負担医療); every other plan is an insurance with 記号・番号.
const PUBLIC_PLANS: [&str; 26] = [
    "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "28", "29", "30",
    "38", "51", "52", "53", "54", "66", "79",
];

/// The numbers on an insurance card.
#[derive(Debug, Default, PartialEq, Eq)]
struct Insured {
    symbol: String,
    number: String,
    branch: String,
    /// IN1-11 where it is not a number: the policy holder's name.
    holder: String,
}

/// States the Coverage and its payor.
pub fn map(segment: Segment<'_>, out: &mut Output) {
    let plan = cwe::code(segment.field(2));
    let is_public = PUBLIC_PLANS.contains(&plan.as_str());
    let payor_number = segment.field(3).component(1).text();
    let payor_number = payor_number.trim();
    let insured = insured(segment);
    let payor = payor(segment, payor_number, is_public, out);
    let subscriber_reference = subscriber_reference(segment, out);
    let mut w = Writer::new();
    if !is_public {
        extensions(&mut w, &insured);
    }
    identifiers(&mut w, segment, payor_number, &insured, is_public, out);
    w.string("status", "active");
    kind(&mut w, segment, out);
    w.object("policyHolder", |w| w.string("display", &insured.holder));
    w.reference("subscriber", subscriber_reference.as_deref().unwrap_or_default());
    subscriber(&mut w, segment, &insured, is_public);
    out.subject(&mut w, "beneficiary");
    w.string("dependent", &insured.branch);
    relationship(&mut w, segment.field(17), out);
    ts::period(&mut w, "period", segment.field(12), segment.field(13), out);
    w.array("payor", |w| {
        w.item(|w| match &payor {
            Some(reference) => w.string("reference", reference),
            // Coverage.payor is required; the plan's name is the best there is.
            None => w.string("display", &cwe::text(segment.field(2))),
        });
    });
    classes(&mut w, segment);
    if let Ok(order @ 1..) = segment.field(22).text().trim().parse::<u16>() {
        w.integer("order", i64::from(order));
    }
    let id = out.id(ResourceType::COVERAGE, &format!("{plan}:{payor_number}"));
    out.state(ResourceType::COVERAGE, id, w);
}

/// `記号~番号~枝番` in the repetitions of IN1-10, or 記号 in IN1-10 and 番号 in IN1-11 (the field is a number when it
/// holds a digit, else a name).
fn insured(segment: Segment<'_>) -> Insured {
    let parts: Vec<String> = segment.field(10).repetitions().map(|r| r.component(1).text().trim().to_owned()).collect();
    let eleventh = segment.field(11).component(1).text().trim().to_owned();
    let mut parts = parts.into_iter();
    let (symbol, second, branch) = (parts.next(), parts.next(), parts.next());
    let mut insured =
        Insured { symbol: symbol.unwrap_or_default(), branch: branch.unwrap_or_default(), ..Insured::default() };
    match second {
        Some(number) => (insured.number, insured.holder) = (number, eleventh),
        None if eleventh.chars().any(char::is_numeric) => insured.number = eleventh,
        None => insured.holder = eleventh,
    }
    insured
}

fn extensions(w: &mut Writer, insured: &Insured) {
    w.array("extension", |w| {
        for (name, value) in [("Symbol", &insured.symbol), ("Number", &insured.number), ("SubNumber", &insured.branch)]
        {
            if !value.is_empty() {
                w.item(|w| {
                    w.string("url", &format!("{}JP_Coverage_InsuredPerson{name}", system::JP_EXTENSION));
                    w.string("valueString", value);
                });
            }
        }
    });
}

/// 被保険者識別子, and the number of the policy (IN1-36) where the insured has one of its own (IN1-49).
fn identifiers(w: &mut Writer, segment: Segment<'_>, insurer: &str, insured: &Insured, is_public: bool, out: &Output) {
    let member_id = if is_public { None } else { member_id(insurer, insured) };
    let policy = segment.field(36).component(1).text();
    w.array("identifier", |w| {
        w.item(|w| {
            if let Some(member_id) = &member_id {
                w.string("system", system::INSURANCE_MEMBER);
                w.string("value", member_id);
            }
        });
        w.item(|w| {
            if segment.peek(49).is_valued() && !policy.trim().is_empty() {
                w.string("system", &out.facility.local_system("policy-number"));
                w.string("value", policy.trim());
            }
        });
    });
}

/// The insured: the patient, or somebody of whom IN1-16 and what stands around it tell.
fn subscriber_reference(segment: Segment<'_>, out: &mut Output) -> Option<String> {
    if cwe::code(segment.peek(17)) == "SEL" {
        // What IN1 repeats of the patient is told by PID.
        segment.ignore(&[16, 18, 19, 43]);
        return Some(out.patient.reference());
    }
    if !segment.peek(16).is_valued() {
        return None;
    }
    related_person::state(segment, INSURED, "IN1", out)
}

/// The group (IN1-8, IN1-9), and the plan where it is no 法別番号 (which is the coverage's type).
fn classes(w: &mut Writer, segment: Segment<'_>) {
    let plan = segment.peek(2);
    let is_japanese = plan.component(3).text().starts_with("JHSD");
    let name = |field: u16| segment.field(field).component(1).text().trim().to_owned();
    let plan = if is_japanese { (String::new(), String::new()) } else { (cwe::code(plan), cwe::text(plan)) };
    w.array("class", |w| {
        for (kind, (value, name)) in [("plan", plan), ("group", (name(8), name(9)))] {
            let value = if value.is_empty() { name.clone() } else { value };
            if !value.is_empty() {
                w.item(|w| {
                    w.concept("type", COVERAGE_CLASS, kind, "");
                    w.string("value", &value);
                    w.string("name", &name);
                });
            }
        }
    });
}

/// 被保険者識別子 `insurer:symbol:number:branch` (JP-CLINS R1013), when its parts have the form.
fn member_id(insurer: &str, insured: &Insured) -> Option<String> {
    let is_insurer = (6..=8).contains(&insurer.len()) && insurer.bytes().all(|b| b.is_ascii_digit());
    let is_plain = |t: &str| !t.contains(|c: char| c == ':' || c.is_whitespace());
    let is_branch =
        insured.branch.is_empty() || (insured.branch.len() == 2 && insured.branch.bytes().all(|b| b.is_ascii_digit()));
    if !is_insurer || insured.number.is_empty() || !is_branch {
        return None;
    }
    let has_form = is_plain(&insured.symbol) && is_plain(&insured.number);
    has_form.then(|| format!("{insurer:0>8}:{}:{}:{}", insured.symbol, insured.number, insured.branch))
}

fn kind(w: &mut Writer, segment: Segment<'_>, out: &mut Output) {
    let plan = segment.field(2);
    let further = segment.field(15);
    w.object("type", |w| {
        w.array("coding", |w| {
            cwe::codings(w, plan, "HL70072", out);
            let code = cwe::code(further);
            if !code.is_empty() {
                let system = coding_system::resolve("HL70086", &code, &further.place(), &out.facility);
                w.coding_item(&system.uri, &code, "");
            }
        });
        w.string("text", &cwe::text(plan));
    });
}

fn payor(segment: Segment<'_>, number: &str, is_public: bool, out: &mut Output) -> Option<String> {
    let name = segment.field(4).component(1).text();
    let name = name.trim();
    if number.is_empty() && name.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    w.array("identifier", |w| {
        if !number.is_empty() {
            w.item(|w| {
                w.string("system", if is_public { PUBLIC_PAYER_NUMBER } else { system::INSURER_NUMBER });
                w.string("value", number);
            });
        }
    });
    w.array("type", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(ORGANIZATION_TYPE, "pay", "Payer")));
    });
    w.string("name", name);
    contact(&mut w, segment, out);
    let key = if number.is_empty() { format!("payor-name:{name}") } else { format!("payor:{number}") };
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}

/// Where the payer is (IN1-5), its telephone (IN1-7) and whom to ask (IN1-6).
fn contact(w: &mut Writer, segment: Segment<'_>, out: &mut Output) {
    w.array("telecom", |w| {
        for number in segment.field(7).repetitions() {
            w.item(|w| xtn::contact_point(w, number, "work", out));
        }
    });
    w.array("address", |w| {
        for address in segment.field(5).repetitions() {
            w.item(|w| xad::address(w, address, out));
        }
    });
    w.array("contact", |w| {
        for name in segment.field(6).repetitions() {
            w.item(|w| w.object("name", |w| xpn::human_name(w, name, out)));
        }
    });
}

/// A number of its own, else 受給者番号, else 記号:番号 as JP Core writes it.
fn subscriber(w: &mut Writer, segment: Segment<'_>, insured: &Insured, is_public: bool) {
    let numbers = [49, 36].map(|field| segment.field(field).component(1).text());
    if let Some(stated) = numbers.iter().map(|n| n.trim()).find(|n| !n.is_empty()) {
        return w.string("subscriberId", stated);
    }
    match (insured.symbol.as_str(), insured.number.as_str()) {
        (symbol, "") if is_public => w.string("subscriberId", symbol),
        (_, "") => {}
        ("", number) => w.string("subscriberId", number),
        (_, number) if is_public => w.string("subscriberId", number),
        (symbol, number) => w.string("subscriberId", &format!("{symbol}:{number}")),
    }
}

/// HL7 table 0063 as sent, and as FHIR says it where it does.
fn relationship(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    w.object("relationship", |w| {
        w.array("coding", |w| {
            let known = match cwe::code(value).as_str() {
                "SEL" => ("self", "Self"),
                "SPO" => ("spouse", "Spouse"),
                "CHD" => ("child", "Child"),
                "PAR" | "MTH" | "FTH" => ("parent", "Parent"),
                _ => ("", ""),
            };
            w.coding_item(if known.0.is_empty() { "" } else { SUBSCRIBER_RELATIONSHIP }, known.0, known.1);
            cwe::codings(w, value, "HL70063", out);
        });
        w.string("text", &cwe::text(value));
    });
}
