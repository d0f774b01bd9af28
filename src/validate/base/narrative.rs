//! XHTML of narratives (narrative.html#xhtml, txt-1, txt-2): read once from left to right, as no more of XML than it may
//! use. An XML parser would first build a tree, and what comes here is anybody's.

use super::rule::{TXT_1, TXT_2};
use crate::fault::Rule;

/// Elements inside each other at most.
const DEPTH_ELEMENTS_MAX: usize = 100;
/// Attributes of one element at most.
const ATTRIBUTES_MAX: usize = 32;

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// HTML 4.0 chapters 7 to 11 (without section 4 of chapter 9) and 15, links, images; in order of the alphabet.
#[rustfmt::skip]
const ELEMENTS: [&str; 62] = [
    "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption", "center", "cite",
    "code", "col", "colgroup", "dd", "del", "dfn", "dir", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "map", "menu", "ol", "p", "pre", "q", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul",
    "var",
];

/// The attributes of these elements; in order of the alphabet.
#[rustfmt::skip]
const ATTRIBUTES: [&str; 61] = [
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellpadding", "cellspacing", "char",
    "charoff", "charset", "cite", "class", "clear", "color", "cols", "colspan", "compact", "coords", "datetime",
    "dir", "face", "frame", "headers", "height", "href", "hreflang", "hspace", "id", "ismap", "lang", "longdesc",
    "name", "nohref", "noshade", "nowrap", "rel", "rev", "rows", "rowspan", "rules", "scope", "shape", "size",
    "span", "src", "start", "style", "summary", "tabindex", "target", "title", "type", "usemap", "valign", "value",
    "vspace", "width", "xml:lang", "xml:space",
];

/// What a style would fetch or run something with.
const FETCHING_STYLES: [&str; 6] = ["url(", "expression(", "@import", "javascript:", "behavior:", "-moz-binding"];

/// The rule a narrative breaks, and the word that says how.
type Refusal = (&'static Rule, &'static str);

/// Whether a `div` is one that a narrative may have; `true` when it shows a picture that is fetched from elsewhere.
pub(super) fn check(text: &str) -> Result<bool, Refusal> {
    let rest = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let mut reader = Reader { rest, open: Vec::new(), has_content: false, has_outer_image: false };
    reader.read()?;
    if reader.has_content { Ok(reader.has_outer_image) } else { Err((&TXT_2, "")) }
}

struct Reader<'t> {
    rest: &'t str,
    /// The elements that are open, the outermost first.
    open: Vec<&'t str>,
    has_content: bool,
    has_outer_image: bool,
}

fn refused<T>(what: &'static str) -> Result<T, Refusal> {
    Err((&TXT_1, what))
}

impl<'t> Reader<'t> {
    fn read(&mut self) -> Result<(), Refusal> {
        if !self.rest.starts_with("<div") {
            return refused("div");
        }
        while let Some(at) = memchr::memchr(b'<', self.rest.as_bytes()) {
            let (before, rest) = self.rest.split_at_checked(at).unwrap_or((self.rest, ""));
            self.text(before)?;
            self.rest = rest;
            if let Some(comment) = rest.strip_prefix("<!--") {
                // XML section 2.5: no two hyphens inside.
                let end = comment.find("--").ok_or((&TXT_1, "<!--"))?;
                self.rest = comment.get(end..).and_then(|r| r.strip_prefix("-->")).ok_or((&TXT_1, "--"))?;
            } else if rest.starts_with("<!") || rest.starts_with("<?") {
                return refused("<! <?");
            } else if let Some(tag) = rest.strip_prefix("</") {
                self.close(tag)?;
            } else {
                self.start(rest.get(1..).unwrap_or_default())?;
            }
            if self.open.is_empty() {
                return if self.rest.is_empty() { Ok(()) } else { refused("</div>") };
            }
        }
        refused("</div>")
    }

    fn text(&mut self, text: &str) -> Result<(), Refusal> {
        // U+00A0 is what a narrative has where HTML has &nbsp;: not white space of XML.
        self.has_content |= text.bytes().any(|b| !b.is_ascii_whitespace());
        if text.contains("]]>") {
            return refused("]]>");
        }
        references(text)
    }

