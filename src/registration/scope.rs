//! What of the data a form is about (同意範囲), as a provision says it: types, kinds of documents, and the default data sets of
//! `profiles/network` (docs/adr/0036). Names are data: `profiles/registration/scopes.json`.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::fhir::ResourceType;

const TYPES: &str = "http://hl7.org/fhir/resource-types";
const LOINC: &str = "http://loinc.org";
/// The data sets that can be named.
const SETS: [(&str, &str); 7] = [
    ("ambulance", include_str!("../../profiles/network/ambulance.json")),
    ("care-manager", include_str!("../../profiles/network/care-manager.json")),
    ("community-centre", include_str!("../../profiles/network/community-centre.json")),
    ("family", include_str!("../../profiles/network/family.json")),
    ("home-helper", include_str!("../../profiles/network/home-helper.json")),
    ("municipality", include_str!("../../profiles/network/municipality.json")),
    ("pharmacist", include_str!("../../profiles/network/pharmacist.json")),
];

static TABLE: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../profiles/registration/scopes.json")).unwrap_or_default());

#[derive(Debug, Default, Deserialize)]
struct Table {
    base: Vec<String>,
    scopes: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    code: String,
    names: Vec<String>,
    #[serde(default)]
    everything: bool,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    documents: Vec<String>,
    set: Option<String>,
}

/// What may be shared; everything by default. What is labelled is in no scope: a Consent names it by its label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Classes, as system and code; empty for everything.
    classes: Vec<(String, String)>,
    /// Of these classes only what has one of these codes.
    limited: Vec<(Vec<(String, String)>, Value)>,
}

impl Scope {
    /// Of the words of a form: codes and names of the table, types of resources, LOINC codes of documents. An error is the
    /// word that is none of these.
    pub fn read<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Self, String> {
        let mut scope = Scope::default();
        let mut everything = true;
        for word in words {
            let named = TABLE.scopes.iter().find(|one| one.code == word || one.names.iter().any(|name| name == word));
            match named {
                Some(named) if named.everything => return Ok(Scope::default()),
                Some(named) => scope.add_named(named),
                None if ResourceType::parse(word).is_some() => scope.add(TYPES, word),
                None => match word.strip_prefix("http://loinc.org|").unwrap_or(word) {
                    code if is_loinc(code) => scope.add(LOINC, code),
                    _ => return Err(word.to_owned()),
                },
            }
            everything = false;
        }
        if !everything {
            TABLE.base.iter().for_each(|name| scope.add(TYPES, name));
        }
        // What is in it without bounds, another word does not bound.
        let unbounded = scope.classes.clone();
        scope.limited.retain_mut(|(classes, _)| {
            classes.retain(|class| !unbounded.contains(class));
            !classes.is_empty()
        });
        let bounded: Vec<_> = scope.limited.iter().flat_map(|(classes, _)| classes.clone()).collect();
        bounded.iter().for_each(|(system, code)| scope.add(system, code));
        Ok(scope)
    }

    /// Whether it is everything.
    pub fn is_everything(&self) -> bool {
        self.classes.is_empty()
    }

    fn add(&mut self, system: &str, code: &str) {
        let class = (system.to_owned(), code.to_owned());
        if !self.classes.contains(&class) {
            self.classes.push(class);
        }
    }

    fn add_named(&mut self, named: &Named) {
        named.types.iter().for_each(|name| self.add(TYPES, name));
        named.documents.iter().for_each(|code| self.add(LOINC, code));
        let set = named.set.as_ref().and_then(|set| SETS.iter().find(|(name, _)| name == set));
        let set: Value = set.and_then(|(_, text)| serde_json::from_str(text).ok()).unwrap_or_default();
        for permit in set.pointer("/provision/provision").and_then(Value::as_array).into_iter().flatten() {
            let classes = permit["class"].as_array().into_iter().flatten();
            let classes =
                classes.filter_map(|c| Some((c["system"].as_str()?.to_owned(), c["code"].as_str()?.to_owned())));
            match permit.get("code") {
                None => classes.for_each(|(system, code)| self.add(&system, &code)),
                Some(codes) => self.limited.push((classes.collect(), codes.clone())),
            }
        }
    }

    /// Writes it into a provision that permits.
    pub(super) fn bound(&self, provision: &mut Value) {
        if self.is_everything() {
            return;
        }
        let coded = |classes: &[(String, String)]| -> Vec<Value> {
            classes.iter().map(|(system, code)| json!({"system": system, "code": code})).collect()
        };
        provision["class"] = Value::from(coded(&self.classes));
        let exceptions: Vec<Value> = self
            .limited
            .iter()
            .map(|(classes, codes)| {
                json!({"type": "deny", "class": coded(classes),
                "provision": [{"type": "permit", "class": coded(classes), "code": codes}]})
            })
            .collect();
        if !exceptions.is_empty() {
            provision["provision"] = Value::from(exceptions);
        }
    }
}

/// A code of LOINC: figures, a dash, a check digit.
fn is_loinc(text: &str) -> bool {
    text.split_once('-').is_some_and(|(number, check)| {
        (1..=7).contains(&number.len())
            && check.len() == 1
            && (number.to_owned() + check).bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_is_read() {
        assert!(TABLE.scopes.len() > 10 && TABLE.base.iter().all(|name| ResourceType::parse(name).is_some()));
        for named in &TABLE.scopes {
            assert!(named.types.iter().all(|name| ResourceType::parse(name).is_some()), "{}", named.code);
            assert!(named.documents.iter().all(|code| is_loinc(code)), "{}", named.code);
            let set = named.set.as_ref().is_none_or(|set| SETS.iter().any(|(name, _)| name == set));
            assert!(set, "{}", named.code);
            for word in named.names.iter().chain([&named.code]) {
                let scope = Scope::read([word.as_str()]).unwrap();
                assert_eq!(scope.is_everything(), named.everything, "{word}");
            }
        }
    }

    #[test]
    fn words_are_joined_and_everything_is_everything() {
        let scope = Scope::read(["処方", "57133-1", "Condition"]).unwrap();
        let has = |code: &str| scope.classes.iter().any(|(_, known)| known == code);
        assert!(
            has("MedicationRequest") && has("57133-1") && has("Condition") && has("Patient") && !has("Observation")
        );
        assert!(Scope::read(["処方", "すべて"]).unwrap().is_everything());
        assert!(Scope::read([]).unwrap().is_everything());
        assert_eq!(Scope::read(["処方", "なにか"]), Err("なにか".to_owned()));
    }

    #[test]
    fn a_data_set_bounds_what_it_bounds_unless_a_word_asks_for_all_of_it() {
        let mut provision = json!({"type": "permit"});
        Scope::read(["ケアマネ向け"]).unwrap().bound(&mut provision);
        assert_eq!(provision.pointer("/provision/0/class/0/code"), Some(&json!("Observation")));
        assert_eq!(provision.pointer("/provision/0/provision/0/type"), Some(&json!("permit")));
        let mut provision = json!({"type": "permit"});
        Scope::read(["ケアマネ向け", "検査"]).unwrap().bound(&mut provision);
        assert_eq!(provision.pointer("/provision"), None);
    }
}
