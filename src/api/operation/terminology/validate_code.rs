//! `ValueSet/$validate-code` and `CodeSystem/$validate-code` (OperationDefinition ValueSet-validate-code,
//! CodeSystem-validate-code).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Service, Stated, because, quoted, rules, too_much, undecided};
use crate::api::write::Stop;
use crate::fault::{Issue, Place, Status};
use crate::fhir::ResourceType;
use crate::terminology::{
    Asked, CodeSystem, Grammar, Judgement, Remark, Source, Undecided, ValueSet, in_system, in_value_set, split,
};

/// The parameters of both that are understood.
const COMMON: [&str; 7] = ["url", "code", "display", "coding", "codeableConcept", "abstract", "displayLanguage"];
/// Those of value sets alone, and of code systems alone.
const OF_VALUE_SET: [&str; 4] = ["system", "systemVersion", "valueSet", "valueSetVersion"];
const OF_SYSTEM: [&str; 2] = ["codeSystem", "version"];

/// One code system that is no definition, beside those that are.
struct With<'a> {
    source: &'a dyn Source,
    own: Arc<CodeSystem>,
}

impl Source for With<'_> {
    fn value_set(&self, canonical: &str, from: Option<usize>) -> Option<(Option<usize>, Value)> {
        self.source.value_set(canonical, from)
    }

    fn code_system(&self, canonical: &str, from: Option<usize>) -> Option<Arc<CodeSystem>> {
        let is_own = split(canonical).0 == &*self.own.url;
        if is_own { Some(self.own.clone()) } else { self.source.code_system(canonical, from) }
    }
}

