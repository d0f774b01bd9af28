//! Tokens and dates as facts: the branches of all parameters of a type as one tree, so that a resource is gone through once.

use std::sync::OnceLock;

use serde_json::Value;

use crate::fhir::ResourceType;
use crate::fhir::oid;
use crate::fhir::reference::{Literal, resource_type};
use crate::fhir::time::Interval;
use crate::search::definition::Kind;
use crate::search::definitions::Definitions;
use crate::search::facts::{
    CLINICAL_ELEMENTS, DateFact, Parameter, Token, code_hash, is_case_sensitive, reference_hash, system_hash,
    token_hash,
};
use crate::search::plan::{Branch, Filter, Step, branches};
use crate::search::read::{interval, is_present, reads};

/// What is done at an element, and below it.
#[derive(Debug, Default)]
struct Node {
    leaves: Vec<Leaf>,
    /// In the order of the names.
    members: Vec<(Box<str>, Vec<Edge>)>,
    /// Below the same element, where something holds for it.
    filtered: Vec<(Filter, Node)>,
}

/// The items of a member that count, and what is done there.
#[derive(Debug)]
struct Edge {
    item: Option<usize>,
    node: Node,
}

/// Elements of one type, and the parameters whose values they are.
#[derive(Debug)]
struct Leaf {
    found: &'static str,
    /// Hash of the system that a code implies.
    system: u64,
    /// Whether the case of a code counts that states no system itself.
    is_case_sensitive: bool,
    readers: Vec<Reader>,
}

#[derive(Debug)]
enum Reader {
    Token(Parameter),
    Uri(Parameter),
    Reference(Parameter, Vec<ResourceType>),
    Date(Parameter),
    /// A clinical date of this rank.
    Clinical(usize),
}

/// All of a type.
#[derive(Debug, Default)]
struct Tree {
    root: Node,
    present: Vec<(Parameter, Vec<Branch>)>,
}

/// The tokens and dates of a resource of a type, sorted, each once.
pub(super) fn facts(of: ResourceType, resource: &Value, zone_minutes: i16) -> (Vec<Token>, Vec<DateFact>) {
    static TREES: [OnceLock<Tree>; 256] = [const { OnceLock::new() }; 256];
    let Some(tree) = TREES.get(usize::from(of.number())) else { return (Vec::new(), Vec::new()) };
    let tree = tree.get_or_init(|| Tree::of(of));
    let mut found = Found { resource, zone_minutes, tokens: Vec::new(), dates: Vec::new(), clinical: [None; 4] };
    found.node(&tree.root, resource);
    for (parameter, branches) in &tree.present {
        let code = token_hash(if is_present(resource, branches) { "true" } else { "false" });
        found.tokens.push(Token { parameter: *parameter, system: 0, code });
    }
    if resource.get("contained").is_some() {
        found.tokens.push(Token { parameter: Parameter::CONTAINED, system: 0, code: 0 });
    }
    if let Some(Interval { start, end }) = found.clinical.iter().flatten().next() {
        found.dates.push(DateFact { parameter: Parameter::CLINICAL, start: *start, end: *end });
    }
    // Equal values side by side are stored as one, whatever the parameter.
    found.tokens.sort_unstable_by_key(|token| (token.system, token.code, token.parameter));
    found.tokens.dedup();
    found.dates.sort_unstable_by_key(|date| (date.start, date.end, date.parameter));
    found.dates.dedup();
    (found.tokens, found.dates)
}

impl Tree {
    fn of(of: ResourceType) -> Tree {
        let mut tree = Tree::default();
        for definition in Definitions::base().of(of).filter(|definition| definition.is_kept()) {
            let parameter = definition.parameter;
            if let Some(branches) = definition.plan.presence() {
                tree.present.push((parameter, branches.to_vec()));
            }
            for branch in definition.plan.branches() {
                let reader = match definition.kind {
                    Kind::Token => Reader::Token(parameter),
                    Kind::Uri => Reader::Uri(parameter),
                    Kind::Date => Reader::Date(parameter),
                    _ => Reader::Reference(parameter, definition.targets.clone()),
                };
                tree.root.add(branch, reader);
            }
        }
        for (rank, names) in CLINICAL_ELEMENTS.iter().enumerate() {
            let paths = names.iter().filter_map(|name| branches(of.name(), name).ok());
            for branch in paths.flatten().filter(|branch| reads(Kind::Date, branch.found)) {
                tree.root.add(&branch, Reader::Clinical(rank));
            }
        }
        tree
    }
}

