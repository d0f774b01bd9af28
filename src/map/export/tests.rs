//! What the module above must hold to.

use super::*;
use crate::decode::export;
use crate::fhir::FacilityCode;
use crate::map::Change;

fn mapped(name: &str, csv: &str) -> Result<Noted<Mapped>, Vec<Issue>> {
    let export = export::read_csv(name, csv.as_bytes(), &[]).expect("as the layout says").value;
    let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
    map(&export, Context { source: &source, letter: LetterId([0; 32]), book: &Arc::default() })
}

fn resources(mapped: &Mapped, kind: &str) -> Vec<serde_json::Value> {
    let drafts = mapped.changes.iter().filter_map(|change| match change {
        Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => Some(draft),
        _ => None,
    });
    let of_kind = drafts.filter(|draft| draft.resource_type.name() == kind);
    of_kind.map(|draft| serde_json::from_str(&draft.json(None)).unwrap()).collect()
}

const LAB: &str = "患者番号,氏名,生年月日,性別,依頼番号,採取日時,材料コード,材料名,項目コード,コード体系,項目名,結果値,単位,基準値下限,基準値上限,判定\n\
    17,見本 花子,S23.4.5,女,A1,2026/4/1 9:30,023,血清,3A010000002327101,JLAC10,総蛋白,6.90,g/dL,6.7,8.3,\n\
    17,見本 花子,S23.4.5,女,A1,2026/4/1 9:30,023,血清,TG1,,特殊検査,<0.1,,,,L\n";

#[test]
fn laboratory_rows_become_results() {
    let noted = mapped("lab.csv", LAB).unwrap();
    let results = resources(&noted.value, "Observation");
    assert_eq!(results.len(), 2);
    assert_eq!(results[0]["valueQuantity"]["value"].to_string(), "6.90");
    assert_eq!(results[0]["valueQuantity"]["code"], "g/dL");
    assert_eq!(results[0]["effectiveDateTime"], "2026-04-01T09:30:00+09:00");
    assert_eq!(results[0]["referenceRange"][0]["low"]["value"].to_string(), "6.7");
    assert_eq!(results[1]["valueQuantity"]["comparator"], "<");
    assert_eq!(resources(&noted.value, "DiagnosticReport").len(), 1);
    assert_eq!(resources(&noted.value, "Patient")[0]["birthDate"], "1948-04-05");
    let local: Vec<_> =
        noted.value.local_codes.iter().map(|code| (code.code.as_str(), code.place.to_string())).collect();
    assert_eq!(local, [("TG1", "row 3, column 項目コード".to_owned())]);
}

#[test]
fn prescription_rows_become_requests() {
    let csv = "患者番号,処方番号,処方日,Rp番号,薬剤コード,コード体系,薬剤名,1回量,1日量,単位,用法コード,用法名,日数,処方区分,状態\n\
        17,P1,20260401,1,110626901,HOT9,見本錠,1,3,錠,1013044400000000,内服・経口・１日３回朝昼夕食後,7,院外,\n\
        17,P1,20260401,2,,,見本軟膏,,,本,,塗布,,院外,中止\n";
    let error = export::read_csv("rx.csv", csv.as_bytes(), &[]).unwrap_err();
    assert_eq!(error[0].place.to_string(), "row 3", "one of the amounts must be stated");
    let noted = mapped("rx.csv", &csv.replace("見本軟膏,,,本", "見本軟膏,適量,,本").replace("適量", "1")).unwrap();
    let requests = resources(&noted.value, "MedicationRequest");
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0]["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["unit"], "錠");
    assert_eq!(requests[0]["dispenseRequest"]["expectedSupplyDuration"]["value"].to_string(), "7");
    assert_eq!(requests[0]["status"], "active");
    assert_eq!(requests[1]["status"], "stopped");
    assert_eq!(requests[0]["authoredOn"], "2026-04-01");
}

#[test]
fn a_summary_becomes_a_document() {
    let csv = "患者番号,氏名,性別,文書番号,作成日,作成者,入院日,退院日,退院時診断,入院中経過,退院後方針\n\
        17,見本 花子,女,S-1,2026/4/20,見本 医師,2026/4/1,2026/4/18,\"心不全、2型糖尿病\",\"安静 & 利尿薬\n改善\",訪問看護を導入\n";
    let noted = mapped("summary.csv", csv).unwrap();
    let composition = &resources(&noted.value, "Composition")[0];
    assert_eq!(composition["type"]["coding"][0]["code"], "18842-5");
    assert_eq!(composition["section"].as_array().map(Vec::len), Some(3));
    let course = composition["section"][0]["text"]["div"].as_str().unwrap();
    assert!(course.contains("安静 &amp; 利尿薬<br/>改善"), "{course}");
    assert_eq!(resources(&noted.value, "Condition").len(), 2);
    assert_eq!(resources(&noted.value, "Encounter")[0]["period"]["end"], "2026-04-18");
    assert_eq!(resources(&noted.value, "Bundle").len(), 1);
}

#[test]
fn one_export_is_about_one_patient() {
    let issues = mapped("lab.csv", &LAB.replacen("17,", "18,", 1)).unwrap_err();
    assert_eq!(
        (issues[0].rule.id, issues[0].place.to_string().as_str()),
        ("export-several-patients", "row 3, column 患者番号")
    );
}

#[test]
fn the_same_record_as_a_message_with_hl7() {
    let noted = mapped("lab.csv", LAB).unwrap();
    assert_eq!(noted.value.patient, crate::fhir::PatientKey::derive(&FacilityCode::parse("0119999901"), "17"));
}
