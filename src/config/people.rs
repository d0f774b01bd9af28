//! The people who sign in at the operator's provider of identities (`[oidc]`), and what each is registered as (`[[person]]`, or a
//! folder of one file each, which may change while the gateway runs).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::check::{Check, Once};
use super::problem::{self, Problem};
use super::{client, file, maps};
use crate::auth::Person;
use crate::auth::keys::is_address;
use crate::auth::person_token::{Asked, SUBJECT_BYTES_MAX};
use crate::consent::scope::SCOPES_MAX;
use crate::consent::{Caller, Role, Scope};
use crate::fhir::ResourceId;

/// What is configured about people.
#[derive(Clone, Debug)]
pub struct People {
    /// What is asked of their tokens.
    pub asked: Asked,
    /// Who they are.
    pub people: Vec<Person>,
    /// Members of whom no program is registered.
    pub organizations: Vec<String>,
    /// The folder of people, whose changes are taken up; `None` without one.
    pub folder: Option<PeopleFolder>,
}

/// The folder of people.
#[derive(Clone, Debug)]
pub struct PeopleFolder {
    /// Where it is.
    pub path: PathBuf,
    /// The people of the file itself.
    own: Vec<Person>,
}

impl PeopleFolder {
    /// All people, those of the file itself first. What is wrong with a file keeps its person out and nobody else.
    pub fn load(&self) -> (Vec<Person>, Vec<Problem>) {
        let (mut people, mut problems) = (self.own.clone(), Vec::new());
        for path in client::files(&self.path) {
            match one(&path, &people) {
                Ok(person) => people.push(person),
                Err(problem) => problems.push(problem),
            }
        }
        (people, problems)
    }

    /// A value that changes when a file of the folder does.
    pub fn stamp(&self) -> u64 {
        maps::stamp(&self.path)
    }
}

/// The person of one file, when there is nobody like that already.
fn one(path: &Path, others: &[Person]) -> Result<Person, Problem> {
    let problem = |rule, detail| Problem { file: path.to_owned(), line: None, key: String::new(), rule, detail };
    let text = fs::read_to_string(path).map_err(|error| problem(&problem::UNREADABLE, error.to_string()))?;
    let check = Check { text: &text, path };
    let written: file::Person = toml::from_str(&text).map_err(|error| check.not_toml(&error))?;
    let person = check.person(&written)?;
    let is_same = |other: &&Person| other.subject == person.subject || other.caller.client == person.caller.client;
    match others.iter().find(is_same) {
        Some(other) => Err(problem(&problem::PERSON_TWICE, other.caller.client.clone())),
        None => Ok(person),
    }
}

