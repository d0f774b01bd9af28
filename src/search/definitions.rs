//! Which search parameters each type has (searchparameter-registry.html): those of R4, and those that SearchParameter
//! resources add at run time. `tests/search_definitions.rs` writes the table from the official definitions.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::definition::{Component, Definition, Kind};
use super::facts::Parameter;
use super::read::Plan;
use crate::fault::{Issue, Place, rules};
use crate::fhir::ResourceType;

rules! {
    BROKEN "search-parameter-broken" Error Invariant
        "a SearchParameter cannot be used, its {} is missing or wrong"
        "SearchParameter を使えません。{} がないか、正しくありません"
    CLASH "search-parameter-clash" Error Duplicate
        "there is a search parameter of this name already, and it means something else: {}"
        "同じ名前で意味の異なる検索パラメーターがすでにあります: {}"
    TWICE "search-parameter-twice" Error Duplicate
        "another SearchParameter has this URL already: {}"
        "同じURLのSearchParameterがすでにあります: {}"
}

/// The URL of every official definition begins so.
const OFFICIAL: &str = "http://hl7.org/fhir/SearchParameter/";

/// The search parameters of every type.
#[derive(Clone, Debug)]
pub struct Definitions {
    /// By the number of the type; each list in the order of the codes.
    types: Vec<Arc<Vec<Arc<Definition>>>>,
}

impl Definitions {
    /// Those of R4. The logical id and the times of a version are none of them: they are no elements to look for.
    pub fn base() -> &'static Definitions {
        static BASE: LazyLock<Definitions> = LazyLock::new(|| read(include_str!("r4.txt")));
        &BASE
    }

    /// The parameter of a type that has this name (`SearchParameter.code`).
    pub fn find(&self, resource_type: ResourceType, code: &str) -> Option<&Definition> {
        let list = self.list(resource_type);
        let at = list.binary_search_by(|definition| (*definition.code).cmp(code)).ok()?;
        list.get(at).map(Arc::as_ref)
    }

    /// The parameters of a type in the order of their names.
    pub fn of(&self, resource_type: ResourceType) -> impl Iterator<Item = &Definition> {
        self.list(resource_type).iter().map(Arc::as_ref)
    }

    fn list(&self, resource_type: ResourceType) -> &[Arc<Definition>] {
        self.types.get(usize::from(resource_type.number())).map_or(&[], |list| list.as_slice())
    }

    /// These and what SearchParameter resources define, with what is wrong with those that cannot be used: which of them,
    /// by its index, and why. A definition takes the place of the one with its URL. Those of R4 stay as they are, and so
    /// does one that reads like another of the same name; where two of a name mean different things, the later is wrong.
    pub fn with(&self, search_parameters: &[Value]) -> (Definitions, Vec<(usize, Issue)>) {
        let mut kinds: HashMap<&str, (Kind, Vec<ResourceType>)> = HashMap::new();
        for resource in search_parameters.iter().filter(|resource| !is_standard(resource)) {
            if let (Some(url), Some(kind)) = (text(resource, "url"), text(resource, "type").and_then(Kind::parse)) {
                kinds.entry(url).or_insert_with(|| (kind, targets(resource)));
            }
        }
        for definition in self.types.iter().flat_map(|list| list.iter()) {
            kinds.entry(&definition.url).or_insert_with(|| (definition.kind, definition.targets.clone()));
        }
        let (mut all, mut issues, mut urls) = (self.clone(), Vec::new(), HashSet::new());
        for (at, resource) in search_parameters.iter().enumerate() {
            if is_standard(resource) {
                continue;
            }
            let added = match loaded(resource, &kinds) {
                Err(element) => Err((&BROKEN, element, element.to_owned())),
                Ok(definitions) => {
                    let url = definitions.first().map(|(_, definition)| definition.url.clone()).unwrap_or_default();
                    match (all.clash(&definitions), urls.insert(url.clone())) {
                        (Some(clash), _) => Err((&CLASH, "code", clash)),
                        (None, false) => Err((&TWICE, "url", url.into())),
                        (None, true) => {
                            all.remove(&url);
                            definitions.into_iter().for_each(|(of, definition)| all.add(of, definition));
                            Ok(())
                        }
                    }
                }
            };
            if let Err((rule, element, detail)) = added {
                let place = Place::Path(format!("SearchParameter.{element}").into());
                issues.push((at, Issue::with(rule, place, detail)));
            }
        }
        (all, issues)
    }

    /// A value that differs where these define something else.
    pub fn stamp(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        for (of, list) in self.types.iter().enumerate() {
            for one in list.iter() {
                (of, &one.code, &one.url, one.kind, &one.expression, &one.targets).hash(&mut hash);
            }
        }
        hash.finish()
    }

    /// Another definition that one of these would be mistaken for.
    fn clash(&self, definitions: &[(ResourceType, Definition)]) -> Option<String> {
        definitions.iter().find_map(|(of, definition)| {
            let other = self.find(*of, &definition.code)?;
            let is_other = other.url != definition.url && !other.reads_like(definition);
            is_other.then(|| format!("{}?{} ({})", of.name(), definition.code, other.url))
        })
    }

    /// Takes the definitions with a URL away.
    fn remove(&mut self, url: &str) {
        for list in self.types.iter_mut().filter(|list| list.iter().any(|one| &*one.url == url)) {
            Arc::make_mut(list).retain(|one| &*one.url != url);
        }
    }

    /// Adds a definition where there is none of its name.
    fn add(&mut self, of: ResourceType, definition: Definition) {
        let Some(list) = self.types.get_mut(usize::from(of.number())) else { return };
        if let Err(at) = list.binary_search_by(|other| other.code.cmp(&definition.code)) {
            Arc::make_mut(list).insert(at, Arc::new(definition));
        }
    }
}

