//! FHIR JSON to FHIR XML (xml.html, json.html): the same resource, its elements in the order of their definitions, digits
//! and strings as they stand.

use serde_json::{Map, Value};

use super::r4::{self, Element};

const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Attributes of one element of a narrative up to which it is parsed; the parser compares each with each.
const NARRATIVE_ATTRIBUTES_MAX: usize = 256;

/// A resource as an XML document, on one line or indented. `None` where the text is no JSON object with a
/// `resourceType`, or is nested more deeply than the JSON parser goes (127).
///
/// What R4 does not define is written too, after what it does, as far as XML has a name for it. A narrative that is no
/// well-formed XML is written as the text it is.
pub fn to_xml(json: &str, indented: bool) -> Option<String> {
    let resource: Value = serde_json::from_str(json).ok()?;
    let mut writer = Writer { out: String::with_capacity(json.len() + json.len() / 2), indented, depth: 0 };
    writer.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    writer.resource(resource.as_object()?, true)?;
    if indented {
        writer.out.push('\n');
    }
    Some(writer.out)
}

struct Writer {
    out: String,
    indented: bool,
    depth: usize,
}

/// The members `name` and `_name` of an object: one element, or several of that name.
struct Member<'a> {
    /// Where the definition has it; what it does not have comes last.
    order: usize,
    name: &'a str,
    value: Option<&'a Value>,
    other: Option<&'a Value>,
    kind: &'static str,
}

/// The kind of what R4 does not define.
const UNKNOWN: &str = "";

impl Writer {
    fn resource(&mut self, object: &Map<String, Value>, is_root: bool) -> Option<()> {
        let name = object.get("resourceType")?.as_str().filter(|name| is_name(name))?;
        self.open(name);
        if is_root {
            self.attribute("xmlns", FHIR);
        }
        let has_children = self.children(object, name, true);
        self.close(name, has_children);
        Some(())
    }

    /// The members of an object as elements, and whether there are any. The tag before them is open still.
    fn children(&mut self, object: &Map<String, Value>, kind: &str, is_resource: bool) -> bool {
        let elements = r4::elements(kind).unwrap_or_default();
        let mut members: Vec<Member<'_>> = Vec::with_capacity(object.len());
        for (key, value) in object {
            let is_attribute = match key.as_str() {
                "resourceType" => is_resource,
                "id" => !is_resource,
                "url" => kind == "Extension",
                _ => false,
            };
            if is_attribute {
                continue;
            }
            let name = key.strip_prefix('_').unwrap_or(key);
            let at = members.iter().position(|member| member.name == name).unwrap_or_else(|| {
                let (order, kind) = known(elements, name).unwrap_or((usize::MAX, UNKNOWN));
                members.push(Member { order, name, value: None, other: None, kind });
                members.len() - 1
            });
            if let Some(member) = members.get_mut(at) {
                let slot = if key.len() == name.len() { &mut member.value } else { &mut member.other };
                *slot = Some(value);
            }
        }
        members.retain(|member| is_name(member.name));
        members.sort_by_key(|member| member.order);
        let mut has_children = false;
        for member in &members {
            for (value, other) in member.items() {
                if !has_children {
                    self.out.push('>');
                    self.depth += 1;
                    has_children = true;
                }
                self.element(member, value, other);
            }
        }
        if has_children {
            self.depth -= 1;
        }
        has_children
    }

    fn element(&mut self, member: &Member<'_>, value: &Value, other: Option<&Value>) {
        let name = member.name;
        match value {
            Value::String(text) if member.kind == "xhtml" => self.narrative(name, text),
            Value::Object(object) => {
                self.open(name);
                let is_resource = matches!(member.kind, "Resource" | UNKNOWN) && object.contains_key("resourceType");
                let has_children = if is_resource { self.enclosed(object) } else { self.complex(object, member.kind) };
                self.close(name, has_children);
            }
            // R4 has no arrays in arrays.
            Value::Array(items) => {
                self.open(name);
                if !items.is_empty() {
                    self.out.push('>');
                    items.iter().for_each(|item| self.element(member, item, None));
                }
                self.close(name, !items.is_empty());
            }
            value => {
                self.open(name);
                let other = other.and_then(Value::as_object);
                if let Some(id) = other.and_then(|other| other.get("id")).and_then(Value::as_str) {
                    self.attribute("id", id);
                }
                match value {
                    Value::Null => {}
                    Value::String(text) => self.attribute("value", text),
                    value => self.attribute("value", &value.to_string()),
                }
                let has_children = other.is_some_and(|other| self.children(other, "Element", false));
                self.close(name, has_children);
            }
        }
    }

