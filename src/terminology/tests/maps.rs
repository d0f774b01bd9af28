//! Concept maps, forth and back.

use super::*;

fn map() -> Value {
    json!({"resourceType": "ConceptMap", "url": "m", "version": "2", "sourceUri": "vs-a", "targetCanonical": "vs-b|1", "group": [
        {"source": "a", "target": "b", "targetVersion": "7", "element": [
            {"code": "1", "display": "one", "target": [{"code": "x", "display": "Ex", "equivalence": "equivalent"},
                {"code": "y", "equivalence": "wider", "dependsOn": [{"property": "sex", "system": "g", "value": "female"}]}]},
            {"code": "2", "target": [{"code": "x", "equivalence": "narrower", "product": [{"property": "side", "system": "p", "value": "left"}]}]},
            {"code": "3", "target": [{"equivalence": "unmatched"}]}]},
        {"source": "a", "target": "c", "element": [], "unmapped": {"mode": "provided"}},
        {"source": "a", "target": "d", "element": [], "unmapped": {"mode": "fixed", "code": "other", "display": "Other"}},
        {"source": "a", "target": "e", "element": [], "unmapped": {"mode": "other-map", "url": "next"}}]})
}

fn found(wanted: Wanted<'_>) -> String {
    let next = json!({"resourceType": "ConceptMap", "url": "next", "group": [{"source": "a", "target": "e",
        "element": [{"code": "1", "target": [{"code": "z", "equivalence": "relatedto"}]}],
        "unmapped": {"mode": "other-map", "url": "nowhere"}}]});
    let next = Arc::new(ConceptMap::read(&next));
    let mut out = Translation::default();
    ConceptMap::read(&map()).translate(&wanted, &|url| (url == "next").then(|| next.clone()), &mut out);
    let shown = |one: &Match| {
        let version = one.version.as_deref().map(|version| format!("|{version}")).unwrap_or_default();
        format!("{} {}{version}#{} by {}", one.equivalence.as_deref().unwrap_or("-"), one.system, one.code, one.map)
    };
    let mut all: Vec<String> = out.matches.iter().map(shown).collect();
    all.extend(out.missing.as_ref().map(|url| format!("missing {url}")));
    format!("{}{}", if out.is_found() { "" } else { "no: " }, all.join(", "))
}

#[test]
fn codes_are_translated() {
    let of = |code: &'static str, to: Option<&'static str>| Wanted {
        codes: vec![("a", None, code)],
        target_system: to,
        ..Wanted::default()
    };
    let to_b = |code| of(code, Some("b"));
    let female = vec![("sex".to_owned(), Some("g".to_owned()), "female".to_owned())];
    let back = |code: &'static str| Wanted { codes: vec![("b", None, code)], is_reverse: true, ..Wanted::default() };
    for (wanted, expected) in [
        (to_b("1"), "equivalent b|7#x by m"),
        (Wanted { dependencies: female, ..to_b("1") }, "equivalent b|7#x by m, wider b|7#y by m"),
        (to_b("2"), "narrower b|7#x by m"),
        (to_b("3"), "no: unmatched b|7# by m"),
        (to_b("4"), "no: "),
        (of("1", Some("c")), "- c#1 by m"),
        (of("1", Some("d")), "- d#other by m"),
        (of("1", Some("e")), "relatedto e#z by next"),
        (of("2", Some("e")), "no: missing nowhere"),
        (of("1", None), "equivalent b|7#x by m, - c#1 by m, - d#other by m, relatedto e#z by next"),
        (back("x"), "equivalent a#1 by m, wider a#2 by m"),
        (back("y"), "narrower a#1 by m"),
        (back("1"), "no: "),
        (Wanted { source: Some("vs-a"), target: Some("vs-b"), ..to_b("1") }, "equivalent b|7#x by m"),
        (Wanted { source: Some("vs-b"), ..to_b("1") }, "no: "),
        (Wanted { source: Some("vs-b"), target: Some("vs-a"), ..back("y") }, "narrower a#1 by m"),
        (Wanted { codes: vec![("z", None, "1")], ..Wanted::default() }, "no: "),
        (
            Wanted { codes: vec![("a", None, "1"), ("a", None, "2")], ..to_b("1") },
            "equivalent b|7#x by m, narrower b|7#x by m",
        ),
    ] {
        let asked = format!("{wanted:?}");
        assert_eq!(found(wanted), expected, "{asked}");
    }
}

#[test]
fn maps_that_send_on_to_each_other_have_an_end() {
    let own = json!({"resourceType": "ConceptMap", "url": "m", "group": [{"source": "a", "target": "b", "unmapped": {"mode": "other-map", "url": "m"}}]});
    let own = Arc::new(ConceptMap::read(&own));
    let mut out = Translation::default();
    let wanted = Wanted { codes: vec![("a", None, "1")], ..Wanted::default() };
    own.translate(&wanted, &|_| Some(own.clone()), &mut out);
    assert_eq!((out.matches.len(), out.missing.as_deref()), (0, Some("m")));
}

#[test]
fn products_come_with_their_match() {
    let mut out = Translation::default();
    let wanted = Wanted { codes: vec![("a", None, "2")], target_system: Some("b"), ..Wanted::default() };
    ConceptMap::read(&map()).translate(&wanted, &|_| None, &mut out);
    let product = Product { property: "side".into(), system: Some("p".into()), value: "left".into(), display: None };
    assert_eq!(out.matches[0].products, [product]);
}
