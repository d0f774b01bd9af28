//! Generated searches: every parameter that there is, in every form that a search takes.

use tasuki::fhir::ResourceType;
use tasuki::search::Definitions;
use tasuki::search::definition::{Definition, Kind};

use super::dice::Dice;
use super::resources::TYPES;
use super::words::{Words, encoded};

/// Which parameters were asked, by type and name.
#[derive(Default)]
pub(crate) struct Searches {
    pub(crate) next: usize,
    /// Types that are asked for most; those of a patient's record where there is none.
    pub(crate) preferred: &'static [&'static str],
    pub(crate) asked: std::collections::BTreeSet<(ResourceType, String)>,
}

impl Searches {
    /// A type and a query for it, without a question mark. Each third search takes up the next of all parameters.
    pub(crate) fn query(&mut self, words: &Words, dice: &mut Dice) -> (String, String) {
        let mut pairs = Vec::new();
        let of = if dice.once_in(4) {
            let (of, definition) = words.parameters[self.next % words.parameters.len()];
            self.next += 1;
            self.asked.insert((of, definition.code.to_string()));
            pairs.push(pair(words, dice, definition, true));
            of
        } else {
            let name = match self.preferred.is_empty() || dice.once_in(6) {
                true => dice.word(&TYPES),
                false => dice.word(self.preferred),
            };
            let name = if dice.once_in(5) {
                dice.word(&["Patient", "Bundle", "Organization", "Practitioner", "Consent", "Binary", "Group"])
            } else {
                name
            };
            ResourceType::parse(name).expect("a type")
        };
        let own: Vec<&Definition> = Definitions::base().of(of).collect();
        for _ in 0..dice.roll(2) {
            if !own.is_empty() {
                let definition = *dice.pick(&own);
                self.asked.insert((of, definition.code.to_string()));
                pairs.push(pair(words, dice, definition, false));
            }
        }
        for _ in 0..dice.roll(3) {
            pairs.push(general(words, dice, of, &own));
        }
        (of.name().to_owned(), pairs.join("&"))
    }
}

fn said(name: &str, value: &str) -> String {
    format!("{}={}", name.replace('|', "%7C"), encoded(value))
}

/// A parameter of a type with a value, plain where it must be understood.
fn pair(words: &Words, dice: &mut Dice, definition: &Definition, plain: bool) -> String {
    let code = &*definition.code;
    let mut value = words.value(definition.kind, dice);
    if dice.once_in(6) {
        value = format!("{value},{}", words.value(definition.kind, dice));
    }
    if plain || dice.once_in(2) {
        return said(code, &value);
    }
    if dice.once_in(8) {
        return format!("{code}:missing={}", dice.word(&["true", "false"]));
    }
    let (modifier, value) = match definition.kind {
        Kind::Token => (dice.word(&["not", "text", "above", "below", "in", "not-in", "of-type"]), value),
        Kind::String => (dice.word(&["exact", "contains", "text"]), value),
        Kind::Uri => (dice.word(&["above", "below"]), value),
        Kind::Reference => return chained(words, dice, definition),
        _ => ("nonsense", value),
    };
    said(&format!("{code}:{modifier}"), &value)
}

/// What a reference leads to.
fn chained(words: &Words, dice: &mut Dice, definition: &Definition) -> String {
    let code = &*definition.code;
    let target = match definition.targets.is_empty() {
        true => ResourceType::PATIENT,
        false => *dice.pick(&definition.targets),
    };
    let own: Vec<&Definition> = Definitions::base().of(target).collect();
    if own.is_empty() || dice.once_in(6) {
        return said(&format!("{code}:identifier"), &words.value(Kind::Token, dice));
    }
    let next = *dice.pick(&own);
    let value = words.value(next.kind, dice);
    match dice.roll(5) {
        0 => said(&format!("{code}:{}", target.name()), &words.reference(dice)),
        1 => said(&format!("{code}.{}", next.code), &value),
        2 => said(&format!("{code}:{}._has:{}", target.name(), has(dice)), &value),
        _ => said(&format!("{code}:{}.{}", target.name(), next.code), &value),
    }
}

