//! 退院時サマリー and 診療情報提供書 as document Bundles with the section codes of JP-CLINS 1.10.0
//! (JP_Composition_eDischargeSummary, JP_Composition_eReferral).

use serde_json::{Value, json};

use super::PATIENT;
use super::er7::digits;
use crate::decode::export::{Layout, Row};
use crate::fhir::{FacilityCode, PatientKey, system, time};

const SECTION: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/document-section";
const TYPES: &str = "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes";

/// A section that holds what stands in a column.
type Section = (&'static str, &'static str, &'static str);

/// Column, code and title.
const OF_SUMMARY: &[Section] = &[
    ("入院時診断", "342", "入院時診断"),
    ("主訴", "352", "主訴"),
    ("入院理由", "312", "入院理由"),
    ("現病歴", "360", "現病歴"),
    ("既往歴", "370", "既往歴"),
    ("アレルギー", "510", "アレルギー・不耐性反応"),
    ("入院中経過", "333", "入院中経過"),
    ("検査結果", "623", "入院中検査結果"),
    ("退院時診断", "344", "退院時診断"),
    ("退院時状態", "614", "退院時身体所見"),
    ("退院時処方", "444", "退院時投薬指示"),
    ("退院後方針", "424", "退院時方針指示"),
    ("備考", "220", "備考・連絡情報"),
];

const RECEIVER: [&str; 4] = ["紹介先医療機関コード", "紹介先医療機関名", "紹介先診療科", "紹介先医師"];
const DEPARTMENT: [&str; 2] = ["診療科コード", "診療科名"];

const OF_REFERRAL: &[Section] = &[
    ("紹介目的", "950", "紹介目的"),
    ("傷病名", "340", "傷病名・主訴"),
    ("主訴", "340", "主訴"),
    ("現病歴", "360", "現病歴"),
    ("既往歴", "370", "既往歴"),
    ("アレルギー", "510", "アレルギー・不耐性反応"),
    ("治療経過", "330", "臨床経過"),
    ("検査結果", "620", "検査結果"),
    ("現在の処方", "430", "投薬指示"),
    ("今後の方針", "420", "診療方針指示"),
    ("備考", "220", "備考・連絡情報"),
];

/// The Bundle of a row.
pub(super) fn bundle(layout: Layout, row: &Row, facility: &FacilityCode, zone_minutes: i16) -> Value {
    let number = row.cell("文書番号");
    let record = PatientKey::derive(facility, row.cell(PATIENT));
    let urn = |kind: &str, key: &str| format!("urn:uuid:{}", record.resource_id(kind, key).as_str());
    let key = format!("{}:{number}", layout.name());
    let (patient, composition) = (urn("Patient", &key), urn("Composition", &key));
    let written = written(row, zone_minutes);
    let encounter = (layout == Layout::DischargeSummaries).then(|| urn("Encounter", &key));
    let mut conditions: Vec<(String, String)> = Vec::new();
    for name in diagnoses(row.cell(diagnosis_column(layout))) {
        conditions.push((urn("Condition", &format!("{key}:{name}")), name));
    }
    let document = Document { layout, row, facility, number, patient: &patient, encounter: encounter.as_deref() };
    let mut entries =
        vec![entry(&composition, document.composition(&written, &conditions)), entry(&patient, document.person())];
    if let Some(encounter) = &encounter {
        entries.push(entry(encounter, document.stay()));
    }
    for (url, name) in &conditions {
        entries.push(entry(url, document.condition(name, &written)));
    }
    let mut bundle = json!({
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": facility.local_system("document"), "value": number},
    });
    if written.len() > 10 {
        bundle["timestamp"] = json!(written);
    }
    bundle["entry"] = json!(entries);
    bundle
}

struct Document<'a> {
    layout: Layout,
    row: &'a Row,
    facility: &'a FacilityCode,
    number: &'a str,
    patient: &'a str,
    encounter: Option<&'a str>,
}

