//! A row of a table as a form: what clerks write, in the spellings in which they write it.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::columns::{Columns, SEVERAL_MAX};
use super::form::{Basis, Evidence, Form, Member};
use super::{Scope, rule};
use crate::app::Gateway;
use crate::consent::MemberKind;
use crate::decode::export::date;
use crate::fault::{Fault, Issue, Place, Rule};
use crate::fhir::{FacilityCode, PatientKey, ResourceType, system};
use crate::identity::birth::BirthDate;

/// What stands between several names in a cell.
const BETWEEN: [char; 7] = ['、', '，', ',', ';', '；', '\n', '\r'];
/// What stands between the ends of a period.
const UNTIL: [char; 6] = ['〜', '～', '~', '―', '→', 'ー'];
/// Everybody, where members are named.
const EVERYBODY: [&str; 6] = ["すべて", "全て", "全参加機関", "全機関", "全施設", "参加機関すべて"];

/// What the names in a table stand for.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Organisations by name and alias.
    organizations: HashMap<String, String>,
    /// Facilities that send, by code and name.
    facilities: HashMap<String, FacilityCode>,
    /// Facilities' organisations.
    custodians: HashMap<FacilityCode, String>,
    kinds: HashMap<String, MemberKind>,
}

impl Names {
    /// Those of the directory and of the configuration. Blocks on storage.
    pub(super) fn read(gateway: &Gateway) -> Result<Self, Fault> {
        let mut names = Names::default();
        for part in PatientKey::parts_of(ResourceType::ORGANIZATION) {
            let part = gateway.chart(part)?;
            for row in 0..part.len() {
                names.organization(&serde_json::from_slice(&part.body(row)?).unwrap_or_default());
            }
        }
        for (facility, organization) in &gateway.terms().custodians {
            let name = gateway.facility_name(facility).unwrap_or(facility.as_str());
            names.facilities.insert(folded(name), facility.clone());
            names.facilities.insert(facility.as_str().to_owned(), facility.clone());
            names.custodians.insert(facility.clone(), organization.to_string());
        }
        let system: Value = serde_json::from_str(include_str!("../../profiles/consent/CodeSystem-member-kind.json"))
            .unwrap_or_default();
        for concept in system["concept"].as_array().into_iter().flatten() {
            let kind = concept["code"].as_str().and_then(MemberKind::parse);
            let name = concept.pointer("/designation/0/value").and_then(Value::as_str);
            if let (Some(kind), Some(name)) = (kind, name) {
                names.kinds.insert(folded(name), kind);
            }
        }
        Ok(names)
    }

    /// Takes up an Organization by its name and aliases. A name that two have is nobody's: a consent must not go to the other.
    fn organization(&mut self, organization: &Value) {
        let Some(id) = organization["id"].as_str() else { return };
        let reference = format!("Organization/{id}");
        let aliases = organization["alias"].as_array().into_iter().flatten();
        for name in aliases.chain([&organization["name"]]).filter_map(Value::as_str) {
            let known = self.organizations.entry(folded(name)).or_insert_with(|| reference.clone());
            if *known != reference {
                known.clear();
            }
        }
    }

    fn member(&self, name: &str) -> Option<Member> {
        let folded = folded(name);
        let named = self.organizations.get(&folded).filter(|reference| !reference.is_empty());
        let organization = || named.cloned().or_else(|| self.organization_of(name));
        Member::parse(name)
            .or_else(|| self.kinds.get(&folded).map(|kind| Member::Kind(*kind)))
            .or_else(|| organization().map(Member::Named))
    }

    /// The organisation of a facility that sends.
    fn organization_of(&self, name: &str) -> Option<String> {
        self.custodians.get(&self.facility(name)?).cloned()
    }

    fn facility(&self, name: &str) -> Option<FacilityCode> {
        let folded = folded(name);
        let known = self.facilities.get(&folded).cloned();
        let by_organization = || {
            let organization = self.organizations.get(&folded)?;
            self.custodians.iter().find(|(_, known)| *known == organization).map(|(facility, _)| facility.clone())
        };
        let by_number = || Some(FacilityCode::parse(&folded)).filter(FacilityCode::is_insurance_institution);
        known.or_else(by_organization).or_else(by_number)
    }
}

/// A name in one width, without spaces.
fn folded(name: &str) -> String {
    name.nfkc().filter(|c| !c.is_whitespace()).collect()
}

/// A row that is being read.
pub(super) struct Row<'r> {
    pub(super) columns: &'r Columns,
    pub(super) names: &'r Names,
    pub(super) cells: &'r ::csv::StringRecord,
}

