//! The language as a whole, area by area, on a made-up resource.

use serde_json::{Value, json};

use super::context::{Context, Limits, Resolved};
use super::item::{Item, Items, Node};
use super::{DEPTH_MAX, EXPRESSION_BYTES_MAX, Expression, Nothing, Place, error, locate, resource_kind};

struct Surroundings {
    limits: Limits,
    is_strict: bool,
}

const DEFAULT: Surroundings = Surroundings { limits: Limits::DEFAULT, is_strict: false };

impl<'a> Context<'a> for Surroundings {
    fn variable(&self, name: &str) -> Option<Items<'a>> {
        (name == "seven").then(|| vec![Item::Integer(7)])
    }

    fn resolve(&self, reference: &str) -> Option<Resolved<'a>> {
        Resolved::by_text(reference)
    }

    fn now(&self) -> Option<(i64, i16)> {
        Some((1_795_221_000_123, 540))
    }

    fn member_of(&self, item: &Item<'a>, value_set: &str) -> Option<bool> {
        (value_set == "urn:known").then(|| item.to_text().as_deref() == Some("final"))
    }

    fn is_strict(&self) -> bool {
        self.is_strict
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

fn observation() -> Value {
    serde_json::from_str(
        r##"{
            "resourceType": "Observation", "id": "made-up",
            "contained": [{"resourceType": "Patient", "id": "p", "birthDate": "1950-02"}],
            "status": "final",
            "_status": {"id": "s1", "extension": [{"url": "urn:x", "valueCode": "why"}]},
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}, {"code": "local"}]},
            "subject": {"reference": "#p"},
            "performer": [{"reference": "Practitioner/1"}, {"reference": "https://example.org/fhir/Organization/2/_history/3"}],
            "effectiveDateTime": "2026-11-21T09:00:00+09:00",
            "issued": "2026-11-21T09:00:00.5Z",
            "valueQuantity": {"value": 70.50, "unit": "beats", "system": "http://unitsofmeasure.org", "code": "/min"},
            "note": [{"text": "one"}, {"text": "two"}],
            "component": [
                {"code": {"text": "a"}, "valueInteger": 3},
                {"code": {"text": "b"}, "_valueString": {"extension": [{"url": "urn:y", "valueString": "z"}]}},
                {"code": {"text": "c"}, "valueCode": "odd"}
            ]
        }"##,
    )
    .unwrap()
}

/// What an expression finds, as text, or `!` and the name of what is wrong.
fn found(resource: &Value, text: &str, context: &Surroundings) -> String {
    let said = |error: super::ExpressionError| format!("!{}", error.rule.id.trim_start_matches("fhirpath-"));
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(error) => return said(error),
    };
    match expression.evaluate(Item::resource(resource), context) {
        Ok(items) => {
            items.iter().map(|item| item.to_text().unwrap_or("{}".into()).into_owned()).collect::<Vec<_>>().join(" ")
        }
        Err(error) => said(error),
    }
}

fn agree(cases: &[(&str, &str)]) {
    let resource = observation();
    for (text, wanted) in cases {
        assert_eq!(found(&resource, text, &DEFAULT), *wanted, "{text}");
    }
}

#[test]
fn paths_choices_and_what_stands_beside_primitives() {
    agree(&[
        ("Observation.status", "final"),
        ("Resource.id", "made-up"),
        ("DomainResource.status.id", "s1"),
        ("status.extension('urn:x').value", "why"),
        ("status.extension.where(url = 'urn:x').value is code", "true"),
        ("Patient.status", ""),
        ("value.value", "70.50"),
        ("valueQuantity", ""),
        ("value is Quantity", "true"),
        ("component.value", "3 {}"),
        ("component.value.count()", "2"),
        ("component[1].value.exists()", "true"),
        ("component[1].value.hasValue()", "false"),
        ("component[1].value.extension.value", "z"),
        ("component[7]", ""),
        ("`component`.code.text", "a b c"),
        ("contained.birthDate", "1950-02"),
        ("contained is Patient", "true"),
        ("id is id", "true"),
        ("status.value.type().namespace & '.' & status.type().name", "System.code"),
        ("children().count() > 10 and descendants().count() > 40", "true"),
        ("descendants().where($this is Quantity).code", "/min"),
        ("component.where($index = 2).code.text", "c"),
    ]);
}

