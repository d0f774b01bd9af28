//! The narrative block (CDA R2 section 4.3.5) to the XHTML of a FHIR Narrative (R4 narrative.html): everything that can be
//! read stays, and nothing that acts comes in.

use super::account::ISSUES_MAX;
use super::ids::Ids;
use super::node::{Node, attribute, child, name, place};
use crate::fault::rules;
use crate::map::Output;

/// Longest image that is shown inside the text, in characters of base64; a longer one is only named there.
pub(super) const IMAGE_CHARACTERS_MAX: usize = 64 * 1024;

rules! {
    ELEMENT "cda-narrative-element" Information Informational
        "The narrative holds an element that CDA does not know; its text was kept."
        "記述ブロックにCDAで定義されていない要素があります。文字は残しました。"
    ACTIVE "cda-narrative-active" Warning NotSupported
        "A script, style sheet or embedded object in the narrative was left out."
        "記述ブロック内のスクリプト・スタイルシート・埋め込みオブジェクトを省きました。"
    LINK "cda-narrative-link" Warning Value
        "A link in the narrative does not lead to http, https, mailto, tel or a place in the text; only its text was kept."
        "記述ブロックのリンク先がhttp・https・mailto・tel・文書内参照のいずれでもないため、文字だけを残しました。"
    MEDIA "cda-narrative-media" Information NotFound
        "The narrative shows a picture that the document does not hold."
        "記述ブロックが参照する画像等が文書内にありません。"
}

const XHTML: &str = "<div xmlns=\"http://www.w3.org/1999/xhtml\">";

/// Elements of XHTML that senders write into narratives and that a FHIR Narrative may hold.
const ALIKE: [&str; 38] = [
    "abbr",
    "acronym",
    "address",
    "b",
    "big",
    "blockquote",
    "br",
    "cite",
    "code",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "tt",
    "ul",
    "var",
];

/// Elements whose content is not text to be read.
const ACTING: [&str; 12] =
    ["script", "style", "iframe", "object", "embed", "applet", "form", "input", "link", "meta", "base", "svg"];

/// Inside these, white space is layout.
const HOLD_ELEMENTS_ONLY: [&str; 7] = ["table", "thead", "tbody", "tfoot", "tr", "colgroup", "list"];

/// The narrative as a `div`; `None` when there is nothing to read in it (txt-2).
pub(super) fn div<'a>(text: Node<'a>, ids: &Ids<'a>, out: &mut Output) -> Option<String> {
    let mut writer = Html { html: String::with_capacity(1024), is_readable: false, ids, out, noted: 0 };
    writer.html.push_str(XHTML);
    writer.inside(text);
    writer.html.push_str("</div>");
    writer.is_readable.then_some(writer.html)
}

/// A `div` that holds one paragraph of plain text.
pub(super) fn paragraph(text: &str) -> String {
    let mut html = format!("{XHTML}<p>");
    escape(&mut html, text);
    html.push_str("</p></div>");
    html
}

/// A `div` that holds plain text with its line breaks.
pub(super) fn preformatted(text: &str) -> String {
    let mut html = format!("{XHTML}<pre>");
    escape(&mut html, text);
    html.push_str("</pre></div>");
    html
}

/// Text as content or as a quoted attribute.
fn escape(html: &mut String, text: &str) {
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => continue,
        };
        html.push_str(&text[clean..at]);
        html.push_str(escaped);
        clean = at + 1;
    }
    html.push_str(&text[clean..]);
}

struct Html<'i, 'a, 'o> {
    html: String,
    is_readable: bool,
    ids: &'i Ids<'a>,
    out: &'o mut Output,
    noted: usize,
}

impl<'a> Html<'_, 'a, '_> {
    fn inside(&mut self, node: Node<'a>) {
        let is_layout = HOLD_ELEMENTS_ONLY.contains(&name(node));
        for part in node.children() {
            if part.is_element() {
                self.element(part);
            } else if part.is_text() {
                self.text(part.text().unwrap_or_default(), is_layout);
            }
        }
    }

    fn text(&mut self, text: &str, is_layout: bool) {
        if !text.trim().is_empty() {
            self.is_readable = true;
            escape(&mut self.html, text);
        } else if !is_layout {
            // Indentation between elements.
            self.html.push_str(if text.contains('\n') { "\n" } else { text });
        }
    }

