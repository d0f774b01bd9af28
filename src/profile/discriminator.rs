//! What a value of a slice has where a discriminator looks (profiling.html#discriminator): fixed values, patterns and required
//! bindings that stand there or above, also within slices of slices, in the profile of the type and behind references.

use std::collections::HashMap;

use super::Profiles;
use super::schema::*;
use super::schema::{Step, Type};

/// What one discriminator asks of a value for it to be of a slice.
#[derive(Debug)]
pub enum Matcher {
    /// Some value there is each of these (all of them), or one of these (any).
    Values {
        /// What is wanted.
        wanted: Vec<Wanted>,
        /// Whether each of them, and not one.
        is_all: bool,
    },
    /// Some value there is of the value set to which this node is bound.
    Bound(SchemaId, NodeId),
    /// There is something.
    Present,
    /// There is nothing.
    Absent,
    /// What is there is of one of these types.
    Types(Vec<Box<str>>),
    /// What is there keeps to one of these profiles.
    Profiles(Vec<SchemaId>),
    /// The slice does not say.
    Unstated,
}

impl Slice {
    /// What each discriminator asks.
    pub fn matchers(&self, profiles: &Profiles, schema: &Schema, discriminators: &[Discriminator]) -> &[Matcher] {
        let make = || discriminators.iter().map(|one| matcher(profiles, schema, self.node, one)).collect();
        self.matchers.get_or_init(make)
    }
}

/// So few slices are looked at one by one.
const FEW_SLICES_MAX: usize = 7;

/// Slices by the text that their values have at one place; each list in the order of the slices.
#[derive(Debug)]
pub(super) struct ByText {
    /// Those of a text, with those of any.
    by: HashMap<Box<str>, Box<[usize]>>,
    /// Those that do not ask for one text.
    others: Box<[usize]>,
}

impl Slicing {
    /// The slices that a value may be of that has this text where the first discriminator looks, if that is a member of the
    /// value; `None` for all of them.
    pub fn candidates(&self, profiles: &Profiles, schema: &Schema, text: Option<&str>) -> Option<&[usize]> {
        let known = self.by_text.get_or_init(|| self.by_text(profiles, schema)).as_ref()?;
        Some(text.and_then(|text| known.by.get(text)).unwrap_or(&known.others))
    }

    fn by_text(&self, profiles: &Profiles, schema: &Schema) -> Option<ByText> {
        let is_direct = matches!(self.discriminators.first().map(|one| &*one.path), Some([Step::Member(_)]));
        if !is_direct || self.slices.len() <= FEW_SLICES_MAX {
            return None;
        }
        let texts = |slice: &Slice| -> Option<Vec<Box<str>>> {
            let Some(Matcher::Values { wanted, .. }) = slice.matchers(profiles, schema, &self.discriminators).first()
            else {
                return None;
            };
            wanted.iter().map(|one| one.value().as_str().map(Into::into)).collect()
        };
        let all: Vec<Option<Vec<Box<str>>>> = self.slices.iter().map(texts).collect();
        let of = |text: Option<&str>| -> Box<[usize]> {
            let fits = |texts: &Option<Vec<Box<str>>>| {
                texts.as_ref().is_none_or(|texts| texts.iter().any(|one| Some(&**one) == text))
            };
            all.iter().enumerate().filter(|(_, texts)| fits(texts)).map(|(number, _)| number).collect()
        };
        let by = all.iter().flatten().flatten().map(|text| (text.clone(), of(Some(text)))).collect();
        Some(ByText { by, others: of(None) })
    }
}

/// A place to which the path of a discriminator leads.
#[derive(Clone)]
struct End<'p> {
    schema: &'p Schema,
    node: NodeId,
    /// What an element above says of this one.
    from_above: Vec<Wanted>,
    /// Whether it lies in a slice that there must be.
    is_required: bool,
}