    fn close(&mut self, tag: &'t str) -> Result<(), Refusal> {
        let (name, rest) = tag.split_once('>').ok_or((&TXT_1, ">"))?;
        if self.open.pop() != Some(name.trim_ascii_end()) {
            return refused("</>");
        }
        self.rest = rest;
        Ok(())
    }

    fn start(&mut self, tag: &'t str) -> Result<(), Refusal> {
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
        let (name, mut rest) = tag.split_at_checked(end).unwrap_or((tag, ""));
        // What is found is named from the list: an element that is not on it may be anything.
        let Ok(at) = ELEMENTS.binary_search(&name) else { return refused("unknown element") };
        let name = ELEMENTS.get(at).copied().unwrap_or(name);
        if self.open.len() >= DEPTH_ELEMENTS_MAX {
            return refused("depth");
        }
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let after = rest.trim_ascii_start();
            if let Some(after) = after.strip_prefix("/>") {
                self.has_content |= name == "img";
                self.rest = after;
                return if self.open.is_empty() && seen.contains(&"xmlns") {
                    Err((&TXT_2, ""))
                } else {
                    self.rooted(&seen)
                };
            }
            if let Some(after) = after.strip_prefix('>') {
                self.has_content |= name == "img";
                self.rest = after;
                self.rooted(&seen)?;
                self.open.push(name);
                return Ok(());
            }
            if after.len() == rest.len() {
                return refused("<");
            }
            let (attribute, value, after) = attribute(after).ok_or((&TXT_1, "="))?;
            if seen.contains(&attribute) || seen.len() >= ATTRIBUTES_MAX {
                return refused("attribute twice");
            }
            let is_outer = allowed(attribute, value)?;
            self.has_outer_image |= is_outer;
            seen.push(attribute);
            rest = after;
        }
    }

    /// The outermost div says that it is XHTML.
    fn rooted(&self, attributes: &[&str]) -> Result<(), Refusal> {
        if self.open.is_empty() && !attributes.contains(&"xmlns") { refused("xmlns") } else { Ok(()) }
    }
}

/// `name = "value"`: the name, the value as it stands there, and what follows.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_at_checked(text.find(|c: char| c == '=' || c.is_ascii_whitespace())?)?;
    let rest = rest.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, rest) = rest.get(1..)?.split_once(quote)?;
    (!value.contains('<')).then_some((name, value, rest))
}

/// Whether the attribute may stand there; `true` when it names a picture that is fetched from elsewhere.
fn allowed(name: &str, value: &str) -> Result<bool, Refusal> {
    references(value)?;
    if name == "xmlns" {
        return if value == XHTML { Ok(false) } else { refused("xmlns") };
    }
    if ATTRIBUTES.binary_search(&name).is_err() {
        let is_event = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("on"));
        return refused(if is_event { "event handler" } else { "unknown attribute" });
    }
    if !matches!(name, "href" | "src" | "longdesc" | "cite" | "style") {
        return Ok(false);
    }
    let mut plain: String = decoded(value).chars().filter(|c| !c.is_ascii_whitespace() && !c.is_control()).collect();
    plain.make_ascii_lowercase();
    if name == "style" {
        return if FETCHING_STYLES.iter().any(|bad| plain.contains(bad)) { refused("style") } else { Ok(false) };
    }
    // A colon after a slash belongs to a path.
    let scheme = plain.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| !scheme.contains(['/', '#', '?']));
    match scheme {
        Some("http" | "https") => Ok(name == "src"),
        None => Ok(name == "src" && plain.starts_with("//")),
        Some("urn" | "cid") => Ok(false),
        Some("mailto" | "tel") if name == "href" => Ok(false),
        Some("data") if name == "src" && plain.starts_with("data:image/") && !plain.starts_with("data:image/svg") => {
            Ok(false)
        }
        Some(_) => refused(if name == "src" { "src" } else { "href" }),
    }
}

/// Every `&` begins a reference to a character: XML's own five names, or a number (HTML's names are not XML's).
fn references(text: &str) -> Result<(), Refusal> {
    for part in text.split('&').skip(1) {
        let Some((name, _)) = part.split_once(';') else { return refused("&") };
        let is_named = matches!(name, "lt" | "gt" | "amp" | "quot" | "apos");
        if !is_named && character(name).is_none() {
            return refused("&");
        }
    }
    Ok(())
}