    /// A resource in an element; the element's tag is open still.
    fn enclosed(&mut self, object: &Map<String, Value>) -> bool {
        let (before, depth) = (self.out.len(), self.depth);
        self.out.push('>');
        self.depth += 1;
        let written = self.resource(object, false);
        self.depth = depth;
        if written.is_none() {
            self.out.truncate(before);
        }
        written.is_some()
    }

    fn complex(&mut self, object: &Map<String, Value>, kind: &str) -> bool {
        if let Some(id) = object.get("id").and_then(Value::as_str) {
            self.attribute("id", id);
        }
        if let Some(url) = object.get("url").and_then(Value::as_str).filter(|_| kind == "Extension") {
            self.attribute("url", url);
        }
        self.children(object, kind, false)
    }

    /// The div as it stands where that is XML, with its namespace.
    fn narrative(&mut self, name: &str, text: &str) {
        self.line();
        let text = text.trim();
        match narrative_namespace(text) {
            Some(true) => self.out.push_str(text),
            Some(false) => {
                let (head, rest) = text.split_at_checked("<div".len()).unwrap_or((text, ""));
                self.out.push_str(&format!("{head} xmlns=\"{XHTML}\"{rest}"));
            }
            None => {
                self.out.push_str(&format!("<{name} xmlns=\"{XHTML}\">"));
                escape(text, &mut self.out);
                self.out.push_str(&format!("</{name}>"));
            }
        }
    }

    fn open(&mut self, name: &str) {
        self.line();
        self.out.push('<');
        self.out.push_str(name);
    }

    fn close(&mut self, name: &str, has_children: bool) {
        if !has_children {
            self.out.push_str("/>");
            return;
        }
        self.line();
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(value, &mut self.out);
        self.out.push('"');
    }

    fn line(&mut self) {
        if self.indented {
            self.out.push('\n');
            (0..self.depth).for_each(|_| self.out.push_str("  "));
        }
    }
}

impl<'a> Member<'a> {
    /// Each value with what `_name` says of it; neither may be `null` alone.
    fn items(&self) -> impl Iterator<Item = (&'a Value, Option<&'a Value>)> {
        let (values, others) = (items(self.value), items(self.other));
        let count = values.len().max(others.len());
        let item = move |at: usize| {
            let other = others.get(at).filter(|other| !other.is_null());
            (values.get(at).unwrap_or(&Value::Null), other)
        };
        (0..count).map(item).filter(|(value, other)| !value.is_null() || other.is_some())
    }
}

fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

/// The place of a member in its definition, and its type.
fn known(elements: &'static [Element], name: &str) -> Option<(usize, &'static str)> {
    elements.iter().enumerate().find_map(|(at, element)| Some((at, element.kind_of(name)?)))
}

/// Whether XML can name an element so; R4's own names all are such.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Whether a narrative declares its namespace; `None` when it is no `div` in well-formed XML.
fn narrative_namespace(text: &str) -> Option<bool> {
    let has_few_attributes = |tag: &str| tag.bytes().filter(|b| *b == b'=').count() <= NARRATIVE_ATTRIBUTES_MAX;
    if !text.starts_with('<') || text.starts_with("<?") || !text.split('<').all(has_few_attributes) {
        return None;
    }
    let document = roxmltree::Document::parse(text).ok()?;
    let root = document.root_element().tag_name();
    match root.namespace() {
        Some(XHTML) => Some(true),
        None if root.name() == "div" && text.starts_with("<div") => Some(false),
        _ => None,
    }
}

