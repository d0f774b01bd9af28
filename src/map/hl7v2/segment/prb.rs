//! PRB problem detail (HL7 v2.5 12.4.2) with ZPR, NTE and ORC of its group (JAHIS 病名; SS-MIX2 PPR-01) to Condition.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{ResourceId, ResourceType, Writer, system};
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::{EVERY_FIELD, Output};

/// A confirmation status that is not JHSD0005 "1".
pub static CONFIRMATION_UNKNOWN: Rule = Rule {
    id: "v2-problem-confirmation",
    severity: Severity::Warning,
    code: IssueType::CodeInvalid,
    en: "The confirmation status is neither empty nor 1 (suspected); it was not carried over.",
    ja: "確認状態が空でも「1(疑い)」でもないため、変換していません。",
};
/// A sensitivity that HL7 table 0177 does not know.
pub static SENSITIVITY_UNKNOWN: Rule = Rule {
    id: "v2-sensitivity-unknown",
    severity: Severity::Warning,
    code: IssueType::CodeInvalid,
    en: "The sensitivity code is not in HL7 table 0177; what it stands with was labelled as restricted.",
    ja: "機密性コードがHL7表0177にありません。「制限あり」として扱います。",
};
/// Neither code nor text.
pub static NO_PROBLEM: Rule = Rule {
    id: "v2-no-problem",
    severity: Severity::Warning,
    code: IssueType::Required,
    en: "The segment names no problem; nothing was made of it.",
    ja: "病名がないため、病名情報を作成していません。",
};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const DEPARTMENT_EXTENSION: &str = "http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_Department";

/// The segments that speak of one problem.
#[derive(Debug)]
pub struct Group<'m> {
    /// The problem.
    pub prb: Segment<'m>,
    /// ZPR プロブレム拡張情報: the name's parts.
    pub zpr: Option<Segment<'m>>,
    /// Who ordered it to be recorded.
    pub orc: Option<Segment<'m>>,
    /// Comments.
    pub notes: Vec<Segment<'m>>,
    /// Whether another problem of the message has the same PRB-4: then it numbers the order, not the problem.
    pub shares_instance: bool,
}

/// Puts the Condition, or deletes it: PRB-1 (HL7 table 0287) DE, or the whole file is deleted.
pub fn map(group: &Group<'_>, is_deleted: bool, out: &mut Output) {
    let prb = group.prb;
    let Some(id) = id(group, out) else { return out.issue(&NO_PROBLEM, prb.place(0)) };
    if is_deleted || cwe::code(prb.field(1)) == "DE" {
        ignore_all(group);
        return out.delete(ResourceType::CONDITION, id);
    }
    let mut w = Writer::new();
    extensions(&mut w, group, out);
    identifier(&mut w, prb);
    statuses(&mut w, prb, out);
    category(&mut w, prb, out);
    w.object("code", |w| code(w, group, out));
    out.subject(&mut w, "subject");
    ts::write(&mut w, "onsetDateTime", prb.field(16), out);
    abatement(&mut w, prb, out);
    recorded(&mut w, group, out);
    notes(&mut w, group, out);
    let labels = labels(prb.field(25), out);
    out.put_labelled(ResourceType::CONDITION, id, w, labels);
}

/// By PRB-4 (problem instance), else by what and since when.
fn id(group: &Group<'_>, out: &Output) -> Option<ResourceId> {
    let prb = group.prb;
    let (problem, instance) = (prb.field(3), prb.field(4).component(1).text());
    let (code, text) = (cwe::code(problem), cwe::text(problem));
    let key = match (instance.trim(), group.shares_instance) {
        _ if code.is_empty() && text.is_empty() => return None,
        ("", _) => format!("{code}:{text}:{}", prb.peek(16).text()),
        (instance, false) => format!("instance:{instance}"),
        (instance, true) => format!("instance:{instance}:{code}:{text}"),
    };
    Some(out.id(ResourceType::CONDITION, &key))
}

fn identifier(w: &mut Writer, prb: Segment<'_>) {
    let number = prb.field(4).component(1).text();
    w.array("identifier", |w| {
        w.item(|w| {
            if !number.trim().is_empty() {
                w.string("system", system::RESOURCE_INSTANCE);
                w.string("value", number.trim());
            }
        });
    });
}

/// Outcome (PRB-14) and department (ORC-17).
fn extensions(w: &mut Writer, group: &Group<'_>, out: &mut Output) {
    w.array("extension", |w| {
        let outcome = group.prb.field(14);
        if outcome.is_valued() {
            w.item(|w| {
                w.string("url", &format!("{}JP_Condition_DiseaseOutcome", system::JP_EXTENSION));
                cwe::concept(w, "valueCodeableConcept", outcome, "HL70241", out);
            });
        }
        if let Some(orc) = group.orc.filter(|orc| orc.peek(17).is_valued()) {
            w.item(|w| {
                w.string("url", DEPARTMENT_EXTENSION);
                cwe::concept(w, "valueCodeableConcept", orc.field(17), "HL70069", out);
            });
        }
    });
}

