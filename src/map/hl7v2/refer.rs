//! REF^I12 to I15 and their answers RRI (HL7 v2.5 sections 11.5.1 to 11.5.4): a referral with who refers to whom, why, and
//! what is known of the patient.

use super::account::FIELD_UNMAPPED;
use super::adt::event;
use super::business_key::Keys;
use super::group::{RequestGroup, ResultGroup};
use super::segment::obr::Effective;
use super::segment::obx::{self, RESULT_WITHOUT_CODE, Setting};
use super::segment::orc::ignore_whole;
use super::segment::prd::{self, Provider};
use super::segment::rf1::{self, Around};
use super::segment::{dg1, obx_category, pr1, request};
use super::{Context, Output, visit};
use crate::decode::hl7v2::{Message, Segment, Value};
use crate::fault::{Place, rules};
use crate::fhir::ResourceType;
use crate::map::Change;

rules! {
    pub(crate) NO_REFERRAL "v2-no-referral" Warning Required
        "The message is about a referral and has no RF1 segment; what stands around it was taken over."
        "紹介のメッセージですがRF1がありません。周辺の情報のみ取り込みました。"
    pub(crate) REFERRAL_WITHOUT_NUMBER "v2-referral-without-number" Warning Required
        "Neither RF1-6 nor RF1-11 numbers the referral: a later message about it will not find it by its number."
        "RF1-6・RF1-11に紹介番号がありません。この紹介に関する後続のメッセージを番号で対応付けられません。"
}

/// What a request of the patient's results is about.
#[derive(Default)]
struct Tested<'m> {
    request: RequestGroup<'m>,
    results: Vec<ResultGroup<'m>>,
}

/// Maps the referral and what comes with it.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let encounter = visit::reference(message, out);
    let mut providers: Vec<Provider> = message.all("PRD").filter_map(|prd| prd::provider(prd, out)).collect();
    let contacts: Vec<Provider> = message.all("CTD").filter_map(|ctd| prd::provider(ctd, out)).collect();
    providers.extend(contacts);
    let made = out.changes().len();
    let diagnoses = dg1::map_all(message, encounter.as_deref().unwrap_or_default(), out);
    if visit::mention_with(message, &diagnoses, out).is_none() {
        // In which role and order a diagnosis was made is told of a visit only.
        let lost = message.all("DG1").flat_map(|dg1| [dg1.peek(6), dg1.peek(15)]);
        lost.filter(Value::is_valued).for_each(|value| out.doubt(&FIELD_UNMAPPED, &value));
    }
    pr1::map_all(message, encounter.as_deref().unwrap_or_default(), out);
    let (tested, notes) = tested(message);
    let mut supporting = put_since(out, made, ResourceType::PROCEDURE);
    supporting.extend(results(&tested, encounter.as_deref(), out));
    let Some(rf1) = message.first("RF1") else {
        return out.issue(&NO_REFERRAL, Place::Whole);
    };
    let number = rf1::number(rf1).unwrap_or_else(|| {
        out.issue(&REFERRAL_WITHOUT_NUMBER, rf1.place(6));
        let control = message.first("MSH").map(|header| header.peek(10).text().trim().to_owned()).unwrap_or_default();
        if control.is_empty() { format!("in:{}", context.letter.hex()) } else { format!("in:{control}") }
    });
    let (reasons, insurances) = (put_since(out, made, ResourceType::CONDITION), stated(out, ResourceType::COVERAGE));
    let around = Around {
        is_cancelled: event(message) == "I14",
        providers: &providers,
        encounter: encounter.as_deref(),
        reasons: &reasons,
        insurances: &insurances,
        supporting: &supporting,
        notes: &notes,
        confidentiality: visit::protection(message),
    };
    let id = out.id(ResourceType::SERVICE_REQUEST, &format!("referral:{number}"));
    rf1::service_request(rf1, id, &around, out);
}

/// What was put of a type since the message had made so many changes.
fn put_since(out: &Output, made: usize, resource_type: ResourceType) -> Vec<String> {
    let of_type = |change: &Change| match change {
        Change::Put(draft) if draft.resource_type == resource_type => Some(draft.reference()),
        _ => None,
    };
    out.changes().iter().skip(made).filter_map(of_type).collect()
}

/// What the segments around PID state or mention of a type.
fn stated(out: &Output, resource_type: ResourceType) -> Vec<String> {
    let of_type = |change: &Change| match change {
        Change::Put(draft) | Change::PutWeak(draft) if draft.resource_type == resource_type => Some(draft.reference()),
        _ => None,
    };
    out.changes().iter().filter_map(of_type).collect()
}

/// The requests with their results, and the notes about the whole: those at the end, behind PV1 and PV2.
fn tested<'m>(message: &'m Message<'_>) -> (Vec<Tested<'m>>, Vec<Segment<'m>>) {
    let (mut tested, mut notes): (Vec<Tested<'m>>, Vec<Segment<'m>>) = Default::default();
    let mut is_inside = false;
    for segment in message.segments() {
        match (segment.name(), tested.last_mut()) {
            ("OBR", _) => {
                tested.push(Tested {
                    request: RequestGroup { request: Some(segment), ..Default::default() },
                    results: Vec::new(),
                });
            }
            ("OBX", None) => tested.push(Tested { results: vec![of(segment)], ..Tested::default() }),
            ("OBX", Some(last)) => last.results.push(of(segment)),
            ("NTE", Some(last)) if is_inside => match last.results.last_mut() {
                Some(result) => result.notes.push(segment),
                None => last.request.notes.push(segment),
            },
            ("NTE", _) => notes.push(segment),
            // What stands about a result (who was there) does not end it.
            ("PRT", _) => continue,
            _ => {}
        }
        is_inside = matches!(segment.name(), "OBR" | "OBX") || (is_inside && segment.is("NTE"));
    }
    (tested, notes)
}

fn of(result: Segment<'_>) -> ResultGroup<'_> {
    ResultGroup::alone(result)
}

/// The ServiceRequests are mentioned, the Observations are the message's own.
fn results(tested: &[Tested<'_>], encounter: Option<&str>, out: &mut Output) -> Vec<String> {
    let mut keys = Keys::default();
    let mut references = Vec::new();
    for group in tested {
        let based_on = request::mention(&group.request, encounter, "of-a-referral", out);
        let effective = Effective::of(group.request.request, None, out);
        let at = group.request.request.map(|obr| obr.peek(7).component(1).text().trim().to_owned()).unwrap_or_default();
        for result in &group.results {
            let Some(item) = obx::item(result.result) else {
                out.issue(&RESULT_WITHOUT_CODE, result.result.place(3));
                ignore_whole(result.result);
                continue;
            };
            let own = result.result.peek(14).component(1).text().trim().to_owned();
            let time = if own.is_empty() { &at } else { &own };
            let key = keys.next(format!("of-a-referral/{item}/{}/{time}", result.result.peek(4).raw().trim()));
            let id = out.id(ResourceType::OBSERVATION, &key);
            let setting = Setting {
                based_on: based_on.as_deref(),
                effective: effective.as_ref(),
                ..Setting::alone(obx_category::EXAM)
            };
            references.push(obx::observation(result, id, setting, out).reference);
        }
    }
    references
}