impl Check<'_> {
    pub(super) fn people(&self, file: &file::File) -> Result<Option<People>, Problem> {
        let Some(written) = &file.oidc else {
            return match file.person.first() {
                Some(person) => Err(self.at("person.id", &person.id, &problem::NO_PROVIDER, String::new())),
                None => Ok(None),
            };
        };
        let (mut ids, mut subjects) = (Once(HashMap::new()), Once(HashMap::new()));
        let mut own = Vec::with_capacity(file.person.len());
        for person in &file.person {
            self.once(&mut ids, "person.id", &person.id, person.id.get_ref())?;
            self.once(&mut subjects, "person.subject", &person.subject, person.subject.get_ref())?;
            own.push(self.person(person)?);
        }
        let organizations = written.organizations.iter().map(|one| self.organization("oidc.organizations", one));
        let organizations = organizations.collect::<Result<_, _>>()?;
        let (asked, mut people, mut folder) = (self.asked(written)?, own.clone(), None);
        if let Some(written) = &written.people {
            let path = self.beside(written.get_ref());
            if !path.is_dir() {
                return Err(self.at("oidc.people", written, &problem::NO_CLIENT_FOLDER, path.display().to_string()));
            }
            let found = PeopleFolder { path, own };
            let (all, problems) = found.load();
            if let Some(problem) = problems.into_iter().next() {
                return Err(problem);
            }
            (people, folder) = (all, Some(found));
        }
        Ok(Some(People { asked, people, organizations, folder }))
    }

    fn asked(&self, written: &file::Oidc) -> Result<Asked, Problem> {
        let issuer = written.issuer.get_ref();
        if !is_address(issuer) || issuer.contains('?') {
            return Err(self.at("oidc.issuer", &written.issuer, &problem::ISSUER, String::new()));
        }
        if written.audience.get_ref().is_empty() {
            return Err(self.at("oidc.audience", &written.audience, &problem::AUDIENCE, String::new()));
        }
        if written.acr.is_empty() && written.amr.is_empty() {
            return Err(self.at("oidc.issuer", &written.issuer, &problem::NO_ASSURANCE, String::new()));
        }
        // They are said back in a header.
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b));
        if let Some(wrong) = written.acr.iter().chain(&written.amr).find(|one| !plain(one.get_ref())) {
            return Err(self.at("oidc.acr", wrong, &problem::ASSURANCE, String::new()));
        }
        let words = |written: &[Spanned<String>]| written.iter().map(|one| one.get_ref().clone()).collect();
        let skew = self.number("oidc.skew_seconds_max", written.skew_seconds_max.as_ref(), 30, 0, 300)?;
        let minutes = self.number("oidc.token_minutes_max", written.token_minutes_max.as_ref(), 60, 1, 1440)?;
        Ok(Asked {
            issuer: issuer.clone(),
            audience: written.audience.get_ref().clone(),
            acr: words(&written.acr),
            amr: words(&written.amr),
            skew_seconds_max: i64::try_from(skew).unwrap_or(30),
            token_seconds_max: i64::try_from(minutes).unwrap_or(60) * 60,
            takes_plain_type: written.plain_type,
        })
    }

    fn person(&self, written: &file::Person) -> Result<Person, Problem> {
        let id = ResourceId::parse(written.id.get_ref());
        let id = id.ok_or_else(|| self.at("person.id", &written.id, &problem::CLIENT_ID, String::new()))?;
        let subject = written.subject.get_ref().clone();
        if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
            return Err(self.at("person.subject", &written.subject, &problem::SUBJECT, String::new()));
        }
        let organization = self.organization("person.organization", &written.organization)?;
        let practitioner = written.practitioner.as_ref().map(|written| {
            let id = written.get_ref().strip_prefix("Practitioner/").and_then(ResourceId::parse);
            id.ok_or_else(|| self.at("person.practitioner", written, &problem::PRACTITIONER, String::new()))?;
            Ok(Box::from(written.get_ref().as_str()))
        });
        let scopes = match &written.scopes {
            None => vec![Scope::all()],
            Some(written) => {
                let wrong =
                    |at: &Spanned<String>| self.at("person.scopes", at, &problem::USER_SCOPE, at.get_ref().clone());
                if let Some(one) = written.get(SCOPES_MAX) {
                    return Err(wrong(one));
                }
                let one = |at: &Spanned<String>| {
                    let rest = at.get_ref().strip_prefix("user/").ok_or_else(|| wrong(at))?;
                    Scope::parse(&format!("system/{rest}")).ok_or_else(|| wrong(at))
                };
                written.iter().map(one).collect::<Result<_, _>>()?
            }
        };
        let purposes = self.purposes("person.purpose", written.purpose.as_slice())?;
        let standing = (written.kind.as_ref(), written.joined.as_ref(), None, written.emergency);
        // No client's id has a colon in it.
        let caller =
            self.standing("person", standing)?.caller(&format!("person:{}", id.as_str()), &organization, Role::Care);
        let most: Vec<&str> = scopes.iter().map(Scope::text).collect();
        let most = caller.grant(&most.join(" "), &scopes).filter(|_| written.scopes.is_some());
        let caller = Caller {
            scopes: most.unwrap_or_default(),
            person: practitioner.transpose()?,
            purpose: purposes.first().copied(),
            ..caller
        };
        Ok(Person { subject, caller, scopes })
    }
}
