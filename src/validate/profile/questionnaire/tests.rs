//! One Questionnaire, and what may be wrong with answers to it.

use serde_json::{Value, json};

use crate::fault::Severity;
use crate::profile::tests::profiles;
use crate::validate::base;
use crate::validate::path::Path;
use crate::validate::profile::against;
use crate::validate::profile::walk::Walk;

fn questionnaire() -> Value {
    json!({"resourceType": "Questionnaire", "id": "q", "url": "http://example.org/q", "version": "1", "status": "active",
        "contained": [{"resourceType": "ValueSet", "id": "v", "status": "active", "compose": {"include": [
            {"system": "s", "concept": [{"code": "a"}, {"code": "b"}]}]}}],
        "item": [
        {"linkId": "1", "type": "group", "required": true, "item": [
            {"linkId": "1.1", "type": "boolean", "required": true},
            {"linkId": "1.2", "type": "string", "required": true, "maxLength": 5,
                "enableWhen": [{"question": "1.1", "operator": "=", "answerBoolean": true}]},
        ]},
        {"linkId": "2", "type": "choice", "repeats": true, "answerValueSet": "#v", "item": [
            {"linkId": "2.1", "type": "integer", "required": true}]},
        {"linkId": "3", "type": "open-choice", "answerOption": [{"valueCoding": {"system": "s", "code": "x"}},
            {"valueCoding": {"system": "s", "code": "y"}}]},
        {"linkId": "4", "type": "group", "repeats": true, "item": [{"linkId": "4.1", "type": "decimal"},
            {"linkId": "4.2", "type": "date", "enableWhen": [{"question": "4.1", "operator": ">", "answerDecimal": 2.5}]}]},
        {"linkId": "5", "type": "display", "text": "x"},
        {"linkId": "6", "type": "quantity", "enableBehavior": "all", "enableWhen": [
            {"question": "3", "operator": "exists", "answerBoolean": false},
            {"question": "2", "operator": "!=", "answerCoding": {"system": "s", "code": "b"}}]},
    ]})
}

fn answered(items: Value) -> Value {
    let mut asked = questionnaire();
    let value_set = asked.as_object_mut().unwrap().shift_remove("contained").unwrap()[0].take();
    json!({"resourceType": "QuestionnaireResponse", "status": "completed", "contained": [asked, value_set],
        "questionnaire": "#q", "item": items})
}

/// Rule and place of every error of the answers; with the base rules there is none.
fn found(response: &Value) -> String {
    let of_base: Vec<_> = base(response).into_iter().filter(|one| one.rule.severity >= Severity::Error).collect();
    assert_eq!(of_base, [], "{response}");
    let problems = against(response, &[], &profiles(&[]));
    let errors = problems.iter().filter(|one| one.severity() >= Severity::Error);
    errors.map(|one| format!("{} {}", one.rule(), one.issue.place)).collect::<Vec<_>>().join("; ")
}

fn text(link: &str, answers: Value) -> Value {
    json!({"linkId": link, "answer": answers})
}

fn group(inside: Value) -> Value {
    json!({"linkId": "1", "item": inside})
}

fn no() -> Value {
    group(json!([text("1.1", json!([{"valueBoolean": false}]))]))
}

