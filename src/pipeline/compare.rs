//! Two states of a resource side by side: which members differ, by path. Pure.

use serde_json::Value;

use crate::fhir::{ResourceId, ResourceType};

/// What a replay makes of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It was not on record.
    Created,
    /// It says something else.
    Changed,
    /// Nothing gives it any more.
    Deleted,
    /// It says the same; what search and ordering know of it is renewed.
    Reindexed,
}

/// A resource that a replay makes different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub id: ResourceId,
    /// What becomes of it.
    pub effect: Effect,
    /// The members that differ, of a changed resource.
    pub paths: Vec<PathDifference>,
}

/// A member that differs: added where `before` is `None`, gone where `after` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathDifference {
    /// Its path, `code.coding[].system`. Items of a list have no number, so that the same change of many resources has
    /// one path.
    pub path: String,
    /// The value on record, as JSON. May hold anything a patient's record holds.
    pub before: Option<String>,
    /// The value it becomes, as JSON. May hold anything a patient's record holds.
    pub after: Option<String>,
}

/// The members in which two resources differ, apart from version and time of storage.
pub(super) fn paths(before: &Value, after: &Value) -> Vec<PathDifference> {
    let mut found = Vec::new();
    walk(&mut String::new(), Some(before), Some(after), &mut found);
    found.retain(|difference| !matches!(difference.path.as_str(), "meta.versionId" | "meta.lastUpdated"));
    found
}

fn walk(path: &mut String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<PathDifference>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let added = after.keys().filter(|name| !before.contains_key(*name));
            for name in before.keys().chain(added) {
                step(path, name, |path| walk(path, before.get(name), after.get(name), found));
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => items(path, before, after, found),
        _ => {
            let text = |value: Option<&Value>| value.map(Value::to_string);
            found.push(PathDifference { path: path.clone(), before: text(before), after: text(after) });
        }
    }
}

/// Items that stand in both lists are the same wherever they stand; of the others, each is compared with the next.
fn items(path: &mut String, before: &[Value], after: &[Value], found: &mut Vec<PathDifference>) {
    let mut added: Vec<&Value> = after.iter().collect();
    let mut gone = Vec::new();
    for item in before {
        match added.iter().position(|other| *other == item) {
            Some(at) => {
                added.remove(at);
            }
            None => gone.push(item),
        }
    }
    if added.is_empty() && gone.is_empty() {
        // Only the order differs.
        let text = |items: &[Value]| Some(Value::from(items.to_vec()).to_string());
        return found.push(PathDifference { path: path.clone(), before: text(before), after: text(after) });
    }
    let length = path.len();
    path.push_str("[]");
    for at in 0..gone.len().max(added.len()) {
        walk(path, gone.get(at).copied(), added.get(at).copied(), found);
    }
    path.truncate(length);
}

fn step(path: &mut String, name: &str, work: impl FnOnce(&mut String)) {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(name);
    work(path);
    path.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(before: Value, after: Value) -> Vec<String> {
        let text = |side: Option<String>| side.unwrap_or_else(|| "-".into());
        paths(&before, &after).into_iter().map(|d| format!("{} {} {}", d.path, text(d.before), text(d.after))).collect()
    }

    #[test]
    fn members_differ_by_path() {
        let before =
            json!({"meta": {"versionId": "1", "lastUpdated": "a"}, "status": "final", "a": {"b": 1.0, "c": 2}});
        let after =
            json!({"meta": {"versionId": "2", "lastUpdated": "b"}, "status": "amended", "a": {"c": 2, "d": [1]}});
        assert_eq!(found(before.clone(), after), ["status \"final\" \"amended\"", "a.b 1.0 -", "a.d - [1]"]);
        assert!(found(before.clone(), before).is_empty());
    }

    #[test]
    fn a_decimal_of_other_precision_differs() {
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(found(value(r#"{"v":1.0}"#), value(r#"{"v":1.00}"#)), ["v 1.0 1.00"]);
    }

    #[test]
    fn an_item_added_in_front_is_one_difference() {
        let coding = |system: &str, code: &str| json!({"system": system, "code": code});
        let of = |codings: &[Value]| json!({"code": {"coding": codings}});
        let (a, b, c) = (coding("x", "1"), coding("y", "2"), coding("y", "3"));
        assert_eq!(
            found(of(std::slice::from_ref(&a)), of(&[b.clone(), a.clone()])),
            [r#"code.coding[] - {"system":"y","code":"2"}"#]
        );
        assert_eq!(found(of(&[a.clone(), b.clone()]), of(&[a.clone(), c])), [r#"code.coding[].code "2" "3""#]);
        assert_eq!(found(of(&[a.clone(), b.clone()]), of(&[b, a])).len(), 1, "another order is a difference");
    }
}
