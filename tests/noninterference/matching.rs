//! Requests that look for a person: `$match`, `$ihe-pix`, searches as in PDQm (IHE ITI-78), and what is the office's alone.

use serde_json::{Value, json};

use super::gateway::{Ask, BASE};
use super::requests::Requests;
use super::words::encoded;

/// Systems of numbers, and what is none.
const SYSTEMS: [&str; 6] = [
    "urn:oid:1.2.392.100495.20.3.51.10119999901",
    "1.2.392.100495.20.3.51.10119999902",
    "urn:oid:1.2.392.100495.20.3.51.10119999903",
    "https://tasuki.example/fhir/NamingSystem/care-insured",
    "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID",
    "urn:x:nothing",
];

impl Requests<'_> {
    /// Whoever is looked for.
    pub(crate) fn person(&mut self) -> Ask {
        match self.dice.roll(10) {
            0..=3 => self.matched(),
            4..=5 => self.cross_referenced(),
            6..=7 => self.demographics(),
            _ => self.of_office(),
        }
    }

    /// A Patient as some facility tells of somebody, of either world; of another or of nobody sometimes.
    fn somebody(&mut self) -> Value {
        if self.words.patients.is_empty() {
            return json!({"resourceType": "Patient"});
        }
        self.dice.pick(&self.words.patients).clone()
    }

    fn matched(&mut self) -> Ask {
        let mut asked = self.somebody();
        let other = self.somebody();
        match self.dice.roll(8) {
            // By a number alone.
            0 => asked = json!({"resourceType": "Patient", "identifier": asked["identifier"]}),
            // By number, name and birth date.
            1 => drop_all(&mut asked, &["address", "telecom"]),
            2 => drop_all(&mut asked, &["identifier"]),
            3 => drop_all(&mut asked, &["identifier", "address", "telecom"]),
            // Half of the one, half of the other.
            4 => {
                let part = self.dice.word(&["name", "birthDate", "identifier", "address", "telecom", "gender"]);
                asked[part] = other[part].clone();
            }
            5 => {
                asked = json!({"resourceType": "Patient", "birthDate": asked["birthDate"], "telecom": asked["telecom"]})
            }
            6 => {
                let year = asked["birthDate"].as_str().unwrap_or("1940").chars().take(4).collect::<String>();
                asked["birthDate"] = json!(year);
            }
            _ => {}
        }
        // The number of an insurance, which may be hidden.
        if !self.words.insured.is_empty() && self.dice.once_in(3) {
            let number = self.dice.pick(&self.words.insured).clone();
            match self.dice.once_in(2) {
                true => asked = json!({"resourceType": "Patient", "identifier": [number]}),
                false => asked["identifier"] = json!([number]),
            }
        }
        let mut parameter = vec![json!({"name": "resource", "resource": asked})];
        if self.dice.once_in(3) {
            parameter.push(json!({"name": "onlyCertainMatches", "valueBoolean": self.dice.once_in(2)}));
        }
        if self.dice.once_in(3) {
            parameter.push(json!({"name": "count", "valueInteger": self.dice.roll(4)}));
        }
        if self.dice.once_in(20) {
            parameter.remove(0);
        }
        Ask::post(self.client, "/Patient/$match", &json!({"resourceType": "Parameters", "parameter": parameter}))
    }

    /// A number of somebody, or of nobody.
    fn number(&mut self) -> (String, String) {
        let somebody = self.somebody();
        let numbers = somebody["identifier"].as_array().cloned().unwrap_or_default();
        if numbers.is_empty() || self.dice.once_in(6) {
            return (self.dice.word(&SYSTEMS).to_owned(), format!("{}", self.dice.roll(999)));
        }
        let number = self.dice.pick(&numbers).clone();
        let part = |name: &str| number[name].as_str().unwrap_or_default().to_owned();
        (part("system"), part("value"))
    }

    fn cross_referenced(&mut self) -> Ask {
        let (system, value) = self.number();
        let targets: Vec<&str> = (0..self.dice.roll(3)).map(|_| self.dice.word(&SYSTEMS)).collect();
        if self.dice.once_in(3) {
            let mut parameter =
                vec![json!({"name": "sourceIdentifier", "valueIdentifier": {"system": system, "value": value}})];
            parameter.extend(targets.iter().map(|target| json!({"name": "targetSystem", "valueUri": target})));
            let body = json!({"resourceType": "Parameters", "parameter": parameter});
            return Ask::post(self.client, "/Patient/$ihe-pix", &body);
        }
        let mut path = format!("/Patient/$ihe-pix?sourceIdentifier={}", encoded(&format!("{system}|{value}")));
        targets.iter().for_each(|target| path += &format!("&targetSystem={}", encoded(target)));
        self.get(path)
    }

    /// PDQm: by what is known of somebody.
    fn demographics(&mut self) -> Ask {
        let somebody = self.somebody();
        let text = |pointer: &str| somebody.pointer(pointer).and_then(Value::as_str).unwrap_or("x").to_owned();
        let (system, value) = self.number();
        let all = [
            ("family", text("/name/0/family")),
            ("family", text("/name/1/family").chars().take(2).collect()),
            ("given", text("/name/0/given/0")),
            ("given:exact", text("/name/1/given/0")),
            ("birthdate", text("/birthDate")),
            ("birthdate", format!("ge{}", &text("/birthDate").chars().take(4).collect::<String>())),
            ("identifier", format!("{system}|{value}")),
            ("identifier", format!("{system}|")),
            ("identifier", value),
            ("gender", text("/gender")),
            ("address", text("/address/0/text").chars().take(6).collect()),
            ("address:contains", "北海道".into()),
            ("telecom", text("/telecom/0/value")),
            ("phone", text("/telecom/0/value")),
            ("active", "true".into()),
            ("name:contains", text("/name/0/given/0")),
            ("_has:Coverage:beneficiary:identifier", "013011:0000200000".into()),
            ("link", text("/id")),
            ("_revinclude", "Coverage:beneficiary".into()),
            ("_sort", "birthdate,-family".into()),
            ("_count", "1".into()),
        ];
        let pairs: Vec<String> = (0..1 + self.dice.roll(3))
            .map(|_| {
                let (name, value) = self.dice.pick(&all);
                format!("{name}={}", encoded(value))
            })
            .collect();
        self.get(format!("/Patient?{}", pairs.join("&")))
    }

    /// What the office decides and looks at.
    fn of_office(&mut self) -> Ask {
        let ((of, id), (other_of, other)) = (self.id(), self.id());
        let at = if self.dice.once_in(4) { format!("/{of}/{id}") } else { format!("/Patient/{id}") };
        match self.dice.roll(4) {
            0 => self.get(format!("{at}/$links")),
            1 => {
                let count = self.dice.roll(3);
                self.get(format!("/Patient/$duplicates?_count={count}"))
            }
            _ => {
                let name = self.dice.word(&["$link", "$unlink"]);
                let to =
                    self.dice.pick(&[format!("{other_of}/{other}"), other, format!("{BASE}/Patient/{id}")]).clone();
                let mut parameter = vec![json!({"name": "reason", "valueString": "試験"})];
                if !self.dice.once_in(4) {
                    parameter.push(json!({"name": "other", "valueString": to}));
                }
                let body = json!({"resourceType": "Parameters", "parameter": parameter});
                Ask::post(self.client, format!("{at}/{name}"), &body)
            }
        }
    }
}

fn drop_all(of: &mut Value, names: &[&str]) {
    if let Some(members) = of.as_object_mut() {
        names.iter().for_each(|name| drop(members.remove(*name)));
    }
}
