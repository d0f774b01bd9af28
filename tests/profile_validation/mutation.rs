//! Every valid example, broken in one thing that its profile or R4 asks for: the validator must say so, at that element.
//! And changed in a way that is allowed: it must say nothing. What a profile asks for is read from its snapshot as published,
//! not from what the engine made of it.
//!
//! `cargo test` tries some of them, chosen by a fixed seed. All of them, or so many as `TASUKI_MUTATIONS` says:
//! `cargo test --release --test profile_validation every_mutation -- --ignored --nocapture`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tasuki::fault::Severity;
use tasuki::fhir::{ResourceType, r4};
use tasuki::profile::Profiles;
use tasuki::validate::base;
use tasuki::validate::profile::against;

use super::{CLINS, CORE, JP_CORE_1_1, JP_CORE_1_2, corpora, examples, profiles};

/// One change of a resource: what was broken, where the error is to be, and the resource as it is then.
struct Mutant {
    what: String,
    /// A path without numbers and types.
    place: String,
    resource: Value,
}

/// Value sets that have no list of codes: any that has the form will do, so that there is no wrong one to write.
const WITHOUT_LIST: [&str; 5] = ["mimetypes", "all-languages", "languages", "ucum-units", "all-time-units"];

/// A generator of numbers that is the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// A FHIRPath without the numbers of items and the types of choices.
fn plain(place: &str) -> String {
    let mut out = String::new();
    let mut rest = place;
    while let Some(at) = rest.find(['[', '.']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = match rest {
            _ if rest.starts_with('[') => rest.find(']').map(|end| end + 1),
            _ if rest.starts_with(".ofType(") => rest.find(')').map(|end| end + 1),
            _ => None,
        };
        match end {
            Some(end) => rest = &rest[end..],
            None => {
                out.push('.');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// The errors of a resource: rule and plain place.
fn errors(all: &Profiles, resource: &Value) -> BTreeSet<(String, String)> {
    let of_base = base(resource).into_iter().filter(|one| one.rule.severity >= Severity::Error);
    let of_base = of_base.map(|one| (one.rule.id.to_owned(), plain(&one.place.to_string())));
    let of_profiles = against(resource, &[], all).into_iter().filter(|one| one.severity() >= Severity::Error);
    of_base.chain(of_profiles.map(|one| (one.rule().to_owned(), plain(&one.issue.place.to_string())))).collect()
}

/// Whether it is said that codes were not checked.
fn is_unchecked(all: &Profiles, resource: &Value) -> bool {
    against(resource, &[], all).iter().any(|one| one.rule() == "profile-not-loaded-codes")
}

/// Whether one of the errors is at a place, at what it is in, or in it.
fn names(found: &BTreeSet<(String, String)>, place: &str) -> bool {
    let parent = place.rsplit_once('.').map_or(place, |(parent, _)| parent);
    found.iter().any(|(_, at)| at == place || at == parent || at.starts_with(&format!("{place}.")))
}

/// An element of a snapshot.
struct Element<'j> {
    json: &'j Value,
    id: &'j str,
}

/// What a slice is told apart by: the path from an item, and the value there.
type Marks = Vec<(String, Value)>;

struct Snapshot<'j> {
    elements: Vec<Element<'j>>,
}

impl<'j> Snapshot<'j> {
    fn read(definition: &'j Value) -> Self {
        let all = definition["snapshot"]["element"].as_array().unwrap();
        Snapshot { elements: all.iter().map(|json| Element { json, id: json["id"].as_str().unwrap() }).collect() }
    }

    fn get(&self, id: &str) -> Option<&Element<'j>> {
        self.elements.iter().find(|one| one.id == id)
    }

    /// What tells the values of a slice from others, where that is a fixed value or a pattern of a member.
    fn marks(&self, id: &str) -> Option<Marks> {
        let (sliced, _) = id.rsplit_once(':')?;
        let mut marks = Marks::new();
        for discriminator in self.get(sliced)?.json["slicing"]["discriminator"].as_array()? {
            let path = discriminator["path"].as_str()?;
            if !matches!(discriminator["type"].as_str()?, "value" | "pattern") || path.contains('(') {
                return None;
            }
            let inner = if path == "$this" { id.to_owned() } else { format!("{id}.{path}") };
            marks.push((path.to_owned(), valued(self.get(&inner)?.json, &["fixed", "pattern"])?.1.clone()));
        }
        (!marks.is_empty()).then_some(marks)
    }

    /// Whether an element tells a slice in which it stands from others, or holds what does.
    fn is_discriminating(&self, id: &str) -> bool {
        let ends = id.match_indices('.').map(|(at, _)| at).chain([id.len()]);
        let slices = ends.map(|end| &id[..end]).filter(|outer| outer.rsplit('.').next().unwrap().contains(':'));
        let within = |path: &str, rest: &str| {
            path == "$this"
                || format!("{path}.").starts_with(&format!("{rest}."))
                || rest.starts_with(&format!("{path}."))
        };
        slices.filter(|outer| outer.len() < id.len()).any(|outer| {
            let rest = &id[outer.len() + 1..];
            self.marks(outer).is_some_and(|marks| marks.iter().any(|(path, _)| within(path, rest)))
        })
    }

    /// The pointers of the objects in which an element stands or could stand, given its id.
    fn holders(&self, resource: &Value, id: &str) -> Vec<String> {
        let Some((parent, _)) = id.rsplit_once('.') else { return Vec::new() };
        self.places(resource, parent)
    }

    /// The pointers of the values of an element. Slices that are not told apart by values are passed over.
    fn places(&self, resource: &Value, id: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        let mut so_far = id.split('.').next().unwrap().to_owned();
        for part in id.split('.').skip(1) {
            so_far = format!("{so_far}.{part}");
            let (name, slice) = part.split_once(':').map_or((part, None), |(name, slice)| (name, Some(slice)));
            let mut next = Vec::new();
            for pointer in found {
                let holder = resource.pointer(&pointer).unwrap();
                for key in keys(holder, name) {
                    let at = format!("{pointer}/{key}");
                    match &holder[&key] {
                        Value::Array(items) => next.extend((0..items.len()).map(|item| format!("{at}/{item}"))),
                        _ => next.push(at),
                    }
                }
            }
            if slice.is_some() && !name.ends_with("[x]") {
                let Some(marks) = self.marks(&so_far) else { return Vec::new() };
                next.retain(|pointer| is_marked(resource.pointer(pointer).unwrap(), &marks));
            }
            found = next;
        }
        found
    }
}

/// The members of an object that are an element of that name in a definition.
fn keys(holder: &Value, name: &str) -> Vec<String> {
    let Some(object) = holder.as_object() else { return Vec::new() };
    match name.strip_suffix("[x]") {
        None => object.keys().filter(|key| *key == name).cloned().collect(),
        Some(stem) => {
            let is_chosen = |key: &&String| {
                key.strip_prefix(stem).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
            };
            object.keys().filter(is_chosen).cloned().collect()
        }
    }
}

fn is_marked(item: &Value, marks: &Marks) -> bool {
    marks.iter().all(|(path, wanted)| {
        let mut ends = vec![item];
        for name in path.split('.').filter(|name| *name != "$this") {
            ends = ends
                .into_iter()
                .filter_map(|end| end.get(name))
                .flat_map(|end| end.as_array().map_or_else(|| vec![end], |all| all.iter().collect()))
                .collect();
        }
        ends.iter().any(|end| holds(end, wanted))
    })
}

fn holds(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| value.get(name).is_some_and(|value| holds(value, wanted)))
        }
        (Value::Array(value), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| value.iter().any(|value| holds(value, wanted)))
        }
        (value, wanted) => value == wanted,
    }
}

