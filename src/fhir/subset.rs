//! A part of a resource: `_summary` and `_elements` (search.html#summary, search.html#elements), cut from its text, so that
//! no number is written anew and the order stays.

use std::borrow::Cow;

use super::json::{Members, items};
use super::r4::{self, Element, Kind, Shape};

/// Which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// `_summary=true`: the elements of a summary (Σ), also within elements, and what must be there.
    Summary,
    /// `_summary=text`: the narrative and what must be there.
    Text,
    /// `_summary=data`: everything but the narrative.
    Data,
    /// `_elements`: the elements of these names (`name`, `Patient.name`, `value`, `value[x]`, `valueQuantity`), what must be
    /// there and what may change the meaning of the rest. Names that the type does not have are passed over.
    Elements(&'a [&'a str]),
}

/// Elements inside each other that a summary looks into; what lies deeper is kept whole.
const DEPTH_ELEMENTS_MAX: usize = 64;

const SUBSETTED: &str =
    "{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationValue\",\"code\":\"SUBSETTED\"}";

/// Members of an object: the name, and the value as text.
type Kept<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The part of a resource (its JSON) that is asked for, tagged SUBSETTED; `resourceType`, `id` and `meta` are always in
/// it, and a contained resource when something kept refers to it. `None` when the text is no resource of R4.
pub fn subset(resource: &str, part: Part<'_>) -> Option<String> {
    let members = Members::of(resource)?;
    let name: String = serde_json::from_str(members.get("resourceType")?).ok()?;
    let shape = r4::shape(&name).filter(|shape| shape.member("implicitRules").is_some())?;
    let mut kept: Kept<'_> = Vec::with_capacity(members.0.len() + 1);
    for (name, value) in &members.0 {
        let plain = name.strip_prefix('_').unwrap_or(name);
        let value = match (plain, part) {
            ("resourceType" | "id" | "meta", _) => Cow::Borrowed(*value),
            ("text", Part::Data) => continue,
            (_, Part::Data) => Cow::Borrowed(*value),
            ("contained", _) => continue,
            _ => match shape.member(plain) {
                Some(member) if is_wanted(&member.element, plain, shape, part) => match (part, member.kind) {
                    (Part::Summary, Kind::Complex(inner)) => summary_of(value, inner, 1),
                    _ => Cow::Borrowed(*value),
                },
                _ => continue,
            },
        };
        kept.push((name.clone(), value));
    }
    if part != Part::Data {
        contained(&members, &mut kept);
    }
    tag(&mut kept);
    Some(object(&kept))
}

fn is_wanted(element: &Element, name: &str, shape: &Shape, part: Part<'_>) -> bool {
    element.is_required
        || match part {
            Part::Summary => element.is_summary,
            Part::Text => matches!(element.name, "text" | "implicitRules" | "modifierExtension"),
            Part::Data => true,
            Part::Elements(names) => {
                element.is_modifier
                    || names.iter().any(|asked| {
                        let within = asked.strip_prefix(shape.path).and_then(|rest| rest.strip_prefix('.'));
                        let asked = within.unwrap_or(asked);
                        asked == name || asked == element.name || asked == element.stem()
                    })
            }
        }
}

/// The summary of the value of an element with elements of its own, or of each of its values.
fn summary_of<'a>(value: &'a str, shape: &'static Shape, depth: usize) -> Cow<'a, str> {
    // An extension that may change the meaning is of no use without its value.
    let is_whole = |shape: &Shape| shape.path == "Extension" || shape.elements().iter().all(|e| e.is_summary);
    if depth > DEPTH_ELEMENTS_MAX || is_whole(shape) {
        return Cow::Borrowed(value);
    }
    if value.starts_with('[') {
        let all: Vec<Cow<'_, str>> = items(value).into_iter().map(|item| summary_of(item, shape, depth)).collect();
        let is_same = all.iter().all(|item| matches!(item, Cow::Borrowed(_)));
        return if is_same { Cow::Borrowed(value) } else { Cow::Owned(format!("[{}]", all.join(","))) };
    }
    let Some(members) = Members::of(value) else { return Cow::Borrowed(value) };
    let mut kept: Kept<'_> = Vec::with_capacity(members.0.len());
    let mut is_same = true;
    for (name, value) in &members.0 {
        let plain = name.strip_prefix('_').unwrap_or(name);
        let wanted = shape.member(plain).filter(|m| m.element.is_summary || m.element.is_required);
        let Some(member) = wanted else {
            is_same = false;
            continue;
        };
        let value = match member.kind {
            Kind::Complex(inner) if plain.len() == name.len() => summary_of(value, inner, depth + 1),
            _ => Cow::Borrowed(*value),
        };
        is_same &= matches!(value, Cow::Borrowed(_));
        kept.push((name.clone(), value));
    }
    // An element of which nothing is left would be no JSON of FHIR: rather too much than nothing.
    if is_same || kept.is_empty() { Cow::Borrowed(value) } else { Cow::Owned(object(&kept)) }
}

