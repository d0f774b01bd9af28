//! What can be broken in a resource by what a definition says, one thing at a time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tasuki::fhir::r4;

/// One change of a resource: what was broken, where the error is to be, and the resource as it is then.
pub(super) struct Mutant {
    pub(super) what: String,
    /// A path without numbers and types.
    pub(super) place: String,
    pub(super) resource: Value,
}

/// Value sets that have no list of codes: any that has the form will do, so that there is no wrong one to write.
const WITHOUT_LIST: [&str; 5] = ["mimetypes", "all-languages", "languages", "ucum-units", "all-time-units"];

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
pub(super) fn mutants(definition: &Value, resource: &Value) -> Vec<Mutant> {
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
    let change = |edit: &dyn Fn(&mut Value)| changed(resource, holder, edit);
    if max == "0" && slice.is_none() && found.is_empty() && !name.ends_with("[x]") {
        let is_many = element.json["base"]["max"] != "1";
        if let Some(value) = element.json["type"][0]["code"].as_str().and_then(sample) {
            put(
                "put where there is none",
                change(&|holder| holder[name] = if is_many { json!([value]) } else { value.clone() }),
            );
        }
    }
    let Some(key) = found.first() else { return };
    if slice.is_none() {
        if let Some(items) =
            resource.pointer(holder).unwrap()[key].as_array().filter(|_| element.json["slicing"]["rules"] == "closed")
            && items[0].is_object()
        {
            let more: Vec<Value> = items.iter().cloned().chain(sample("Element")).collect();
            put("with one of no slice", change(&|holder| holder[key] = json!(more)));
        }
        if let Some(stem) = name.strip_suffix("[x]") {
            let types = element.json["type"].as_array().unwrap();
            let other =
                ["boolean", "time", "Ratio"].into_iter().find(|name| types.iter().all(|one| one["code"] != *name));
            if let Some(other) = other {
                let member = format!("{stem}{}{}", other[..1].to_uppercase(), &other[1..]);
                put(
                    "of another type",
                    change(&|holder| {
                        holder.as_object_mut().unwrap().shift_remove(key);
                        holder[&member] = sample(other).unwrap();
                    }),
                );
            }
        }
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
        if let (Ok(most), Some(items)) = (max.parse::<usize>(), resource.pointer(holder).unwrap()[key].as_array())
            && (1..8).contains(&most)
        {
            let mut more = items.clone();
            while more.len() <= most {
                more.push(items[0].clone());
            }
            put("too often", change(&|holder| holder[key] = json!(more)));
        }
        return;
    }
    if !name.contains("[x]") {
        of_slice(snapshot, element, resource, holder, key, put);
    }
}

/// A resource with one object edited.
fn changed(resource: &Value, holder: &str, edit: &dyn Fn(&mut Value)) -> Value {
    let mut changed = resource.clone();
    edit(changed.pointer_mut(holder).unwrap());
    changed
}

/// A slice: its own values alone.
fn of_slice(
    snapshot: &Snapshot<'_>,
    element: &Element<'_>,
    resource: &Value,
    holder: &str,
    key: &String,
    put: &mut impl FnMut(&str, Value),
) {
    let (min, max) = (element.json["min"].as_u64().unwrap_or(0), element.json["max"].as_str().unwrap_or("*"));
    let change = |edit: &dyn Fn(&mut Value)| changed(resource, holder, edit);
    let Some(marks) = snapshot.marks(element.id) else { return };
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

/// A value of a type, of whatever kind.
fn sample(kind: &str) -> Option<Value> {
    Some(match kind {
        "boolean" => json!(true),
        "integer" | "decimal" | "positiveInt" | "unsignedInt" => json!(1),
        "date" | "dateTime" => json!("2026-11-22"),
        "instant" => json!("2026-11-22T09:00:00Z"),
        "time" => json!("09:00:00"),
        "base64Binary" => json!("AAAA"),
        "xhtml" | "Extension" | "Resource" => return None,
        kind if kind.starts_with(|first: char| first.is_ascii_lowercase()) => json!("http://example.org/x"),
        _ => json!({"extension": [{"url": "http://example.org/x", "valueString": "x"}]}),
    })
}

/// The same for every value in a resource by the definition of its data type.
pub(super) fn mutants_of_types(value: &Value, definitions: &BTreeMap<String, Value>) -> Vec<Mutant> {
    fn search<'v>(
        value: &'v Value,
        kind: &str,
        at: &str,
        place: &str,
        out: &mut Vec<(String, String, String, &'v Value)>,
    ) {
        let Some(object) = value.as_object() else { return };
        for (name, inner) in object {
            let Some((element, of)) = r4::member(kind, name) else { continue };
            if r4::is_primitive(of) || of == "Resource" {
                continue;
            }
            let place = format!("{place}.{}", element.stem());
            let items: Vec<(String, &Value)> = match inner {
                Value::Array(items) => {
                    items.iter().enumerate().map(|(nth, item)| (format!("{at}/{name}/{nth}"), item)).collect()
                }
                inner => vec![(format!("{at}/{name}"), inner)],
            };
            for (at, item) in items {
                out.push((of.to_owned(), at.clone(), place.clone(), item));
                search(item, of, &at, &place, out);
            }
        }
    }
    let mut found = Vec::new();
    let kind = value["resourceType"].as_str().unwrap();
    search(value, kind, "", kind, &mut found);
    let mut all = Vec::new();
    for (kind, pointer, place, item) in found {
        for mutant in definitions.get(&kind).map(|one| mutants(one, item)).unwrap_or_default() {
            let mut resource = value.clone();
            *resource.pointer_mut(&pointer).unwrap() = mutant.resource;
            let place = mutant.place.replacen(&kind, &place, 1);
            all.push(Mutant { what: mutant.what, place, resource });
        }
    }
    all
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
    let other = valued(json, &["fixed", "pattern"]).and_then(|(_, wanted)| otherwise(value, wanted));
    if let Some(other) = other {
        put("of another value", with(other));
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
