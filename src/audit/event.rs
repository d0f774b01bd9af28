//! What is recorded of one access. It names patients by key; no text of a resource is ever in it. A search is kept as it was
//! asked, for those alone who may read the audit record.

use core::net::IpAddr;

use crate::consent::{Caller, ConsentVersion, Purpose, Role};
use crate::fault::Denied;
use crate::fhir::{PatientKey, ResourceId, ResourceType};

/// One access, or the refusal of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, milliseconds since 1970.
    pub recorded_ms: i64,
    /// What was asked for.
    pub what: What,
    /// How it ended.
    pub outcome: Outcome,
    /// Who asked; `None` when it is not known.
    pub agent: Option<Agent>,
    /// From where. Personal data of staff at most; the guideline asks for it (安全管理ガイドライン 6.0, 17①).
    pub address: Option<IpAddr>,
    /// The type that was asked for.
    pub resource_type: Option<ResourceType>,
    /// The resource that was asked for.
    pub id: Option<ResourceId>,
    /// The patients of whom something left; for a refused read, the patient it was about.
    pub patients: Vec<PatientKey>,
    /// Which parameters the query had, and of a search the whole of it.
    pub query: QueryShape,
    /// The gateway's own id of the request.
    pub request: String,
    /// The consents that permitted it; of a refusal for want of consent, those that refused.
    pub consents: Vec<ConsentVersion>,
    /// How many resources left.
    pub count: u32,
    /// What for, where whoever asked said it or its role does.
    pub purpose: Option<Purpose>,
    /// The person who signed in: `Practitioner/id`.
    pub person: Option<Box<str>>,
}

impl Event {
    /// The beginning of an event: done, by nobody known, about nothing yet.
    pub fn new(recorded_ms: i64, what: What) -> Self {
        Event {
            recorded_ms,
            what,
            outcome: Outcome::Done,
            agent: None,
            address: None,
            resource_type: None,
            id: None,
            patients: Vec::new(),
            query: QueryShape::default(),
            request: String::new(),
            consents: Vec::new(),
            count: 0,
            purpose: None,
            person: None,
        }
    }

    /// Whether something about a patient left to somebody because of it: a disclosure.
    pub fn discloses(&self) -> bool {
        matches!(self.what, What::Send | What::Export) && self.outcome == Outcome::Done && !self.patients.is_empty()
    }
}

/// What was asked for. The number is stored and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum What {
    /// One resource.
    Read = 1,
    /// One version.
    VersionRead = 2,
    /// The versions of one.
    History = 3,
    /// A search.
    Search = 4,
    /// `Patient/$everything`.
    Everything = 5,
    /// A create over REST.
    Create = 6,
    /// An update over REST.
    Update = 7,
    /// A delete over REST.
    Delete = 8,
    /// A letter handed in.
    Receive = 9,
    /// Something sent out unasked: a notification, a file.
    Send = 10,
    /// The text of a kept letter, shown to the operator.
    LetterRead = 11,
    /// A record made anew from its letters.
    Replay = 12,
    /// A held letter taken off the list by the operator.
    LetterDropped = 13,
    /// A batch or transaction; what its entries read is recorded entry by entry.
    Transaction = 14,
    /// A bulk export: begun, looked after, or a part of a file fetched.
    Export = 16,
    /// A bulk import.
    Import = 17,
    /// `$validate`
    Validate = 20,
    /// `$meta`
    Meta = 21,
    /// `$meta-add`
    MetaAdd = 22,
    /// `$meta-delete`
    MetaDelete = 23,
    /// `$document`
    Document = 24,
    /// `$docref`
    DocRef = 25,
    /// `$lastn`
    LastN = 26,
    /// `$summary`
    Summary = 27,
    /// `ValueSet/$expand`
    Expand = 30,
    /// `CodeSystem/$lookup`
    LookUp = 31,
    /// `CodeSystem/$subsumes`
    Subsumes = 32,
    /// `ConceptMap/$translate`
    Translate = 33,
    /// `ValueSet/$validate-code`, `CodeSystem/$validate-code`
    ValidateCode = 34,
    /// An access token asked for.
    Token = 40,
    /// A token asked about (RFC 7662).
    Introspection = 41,
    /// A token withdrawn (RFC 7009).
    Revocation = 42,
    /// A record opened in an emergency.
    EmergencyStarted = 50,
    /// A record closed that was open in an emergency.
    EmergencyStopped = 51,
    /// Emergencies that nobody has reviewed.
    EmergencyReviews = 52,
    /// Who may see what, and why.
    AccessReview = 53,
    /// A patch over REST.
    Patch = 60,
    /// `Patient/$access-report`: who has seen what of a patient.
    AccessReport = 61,
    /// The audit record itself, written out by the operator.
    AuditExport = 62,
    /// The gateway was started.
    Start = 63,
    /// The gateway was stopped.
    Stop = 64,
    /// Which clients or people may call was changed while the gateway ran.
    ClientsChanged = 65,
    /// Which maps are in force was changed while the gateway ran.
    MapsChanged = 66,
    /// Two records linked: they are one person's.
    Link = 70,
    /// A link taken away.
    Unlink = 71,
    /// What links there are, or which somebody must look at.
    LinkReview = 72,
    /// `Patient/$match`
    Match = 73,
    /// `Patient/$ihe-pix`
    CrossReference = 74,
    /// `Patient/$register`: what a paper form says is entered.
    Register = 80,
    /// `Patient/$revoke`: a consent is withdrawn.
    Revoke = 81,
    /// `Patient/$register-batch`, or the same by the operator.
    RegisterBatch = 82,
    /// `Patient/$registration-report`: how many were registered, and whose registration ends.
    RegistrationReport = 83,
    /// `Patient/$registration-form`: the scan of a form.
    RegistrationForm = 84,
    /// Something this version of the program does not know.
    Other = 255,
}

