//! A provision of a Consent (consent.html, Consent.provision) as a rule: whom and what it is about, what it says of it, and
//! its exceptions, to any depth.
//!
//! What is not understood is decided when the rule is read: in a permit it is nobody and nothing, in a deny everybody and
//! everything (docs/adr/0035). An element that restricts in a way that R4 does not know makes the whole Consent not
//! understood.

use serde_json::{Map, Value};

use super::about::About;
use super::member::{MEMBER_KIND, MemberKind};
use super::purpose::Purpose;
use crate::fhir::ResourceId;
use crate::fhir::time::Interval;
use crate::search::facts::token_hash;

/// One provision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether it permits; it denies otherwise.
    pub permits: bool,
    /// When it holds.
    pub period: Interval,
    /// Who receives.
    pub recipients: Of<Recipient>,
    /// Who discloses, as references to Organizations.
    pub sources: Of<Box<str>>,
    /// With which applications (Google's extension Environment): system and code.
    pub applications: Of<(Box<str>, Box<str>)>,
    /// What for.
    pub purposes: Of<Purpose>,
    /// Whether an emergency is among its purposes, or may be.
    pub urgent: bool,
    /// Whether it is about reading at all (`action`).
    pub reads: bool,
    /// Which resources.
    pub about: About,
    /// Where it is otherwise.
    pub exceptions: Vec<Rule>,
}

/// Who receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// As a reference: `Organization/a`, `CareTeam/b`, `Practitioner/c`.
    Named(Box<str>),
    /// Every member of a kind.
    Kind(MemberKind),
}

/// What an element of a rule restricts it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of<T> {
    /// Nothing: whatever it is.
    Any,
    /// To one of these; nothing at all when there are none.
    These(Vec<T>),
}

/// Deepest nesting that is read.
pub const DEPTH_MAX: usize = 16;
/// Offset of dates that carry none: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;
/// Roles of an actor that mean "receives": v3-ParticipationType IRCP and PRCP, v3-RoleCode GRANTEE.
const RECEIVES: [&str; 3] = ["IRCP", "PRCP", "GRANTEE"];
/// Roles of an actor that mean "discloses": v3-ParticipationType CST (custodian).
const DISCLOSES: [&str; 1] = ["CST"];
/// Actions (consentaction) that let data be read.
const READS: [&str; 3] = ["access", "use", "disclose"];
const ACTIONS: [&str; 5] = ["collect", "access", "use", "disclose", "correct"];
/// What a recipient may be.
const RECIPIENTS: [&str; 5] = ["Organization", "CareTeam", "Practitioner", "PractitionerRole", "Group"];
/// Google Cloud Healthcare API: with which application (docs, FHIR consent, "Environment").
const ENVIRONMENT: &str = "https://g.co/fhir/medicalrecords/Environment";
/// Google Cloud Healthcare API: what `meta.source` of the data is.
const DATA_SOURCE: &str = "https://g.co/fhir/medicalrecords/DataSource";
const MEMBERS: [&str; 13] = [
    "id",
    "extension",
    "type",
    "period",
    "actor",
    "action",
    "securityLabel",
    "purpose",
    "class",
    "code",
    "dataPeriod",
    "data",
    "provision",
];

/// What was noticed while rules were read: the first element that was not understood, as the alarm names it.
pub(super) type Noticed = Option<&'static str>;

impl Rule {
    /// Reads a provision with its exceptions. An error is the element for which the Consent as a whole is not understood.
    pub(super) fn read(
        provision: &Map<String, Value>,
        depth: usize,
        noticed: &mut Noticed,
    ) -> Result<Rule, &'static str> {
        if depth == DEPTH_MAX {
            return Err("Consent.provision.provision");
        }
        if !provision.keys().all(|name| MEMBERS.contains(&name.as_str())) {
            return Err("Consent.provision: an element that R4 does not know");
        }
        let permits = match provision.get("type").and_then(Value::as_str) {
            Some("permit") => true,
            Some("deny") => false,
            _ => return Err("Consent.provision.type"),
        };
        let actors = list(provision, "actor", "Consent.provision.actor")?;
        let mut read = Reading { permits, noticed };
        let (recipients, sources) = read.actors(&actors);
        let extensions = list(provision, "extension", "Consent.provision.extension")?;
        let (applications, origins) = extended(&extensions)?;
        let purposes = list(provision, "purpose", "Consent.provision.purpose")?;
        let urgent = |coding: &&Value| purpose(coding).map_or(!permits, Purpose::is_emergency);
        let rule = Rule {
            permits,
            urgent: purposes.iter().any(urgent),
            period: period(provision.get("period"), "Consent.provision.period")?,
            recipients,
            sources,
            applications,
            purposes: read.purposes(&purposes),
            reads: read.actions(&list(provision, "action", "Consent.provision.action")?),
            about: About { origins, ..About::read(provision, &mut read)? },
            exceptions: Vec::new(),
        };
        let inner = list(provision, "provision", "Consent.provision.provision")?;
        let inner = inner.iter().map(|inner| {
            let inner = inner.as_object().ok_or("Consent.provision.provision")?;
            Rule::read(inner, depth + 1, noticed)
        });
        Ok(Rule { exceptions: inner.collect::<Result<_, _>>()?, ..rule })
    }

    /// Whom a permit is for, at any depth: those whom it names, else those whom the next rule around it names; `None` is
    /// every member.
    pub(super) fn permitted<'r>(&'r self, around: &'r Of<Recipient>, found: &mut Vec<Option<&'r Recipient>>) {
        let here = if self.recipients == Of::Any { around } else { &self.recipients };
        if self.permits {
            match here {
                Of::Any => found.push(None),
                Of::These(named) => found.extend(named.iter().map(Some)),
            }
        }
        self.exceptions.iter().for_each(|inner| inner.permitted(here, found));
    }
}

