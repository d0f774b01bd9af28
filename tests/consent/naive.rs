//! docs/adr/0035 a second time: the rules as a person reads them, straight over the JSON of Consents and resources. It
//! shares nothing with `src/consent` and `src/search`, so that what both make of a case can be compared.

use serde_json::Value;

use crate::plainly::{self, Labels};

const MEMBER_KIND: &str = "https://tasuki.example/fhir/CodeSystem/member-kind";
const ENVIRONMENT: &str = "https://g.co/fhir/medicalrecords/Environment";
const DATA_SOURCE: &str = "https://g.co/fhir/medicalrecords/DataSource";
/// Consent in R4: what restricts nothing, and what is read here.
const OF_CONSENT: &str = " resourceType id meta language text contained extension identifier status scope category patient \
    dateTime performer organization sourceAttachment sourceReference policy policyRule verification provision ";
const OF_PROVISION: &str =
    " id extension type period actor action securityLabel purpose class code dataPeriod data provision ";
/// Levels of provisions, the outermost among them.
const LEVELS: usize = 16;

/// Why something is denied, not only permitted by none.
const DENIALS: [&str; 3] = ["an exception that denies", "a consent that denies", "a limit of the network"];

/// What becomes of one resource, and why, for the counting of cases.
pub struct Answer {
    pub permitted: bool,
    pub why: String,
}

/// The case as it is asked about.
pub struct World<'a> {
    case: &'a Value,
    now: i64,
    record: &'a str,
    labels: Vec<Labels>,
}

/// What a Consent is to a decision.
enum Standing {
    Silent,
    Speaks,
    NotUnderstood,
}

/// What is asked of a provision.
struct About<'a> {
    row: usize,
    purpose: &'a str,
    /// The Consent that it is of; none of a limit.
    given: Option<&'a Value>,
    /// Whether no rule around it names who receives.
    alone: bool,
}

/// What a provision says, and whether it names an emergency among its purposes.
#[derive(Clone, Copy)]
struct Said {
    permits: bool,
    names_emergency: bool,
}

/// One answer for each resource of a case.
pub fn answers(case: &Value) -> Vec<Answer> {
    let resources = each(&case["resources"]);
    let world = World {
        case,
        now: plainly::reads(text(&case["now"])).map_or(0, |(start, _)| start),
        record: text(&case["record"]),
        labels: plainly::all_labels(resources),
    };
    let mut answers: Vec<Answer> = (0..resources.len()).map(|row| world.answer(row)).collect();
    let visible: Vec<bool> = answers.iter().map(|answer| answer.permitted).collect();
    let denied: Vec<bool> = answers.iter().map(|answer| DENIALS.contains(&answer.why.as_str())).collect();
    let together = plainly::what_hangs_together(resources, visible, denied);
    for ((answer, visible), resource) in answers.iter_mut().zip(together).zip(resources) {
        let another = plainly::patients(resource).iter().any(|named| named != world.record);
        if answer.permitted && (another || !visible) {
            *answer = self::answer(
                false,
                if another { "names another patient" } else { "hangs together with what is hidden" },
            );
        }
    }
    answers
}