/// Of more contained resources than this all are kept: what refers to which is found by looking for each in all.
const CONTAINED_MAX: usize = 64;

/// Adds the contained resources that what is kept refers to, or that one so added refers to.
fn contained<'a>(members: &Members<'a>, kept: &mut Kept<'a>) {
    let Some(text) = members.get("contained") else { return };
    let all = items(text);
    if all.len() > CONTAINED_MAX {
        return insert(kept, Cow::Borrowed(text));
    }
    let mut rest: Vec<(String, &str)> = Vec::new();
    for item in all {
        let id = Members::of(item).and_then(|members| serde_json::from_str(members.get("id")?).ok());
        rest.extend(id.map(|id: String| (format!("\"#{id}\""), item)));
    }
    let mut added: Vec<&str> = Vec::new();
    loop {
        let is_referred = |(id, _): &(String, &str)| {
            kept.iter().any(|(_, value)| value.contains(id.as_str()))
                || added.iter().any(|item| item.contains(id.as_str()))
        };
        let Some(at) = rest.iter().position(is_referred) else { break };
        added.push(rest.remove(at).1);
    }
    if !added.is_empty() {
        insert(kept, format!("[{}]", added.join(",")).into());
    }
}

fn insert<'a>(kept: &mut Kept<'a>, contained: Cow<'a, str>) {
    let is_head = |name: &str| matches!(name, "resourceType" | "id" | "meta");
    let at = kept.iter().position(|(name, _)| !is_head(name)).unwrap_or(kept.len());
    kept.insert(at, ("contained".into(), contained));
}

/// Says in `meta.tag` that this is a part of the resource.
fn tag(kept: &mut Kept<'_>) {
    let Some((_, meta)) = kept.iter_mut().find(|(name, _)| name == "meta") else {
        let place = |name: &str| kept.iter().position(|(known, _)| known == name).map(|at| at + 1);
        let at = place("id").or(place("resourceType")).unwrap_or_default();
        return kept.insert(at, ("meta".into(), format!("{{\"tag\":[{SUBSETTED}]}}").into()));
    };
    let Some(mut members) = Members::of(meta) else { return };
    let tags = members.0.iter().position(|(name, _)| name == "tag").map(|at| members.0.remove(at).1);
    let tags = tags.map(items).unwrap_or_default();
    let is_there = tags.iter().any(|tag| {
        let code = Members::of(tag).and_then(|members| members.get("code").map(|code| code == "\"SUBSETTED\""));
        code == Some(true)
    });
    if is_there {
        return;
    }
    let all = tags.into_iter().chain([SUBSETTED]).collect::<Vec<_>>().join(",");
    let mut out: Kept<'_> = members.0.into_iter().map(|(name, value)| (name, Cow::Borrowed(value))).collect();
    out.push(("tag".into(), format!("[{all}]").into()));
    *meta = Cow::Owned(object(&out));
}

