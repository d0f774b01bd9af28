//! What a message becomes while it is mapped: the changes so far, the issues so far, and whose record it is.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::codes::{Book, Term};
use crate::decode::hl7v2::Value;
use crate::fault::{Issue, Noted, Place, Rule};
use crate::fhir::{Draft, FacilityCode, PatientKey, ResourceId, ResourceType, Writer, system};
use crate::map::change::{Change, List, LocalCode, Mapped};
use crate::map::stated::Stated;

/// A Coding as a sender stated it.
#[derive(Clone, Debug, Default)]
pub struct Coding<'a> {
    /// The code system, a URI.
    pub system: Cow<'a, str>,
    /// Its version; empty when not stated.
    pub version: Cow<'a, str>,
    /// The code.
    pub code: Cow<'a, str>,
    /// What it means, for people.
    pub display: Cow<'a, str>,
    /// What the sender calls the code system: HL7 v2 table name, CDA codeSystemName, column.
    pub table: Cow<'a, str>,
}

/// Collects changes and issues; every segment mapper writes here.
#[derive(Debug)]
pub struct Output {
    /// Whose record it is.
    pub patient: PatientKey,
    /// The facility whose numbers and local codes the message uses.
    pub facility: FacilityCode,
    /// Offset of times that carry none, in minutes.
    pub zone_minutes: i16,
    /// 発生日時 of the file name, else MSH-7: the business time of every draft, milliseconds since 1970.
    pub occurred: Option<i64>,
    /// Whether the message is the patient's master data (ADT-00): what others repeat of it is stated weakly.
    pub is_master: bool,
    /// What codes mean in other code systems.
    book: Arc<Book>,
    changes: Vec<Change>,
    /// Where among the changes a mention stands.
    mentions: HashMap<(ResourceType, ResourceId), usize>,
    /// Where among the changes something was put.
    puts: HashMap<ResourceId, usize>,
    /// How many changes there were when an earlier one was told anew, and which.
    retold: Vec<(usize, usize)>,
    /// What a document has told so far.
    pub(crate) stated: Stated,
    issues: Vec<Issue>,
    local_codes: Vec<LocalCode>,
    others: Vec<Mapped>,
    /// What happened to the visit that the message is about, for its Provenance.
    pub told: Option<VisitEvent>,
}

/// What happened to a visit.
#[derive(Clone, Debug)]
pub struct VisitEvent {
    /// The trigger event (HL7 table 0003); of a file that takes an event back, the event that cancels it.
    pub code: &'static str,
    /// When it happened, a FHIR dateTime; empty when not told.
    pub when: String,
}

impl Output {
    /// Nothing so far.
    pub fn new(patient: PatientKey, facility: FacilityCode, zone_minutes: i16, occurred: Option<i64>) -> Self {
        let (changes, issues) = (Vec::with_capacity(8), Vec::new());
        let (book, local_codes, others) = (Arc::default(), Vec::new(), Vec::new());
        let (mentions, puts, retold, stated) = (HashMap::new(), HashMap::new(), Vec::new(), Stated::default());
        Output {
            patient,
            facility,
            zone_minutes,
            occurred,
            is_master: false,
            book,
            changes,
            mentions,
            puts,
            retold,
            stated,
            issues,
            local_codes,
            others,
            told: None,
        }
    }

    /// The same sender's output about another record, with nothing in it.
    pub fn about(&self, patient: PatientKey) -> Self {
        Output::new(patient, self.facility.clone(), self.zone_minutes, self.occurred).with_book(&self.book)
    }

    /// What the message says about another record: committed together with this one.
    pub fn also(&mut self, other: Output) {
        let noted = other.finish(None);
        self.issues.extend(noted.issues);
        self.others.push(noted.value);
    }

    /// The same with concept maps.
    pub fn with_book(self, book: &Arc<Book>) -> Self {
        Output { book: book.clone(), ..self }
    }