impl Node {
    fn add(&mut self, branch: &Branch, reader: Reader) {
        let mut node = self;
        for step in &branch.steps {
            node = match step {
                Step::Member(name) => node.member(name, None),
                Step::Item(name, at) => node.member(name, Some(*at)),
                Step::Where(filter) => node.filter(filter),
            };
        }
        let system = system_hash(branch.system);
        let is_case_sensitive = is_case_sensitive(branch.found, oid::canonical(branch.system));
        match node.leaves.iter_mut().find(|leaf| leaf.found == branch.found) {
            Some(leaf) => leaf.readers.push(reader),
            None => {
                node.leaves.push(Leaf { found: branch.found, system, is_case_sensitive, readers: vec![reader] });
            }
        }
    }

    fn member(&mut self, name: &str, item: Option<usize>) -> &mut Node {
        let at = match self.members.binary_search_by(|(other, _)| (**other).cmp(name)) {
            Ok(at) => at,
            Err(at) => {
                self.members.insert(at, (name.into(), Vec::new()));
                at
            }
        };
        let edges = &mut self.members[at].1;
        let edge = edges.iter().position(|edge| edge.item == item).unwrap_or_else(|| {
            edges.push(Edge { item, node: Node::default() });
            edges.len() - 1
        });
        &mut edges[edge].node
    }

    fn filter(&mut self, filter: &Filter) -> &mut Node {
        let at = self.filtered.iter().position(|(other, _)| other == filter).unwrap_or_else(|| {
            self.filtered.push((filter.clone(), Node::default()));
            self.filtered.len() - 1
        });
        &mut self.filtered[at].1
    }
}

struct Found<'a> {
    resource: &'a Value,
    zone_minutes: i16,
    tokens: Vec<Token>,
    dates: Vec<DateFact>,
    clinical: [Option<Interval>; 4],
}

