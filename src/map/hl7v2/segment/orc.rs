//! ORC common order (HL7 v2.5 section 4.5.1): numbers, when and by whom it was ordered. What it orders is written by the
//! segments that say it.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, hd, ts, xad, xcn, xtn};
use crate::map::hl7v2::segment::obx::REPETITION_LEFT_OUT;

/// An order without a number.
pub static ORDER_WITHOUT_NUMBER: Rule = Rule {
    id: "v2-order-without-number",
    severity: Severity::Warning,
    code: IssueType::Required,
    en: "Neither ORC-2, OBR-2, ORC-3, OBR-3 nor the file name has an order number; what belongs together is told by its times.",
    ja: "オーダ番号がORC-2、OBR-2、ORC-3、OBR-3、ファイル名のいずれにもないため、日時で区別します。",
};
/// A cancelled order that does not repeat what it consisted of.
pub static CANCELLED_WITHOUT_CONTENT: Rule = Rule {
    id: "v2-cancelled-without-content",
    severity: Severity::Warning,
    code: IssueType::Incomplete,
    en: "The order is cancelled, but the message does not say which results or drugs it had; those stay.",
    ja: "オーダの取消ですが、対象の結果・薬剤が書かれていないため、それらは残ります。",
};
/// Named rule: of a deleted order nothing is carried over but that it is gone.
pub const DELETED_WHOLE: &str = "deleted-whole";

const DEPARTMENT: &str = "http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_Department";

/// Named rule: who typed an order and where (ORC-10, ORC-13) is told only where FHIR asks for it (MedicationRequest.recorder).
pub const ENTERED_BY: &str = "entered-by";

/// EI.1 of a number field, trimmed; noted as mapped by nobody.
pub(crate) fn number(field: Value<'_>) -> String {
    field.component(1).subcomponent(1).text().trim().to_owned()
}

/// The number a sender tells an order by: ORC-2, else OBR-2.
pub(crate) fn order_number(order: Option<Segment<'_>>, request: Option<Segment<'_>>) -> Option<String> {
    [order, request].into_iter().flatten().map(|s| number(s.peek(2))).find(|n| !n.is_empty())
}

/// ORC-1 (table 0119).
pub(crate) fn control(order: Option<Segment<'_>>) -> String {
    order.map(|o| o.field(1).text().trim().to_owned()).unwrap_or_default()
}

/// Whether the order is taken back: CA and OC cancel, CR says it is done, DC and OD discontinue.
pub(crate) fn is_cancelled(order: Option<Segment<'_>>) -> bool {
    matches!(control(order).as_str(), "CA" | "OC" | "CR" | "DC" | "OD" | "DR")
}

/// Takes a whole segment over by the rule [`DELETED_WHOLE`].
pub(crate) fn ignore_whole(segment: Segment<'_>) {
    for number in 1..=segment.field_count() {
        segment.ignore(&[number]);
    }
}

/// Placer and filler number (ORC-2 and 3, OBR-2 and 3); the same number is written once.
pub(crate) fn identifiers(
    w: &mut Writer,
    order: Option<Segment<'_>>,
    request: Option<Segment<'_>>,
    assigner: Option<&str>,
    out: &Output,
) {
    w.array("identifier", |w| {
        for (field, kind) in [(2, "PLAC"), (3, "FILL")] {
            let mut first = String::new();
            for value in [order, request].into_iter().flatten().map(|s| s.field(field)) {
                let number = number(value);
                if !number.is_empty() && number != first {
                    w.item(|w| identifier(w, value, kind, assigner, out));
                    first = number;
                }
            }
        }
    });
}

/// EI as an Identifier with a type of table 0203.
pub(crate) fn identifier(w: &mut Writer, value: Value<'_>, kind: &str, assigner: Option<&str>, out: &Output) {
    entity(w, [1, 2, 3, 4].map(|n| value.component(n)), kind, out);
    if !number(value).is_empty() {
        w.reference("assigner", assigner.unwrap_or_default());
    }
}

/// The same of an EI that is a component: its parts are sub-components.
pub(crate) fn nested_identifier(w: &mut Writer, value: Value<'_>, kind: &str, out: &Output) {
    entity(w, [1, 2, 3, 4].map(|n| value.subcomponent(n)), kind, out);
}

fn entity(w: &mut Writer, parts: [Value<'_>; 4], kind: &str, out: &Output) {
    let [number, namespace, universal, universal_kind] = parts.map(|part| part.text());
    let number = number.trim();
    if number.is_empty() {
        return;
    }
    let system = hd::from_universal(universal.trim(), universal_kind.trim()).unwrap_or_else(|| {
        let name = if namespace.trim().is_empty() { kind } else { namespace.trim() };
        out.facility.local_system(&format!("order-number-{name}"))
    });
    w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, kind, "")));
    w.string("system", &system);
    w.string("value", number);
}