pub fn each(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn answer(permitted: bool, why: impl Into<String>) -> Answer {
    Answer { permitted, why: why.into() }
}

impl World<'_> {
    fn resource(&self, row: usize) -> &Value {
        &self.case["resources"][row]
    }

    fn answer(&self, row: usize) -> Answer {
        let Some(consents) = self.in_place() else { return answer(false, "a circle of supersession") };
        if consents.iter().any(|consent| matches!(self.standing(consent), Standing::NotUnderstood)) {
            return answer(false, "a consent that is not understood");
        }
        let speaking: Vec<&Value> =
            consents.into_iter().filter(|consent| matches!(self.standing(consent), Standing::Speaks)).collect();
        let of_consents = self.by_consents(&speaking, row);
        if !of_consents.permitted && self.opened_in_an_emergency(&speaking, row) {
            return answer(true, "an emergency");
        }
        of_consents
    }

    fn by_consents(&self, speaking: &[&Value], row: usize) -> Answer {
        let purpose = text(&self.case["asker"]["purpose"]);
        let ordinary: Vec<&Value> = speaking.iter().copied().filter(|consent| !is_emergency(consent)).collect();
        let said: Vec<_> = ordinary
            .iter()
            .map(|consent| self.says(&consent["provision"], &About { row, purpose, given: Some(consent), alone: true }))
            .collect();
        if let Some(at) = said.iter().position(|said| said.is_ok_and(|said| !said.permits)) {
            let exception = ordinary[at]["provision"]["type"] == "permit";
            return answer(false, if exception { "an exception that denies" } else { "a consent that denies" });
        }
        let Some(at) = said.iter().position(|said| said.is_ok_and(|said| said.permits)) else {
            // Of the first permit, the element that kept it from it.
            let permits = ordinary.iter().zip(&said).filter(|(consent, _)| consent["provision"]["type"] == "permit");
            let element = permits.map(|(_, said)| said.err().unwrap_or_default()).next();
            let why = element.map_or("there is no permit".to_owned(), |element| format!("no permit: {element}"));
            return answer(false, why);
        };
        for limit in each(&self.case["terms"]["limits"]) {
            let about = About { row, purpose, given: None, alone: true };
            if self.says(&limit["provision"], &about).is_ok_and(|said| !said.permits) {
                return answer(false, "a limit of the network");
            }
        }
        let exception = ordinary[at]["provision"]["type"] == "deny";
        answer(true, if exception { "an exception that permits" } else { "a consent that permits" })
    }

    /// A grant opens what is not V and what no label keeps from everybody, unless the patient refuses it.
    fn opened_in_an_emergency(&self, speaking: &[&Value], row: usize) -> bool {
        let (grants, others): (Vec<&Value>, Vec<&Value>) = speaking.iter().partition(|consent| is_emergency(consent));
        let about = |given| About { row, purpose: "BTG", given: Some(given), alone: true };
        let granted = grants.iter().any(|grant| self.holds(&grant["provision"], &about(grant)).is_ok());
        let kept = ["V", "?", "UNINFORMED", "UNDELIVERED"].iter().any(|label| self.labels[row].contains(*label));
        let overrides = self.case["terms"]["emergency_overrides"] == true;
        let refused = others.iter().any(|consent| {
            let said = self.says(&consent["provision"], &about(consent));
            said.is_ok_and(|said| !said.permits && (said.names_emergency || !overrides))
        });
        granted && !kept && !refused
    }

    /// The Consents that none has taken the place of; `None` where some supersede each other in a circle.
    fn in_place(&self) -> Option<Vec<&Value>> {
        let all = each(&self.case["consents"]);
        let older_of = |consent: &Value| {
            let counts = ["active", "inactive", "rejected"].contains(&text(&consent["status"]));
            let named = text(&consent["sourceReference"]["reference"]).strip_prefix("Consent/").filter(|_| counts)?;
            all.iter().find(|one| text(&one["id"]) == named)
        };
        for one in all {
            let mut at = one;
            for _ in 0..=all.len() {
                let Some(older) = older_of(at) else { break };
                at = older;
                if at["id"] == one["id"] {
                    return None;
                }
            }
        }
        let taken: Vec<&Value> = all.iter().filter_map(older_of).map(|older| &older["id"]).collect();
        Some(all.iter().filter(|one| !taken.contains(&&one["id"])).collect())
    }

    fn standing(&self, consent: &Value) -> Standing {
        match text(&consent["status"]) {
            "active" => {}
            "draft" | "proposed" | "rejected" | "inactive" | "entered-in-error" => return Standing::Silent,
            _ => return Standing::NotUnderstood,
        }
        let scopes = each(&consent["scope"]["coding"]);
        let of_r4 = |code: &str| {
            let system = "http://terminology.hl7.org/CodeSystem/consentscope";
            scopes.iter().any(|scope| scope["system"] == system && scope["code"] == code)
        };
        let other = ["adr", "research", "treatment"].iter().any(|code| of_r4(code));
        if other && !scopes.iter().any(|scope| scope["code"] == "patient-privacy") {
            return Standing::Silent;
        }
        let understood = of_r4("patient-privacy")
            && consent["patient"]["reference"] == self.record
            && members_are(consent, OF_CONSENT)
            && consent["provision"].is_object()
            && provision_is_understood(&consent["provision"], 0)
            && (!is_emergency(consent) || is_a_grant(&consent["provision"]));
        if understood { Standing::Speaks } else { Standing::NotUnderstood }
    }

    /// What a provision says of a resource; an error is the element for which it says nothing.
    fn says(&self, rule: &Value, about: &About<'_>) -> Result<Said, &'static str> {
        self.holds(rule, about)?;
        let permits = rule["type"] == "permit";
        let labelled = plainly::about_labels(rule, &self.labels[about.row], self.is_professional());
        let named = |exception: &&Value| {
            labelled || (permits && exception["type"] == "permit" && exception.get("securityLabel").is_some())
        };
        let inside = About { alone: about.alone && receivers(rule).is_empty(), ..*about };
        let all = each(&rule["provision"]);
        let mut said: Vec<Said> =
            all.iter().filter(named).filter_map(|exception| self.says(exception, &inside).ok()).collect();
        // Where a permit is judged by its own labels, the denials beside it are looked at too.
        if !labelled && !said.is_empty() {
            let denials = all.iter().filter(|exception| exception["type"] == "deny");
            said.extend(denials.filter_map(|exception| self.says(exception, &inside).ok()));
        }
        let names_emergency = each(&rule["purpose"]).iter().any(|coding| match plainly::purpose(coding) {
            Some(named) => plainly::is_a_kind_of_purpose(named, "ETREAT"),
            None => !permits,
        });
        let denied = said.iter().filter(|said| !said.permits);
        let whole =
            |said: &Said| Said { permits: said.permits, names_emergency: said.names_emergency || names_emergency };
        if let Some(said) = denied.max_by_key(|said| said.names_emergency).or(said.first()) {
            return Ok(whole(said));
        }
        if labelled { Ok(Said { permits, names_emergency }) } else { Err("securityLabel") }
    }

    /// Whether everything that a provision asks for is so, but for the labels; an error is what is not.
    fn holds(&self, rule: &Value, about: &About<'_>) -> Result<(), &'static str> {
        let resource = self.resource(about.row);
        let resources = each(&self.case["resources"]);
        let (start, end) = plainly::period(&rule["period"]).unwrap_or((0, 0));
        let elements = [
            ("period", start <= self.now && self.now < end),
            ("actor", self.is_for_the_asker(rule, about) && self.is_disclosed_by_the_facility(rule)),
            ("application", self.is_the_application(rule)),
            ("purpose", is_the_purpose(rule, about.purpose)),
            ("action", is_reading(rule)),
            ("meta.source", is_from(rule, resource)),
            ("class", plainly::about_class(rule, about.row, resources)),
            ("code", plainly::about_code(rule, resource)),
            ("dataPeriod", plainly::about_time(rule, resource)),
            ("data", plainly::about_data(rule, resource, resources)),
        ];
        elements.iter().find(|(_, so)| !so).map_or(Ok(()), |(element, _)| Err(element))
    }

    fn is_for_the_asker(&self, rule: &Value, about: &About<'_>) -> bool {
        let permits = rule["type"] == "permit";
        if each(&rule["actor"]).iter().any(|actor| role(actor) == Role::Unknown) {
            return !permits;
        }
        let receivers = receivers(rule);
        if receivers.is_empty() {
            // Every member, but for those who joined later, where the network wants it so.
            let joined = plainly::reads(text(&self.case["asker"]["joined"])).map(|(start, _)| start);
            let given = about.given.and_then(|given| plainly::reads(text(&given["dateTime"]))).map(|(start, _)| start);
            let later = joined.is_some_and(|joined| given.is_none_or(|given| joined > given));
            let again = self.case["terms"]["reconsent"] == true && about.given.is_some() && about.alone;
            return !(permits && again && later);
        }
        receivers.iter().any(|actor| self.is_the_asker(&actor["reference"], permits))
    }

    fn is_the_asker(&self, named: &Value, permits: bool) -> bool {
        let asker = &self.case["asker"];
        let cannot_be_told = !permits;
        if named["reference"].is_null() && named["identifier"]["system"] == MEMBER_KIND {
            let kind = &named["identifier"]["value"];
            let known = plainly::KINDS.contains(&text(kind));
            return if !known || asker["kind"].is_null() { cannot_be_told } else { asker["kind"] == *kind };
        }
        let Some((of, id)) = text(&named["reference"]).split_once('/') else { return cannot_be_told };
        if id.is_empty() || id.contains('/') {
            return cannot_be_told;
        }
        match of {
            "Organization" => asker["organization"] == named["reference"],
            "Practitioner" if asker["person"].is_null() => cannot_be_told,
            "Practitioner" => asker["person"] == named["reference"],
            "CareTeam" | "Group" => self.is_in_the_team(&named["reference"], permits),
            _ => cannot_be_told,
        }
    }

    fn is_in_the_team(&self, team: &Value, permits: bool) -> bool {
        let asker = &self.case["asker"];
        if each(&asker["teams"]).contains(team) {
            return true;
        }
        let id = text(team).strip_prefix("CareTeam/").unwrap_or_default();
        let Some(found) = each(&self.case["care_teams"]).iter().find(|one| one["id"] == id) else {
            return !permits && !each(&asker["known"]).contains(team);
        };
        let read = plainly::period(&found["period"]);
        let whole: Vec<_> = each(&found["participant"]).iter().map(|one| plainly::period(&one["period"])).collect();
        let usable = found["status"] == "active" && read.is_some() && whole.iter().all(Option::is_some);
        if permits && !usable {
            return false;
        }
        let (from, to) = read.unwrap_or_default();
        each(&found["participant"]).iter().zip(whole).any(|(participant, own)| {
            let (start, end) = own.unwrap_or_default();
            let now = !usable || (from.max(start) <= self.now && self.now < to.min(end));
            let is = |named: &Value| {
                let name = text(&named["reference"]);
                let person_untold = name.starts_with("Practitioner/") && asker["person"].is_null();
                let others = ["Organization/", "Practitioner/", "Patient/", "RelatedPerson/"];
                let untold = person_untold || !others.iter().any(|of| name.starts_with(of));
                named.is_object() && (asker["organization"] == name || asker["person"] == name || (!permits && untold))
            };
            now && (is(&participant["member"]) || is(&participant["onBehalfOf"]))
        })
    }

    fn is_disclosed_by_the_facility(&self, rule: &Value) -> bool {
        let keepers: Vec<&Value> = each(&rule["actor"]).iter().filter(|actor| role(actor) == Role::Discloses).collect();
        let own = &self.case["terms"]["custodian"];
        let denies = rule["type"] == "deny";
        // Who takes part in a way that is not known may be anybody who discloses.
        let unknown = each(&rule["actor"]).iter().any(|actor| role(actor) == Role::Unknown);
        keepers.is_empty()
            || (denies && unknown)
            || keepers.iter().any(|keeper| {
                let named = text(&keeper["reference"]["reference"]);
                let told = named.strip_prefix("Organization/").is_some_and(|id| !id.is_empty() && !id.contains('/'));
                if told && !own.is_null() { own == named } else { denies }
            })
    }

    fn is_the_application(&self, rule: &Value) -> bool {
        let asked = &self.case["asker"]["application"];
        let wanted: Vec<&Value> = extensions(rule, ENVIRONMENT)
            .flat_map(|extension| each(&extension["valueCodeableConcept"]["coding"]))
            .collect();
        let denies = rule["type"] == "deny";
        wanted.is_empty()
            || wanted.iter().any(|one| {
                if asked.is_null() { denies } else { one["system"] == asked["system"] && one["code"] == asked["code"] }
            })
    }

    fn is_professional(&self) -> bool {
        ["doctor", "nurse", "pharmacist", "care-manager"].contains(&text(&self.case["asker"]["kind"]))
    }
}

#[derive(PartialEq)]
enum Role {
    Receives,
    Discloses,
    Unknown,
}

/// How an actor takes part: all that is said of it must be known and the same.
fn role(actor: &Value) -> Role {
    let codes: Vec<&str> = each(&actor["role"]["coding"]).iter().map(|coding| text(&coding["code"])).collect();
    if codes.is_empty() {
        Role::Unknown
    } else if codes.iter().all(|code| ["IRCP", "PRCP", "GRANTEE"].contains(code)) {
        Role::Receives
    } else if codes.iter().all(|code| *code == "CST") {
        Role::Discloses
    } else {
        Role::Unknown
    }
}

fn receivers(rule: &Value) -> Vec<&Value> {
    each(&rule["actor"]).iter().filter(|actor| role(actor) == Role::Receives).collect()
}

fn is_the_purpose(rule: &Value, asked: &str) -> bool {
    let Some(purposes) = rule.get("purpose") else { return true };
    each(purposes).iter().any(|coding| match plainly::purpose(coding) {
        Some(named) => plainly::is_a_kind_of_purpose(asked, named),
        None => rule["type"] == "deny",
    })
}

fn is_reading(rule: &Value) -> bool {
    let Some(actions) = rule.get("action") else { return true };
    each(actions).iter().any(|concept| {
        let codes: Vec<&str> = each(&concept["coding"]).iter().map(|coding| text(&coding["code"])).collect();
        let is_one = |of: &[&str]| codes.iter().any(|code| of.contains(code));
        is_one(&["access", "use", "disclose"]) || (rule["type"] == "deny" && !is_one(&["collect", "correct"]))
    })
}

fn is_from(rule: &Value, resource: &Value) -> bool {
    let mut wanted = extensions(rule, DATA_SOURCE).peekable();
    // What has no source may be from anywhere.
    let untold = rule["type"] == "deny" && resource["meta"]["source"].is_null();
    wanted.peek().is_none() || untold || wanted.any(|one| one["valueUri"] == resource["meta"]["source"])
}

fn extensions<'a>(rule: &'a Value, url: &str) -> impl Iterator<Item = &'a Value> {
    each(&rule["extension"]).iter().filter(move |extension| extension["url"] == url)
}