#[test]
fn what_is_answered_as_it_is_asked_passes() {
    let yes =
        group(json!([text("1.1", json!([{"valueBoolean": true}])), text("1.2", json!([{"valueString": "見本です"}]))]));
    let choice = |code: &str| json!({"valueCoding": {"system": "s", "code": code}, "item": [text("2.1", json!([{"valueInteger": 1}]))]});
    for items in [
        json!([no()]),
        json!([yes, text("2", json!([choice("a"), choice("b")])), text("3", json!([{"valueString": "else"}]))]),
        json!([no(), text("3", json!([{"valueCoding": {"system": "s", "code": "y"}}])),
            {"linkId": "4", "item": [text("4.1", json!([{"valueDecimal": 2.6}])), text("4.2", json!([{"valueDate": "2026-11"}]))]},
            {"linkId": "4", "item": [text("4.1", json!([{"valueInteger": 2}]))]},
            {"linkId": "5"}]),
        json!([no(), text("2", json!([choice("a")])), text("6", json!([{"valueQuantity": {"value": 1}}]))]),
    ] {
        assert_eq!(found(&answered(items.clone())), "", "{items}");
    }
    // Not finished yet; and nobody knows the questions.
    let mut open = answered(json!([]));
    (open["status"], open["item"]) = ("in-progress".into(), json!([{"linkId": "1"}]));
    assert_eq!(found(&open), "");
    let alone = json!({"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "http://example.org/q"});
    assert_eq!(found(&alone), "");
    let told = against(&alone, &[], &profiles(&[]));
    assert_eq!(told[0].rule(), "questionnaire-not-loaded");
}

fn at(place: &str) -> String {
    format!("QuestionnaireResponse.{place}")
}

/// Items, and what is wrong with them where.
fn refuse(cases: &[(Value, &str, String)]) {
    for (items, rule, place) in cases {
        assert_eq!(found(&answered(items.clone())), format!("{rule} {place}"), "{items}");
    }
}

#[test]
fn what_is_not_asked_so_is_found_where_it_is() {
    refuse(&[
        (json!([no(), {"linkId": "9"}]), "questionnaire-item-unknown", at("item[1].linkId")),
        (json!([text("3", json!([{"valueString": "x"}])), no()]), "questionnaire-item-order", at("item[1]")),
        (json!([{"linkId": "5"}]), "questionnaire-required", at("item")),
        (json!([group(json!([{"linkId": "1.1"}]))]), "questionnaire-required", at("item[0].item[0].answer")),
        (
            json!([group(json!([text("1.1", json!([{"valueBoolean": true}]))]))]),
            "questionnaire-required",
            at("item[0].item"),
        ),
        (
            json!([group(json!([
                text("1.1", json!([{"valueBoolean": false}])),
                text("1.2", json!([{"valueString": "x"}]))
            ]))]),
            "questionnaire-not-asked",
            at("item[0].item[1]"),
        ),
        (
            json!([group(json!([
                text("1.1", json!([{"valueBoolean": true}])),
                text("1.2", json!([{"valueString": "六文字です。"}]))
            ]))]),
            "profile-length",
            at("item[0].item[1].answer[0].value"),
        ),
        (json!([no(), no()]), "questionnaire-item-twice", at("item[1]")),
    ]);
}

#[test]
fn an_answer_that_does_not_fit_its_question_is_found_where_it_is() {
    let one = |item: Value| json!([no(), item]);
    refuse(&[
        (
            one(json!({"linkId": "5", "answer": [{"valueString": "x"}]})),
            "questionnaire-no-answer",
            at("item[1].answer"),
        ),
        (
            one(json!({"linkId": "2", "item": [text("2.1", json!([{"valueInteger": 1}]))]})),
            "questionnaire-item-place",
            at("item[1].item"),
        ),
        (
            one(text("2", json!([{"valueCoding": {"system": "s", "code": "a"}}]))),
            "questionnaire-required",
            at("item[1].answer[0].item"),
        ),
        (
            one(text(
                "2",
                json!([{"valueCoding": {"system": "s", "code": "z"}, "item": [text("2.1", json!([{"valueInteger": 1}]))]}]),
            )),
            "profile-binding",
            at("item[1].answer[0].value"),
        ),
        (
            one(text("3", json!([{"valueString": "a"}, {"valueString": "b"}]))),
            "questionnaire-answers",
            at("item[1].answer"),
        ),
        (one(text("3", json!([{"valueInteger": 1}]))), "questionnaire-answer-type", at("item[1].answer[0].value")),
        (
            one(text("3", json!([{"valueCoding": {"system": "s", "code": "z"}}]))),
            "questionnaire-answer-option",
            at("item[1].answer[0].value"),
        ),
        (
            one(
                json!({"linkId": "4", "item": [text("4.1", json!([{"valueDecimal": 2.50}])), text("4.2", json!([{"valueDate": "2026"}]))]}),
            ),
            "questionnaire-not-asked",
            at("item[1].item[1]"),
        ),
        (
            json!([
                no(),
                text("3", json!([{"valueString": "x"}])),
                text("6", json!([{"valueQuantity": {"value": 1}}]))
            ]),
            "questionnaire-not-asked",
            at("item[2]"),
        ),
    ]);
}

#[test]
fn a_questionnaire_in_the_same_bundle_or_loaded_is_known() {
    let response = json!({"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "http://example.org/q|1",
        "item": [no(), {"linkId": "9"}]});
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": questionnaire()},
        {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000002", "resource": response}]});
    assert_eq!(found(&bundle), "questionnaire-item-unknown Bundle.entry[1].resource.item[1].linkId");
    let loaded = against(&response, &[], &profiles(&[questionnaire()]));
    assert_eq!(loaded[0].rule(), "questionnaire-item-unknown");
}

#[test]
fn conditions_look_at_another_question() {
    let mut wrong = questionnaire();
    wrong["item"][0]["item"][1]["enableWhen"][0]["question"] = "1.2".into();
    wrong["item"][5]["enableWhen"][1]["question"] = "7".into();
    assert_eq!(
        found(&wrong),
        "questionnaire-enable-when Questionnaire.item[0].item[1].enableWhen[0].question; \
         questionnaire-enable-when Questionnaire.item[5].enableWhen[1].question"
    );
    assert_eq!(found(&questionnaire()), "");
}

/// A Questionnaire with these items beside what is answered.
fn asking(questions: Value, status: &str, items: Value) -> Value {
    json!({"resourceType": "QuestionnaireResponse", "status": status, "questionnaire": "#q", "item": items, "contained": [
        {"resourceType": "Questionnaire", "id": "q", "status": "active", "item": questions}]})
}

fn string(link: &str, value: &str) -> Value {
    text(link, json!([{"valueString": value}]))
}

#[test]
fn of_a_question_that_repeats_the_nearest_counts() {
    let condition = json!([{"question": "1.1", "operator": "!=", "answerString": "x"}]);
    let questions = json!([
        {"linkId": "0", "type": "string", "enableWhen": [{"question": "1.1", "operator": "=", "answerString": "x"}]},
        {"linkId": "1", "type": "group", "repeats": true, "item": [{"linkId": "1.1", "type": "string"}]},
        {"linkId": "2", "type": "string", "enableWhen": condition, "required": true},
        {"linkId": "3", "type": "string", "item": [
            {"linkId": "3.1", "type": "string", "enableWhen": [{"question": "3", "operator": "=", "answerString": "x"}]}]},
    ]);
    let of = |value: &str| json!({"linkId": "1", "item": [string("1.1", value)]});
    let inside = |value: &str| json!({"linkId": "3", "answer": [{"valueString": value, "item": [string("3.1", "a")]}]});
    for (items, wanted) in [
        // Before it the nearest, of what is behind it the first; around it before both.
        (json!([of("x"), of("y"), string("2", "a")]), String::new()),
        (json!([of("y"), of("x"), string("2", "a")]), format!("questionnaire-not-asked {}", at("item[2]"))),
        (json!([string("0", "a"), of("x"), of("y"), string("2", "a")]), String::new()),
        (json!([string("0", "a"), of("y"), of("x")]), format!("questionnaire-not-asked {}", at("item[0]"))),
        (json!([of("x"), of("y")]), format!("questionnaire-required {}", at("item"))),
        (json!([of("y"), of("x")]), String::new()),
        (json!([of("x"), inside("x")]), String::new()),
        (json!([of("x"), inside("y")]), format!("questionnaire-not-asked {}", at("item[1].answer[0].item[0]"))),
    ] {
        assert_eq!(found(&asking(questions.clone(), "completed", items.clone())), wanted, "{items}");
    }
}

#[test]
fn what_is_not_asked_may_stand_there_without_an_answer() {
    let questions = json!([
        {"linkId": "1", "type": "boolean"},
        {"linkId": "2", "type": "group", "enableWhen": [{"question": "1", "operator": "=", "answerBoolean": true}],
            "item": [{"linkId": "2.1", "type": "string", "required": true}]},
    ]);
    let no = || text("1", json!([{"valueBoolean": false}]));
    let empty = json!([no(), {"linkId": "2", "text": "x", "item": [{"linkId": "2.1", "text": "y"}]}]);
    assert_eq!(found(&asking(questions.clone(), "completed", empty)), "");
    let answered = json!([no(), {"linkId": "2", "item": [string("2.1", "a")]}]);
    let of = |status: &str| {
        let problems = against(&asking(questions.clone(), status, answered.clone()), &[], &profiles(&[]));
        problems.iter().map(|one| (one.rule().to_owned(), one.severity())).collect::<Vec<_>>()
    };
    assert_eq!(of("completed"), [("questionnaire-not-asked".into(), Severity::Error)]);
    assert_eq!(of("in-progress"), [("questionnaire-not-asked-yet".into(), Severity::Warning)]);
}

#[test]
fn an_option_is_known_by_what_it_means() {
    let option = |option: Value, answer: Value| {
        let questions = json!([{"linkId": "1", "type": "choice", "answerOption": [option]}]);
        found(&asking(questions, "completed", json!([{"linkId": "1", "answer": [answer]}])))
    };
    let refused = format!("questionnaire-answer-option {}", at("item[0].answer[0].value"));
    for (name, asked, given, is_same) in [
        ("Reference", json!({"reference": "Patient/1", "display": "x"}), json!({"reference": "Patient/1"}), true),
        ("Reference", json!({"reference": "Patient/1"}), json!({"reference": "Patient/1", "type": "Patient"}), true),
        ("Reference", json!({"reference": "Patient/1"}), json!({"reference": "Patient/2"}), false),
        (
            "Reference",
            json!({"identifier": {"value": "1"}, "display": "x"}),
            json!({"identifier": {"value": "1"}}),
            true,
        ),
        ("Coding", json!({"system": "s", "code": "a", "display": "x"}), json!({"system": "s", "code": "a"}), true),
        ("Coding", json!({"system": "s", "code": "a"}), json!({"system": "t", "code": "a"}), false),
        ("Coding", json!({"display": "x"}), json!({"display": "y"}), false),
    ] {
        let member = format!("value{name}");
        let found = option(json!({&member: asked}), json!({&member: given}));
        assert_eq!(found, if is_same { "" } else { &refused }, "{asked} {given}");
    }
}

/// Whether the check of a response comes to its end when it looks at no more elements than this.
fn ends_within(elements_max: usize, response: &Value) -> bool {
    let known = profiles(&[]);
    let mut walk = Walk::new(&known, response);
    walk.elements_max = elements_max;
    walk.whole(response, &[], &Path::root("QuestionnaireResponse"));
    let found = walk.finish();
    assert!(found.iter().all(|one| one.severity() < Severity::Error), "{found:?}");
    found.iter().all(|one| one.rule() != "profile-unfinished")
}

#[test]
fn each_question_and_each_item_is_looked_at_a_few_times() {
    const ITEMS: usize = 20_000;
    let condition = json!([{"question": "0", "operator": "exists", "answerBoolean": true}]);
    let question = |at: usize| match at {
        0 => json!({"linkId": "0", "type": "string"}),
        _ => json!({"linkId": at.to_string(), "type": "string", "required": true, "enableWhen": condition}),
    };
    let questions: Vec<Value> = (0..ITEMS).map(question).collect();
    let items: Vec<Value> = (0..ITEMS).map(|at| string(&at.to_string(), "x")).collect();
    let response = asking(questions.into(), "completed", items.into());
    assert!(ends_within(12 * ITEMS, &response));
    assert!(!ends_within(2 * ITEMS, &response));
    // Many groups in each of which much could be answered, and many answers with many options, are counted.
    let questions: Vec<Value> = (0..1000).map(|at| json!({"linkId": format!("1.{at}"), "type": "string"})).collect();
    let groups = vec![json!({"linkId": "1"}); 1000];
    let group = json!([{"linkId": "1", "type": "group", "repeats": true, "item": questions}]);
    assert!(!ends_within(900_000, &asking(group, "completed", groups.into())));
    let options: Vec<Value> = (0..1000).map(|at| json!({"valueInteger": at})).collect();
    let choice = json!([{"linkId": "1", "type": "choice", "repeats": true, "answerOption": options}]);
    let answers = vec![json!({"valueInteger": 999}); 1000];
    assert!(!ends_within(900_000, &asking(choice, "completed", json!([text("1", answers.into())]))));
}

#[test]
fn a_questionnaire_is_found_by_its_version_and_read_once() {
    let of = |version: &str, link: &str| {
        json!({"resourceType": "Questionnaire", "url": "http://example.org/v",
        "version": version, "status": "active", "item": [{"linkId": link, "type": "string"}]})
    };
    let response = |canonical: &str| {
        json!({"resourceType": "QuestionnaireResponse", "status": "completed",
        "questionnaire": canonical, "item": [string("b", "x")]})
    };
    let all = [
        of("1", "a"),
        of("2", "b"),
        response("http://example.org/v|2"),
        response("http://example.org/v"),
        response("http://example.org/v|3"),
    ];
    let entries = all.iter().enumerate().map(|(at, one)| json!({"fullUrl": format!("urn:x:{at}"), "resource": one}));
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entries.collect::<Vec<_>>()});
    assert_eq!(found(&bundle), "questionnaire-item-unknown Bundle.entry[3].resource.item[0].linkId");
    let known = profiles(&[of("1", "b")]);
    let read = || known.questionnaire("http://example.org/v|1", None).unwrap();
    assert!(std::sync::Arc::ptr_eq(&read(), &read()));
}