#[test]
fn types_are_asked_for() {
    agree(&[
        ("value.ofType(Quantity).unit", "beats"),
        ("(value as Quantity).unit", "beats"),
        ("value.as(string)", ""),
        ("status is string", "true"),
        ("status.as(string)", ""),
        ("status as code", "final"),
        ("status is System.String", "false"),
        ("'a' is String and 'a' is System.String", "true"),
        ("'a' is FHIR.string", "false"),
        ("1 'mg' is Quantity", "true"),
        ("component is BackboneElement", "!single"),
        ("component.first() is BackboneElement", "true"),
        ("status is System.Code", "false"),
        ("status is Kode", "!type"),
        ("status.ofType(FHIR.Kode)", "!type"),
        ("performer.as(Reference).count()", "2"),
        ("1 > 2 is Boolean", "!operand"),
    ]);
}

#[test]
fn references_are_followed() {
    agree(&[
        ("subject.resolve().birthDate", "1950-02"),
        ("performer.where(resolve() is Practitioner).reference", "Practitioner/1"),
        ("performer.where(resolve() is Organization).count()", "1"),
        ("performer.where(resolve() is Patient).count()", "0"),
        ("performer.resolve().distinct().count()", "2"),
        ("'urn:uuid:1'.resolve().exists()", "false"),
        ("'#'.resolve().id", "made-up"),
        ("status.memberOf('urn:known')", "true"),
        ("status.memberOf('urn:unknown')", ""),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/Observation')", "true"),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')", "false"),
        ("conformsTo('urn:unknown')", "!unanswered"),
        ("checkModifiers().id", "made-up"),
        ("slice('urn:a', 'b')", "!unanswered"),
    ]);
}

#[test]
fn collections() {
    agree(&[
        ("(1 | 2 | 2).count()", "2"),
        ("1.combine(1).count()", "2"),
        ("(1 | 2 | 3).intersect(2 | 3 | 4)", "2 3"),
        ("(1 | 2).combine(2).exclude(1)", "2 2"),
        ("(1 | 2).subsetOf(1 | 2 | 3)", "true"),
        ("(1 | 2).supersetOf(1 | 3)", "false"),
        ("(1 | 2 | 3).tail().first()", "2"),
        ("(1 | 2 | 3).skip(-1).take(2)", "1 2"),
        ("(1 | 2).single()", "!single"),
        ("(1 | 2 | 3).aggregate($this + $total, 0)", "6"),
        ("(1 | 2 | 3).aggregate(iif($total.empty(), $this, iif($this < $total, $this, $total)))", "1"),
        ("(3 | 1 | 2).sort()", "1 2 3"),
        ("(3 | 1 | 2).sort(-$this)", "3 2 1"),
        ("(3 | 1 | 2).sort($this desc)", "3 2 1"),
        ("component.sort(-code.text).code.text", "c b a"),
        ("(@2015 | @2015-01 | @2014).sort().first()", "2014"),
        ("component.repeat(code).text", "a b c"),
        ("component.all(code.exists())", "true"),
        ("{}.all(false)", "true"),
        ("component.exists(value is integer)", "true"),
        ("(true | false).allTrue()", "false"),
        ("{}.anyTrue()", "false"),
        ("1.allTrue()", "!operand"),
        ("note.text contains 'one' and 'two' in note.text", "true"),
        ("{} in note.text", ""),
        ("component.trace('t', code).count()", "3"),
        ("%seven + 1", "8"),
        ("%context.id = %resource.id and %rootResource.id = id", "true"),
        ("%`ext-a`", "http://hl7.org/fhir/StructureDefinition/a"),
        ("%nothing", "!variable"),
    ]);
}

#[test]
fn logic_has_three_values() {
    agree(&[
        ("{} and false", "false"),
        ("{} and true", ""),
        ("{} or true", "true"),
        ("{} implies true", "true"),
        ("{} implies false", ""),
        ("true implies {}", ""),
        ("true xor {}", ""),
        ("'text' and true", "true"),
        ("note and true", "!single"),
        ("false and (1 | 2).single() = 1", "false"),
        ("iif({}, 1, 2)", "2"),
        ("iif('a', 1, 2)", "!operand"),
        ("note.iif(count() = 2, 'both', 'not')", "both"),
        ("(0).not()", "false"),
    ]);
}

#[test]
fn numbers() {
    agree(&[
        ("1 + 2 * 3 - 4", "3"),
        ("7 div 2 & '|' & (7 mod 2) & '|' & (-7 div 2)", "3|1|-3"),
        ("5.5 div 0.7", "7"),
        ("1 / 0", ""),
        ("1 mod 0", ""),
        ("2147483647 + 1", ""),
        ("-2147483648", "-2147483648"),
        ("1.0 + 1", "2.0"),
        ("1.10 = 1.1 and 1.10 ~ 1.1", "true"),
        ("2.power(10) & '|' & 2.power(-1) & '|' & 2.5.power(2)", "1024|0.5|6.25"),
        ("(-1).sqrt()", ""),
        ("0.ln()", ""),
        ("3.14159.round(3)", "3.142"),
        ("(-2.5).round()", "-3"),
        ("1.1.ceiling() & (-1.1).floor() & (-1.9).truncate()", "2-2-1"),
        ("'a' + 1", "!operand"),
        ("'a' & {} & 'b'", "ab"),
        ("{} + 1", ""),
        ("note + 1", "!single"),
        ("-'a'", "!operand"),
        ("1.precision() & 1.500.precision()", "03"),
    ]);
}

