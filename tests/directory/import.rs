//! Public lists over HTTP: what becomes of rows, of a newer list, of what is broken, and who may send one.

use serde_json::{Value, json};
use tasuki::validate::{Level, base_at};

use crate::gateway::{Answer, Ask, Served};
use crate::{found, put, serve, store};

const HEADER: &str = "都道府県名,市区町村名,事業所名,サービスの種類,住所,緯度,経度,電話番号,法人番号,事業所番号,備考";

pub(crate) fn row(number: &str, name: &str, service: &str) -> String {
    format!("北海道,札幌市,{name},{service},札幌市中央区1,43.0621,141.3544,011-000-0000,1430001000001,{number},")
}

fn list(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

fn import(served: &Served, client: &str, query: &str, csv: &str) -> Answer {
    let ask = Ask {
        method: "POST",
        body: csv.as_bytes().to_vec(),
        ..Ask::get(client, format!("/Organization/$import-directory?{query}"))
    };
    served.ask(ask.with("content-type", "text/csv; charset=utf-8"))
}

/// What an answer counts, by name; of a type created, updated and unchanged.
fn counted(answer: &Answer, name: &str) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    let parameters = json["parameter"].as_array().unwrap();
    let one = parameters.iter().find(|one| one["name"] == name).unwrap_or(&Value::Null);
    match one["part"].as_array() {
        Some(parts) => parts.iter().map(|part| part["valueUnsignedInt"].as_u64().unwrap()).collect(),
        None => one["valueUnsignedInt"].as_u64().into_iter().collect(),
    }
}

fn problems(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let problems = json["parameter"].as_array().unwrap().iter().filter(|one| one["name"] == "problem");
    let part = |one: &Value, name: &str| {
        let mut parts = one["part"].as_array().unwrap().iter();
        parts.find(|part| part["name"] == name).unwrap()["valueString"].as_str().unwrap().to_owned()
    };
    problems
        .map(|one| {
            assert!(!part(one, "ja").is_empty() && !part(one, "en").is_empty());
            format!("{} {}", part(one, "place"), part(one, "rule"))
        })
        .collect()
}

fn office(number: &str) -> String {
    format!("/Organization?identifier=https://tasuki.example/fhir/NamingSystem/care-office-number%7C{number}")
}

#[test]
fn a_list_is_taken_in_and_a_newer_one_changes_what_it_knows() {
    let served = serve(&store());
    let first = list(&[
        row("0170000001", "試験ケアセンター", "居宅介護支援"),
        row("0170000001", "試験ケアセンター", "訪問介護"),
        row("0170000002", "見本ステーション", "訪問看護"),
    ]);
    let tried = import(&served, "office", "kind=care-offices&dry-run=true", &first);
    assert_eq!(counted(&tried, "Organization"), [2, 0, 0]);
    assert_eq!(found(&served, "agency-a", &office("0170000001")), Vec::<String>::new(), "nothing was written");
    let taken = import(&served, "office", "kind=care-offices", &first);
    assert_eq!(
        (counted(&taken, "rows"), counted(&taken, "taken"), counted(&taken, "broken")),
        (vec![3], vec![3], vec![0])
    );
    assert_eq!(counted(&taken, "Organization"), [2, 0, 0]);
    assert_eq!(counted(&taken, "Location"), [2, 0, 0]);
    assert_eq!(counted(&taken, "HealthcareService"), [3, 0, 0]);
    for client in ["agency-a", "hospital", "office"] {
        let one = found(&served, client, &office("0170000001"));
        assert_eq!(one.len(), 1, "{client}");
        let services = format!("/HealthcareService?organization={}", one[0]);
        assert_eq!(found(&served, client, &services).len(), 2, "{client}");
        assert_eq!(found(&served, client, "/Organization?name=%E8%A6%8B%E6%9C%AC").len(), 1, "{client}");
        let kind = "/Organization?type=https://tasuki.example/fhir/CodeSystem/place-kind%7Chome-helper";
        assert_eq!(found(&served, client, kind), one, "{client}");
        assert_eq!(found(&served, client, &format!("/Location?organization={}", one[0])).len(), 1);
    }
    for of in ["Organization", "Location", "HealthcareService"] {
        for entry in served.get("office", format!("/{of}")).json()["entry"].as_array().unwrap() {
            let issues: Vec<String> =
                base_at(&entry["resource"], Level::Full).iter().map(|issue| issue.english()).collect();
            let told = issues.iter().filter(|issue| !issue.contains("dom-6")).count();
            assert_eq!(told, 0, "{of}: {issues:#?}");
        }
    }
    let again = import(&served, "office", "kind=care-offices", &first);
    assert_eq!(counted(&again, "Organization"), [0, 0, 2]);
    assert_eq!(counted(&again, "Location"), [0, 0, 2]);
    assert_eq!(counted(&again, "HealthcareService"), [0, 0, 3]);
    let of_helpers =
        list(&[row("0170000001", "試験ケアセンター", "訪問介護"), row("0170000003", "新しい事業所", "訪問介護")]);
    let newer = import(&served, "office", "kind=care-offices", &of_helpers);
    assert_eq!(counted(&newer, "Organization"), [1, 0, 1], "what another list said of its kinds stays");
    assert_eq!(counted(&newer, "vanished"), [0], "a list of one service speaks of no other");
}

