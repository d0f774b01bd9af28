//! OBX observation result (HL7 v2.5 section 7.4.2) to Observation (JP_Observation_LabResult and its relatives). Each field
//! with more to it than a line has a file of its own: `obx_attachment.rs`, `obx_category.rs`, `obx_interpretation.rs`,
//! `obx_performer.rs`, `obx_range.rs`, `obx_text.rs`, `obx_unit.rs`, `obx_value.rs`.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity, rules};
use crate::fhir::writer::is_decimal;
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::hl7v2::datatype::{cwe, hd, ts};
use crate::map::hl7v2::group::ResultGroup;
use crate::map::hl7v2::segment::obr::{Effective, security_meta};
use crate::map::hl7v2::segment::obx_attachment::{Attachment, VALUE_EXTENSION, attachments};
use crate::map::hl7v2::segment::obx_category::{Category, category};
use crate::map::hl7v2::segment::obx_interpretation::interpretations;
use crate::map::hl7v2::segment::obx_performer::performers;
use crate::map::hl7v2::segment::obx_value::{self, Around};
use crate::map::hl7v2::segment::{nte, obx_range, orc};
use crate::map::hl7v2::unit::Unit;
use crate::map::{Coding, Output};

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
rules! {
    pub(crate) CODE_OF_REQUEST "v2-result-code-of-request" Information Required
        "OBX-3 is empty; the result was filed under what was requested (OBR-4)."
        "OBX-3(検査項目)が空のため、依頼項目(OBR-4)の結果として登録しました。"
}

const SUB_ID: &str = "http://hl7.org/fhir/StructureDefinition/observation-v2-subid";
const NATURE_OF_ABNORMALITY: &str = "http://hl7.org/fhir/StructureDefinition/observation-nature-of-abnormal-test";
const ANALYSIS_TIME: &str = "http://hl7.org/fhir/StructureDefinition/observation-analysis-date-time";
const COMPONENT_VALUE_EXTENSION: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.component.value";

/// What a result shares with the others of its request, and what is known of it from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    /// The ServiceRequest.
    pub(crate) based_on: Option<&'a str>,
    /// The Procedure it belongs to.
    pub(crate) part_of: Option<&'a str>,
    /// The Specimen.
    pub(crate) specimen: Option<&'a str>,
    /// Whether it tells of the specimen itself.
    pub(crate) is_of_specimen: bool,
    /// The Encounter.
    pub(crate) visit: Option<&'a str>,
    /// OBR-7, OBR-8 or SPM-17.
    pub(crate) effective: Option<&'a Effective>,
    /// The status where OBX-11 says nothing.
    pub(crate) silent_status: &'static str,
    /// The category where the code does not say another.
    pub(crate) usual_category: Category,
    /// What was requested, as JSON of a CodeableConcept: where OBX-3 is empty.
    pub(crate) requested: &'a str,
    /// Whether it goes with an order: then OBX-11 `O` with a value is an answer, and complete.
    pub(crate) is_with_order: bool,
    /// Whether the message only mentions it: then it does not replace what was stated.
    pub(crate) is_mention: bool,
    /// `meta.security` as JSON; may be empty.
    pub(crate) security: &'a str,
    /// The Observations that belong under this one.
    pub(crate) members: &'a [String],
    /// The Observation this one belongs under.
    pub(crate) parent: Option<&'a str>,
}

impl Setting<'_> {
    /// A result of which nothing else is known.
    pub(crate) const fn alone(usual_category: Category) -> Self {
        Setting {
            based_on: None,
            part_of: None,
            specimen: None,
            is_of_specimen: false,
            visit: None,
            effective: None,
            silent_status: "unknown",
            usual_category,
            requested: "",
            is_with_order: false,
            is_mention: false,
            security: "",
            members: &[],
            parent: None,
        }
    }
}

/// An Observation that was written, and what its report says again.
#[derive(Debug)]
pub(crate) struct Written {
    /// `Observation/id`.
    pub(crate) reference: String,
    /// Its status.
    pub(crate) status: &'static str,
    /// Documents in it, as JSON of Attachments.
    pub(crate) documents: Vec<String>,
    /// What it concludes; empty when it is not a conclusion.
    pub(crate) conclusion: String,
}

