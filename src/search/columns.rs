//! The current versions of one record as columns: what a query is judged on in one pass (design decision 4c).

mod aside;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::definition::{Definition, Kind};
use super::facts::{DateFact, Facts, Labels, Token, reference_hash};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use aside::{Aside, Strings};

/// The current versions of one record; each column has a value for every row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Type of each row.
    pub types: Vec<ResourceType>,
    /// Id of each row.
    pub ids: Vec<ResourceId>,
    /// Version number of each row.
    pub versions: Vec<u32>,
    /// When each row was stored, milliseconds since 1970.
    pub last_updated: Vec<i64>,
    /// Labels of each row: its own and, since what refers to something tells of it, those of whatever it refers to.
    pub labels: Vec<Labels>,
    /// Of rows that are labelled only because whatever names them is: the labels of each that does.
    openings: BTreeMap<usize, Vec<Labels>>,
    patients: Spans<PatientKey>,
    tokens: Spans<Token>,
    dates: Spans<DateFact>,
    references: Spans<u64>,
    aside: Aside,
}

/// Rows past which a resource is not looked for one row after the other.
const SHORT_ROWS_MAX: usize = 512;

/// Values of all rows one behind the other, with the place where each row's begin.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spans<T> {
    values: Vec<T>,
    starts: Vec<u32>,
}

impl<T> Default for Spans<T> {
    fn default() -> Self {
        Spans { values: Vec::new(), starts: vec![0] }
    }
}

impl<T: Copy> Spans<T> {
    fn push(&mut self, values: &[T]) {
        self.values.extend_from_slice(values);
        self.starts.push(self.values.len() as u32);
    }