/// PRB-9, else the day of an outcome that ended it (PRB-15).
fn abatement(w: &mut Writer, prb: Segment<'_>, out: &mut Output) {
    let field = if is_end_by_outcome(prb) { 15 } else { 9 };
    if prb.peek(15).raw() == prb.peek(9).raw() {
        prb.ignore(&[15]);
    }
    ts::write(w, "abatementDateTime", prb.field(field), out);
}

fn is_end_by_outcome(prb: Segment<'_>) -> bool {
    !prb.peek(9).is_valued() && matches!(outcome(prb).as_str(), "F" | "D")
}

/// The day of any other outcome (PRB-15) has no element: it is a note with its time. `None` when it is told already.
fn outcome_of_a_day(prb: Segment<'_>, out: &mut Output) -> Option<(String, String)> {
    let text = cwe::text(prb.peek(14));
    if text.is_empty() || is_end_by_outcome(prb) || prb.peek(15).raw() == prb.peek(9).raw() {
        return None;
    }
    Some((ts::date_time(prb.field(15), out)?, format!("転帰: {text}")))
}

/// PRB-14 where it is a code of HL7 table 0241.
fn outcome(prb: Segment<'_>) -> String {
    let outcome = prb.peek(14);
    if outcome.component(3).text() == "HL70241" { cwe::code(outcome) } else { String::new() }
}

/// con-4: what has abated is not active. HL70241: F fully recovered, D died.
fn statuses(w: &mut Writer, prb: Segment<'_>, out: &mut Output) {
    let has_ended = ts::milliseconds(prb.peek(9), out.zone_minutes).is_some();
    let clinical = match (outcome(prb).as_str(), has_ended) {
        ("F", _) => ("resolved", "Resolved"),
        ("D", _) | (_, true) => ("inactive", "Inactive"),
        (_, false) => ("active", "Active"),
    };
    w.concept("clinicalStatus", CLINICAL, clinical.0, clinical.1);
    let confirmation = prb.field(13);
    match cwe::code(confirmation).as_str() {
        "" => {}
        // 疑い: JP_Condition_Diagnosis asks for this code.
        "1" => w.concept("verificationStatus", VERIFICATION, "unconfirmed", "Unconfirmed"),
        _ => out.doubt(&CONFIRMATION_UNKNOWN, &confirmation),
    }
}

/// PRB-10.4 says in which setting the problem was named (JHSD0004), PRB-18 whether it is the main one (JHSD0007).
fn category(w: &mut Writer, prb: Segment<'_>, out: &mut Output) {
    let setting = prb.peek(10);
    w.array("category", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(CATEGORY, "problem-list-item", "Problem List Item")));
        let (code, display) = (setting.component(4).text(), setting.component(5).text());
        let table = setting.component(6).text();
        if !code.trim().is_empty() {
            let system = coding_system::resolve(&table, code.trim(), &setting.place(), &out.facility);
            w.item(|w| w.array("coding", |w| w.coding_item(&system.uri, code.trim(), display.trim())));
        }
        cwe::concept_item(w, prb.field(18), "", out);
    });
}

/// PRB-3 and ZPR-2, ZPR-5 (病名管理番号, 病名交換用コード), PRB-10 (ICD-10), and the modifiers.
fn code(w: &mut Writer, group: &Group<'_>, out: &mut Output) {
    let prefixes = group.zpr.map(|zpr| modifiers(zpr, 1, 4)).unwrap_or_default();
    let postfixes = group.zpr.map(|zpr| modifiers(zpr, 3, 6)).unwrap_or_default();
    w.array("extension", |w| {
        for (name, list) in [("Prefix", &prefixes), ("Postfix", &postfixes)] {
            for (number, exchange) in list {
                w.item(|w| {
                    w.string("url", &format!("{}JP_Condition_Disease{name}Modifier", system::JP_EXTENSION));
                    w.object("valueCodeableConcept", |w| {
                        w.array("coding", |w| {
                            for value in [number, exchange].into_iter().flatten() {
                                cwe::codings(w, *value, "MDCDX2", out);
                            }
                        });
                    });
                });
            }
        }
    });
    let problem = group.prb.field(3);
    w.array("coding", |w| {
        cwe::codings(w, problem, "MDCDX2", out);
        for value in group.zpr.iter().flat_map(|zpr| [zpr.field(2), zpr.field(5)]) {
            let (code, display) = (value.component(1).text(), value.component(2).text());
            let is_new = !code.trim().is_empty() && code.trim() != cwe::code(problem);
            if is_new && !coding_system::is_filler("MDCDX2", code.trim()) {
                let resolved = coding_system::resolve("MDCDX2", code.trim(), &value.place(), &out.facility);
                w.coding_item(&resolved.uri, code.trim(), display.trim());
            }
        }
        let icd = group.prb.field(10);
        let (code, table) = (icd.component(1).text(), icd.component(3).text());
        if !code.trim().is_empty() {
            let table = if table.trim().is_empty() { "I10" } else { table.trim() };
            let resolved = coding_system::resolve(table, code.trim(), &icd.place(), &out.facility);
            w.coding_item(&resolved.uri, code.trim(), icd.component(2).text().trim());
        }
    });
    w.string("text", &name(problem, &prefixes, &postfixes));
}

