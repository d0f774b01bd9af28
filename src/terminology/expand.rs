//! The expansion of a value set (valueset.html#expansion): its codes in the order of its composition, with their names. What has
//! no end, or more codes than are answered at once, is too costly; what cannot be decided is no shorter list.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::display::{folded, in_language};
use super::system::{CodeSystem, Concept, Designation};
use super::value_set::{Asking, Clause, Listed, ValueSet, Which};
use super::{Answer, Undecided};

/// Most codes that one answer holds.
pub const CODES_EXPANDED_MAX: usize = 20_000;
/// Most codes that a value set has, of which an answer is a page.
const CODES_LOOKED_AT_MAX: usize = 500_000;
/// Most times that a code is held against a clause for one answer.
const STEPS_MAX: usize = 20_000_000;

/// What is asked of an expansion.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Words of which each must be in the code or in one of its names.
    pub filter: Option<String>,
    /// How many codes come before the first of the page.
    pub offset: usize,
    /// How many codes the page has at most.
    pub count: Option<usize>,
    /// In which language codes are called.
    pub language: Option<String>,
    /// Whether codes out of use are left out.
    pub is_active_only: bool,
    /// Whether codes that only group others are left out.
    pub leaves_out_abstract: bool,
    /// Whether codes stand in those above them.
    pub nests: bool,
    /// Code systems that are left out, `system` or `system|version`.
    pub excluded: Vec<String>,
}

/// An expansion, or a page of it.
#[derive(Debug)]
pub struct Expansion {
    /// How many codes there are, of all pages.
    pub total: usize,
    /// The codes.
    pub entries: Vec<Entry>,
    /// The code systems that were used and their versions.
    pub used: Vec<(String, Option<String>)>,
}

/// A code of an expansion (`ValueSet.expansion.contains`).
#[derive(Clone, Debug)]
pub struct Entry {
    /// The code system.
    pub system: String,
    /// Its version, where the composition names one.
    pub version: Option<String>,
    /// The code.
    pub code: String,
    /// What it is called, in the language that was asked for where it has a name in it.
    pub display: Option<String>,
    /// Everything else that it is called.
    pub designations: Vec<Designation>,
    /// Whether it only groups others.
    pub is_abstract: bool,
    /// Whether it is out of use.
    pub is_inactive: bool,
    /// What stands below it, where codes nest.
    pub contains: Vec<Entry>,
}

/// Why there is no expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A code system or value set is not loaded, or not whole, or has rules that are not understood.
    Undecided(Undecided),
    /// More codes than are answered at once, or without end: of this code system.
    Costly(String),
}

/// A code that is found, as it stands in the definitions.
#[derive(Clone, Copy)]
struct Found<'s> {
    system: &'s str,
    version: Option<&'s str>,
    code: &'s str,
    listed: Option<&'s Listed>,
    known: Option<(&'s CodeSystem, u32)>,
}

/// The codes of a value set, or a page of them.
pub fn expand(set: &ValueSet, options: &Options) -> Result<Expansion, Stopped> {
    let words = options.filter.as_deref().map(folded).unwrap_or_default();
    let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    let mut all = Evaluation::default().composed(set)?;
    all.retain(|one| {
        let version = one.known.and_then(|(system, _)| system.version.as_deref());
        let is_excluded = |named: &String| match named.split_once('|') {
            Some((url, stated)) => url == one.system && version == Some(stated),
            None => named == one.system,
        };
        !options.excluded.iter().any(is_excluded)
    });
    let used = used(&all);
    all.retain(|one| {
        let is = |flag: fn(&Concept) -> bool| one.concept().is_some_and(flag);
        let is_out = options.is_active_only && is(|concept| concept.is_inactive);
        let is_group = options.leaves_out_abstract && is(|concept| concept.is_abstract);
        !is_out && !is_group && one.has_words(&words)
    });
    let total = all.len();
    let page = all.get(options.offset.min(total)..).unwrap_or_default();
    let page = page.get(..options.count.unwrap_or(page.len()).min(page.len())).unwrap_or_default();
    if page.len() > CODES_EXPANDED_MAX {
        return Err(Stopped::Costly(page.first().map(|one| one.system.to_owned()).unwrap_or_default()));
    }
    let entry = |one: &Found<'_>| one.entry(options.language.as_deref());
    let entries =
        if options.nests && page.len() == total { nested(page, &entry) } else { page.iter().map(entry).collect() };
    Ok(Expansion { total, entries, used })
}

