//! Code systems, and what is said of single codes.

use super::*;

#[test]
fn a_system_is_whole_where_every_code_is_read() {
    let nested = |depth: usize| {
        let mut concept = json!({"code": depth.to_string()});
        for n in (1..depth).rev() {
            concept = json!({"code": n.to_string(), "concept": [concept]});
        }
        CodeSystem::read(&json!({"content": "complete", "concept": [concept]}))
    };
    let (at, past) = (nested(CONCEPT_DEPTH_MAX), nested(CONCEPT_DEPTH_MAX + 1));
    assert_eq!((at.concepts().len(), at.is_whole()), (CONCEPT_DEPTH_MAX, true));
    assert_eq!((past.concepts().len(), past.is_whole()), (CONCEPT_DEPTH_MAX, false));
    for (content, count, is_whole) in
        [("complete", 5, true), ("complete", 6, false), ("fragment", 4, false), ("example", 1, false)]
    {
        let system = CodeSystem::read(&with(system(), json!({"content": content, "count": count - 1})));
        assert_eq!(system.is_whole(), is_whole, "{content} {count}");
    }
    assert!(!CodeSystem::read(&json!({"content": "complete"})).is_whole());
}

#[test]
fn hierarchies_go_by_nesting_and_by_properties() {
    let said = json!({"resourceType": "CodeSystem", "url": "s", "content": "complete",
        "property": [{"code": "up", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"}],
        "concept": [{"code": "a"}, {"code": "b", "property": [{"code": "up", "valueCode": "a"}, {"code": "child", "valueCode": "c"}]},
            {"code": "c"}, {"code": "d"}]});
    for definition in [system(), said] {
        let system = CodeSystem::read(&definition);
        let stands =
            |a: &str, b: &str| system.subsumption(system.at(a).unwrap(), system.at(b).unwrap()).unwrap().code();
        for (a, b, expected) in [
            ("a", "a", "equivalent"),
            ("a", "c", "subsumes"),
            ("c", "a", "subsumed-by"),
            ("a", "d", "not-subsumed"),
            ("b", "d", "not-subsumed"),
        ] {
            assert_eq!(stands(a, b), expected, "{a} {b}");
        }
    }
    for other in [
        json!({"content": "fragment"}),
        json!({"hierarchyMeaning": "part-of"}),
        json!({"concept": [{"code": "a"}, {"code": "b", "property": [{"code": "parent", "valueCode": "x"}]}]}),
    ] {
        let system = CodeSystem::read(&with(system(), other));
        assert_eq!(system.subsumption(0, 1), None);
    }
}

#[test]
fn what_goes_round_has_an_end() {
    let of = |code: &str, parent: &str| json!({"code": code, "property": [{"code": "parent", "valueCode": parent}]});
    let round = json!({"url": "s", "content": "complete", "concept": [of("a", "b"), of("b", "a"), of("c", "a")]});
    let system = CodeSystem::read(&round);
    assert_eq!(system.reached(0, true), [false, true, false]);
    assert_eq!(system.reached(0, false), [false, true, true]);
}

#[test]
fn case_is_told_where_the_system_tells_it() {
    let folding = CodeSystem::read(&with(system(), json!({"caseSensitive": false})));
    assert!(folding.has("B") && folding.remarks("B", None).is_empty());
    let telling = CodeSystem::read(&system());
    assert_eq!(telling.remarks("B", None), [Remark::OtherCase("b".into())]);
    assert_eq!(telling.remarks("x", None), [Remark::UnknownCode]);
    assert_eq!(telling.remarks("a", None), [Remark::Abstract]);
    assert_eq!(telling.remarks("d", Some("delta")), [Remark::Inactive]);
    assert_eq!(telling.remarks("b", Some("BETA ")), []);
    assert_eq!(telling.remarks("b", Some("乙")), []);
    assert_eq!(telling.remarks("b", Some("甲")), [Remark::WrongDisplay(vec!["Beta".into(), "乙".into(), "Be".into()])]);
    // Nobody says what it is called in Japanese.
    assert_eq!(telling.remarks("c", Some("丙")), []);
}

#[test]
fn a_supplement_says_more() {
    let more = json!({"resourceType": "CodeSystem", "url": "more", "content": "supplement", "supplements": "s", "language": "ja",
        "concept": [{"code": "c", "display": "丙"}, {"code": "d", "designation": [{"language": "ja", "value": "丁"}]}, {"code": "x"}]});
    let known = Known(vec![system(), more]);
    let system = known.code_system("s", None).unwrap();
    let called = |code: &str, language| system.find(code).unwrap().display_in(&system, language).unwrap().to_owned();
    assert_eq!([called("c", Some("ja")), called("d", Some("ja-JP")), called("b", Some("ja"))], ["丙", "丁", "乙"]);
    assert_eq!(
        [called("c", None), called("c", Some("en-US")), called("b", Some("de"))],
        ["Gamma ray", "Gamma ray", "Be"]
    );
    assert_eq!((system.concepts().len(), system.has("x")), (4, false));
}

#[test]
fn codes_known_by_their_form() {
    const CASES: &[(&str, &str, &str)] = &[
        ("http://unitsofmeasure.org", "mm[Hg] mg/dL 10*3/uL [pH] {score} %", "mmHg IU mgg cc"),
        ("urn:oid:2.16.840.1.113883.6.8", "kg", "Kg"),
        (
            "urn:ietf:bcp:47",
            "ja ja-JP en-US zh-Hans-CN sl-rozaj-biske de-CH-1901 x-whatever i-klingon en-a-bbb-x-a zh-cmn-Hans-CN es-419 de-1996",
            "ja_JP a de-419-DE a-DE ar-a-aaa-b-bbb-a-ccc en-a x Japanese/ de-1996-1996 -ja ja-",
        ),
        (
            "urn:ietf:bcp:13",
            "text/plain application/fhir+json text/plain;charset=utf-8 image/svg+xml application/vnd.ms-excel a/b;c=\"d\"",
            "json text/ /plain text/pl\u{e4}in text/plain;charset text/plain; a/b/c",
        ),
        (
            "urn:ietf:rfc:3986",
            "http://example.org/a?b=c#d urn:oid:1.2.3 urn:uuid:c757873d-ec9a-4326-a141-556f43239520 mailto:a@b.example a:%20",
            "example http://a\u{3042} a:%2 urn:x :a a: a:b#c#d a:<b>",
        ),
        ("urn:iso:std:iso:3166", "JP US GB", "XX jp J JPNX"),
        ("urn:iso:std:iso:3166:-2", "", "XX-13 JP JP-1234 JP-"),
        ("urn:iso:std:iso:4217", "", "jpy YEN1 \u{a5}"),
        ("http://loinc.org", "", "1751-8 99999-99999 1751 -7 1751-x"),
        ("http://snomed.info/sct", "", "22298007 99999999999999 12345 x 022298006"),
    ];
    for (system, right, wrong) in CASES {
        let grammar = Grammar::of(system).unwrap();
        for code in right.split(' ').filter(|code| !code.is_empty()) {
            assert_eq!(grammar.has(code), Some(true), "{system} {code}");
        }
        for code in wrong.split(' ') {
            assert_eq!(grammar.has(code), Some(false), "{system} {code}");
        }
        assert_eq!((grammar.has(""), grammar.has(&"m".repeat(1025))), (Some(false), Some(false)));
    }
    for (system, code) in [
        ("http://loinc.org", "1751-7"),
        ("http://loinc.org", "85354-9"),
        ("http://loinc.org", "LA6576-8"),
        ("http://snomed.info/sct", "22298006"),
        ("http://snomed.info/sct", "138875005"),
        ("http://snomed.info/sct", "22298006:363698007=80891009"),
        ("urn:iso:std:iso:3166", "JPN"),
        ("urn:iso:std:iso:3166:-2", "JP-13"),
        ("urn:iso:std:iso:4217", "JPY"),
    ] {
        assert_eq!(Grammar::of(system).unwrap().has(code), None, "{system} {code}");
    }
    assert_eq!(Grammar::of("http://example.org"), None);
}

#[test]
fn a_coding_beside_its_system_and_a_value_set() {
    let listed = json!({"include": [{"system": "s", "concept": [{"code": "b", "display": "Bee",
        "designation": [{"language": "ja", "value": "蜂"}]}, {"code": "a"}]}, {"system": "t", "concept": [{"code": "x", "display": "Ex"}]}]});
    let known = Known(vec![system(), set("v", listed), set("w", json!({"include": [{"system": "t"}]}))]);
    let judge = |set: &str, system: &str, code: &str, display: Option<&str>, language| {
        let asked = Asked { system: Some(system), code, display, ..Asked::default() };
        in_value_set(&known, &ValueSet::named(&known, set, None), asked, language)
    };
    let found = |is_in, display: Option<&str>, remarks: Vec<Remark>| Judgement {
        is_in,
        display: display.map(str::to_owned),
        remarks,
    };
    let unknown = |canonical: &str| Remark::Undecided(Undecided::Unknown(canonical.to_owned()));
    assert_eq!(judge("v", "s", "b", Some("Bee"), None), found(Some(true), Some("Bee"), vec![]));
    assert_eq!(judge("v", "s", "b", Some("Beta"), Some("ja")), found(Some(true), Some("蜂"), vec![]));
    assert_eq!(judge("v", "s", "a", None, None), found(Some(true), Some("Alpha"), vec![Remark::Abstract]));
    assert_eq!(judge("v", "s", "c", None, None), found(Some(false), Some("Gamma ray"), vec![Remark::NotInValueSet]));
    assert_eq!(judge("v", "t", "x", Some("Ex"), None), found(Some(true), Some("Ex"), vec![]));
    assert_eq!(
        judge("v", "t", "x", Some("Why"), None),
        found(Some(true), Some("Ex"), vec![Remark::WrongDisplay(vec!["Ex".into()])])
    );
    assert_eq!(judge("v", "t", "y", None, None), found(Some(false), None, vec![Remark::NotInValueSet]));
    assert_eq!(judge("w", "t", "y", None, None), found(None, None, vec![unknown("t")]));
    assert_eq!(judge("nowhere", "s", "b", None, None), found(None, Some("Beta"), vec![unknown("nowhere")]));
}
