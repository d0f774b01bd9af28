//! search.html read literally, resource by resource, without facts and without plans.

use serde_json::Value as Json;

use super::asked::{Ask, How, Logic, Wish};
use super::parameters::{Kind, Parameter};
use super::said::{ONE, Said, Token, at, is_cased, local, moment, number, read, target};
use super::world::{HIERARCHY, VALUE_SET};
use crate::search::example::NOW;

/// What the caller may see: each resource with when it was stored.
pub(super) struct Seen<'a>(pub(super) Vec<(i64, &'a Json)>);

/// A resource, or what one contains, which has no place of its own.
#[derive(Clone, Copy)]
struct Subject<'a> {
    json: &'a Json,
    stored: Option<i64>,
}

impl Seen<'_> {
    /// Whether a resource is what is asked for.
    pub(super) fn holds(&self, (stored, json): (i64, &Json), ask: &Ask) -> bool {
        self.of(Subject { json, stored: Some(stored) }, ask)
    }

    fn of(&self, subject: Subject<'_>, ask: &Ask) -> bool {
        let id = subject.json["id"].as_str().unwrap();
        match ask {
            Ask::Id(not, ids) => ids.iter().any(|wanted| wanted == id) != *not,
            Ask::Updated(wishes) => {
                let stored = subject.stored.map(|at| Said::Date(i128::from(at), i128::from(at)));
                any(stored.as_slice(), How::Plain, wishes)
            }
            Ask::Missing(of, missing) => read(subject.json, of).is_empty() == *missing,
            Ask::Any { of, how, not, wishes } => any(&read(subject.json, of), *how, wishes) != *not,
            Ask::Chain { by, inner, .. } => self.chain(subject, by, inner),
            Ask::Has { of, by, inner } => {
                let Some(_) = subject.stored else { return false };
                let me = format!("{}/{id}", subject.json["resourceType"].as_str().unwrap());
                let points = |json: &Json| targets(json, by).contains(&me);
                let mut others = self.0.iter().filter(|(_, json)| json["resourceType"] == *of && points(json));
                others.any(|(stored, json)| self.of(Subject { json, stored: Some(*stored) }, inner))
            }
            Ask::List => {
                const ITEMS: [&str; 3] = ["Observation/observation1", "Patient/patient1", "Patient/patient2"];
                ITEMS.contains(&format!("{}/{id}", subject.json["resourceType"].as_str().unwrap()).as_str())
            }
            Ask::Narrative(words) => {
                let told = at(subject.json, "text.div").first().and_then(|div| div.as_str()).unwrap_or_default();
                let told = folded(&told.replace("<div>", " ").replace("</div>", " "));
                folded(words).split(' ').all(|word| told.contains(word))
            }
            Ask::Filter(logic) => logic_holds(subject.json, logic),
        }
    }

    fn chain(&self, subject: Subject<'_>, by: &Parameter, inner: &[(&'static str, Ask)]) -> bool {
        targets(subject.json, by).iter().any(|to| {
            if to == "#in" {
                let contained = at(subject.json, "contained");
                return subject.stored.is_some()
                    && contained.iter().any(|json| {
                        let asked = inner.iter().filter(|(of, _)| json["resourceType"] == *of);
                        asked.map(|(_, ask)| ask).any(|ask| self.of(Subject { json, stored: None }, ask))
                    });
            }
            let Some((of, id)) = local(to) else { return false };
            let there = self.0.iter().filter(|(_, json)| json["resourceType"] == of && json["id"] == id);
            let asked: Vec<&Ask> = inner.iter().filter(|(type_, _)| *type_ == of).map(|(_, ask)| ask).collect();
            let mut both = there.flat_map(|found| asked.iter().map(move |ask| (found, *ask)));
            both.any(|((stored, json), ask)| self.of(Subject { json, stored: Some(*stored) }, ask))
        })
    }
}

fn targets(json: &Json, by: &Parameter) -> Vec<String> {
    let to = |said: Said| if let Said::Reference { to, .. } = said { to } else { None };
    read(json, by).into_iter().filter_map(to).collect()
}

fn logic_holds(json: &Json, logic: &Logic) -> bool {
    match logic {
        Logic::Present(of, present) => read(json, of).is_empty() != *present,
        Logic::Not(inner) => !logic_holds(json, inner),
        Logic::Joined(left, true, right) => logic_holds(json, left) && logic_holds(json, right),
        Logic::Joined(left, false, right) => logic_holds(json, left) || logic_holds(json, right),
        Logic::One { of, operator, wish } => {
            let values = read(json, of);
            let text = |test: &dyn Fn(&str, &str) -> bool| {
                let Wish::Words(wanted) = wish else { return false };
                let folded_wish = folded(wanted);
                values.iter().any(|said| matches!(said, Said::Text(said) if test(&folded(said), &folded_wish)))
            };
            match (of.kind, *operator) {
                (Kind::String, "eq") => text(&|said, wanted| said == wanted),
                (Kind::String, "ne") => !text(&|said, wanted| said == wanted),
                (Kind::String, "co") => text(&|said, wanted| said.contains(wanted)),
                (Kind::String, "ew") => text(&|said, wanted| said.ends_with(wanted)),
                (Kind::Token | Kind::Uri | Kind::Reference, "ne") => {
                    !any(&values, How::Plain, std::slice::from_ref(wish))
                }
                _ => any(&values, How::Plain, std::slice::from_ref(wish)),
            }
        }
    }
}

