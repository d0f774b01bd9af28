//! Narratives in, XHTML out.

use super::*;
use crate::map::cda::entry::tests::{output, parse};

fn html(inside: &str) -> (String, Vec<String>) {
    let xml = format!("<section xmlns='urn:hl7-org:v3'><text>{inside}</text></section>");
    let document = parse(&xml);
    let section = document.root_element();
    let (ids, mut out) = (Ids::of(section), output());
    let div = div(section.first_element_child().unwrap(), &ids, &mut out).unwrap_or_default();
    let inside = div.strip_prefix(XHTML).and_then(|div| div.strip_suffix("</div>")).unwrap_or(&div).to_owned();
    (inside, out.finish(None).issues.iter().map(|i| format!("{} {}", i.rule.id, i.place)).collect())
}

fn clean(inside: &str) -> String {
    let (html, issues) = html(inside);
    assert!(issues.is_empty(), "{issues:?}");
    html
}

#[test]
fn every_element_of_the_narrative_block_has_its_counterpart() {
    for (cda, expected) in [
        ("試験 &lt;1&gt; &amp; \"2\"", "試験 &lt;1&gt; &amp; &quot;2&quot;"),
        (
            "<content ID='a1' styleCode='Bold xUrgent'>高</content>",
            "<span id=\"a1\" style=\"font-weight: bold\" class=\"xUrgent\">高</span>",
        ),
        (
            "<paragraph styleCode='Italics Underline'>a<br/>b</paragraph>",
            "<p style=\"font-style: italic; text-decoration: underline\">a<br/>b</p>",
        ),
        (
            "<content revised='delete'>old</content><content revised='insert'>new</content>",
            "<span style=\"text-decoration: line-through\">old</span><span style=\"text-decoration: underline\">new</span>",
        ),
        ("H<sub>2</sub>O 10<sup>3</sup>", "H<sub>2</sub>O 10<sup>3</sup>"),
        (
            "<list listType='ordered' styleCode='LittleRoman'><caption>題</caption><item ID='i'>a</item> <item>b</item></list>",
            "<p class=\"caption\">題</p><ol style=\"list-style-type: lower-roman\"><li id=\"i\">a</li><li>b</li></ol>",
        ),
        ("<list><item><list><item>a</item></list></item></list>", "<ul><li><ul><li>a</li></ul></li></ul>"),
        ("a<list/>", "a"),
        (
            "<linkHtml href='https://example.org/?a=1&amp;b=2' name='n'>link</linkHtml>",
            "<a href=\"https://example.org/?a=1&amp;b=2\" name=\"n\">link</a>",
        ),
        ("<linkHtml href='#a1'>there</linkHtml>", "<a href=\"#a1\">there</a>"),
        (
            "朝<footnote ID='f1'>食後</footnote><footnoteRef IDREF='f1'/>",
            "朝<span class=\"footnote\" id=\"f1\"> [食後]</span><a href=\"#f1\">[*]</a>",
        ),
        ("<content language='ja-JP'>字</content>", "<span lang=\"ja-JP\">字</span>"),
        (
            "<content>a</content>\n   <content>b</content> <content>c</content>",
            "<span>a</span>\n<span>b</span> <span>c</span>",
        ),
    ] {
        assert_eq!(clean(cda), expected);
    }
}

#[test]
fn tables_keep_their_shape() {
    let table = r#"<table border="1" width="100%" onclick="x()"><caption>検査</caption><colgroup><col width="30%"/></colgroup>
        <thead><tr><th scope="col" colspan="2">項目</th></tr></thead>
        <tbody><tr ID="r1"><td styleCode="Rrule" rowspan="2">Na</td><td align="right"> 140 </td></tr></tbody></table>"#;
    let expected = concat!(
        r#"<table border="1" width="100%"><caption>検査</caption><colgroup><col width="30%"/></colgroup>"#,
        r#"<thead><tr><th scope="col" colspan="2">項目</th></tr></thead>"#,
        r#"<tbody><tr id="r1"><td style="border-right: 1px solid" rowspan="2">Na</td><td align="right"> 140 </td></tr></tbody></table>"#
    );
    assert_eq!(clean(table), expected);
}

#[test]
fn nothing_that_acts_comes_in() {
    let (html, issues) = html(
        "<script>alert(1)</script><content onload='x' style='background: url(x)'>a</content><style>p{}</style>
        <linkHtml href='JavaScript:alert(1)'>b</linkHtml><linkHtml href='file:///x'>c</linkHtml>
        <p onclick='x'>d</p><IFRAME src='x'>e</IFRAME><blink>f</blink>
        <content ID='a b\" onload=\"x' styleCode='x&quot;y'>g</content>",
    );
    let expected = "<span>a</span>\n<a>b</a><a>c</a>\n<p>d</p><span>f</span>\n<span>g</span>";
    assert_eq!(html, expected);
    let rules: Vec<&str> = issues.iter().map(|issue| issue.split(' ').next().unwrap()).collect();
    let [active, link, element] = ["cda-narrative-active", "cda-narrative-link", "cda-narrative-element"];
    assert_eq!(rules, [active, active, link, link, active, element]);
}

#[test]
fn pictures_are_shown_when_small_and_named_otherwise() {
    let media = |value: &str| {
        format!(
            "<renderMultiMedia referencedObject='m1'><caption>図</caption></renderMultiMedia>
            <observationMedia ID='m1'>{value}</observationMedia>"
        )
    };
    let shown = html(&media("<value mediaType='image/png' representation='B64'>iVBO\n Rw0K</value>")).0;
    assert!(
        shown.starts_with("<img alt=\"m1\" src=\"data:image/png;base64,iVBORw0K\"/><span class=\"caption\">図</span>"),
        "{shown}"
    );
    let named = html(&media("<value mediaType='application/pdf' representation='B64'>AAAA</value>")).0;
    assert!(named.starts_with("<span class=\"renderMultiMedia\">[application/pdf]</span>"), "{named}");
    for (length, is_shown) in [(IMAGE_CHARACTERS_MAX, true), (IMAGE_CHARACTERS_MAX + 4, false)] {
        let value = format!("<value mediaType='image/png' representation='B64'>{}</value>", "A".repeat(length));
        assert_eq!(html(&media(&value)).0.starts_with("<img"), is_shown);
    }
    // Once: a picture that is shown again and again would make a small document large.
    let twice = format!(
        "<renderMultiMedia referencedObject='m1'/>{}",
        media("<value mediaType='image/gif' representation='B64'>AAAA</value>")
    );
    assert!(html(&twice).0.contains("base64,AAAA\"/><span class=\"renderMultiMedia\">[image/gif]</span>"));
    let (_, issues) = html("<renderMultiMedia referencedObject='nowhere'/>");
    assert_eq!(issues, ["cda-narrative-media /section/text/renderMultiMedia"]);
    let hostile = html(&media("<value mediaType='image/png' representation='B64'>\"/&gt;&lt;script</value>")).0;
    assert!(hostile.starts_with("<span class"), "{hostile}");
}

#[test]
fn a_text_without_anything_to_read_is_none() {
    for empty in ["", "  \n", "<paragraph> </paragraph>", "<table><tbody><tr><td/></tr></tbody></table>", "<!-- x -->"]
    {
        assert_eq!(html(empty).0, "", "{empty}");
    }
}

#[test]
fn many_strange_elements_give_few_issues() {
    assert_eq!(html(&"<x>a</x>".repeat(1000)).1.len(), ISSUES_MAX);
}