/// Whether a SearchParameter is one of R4, which are known without it.
fn is_standard(resource: &Value) -> bool {
    static URLS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let all = Definitions::base().types.iter().flat_map(|list| list.iter());
        all.map(|definition| &*definition.url).collect()
    });
    let url = text(resource, "url").unwrap_or_default();
    let of_all = || text(resource, "code").is_some_and(|code| code.starts_with('_'));
    URLS.contains(url) || (url.starts_with(OFFICIAL) && of_all())
}

impl Kind {
    /// The kind with this SearchParamType code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    const ALL: [Kind; 9] = [
        Kind::Number,
        Kind::Date,
        Kind::String,
        Kind::Token,
        Kind::Reference,
        Kind::Composite,
        Kind::Quantity,
        Kind::Uri,
        Kind::Special,
    ];

    /// FHIR SearchParamType code.
    pub fn code(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Date => "date",
            Kind::String => "string",
            Kind::Token => "token",
            Kind::Reference => "reference",
            Kind::Composite => "composite",
            Kind::Quantity => "quantity",
            Kind::Uri => "uri",
            Kind::Special => "special",
        }
    }
}

/// Reads the table: lines `number code`, then the name of each type with a line for each of its parameters: code, kind,
/// official name, expression, targets and components, with tabs between. Those under `Resource` are of every type.
fn read(table: &'static str) -> Definitions {
    let mut numbers = HashMap::new();
    let mut types: Vec<Vec<Arc<Definition>>> = all_types().map(|_| Vec::new()).collect();
    let (mut base, mut of): (&str, Vec<usize>) = ("", Vec::new());
    for line in table.lines() {
        if let Some(definition) = definition(line, base, &numbers).map(Arc::new) {
            of.iter().filter_map(|n| types.get_mut(*n).map(|list| list.push(definition.clone()))).count();
        } else if let Some((number, code)) = line.split_once(' ') {
            numbers.extend(number.parse().map(|number| (code, Parameter(number))));
        } else {
            base = line;
            of = of_base(line).map(|t| usize::from(t.number())).collect();
        }
    }
    let sorted = |mut list: Vec<Arc<Definition>>| {
        list.sort_by(|a, b| a.code.cmp(&b.code));
        Arc::new(list)
    };
    Definitions { types: types.into_iter().map(sorted).collect() }
}

fn definition(line: &str, base: &'static str, numbers: &HashMap<&str, Parameter>) -> Option<Definition> {
    let mut parts = line.split('\t');
    let (code, kind, name, expression) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let targets = list(parts.next().unwrap_or_default());
    let component = |text: &str| {
        let (kind, expression) = text.split_once(' ')?;
        let (kind, targets) = kind.split_once(':').unwrap_or((kind, ""));
        Some(Component { kind: Kind::parse(kind)?, expression: expression.into(), targets: list(targets) })
    };
    let kind = Kind::parse(kind)?;
    let components: Vec<_> = parts.next().unwrap_or_default().split("; ").filter_map(component).collect();
    Some(Definition {
        parameter: numbers.get(code).copied()?,
        code: code.into(),
        url: format!("{OFFICIAL}{name}").into(),
        kind,
        plan: plan(base, kind, expression, &components)?,
        expression: expression.into(),
        targets,
        components,
    })
}