    /// Writes the Codings of one concept as items of `coding`, in order, each followed by what the concept maps say it
    /// means elsewhere. A concept of which only the sender knows the codes is noted, so that somebody can map it.
    pub fn codings(&mut self, w: &mut Writer, codings: &[Coding<'_>], place: &Place) {
        let mut is_understood = false;
        for coding in codings {
            write_coding(w, coding);
            let term = Term { system: &coding.system, table: &coding.table, code: &coding.code };
            let targets = self.book.translate(&self.facility, term);
            is_understood |= !is_local(&coding.system) || !targets.is_empty();
            for target in targets.iter().filter(|t| !codings.iter().any(|c| c.system == t.system)) {
                let (system, code, display) = (&target.system, &target.code, &target.display);
                w.coding_item(system, code, display);
            }
        }
        if let Some(first) = codings.first().filter(|_| !is_understood) {
            self.local_codes.push(LocalCode {
                system: first.system.clone().into_owned(),
                code: first.code.clone().into_owned(),
                display: first.display.clone().into_owned(),
                table: first.table.clone().into_owned(),
                place: place.clone(),
            });
        }
    }

    /// The code that the site's concept maps give in `target` for a code of the sender's: how a site changes a table
    /// of the mapping (the state of a visit after an event, a gender). `None` where the maps say nothing.
    pub fn code_in(&self, system: &str, code: &str, target: &str) -> Option<&str> {
        self.book.code_in(&self.facility, Term { system, table: "", code }, target)
    }

    /// Notes an issue.
    pub fn issue(&mut self, rule: &'static Rule, place: Place) {
        self.issues.push(Issue::new(rule, place));
    }

    /// Notes an issue with a detail (a code, a date, a name of the standard; never anything about a person).
    pub fn issue_with(&mut self, rule: &'static Rule, place: Place, detail: impl Into<String>) {
        self.issues.push(Issue::with(rule, place, detail));
    }

    /// Notes what was noticed elsewhere.
    pub fn note(&mut self, issues: Vec<Issue>) {
        self.issues.extend(issues);
    }

    /// Notes an issue about a value.
    pub fn doubt(&mut self, rule: &'static Rule, value: &Value<'_>) {
        self.issue(rule, value.place());
    }

    /// The id of something in this record.
    pub fn id(&self, resource_type: ResourceType, business_key: &str) -> ResourceId {
        self.patient.resource_id(resource_type.name(), business_key)
    }

    /// Writes `{"reference":"Patient/…"}` as member `name`.
    pub fn subject(&self, w: &mut Writer, name: &str) {
        w.reference(name, &self.patient.reference());
    }

    /// This is now the whole of the resource; gives `Type/id`.
    pub fn put(&mut self, resource_type: ResourceType, id: ResourceId, writer: Writer) -> String {
        let draft = self.draft(resource_type, id, writer);
        let reference = draft.reference();
        self.puts.insert(draft.id.clone(), self.changes.len());
        self.changes.push(Change::Put(draft));
        reference
    }

    /// Like [`Output::put`] for what a document may tell in several places: told twice, the fuller one stays. Gives
    /// `Type/id`, and whether something else had been told of it before.
    pub fn put_once(&mut self, resource_type: ResourceType, id: ResourceId, writer: Writer) -> (String, bool) {
        let at = self.puts.get(&id).copied();
        let Some((at, Change::Put(earlier))) = at.and_then(|at| Some((at, self.changes.get_mut(at)?))) else {
            return (self.put(resource_type, id, writer), false);
        };
        let members = writer.finish();
        let differs = earlier.members != members;
        let reference = earlier.reference();
        if earlier.members.len() < members.len() {
            earlier.members = members;
            self.retold.push((self.changes.len(), at));
        }
        (reference, differs)
    }

    /// A mention: replaces only what was stated as weakly. Mentioned twice in a message, the fuller one stays.
    pub fn put_weak(&mut self, resource_type: ResourceType, id: ResourceId, writer: Writer) -> String {
        let draft = self.draft(resource_type, id, writer);
        let reference = draft.reference();
        let key = (draft.resource_type, draft.id.clone());
        let at = self.mentions.get(&key).copied().unwrap_or(usize::MAX);
        match self.changes.get_mut(at) {
            Some(Change::PutWeak(earlier)) if earlier.members.len() < draft.members.len() => {
                // A label that the mention carries stays with it.
                earlier.members = draft.members;
                self.retold.push((self.changes.len(), at));
            }
            Some(_) => {}
            None => {
                self.mentions.insert(key, self.changes.len());
                self.changes.push(Change::PutWeak(draft));
            }
        }
        reference
    }

    /// What the segments around PID say: put by master data, a mention elsewhere.
    pub fn state(&mut self, resource_type: ResourceType, id: ResourceId, writer: Writer) -> String {
        if self.is_master { self.put(resource_type, id, writer) } else { self.put_weak(resource_type, id, writer) }
    }

    /// The Patient itself: stated like [`Output::state`], as the first of all changes.
    pub fn state_patient(&mut self, writer: Writer) {
        let draft = self.draft(ResourceType::PATIENT, self.patient.patient_id(), writer);
        let change = if self.is_master { Change::Put(draft) } else { Change::PutWeak(draft) };
        self.first(change);
    }

    fn first(&mut self, change: Change) {
        self.changes.insert(0, change);
        self.mentions.values_mut().chain(self.puts.values_mut()).for_each(|at| *at += 1);
        self.retold.iter_mut().for_each(|(when, at)| (*when, *at) = (*when + 1, *at + 1));
    }

    /// What a message about several records says of the Patient of this one, as the first of all changes. `is_timeless`:
    /// it holds whatever was said before or after (see [`Change::Merge`]).
    pub fn merge_patient(&mut self, writer: Writer, is_timeless: bool) {
        let draft = self.draft(ResourceType::PATIENT, self.patient.patient_id(), writer);
        let occurred = if is_timeless { None } else { self.occurred };
        self.first(Change::Merge { draft: Draft { occurred, ..draft }, drop: Vec::new() });
    }

    /// Puts a resource that is on record already, with all that was added to it, as of `occurred`.
    pub fn put_as_of(&mut self, draft: Draft, occurred: Option<i64>) -> String {
        let reference = draft.reference();
        self.changes.push(Change::Put(Draft { occurred, ..draft }));
        reference
    }

    /// Like [`Output::put`], with members of `meta` (security labels) as JSON text.
    pub fn put_labelled(
        &mut self,
        resource_type: ResourceType,
        id: ResourceId,
        writer: Writer,
        meta: Writer,
    ) -> String {
        let draft = Draft { meta: meta.finish(), ..self.draft(resource_type, id, writer) };
        let reference = draft.reference();
        self.changes.push(Change::Put(draft));
        reference
    }

    /// Adds a security label, a Coding that `write` writes as an item, to what was put or told anew since there were
    /// `from` changes.
    /// Not to the Patient and to what says who, where and with what: these are hidden with whatever names them
    /// (docs/adr/0009), and other letters name them openly.
    pub fn label_since(&mut self, from: usize, write: impl Fn(&mut Writer)) {
        const OPEN: [&str; 8] = [
            "Device",
            "Encounter",
            "Location",
            "Medication",
            "Organization",
            "Patient",
            "Practitioner",
            "PractitionerRole",
        ];
        let mut coding = Writer::default();
        write(&mut coding);
        let coding = coding.finish();
        let since = self.retold.partition_point(|(when, _)| *when < from);
        let retold: Vec<usize> = self.retold.iter().skip(since).map(|(_, at)| *at).collect();
        for at in (from..self.changes.len()).chain(retold) {
            let draft = match self.changes.get_mut(at) {
                Some(Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. }) => draft,
                _ => continue,
            };
            if OPEN.contains(&draft.resource_type.name()) || draft.meta.contains(&coding) {
                continue;
            }
            match draft.meta.strip_prefix("\"security\":[") {
                Some(others) => draft.meta = format!("\"security\":[{coding},{others}"),
                None if draft.meta.is_empty() => draft.meta = format!("\"security\":[{coding}]"),
                None => draft.meta = format!("\"security\":[{coding}],{}", draft.meta),
            }
        }
    }