    fn of(&self, row: usize) -> &[T] {
        &self.values[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

impl Columns {
    /// The columns of a record from the facts of its current versions; what is deleted is left out.
    pub fn build<'a>(rows: impl Iterator<Item = &'a Facts>) -> Self {
        let mut columns = Columns::default();
        for facts in rows.filter(|facts| !facts.deleted) {
            columns.types.push(facts.resource_type);
            columns.ids.push(facts.id.clone());
            columns.versions.push(facts.version);
            columns.last_updated.push(facts.last_updated);
            columns.labels.push(facts.labels);
            columns.patients.push(&facts.patients);
            columns.tokens.push(&facts.tokens);
            columns.dates.push(&facts.dates);
            columns.references.push(&facts.references);
        }
        columns.propagate();
        columns
    }

    /// The same without some rows, and which row each was; `None` where none is left out. Labels stay as they were.
    pub fn without(&self, is_left_out: impl Fn(ResourceType, &ResourceId) -> bool) -> Option<(Self, Vec<usize>)> {
        let stays = |row: &usize| !is_left_out(self.types[*row], &self.ids[*row]);
        let rows: Vec<usize> = (0..self.len()).filter(stays).collect();
        if rows.len() == self.len() {
            return None;
        }
        let mut columns = Columns::default();
        for (at, &row) in rows.iter().enumerate() {
            if let Some(openings) = self.openings.get(&row) {
                columns.openings.insert(at, openings.clone());
            }
            columns.types.push(self.types[row]);
            columns.ids.push(self.ids[row].clone());
            columns.versions.push(self.versions[row]);
            columns.last_updated.push(self.last_updated[row]);
            columns.labels.push(self.labels[row]);
            columns.patients.push(self.patients(row));
            columns.tokens.push(self.tokens(row));
            columns.dates.push(self.dates(row));
            columns.references.push(self.references(row));
        }
        Some((columns, rows))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The row of a resource.
    pub fn find(&self, resource_type: ResourceType, id: &str) -> Option<usize> {
        let is_it = |row: &usize| self.types[*row] == resource_type && self.ids[*row].as_str() == id;
        if !self.is_long() {
            return (0..self.len()).find(is_it);
        }
        let named = |row: usize| (reference_hash(self.types[row], self.ids[row].as_str()), row as u32);
        let all = || (0..self.len()).map(named).collect();
        let row = self.aside.row(reference_hash(resource_type, id), all)?;
        // Of two names with one hash the other one may be meant.
        if is_it(&row) { Some(row) } else { (0..self.len()).find(is_it) }
    }

    /// Whether there are so many rows that [`Columns::find`] keeps an index of them.
    pub fn is_long(&self) -> bool {
        self.len() > SHORT_ROWS_MAX
    }

    /// Where the strings of a parameter are kept from one search to the next: of long columns that are about no patient.
    pub(super) fn strings(&self, definition: &Definition) -> Option<Arc<Strings>> {
        let is_kept = self.is_long() && self.patients.values.is_empty() && definition.kind == Kind::String;
        if is_kept { self.aside.strings(definition, self.len()) } else { None }
    }

    /// The Patients that a row names.
    pub fn patients(&self, row: usize) -> &[PatientKey] {
        self.patients.of(row)
    }

    /// The tokens of a row.
    pub fn tokens(&self, row: usize) -> &[Token] {
        self.tokens.of(row)
    }

    /// The dates of a row.
    pub fn dates(&self, row: usize) -> &[DateFact] {
        self.dates.of(row)
    }

    /// What a row refers to.
    pub fn references(&self, row: usize) -> &[u64] {
        self.references.of(row)
    }

    /// Sets of labels of which one that may be seen is enough to see a row: those of each that names it. None where the
    /// row's own labels count.
    pub fn openings(&self, row: usize) -> &[Labels] {
        self.openings.get(&row).map(Vec::as_slice).unwrap_or_default()
    }

    /// The labels of a row but those that it has only for what names it.
    pub fn carried(&self, row: usize) -> Labels {
        if self.openings.contains_key(&row) { Labels::default() } else { self.labels[row] }
    }

    /// The labels of all rows that these references name; of those that are labelled only for what names them, none.
    pub fn labels_behind(&self, references: &[u64]) -> Labels {
        let labelled = (0..self.len()).filter(|row| !self.labels[*row].is_empty() && !self.openings.contains_key(row));
        let named =
            labelled.filter(|row| references.contains(&reference_hash(self.types[*row], self.ids[*row].as_str())));
        named.fold(Labels::default(), |labels, row| labels.union(self.labels[row]))
    }

    /// Labels go from a row to those that refer to it, until nothing changes.
    fn propagate(&mut self) {
        let mut changed: Vec<usize> = (0..self.len()).filter(|row| !self.labels[*row].is_empty()).collect();
        if changed.is_empty() {
            return;
        }
        let mut referring: HashMap<u64, Vec<usize>> = HashMap::new();
        for row in 0..self.len() {
            for target in self.references.of(row) {
                referring.entry(*target).or_default().push(row);
            }
        }
        self.spread(&referring, &mut changed);
        while self.hide_what_only_the_hidden_names(&referring) {}
    }

    fn spread(&mut self, referring: &HashMap<u64, Vec<usize>>, changed: &mut Vec<usize>) {
        while let Some(row) = changed.pop() {
            let own = reference_hash(self.types[row], self.ids[row].as_str());
            for &by in referring.get(&own).map(Vec::as_slice).unwrap_or_default() {
                let union = self.labels[by].union(self.labels[row]);
                if union != self.labels[by] {
                    self.labels[by] = union;
                    changed.push(by);
                }
            }
        }
    }

    /// The doctor, the department, the visit that is known from labelled resources alone tells of them: an oncologist
    /// whom nothing else names. Whoever may see one of what names it may see it too, and nobody else. Its labels go no
    /// further: what names it is labelled, and two that name one doctor have nothing else in common.
    fn hide_what_only_the_hidden_names(&mut self, referring: &HashMap<u64, Vec<usize>>) -> bool {
        let before = self.openings.len();
        for row in (0..self.len()).filter(|row| is_known_by_others(self.types[*row])) {
            let own = reference_hash(self.types[row], self.ids[row].as_str());
            let by = || referring.get(&own).into_iter().flatten().copied().filter(|by| *by != row);
            if self.labels[row].is_empty() && by().next().is_some() && by().all(|by| !self.labels[by].is_empty()) {
                let mut openings = Vec::new();
                for by in by() {
                    match self.openings.get(&by) {
                        Some(theirs) => openings.extend_from_slice(theirs),
                        None => openings.push(self.labels[by]),
                    }
                }
                openings.sort_unstable_by_key(|labels| labels.0);
                openings.dedup();
                self.labels[row] = openings.iter().copied().fold(Labels::default(), Labels::union);
                self.openings.insert(row, openings);
            }
        }
        self.openings.len() > before
    }
}

/// Whether a resource of this type is nothing of its own to a reader: without what names it, it only tells of it.
fn is_known_by_others(resource_type: ResourceType) -> bool {
    is_supporting(resource_type) || resource_type == ResourceType::BINARY
}

/// Whether resources of this type say who, where, with what and on which visit of something else.
pub fn is_supporting(resource_type: ResourceType) -> bool {
    const TYPES: [&str; 7] =
        ["Device", "Encounter", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole"];
    TYPES.contains(&resource_type.name())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::search) fn facts(resource_type: ResourceType, id: &str) -> Facts {
        Facts {
            resource_type,
            id: ResourceId::parse(id).unwrap(),
            version: 1,
            deleted: false,
            last_updated: 0,
            occurred: i64::MIN,
            stated: Vec::new(),
            rank: 1,
            list: 0,
            origin: 0,
            labels: Labels::default(),
            content: 0,
            patients: Vec::new(),
            tokens: Vec::new(),
            dates: Vec::new(),
            references: Vec::new(),
        }
    }

    #[test]
    fn long_columns_find_what_short_ones_do_and_keep_some_strings() {
        let columns = |rows: usize| {
            let all: Vec<Facts> = (0..rows).map(|n| facts(ResourceType::ORGANIZATION, &format!("o{n}"))).collect();
            Columns::build(all.iter())
        };
        for rows in [SHORT_ROWS_MAX, SHORT_ROWS_MAX + 1] {
            let all = columns(rows);
            assert_eq!(all.is_long(), rows > SHORT_ROWS_MAX);
            assert!((0..rows).all(|n| all.find(ResourceType::ORGANIZATION, &format!("o{n}")) == Some(n)));
            assert_eq!(all.find(ResourceType::ORGANIZATION, "none"), None);
            assert_eq!(all.find(ResourceType::LOCATION, "o1"), None);
        }
        let named = |code: &str| {
            crate::search::Definitions::base()
                .find(ResourceType::ORGANIZATION, code)
                .unwrap_or_else(|| panic!("{code}"))
        };
        let kept = |columns: &Columns, code: &str| columns.strings(named(code)).is_some();
        let long = columns(SHORT_ROWS_MAX + 1);
        assert!(!kept(&columns(SHORT_ROWS_MAX), "name") && !kept(&long, "type"));
        assert_eq!(
            ["name", "address", "address-city", "name"].map(|code| kept(&long, code)),
            [true, true, false, true]
        );
        let mut of_somebody = facts(ResourceType::ORGANIZATION, "p");
        of_somebody.patients = vec![PatientKey::of_id("p")];
        let all: Vec<Facts> =
            (0..SHORT_ROWS_MAX).map(|n| facts(ResourceType::ORGANIZATION, &format!("o{n}"))).collect();
        assert!(!kept(&Columns::build(all.iter().chain([&of_somebody])), "name"), "of records nothing is kept");
    }

    #[test]
    fn labels_spread_to_whatever_refers_and_no_further() {
        let mut told = facts(ResourceType::CONDITION, "c");
        told.labels = Labels::UNINFORMED;
        let mut encounter = facts(ResourceType::ENCOUNTER, "e");
        encounter.references =
            vec![reference_hash(ResourceType::CONDITION, "c"), reference_hash(ResourceType::OBSERVATION, "o")];
        let mut provenance = facts(ResourceType::PROVENANCE, "p");
        provenance.references = vec![reference_hash(ResourceType::ENCOUNTER, "e")];
        provenance.labels = Labels::UNDELIVERED;
        let mut looped = facts(ResourceType::OBSERVATION, "l");
        looped.references =
            vec![reference_hash(ResourceType::PROVENANCE, "p"), reference_hash(ResourceType::OBSERVATION, "l")];
        let observation = facts(ResourceType::OBSERVATION, "o");
        let mut gone = facts(ResourceType::OBSERVATION, "gone");
        gone.deleted = true;
        let rows = [provenance, observation, told, encounter, looped, gone];
        let columns = Columns::build(rows.iter());
        let both = Labels::UNINFORMED.union(Labels::UNDELIVERED);
        assert_eq!(columns.labels, [both, Labels::default(), Labels::UNINFORMED, Labels::UNINFORMED, both]);
        assert_eq!(columns.find(ResourceType::ENCOUNTER, "e"), Some(3));
        assert_eq!(columns.find(ResourceType::OBSERVATION, "gone"), None);
    }

    #[test]
    fn what_several_name_is_seen_with_each_of_them_and_joins_none() {
        const HIV: Labels = Labels(1 << 8);
        const PSY: Labels = Labels(1 << 17);
        let refers = |mut row: Facts, labels: Labels, to: &[(ResourceType, &str)]| {
            row.references = to.iter().map(|(t, id)| reference_hash(*t, id)).collect();
            row.labels = labels;
            row
        };
        let [doctor, role] = ["Practitioner", "PractitionerRole"].map(|n| ResourceType::parse(n).unwrap());
        let rows = [
            refers(facts(ResourceType::CONDITION, "h"), HIV, &[(doctor, "d"), (role, "r")]),
            refers(facts(ResourceType::CONDITION, "p"), PSY, &[(doctor, "d")]),
            refers(
                facts(ResourceType::PROVENANCE, "v"),
                Labels::default(),
                &[(ResourceType::CONDITION, "h"), (doctor, "d")],
            ),
            refers(facts(role, "r"), Labels::default(), &[(doctor, "d2")]),
            facts(doctor, "d"),
            facts(doctor, "d2"),
            refers(facts(ResourceType::DOCUMENT_REFERENCE, "dr"), HIV, &[(ResourceType::BINARY, "b")]),
            facts(ResourceType::BINARY, "b"),
        ];
        let columns = Columns::build(rows.iter());
        let both = HIV.union(PSY);
        assert_eq!(columns.labels, [HIV, PSY, HIV, HIV, both, HIV, HIV, HIV]);
        assert_eq!(columns.openings(4), [HIV, PSY]);
        assert_eq!(
            (columns.openings(3), columns.openings(5), columns.openings(7)),
            (&[HIV][..], &[HIV][..], &[HIV][..])
        );
        assert_eq!((columns.openings(0), columns.openings(1)), (&[][..], &[][..]));
        let behind = [reference_hash(doctor, "d"), reference_hash(ResourceType::CONDITION, "p")];
        assert_eq!(columns.labels_behind(&behind), PSY);
        let (left, of) = columns.without(|_, id| id.as_str() == "h").unwrap();
        let at = of.iter().position(|row| *row == 4).unwrap();
        assert_eq!(left.openings(at), [HIV, PSY]);
    }

    #[test]
    fn who_is_named_by_hidden_things_alone_is_hidden_too() {
        let refers = |mut row: Facts, to: &[(ResourceType, &str)]| {
            row.references = to.iter().map(|(t, id)| reference_hash(*t, id)).collect();
            row
        };
        let [practitioner, organization] = ["Practitioner", "Organization"].map(|n| ResourceType::parse(n).unwrap());
        let role = ResourceType::parse("PractitionerRole").unwrap();
        let mut told = refers(facts(ResourceType::CONDITION, "c"), &[(practitioner, "both"), (role, "only")]);
        told.labels = Labels::UNINFORMED;
        let rows = [
            told,
            refers(facts(role, "only"), &[(practitioner, "only"), (organization, "only")]),
            facts(practitioner, "only"),
            facts(organization, "only"),
            facts(practitioner, "both"),
            facts(practitioner, "nobody"),
            refers(facts(ResourceType::OBSERVATION, "o"), &[(practitioner, "both")]),
        ];
        let hidden: Vec<bool> = Columns::build(rows.iter()).labels.iter().map(|labels| !labels.is_empty()).collect();
        assert_eq!(hidden, [true, true, true, true, false, false, false]);
    }
}