fn is_emergency(consent: &Value) -> bool {
    let codings = each(&consent["category"]).iter().flat_map(|category| each(&category["coding"]));
    let system = "https://tasuki.example/fhir/CodeSystem/consent-category";
    consent["provision"]["type"] == "permit"
        && codings.into_iter().any(|coding| coding["system"] == system && coding["code"] == "emergency-access")
}

/// A grant is for an hour at most, for an organisation or a person, for everything, without exceptions.
fn is_a_grant(rule: &Value) -> bool {
    let (start, end) = plainly::period(&rule["period"]).unwrap_or((0, i64::MAX));
    let narrow = ["provision", "securityLabel", "class", "code", "dataPeriod", "data"];
    let whom: Vec<&str> = receivers(rule).iter().map(|actor| text(&actor["reference"]["reference"])).collect();
    end.saturating_sub(start) <= 3_600_000
        && narrow.iter().all(|name| rule.get(*name).is_none())
        && extensions(rule, DATA_SOURCE).next().is_none()
        && !whom.is_empty()
        && whom.iter().all(|name| name.starts_with("Organization/") || name.starts_with("Practitioner/"))
}

/// Whether an object has no other members than these, and nothing in it says that it changes their meaning.
fn members_are(object: &Value, known: &str) -> bool {
    let modifier = |(name, value): (&String, &Value)| {
        name == "modifierExtension" || (name != "contained" && value.to_string().contains("\"modifierExtension\""))
    };
    let members = || object.as_object().into_iter().flatten();
    members().all(|(name, _)| known.contains(&format!(" {name} "))) && !members().any(modifier)
}

fn provision_is_understood(rule: &Value, level: usize) -> bool {
    let extension = |one: &Value| match text(&one["url"]) {
        ENVIRONMENT => {
            let codings = each(&one["valueCodeableConcept"]["coding"]);
            !codings.is_empty()
                && codings.iter().all(|coding| coding["code"].is_string() && coding["system"].is_string())
        }
        DATA_SOURCE => one["valueUri"].is_string(),
        _ => false,
    };
    let lists = ["extension", "actor", "action", "securityLabel", "purpose", "class", "code", "data", "provision"];
    level < LEVELS
        && (rule["type"] == "permit" || rule["type"] == "deny")
        && members_are(rule, OF_PROVISION)
        && lists.iter().all(|name| rule.get(*name).is_none_or(|list| !each(list).is_empty()))
        && each(&rule["extension"]).iter().all(extension)
        && plainly::period(&rule["period"]).is_some()
        && plainly::period(&rule["dataPeriod"]).is_some()
        && each(&rule["provision"]).iter().all(|exception| provision_is_understood(exception, level + 1))
}
