//! OBX observation result (HL7 v2.5 section 7.4.2) to Observation (JP_Observation_LabResult). Its category is in
//! `obx_category.rs`, OBX-5 in `obx_value.rs`, the units of OBX-6 in `obx_unit.rs`, the bounds of OBX-7 in `obx_range.rs`.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{ResourceId, ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xcn, xon};
use crate::map::hl7v2::group::ResultGroup;
use crate::map::hl7v2::number::narrow;
use crate::map::hl7v2::segment::obr::Effective;
use crate::map::hl7v2::segment::obx_category::{Category, category};
use crate::map::hl7v2::segment::obx_value::{self, Around};
use crate::map::hl7v2::segment::{nte, obx_range, orc};
use crate::map::hl7v2::unit::Unit;

/// A result that does not say of what.
pub static RESULT_WITHOUT_CODE: Rule = Rule {
    id: "v2-result-without-code",
    severity: Severity::Error,
    code: IssueType::Required,
    en: "OBX-3 is empty: it is not known what this result is about, and it was left out.",
    ja: "OBX-3(検査項目)が空のため、何の結果か分からず、省きました。",
};
/// A result that does not say whether it is final.
pub static RESULT_STATUS_MISSING: Rule = Rule {
    id: "v2-result-status-missing",
    severity: Severity::Warning,
    code: IssueType::Required,
    en: "OBX-11 is empty or not a code of table 0085; the result was taken to be {}.",
    ja: "OBX-11(結果状態)が空、または表0085にないため、{}とみなしました。",
};
/// A field that repeats more often than FHIR can hold.
pub static REPETITION_LEFT_OUT: Rule = Rule {
    id: "v2-repetition-left-out",
    severity: Severity::Warning,
    code: IssueType::Incomplete,
    en: "FHIR holds one of these; the other repetitions were left out.",
    ja: "FHIRでは1つしか表せないため、2つ目以降を省きました。",
};

const SUB_ID: &str = "http://hl7.org/fhir/StructureDefinition/observation-v2-subid";

/// What a result shares with the others of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    /// The ServiceRequest.
    pub(crate) based_on: Option<&'a str>,
    /// The Specimen.
    pub(crate) specimen: Option<&'a str>,
    /// OBR-7, OBR-8 or SPM-17.
    pub(crate) effective: Option<&'a Effective>,
    /// The status where OBX-11 says nothing.
    pub(crate) silent_status: &'static str,
    /// The category where the code does not say another.
    pub(crate) usual_category: Category,
    /// Whether the message only mentions it: then it does not replace what was stated.
    pub(crate) is_mention: bool,
}

/// What the item is, for its key: the code of OBX-3, else its name.
pub(crate) fn item(result: Segment<'_>) -> Option<String> {
    let code = cwe::code(result.peek(3));
    let item = if code.is_empty() { cwe::text(result.peek(3)) } else { code };
    (!item.is_empty()).then_some(item)
}

/// Writes the Observation; gives its reference and status.
pub(crate) fn observation(
    group: &ResultGroup<'_>,
    id: ResourceId,
    setting: Setting<'_>,
    out: &mut Output,
) -> (String, &'static str) {
    let result = group.result;
    let (status, is_asked) = status(result, setting.silent_status, out);
    let code = code(result, out);
    let unit = Unit::of_result(result.peek(6), out);
    let performers = performers(result, out);
    let mut w = Writer::new();
    sub_id(&mut w, result);
    w.array("identifier", |w| w.item(|w| orc::identifier(w, result.field(21), "FILL", None, out)));
    w.array("basedOn", |w| w.item(|w| w.string("reference", setting.based_on.unwrap_or_default())));
    w.string("status", status);
    category(result, setting.usual_category).write(&mut w);
    w.raw("code", &code);
    out.subject(&mut w, "subject");
    effective(&mut w, result, setting.effective, out);
    w.array("performer", |w| {
        for performer in &performers {
            w.item(|w| w.string("reference", performer));
        }
    });
    if is_asked || result.peek(5).is_valued() {
        obx_value::write(&mut w, result, Around { unit: &unit, status, code: &code }, out);
    } else {
        result.ignore(&[2, 5]);
        obx_value::absent(&mut w, "not-asked");
    }
    interpretations(&mut w, result.field(8), out);
    nte::notes(&mut w, &group.notes, &[]);
    method_and_device(&mut w, result, out);
    w.reference("specimen", setting.specimen.unwrap_or_default());
    reference_range(&mut w, result.field(7), &unit);
    if unit.was_written() || !result.peek(5).is_valued() {
        result.ignore(&[6]);
    }
    let reference = match setting.is_mention {
        true => out.put_weak(ResourceType::OBSERVATION, id, w),
        false => out.put(ResourceType::OBSERVATION, id, w),
    };
    (reference, status)
}

/// OBX-11 (table 0085) as observation-status, and whether the test was asked for at all.
fn status(result: Segment<'_>, silent: &'static str, out: &mut Output) -> (&'static str, bool) {
    let field = result.field(11);
    let status = match field.raw().trim() {
        "F" | "U" => "final",
        "P" | "R" | "S" => "preliminary",
        "C" => "corrected",
        "A" => "amended",
        "X" => "cancelled",
        "N" => return ("cancelled", false),
        "D" | "W" => "entered-in-error",
        "I" | "O" => "registered",
        _ => {
            out.issue_with(&RESULT_STATUS_MISSING, field.place(), silent);
            silent
        }
    };
    (status, true)
}

