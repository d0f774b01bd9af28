//! PID (HL7 v2.5 section 3.4.2) with what stands around it to Patient.

use super::{nk1, pd1, pid_extension};
use crate::decode::hl7v2::{Segment, Value};
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::{Writer, system, time};
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, cx, ts, xad, xpn, xtn};

/// PID-7 is empty and PID-9 looks like the date that belongs there.
pub static BIRTH_DATE_ELSEWHERE: Rule = Rule {
    id: "v2-birth-date-elsewhere",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "PID-7 (date of birth) is empty and PID-9 (alias) holds a date; neither was used.",
    ja: "PID-7(生年月日)が空で、PID-9(別名)に日付があります。どちらも使用しませんでした。",
};
/// A sex that HL7 table 0001 does not know.
pub static SEX_UNKNOWN_CODE: Rule = Rule {
    id: "v2-sex-code",
    severity: Severity::Warning,
    code: IssueType::CodeInvalid,
    en: "The code is not in HL7 table 0001; the gender was written as unknown.",
    ja: "性別コードがHL7表0001にありません。「不明」としました。",
};

const BIRTH_TIME: &str = "http://hl7.org/fhir/StructureDefinition/patient-birthTime";
const SOCIAL_SECURITY: &str = "http://hl7.org/fhir/sid/us-ssn";
const ALTERNATE_CODES: &str = "http://hl7.org/fhir/StructureDefinition/alternate-codes";
const V2_0001: &str = "http://terminology.hl7.org/CodeSystem/v2-0001";
const MARITAL_STATUS: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";

/// The members of Patient. `around` are the segments that stand around PID; `active` is said by master data only: a result
/// that names a patient says nothing about it.
pub fn members(around: &[Segment<'_>], pid: Segment<'_>, active: Option<bool>, out: &mut Output) -> Writer {
    let mut w = Writer::new();
    w.array("extension", |w| {
        pd1::extensions(w, around, out);
        pid_extension::extensions(w, pid, out);
    });
    identifiers(&mut w, pid, out);
    if let Some(active) = active {
        w.boolean("active", active);
    }
    names(&mut w, pid, out);
    w.array("telecom", |w| {
        for (field, usual_use) in [(13, "home"), (14, "work"), (40, "")] {
            for number in pid.field(field).repetitions() {
                w.item(|w| xtn::contact_point(w, number, usual_use, out));
            }
        }
    });
    gender(&mut w, pid.field(8), out);
    birth_date(&mut w, pid, out);
    deceased_and_births(&mut w, pid, out);
    w.array("address", |w| {
        let county = if pid.peek(11).is_valued() { pid.field(12).text() } else { "".into() };
        for address in pid.field(11).repetitions() {
            w.item(|w| xad::address_in(w, address, county.trim(), out));
        }
    });
    marital_status(&mut w, pid.field(16), out);
    nk1::contacts(&mut w, around, out);
    w.array("communication", |w| {
        w.item(|w| {
            let language = pid.field(15);
            cwe::concept(w, "language", language, "HL70296", out);
            // PID-15 is the primary language.
            if language.is_valued() {
                w.boolean("preferred", true);
            }
        });
    });
    pd1::general_practitioners(&mut w, around, out);
    out.facility_reference(&mut w, "managingOrganization", "");
    w
}

/// PID-3; PID-2 and PID-4, kept for older senders; PID-19 and PID-20, numbers of persons in the United States.
fn identifiers(w: &mut Writer, pid: Segment<'_>, out: &mut Output) {
    let mut seen: Vec<(String, String)> = Vec::new();
    w.array("identifier", |w| {
        let is_numbered = pid.peek(3).component(1).is_valued();
        for (field, what) in [(3, ""), (2, "external-patient-number"), (4, "alternate-patient-number")] {
            for number in pid.field(field).repetitions() {
                // A number beside PID-3 of which nobody says whose it is could be another patient's.
                let is_own = field == 3 || !is_numbered;
                let system = if is_own { cx::system_of(number, out) } else { cx::system_or(number, what, out) };
                let one = (system, number.component(1).text().trim().to_owned());
                if field == 3 || !seen.contains(&one) {
                    w.item(|w| cx::identifier_in(w, number, &one.0, out));
                    seen.push(one);
                }
            }
        }
        for (field, kind, system) in [(19, "SS", SOCIAL_SECURITY), (20, "DL", "")] {
            let number = pid.field(field).component(1).text();
            if !number.trim().is_empty() {
                let own = out.facility.local_system(&format!("identifier-{kind}"));
                w.item(|w| {
                    w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, kind, "")));
                    w.string("system", if system.is_empty() { &own } else { system });
                    w.string("value", number.trim());
                    if field == 20 {
                        w.object("period", |w| {
                            if let Some(end) = ts::date(pid.field(20).component(3), out) {
                                w.string("end", &end);
                            }
                        });
                        let state = pid.field(20).component(2).text();
                        w.object("assigner", |w| w.string("display", state.trim()));
                    }
                });
            }
        }
    });
}

