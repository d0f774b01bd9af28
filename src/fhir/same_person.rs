//! The links that this program says of a Patient when it is read (Patient.link), and that are no part of what is stored: what
//! comes back with a Patient that was read here is not kept.

use serde_json::Value;

/// `Element.id` of such a link.
pub const LINK_ID: &str = "same-person";

/// A Patient without them; `None` where it has none.
pub fn without(patient: &Value) -> Option<Value> {
    let links = patient.get("link")?.as_array()?;
    let kept: Vec<Value> = links.iter().filter(|link| link["id"] != LINK_ID).cloned().collect();
    if kept.len() == links.len() {
        return None;
    }
    let mut patient = patient.clone();
    let members = patient.as_object_mut()?;
    match kept.is_empty() {
        true => _ = members.shift_remove("link"),
        false => members["link"] = Value::Array(kept),
    }
    Some(patient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_said_here_is_taken_away() {
        let own = json!({"other": {"reference": "Patient/b"}, "type": "replaces"});
        let said = json!({"id": LINK_ID, "other": {"reference": "Patient/c"}, "type": "seealso"});
        let patient = |links: Value| json!({"resourceType": "Patient", "link": links, "active": true});
        assert_eq!(without(&patient(json!([own, said]))), Some(patient(json!([own]))));
        assert_eq!(without(&patient(json!([said]))), Some(json!({"resourceType": "Patient", "active": true})));
        assert_eq!(without(&patient(json!([own]))), None);
        assert_eq!(without(&json!({"resourceType": "Patient"})), None);
    }
}
