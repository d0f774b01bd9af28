//! Goals (observations of mood GOL, C-CDA 22.4.121) to Goal.

use super::account::{account, only_first};
use super::identity;
use super::kind::{Role, is_ccda};
use super::related::{self, Related, inline_text, note_items, of_types, reference_items, related, told};
use super::{Cx, actor};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, ii, ivl_pq, pq};
use crate::map::cda::node::{self, Node, child, child_attribute, null_flavor};

/// What a goal may be about.
const ADDRESSED: [&str; 5] = ["Condition", "Observation", "MedicationStatement", "NutritionOrder", "ServiceRequest"];

/// Maps the goal; gives its reference, then those of what it holds.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::GOAL, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), concern_status: "", ..cx };
    let within = related(node, out);
    let mut comments: Vec<Node<'_>> = Vec::new();
    let (mut addressed, mut others, mut progress) = (Vec::new(), Vec::new(), None);
    for related in &within {
        match related.role {
            Role::Comment => {
                comments.push(related.node);
                account(related.node, &["id", "code", "statusCode", "author", "effectiveTime"], out);
            }
            _ if is_ccda(related.node, "110") => progress = Some(related.node),
            _ => hold(related, &mut addressed, &mut others, inner, out),
        }
    }
    let span = Span::of(child(node, "effectiveTime"), out);
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string("lifecycleStatus", lifecycle(child_attribute(node, "statusCode", "code")));
    if let Some(progress) = progress {
        cd::concept(&mut w, "achievementStatus", child(progress, "value"), cx.within.text, out);
        account(progress, &["id", "code", "statusCode", "value", "effectiveTime"], out);
    }
    description(&mut w, node, cx, out);
    out.subject(&mut w, "subject");
    w.string("startDate", span.start.as_deref().and_then(|at| at.get(..10.min(at.len()))).unwrap_or_default());
    target(&mut w, node, &span, cx, out);
    let types = ["Patient", "Practitioner", "PractitionerRole", "RelatedPerson"];
    w.reference("expressedBy", authors.of_types(&types).unwrap_or_default());
    w.array("addresses", |w| reference_items(w, &addressed));
    related_notes(&mut w, node, &comments, inner, out);
    const TAKEN: [&str; 7] = ["id", "code", "statusCode", "effectiveTime", "value", "author", "entryRelationship"];
    account(node, &TAKEN, out);
    only_first(node, "value", out);
    let mut references = vec![identity::put(node, ResourceType::GOAL, id, w, out)];
    references.extend(others);
    references
}

fn hold(related: &Related<'_>, addressed: &mut Vec<String>, others: &mut Vec<String>, cx: Cx<'_>, out: &mut Output) {
    let (found, rest) = of_types(related::own(related, cx, out), &ADDRESSED);
    addressed.extend(found);
    if !rest.is_empty() {
        related::note_unlinked(related, out);
    }
    others.extend(rest);
}

fn related_notes(w: &mut Writer, node: Node<'_>, comments: &[Node<'_>], cx: Cx<'_>, out: &mut Output) {
    w.array("note", |w| {
        note_items(w, comments, cx, out);
        w.item(|w| w.string("text", &inline_text(node)));
    });
}

fn lifecycle(code: &str) -> &'static str {
    match code {
        "completed" => "completed",
        "aborted" | "cancelled" => "cancelled",
        "suspended" | "held" => "on-hold",
        "nullified" => "entered-in-error",
        "new" => "proposed",
        _ => "active",
    }
}

/// What the goal is: words where the sender gives some, else what is to be measured and reached.
fn description(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let value = child(node, "value");
    let words = value
        .filter(|value| matches!(node::xsi_type(*value), "ST" | "ED"))
        .map(|value| cd::resolved(value, cx.within.text));
    let words = words.filter(|words| !words.is_empty()).unwrap_or_else(|| told(node, cx));
    let code = child(node, "code").filter(|code| cd::is_stated(*code));
    w.object("description", |w| match (words.is_empty(), code) {
        (false, None) => w.string("text", &words),
        (false, Some(code)) => {
            w.array("coding", |w| cd::codings(w, code, out));
            w.string("text", &words);
        }
        (true, Some(code)) => cd::members(w, code, cx.within.text, out),
        (true, None) => {
            let shown = value.map(|value| cd::text_of(value, cx.within.text)).unwrap_or_default();
            w.string("text", if shown.is_empty() { "unknown" } else { &shown });
        }
    });
}

/// What is to be measured, the value to reach, and by when.
fn target(w: &mut Writer, node: Node<'_>, span: &Span, cx: Cx<'_>, out: &mut Output) {
    let value = child(node, "value").filter(|value| null_flavor(*value).is_none() || cd::is_stated(*value));
    let mut detail = Writer::default();
    match value.map(|value| (value, node::xsi_type(value))) {
        Some((value, "CD" | "CE" | "CO" | "CV")) => {
            cd::concept(&mut detail, "detailCodeableConcept", Some(value), cx.within.text, out)
        }
        Some((value, "PQ" | "REAL" | "INT" | "IVL_PQ" | "IVL_INT" | "IVL_REAL"))
            if pq::is_stated(value) || child(value, "low").is_some() || child(value, "high").is_some() =>
        {
            ivl_pq::range_or_quantity(&mut detail, "detail", value, out);
        }
        _ => {}
    }
    let due = span.end.as_deref().and_then(|at| at.get(..10.min(at.len()))).unwrap_or_default();
    if detail.is_empty() && due.is_empty() {
        return;
    }
    w.array("target", |w| {
        w.item(|w| {
            cd::concept(w, "measure", child(node, "code").filter(|code| cd::is_stated(*code)), cx.within.text, out);
            w.members(detail);
            w.string("dueDate", due);
        });
    });
}
