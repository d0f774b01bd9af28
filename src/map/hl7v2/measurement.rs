//! OBX beside the patient (HL7 v2.5 sections 3.3.1 and 4.13.6; SS-MIX2 ADT-00): height, weight, blood type.

use super::adt::is_deleted;
use super::business_key::Keys;
use super::group::result_groups;
use super::segment::obx::{self, RESULT_WITHOUT_CODE, Setting};
use super::segment::obx_category;
use super::segment::orc::ignore_whole;
use super::{Context, Output, adt};
use crate::decode::hl7v2::Message;
use crate::fhir::ResourceType;

/// States every OBX with its NTE that no mapper took before. What was measured at a stated time (OBX-14) is an Observation
/// of its own; without one the newest message replaces what was said before.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let is_gone = is_deleted(context) || adt::event(message) == "A23";
    let mut keys = Keys::default();
    for group in result_groups(message).into_iter().filter(|group| group.result.is_untouched()) {
        let result = group.result;
        if is_gone {
            group.segments().for_each(ignore_whole);
            continue;
        }
        let Some(item) = obx::item(result) else {
            out.issue(&RESULT_WITHOUT_CODE, result.place(3));
            ignore_whole(result);
            continue;
        };
        let (sub_id, at) = (result.peek(4).raw().trim(), result.peek(14).component(1).text());
        let key = keys.next(format!("of-the-patient/{item}/{sub_id}/{}", at.trim()));
        let id = out.id(ResourceType::OBSERVATION, &key);
        let setting = Setting { is_mention: !out.is_master, ..Setting::alone(obx_category::EXAM) };
        obx::observation(&group, id, setting, out);
    }
}