/// The member of a choice such as `fixed[x]`, by one of its stems.
fn valued<'j>(json: &'j Value, stems: &[&str]) -> Option<(&'j str, &'j Value)> {
    json.as_object()?.iter().find_map(|(name, value)| {
        let rest = stems.iter().find_map(|stem| name.strip_prefix(stem))?;
        rest.starts_with(|first: char| first.is_ascii_uppercase()).then_some((name.as_str(), value))
    })
}

/// The path of an element as problems write it: without slices and `[x]`.
fn place_of(id: &str) -> String {
    let names = id.split('.').map(|part| part.split(':').next().unwrap().trim_end_matches("[x]"));
    names.collect::<Vec<_>>().join(".")
}

/// Everything that can be broken in a resource by what a definition says.
fn mutants(definition: &Value, resource: &Value) -> Vec<Mutant> {
    let snapshot = Snapshot::read(definition);
    let mut all = Vec::new();
    for element in snapshot.elements.iter().filter(|element| element.id.contains('.')) {
        // Without its claims a resource is held to nothing.
        if matches!(element.id.split_once('.').unwrap().1, "meta" | "meta.profile") {
            continue;
        }
        // What tells a slice from others takes its value out of the slice, which an open one allows.
        if snapshot.is_discriminating(element.id) {
            continue;
        }
        let name = element.id.rsplit('.').next().unwrap();
        let place = place_of(element.id);
        let mut put = |what: &str, resource: Value| {
            all.push(Mutant { what: format!("{} {what}", element.id), place: place.clone(), resource });
        };
        for holder in snapshot.holders(resource, element.id) {
            of_holder(&snapshot, element, name, resource, &holder, &mut put);
        }
        for pointer in snapshot.places(resource, element.id) {
            of_value(element, resource, &pointer, &mut put);
        }
    }
    all
}

