//! A CodeSystem as its definition states it (codesystem.html): concepts with their displays, designations and properties, which
//! of them stand above others, and whether these are all.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{array, text};

/// Deepest nesting of concepts that is read.
pub const CONCEPT_DEPTH_MAX: usize = 64;
/// The namespace of the properties that every code system may use (valueset concept-properties).
const PROPERTIES: &str = "http://hl7.org/fhir/concept-properties#";

/// How much of a code system is stated (`CodeSystem.content`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Complete,
    /// Some of it, or none, or examples.
    Part,
    /// More about the concepts of another code system.
    Supplement,
}

/// A code system.
#[derive(Debug)]
pub struct CodeSystem {
    /// `url`
    pub url: Box<str>,
    /// `version`
    pub version: Option<Box<str>>,
    /// `title`, else `name`.
    pub name: Box<str>,
    /// `language`: of the displays.
    pub language: Option<Box<str>>,
    /// `content`
    pub content: Content,
    /// Whether codes tell upper from lower case; where nothing is said they do.
    pub is_case_sensitive: bool,
    /// Whether what stands above a concept means it too (`hierarchyMeaning`).
    pub is_hierarchy: bool,
    is_whole: bool,
    concepts: Vec<Concept>,
    places: HashMap<Box<str>, u32>,
    /// The properties that it declares, by code; what they are in R4's own words where it says so (`parent`, `inactive`).
    properties: HashMap<Box<str>, Box<str>>,
}

/// A concept of a code system.
#[derive(Debug, Default)]
pub struct Concept {
    /// `code`, as the code system writes it.
    pub code: Box<str>,
    /// `display`
    pub display: Option<Box<str>>,
    /// `definition`
    pub definition: Option<Box<str>>,
    /// `designation`, those of supplements among them.
    pub designations: Vec<Designation>,
    /// `property`
    pub properties: Vec<Property>,
    /// Whether it only groups others (`notSelectable`).
    pub is_abstract: bool,
    /// Whether it is out of use (`inactive`, or a `status` that says so).
    pub is_inactive: bool,
    parents: Vec<u32>,
    children: Vec<u32>,
}

/// Another name of a concept.
#[derive(Clone, Debug, PartialEq)]
pub struct Designation {
    /// `language`
    pub language: Option<Box<str>>,
    /// `use`, a Coding.
    pub usage: Option<Value>,
    /// `value`
    pub value: Box<str>,
}

/// A property of a concept.
#[derive(Clone, Debug)]
pub struct Property {
    /// `code`
    pub code: Box<str>,
    /// The name of `value[x]`: `valueCode`.
    pub form: Box<str>,
    /// Its value.
    pub value: Value,
}

/// How two codes stand to each other (valueset concept-subsumption-outcome).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsumption {
    /// They are the same.
    Equivalent,
    /// The first stands above the second.
    Subsumes,
    /// The second stands above the first.
    SubsumedBy,
    /// Neither.
    NotSubsumed,
}

impl Subsumption {
    /// The code of it.
    pub const fn code(self) -> &'static str {
        match self {
            Subsumption::Equivalent => "equivalent",
            Subsumption::Subsumes => "subsumes",
            Subsumption::SubsumedBy => "subsumed-by",
            Subsumption::NotSubsumed => "not-subsumed",
        }
    }
}

impl Designation {
    pub(super) fn read(json: &Value) -> Option<Self> {
        Some(Designation {
            language: text(json, "language").map(Into::into),
            usage: json.get("use").cloned(),
            value: text(json, "value")?.into(),
        })
    }
}

impl Property {
    /// Its value as text: a code, a number, a truth; of a Coding its code.
    pub fn plain(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Object(coding) => coding.get("code").and_then(Value::as_str).unwrap_or_default().to_owned(),
            value => value.to_string(),
        }
    }
}

