//! The walk through a resource beside the table of its elements.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::invariant::{self, Around};
use super::rule::{self, *};
use super::{DEPTH_ELEMENTS_MAX, Level, PROBLEMS_MAX};
use super::{attachment, binding, bundle, narrative};
use crate::fault::{Issue, Place, Rule, Severity};
use crate::fhir::ResourceType;
use crate::fhir::r4::primitive::Primitive;
use crate::fhir::r4::{self, Kind, Member, Shape};
use crate::validate::path::{Path, is_plain};
use crate::validate::{BAD_TYPE, EMPTY, NULL};

/// What was found, and what surrounds the place where the walk is.
pub(super) struct Walk<'v> {
    issues: Vec<Issue>,
    left_out: usize,
    level: Level,
    /// How many constraints took too long.
    costly: usize,
    /// The resource that is looked at, and the one it is contained in.
    around: Around<'v>,
    /// The resources contained in the one that is being looked at.
    pub(super) contained: &'v [Value],
    /// Where they are, by their ids.
    pub(super) ids: HashMap<&'v str, usize>,
    /// Which of them something refers to.
    pub(super) is_used: Vec<bool>,
    /// Which of them the walk is in.
    pub(super) contained_at: Option<usize>,
    /// In a transaction or batch a reference may be a search (http.html#transaction, conditional references).
    pub(super) is_transaction: bool,
    /// In a Bundle, what references may mean.
    pub(super) within: Option<bundle::Within<'v>>,
    /// How many extensions the walk is in.
    extensions: usize,
    /// The place in its array of the value that is looked at.
    item_at: usize,
}

/// What a resource is found in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// It is the one asked about, an entry of a Bundle, or a parameter.
    Nothing,
    /// `contained` of another, at that place.
    Contained(usize),
}

/// A member of an object, as it stands there.
struct Found<'v> {
    object: &'v Map<String, Value>,
    member: &'static Member,
    value: &'v Value,
}

impl<'v> Walk<'v> {
    pub(super) fn new(resource: &'v Value, level: Level) -> Self {
        Walk {
            issues: Vec::new(),
            left_out: 0,
            level,
            costly: 0,
            around: Around { resource, root: resource },
            contained: &[],
            ids: HashMap::new(),
            is_used: Vec::new(),
            contained_at: None,
            is_transaction: false,
            within: None,
            extensions: 0,
            item_at: 0,
        }
    }

    pub(super) fn finish(self) -> (Vec<Issue>, usize) {
        (self.issues, self.left_out)
    }

    pub(super) fn add(&mut self, rule: &'static Rule, path: &Path<'_>) {
        self.add_with(rule, path, String::new);
    }

    pub(super) fn add_with(&mut self, rule: &'static Rule, path: &Path<'_>, detail: impl FnOnce() -> String) {
        if self.issues.len() >= PROBLEMS_MAX {
            self.left_out += 1;
            // An error is listed before any warning: whether the resource may be stored hangs on it.
            let lesser = self.issues.iter().rposition(|issue| issue.rule.severity < Severity::Error);
            match lesser.filter(|_| rule.severity >= Severity::Error) {
                Some(at) => drop(self.issues.remove(at)),
                None => return,
            }
        }
        self.issues.push(Issue::with(rule, Place::Path(path.text().into()), detail()));
    }

