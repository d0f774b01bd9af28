//! Permission is a type: a body leaves only inside a `Permitted`, and only this module makes one (design section 4).

use super::caller::{Action, Caller, Role, is_directory};
use super::directive::ConsentVersion;
use super::explain::{Account, Reason};
use super::policy::{Policy, Verdict};
use super::scope::Rights;
use super::spread::Spread;
use crate::fault::{Denied, Finding};
use crate::fhir::outcome::{self, Language};
use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
use crate::search::facts::{DateFact, Token, reference_hash};
use crate::search::{Columns, Facts, Labels};

/// Something that may leave.
///
/// It cannot be made elsewhere:
///
/// ```compile_fail,E0451
/// let leak = tasuki::consent::Permitted { body: "a patient's name" };
/// ```
///
/// nor can the permit it is made with:
///
/// ```compile_fail,E0451
/// let leak = tasuki::consent::Permit { by_role: true }.release("a patient's name");
/// ```
#[derive(Debug)]
pub struct Permitted<T> {
    body: T,
}

/// The permission to let one row leave.
#[derive(Debug)]
pub struct Permit {
    by_role: bool,
}

/// What may leave to anyone, because it can say nothing about a patient.
#[derive(Debug)]
pub struct Public(String);

/// The one place where a row is judged: a caller before one record at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    caller: &'a Caller,
    standing: Standing<'a>,
    /// By which of the rights of a scope a row is looked for.
    by: Rights,
    /// The instant, milliseconds since 1970.
    now: i64,
    /// Whether it is about what was.
    is_past: bool,
    /// What hangs together with what is hidden.
    spread: Option<&'a Spread>,
}

/// What a row is judged by.
#[derive(Clone, Copy, Debug)]
pub struct RowFacts<'a> {
    /// Its type.
    pub resource_type: ResourceType,
    /// Every Patient that it names.
    pub patients: &'a [PatientKey],
    /// Its labels, and those of whatever it refers to.
    pub labels: Labels,
    /// Sets of labels of which one that may be seen is enough ([`Columns::openings`]); with none, `labels` count.
    pub openings: &'a [Labels],
    /// What scopes with search parameters look at.
    pub tokens: &'a [Token],
    /// The same.
    pub dates: &'a [DateFact],
    /// Its id, where consents can name it.
    pub id: Option<&'a ResourceId>,
    /// What it refers to, as hashes.
    pub references: &'a [u64],
}

impl<'a> RowFacts<'a> {
    /// Of something of which no more is known.
    pub fn plain(resource_type: ResourceType, patients: &'a [PatientKey], labels: Labels) -> Self {
        RowFacts { resource_type, patients, labels, openings: &[], tokens: &[], dates: &[], id: None, references: &[] }
    }

    /// The hash by which it is referred to; 0 where it is not.
    pub(super) fn own(&self) -> u64 {
        self.id.map_or(0, |id| reference_hash(self.resource_type, id.as_str()))
    }

    /// Those of a row.
    pub fn row(columns: &'a Columns, row: usize) -> Self {
        RowFacts {
            resource_type: columns.types[row],
            patients: columns.patients(row),
            labels: columns.labels[row],
            openings: columns.openings(row),
            tokens: columns.tokens(row),
            dates: columns.dates(row),
            id: Some(&columns.ids[row]),
            references: columns.references(row),
        }
    }

    /// Those of a version, with its own labels.
    pub fn of(facts: &'a Facts) -> Self {
        RowFacts {
            resource_type: facts.resource_type,
            patients: &facts.patients,
            labels: facts.labels,
            openings: &[],
            tokens: &facts.tokens,
            dates: &facts.dates,
            id: Some(&facts.id),
            references: &facts.references,
        }
    }

    /// The same with more labels; with them no set of its openings is enough any more.
    pub fn labelled(self, more: Labels) -> Self {
        match more.without(self.labels).is_empty() {
            true => self,
            false => RowFacts { labels: self.labels.union(more), openings: &[], ..self },
        }
    }

    /// The same, labelled only as one of these sets.
    pub fn opened(self, openings: &'a [Labels]) -> Self {
        RowFacts { openings, ..self }
    }
}

