//! The table of usage rules, `profiles/ssmix2/usage.txt`: its head says how its lines read.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::grammar::Grammar;

/// The rules, read once.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

const TEXT: &str = include_str!("../../../profiles/ssmix2/usage.txt");

/// All rules.
#[derive(Debug, Default)]
pub(super) struct Table {
    grammars: HashMap<&'static str, Grammar>,
    pub(super) kinds: Vec<DataKind>,
    /// The field that 診療日 comes from, by message.
    pub(super) dates: HashMap<&'static str, (&'static str, u16)>,
    tables: HashMap<&'static str, Vec<&'static str>>,
    fields: HashMap<&'static str, Vec<Field>>,
    /// The specification of the storage itself.
    pub(super) storage: &'static str,
    /// Lines that could not be read; empty, as a test says.
    wrong: Vec<String>,
}

/// データ種別
#[derive(Debug)]
pub(super) struct DataKind {
    pub(super) code: &'static str,
    /// Whether it lies under a date.
    pub(super) is_dated: bool,
    pub(super) name: &'static str,
    pub(super) messages: Vec<&'static str>,
}

/// A field of a segment.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u16,
    pub(super) data_type: &'static str,
    pub(super) repeats: bool,
    pub(super) length: usize,
    pub(super) is_strict_length: bool,
    pub(super) table: Option<&'static str>,
    /// Required wherever HL7 v2.5 is spoken.
    pub(super) is_of_hl7: bool,
    /// Required by SS-MIX2 in every data kind.
    pub(super) is_usual: bool,
    /// The data kinds in which SS-MIX2 requires it.
    pub(super) kinds: Vec<&'static str>,
    pub(super) ja: &'static str,
    pub(super) en: &'static str,
    pub(super) source: &'static str,
}

impl DataKind {
    /// Whether it consists of messages of that type.
    pub(super) fn has(&self, message: &str) -> bool {
        self.messages.contains(&message)
    }
}

impl Table {
    fn read(text: &'static str) -> Table {
        let mut table = Table::default();
        let mut source = "";
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let read = match word {
                "source" => {
                    source = rest;
                    Some(())
                }
                "grammar" => table.grammar_line(rest, source),
                "kind" => {
                    table.storage = source;
                    table.kind_line(rest)
                }
                "date" => table.date_line(rest),
                "table" => table.table_line(rest),
                "field" => table.field_line(rest, source),
                _ => None,
            };
            if read.is_none() {
                table.wrong.push(line.to_owned());
            }
        }
        table
    }

    /// The order of the segments of a message (`ADT^A08`).
    pub(super) fn grammar(&self, message: &str) -> Option<&Grammar> {
        self.grammars.get(message)
    }

    /// The fields of a segment that something is said about.
    pub(super) fn fields(&self, segment: &str) -> &[Field] {
        self.fields.get(segment).map_or(&[], Vec::as_slice)
    }

    /// The codes of a table.
    pub(super) fn codes(&self, table: &str) -> &[&'static str] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    fn grammar_line(&mut self, rest: &'static str, source: &'static str) -> Option<()> {
        let (message, segments) = rest.split_once(' ')?;
        self.grammars.insert(message, Grammar::read(segments, source)?);
        Some(())
    }

    fn kind_line(&mut self, rest: &'static str) -> Option<()> {
        let (head, messages) = rest.split_once(" | ")?;
        let mut words = head.split_whitespace();
        let (code, date, name) = (words.next()?, words.next()?, words.next()?);
        let messages = messages.split_whitespace().collect();
        self.kinds.push(DataKind { code, is_dated: date == "date", name, messages });
        Some(())
    }

    fn date_line(&mut self, rest: &'static str) -> Option<()> {
        let (message, field) = rest.split_once(' ')?;
        self.dates.insert(message, named(field)?);
        Some(())
    }

    fn table_line(&mut self, rest: &'static str) -> Option<()> {
        let (number, codes) = rest.split_once(' ')?;
        self.tables.insert(number, codes.split_whitespace().collect());
        Some(())
    }

    fn field_line(&mut self, rest: &'static str, source: &'static str) -> Option<()> {
        let mut parts = rest.split(" | ");
        let (head, ja, en) = (parts.next()?, parts.next()?.trim(), parts.next()?.trim());
        let mut words = head.split_whitespace();
        let (field, data_type, length) = (words.next()?, words.next()?, words.next()?);
        let (table, usage) = (words.next()?, words.next()?);
        let (segment, number) = named(field)?;
        let (letters, kinds) = usage.split_once(':').map_or((usage, None), |(letters, kinds)| (letters, Some(kinds)));
        let plain = data_type.strip_suffix('*').filter(|plain| !plain.is_empty());
        self.fields.entry(segment).or_default().push(Field {
            number,
            data_type: plain.unwrap_or(data_type),
            repeats: plain.is_some() || data_type == "*",
            length: length.trim_end_matches('!').parse().ok()?,
            is_strict_length: length.ends_with('!'),
            table: (table != "-").then_some(table),
            is_of_hl7: letters.contains('H'),
            is_usual: letters.contains('R') && kinds.is_none(),
            kinds: kinds.map(|kinds| kinds.split(',').collect()).unwrap_or_default(),
            ja,
            en,
            source,
        });
        Some(())
    }
}

/// `PID-3` as segment and number.
fn named(field: &'static str) -> Option<(&'static str, u16)> {
    let (segment, number) = field.split_once('-')?;
    Some((segment, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::ssmix2::Kind;

    #[test]
    fn every_line_is_read_and_names_what_is_there() {
        assert_eq!(TABLE.wrong, Vec::<String>::new());
        assert!(TABLE.fields.values().flatten().all(|field| !field.source.is_empty()));
        let known = |kind: &str| TABLE.kinds.iter().any(|one| one.code == kind) && Kind::parse(kind).is_some();
        for field in TABLE.fields.values().flatten() {
            assert!(field.kinds.iter().all(|kind| known(kind)), "{field:?}");
            assert!(field.table.is_none_or(|table| !TABLE.codes(table).is_empty()), "{field:?}");
        }
        for kind in &TABLE.kinds {
            assert!(known(kind.code), "{kind:?}");
            assert!(kind.messages.iter().all(|message| TABLE.grammar(message).is_some()), "{kind:?}");
            // A kind under a date has messages that say which.
            assert!(
                !kind.is_dated || kind.messages.iter().all(|message| TABLE.dates.contains_key(message)),
                "{kind:?}"
            );
        }
        assert_eq!(TABLE.kinds.len(), 26);
        assert_eq!((TABLE.grammars.len(), TABLE.fields("PID").len()), (31, 9));
    }

    #[test]
    fn what_is_no_line_of_the_table_is_noticed() {
        let table = Table::read("source x\nfield PID-8 IS x - R | a | b\nnonsense\nkind A\ngrammar A^B (MSH\n");
        assert_eq!(table.wrong.len(), 4);
    }
}