impl CodeSystem {
    /// Reads a CodeSystem.
    pub fn read(definition: &Value) -> Self {
        let of = |name| text(definition, name);
        let content = match of("content") {
            Some("complete") => Content::Complete,
            Some("supplement") => Content::Supplement,
            _ => Content::Part,
        };
        let mut system = CodeSystem {
            url: of("url").unwrap_or_default().into(),
            version: of("version").map(Into::into),
            name: of("title").or(of("name")).unwrap_or_default().into(),
            language: of("language").map(Into::into),
            content,
            is_case_sensitive: definition.get("caseSensitive") != Some(&Value::Bool(false)),
            // What does not say how it nests nests by meaning, as nearly all do.
            is_hierarchy: of("hierarchyMeaning").is_none_or(|meaning| meaning == "is-a"),
            is_whole: content == Content::Complete,
            concepts: Vec::new(),
            places: HashMap::new(),
            properties: HashMap::new(),
        };
        for property in array(definition, "property") {
            let Some(code) = text(property, "code") else { continue };
            let meaning = text(property, "uri").and_then(|uri| uri.strip_prefix(PROPERTIES)).unwrap_or(code);
            system.properties.insert(code.into(), meaning.into());
        }
        system.nested(definition, None, 0);
        // One without codes stands for what is published elsewhere.
        let count = definition.get("count").and_then(Value::as_u64).unwrap_or(1);
        system.is_whole &= system.concepts.len() as u64 >= count.max(1);
        system.related();
        system
    }

    fn nested(&mut self, of: &Value, parent: Option<u32>, depth: usize) {
        if depth == CONCEPT_DEPTH_MAX {
            self.is_whole &= array(of, "concept").next().is_none();
            return;
        }
        for json in array(of, "concept") {
            let Some(code) = text(json, "code") else { continue };
            let at = self.place(code);
            let concept = Concept::read(code, json, &self.properties);
            if let Some(known) = self.concepts.get_mut(at as usize) {
                let parents = std::mem::take(&mut known.parents);
                *known = concept;
                known.parents = parents;
                known.parents.extend(parent);
            }
            self.nested(json, Some(at), depth + 1);
        }
    }

    /// Where a code stands; a new one stands at the end.
    fn place(&mut self, code: &str) -> u32 {
        let next = u32::try_from(self.concepts.len()).unwrap_or(u32::MAX);
        let at = *self.places.entry(key(code, self.is_case_sensitive)).or_insert(next);
        if at == next {
            self.concepts.push(Concept::default());
        }
        at
    }

    /// Puts into the hierarchy what properties say of it, and every child with its parents.
    fn related(&mut self) {
        let mut said = Vec::new();
        for (at, concept) in self.concepts.iter().enumerate() {
            for property in &concept.properties {
                let meaning = self.properties.get(&property.code).unwrap_or(&property.code);
                let is_parent = matches!(&**meaning, "parent" | "subsumedBy");
                if is_parent || &**meaning == "child" {
                    said.push((at as u32, is_parent, self.at(&property.plain())));
                }
            }
        }
        let numbered = self.concepts.iter().enumerate();
        let known = numbered.flat_map(|(at, concept)| concept.parents.iter().map(move |parent| (at as u32, *parent)));
        let mut pairs: HashSet<(u32, u32)> = known.collect();
        for (of, is_parent, other) in said {
            // A parent that is not there: who stands above whom cannot be said of all.
            let Some(other) = other else {
                self.is_hierarchy = false;
                continue;
            };
            let (child, parent) = if is_parent { (of, other) } else { (other, of) };
            if let Some(concept) = self.concepts.get_mut(child as usize)
                && pairs.insert((child, parent))
            {
                concept.parents.push(parent);
            }
        }
        for at in 0..self.concepts.len() {
            let parents = self.concepts.get(at).map(|concept| concept.parents.clone()).unwrap_or_default();
            for parent in parents {
                if let Some(parent) = self.concepts.get_mut(parent as usize) {
                    parent.children.push(at as u32);
                }
            }
        }
    }

    /// Adds the designations of a supplement: what its concepts are called beside.
    pub fn supplement(&mut self, definition: &Value) {
        self.supplemented(definition, 0);
    }

    fn supplemented(&mut self, of: &Value, depth: usize) {
        for json in array(of, "concept").filter(|_| depth < CONCEPT_DEPTH_MAX) {
            let language = text(of, "language");
            let named = text(json, "display").zip(language).map(|(display, language)| Designation {
                language: Some(language.into()),
                usage: None,
                value: display.into(),
            });
            let more = array(json, "designation").filter_map(Designation::read).chain(named);
            let at = text(json, "code").and_then(|code| self.at(code));
            if let Some(concept) = at.and_then(|at| self.concepts.get_mut(at as usize)) {
                for designation in more {
                    if !concept.designations.contains(&designation) {
                        concept.designations.push(designation);
                    }
                }
            }
            self.supplemented(json, depth + 1);
        }
    }