#[test]
fn quantities() {
    agree(&[
        ("1 year = 12 months", "true"),
        ("1 year = 1 'a'", ""),
        ("1 year ~ 1 'a'", "true"),
        ("1 day = 24 hours", "true"),
        ("1 second = 1000 'ms'", "true"),
        ("4 'g' = 4000.0 'mg'", "true"),
        ("4 'g' ~ 4040 'mg'", "true"),
        ("1 'cm' = 1 's'", ""),
        ("1 'cm' < 1 's'", ""),
        ("2.0 'cm' * 2.0 'm' = 0.040 'm2'", "true"),
        ("4 'g' / 2 'g'", "2 '1'"),
        ("1 'm' + 5 'cm'", "1.05 'm'"),
        ("(-3 'mg').abs()", "3 'mg'"),
        ("value > 69 '/min' and value < 5000 '/h'", "true"),
        ("'4 days'.toQuantity() = 96 'h'", "true"),
        ("1 'kg'.toQuantity('g')", "1000 'g'"),
        ("1 'cm'.comparable(1 '[in_i]')", "true"),
        ("1 = 1 '1'", "true"),
    ]);
}

#[test]
fn dates() {
    agree(&[
        ("effective > @2026-11-20", "true"),
        ("effective = @2026-11-21T00:00:00Z", "true"),
        ("effective > @2026-11-21", ""),
        ("effective < issued", "true"),
        ("contained.birthDate < @1950", ""),
        ("contained.birthDate + 1 year", "1951-02"),
        ("@2012-01-31 + 1 month", "2012-02-29"),
        ("@2015-01-01 - 1 'd'", "2014-12-31"),
        ("@2015-01-01 + 1 'mo'", "!operand"),
        ("@2015-01-01 - 1 'month'", "2014-12-01"),
        ("@2015-01-01 - 1 'cm'", "!operand"),
        ("@2015-01-01 + 1", "!operand"),
        ("@2015-01-01 < 'text'", "!operand"),
        ("@T23:30 + 1 hour", "00:30"),
        ("now()", "2026-11-21T09:30:00.123+09:00"),
        ("today() & ' ' & timeOfDay()", "2026-11-21 09:30:00.123"),
        ("@2014.lowBoundary(6) & ' ' & @2014.highBoundary()", "2014-01 2014-12-31"),
        ("@2014-02-03T10:00.highBoundary()", "2014-02-03T10:00:59.999-12:00"),
        ("@T10.lowBoundary(4) & ' ' & @T10.highBoundary(9)", "10:00 10:59:59.999"),
        ("@2014.lowBoundary(5)", ""),
        ("effective.toDate()", "2026-11-21"),
        ("'2015-02-30'.convertsToDate()", "false"),
        ("@2015-02-04T14:34:28Z.precision()", "14"),
    ]);
    assert!(Expression::parse("now()").unwrap().evaluate(Item::resource(&observation()), &Nothing).is_err());
}

#[test]
fn strings() {
    agree(&[
        ("'在宅医療'.substring(2)", "医療"),
        ("'在宅医療'.indexOf('医')", "2"),
        ("'abcabc'.lastIndexOf('b') & 'abc'.indexOf('x')", "4-1"),
        ("'abc'.substring(3)", ""),
        ("'abc'.substring(1, 1) & 'abc'.substring(1, {})", "bbc"),
        ("'a-b'.split('-') | 'xy'.toChars()", "a b x y"),
        ("note.text.join(', ')", "one, two"),
        ("'a\\nb'.matches('a.b')", "true"),
        ("'abc'.matches('b') and 'abc'.matchesFull('b').not()", "true"),
        ("'abc'.matches('(')", "!pattern"),
        ("'abc'.matches({})", ""),
        (
            "'11/30/1972'.replaceMatches('\\\\b(?<month>\\\\d{1,2})/(?<day>\\\\d{1,2})/(?<year>\\\\d{4})\\\\b', '${year}-${month}-${day}')",
            "1972-11-30",
        ),
        ("'ab'.replaceMatches('(a)(b)', '$2x$1\\\\$')", "bxa$"),
        ("'a<b'.escape('html').unescape('html')", "a<b"),
        ("'a\"b'.escape('json')", "a\\\"b"),
        ("'é'.encode('hex') & '.' & 'c3a9'.decode('hex') & 'c'.decode('hex')", "c3a9.é"),
        ("'??>'.encode('urlbase64').decode('urlbase64')", "??>"),
        ("'a'.encode('rot13')", ""),
        ("status.upper() & status.length()", "FINAL5"),
        ("effective.startsWith('2026')", "true"),
        ("value.startsWith('7')", "!operand"),
        ("1.startsWith('1')", "!operand"),
        ("' a  B' ~ 'A b'", "true"),
        ("'y'.toBoolean() and '0.0'.toBoolean().not()", "true"),
        ("'+12'.toInteger() & '1.5'.toDecimal() & '2147483648'.toInteger()", "121.5"),
        ("'1e3'.convertsToDecimal() or ''.convertsToInteger()", "false"),
        ("value.toString()", "70.50 '/min'"),
    ]);
}