fn object(members: &[(Cow<'_, str>, Cow<'_, str>)]) -> String {
    let mut out =
        String::with_capacity(members.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>() + 2);
    out.push('{');
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            out.push('"');
            out.push_str(name);
            out.push('"');
        } else {
            // No element of FHIR: the name may hold anything.
            out.push_str(&serde_json::Value::from(&**name).to_string());
        }
        out.push(':');
        out.push_str(value);
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const PATIENT: &str = r##"{"resourceType":"Patient","id":"1","meta":{"tag":[{"code":"x"}],"versionId":"2"},"text":{"status":"generated","div":"<div/>"},"contained":[{"resourceType":"Organization","id":"o","partOf":{"reference":"#p"}},{"resourceType":"Organization","id":"p"},{"resourceType":"Organization","id":"q"}],"active":true,"name":[{"family":"A","extension":[{"url":"u","valueDecimal":1.00}]}],"_birthDate":{"id":"b"},"photo":[{"title":"t"}],"contact":[{"name":{"text":"B"}}],"managingOrganization":{"reference":"#o","extension":[{"url":"u","valueDecimal":1.00}]},"link":[{"other":{"reference":"Patient/2"},"type":"seealso"}]}"##;

    fn names(part: Part<'_>) -> Vec<String> {
        let value: Value = serde_json::from_str(&subset(PATIENT, part).unwrap()).unwrap();
        let tags = value["meta"]["tag"].as_array().unwrap();
        assert!(tags.iter().any(|tag| tag["code"] == "SUBSETTED") && value["meta"]["versionId"] == "2");
        value.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn each_part_has_its_elements_in_their_order() {
        let head = ["resourceType", "id", "meta"];
        let with = |more: &[&str]| head.iter().chain(more).map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let summary = ["contained", "active", "name", "_birthDate", "managingOrganization", "link"];
        assert_eq!(names(Part::Summary), with(&summary));
        assert_eq!(names(Part::Text), with(&["text"]));
        let data = ["contained", "active", "name", "_birthDate", "photo", "contact", "managingOrganization", "link"];
        assert_eq!(names(Part::Data), with(&data));
        assert_eq!(names(Part::Elements(&["name", "nothing"])), with(&["active", "name", "link"]));
        assert_eq!(names(Part::Elements(&["Patient.birthDate", "_x"])), with(&["active", "_birthDate", "link"]));
        assert_eq!(names(Part::Elements(&["photo"])), with(&["active", "photo", "link"]));
    }

    #[test]
    fn a_summary_is_one_inside_too_and_keeps_what_it_refers_to() {
        let value: Value = serde_json::from_str(&subset(PATIENT, Part::Summary).unwrap()).unwrap();
        assert_eq!(value["name"], serde_json::json!([{"family": "A"}]));
        assert_eq!(value["managingOrganization"], serde_json::json!({"reference": "#o"}));
        let ids: Vec<&Value> = value["contained"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        assert_eq!(ids, ["o", "p"]);
    }

    #[test]
    fn many_contained_resources_are_kept_all() {
        let with = |count: usize| {
            let all: Vec<String> =
                (0..count).map(|at| format!(r#"{{"resourceType":"Organization","id":"o{at}"}}"#)).collect();
            let text = format!(
                r##"{{"resourceType":"Patient","contained":[{}],"active":true,"managingOrganization":{{"reference":"#o1"}}}}"##,
                all.join(",")
            );
            let value: Value = serde_json::from_str(&subset(&text, Part::Summary).unwrap()).unwrap();
            value["contained"].as_array().unwrap().len()
        };
        assert_eq!(with(CONTAINED_MAX), 1);
        assert_eq!(with(CONTAINED_MAX + 1), CONTAINED_MAX + 1);
    }

    #[test]
    fn text_is_cut_not_written_anew() {
        let observation = r#"{ "valueQuantity" : {"value": 1.50E1, "unit":"\u00b5g"}, "resourceType":"Observation", "status":"final", "code":{"text":"x"}, "note":[{"text":"n"}], "x y":1}"#;
        let tagged = format!("\"meta\":{{\"tag\":[{SUBSETTED}]}}");
        let cut = |part| subset(observation, part).unwrap();
        let value = r#""valueQuantity":{"value": 1.50E1, "unit":"\u00b5g"},"resourceType":"Observation","#;
        let rest = r#","status":"final","code":{"text":"x"}"#;
        assert_eq!(cut(Part::Summary), format!("{{{value}{tagged}{rest}}}"));
        assert_eq!(cut(Part::Elements(&["value"])), cut(Part::Summary));
        assert_eq!(cut(Part::Elements(&["value[x]"])), cut(Part::Summary));
        assert_eq!(cut(Part::Data), format!("{{{value}{tagged}{rest},\"note\":[{{\"text\":\"n\"}}],\"x y\":1}}"));
        let twice = subset(&cut(Part::Summary), Part::Data).unwrap();
        assert_eq!(twice, cut(Part::Summary));
    }

    #[test]
    fn what_is_no_resource_has_no_part() {
        for text in
            ["", "[]", "{}", r#"{"resourceType":1}"#, r#"{"resourceType":"HumanName"}"#, r#"{"resourceType":"X"}"#]
        {
            assert_eq!(subset(text, Part::Data), None, "{text}");
        }
    }
}
