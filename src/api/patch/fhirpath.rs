//! FHIRPath Patch (fhirpatch.html): a Parameters resource whose operations name their places by FHIRPath.

use serde_json::{Map, Value};

use super::json::{OPERATIONS_MAX, PATCHED_BYTES_MAX, size};
use crate::api::write::{Stop, rules};
use crate::fault::{Fault, Status};
use crate::fhir::r4;
use crate::fhirpath::{Expression, Item, Node, Nothing, Place, locate};

/// One operation.
struct Operation<'a> {
    kind: &'a str,
    path: &'a str,
    name: Option<&'a str>,
    value: Option<(Option<&'a str>, Value)>,
    index: Option<usize>,
    source: Option<usize>,
    destination: Option<usize>,
}

/// An element that a path named: where it is, and of which type.
struct Named {
    way: Vec<Place>,
    kind: &'static str,
}

/// The resource after all operations; none of them counts unless all succeed.
pub(in crate::api) fn apply(resource: &str, patch: &str) -> Result<String, Stop> {
    let patch: Value = serde_json::from_str(patch).map_err(|_| unreadable("JSON"))?;
    if patch.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(unreadable("Parameters"));
    }
    let parameters = patch.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if parameters.is_empty() || parameters.len() > OPERATIONS_MAX {
        return Err(unreadable(&format!("1-{OPERATIONS_MAX}")));
    }
    let mut value: Value =
        serde_json::from_str(resource).map_err(|_| Fault::Broken("a stored resource is not JSON".into()))?;
    for (at, parameter) in parameters.iter().enumerate() {
        let operation = Operation::read(parameter).ok_or_else(|| unreadable(&format!("parameter[{at}]")))?;
        operation
            .done(&mut value)
            .ok_or_else(|| Stop::because(Status::Unprocessable, &rules::PATCH_PATH, &at.to_string()))?;
        if size(&value) > PATCHED_BYTES_MAX {
            return Err(unreadable(&format!("{PATCHED_BYTES_MAX}")));
        }
    }
    Ok(value.to_string())
}

fn unreadable(detail: &str) -> Stop {
    Stop::because(Status::BadRequest, &rules::PATCH_UNREADABLE, detail)
}

impl<'a> Operation<'a> {
    fn read(parameter: &'a Value) -> Option<Self> {
        if parameter.get("name")?.as_str()? != "operation" {
            return None;
        }
        let parts = parameter.get("part")?.as_array()?;
        let part = |name: &str| parts.iter().find(|part| part.get("name").and_then(Value::as_str) == Some(name));
        let text = |name: &str| {
            let part = part(name)?.as_object()?;
            part.iter().find(|(name, _)| name.starts_with("value")).and_then(|(_, value)| value.as_str())
        };
        let number = |name: &str| usize::try_from(part(name)?.get("valueInteger")?.as_u64()?).ok();
        Some(Operation {
            kind: text("type")?,
            path: text("path")?,
            name: text("name"),
            value: part("value").and_then(stated),
            index: number("index"),
            source: number("source"),
            destination: number("destination"),
        })
    }

    /// Does it; `None` when its place is not there, or it lacks something.
    fn done(&self, resource: &mut Value) -> Option<()> {
        match self.kind {
            "add" => self.add(resource),
            "insert" => self.insert(resource),
            "delete" => self.delete(resource),
            "replace" => self.replace(resource),
            "move" => self.moved(resource),
            _ => None,
        }
    }

    /// What the path names.
    fn named(&self, resource: &Value) -> Option<Vec<Named>> {
        let expression = Expression::parse(self.path).ok()?;
        let items = expression.evaluate(Item::Node(Node::resource(resource)), &Nothing).ok()?;
        items
            .iter()
            .map(|item| match item {
                Item::Node(node) => Some(Named { way: locate(resource, node)?, kind: node.kind.name }),
                _ => None,
            })
            .collect()
    }

    fn one(&self, resource: &Value) -> Option<Named> {
        let mut named = self.named(resource)?;
        if named.len() == 1 { named.pop() } else { None }
    }

    /// Appends to a list, or sets what is not there.
    fn add(&self, resource: &mut Value) -> Option<()> {
        let parent = self.one(resource)?;
        let (type_name, value) = self.value.clone()?;
        let (member, is_many) = member(parent.kind, self.name?, type_name)?;
        let object = at(resource, &parent.way)?.as_object_mut()?;
        if is_many {
            let list = object.entry(member).or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut()?.push(value);
            return Some(());
        }
        if object.contains_key(&member) {
            return None;
        }
        object.insert(member, value);
        Some(())
    }

