//! FHIR XML to FHIR JSON (xml.html, json.html): the same resource in the form in which it is kept. Decimals and strings
//! keep their spelling; comments are not part of a resource.

mod lost;

use std::collections::HashMap;

use roxmltree::Node;

use super::xml;
use crate::fault::{Issue, Noted, Place, rules};
use crate::fhir::r4::{self, Element};
use crate::fhir::writer::{Writer, is_decimal};

rules! {
    pub(crate) NOT_FHIR "fhir-xml-not-fhir" Fatal Structure
        "The root is no resource of FHIR R4 (namespace http://hl7.org/fhir)."
        "ルート要素がFHIR R4のリソース(名前空間 http://hl7.org/fhir)ではありません。"
    pub(crate) UNKNOWN_ELEMENT "fhir-xml-unknown-element" Error Structure
        "R4 has no such element here."
        "FHIR R4のこの位置にこの要素はありません。"
    pub(crate) TWICE "fhir-xml-twice" Error Structure
        "This element may be there once only."
        "この要素は1回しか現れることができません。"
    pub(crate) NO_VALUE "fhir-xml-value" Error Value
        "The value attribute does not hold a {}."
        "value属性が{}ではありません。"
    pub(crate) STRAY_TEXT "fhir-xml-text" Warning Structure
        "Text stands where only elements may stand; it was left out."
        "要素だけが許される位置に文字列があります。無視しました。"
    pub(crate) ONE_RESOURCE "fhir-xml-one-resource" Error Structure
        "Exactly one resource belongs here."
        "ここにはリソースを1つだけ置けます。"
    pub(crate) NARRATIVE "fhir-xml-narrative" Error Structure
        "The narrative must be an XHTML div that declares its namespace itself."
        "ナラティブは、XHTMLの名前空間を自身で宣言したdivでなければなりません。"
    pub(crate) MORE "fhir-xml-more" Information Incomplete
        "{} more problems of the XML are not listed: correct these first."
        "このほかにXMLの問題が{}件あります。まずここに挙げたものを直してください。"
}

/// At most this many problems are listed; a note says how many more there are. (A place costs a look at all text before it.)
const ISSUES_MAX: usize = 100;

const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// The resource as JSON text. An error is a text that is no FHIR XML, or that R4 cannot hold: half a resource is not taken.
pub fn to_json(bytes: &[u8]) -> Result<Noted<String>, Issue> {
    read(bytes, false)
}

/// What of the resource R4 can hold, for whoever wants to know all that is wrong with it: what it cannot hold is left out, and
/// is an issue. An error is a text that is no FHIR XML at all.
pub fn to_json_as_far(bytes: &[u8]) -> Result<Noted<String>, Issue> {
    read(bytes, true)
}

fn read(bytes: &[u8], goes_on: bool) -> Result<Noted<String>, Issue> {
    let text = xml::text(bytes)?;
    let document = xml::parse(&text.value)?;
    let mut reader = Reader { text: &text.value, issues: Vec::new(), left_out: 0, goes_on };
    let json = reader.resource(document.root_element())?;
    let mut issues = text.issues;
    issues.extend(reader.issues);
    issues.extend(lost::lost(&document, &text.value));
    if reader.left_out > 0 {
        issues.push(Issue::with(&MORE, Place::Whole, reader.left_out.to_string()));
    }
    Ok(Noted { value: json, issues })
}

struct Reader<'t> {
    text: &'t str,
    issues: Vec<Issue>,
    /// How many more there are than are listed.
    left_out: usize,
    /// Whether what R4 cannot hold is left out rather than refused.
    goes_on: bool,
}