impl Row<'_> {
    /// The form; all that is wrong with it otherwise, each with the name of its column.
    pub(super) fn form(&self) -> Result<Form, Vec<Issue>> {
        let mut wrong = Vec::new();
        let person = self.person(&mut wrong);
        let signed = self.day("signed", &mut wrong);
        let (start, end) = self.period(signed.as_deref(), &mut wrong);
        let words = self.listed("scope");
        let scope = Scope::read(words.iter().map(String::as_str)).unwrap_or_else(|_| {
            wrong.push(self.wrong(&rule::SCOPE, "scope", 0, &self.columns.name("scope", 0)));
            Scope::default()
        });
        let mut recipients = Vec::new();
        for name in self.listed("members").iter().filter(|name| !EVERYBODY.contains(&name.as_str())) {
            match self.names.member(name) {
                Some(member) => recipients.push(member),
                None => wrong.push(self.value("members", 0)),
            }
        }
        let mut sources = Vec::new();
        for name in self.listed("sources").iter().filter(|name| !EVERYBODY.contains(&name.as_str())) {
            match self.names.member(name) {
                Some(Member::Named(organization)) if organization.starts_with("Organization/") => {
                    sources.push(organization);
                }
                _ => wrong.push(self.value("sources", 0)),
            }
        }
        let evidence = self.evidence(signed, &mut wrong);
        let number = self.cell("number", 0).map(str::to_owned);
        match wrong.is_empty() {
            true => Ok(Form { person, number, recipients, sources, scope, start, end, evidence, ..Form::default() }),
            false => Err(wrong),
        }
    }

    fn cell(&self, field: &str, nth: usize) -> Option<&str> {
        self.columns.at(field, nth).and_then(|at| self.cells.get(at)).map(str::trim).filter(|cell| !cell.is_empty())
    }

    fn listed(&self, field: &str) -> Vec<String> {
        let cell = self.cell(field, 0).unwrap_or_default();
        cell.split(BETWEEN).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }

    fn wrong(&self, rule: &'static Rule, field: &str, nth: usize, detail: &str) -> Issue {
        Issue::with(rule, Place::Path(self.columns.name(field, nth).into()), detail)
    }

    /// What cannot be read is not said again: it may be anybody's name.
    fn value(&self, field: &str, nth: usize) -> Issue {
        self.wrong(&rule::VALUE, field, nth, &self.columns.name(field, nth))
    }

    fn day(&self, field: &str, wrong: &mut Vec<Issue>) -> Option<String> {
        let day = day(self.cell(field, 0)?);
        if day.is_none() {
            wrong.push(self.value(field, 0));
        }
        day
    }

    fn person(&self, wrong: &mut Vec<Issue>) -> Value {
        let mut person = json!({"resourceType": "Patient"});
        let names = [("name", "family", "given", "IDE"), ("kana", "family-kana", "given-kana", "SYL")];
        let names: Vec<Value> = names
            .iter()
            .filter_map(|(whole, family, given, code)| {
                self.name(self.cell(whole, 0), self.cell(family, 0), self.cell(given, 0), code)
            })
            .collect();
        if !names.is_empty() {
            person["name"] = Value::from(names);
        }
        if let Some(cell) = self.cell("birth", 0) {
            match BirthDate::parse(cell).filter(|birth| birth.is_whole()) {
                Some(birth) => {
                    person["birthDate"] = json!(format!("{:04}-{:02}-{:02}", birth.year, birth.month, birth.day));
                }
                None => wrong.push(self.wrong(&rule::BIRTH, "birth", 0, "")),
            }
        }
        if let Some(cell) = self.cell("sex", 0) {
            match &*folded(cell).to_lowercase() {
                "男" | "男性" | "m" | "male" | "1" => person["gender"] = json!("male"),
                "女" | "女性" | "f" | "female" | "2" => person["gender"] = json!("female"),
                "その他" | "other" => person["gender"] = json!("other"),
                "不明" | "unknown" => person["gender"] = json!("unknown"),
                _ => wrong.push(self.value("sex", 0)),
            }
        }
        let phones: Vec<Value> = (0..SEVERAL_MAX)
            .filter_map(|nth| self.cell("phone", nth))
            .map(|phone| json!({"system": "phone", "value": phone}))
            .collect();
        if !phones.is_empty() {
            person["telecom"] = Value::from(phones);
        }
        let mut address = json!({});
        for (field, name) in [("address", "text"), ("postcode", "postalCode")] {
            if let Some(cell) = self.cell(field, 0) {
                address[name] = json!(cell);
            }
        }
        if address.as_object().is_some_and(|members| !members.is_empty()) {
            person["address"] = json!([address]);
        }
        let numbers = self.numbers(wrong);
        if !numbers.is_empty() {
            person["identifier"] = Value::from(numbers);
        }
        person
    }

    /// A name whose parts are told apart by their columns, or by a space.
    fn name(&self, whole: Option<&str>, family: Option<&str>, given: Option<&str>, code: &str) -> Option<Value> {
        let mut name = json!({
            "extension": [{"url": system::NAME_REPRESENTATION, "valueCode": code}], "use": "official",
        });
        let parts = match (family, given, whole) {
            (Some(family), Some(given), _) => Some((family, given)),
            (family, given, None) => {
                name["text"] = json!(family.or(given)?);
                None
            }
            (_, _, Some(whole)) => {
                name["text"] = json!(whole);
                whole.split_once([' ', '\u{3000}']).map(|(family, given)| (family.trim(), given.trim()))
            }
        };
        if let Some((family, given)) = parts {
            name["text"] = json!(format!("{family} {given}"));
            name["family"] = json!(family);
            name["given"] = json!([given]);
        }
        Some(name)
    }

    /// Numbers of insurances and of facilities.
    fn numbers(&self, wrong: &mut Vec<Issue>) -> Vec<Value> {
        let mut numbers = Vec::new();
        let number = |system: &str, value: String| json!({"system": system, "value": value});
        match (self.cell("care-insurer", 0), self.cell("care-number", 0)) {
            (Some(insurer), Some(of)) => {
                numbers.push(number(system::CARE_INSURED, format!("{}:{}", folded(insurer), folded(of))));
            }
            (None, Some(_)) => wrong.push(self.missing("care-insurer")),
            (Some(_), None) | (None, None) => {}
        }
        let medical = ["medical-insurer", "medical-symbol", "medical-number", "medical-branch"];
        let medical = medical.map(|field| self.cell(field, 0).map(folded));
        match medical {
            [Some(insurer), symbol, Some(of), branch] => {
                let [symbol, branch] = [symbol, branch].map(Option::unwrap_or_default);
                numbers.push(number(system::INSURANCE_MEMBER, format!("{insurer}:{symbol}:{of}:{branch}")));
            }
            [None, _, Some(_), _] => wrong.push(self.missing("medical-insurer")),
            _ => {}
        }
        for nth in 0..SEVERAL_MAX {
            match (self.cell("hospital", nth), self.cell("patient-number", nth)) {
                (Some(hospital), Some(of)) => match self.names.facility(hospital) {
                    Some(facility) => numbers.push(number(&facility.patient_number_system(), folded(of))),
                    None => wrong.push(self.value("hospital", nth)),
                },
                (None, Some(_)) => wrong.push(self.missing("hospital")),
                _ => {}
            }
        }
        numbers
    }

    fn missing(&self, field: &str) -> Issue {
        self.wrong(&rule::MISSING, field, 0, &self.columns.name(field, 0))
    }

    fn period(&self, signed: Option<&str>, wrong: &mut Vec<Issue>) -> (Option<String>, Option<String>) {
        let (mut start, mut end) = (self.day("start", wrong), self.day("end", wrong));
        let Some(cell) = self.cell("period", 0) else { return (start, end) };
        let from = start.as_deref().or(signed).and_then(|day| day.parse::<Date>().ok());
        if let Some(last) = from.and_then(|from| last_day(from, cell)) {
            start = start.or_else(|| from.map(|from| from.to_string()));
            end = Some(last.to_string());
            return (start, end);
        }
        let ends = cell.split_once(UNTIL).map(|(from, to)| (from.trim(), to.trim()));
        let read = |text: &str| if text.is_empty() { Some(None) } else { day(text).map(Some) };
        match ends.map(|(from, to)| (read(from), read(to))) {
            Some((Some(from), Some(to))) => (start.or(from), end.or(to)),
            _ => {
                wrong.push(self.value("period", 0));
                (start, end)
            }
        }
    }

    fn evidence(&self, signed: Option<String>, wrong: &mut Vec<Issue>) -> Evidence {
        let representative = self.cell("representative", 0).map(|name| {
            let mut representative = json!({"resourceType": "RelatedPerson", "name": [{"text": name}]});
            if let Some(relationship) = self.cell("relationship", 0) {
                representative["relationship"] = json!([{"text": relationship}]);
            }
            representative
        });
        let usual = if representative.is_some() { Basis::Proxy } else { Basis::Written };
        let basis = match self.cell("basis", 0) {
            None => usual,
            Some(cell) => Basis::parse(cell).unwrap_or_else(|| {
                wrong.push(self.value("basis", 0));
                usual
            }),
        };
        Evidence {
            basis,
            signed: signed.unwrap_or_default(),
            registrar: self.cell("registrar", 0).map(str::to_owned),
            representative,
            reason: self.cell("reason", 0).map(str::to_owned),
            ..Evidence::default()
        }
    }
}

