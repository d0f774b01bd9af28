//! Which codes a ValueSet has (valueset.html#compositions): by its composition out of listed concepts, whole code systems,
//! other value sets and filters; by its expansion where the composition cannot be decided.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::filter::{passed, steps};
use super::grammar::Grammar;
use super::sent::{Excess, excess};
use super::system::{CodeSystem, Designation};
use super::{Answer, CONCEPT_DEPTH_MAX, Source, Undecided, array, text};
use crate::fhir::ucum;
use crate::guide::split;

/// Most value sets that one is composed of, itself among them.
pub const VALUE_SETS_MAX: usize = 256;
/// Deepest nesting of value sets that include each other.
pub const VALUE_SET_DEPTH_MAX: usize = 16;
/// Most concepts that the filters of one value set, and of those it is composed of, are held against; one that a regular
/// expression is held against counts 20 times.
pub const CONCEPTS_FILTERED_MAX: usize = 10_000_000;

/// A value set.
#[derive(Debug, Default)]
pub struct ValueSet {
    /// What is in it is in one of these,
    pub include: Vec<Clause>,
    /// and in none of these.
    pub exclude: Vec<Clause>,
    /// Why nothing of it is known.
    pub undecided: Option<Undecided>,
    /// Why a part of it cannot be said, where it is not [`ValueSet::undecided`].
    part_open: Option<Undecided>,
}

/// What was asked about one code: a value set is asked once, however many others are composed of it.
#[derive(Debug, Default)]
pub(super) struct Asking<'s, 'q> {
    answers: HashMap<(*const ValueSet, Option<&'q str>), Answer<'s>>,
    /// How many clauses were looked at.
    pub(super) steps: usize,
}

/// One `include` or `exclude`: what is in all of its parts.
#[derive(Debug)]
pub struct Clause {
    /// The code system; none where other value sets alone say what is meant.
    pub system: Option<Box<str>>,
    /// The version that the composition names.
    pub version: Option<Box<str>>,
    /// Which codes of it.
    pub which: Which,
    /// The code system, where it is loaded.
    pub known: Option<Arc<CodeSystem>>,
    /// The value sets that a code must be in too.
    pub within: Vec<Arc<ValueSet>>,
    /// Whether what is out of use is left out (`compose.inactive` is false).
    pub is_active_only: bool,
}

/// Which codes of a code system.
#[derive(Debug)]
pub enum Which {
    /// Those of the other value sets.
    Any,
    /// All of [`Clause::known`].
    All,
    /// Those that pass the filters, by where they stand in [`Clause::known`].
    Passed(Vec<bool>),
    /// Those that are listed, and where each stands in the list, also by its lower case where the code system tells no case.
    Listed(Vec<Listed>, HashMap<Box<str>, u32>),
    /// Those that keep to a grammar.
    Grammar(Grammar),
    /// Units of UCUM that measure this.
    Measures(Box<str>),
    /// Some, and why nobody can say which.
    Undecided(Undecided),
}

/// A code that a value set lists.
#[derive(Debug)]
pub struct Listed {
    /// `code`
    pub code: Box<str>,
    /// `display`, which stands in place of the code system's.
    pub display: Option<Box<str>>,
    /// `designation`
    pub designations: Vec<Designation>,
}

impl ValueSet {
    /// The value set with this canonical, as a definition of the package `from` means it.
    pub fn named(source: &dyn Source, canonical: &str, from: Option<usize>) -> Arc<ValueSet> {
        Composer::new(source).named(canonical, from)
    }

    /// A value set that is no definition, as a request brings it: no more than one request may cost.
    pub fn of(source: &dyn Source, json: &Value) -> Result<ValueSet, Excess> {
        if let Some(excess) = excess(json) {
            return Err(excess);
        }
        let mut composer = Composer::new(source);
        let canonical = text(json, "url").unwrap_or_default();
        composer.path.push((canonical.to_owned(), None));
        let set = composer.read(json, canonical, None);
        match composer.filtered > CONCEPTS_FILTERED_MAX {
            true => Err(Excess { what: "filter * concept", most: CONCEPTS_FILTERED_MAX }),
            false => Ok(set),
        }
    }

