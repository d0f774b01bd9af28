//! Whether a coding is right (ValueSet/$validate-code, CodeSystem/$validate-code): whether its code is one, what is to be said of it,
//! and what it is called.

use super::display::{in_language, is_display};
use super::system::CodeSystem;
use super::value_set::ValueSet;
use super::{Answer, Grammar, Source, Undecided};

/// Names of a code that are told at most.
const NAMES_TOLD_MAX: usize = 4;

/// A coding that is asked about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// `system`
    pub system: Option<&'a str>,
    /// `version`
    pub version: Option<&'a str>,
    /// `code`
    pub code: &'a str,
    /// `display`
    pub display: Option<&'a str>,
}

/// What is to be said of a coding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The value set does not have it.
    NotInValueSet,
    /// The code system has no such code.
    UnknownCode,
    /// The code system writes it otherwise, and tells upper from lower case.
    OtherCase(String),
    /// It only groups others.
    Abstract,
    /// It is out of use.
    Inactive,
    /// It is called one of these.
    WrongDisplay(Vec<String>),
    /// Nobody can say without this.
    Undecided(Undecided),
}

/// What is found of a coding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the code is one of those that are meant; `None` where that cannot be said.
    pub is_in: Option<bool>,
    /// What it is called.
    pub display: Option<String>,
    /// What is to be said.
    pub remarks: Vec<Remark>,
}

impl Remark {
    /// Whether a coding of which it is said is wrong.
    pub fn is_wrong(&self, allows_abstract: bool) -> bool {
        match self {
            Remark::Abstract => !allows_abstract,
            Remark::Inactive => false,
            _ => true,
        }
    }
}

impl CodeSystem {
    /// What is to be said of one of its codings. Where nothing is, nothing is allocated.
    pub fn remarks(&self, code: &str, display: Option<&str>) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let Some(concept) = self.find(code) else {
            if self.is_whole() {
                let other = self.in_other_case(code).map(|concept| Remark::OtherCase(concept.code.to_string()));
                remarks.push(other.unwrap_or(Remark::UnknownCode));
            } else {
                remarks.push(Remark::Undecided(Undecided::Open(self.url.to_string())));
            }
            return remarks;
        };
        if concept.is_abstract {
            remarks.push(Remark::Abstract);
        }
        if concept.is_inactive {
            remarks.push(Remark::Inactive);
        }
        if let Some(display) = display
            && is_display(display, concept.names()) == Some(false)
        {
            remarks.push(Remark::WrongDisplay(told(concept.names())));
        }
        remarks
    }
}

fn told<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    names.take(NAMES_TOLD_MAX).map(str::to_owned).collect()
}

/// A coding by its code system; `version` of the coding is the one that is meant.
pub fn in_system(source: &dyn Source, asked: Asked<'_>, language: Option<&str>) -> Judgement {
    let system = asked.system.unwrap_or_default();
    let named = asked.version.map(|version| format!("{system}|{version}"));
    let named = named.as_deref().unwrap_or(system);
    match source.code_system(named, None) {
        Some(known) if known.is_whole() || known.has(asked.code) => {
            let remarks = known.remarks(asked.code, asked.display);
            let concept = known.find(asked.code);
            let display = concept.and_then(|concept| concept.display_in(&known, language)).map(str::to_owned);
            Judgement { is_in: Some(concept.is_some()), display, remarks }
        }
        known => by_form(system, named, known.is_some(), asked.code),
    }
}

/// By the form of the code alone.
fn by_form(system: &str, named: &str, is_known: bool, code: &str) -> Judgement {
    match Grammar::of(system).and_then(|grammar| grammar.has(code)) {
        Some(true) => Judgement { is_in: Some(true), display: Some(code.to_owned()), remarks: Vec::new() },
        Some(false) => Judgement { is_in: Some(false), display: None, remarks: vec![Remark::UnknownCode] },
        None => {
            let why = if is_known { Undecided::Open } else { Undecided::Unknown };
            Judgement { remarks: vec![Remark::Undecided(why(named.to_owned()))], ..Judgement::default() }
        }
    }
}

/// A coding by a value set and its code system.
pub fn in_value_set(source: &dyn Source, set: &ValueSet, asked: Asked<'_>, language: Option<&str>) -> Judgement {
    let mut of_system = in_system(source, asked, language);
    let is_of_system = of_system.is_in != Some(false);
    let listed = set.named_as(asked.system, asked.code);
    if let Some(listed) = listed {
        // The value set may call it otherwise than the code system does.
        let is_right = asked.display.is_none_or(|display| is_display(display, listed.names()) != Some(false));
        let named = language.and_then(|language| in_language(&listed.designations, language));
        let has_own = language.is_some() && of_system.display.is_some();
        let named = named.or_else(|| listed.display.as_deref().filter(|_| !has_own));
        of_system.display = named.map(str::to_owned).or(of_system.display);
        let by_list = Remark::WrongDisplay(told(listed.names()));
        match of_system.remarks.iter().position(|one| matches!(one, Remark::WrongDisplay(_))) {
            Some(at) if is_right => drop(of_system.remarks.remove(at)),
            None if !is_right && of_system.is_in.is_none() => of_system.remarks.push(by_list),
            _ => {}
        }
    }
    match set.has(asked.system, asked.code) {
        Answer::In if is_of_system => {
            // What the value set lists is in it, whether or not the code system is loaded.
            of_system.remarks.retain(|one| !matches!(one, Remark::Undecided(_)));
            Judgement { is_in: Some(true), ..of_system }
        }
        Answer::In => of_system,
        Answer::Out => {
            of_system.remarks.retain(|one| !matches!(one, Remark::Undecided(_)));
            of_system.remarks.insert(0, Remark::NotInValueSet);
            Judgement { is_in: Some(false), ..of_system }
        }
        Answer::Unknown(_) if !is_of_system => of_system,
        Answer::Unknown(what) => {
            let is_same = |one: &Remark| matches!(one, Remark::Undecided(_));
            of_system.remarks.retain(|one| !is_same(one));
            of_system.remarks.insert(0, Remark::Undecided(Undecided::Unknown(what.to_owned())));
            Judgement { is_in: None, ..of_system }
        }
    }
}
