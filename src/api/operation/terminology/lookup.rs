//! `CodeSystem/$lookup` (OperationDefinition CodeSystem-lookup): everything that is known of a code.

use serde_json::{Value, json};

use super::{Service, because, rules, undecided};
use crate::api::write::Stop;
use crate::fault::Status;
use crate::fhir::ucum;
use crate::terminology::{CodeSystem, Concept, Designation, Grammar, Undecided};

/// The parameters that are understood.
const KNOWN: [&str; 6] = ["code", "system", "version", "coding", "displayLanguage", "property"];

impl Service<'_> {
    pub(super) fn look_up(&self) -> Result<Value, Stop> {
        self.parameters.only(&KNOWN)?;
        let codes = self.codes("version")?;
        let Some(stated) = codes.first() else { return Err(because(Status::BadRequest, &rules::NAME_A_CODE, "")) };
        let Some(canonical) = stated.canonical() else {
            return Err(because(Status::BadRequest, &rules::NAME_A_SYSTEM, ""));
        };
        let language = self.text("displayLanguage")?;
        let wanted: Vec<&str> = self.parameters.values("property").filter_map(Value::as_str).collect();
        let known = self.system(&canonical);
        if let Some((system, concept)) = known.as_deref().and_then(|known| Some((known, known.find(&stated.code)?))) {
            return Ok(found(system, concept, &wanted, language.as_deref()));
        }
        let no_such_code = || because(Status::NotFound, &rules::NO_SUCH_CODE, &stated.code);
        let system = stated.system.as_deref().unwrap_or_default();
        match (&known, Grammar::of(system)) {
            (Some(known), _) if known.is_whole() => Err(no_such_code()),
            (_, Some(grammar)) => match grammar.has(&stated.code) {
                Some(true) => Ok(by_form(grammar, &stated.code)),
                Some(false) => Err(no_such_code()),
                None => Err(undecided(&Undecided::Unknown(canonical))),
            },
            (Some(_), None) => Err(undecided(&Undecided::Open(canonical))),
            (None, None) => Err(because(Status::NotFound, &rules::NOT_LOADED, &canonical)),
        }
    }
}

fn found(system: &CodeSystem, concept: &Concept, wanted: &[&str], language: Option<&str>) -> Value {
    let name = if system.name.is_empty() { &system.url } else { &system.name };
    let mut out = vec![json!({"name": "name", "valueString": name})];
    out.extend(system.version.as_ref().map(|version| json!({"name": "version", "valueString": version})));
    let display = concept.display_in(system, language).unwrap_or(&concept.code);
    out.push(json!({"name": "display", "valueString": display}));
    let is_wanted = |name: &str| wanted.is_empty() || wanted.contains(&name) || wanted.contains(&"*");
    if is_wanted("designation") {
        // Where another name is its display, its own is one of the names.
        let own = concept.display.as_ref().filter(|own| ***own != *display).map(|own| Designation {
            language: system.language.clone(),
            usage: None,
            value: own.clone(),
        });
        out.extend(own.iter().chain(&concept.designations).map(designation));
    }
    let mut property = |name: &str, form: &str, value: Value| {
        if is_wanted(name) {
            let parts = json!([{"name": "code", "valueCode": name}, {"name": "value", form: value}]);
            out.push(json!({"name": "property", "part": parts}));
        }
    };
    if let Some(definition) = &concept.definition {
        property("definition", "valueString", Value::from(&**definition));
    }
    let names: Vec<&str> = concept.properties.iter().map(|one| &*one.code).collect();
    for one in &concept.properties {
        property(&one.code, &one.form, one.value.clone());
    }
    for (name, is_so) in [("inactive", concept.is_inactive), ("notSelectable", concept.is_abstract)] {
        if is_so && !names.contains(&name) {
            property(name, "valueBoolean", true.into());
        }
    }
    for (name, places) in [("parent", concept.parents()), ("child", concept.children())] {
        let codes = places.iter().filter_map(|at| system.concept(*at)).map(|one| Value::from(&*one.code));
        for code in codes {
            let is_said = concept.properties.iter().any(|one| *one.code == *name && one.value == code);
            if !is_said {
                property(name, "valueCode", code);
            }
        }
    }
    json!({"resourceType": "Parameters", "parameter": out})
}

fn designation(one: &Designation) -> Value {
    let mut parts = Vec::new();
    parts.extend(one.language.as_ref().map(|language| json!({"name": "language", "valueCode": language})));
    parts.extend(one.usage.as_ref().map(|usage| json!({"name": "use", "valueCoding": usage})));
    parts.push(json!({"name": "value", "valueString": one.value}));
    json!({"name": "designation", "part": parts})
}

/// A code of a system that is no list: it is its own name. A unit says what it measures.
fn by_form(grammar: Grammar, code: &str) -> Value {
    let mut out =
        vec![json!({"name": "name", "valueString": grammar.name()}), json!({"name": "display", "valueString": code})];
    let unit = if grammar == Grammar::Unit { ucum::parse(code) } else { None };
    if let Some(unit) = unit.filter(|unit| !unit.dimension.is_empty()) {
        let parts =
            json!([{"name": "code", "valueCode": "dimension"}, {"name": "value", "valueString": unit.dimension}]);
        out.push(json!({"name": "property", "part": parts}));
    }
    json!({"resourceType": "Parameters", "parameter": out})
}