/// The nodes of one name within one element, in order.
type Group<'a, 'i> = (&'a str, Vec<Node<'a, 'i>>);

impl<'t> Reader<'t> {
    fn resource(&mut self, node: Node<'_, '_>) -> Result<String, Issue> {
        let name = node.tag_name().name();
        let is_resource = r4::member(name, "meta").is_some() && node.tag_name().namespace() == Some(FHIR);
        if !is_resource {
            return Err(Issue::new(&NOT_FHIR, self.place(node)));
        }
        let mut w = Writer::new();
        w.string("resourceType", name);
        self.members(&mut w, node, name)?;
        Ok(format!("{{{}}}", w.finish()))
    }

    /// The members of an element of a type; nesting is bounded by [`xml::DEPTH_ELEMENTS_MAX`].
    fn members(&mut self, w: &mut Writer, node: Node<'_, '_>, kind: &str) -> Result<(), Issue> {
        for name in ["id", "url"] {
            let is_attribute = name == "id" || kind == "Extension";
            if let Some(value) = node.attribute(name).filter(|_| is_attribute) {
                w.string(name, value);
            }
        }
        for (name, mut nodes) in self.groups(node) {
            let first = *nodes.first().unwrap_or(&node);
            let Some((element, kind)) = r4::member(kind, name) else {
                self.refuse(Issue::new(&UNKNOWN_ELEMENT, self.place(first)))?;
                continue;
            };
            if let Some(second) = nodes.get(1).filter(|_| !element.is_many) {
                self.refuse(Issue::new(&TWICE, self.place(*second)))?;
                nodes.truncate(1);
            }
            self.member(w, name, &nodes, element, kind)?;
        }
        Ok(())
    }

    fn groups<'a, 'i>(&mut self, node: Node<'a, 'i>) -> Vec<Group<'a, 'i>> {
        let mut groups: Vec<Group<'a, 'i>> = Vec::new();
        let mut known: HashMap<&'a str, usize> = HashMap::new();
        for child in node.children() {
            if child.is_element() {
                let name = child.tag_name().name();
                let place = *known.entry(name).or_insert(groups.len());
                match groups.get_mut(place) {
                    Some((_, nodes)) => nodes.push(child),
                    None => groups.push((name, vec![child])),
                }
            } else if child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty()) {
                let stray = Issue::new(&STRAY_TEXT, if self.is_full() { Place::Whole } else { self.place(node) });
                self.note(stray);
            }
        }
        groups
    }

    fn member(
        &mut self,
        w: &mut Writer,
        name: &str,
        nodes: &[Node<'_, '_>],
        element: &Element,
        kind: &str,
    ) -> Result<(), Issue> {
        if r4::is_primitive(kind) {
            return self.primitives(w, name, nodes, element, kind);
        }
        let mut values = Vec::with_capacity(nodes.len());
        for node in nodes {
            match kind {
                "Resource" => match self.enclosed(*node) {
                    Ok(resource) => values.push(resource),
                    Err(issue) => self.refuse(issue)?,
                },
                kind => {
                    let mut inner = Writer::new();
                    self.members(&mut inner, *node, kind)?;
                    values.push(format!("{{{}}}", inner.finish()));
                }
            }
        }
        if !values.is_empty() {
            w.raw(name, &joined(&values, element.is_many));
        }
        Ok(())
    }

    /// What R4 cannot hold: the end of it, or left out and noted.
    fn refuse(&mut self, issue: Issue) -> Result<(), Issue> {
        if !self.goes_on {
            return Err(issue);
        }
        self.note(issue);
        Ok(())
    }

    fn note(&mut self, issue: Issue) {
        match self.is_full() {
            true => self.left_out += 1,
            false => self.issues.push(issue),
        }
    }

    fn is_full(&self) -> bool {
        self.issues.len() >= ISSUES_MAX
    }

    fn enclosed(&mut self, node: Node<'_, '_>) -> Result<String, Issue> {
        let mut inside = node.children().filter(Node::is_element);
        match (inside.next(), inside.next()) {
            (Some(resource), None) => self.resource(resource),
            _ => Err(Issue::new(&ONE_RESOURCE, self.place(node))),
        }
    }

    /// Values under the name, what else an element of a primitive type has under `_name`, aligned with `null`.
    fn primitives(
        &mut self,
        w: &mut Writer,
        name: &str,
        nodes: &[Node<'_, '_>],
        element: &Element,
        kind: &str,
    ) -> Result<(), Issue> {
        let (mut values, mut others) = (Vec::new(), Vec::new());
        for node in nodes {
            let value = match self.value(*node, kind) {
                Ok(value) => value,
                Err(issue) => {
                    self.refuse(issue)?;
                    None
                }
            };
            values.push(value.unwrap_or_else(|| "null".into()));
            let mut other = Writer::new();
            if kind != "xhtml" {
                self.members(&mut other, *node, "Element")?;
            }
            others.push(if other.is_empty() { "null".into() } else { format!("{{{}}}", other.finish()) });
        }
        for (name, values) in [(name.to_owned(), values), (format!("_{name}"), others)] {
            if values.iter().any(|value: &String| value != "null") {
                w.raw(&name, &joined(&values, element.is_many));
            }
        }
        Ok(())
    }

    fn value(&self, node: Node<'_, '_>, kind: &str) -> Result<Option<String>, Issue> {
        if kind == "xhtml" {
            return self.narrative(node).map(Some);
        }
        let Some(value) = node.attribute("value") else { return Ok(None) };
        let wrong = |kind: &str| Issue::with(&NO_VALUE, self.place(node), kind);
        let is_integer = |text: &str| is_decimal(text) && !text.contains(['.', 'e', 'E']);
        match kind {
            "boolean" if matches!(value, "true" | "false") => Ok(Some(value.to_owned())),
            "decimal" if is_decimal(value) => Ok(Some(value.to_owned())),
            "integer" | "positiveInt" | "unsignedInt" if is_integer(value) => Ok(Some(value.to_owned())),
            "boolean" | "decimal" | "integer" | "positiveInt" | "unsignedInt" => Err(wrong(kind)),
            _ => Ok(Some(serde_json::Value::from(value).to_string())),
        }
    }

    /// The div as it stands. A prefix or a namespace declared further out would be lost.
    fn narrative(&self, node: Node<'_, '_>) -> Result<String, Issue> {
        let text = self.text.get(node.range()).unwrap_or_default();
        let is_plain = node.tag_name().namespace() == Some(XHTML) && text.starts_with("<div");
        let head = text.split('>').next().unwrap_or_default();
        if !is_plain || !head.contains("xmlns") {
            return Err(Issue::new(&NARRATIVE, self.place(node)));
        }
        Ok(serde_json::Value::from(text).to_string())
    }

    /// Where a node is; the whole, where nobody will be told.
    fn place(&self, node: Node<'_, '_>) -> Place {
        if self.goes_on && self.is_full() {
            return Place::Whole;
        }
        let mut names: Vec<&str> = node.ancestors().filter(Node::is_element).map(|n| n.tag_name().name()).collect();
        names.reverse();
        let line = xml::position(self.text, node.range().start);
        Place::Path(format!("{} ({line})", names.join(".")).into())
    }
}

