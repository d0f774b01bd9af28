//! What the program makes of a case: from the JSON through extraction, columns, compilation and the gate to a decision.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use tasuki::consent::asker::Teams;
use tasuki::consent::terms::Limit;
use tasuki::consent::{Caller, Directive, Gate, Ground, MemberKind, Policy, Purpose, Role, RowFacts, Team, Terms};
use tasuki::fhir::time::Interval;
use tasuki::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
use tasuki::search::facts::{Facts, extract_in};
use tasuki::search::{Columns, Labels};

use crate::cases::{each, text};

const ZONE_MINUTES: i16 = 540;

/// A case as the program has it.
pub struct Judged {
    pub caller: Caller,
    pub facility: FacilityCode,
    pub terms: Terms,
    pub directives: Vec<Directive>,
    pub teams: Vec<Team>,
    pub columns: Columns,
    pub now: i64,
    pub about: Vec<PatientKey>,
}

impl Judged {
    /// Reads a case; `None` where it is none (a shrunk one that lost a part).
    pub fn read(case: &Value) -> Option<Judged> {
        let facility = FacilityCode::parse("0119999901");
        let record = PatientKey::of_id(case["record"].as_str()?.strip_prefix("Patient/")?);
        let facts: Option<Vec<Facts>> = each(&case["resources"]).iter().map(|one| facts(one, record)).collect();
        let custodian = case["terms"]["custodian"].as_str().map(|named| (facility.clone(), named.into()));
        let limits: Result<Vec<Limit>, _> = each(&case["terms"]["limits"]).iter().map(Limit::read).collect();
        Some(Judged {
            caller: caller(&case["asker"])?,
            terms: Terms {
                custodians: custodian.into_iter().collect::<HashMap<_, _>>(),
                // A network with a limit that is not understood does not start.
                limits: limits.ok()?,
                reconsent: case["terms"]["reconsent"] == true,
                emergency_overrides: case["terms"]["emergency_overrides"] == true,
            },
            facility,
            directives: each(&case["consents"]).iter().map(Directive::read).collect(),
            teams: each(&case["care_teams"]).iter().filter_map(Team::read).collect(),
            columns: Columns::build(facts?.iter()),
            now: instant(&case["now"])?,
            about: vec![record],
        })
    }

    pub fn policy(&self) -> Policy {
        let Judged { facility, directives, teams, columns, terms, about, .. } = self;
        Policy::compile(&self.caller.asker(), &Ground { about, facility, directives, teams, columns, terms })
    }

    /// Whether each row may leave, as the gate has it.
    pub fn answers(&self) -> Vec<bool> {
        let policy = self.policy();
        let gate = Gate::new(&self.caller, &self.facility, &policy, self.now).over(&self.columns);
        let answer = |row: usize| {
            let facts = RowFacts::row(&self.columns, row);
            let answer = gate.row(&facts).is_some();
            assert_eq!(gate.nth(row, &facts).is_some(), answer, "what is kept of a decision is the decision");
            answer
        };
        (0..self.columns.len()).map(answer).collect()
    }
}

/// What the program answers on each resource of a case.
pub fn answers(case: &Value) -> Option<Vec<bool>> {
    Judged::read(case).map(|judged| judged.answers())
}

pub fn instant(date: &Value) -> Option<i64> {
    Interval::parse(date.as_str()?, ZONE_MINUTES).map(|covered| covered.start)
}

fn caller(asker: &Value) -> Option<Caller> {
    let boxed = |value: &Value| value.as_str().map(Box::<str>::from);
    let known: BTreeSet<Box<str>> = each(&asker["known"]).iter().filter_map(boxed).collect();
    let application = &asker["application"];
    Some(Caller {
        kind: asker["kind"].as_str().and_then(MemberKind::parse),
        person: boxed(&asker["person"]),
        teams: Teams { of: each(&asker["teams"]).iter().filter_map(boxed).collect(), known: Arc::new(known) },
        purpose: Some(Purpose::parse(text(&asker["purpose"]))?),
        application: boxed(&application["system"]).zip(boxed(&application["code"])),
        joined: instant(&asker["joined"]),
        ..Caller::new("client", asker["organization"].as_str()?, Role::Care)
    })
}

/// The facts of a resource, made as they are when it is stored.
pub fn facts(resource: &Value, record: PatientKey) -> Option<Facts> {
    let extracted = extract_in(resource, record, ZONE_MINUTES);
    Some(Facts {
        resource_type: ResourceType::parse(text(&resource["resourceType"]))?,
        id: ResourceId::parse(text(&resource["id"]))?,
        version: 1,
        deleted: false,
        last_updated: 0,
        occurred: i64::MIN,
        stated: Vec::new(),
        rank: 1,
        list: 0,
        origin: 0,
        labels: Labels(extracted.labels.0),
        content: 0,
        patients: extracted.patients,
        tokens: extracted.tokens,
        dates: extracted.dates,
        references: extracted.references,
    })
}