    fn element(&mut self, node: Node<'a>) {
        match name(node) {
            "content" => self.wrapped("span", node, &[]),
            "paragraph" => self.wrapped("p", node, &[]),
            "list" => self.list(node),
            "item" => self.wrapped("li", node, &[]),
            "br" => self.html.push_str("<br/>"),
            "linkHtml" | "a" => self.link(node),
            "caption" => self.caption(node),
            "footnote" => self.footnote(node),
            "footnoteRef" => self.footnote_reference(node),
            "renderMultiMedia" => self.media(node),
            "table" => self.wrapped(
                "table",
                node,
                &["summary", "width", "border", "frame", "rules", "cellspacing", "cellpadding"],
            ),
            tag @ ("thead" | "tbody" | "tfoot" | "tr") => self.wrapped(tag, node, &["align", "valign"]),
            tag @ ("th" | "td") => {
                let names = ["abbr", "axis", "headers", "scope", "rowspan", "colspan", "align", "valign"];
                self.wrapped(tag, node, &names);
            }
            "colgroup" => self.wrapped("colgroup", node, &["span", "width", "align", "valign"]),
            "col" => {
                self.open("col", node, &["span", "width", "align", "valign"]);
                self.html.truncate(self.html.len() - 1);
                self.html.push_str("/>");
            }
            other => self.other(other, node),
        }
    }

    fn other(&mut self, tag: &'a str, node: Node<'a>) {
        match ALIKE.iter().find(|alike| tag.eq_ignore_ascii_case(alike)) {
            Some(&"hr") => self.html.push_str("<hr/>"),
            Some(&"br") => self.html.push_str("<br/>"),
            Some(alike) => self.wrapped(alike, node, &[]),
            None if ACTING.iter().any(|acting| tag.eq_ignore_ascii_case(acting)) => self.note(&ACTIVE, node),
            None => {
                self.note(&ELEMENT, node);
                self.wrapped("span", node, &[]);
            }
        }
    }

    fn wrapped(&mut self, tag: &str, node: Node<'a>, attributes: &[&str]) {
        self.open(tag, node, attributes);
        self.inside(node);
        self.close(tag);
    }