impl Found<'_> {
    fn node(&mut self, node: &Node, value: &Value) {
        for leaf in &node.leaves {
            self.leaf(leaf, value);
        }
        for (filter, node) in &node.filtered {
            if filter.holds(value, self.resource) {
                self.node(node, value);
            }
        }
        let Some(object) = value.as_object().filter(|_| !node.members.is_empty()) else { return };
        for (name, value) in object {
            let Ok(at) = node.members.binary_search_by(|(other, _)| (**other).cmp(name)) else { continue };
            for edge in node.members.get(at).into_iter().flat_map(|(_, edges)| edges) {
                match (value, edge.item) {
                    (Value::Array(items), None) => items.iter().for_each(|item| self.node(&edge.node, item)),
                    (Value::Array(items), Some(at)) => items.get(at).into_iter().for_each(|i| self.node(&edge.node, i)),
                    (value, None) => self.node(&edge.node, value),
                    (_, Some(_)) => {}
                }
            }
        }
    }

    fn leaf(&mut self, leaf: &Leaf, value: &Value) {
        let from = self.tokens.len();
        let (mut date, mut target) = (None, None);
        for reader in &leaf.readers {
            match reader {
                Reader::Token(parameter) => self.again(from, *parameter, |found, p| found.token(leaf, value, p)),
                Reader::Uri(parameter) => self.again(from, *parameter, |found, p| found.uri(leaf.found, value, p)),
                Reader::Reference(parameter, targets) => {
                    let (of, hashes) = target.get_or_insert_with(|| refers(leaf.found, value));
                    if of.is_none_or(|of| targets.is_empty() || targets.contains(&of)) {
                        let token = |code| Token { parameter: *parameter, system: 0, code };
                        self.tokens.extend(hashes.iter().flatten().map(|hash| token(*hash)));
                    }
                }
                Reader::Date(_) | Reader::Clinical(_) => {
                    let read = *date.get_or_insert_with(|| interval(value, self.zone_minutes));
                    if let Some(interval) = read {
                        self.date(reader, interval);
                    }
                }
            }
        }
    }

    /// What one parameter reads from an element, another reads too: hashed once.
    fn again(&mut self, from: usize, parameter: Parameter, read: impl Fn(&mut Self, Parameter)) {
        let first = self.tokens.get(from).map(|token| token.parameter);
        let Some(first) = first else { return read(self, parameter) };
        let until = self.tokens.iter().skip(from).take_while(|token| token.parameter == first).count();
        self.tokens.extend_from_within(from..from + until);
        self.tokens.iter_mut().rev().take(until).for_each(|token| token.parameter = parameter);
    }

    fn date(&mut self, reader: &Reader, interval: Interval) {
        let Interval { start, end } = interval;
        match reader {
            Reader::Date(parameter) => self.dates.push(DateFact { parameter: *parameter, start, end }),
            Reader::Clinical(rank) => {
                if let Some(whole) = self.clinical.get_mut(*rank) {
                    let before = whole.unwrap_or(interval);
                    *whole = Some(Interval { start: before.start.min(start), end: before.end.max(end) });
                }
            }
            _ => {}
        }
    }

    fn token(&mut self, leaf: &Leaf, value: &Value, parameter: Parameter) {
        let mut add = |system: u64, code: u64| self.tokens.push(Token { parameter, system, code });
        let mut named = |value: &Value, name: &str| {
            let code = value.get(name).and_then(Value::as_str).filter(|code| !code.is_empty());
            if let Some(code) = code {
                let stated = value.get("system").and_then(Value::as_str).unwrap_or_default();
                let system = if leaf.found == "ContactPoint" { "" } else { oid::canonical(stated) };
                add(token_hash(system), code_hash(code, is_case_sensitive(leaf.found, system)));
            }
        };
        match (leaf.found, value) {
            ("CodeableConcept", value) => {
                let codings = value.get("coding").and_then(Value::as_array).into_iter().flatten();
                codings.for_each(|coding| named(coding, "code"));
            }
            ("Coding", value) => named(value, "code"),
            ("Identifier" | "ContactPoint", value) => named(value, "value"),
            (_, Value::String(code)) if !code.is_empty() => add(leaf.system, code_hash(code, leaf.is_case_sensitive)),
            (_, Value::Bool(flag)) => add(0, token_hash(if *flag { "true" } else { "false" })),
            (_, Value::Number(number)) => add(0, token_hash(&number.to_string())),
            _ => {}
        }
    }

    fn uri(&mut self, found: &str, value: &Value, parameter: Parameter) {
        let Some(text) = value.as_str() else { return };
        let hashes = [Some(token_hash(text)), unversioned(found, text)];
        self.tokens.extend(hashes.into_iter().flatten().map(|code| Token { parameter, system: 0, code }));
    }
}

/// What a reference is found by, and the type it points to, where that is known.
fn refers(found: &str, value: &Value) -> (Option<ResourceType>, [Option<u64>; 2]) {
    if found == "Resource" {
        let id = value.get("id").and_then(Value::as_str);
        let of = resource_type(value);
        return (of, [of.zip(id).map(|(of, id)| reference_hash(of, id)), None]);
    }
    let text = if found == "Reference" { value.get("reference") } else { Some(value) };
    let Some(text) = text.and_then(Value::as_str) else { return (None, [None; 2]) };
    match Literal::parse(text) {
        Literal::Relative(of, id) => (Some(of), [Some(reference_hash(of, id)), None]),
        Literal::Absolute(url, local) => {
            let of = local.filter(|_| found == "Reference").map(|(of, _)| of);
            (of, [Some(token_hash(url)), unversioned(found, url)])
        }
        Literal::Urn(urn) => (None, [Some(token_hash(urn)), unversioned(found, urn)]),
        Literal::Contained | Literal::Other => (None, [None; 2]),
    }
}

/// A canonical is found with its version and without (references.html#canonical).
fn unversioned(found: &str, text: &str) -> Option<u64> {
    let (url, _) = text.split_once('|').filter(|_| found == "canonical")?;
    Some(token_hash(url))
}