impl Service<'_> {
    pub(super) fn validate_code_of_value_set(&self) -> Result<Value, Stop> {
        let known: Vec<&str> = COMMON.into_iter().chain(OF_VALUE_SET).collect();
        self.parameters.no_others(&known)?;
        let source: &dyn Source = &**self.conformance;
        let set = match (self.sent("valueSet", ResourceType::VALUE_SET)?, self.canonical("url", "valueSetVersion")?) {
            (Some(sent), _) => Arc::new(ValueSet::of(source, &sent).map_err(too_much)?),
            (None, Some(named)) => {
                let not_loaded = |_| because(Status::NotFound, &rules::NOT_LOADED, &named);
                self.conformance.composed(&named).map_err(not_loaded)?
            }
            (None, None) => return Err(because(Status::BadRequest, &rules::NAME_A_DEFINITION, "url, valueSet")),
        };
        let language = self.text("displayLanguage")?;
        let codes = self.codes("systemVersion")?;
        if codes.len() == 1 && codes.iter().all(|code| code.system.is_none()) {
            return Err(because(Status::BadRequest, &rules::NAME_A_SYSTEM, ""));
        }
        self.judged(&codes, &|asked| in_value_set(source, &set, asked, language.as_deref()))
    }

    pub(super) fn validate_code_of_system(&self) -> Result<Value, Stop> {
        let known: Vec<&str> = COMMON.into_iter().chain(OF_SYSTEM).collect();
        self.parameters.no_others(&known)?;
        let source: &dyn Source = &**self.conformance;
        let language = self.text("displayLanguage")?;
        let mut codes = self.codes("version")?;
        let (url, sent) = (self.text("url")?, self.sent("codeSystem", ResourceType::CODE_SYSTEM)?);
        if let Some(sent) = sent {
            let own = Arc::new(CodeSystem::read(&sent));
            self.of_system(&mut codes, &own.url)?;
            let with = With { source, own };
            return self
                .judged(&codes, &|asked| in_system(&with, Asked { version: None, ..asked }, language.as_deref()));
        }
        let named = url.or_else(|| codes.iter().find_map(|code| code.system.clone()));
        let Some(named) = named else {
            return Err(because(Status::BadRequest, &rules::NAME_A_DEFINITION, "url, codeSystem"));
        };
        let (url, version) = split(&named);
        self.of_system(&mut codes, url)?;
        let is_known = self.conformance.has_definition(ResourceType::CODE_SYSTEM, &named) || Grammar::of(url).is_some();
        if !is_known {
            return Err(because(Status::NotFound, &rules::NOT_LOADED, &named));
        }
        let judge = |asked: Asked<'_>| {
            in_system(source, Asked { version: asked.version.or(version), ..asked }, language.as_deref())
        };
        self.judged(&codes, &judge)
    }

    /// Codes are of the code system that is named, where they name none.
    fn of_system(&self, codes: &mut Vec<Stated>, url: &str) -> Result<(), Stop> {
        for code in codes.iter_mut().filter(|code| code.system.is_none()) {
            code.system = Some(url.to_owned());
        }
        let is_other = |code: &Stated| code.system.as_deref() != Some(url);
        if codes.iter().all(is_other) {
            return Err(because(Status::BadRequest, &rules::OTHER_SYSTEMS, ""));
        }
        codes.retain(|code| !is_other(code));
        Ok(())
    }

    /// The answer: right where one of the codes is.
    fn judged(&self, codes: &[Stated], judge: &dyn Fn(Asked<'_>) -> Judgement) -> Result<Value, Stop> {
        let allows_abstract = self.parameters.boolean("abstract")?.unwrap_or(false);
        let all: Vec<Judgement> = codes.iter().map(|code| judge(code.asked())).collect();
        let is_right = |one: &&Judgement| {
            one.is_in == Some(true) && !one.remarks.iter().any(|remark| remark.is_wrong(allows_abstract))
        };
        let right = all.iter().find(is_right);
        if right.is_none()
            && let Some(why) = all.iter().find_map(missing)
        {
            return Err(undecided(why));
        }
        let told: Vec<&Remark> = match right {
            Some(right) => right.remarks.iter().collect(),
            None => all.iter().flat_map(|one| &one.remarks).collect(),
        };
        let mut out = vec![json!({"name": "result", "valueBoolean": right.is_some()})];
        let in_japanese = self.in_japanese()?;
        let mut message: Vec<String> = Vec::new();
        for remark in told.into_iter().filter(|one| !(allows_abstract && matches!(one, Remark::Abstract))) {
            let sentence = sentence(remark, in_japanese);
            if !message.contains(&sentence) {
                message.push(sentence);
            }
        }
        if !message.is_empty() {
            out.push(json!({"name": "message", "valueString": message.join(" ")}));
        }
        let display = right.or(all.first()).and_then(|one| one.display.as_ref());
        out.extend(display.map(|display| json!({"name": "display", "valueString": display})));
        Ok(json!({"resourceType": "Parameters", "parameter": out}))
    }
}

/// What is missing to say whether a code is right; nothing where it is wrong already.
fn missing(judgement: &Judgement) -> Option<&Undecided> {
    if judgement.is_in == Some(false) {
        return None;
    }
    judgement.remarks.iter().find_map(|remark| match remark {
        Remark::Undecided(why) => Some(why),
        _ => None,
    })
}

fn sentence(remark: &Remark, in_japanese: bool) -> String {
    let (rule, detail) = match remark {
        Remark::NotInValueSet => (&rules::NOT_IN_VALUE_SET, String::new()),
        Remark::UnknownCode => (&rules::UNKNOWN_CODE, String::new()),
        Remark::OtherCase(right) => (&rules::OTHER_CASE, right.clone()),
        Remark::Abstract => (&rules::ABSTRACT, String::new()),
        Remark::Inactive => (&rules::INACTIVE, String::new()),
        Remark::WrongDisplay(names) => (&rules::WRONG_DISPLAY, names.join(" / ")),
        Remark::Undecided(why) => (&rules::NOT_LOADED, quoted(why.canonical())),
    };
    let issue = Issue::with(rule, Place::Whole, detail);
    if in_japanese { issue.japanese() } else { issue.english() }
}