/// What the item is, for its key: the code of OBX-3, else its name.
pub(crate) fn item(result: Segment<'_>) -> Option<String> {
    let code = cwe::code(result.peek(3));
    let item = if code.is_empty() { cwe::text(result.peek(3)) } else { code };
    (!item.is_empty()).then_some(item)
}

/// Whether its value is words or a document: that can be a report on what was requested without naming an item of its
/// own, as a number cannot.
pub(crate) fn is_report(result: Segment<'_>) -> bool {
    matches!(result.peek(2).text().trim(), "TX" | "FT" | "ED" | "RP")
}

/// Whether it answers a question asked with the order rather than what was ordered (OBX-29, table 0936 of v2.8.2).
pub(crate) fn is_answer(result: Segment<'_>) -> bool {
    matches!(result.peek(29).raw(), "QST" | "AOE" | "SCI")
}

/// Writes the Observation.
pub(crate) fn observation(group: &ResultGroup<'_>, id: ResourceId, setting: Setting<'_>, out: &mut Output) -> Written {
    let result = group.result;
    let (status, is_asked) = status(result, setting, out);
    let code = code(result, setting.requested, out);
    let unit = Unit::of_result(result.peek(6), out);
    let performers = performers(group, out);
    let attachments = attachments(result, out);
    let mut w = Writer::new();
    contained_device(&mut w, result, out);
    extensions(&mut w, result, &attachments, out);
    w.array("identifier", |w| w.item(|w| orc::identifier(w, result.field(21), "FILL", None, out)));
    reference_item(&mut w, "basedOn", setting.based_on);
    reference_item(&mut w, "partOf", setting.part_of);
    w.string("status", status);
    category(result, setting.usual_category).write(&mut w);
    w.raw("code", &code);
    out.subject(&mut w, "subject");
    if setting.is_of_specimen {
        reference_item(&mut w, "focus", setting.specimen);
    }
    w.reference("encounter", setting.visit.unwrap_or_default());
    effective(&mut w, result, setting.effective, out);
    w.array("performer", |w| performers.iter().for_each(|p| w.item(|w| w.string("reference", p))));
    if !attachments.is_empty() {
        further_attachments(&mut w, &attachments, &code);
    } else if is_asked || result.peek(5).is_valued() {
        let around = Around { unit: &unit, status, code: &code, continued: &group.continued };
        obx_value::write(&mut w, result, around, out);
    } else {
        result.ignore(&[2, 5]);
        obx_value::absent(&mut w, "not-asked");
    }
    interpretations(&mut w, result.field(8), out);
    nte::annotations(&mut w, &group.notes, &[], out);
    site_method_and_device(&mut w, group, out);
    w.reference("specimen", setting.specimen.unwrap_or_default());
    reference_range(&mut w, result.field(7), &unit);
    w.array("hasMember", |w| setting.members.iter().for_each(|m| w.item(|w| w.string("reference", m))));
    reference_item(&mut w, "derivedFrom", setting.parent);
    if unit.was_written() || !result.peek(5).is_valued() {
        result.ignore(&[6]);
    }
    take_over_lines(group);
    let documents = documents(&attachments, result);
    // A mention cannot carry labels, and what is labelled must not be without.
    let reference = match setting.is_mention && setting.security.is_empty() {
        true => out.put_weak(ResourceType::OBSERVATION, id, w),
        false => out.put_labelled(ResourceType::OBSERVATION, id, w, security_meta(setting.security)),
    };
    Written { reference, status, documents, conclusion: conclusion(group) }
}

fn reference_item(w: &mut Writer, name: &str, reference: Option<&str>) {
    w.array(name, |w| w.item(|w| w.string("reference", reference.unwrap_or_default())));
}

/// OBX-11 (table 0085) as observation-status, and whether the test was asked for at all.
fn status(result: Segment<'_>, setting: Setting<'_>, out: &mut Output) -> (&'static str, bool) {
    let field = result.field(11);
    let status = match field.raw().trim() {
        "F" | "U" | "V" => "final",
        "P" | "R" | "S" => "preliminary",
        "C" => "corrected",
        "A" | "B" => "amended",
        "X" => "cancelled",
        "N" => return ("cancelled", false),
        "D" | "W" => "entered-in-error",
        "O" if setting.is_with_order && result.peek(5).is_valued() => "final",
        "I" | "O" => "registered",
        // An answer that goes with an order is what it is.
        "" if setting.is_with_order => "final",
        _ => {
            out.issue_with(&RESULT_STATUS_MISSING, field.place(), setting.silent_status);
            setting.silent_status
        }
    };
    (status, true)
}