/// The code systems of codes, and their versions.
fn used(all: &[Found<'_>]) -> Vec<(String, Option<String>)> {
    let mut seen = HashSet::new();
    let first = all.iter().filter(|one| seen.insert(one.system));
    let version = |one: &Found<'_>| one.known.and_then(|(known, _)| known.version.clone());
    first.map(|one| (one.system.to_owned(), version(one).as_deref().or(one.version).map(str::to_owned))).collect()
}

/// One evaluation: what it has cost, and the codes of each value set that another is composed of.
#[derive(Default)]
struct Evaluation<'s> {
    steps: usize,
    known: HashMap<*const ValueSet, Codes<'s>>,
}

type Codes<'s> = Result<Rc<[Found<'s>]>, Stopped>;

impl<'s> Evaluation<'s> {
    /// The codes of a value set, each once.
    fn found(&mut self, set: &'s ValueSet) -> Codes<'s> {
        let key = std::ptr::from_ref(set);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = self.composed(set).map(Rc::from);
        self.known.insert(key, found.clone());
        found
    }

    fn composed(&mut self, set: &'s ValueSet) -> Result<Vec<Found<'s>>, Stopped> {
        if let Some(why) = set.open() {
            return Err(Stopped::Undecided(why.clone()));
        }
        let (mut out, mut seen) = (Vec::new(), HashSet::new());
        for clause in &set.include {
            let costly = || Stopped::Costly(clause.system.as_deref().unwrap_or_default().to_owned());
            for one in self.of_clause(clause)?.iter() {
                if self.is_in(*one, clause, set)? && seen.insert((one.system, one.code)) {
                    out.push(*one);
                }
                if out.len() > CODES_LOOKED_AT_MAX || self.steps > STEPS_MAX {
                    return Err(costly());
                }
            }
        }
        Ok(out)
    }

    /// Whether a code of a clause is in its other parts, and not excluded.
    fn is_in(&mut self, one: Found<'s>, clause: &'s Clause, set: &'s ValueSet) -> Result<bool, Stopped> {
        let mut asking = Asking::default();
        let (system, code) = (Some(one.system), one.code);
        let is_out = clause.is_active_only && one.concept().is_some_and(|concept| concept.is_inactive);
        let is_in = !is_out
            && all(clause.within.iter().map(|inner| asking.of(inner, system, code)), Answer::In)?
            && all(set.exclude.iter().map(|out| out.has(system, code, &mut asking)), Answer::Out)?;
        self.steps += 1 + asking.steps;
        Ok(is_in)
    }

    fn of_clause(&mut self, clause: &'s Clause) -> Codes<'s> {
        if !matches!(clause.which, Which::Any) {
            return of_system(clause).map(Rc::from);
        }
        // The first of them that has an end; the others are asked of each code.
        let mut stopped = Stopped::Costly(String::new());
        for inner in &clause.within {
            match self.found(inner) {
                Ok(codes) => return Ok(codes),
                Err(why) => stopped = why,
            }
        }
        Err(stopped)
    }
}

/// Whether all answers are the wanted one; what cannot be said counts only where nothing else decides.
fn all<'a>(answers: impl Iterator<Item = Answer<'a>>, wanted: Answer<'_>) -> Result<bool, Stopped> {
    let mut unknown = None;
    for answer in answers {
        match answer {
            Answer::Unknown(what) => unknown = Some(Stopped::Undecided(Undecided::Unknown(what.to_owned()))),
            answer if answer != wanted => return Ok(false),
            _ => {}
        }
    }
    unknown.map_or(Ok(true), Err)
}

/// The codes of a clause that names a code system.
fn of_system(clause: &Clause) -> Result<Vec<Found<'_>>, Stopped> {
    let system = clause.system.as_deref().unwrap_or_default();
    let known = clause.known.as_deref();
    let version = clause.version.as_deref();

    let of_system = |is_in: &dyn Fn(usize) -> bool| -> Vec<Found<'_>> {
        let Some(known) = known else { return Vec::new() };
        let all = known.concepts().iter().enumerate().filter(|(place, _)| is_in(*place));
        all.filter_map(|(place, concept)| {
            let known = Some((known, u32::try_from(place).ok()?));
            Some(Found { system, version, code: &concept.code, listed: None, known })
        })
        .collect()
    };
    Ok(match &clause.which {
        Which::All => of_system(&|_| true),
        Which::Passed(passed) => of_system(&|at| passed.get(at) == Some(&true)),
        Which::Listed(listed, _) => {
            let place = |code: &str| known.and_then(|known| Some((known, known.at(code)?)));
            let one =
                |one| Found { system, version, code: Listed::code(one), listed: Some(one), known: place(&one.code) };
            listed.iter().map(one).collect()
        }
        Which::Any => return Err(Stopped::Costly(String::new())),
        Which::Grammar(grammar) if grammar.is_list() => {
            return Err(Stopped::Undecided(Undecided::Unknown(system.to_owned())));
        }
        Which::Grammar(_) | Which::Measures(_) => return Err(Stopped::Costly(system.to_owned())),
        Which::Undecided(why) => return Err(Stopped::Undecided(why.clone())),
    })
}

