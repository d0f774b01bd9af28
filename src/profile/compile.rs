//! A StructureDefinition with a snapshot becomes a [`Schema`] (elementdefinition.html): what R4 itself says is left out, for
//! the base validation checks it.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, OnceLock};

use serde_json::Value;

use super::schema::*;
use super::slicing;
use crate::fhir::r4::{self, Element, Kind, Shape};
use crate::fhirpath::Expression;
use crate::terminology::{array, text};

/// Where R4 keeps its own definitions.
pub(super) const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";
/// The extension of a binding that says which codes there may be at most (elementdefinition-maxValueSet).
const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";

/// Constraints that the base validation checks without their FHIRPath.
const CHECKED_OTHERWISE: [&str; 20] = [
    "ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "txt-1", "txt-2", "ref-1", "sqty-1", "bdl-1", "bdl-2",
    "bdl-3", "bdl-4", "bdl-5", "bdl-7", "bdl-8", "bdl-9", "bdl-11", "bdl-12",
];

/// Extension that marks a constraint as good practice.
const BEST_PRACTICE: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice";

/// Which definition is compiled, and of which package.
#[derive(Clone, Copy)]
pub(super) struct Which<'a> {
    pub(super) id: SchemaId,
    pub(super) package: usize,
    pub(super) version: &'a str,
}

/// Reads a definition; `None` for what is no definition of a type of R4.
pub(super) fn compile(definition: &Value, snapshot: &[Value], which: Which<'_>) -> Option<Schema> {
    let type_name = text(definition, "type")?;
    let shape = r4::shape(type_name).or_else(|| r4::shape("Element"))?;
    let mut compiler = Compiler::read(snapshot, which.package);
    let root = compiler.elements.first()?.json;
    compiler.node(0, None, Some(shape));
    compiler.connect();
    let base = text(definition, "baseDefinition").map(|url| Link::new(url, which.package));
    Some(Schema {
        id: which.id,
        url: text(definition, "url")?.into(),
        version: which.version.into(),
        package: which.package,
        type_name: type_name.into(),
        base,
        is_definition: text(definition, "derivation") != Some("constraint"),
        is_modifier: root.get("isModifier") == Some(&Value::Bool(true)),
        contexts: array(definition, "context").filter_map(used_in).collect(),
        context_invariants: array(definition, "contextInvariant")
            .filter_map(Value::as_str)
            .filter_map(|text| Expression::parse(text).ok())
            .collect(),
        nodes: compiler.nodes,
    })
}

fn used_in(context: &Value) -> Option<Use> {
    let expression = text(context, "expression")?;
    Some(match text(context, "type")? {
        "element" => Use::Element(expression.into()),
        "extension" => Use::Extension(expression.into()),
        _ => Use::Path(Box::new(Expression::parse(expression).ok()?)),
    })
}

/// An element of the snapshot in its place.
struct Placed<'j> {
    json: &'j Value,
    id: String,
    children: Vec<usize>,
    slices: Vec<usize>,
}

struct Compiler<'j> {
    elements: Vec<Placed<'j>>,
    nodes: Vec<Node>,
    /// The nodes of elements that another may refer to, by their ids.
    by_id: HashMap<String, NodeId>,
    package: usize,
}

impl<'j> Compiler<'j> {
    fn read(snapshot: &'j [Value], package: usize) -> Self {
        let mut elements: Vec<Placed<'j>> = Vec::with_capacity(snapshot.len());
        let mut by_id: HashMap<String, usize> = HashMap::new();
        for (at, json) in snapshot.iter().enumerate() {
            let id = id_of(json);
            let owner = owner(&id, &by_id).and_then(|(owner, is_slice)| Some((elements.get_mut(owner)?, is_slice)));
            if let Some((owner, is_slice)) = owner {
                if is_slice { &mut owner.slices } else { &mut owner.children }.push(at);
            }
            by_id.insert(id.clone(), at);
            elements.push(Placed { json, id, children: Vec::new(), slices: Vec::new() });
        }
        Compiler { elements, nodes: Vec::new(), by_id: HashMap::new(), package }
    }