/// OBX-3 as the JSON of a CodeableConcept; JP Core wants a text, which is the code where no name was sent.
fn code(result: Segment<'_>, requested: &str, out: &mut Output) -> String {
    let value = result.field(3);
    if !requested.is_empty() && item(result).is_none() {
        out.doubt(&CODE_OF_REQUEST, &value);
        return requested.to_owned();
    }
    let text = cwe::text(value);
    let table = value.component(3).text();
    let mut w = Writer::new();
    w.array("coding", |w| {
        // Section 7.2.4: a suffix (`&IMP`) makes it another item than the code alone, and no code of those systems.
        if value.component(1).subcomponent(2).is_valued() && matches!(table.trim(), "LN" | "LOINC" | "SCT") {
            let coding = Coding {
                system: out.facility.local_system(&format!("{}&suffix", table.trim())).into(),
                code: value.component(1).whole_text(),
                display: value.component(2).whole_text(),
                table,
                ..Coding::default()
            };
            out.codings(w, &[coding], &value.place());
        } else {
            cwe::codings(w, value, "", out);
        }
    });
    w.string("text", &if text.is_empty() { cwe::code(value) } else { text });
    format!("{{{}}}", w.finish())
}

/// OBX-4, OBX-10 and OBX-19, and the first attachment of OBX-5, which R4 has no element for.
fn extensions(w: &mut Writer, result: Segment<'_>, attachments: &[Attachment<'_>], out: &mut Output) {
    w.array("extension", |w| {
        sub_id(w, result.field(4));
        for nature in result.field(10).repetitions() {
            w.item(|w| {
                w.string("url", NATURE_OF_ABNORMALITY);
                cwe::concept(w, "valueCodeableConcept", nature, "HL70080", out);
            });
        }
        if let Some(time) = ts::date_time(result.field(19), out) {
            w.item(|w| {
                w.string("url", ANALYSIS_TIME);
                w.string("valueDateTime", &time);
            });
        }
        if let Some(first) = attachments.first() {
            w.item(|w| {
                w.string("url", VALUE_EXTENSION);
                w.object("valueAttachment", |w| first.members(w, &cwe::text(result.peek(3))));
            });
        }
    });
}

/// OBX-4 tells results of one item apart; since v2.8.2 it has parts (OG).
fn sub_id(w: &mut Writer, value: Value<'_>) {
    let whole = value.whole_text();
    if whole.trim().is_empty() {
        return;
    }
    let parts = [2, 3, 4].map(|n| value.component(n).text());
    let is_grouped = parts.iter().any(|p| !p.trim().is_empty());
    let original = if is_grouped { value.component(1).text() } else { whole };
    w.item(|w| {
        w.array("extension", |w| {
            let mut part = |url: &str, text: &str, is_number: bool| {
                w.item(|w| {
                    if text.is_empty() {
                    } else if is_number && is_decimal(text) {
                        w.string("url", url);
                        w.decimal("valueDecimal", text);
                    } else {
                        w.string("url", url);
                        w.string("valueString", text);
                    }
                });
            };
            part("original-sub-identifier", original.trim(), false);
            if is_grouped {
                part("group", parts[0].trim(), true);
                part("sequence", parts[1].trim(), true);
                part("identifier", parts[2].trim(), false);
            }
        });
        w.string("url", SUB_ID);
    });
}