/// The character of `#39` or `#x27`.
fn character(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
}

/// A value with its numbers and `&amp;` read: `&#106;avascript:` is `javascript:`.
fn decoded(value: &str) -> String {
    let mut parts = value.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or(("", part));
        out.extend(character(name).or((name == "amp").then_some('&')));
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(ELEMENTS.is_sorted() && ATTRIBUTES.is_sorted());
    }

    #[test]
    fn a_narrative_is_plain_xhtml() {
        let good = [
            "テスト",
            "<p>a<br/>b</p>",
            "<a href=\"http://a.example/?a=b&amp;c=d\">x</a>",
            "<b class='x'>1 &lt; 2</b>",
            "<img src=\"#photo\" alt=\"\"/>",
            "<img src='data:image/png;base64,AAAA'/>",
            "&#160;",
            "\u{a0}",
            "<!-- a --><p style=\"color: red\" xml:lang=\"ja\">x</p >",
            "<a href=\"Patient/1#a:b\">x</a>",
            "<table><tbody><tr><td colspan=\"2\">x</td></tr></tbody></table>",
        ];
        for inside in good {
            let text = format!("<div xmlns=\"{XHTML}\">{inside}</div>");
            assert_eq!(check(&text).map_err(|(_, what)| what), Ok(false), "{inside}");
        }
        for outer in ["http://a.example/x.png", "//a.example/x.png", "&#104;ttps://a.example/x.png"] {
            assert!(check(&format!("<div xmlns=\"{XHTML}\"><img src=\"{outer}\"/></div>")).is_ok_and(|outer| outer));
        }
    }

    #[test]
    fn anything_more_is_refused() {
        let nested = format!("{}x{}", "<b>".repeat(DEPTH_ELEMENTS_MAX), "</b>".repeat(DEPTH_ELEMENTS_MAX));
        let bad = [
            "<script>alert(1)</script>",
            "<p onclick=\"x()\">a</p>",
            "<p OnClick='x'>a</p>",
            "<form>a</form>",
            "<p>a",
            "<b>a</p></b>",
            "</div><div>a",
            "<a href=\"javascript:x()\">a</a>",
            "<a href=\"&#106;ava\nscript:x\">a</a>",
            "<img src=\"javascript:x()\"/>",
            "<img src=\"file:///x.png\"/>",
            "<iframe src=\"x\">a</iframe>",
            "<img src=\"data:image/svg+xml;x\"/>",
            "<p style=\"background: url(http://a)\">a</p>",
            "a &nbsp; b",
            "a & b",
            "<p title=\"a\" title=\"b\">a</p>",
            "<p title=a>a</p>",
            "<p title>a</p>",
            "<![CDATA[a]]>",
            "<?x y?>a",
            "a ]]> b",
            "<!-- a -- b -->x",
            "<p xmlns=\"http://www.w3.org/2000/svg\">a</p>",
            "<P>a</P>",
            "<object>a</object>",
            "<link href=\"x\"/>a",
            "<p title=\"<\">a</p>",
            "&#0;",
            "&#xD800;",
            "<p title=\"a\"class=\"b\">a</p>",
            &nested,
        ];
        for inside in bad {
            let refused = check(&format!("<div xmlns=\"{XHTML}\">{inside}</div>"));
            assert!(refused.is_err_and(|(rule, _)| rule.id == "txt-1"), "{inside}");
        }
        let all = [
            "",
            "x",
            "<div>x</div>",
            "<p xmlns=\"http://www.w3.org/1999/xhtml\">x</p>",
            "<div",
            "<div xmlns=\"x\">a</div>",
        ];
        for text in all {
            assert!(check(text).is_err_and(|(rule, _)| rule.id == "txt-1"), "{text}");
        }
        for text in ["/>", "></div>", "> <p> </p>\n</div>"] {
            let refused = check(&format!("<div xmlns=\"{XHTML}\"{text}"));
            assert!(refused.is_err_and(|(rule, _)| rule.id == "txt-2"), "{text}");
        }
    }
}