/// Whether one of the values is one of those that are wanted; of `ne`, that there is a value and none is that one.
fn any(values: &[Said], how: How, wishes: &[Wish]) -> bool {
    wishes.iter().any(|wish| match wish {
        Wish::Compared("ne", text) => {
            !values.is_empty() && !values.iter().any(|v| one(v, how, &Wish::Compared("eq", text.clone())))
        }
        Wish::Quantity("ne", text, unit) => {
            let equal = Wish::Quantity("eq", text.clone(), unit.clone());
            !values.is_empty() && !values.iter().any(|v| one(v, how, &equal))
        }
        wish => values.iter().any(|value| one(value, how, wish)),
    })
}

fn one(said: &Said, how: How, wish: &Wish) -> bool {
    match (said, wish) {
        (Said::Token(said), Wish::Token(system, code)) => match how {
            How::Above | How::Below => below_or_above(said, code.as_deref().unwrap(), how == How::Above),
            _ => token(said, system.as_deref(), code.as_deref()),
        },
        (Said::Token(said), Wish::Words(text)) => said.texts.iter().any(|t| folded(t).starts_with(&folded(text))),
        (Said::Token(said), Wish::Uri(url)) => {
            let x = "http://terminology.hl7.org/CodeSystem/x";
            url == VALUE_SET
                && [("urn:s", "A"), ("urn:s", "b"), (x, "a")].iter().any(|(s, c)| token(said, Some(s), Some(c)))
        }
        (Said::Token(said), Wish::OfType([system, code, value])) => {
            let typed = |(s, c): &(String, String)| s == system && same(c, code, is_cased(s));
            said.types.iter().any(typed) && said.code.as_deref().is_some_and(|said| same(said, value, false))
        }
        (Said::Date(low, high), Wish::Compared(prefix, text)) => date(*low, *high, prefix, text),
        (Said::Text(said), Wish::Words(text)) => match how {
            How::Exact => said == text,
            How::Contains => folded(said).contains(&folded(text)),
            _ => folded(said).starts_with(&folded(text)),
        },
        (Said::Word(said), Wish::Words(text)) => how == How::Plain && folded(said).starts_with(&folded(text)),
        (Said::Reference { to, identifier }, wish) => reference(to.as_deref(), identifier.as_ref(), how, wish),
        (Said::Number(value, integer), Wish::Compared(prefix, text)) => {
            let (wanted, half, exponent) = number(text).unwrap();
            let half = if *integer && !exponent && matches!(*prefix, "" | "eq") { None } else { Some(half) };
            within(Some(*value), Some(*value), prefix, wanted, half)
        }
        (Said::Quantity { low, high, unit }, Wish::Quantity(prefix, text, asked)) => {
            quantity((*low, *high), unit, prefix, text, asked.as_ref())
        }
        (Said::Uri(said, is_canonical), Wish::Uri(wanted)) => {
            let url = said.split_once('|').filter(|_| *is_canonical).map(|(url, _)| url);
            uri(said, wanted, how) || url.is_some_and(|url| uri(url, wanted, how))
        }
        (Said::Composite(parts), Wish::Composite(wishes)) => {
            parts.iter().zip(wishes).all(|(values, wish)| any(values, How::Plain, std::slice::from_ref(wish)))
        }
        // On one meridian.
        (Said::Place(latitude), Wish::Near(wanted, kilometres)) => {
            (latitude - wanted).abs().to_radians() * 6371.0088 <= *kilometres
        }
        _ => false,
    }
}

fn token(said: &Token, system: Option<&str>, code: Option<&str>) -> bool {
    let Some(stated) = &said.code else { return false };
    system.is_none_or(|system| said.system == system) && code.is_none_or(|code| same(stated, code, said.cased))
}

/// Width never counts; case where the system says so.
fn same(stated: &str, wanted: &str, cased: bool) -> bool {
    let [stated, wanted] = [stated, wanted].map(|text| text.replace('１', "1"));
    if cased { stated == wanted } else { stated.to_lowercase() == wanted.to_lowercase() }
}

/// `a` over `b` over `b-1`, and `12` alone.
fn below_or_above(said: &Token, wanted: &str, above: bool) -> bool {
    let codes: &[&str] = match (wanted, above) {
        ("a", false) => &["a", "b", "b-1"],
        ("b", false) => &["b", "b-1"],
        ("b", true) => &["a", "b"],
        ("b-1", true) => &["a", "b", "b-1"],
        ("a", true) => &["a"],
        ("b-1", false) => &["b-1"],
        _ => &["12"],
    };
    codes.iter().any(|code| token(said, Some(HIERARCHY), Some(code)))
}