fn plan(base: &'static str, kind: Kind, expression: &str, components: &[Component]) -> Option<Plan> {
    let components: Vec<_> = components.iter().map(|one| (one.kind, &*one.expression)).collect();
    Plan::compile(base, kind, expression, &components)
}

fn list(names: &str) -> Vec<ResourceType> {
    names.split(',').filter_map(ResourceType::parse).collect()
}

/// The types that a base means: one, or those below an abstract one (resourcelist.html).
fn of_base(base: &str) -> impl Iterator<Item = ResourceType> {
    let is_of = move |of: &ResourceType| match base {
        "Resource" => true,
        "DomainResource" => !matches!(of.name(), "Binary" | "Bundle" | "Parameters"),
        base => of.name() == base,
    };
    all_types().filter(is_of)
}

fn all_types() -> impl Iterator<Item = ResourceType> {
    (0..=u8::MAX).map_while(ResourceType::from_number)
}

/// What one SearchParameter resource defines for each of its types; the element that is wrong otherwise.
fn loaded(
    resource: &Value,
    kinds: &HashMap<&str, (Kind, Vec<ResourceType>)>,
) -> Result<Vec<(ResourceType, Definition)>, &'static str> {
    if text(resource, "resourceType") != Some("SearchParameter") {
        return Err("resourceType");
    }
    // Names that begin with an underscore are the standard's.
    let is_name = |code: &&str| {
        !code.is_empty()
            && !code.starts_with('_')
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    let code = text(resource, "code").filter(is_name).ok_or("code")?;
    let url = text(resource, "url").ok_or("url")?;
    let kind = text(resource, "type").and_then(Kind::parse).ok_or("type")?;
    let expression = text(resource, "expression").ok_or("expression")?;
    let components = items(resource, "component").map(|one| component(one, kinds));
    let components = components.collect::<Option<Vec<_>>>().ok_or("component")?;
    if components.is_empty() && kind == Kind::Composite {
        return Err("component");
    }
    let mut all = Vec::new();
    for base in items(resource, "base") {
        let base = base.as_str().ok_or("base")?;
        // Of an abstract base, the types that have what it reads.
        let (mut known, before) = (false, all.len());
        for of in of_base(base) {
            known = true;
            let Some(expression) = part(expression, of.name()).or_else(|| part(expression, base)) else { continue };
            let Some(plan) = plan(of.name(), kind, &expression, &components) else { continue };
            let (targets, components) = (targets(resource), components.clone());
            let (parameter, code, url) = (Parameter::NONE, code.into(), url.into());
            all.push((of, Definition { parameter, code, url, kind, expression, targets, components, plan }));
        }
        if all.len() == before {
            return Err(if known { "expression" } else { "base" });
        }
    }
    if all.is_empty() { Err("base") } else { Ok(all) }
}

fn component(one: &Value, kinds: &HashMap<&str, (Kind, Vec<ResourceType>)>) -> Option<Component> {
    let url = text(one, "definition")?;
    let (kind, targets) = kinds.get(url).or_else(|| kinds.get(url.split('|').next()?))?.clone();
    // A composite of composites is none (search.html#composite).
    (kind != Kind::Composite).then_some(())?;
    Some(Component { kind, expression: text(one, "expression")?.into(), targets })
}

fn targets(resource: &Value) -> Vec<ResourceType> {
    let named: Vec<_> = items(resource, "target").filter_map(|t| ResourceType::parse(t.as_str()?)).collect();
    // All of them listed say no more than none.
    if named.len() + 2 > all_types().count() { Vec::new() } else { named }
}

/// The alternatives of an expression that are about a type, or that name no type; `None` when there are none.
fn part(expression: &str, base: &str) -> Option<Box<str>> {
    let is_about = |alternative: &&str| {
        let path = alternative.trim_start_matches(['(', ' ']);
        let end = path.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(path.len());
        let name = path.get(..end).unwrap_or_default();
        name == base || name == "Resource" || name == "DomainResource" || ResourceType::parse(name).is_none()
    };
    let parts: Vec<&str> = alternatives(expression).into_iter().filter(is_about).collect();
    (!parts.is_empty()).then(|| parts.join(" | ").into())
}