type Modifier<'m> = (Option<Value<'m>>, Option<Value<'m>>);

/// The modifiers of one side: the repetitions of the 管理番号 field paired with those of the 交換用コード field.
fn modifiers<'m>(zpr: Segment<'m>, numbers: u16, exchanges: u16) -> Vec<Modifier<'m>> {
    let mut numbers = zpr.field(numbers).repetitions();
    let mut exchanges = zpr.field(exchanges).repetitions();
    let mut pairs = Vec::new();
    loop {
        match (numbers.next(), exchanges.next()) {
            (None, None) => return pairs,
            pair => pairs.push(pair),
        }
    }
}

/// The whole name as a doctor writes it: prefixes, name, postfixes; a sender whose PRB-3.2 is whole already is believed.
fn name(problem: Value<'_>, prefixes: &[Modifier<'_>], postfixes: &[Modifier<'_>]) -> String {
    let base = cwe::text(problem);
    let display = |modifier: &Modifier<'_>| {
        let texts = [modifier.0, modifier.1].map(|v| v.map(cwe::text).unwrap_or_default());
        texts.into_iter().find(|t| !t.is_empty()).unwrap_or_default()
    };
    let absent = |text: &String| !text.is_empty() && !base.contains(text.as_str());
    let before: String = prefixes.iter().map(display).filter(absent).collect();
    let after: String = postfixes.iter().map(display).filter(absent).collect();
    format!("{before}{base}{after}")
}

fn recorded(w: &mut Writer, group: &Group<'_>, out: &mut Output) {
    // PRB-7 is when the problem was set; PRB-2 when this action on it was taken; ORC-9 when it was ordered.
    let action = group.prb.field(2);
    let ordered = group.orc.map(|orc| orc.field(9));
    let stated = [Some(group.prb.field(7)), Some(action), ordered].into_iter().flatten().find(Value::is_valued);
    if let Some(value) = stated {
        ts::write(w, "recordedDate", value, out);
    }
    let Some(orc) = group.orc else { return };
    orc.ignore(ORDER_OF_A_PROBLEM);
    let asserter = xcn::practitioner(orc.field(12), out);
    let recorder = xcn::practitioner(orc.field(10), out).or_else(|| asserter.clone());
    w.reference("recorder", recorder.as_deref().unwrap_or(""));
    w.reference("asserter", asserter.as_deref().unwrap_or(""));
}

/// Rule `order-of-a-problem`: ORC-1 repeats PRB-1, ORC-2 and ORC-3 number the act of recording, ORC-15 repeats ORC-9,
/// ORC-21 to ORC-24 are the sending facility itself, ORC-29 repeats PRB-10.4.
const ORDER_OF_A_PROBLEM: &[u16] = &[1, 2, 3, 9, 15, 21, 22, 23, 24, 29];

/// The outcome with its day, PRB-17, ZPR-7 and NTE-3; PRB-17 is often the name again.
fn notes(w: &mut Writer, group: &Group<'_>, out: &mut Output) {
    let name = cwe::text(group.prb.field(3));
    let mut texts: Vec<String> = Vec::new();
    texts.push(group.prb.field(17).whole_text().trim().to_owned());
    texts.extend(group.zpr.map(|zpr| zpr.field(7).whole_text().trim().to_owned()));
    texts.extend(group.notes.iter().map(|nte| nte.field(3).whole_text().trim().to_owned()));
    let outcome = outcome_of_a_day(group.prb, out);
    w.array("note", |w| {
        if let Some((time, text)) = &outcome {
            w.item(|w| {
                w.string("time", time);
                w.string("text", text);
            });
        }
        for text in texts.iter().filter(|text| **text != name) {
            w.item(|w| w.string("text", text));
        }
    });
}

/// PRB-25 or ORC-28 (HL7 table 0177) as a confidentiality label. A code nobody knows restricts: consent errs on the closed side.
pub(crate) fn labels(value: Value<'_>, out: &mut Output) -> Writer {
    let mut meta = Writer::new();
    let label = match cwe::code(value).as_str() {
        "" if !value.is_valued() => return meta,
        "V" => "V",
        "R" => "R",
        "U" => "N",
        _ => {
            out.doubt(&SENSITIVITY_UNKNOWN, &value);
            "R"
        }
    };
    meta.array("security", |w| w.coding_item(CONFIDENTIALITY, label, ""));
    meta
}

fn ignore_all(group: &Group<'_>) {
    let further = group.zpr.iter().chain(&group.orc).chain(&group.notes);
    for segment in std::iter::once(&group.prb).chain(further) {
        segment.ignore(&EVERY_FIELD);
    }
}
