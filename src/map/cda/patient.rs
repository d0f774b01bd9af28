//! recordTarget/patientRole (CDA R2 section 4.2.2.11) to Patient: a mention, because master data says it better.

use super::account::Account;
use super::datatype::{ad, cd, en, ii, no_text, tel, ts};
use super::node::{Node, attribute, null_flavor, place};
use super::{party, rule};
use crate::fhir::Writer;
use crate::map::Output;

const EXTENSION: &str = "http://hl7.org/fhir/StructureDefinition/";
const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";
const ROLE_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
const NULL_FLAVOR: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
/// Categories of race and ethnicity that the US Core extensions count as such (OMB).
const CATEGORIES: [&str; 9] = ["1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1", "2135-2", "2186-5", "UNK"];

/// States the Patient.
pub(super) fn state(role: Node<'_>, account: &Account, out: &mut Output) {
    let provider = account.enter(role, "providerOrganization");
    let provider = provider.and_then(|provider| party::organization(provider, account, out));
    let patient = account.enter(role, "patient");
    let mut w = Writer::new();
    if let Some(patient) = patient {
        extensions(&mut w, patient, account, out);
    }
    account.take_all(role, "id").for_each(drop);
    ii::identifiers(&mut w, role, out);
    if let Some(patient) = patient {
        account.take_all(patient, "name").for_each(drop);
        en::names(&mut w, patient, out);
    }
    account.take_all(role, "telecom").for_each(drop);
    tel::telecoms(&mut w, role, out);
    if let Some(patient) = patient {
        gender(&mut w, patient, account, out);
        birth(&mut w, patient, account, out);
    }
    account.take_all(role, "addr").for_each(drop);
    ad::addresses(&mut w, role, out);
    if let Some(patient) = patient {
        marital_status(&mut w, patient, account, out);
        births(&mut w, patient, account);
        contacts(&mut w, patient, account, out);
        languages(&mut w, patient, account, out);
    }
    w.reference("managingOrganization", provider.as_deref().unwrap_or_default());
    out.state_patient(w);
}

fn extensions(w: &mut Writer, patient: Node<'_>, account: &Account, out: &mut Output) {
    w.array("extension", |w| {
        for (name, url) in [("raceCode", "us-core-race"), ("ethnicGroupCode", "us-core-ethnicity")] {
            let codes: Vec<Node<'_>> = account.take_all(patient, name).collect();
            category(w, url, &codes, out);
        }
        let place = account.enter(patient, "birthplace").and_then(|place| account.enter(place, "place"));
        if let Some(addr) = place.and_then(|place| account.take(place, "addr")) {
            let mut address = Writer::default();
            ad::address(&mut address, addr, out);
            if !address.is_empty() {
                w.item(|w| {
                    w.string("url", &format!("{EXTENSION}patient-birthPlace"));
                    w.raw("valueAddress", &format!("{{{}}}", address.finish()));
                });
            }
        }
        if let Some(code) = account.take(patient, "religiousAffiliationCode").filter(|code| cd::is_stated(*code)) {
            w.item(|w| {
                w.string("url", &format!("{EXTENSION}patient-religion"));
                cd::concept(w, "valueCodeableConcept", Some(code), &no_text, out);
            });
        }
    });
}