    /// Whether a code is in the value set; without a system any system will do, as for an element of type `code`.
    pub fn has(&self, system: Option<&str>, code: &str) -> Answer<'_> {
        self.asked(system, code, &mut Asking::default())
    }

    fn asked<'s: 'q, 'q>(&'s self, system: Option<&'q str>, code: &str, asking: &mut Asking<'s, 'q>) -> Answer<'s> {
        if let Some(undecided) = &self.undecided {
            return Answer::Unknown(undecided.canonical());
        }
        match any(&self.include, system, code, asking) {
            Answer::In => match any(&self.exclude, system, code, asking) {
                Answer::In => Answer::Out,
                Answer::Out => Answer::In,
                unknown => unknown,
            },
            answer => answer,
        }
    }

    /// The canonical of the value set, where nothing is known of its codes.
    pub fn missing(&self) -> Option<&str> {
        self.undecided.as_ref().map(Undecided::canonical)
    }

    /// Its codes, where they are few and listed.
    pub fn listed(&self, count_max: usize) -> Option<Vec<&str>> {
        let mut out = Vec::new();
        for clause in &self.include {
            match (&clause.which, &clause.known) {
                (Which::Listed(listed, _), _) => out.extend(listed.iter().map(|one| &*one.code)),
                (Which::All, Some(known)) => out.extend(known.concepts().iter().map(|concept| &*concept.code)),
                _ => return None,
            }
            if out.len() > count_max || !clause.within.is_empty() {
                return None;
            }
        }
        out.sort_unstable();
        (self.undecided.is_none() && self.exclude.is_empty()).then_some(out)
    }

    /// What lists a code, to name it as the value set does.
    pub fn named_as(&self, system: Option<&str>, code: &str) -> Option<&Listed> {
        self.naming(system, code, &mut HashSet::new())
    }

    fn naming(&self, system: Option<&str>, code: &str, seen: &mut HashSet<*const ValueSet>) -> Option<&Listed> {
        self.include.iter().find_map(|clause| {
            let is_of = system.is_none_or(|system| clause.system.as_deref() == Some(system));
            let own = clause.listed(code).filter(|listed| is_of && listed.display.is_some());
            let mut inner = clause.within.iter();
            own.or_else(|| {
                inner.find_map(|inner| {
                    let is_new = seen.insert(Arc::as_ptr(inner));
                    if is_new { inner.naming(system, code, seen) } else { None }
                })
            })
        })
    }

    /// How many codes it holds with all that it is composed of, those of whole systems aside; each value set counts once.
    pub fn kept(&self) -> usize {
        self.counted(&mut HashSet::new())
    }

    fn counted(&self, seen: &mut HashSet<*const ValueSet>) -> usize {
        let clauses = || self.include.iter().chain(&self.exclude);
        let mut count: usize = clauses().map(Clause::kept).sum();
        for inner in clauses().flat_map(|clause| &clause.within) {
            if seen.insert(Arc::as_ptr(inner)) {
                count += inner.counted(seen);
            }
        }
        count
    }

    fn undecided(why: Undecided) -> Self {
        ValueSet { undecided: Some(why), ..ValueSet::default() }
    }

    /// Why a part of it cannot be said.
    pub fn open(&self) -> Option<&Undecided> {
        self.undecided.as_ref().or(self.part_open.as_ref())
    }
}

fn any<'s: 'q, 'q>(
    clauses: &'s [Clause],
    system: Option<&'q str>,
    code: &str,
    asking: &mut Asking<'s, 'q>,
) -> Answer<'s> {
    let mut found = Answer::Out;
    for clause in clauses {
        match clause.has(system, code, asking) {
            Answer::In => return Answer::In,
            Answer::Out => {}
            unknown => found = unknown,
        }
    }
    found
}

impl<'s: 'q, 'q> Asking<'s, 'q> {
    /// Whether a code is in a value set.
    pub(super) fn of(&mut self, set: &'s ValueSet, system: Option<&'q str>, code: &str) -> Answer<'s> {
        let key = (std::ptr::from_ref(set), system);
        if let Some(known) = self.answers.get(&key) {
            return *known;
        }
        let answer = set.asked(system, code, self);
        self.answers.insert(key, answer);
        answer
    }
}