impl Document<'_> {
    fn composition(&self, written: &str, conditions: &[(String, String)]) -> Value {
        let (code, title) = match self.layout {
            Layout::DischargeSummaries => ("18842-5", "退院時サマリー"),
            _ => ("57133-1", "診療情報提供書"),
        };
        let author = match self.row.cell("作成者") {
            "" => json!([{"identifier": self.house()}]),
            name => json!([{"display": name}]),
        };
        let mut composition = json!({
            "resourceType": "Composition",
            "identifier": {"system": system::RESOURCE_INSTANCE, "value": format!("{}:{}", self.layout.name(), self.number)},
            "status": "final",
            "type": {"coding": [{"system": TYPES, "code": code, "display": title}]},
            "subject": {"reference": self.patient},
            "date": written,
            "author": author,
            "title": title,
            "custodian": {"identifier": self.house()},
        });
        if let Some(encounter) = self.encounter {
            composition["encounter"] = json!({"reference": encounter});
            composition["event"] = json!([{"period": self.period()}]);
        }
        composition["section"] = json!(self.sections(conditions));
        composition
    }

    fn sections(&self, conditions: &[(String, String)]) -> Vec<Value> {
        let table = if self.layout == Layout::DischargeSummaries { OF_SUMMARY } else { OF_REFERRAL };
        let mut sections = Vec::new();
        if self.layout == Layout::Referrals {
            sections.extend(self.parties("910", "紹介先情報", &RECEIVER));
            sections.extend(self.parties("920", "紹介元情報", &DEPARTMENT));
        }
        for (column, code, title) in table.iter().filter(|(column, ..)| !self.row.cell(column).is_empty()) {
            let mut section = section(code, title, self.row.cell(column));
            if *column == diagnosis_column(self.layout) {
                let entries: Vec<Value> = conditions.iter().map(|(url, _)| json!({"reference": url})).collect();
                section["entry"] = json!(entries);
            }
            sections.push(section);
        }
        sections
    }

    /// 紹介先 or 紹介元, as far as the row names it.
    fn parties(&self, code: &str, title: &str, columns: &[&str]) -> Option<Value> {
        let stated: Vec<&str> = columns.iter().map(|c| self.row.cell(c)).filter(|text| !text.is_empty()).collect();
        (!stated.is_empty()).then(|| section(code, title, &stated.join("\n")))
    }

    fn person(&self) -> Value {
        let row = self.row;
        let mut names = Vec::new();
        for (column, representation) in [("氏名", "IDE"), ("カナ氏名", "SYL")] {
            let text = row.cell(column);
            if text.is_empty() {
                continue;
            }
            let (family, given) = text.split_once([' ', '\u{3000}']).unwrap_or((text, ""));
            let mut name = json!({
                "extension": [{"url": system::NAME_REPRESENTATION, "valueCode": representation}],
                "use": "official", "text": text, "family": family,
            });
            if !given.trim().is_empty() {
                name["given"] = json!([given.trim()]);
            }
            names.push(name);
        }
        let mut person = json!({
            "resourceType": "Patient",
            "identifier": [{"system": self.facility.patient_number_system(), "value": row.cell(PATIENT)}],
        });
        if !names.is_empty() {
            person["name"] = json!(names);
        }
        let gender = match row.cell("性別") {
            "男" | "M" => "male",
            "女" | "F" => "female",
            "その他" | "O" => "other",
            _ => "unknown",
        };
        if !row.cell("性別").is_empty() {
            person["gender"] = json!(gender);
        }
        if let Some(born) = time::date_from_v2(&digits(row.cell("生年月日"))) {
            person["birthDate"] = json!(born);
        }
        person
    }

    fn stay(&self) -> Value {
        let mut stay = json!({
            "resourceType": "Encounter",
            "identifier": [{"system": system::RESOURCE_INSTANCE, "value": format!("discharge-summary:{}", self.number)}],
            "status": "finished",
            "class": {"system": system::V3_ACT_CODE, "code": "IMP"},
            "subject": {"reference": self.patient},
            "period": self.period(),
            "serviceProvider": {"identifier": self.house()},
        });
        let [code, name] = DEPARTMENT.map(|column| self.row.cell(column));
        if !(code.is_empty() && name.is_empty()) {
            stay["serviceType"] = match code.is_empty() {
                true => json!({"text": name}),
                false => {
                    json!({"coding": [{"system": self.department_system(code), "code": code}], "text": name_or(name, code)})
                }
            };
        }
        if !self.row.cell("転帰").is_empty() {
            stay["hospitalization"] = json!({"dischargeDisposition": {"text": self.row.cell("転帰")}});
        }
        stay
    }

    fn condition(&self, name: &str, written: &str) -> Value {
        let mut condition = json!({
            "resourceType": "Condition",
            "identifier": [{"system": system::RESOURCE_INSTANCE,
                "value": format!("{}:{}:{name}", self.layout.name(), self.number)}],
            "code": {"text": name},
            "subject": {"reference": self.patient},
            "recordedDate": written,
        });
        if let Some(encounter) = self.encounter {
            condition["category"] = json!([{"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "encounter-diagnosis"}]}]);
            condition["encounter"] = json!({"reference": encounter});
        }
        condition
    }

    fn period(&self) -> Value {
        let day = |column: &str| time::date_from_v2(&digits(self.row.cell(column)));
        json!({"start": day("入院日"), "end": day("退院日")})
    }

    /// Two digits are the departments of SS-MIX2, all else is the facility's own.
    fn department_system(&self, code: &str) -> String {
        match code.len() == 2 && code.bytes().all(|b| b.is_ascii_digit()) {
            true => system::DEPARTMENT.to_owned(),
            false => self.facility.local_system("99DEPT"),
        }
    }

    fn house(&self) -> Value {
        match self.facility.is_insurance_institution() {
            true => json!({"system": system::INSTITUTION_NUMBER, "value": self.facility.as_str()}),
            false => json!({"system": self.facility.local_system("facility"), "value": self.facility.as_str()}),
        }
    }
}

fn section(code: &str, title: &str, text: &str) -> Value {
    json!({
        "title": title,
        "code": {"coding": [{"system": SECTION, "code": code}]},
        "text": {"status": "additional", "div": div(text)},
    })
}

fn name_or<'a>(name: &'a str, code: &'a str) -> &'a str {
    if name.is_empty() { code } else { name }
}

/// Text as XHTML: a line is a line.
fn div(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "");
    let kept: String = escaped.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", kept.trim().replace('\n', "<br/>"))
}

fn diagnosis_column(layout: Layout) -> &'static str {
    if layout == Layout::DischargeSummaries { "退院時診断" } else { "傷病名" }
}

/// The diagnoses of a cell: a line each, or separated by 、.
fn diagnoses(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in text.split(['\n', '、', ';', '；']).map(str::trim).filter(|name| !name.is_empty()) {
        if !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found
}

fn entry(url: &str, resource: Value) -> Value {
    json!({"fullUrl": url, "resource": resource})
}

fn written(row: &Row, zone_minutes: i16) -> String {
    time::from_v2(&digits(row.cell("作成日")), zone_minutes).unwrap_or_default()
}