    pub(super) fn resource(&mut self, value: &'v Value, path: &Path<'_>, depth: usize, inside: Inside) {
        let Value::Object(object) = value else {
            return self.add_with(&WANTS_OBJECT, path, || "Resource".into());
        };
        let named = object.get("resourceType").and_then(Value::as_str).and_then(ResourceType::parse);
        let Some(shape) = named.and_then(|known| r4::shape(known.name())) else {
            return self.add(&BAD_TYPE, &path.member("resourceType"));
        };
        if let Inside::Contained(at) = inside {
            self.contained_at = Some(at);
            let outer = std::mem::replace(&mut self.around.resource, value);
            self.contained_meta(object, path);
            self.object(value, object, shape, path, depth);
            (self.contained_at, self.around.resource) = (None, outer);
            return;
        }
        let contained = object.get("contained").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let id = |(at, one): (usize, &'v Value)| Some((one.get("id")?.as_str()?, at));
        let outer = (
            std::mem::replace(&mut self.contained, contained),
            // The first of an id is the one that is meant.
            std::mem::replace(&mut self.ids, contained.iter().enumerate().rev().filter_map(id).collect()),
            std::mem::replace(&mut self.is_used, vec![false; contained.len()]),
            self.contained_at.take(),
            std::mem::replace(&mut self.around, Around { resource: value, root: value }),
            (shape.path == "Bundle").then(|| self.within.take()),
        );
        self.object(value, object, shape, path, depth);
        self.unused(path);
        if let Some(within) = outer.5 {
            self.within = within;
        }
        (self.contained, self.ids, self.is_used, self.contained_at, self.around) =
            (outer.0, outer.1, outer.2, outer.3, outer.4);
    }

    fn contained_meta(&mut self, object: &Map<String, Value>, path: &Path<'_>) {
        let Some(Value::Object(meta)) = object.get("meta") else { return };
        let path = path.member("meta");
        for (name, rule) in [("versionId", &DOM_4), ("lastUpdated", &DOM_4), ("security", &DOM_5)] {
            if meta.contains_key(name) {
                self.add(rule, &path.member(name));
            }
        }
    }

    fn unused(&mut self, path: &Path<'_>) {
        let path = path.member("contained");
        for at in 0..self.is_used.len() {
            if self.is_used.get(at) == Some(&false) {
                self.add(&DOM_3, &path.item(at));
            }
        }
    }

    /// `object` is what `value` holds.
    fn object(
        &mut self,
        value: &'v Value,
        object: &'v Map<String, Value>,
        shape: &'static Shape,
        path: &Path<'_>,
        depth: usize,
    ) {
        if depth > DEPTH_ELEMENTS_MAX {
            return self.add_with(&TOO_DEEP, path, || DEPTH_ELEMENTS_MAX.to_string());
        }
        if object.len() <= 1 {
            match object.keys().next().map(String::as_str) {
                None => return self.add(&EMPTY, path),
                Some("id") => return self.add(&ELE_1, path),
                Some(_) => {}
            }
        }
        if shape.path == "Bundle" {
            let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
            self.is_transaction |= matches!(kind, "transaction" | "batch");
            self.within = bundle::Within::of(object, kind);
            bundle::check(self, object, kind, path);
        }
        let mut present = 0_u128;
        for (name, value) in object {
            let (plain, is_sibling) = name.strip_prefix('_').map_or((name.as_str(), false), |plain| (plain, true));
            let Some(member) = shape.member(plain).filter(|m| !is_sibling || matches!(m.kind, Kind::Primitive(_)))
            else {
                if name != "resourceType" || !is_resource(shape) {
                    self.unknown(name, shape, path);
                }
                continue;
            };
            let bit = 1 << member.at;
            if present & bit != 0 && member.element.is_choice() {
                self.second_choice(object, shape, member, path);
            }
            present |= bit;
            let found = Found { object, member, value };
            if member.element.is_choice() {
                self.value(&found, &path.chosen(member.element.stem(), member.type_name), depth, is_sibling);
            } else {
                self.value(&found, &path.member(&member.name), depth, is_sibling);
            }
        }
        self.missing(shape, present, path);
        if self.level == Level::Full {
            self.constraints(value, shape, path);
        }
    }

    fn constraints(&mut self, value: &'v Value, shape: &Shape, path: &Path<'_>) {
        for constraint in invariant::of(shape) {
            if self.costly >= invariant::COSTLY_MAX {
                return;
            }
            match constraint.holds(value, &self.around) {
                Some(true) => {}
                Some(false) => self.add(&constraint.rule, path),
                None => {
                    self.costly += 1;
                    self.add_with(&UNCHECKED, path, || constraint.rule.id.into());
                }
            }
        }
    }

    fn unknown(&mut self, name: &str, shape: &Shape, path: &Path<'_>) {
        let detail = |name: &str| format!("{}.{name}", shape.path);
        if is_plain(name) && !name.is_empty() {
            self.add_with(&UNKNOWN, &path.member(name), || detail(name));
        } else {
            self.add_with(&UNKNOWN, path, || detail("?"));
        }
    }

    /// Another member of the same choice stands there too, and this one is not its sibling (`valueString` and `_valueString`).
    fn second_choice(&mut self, object: &Map<String, Value>, shape: &Shape, member: &Member, path: &Path<'_>) {
        let mut names = object.keys().map(|name| name.trim_start_matches('_'));
        let first = names.find(|name| shape.member(name).is_some_and(|other| other.at == member.at));
        if first.is_some_and(|first| first != &*member.name) {
            let stem = member.element.stem();
            self.add_with(&CHOICE, &path.member(stem), || format!("{}.{}", shape.path, member.element.name));
        }
    }

    fn missing(&mut self, shape: &'static Shape, present: u128, path: &Path<'_>) {
        let mut missing = shape.required() & !present;
        while missing != 0 {
            let at = missing.trailing_zeros() as usize;
            missing &= missing - 1;
            if let Some(element) = shape.elements().get(at) {
                self.add_with(&REQUIRED, &path.member(element.stem()), || format!("{}.{}", shape.path, element.name));
            }
        }
    }

    fn value(&mut self, found: &Found<'v>, path: &Path<'_>, depth: usize, is_sibling: bool) {
        let member = found.member;
        match found.value {
            Value::Null => self.add(&NULL, path),
            Value::Array(_) if !member.element.is_many => self.add_with(&ARRAY, path, || name(member)),
            Value::Array(items) if items.is_empty() => self.add(&EMPTY, path),
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    let path = path.item(at);
                    self.item_at = at;
                    match item {
                        Value::Null if self.keeps_place(found, at, is_sibling) => {}
                        Value::Null => self.add(&NULL, &path),
                        item => self.item(member, item, &path, depth, is_sibling),
                    }
                }
            }
            _ if member.element.is_many => self.add_with(&NOT_ARRAY, path, || name(member)),
            value => self.item(member, value, path, depth, is_sibling),
        }
    }

    /// json.html#null: null keeps a place free where the other of the pair `name`, `_name` has a value there.
    fn keeps_place(&self, found: &Found<'v>, at: usize, is_sibling: bool) -> bool {
        let other = match is_sibling {
            true => found.object.get(&*found.member.name),
            false if matches!(found.member.kind, Kind::Primitive(_)) => {
                found.object.get(&format!("_{}", found.member.name))
            }
            false => None,
        };
        other.and_then(|other| other.get(at)).is_some_and(|value| !value.is_null())
    }

    fn item(&mut self, member: &'static Member, value: &'v Value, path: &Path<'_>, depth: usize, is_sibling: bool) {
        match (member.kind, value) {
            (Kind::Primitive(_), _) if is_sibling => self.sibling(member, value, path, depth),
            (Kind::Primitive(primitive), value) => self.primitive(primitive, member, value, path),
            (Kind::Complex(shape), Value::Object(object)) if shape.path == "Extension" => {
                self.extensions += 1;
                self.object(value, object, shape, path, depth + 1);
                self.extensions -= 1;
                self.extension(member, object, path);
            }
            (Kind::Complex(shape), Value::Object(object)) => {
                self.object(value, object, shape, path, depth + 1);
                self.typed(member, shape, object, path);
            }
            (Kind::Complex(_), _) => self.add_with(&WANTS_OBJECT, path, || name(member)),
            (Kind::Resource, value) if &*member.name == "contained" => {
                if self.contained_at.is_some() {
                    return self.add(&DOM_2, path);
                }
                self.resource(value, path, depth + 1, Inside::Contained(self.item_at));
            }
            (Kind::Resource, value) => self.resource(value, path, depth + 1, Inside::Nothing),
        }
    }

    /// What a primitive element has besides its value: id and extensions.
    fn sibling(&mut self, member: &'static Member, value: &'v Value, path: &Path<'_>, depth: usize) {
        match (value, r4::shape("Element")) {
            (Value::Object(object), Some(shape)) => {
                // With a value beside it, an id says something.
                if object.len() != 1 || !object.contains_key("id") {
                    self.object(value, object, shape, path, depth + 1);
                }
            }
            _ => self.add_with(&WANTS_OBJECT, path, || format!("_{}", member.name)),
        }
    }

    fn primitive(&mut self, primitive: Primitive, member: &'static Member, value: &'v Value, path: &Path<'_>) {
        if let Err(flaw) = primitive.check(value) {
            return self.add_with(rule::of_flaw(primitive, flaw), path, || name(member));
        }
        let Value::String(text) = value else { return };
        if let Some(set) = member.element.binding {
            binding::code(self, set, text, path);
        }
        match primitive {
            Primitive::Xhtml => match narrative::check(text) {
                Ok(false) => {}
                Ok(true) => self.add(&OUTER_IMAGE, path),
                Err((rule, what)) => self.add_with(rule, path, || what.into()),
            },
            Primitive::Uri | Primitive::Url | Primitive::Canonical => {
                self.mark_used(text);
            }
            _ => {}
        }
    }

    /// What types ask for that the table of elements does not say.
    fn typed(&mut self, member: &'static Member, shape: &Shape, object: &'v Map<String, Value>, path: &Path<'_>) {
        match shape.path {
            "Reference" => self.reference(member, object, path),
            "Attachment" => attachment::check(self, object, path),
            "CodeableConcept" => {
                if let Some(set) = member.element.binding {
                    binding::concept(self, set, object, path);
                }
            }
            "Quantity" if member.targets == "SimpleQuantity" && object.contains_key("comparator") => {
                self.add(&SQTY_1, &path.member("comparator"));
            }
            _ => {}
        }
    }

    /// Extensions (extensibility.html#Extension). Nothing but a url is to be had of one that nobody here knows.
    fn extension(&mut self, member: &Member, object: &Map<String, Value>, path: &Path<'_>) {
        let is_nested = object.contains_key("extension") || object.contains_key("_extension");
        let has_value = object.keys().any(|name| name.trim_start_matches('_').starts_with("value"));
        if is_nested == has_value {
            self.add(&EXT_1, path);
        }
        let url = object.get("url").and_then(Value::as_str);
        if self.extensions == 0 && url.is_some_and(|url| !url.contains(':')) {
            self.add(&EXTENSION_URL, &path.member("url"));
        }
        if &*member.name == "modifierExtension" {
            self.add(&MODIFIER, path);
        }
    }
}

fn is_resource(shape: &Shape) -> bool {
    shape.member("implicitRules").is_some()
}

fn name(member: &Member) -> String {
    member.name.to_string()
}
