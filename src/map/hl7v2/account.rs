//! The account of a message: after mapping, every field that holds something was mapped, is ignored by a rule of the
//! table below, or becomes an issue (design decision 7: nothing is dropped in silence).

use crate::decode::hl7v2::{Message, Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::map::Output;

/// A field that nobody asked for.
pub static FIELD_UNMAPPED: Rule = Rule {
    id: "v2-field-unmapped",
    severity: Severity::Warning,
    code: IssueType::Incomplete,
    en: "This field was not carried over; the raw message keeps it.",
    ja: "この項目はFHIRに変換していません(原本には残っています)。",
};
/// A segment of which nothing was asked for.
pub static SEGMENT_UNMAPPED: Rule = Rule {
    id: "v2-segment-unmapped",
    severity: Severity::Warning,
    code: IssueType::Incomplete,
    en: "This segment was not carried over; the raw message keeps it.",
    ja: "このセグメントはFHIRに変換していません(原本には残っています)。",
};

/// Why fields are ignored, by name.
#[derive(Debug)]
pub struct Ignored {
    /// The rule's name.
    pub rule: &'static str,
    /// Segment and fields; no fields means the whole segment.
    pub fields: &'static [(&'static str, &'static [u16])],
}

/// The named rules. A reason is given where the name alone does not say it.
pub const IGNORED: &[Ignored] = &[
    // Delimiters, routing, acknowledgement modes, version and character set: how it was sent, not what it says.
    Ignored {
        rule: "transport",
        fields: &[("MSH", &[1, 2, 3, 5, 6, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25])],
    },
    Ignored { rule: "sending-software", fields: &[("SFT", &[])] },
    // Which answers the sender wants to an order.
    Ignored { rule: "response-flag", fields: &[("ORC", &[6])] },
    // A counter of segments of one name.
    Ignored {
        rule: "set-id",
        fields: &[
            ("PID", &[1]),
            ("PV1", &[1]),
            ("NK1", &[1]),
            ("DB1", &[1]),
            ("AL1", &[1]),
            ("IAM", &[1]),
            ("IN1", &[1]),
            ("DG1", &[1]),
            ("ZI1", &[1]),
            ("PR1", &[1]),
            ("GT1", &[1]),
            ("ROL", &[1]),
            ("OBX", &[1]),
            ("OBR", &[1]),
            ("SPM", &[1]),
            ("TQ1", &[1]),
            ("NTE", &[1]),
            ("PRT", &[1]),
            ("ZE1", &[1]),
        ],
    },
    // The event is MSH-9 again, its time MSH-7 again.
    Ignored { rule: "event-repeats-header", fields: &[("EVN", &[1, 2])] },
    // When the sender last touched its own master data; versions and Provenance say when it reached us.
    Ignored { rule: "senders-last-update", fields: &[("PID", &[33, 34])] },
];

/// A visit is told by its own messages (ADT-12, ADT-22, ADT-52); what an order, a result or master data repeat of PV1
/// names no visit (no admission time, no number) and would make one more.
pub const VISIT_IS_TOLD_ELSEWHERE: &str = "visit-is-told-elsewhere";

/// What became of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The mapper used it.
    Mapped,
    /// Left alone on purpose; by a rule of [`IGNORED`] where it has a name there, else by one of the mapper's own.
    Ignored(Option<&'static str>),
    /// Nobody asked for it; the raw message keeps it.
    Unmapped,
}

/// What became of every field of a message that was mapped, in its order; empty fields are left out.
pub fn fates<'m>(message: &'m Message<'_>) -> Vec<(Value<'m>, Fate)> {
    let fields = |segment: Segment<'m>| (1..=segment.field_count()).map(move |number| (segment, number));
    let filled = message.segments().flat_map(fields).filter(|(segment, number)| !segment.peek(*number).is_empty());
    let fate = |(segment, number): (Segment<'m>, u16)| {
        let fate = match segment.taken(number) {
            (true, _) if !(segment.is("MSH") && number <= 2) => Fate::Mapped,
            (false, false) => Fate::Unmapped,
            _ => Fate::Ignored(rule_of(segment, number)),
        };
        (segment.peek(number), fate)
    };
    filled.map(fate).collect()
}

fn rule_of(segment: Segment<'_>, number: u16) -> Option<&'static str> {
    let covers = |(name, fields): &(&str, &[u16])| segment.is(name) && (fields.is_empty() || fields.contains(&number));
    IGNORED.iter().find(|ignored| ignored.fields.iter().any(covers)).map(|ignored| ignored.rule)
}

/// Notes what nobody asked for and no rule ignores: per field, or once for a segment of which nothing was used.
pub fn settle(message: &Message<'_>, out: &mut Output) {
    for segment in message.segments() {
        let mut is_ignored = false;
        for fields in rules(segment) {
            segment.ignore(fields);
            is_ignored |= fields.is_empty();
        }
        if !is_ignored && segment.unread().next().is_some() {
            report(segment, out);
        }
    }
}

fn report(segment: Segment<'_>, out: &mut Output) {
    let was_used = was_used(segment);
    let is_told_elsewhere = segment.is("PV1") && !segment.peek(44).is_valued();
    match (was_used, is_told_elsewhere) {
        (true, _) => segment.unread().for_each(|value| out.issue(&FIELD_UNMAPPED, value.place())),
        // Rule VISIT_IS_TOLD_ELSEWHERE.
        (false, true) => {}
        (false, false) => out.issue(&SEGMENT_UNMAPPED, segment.place(0)),
    }
}

/// Whether a field that holds something was asked for, those aside that a rule ignores.
fn was_used(segment: Segment<'_>) -> bool {
    let by_rule = |number: &u16| rules(segment).any(|fields| fields.contains(number));
    let filled = (1..=segment.field_count()).filter(|n| !segment.peek(*n).is_empty() && !by_rule(n)).count();
    segment.unread().count() < filled
}

fn rules(segment: Segment<'_>) -> impl Iterator<Item = &'static [u16]> {
    let of_segment = move |(name, _): &&(&str, &'static [u16])| segment.is(name);
    IGNORED.iter().flat_map(|ignored| ignored.fields).filter(of_segment).map(|(_, fields)| *fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{FacilityCode, PatientKey};

    #[test]
    fn every_field_is_mapped_ignored_or_listed() {
        let text = "MSH|^~\\&|HIS|H||||secret|ADT^A08\rPID|1||1||||19480405\rPV1|1|O\rZZZ|a|b\rNTE|\rNTE|1||x";
        let message = Message::parse(text).unwrap().value;
        let facility = FacilityCode::parse("H");
        let mut out = Output::new(PatientKey::derive(&facility, "1"), facility, 540, None);
        message.first("PID").unwrap().field(3);
        message.first("MSH").unwrap().field(4);
        settle(&message, &mut out);
        let issues = out.finish(None).issues;
        let found: Vec<_> = issues.iter().map(|i| format!("{} {}", i.rule.id, i.place)).collect();
        assert_eq!(
            found,
            [
                "v2-field-unmapped MSH-8",
                "v2-field-unmapped PID-7",
                "v2-segment-unmapped ZZZ",
                "v2-segment-unmapped NTE[2]"
            ]
        );
    }
}