    /// The node of an element, given the type it stands in or, for the root, its own. `None` where nothing is said about it
    /// that R4 does not say, and it is no slice.
    fn node(&mut self, at: usize, parent: Option<&'static Shape>, own: Option<&'static Shape>) -> Option<NodeId> {
        let placed = self.elements.get(at)?;
        let (json, id) = (placed.json, placed.id.clone());
        let (children, slices) = (placed.children.clone(), placed.slices.clone());
        let last = id.rsplit('.').next().unwrap_or(&id);
        let (name, slice) = last.split_once(':').map_or((last, None), |(name, slice)| (name, Some(slice)));
        let base = parent.and_then(|shape| element_of(shape, name));
        if parent.is_some() && base.is_none() && name != "value" {
            return None;
        }
        let node_id = self.nodes.len() as NodeId;
        let mut node = Node::new(&id, base.map_or(name, |base| base.stem()));
        node.member =
            parent.filter(|_| base.is_some_and(|base| !base.is_choice())).and_then(|shape| shape.member(name));
        self.limits(&mut node, json, base, slice.is_some());
        self.nodes.push(node);
        let inside = own.or_else(|| inside(json, parent, base, name));
        let children: Vec<NodeId> = children.into_iter().filter_map(|child| self.node(child, inside, None)).collect();
        let slicing = self.slicing(json, &slices, parent, &id);
        let node = self.nodes.get_mut(node_id as usize)?;
        (node.children, node.slicing) = (children, slicing);
        if node.children.is_empty() && json.get("contentReference").is_some() {
            node.content = Some(NodeId::MAX);
        }
        if node.says_nothing() && slice.is_none() && parent.is_some() {
            self.nodes.pop();
            return None;
        }
        self.by_id.insert(id, node_id);
        Some(node_id)
    }

    /// Everything that is said about the element itself.
    fn limits(&self, node: &mut Node, json: &Value, base: Option<&Element>, is_slice: bool) {
        let number = |name: &str| json.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        if let Some(base) = base {
            let min = number("min").unwrap_or(0);
            let max = text(json, "max").map_or(MANY, |max| max.parse().unwrap_or(MANY));
            let is_more = is_slice || min > u32::from(base.is_required);
            node.min = if is_more { min } else { 0 };
            let is_less = is_slice || max < if base.is_many { MANY } else { 1 };
            node.max = if is_less { max } else { MANY };
        }
        node.types = self.types(json, base);
        let members = json.as_object().into_iter().flatten();
        for (name, value) in members {
            match name.as_str() {
                name if is_valued(name, "fixed") => node.wanted = Some(Wanted::Fixed(value.clone())),
                name if is_valued(name, "pattern") => node.wanted = Some(Wanted::Pattern(value.clone())),
                name if is_valued(name, "minValue") => node.bounds[0] = Some(value.clone()),
                name if is_valued(name, "maxValue") => node.bounds[1] = Some(value.clone()),
                "maxLength" => node.length_max = value.as_u64().and_then(|n| usize::try_from(n).ok()),
                _ => {}
            }
        }
        node.binding = json.get("binding").and_then(|binding| self.binding(binding, base));
        node.constraints = array(json, "constraint").filter_map(constraint).collect();
    }

    fn types(&self, json: &Value, base: Option<&Element>) -> Option<Box<[Type]>> {
        let base = base?;
        let all: Vec<Type> = array(json, "type").filter_map(|one| self.kind(one, base)).collect();
        let is_closer =
            all.iter().any(|one| !one.profiles.is_empty() || one.targets.is_some() || one.aggregation.is_some());
        let codes: HashSet<&str> = all.iter().map(|one| &*one.code).collect();
        let is_resource = base.types().eq(["Resource"]);
        let is_fewer =
            base.is_choice() && codes.len() < base.types().count() || is_resource && !codes.contains("Resource");
        (!all.is_empty() && (is_closer || is_fewer)).then(|| all.into())
    }

    /// `None` for the inner types of R4's own definitions.
    fn kind(&self, json: &Value, base: &Element) -> Option<Type> {
        let code = text(json, "code").filter(|code| !code.contains('/'))?;
        let links = |name: &str| array(json, name).filter_map(Value::as_str).map(|url| Link::new(url, self.package));
        let is_simple = |link: &Link| link.canonical.strip_prefix(CORE) == Some("SimpleQuantity");
        let profiles: Vec<Link> = links("profile").filter(|link| code != "Quantity" || !is_simple(link)).collect();
        let modes: Vec<&str> = array(json, "aggregation").filter_map(Value::as_str).collect();
        let aggregation =
            (!modes.is_empty()).then(|| ["contained", "referenced", "bundled"].map(|mode| modes.contains(&mode)));
        let targets: Box<[Link]> = if code == "Reference" { links("targetProfile").collect() } else { Box::default() };
        let is_base = targets.is_empty() || is_as_in_r4(&targets, base);
        Some(Type { code: code.into(), profiles: profiles.into(), targets: (!is_base).then_some(targets), aggregation })
    }

