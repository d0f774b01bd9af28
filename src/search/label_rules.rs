//! Labels by rule: which codes make a resource sensitive, as tables that the operator gives (HL7 DS4P calls what judges so
//! a security labelling service). `docs/operator.md` has the format, `docs/adr/0038` what is judged and what is not.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::facts::{Labels, folded, token_hash};
use super::labels;
use crate::fault::{Rule, rules};
use crate::fhir::{ResourceType, oid, reference};

rules! {
    pub(crate) TABLE "labels-table" Fatal Value
        "this is no table of label rules ({}); docs/operator.md shows one."
        "ラベル規則の表として読めません（{}）。docs/operator.md の例を参考にしてください。"
    pub(crate) LABEL "labels-label" Fatal Value
        "there is no label {}; it is R, V, N, pending or a sensitivity of v3-ActCode (HIV, PSY, SUD, …)."
        "ラベル「{}」はありません。R、V、N、pending、またはv3-ActCodeの機微区分（HIV、PSY、SUDなど）を指定してください。"
    pub(crate) SYSTEM "labels-system" Fatal Value
        "{} is no code system; write its URL, or urn:oid: and its OID."
        "「{}」はコード体系ではありません。URLまたは urn:oid: とOIDを指定してください。"
    pub(crate) CODE "labels-code" Fatal Value
        "{} is no code; write one of 1 to 64 bytes, with a * at its end for all that begin so."
        "「{}」はコードではありません。1～64バイトで記述し、前方一致の場合は末尾に * を付けてください。"
    pub(crate) NOTHING "labels-nothing" Fatal Value
        "this rule names no {}; without it, it never holds."
        "この規則には {} がないため、どのリソースにも当てはまりません。"
    pub(crate) TOO_MANY "labels-too-many" Fatal TooCostly
        "the tables name more than {} codes; leave some out."
        "表のコードが {} 件を超えています。減らしてください。"
}

/// Most codes that all tables together may name.
pub const CODES_MAX: usize = 100_000;
/// Longest code, in bytes, without the star.
pub const CODE_BYTES_MAX: usize = 64;
/// What the first member of a table says.
const FORMAT: &str = "label-rules-1";
/// The table that comes with the program.
const SHIPPED: &str = include_str!("../../profiles/labels/japan.json");

/// What tables say. Without any it labels nothing.
#[derive(Clone, Debug, Default)]
pub struct LabelRules {
    systems: HashMap<Box<str>, Codes>,
    count: usize,
    stamp: u64,
}

/// What is wrong with a table, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line, from 1, where the JSON itself is at fault.
    pub line: Option<usize>,
    /// The element, as `rules[2].codes[0]`; empty for the table as a whole.
    pub place: String,
    /// What is wrong.
    pub rule: &'static Rule,
    /// Filled into its sentence.
    pub detail: String,
}

#[derive(Clone, Debug, Default)]
struct Codes {
    exact: HashMap<Box<str>, Effect>,
    /// Beginnings of codes, by their length in bytes.
    beginnings: Vec<(usize, HashMap<Box<str>, Effect>)>,
}

/// What a code means.
#[derive(Clone, Copy, Debug, Default)]
struct Effect {
    labels: Labels,
    /// Whether it says that somebody has looked at this: it is not pending then.
    settles: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    tasuki: String,
    #[serde(rename = "title", default)]
    _title: String,
    rules: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    label: String,
    systems: Vec<String>,
    codes: Vec<String>,
    /// Where the codes are from; for people.
    #[serde(rename = "note", default)]
    _note: String,
}

impl LabelRules {
    /// The table that comes with the program (`profiles/labels/japan.json`).
    pub fn shipped() -> Result<Self, Wrong> {
        let mut rules = LabelRules::default();
        rules.add_shipped().map(|()| rules)
    }

    /// Adds the table that comes with the program.
    pub fn add_shipped(&mut self) -> Result<(), Wrong> {
        self.add(SHIPPED)
    }