fn matcher(profiles: &Profiles, schema: &Schema, node: NodeId, discriminator: &Discriminator) -> Matcher {
    // The last step to a resource is a question about the reference: which types and profiles it may lead to.
    let (path, resolves) = match (&*discriminator.path, discriminator.kind) {
        ([path @ .., Step::Resolve], DiscriminatorKind::Type | DiscriminatorKind::Profile) => (path, true),
        (path, _) => (path, false),
    };
    let start = End { schema, node, from_above: Vec::new(), is_required: false };
    let ends =
        path.iter().fold(vec![start], |ends, step| ends.iter().flat_map(|end| next(profiles, end, step)).collect());
    match discriminator.kind {
        DiscriminatorKind::Value => valued(profiles, &ends),
        DiscriminatorKind::Exists => existing(&ends),
        DiscriminatorKind::Type => {
            let types = |end: &End<'_>| -> Vec<Box<str>> { types_of(profiles, end, resolves) };
            let types: Vec<Box<str>> = ends.iter().flat_map(types).collect();
            if types.is_empty() { Matcher::Unstated } else { Matcher::Types(types) }
        }
        DiscriminatorKind::Profile => {
            let links = |end: &End<'_>| -> Vec<SchemaId> { profiles_of(profiles, end, resolves) };
            let found: Vec<SchemaId> = ends.iter().flat_map(links).collect();
            if found.is_empty() { Matcher::Unstated } else { Matcher::Profiles(found) }
        }
    }
}

fn valued(profiles: &Profiles, ends: &[End<'_>]) -> Matcher {
    let mut found: Vec<(Wanted, bool)> = Vec::new();
    let mut bound = None;
    for end in ends {
        let Some(node) = end.schema.node(end.node) else { continue };
        let own = node.wanted.iter().chain(&end.from_above);
        found.extend(own.map(|wanted| (wanted.clone(), end.is_required)));
        if found.is_empty() {
            // The profile of its type may say it: `code` of an extension that the slice only names.
            let typed = node.types.iter().flatten().flat_map(|one| &one.profiles);
            for schema in typed.filter_map(|link| profiles.follow(link)) {
                let root = schema.node(0).and_then(|root| root.wanted.clone());
                found.extend(root.map(|wanted| (wanted, end.is_required)));
            }
        }
        if node.binding.as_ref().is_some_and(|binding| binding.strength == Strength::Required) {
            bound = Some(Matcher::Bound(end.schema.id, end.node));
        }
    }
    if found.is_empty() {
        return bound.unwrap_or(Matcher::Unstated);
    }
    let is_all = found.iter().any(|(_, is_required)| *is_required);
    let wanted =
        found.into_iter().filter(|(_, is_required)| *is_required == is_all).map(|(wanted, _)| wanted).collect();
    Matcher::Values { wanted, is_all }
}

fn existing(ends: &[End<'_>]) -> Matcher {
    let mut nodes = ends.iter().filter_map(|end| end.schema.node(end.node)).peekable();
    if nodes.peek().is_none() {
        return Matcher::Unstated;
    }
    let (mut is_absent, mut is_present) = (true, false);
    for node in nodes {
        is_absent &= node.max == 0;
        is_present |= node.min > 0;
    }
    match (is_absent, is_present) {
        (true, _) => Matcher::Absent,
        (_, true) => Matcher::Present,
        _ => Matcher::Unstated,
    }
}

fn types_at<'p>(end: &End<'p>) -> &'p [Type] {
    end.schema.node(end.node).and_then(|node| node.types.as_deref()).unwrap_or_default()
}

fn types_of(profiles: &Profiles, end: &End<'_>, resolves: bool) -> Vec<Box<str>> {
    if !resolves {
        let of_root = (end.node == 0).then(|| end.schema.type_name.clone());
        return types_at(end).iter().map(|one| one.code.clone()).chain(of_root).collect();
    }
    let links = types_at(end).iter().filter_map(|one| one.targets.as_deref()).flatten();
    links.filter_map(|link| profiles.type_of(link)).map(Into::into).collect()
}

fn profiles_of(profiles: &Profiles, end: &End<'_>, resolves: bool) -> Vec<SchemaId> {
    let links = types_at(end)
        .iter()
        .flat_map(|one| if resolves { one.targets.as_deref().unwrap_or_default() } else { &one.profiles });
    links.filter_map(|link| profiles.follow(link)).map(|schema| schema.id).collect()
}

