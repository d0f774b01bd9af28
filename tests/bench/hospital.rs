//! A generated hospital: invented patients whose SS-MIX2 messages have the sizes of real ones. The same number gives
//! the same messages.

use std::sync::Arc;

use tasuki::fhir::FacilityCode;
use tasuki::letter::{Letter, Source};

/// The facility of every generated message.
pub const FACILITY: &str = "0119999901";

/// The sender of generated letters.
pub fn source() -> Arc<Source> {
    Arc::new(Source { facility: FacilityCode::parse(FACILITY), zone_minutes: 540 })
}

/// A patient's number.
pub fn number(patient: u64) -> String {
    format!("{:010}", 7_000_000_000 + patient)
}

/// People are told apart as real ones are: by name, birth, telephone and insurance.
fn head(kind: &str, stamp: &str, patient: &str) -> String {
    let n: usize = patient.parse().unwrap_or_default();
    let syllable = |at: usize| {
        let (kana, kanji) = ("アイウエオカキクケコサシスセソタチツテト", "亜伊宇江尾加木久毛古佐志須世曽田千津手戸");
        let at = n / 20_usize.pow(at as u32) % 20;
        (kanji.chars().nth(at).unwrap_or_default(), kana.chars().nth(at).unwrap_or_default())
    };
    let ((k0, s0), (k1, s1), (k2, s2)) = (syllable(0), syllable(1), syllable(2));
    let (year, month, day) = (1930 + n * 7 % 60, 1 + n * 5 % 12, 1 + n * 11 % 28);
    let phone = format!("011-{:03}-{:04}", n / 10_000 % 1_000, n % 10_000);
    format!(
        "MSH|^~\\&|HIS|SEND|GW|RCV|{stamp}||{kind}|{stamp}{patient}|P|2.5||||||UNICODE UTF-8\r\
         PID|0001||{patient}||見{k0}^{k1}{k2}^^^^^L^I~ミ{s0}^{s1}{s2}^^^^^L^P||{year}{month:02}{day:02}|F|||^^^^060-0000^JPN^H^北海道見本市例示町1||^PRN^PH^^^^^^^^^{phone}\r"
    )
}

/// ADT-00: master data, with insurance.
pub fn adt(patient: u64) -> Letter {
    let number = number(patient);
    let stamp = "20261005090000";
    let text = head("ADT^A08^ADT_A01", stamp, &number).replacen("PID|", &format!("EVN||{stamp}\rPID|"), 1)
        + &format!(
            "NK1|1|見本^家族^^^^^L^I|SPO|^^^^060-0000^JPN^H^北海道見本市例示町1|011-000-0001\r\
         PV1|0001|O|11^^^^^C||||1001^例示^医師^^^^^^^L^^^^^I|||11\r\
         AL1|1|FA^食物アレルギー^HL70127|J9FC11000000^例示^J-FAGY\r\
         IN1|1|67^国民健康保険^JHSD0001|01999999|||||||123~{insured}~01||20260401|20270331||||SEL^本人^HL70063\r",
            insured = patient % 10_000
        );
    letter(&number, "-", "ADT-00", "999999999999999", stamp, text)
}

/// ORU^R01: one request with six numeric results, under no file name.
pub fn six_results(patient: u64) -> Letter {
    let number = number(patient);
    let mut text = head("ORU^R01^ORU_R01", "20261005083000", &number);
    text += &format!("PV1||O|11^^^^^C\rORC|RE|{patient}\rOBR|1|{patient}||E002^生化学的検査^99O03|||202610050800\r");
    for item in 0..6 {
        text += &format!(
            "OBX|{}|NM|3A0{item:02}0000002327101^例示項目{item}^JC10||{}.{:02}|g/dL^g/dL^ISO+|6.7-8.3|N|||F|||202610050800\r",
            item + 1,
            4 + (patient + item) % 5,
            (patient * 7 + item * 13) % 100
        );
    }
    Letter { name: String::new(), ..letter(&number, "-", "OML-11", "1", "20261005083000", text) }
}

/// OML-11: `results` numeric results of one day.
pub fn results(patient: u64, day: u64, results: u64) -> Letter {
    let number = number(patient);
    let date = format!("202610{:02}", 1 + day % 28);
    let stamp = format!("{date}083000");
    let order = format!("{:015}", 10_000 + patient % 1000 * 1000 + day);
    let mut text = head("OUL^R22^OUL_R22", &stamp, &number);
    text += &format!(
        "SPM|1|||023^血清^JC10|||||||||||||{date}0800\r\
         OBR|1|{order}||E002^生化学的検査^99O03|||{date}0800||||||||||||||||{stamp}\r\
         ORC|SC|{order}|||CM||||{stamp}|||1001^例示^医師^^^^^^^L^^^^^I\r"
    );
    for item in 0..results {
        text += &format!(
            "OBX|{}|NM|3A0{item:02}0000002327101^例示項目{item}^JC10||{}.{:02}|g/dL^g/dL^99XYZ|6.7-8.3|N|||F|||{date}0800\r",
            item + 1,
            4 + (patient + item) % 5,
            (patient * 7 + item * 13) % 100
        );
    }
    letter(&number, &date, "OML-11", &order, &stamp, text)
}

fn letter(patient: &str, date: &str, kind: &str, order: &str, stamp: &str, text: String) -> Letter {
    let name = format!(
        "{}/{}/{patient}/{date}/{kind}/{patient}_{date}_{kind}_{order}_{stamp}000_11_1",
        &patient[..3],
        &patient[3..6]
    );
    Letter { source: source(), name, bytes: text.into_bytes() }
}

/// A consent of a patient for the organisation `Organization/agency-a`.
pub fn consent(patient: u64) -> Letter {
    let system = FacilityCode::parse(FACILITY).patient_number_system();
    let text = serde_json::json!({
        "resourceType": "Consent",
        "id": format!("consent-{patient}"),
        "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"identifier": {"system": system, "value": number(patient)}},
        "dateTime": "2026-04-01",
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
        "provision": {
            "type": "permit",
            "period": {"start": "2026-04-01", "end": "2099-03-31"},
            "actor": [{
                "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]},
                "reference": {"reference": "Organization/agency-a"},
            }],
        },
    });
    let source = Source { facility: FacilityCode::unstated(), zone_minutes: 540 };
    Letter { source: Arc::new(source), name: format!("consent-{patient}.json"), bytes: text.to_string().into_bytes() }
}