fn joined(values: &[String], is_many: bool) -> String {
    if is_many { format!("[{}]", values.join(",")) } else { values.concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(inside: &str) -> String {
        to_json(format!("<Patient xmlns=\"http://hl7.org/fhir\">{inside}</Patient>").as_bytes()).unwrap().value
    }

    fn rule(text: &str) -> (&'static str, String) {
        let issue = to_json(text.as_bytes()).unwrap_err();
        (issue.rule.id, issue.place.to_string())
    }

    #[test]
    fn arrays_primitives_and_extensions() {
        assert_eq!(
            json(
                "<id value=\"a\"/><active value=\"true\"/><name><family value=\"見本 &amp; 花子\"/><given value=\"A\"/>\
                 <given id=\"g\"><extension url=\"u\"><valueDecimal value=\"1.50\"/></extension></given></name>\
                 <!-- no --><birthDate value=\"1948\"><extension url=\"t\"><valueBoolean value=\"false\"/></extension></birthDate>"
            ),
            r#"{"resourceType":"Patient","id":"a","active":true,"name":[{"family":"見本 & 花子","given":["A",null],"_given":[null,{"id":"g","extension":[{"url":"u","valueDecimal":1.50}]}]}],"birthDate":"1948","_birthDate":{"extension":[{"url":"t","valueBoolean":false}]}}"#
        );
    }

    #[test]
    fn narrative_and_contained_resources() {
        let div = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &lt; b</p></div>";
        let text = format!(
            "<text><status value=\"generated\"/>{div}</text><contained><Organization><name value=\"O\"/></Organization></contained>"
        );
        assert_eq!(
            json(&text),
            format!(
                r#"{{"resourceType":"Patient","text":{{"status":"generated","div":{}}},"contained":[{{"resourceType":"Organization","name":"O"}}]}}"#,
                serde_json::Value::from(div)
            )
        );
    }

    #[test]
    fn what_r4_cannot_hold_is_refused_with_its_place() {
        let patient = |inside: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">\n{inside}</Patient>");
        assert_eq!(rule(&patient("<nope/>")), ("fhir-xml-unknown-element", "Patient.nope (line 2, column 1)".into()));
        assert_eq!(rule(&patient("<active value=\"yes\"/>")).0, "fhir-xml-value");
        assert_eq!(rule(&patient("<gender value=\"male\"/><gender value=\"male\"/>")).0, "fhir-xml-twice");
        assert_eq!(rule(&patient("<contained/>")).0, "fhir-xml-one-resource");
        assert_eq!(rule(&patient("<text><div/></text>")).0, "fhir-xml-narrative");
        assert_eq!(rule("<Patient/>").0, "fhir-xml-not-fhir");
        assert_eq!(rule("<HumanName xmlns=\"http://hl7.org/fhir\"/>").0, "fhir-xml-not-fhir");
        assert_eq!(rule("<!DOCTYPE x><Patient xmlns=\"http://hl7.org/fhir\"/>").0, "xml-document-type");
    }

    #[test]
    fn as_far_as_it_goes_everything_is_noted() {
        let text = "<Patient xmlns=\"http://hl7.org/fhir\"><nope/><active value=\"yes\"/><gender value=\"male\"/>\
                    <gender value=\"female\"/><contained/><birthDate value=\"1948\"/></Patient>";
        let noted = to_json_as_far(text.as_bytes()).unwrap();
        assert_eq!(noted.value, r#"{"resourceType":"Patient","gender":"male","birthDate":"1948"}"#);
        let rules: Vec<_> = noted.issues.iter().map(|issue| issue.rule.id).collect();
        let of_elements = ["fhir-xml-unknown-element", "fhir-xml-value", "fhir-xml-twice", "fhir-xml-one-resource"];
        // What is contained stands before the gender.
        assert_eq!(rules, [&of_elements[..], &["fhir-xml-order"]].concat());
        assert!(to_json_as_far(b"<Patient/>").is_err());
    }

    #[test]
    fn problems_are_listed_up_to_the_limit() {
        let listed = |inside: String| {
            let text = format!("<Patient xmlns=\"http://hl7.org/fhir\">{inside}</Patient>");
            let rules =
                |noted: Noted<String>| noted.issues.iter().map(|one| (one.rule.id, one.english())).collect::<Vec<_>>();
            (to_json(text.as_bytes()).map(rules), rules(to_json_as_far(text.as_bytes()).unwrap()))
        };
        let strange = |count: usize| (0..count).map(|n| format!("<x{n}/>")).collect::<String>();
        let stray = |count: usize| "x<!-- -->".repeat(count);
        assert_eq!(listed(strange(ISSUES_MAX)).1.len(), ISSUES_MAX);
        for (at_limit, past) in [
            (listed(strange(ISSUES_MAX)).1, listed(strange(ISSUES_MAX + 2)).1),
            (listed(stray(ISSUES_MAX)).0.unwrap(), listed(stray(ISSUES_MAX + 2)).0.unwrap()),
        ] {
            assert_eq!((at_limit.len(), past.len()), (ISSUES_MAX, ISSUES_MAX + 1));
            assert_eq!(past[ISSUES_MAX].0, "fhir-xml-more");
            assert!(past[ISSUES_MAX].1.starts_with("2 more"), "{past:?}");
        }
        // What ends it has its place, however much was noted before.
        let text = format!(
            "<Patient xmlns=\"http://hl7.org/fhir\"><contained><Patient>{}</Patient></contained>\n<nope/></Patient>",
            stray(ISSUES_MAX + 1)
        );
        assert_eq!(rule(&text), ("fhir-xml-unknown-element", "Patient.nope (line 2, column 1)".into()));
    }

    /// Each name is looked up, not searched for: 200,000 would be 2e10 comparisons.
    #[test]
    fn many_names_do_not_cost_their_square() {
        let inside: String = (0..200_000).map(|n| format!("<x{n}/>")).collect();
        let text = format!("<Patient xmlns=\"http://hl7.org/fhir\">{inside}</Patient>");
        let began = std::time::Instant::now();
        assert_eq!(to_json_as_far(text.as_bytes()).unwrap().issues.len(), ISSUES_MAX + 1);
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
}