    /// Where a code stands among the concepts.
    pub fn at(&self, code: &str) -> Option<u32> {
        match self.is_case_sensitive {
            true => self.places.get(code).copied(),
            false => self.places.get(&key(code, false)).copied(),
        }
    }

    /// The concept of a code.
    pub fn find(&self, code: &str) -> Option<&Concept> {
        self.concept(self.at(code)?)
    }

    /// The concept that stands there.
    pub fn concept(&self, at: u32) -> Option<&Concept> {
        self.concepts.get(at as usize)
    }

    /// All concepts, in the order of the definition.
    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    /// The concept whose code differs from this one in case alone.
    pub fn in_other_case(&self, code: &str) -> Option<&Concept> {
        self.concepts.iter().find(|concept| concept.code.eq_ignore_ascii_case(code))
    }

    /// Whether a code is one of its codes.
    pub fn has(&self, code: &str) -> bool {
        self.at(code).is_some()
    }

    /// Whether these are all its codes.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// What a property means in R4's own words; `None` for one that is not declared.
    pub(super) fn meaning<'a>(&'a self, property: &'a str) -> Option<&'a str> {
        self.properties.get(property).map(|meaning| &**meaning)
    }

    /// Which concepts are reached from one over its children, or over its parents; without itself.
    pub fn reached(&self, from: u32, up: bool) -> Vec<bool> {
        let mut seen = vec![false; self.concepts.len()];
        let mut open = vec![from];
        while let Some(concept) = open.pop().and_then(|at| self.concept(at)) {
            for next in if up { &concept.parents } else { &concept.children } {
                if let Some(flag) = seen.get_mut(*next as usize).filter(|flag| !**flag) {
                    *flag = true;
                    open.push(*next);
                }
            }
        }
        if let Some(own) = seen.get_mut(from as usize) {
            *own = false;
        }
        seen
    }

    /// How two of its codes stand to each other; `None` where that cannot be said.
    pub fn subsumption(&self, a: u32, b: u32) -> Option<Subsumption> {
        if a == b {
            return Some(Subsumption::Equivalent);
        }
        let is_above = |of: u32, other: u32| self.reached(of, true).get(other as usize) == Some(&true);
        match (self.is_whole && self.is_hierarchy, is_above(b, a), is_above(a, b)) {
            (false, ..) => None,
            (_, true, _) => Some(Subsumption::Subsumes),
            (_, _, true) => Some(Subsumption::SubsumedBy),
            _ => Some(Subsumption::NotSubsumed),
        }
    }
}

impl Concept {
    fn read(code: &str, json: &Value, declared: &HashMap<Box<str>, Box<str>>) -> Self {
        let properties: Vec<Property> = array(json, "property").filter_map(Property::read).collect();
        let is = |property: &Property, names: &[&str]| {
            let meaning = declared.get(&property.code).unwrap_or(&property.code);
            names.contains(&&**meaning)
        };
        let is_true = |property: &Property| property.value == Value::Bool(true);
        let is_out = |property: &Property| matches!(&*property.plain(), "retired" | "inactive" | "withdrawn");
        Concept {
            code: code.into(),
            display: text(json, "display").map(Into::into),
            definition: text(json, "definition").map(Into::into),
            designations: array(json, "designation").filter_map(Designation::read).collect(),
            is_abstract: properties.iter().any(|one| is(one, &["notSelectable", "abstract"]) && is_true(one)),
            is_inactive: properties
                .iter()
                .any(|one| is(one, &["inactive"]) && is_true(one) || is(one, &["status"]) && is_out(one)),
            properties,
            parents: Vec::new(),
            children: Vec::new(),
        }
    }

    /// The concepts right above it, by where they stand.
    pub fn parents(&self) -> &[u32] {
        &self.parents
    }

    /// The concepts right below it, by where they stand.
    pub fn children(&self) -> &[u32] {
        &self.children
    }
}

impl Property {
    fn read(json: &Value) -> Option<Self> {
        let (form, value) = json.as_object()?.iter().find(|(name, _)| name.starts_with("value"))?;
        Some(Property { code: text(json, "code")?.into(), form: form.as_str().into(), value: value.clone() })
    }
}

fn key(code: &str, is_case_sensitive: bool) -> Box<str> {
    if is_case_sensitive { code.into() } else { code.to_lowercase().into() }
}