fn date(low: i128, high: i128, prefix: &str, text: &str) -> bool {
    let (from, to) = moment(text).unwrap();
    let contains = from <= low && high <= to;
    match prefix {
        "" | "eq" => contains,
        "gt" => high > to,
        "lt" => low < from,
        "ge" => high > to || contains,
        "le" => low < from || contains,
        "sa" => low > to,
        "eb" => high < from,
        _ => {
            let tenth = (i128::from(NOW) - from).abs() / 10;
            low <= to + tenth && high >= from - tenth
        }
    }
}

/// An interval that is closed on both sides; an end that there is not is open. `half` is what the digits leave open, and none
/// where the value is compared exactly.
fn within(low: Option<i128>, high: Option<i128>, prefix: &str, value: i128, half: Option<i128>) -> bool {
    let exactly = low == Some(value) && high == Some(value);
    let contains = match half {
        None => exactly,
        Some(half) => low.is_some_and(|low| low >= value - half) && high.is_some_and(|high| high < value + half),
    };
    let (above, below) = (high.is_none_or(|high| high > value), low.is_none_or(|low| low < value));
    match prefix {
        "" | "eq" => contains,
        "gt" => above,
        "lt" => below,
        "ge" => above || exactly,
        "le" => below || exactly,
        "sa" => low.is_some_and(|low| low > value),
        "eb" => high.is_some_and(|high| high < value),
        _ => {
            let tenth = value.abs() / 10;
            contains || (low.is_none_or(|low| low <= value + tenth) && high.is_none_or(|high| high >= value - tenth))
        }
    }
}

fn quantity(
    (low, high): (Option<i128>, Option<i128>),
    [system, code, name]: &[String; 3],
    prefix: &str,
    text: &str,
    asked: Option<&(String, String)>,
) -> bool {
    let (value, half, _) = number(text).unwrap();
    let grams = |code: &str| match code {
        "mg" => Some(1),
        "g" => Some(1000),
        "kg" => Some(1_000_000),
        _ => None,
    };
    let (same, ucum) = match asked {
        None => (true, None),
        Some((wanted, unit)) if wanted.is_empty() => (unit == code || unit == name, None),
        Some((wanted, unit)) => {
            let both = wanted == system && wanted == "http://unitsofmeasure.org";
            (wanted == system && unit == code, grams(unit).zip(grams(code)).filter(|_| both))
        }
    };
    match ucum {
        _ if same => within(low, high, prefix, value, Some(half)),
        // In milligrams both.
        Some((asked, stated)) => {
            let [low, high] = [low, high].map(|end| end.map(|end| end * stated));
            within(low, high, prefix, value * asked, Some(half * asked))
        }
        None => false,
    }
}

fn reference(to: Option<&str>, identifier: Option<&Token>, how: How, wish: &Wish) -> bool {
    match (how, wish) {
        (How::Identifier, Wish::Token(system, code)) => {
            identifier.is_some_and(|said| token(said, system.as_deref(), code.as_deref()))
        }
        (how, Wish::Reference(wanted)) => {
            let Some(to) = to else { return false };
            let wanted = target(wanted);
            match (local(to), how) {
                (Some((of, id)), How::Type(only)) => of == only && id == wanted,
                (Some((_, id)), _) if !wanted.contains(['/', ':']) => id == wanted,
                _ => to == wanted,
            }
        }
        _ => false,
    }
}

fn uri(said: &str, wanted: &str, how: How) -> bool {
    let begins = |whole: &str, beginning: &str| {
        let beginning = beginning.trim_end_matches('/');
        whole == beginning || whole.starts_with(&format!("{beginning}/"))
    };
    match how {
        How::Below => begins(said, wanted),
        How::Above => said.contains("://") && begins(wanted, said),
        _ => said == wanted,
    }
}

/// Of what the world is made of: case, the marks on two letters, punctuation, white space.
fn folded(text: &str) -> String {
    let plain = text.to_lowercase().replace('ü', "u").replace('ñ', "n");
    let plain: String = plain.chars().filter(|c| !"',-.".contains(*c)).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_second_judge_counts_and_dates_right() {
    assert_eq!(number("1e2"), Some((100 * ONE, 5 * ONE, true)));
    assert_eq!(number("5.40"), Some((54 * ONE / 10, ONE / 200, false)));
    assert_eq!(moment("2024-02-29"), Some((1_709_132_400_000, 1_709_218_799_999)));
    assert_eq!(moment("2024-03-01T04:30:00Z"), Some((1_709_267_400_000, 1_709_267_400_999)));
    assert!(moment("2023").is_some_and(|(low, high)| high - low == 365 * 86_400_000 - 1));
}
