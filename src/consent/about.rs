//! Which resources a provision is about (Consent.provision.class, code, securityLabel, dataPeriod, data), judged on the facts
//! of a row.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::permitted::RowFacts;
use super::rule::{Of, Reading, list, period, reference};
use crate::fhir::time::Interval;
use crate::fhir::{ResourceType, oid, system};
use crate::search::Definitions;
use crate::search::facts::{Labels, Parameter, Token, clinical_interval, coded_hash, system_hash, token_hash};
use crate::search::labels::{security, sensitivities, with_kinds};

/// What a provision restricts the resources to; all of it must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Types, kinds of documents, profiles.
    pub classes: Of<Class>,
    /// Codes: system (0 for any) and code, as hashes.
    pub codes: Of<(u64, u64)>,
    /// Security labels.
    pub labels: Option<Marked>,
    /// When what they tell of was so.
    pub data_period: Option<Interval>,
    /// Certain resources, and what hangs together with them.
    pub data: Of<Data>,
    /// What `meta.source` is, as hashes (an extension of Google's).
    pub origins: Of<u64>,
}

/// What a Coding in `class` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A type of resource.
    Type(ResourceType),
    /// Documents with this type (`Composition.type`, `DocumentReference.type`): system and code, as hashes.
    Document(u64, u64),
    /// What claims this profile, as a hash of its canonical URL.
    Profile(u64),
}

/// Certain resources: how, and the hash of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data {
    /// `Consent.provision.data.meaning`
    pub meaning: Meaning,
    /// [`token_hash`] of the reference.
    pub reference: u64,
}

/// `consent-data-meaning`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the standard's codes
pub enum Meaning {
    Instance,
    Related,
    Dependents,
    AuthoredBy,
}

/// Security labels that a provision names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Confidentiality, from 0 (N and lower) to 2 (V): of a permit the highest, of a deny the lowest named.
    pub confidentiality: Option<u8>,
    /// The sensitivities that are named, and their kinds.
    pub sensitivities: Labels,
    /// The same, and what they are kinds of.
    pub touched: Labels,
    /// Flags of JP-CLINS as they are named: UNINFORMED, UNDELIVERED.
    pub flags: Labels,
    /// In a deny: some label was not understood, so that it is about everything.
    pub everything: bool,
}

/// What only unlabelled rows have.
const PLAIN: Labels = Labels(0);
/// All sensitivities.
static SENSITIVE: LazyLock<Labels> = LazyLock::new(sensitivities);
/// Labels that no consent releases but one that names them.
pub(super) const NEVER: Labels =
    Labels(Labels::UNINFORMED.0 | Labels::UNDELIVERED.0 | Labels::UNKNOWN.0 | Labels::PENDING.0);