/// Too few, too many, where none may be.
fn of_holder(
    snapshot: &Snapshot<'_>,
    element: &Element<'_>,
    name: &str,
    resource: &Value,
    holder: &str,
    put: &mut impl FnMut(&str, Value),
) {
    let (bare, slice) = name.split_once(':').map_or((name, None), |(name, slice)| (name, Some(slice)));
    let found = keys(resource.pointer(holder).unwrap(), bare);
    let (min, max) = (element.json["min"].as_u64().unwrap_or(0), element.json["max"].as_str().unwrap_or("*"));
    let change = |edit: &dyn Fn(&mut Value)| {
        let mut changed = resource.clone();
        edit(changed.pointer_mut(holder).unwrap());
        changed
    };
    let Some(key) = found.first() else { return };
    if slice.is_none() {
        if min > 0 {
            put(
                "taken out",
                change(&|holder| {
                    let holder = holder.as_object_mut().unwrap();
                    holder.retain(|name, _| name != key && name.strip_prefix('_') != Some(key));
                    if holder.is_empty() {
                        holder.insert("id".into(), json!("x"));
                    }
                }),
            );
        }
        if let (Ok(most), Some(items)) = (max.parse::<usize>(), resource.pointer(holder).unwrap()[key].as_array()) {
            if most > 0 && most < 8 {
                let mut more = items.clone();
                while more.len() <= most {
                    more.push(items[0].clone());
                }
                put("too often", change(&|holder| holder[key] = json!(more)));
            }
        }
        return;
    }
    // A slice: its own values alone.
    let Some(marks) = snapshot.marks(element.id).filter(|_| !name.contains("[x]")) else { return };
    let Some(items) = resource.pointer(holder).unwrap()[key].as_array() else { return };
    let own: Vec<&Value> = items.iter().filter(|item| is_marked(item, &marks)).collect();
    if own.is_empty() {
        return;
    }
    let rest: Vec<&Value> = items.iter().filter(|item| !is_marked(item, &marks)).collect();
    if min > 0 && own.len() == min as usize {
        put(
            "slice taken out",
            change(&|holder| match rest.is_empty() {
                true => drop(holder.as_object_mut().unwrap().shift_remove(key)),
                false => holder[key] = json!(rest),
            }),
        );
    }
    if let Some(most) = max.parse::<usize>().ok().filter(|most| *most < 8) {
        let more: Vec<Value> = items.iter().chain(own.iter().copied().cycle().take(most)).cloned().collect();
        put("slice too often", change(&|holder| holder[key] = json!(more)));
    }
}