    fn open(&mut self, tag: &str, node: Node<'a>, attributes: &[&str]) {
        self.html.push('<');
        self.html.push_str(tag);
        for given in node.attributes() {
            let value = given.value().trim();
            match given.name() {
                "ID" => self.named("id", value),
                "styleCode" => self.style(value),
                "revised" if value == "delete" => self.attribute("style", "text-decoration: line-through"),
                "revised" if value == "insert" => self.attribute("style", "text-decoration: underline"),
                "language" if value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
                    self.attribute("lang", value)
                }
                other if attributes.contains(&other) => self.attribute(other, value),
                _ => {}
            }
        }
        self.html.push('>');
    }

    fn close(&mut self, tag: &str) {
        self.html.push_str("</");
        self.html.push_str(tag);
        self.html.push('>');
    }

    fn attribute(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.html.push(' ');
            self.html.push_str(name);
            self.html.push_str("=\"");
            escape(&mut self.html, value);
            self.html.push('"');
        }
    }

    /// An id or a reference to one: a single word.
    fn named(&mut self, name: &str, value: &str) {
        if !value.contains(char::is_whitespace) {
            self.attribute(name, value);
        }
    }

    /// CDA R2 section 4.3.5.11: the codes it names as style, others (which begin with x) as classes.
    fn style(&mut self, codes: &str) {
        let (mut style, mut classes) = (Vec::new(), Vec::new());
        for code in codes.split_whitespace() {
            match css(code) {
                Some(css) => style.push(css),
                None if code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) => classes.push(code),
                None => {}
            }
        }
        self.attribute("style", &style.join("; "));
        self.attribute("class", &classes.join(" "));
    }

    fn list(&mut self, node: Node<'a>) {
        // The title of a list has no place inside it.
        if let Some(caption) = child(node, "caption") {
            self.captioned("p", caption);
        }
        let items = || node.children().filter(|part| part.is_element() && name(*part) != "caption");
        if items().next().is_none() {
            return;
        }
        let tag = if attribute(node, "listType") == "ordered" { "ol" } else { "ul" };
        self.open(tag, node, &[]);
        for item in items() {
            match name(item) {
                "item" | "li" => self.wrapped("li", item, &[]),
                _ => {
                    self.html.push_str("<li>");
                    self.element(item);
                    self.html.push_str("</li>");
                }
            }
        }
        self.close(tag);
    }

    fn caption(&mut self, node: Node<'a>) {
        match node.parent().map(name) {
            Some("table") => self.wrapped("caption", node, &[]),
            _ => self.captioned("span", node),
        }
    }

    fn captioned(&mut self, tag: &str, node: Node<'a>) {
        self.html.push('<');
        self.html.push_str(tag);
        self.named("id", attribute(node, "ID"));
        self.html.push_str(" class=\"caption\">");
        self.inside(node);
        self.close(tag);
    }

    fn link(&mut self, node: Node<'a>) {
        let target = attribute(node, "href");
        let scheme = target.to_ascii_lowercase();
        let is_safe = ["http://", "https://", "mailto:", "tel:", "#"].iter().any(|safe| scheme.starts_with(safe));
        self.html.push_str("<a");
        self.named("id", attribute(node, "ID"));
        if is_safe {
            self.named("href", target);
        } else if !target.is_empty() {
            self.note(&LINK, node);
        }
        self.named("name", attribute(node, "name"));
        self.attribute("title", attribute(node, "title"));
        self.html.push('>');
        self.inside(node);
        self.close("a");
    }

    /// Set in brackets, because it stands in the middle of a sentence it does not belong to.
    fn footnote(&mut self, node: Node<'a>) {
        self.html.push_str("<span class=\"footnote\"");
        self.named("id", attribute(node, "ID"));
        self.html.push_str("> [");
        self.inside(node);
        self.html.push_str("]</span>");
    }

    fn footnote_reference(&mut self, node: Node<'a>) {
        self.html.push_str("<a");
        self.named("id", attribute(node, "ID"));
        let target = attribute(node, "IDREF");
        if !target.is_empty() {
            self.named("href", &format!("#{target}"));
        }
        self.html.push_str(">[*]");
        self.inside(node);
        self.close("a");
    }

    fn media(&mut self, node: Node<'a>) {
        for id in attribute(node, "referencedObject").split_whitespace() {
            let held = self.ids.element(id);
            if held.is_none() {
                self.note(&MEDIA, node);
            }
            let value = held.and_then(|held| child(held, "value"));
            match value.filter(|_| self.ids.is_first_showing(id)).and_then(picture) {
                Some((kind, data)) => {
                    self.is_readable = true;
                    self.html.push_str("<img");
                    self.named("id", attribute(node, "ID"));
                    self.html.push_str(" alt=\"");
                    escape(&mut self.html, id);
                    self.html.push_str("\" src=\"data:");
                    self.html.push_str(kind);
                    self.html.push_str(";base64,");
                    self.html.push_str(&data);
                    self.html.push_str("\"/>");
                }
                None => {
                    self.is_readable = true;
                    self.html.push_str("<span class=\"renderMultiMedia\">[");
                    let kind = value.map(|value| attribute(value, "mediaType")).unwrap_or_default();
                    escape(&mut self.html, if kind.is_empty() { id } else { kind });
                    self.html.push_str("]</span>");
                }
            }
        }
        self.inside(node);
    }

    fn note(&mut self, rule: &'static crate::fault::Rule, node: Node<'_>) {
        if self.noted < ISSUES_MAX {
            self.noted += 1;
            self.out.issue(rule, place(node));
        }
    }
}

/// A picture that may stand in the text: its media type and data.
fn picture(value: Node<'_>) -> Option<(&'static str, String)> {
    let kind = match attribute(value, "mediaType").to_ascii_lowercase().as_str() {
        "image/png" => "image/png",
        "image/jpeg" | "image/jpg" => "image/jpeg",
        "image/gif" => "image/gif",
        _ => return None,
    };
    let text = value.text().filter(|text| text.len() <= 2 * IMAGE_CHARACTERS_MAX)?;
    let data: String = text.split_ascii_whitespace().collect();
    let is_whole = !data.is_empty() && data.len() <= IMAGE_CHARACTERS_MAX && data.len().is_multiple_of(4);
    let is_base64 = data.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    (attribute(value, "representation") == "B64" && is_whole && is_base64).then_some((kind, data))
}

fn css(code: &str) -> Option<&'static str> {
    Some(match code {
        "Bold" => "font-weight: bold",
        "Underline" => "text-decoration: underline",
        "Italics" | "Emphasis" => "font-style: italic",
        "Lrule" => "border-left: 1px solid",
        "Rrule" => "border-right: 1px solid",
        "Toprule" => "border-top: 1px solid",
        "Botrule" => "border-bottom: 1px solid",
        "Arabic" => "list-style-type: decimal",
        "LittleRoman" => "list-style-type: lower-roman",
        "BigRoman" => "list-style-type: upper-roman",
        "LittleAlpha" => "list-style-type: lower-alpha",
        "BigAlpha" => "list-style-type: upper-alpha",
        "Disc" => "list-style-type: disc",
        "Circle" => "list-style-type: circle",
        "Square" => "list-style-type: square",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