/// A day as people write it, as FHIR does.
fn day(text: &str) -> Option<String> {
    let digits = date::digits(text)?;
    (digits.len() == 8).then(|| format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]))
}

/// The last day of so many years or months (`1年`, `2年間`, `6か月`).
fn last_day(from: Date, text: &str) -> Option<Date> {
    let text = folded(text);
    let figures: String = text.chars().take_while(char::is_ascii_digit).collect();
    let count: i64 = figures.parse().ok().filter(|count| (1..=99).contains(count))?;
    let span: Span = match text.get(figures.len()..)?.trim_end_matches('間') {
        "年" | "ヵ年" | "か年" => count.years(),
        "か月" | "ヶ月" | "カ月" | "ヵ月" | "箇月" | "ケ月" => count.months(),
        _ => return None,
    };
    from.checked_add(span).and_then(|day| day.checked_sub(1.day())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &[&str], cells: &[&str]) -> Result<Form, Vec<Issue>> {
        let columns = Columns::read(header.iter().copied()).unwrap();
        let mut names = Names::default();
        let hospital = FacilityCode::parse("0119999901");
        names.facilities.insert("例示病院".into(), hospital.clone());
        names.custodians.insert(hospital, "Organization/hospital".into());
        names.organizations.insert("ケア事業所A".into(), "Organization/agency-a".into());
        names.kinds.insert("介護支援専門員".into(), MemberKind::CareManager);
        let cells = ::csv::StringRecord::from(cells.to_vec());
        Row { columns: &columns, names: &names, cells: &cells }.form()
    }

    #[test]
    fn a_row_is_a_form() {
        let form = read(
            &[
                "氏名",
                "フリガナ",
                "生年月日",
                "性別",
                "郵便番号",
                "住所",
                "電話番号",
                "介護保険 保険者番号",
                "被保険者番号",
                "病院名",
                "患者番号",
                "同意日",
                "同意範囲",
                "提供先",
                "提供元",
                "期間",
                "代理人",
                "続柄",
                "備考",
            ],
            &[
                "試験　花子",
                "シケン　ハナコ",
                "昭和15年2月3日",
                "女",
                "060-0001",
                "札幌市中央区北一条西2",
                "011-200-3004",
                "011023",
                "0000123456",
                "例示 病院",
                "0000000001",
                "R8.4.1",
                "処方、検査",
                "ケア事業所Ａ、介護支援専門員",
                "例示病院",
                "1年",
                "試験 太郎",
                "長男",
                "ないしょ",
            ],
        )
        .unwrap();
        assert_eq!(form.person["birthDate"], "1940-02-03");
        assert_eq!(form.person.pointer("/name/1/family"), Some(&json!("シケン")));
        assert_eq!(form.person.pointer("/identifier/0/value"), Some(&json!("011023:0000123456")));
        assert_eq!(form.person.pointer("/identifier/1/value"), Some(&json!("0000000001")));
        assert_eq!((form.start.as_deref(), form.end.as_deref()), (Some("2026-04-01"), Some("2027-03-31")));
        assert_eq!(form.evidence.basis, Basis::Proxy);
        assert_eq!(
            form.recipients,
            [Member::Named("Organization/agency-a".into()), Member::Kind(MemberKind::CareManager)]
        );
        assert_eq!(form.sources, ["Organization/hospital"]);
        assert!(!form.scope.is_everything() && form.issues(i64::MAX / 2).is_empty());
    }

    #[test]
    fn what_is_wrong_is_said_of_its_column_and_not_quoted() {
        let wrong = read(
            &["氏名", "生年月日", "性別", "同意日", "同意範囲", "提供先", "病院名2", "患者番号2", "期間"],
            &["試験 花子", "昭和15年", "?", "2026-02-30", "秘密", "どこか", "知らない病院", "7", "そのうち"],
        )
        .unwrap_err();
        let places: Vec<String> = wrong.iter().map(|issue| issue.place.to_string()).collect();
        assert_eq!(places, ["生年月日", "性別", "病院名2", "同意日", "期間", "同意範囲", "提供先"]);
        assert!(wrong.iter().all(|issue| !issue.detail.contains("どこか") && !issue.detail.contains("知らない")));
    }

    #[test]
    fn periods_are_read_as_they_are_written() {
        for (text, start, end) in [
            ("1年", Some("2024-02-29"), Some("2025-02-27")),
            ("６か月", Some("2024-02-29"), Some("2024-08-28")),
            ("2年間", Some("2024-02-29"), Some("2026-02-27")),
            ("2024/4/1〜2025/3/31", Some("2024-04-01"), Some("2025-03-31")),
            ("令和6年4月1日～", Some("2024-04-01"), None),
        ] {
            let form = read(&["同意日", "期間"], &["2024-02-29", text]).unwrap();
            assert_eq!((form.start.as_deref(), form.end.as_deref()), (start, end), "{text}");
        }
    }
}