/// The codes, each in the first of those above it that is there too.
fn nested(page: &[Found<'_>], entry: &dyn Fn(&Found<'_>) -> Entry) -> Vec<Entry> {
    let place = |one: &Found<'_>| one.known.map(|(system, at)| (std::ptr::from_ref(system), at));
    let places: HashMap<_, usize> = page.iter().enumerate().filter_map(|(n, one)| Some((place(one)?, n))).collect();
    let parent = |n: usize| -> Option<usize> {
        let (system, at) = page.get(n)?.known?;
        let mut above = system.concept(at)?.parents().iter();
        above
            .find_map(|parent| places.get(&(std::ptr::from_ref(system), *parent)).copied())
            .filter(|parent| *parent < n)
    };
    // From the last to the first, because what stands below comes later.
    let mut built: Vec<Option<Entry>> = page.iter().map(|one| Some(entry(one))).collect();
    for n in (0..page.len()).rev() {
        // All that stand in it are there, the last of them first.
        if let Some(Some(own)) = built.get_mut(n) {
            own.contains.reverse();
        }
        if let Some(parent) = parent(n)
            && let Some(child) = built.get_mut(n).and_then(Option::take)
            && let Some(Some(above)) = built.get_mut(parent)
        {
            above.contains.push(child);
        }
    }
    built.into_iter().flatten().collect()
}

impl Listed {
    fn code(&self) -> &str {
        &self.code
    }
}

impl<'s> Found<'s> {
    fn concept(&self) -> Option<&'s Concept> {
        self.known.and_then(|(system, at)| system.concept(at))
    }

    fn has_words(&self, words: &[&str]) -> bool {
        let listed = self.listed.into_iter().flat_map(Listed::names);
        let names = self.concept().into_iter().flat_map(Concept::names);
        if words.is_empty() {
            return true;
        }
        let all: Vec<String> = listed.chain(names).chain([self.code]).map(folded).collect();
        words.iter().all(|word| all.iter().any(|name| name.contains(word)))
    }

    fn entry(&self, language: Option<&str>) -> Entry {
        let concept = self.concept();
        let listed = self.listed;
        let of_list = listed.and_then(|one| match language {
            Some(language) => in_language(&one.designations, language),
            None => one.display.as_deref(),
        });
        let of_system = self.known.and_then(|(system, at)| {
            let concept = system.concept(at)?;
            let named = concept.display_in(system, language)?;
            // A name in another language than was asked for does not stand before that of the value set.
            let is_asked = language.is_none() || Some(named) != concept.display.as_deref();
            is_asked.then_some(named)
        });
        let plain = || listed.and_then(|one| one.display.as_deref()).or(concept.and_then(|one| one.display.as_deref()));
        let display = of_list.or(of_system).or_else(plain);
        let (mut designations, mut said): (Vec<Designation>, HashSet<_>) = (Vec::new(), HashSet::new());
        let own = listed.map(|one| one.designations.as_slice()).unwrap_or_default();
        for one in own.iter().chain(concept.map(|one| one.designations.as_slice()).unwrap_or_default()) {
            let usage = one.usage.as_ref().map(ToString::to_string);
            if said.insert((&one.language, usage, &one.value)) {
                designations.push(one.clone());
            }
        }
        Entry {
            system: self.system.to_owned(),
            version: self.version.map(str::to_owned),
            code: self.code.to_owned(),
            display: display.map(str::to_owned),
            designations,
            is_abstract: concept.is_some_and(|one| one.is_abstract),
            is_inactive: concept.is_some_and(|one| one.is_inactive),
            contains: Vec::new(),
        }
    }
}