fn next<'p>(profiles: &'p Profiles, end: &End<'p>, step: &Step) -> Vec<End<'p>> {
    let Some(node) = end.schema.node(end.node) else { return Vec::new() };
    let go = |schema: &'p Schema, node: NodeId, from_above: Vec<Wanted>| End {
        schema,
        node,
        from_above,
        is_required: end.is_required,
    };
    match step {
        Step::Member(name) if &**name == "url" && extension(node).is_some() => {
            let url = extension(node).map(|link| crate::guide::split(&link.canonical).0.into());
            vec![go(profiles.nothing(), 0, url.map(Wanted::Fixed).into_iter().collect())]
        }
        Step::Member(name) => {
            let from_above = inside(node.wanted.iter().chain(&end.from_above), name);
            let mut found = members(end, node, name, &from_above);
            if found.is_empty() {
                // What the profile of the type says of it.
                for schema in
                    node.types.iter().flatten().flat_map(|one| &one.profiles).filter_map(|l| profiles.follow(l))
                {
                    let inner = End { schema, node: 0, ..end.clone() };
                    found.extend(
                        schema.node(0).map(|root| members(&inner, root, name, &from_above)).unwrap_or_default(),
                    );
                }
            }
            if found.is_empty() && !from_above.is_empty() {
                // The tree does not go so far, and what stands above says it all.
                found.push(go(profiles.nothing(), 0, from_above));
            }
            found
        }
        Step::Extension(url) => {
            let extensions =
                node.children.iter().filter_map(|id| end.schema.node(*id)).filter(|child| &*child.name == "extension");
            let slices = extensions.filter_map(|child| child.slicing.as_ref()).flat_map(|slicing| &slicing.slices);
            let is_meant = |slice: &&Slice| url_of(end.schema, slice.node).as_deref() == Some(url);
            slices.filter(is_meant).map(|slice| go(end.schema, slice.node, Vec::new())).collect()
        }
        Step::OfType(kind) => {
            let has_type = |id: NodeId| {
                let types = end.schema.node(id).and_then(|node| node.types.as_deref());
                types.is_none_or(|types| types.iter().any(|one| *one.code == **kind))
            };
            let slices = node.slicing.iter().flat_map(|slicing| &slicing.slices).map(|slice| slice.node);
            let all = slices.chain([end.node]).filter(|id| has_type(*id));
            all.map(|id| go(end.schema, id, end.from_above.clone())).collect()
        }
        Step::Resolve => {
            let targets = node.types.iter().flatten().filter_map(|one| one.targets.as_deref()).flatten();
            targets.filter_map(|link| profiles.follow(link)).map(|schema| go(schema, 0, Vec::new())).collect()
        }
    }
}

/// The profile of an extension, where it has one.
fn extension(node: &Node) -> Option<&Link> {
    node.types.iter().flatten().find(|one| &*one.code == "Extension")?.profiles.first()
}

/// The children of a node by a name, and the slices of these.
fn members<'p>(end: &End<'p>, node: &'p Node, name: &str, from_above: &[Wanted]) -> Vec<End<'p>> {
    let content = node.content.and_then(|id| end.schema.node(id)).filter(|_| node.children.is_empty());
    let children = &content.unwrap_or(node).children;
    let named = children.iter().filter(|id| end.schema.node(**id).is_some_and(|child| *child.name == *name));
    let mut out = Vec::new();
    for id in named {
        out.push(End { schema: end.schema, node: *id, from_above: from_above.to_vec(), is_required: end.is_required });
        let slices = end.schema.node(*id).and_then(|child| child.slicing.as_ref()).map_or(&[][..], |s| &s.slices);
        for slice in slices {
            let is_required = end.is_required || end.schema.node(slice.node).is_some_and(|node| node.min > 0);
            out.push(End { schema: end.schema, node: slice.node, from_above: Vec::new(), is_required });
        }
    }
    out
}

/// What values say of a member of them; of arrays, of each item.
fn inside<'w>(wanted: impl Iterator<Item = &'w Wanted>, name: &str) -> Vec<Wanted> {
    let mut out = Vec::new();
    for wanted in wanted {
        let is_fixed = matches!(wanted, Wanted::Fixed(_));
        let make = |value: &serde_json::Value| {
            if is_fixed { Wanted::Fixed(value.clone()) } else { Wanted::Pattern(value.clone()) }
        };
        let found = wanted.value().get(name);
        match found.and_then(serde_json::Value::as_array) {
            Some(items) => out.extend(items.iter().map(make)),
            None => out.extend(found.map(make)),
        }
    }
    out
}

/// The URL of the extensions of a slice: that of its profile, or the one fixed in it.
fn url_of(schema: &Schema, slice: NodeId) -> Option<Box<str>> {
    let node = schema.node(slice)?;
    if let Some(link) = extension(node) {
        return Some(crate::guide::split(&link.canonical).0.into());
    }
    let children = node.children.iter().filter_map(|id| schema.node(*id));
    children
        .filter(|child| &*child.name == "url")
        .find_map(|child| child.wanted.as_ref()?.value().as_str())
        .map(Into::into)
}
