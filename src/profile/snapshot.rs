//! A snapshot made of a differential (profiling.html#snapshot): the elements of the base with what the differential says of
//! them; where it speaks of the elements of a type, these are put in, and a slice begins as a copy of what it is a slice of.

use serde_json::{Map, Value};

use crate::terminology::{array, text};

/// Elements of a snapshot at most; the largest of the guides known has 1,677.
const ELEMENTS_MAX: usize = 20_000;

/// The snapshot of a type or profile by its name or canonical.
type OfType<'a> = &'a dyn Fn(&str) -> Option<Vec<Value>>;

/// Puts the differential of a definition over the snapshot of its base. What cannot be placed is left out.
pub(super) fn generate(base: Vec<Value>, definition: &Value, of_type: OfType<'_>) -> Vec<Value> {
    let type_name = text(definition, "type").unwrap_or_default();
    let mut snapshot = base;
    let differential = definition.get("differential").unwrap_or(&Value::Null);
    for element in array(differential, "element") {
        let Some(id) = id_in(element, type_name) else { continue };
        if snapshot.len() > ELEMENTS_MAX {
            break;
        }
        let at = placed(&mut snapshot, &id, of_type);
        if let Some(Value::Object(found)) = at.and_then(|at| snapshot.get_mut(at)) {
            overlay(found, element);
        }
    }
    snapshot
}

/// The id of an element of a differential. A path that names one choice (`valueQuantity`) is left as it is: [`placed`] knows it.
fn id_in(element: &Value, type_name: &str) -> Option<String> {
    if let Some(id) = text(element, "id") {
        return Some(id.to_owned());
    }
    let path = text(element, "path").unwrap_or(type_name);
    Some(text(element, "sliceName").map_or_else(|| path.to_owned(), |slice| format!("{path}:{slice}")))
}

fn position(snapshot: &[Value], id: &str) -> Option<usize> {
    snapshot.iter().position(|element| text(element, "id") == Some(id))
}

/// Where the element of that id is in the snapshot, put there if it was not.
fn placed(snapshot: &mut Vec<Value>, id: &str, of_type: OfType<'_>) -> Option<usize> {
    if let Some(at) = position(snapshot, id) {
        return Some(at);
    }
    let last = id.rfind('.').map_or(0, |dot| dot + 1);
    if let Some(colon) = id[last..].find(':').map(|colon| last + colon) {
        return sliced(snapshot, id, colon, of_type);
    }
    let parent_id = id.get(..last.checked_sub(1)?)?.to_owned();
    let parent = placed(snapshot, &parent_id, of_type)?;
    open(snapshot, parent, of_type);
    // The parent may itself have been named by one of its types, and stand under another id.
    let own = text(snapshot.get(parent)?, "id")?.to_owned();
    let id = format!("{own}.{}", &id[last..]);
    position(snapshot, &id).or_else(|| chosen(snapshot, &id, of_type))
}