    fn binding(&self, json: &Value, base: Option<&Element>) -> Option<Binding> {
        let strength = match text(json, "strength")? {
            "required" => Strength::Required,
            "extensible" => Strength::Extensible,
            "preferred" => Strength::Preferred,
            _ => return None,
        };
        let value_set = text(json, "valueSet")?;
        let name = value_set.split('|').next()?.strip_prefix("http://hl7.org/fhir/ValueSet/");
        if strength == Strength::Required && name.is_some() && base.and_then(|base| base.binding) == name {
            return None;
        }
        let is_max = |one: &&Value| text(one, "url") == Some(MAX_VALUE_SET);
        let max = array(json, "extension").find(is_max);
        let max = max.and_then(|one| text(one, "valueCanonical").or(text(one, "valueUri")));
        let bound = |strength, value_set: &str, max| Binding {
            strength,
            value_set: value_set.into(),
            max,
            package: self.package,
            codes: OnceLock::new(),
        };
        let max = max.map(|max| Box::new(bound(Strength::Required, max, None)));
        Some(bound(strength, value_set, max))
    }

    fn slicing(&mut self, json: &Value, slices: &[usize], parent: Option<&'static Shape>, id: &str) -> Option<Slicing> {
        if slices.is_empty() {
            return None;
        }
        let mut slicing = slicing::read(json.get("slicing"), id);
        for at in slices {
            let Some(name) =
                self.elements.get(*at).and_then(|one| one.id.rsplit_once(':')).map(|(_, name)| name.into())
            else {
                continue;
            };
            if let Some(node) = self.node(*at, parent, None) {
                slicing.slices.push(Slice { name, node, matchers: OnceLock::new() });
            }
        }
        // A slice that is sliced again is told apart as it was itself, where it does not say how.
        for slice in &slicing.slices {
            let inner = self.nodes.get_mut(slice.node as usize).and_then(|node| node.slicing.as_mut());
            if let Some(inner) = inner.filter(|inner| inner.discriminators.is_empty()) {
                inner.discriminators = slicing.discriminators.clone();
            }
        }
        Some(slicing)
    }

    /// Puts the nodes in place that others refer to.
    fn connect(&mut self) {
        for at in 0..self.nodes.len() {
            let reference = |node: &Node| {
                let json = self.elements.iter().find(|one| one.id == *node.id)?.json;
                let wanted = text(json, "contentReference")?.rsplit('#').next()?;
                self.by_id.get(wanted).copied()
            };
            let found = self.nodes.get(at).filter(|node| node.content.is_some()).and_then(reference);
            if let Some(node) = self.nodes.get_mut(at) {
                node.content = found;
                node.is_bare = node.says_nothing_of_values();
            }
        }
    }
}

/// The id of an element; where there is none, its path with its slice.
fn id_of(json: &Value) -> String {
    if let Some(id) = text(json, "id") {
        return id.to_owned();
    }
    let path = text(json, "path").unwrap_or_default();
    text(json, "sliceName").map_or_else(|| path.to_owned(), |slice| format!("{path}:{slice}"))
}

/// The element that another is a child of, or a slice of. A slice `a/b` is one of the slice `a`, where there is such a one.
fn owner(id: &str, known: &HashMap<String, usize>) -> Option<(usize, bool)> {
    let last = id.rfind('.').map_or(0, |dot| dot + 1);
    let Some(colon) = id[last..].find(':').map(|colon| last + colon) else {
        return known.get(id.get(..last.checked_sub(1)?)?).map(|at| (*at, false));
    };
    let mut outer = id;
    while let Some((before, _)) = outer.rsplit_once('/').filter(|(before, _)| before.len() > colon) {
        outer = before;
        if let Some(at) = known.get(outer) {
            return Some((*at, true));
        }
    }
    known.get(&id[..colon]).map(|at| (*at, true))
}

