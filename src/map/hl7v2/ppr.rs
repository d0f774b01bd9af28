//! PPR^ZD1 (JAHIS 病名; SS-MIX2 PPR-01): the problem list.

use super::adt::is_deleted;
use super::segment::{in1, prb};
use super::{Context, Output};
use crate::decode::hl7v2::Message;
use crate::map::List;
use prb::Group;

/// Maps every problem with the segments that follow it. A file without an order number is the whole list; a sender who
/// numbers its files writes one file per problem, and those stand beside each other.
pub(super) fn map(message: &Message<'_>, context: Context<'_>, out: &mut Output) {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for segment in message.segments() {
        if segment.is("PRB") {
            let instance = segment.peek(4);
            let same = |group: &&mut Group<'_>| instance.is_valued() && group.prb.peek(4).text() == instance.text();
            let shares_instance = groups.iter_mut().filter(same).map(|group| group.shares_instance = true).count() > 0;
            groups.push(Group { prb: segment, zpr: None, orc: None, notes: Vec::new(), shares_instance });
        } else if let Some(group) = groups.last_mut() {
            match segment.name() {
                "ZPR" if group.zpr.is_none() => group.zpr = Some(segment),
                "ORC" if group.orc.is_none() => group.orc = Some(segment),
                "NTE" => group.notes.push(segment),
                "ZI1" => in1::map(segment, out),
                _ => {}
            }
        }
    }
    for group in &groups {
        prb::map(group, is_deleted(context), out);
    }
    let is_whole = context.name.is_some_and(|name| name.order.is_none());
    if is_whole && !groups.is_empty() && !is_deleted(context) {
        out.whole_list(List::Problems);
    }
}