/// `Type:reference:parameter` of what refers to something.
fn has(dice: &mut Dice) -> String {
    let name = dice.word(&TYPES);
    let of = ResourceType::parse(name).expect("a type");
    let own: Vec<&Definition> = Definitions::base().of(of).collect();
    let references: Vec<&&Definition> = own.iter().filter(|definition| definition.kind == Kind::Reference).collect();
    let by = if references.is_empty() { "subject" } else { &*dice.pick(&references).code };
    let what = if dice.once_in(4) { "_id" } else { &*dice.pick(&own).code };
    match dice.once_in(8) {
        true => format!("{name}:{by}:_has:{}", has(dice)),
        false => format!("{name}:{by}:{what}"),
    }
}

/// What every type takes, and how the answer is to be.
#[allow(clippy::too_many_lines)] // one arm for each parameter
fn general(words: &Words, dice: &mut Dice, of: ResourceType, own: &[&Definition]) -> String {
    let name = of.name();
    let some = |dice: &mut Dice| if own.is_empty() { "_id".to_owned() } else { dice.pick(own).code.to_string() };
    let links = |dice: &mut Dice| match dice.roll(6) {
        0 => "*".to_owned(),
        1 => format!("{name}:*"),
        2 => {
            let other = dice.word(&TYPES);
            format!("{other}:{}", dice.word(&["subject", "patient", "target", "result", "entry", "item", "condition"]))
        }
        3 => format!("{name}:{}", some(dice)),
        _ => match own.iter().filter(|definition| definition.kind == Kind::Reference).collect::<Vec<_>>() {
            references if references.is_empty() => "*".to_owned(),
            references => format!("{name}:{}{}", dice.pick(&references).code, dice.word(&["", "", ":Patient"])),
        },
    };
    match dice.roll(24) {
        0 => said("_id", &words.id(dice).1),
        1 => said("_lastUpdated", &words.value(Kind::Date, dice)),
        2..=3 => format!("_count={}", dice.word(&["0", "1", "1", "2", "3", "1000"])),
        4..=5 => {
            let minus = dice.word(&["", "-"]);
            let second = some(dice);
            said("_sort", &format!("{minus}{},{}", some(dice), dice.word(&["_id", "-_lastUpdated", second.as_str()])))
        }
        6 => format!("_total={}", dice.word(&["none", "estimate", "accurate"])),
        7 => format!("_summary={}", dice.word(&["true", "text", "data", "count", "false"])),
        8 => format!("_elements={}", dice.word(&["id", "code,subject", "status", "identifier", "nothing"])),
        9..=10 => {
            let links = links(dice);
            said(dice.word(&["_include", "_include:iterate", "_include:recurse"]), &links)
        }
        11..=12 => {
            let links = links(dice);
            said(dice.word(&["_revinclude", "_revinclude:iterate"]), &links)
        }
        13..=14 => {
            let has = has(dice);
            said(&format!("_has:{has}"), &words.value(Kind::Token, dice))
        }
        15 => {
            let (code, second) = (some(dice), words.id(dice));
            let value = words.value(Kind::Token, dice);
            let filter = match dice.roll(5) {
                0 => format!("{code} eq \"{value}\""),
                1 => format!("not ({code} pr true)"),
                2 => format!("_id eq {} or {code} co \"{value}\"", second.1),
                3 => format!("subject.name co \"{value}\" and not (_id eq {})", second.1),
                _ => format!("{code} re {}/{}", second.0, second.1),
            };
            said("_filter", &filter)
        }
        16 => said(dice.word(&["_text", "_content"]), dice.text(&words.texts)),
        17 => said("_list", &words.id(dice).1),
        18 => said(dice.word(&["_tag", "_security", "_profile", "_source"]), dice.text(&words.codes)),
        19 if dice.once_in(3) => {
            format!("{}=x", dice.word(&["_query", "_contained", "_containedType", "nonsense", "_cursor"]))
        }
        20 => said("patient", &words.reference(dice)),
        21 => format!("_format={}", dice.word(&["json", "xml", "application/fhir%2Bxml", "json"])),
        22 => format!("_pretty={}", dice.word(&["true", "false"])),
        _ => format!("_type={name},{},{}", dice.word(&TYPES), dice.word(&["Patient", "Provenance", "Consent"])),
    }
}
