//! `ConceptMap/$translate` (OperationDefinition ConceptMap-translate): what a code means in another code system.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{REPEATED_MAX, Service, because, quoted, rules};
use crate::api::operation::parameters::refused;
use crate::api::rules as common;
use crate::api::write::Stop;
use crate::fault::{Issue, Place, Status};
use crate::fhir::ResourceType;
use crate::terminology::{ConceptMap, Match, Translation, Wanted, split};

/// The parameters that are understood.
const KNOWN: [&str; 14] = [
    "url",
    "conceptMap",
    "conceptMapVersion",
    "code",
    "system",
    "version",
    "source",
    "coding",
    "codeableConcept",
    "target",
    "targetsystem",
    "dependency",
    "reverse",
    "displayLanguage",
];

impl Service<'_> {
    pub(super) fn translate(&self) -> Result<Value, Stop> {
        self.parameters.no_others(&KNOWN)?;
        let codes = self.codes("version")?;
        if codes.iter().any(|code| code.system.is_none()) {
            return Err(because(Status::BadRequest, &rules::NAME_A_SYSTEM, ""));
        }
        let (source, target, target_system) = (self.text("source")?, self.text("target")?, self.text("targetsystem")?);
        let wanted = Wanted {
            codes: codes
                .iter()
                .filter_map(|one| Some((one.system.as_deref()?, one.version.as_deref(), one.code.as_str())))
                .collect(),
            source: source.as_deref(),
            target: target.as_deref(),
            target_system: target_system.as_deref(),
            dependencies: self.dependencies()?,
            is_reverse: self.parameters.boolean("reverse")?.unwrap_or(false),
        };
        let all = self.all_maps();
        let maps = match self.sent("conceptMap", ResourceType::CONCEPT_MAP)? {
            Some(sent) => vec![Arc::new(ConceptMap::read(&sent))],
            None => match self.canonical("url", "conceptMapVersion")? {
                None => all.clone(),
                Some(named) => {
                    let found = find(&all, &named);
                    vec![found.ok_or_else(|| because(Status::NotFound, &rules::NOT_LOADED, &named))?]
                }
            },
        };
        let mut found = Translation::default();
        for map in &maps {
            map.translate(&wanted, &|url| find(&all, url), &mut found);
        }
        self.told(&found)
    }

    /// Every concept map: of this site, of the directory, of the guides.
    fn all_maps(&self) -> Vec<Arc<ConceptMap>> {
        let book = self.gateway.pipeline().book();
        book.concept_maps().iter().chain(self.conformance.concept_maps().iter()).cloned().collect()
    }

    /// `dependency`: an element and what it is.
    fn dependencies(&self) -> Result<Vec<(String, Option<String>, String)>, Stop> {
        let wrong = || refused(&common::VALUE, "dependency");
        let mut all = Vec::new();
        for parts in self.parameters.parts("dependency") {
            let part = |name: &str| parts.as_array().into_iter().flatten().find(|part| part["name"] == name);
            let element = part("element").and_then(|part| part["valueUri"].as_str()).ok_or_else(wrong)?;
            let concept = part("concept").map(|part| &part["valueCodeableConcept"]).ok_or_else(wrong)?;
            for coding in concept["coding"].as_array().into_iter().flatten() {
                let code = coding["code"].as_str().ok_or_else(wrong)?;
                all.push((element.to_owned(), coding["system"].as_str().map(str::to_owned), code.to_owned()));
            }
        }
        if all.len() > REPEATED_MAX { Err(wrong()) } else { Ok(all) }
    }

    fn told(&self, found: &Translation) -> Result<Value, Stop> {
        let mut out = vec![json!({"name": "result", "valueBoolean": found.is_found()})];
        let message = match &found.missing {
            Some(url) => Some(Issue::with(&rules::NO_MAP, Place::Whole, quoted(url))),
            None if !found.is_found() => Some(Issue::new(&rules::NO_MATCH, Place::Whole)),
            None => None,
        };
        if let Some(message) = message {
            let text = if self.in_japanese()? { message.japanese() } else { message.english() };
            out.push(json!({"name": "message", "valueString": text}));
        }
        out.extend(found.matches.iter().map(matched));
        Ok(json!({"resourceType": "Parameters", "parameter": out}))
    }
}

fn find(all: &[Arc<ConceptMap>], named: &str) -> Option<Arc<ConceptMap>> {
    let (url, version) = split(named);
    let is_it = |map: &&Arc<ConceptMap>| {
        &*map.url == url && version.is_none_or(|wanted| map.version.as_deref() == Some(wanted))
    };
    all.iter().find(is_it).cloned()
}

fn matched(one: &Match) -> Value {
    let mut parts = Vec::new();
    parts.extend(one.equivalence.as_ref().map(|code| json!({"name": "equivalence", "valueCode": code})));
    // What is unmatched has no code.
    if !one.code.is_empty() {
        let concept = coding(Some(&one.system), one.version.as_deref(), &one.code, one.display.as_deref());
        parts.push(json!({"name": "concept", "valueCoding": concept}));
    }
    for product in &one.products {
        let concept = coding(product.system.as_deref(), None, &product.value, product.display.as_deref());
        let inner =
            json!([{"name": "element", "valueUri": product.property}, {"name": "concept", "valueCoding": concept}]);
        parts.push(json!({"name": "product", "part": inner}));
    }
    if !one.map.is_empty() {
        parts.push(json!({"name": "source", "valueUri": one.map}));
    }
    json!({"name": "match", "part": parts})
}

fn coding(system: Option<&str>, version: Option<&str>, code: &str, display: Option<&str>) -> Value {
    let members = [
        ("system", system.filter(|system| !system.is_empty())),
        ("version", version),
        ("code", Some(code)),
        ("display", display),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    Value::Object(members.collect::<Map<_, _>>())
}