/// What extensions of a provision restrict it to; any other than these makes the Consent not understood.
type Extended = (Of<(Box<str>, Box<str>)>, Of<u64>);

fn extended(extensions: &[&Value]) -> Result<Extended, &'static str> {
    const PLACE: &str = "Consent.provision.extension";
    let (mut applications, mut origins) = (Of::Any, Of::Any);
    for extension in extensions {
        let members = extension.as_object().filter(|members| members.len() == 2).ok_or(PLACE)?;
        match members.get("url").and_then(Value::as_str) {
            Some(ENVIRONMENT) => {
                let codings =
                    extension.pointer("/valueCodeableConcept/coding").and_then(Value::as_array).ok_or(PLACE)?;
                let named = codings
                    .iter()
                    .map(|coding| Some((coding["system"].as_str()?.into(), coding["code"].as_str()?.into())));
                applications.add(named.collect::<Option<Vec<_>>>().ok_or(PLACE)?);
            }
            Some(DATA_SOURCE) => {
                let source = members.get("valueUri").and_then(Value::as_str).ok_or(PLACE)?;
                origins.add(vec![token_hash(source)]);
            }
            _ => return Err(PLACE),
        }
    }
    Ok((applications, origins))
}

/// How the elements of one provision are read.
pub(super) struct Reading<'n> {
    permits: bool,
    noticed: &'n mut Noticed,
}

impl Reading<'_> {
    /// What a rule is about of which some is not understood at `place`: in a permit what is, in a deny everything.
    pub(super) fn of<T>(&mut self, known: Vec<T>, unknown: bool, place: &'static str) -> Of<T> {
        if unknown {
            self.noticed.get_or_insert(place);
        }
        if unknown && !self.permits { Of::Any } else { Of::These(known) }
    }

    /// What cannot be understood at all.
    fn nothing<T>(&mut self, place: &'static str) -> Of<T> {
        self.of(Vec::new(), true, place)
    }

    /// Those who receive and those who disclose.
    fn actors(&mut self, actors: &[&Value]) -> (Of<Recipient>, Of<Box<str>>) {
        const PLACE: &str = "Consent.provision.actor";
        let (mut receive, mut disclose, mut unknown) = (Vec::new(), Vec::new(), false);
        for actor in actors {
            let named = |kinds: &[&str]| reference(actor).filter(|name| is_one_of(name, kinds));
            match (has_role(actor, &RECEIVES), has_role(actor, &DISCLOSES)) {
                (true, false) => receive.push(named(&RECIPIENTS).map(Recipient::Named).or_else(|| member_kind(actor))),
                (false, true) => disclose.push(named(&RECIPIENTS[..1])),
                _ => unknown = true,
            }
        }
        if unknown {
            // Somebody takes part in a way that is not known: it may narrow the rule in any way.
            return (self.nothing(PLACE), Of::Any);
        }
        (self.side(receive, PLACE), self.side(disclose, PLACE))
    }

    fn side<T>(&mut self, named: Vec<Option<T>>, place: &'static str) -> Of<T> {
        let all = named.len();
        let known: Vec<T> = named.into_iter().flatten().collect();
        let unknown = known.len() < all;
        if all == 0 { Of::Any } else { self.of(known, unknown, place) }
    }

    fn purposes(&mut self, purposes: &[&Value]) -> Of<Purpose> {
        if purposes.is_empty() {
            return Of::Any;
        }
        let known: Vec<Purpose> = purposes.iter().filter_map(|coding| purpose(coding)).collect();
        let unknown = known.len() < purposes.len();
        self.of(known, unknown, "Consent.provision.purpose")
    }

    fn actions(&mut self, actions: &[&Value]) -> bool {
        let codes = |action: &Value| -> Vec<String> {
            let codings = action.get("coding").and_then(Value::as_array).into_iter().flatten();
            codings.filter_map(|coding| coding.get("code")?.as_str().map(str::to_owned)).collect()
        };
        let all: Vec<Vec<String>> = actions.iter().map(|action| codes(action)).collect();
        let is_in = |known: &[&str], codes: &Vec<String>| codes.iter().any(|code| known.contains(&code.as_str()));
        let unknown = all.iter().any(|codes| !is_in(&ACTIONS, codes));
        if unknown {
            self.noticed.get_or_insert("Consent.provision.action");
        }
        all.is_empty() || all.iter().any(|codes| is_in(&READS, codes)) || (unknown && !self.permits)
    }

    pub(super) fn permits(&self) -> bool {
        self.permits
    }
}