/// How it ended. The number is stored and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// As asked.
    Done = 1,
    /// There is no such thing.
    NotFound = 2,
    /// The request was not a proper one.
    Rejected = 3,
    /// The machine failed; nothing left.
    Failed = 4,
    /// The caller is not known.
    UnknownCaller = 5,
    /// The caller's role does not include it.
    Role = 6,
    /// No consent covers it; the caller was told that it does not exist.
    Consent = 7,
    /// The caller's token is not good for it.
    Scope = 8,
    /// Something this version of the program does not know.
    Other = 255,
}

/// Who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The client's id in the configuration.
    pub client: String,
    /// `Organization/id`.
    pub organization: String,
    /// Its role.
    pub role: Role,
}

/// The names of a query's parameters with their modifiers; of a search, its text too.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct QueryShape {
    names: Vec<Box<str>>,
    asked: Box<str>,
}

/// Longest text of a search that is kept, bytes; no longer one is answered.
pub const ASKED_BYTES_MAX: usize = 16 * 1024;

/// Longest parameter name kept; a chain of `_has` fits.
const NAME_BYTES_MAX: usize = 100;
/// Most parameter names kept of one query.
const NAMES_MAX: usize = 50;

impl QueryShape {
    /// Of parameter names as they stand before the `=`. A name is the caller's text too: one that does not look like a
    /// search parameter's is kept as `?`.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let kept = |name: &'a str| -> Box<str> { if is_parameter(name) { name.into() } else { "?".into() } };
        QueryShape { names: names.into_iter().take(NAMES_MAX).map(kept).collect(), asked: "".into() }
    }

    /// With the text of the search, as it was asked (percent-encoded, without the `?`); what is beyond [`ASKED_BYTES_MAX`] is
    /// cut off.
    pub fn with_asked(self, text: &str) -> Self {
        let asked = text.get(..text.floor_char_boundary(ASKED_BYTES_MAX)).unwrap_or_default();
        QueryShape { asked: asked.into(), ..self }
    }

    /// The text of the search as it was asked; empty where it was none.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// The names.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// `patient&code:in&date`
    pub fn text(&self) -> String {
        self.names.join("&")
    }
}

/// Whoever writes it into a log writes no value.
impl core::fmt::Debug for QueryShape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("QueryShape").field(&self.names).finish()
    }
}

/// A letter or `_`, then letters, `-`, `_` and what modifiers and chains are made of; no digits, so no numbers of people.
fn is_parameter(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let rest = name.bytes().all(|b| b.is_ascii_alphabetic() || b"_-:.".contains(&b));
    first && rest && name.len() <= NAME_BYTES_MAX
}

impl From<&Caller> for Agent {
    fn from(caller: &Caller) -> Self {
        Agent { client: caller.client.clone(), organization: caller.organization.clone(), role: caller.role }
    }
}

impl From<Denied> for Outcome {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::UnknownCaller | Denied::Assurance => Outcome::UnknownCaller,
            Denied::Role => Outcome::Role,
            Denied::Consent => Outcome::Consent,
            Denied::Scope => Outcome::Scope,
        }
    }
}