#[test]
fn equality_of_elements() {
    agree(&[
        ("code = code and code ~ code", "true"),
        ("component[0] = component[1]", "false"),
        ("code.coding ~ code.coding.last().combine(code.coding.first())", "true"),
        ("code.coding = code.coding.last().combine(code.coding.first())", "false"),
        ("status = 'final' and status != 'FINAL' and status ~ 'FINAL'", "true"),
        ("value = 70.5 '/min'", "true"),
        ("note = {}", ""),
        ("{} ~ {}", "true"),
    ]);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let cases = [
        ("", "!syntax", 0),
        ("a.", "!syntax", 2),
        ("a +", "!syntax", 3),
        ("a b", "!syntax", 2),
        ("a.nothing()", "!function", 2),
        ("a.first(1)", "!arguments", 2),
        ("a.where()", "!arguments", 2),
        ("a.is(1)", "!syntax", 5),
        ("$that", "!variable", 0),
        ("(a", "!syntax", 2),
        ("a[1", "!syntax", 3),
        ("'a", "!syntax", 0),
    ];
    for (text, wanted, at) in cases {
        assert_eq!(found(&Value::Null, text, &DEFAULT), wanted, "{text}");
        assert_eq!(Expression::parse(text).unwrap_err().at, at, "{text}");
    }
    let error = Expression::parse("a.nothing()").unwrap_err();
    assert_eq!(error.to_string(), "there is no function nothing (byte 2)");
    assert_eq!(error.japanese(), "関数 nothing はありません (2バイト目)");
    assert_eq!(error.rule, &error::FUNCTION);
}

#[test]
fn length_and_depth_have_limits() {
    let padded = |length: usize| format!("{:>length$}", 1);
    assert!(Expression::parse(&padded(EXPRESSION_BYTES_MAX)).is_ok());
    assert_eq!(Expression::parse(&padded(EXPRESSION_BYTES_MAX + 1)).unwrap_err().rule, &error::TOO_LONG);
    // The outermost expression is one level itself.
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth - 1), ")".repeat(depth - 1));
    assert_eq!(found(&Value::Null, &nested(DEPTH_MAX), &DEFAULT), "1");
    assert_eq!(found(&Value::Null, &nested(DEPTH_MAX + 1), &DEFAULT), "!too-long");
    for hostile in ["-".repeat(10_000), "iif(".repeat(5_000), "a[".repeat(10_000), "a is ".repeat(5_000)] {
        assert!(Expression::parse(&hostile).is_err());
    }
    let criteria = format!("{}true{}", "exists(".repeat(DEPTH_MAX - 1), ")".repeat(DEPTH_MAX - 1));
    assert_eq!(found(&observation(), &criteria, &DEFAULT), "true");
    // A long chain is not a deep one.
    assert_eq!(found(&Value::Null, &format!("0{}", "+1".repeat(10_000)), &DEFAULT), "10000");
    assert_eq!(found(&Value::Null, &format!("a{}", ".a".repeat(10_000)), &DEFAULT), "");
}

