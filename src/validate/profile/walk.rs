//! The walk through a resource beside the tree of a profile. What is right costs no memory: places are put into words, and
//! numbers counted, only when something is wrong.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::ELEMENTS_MAX;
use super::problem::{self, *};
use super::reference::{Contained, Entries};
use super::spot::{Found, Spot};
use crate::fault::{Issue, Place, Rule, Severity};
use crate::profile::{Link, MANY, Node, NodeId, Profiles, Schema, SchemaId, Type};
use crate::validate::path::Path;
use crate::validate::{DEPTH_ELEMENTS_MAX, PROBLEMS_MAX};

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// What was found, and what surrounds the place where the walk is.
pub(super) struct Walk<'w> {
    pub(super) profiles: &'w Profiles,
    problems: Vec<Problem>,
    left_out: usize,
    /// How many trials the walk is in: what is wrong in one is not told, only that something is.
    trials: usize,
    is_failed: bool,
    /// The resource that is looked at, and the one it is contained in.
    pub(super) resource: &'w Value,
    pub(super) root: &'w Value,
    /// The resources of the Bundle that the walk is in.
    pub(super) entries: Option<Rc<Entries<'w>>>,
    /// What is contained in each resource, as far as somebody referred to it.
    pub(super) contained: Rc<RefCell<HashMap<*const Value, Contained<'w>>>>,
    /// Which profiles have been put to which resources.
    applied: HashSet<(*const Value, SchemaId)>,
    /// Which resources keep to which profiles, as far as it was tried; while it is being tried, they do.
    kept: HashMap<(*const Value, SchemaId), bool>,
    /// What is said once.
    told: HashSet<String>,
    /// The package of the profile in force: its dependencies say which versions are meant.
    pub(super) package: Option<usize>,
    /// Whether the resource, or the Bundle that it is in, is to keep to a profile of JP-CLINS.
    pub(super) is_clins: bool,
    /// The profiles that every resource of their type is to keep to.
    pub(super) everywhere: Vec<&'w Schema>,
    /// How many constraints took too long.
    pub(super) costly: usize,
    depth: usize,
    elements: usize,
    /// [`ELEMENTS_MAX`], less in tests.
    pub(super) elements_max: usize,
}

/// A node of a profile, which problems name.
#[derive(Clone, Copy)]
pub(super) struct At<'w> {
    pub(super) schema: &'w Schema,
    pub(super) node: &'w Node,
}

impl<'w> Walk<'w> {
    pub(super) fn new(profiles: &'w Profiles, resource: &'w Value) -> Self {
        Walk {
            profiles,
            problems: Vec::new(),
            left_out: 0,
            trials: 0,
            is_failed: false,
            resource,
            root: resource,
            entries: None,
            contained: Rc::default(),
            applied: HashSet::new(),
            kept: HashMap::new(),
            told: HashSet::new(),
            package: None,
            is_clins: false,
            everywhere: Vec::new(),
            costly: 0,
            depth: 0,
            elements: 0,
            elements_max: ELEMENTS_MAX,
        }
    }

    /// A walk of its own in the same surroundings.
    pub(super) fn aside(&self) -> Self {
        let (resource, root) = (self.resource, self.root);
        let (entries, depth, package) = (self.entries.clone(), self.depth, self.package);
        let contained = Rc::clone(&self.contained);
        Walk { resource, root, entries, contained, depth, package, ..Walk::new(self.profiles, root) }
    }