fn names(w: &mut Writer, pid: Segment<'_>, out: &mut Output) {
    // Seen in the field: the date of birth in PID-9. It is reported, never guessed.
    let alias = pid.peek(9);
    let is_date = alias.is_valued() && time::date_from_v2(&alias.text()).is_some();
    if is_date && !pid.peek(7).is_valued() {
        out.doubt(&BIRTH_DATE_ELSEWHERE, &pid.field(9));
    }
    w.array("name", |w| {
        for name in pid.field(5).repetitions() {
            w.item(|w| xpn::human_name(w, name, out));
        }
        if !is_date {
            for name in pid.field(9).repetitions() {
                w.item(|w| xpn::human_name(w, name, out));
            }
        }
    });
}

/// HL7 table 0001; what administrative-gender does not tell apart (A, N) or know is kept beside it.
fn gender(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let code = value.text();
    let code = code.trim();
    let (gender, keep) = match code {
        "" => return,
        "F" => ("female", false),
        "M" => ("male", false),
        "O" => ("other", false),
        "U" => ("unknown", false),
        "A" | "N" => ("other", true),
        _ => {
            out.doubt(&SEX_UNKNOWN_CODE, &value);
            ("unknown", true)
        }
    };
    w.string("gender", gender);
    if keep {
        w.object("_gender", |w| {
            w.array("extension", |w| {
                w.item(|w| {
                    w.string("url", ALTERNATE_CODES);
                    w.concept("valueCodeableConcept", V2_0001, code, "");
                });
            });
        });
    }
}

fn birth_date(w: &mut Writer, pid: Segment<'_>, out: &mut Output) {
    let value = pid.field(7);
    let Some(date) = ts::date(value, out) else { return };
    w.string("birthDate", &date);
    if value.text().trim().len() > 8
        && let Some(at) = ts::date_time(value, out)
    {
        w.object("_birthDate", |w| {
            w.array("extension", |w| {
                w.item(|w| {
                    w.string("url", BIRTH_TIME);
                    w.string("valueDateTime", &at);
                });
            });
        });
    }
}

fn deceased_and_births(w: &mut Writer, pid: Segment<'_>, out: &mut Output) {
    let (at, indicator) = (ts::date_time(pid.field(29), out), pid.field(30).text());
    match (at, indicator.trim()) {
        (Some(at), _) => w.string("deceasedDateTime", &at),
        (None, "Y") => w.boolean("deceasedBoolean", true),
        (None, "N") => w.boolean("deceasedBoolean", false),
        _ => {}
    }
    let (multiple, order) = (pid.field(24).text(), pid.field(25).text());
    match (order.trim().parse::<u8>(), multiple.trim()) {
        // One of one.
        (_, "N") => w.boolean("multipleBirthBoolean", false),
        (Ok(order), _) => w.integer("multipleBirthInteger", i64::from(order)),
        (_, "Y") => w.boolean("multipleBirthBoolean", true),
        _ => {}
    }
}

/// HL7 table 0002 (HL7 v2-to-FHIR table map); a code without a counterpart keeps its own table.
fn marital_status(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let code = cwe::code(value);
    let mapped = match code.as_str() {
        "D" | "M" | "S" | "W" | "C" | "I" => code.as_str(),
        "A" | "E" => "L",
        "G" | "P" | "R" => "T",
        "N" => "A",
        "B" => "U",
        _ => return cwe::concept(w, "maritalStatus", value, "HL70002", out),
    };
    w.object("maritalStatus", |w| {
        w.array("coding", |w| w.coding_item(MARITAL_STATUS, mapped, ""));
        w.string("text", &cwe::text(value));
    });
}