#[test]
fn work_collections_and_texts_have_limits() {
    let resource = observation();
    let limited = |text: &str, limits: Limits| found(&resource, text, &Surroundings { limits, is_strict: false });
    // A literal is a step; so are the operator and its right side.
    let steps = |steps_max| Limits { steps_max, ..Limits::DEFAULT };
    assert_eq!(limited("1 + 1", steps(4)), "2");
    assert_eq!(limited("1 + 1", steps(3)), "!too-costly");
    let items = |items_max| Limits { items_max, ..Limits::DEFAULT };
    assert_eq!(limited("component.code", items(3)), "{} {} {}");
    assert_eq!(limited("component.code", items(2)), "!too-costly");
    assert_eq!(limited("descendants()", items(5)), "!too-costly");
    let bytes = |text_bytes_max| Limits { text_bytes_max, ..Limits::DEFAULT };
    assert_eq!(limited("'ab'.replace('a', 'xyz')", bytes(9)), "xyzb");
    assert_eq!(limited("'ab'.replace('a', 'xyz') & '12345'", bytes(8)), "!too-costly");
    let growing = format!("'aaaaaaaa'{}", ".replace('a', 'aaaaaaaa')".repeat(30));
    assert_eq!(limited(&growing, Limits::DEFAULT), "!too-costly");
    let forever = "1.repeat($this + 1)";
    assert_eq!(limited(forever, Limits::DEFAULT), "!too-costly");
    let nested = format!("descendants(){}", ".select(%resource.descendants())".repeat(5));
    assert_eq!(limited(&nested, Limits::DEFAULT), "!too-costly");
    assert_eq!(limited("'a'.matches('a{1000}{1000}{1000}')", Limits::DEFAULT), "!pattern");
}

#[test]
fn the_strict_rule_refuses_several_items() {
    let strict = Surroundings { limits: Limits::DEFAULT, is_strict: true };
    let resource = observation();
    for text in ["note.as(Annotation)", "note as Annotation", "note.iif(true, 1)"] {
        assert_eq!(found(&resource, text, &strict), "!single", "{text}");
        assert_ne!(found(&resource, text, &DEFAULT), "!single", "{text}");
    }
}

#[test]
fn an_element_found_has_its_place() {
    let resource = observation();
    let place = |text: &str| {
        let expression = Expression::parse(text).unwrap();
        let items = expression.evaluate(Item::resource(&resource), &DEFAULT).unwrap();
        let way = locate(&resource, items.first()?.node()?)?;
        let steps = way.iter().map(|step| match step {
            Place::Member(name) => name.clone(),
            Place::Index(at) => at.to_string(),
        });
        Some(steps.collect::<Vec<_>>().join("/"))
    };
    assert_eq!(place("value").as_deref(), Some("valueQuantity"));
    assert_eq!(place("component[2].code.text").as_deref(), Some("component/2/code/text"));
    assert_eq!(place("component[1].value").as_deref(), Some("component/1/_valueString"));
    assert_eq!(place("$this").as_deref(), Some(""));
    assert_eq!(place("subject.resolve()").as_deref(), Some("contained/0"));
    assert_eq!(place("performer[0].resolve()"), None);
    assert_eq!(place("1"), None);
}

#[test]
fn whatever_json_there_is_nothing_breaks() {
    let odd = [
        json!(null),
        json!(3),
        json!([1, 2]),
        json!({"resourceType": 7, "a": [null, {"b": 1}], "_a": [{"id": "x"}]}),
        json!({"resourceType": "Observation", "status": {"x": 1}, "_status": "s", "code": "text", "component": 5,
               "valueQuantity": [], "effectiveDateTime": "yesterday", "note": [null, "x", {"text": 3}]}),
    ];
    let texts = [
        "descendants().count()",
        "a.b",
        "Observation.status.extension.value",
        "value.value > 1",
        "effective > @2015",
        "code.coding.code | note.text | component.code",
        "value = value or code ~ code",
        "children().repeat(children()).count()",
        "resolve()",
    ];
    for resource in &odd {
        for text in texts {
            found(resource, text, &DEFAULT);
        }
    }
    assert_eq!(found(&odd[3], "a.b", &DEFAULT), "1");
    assert_eq!(found(&odd[4], "effective", &DEFAULT), "yesterday");
}

#[test]
fn an_expression_holds_or_not_or_says_nothing() {
    let resource = observation();
    let holds = |text: &str| {
        let expression = Expression::parse(text).unwrap();
        expression.clone().is_true(Item::resource(&resource), &Nothing).ok()
    };
    assert_eq!(holds("status = 'final'"), Some(Some(true)));
    assert_eq!(holds("status.exists().not()"), Some(Some(false)));
    assert_eq!(holds("bodySite"), Some(None));
    assert_eq!(holds("code"), Some(Some(true)));
    assert_eq!(holds("note"), None);
    let kind = resource_kind("Observation").unwrap();
    let element = Node::element(&resource, kind);
    assert!(
        Expression::parse("status")
            .unwrap()
            .evaluate(Item::Node(element), &Nothing)
            .is_ok_and(|found| found.len() == 1)
    );
}