impl About {
    /// Reads what a provision says.
    pub(super) fn read(provision: &Map<String, Value>, read: &mut Reading<'_>) -> Result<About, &'static str> {
        let place = ["class", "code", "securityLabel", "data"].map(|name| match name {
            "class" => "Consent.provision.class",
            "code" => "Consent.provision.code",
            "securityLabel" => "Consent.provision.securityLabel",
            _ => "Consent.provision.data",
        });
        let [classes, codes, labels, data] = [
            list(provision, "class", place[0])?,
            list(provision, "code", place[1])?,
            list(provision, "securityLabel", place[2])?,
            list(provision, "data", place[3])?,
        ];
        let data_period =
            provision.get("dataPeriod").map(|stated| period(Some(stated), "Consent.provision.dataPeriod"));
        Ok(About {
            classes: each(&classes, class, place[0], read),
            codes: codes_of(&codes, place[1], read),
            labels: (!labels.is_empty()).then(|| Marked::read(&labels, place[2], read)),
            data_period: data_period.transpose()?,
            data: each(&data, data_of, place[3], read),
            origins: Of::Any,
        })
    }

    /// Whether nothing restricts it.
    pub fn is_everything(&self) -> bool {
        let open = self.classes == Of::Any && self.codes == Of::Any && self.data == Of::Any;
        open && self.origins == Of::Any && self.labels.is_none() && self.data_period.is_none()
    }

    /// Whether a row is one of those, whatever its labels. `behind` are the rows of the record that the resources named in
    /// `data` refer to, as hashes, which the row itself does not tell; `held` those that hang together with documents of the
    /// kinds it names, sorted.
    pub fn includes(&self, seen: &RowFacts<'_>, permits: bool, behind: &[(u64, u64)], held: &[u64]) -> bool {
        let is_held = || !held.is_empty() && held.binary_search(&seen.own()).is_ok();
        (self.classes.includes(|class| class.includes(seen)) || is_held())
            && self.codes.includes(|(system, code)| has_code(seen, *system, *code))
            && self.data_period.is_none_or(|period| in_period(seen, period, permits))
            && self.data.includes(|data| data.includes(seen, permits, behind))
            && self.origins.includes(|origin| comes_from(seen, *origin, permits))
    }

    /// Whether it is about what is so labelled; `professional` says whether who asks may be shown at all what a patient has not
    /// been told.
    pub fn is_labelled(&self, labels: Labels, permits: bool, professional: bool) -> bool {
        match &self.labels {
            None => !permits || labels.is_empty(),
            Some(marked) if permits => marked.permits(labels, professional),
            Some(marked) => marked.denies(labels),
        }
    }
}

impl Class {
    pub(super) fn includes(self, seen: &RowFacts<'_>) -> bool {
        let has = |of: Parameter, system: u64, code: u64| {
            seen.tokens.iter().any(|t| t.parameter == of && t.code == code && (system == 0 || t.system == system))
        };
        match self {
            Class::Type(resource_type) => seen.resource_type == resource_type,
            Class::Document(system, code) => {
                let is_document = ["Composition", "DocumentReference"].contains(&seen.resource_type.name());
                is_document && has(Parameter::TYPE, system, code)
            }
            Class::Profile(hash) => profile().is_some_and(|of| has(of, 0, hash)),
        }
    }
}

impl Data {
    fn includes(self, seen: &RowFacts<'_>, permits: bool, behind: &[(u64, u64)]) -> bool {
        let itself = seen.own() == self.reference;
        let refers = || seen.references.contains(&self.reference);
        let is_behind = || !behind.is_empty() && behind.contains(&(self.reference, seen.own()));
        match self.meaning {
            Meaning::Instance => itself,
            // R4: what it refers to. IHE PCF: what refers to it. A deny is about both.
            Meaning::Related => itself || is_behind() || (!permits && refers()),
            Meaning::Dependents => itself || refers() || (!permits && is_behind()),
            Meaning::AuthoredBy => {
                let by = authors();
                let wrote = seen.tokens.iter().any(|t| t.code == self.reference && by.contains(&t.parameter));
                // Not every element that names a writer is a search parameter (Condition.recorder): a deny is about
                // whatever names them.
                wrote || (!permits && refers())
            }
        }
    }
}

impl Marked {
    fn read(concepts: &[&Value], place: &'static str, read: &mut Reading<'_>) -> Marked {
        let permits = read.permits();
        let mut marked = Marked::default();
        let (mut unknown, mut named) = (false, PLAIN);
        for label in concepts {
            let part = |name| label.get(name).and_then(Value::as_str).unwrap_or_default();
            let (system, code) = (part("system"), part("code"));
            let rank = match (system, code) {
                (CONFIDENTIALITY, "U" | "L" | "M" | "N") => Some(0),
                (CONFIDENTIALITY, "R") => Some(1),
                (CONFIDENTIALITY, "V") => Some(2),
                _ => None,
            };
            let sensitive =
                if system == system::V3_ACT_CODE { security(system, code).and(sensitivities()) } else { PLAIN };
            let flag = if system == system::CLINS_INDICATION { flag(code) } else { PLAIN };
            unknown |= rank.is_none() && sensitive.is_empty() && flag.is_empty();
            marked.flags = marked.flags.union(flag);
            named = named.union(sensitive);
            marked.confidentiality = match (marked.confidentiality, rank) {
                (Some(a), Some(b)) => Some(if permits { a.max(b) } else { a.min(b) }),
                (a, b) => a.or(b),
            };
        }
        marked.sensitivities = with_kinds(named);
        let touches = |one: &Labels| !with_kinds(*one).and(named).is_empty();
        let above = (0..u32::BITS).map(|bit| SENSITIVE.and(Labels(1 << bit))).filter(touches);
        marked.touched = above.fold(marked.sensitivities, Labels::union);
        marked.everything = read.of(Vec::<()>::new(), unknown, place) == Of::Any;
        marked
    }

