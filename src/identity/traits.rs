//! What of a Patient record counts for telling people apart, folded and bounded.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::Address;
use super::birth::BirthDate;
use super::insurance::{self, Care, Medical};
use super::name::Name;
use super::{number, text};

/// Names of a record that count.
pub const NAMES_MAX: usize = 8;
/// Addresses of a record that count.
pub const ADDRESSES_MAX: usize = 3;
/// Phone numbers of a record that count.
pub const PHONES_MAX: usize = 4;
/// Insurances of a record that count, of each kind.
pub const INSURANCES_MAX: usize = 6;
/// Numbers in facilities' systems that count.
pub const LOCALS_MAX: usize = 6;
/// Entries of any one list that are looked at.
const LOOKED_AT_MAX: usize = 64;

/// Sex as Japanese systems tell it; what is neither counts as not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sex {
    /// 男.
    Male,
    /// 女.
    Female,
}

/// A person's number in one facility's system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// The system of the identifier, which is the facility's own.
    pub system: String,
    /// The number as it is compared.
    pub value: String,
}

/// What counts of a Patient record. The resource itself stays as it was sent. Printed for debugging it tells how much
/// it holds and nothing of the person.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits {
    /// Names in any script.
    pub names: Vec<Name>,
    /// Birth date.
    pub birth: Option<BirthDate>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Addresses.
    pub addresses: Vec<Address>,
    /// Postcodes of the addresses.
    pub postcodes: Vec<u32>,
    /// Phone numbers.
    pub phones: Vec<u64>,
    /// Medical insurances.
    pub medical: Vec<Medical>,
    /// Insurances for long-term care.
    pub care: Vec<Care>,
    /// Numbers in facilities' systems.
    pub locals: Vec<Local>,
}

impl std::fmt::Debug for Traits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traits")
            .field("names", &self.names.len())
            .field("addresses", &self.addresses.len())
            .field("phones", &self.phones.len())
            .field("medical", &self.medical.len())
            .field("care", &self.care.len())
            .field("locals", &self.locals.len())
            .finish_non_exhaustive()
    }
}

/// Where a facility's own patient numbers stand: 1.2.392.100495.20.3.51.1 and the number of the institution.
const PATIENT_NUMBERS: &str = "urn:oid:1.2.392.100495.20.3.51.";

impl Traits {
    /// Reads a Patient resource and what is known of the patient's insurance. The caller gives the Coverages whose
    /// beneficiary the patient is. What is no Patient, or says nothing that can be compared, gives traits without
    /// content. Only the first entries of each list count ([`NAMES_MAX`] and so on), so that the size of the answer is
    /// bounded whatever was sent.
    pub fn read(patient: &Value, coverages: &[Value]) -> Self {
        let mut traits = Traits::default();
        if patient.get("resourceType").and_then(Value::as_str) != Some("Patient") {
            return traits;
        }
        traits.birth = text_of(patient, "birthDate").and_then(BirthDate::parse);
        traits.sex = match text_of(patient, "gender") {
            Some("male") => Some(Sex::Male),
            Some("female") => Some(Sex::Female),
            _ => None,
        };
        for name in list(patient, "name") {
            push(&mut traits.names, NAMES_MAX, Name::read(name));
        }
        for address in list(patient, "address") {
            push(&mut traits.addresses, ADDRESSES_MAX, address_of(address));
            push(&mut traits.postcodes, ADDRESSES_MAX, text_of(address, "postalCode").and_then(number::postcode));
        }
        for telecom in list(patient, "telecom").filter(|t| matches!(text_of(t, "system"), Some("phone" | "sms"))) {
            push(&mut traits.phones, PHONES_MAX, text_of(telecom, "value").and_then(number::phone));
        }
        for identifier in list(patient, "identifier") {
            traits.insured(identifier, None);
            push(&mut traits.locals, LOCALS_MAX, local(identifier));
        }
        let is_meant = |c: &&Value| text_of(c, "status") != Some("entered-in-error");
        for coverage in coverages.iter().take(LOOKED_AT_MAX).filter(is_meant) {
            for identifier in list(coverage, "identifier") {
                traits.insured(identifier, Some(coverage));
            }
            push(&mut traits.medical, INSURANCES_MAX, insurance::of_extensions(coverage));
        }
        traits
    }

    fn insured(&mut self, identifier: &Value, coverage: Option<&Value>) {
        let (medical, care) = insurance::of_identifier(identifier, coverage);
        push(&mut self.medical, INSURANCES_MAX, medical);
        push(&mut self.care, INSURANCES_MAX, care);
    }
}

fn push<T: PartialEq>(to: &mut Vec<T>, max: usize, one: Option<T>) {
    if let Some(one) = one
        && to.len() < max
        && !to.contains(&one)
    {
        to.push(one);
    }
}

fn list<'a>(of: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    of.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter().take(LOOKED_AT_MAX)
}

fn text_of<'a>(of: &'a Value, field: &str) -> Option<&'a str> {
    of.get(field).and_then(Value::as_str)
}

/// Where the parts are given, in the order in which an address is written; else the text. Old addresses count too:
/// people move.
fn address_of(address: &Value) -> Option<Address> {
    let lines = list(address, "line").filter_map(Value::as_str).take(4).collect::<Vec<_>>().join(" ");
    if lines.is_empty() {
        return Address::parse(text_of(address, "text")?);
    }
    let parts = ["state", "city"].map(|field| text_of(address, field).unwrap_or_default());
    Address::parse(&format!("{}{}{lines}", parts[0], parts[1]))
}

/// A number in a facility's own system: by the system's OID, or by its type (PI, MR). What was given for a time or is
/// old is none.
fn local(identifier: &Value) -> Option<Local> {
    let system = text_of(identifier, "system")?;
    let codes = identifier.get("type").map(|kind| list(kind, "coding")).into_iter().flatten();
    let is_local = system.starts_with(PATIENT_NUMBERS)
        || codes.filter_map(|c| text_of(c, "code")).any(|code| matches!(code, "PI" | "MR"));
    if !is_local || matches!(text_of(identifier, "use"), Some("temp" | "old")) {
        return None;
    }
    let value = number::local(text_of(identifier, "value")?);
    (!value.is_empty()).then(|| Local { system: text::plain(system, 128), value })
}