#[test]
fn what_is_missing_in_a_newer_list_is_told_and_retired_when_asked_for() {
    let served = serve(&store());
    let rows = [
        row("0170000001", "一", "訪問介護"),
        row("0170000002", "二", "訪問介護"),
        row("0170000003", "三", "訪問介護"),
        row("0170000003", "三", "訪問看護"),
    ];
    import(&served, "office", "kind=care-offices", &list(&rows));
    let organization = |number: &str| served.get("agency-a", office(number)).json()["entry"][0]["resource"].clone();
    let shorter = list(&rows[..1]);
    let told = import(&served, "office", "kind=care-offices", &shorter);
    assert_eq!((counted(&told, "vanished"), counted(&told, "retired")), (vec![2], vec![0]));
    assert_eq!(organization("0170000002")["active"], true);
    let uncertain = import(
        &served,
        "office",
        "kind=care-offices&retire=true",
        &list(&[rows[0].clone(), row("", "四", "訪問介護")]),
    );
    assert_eq!(counted(&uncertain, "retired"), [0], "of a row without a number it is not known whose it is");
    assert!(problems(&uncertain).contains(&"- list-not-retired".to_owned()), "{:?}", problems(&uncertain));
    let nameless =
        import(&served, "office", "kind=care-offices", &list(&[rows[0].clone(), row("0170000002", "", "訪問介護")]));
    assert_eq!(counted(&nameless, "vanished"), [1], "a broken row with a number is there");
    let tried = import(&served, "office", "kind=care-offices&retire=true&dry-run=true", &shorter);
    assert_eq!(counted(&tried, "vanished"), [2]);
    assert_eq!(organization("0170000002")["active"], true);
    let retired = import(&served, "office", "kind=care-offices&retire=true", &shorter);
    assert_eq!((counted(&retired, "vanished"), counted(&retired, "retired")), (vec![2], vec![2]));
    assert_eq!(organization("0170000002")["active"], false);
    assert_eq!(organization("0170000003")["active"], true, "it still offers 訪問看護");
    assert_eq!(found(&served, "agency-a", "/HealthcareService?active=false").len(), 2);
    assert_eq!(found(&served, "agency-a", "/Location?status=inactive").len(), 1);
    let position = served.get("agency-a", "/Location?status=inactive").body;
    assert!(position.contains("\"longitude\":141.3544"), "the rest is as it was");
    let back = import(&served, "office", "kind=care-offices", &list(&rows));
    assert_eq!((counted(&back, "vanished"), organization("0170000002")["active"].clone()), (vec![0], json!(true)));
}

#[test]
fn broken_rows_are_told_and_hinder_no_others() {
    let served = serve(&store());
    let csv = list(&[
        row("0170000001", "一", "訪問介護"),
        row("017", "二", "訪問介護"),
        row("0170000003", "", "訪問介護"),
        row("0170000001", "一", "訪問介護"),
    ]);
    let taken = import(&served, "office", "kind=care-offices", &csv);
    assert_eq!(
        (counted(&taken, "rows"), counted(&taken, "taken"), counted(&taken, "broken")),
        (vec![4], vec![1], vec![3])
    );
    assert_eq!(
        problems(&taken),
        [
            "row 3, column 事業所番号 list-number",
            "row 4, column 事業所名 list-no-name",
            "row 5, column 事業所番号 list-repeated"
        ]
    );
    let unknown = import(&served, "office", "kind=care-offices", "a,b\n1,2\n");
    assert_eq!(unknown.status, 422, "{}", unknown.body);
}