/// What the caller is to the rows behind the gate.
#[derive(Clone, Copy, Debug)]
enum Standing<'a> {
    /// A record that it sent itself.
    Own(&'a Policy),
    /// A record that a consent opens.
    Consent(&'a Policy, &'a ConsentVersion),
    /// A record of which consents open some, at this instant.
    Rows(&'a Policy, i64),
    /// A record that is closed to it.
    Closed(&'a Policy),
    /// The directory, and other things of the office's.
    Directory,
}

impl<'a> Gate<'a> {
    /// The gate to one record, kept by `facility`, at an instant (milliseconds since 1970). A policy that was compiled
    /// for another organisation opens nothing.
    pub fn new(caller: &'a Caller, facility: &FacilityCode, policy: &'a Policy, now_ms: i64) -> Self {
        let standing = match policy.verdict(now_ms) {
            _ if caller.keeps(facility) => Standing::Own(policy),
            _ if !caller.is_asker(policy.asker()) => Standing::Closed(policy),
            Verdict::Open(by) => Standing::Consent(policy, by),
            Verdict::ByRow => Standing::Rows(policy, now_ms),
            Verdict::Closed => Standing::Closed(policy),
        };
        Gate { caller, standing, by: Rights::SEEING, now: now_ms, is_past: false, spread: None }
    }

    /// The same to a record with these rows, with which the policy was compiled: what hangs together with what is hidden is
    /// hidden with it.
    pub fn over(self, columns: &Columns) -> Self {
        match self.standing {
            Standing::Rows(policy, now) => Gate { spread: policy.spread(now, columns), ..self },
            _ => self,
        }
    }

    /// The gate to what belongs to no patient: the directory ([`PatientKey::is_directory`]) and the audit record.
    pub fn directory(caller: &'a Caller) -> Self {
        Gate { caller, standing: Standing::Directory, by: Rights::SEEING, now: 0, is_past: false, spread: None }
    }

    /// The same for what is named: a read, a vread, the history of a resource.
    pub fn named(self) -> Self {
        Gate { by: Rights::READ, ..self }
    }

    /// The same for what is found: a search, the history of a type, an export. What comes along with it (includes, what
    /// chains go over) may be seen by either right.
    pub fn found(self) -> Self {
        Gate { by: Rights::SEARCH, ..self }
    }

    /// The same for versions that were: what stands open in an emergency has no past.
    pub fn past(self) -> Self {
        Gate { is_past: true, ..self }
    }

    /// May this row leave? Every patient it names must be the record's; a row that names another, or one that is not
    /// ours (`PatientKey(0)`), may not.
    pub fn row(&self, row: &RowFacts<'_>) -> Option<Permit> {
        let RowFacts { resource_type, patients, labels, .. } = *row;
        if !self.caller.role.includes(Action::Read, resource_type) || !self.caller.scopes.show(self.by, row) {
            return None;
        }
        let covered = |policy: &Policy| patients.iter().all(|&patient| policy.covers(patient));
        let office = self.caller.role == Role::Office;
        if self.caller.role == Role::Open {
            return Some(Permit { by_role: true });
        }
        let (permitted, by_role) = match self.standing {
            Standing::Own(policy) => (covered(policy), true),
            Standing::Consent(policy, _) if !office => (covered(policy) && labels.is_empty(), false),
            Standing::Rows(policy, now) if !office => {
                let decide = if self.is_past { Policy::decide_past } else { Policy::decide };
                (covered(policy) && decide(policy, now, row).permitted && !self.hides(row), false)
            }
            Standing::Consent(policy, _) | Standing::Rows(policy, _) | Standing::Closed(policy) => {
                (office && resource_type == ResourceType::CONSENT && covered(policy), true)
            }
            Standing::Directory if resource_type == ResourceType::AUDIT_EVENT => (office, true),
            Standing::Directory => (is_directory(resource_type) && patients.is_empty() && labels.is_empty(), true),
        };
        permitted.then_some(Permit { by_role })
    }

    /// The same of a row of the columns that the gate is over ([`Gate::over`]), by its number: what is decided of it is kept with
    /// the policy. `facts` are the row's.
    pub fn nth(&self, row: usize, facts: &RowFacts<'_>) -> Option<Permit> {
        match (self.standing, self.spread) {
            (Standing::Rows(..), Some(spread))
                if !self.is_past && !matches!(self.caller.role, Role::Office | Role::Open) =>
            {
                let caller = self.caller;
                let may = caller.role.includes(Action::Read, facts.resource_type) && caller.scopes.show(self.by, facts);
                (may && spread.shows(row)).then_some(Permit { by_role: false })
            }
            _ => self.row(facts),
        }
    }

    fn hides(&self, row: &RowFacts<'_>) -> bool {
        let hides = if self.is_past { Spread::hides_past } else { Spread::hides };
        self.spread.is_some_and(|spread| hides(spread, row))
    }

    /// Why a row may leave, or not; for the network's office, never for whoever asked.
    pub fn account(&self, row: &RowFacts<'_>) -> Account {
        let caller = self.caller;
        let ours = |policy: &Policy| row.patients.iter().all(|&patient| policy.covers(patient));
        let plain = |reason| Account { permitted: false, reason, by: None, path: Vec::new() };
        if !caller.role.includes(Action::Read, row.resource_type) {
            return plain(Reason::Role);
        }
        let account = match self.standing {
            _ if caller.role == Role::Open => Account { permitted: true, ..plain(Reason::Role) },
            Standing::Own(policy) if ours(policy) => Account { permitted: true, ..plain(Reason::Custodian) },
            Standing::Consent(policy, _)
            | Standing::Rows(policy, _)
            | Standing::Closed(policy)
            | Standing::Own(policy) => match Account::of(policy, self.now, row) {
                _ if !ours(policy) => plain(Reason::OtherPatient),
                account if account.permitted && self.hides(row) => {
                    Account { permitted: false, reason: Reason::HangsTogether, ..account }
                }
                account => account,
            },
            Standing::Directory => Account { permitted: self.row(row).is_some(), ..plain(Reason::Role) },
        };
        match caller.scopes.show(self.by, row) {
            false if account.permitted => Account { permitted: false, reason: Reason::Scope, ..account },
            _ => account,
        }
    }

    /// Whether any row behind it may leave at all: a record that is closed need not be walked.
    pub fn is_open(&self) -> bool {
        !matches!(self.standing, Standing::Closed(_)) || matches!(self.caller.role, Role::Office | Role::Open)
    }

    /// The consents that opened it, for the audit record; none where the role did. Of a record that is open row by row, all that
    /// permit something.
    pub fn opened_by(&self) -> Vec<ConsentVersion> {
        match self.standing {
            _ if matches!(self.caller.role, Role::Office | Role::Open) => Vec::new(),
            Standing::Consent(_, by) => vec![by.clone()],
            Standing::Rows(policy, now) => policy.permitting(now).cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The consent that opened a row.
    pub fn opened_row_by(&self, row: &RowFacts<'_>) -> Option<&'a ConsentVersion> {
        match self.standing {
            _ if matches!(self.caller.role, Role::Office | Role::Open) => None,
            Standing::Consent(_, by) => Some(by),
            Standing::Rows(policy, now) => policy.decide(now, row).by,
            _ => None,
        }
    }
}

impl Permit {
    /// Lets a body leave.
    pub fn release<T>(self, body: T) -> Permitted<T> {
        Permitted { body }
    }

    /// Lets a part leave with what is gathered already: `append` adds it there, and nothing else that came from the store.
    pub fn append<T, E>(
        self,
        gathered: &mut Permitted<T>,
        append: impl FnOnce(&mut T) -> Result<(), E>,
    ) -> Result<(), E> {
        append(&mut gathered.body)
    }

    /// Whether the caller's role gave it; a consent did otherwise.
    pub fn by_role(&self) -> bool {
        self.by_role
    }
}

impl<T> Permitted<T> {
    /// What is public.
    pub fn public(public: Public) -> Self
    where
        T: From<String>,
    {
        Permitted { body: T::from(public.0) }
    }

    /// What a source has just handed in, said back to it in another form. Nothing of the store may be in it.
    pub fn own_words(caller: &Caller, body: T) -> Result<Self, Denied> {
        caller.may_hand_in()?;
        if matches!(caller.role, Role::Source | Role::Open) { Ok(Permitted { body }) } else { Err(Denied::Role) }
    }

    /// What a caller has just stated, said back to it. Nothing else of the store may be in it.
    pub fn as_stated(caller: &Caller, resource_type: ResourceType, body: T) -> Result<Self, Denied> {
        caller.may_write(resource_type)?;
        Ok(Permitted { body })
    }

    /// What definitions that everybody reads say of codes that the caller names: value sets, code systems, concept maps. Nothing
    /// of a record may be in it.
    pub fn terminology(caller: &Caller, resource_type: ResourceType, body: T) -> Result<Self, Denied> {
        caller.may(super::Action::Search, resource_type)?;
        Ok(Permitted { body })
    }

    /// An account of who may see what and why: names of organisations, consents, resources and labels, and counts; and what the
    /// office itself has entered from forms. For the network's office.
    pub fn account(caller: &Caller, body: T) -> Result<Self, Denied> {
        if matches!(caller.role, Role::Office | Role::Open) { Ok(Permitted { body }) } else { Err(Denied::Role) }
    }

    /// What a caller who may open records in an emergency is told of what it has just opened or closed itself: until when, and
    /// by which Consent.
    pub fn as_opened(caller: &Caller, body: T) -> Result<Self, Denied> {
        if caller.may_break_glass || caller.role == Role::Open { Ok(Permitted { body }) } else { Err(Denied::Role) }
    }

    /// The receipt of a letter: for those who send for the facility it came from, and for the network's office. For
    /// anybody else there is no such letter.
    pub fn receipt(caller: &Caller, facility: &FacilityCode, body: T) -> Result<Self, Denied> {
        let may = caller.keeps(facility) || matches!(caller.role, Role::Office | Role::Open);
        let in_scope = caller.scopes.include(Rights::CREATE.or(Rights::READ), ResourceType::BUNDLE);
        if may && in_scope { Ok(Permitted { body }) } else { Err(Denied::Consent) }
    }

    /// One body out of several, a searchset out of its entries. `join` adds only what follows from the parts: counts,
    /// links, the caller's own words.
    pub fn gather<U>(parts: Vec<Permitted<T>>, join: impl FnOnce(Vec<T>) -> U) -> Permitted<U> {
        Permitted { body: join(parts.into_iter().map(|part| part.body).collect()) }
    }

    /// The same in another form: compressed, rendered.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Permitted<U> {
        Permitted { body: change(self.body) }
    }

    /// To look at without letting it leave: a length, a hash.
    pub fn peek(&self) -> &T {
        &self.body
    }

    /// The body, for the writer that sends it.
    pub fn into_inner(self) -> T {
        self.body
    }
}

/// The types that describe a server or a format, never a patient.
const DEFINITIONS: [&str; 8] = [
    "CapabilityStatement",
    "CodeSystem",
    "ConceptMap",
    "OperationDefinition",
    "SearchParameter",
    "StructureDefinition",
    "TerminologyCapabilities",
    "ValueSet",
];

impl Public {
    /// An OperationOutcome: findings name rules, places and codes, never a patient ([`crate::fault::Issue::detail`]).
    pub fn outcome(findings: &[Finding]) -> Self {
        Public::outcome_in(findings, Language::default())
    }

    /// The same in a language.
    pub fn outcome_in(findings: &[Finding], language: Language) -> Self {
        Public(outcome::operation_outcome_in(findings, language))
    }

    /// Text that is part of the program.
    pub fn fixed(text: &'static str) -> Self {
        Public(text.to_owned())
    }

    /// A CapabilityStatement or another definition, `resourceType` first; `None` when it is anything else.
    pub fn definition(json: String) -> Option<Self> {
        let name = json.strip_prefix("{\"resourceType\":\"")?.split_once('"')?.0;
        DEFINITIONS.contains(&name).then_some(Public(json))
    }

    /// An answer of the OAuth 2.0 endpoints (RFC 6749, 7009, 7662) or the SMART configuration: it is about tokens and
    /// addresses. `None` when it does not begin as one of these.
    pub fn protocol(json: String) -> Option<Self> {
        let first = ["access_token", "error", "active", "token_endpoint"];
        let name = json.strip_prefix("{\"")?.split_once("\":")?.0;
        first.contains(&name).then_some(Public(json))
    }

    /// An OpenAPI description, `openapi` first; `None` when it is anything else.
    pub fn interface(json: String) -> Option<Self> {
        json.starts_with("{\"openapi\":\"").then_some(Public(json))
    }
}

#[cfg(test)]
mod tests {
    use super::super::directive::Directive;
    use super::super::policy::Ground;
    use super::super::terms::Terms;
    use super::*;

    const RECORD: PatientKey = PatientKey(0x5007 << 64);
    const HOSPITAL: &str = "0119999901";

    fn caller(role: Role) -> Caller {
        let facilities = if role == Role::Source { vec![FacilityCode::parse(HOSPITAL)] } else { Vec::new() };
        Caller { facilities, ..Caller::new("c", "Organization/a", role) }
    }

    fn row(gate: &Gate<'_>, resource_type: ResourceType, patients: &[PatientKey], labels: Labels) -> Option<Permit> {
        gate.row(&RowFacts::plain(resource_type, patients, labels))
    }

    fn policy(role: Role, permitted: bool) -> Policy {
        let actor =
            serde_json::json!([{"role": {"coding": [{"code": "IRCP"}]}, "reference": {"reference": "Organization/a"}}]);
        let consent = serde_json::json!({
            "resourceType": "Consent", "id": "k", "meta": {"versionId": "2"}, "status": "active",
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
            "patient": {"reference": RECORD.reference()}, "provision": {"type": "permit", "actor": actor}
        });
        let directives = if permitted { vec![Directive::read(&consent)] } else { Vec::new() };
        let ground = Ground {
            about: &[RECORD],
            facility: &FacilityCode::unstated(),
            directives: &directives,
            teams: &[],
            columns: &Columns::default(),
            terms: &Terms::default(),
        };
        Policy::compile(&caller(role).asker(), &ground)
    }

    #[test]
    fn who_sees_which_row() {
        use ResourceType as R;
        let (own, other) = (FacilityCode::parse(HOSPITAL), FacilityCode::parse("0119999902"));
        let (none, told) = (Labels::default(), Labels::UNDELIVERED);
        let stranger = PatientKey(0x5009 << 64);
        // role, facility of the record, consent?, type, patients, labels, visible
        type Case<'a> = (Role, &'a FacilityCode, bool, ResourceType, &'a [PatientKey], Labels, bool);
        let cases: [Case; 19] = [
            (Role::Care, &own, true, R::OBSERVATION, &[RECORD], none, true),
            (Role::Care, &own, true, R::PRACTITIONER, &[], none, true),
            (Role::Care, &own, false, R::OBSERVATION, &[RECORD], none, false),
            (Role::Care, &own, true, R::OBSERVATION, &[RECORD], told, false),
            (Role::Care, &own, true, R::OBSERVATION, &[RECORD], Labels::UNKNOWN, false),
            (Role::Care, &own, true, R::OBSERVATION, &[RECORD], Labels(1 << 31), false),
            (Role::Care, &own, true, R::OBSERVATION, &[RECORD, stranger], none, false),
            (Role::Care, &own, true, R::OBSERVATION, &[PatientKey(0)], none, false),
            (Role::Care, &own, true, R::CONSENT, &[RECORD], none, false),
            (Role::Care, &own, true, R::AUDIT_EVENT, &[RECORD], none, false),
            (Role::Source, &own, false, R::OBSERVATION, &[RECORD], told, true),
            (Role::Source, &own, false, R::OBSERVATION, &[stranger], none, false),
            (Role::Source, &own, false, R::CONSENT, &[RECORD], none, false),
            (Role::Source, &other, false, R::OBSERVATION, &[RECORD], none, false),
            (Role::Source, &other, true, R::OBSERVATION, &[RECORD], none, true),
            (Role::Source, &other, true, R::OBSERVATION, &[RECORD], told, false),
            (Role::Office, &own, true, R::OBSERVATION, &[RECORD], none, false),
            (Role::Office, &own, false, R::CONSENT, &[RECORD], none, true),
            (Role::Office, &own, true, R::ORGANIZATION, &[], none, false),
        ];
        for (role, facility, consent, resource_type, patients, labels, visible) in cases {
            let (caller, policy) = (caller(role), policy(role, consent));
            let gate = Gate::new(&caller, facility, &policy, 0);
            let permit = row(&gate, resource_type, patients, labels);
            assert_eq!(permit.is_some(), visible, "{role:?} {facility:?} {consent} {resource_type:?} {labels:?}");
            assert!(!visible || gate.is_open());
        }
    }

    #[test]
    fn the_directory_is_everybodys_and_the_audit_record_the_offices() {
        for role in [Role::Care, Role::Source, Role::Office] {
            let caller = caller(role);
            let gate = Gate::directory(&caller);
            let sees = |resource_type| row(&gate, resource_type, &[], Labels::default()).is_some();
            assert!(sees(ResourceType::ORGANIZATION));
            assert_eq!(sees(ResourceType::AUDIT_EVENT), role == Role::Office);
            assert!(!sees(ResourceType::OBSERVATION) && !sees(ResourceType::PATIENT));
            assert!(row(&gate, ResourceType::ORGANIZATION, &[RECORD], Labels::default()).is_none());
        }
    }

    #[test]
    fn a_policy_for_somebody_else_opens_nothing() {
        let mut caller = caller(Role::Care);
        caller.organization = "Organization/b".into();
        let policy = policy(Role::Care, true);
        let gate = Gate::new(&caller, &FacilityCode::parse(HOSPITAL), &policy, 0);
        assert!(!gate.is_open() && gate.opened_by().is_empty());
    }

    #[test]
    fn a_searchset_is_gathered_from_what_may_leave() {
        let (caller, policy) = (caller(Role::Care), policy(Role::Care, true));
        let gate = Gate::new(&caller, &FacilityCode::unstated(), &policy, 0);
        assert_eq!(gate.opened_by().iter().map(|by| by.version).collect::<Vec<_>>(), [2]);
        let release =
            |body| row(&gate, ResourceType::OBSERVATION, &[RECORD], Labels::default()).map(|p| p.release(body));
        let parts: Vec<_> = ["a", "b"].into_iter().filter_map(release).collect();
        assert_eq!(Permitted::gather(parts, |parts| parts.join(",")).into_inner(), "a,b");
    }

    #[test]
    fn only_definitions_and_outcomes_are_public() {
        assert!(Public::definition(r#"{"resourceType":"CapabilityStatement"}"#.into()).is_some());
        for json in [r#"{"resourceType":"Patient"}"#, r#"{"resourceType":"Bundle"}"#, "{}", ""] {
            assert!(Public::definition(json.into()).is_none(), "{json}");
            assert!(Public::interface(json.into()).is_none(), "{json}");
        }
        assert!(Public::interface(r#"{"openapi":"3.1.0"}"#.into()).is_some());
        let body: Vec<u8> = Permitted::public(Public::outcome(&[])).into_inner();
        assert_eq!(body, br#"{"resourceType":"OperationOutcome"}"#);
    }

    #[test]
    fn a_receipt_is_for_its_sender_and_the_office() {
        let receipt = |role: Role, facility: &str| {
            Permitted::receipt(&caller(role), &FacilityCode::parse(facility), ()).map(|_| ())
        };
        assert_eq!(receipt(Role::Source, HOSPITAL), Ok(()));
        assert_eq!(receipt(Role::Source, "0119999902"), Err(Denied::Consent));
        assert_eq!(receipt(Role::Source, ""), Err(Denied::Consent));
        assert_eq!(receipt(Role::Office, ""), Ok(()));
        assert_eq!(receipt(Role::Care, HOSPITAL), Err(Denied::Consent));
        let own = |role: Role| Permitted::own_words(&caller(role), ()).map(|_| ());
        assert_eq!(
            (own(Role::Source), own(Role::Care), own(Role::Office)),
            (Ok(()), Err(Denied::Role), Err(Denied::Role))
        );
    }
}