    fn insert(&self, resource: &mut Value) -> Option<()> {
        let (_, value) = self.value.clone()?;
        let list = self.list(resource)?;
        let index = self.index.filter(|index| *index <= list.len())?;
        list.insert(index, value);
        Some(())
    }

    /// What is not there need not be taken away.
    fn delete(&self, resource: &mut Value) -> Option<()> {
        let named = self.named(resource)?;
        match named.as_slice() {
            [] => Some(()),
            [one] => removed(resource, &one.way),
            _ => None,
        }
    }

    fn replace(&self, resource: &mut Value) -> Option<()> {
        let named = self.one(resource)?;
        let (type_name, value) = self.value.clone()?;
        let (last, way) = named.way.split_last()?;
        match (last, at(resource, way)?) {
            (Place::Index(index), Value::Array(list)) => *list.get_mut(*index)? = value,
            (Place::Member(member), Value::Object(object)) => {
                // Of a choice, the type may change.
                let stem = member.strip_suffix(capitalised(named.kind).as_str());
                let renamed = stem.zip(type_name).filter(|(_, other)| *other != named.kind);
                match renamed.map(|(stem, other)| format!("{stem}{}", capitalised(other))) {
                    Some(other) => *object = renaming(std::mem::take(object), member, &other, value),
                    None => *object.get_mut(member)? = value,
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn moved(&self, resource: &mut Value) -> Option<()> {
        let (source, destination) = (self.source?, self.destination?);
        let list = self.list(resource)?;
        if source >= list.len() || destination >= list.len() {
            return None;
        }
        let value = list.remove(source);
        list.insert(destination, value);
        Some(())
    }

    /// The list whose items the path names.
    fn list<'v>(&self, resource: &'v mut Value) -> Option<&'v mut Vec<Value>> {
        let named = self.named(resource)?;
        let (Place::Index(_), way) = named.first()?.way.split_last()? else { return None };
        let way = way.to_vec();
        named.iter().all(|one| one.way.starts_with(&way) && one.way.len() == way.len() + 1).then_some(())?;
        at(resource, &way)?.as_array_mut()
    }
}

/// The value of a part and its type: `value[x]`, a resource, or an element put together of parts.
fn stated(part: &Value) -> Option<(Option<&str>, Value)> {
    let object = part.as_object()?;
    if let Some((name, value)) = object.iter().find(|(name, _)| name.starts_with("value")) {
        return Some((name.strip_prefix("value"), value.clone()));
    }
    if let Some(resource) = object.get("resource") {
        return Some((None, resource.clone()));
    }
    let mut element = Map::new();
    for part in object.get("part")?.as_array()? {
        let (_, value) = stated(part)?;
        let name = part.get("name")?.as_str()?;
        match element.get_mut(name) {
            None => {
                element.insert(name.to_owned(), value);
            }
            // A second one of a name makes a list of both.
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Some((None, Value::Object(element)))
}

/// The JSON name of an element, and whether it is a list.
fn member(kind: &str, name: &str, type_name: Option<&str>) -> Option<(String, bool)> {
    let element = r4::elements(kind)?.iter().find(|element| element.stem() == name)?;
    match element.is_choice() {
        true => Some((format!("{name}{}", type_name?), element.is_many)),
        false => Some((name.to_owned(), element.is_many)),
    }
}

fn at<'v>(mut value: &'v mut Value, way: &[Place]) -> Option<&'v mut Value> {
    for place in way {
        value = match place {
            Place::Member(name) => value.as_object_mut()?.get_mut(name)?,
            Place::Index(index) => value.as_array_mut()?.get_mut(*index)?,
        };
    }
    Some(value)
}

/// Takes away what is at the end of a way, and a list that is empty without it (json.html: no empty arrays).
fn removed(resource: &mut Value, way: &[Place]) -> Option<()> {
    let (last, way) = way.split_last()?;
    let holder = at(resource, way)?;
    match (last, holder) {
        (Place::Member(name), Value::Object(object)) => {
            object.shift_remove(name)?;
            object.shift_remove(&format!("_{name}"));
        }
        (Place::Index(index), Value::Array(list)) => {
            if *index >= list.len() {
                return None;
            }
            list.remove(*index);
            if list.is_empty() {
                return removed(resource, way);
            }
        }
        _ => return None,
    }
    Some(())
}

/// An object with another name for one of its members, in the same place.
fn renaming(object: Map<String, Value>, member: &str, other: &str, value: Value) -> Map<String, Value> {
    let mut value = Some(value);
    object
        .into_iter()
        .filter_map(|(name, kept)| match name == member {
            true => value.take().map(|value| (other.to_owned(), value)),
            false => Some((name, kept)),
        })
        .collect()
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","active":true,"name":[{"family":"見本"},{"text":"b"}],
        "contact":[{"gender":"male"}],"multipleBirthInteger":2,"telecom":[{"value":"1"}]}"#;

    fn operation(parts: &[(&str, &str, Value)]) -> Value {
        let parts: Vec<Value> = parts.iter().map(|(name, kind, value)| json!({"name": name, *kind: value})).collect();
        json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]})
    }

    fn patched(parts: &[(&str, &str, Value)]) -> Result<Value, Status> {
        match apply(PATIENT, &operation(parts).to_string()) {
            Ok(text) => Ok(serde_json::from_str(&text).unwrap()),
            Err(Stop::Refused(status, _)) => Err(status),
            Err(_) => Err(Status::Broken),
        }
    }

    fn part(kind: &'static str, path: &'static str) -> Vec<(&'static str, &'static str, Value)> {
        vec![("type", "valueCode", json!(kind)), ("path", "valueString", json!(path))]
    }

    #[test]
    fn each_operation_does_what_it_says() {
        let mut add = part("add", "Patient");
        add.extend([("name", "valueString", json!("birthDate")), ("value", "valueDate", json!("1970-01-01"))]);
        assert_eq!(patched(&add).unwrap()["birthDate"], "1970-01-01");
        let mut add = part("add", "Patient");
        add.extend([("name", "valueString", json!("name")), ("value", "valueHumanName", json!({"text": "c"}))]);
        assert_eq!(patched(&add).unwrap()["name"][2]["text"], "c");
        let mut add = part("add", "Patient");
        add.extend([("name", "valueString", json!("deceased")), ("value", "valueBoolean", json!(true))]);
        assert_eq!(patched(&add).unwrap()["deceasedBoolean"], true);
        let mut add = part("add", "Patient");
        let parts = json!([{"name": "gender", "valueCode": "female"}]);
        add.extend([("name", "valueString", json!("contact")), ("value", "part", parts)]);
        assert_eq!(patched(&add).unwrap()["contact"][1]["gender"], "female");
        let mut insert = part("insert", "Patient.name");
        insert.extend([("index", "valueInteger", json!(1)), ("value", "valueHumanName", json!({"text": "c"}))]);
        assert_eq!(patched(&insert).unwrap()["name"][1]["text"], "c");
        assert_eq!(patched(&part("delete", "Patient.active")).unwrap().get("active"), None);
        assert_eq!(patched(&part("delete", "Patient.telecom.first()")).unwrap().get("telecom"), None);
        assert!(patched(&part("delete", "Patient.birthDate")).is_ok());
        let mut replace = part("replace", "Patient.contact[0].gender");
        replace.push(("value", "valueCode", json!("female")));
        assert_eq!(patched(&replace).unwrap()["contact"][0]["gender"], "female");
        let mut replace = part("replace", "Patient.multipleBirth");
        replace.push(("value", "valueBoolean", json!(true)));
        let twins = patched(&replace).unwrap();
        assert_eq!((&twins["multipleBirthBoolean"], twins.get("multipleBirthInteger")), (&json!(true), None));
        let mut moved = part("move", "Patient.name");
        moved.extend([("source", "valueInteger", json!(1)), ("destination", "valueInteger", json!(0))]);
        assert_eq!(patched(&moved).unwrap()["name"][0]["text"], "b");
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let value = ("value", "valueDate", json!("1970-01-01"));
        let no = |mut parts: Vec<(&'static str, &'static str, Value)>, more: &[(&'static str, &'static str, Value)]| {
            parts.extend_from_slice(more);
            assert_eq!(patched(&parts), Err(Status::Unprocessable));
        };
        no(part("replace", "Patient.birthDate"), std::slice::from_ref(&value));
        no(part("replace", "Patient.name"), std::slice::from_ref(&value));
        no(part("delete", "Patient.name"), &[]);
        no(part("jump", "Patient.name"), &[]);
        no(part("add", "Patient"), &[("name", "valueString", json!("nothing")), value.clone()]);
        no(part("add", "Patient"), &[("name", "valueString", json!("active")), ("value", "valueBoolean", json!(true))]);
        no(part("insert", "Patient.name"), &[("index", "valueInteger", json!(3)), value.clone()]);
        no(part("delete", "Patient.("), &[]);
        assert_eq!(patched(&[]), Err(Status::BadRequest));
    }
}
