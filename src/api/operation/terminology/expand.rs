//! `ValueSet/$expand` (OperationDefinition ValueSet-expand).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{REPEATED_MAX, Service, because, rules, too_much, undecided};
use crate::api::operation::parameters::refused;
use crate::api::rules as common;
use crate::api::write::Stop;
use crate::fault::Status;
use crate::fhir::{ResourceType, time};
use crate::terminology::{Entry, Expansion, Options, Source, Stopped, ValueSet, Versions, expand, split};

/// The parameters that are understood. Those that are not are refused: leaving one out would answer something else.
const KNOWN: [&str; 17] = [
    "url",
    "valueSet",
    "valueSetVersion",
    "filter",
    "offset",
    "count",
    "includeDesignations",
    "includeDefinition",
    "activeOnly",
    "excludeNested",
    "excludeNotForUI",
    "excludePostCoordinated",
    "displayLanguage",
    "exclude-system",
    "system-version",
    "check-system-version",
    "force-system-version",
];

/// Longest `filter`, bytes: each of its words is looked for in each name.
const FILTER_BYTES_MAX: usize = 1_000;

/// Elements of the definition that are said with an expansion.
const SAID: [&str; 10] =
    ["id", "url", "identifier", "version", "name", "title", "status", "experimental", "date", "publisher"];

