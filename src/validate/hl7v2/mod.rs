//! HL7 v2.5 messages against the usage rules of SS-MIX2 and JAHIS, which are a table (`profiles/ssmix2/usage.txt`): which
//! segments in which order, which fields must be there, of what type and length, from which table; and what the name of a
//! file of standardised storage says about the message in it.

mod field;
mod grammar;
mod rule;
mod storage;
mod table;

use crate::decode::hl7v2::{Message, Segment};
use crate::decode::ssmix2::FileName;
use crate::fault::{Place, Rule};
use crate::validate::usage::{Deviation, offset};

pub use storage::together;
use table::{TABLE, Table};

/// HL7 itself.
const HL7: &str = "HL7 v2.5";
/// Deviations that are listed of one message; one note says how many there are beyond.
pub const DEVIATIONS_MAX: usize = 200;

/// What deviates in a message from the rules. `file` is what the name of its file says, of one in SS-MIX2 storage; a
/// message is held to SS-MIX2's own rules where it has such a name or names the standard in MSH-21.
pub fn check(message: &Message<'_>, file: Option<&FileName>) -> Vec<Deviation> {
    let mut check = Check::new(message, file);
    check.header();
    check.characters();
    if check.is_known_version {
        check.order();
        for segment in message.segments() {
            check.fields(segment);
        }
    }
    if let Some(file) = file {
        storage::agrees(&mut check, file);
    }
    check.finish()
}

/// A message that is being looked at, and what was found.
struct Check<'m, 't> {
    message: &'m Message<'t>,
    table: &'static Table,
    /// `ADT^A08`.
    kind_of_message: String,
    /// The data kinds it may be; empty where SS-MIX2's own rules do not hold.
    kinds: Vec<&'static str>,
    is_known_version: bool,
    found: Vec<Deviation>,
}

impl<'m, 't> Check<'m, 't> {
    fn new(message: &'m Message<'t>, file: Option<&FileName>) -> Self {
        let table = &*TABLE;
        let header = message.first("MSH");
        let part = |number: u16, component: u16| {
            header.map(|header| header.peek(number).component(component).text().trim().to_owned()).unwrap_or_default()
        };
        let kind_of_message = format!("{}^{}", part(9, 1), part(9, 2));
        let kinds = match file {
            Some(file) => {
                table.kinds.iter().filter(|kind| kind.code == file.kind.code()).map(|kind| kind.code).collect()
            }
            None if part(21, 1).starts_with("SS-MIX2") || part(21, 2).starts_with("SS-MIX2") => {
                table.kinds.iter().filter(|kind| kind.has(&kind_of_message)).map(|kind| kind.code).collect()
            }
            None => Vec::new(),
        };
        let is_known_version = part(12, 1) == "2.5" || !kinds.is_empty();
        Check { message, table, kind_of_message, kinds, is_known_version, found: Vec::new() }
    }

    /// What MSH says of the message as a whole.
    fn header(&mut self) {
        let Some(header) = self.message.first("MSH") else { return };
        let (kind, version, charset) = (header.peek(9), header.peek(12).component(1), header.peek(18));
        if version.raw() != "2.5" {
            let rule = if self.kinds.is_empty() { &rule::OTHER_VERSION } else { &rule::VERSION };
            let at = self.offset(version.raw(), header);
            self.add(rule, version.place(), ("2.5", "2.5"), HL7, at);
        }
        if self.is_known_version && kind.is_valued() && self.table.grammar(&self.kind_of_message).is_none() {
            let at = self.offset(kind.raw(), header);
            self.add(&rule::NO_GRAMMAR, kind.place(), ("", ""), HL7, at);
        }
        let is_iso = |name: &str| name.replace(' ', "") == "ISOIR87";
        let is_told = charset.repetitions().any(|name| is_iso(&name.text()));
        if !self.kinds.is_empty() && charset.is_valued() && !is_told {
            let at = self.offset(charset.raw(), header);
            self.add(&rule::CHARSET, charset.place(), ("~ISO IR87", "~ISO IR87"), self.table.storage, at);
        }
    }

    /// SS-MIX2 asks for what JIS X 0208 has. The first of the others is told.
    fn characters(&mut self) {
        let is_other = |c: char| {
            // Half-width katakana, circled and Roman numerals, enclosed letters and squared units (row 13 of vendors).
            matches!(c, '\u{ff61}'..='\u{ff9f}' | '\u{2460}'..='\u{2473}' | '\u{2160}'..='\u{217b}' | '\u{3220}'..='\u{33ff}')
        };
        let at = self.message.text().find(is_other).filter(|_| !self.kinds.is_empty());
        if at.is_some() {
            self.add(&rule::CHARACTER, Place::Whole, ("", ""), self.table.storage, at);
        }
    }

    /// The order of the segments.
    fn order(&mut self) {
        let Some(grammar) = self.table.grammar(&self.kind_of_message) else { return };
        let names: Vec<&str> = self.message.segments().map(Segment::name).collect();
        for flaw in grammar.check(&names) {
            let end = self.message.text().trim_end_matches(['\r', '\n', '\u{1c}']).len();
            let segment = self.message.at(flaw.at);
            let at = segment.map_or(Some(end), |segment| self.start(segment));
            let (rule, name) = match flaw.missing {
                Some(name) => (&rule::SEGMENT_MISSING, name),
                None if grammar.has(flaw.name) => (&rule::SEGMENT_ORDER, flaw.name),
                None => (&rule::SEGMENT_UNKNOWN, flaw.name),
            };
            let place = match segment {
                Some(segment) => segment.place(0),
                None => Place::Whole,
            };
            self.add_at(rule, place, (name, name), grammar.source, at);
        }
    }

    /// Whether a field must be there, and by which standard.
    fn requires(&self, field: &table::Field) -> Option<&'static str> {
        let by_kind = field.is_usual || !field.kinds.is_empty();
        let is_in = |kind: &&str| field.is_usual || field.kinds.contains(kind);
        if by_kind && !self.kinds.is_empty() && self.kinds.iter().all(is_in) {
            return Some(field.source);
        }
        field.is_of_hl7.then_some(HL7)
    }

    fn start(&self, segment: Segment<'_>) -> Option<usize> {
        offset(self.message.text(), segment.raw()).map(|at| at.saturating_sub(3))
    }

    /// The byte of a value; of one that is not there, the end of its segment.
    fn offset(&self, value: &str, segment: Segment<'_>) -> Option<usize> {
        let text = self.message.text();
        let end = || offset(text, segment.raw()).map(|at| at + segment.raw().len());
        offset(text, value).filter(|at| *at > 0).or_else(end)
    }

    fn add(&mut self, rule: &'static Rule, place: Place, names: (&str, &str), source: &'static str, at: Option<usize>) {
        self.add_at(rule, place, names, source, at);
    }

    fn add_at(
        &mut self,
        rule: &'static Rule,
        place: Place,
        (en, ja): (&str, &str),
        source: &'static str,
        at: Option<usize>,
    ) {
        self.found.push(Deviation { rule, place, en: en.into(), ja: ja.into(), source, at });
    }

    fn finish(mut self) -> Vec<Deviation> {
        let more = self.found.len().saturating_sub(DEVIATIONS_MAX);
        if more > 0 {
            self.found.sort_by_key(|one| std::cmp::Reverse(one.rule.severity));
            self.found.truncate(DEVIATIONS_MAX);
            let count = more.to_string();
            self.add(&rule::MORE, Place::Whole, (&count, &count), HL7, None);
        }
        self.found
    }
}

#[cfg(test)]
mod tests;