/// Text as an attribute's value and an element's content may hold it (XML 1.0 sections 2.2, 2.4, 3.3.3).
fn escape(text: &str, out: &mut String) {
    let mut clean = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\t' => "&#9;",
            '\n' => "&#10;",
            '\r' => "&#13;",
            // XML has no way to say these.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => continue,
        };
        out.push_str(text.get(clean..at).unwrap_or_default());
        out.push_str(escaped);
        clean = at + c.len_utf8();
    }
    out.push_str(text.get(clean..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(json: &str) -> String {
        to_xml(json, false).unwrap()
    }

    fn inside(json: &str) -> String {
        let text = xml(&format!(r#"{{"resourceType":"Patient",{json}}}"#));
        let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Patient xmlns=\"http://hl7.org/fhir\">";
        text.strip_prefix(start).and_then(|rest| rest.strip_suffix("</Patient>")).unwrap_or(&text).to_owned()
    }

    #[test]
    fn elements_stand_in_the_order_of_the_definition() {
        let json =
            r#""birthDate":"1948","name":[{"given":["A","B"],"family":"見本 & \"花子\""}],"id":"a","active":true"#;
        assert_eq!(
            inside(json),
            "<id value=\"a\"/><active value=\"true\"/><name><family value=\"見本 &amp; &quot;花子&quot;\"/>\
             <given value=\"A\"/><given value=\"B\"/></name><birthDate value=\"1948\"/>"
        );
    }

    #[test]
    fn primitives_keep_ids_extensions_and_digits() {
        let json = r#""name":[{"given":["A",null,"C"],"_given":[null,{"id":"g","extension":[{"url":"u","valueDecimal":1.50}]}]}],
            "_birthDate":{"extension":[{"valueBoolean":false,"url":"t","id":"x"}]},"multipleBirthInteger":2,
            "extension":[{"url":"d","valueDecimal":-1.00e+5},{"url":"e","valueDecimal":12345678901234567890.10}]"#;
        assert_eq!(
            inside(json),
            "<extension url=\"d\"><valueDecimal value=\"-1.00e+5\"/></extension>\
             <extension url=\"e\"><valueDecimal value=\"12345678901234567890.10\"/></extension>\
             <name><given value=\"A\"/><given id=\"g\"><extension url=\"u\"><valueDecimal value=\"1.50\"/></extension></given>\
             <given value=\"C\"/></name><birthDate><extension id=\"x\" url=\"t\"><valueBoolean value=\"false\"/></extension>\
             </birthDate><multipleBirthInteger value=\"2\"/>"
        );
    }

    #[test]
    fn narratives_are_xhtml_or_the_text_they_are() {
        let div = |text: &str| inside(&format!(r#""text":{{"div":{}}}"#, Value::from(text)));
        let own = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &lt; b &#160;</p></div>";
        let escaped = |text: &str| format!("<text><div xmlns=\"http://www.w3.org/1999/xhtml\">{text}</div></text>");
        assert_eq!(div(own), format!("<text>{own}</text>"));
        assert_eq!(div("<div>a</div>"), escaped("a"));
        assert_eq!(div("<div/>"), "<text><div xmlns=\"http://www.w3.org/1999/xhtml\"/></text>");
        let prefixed = "<h:div xmlns:h=\"http://www.w3.org/1999/xhtml\"/>";
        assert_eq!(div(prefixed), format!("<text>{prefixed}</text>"));
        for (broken, expected) in [
            ("<div>a", "&lt;div&gt;a"),
            ("<div>&nbsp;</div>", "&lt;div&gt;&amp;nbsp;&lt;/div&gt;"),
            ("</div><Patient/>", "&lt;/div&gt;&lt;Patient/&gt;"),
            ("<div/></text>", "&lt;div/&gt;&lt;/text&gt;"),
            ("<?xml version=\"1.0\"?><div/>", "&lt;?xml version=&quot;1.0&quot;?&gt;&lt;div/&gt;"),
            ("<!DOCTYPE x><div/>", "&lt;!DOCTYPE x&gt;&lt;div/&gt;"),
            ("<p/>", "&lt;p/&gt;"),
            ("text", "text"),
        ] {
            assert_eq!(div(broken), escaped(expected), "{broken}");
        }
        let attributes = |count: usize| {
            let many: String = (0..count).map(|n| format!(" a{n}=\"\"")).collect();
            format!("<div><p{many}/></div>")
        };
        assert!(div(&attributes(NARRATIVE_ATTRIBUTES_MAX)).contains("<p "));
        assert!(!div(&attributes(NARRATIVE_ATTRIBUTES_MAX + 1)).contains("<p "));
    }

    #[test]
    fn resources_stand_in_resources() {
        let json = r#"{"resourceType":"Bundle","entry":[{"response":{"outcome":{"resourceType":"OperationOutcome"},"status":"200"},
            "resource":{"resourceType":"Basic","contained":[{"resourceType":"Basic","id":"c"}]}}],"type":"batch-response"}"#;
        assert_eq!(
            xml(json),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"batch-response\"/>\
             <entry><resource><Basic><contained><Basic><id value=\"c\"/></Basic></contained></Basic></resource>\
             <response><status value=\"200\"/><outcome><OperationOutcome/></outcome></response></entry></Bundle>"
        );
    }

    #[test]
    fn indentation_is_between_elements_only() {
        let json =
            r#"{"resourceType":"Patient","text":{"div":"<div>a\n</div>"},"active":true,"name":[{"text":"x\ny"}]}"#;
        assert_eq!(
            to_xml(json, true).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Patient xmlns=\"http://hl7.org/fhir\">\n  <text>\n    \
             <div xmlns=\"http://www.w3.org/1999/xhtml\">a\n</div>\n  </text>\n  <active value=\"true\"/>\n  <name>\n    \
             <text value=\"x&#10;y\"/>\n  </name>\n</Patient>\n"
        );
    }

    /// JSON as nobody would send it: members of R4 and others, with values of any kind.
    fn anything() -> impl proptest::strategy::Strategy<Value = Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "<?/?(div|p|!--|!\\[CDATA\\[)( a=\"1\")?/?>?x?(</div>|-->|&amp;|&nbsp;)?".prop_map(Value::from),
        ];
        let names = "_?(id|url|text|div|name|given|extension|valueString|contained|resource|entry|resourceType|birthDate|[a-z<]{1,3})";
        leaf.prop_recursive(6, 64, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(names, inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_written_is_well_formed(value in anything(), kind in "Patient|Bundle|Nothing", indented: bool) {
            let mut resource = Map::new();
            resource.extend(value.as_object().cloned().unwrap_or_default());
            resource.insert("resourceType".into(), kind.into());
            let written = to_xml(&Value::from(resource).to_string(), indented).unwrap();
            roxmltree::Document::parse(&written).unwrap();
        }
    }

    #[test]
    fn what_r4_does_not_define_comes_last() {
        let json = r#""unheard":{"of":[1,{"resourceType":"X","a":"b"}]},"<bad>":1,"_x y":{},"active":true,"name":[[{}]],"gender":null"#;
        assert_eq!(
            inside(json),
            "<active value=\"true\"/><name><name/></name><unheard><of value=\"1\"/><of><X><a value=\"b\"/></X></of></unheard>"
        );
        assert_eq!(inside(r#""contained":[{"resourceType":"<"},{}]"#), "<contained/><contained/>");
        assert_eq!(inside("\"birthDate\":\"\\u0000\\uffff\""), "<birthDate value=\"\u{fffd}\u{fffd}\"/>");
        for none in ["", "[]", "{}", "{\"resourceType\":1}", "{\"resourceType\":\"\"}", "{\"resourceType\":\"a b\"}"] {
            assert_eq!(to_xml(none, false), None, "{none}");
        }
        assert_eq!(to_xml(&format!("{}{}", "[".repeat(200), "]".repeat(200)), false), None);
    }
}
