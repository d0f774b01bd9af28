//! Family history organizers (C-CDA 22.4.45, observations 22.4.46) to FamilyMemberHistory.

use super::account::{account, unmapped};
use super::identity;
use super::kind::Role;
use super::related::{is_negated, note_items, related, told, unlinked};
use super::{Cx, actor};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::datatype::{cd, en, ii, no_text, pq, ts};
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, descend};
use crate::map::stated::Content;

const LEAF: [&str; 7] = ["id", "code", "statusCode", "effectiveTime", "value", "author", "interpretationCode"];

/// Maps the organizer; gives its reference.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let subject = descend(node, &["subject", "relatedSubject"]);
    let relation = subject.map(|subject| child_attribute(subject, "code", "code")).unwrap_or_default();
    let person = subject.and_then(|subject| child(subject, "subject"));
    let born = person.and_then(|person| child(person, "birthTime"));
    let content =
        Content { what: relation.to_owned(), when: born.map(|b| attribute(b, "value")).unwrap_or_default().to_owned() };
    let id = identity::of_content(node, ResourceType::FAMILY_MEMBER_HISTORY, content, cx, out);
    let authors = actor::authors(node, cx, out);
    let inner = Cx { author: authors.last.as_deref().or(cx.author), ..cx };
    let mut w = Writer::new();
    ii::identifiers(&mut w, node, out);
    w.string(
        "status",
        match child_attribute(node, "statusCode", "code") {
            "completed" => "completed",
            "nullified" => "entered-in-error",
            _ => "partial",
        },
    );
    out.subject(&mut w, "patient");
    let date = Span::of(child(node, "effectiveTime"), out);
    w.string("date", authors.latest.as_deref().or(date.first()).unwrap_or_default());
    if let Some(person) = person {
        w.string("name", &en::person(person));
    }
    relationship(&mut w, subject, cx, out);
    if let Some(person) = person {
        sex(&mut w, person, out);
        birth_and_death(&mut w, person, born, out);
    }
    let (findings, others): (Vec<_>, Vec<_>) =
        related(node, out).into_iter().partition(|r| node::name(r.node) == "observation" && r.role == Role::Own);
    let (comments, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|r| r.role == Role::Comment);
    let mut rest = others;
    w.array("note", |w| {
        let comments: Vec<Node<'_>> = comments.iter().map(|comment| comment.node).collect();
        note_items(w, &comments, inner, out);
        // FHIR has no condition that a relative does not have: it is told in words.
        for finding in findings.iter().filter(|finding| finding.is_negated()) {
            let words = finding_in_words(finding.node, inner);
            w.item(|w| w.string("text", &format!("Negative: {words}")));
        }
    });
    w.array("condition", |w| {
        for finding in findings.iter().filter(|finding| !finding.is_negated()) {
            let mut unread = Vec::new();
            w.item(|w| condition(w, finding.node, &mut unread, inner, out));
            rest.extend(unread);
        }
    });
    for finding in &findings {
        account(
            finding.node,
            &["id", "code", "statusCode", "effectiveTime", "value", "entryRelationship", "author"],
            out,
        );
    }
    const TAKEN: [&str; 8] =
        ["id", "code", "statusCode", "effectiveTime", "subject", "component", "author", "entryRelationship"];
    account(node, &TAKEN, out);
    let mut references = vec![identity::put(node, ResourceType::FAMILY_MEMBER_HISTORY, id, w, out)];
    references.extend(unlinked(&rest, inner, out));
    references
}

fn relationship(w: &mut Writer, subject: Option<Node<'_>>, cx: Cx<'_>, out: &mut Output) {
    match subject.and_then(|subject| child(subject, "code")).filter(|code| cd::is_stated(*code)) {
        Some(code) => cd::concept(w, "relationship", Some(code), cx.within.text, out),
        None => {
            w.concept("relationship", "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "FAMMEMB", "family member")
        }
    }
}

fn sex(w: &mut Writer, person: Node<'_>, out: &mut Output) {
    let Some(code) = child(person, "administrativeGenderCode") else { return };
    let (code, display) = match attribute(code, "code") {
        "M" => ("male", "Male"),
        "F" => ("female", "Female"),
        "UN" => ("other", "Other"),
        "" => return,
        _ => return unmapped(code, out),
    };
    w.concept("sex", "http://hl7.org/fhir/administrative-gender", code, display);
}

fn birth_and_death(w: &mut Writer, person: Node<'_>, born: Option<Node<'_>>, out: &mut Output) {
    if let Some(date) = born.and_then(|born| ts::date(born, out)) {
        // FHIR dates of birth are dates; a year or month alone is one, too.
        w.string("bornDate", &date);
    }
    let died = child(person, "deceasedTime").and_then(|time| ts::date(time, out));
    let is_dead = child(person, "deceasedInd").map(|flag| attribute(flag, "value") == "true");
    match (died, is_dead) {
        (Some(date), _) => w.string("deceasedDate", &date),
        (None, Some(is_dead)) => w.boolean("deceasedBoolean", is_dead),
        (None, None) => {}
    }
}

/// One finding: code, outcome, age or time of onset.
fn condition<'a>(
    w: &mut Writer,
    node: Node<'a>,
    unread: &mut Vec<super::related::Related<'a>>,
    cx: Cx<'_>,
    out: &mut Output,
) {
    match child(node, "value").filter(|value| cd::is_stated(*value)) {
        Some(value) => cd::concept(w, "code", Some(value), cx.within.text, out),
        None => w.object("code", |w| w.string("text", &finding_in_words(node, cx))),
    }
    let within = related(node, out);
    let age = within.iter().find(|r| r.role == Role::Age);
    let death = within.iter().find(|r| r.role == Role::Death);
    if let Some(death) = death {
        cd::concept(w, "outcome", child(death.node, "value").filter(|v| cd::is_stated(*v)), &no_text, out);
        w.boolean("contributedToDeath", !is_negated(death.node));
    }
    let has_age = pq::quantity(w, "onsetAge", age.and_then(|age| child(age.node, "value")), out);
    let span = Span::of(child(node, "effectiveTime"), out);
    match (has_age, &span.start, &span.end) {
        (true, _, _) => {}
        (false, Some(_), Some(_)) => span.period(w, "onsetPeriod"),
        (false, _, _) => w.string("onsetString", span.first().unwrap_or_default()),
    }
    let comments: Vec<Node<'_>> = within.iter().filter(|r| r.role == Role::Comment).map(|r| r.node).collect();
    super::related::notes(w, &comments, cx, out);
    for related in &within {
        match related.role {
            Role::Age | Role::Death | Role::Comment => account(related.node, &LEAF, out),
            _ => unread.push(*related),
        }
    }
}

fn finding_in_words(node: Node<'_>, cx: Cx<'_>) -> String {
    let value = child(node, "value");
    let shown = value.map(|value| cd::text_of(value, cx.within.text)).filter(|text| !text.is_empty());
    let words = shown.unwrap_or_else(|| told(node, cx));
    match words.is_empty() {
        true => value
            .map(|value| attribute(value, "code").to_owned())
            .filter(|c| !c.is_empty())
            .unwrap_or_else(|| "unknown".into()),
        false => words,
    }
}
