//! One Questionnaire, and what may be wrong with answers to it.

use serde_json::{Value, json};

use crate::fault::Severity;
use crate::profile::tests::profiles;
use crate::validate::base;
use crate::validate::profile::against;

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