/// A slice that is not there yet: a copy of what it is a slice of, behind it and its other slices.
fn sliced(snapshot: &mut Vec<Value>, id: &str, colon: usize, of_type: OfType<'_>) -> Option<usize> {
    let of =
        id[colon..].rfind('/').map(|slash| &id[..colon + slash]).filter(|outer| position(snapshot, outer).is_some());
    let of = of.unwrap_or(&id[..colon]).to_owned();
    let at = placed(snapshot, &of, of_type)?;
    let of = text(snapshot.get(at)?, "id")?.to_owned();
    let is_own = |element: &Value| {
        let rest = text(element, "id").and_then(|id| id.strip_prefix(of.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let belongs = |element: &Value| {
        let rest = text(element, "id").and_then(|id| id.strip_prefix(of.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':', '/']))
    };
    let name = id[colon + 1..].to_owned();
    let copies: Vec<Value> =
        snapshot[at..].iter().take_while(|element| belongs(element)).filter(|e| is_own(e)).cloned().collect();
    let end = at + snapshot[at..].iter().take_while(|element| belongs(element)).count();
    let count = copies.len();
    for (place, mut copy) in copies.into_iter().enumerate() {
        if let Value::Object(copy) = &mut copy {
            let rest =
                text_of(copy, "id").and_then(|id| id.strip_prefix(of.as_str()).map(str::to_owned)).unwrap_or_default();
            copy.insert("id".into(), format!("{id}{rest}").into());
            if place == 0 {
                copy.insert("sliceName".into(), name.clone().into());
                copy.shift_remove("slicing");
                copy.insert("min".into(), 0.into());
            }
        }
        snapshot.insert(end + place, copy);
    }
    (count > 0).then_some(end)
}

/// `valueQuantity` where the snapshot has `value[x]`: a slice of it, of that type.
fn chosen(snapshot: &mut Vec<Value>, id: &str, of_type: OfType<'_>) -> Option<usize> {
    let (parent, name) = id.rsplit_once('.')?;
    let is_choice = |element: &Value| -> Option<(String, String)> {
        let of = text(element, "id")?;
        let stem = of.strip_prefix(parent)?.strip_prefix('.')?.strip_suffix("[x]")?;
        let kind = name.strip_prefix(stem).filter(|kind| !stem.contains('.') && !kind.is_empty())?;
        let mut codes = array(element, "type").filter_map(|one| text(one, "code"));
        let is_meant = |code: &&str| code.eq_ignore_ascii_case(kind);
        Some((of.to_owned(), codes.find(is_meant)?.to_owned()))
    };
    let (of, code) = snapshot.iter().find_map(is_choice)?;
    let at = placed(snapshot, &format!("{of}:{name}"), of_type)?;
    if let Some(Value::Array(types)) = snapshot.get_mut(at).and_then(|element| element.get_mut("type")) {
        types.retain(|one| text(one, "code") == Some(&code));
    }
    let slicing =
        serde_json::json!({"discriminator": [{"type": "type", "path": "$this"}], "ordered": false, "rules": "open"});
    let base = position(snapshot, &of).and_then(|at| snapshot.get_mut(at)?.as_object_mut());
    base.map(|base| base.entry("slicing").or_insert(slicing));
    Some(at)
}

/// Puts in the elements of the type of an element that has none of its own there.
fn open(snapshot: &mut Vec<Value>, at: usize, of_type: OfType<'_>) {
    let Some(element) = snapshot.get(at).cloned() else { return };
    let Some(id) = text(&element, "id").map(str::to_owned) else { return };
    let is_inside = |other: &Value| {
        text(other, "id").and_then(|other| other.strip_prefix(id.as_str())).is_some_and(|rest| rest.starts_with('.'))
    };
    if snapshot.iter().any(is_inside) {
        return;
    }
    let path = text(&element, "path").unwrap_or_default().to_owned();
    let inner: Vec<Value> = match text(&element, "contentReference") {
        Some(reference) => {
            let of = reference.rsplit('#').next().unwrap_or_default().to_owned();
            let all = snapshot.iter().filter_map(|other| under(other, &of, &id, &path));
            all.collect()
        }
        None => {
            let mut types = array(&element, "type");
            let (first, second) = (types.next(), types.next());
            let code = first.and_then(|one| text(one, "code")).filter(|_| second.is_none()).unwrap_or("Element");
            let profile =
                first.and_then(|one| array(one, "profile").find_map(Value::as_str)).filter(|_| second.is_none());
            let definition = profile.and_then(of_type).or_else(|| of_type(code)).unwrap_or_default();
            let root = definition.first().and_then(|root| text(root, "id")).unwrap_or_default().to_owned();
            definition.iter().filter_map(|other| under(other, &root, &id, &path)).collect()
        }
    };
    if let Some(Value::Object(element)) = snapshot.get_mut(at) {
        element.shift_remove("contentReference");
    }
    snapshot.splice(at + 1..at + 1, inner);
}

/// A copy of an element that stands under another, put under a third.
fn under(element: &Value, from: &str, id: &str, path: &str) -> Option<Value> {
    let rest = text(element, "id")?.strip_prefix(from).filter(|rest| rest.starts_with('.'))?;
    let mut copy = element.as_object()?.clone();
    let plain = rest.split('.').map(|part| part.split(':').next().unwrap_or(part)).collect::<Vec<_>>().join(".");
    copy.insert("id".into(), format!("{id}{rest}").into());
    copy.insert("path".into(), format!("{path}{plain}").into());
    Some(Value::Object(copy))
}

/// Says of an element what the differential says: constraints are added, everything else replaces.
fn overlay(found: &mut Map<String, Value>, said: &Value) {
    for (name, value) in said.as_object().into_iter().flatten() {
        match (name.as_str(), found.get_mut(name)) {
            ("id" | "path", _) => {}
            ("constraint", Some(Value::Array(all))) => {
                for one in array(said, "constraint") {
                    all.retain(|known| text(known, "key") != text(one, "key"));
                    all.push(one.clone());
                }
            }
            _ => {
                found.insert(name.clone(), value.clone());
            }
        }
    }
}

fn text_of<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}