/// The operands of the outermost `|`.
pub(super) fn alternatives(expression: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped, mut start) = (0_i32, None, false, 0);
    let mut all = Vec::new();
    for (at, c) in expression.char_indices() {
        match (quoted, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(quote), c) if c == quote => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '`') => quoted = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            (None, '|') if depth == 0 => {
                all.push(expression[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    all.push(expression[start..].trim());
    all
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_has_its_parameters_and_those_of_every_resource() {
        let base = Definitions::base();
        let found = |code| base.find(ResourceType::OBSERVATION, code);
        let patient = found("patient").unwrap();
        assert_eq!(&*patient.expression, "Observation.subject.where(resolve() is Patient)");
        assert_eq!((patient.kind, patient.parameter), (Kind::Reference, Parameter::PATIENT));
        assert_eq!(&*patient.url, "http://hl7.org/fhir/SearchParameter/clinical-patient");
        assert_eq!(found("_tag").map(|tag| &*tag.expression), Some("Resource.meta.tag"));
        let composite = found("code-value-quantity").unwrap();
        let components: Vec<_> = composite.components.iter().map(|one| (one.kind, &*one.expression)).collect();
        assert_eq!(components, [(Kind::Token, "code"), (Kind::Quantity, "value.as(Quantity)")]);
        assert!(found("birthdate").is_none() && found("_id").is_none() && found("").is_none());
        assert_eq!(base.of(ResourceType::OBSERVATION).count(), 47);
    }

    #[test]
    fn every_line_of_the_table_is_a_definition() {
        let (numbers, mut base, mut unread) = (HashMap::from([("x", Parameter(9))]), "", Vec::new());
        for line in include_str!("r4.txt").lines() {
            if !line.contains(['\t', ' ']) {
                base = line;
            } else if let Some((_, rest)) = line.split_once('\t')
                && definition(&format!("x\t{rest}"), base, &numbers).is_none()
            {
                unread.push(line);
            }
        }
        assert_eq!(unread, [] as [&str; 0]);
    }

    #[test]
    fn constants_are_the_numbers_of_the_table() {
        let found = |name, code| Definitions::base().find(ResourceType::parse(name).unwrap(), code).unwrap().parameter;
        for (parameter, name, code) in [
            (Parameter::IDENTIFIER, "Patient", "identifier"),
            (Parameter::STATUS, "Observation", "status"),
            (Parameter::PATIENT, "Condition", "patient"),
            (Parameter::DATE, "Observation", "date"),
            (Parameter::SUBJECT, "Observation", "subject"),
            (Parameter::CODE, "Condition", "code"),
            (Parameter::TYPE, "Encounter", "type"),
            (Parameter::ENCOUNTER, "Observation", "encounter"),
            (Parameter::CATEGORY, "Observation", "category"),
            (Parameter::BASED_ON, "ServiceRequest", "based-on"),
            (Parameter::PERIOD, "Composition", "period"),
            (Parameter::INTENT, "ServiceRequest", "intent"),
            (Parameter::TARGET, "Provenance", "target"),
            (Parameter::AUTHORED, "ServiceRequest", "authored"),
            (Parameter::ISSUED, "DiagnosticReport", "issued"),
            (Parameter::OCCURRENCE, "ServiceRequest", "occurrence"),
            (Parameter::SPECIMEN, "Observation", "specimen"),
            (Parameter::CLINICAL_STATUS, "Condition", "clinical-status"),
            (Parameter::RESULT, "DiagnosticReport", "result"),
            (Parameter::VERIFICATION_STATUS, "Condition", "verification-status"),
            (Parameter::CLASS, "Encounter", "class"),
            (Parameter::RECORDED_DATE, "Condition", "recorded-date"),
            (Parameter::ACTIVE, "Patient", "active"),
            (Parameter::GENDER, "Patient", "gender"),
            (Parameter::BIRTHDATE, "Patient", "birthdate"),
        ] {
            assert_eq!(found(name, code), parameter, "{code}");
        }
    }

    #[test]
    fn parameters_are_added_while_running_and_broken_ones_are_told() {
        let good = json!({"resourceType": "SearchParameter", "url": "u", "code": "eye", "type": "token",
            "base": ["Patient", "Person"], "expression": "Patient.extension('a|b').value | Person.gender", "target": ["Patient"]});
        let wrong = |name: &str, value: Value| {
            let mut wrong = good.clone();
            wrong[name] = value;
            wrong
        };
        let pair = json!({"resourceType": "SearchParameter", "url": "p", "code": "pair", "type": "composite",
            "base": ["Resource"], "expression": "Resource", "component": [{"definition": "u|1", "expression": "id"},
                {"definition": "http://hl7.org/fhir/SearchParameter/clinical-patient", "expression": "subject"}]});
        let all = [
            good.clone(),
            pair.clone(),
            wrong("code", json!("a:b")),
            wrong("code", json!("_eye")),
            wrong("type", json!("word")),
            wrong("base", json!([])),
            wrong("base", json!(["Nobody"])),
            wrong("base", json!("Patient")),
            wrong("expression", json!(1)),
            wrong("expression", json!("Group.x")),
            wrong("component", json!([{"definition": "nothing", "expression": "x"}])),
            wrong("type", json!("composite")),
            json!(null),
        ];
        let (more, issues) = Definitions::base().with(&all);
        let places: Vec<&str> = issues.iter().map(|(_, issue)| issue.detail.as_str()).collect();
        let expected = [
            "code",
            "code",
            "type",
            "base",
            "base",
            "base",
            "expression",
            "expression",
            "component",
            "component",
            "resourceType",
        ];
        assert_eq!(places, expected);
        let eye = more.find(ResourceType::PATIENT, "eye").unwrap();
        assert_eq!((&*eye.expression, eye.parameter), ("Patient.extension('a|b').value", Parameter::NONE));
        assert!(more.find(ResourceType::OBSERVATION, "eye").is_none());
        let pair = more.find(ResourceType::OBSERVATION, "pair").unwrap();
        assert_eq!(pair.components.iter().map(|one| one.kind).collect::<Vec<_>>(), [Kind::Token, Kind::Reference]);
        assert!(Definitions::base().find(ResourceType::PATIENT, "eye").is_none());
    }

    #[test]
    fn a_name_has_one_meaning() {
        let gender = |url: &str, expression: &str| {
            json!({"resourceType": "SearchParameter", "url": url, "code": "gender", "type": "token",
                "base": ["Patient"], "expression": expression})
        };
        let with = |from: &Definitions, all: &[Value]| {
            let (more, issues) = from.with(all);
            let issues: Vec<_> = issues.into_iter().map(|(at, issue)| (at, issue.rule.id, issue.detail)).collect();
            (more, issues)
        };
        let found = |all: &Definitions| {
            let gender = all.find(ResourceType::PATIENT, "gender").unwrap();
            (gender.parameter, gender.url.to_string())
        };
        let own = (Parameter::GENDER, "http://hl7.org/fhir/SearchParameter/individual-gender".to_owned());
        let (base, other) = (Definitions::base(), "Patient.extension('x').value");
        let (same, issues) = with(base, &[gender("u", "Patient.gender")]);
        assert_eq!((found(&same), issues), (own.clone(), Vec::new()));
        let (clash, issues) = with(base, &[gender("u", other)]);
        let said = format!("Patient?gender ({})", own.1);
        assert_eq!((found(&clash), issues), (own.clone(), vec![(0, "search-parameter-clash", said)]));
        // What R4 defines stays, whoever states it anew.
        let (again, issues) = with(base, &[gender(&own.1, other)]);
        assert_eq!((found(&again), issues), (own, Vec::new()));
        assert_eq!(base.stamp(), again.stamp());
    }

    #[test]
    fn a_definition_takes_the_place_of_its_earlier_self() {
        let one = |url: &str, base: &str, code: &str| {
            json!({"resourceType": "SearchParameter", "url": url, "code": code, "type": "string", "base": [base],
                "expression": format!("{base}.extension('x').value")})
        };
        let (before, issues) = Definitions::base().with(&[one("u", "Patient", "eye"), one("w", "Patient", "ear")]);
        assert_eq!(issues, []);
        let (after, issues) = before.with(&[one("u", "Person", "sight")]);
        assert_eq!(issues, []);
        let has =
            |all: &Definitions, name: &str, code: &str| all.find(ResourceType::parse(name).unwrap(), code).is_some();
        assert_eq!([has(&before, "Patient", "eye"), has(&after, "Patient", "eye")], [true, false]);
        assert!(has(&after, "Person", "sight") && has(&after, "Patient", "ear") && before.stamp() != after.stamp());
        let (_, issues) = before.with(&[one("u", "Person", "sight"), one("u", "Person", "eye")]);
        let issues: Vec<_> = issues.iter().map(|(at, issue)| (*at, issue.rule.id)).collect();
        assert_eq!(issues, [(1, "search-parameter-twice")]);
    }
}