#[test]
fn so_many_problems_are_told_one_by_one_and_all_are_counted() {
    let served = serve(&store());
    for (rows, told) in [(1000, 1000), (1001, 1000)] {
        let csv = format!("事業所番号,事業所名\n{}", "1,x\n".repeat(rows));
        let taken = import(&served, "office", "kind=care-offices", &csv);
        assert_eq!((problems(&taken).len(), counted(&taken, "problems")), (told, vec![rows as u64]));
    }
}

#[test]
fn what_the_office_registered_itself_stays_as_it_is() {
    let served = serve(&store());
    let own = json!({"resourceType": "Organization", "id": "own", "name": "事務局の登録名", "identifier": [
        {"system": "https://tasuki.example/fhir/NamingSystem/care-office-number", "value": "0170000001"}]});
    assert!(put(&served, &own) < 300);
    let taken = import(&served, "office", "kind=care-offices", &list(&[row("0170000001", "一覧の名", "訪問介護")]));
    assert_eq!(problems(&taken), ["row 2 list-office-keeps"]);
    assert_eq!(found(&served, "agency-a", &office("0170000001")), ["Organization/own"]);
    assert_eq!(served.get("agency-a", "/Organization/own").json()["name"], "事務局の登録名");
    assert_eq!(found(&served, "agency-a", "/HealthcareService?organization=Organization/own").len(), 1);
}

#[test]
fn institutions_come_as_organisations_and_places() {
    let served = serve(&store());
    let header = "項番,医療機関番号,医療機関名称,医療機関所在地,電話番号,病床数";
    let rows = |names: &[(&str, &str, &str)]| {
        let row =
            |(number, name, beds): &(&str, &str, &str)| format!("1,{number},{name},札幌市中央区1,011-000-0000,{beds}");
        format!("{header}\n{}\n", names.iter().map(row).collect::<Vec<_>>().join("\n"))
    };
    let first = rows(&[("0112345", "試験病院", "120"), ("0112346", "見本医院", "0")]);
    let query = "kind=hospitals&prefecture=01&category=1";
    let taken = import(&served, "office", query, &first);
    assert_eq!((counted(&taken, "Organization"), counted(&taken, "Location")), (vec![2, 0, 0], vec![2, 0, 0]));
    let by_number =
        "/Organization?identifier=http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no%7C0110112345";
    assert_eq!(found(&served, "agency-a", by_number).len(), 1);
    for kind in ["hospital", "clinic"] {
        assert_eq!(found(&served, "agency-b", &format!("/Organization?type={kind}")).len(), 1, "{kind}");
    }
    let newer = import(&served, "office", &format!("{query}&retire=true"), &rows(&[("0112345", "試験病院", "120")]));
    assert_eq!((counted(&newer, "vanished"), counted(&newer, "retired")), (vec![1], vec![1]));
    let refused = import(&served, "office", "kind=hospitals", &first);
    assert_eq!(counted(&refused, "taken"), [0], "seven digits say nothing alone");
}

#[test]
fn only_the_office_sends_lists_and_in_known_words() {
    let served = serve(&store());
    let csv = list(&[row("0170000001", "一", "訪問介護")]);
    for client in ["agency-a", "hospital"] {
        assert_eq!(import(&served, client, "kind=care-offices", &csv).status, 403, "{client}");
    }
    assert_eq!(import(&served, "", "kind=care-offices", &csv).status, 401);
    for query in ["", "kind=other", "kind=care-offices&more=1"] {
        assert_eq!(import(&served, "office", query, &csv).status, 400, "{query}");
    }
    let json = Ask::post(
        "office",
        "/Organization/$import-directory?kind=care-offices",
        &json!({"resourceType": "Parameters"}),
    );
    assert_eq!(served.ask(json).status, 415);
    assert_eq!(served.get("office", "/Organization/$import-directory?kind=care-offices").status, 405);
    assert_eq!(found(&served, "office", "/HealthcareService"), Vec::<String>::new());
}