/// Another value than the one that is asked for.
fn of_value(element: &Element<'_>, resource: &Value, pointer: &str, put: &mut impl FnMut(&str, Value)) {
    let json = element.json;
    let value = resource.pointer(pointer).unwrap();
    let with = |new: Value| {
        let mut changed = resource.clone();
        *changed.pointer_mut(pointer).unwrap() = new;
        changed
    };
    let is_code = |value: &Value| value["code"].is_string();
    if let Some((_, wanted)) = valued(json, &["fixed", "pattern"]) {
        if let Some(other) = otherwise(value, wanted) {
            put("of another value", with(other));
        }
    }
    if let Some(most) = json["maxLength"].as_u64().filter(|_| value.is_string()) {
        put("too long", with(json!("あ".repeat(most as usize + 1))));
    }
    let set = json["binding"]["valueSet"].as_str().unwrap_or_default().split('|').next().unwrap();
    let is_listed = !WITHOUT_LIST.iter().any(|name| set.ends_with(name));
    if json["binding"]["strength"] == "required" && is_listed {
        let other = "no-such-code";
        match value {
            Value::String(_) => put("with a code of no value set", with(json!(other))),
            Value::Object(one)
                if one.contains_key("coding") && value["coding"].as_array().unwrap().iter().all(is_code) =>
            {
                let mut changed = value.clone();
                changed["coding"].as_array_mut().unwrap().iter_mut().for_each(|coding| coding["code"] = json!(other));
                put("with a code of no value set", with(changed));
            }
            Value::Object(_) if is_code(value) => {
                let mut changed = value.clone();
                changed["code"] = json!(other);
                put("with a code of no value set", with(changed));
            }
            _ => {}
        }
    }
    let targets: BTreeSet<&str> = json["type"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["code"] == "Reference")
        .flat_map(|one| one["targetProfile"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    if value["reference"].is_string() && !targets.is_empty() && !targets.iter().any(|one| one.ends_with("/Resource")) {
        // A type that no profile lets anything refer to.
        let mut changed = value.clone();
        changed["reference"] = json!("TestReport/1");
        changed.as_object_mut().unwrap().shift_remove("type");
        put("leading to a TestReport", with(changed));
    }
}

/// A value of the same kind that is not what is wanted.
fn otherwise(value: &Value, wanted: &Value) -> Option<Value> {
    Some(match (value, wanted) {
        (Value::String(text), Value::String(_)) if text.starts_with("http") || text.starts_with("urn:") => {
            json!("http://example.org/other")
        }
        (Value::String(_), Value::String(_)) => json!("other"),
        (Value::Bool(is_so), Value::Bool(_)) => json!(!is_so),
        (Value::Number(_), Value::Number(_)) => json!(4711),
        (Value::Object(object), Value::Object(wanted)) => {
            let (name, inner) = wanted.iter().find(|(name, _)| object.contains_key(*name))?;
            let mut changed = object.clone();
            changed.insert(name.clone(), otherwise(&object[name], inner)?);
            Value::Object(changed)
        }
        (Value::Array(items), Value::Array(wanted)) => {
            let changed: Option<Vec<Value>> = items
                .iter()
                .map(|item| match holds(item, wanted.first()?) {
                    true => otherwise(item, wanted.first()?),
                    false => Some(item.clone()),
                })
                .collect();
            Value::Array(changed?)
        }
        _ => return None,
    })
}

/// The examples that are valid, with the definitions that they keep to.
fn subjects(corpora: &str, all: &Profiles) -> Vec<(String, Value, Vec<Value>)> {
    let definition = |canonical: &str| {
        all.library().meant(ResourceType::STRUCTURE_DEFINITION, canonical, None).and_then(|one| one.definition.json())
    };
    let mut found = Vec::new();
    for folder in [
        "fhir/hl7-r4-spec-examples.ndjson",
        "fhir/jp-core-1.1.2",
        "fhir/jp-core-1.2.0",
        "fhir/jp-clins-1.5.2-ExampleJson",
    ] {
        for (name, value) in examples(corpora, folder) {
            let Some(kind) = value["resourceType"].as_str().map(str::to_owned) else { continue };
            let claimed = value["meta"]["profile"].as_array().cloned().unwrap_or_default();
            let own = json!(format!("http://hl7.org/fhir/StructureDefinition/{kind}"));
            let definitions = claimed.iter().chain([&own]).filter_map(|one| definition(one.as_str()?)).collect();
            found.push((format!("{folder} {name}"), value, definitions));
        }
    }
    found
}

/// Tries so many of all mutants; what is missed is printed.
fn tried(most: usize) -> (usize, BTreeMap<String, String>) {
    let Some(corpora) = corpora() else { return (most, BTreeMap::new()) };
    let all = profiles(&corpora, &[CORE, JP_CORE_1_1, JP_CORE_1_2, CLINS]);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let subjects = subjects(&corpora, &all);
    let each = most / subjects.len() + 1;
    let (mut count, mut missed) = (0, BTreeMap::new());
    for (name, value, definitions) in &subjects {
        if value.to_string().len() > 200_000 || !errors(&all, value).is_empty() {
            continue;
        }
        let mut mutants: Vec<Mutant> = definitions.iter().flat_map(|one| mutants(one, value)).collect();
        while mutants.len() > each {
            mutants.swap_remove(numbers.below(mutants.len()));
        }
        for mutant in mutants {
            count += 1;
            let found = errors(&all, &mutant.resource);
            let is_code = mutant.what.ends_with("with a code of no value set");
            if !names(&found, &mutant.place) && !(is_code && is_unchecked(&all, &mutant.resource)) {
                missed.entry(mutant.what).or_insert_with(|| format!("{name}: {found:?}"));
            }
        }
    }
    println!("{count} changes of {} examples, {} kinds missed", subjects.len(), missed.len());
    (count, missed)
}

/// Changes that are allowed after all, and why: the element with its change.
const ALLOWED: &[(&str, &str)] = &[];

fn unexplained(missed: BTreeMap<String, String>) -> String {
    let is_unexplained = |what: &str| !ALLOWED.iter().any(|(known, _)| *known == what);
    let lines = missed.iter().filter(|(what, _)| is_unexplained(what)).map(|(what, why)| format!("{what} in {why}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn some_mutations_are_found() {
    let (count, missed) = tried(1500);
    assert!(count > 500, "{count}");
    assert_eq!(unexplained(missed), "");
}

#[test]
#[ignore = "takes minutes in a release build"]
fn every_mutation_is_found() {
    let most = std::env::var("TASUKI_MUTATIONS").ok().and_then(|most| most.parse().ok());
    let (_, missed) = tried(most.unwrap_or(usize::MAX / 2));
    assert_eq!(unexplained(missed), "");
}

/// A change of the elements anywhere in a resource that R4 allows everywhere, by the seed.
fn allowed(value: &mut Value, kind: &str, numbers: &mut Numbers) {
    let Some(object) = value.as_object_mut() else { return };
    let names: Vec<String> = object.keys().cloned().collect();
    for name in names {
        let Some((_, of)) = r4::member(kind, &name) else { continue };
        let inner = object.get_mut(&name).unwrap();
        let is_narrative = of == "Narrative" || of == "xhtml" || of == "Resource";
        // Some profiles have no extensions in a meta.
        if r4::is_primitive(of) || is_narrative || matches!(of, "Extension" | "Meta") {
            continue;
        }
        match inner {
            Value::Array(items) => items.iter_mut().for_each(|item| allowed(item, of, numbers)),
            inner => allowed(inner, of, numbers),
        }
    }
    // Unknown extensions do no harm, and an id within a resource is anybody's to give.
    if numbers.below(4) == 0 && !object.contains_key("extension") {
        object.insert("extension".into(), json!([{"url": "http://example.org/anything", "valueString": "x"}]));
    }
    if numbers.below(6) == 0 && !object.contains_key("id") {
        object.insert("id".into(), json!(format!("x{}", numbers.below(1_000_000))));
    }
}

#[test]
fn what_is_allowed_makes_no_error() {
    let Some(corpora) = corpora() else { return };
    let all = profiles(&corpora, &[CORE, JP_CORE_1_1, JP_CORE_1_2, CLINS]);
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    let (mut count, mut wrong) = (0, BTreeMap::new());
    for (name, value, _) in subjects(&corpora, &all) {
        let kind = value["resourceType"].as_str().unwrap().to_owned();
        if matches!(kind.as_str(), "Bundle" | "Parameters" | "Binary")
            || value.to_string().len() > 60_000
            || !errors(&all, &value).is_empty()
        {
            continue;
        }
        let mut changed = value.clone();
        allowed(&mut changed, &kind, &mut numbers);
        count += 1;
        for error in errors(&all, &changed) {
            wrong.entry(error).or_insert_with(|| name.clone());
        }
    }
    println!("{count} examples changed");
    assert!(count > 200 && wrong.is_empty(), "{count}\n{wrong:#?}");
}