fn is_valued(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The element of a type by its name in a profile, with or without `[x]`.
fn element_of(shape: &'static Shape, name: &str) -> Option<&'static Element> {
    shape.elements().iter().find(|element| element.name == name || element.stem() == name)
}

/// The type whose elements the children of an element are.
fn inside(json: &Value, parent: Option<&'static Shape>, base: Option<&Element>, name: &str) -> Option<&'static Shape> {
    let kind = parent?.member(name).map(|member| member.kind);
    if let (Some(Kind::Complex(shape)), Some(false)) = (kind, base.map(Element::is_choice)) {
        return Some(shape);
    }
    let mut codes = array(json, "type").filter_map(|one| text(one, "code"));
    match (codes.next(), codes.next()) {
        (Some(code), None) if !r4::is_primitive(code) => r4::shape(code),
        _ => r4::shape("Element"),
    }
}

/// Whether a reference may lead to just what R4 lets it lead to.
fn is_as_in_r4(targets: &[Link], base: &Element) -> bool {
    let names: Option<HashSet<&str>> = targets.iter().map(|link| link.canonical.strip_prefix(CORE)).collect();
    match (names, base.targets()) {
        (Some(names), _) if names.contains("Resource") => true,
        (Some(names), Some(all)) => all.collect::<HashSet<_>>().is_subset(&names),
        _ => false,
    }
}

fn constraint(json: &Value) -> Option<Constraint> {
    static IN_R4: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
        let mut all: HashMap<&str, Vec<&str>> = HashMap::new();
        for line in r4::CONSTRAINTS.lines() {
            let mut parts = line.split('\t').skip(1);
            if let (Some(key), Some(expression)) = (parts.next(), parts.next()) {
                all.entry(key).or_default().push(expression);
            }
        }
        all
    });
    let (key, expression) = (text(json, "key")?, text(json, "expression")?);
    let is_of_core = text(json, "source").is_some_and(|source| source.starts_with(CORE));
    let is_same = |known: &&str| known.split_whitespace().eq(expression.split_whitespace());
    let is_error = text(json, "severity") == Some("error");
    if CHECKED_OTHERWISE.contains(&key)
        || is_error && IN_R4.get(key).is_some_and(|known| is_of_core || known.iter().any(is_same))
    {
        return None;
    }
    let human = text(json, "human").unwrap_or(key);
    let is_best_practice = array(json, "extension").any(|one| text(one, "url") == Some(BEST_PRACTICE));
    Some(Constraint {
        key: key.into(),
        number: number_of(human).map(Into::into),
        is_error,
        is_best_practice,
        human: human.into(),
        text: expression.into(),
        expression: OnceLock::new(),
    })
}

/// The number that a sentence of JP-CLINS begins with: `R1010`, `R02141-3`, `R9013C`.
fn number_of(human: &str) -> Option<&str> {
    let end = human.find([':', '：', ' ', '　', '_'])?;
    let number = &human[..end];
    let digits = number.strip_prefix('R')?;
    let is_number = digits.len() >= 4 && digits.bytes().take(4).all(|b| b.is_ascii_digit());
    (is_number && digits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_sentences() {
        for (human, number) in [
            ("R0213:Bundleは…", Some("R0213")),
            ("R02141-3：…", Some("R02141-3")),
            ("R9013C: x", Some("R9013C")),
            ("Rule 1: x", None),
            ("注意喚起：…", None),
        ] {
            assert_eq!(number_of(human), number, "{human}");
        }
    }

    #[test]
    fn elements_find_their_owners() {
        let known: HashMap<String, usize> = ["O", "O.c", "O.c:a", "O.c:a/b", "O.c:a.d"]
            .iter()
            .enumerate()
            .map(|(at, id)| ((*id).to_owned(), at))
            .collect();
        for (id, found) in [
            ("O.c", Some((0, false))),
            ("O.c:a", Some((1, true))),
            ("O.c:a/b", Some((2, true))),
            ("O.c:a/b/e", Some((3, true))),
            ("O.c:x/y", Some((1, true))),
            ("O.c:a.d", Some((2, false))),
            ("O.c:a/b.d", Some((3, false))),
            ("O.x.y", None),
            ("O", None),
        ] {
            assert_eq!(owner(id, &known), found, "{id}");
        }
    }
}
