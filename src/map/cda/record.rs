//! Whose record a document belongs to: recordTarget (CDA R2 section 4.2.2.11). In HS008 a patient may have up to three
//! numbers, those of the sending and the receiving house and of the region; the facility's own number decides.

use super::account::Account;
use super::node::{Node, attribute, children, descend, null_flavor};
use super::party::IDS_MAX;
use super::{located, rule};
use crate::fault::Issue;
use crate::fhir::{FacilityCode, PatientKey};
use crate::letter::Source;

/// The record, and what was noticed about the choice.
pub(super) struct Whose<'a> {
    pub(super) patient: PatientKey,
    pub(super) facility: FacilityCode,
    /// recordTarget/patientRole.
    pub(super) role: Node<'a>,
    pub(super) issues: Vec<Issue>,
}

/// One usable `id`: where it stands, whose numbers they are (when they are those of a 10-digit facility), the number.
struct Number<'a> {
    id: Node<'a>,
    facility: Option<FacilityCode>,
    value: String,
}

/// Finds the record. An error is a document of which nobody can say whose it is.
pub(super) fn of<'a>(root: Node<'a>, source: &Source, account: &Account) -> Result<Whose<'a>, Issue> {
    let roles = || account.enter_all(root, "recordTarget").filter_map(|target| account.enter(target, "patientRole"));
    let Some(role) = roles().next() else {
        return Err(Issue::new(&rule::NO_PATIENT, located(root, "recordTarget")));
    };
    let first = numbers(role);
    if let Some(other) = roles().skip(1).find(|other| !is_same(&first, &numbers(*other))) {
        return Err(Issue::new(&rule::SEVERAL_PATIENTS, located(other, "")));
    }
    let Some(number) = choose(&first, root, source) else {
        return Err(Issue::new(&rule::NO_PATIENT_NUMBER, located(role, "id")));
    };
    let mut issues = Vec::new();
    let own = number.facility.as_ref().filter(|f| source.facility.is_unstated() || **f == source.facility);
    let (facility, value) = match own {
        Some(facility) => (facility.clone(), number.value.clone()),
        None => {
            issues.push(Issue::new(&rule::FOREIGN_NUMBER, super::node::place(number.id)));
            let root = attribute(number.id, "root").to_ascii_lowercase();
            (source.facility.clone(), format!("{root}|{}", number.value))
        }
    };
    Ok(Whose { patient: PatientKey::derive(&facility, &value), facility, role, issues })
}

/// The facility's own number, else (of several facilities) that of the custodian, else the first.
fn choose<'n, 'a>(numbers: &'n [Number<'a>], root: Node<'_>, source: &Source) -> Option<&'n Number<'a>> {
    let of = |wanted: &FacilityCode| numbers.iter().find(|number| number.facility.as_ref() == Some(wanted));
    if !source.facility.is_unstated() {
        return of(&source.facility).or(numbers.first());
    }
    let keeper = descend(root, &["custodian", "assignedCustodian", "representedCustodianOrganization"]);
    let keepers: Vec<FacilityCode> = keeper
        .into_iter()
        .flat_map(|k| children(k, "id"))
        .map(|id| FacilityCode::parse(attribute(id, "extension")))
        .collect();
    let numbered = || numbers.iter().filter(|number| number.facility.is_some());
    keepers.iter().find_map(of).or_else(|| numbered().next()).or(numbers.first())
}

/// The numbers that tell a person apart: an extension under a root, or a UUID. A bare OID is the system's name without
/// the number, and would make one record of all patients.
fn numbers<'a>(role: Node<'a>) -> Vec<Number<'a>> {
    let usable = children(role, "id").filter(|id| null_flavor(*id).is_none()).take(IDS_MAX);
    usable
        .filter_map(|id| {
            let (root, extension) = (attribute(id, "root"), attribute(id, "extension"));
            let is_oid = root.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            let value = match (extension, is_oid) {
                ("", true) => return None,
                ("", false) => root.to_ascii_lowercase(),
                (extension, _) => extension.to_owned(),
            };
            Some(Number { id, facility: facility_of(root), value })
        })
        .collect()
}

/// The facility behind `1.2.392.100495.20.3.51.1` + ten digits (JP Core 1.2.0, identifiers of patients).
fn facility_of(root: &str) -> Option<FacilityCode> {
    let facility = FacilityCode::parse(root.strip_prefix("1.2.392.100495.20.3.51.1")?);
    facility.is_insurance_institution().then_some(facility)
}

fn is_same(one: &[Number<'_>], other: &[Number<'_>]) -> bool {
    let same =
        |a: &Number<'_>, b: &Number<'_>| a.value == b.value && attribute(a.id, "root") == attribute(b.id, "root");
    one.iter().any(|a| other.iter().any(|b| same(a, b)))
}