impl Clause {
    /// Whether a code is in all of its parts.
    pub(super) fn has<'s: 'q, 'q>(
        &'s self,
        system: Option<&'q str>,
        code: &str,
        asking: &mut Asking<'s, 'q>,
    ) -> Answer<'s> {
        asking.steps += 1;
        if let (Some(own), Some(system)) = (&self.system, system)
            && **own != *system
        {
            return Answer::Out;
        }
        let mut found = self.named(code);
        for inner in &self.within {
            asking.steps += 1;
            match asking.of(inner, system.or(self.system.as_deref()), code) {
                Answer::Out => return Answer::Out,
                Answer::In => {}
                unknown if found != Answer::Out => found = unknown,
                _ => {}
            }
        }
        let is_inactive = || self.known.as_ref().and_then(|known| known.find(code)).is_some_and(|one| one.is_inactive);
        if found == Answer::In && self.is_active_only && is_inactive() { Answer::Out } else { found }
    }

    fn named(&self, code: &str) -> Answer<'_> {
        let known = self.known.as_ref();
        match &self.which {
            Which::Any => Answer::In,
            Which::All => answer(known.is_some_and(|known| known.has(code))),
            Which::Passed(passed) => {
                let at = known.and_then(|known| known.at(code));
                answer(at.is_some_and(|at| passed.get(at as usize) == Some(&true)))
            }
            Which::Listed(..) => answer(self.listed(code).is_some()),
            Which::Grammar(grammar) => match grammar.has(code) {
                Some(is_in) => answer(is_in),
                None => Answer::Unknown(self.system.as_deref().unwrap_or_default()),
            },
            // What a logarithmic unit measures is not known here.
            Which::Measures(dimension) => match ucum::parse(code).filter(|_| ucum::is_unit(code)) {
                Some(unit) => answer(*unit.dimension == **dimension),
                None if ucum::is_unit(code) => Answer::Unknown(self.system.as_deref().unwrap_or_default()),
                None => Answer::Out,
            },
            Which::Undecided(why) => Answer::Unknown(why.canonical()),
        }
    }

    /// What lists a code; in the case of the code system where that is loaded and tells no case.
    pub fn listed(&self, code: &str) -> Option<&Listed> {
        let Which::Listed(all, places) = &self.which else { return None };
        let folds = || self.known.as_ref().is_some_and(|known| !known.is_case_sensitive);
        let folded = || if folds() { places.get(&*code.to_lowercase()) } else { None };
        all.get(*places.get(code).or_else(folded)? as usize)
    }

    /// How many codes it holds itself.
    fn kept(&self) -> usize {
        match &self.which {
            Which::Passed(passed) => passed.len(),
            Which::Listed(listed, _) => listed.len(),
            _ => 1,
        }
    }

    fn open(&self) -> Option<&Undecided> {
        let own = match &self.which {
            Which::Undecided(why) => Some(why),
            _ => None,
        };
        own.or_else(|| self.within.iter().find_map(|inner| inner.open()))
    }
}

fn answer(is_in: bool) -> Answer<'static> {
    if is_in { Answer::In } else { Answer::Out }
}

/// A value set, and the package whose definitions mean it.
type Name = (String, Option<usize>);

struct Composer<'a> {
    source: &'a dyn Source,
    done: HashMap<Name, Arc<ValueSet>>,
    /// The value sets that are being composed, each by the one before it.
    path: Vec<Name>,
    /// How many concepts filters were held against.
    filtered: usize,
}

impl<'a> Composer<'a> {
    fn new(source: &'a dyn Source) -> Self {
        Composer { source, done: HashMap::new(), path: Vec::new(), filtered: 0 }
    }