    /// Adds a table. One that cannot be used leaves what was there before in no defined state: half a table would open
    /// what the other half closes.
    pub fn add(&mut self, text: &str) -> Result<(), Wrong> {
        let wrong = |place: String, rule, detail: String| Wrong { line: None, place, rule, detail };
        let table: Table = serde_json::from_str(text)
            .map_err(|error| Wrong { line: Some(error.line()), ..wrong(String::new(), &TABLE, error.to_string()) })?;
        if table.tasuki != FORMAT {
            return Err(wrong("tasuki".into(), &TABLE, format!("\"tasuki\": \"{FORMAT}\"")));
        }
        for (at, written) in table.rules.iter().enumerate() {
            let Some(effect) = Effect::named(&written.label) else {
                return Err(wrong(format!("rules[{at}].label"), &LABEL, written.label.clone()));
            };
            for (name, is_empty) in [("systems", written.systems.is_empty()), ("codes", written.codes.is_empty())] {
                if is_empty {
                    return Err(wrong(format!("rules[{at}]"), &NOTHING, name.into()));
                }
            }
            for (n, system) in written.systems.iter().enumerate() {
                if !is_system(system) {
                    return Err(wrong(format!("rules[{at}].systems[{n}]"), &SYSTEM, system.clone()));
                }
                let codes = self.systems.entry(oid::canonical(system).into()).or_default();
                for (n, code) in written.codes.iter().enumerate() {
                    let place = || format!("rules[{at}].codes[{n}]");
                    self.count += 1;
                    if self.count > CODES_MAX {
                        return Err(wrong(place(), &TOO_MANY, CODES_MAX.to_string()));
                    }
                    codes.add(code, effect).ok_or_else(|| wrong(place(), &CODE, code.clone()))?;
                }
            }
        }
        self.stamp = self.stamp.rotate_left(1) ^ token_hash(text);
        Ok(())
    }

    /// How many codes are named, each once for each system.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing is labelled.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A value that is another when the tables are others; 0 without any.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// The labels of a resource: those that it states ([`labels::stated`]), and those that its codes have by rule,
    /// wherever in it they stand. A Consent has no others: there a code says what a rule is about.
    pub fn labels(&self, resource: &Value, stated: Labels) -> Labels {
        if self.is_empty() || is_rule(resource) {
            return stated;
        }
        let mut found = Effect { labels: stated, settles: false };
        each_code(resource, &mut |system, code| self.judge(system, code, &mut found));
        found.settled(|| labels::says_known(resource))
    }

    /// The same of what was kept of a resource.
    pub fn labels_of(&self, coded: &Coded, stated: Labels) -> Labels {
        let mut found = Effect { labels: stated, settles: false };
        coded.codes.iter().for_each(|(system, code)| self.judge(system, code, &mut found));
        found.settled(|| coded.says_known)
    }

    fn judge(&self, system: &str, code: &str, found: &mut Effect) {
        if let Some(codes) = self.systems.get(oid::canonical(system)) {
            codes.judge(code, found);
        }
    }
}

/// What rules look at, for whoever no longer has the resource when they are to be applied.
#[derive(Clone, Debug, Default)]
pub struct Coded {
    codes: Vec<(Box<str>, Box<str>)>,
    says_known: bool,
}

impl Coded {
    /// Of a resource.
    pub fn of(resource: &Value) -> Self {
        let mut coded = Coded { codes: Vec::new(), says_known: labels::says_known(resource) };
        if !is_rule(resource) {
            each_code(resource, &mut |system, code| coded.codes.push((system.into(), code.into())));
        }
        coded
    }
}

fn is_rule(resource: &Value) -> bool {
    reference::resource_type(resource) == Some(ResourceType::CONSENT)
}