/// ORC-12, else the person of another field, which usually repeats it; a different person there stays unread.
pub(crate) fn requester(
    order: Option<Segment<'_>>,
    other: Option<(Segment<'_>, u16)>,
    out: &mut Output,
) -> Option<String> {
    let first = order.and_then(|o| only_person(o.field(12), out));
    let Some((segment, field)) = other else { return first };
    let repeats = order.is_some_and(|o| is_same_person(o.peek(12), segment.peek(field)));
    if first.is_none() || repeats {
        segment.ignore(&[field]);
    }
    first.or_else(|| only_person(segment.peek(field), out))
}

/// By number, else by name.
fn is_same_person(one: Value<'_>, other: Value<'_>) -> bool {
    let parts: &[u16] = if number(one).is_empty() { &[2, 3] } else { &[1] };
    number(one) == number(other) && parts.iter().all(|n| one.component(*n).raw() == other.component(*n).raw())
}

/// The person of a field that FHIR has room for one of.
pub(crate) fn only_person(field: Value<'_>, out: &mut Output) -> Option<String> {
    let persons = xcn::practitioners(field, out);
    if persons.len() > 1 {
        out.doubt(&REPETITION_LEFT_OUT, &field);
    }
    persons.into_iter().next()
}

/// ORC-21 to ORC-23 as an Organization of the patient's record.
pub(crate) fn facility(order: Option<Segment<'_>>, out: &mut Output) -> Option<String> {
    let order = order?;
    let value = order.field(21);
    let name = value.component(1).text();
    let code = [10, 3].map(|n| value.component(n).text().trim().to_owned()).into_iter().find(|t| !t.is_empty());
    let code = code.unwrap_or_default();
    if name.trim().is_empty() && code.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    w.array("identifier", |w| {
        if !code.is_empty() {
            let known = crate::fhir::FacilityCode::parse(&code).is_insurance_institution();
            let system = if known {
                system::INSTITUTION_NUMBER.into()
            } else {
                out.facility.local_system("organization-number")
            };
            w.item(|w| {
                w.string("system", &hd::uri(value.component(6), &out.facility).unwrap_or(system));
                w.string("value", &code);
            });
        }
    });
    w.string("name", name.trim());
    w.array("telecom", |w| {
        for number in order.field(23).repetitions() {
            w.item(|w| xtn::contact_point(w, number, "work", out));
        }
    });
    w.array("address", |w| {
        for address in order.field(22).repetitions() {
            w.item(|w| xad::address(w, address, out));
        }
    });
    let key = if code.is_empty() { format!("name:{}", name.trim()) } else { code };
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}

/// ORC-17 as the JP-CLINS department extension, an item of `extension`.
pub(crate) fn department(w: &mut Writer, order: Option<Segment<'_>>, out: &mut Output) {
    let Some(order) = order.filter(|o| o.peek(17).is_valued()) else { return };
    w.item(|w| {
        w.string("url", DEPARTMENT);
        cwe::concept(w, "valueCodeableConcept", order.field(17), "", out);
    });
}

/// ORC-9 is when this message's event happened: for a new order that is the ordering, for results it is not, and ORC-15
/// is nearer.
pub(crate) fn authored_on(w: &mut Writer, order: Option<Segment<'_>>, out: &mut Output) {
    let Some(order) = order else { return };
    let (event, effective) = (order.field(9), order.field(15));
    let chosen = if matches!(&*order.peek(1).text(), "NW" | "XO" | "PA" | "CH" | "") && event.is_valued() {
        event
    } else {
        effective
    };
    ts::write(w, "authoredOn", chosen, out);
}

/// ORC-5 (table 0038), else ORC-1 (table 0119), as request-status.
pub(crate) fn request_status(order: Option<Segment<'_>>) -> &'static str {
    let control = control(order);
    let state = order.map(|o| o.field(5).text().trim().to_owned()).unwrap_or_default();
    match state.as_str() {
        "CM" => "completed",
        "A" | "IP" | "SC" => "active",
        "HD" => "on-hold",
        "CA" | "DC" | "RP" => "revoked",
        "ER" => "entered-in-error",
        _ => match control.as_str() {
            "NW" | "OK" | "PA" | "CH" | "RL" | "RO" | "XO" | "SC" | "SN" | "RE" => "active",
            "HD" | "HR" | "OH" => "on-hold",
            "CR" | "DC" | "DR" | "OC" | "OD" => "revoked",
            _ => "unknown",
        },
    }
}