    fn named(&mut self, canonical: &str, from: Option<usize>) -> Arc<ValueSet> {
        let name = (canonical.to_owned(), from);
        if let Some(done) = self.done.get(&name) {
            return done.clone();
        }
        let is_inside = self.path.contains(&name);
        let is_past = self.path.len() >= VALUE_SET_DEPTH_MAX || self.done.len() + self.path.len() >= VALUE_SETS_MAX;
        if is_inside || is_past {
            return Arc::new(ValueSet::undecided(Undecided::Open(canonical.to_owned())));
        }
        let found = match self.source.value_set(canonical, from) {
            None => ValueSet::undecided(Undecided::Unknown(canonical.to_owned())),
            Some((package, json)) => {
                self.path.push(name.clone());
                let read = self.read(&json, canonical, package);
                self.path.pop();
                read
            }
        };
        let found = Arc::new(found);
        self.done.insert(name, found.clone());
        found
    }

    fn read(&mut self, json: &Value, canonical: &str, package: Option<usize>) -> ValueSet {
        let undecided = || ValueSet::undecided(Undecided::Open(canonical.to_owned()));
        let Some(compose) = json.get("compose") else { return expanded(json).unwrap_or_else(undecided) };
        let is_active_only = compose.get("inactive") == Some(&Value::Bool(false));
        let mut set = ValueSet::default();
        for one in array(compose, "include") {
            let clause = self.clause(one, canonical, package);
            set.include.push(Clause { is_active_only, ..clause });
        }
        for one in array(compose, "exclude") {
            set.exclude.push(self.clause(one, canonical, package));
        }
        set.part_open = set.include.iter().chain(&set.exclude).find_map(Clause::open).cloned();
        if set.include.is_empty() || set.open().is_some() {
            let own = if set.include.is_empty() { undecided() } else { set };
            return expanded(json).unwrap_or(own);
        }
        set
    }

    fn clause(&mut self, one: &Value, canonical: &str, package: Option<usize>) -> Clause {
        let (system, version) = (text(one, "system"), text(one, "version"));
        let open = || Which::Undecided(Undecided::Open(canonical.to_owned()));
        let (which, known) = match system {
            None if one.get("concept").is_some() || one.get("filter").is_some() => (open(), None),
            None if array(one, "valueSet").next().is_none() => (open(), None),
            None => (Which::Any, None),
            Some(system) => {
                let named = version.map(|version| format!("{system}|{version}"));
                let named = named.as_deref().unwrap_or(system);
                let known = self.source.code_system(named, package);
                (self.which(one, named, known.as_ref(), &open), known)
            }
        };
        let mut seen = HashSet::new();
        let once = array(one, "valueSet").filter(|other| other.as_str().is_none_or(|other| seen.insert(other)));
        let within = once.map(|other| match other.as_str() {
            Some(other) => self.named(other, package),
            None => Arc::new(ValueSet::undecided(Undecided::Open(canonical.to_owned()))),
        });
        let within = within.collect();
        Clause {
            system: system.map(Into::into),
            version: version.map(Into::into),
            which,
            known,
            within,
            is_active_only: false,
        }
    }

    /// Which codes of a system one part of a composition means.
    fn which(&mut self, one: &Value, named: &str, known: Option<&Arc<CodeSystem>>, open: &dyn Fn() -> Which) -> Which {
        let filters: Vec<&Value> = array(one, "filter").collect();
        if one.get("concept").is_some() {
            let listed = array(one, "concept").filter_map(|concept| {
                let designations = array(concept, "designation").filter_map(Designation::read).collect();
                let display = text(concept, "display").map(Into::into);
                Some(Listed { code: text(concept, "code")?.into(), display, designations })
            });
            // A list beside a filter is no composition of R4 (vsd-3).
            return if !filters.is_empty() {
                open()
            } else {
                of_list(listed.collect(), known.is_some_and(|known| !known.is_case_sensitive))
            };
        }
        let url = split(named).0;
        let Some(known) = known.filter(|known| known.is_whole()) else {
            return match Grammar::of(url) {
                Some(grammar) if filters.is_empty() => Which::Grammar(grammar),
                Some(Grammar::Unit) => measures(&filters).unwrap_or_else(open),
                None if known.is_some() => Which::Undecided(Undecided::Open(named.to_owned())),
                _ => Which::Undecided(Undecided::Unknown(named.to_owned())),
            };
        };
        let mut all: Option<Vec<bool>> = None;
        for filter in filters {
            self.filtered = self.filtered.saturating_add(steps(known, filter));
            if self.filtered > CONCEPTS_FILTERED_MAX {
                return open();
            }
            let Some(passed) = passed(known, filter) else { return open() };
            all = Some(match all {
                None => passed,
                Some(before) => before.iter().zip(&passed).map(|(a, b)| *a && *b).collect(),
            });
        }
        all.map_or(Which::All, Which::Passed)
    }
}