    /// The problems, the errors first, each once.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        if self.elements > self.elements_max {
            let most = self.elements_max.to_string();
            self.add(&UNFINISHED, None, &Path::root("Resource"), || (most, String::new()));
        }
        let mut seen = HashSet::new();
        self.problems.retain(|one| {
            let place = one.issue.place.to_string();
            seen.insert((one.issue.rule.id, one.name.clone(), place, one.issue.detail.clone()))
        });
        self.problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity()));
        if self.left_out > 0 {
            let left_out = self.left_out.to_string();
            self.add(&problem::MORE, None, &Path::root("Resource"), || (left_out, String::new()));
        }
        self.problems
    }

    /// Whether nothing more needs to be looked at: a trial has failed, or it takes too long.
    pub(super) fn is_over(&self) -> bool {
        self.elements > self.elements_max || self.is_failed
    }

    /// Counts what is looked at elsewhere than in [`Walk::element`]; whether there may be more.
    pub(super) fn goes_on(&mut self, elements: usize) -> bool {
        self.elements = self.elements.saturating_add(elements);
        !self.is_over()
    }

    /// Whether the walk only tries.
    pub(super) fn is_trial(&self) -> bool {
        self.trials > 0
    }

    /// Notes a problem; `said` gives what was wanted and what was found.
    pub(super) fn add(
        &mut self,
        rule: &'static Rule,
        at: Option<At<'_>>,
        path: &Path<'_>,
        said: impl FnOnce() -> (String, String),
    ) {
        self.add_named(rule, None, at, path, said);
    }

    pub(super) fn add_named(
        &mut self,
        rule: &'static Rule,
        name: Option<&str>,
        at: Option<At<'_>>,
        path: &Path<'_>,
        said: impl FnOnce() -> (String, String),
    ) {
        if self.trials > 0 {
            self.is_failed |= rule.severity >= Severity::Error;
            return;
        }
        if self.problems.len() >= PROBLEMS_MAX && !std::ptr::eq(rule, &problem::MORE) {
            self.left_out += 1;
            let lesser = self.problems.iter().rposition(|problem| problem.severity() < Severity::Error);
            match lesser.filter(|_| rule.severity >= Severity::Error) {
                Some(at) => drop(self.problems.remove(at)),
                None => return,
            }
        }
        let (wanted, found) = said();
        self.problems.push(Problem {
            issue: Issue::with(rule, Place::Path(path.text().into()), wanted),
            name: name.map(Into::into),
            profile: at.map(|at| at.schema.canonical().into()).unwrap_or_default(),
            element: at.map(|at| at.node.id.clone()).unwrap_or_default(),
            slice: at.map(|at| at.node.slice_name().into()).unwrap_or_default(),
            found: found.into(),
        });
    }

    /// Notes what is said once about a thing.
    pub(super) fn tell(&mut self, rule: &'static Rule, at: Option<At<'_>>, path: &Path<'_>, about: &str) {
        if self.trials == 0 && self.told.insert(format!("{} {about}", rule.id)) {
            self.add(rule, at, path, || (super::value::quotable(about).to_owned(), String::new()));
        }
    }

    /// Whether nothing wrong is found by what is done.
    pub(super) fn tries(&mut self, what: impl FnOnce(&mut Self)) -> bool {
        let outer = std::mem::replace(&mut self.is_failed, false);
        self.trials += 1;
        what(self);
        self.trials -= 1;
        !std::mem::replace(&mut self.is_failed, outer)
    }

    /// Puts a profile to a resource or an element.
    pub(super) fn apply(&mut self, schema: &'w Schema, spot: Spot<'w>, path: &Path<'_>) {
        let Some(root) = schema.node(0) else { return };
        if spot.is_resource {
            let is_of_type =
                matches!(&*schema.type_name, "Resource" | "DomainResource") || *schema.type_name == *spot.type_name;
            if !is_of_type {
                let at = At { schema, node: root };
                return self
                    .add(&WRONG_RESOURCE, Some(at), path, || (schema.type_name.to_string(), spot.type_name.into()));
            }
            let is_new = |value: &Value| self.applied.insert((std::ptr::from_ref(value), schema.id));
            if self.trials == 0 && !spot.value.is_some_and(is_new) {
                return;
            }
        }
        self.element(schema, 0, spot, path);
    }

    /// Whether a resource or an element keeps to a profile. Of a resource it is tried once.
    pub(super) fn keeps_to(&mut self, schema: &'w Schema, spot: Spot<'w>, path: &Path<'_>) -> bool {
        let Some(value) = spot.value.filter(|_| spot.is_resource) else {
            return self.tries(|walk| walk.apply(schema, spot, path));
        };
        let key = (std::ptr::from_ref(value), schema.id);
        if let Some(known) = self.kept.get(&key) {
            return *known;
        }
        self.kept.insert(key, true);
        let is_kept = self.tries(|walk| walk.apply(schema, spot, path));
        self.kept.insert(key, is_kept);
        is_kept
    }

    /// Everything that a node says about a value, but how many there may be.
    pub(super) fn element(&mut self, schema: &'w Schema, id: NodeId, spot: Spot<'w>, path: &Path<'_>) {
        let Some(node) = schema.node(id) else { return };
        self.elements += 1;
        if self.is_over() || self.depth > 2 * DEPTH_ELEMENTS_MAX {
            return;
        }
        self.depth += 1;
        let at = At { schema, node };
        let outer = (self.resource, self.root);
        if let Some(value) = spot.value.filter(|_| spot.is_resource) {
            self.root = if path.is_in("contained") { self.root } else { value };
            self.resource = value;
        }
        if let Some(types) = &node.types {
            self.typed(at, types, spot, path);
        }
        self.valued(at, spot, path);
        if let Some(binding) = &node.binding {
            self.bound(at, binding, spot, path);
        }
        if !node.constraints.is_empty() {
            self.constraints(at, spot, path);
        }
        self.children(schema, node, spot, path);
        (self.resource, self.root) = outer;
        self.depth -= 1;
    }

    /// The type of a value, and the profiles of the type.
    fn typed(&mut self, at: At<'w>, types: &'w [Type], spot: Spot<'w>, path: &Path<'_>) {
        let is_chosen = at.node.member.is_none() || spot.is_resource;
        let is_meant = |one: &&Type| {
            *one.code == *spot.type_name || spot.is_resource && matches!(&*one.code, "Resource" | "DomainResource")
        };
        let Some(meant) = types.iter().find(is_meant).or_else(|| types.first().filter(|_| !is_chosen)) else {
            let names = || types.iter().map(|one| &*one.code).collect::<Vec<_>>().join(", ");
            return self.add(&TYPE, Some(at), path, || (names(), spot.type_name.into()));
        };
        if meant.targets.is_some() || meant.aggregation.is_some() {
            self.reference(at, meant, spot, path);
        }
        match &*meant.profiles {
            [] => {}
            [only] => {
                if let Some(schema) = self.follow(at, only, path) {
                    self.apply(schema, spot, path);
                }
            }
            several => self.one_of(at, several, spot, path),
        }
    }

    /// A value that keeps to one of several profiles.
    fn one_of(&mut self, at: At<'w>, several: &'w [Link], spot: Spot<'w>, path: &Path<'_>) {
        let all: Vec<&Schema> = several.iter().filter_map(|link| self.follow(at, link, path)).collect();
        if all.len() == several.len() && !all.iter().any(|schema| self.keeps_to(schema, spot, path)) {
            let names = || all.iter().map(|schema| schema.canonical()).collect::<Vec<_>>().join(", ");
            self.add(&NONE_OF, Some(at), path, || (names(), String::new()));
        }
    }

    /// The profile that another one names; when it is not loaded that is said.
    pub(super) fn follow(&mut self, at: At<'w>, link: &'w Link, path: &Path<'_>) -> Option<&'w Schema> {
        let found = self.profiles.follow(link);
        if found.is_none() {
            self.tell(&NOT_LOADED, Some(at), path, &link.canonical);
        }
        found
    }

    fn children(&mut self, schema: &'w Schema, node: &'w Node, spot: Spot<'w>, path: &Path<'_>) {
        let content = node.content.and_then(|id| schema.node(id));
        let children = content.map_or(&node.children, |content| &content.children);
        if children.is_empty() || (spot.value.is_none() && spot.beside.is_none()) {
            return;
        }
        let (object, Some(shape)) = (spot.object().unwrap_or(&EMPTY), spot.inside()) else { return };
        for id in children {
            if self.is_over() {
                return;
            }
            if let Some(child) = schema.node(*id) {
                let found = Found::find(child, object, shape);
                self.member(schema, *id, child, found, path);
            }
        }
    }

    /// The values of an element: how many, of which slices, and each by itself.
    fn member(&mut self, schema: &'w Schema, id: NodeId, node: &'w Node, found: Option<Found<'w>>, path: &Path<'_>) {
        let at = At { schema, node };
        let Some(found) = found else {
            self.missing(at, path);
            return;
        };
        let count = found.count();
        let place = match found.member.element.is_choice() {
            true => path.chosen(found.member.element.stem(), found.member.type_name),
            false => path.member(&found.member.name),
        };
        if node.max == 0 {
            return self.add(&NOT_HERE, Some(at), &place, || (node.name.to_string(), String::new()));
        }
        if count < node.min as usize {
            self.add(&MIN, Some(at), &place, || (times(node, node.min), count.to_string()));
        }
        if node.max != MANY && count > node.max as usize {
            self.add(&MAX, Some(at), &place, || (times(node, node.max), count.to_string()));
        }
        for item in 0..if node.is_bare { 0 } else { count } {
            match found.is_array() {
                true => self.element(schema, id, found.spot(item), &place.item(item)),
                false => self.element(schema, id, found.spot(item), &place),
            }
        }
        if let Some(slicing) = &node.slicing {
            self.slices(at, slicing, found, None, &place);
        }
    }

    /// An element that is not there, and slices of it that must be.
    fn missing(&mut self, at: At<'w>, path: &Path<'_>) {
        let place = path.member(&at.node.name);
        if at.node.min > 0 {
            return self.add(&MIN, Some(at), &place, || (times(at.node, at.node.min), "0".into()));
        }
        let slices = at.node.slicing.as_ref().map_or(&[][..], |slicing| &slicing.slices);
        for node in slices.iter().filter_map(|slice| at.schema.node(slice.node)).filter(|node| node.min > 0) {
            let at = At { node, ..at };
            self.add(&SLICE_MIN, Some(at), &place, || (format!("{} × {}", node.slice_name(), node.min), "0".into()));
        }
    }
}

/// A number of values of an element.
fn times(node: &Node, count: u32) -> String {
    format!("{} × {count}", node.name)
}