/// The items of a list; nothing where it is not there.
pub(super) fn list<'v>(
    members: &'v Map<String, Value>,
    name: &str,
    place: &'static str,
) -> Result<Vec<&'v Value>, &'static str> {
    match members.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if !items.is_empty() => Ok(items.iter().collect()),
        Some(_) => Err(place),
    }
}

/// Start at the earliest instant its precision allows, end after the latest.
pub(super) fn period(period: Option<&Value>, place: &'static str) -> Result<Interval, &'static str> {
    let Some(period) = period else { return Ok(Interval::ALWAYS) };
    let members = period.as_object().filter(|members| !members.is_empty()).ok_or(place)?;
    if !members.keys().all(|name| ["id", "start", "end"].contains(&name.as_str())) {
        return Err(place);
    }
    let covered = |name: &str| match members.get(name) {
        None => Ok(Interval::ALWAYS),
        Some(date) => date.as_str().and_then(|date| Interval::parse(date, ZONE_MINUTES)).ok_or(place),
    };
    let interval = Interval { start: covered("start")?.start, end: covered("end")?.end };
    if interval.start < interval.end { Ok(interval) } else { Err(place) }
}

/// A literal reference, where that is all there is to it.
pub(super) fn reference(of: &Value) -> Option<Box<str>> {
    const MEMBERS: [&str; 5] = ["id", "reference", "type", "identifier", "display"];
    let reference = of.get("reference")?.as_object()?;
    let plain = reference.keys().all(|name| MEMBERS.contains(&name.as_str()));
    let text = reference.get("reference")?.as_str()?;
    let (resource_type, id) = text.split_once('/')?;
    let stated = reference.get("type").is_none_or(|stated| stated == resource_type);
    ResourceId::parse(id).filter(|_| plain && stated)?;
    Some(text.into())
}

/// A kind of member, by its logical reference.
fn member_kind(actor: &Value) -> Option<Recipient> {
    let reference = actor.get("reference")?.as_object()?;
    let identifier = reference.get("identifier")?;
    let plain = reference.keys().all(|name| ["id", "identifier", "display", "type"].contains(&name.as_str()));
    let kind = identifier["value"].as_str().filter(|_| plain && identifier["system"] == MEMBER_KIND)?;
    MemberKind::parse(kind).map(Recipient::Kind)
}

fn is_one_of(reference: &str, types: &[&str]) -> bool {
    reference.split_once('/').is_some_and(|(resource_type, _)| types.contains(&resource_type))
}

fn has_role(actor: &Value, roles: &[&str]) -> bool {
    let plain = actor
        .as_object()
        .is_some_and(|members| members.keys().all(|name| ["id", "role", "reference"].contains(&name.as_str())));
    let is_role = |coding: &Value| coding["code"].as_str().is_some_and(|code| roles.contains(&code));
    let codings = actor.pointer("/role/coding").and_then(Value::as_array);
    plain && codings.is_some_and(|codings| !codings.is_empty() && codings.iter().all(is_role))
}

/// A Coding of v3-ActReason; one without a system counts, another system's does not.
fn purpose(coding: &Value) -> Option<Purpose> {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
    let system = coding.get("system").map_or(Some(SYSTEM), Value::as_str)?;
    Purpose::parse(coding.get("code")?.as_str()?).filter(|_| system == SYSTEM)
}

impl<T> Of<T> {
    fn add(&mut self, more: Vec<T>) {
        match self {
            Of::Any => *self = Of::These(more),
            Of::These(these) => these.extend(more),
        }
    }

    /// Whether one of what it is restricted to passes, or it is not restricted.
    pub(super) fn includes(&self, passes: impl FnMut(&T) -> bool) -> bool {
        match self {
            Of::Any => true,
            Of::These(these) => these.iter().any(passes),
        }
    }
}