/// Hands on system and code of every Coding, and system and value of every Identifier.
fn each_code<'a>(value: &'a Value, work: &mut impl FnMut(&'a str, &'a str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each_code(item, work)),
        Value::Object(object) => {
            let (mut system, mut code) = (None, None);
            for (name, value) in object {
                match (name.as_str(), value) {
                    ("system", Value::String(text)) => system = Some(text),
                    ("code" | "value", Value::String(text)) => code = Some(text),
                    // Its labels are stated ones, its tags and profiles say nothing of anybody.
                    ("meta", _) => {}
                    (_, Value::Array(_) | Value::Object(_)) => each_code(value, work),
                    _ => {}
                }
            }
            if let (Some(system), Some(code)) = (system, code) {
                work(system, code);
            }
        }
        _ => {}
    }
}

impl Codes {
    /// `None` when it is no code.
    fn add(&mut self, written: &str, effect: Effect) -> Option<()> {
        let (code, begins) = written.strip_suffix('*').map_or((written, false), |code| (code, true));
        let code = normal(code);
        let fits = (1..=CODE_BYTES_MAX).contains(&code.len()) && !code.contains('*');
        if !fits || code.chars().any(|c| c.is_control() || c == ' ') {
            return None;
        }
        let place = if begins {
            let at = self.beginnings.iter().position(|(length, _)| *length == code.len()).unwrap_or_else(|| {
                self.beginnings.push((code.len(), HashMap::new()));
                self.beginnings.len() - 1
            });
            &mut self.beginnings.get_mut(at)?.1
        } else {
            &mut self.exact
        };
        place.entry(code.into()).or_default().add(effect);
        Some(())
    }

    fn judge(&self, code: &str, found: &mut Effect) {
        let code = normal(code);
        if let Some(effect) = self.exact.get(&*code) {
            found.add(*effect);
        }
        for (length, codes) in &self.beginnings {
            if let Some(effect) = code.get(..*length).and_then(|beginning| codes.get(beginning)) {
                found.add(*effect);
            }
        }
    }
}

impl Effect {
    fn named(label: &str) -> Option<Effect> {
        let labels = match label {
            "N" => return Some(Effect { labels: Labels::default(), settles: true }),
            "pending" => Labels::PENDING,
            label => labels::named(label)?,
        };
        Some(Effect { labels, settles: false })
    }

    /// What is pending is so no longer once something known is said of it.
    fn settled(self, says_known: impl FnOnce() -> bool) -> Labels {
        let ruled = self.labels.without(Labels::PENDING);
        let is_known = || self.settles || !ruled.is_empty() || says_known();
        if self.labels != ruled && is_known() { ruled } else { self.labels }
    }

    fn add(&mut self, other: Effect) {
        self.labels = self.labels.union(other.labels);
        self.settles |= other.settles;
    }
}

/// Codes as they are compared: whatever their width and the case of their letters, because a code that is spelt otherwise
/// must not open what it is about.
fn normal(code: &str) -> Cow<'_, str> {
    let code = code.trim();
    if code.is_ascii() && !code.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(code);
    }
    Cow::Owned(folded(code).to_uppercase())
}