/// OBX-3 as the JSON of a CodeableConcept; JP Core wants a text, which is the code where no name was sent.
fn code(result: Segment<'_>, out: &mut Output) -> String {
    let value = result.field(3);
    let text = cwe::text(value);
    let mut w = Writer::new();
    w.array("coding", |w| cwe::codings(w, value, "", out));
    w.string("text", &if text.is_empty() { cwe::code(value) } else { text });
    format!("{{{}}}", w.finish())
}

/// OBX-4 tells results of one item apart.
fn sub_id(w: &mut Writer, result: Segment<'_>) {
    let sub_id = result.field(4).whole_text();
    if sub_id.trim().is_empty() {
        return;
    }
    w.array("extension", |w| {
        w.item(|w| {
            w.array("extension", |w| {
                w.item(|w| {
                    w.string("url", "original-sub-identifier");
                    w.string("valueString", sub_id.trim());
                });
            });
            w.string("url", SUB_ID);
        });
    });
}

/// OBX-14, else what the request says.
fn effective(w: &mut Writer, result: Segment<'_>, shared: Option<&Effective>, out: &mut Output) {
    match (ts::date_time(result.field(14), out), shared) {
        (Some(own), _) => w.string("effectiveDateTime", &own),
        (None, Some(shared)) => shared.write(w),
        (None, None) => {}
    }
}

/// OBX-16 (persons), OBX-23 (organisation) and OBX-15 (who produced it).
fn performers(result: Segment<'_>, out: &mut Output) -> Vec<String> {
    let mut performers = xcn::practitioners(result.field(16), out);
    performers.extend(xon::organization(result.field(23), out));
    performers.extend(producer(result.field(15), out));
    performers
}

/// OBX-15 is a CE: a code and a name of a laboratory.
fn producer(value: Value<'_>, out: &mut Output) -> Option<String> {
    let (code, name) = (cwe::code(value), cwe::text(value));
    if code.is_empty() && name.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    w.array("identifier", |w| {
        if !code.is_empty() {
            w.item(|w| {
                w.string("system", &out.facility.local_system("result-producer"));
                w.string("value", &code);
            });
        }
    });
    w.string("name", if name.is_empty() { &code } else { &name });
    let key = format!("producer:{}", if code.is_empty() { &name } else { &code });
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}

/// OBX-8 (table 0078): known flags as v3-ObservationInterpretation, others as they were sent.
fn interpretations(w: &mut Writer, field: Value<'_>, out: &mut Output) {
    w.array("interpretation", |w| {
        for flag in field.repetitions() {
            let sent = cwe::code(flag);
            let code = narrow(&sent);
            if is_v3_interpretation(&code) {
                w.item(|w| {
                    w.array("coding", |w| w.coding_item(system::V3_INTERPRETATION, &code, interpretation(&code)));
                    w.string("text", &cwe::text(flag));
                });
            } else if flag.component(3).is_valued() || matches!(&*code, "AC" | "HM" | "OBX" | "QCF" | "TOX") {
                cwe::concept_item(w, flag, "HL70078", out);
            } else {
                let text = cwe::text(flag);
                w.item(|w| w.string("text", if text.is_empty() { &sent } else { &text }));
            }
        }
    });
}

/// What the usual flags are called.
fn interpretation(code: &str) -> &'static str {
    match code {
        "H" => "High",
        "HH" => "Critical high",
        "L" => "Low",
        "LL" => "Critical low",
        "N" => "Normal",
        "A" => "Abnormal",
        "AA" => "Critical abnormal",
        "POS" => "Positive",
        "NEG" => "Negative",
        _ => "",
    }
}

#[rustfmt::skip]
fn is_v3_interpretation(code: &str) -> bool {
    matches!(
        code,
        "<" | ">" | "A" | "AA" | "B" | "CAR" | "D" | "DET" | "E" | "EX" | "EXP" | "H" | "HH" | "HU" | "I" | "IE"
            | "IND" | "L" | "LL" | "LU" | "MS" | "N" | "NCL" | "ND" | "NEG" | "NR" | "NS" | "POS" | "R" | "RR" | "S"
            | "SDD" | "SYN-R" | "SYN-S" | "U" | "VS" | "UNE" | "W" | "WR"
    )
}

/// OBX-17 and OBX-18.
fn method_and_device(w: &mut Writer, result: Segment<'_>, out: &mut Output) {
    let (methods, devices) = (result.field(17), result.field(18));
    for field in [methods, devices] {
        if field.repetitions().count() > 1 {
            out.doubt(&REPETITION_LEFT_OUT, &field);
        }
    }
    if let Some(method) = methods.repetitions().next() {
        cwe::concept(w, "method", method, "", out);
    }
    w.object("device", |w| {
        let number = devices.component(1).text();
        if !number.trim().is_empty() {
            let namespace = devices.component(2).text();
            let namespace = if namespace.trim().is_empty() { "device" } else { namespace.trim() };
            w.string("type", "Device");
            w.object("identifier", |w| {
                w.string("system", &out.facility.local_system(&format!("device-{namespace}")));
                w.string("value", number.trim());
            });
        }
    });
}

/// OBX-7: always as it was sent, and its bounds where they are certain.
fn reference_range(w: &mut Writer, field: Value<'_>, unit: &Unit) {
    let text = field.whole_text();
    if text.trim().is_empty() {
        return;
    }
    w.array("referenceRange", |w| {
        w.item(|w| {
            if let Some(bounds) = obx_range::bounds(&text, &unit.text) {
                for (name, bound) in [("low", bounds.low), ("high", bounds.high)] {
                    if let Some(bound) = bound {
                        unit.decimal(w, name, &bound);
                    }
                }
            }
            w.string("text", text.trim());
        });
    });
}