impl What {
    /// All that are stored.
    pub const ALL: [What; 53] = [
        What::Read,
        What::VersionRead,
        What::History,
        What::Search,
        What::Everything,
        What::Create,
        What::Update,
        What::Delete,
        What::Receive,
        What::Send,
        What::LetterRead,
        What::Replay,
        What::LetterDropped,
        What::Transaction,
        What::Export,
        What::Import,
        What::Validate,
        What::Meta,
        What::MetaAdd,
        What::MetaDelete,
        What::Document,
        What::DocRef,
        What::LastN,
        What::Summary,
        What::Expand,
        What::LookUp,
        What::Subsumes,
        What::Translate,
        What::ValidateCode,
        What::Token,
        What::Introspection,
        What::Revocation,
        What::EmergencyStarted,
        What::EmergencyStopped,
        What::EmergencyReviews,
        What::AccessReview,
        What::Patch,
        What::AccessReport,
        What::AuditExport,
        What::Start,
        What::Stop,
        What::ClientsChanged,
        What::MapsChanged,
        What::Link,
        What::Unlink,
        What::LinkReview,
        What::Match,
        What::CrossReference,
        What::Register,
        What::Revoke,
        What::RegisterBatch,
        What::RegistrationReport,
        What::RegistrationForm,
    ];

    /// The name of the operation that was called, without its `$`.
    pub(super) const fn operation(self) -> Option<&'static str> {
        Some(match self {
            What::Everything => "everything",
            What::Validate => "validate",
            What::Meta => "meta",
            What::MetaAdd => "meta-add",
            What::MetaDelete => "meta-delete",
            What::Document => "document",
            What::DocRef => "docref",
            What::LastN => "lastn",
            What::Summary => "summary",
            What::Expand => "expand",
            What::LookUp => "lookup",
            What::Subsumes => "subsumes",
            What::Translate => "translate",
            What::ValidateCode => "validate-code",
            What::AccessReport => "access-report",
            What::Match => "match",
            What::CrossReference => "ihe-pix",
            What::Register => "register",
            What::Revoke => "revoke",
            What::RegisterBatch => "register-batch",
            What::RegistrationReport => "registration-report",
            What::RegistrationForm => "registration-form",
            _ => return None,
        })
    }
}

impl Outcome {
    /// All that are stored.
    pub const ALL: [Outcome; 8] = [
        Outcome::Done,
        Outcome::NotFound,
        Outcome::Rejected,
        Outcome::Failed,
        Outcome::UnknownCaller,
        Outcome::Role,
        Outcome::Consent,
        Outcome::Scope,
    ];
}

/// The AuditEvent's id: the number of its chunk and its place in it. Ids sort by time.
pub fn id_of(chunk: u64, index: u32) -> Option<ResourceId> {
    ResourceId::parse(&format!("{chunk:016x}-{index:08x}"))
}

/// The chunk and the place in it behind an id that [`id_of`] made.
pub fn place_of(id: &str) -> Option<(u64, u32)> {
    let (chunk, index) = id.split_once('-')?;
    let place = (u64::from_str_radix(chunk, 16).ok()?, u32::from_str_radix(index, 16).ok()?);
    id_of(place.0, place.1).filter(|made| made.as_str() == id)?;
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_no_value() {
        let names = ["patient", "_has:Observation:patient:code", "山田", "12345", "", "code:not-in", "a=b", "name 1"];
        let shape = QueryShape::of(names);
        assert_eq!(shape.text(), "patient&_has:Observation:patient:code&?&?&?&code:not-in&?&?");
        assert_eq!(QueryShape::of(["a".repeat(NAME_BYTES_MAX).as_str()]).text().len(), NAME_BYTES_MAX);
        assert_eq!(QueryShape::of(["a".repeat(NAME_BYTES_MAX + 1).as_str()]).text(), "?");
        assert_eq!(QueryShape::of(vec!["a"; NAMES_MAX + 1]).names().len(), NAMES_MAX);
    }

    #[test]
    fn a_search_is_kept_up_to_the_limit_in_whole_characters() {
        let kept = |text: &str| QueryShape::default().with_asked(text).asked().len();
        let longest = "a".repeat(ASKED_BYTES_MAX);
        assert_eq!(kept(&longest), ASKED_BYTES_MAX);
        assert_eq!(kept(&format!("{longest}a")), ASKED_BYTES_MAX);
        assert_eq!(kept(&format!("{}あ", &longest[1..])), ASKED_BYTES_MAX - 1);
    }

    #[test]
    fn an_id_leads_back_to_its_event() {
        let id = id_of(u64::MAX, 7).unwrap();
        assert_eq!(place_of(id.as_str()), Some((u64::MAX, 7)));
        assert!(id_of(1, 9).unwrap() < id_of(2, 0).unwrap());
        for text in ["", "1-1", "FFFFFFFFFFFFFFFF-00000007", "+000000000000001-00000001", "0000000000000001-00000001-"]
        {
            assert_eq!(place_of(text), None, "{text}");
        }
    }
}