    /// Writes a Reference to the sending facility by its number, as member `name`. Not by a resource: organisations are
    /// the network office's, and a copy in every record would say nothing more.
    pub fn facility_reference(&self, w: &mut Writer, name: &str, display: &str) {
        w.object(name, |w| self.facility_members(w, display));
    }

    /// The members of such a Reference, into an item or object.
    pub fn facility_members(&self, w: &mut Writer, display: &str) {
        let code = self.facility.as_str();
        w.object("identifier", |w| {
            if self.facility.is_insurance_institution() {
                w.string("system", system::INSTITUTION_NUMBER);
            } else if !code.is_empty() {
                w.string("system", &self.facility.local_system("facility"));
            }
            w.string("value", code);
        });
        w.string("display", display);
    }

    /// What is stated replaces, what is not stated stays; `drop` names members to be taken away.
    pub fn merge(
        &mut self,
        resource_type: ResourceType,
        id: ResourceId,
        writer: Writer,
        drop: Vec<&'static str>,
    ) -> String {
        let draft = self.draft(resource_type, id, writer);
        let reference = draft.reference();
        self.changes.push(Change::Merge { draft, drop });
        reference
    }

    /// The resource is gone.
    pub fn delete(&mut self, resource_type: ResourceType, id: ResourceId) {
        self.changes.push(Change::Delete { resource_type, id, occurred: self.occurred });
    }

    /// The message was the whole of a list.
    pub fn whole_list(&mut self, list: List) {
        self.changes.push(Change::WholeList(list));
    }

    /// The changes so far.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The issues so far.
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// What was collected.
    pub(super) fn finish(self, origin: Option<String>) -> Noted<Mapped> {
        let Output { patient, facility, changes, local_codes, others, .. } = self;
        let value = Mapped { patient, facility, origin, changes, local_codes, others };
        Noted { value, issues: self.issues }
    }

    fn draft(&self, resource_type: ResourceType, id: ResourceId, writer: Writer) -> Draft {
        Draft { occurred: self.occurred, ..Draft::new(resource_type, id, writer) }
    }
}

fn write_coding(w: &mut Writer, coding: &Coding<'_>) {
    w.item(|w| {
        w.string("system", &coding.system);
        w.string("version", &coding.version);
        w.string("code", &coding.code);
        w.string("display", &coding.display);
    });
}

/// Whether only the sender knows what the system's codes mean: see [`FacilityCode::local_system`].
fn is_local(system: &str) -> bool {
    system.starts_with("urn:oid:2.25.")
}