/// Units that measure what another one does (filter `canonical`, as UCUM's own value sets have it).
fn measures(filters: &[&Value]) -> Option<Which> {
    let [filter] = filters else { return None };
    let is_canonical = text(filter, "property") == Some("canonical") && text(filter, "op") == Some("=");
    let unit = ucum::parse(text(filter, "value").filter(|_| is_canonical)?)?;
    Some(Which::Measures(unit.dimension.into()))
}

fn of_list(listed: Vec<Listed>, folds: bool) -> Which {
    let numbered = || listed.iter().enumerate().map(|(at, one)| (&one.code, at as u32));
    let mut places: HashMap<Box<str>, u32> = numbered().map(|(code, at)| (code.clone(), at)).collect();
    for (code, at) in numbered().filter(|_| folds) {
        places.entry(code.to_lowercase().into()).or_insert(at);
    }
    Which::Listed(listed, places)
}

/// The codes of an expansion; `None` where there is none, or it is not whole.
fn expanded(json: &Value) -> Option<ValueSet> {
    let expansion = json.get("expansion")?;
    let is_cut = |extension: &Value| {
        text(extension, "url").is_some_and(|url| url.ends_with("-unclosed") || url.ends_with("-toocostly"))
    };
    if array(expansion, "extension").chain(array(json, "extension")).any(is_cut) {
        return None;
    }
    let mut systems = Systems::default();
    let mut count = 0;
    contained(expansion, &mut systems, &mut count, 0)?;
    let number = |name| expansion.get(name).and_then(Value::as_u64);
    let is_page =
        number("offset").is_some_and(|offset| offset > 0) || number("total").is_some_and(|total| total > count);
    // What lists nothing and has a composition was not expanded.
    if is_page || (count == 0 && json.get("compose").is_some()) {
        return None;
    }
    let clause = |(system, listed): (Box<str>, Vec<Listed>)| Clause {
        system: Some(system),
        version: None,
        which: of_list(listed, false),
        known: None,
        within: Vec::new(),
        is_active_only: false,
    };
    Some(ValueSet { include: systems.listed.into_iter().map(clause).collect(), ..ValueSet::default() })
}

/// The codes of an expansion by their systems, in order, and where each system stands.
#[derive(Default)]
struct Systems {
    listed: Vec<(Box<str>, Vec<Listed>)>,
    places: HashMap<Box<str>, usize>,
}

impl Systems {
    fn push(&mut self, system: &str, code: Listed) {
        let known = self.places.get(system).and_then(|at| self.listed.get_mut(*at));
        match known {
            Some((_, all)) => all.push(code),
            None => {
                self.places.insert(system.into(), self.listed.len());
                self.listed.push((system.into(), vec![code]));
            }
        }
    }
}

fn contained(of: &Value, out: &mut Systems, count: &mut u64, depth: usize) -> Option<()> {
    if depth == CONCEPT_DEPTH_MAX {
        return array(of, "contains").next().is_none().then_some(());
    }
    for one in array(of, "contains") {
        *count += 1;
        if let (Some(system), Some(code)) = (text(one, "system"), text(one, "code"))
            && one.get("abstract") != Some(&Value::Bool(true))
        {
            let designations = array(one, "designation").filter_map(Designation::read).collect();
            let listed = Listed { code: code.into(), display: text(one, "display").map(Into::into), designations };
            out.push(system, listed);
        }
        contained(one, out, count, depth + 1)?;
    }
    Some(())
}