    /// Whether a permit that names them is about something so labelled: its confidentiality is not higher, every sensitivity
    /// it has is named, and something of it is.
    fn permits(self, labels: Labels, professional: bool) -> bool {
        let named = self.sensitivities;
        let sensitive = labels.and(*SENSITIVE);
        // What is sensitive is restricted: who may have it by its name may have it so.
        let highest = self.confidentiality.unwrap_or(u8::from(!sensitive.is_empty()));
        let told = if professional { self.flags } else { PLAIN };
        let meant = self.confidentiality.is_some() || !sensitive.and(named).is_empty() || !labels.and(told).is_empty();
        meant
            && labels.and(NEVER).without(told).is_empty()
            && sensitive.without(named).is_empty()
            && rank(labels) <= highest
    }

    /// Whether a deny that names them is about something so labelled: its confidentiality is not lower, or it has one of the
    /// sensitivities, a kind of one, or one that they are a kind of.
    fn denies(self, labels: Labels) -> bool {
        let marked = self.touched.union(self.flags).union(Labels::UNKNOWN);
        self.everything
            || !labels.and(marked).is_empty()
            || self.confidentiality.is_some_and(|lowest| rank(labels) >= lowest)
    }
}

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const TYPES: &str = "http://hl7.org/fhir/resource-types";

fn flag(code: &str) -> Labels {
    match code {
        "UNINFORMED" => Labels::UNINFORMED,
        "UNDELIVERED" => Labels::UNDELIVERED,
        _ => PLAIN,
    }
}

fn rank(labels: Labels) -> u8 {
    let has = |of: Labels| !labels.and(of).is_empty();
    if has(Labels::VERY_RESTRICTED) { 2 } else { u8::from(has(Labels::RESTRICTED)) }
}

/// A permit is about what lies in the period, a deny about what touches it; what has no date lies in none and may touch any.
fn in_period(seen: &RowFacts<'_>, period: Interval, permits: bool) -> bool {
    match clinical_interval(seen.dates) {
        None => !permits,
        Some(stated) if permits => period.start <= stated.start && stated.end <= period.end,
        Some(stated) => stated.start < period.end && period.start < stated.end,
    }
}

fn has_code(seen: &RowFacts<'_>, system: u64, code: u64) -> bool {
    let by = coded();
    let is = |token: &Token| token.code == code && (system == 0 || token.system == system);
    seen.tokens.iter().any(|token| is(token) && by.contains(&token.parameter))
}

/// Whether `meta.source` is this. What has none comes from nowhere that a permit can name, and from anywhere for a deny.
fn comes_from(seen: &RowFacts<'_>, origin: u64, permits: bool) -> bool {
    static NAME: LazyLock<Vec<Parameter>> = LazyLock::new(|| numbers(&[("Observation", "_source")]));
    let mut sources = seen.tokens.iter().filter(|token| NAME.contains(&token.parameter)).peekable();
    (sources.peek().is_none() && !permits) || sources.any(|token| token.code == origin)
}

fn each<T>(items: &[&Value], one: fn(&Value) -> Option<T>, place: &'static str, read: &mut Reading<'_>) -> Of<T> {
    if items.is_empty() {
        return Of::Any;
    }
    let known: Vec<T> = items.iter().filter_map(|item| one(item)).collect();
    let unknown = known.len() < items.len();
    read.of(known, unknown, place)
}

fn class(coding: &Value) -> Option<Class> {
    let code = coding.get("code")?.as_str().filter(|code| !code.is_empty())?;
    match coding.get("system").and_then(Value::as_str)? {
        // Formats of documents, which R4 allows here too, are not among the facts.
        "urn:ietf:bcp:13" | "urn:oid:1.3.6.1.4.1.19376.1.2.3" => None,
        "http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem" => None,
        TYPES => ResourceType::parse(code).map(Class::Type),
        "urn:ietf:rfc:3986" => Some(Class::Profile(token_hash(code))),
        // Content classes of R4 (consent-content-class) name types and profiles by their URL.
        "http://hl7.org/fhir/StructureDefinition" => Some(Class::Profile(token_hash(code))),
        system => Some(Class::Document(system_hash(system), coded_hash(system, code))),
    }
}

fn data_of(data: &Value) -> Option<Data> {
    let meaning = match data.get("meaning")?.as_str()? {
        "instance" => Meaning::Instance,
        "related" => Meaning::Related,
        "dependents" => Meaning::Dependents,
        "authoredby" => Meaning::AuthoredBy,
        _ => return None,
    };
    let known = data.as_object()?.keys().all(|name| ["id", "meaning", "reference"].contains(&name.as_str()));
    Some(Data { meaning, reference: token_hash(&reference(data).filter(|_| known)?) })
}

fn codes_of(concepts: &[&Value], place: &'static str, read: &mut Reading<'_>) -> Of<(u64, u64)> {
    if concepts.is_empty() {
        return Of::Any;
    }
    let (mut known, mut unknown) = (Vec::new(), false);
    for concept in concepts {
        let before = known.len();
        for coding in concept.get("coding").and_then(Value::as_array).into_iter().flatten() {
            let text = |name| coding.get(name).and_then(Value::as_str);
            if let Some(code) = text("code").filter(|code| !code.is_empty()) {
                let system = text("system").map(oid::canonical).unwrap_or_default();
                known.push((if system.is_empty() { 0 } else { system_hash(system) }, coded_hash(system, code)));
            }
        }
        unknown |= known.len() == before;
    }
    read.of(known, unknown, place)
}

/// The parameters whose tokens are what a resource is about.
fn coded() -> &'static [Parameter] {
    static NAMES: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
        numbers(&[
            ("Observation", "code"),
            ("Observation", "combo-code"),
            ("Observation", "category"),
            ("Composition", "type"),
            ("Immunization", "vaccine-code"),
        ])
    });
    &NAMES
}

/// The parameters that say who said something.
fn authors() -> &'static [Parameter] {
    static NAMES: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
        numbers(&[
            ("Composition", "author"),
            ("Observation", "performer"),
            ("Condition", "asserter"),
            ("AllergyIntolerance", "recorder"),
            ("ServiceRequest", "requester"),
            ("MedicationStatement", "source"),
            ("Provenance", "agent"),
            ("Encounter", "service-provider"),
            ("DocumentReference", "custodian"),
        ])
    });
    &NAMES
}

fn profile() -> Option<Parameter> {
    static NAME: LazyLock<Vec<Parameter>> = LazyLock::new(|| numbers(&[("Observation", "_profile")]));
    NAME.first().copied()
}

fn numbers(of: &[(&str, &str)]) -> Vec<Parameter> {
    let base = Definitions::base();
    let found = of.iter().filter_map(|(name, code)| Some(base.find(ResourceType::parse(name)?, code)?.parameter));
    let mut all: Vec<Parameter> = found.filter(|parameter| *parameter != Parameter::NONE).collect();
    all.sort_unstable();
    all.dedup();
    all
}