fn is_system(text: &str) -> bool {
    text.contains(':') && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ICD: &str = "http://hl7.org/fhir/sid/icd-10";

    fn table(rules: Value) -> String {
        json!({"tasuki": FORMAT, "rules": rules}).to_string()
    }

    fn rules(rules: Value) -> LabelRules {
        let mut read = LabelRules::default();
        read.add(&table(rules)).unwrap();
        read
    }

    fn named(label: &str) -> Labels {
        labels::named(label).unwrap()
    }

    fn of(code: &str) -> Value {
        json!({"resourceType": "Condition", "code": {"coding": [{"system": ICD, "code": code}], "text": "B20"}})
    }

    #[test]
    fn a_code_or_its_beginning_labels_whatever_holds_it() {
        let rules = rules(json!([
            {"label": "HIV", "systems": [ICD], "codes": ["B20*", "Z21"]},
            {"label": "PSY", "systems": [ICD, "urn:oid:1.2.392.200250.2.2.2"], "codes": ["02", "F2*"]},
            {"label": "V", "systems": [ICD], "codes": ["B200"]}
        ]));
        assert_eq!(rules.len(), 7);
        let labels = |resource: &Value| {
            let found = rules.labels(resource, Labels::default());
            assert_eq!(rules.labels_of(&Coded::of(resource), Labels::default()), found);
            found
        };
        for (code, expected) in [
            ("B20", named("HIV")),
            ("B20.1", named("HIV")),
            ("B200", named("HIV").union(Labels::VERY_RESTRICTED)),
            ("b20", named("HIV")),
            (" Ｂ２０", named("HIV")),
            ("Z21", named("HIV")),
            ("Z211", Labels::default()),
            ("B2", Labels::default()),
            ("F20", named("PSY")),
            ("", Labels::default()),
            ("あ", Labels::default()),
        ] {
            assert_eq!(labels(&of(code)), expected, "{code}");
        }
        // The same system by its other name; another system; no code but text.
        let department = |system: &str| json!({"resourceType": "Encounter", "serviceType": {"coding": [{"system": system, "code": "02"}]}});
        assert_eq!(labels(&department("http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment")), named("PSY"));
        assert_eq!(labels(&department("http://other.example")), Labels::default());
        assert_eq!(labels(&json!({"resourceType": "Condition", "code": {"text": "B20"}})), Labels::default());
        // Contained, enclosed in a Bundle, in an extension, as an identifier; not as a label or a tag.
        let bundle = json!({"resourceType": "Bundle", "entry": [{"resource": {"contained": [of("B20")]}}]});
        assert_eq!(labels(&bundle), named("HIV"));
        let extension = json!({"extension": [{"url": "x", "valueCoding": {"system": ICD, "code": "B20"}}]});
        assert_eq!(labels(&extension), named("HIV"));
        assert_eq!(labels(&json!({"identifier": [{"system": ICD, "value": "B20"}]})), named("HIV"));
        assert_eq!(labels(&json!({"meta": {"tag": [{"system": ICD, "code": "B20"}]}})), Labels::default());
        let consent =
            json!({"resourceType": "Consent", "provision": {"code": [{"coding": [{"system": ICD, "code": "B20"}]}]}});
        assert_eq!(labels(&consent), Labels::default());
        // What is stated stays.
        assert_eq!(rules.labels(&of("Z21"), Labels::UNINFORMED), named("HIV").union(Labels::UNINFORMED));
    }

    #[test]
    fn what_is_pending_is_so_until_a_known_label_is_on_it() {
        let rules = rules(json!([
            {"label": "pending", "systems": [ICD], "codes": ["F*"]},
            {"label": "N", "systems": [ICD], "codes": ["F51*"]},
            {"label": "PSY", "systems": [ICD], "codes": ["F20*"]}
        ]));
        let labels = |resource: &Value| {
            let found = rules.labels(resource, labels::stated(resource));
            assert_eq!(rules.labels_of(&Coded::of(resource), labels::stated(resource)), found);
            found
        };
        assert_eq!(labels(&of("F99")), Labels::PENDING);
        assert_eq!(labels(&of("F510")), Labels::default(), "another rule knows it");
        assert_eq!(labels(&of("F200")), named("PSY"));
        let stating = |system: &str, code: &str| {
            let mut resource = of("F99");
            resource["meta"] = json!({"security": [{"system": system, "code": code}]});
            labels(&resource)
        };
        let confidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
        let act = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
        assert_eq!(stating(confidentiality, "N"), Labels::default(), "somebody has looked");
        assert_eq!(stating(confidentiality, "R"), Labels::RESTRICTED);
        assert_eq!(stating(act, "SUD"), named("SUD"));
        assert_eq!(stating("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST"), Labels::PENDING);
        // What is not known is no label that says anything; it hides on its own.
        assert!(!stating(confidentiality, "X").and(Labels::UNKNOWN).is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_table_has_its_place() {
        let wrong = |rules: Value| {
            let Wrong { place, rule, detail, .. } = LabelRules::default().add(&table(rules)).unwrap_err();
            (place, rule.id, detail)
        };
        let rule =
            |label: &str, systems: Value, codes: Value| json!([{"label": label, "systems": systems, "codes": codes}]);
        let at = |place: &str, id: &'static str, detail: &str| (place.to_owned(), id, detail.to_owned());
        assert_eq!(wrong(rule("hiv", json!([ICD]), json!(["A"]))), at("rules[0].label", "labels-label", "hiv"));
        assert_eq!(wrong(rule("HIV", json!([]), json!(["A"]))), at("rules[0]", "labels-nothing", "systems"));
        assert_eq!(wrong(rule("HIV", json!([ICD]), json!([]))), at("rules[0]", "labels-nothing", "codes"));
        assert_eq!(
            wrong(rule("HIV", json!(["ICD10"]), json!(["A"]))),
            at("rules[0].systems[0]", "labels-system", "ICD10")
        );
        for code in ["", "*", "A*B", "A**", "A B"] {
            assert_eq!(
                wrong(rule("HIV", json!([ICD]), json!(["A", code]))),
                at("rules[0].codes[1]", "labels-code", code)
            );
        }
        let long =
            |bytes: usize| LabelRules::default().add(&table(rule("HIV", json!([ICD]), json!(["A".repeat(bytes)]))));
        assert!(long(CODE_BYTES_MAX).is_ok() && long(CODE_BYTES_MAX + 1).is_err());
        let syntax =
            LabelRules::default().add("{\"tasuki\": \"label-rules-1\",\n\"rules\": [{\"lable\": 1}]}").unwrap_err();
        assert_eq!((syntax.line, syntax.rule.id), (Some(2), "labels-table"));
        let other = LabelRules::default().add(r#"{"tasuki": "label-rules-2", "rules": []}"#).unwrap_err();
        assert_eq!((other.place.as_str(), other.rule.id), ("tasuki", "labels-table"));
    }

    #[test]
    fn so_many_codes_and_no_more() {
        let codes = |count: usize| (0..count).map(|n| format!("C{n}")).collect::<Vec<_>>();
        let add =
            |count| LabelRules::default().add(&table(json!([{"label": "R", "systems": [ICD], "codes": codes(count)}])));
        assert!(add(CODES_MAX).is_ok());
        assert_eq!(add(CODES_MAX + 1).map_err(|wrong| wrong.rule.id), Err("labels-too-many"));
    }

    #[test]
    fn the_shipped_table_is_in_order_and_careful() {
        let shipped = LabelRules::shipped().unwrap();
        assert_ne!((shipped.stamp(), LabelRules::default().stamp()), (0, 1));
        let labels = |system: &str, code: &str| {
            shipped.labels(&json!({"code": {"coding": [{"system": system, "code": code}]}}), Labels::default())
        };
        let full = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full";
        for (system, code, label) in [
            (full, "B24", "HIV"),
            (full, "F209", "PSY"),
            (full, "F102", "ETHUD"),
            (full, "F112", "OPIOIDUD"),
            (full, "F15.2", "SUD"),
            (full, "A530", "STD"),
            (full, "T741", "SDV"),
            ("http://loinc.org", "20447-9", "HIV"),
            ("http://medis.or.jp/CodeSystem/master-JLAC10-17digits", "5F560143002306211", "HIV"),
            ("http://www.whocc.no/atc", "J05AR20", "HIV"),
            ("urn:oid:1.2.392.200250.2.2.2", "02", "PSY"),
        ] {
            assert_eq!(labels(system, code), named(label), "{code}");
        }
        // Dementia, tobacco, insomnia, hepatitis, an antiviral against COVID-19: care needs to know, or it is arguable.
        for (system, code) in [
            (full, "F03"),
            (full, "F172"),
            (full, "F510"),
            (full, "B181"),
            ("http://www.whocc.no/atc", "J05AE30"),
            ("http://medis.or.jp/CodeSystem/master-JLAC10-17digits", "5F016141002306211"),
            ("urn:oid:1.2.392.200250.2.2.2", "01"),
        ] {
            assert_eq!(labels(system, code), Labels::default(), "{code}");
        }
    }
}