/// Attachments after the first, as components with the code of the whole.
fn further_attachments(w: &mut Writer, attachments: &[Attachment<'_>], code: &str) {
    w.array("component", |w| {
        for attachment in attachments.iter().skip(1) {
            w.item(|w| {
                w.array("extension", |w| {
                    w.item(|w| {
                        w.string("url", COMPONENT_VALUE_EXTENSION);
                        w.object("valueAttachment", |w| attachment.members(w, ""));
                    });
                });
                w.raw("code", code);
            });
        }
    });
}

/// The attachments that the report shows too.
fn documents(attachments: &[Attachment<'_>], result: Segment<'_>) -> Vec<String> {
    let write = |attachment: &Attachment<'_>| {
        let mut w = Writer::new();
        attachment.members(&mut w, &cwe::text(result.peek(3)));
        format!("{{{}}}", w.finish())
    };
    attachments.iter().filter(|a| a.is_for_report()).map(write).collect()
}

/// OBX-14, else what the request says.
fn effective(w: &mut Writer, result: Segment<'_>, shared: Option<&Effective>, out: &mut Output) {
    match (ts::date_time(result.field(14), out), shared) {
        (Some(own), _) => w.string("effectiveDateTime", &own),
        (None, Some(shared)) => shared.write(w),
        (None, None) => {}
    }
}

/// OBX-17, OBX-18 and OBX-20; a device may stand in PRT-10 too.
fn site_method_and_device(w: &mut Writer, group: &ResultGroup<'_>, out: &mut Output) {
    let result = group.result;
    let [sites, methods] = [20, 17].map(|n| result.field(n));
    for field in [sites, methods] {
        if field.repetitions().count() > 1 {
            out.doubt(&REPETITION_LEFT_OUT, &field);
        }
    }
    if let Some(site) = sites.repetitions().next() {
        cwe::concept(w, "bodySite", site, "", out);
    }
    if let Some(method) = methods.repetitions().next() {
        cwe::concept(w, "method", method, "", out);
    }
    if has_several_numbers(result) {
        return w.reference("device", "#device");
    }
    let devices = result.field(18);
    let other = || group.participants.iter().map(|p| p.field(10)).find(is_numbered);
    if let Some(device) = Some(devices).filter(is_numbered).or_else(other) {
        w.object("device", |w| {
            w.string("type", "Device");
            w.object("identifier", |w| device_number(w, device, out));
        });
    }
}

/// A device of several numbers (serial number, UDI) is contained: a Reference holds one of them.
fn contained_device(w: &mut Writer, result: Segment<'_>, out: &Output) {
    if !has_several_numbers(result) {
        return;
    }
    w.array("contained", |w| {
        w.item(|w| {
            w.string("resourceType", "Device");
            w.string("id", "device");
            w.array("identifier", |w| {
                for number in result.field(18).repetitions() {
                    w.item(|w| device_number(w, number, out));
                }
            });
        });
    });
}

fn has_several_numbers(result: Segment<'_>) -> bool {
    result.peek(18).repetitions().filter(is_numbered).count() > 1
}

fn is_numbered(device: &Value<'_>) -> bool {
    !device.component(1).text().trim().is_empty()
}

fn device_number(w: &mut Writer, device: Value<'_>, out: &Output) {
    let [number, namespace, universal, kind] = [1, 2, 3, 4].map(|n| device.component(n).text());
    if number.trim().is_empty() {
        return;
    }
    let namespace = if namespace.trim().is_empty() { "device" } else { namespace.trim() };
    let system = hd::from_universal(universal.trim(), kind.trim());
    w.string("system", &system.unwrap_or_else(|| out.facility.local_system(&format!("device-{namespace}"))));
    w.string("value", number.trim());
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

/// Named rule `line-repeats-first`: the OBX of further lines say the same as that of the first one, but for the line.
fn take_over_lines(group: &ResultGroup<'_>) {
    for line in &group.continued {
        for number in 1..=line.field_count() {
            if line.peek(number).raw() == group.result.peek(number).raw() {
                line.ignore(&[number]);
            }
        }
    }
}

/// Section 7.2.4: the suffix IMP marks the impression, which is what the report concludes.
fn conclusion(group: &ResultGroup<'_>) -> String {
    let (result, identifier) = (group.result, group.result.peek(3).component(1));
    if identifier.subcomponent(2).raw() != "IMP" {
        return String::new();
    }
    match result.peek(2).text().trim() {
        "TX" | "FT" => {
            let lines: Vec<String> =
                [result].iter().chain(&group.continued).map(|line| nte::lines(line.peek(5))).collect();
            lines.join("\n").trim_end().to_owned()
        }
        "CE" | "CWE" | "CNE" => cwe::text(result.peek(5)),
        _ => result.peek(5).whole_text().trim().to_owned(),
    }
}