impl Service<'_> {
    pub(super) fn expand(&self) -> Result<Value, Stop> {
        self.parameters.no_others(&KNOWN)?;
        let options = self.options()?;
        let named = self.canonical("url", "valueSetVersion")?;
        let sent = self.sent("valueSet", ResourceType::VALUE_SET)?;
        let (definition, set) = match (sent, named) {
            (Some(sent), _) => {
                let set = Arc::new(ValueSet::of(&self.versions()?, &sent).map_err(too_much)?);
                (sent, set)
            }
            (None, Some(named)) => {
                let not_loaded = || because(Status::NotFound, &rules::NOT_LOADED, &named);
                let versions = self.versions()?;
                let set = match versions.usual.is_empty() && versions.forced.is_empty() {
                    true => self.conformance.composed(&named).map_err(|_| not_loaded())?,
                    false => ValueSet::named(&versions, &named, None),
                };
                (self.conformance.definition(ResourceType::VALUE_SET, &named).ok_or_else(not_loaded)?, set)
            }
            (None, None) => return Err(because(Status::BadRequest, &rules::NAME_A_DEFINITION, "url, valueSet")),
        };
        let expansion = expand(&set, &options).map_err(|stopped| match stopped {
            Stopped::Undecided(why) => undecided(&why),
            Stopped::Costly(system) => because(Status::Unprocessable, &rules::COSTLY, &system),
        })?;
        self.checked(&expansion)?;
        self.said(&definition, &options, &expansion)
    }

    fn options(&self) -> Result<Options, Stop> {
        let number = |name| -> Result<Option<usize>, Stop> {
            let wrong = || refused(&common::VALUE, name);
            self.text(name)?.map(|text| text.parse().map_err(|_| wrong())).transpose()
        };
        let flag = |name| Ok::<bool, Stop>(self.parameters.boolean(name)?.unwrap_or(false));
        let filter = self.text("filter")?;
        if filter.as_ref().is_some_and(|filter| filter.len() > FILTER_BYTES_MAX) {
            return Err(refused(&common::VALUE, "filter"));
        }
        let _ = flag("excludePostCoordinated")?;
        Ok(Options {
            filter,
            offset: number("offset")?.unwrap_or(0),
            count: number("count")?,
            language: self.text("displayLanguage")?,
            is_active_only: flag("activeOnly")?,
            leaves_out_abstract: flag("excludeNotForUI")?,
            nests: self.parameters.boolean("excludeNested")? == Some(false),
            excluded: self.texts("exclude-system")?,
        })
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, Stop> {
        let wrong = || refused(&common::VALUE, name);
        if self.parameters.values(name).nth(REPEATED_MAX).is_some() {
            return Err(refused(&common::VALUE, name));
        }
        let all = self.parameters.values(name);
        all.map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    fn versions(&self) -> Result<Versions<'_>, Stop> {
        let mut usual = self.texts("system-version")?;
        usual.extend(self.texts("check-system-version")?);
        let source: &dyn Source = &**self.conformance;
        Ok(Versions { source, usual, forced: self.texts("force-system-version")? })
    }

    /// Whether the versions that were used are those that they must be.
    fn checked(&self, expansion: &Expansion) -> Result<(), Stop> {
        for wanted in self.texts("check-system-version")? {
            let (url, version) = split(&wanted);
            let is_other = |(system, used): &&(String, Option<String>)| system == url && used.as_deref() != version;
            if let Some((system, used)) = expansion.used.iter().find(is_other) {
                let used = format!("{system}|{}", used.as_deref().unwrap_or_default());
                return Err(because(Status::Unprocessable, &rules::OTHER_VERSION, &used));
            }
        }
        Ok(())
    }

    fn said(&self, definition: &Value, options: &Options, expansion: &Expansion) -> Result<Value, Stop> {
        let with_designations = self.parameters.boolean("includeDesignations")?.unwrap_or(false);
        let mut out = Map::new();
        out.insert("resourceType".into(), "ValueSet".into());
        let with_compose = self.parameters.boolean("includeDefinition")?.unwrap_or(false).then_some("compose");
        for name in SAID.into_iter().chain(with_compose) {
            if let Some(value) = definition.get(name) {
                out.insert(name.into(), value.clone());
            }
        }
        out.entry("status").or_insert("unknown".into());
        let mut said = Map::new();
        said.insert("timestamp".into(), time::instant(self.gateway.now(), self.gateway.zone_minutes()).into());
        said.insert("total".into(), expansion.total.into());
        if options.offset > 0 || options.count.is_some() {
            said.insert("offset".into(), options.offset.into());
        }
        let parameters = self.used(options, expansion)?;
        if !parameters.is_empty() {
            said.insert("parameter".into(), parameters.into());
        }
        if !expansion.entries.is_empty() {
            let entries = expansion.entries.iter().map(|one| contained(one, with_designations));
            said.insert("contains".into(), entries.collect());
        }
        out.insert("expansion".into(), said.into());
        Ok(Value::Object(out))
    }

    /// What decided the expansion (`ValueSet.expansion.parameter`).
    fn used(&self, options: &Options, expansion: &Expansion) -> Result<Vec<Value>, Stop> {
        let mut all = Vec::new();
        for (name, value) in [("filter", &options.filter), ("displayLanguage", &options.language)] {
            if let Some(value) = value {
                let form = if name == "filter" { "valueString" } else { "valueCode" };
                all.push(json!({"name": name, form: value}));
            }
        }
        for (name, value) in [("offset", Some(options.offset).filter(|offset| *offset > 0)), ("count", options.count)] {
            all.extend(value.map(|value| json!({"name": name, "valueInteger": value})));
        }
        for name in ["includeDesignations", "activeOnly", "excludeNested", "excludeNotForUI"] {
            all.extend(self.parameters.boolean(name)?.map(|value| json!({"name": name, "valueBoolean": value})));
        }
        for name in ["exclude-system", "system-version", "check-system-version", "force-system-version"] {
            all.extend(self.texts(name)?.into_iter().map(|value| json!({"name": name, "valueUri": value})));
        }
        for (system, version) in &expansion.used {
            let version = version.as_ref().map(|version| format!("{system}|{version}"));
            all.extend(version.map(|version| json!({"name": "version", "valueUri": version})));
        }
        Ok(all)
    }
}

fn contained(entry: &Entry, with_designations: bool) -> Value {
    let mut out = Map::new();
    out.insert("system".into(), entry.system.as_str().into());
    for (name, flag) in [("abstract", entry.is_abstract), ("inactive", entry.is_inactive)] {
        if flag {
            out.insert(name.into(), true.into());
        }
    }
    if let Some(version) = &entry.version {
        out.insert("version".into(), version.as_str().into());
    }
    out.insert("code".into(), entry.code.as_str().into());
    if let Some(display) = &entry.display {
        out.insert("display".into(), display.as_str().into());
    }
    if with_designations && !entry.designations.is_empty() {
        let all = entry.designations.iter().map(|one| {
            let mut out = Map::new();
            if let Some(language) = &one.language {
                out.insert("language".into(), (**language).into());
            }
            if let Some(usage) = &one.usage {
                out.insert("use".into(), usage.clone());
            }
            out.insert("value".into(), (*one.value).into());
            Value::Object(out)
        });
        out.insert("designation".into(), all.collect());
    }
    if !entry.contains.is_empty() {
        let inner = entry.contains.iter().map(|one| contained(one, with_designations));
        out.insert("contains".into(), inner.collect());
    }
    Value::Object(out)
}