/// Race and ethnicity as US Core has them: categories, details, and a text, which is required.
fn category(w: &mut Writer, url: &str, codes: &[Node<'_>], out: &mut Output) {
    let mut texts: Vec<String> = Vec::new();
    for text in codes.iter().map(|code| cd::text_of(*code, &no_text)).filter(|text| !text.is_empty()) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    // Nobody knows, or the patient did not say: US Core has codes for these.
    let silent = codes.iter().filter_map(|code| null_flavor(*code)).find_map(|flavor| match flavor {
        "UNK" => Some((flavor, "Unknown")),
        "ASKU" => Some((flavor, "Asked but no answer")),
        _ => None,
    });
    let coded = || codes.iter().filter(|c| null_flavor(**c).is_none() && !attribute(**c, "code").is_empty());
    if texts.is_empty() && coded().next().is_none() && silent.is_none() {
        return;
    }
    w.item(|w| {
        w.string("url", &format!("{US_CORE}{url}"));
        w.array("extension", |w| {
            for code in coded() {
                let is_category = CATEGORIES.contains(&attribute(*code, "code"));
                w.item(|w| {
                    w.string("url", if is_category { "ombCategory" } else { "detailed" });
                    cd::coding(w, "valueCoding", *code, out);
                });
            }
            if let Some((code, display)) = silent.filter(|_| coded().next().is_none()) {
                w.item(|w| {
                    w.string("url", "ombCategory");
                    w.object("valueCoding", |w| {
                        w.string("system", NULL_FLAVOR);
                        w.string("code", code);
                        w.string("display", display);
                    });
                });
            }
            let codes: Vec<&str> = coded().map(|code| attribute(*code, "code")).collect();
            let shown = match (texts.is_empty(), silent) {
                (false, _) => texts.join(", "),
                (true, Some((_, display))) if codes.is_empty() => display.to_owned(),
                (true, _) => codes.join(", "),
            };
            w.item(|w| {
                w.string("url", "text");
                w.string("valueString", &shown);
            });
        });
    });
}

/// HL7 v3 AdministrativeGender (F, M, UN); the codes of table 0001 and full words are understood as well.
fn gender(w: &mut Writer, patient: Node<'_>, account: &Account, out: &mut Output) {
    let Some(code) = account.take(patient, "administrativeGenderCode") else { return };
    let gender = match attribute(code, "code") {
        _ if null_flavor(code).is_some() => "unknown",
        "F" | "female" => "female",
        "M" | "male" => "male",
        "UN" | "O" | "other" => "other",
        "U" | "UNK" | "unknown" => "unknown",
        _ => {
            out.issue(&rule::GENDER, place(code));
            "unknown"
        }
    };
    w.string("gender", gender);
}

fn birth(w: &mut Writer, patient: Node<'_>, account: &Account, out: &mut Output) {
    if let Some(time) = account.take(patient, "birthTime")
        && let Some(date) = ts::date(time, out)
    {
        w.string("birthDate", &date);
        if let Some(at) = ts::date_time(time, out).filter(|at| at.contains('T')) {
            w.object("_birthDate", |w| {
                w.array("extension", |w| {
                    w.item(|w| {
                        w.string("url", &format!("{EXTENSION}patient-birthTime"));
                        w.string("valueDateTime", &at);
                    });
                });
            });
        }
    }
    // sdtc:deceasedTime, sdtc:deceasedInd.
    let indicator = account.take(patient, "deceasedInd").map(|ind| attribute(ind, "value")).unwrap_or_default();
    match (account.take(patient, "deceasedTime").and_then(|time| ts::date_time(time, out)), indicator) {
        (Some(at), _) => w.string("deceasedDateTime", &at),
        (None, "true") => w.boolean("deceasedBoolean", true),
        (None, "false") => w.boolean("deceasedBoolean", false),
        _ => {}
    }
}

/// sdtc:multipleBirthOrderNumber, sdtc:multipleBirthInd.
fn births(w: &mut Writer, patient: Node<'_>, account: &Account) {
    let value = |name: &str| account.take(patient, name).map(|node| attribute(node, "value")).unwrap_or_default();
    let (order, indicator) = (value("multipleBirthOrderNumber"), value("multipleBirthInd"));
    match (order.parse::<u8>(), indicator) {
        (Ok(order), _) => w.integer("multipleBirthInteger", i64::from(order)),
        (_, "true") => w.boolean("multipleBirthBoolean", true),
        (_, "false") => w.boolean("multipleBirthBoolean", false),
        _ => {}
    }
}

fn marital_status(w: &mut Writer, patient: Node<'_>, account: &Account, out: &mut Output) {
    cd::concept(w, "maritalStatus", account.take(patient, "maritalStatusCode"), &no_text, out);
}

/// A guardian is a person or an organisation.
fn contacts(w: &mut Writer, patient: Node<'_>, account: &Account, out: &mut Output) {
    let guardians: Vec<Node<'_>> = account.enter_all(patient, "guardian").collect();
    w.array("contact", |w| {
        for guardian in guardians {
            let organization = account.enter(guardian, "guardianOrganization");
            let organization = organization.and_then(|organization| party::organization(organization, account, out));
            w.item(|w| {
                w.array("relationship", |w| {
                    w.item(|w| w.array("coding", |w| w.coding_item(ROLE_CODE, "GUARD", "guardian")));
                    if let Some(code) = account.take(guardian, "code").filter(|c| attribute(*c, "code") != "GUARD") {
                        cd::concept_item(w, code, &no_text, out);
                    }
                });
                contact_details(w, guardian, account, out);
                w.reference("organization", organization.as_deref().unwrap_or_default());
            });
        }
    });
}

/// Contact has one name and one address; the other ones stay in the document.
fn contact_details(w: &mut Writer, guardian: Node<'_>, account: &Account, out: &mut Output) {
    if let Some(name) = account.enter(guardian, "guardianPerson").and_then(|person| account.take(person, "name")) {
        w.object("name", |w| en::human_name(w, name, out));
    }
    account.take_all(guardian, "telecom").for_each(drop);
    tel::telecoms(w, guardian, out);
    if let Some(addr) = account.take(guardian, "addr") {
        w.object("address", |w| ad::address(w, addr, out));
    }
}

fn languages(w: &mut Writer, patient: Node<'_>, account: &Account, out: &mut Output) {
    w.array("communication", |w| {
        for spoken in account.enter_all(patient, "languageCommunication") {
            let Some(language) = account.take(spoken, "languageCode").filter(|code| null_flavor(*code).is_none())
            else {
                continue;
            };
            w.item(|w| {
                proficiency(w, spoken, account, out);
                w.object("language", |w| {
                    w.array("coding", |w| w.coding_item("urn:ietf:bcp:47", attribute(language, "code"), ""));
                });
                match account.take(spoken, "preferenceInd").map(|ind| attribute(ind, "value")) {
                    Some("true") => w.boolean("preferred", true),
                    Some("false") => w.boolean("preferred", false),
                    _ => {}
                }
            });
        }
    });
}

fn proficiency(w: &mut Writer, spoken: Node<'_>, account: &Account, out: &mut Output) {
    let parts = [("level", account.take(spoken, "proficiencyLevelCode")), ("type", account.take(spoken, "modeCode"))];
    let stated = |code: &Node<'_>| !attribute(*code, "code").is_empty();
    if parts.iter().filter_map(|(_, code)| *code).any(|code| stated(&code)) {
        w.array("extension", |w| {
            w.item(|w| {
                w.string("url", &format!("{EXTENSION}patient-proficiency"));
                w.array("extension", |w| {
                    for (url, code) in parts {
                        if let Some(code) = code.filter(stated) {
                            w.item(|w| {
                                w.string("url", url);
                                cd::coding(w, "valueCoding", code, out);
                            });
                        }
                    }
                });
            });
        });
    }
}
