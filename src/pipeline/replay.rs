//! Replay: a record made anew from every letter that ever spoke of it, with today's maps (`docs/adr/0016`).
//!
//! The letters are translated and decided upon in the order in which they were taken in, upon a record that begins
//! empty and lies in memory only. What comes out is compared with what is on record; what differs becomes new versions
//! in one commit. Where nothing differs nothing is written, so a second replay does nothing.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::compare::{self, Difference, Effect, PathDifference};
use super::decide::{self, Stop, Version};
use super::local;
use super::parts::{self, OfFacility};
use super::standing::Standing;
use super::{CONFLICTS_MAX, Kindred, PLACED_ELSEWHERE, Pipeline, Sending, inspect, moment_of, translate, unharmed};
use crate::fault::{Fault, Finding, Issue, Place};
use crate::fhir::{PatientKey, ResourceType, time};
use crate::letter::{Letter, LetterId};
use crate::search::facts::{Facts, Labels};
use crate::store::{Commit, Told};

/// Letters of a record that are named at a time.
const PAGE: usize = 256;
/// Offset in which the instants of a replay are written: Japan's.
const ZONE_MINUTES: i16 = 540;
/// Where a Provenance says with which maps it was made; that alone is no difference.
const MAP_VERSION_PATHS: [&str; 2] = ["agent[].who.identifier.value", "agent[].who.display"];

/// What a replay of one record found, and, unless it was only tried, did.
#[derive(Clone, Debug, Default)]
pub struct Rebuilt {
    /// How many letters the record was made from.
    pub letters: usize,
    /// What differs, in a fixed order; nothing when it was refused.
    pub differences: Vec<Difference>,
    /// Set when a letter that was used before cannot be used now: the record stays as it is.
    pub refused: Option<Refused>,
    /// Further records that its letters speak of; they are to be made anew too.
    pub linked: Vec<Linked>,
    /// How many entries of the queue of codes are gone, because the codes are mapped now.
    pub codes_mapped: usize,
}

/// A letter that cannot be used any more.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The letter.
    pub letter: LetterId,
    /// Why.
    pub issues: Vec<Finding>,
}

/// Another record that a letter speaks of.
#[derive(Clone, Debug)]
pub struct Linked {
    /// The record.
    pub patient: PatientKey,
    /// Letters that speak of it with today's maps and did not before. After a replay they are among its own.
    pub new: Vec<Told>,
}

/// What became of a held letter that was tried anew.
#[derive(Clone, Debug)]
pub enum Tried {
    /// It can be used (and is now used, unless it was only tried).
    Released,
    /// It cannot, for these reasons.
    Held(Vec<Finding>),
}

/// A record as its letters make it.
struct Made {
    standing: Standing,
    letters: usize,
    linked: Vec<Linked>,
    /// Letters whose codes are others than the store has: number, entry as it is to be, codes described.
    codes: Vec<(u64, Told, Told, Vec<OfFacility>)>,
}

/// Why a record could not be made.
enum Halt {
    Refused(Refused),
    Broken(Fault),
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Halt::Broken(fault)
    }
}

impl Pipeline {
    /// Makes a record anew; see the top of this file. `only_try` writes nothing. `also` are letters that speak of the
    /// record and are not among its own yet ([`Linked::new`] of a trial). Blocks on storage.
    pub fn rebuild(&self, patient: PatientKey, also: &[Told], only_try: bool) -> Result<Rebuilt, Fault> {
        for _ in 0..CONFLICTS_MAX {
            match self.rebuild_once(patient, also, only_try) {
                Err(Fault::Conflict) => {}
                done => return done,
            }
        }
        Err(Fault::Busy)
    }

    /// Whether a held letter could be used now; nothing is written. `None` when it is not held.
    pub fn try_held(&self, id: LetterId) -> Result<Option<Tried>, Fault> {
        if !self.store.is_held(id)? {
            return Ok(None);
        }
        let letter = self.replayed_letter(id)?;
        let known = |patient| Standing::read(&self.store, patient)?.known();
        let noted = match unharmed(|| translate(&letter, id, &self.book(), known))? {
            Ok(noted) => noted,
            Err(issues) => return Ok(Some(Tried::Held(findings(&issues)))),
        };
        let inspection = self.inspection();
        let sending = Sending { before: self.receipt(id)?, ..Sending::new(&letter, id) };
        let judgement = inspection.as_sent(&letter)?;
        if let Some(outcome) = inspection.verdict(&sending, &judgement) {
            return Ok(Some(Tried::Held(inspect::findings(outcome, judgement))));
        }
        let (moment, rules) = (moment_of(&letter, (self.clock)()), self.label_rules());
        let mut made = Vec::new();
        for part in parts::of(noted.value).0 {
            let standing = Standing::read(&self.store, part.patient)?;
            match decide::decide(&standing, &rules, part.changes, part.origin.as_deref(), moment) {
                Ok(decision) => made.push(decision),
                Err(Stop::Wrong(issues)) => return Ok(Some(Tried::Held(findings(&issues)))),
                Err(Stop::Broken(fault)) => return Err(fault),
            }
        }
        let judgement = inspection.as_mapped(&letter, made.iter())?;
        Ok(Some(match inspection.verdict(&sending, &judgement) {
            Some(outcome) => {
                let judgement = inspection.in_senders_terms(&letter, &self.book(), judgement)?;
                Tried::Held(inspect::findings(outcome, judgement))
            }
            None => Tried::Released,
        }))
    }

    fn rebuild_once(&self, patient: PatientKey, also: &[Told], only_try: bool) -> Result<Rebuilt, Fault> {
        let stored = Standing::read(&self.store, patient)?;
        let made = match self.make(patient, stored.told(), also) {
            Ok(made) => made,
            Err(Halt::Refused(refused)) => return Ok(Rebuilt { refused: Some(refused), ..Rebuilt::default() }),
            Err(Halt::Broken(fault)) => return Err(fault),
        };
        let now = (self.clock)();
        let changed = differences(&stored, &made.standing, now)?;
        if let Some(refused) = self.misplaced(patient, &changed)? {
            return Ok(Rebuilt { refused: Some(refused), ..Rebuilt::default() });
        }
        let (differences, versions): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
        let codes_mapped = made.codes.iter().map(|(_, old, new, _)| gone(&old.codes, &new.codes).count()).sum();
        if !only_try {
            self.commit_replay(stored, versions, &made)?;
        }
        Ok(Rebuilt { letters: made.letters, differences, refused: None, linked: made.linked, codes_mapped })
    }

    /// Everything that differs, as one commit; none when nothing does.
    fn commit_replay(&self, mut stored: Standing, versions: Vec<Version>, made: &Made) -> Result<(), Fault> {
        let patient = stored.patient();
        let mut commit = Commit::default();
        let panel_before = stored.panels().to_vec();
        let told = stored.told();
        // The facility counts for a record on which nothing was: what its letters say, else what was known.
        stored.write(versions, made.standing.stated_facility(), &mut commit)?;
        if stored.spoke() {
            let mut kindred = Kindred::new(&self.store);
            kindred.spoke(&stored, &panel_before)?;
            kindred.finish(&mut commit)?;
        }
        for (number, old, new, described) in &made.codes {
            commit.retell(patient, *number, new);
            gone(&old.codes, &new.codes).for_each(|code| commit.take_unmapped(*code, old));
            gone(&new.codes, &old.codes).for_each(|code| commit.put_unmapped(*code, new, patient));
            self.codes.describe(&self.store, described, new.letter, &mut commit)?;
        }
        for Linked { patient, new } in &made.linked {
            let count = self.store.told_count(*patient)?;
            new.iter().zip(count + 1..).for_each(|(told, number)| commit.tell(*patient, number, told));
        }
        if commit == Commit::default() {
            return Ok(());
        }
        commit.expect_told(patient, told);
        self.store.submit(commit).wait().map(|_| ())
    }

    /// Takes every letter of a record in order.
    fn make(&self, patient: PatientKey, count: u64, also: &[Told]) -> Result<Made, Halt> {
        let mut made = Made { standing: Standing::empty(patient), letters: 0, linked: Vec::new(), codes: Vec::new() };
        let mut after = 0;
        while after < count {
            let page = self.store.told(patient, after, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (number, told) in page {
                self.take(&mut made, told, Some(number))?;
            }
        }
        also.iter().try_for_each(|told| self.take(&mut made, told.clone(), None))?;
        Ok(made)
    }

    /// Takes one letter: what it says of the record is decided upon the record as the letters before it made it.
    fn take(&self, made: &mut Made, told: Told, number: Option<u64>) -> Result<(), Halt> {
        let patient = made.standing.patient();
        let refused = |issues: &[Issue]| Halt::Refused(Refused { letter: told.letter, issues: findings(issues) });
        let letter = self.replayed_letter(told.letter)?;
        made.letters += 1;
        let known = |asked: PatientKey| match asked == patient {
            true => made.standing.known(),
            false => Standing::read(&self.store, asked)?.known(),
        };
        let noted = unharmed(|| translate(&letter, told.letter, &self.book(), known))?.map_err(|i| refused(&i))?;
        let (parts, codes) = parts::of(noted.value);
        let is_first = parts.first().is_some_and(|part| part.patient == patient);
        for part in parts {
            if part.patient != patient {
                self.link(made, part.patient, &told)?;
                continue;
            }
            let moment = moment_of(&letter, told.received);
            let rules = self.label_rules();
            let decided = decide::decide(&made.standing, &rules, part.changes, part.origin.as_deref(), moment);
            let decision = decided.map_err(|stop| match stop {
                Stop::Wrong(issues) => refused(&issues),
                Stop::Broken(fault) => Halt::Broken(fault),
            })?;
            made.standing.imagine(decision.versions, part.facility.as_str())?;
        }
        let ids = if is_first { local::ids(&codes) } else { Vec::new() };
        if let Some(number) = number.filter(|_| ids != told.codes) {
            made.codes.push((number, told.clone(), Told { codes: ids, ..told }, codes));
        }
        Ok(())
    }

    /// Notes that a letter speaks of another record, and whether that record knows.
    fn link(&self, made: &mut Made, patient: PatientKey, told: &Told) -> Result<(), Fault> {
        let at = made.linked.iter().position(|linked| linked.patient == patient).unwrap_or_else(|| {
            made.linked.push(Linked { patient, new: Vec::new() });
            made.linked.len() - 1
        });
        let mut after = 0;
        loop {
            let page = self.store.told(patient, after, PAGE)?;
            if page.iter().any(|(_, known)| known.letter == told.letter) {
                return Ok(());
            }
            match page.last() {
                Some((last, _)) => after = *last,
                None => break,
            }
        }
        let new = &mut made.linked[at].new;
        if !new.iter().any(|known| known.letter == told.letter) {
            new.push(Told { codes: Vec::new(), ..told.clone() });
        }
        Ok(())
    }

    fn replayed_letter(&self, id: LetterId) -> Result<Letter, Fault> {
        self.store.letter(id)?.ok_or_else(|| Fault::Broken("a letter that wrote to a record is missing".into()))
    }

    /// An id that somebody chose and that has come to lie in another record meanwhile.
    fn misplaced(&self, patient: PatientKey, changed: &[(Difference, Version)]) -> Result<Option<Refused>, Fault> {
        for (_, version) in changed.iter().filter(|(_, v)| v.facts.version == 1 && !patient.derives(&v.facts.id)) {
            let places = self.store.candidates(version.facts.resource_type, &version.facts.id)?;
            if places.iter().any(|other| *other != patient) {
                let issue = Issue::with(&PLACED_ELSEWHERE, Place::Whole, version.reference());
                return Ok(Some(Refused { letter: LetterId([0; 32]), issues: findings(&[issue]) }));
            }
        }
        Ok(None)
    }
}

fn findings(issues: &[Issue]) -> Vec<Finding> {
    issues.iter().map(Finding::from).collect()
}

fn gone<'a>(before: &'a [u128], after: &'a [u128]) -> impl Iterator<Item = &'a u128> {
    before.iter().filter(|code| !after.contains(code))
}

/// What differs between a record as it is stored and as its letters make it, and the versions that make it so.
fn differences(stored: &Standing, made: &Standing, now: i64) -> Result<Vec<(Difference, Version)>, Fault> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for facts in made.all() {
        seen.insert((facts.resource_type, facts.id.clone()));
        found.extend(difference(stored, made, facts, now)?);
    }
    for facts in stored.all() {
        // What a caller stated is in no letter, and stays.
        let is_of_letters = !facts.is_by_caller();
        if is_of_letters && !facts.deleted && !seen.contains(&(facts.resource_type, facts.id.clone())) {
            found.push(deleted(facts, facts.occurred, now));
        }
    }
    let changed: BTreeSet<String> = found
        .iter()
        .filter(|(difference, _)| difference.resource_type != ResourceType::PROVENANCE)
        .filter(|(difference, _)| difference.effect != Effect::Reindexed)
        .map(|(_, version)| version.reference())
        .collect();
    let mut kept = Vec::with_capacity(found.len());
    for (difference, version) in found {
        if !is_map_version_only(&difference) || tells_of(&version.body, &changed)? {
            kept.push((difference, version));
        }
    }
    Ok(kept)
}

fn difference(
    stored: &Standing,
    made: &Standing,
    facts: &Facts,
    now: i64,
) -> Result<Option<(Difference, Version)>, Fault> {
    let (resource_type, id) = (facts.resource_type, &facts.id);
    let before = stored.current(resource_type, id);
    if before.is_some_and(Facts::is_by_caller) {
        return Ok(None);
    }
    let was_there = before.is_some_and(|before| !before.deleted);
    if facts.deleted {
        return Ok(before.filter(|_| was_there).map(|before| deleted(before, facts.occurred, now)));
    }
    let body = made.body(resource_type, id)?.unwrap_or_default();
    let difference = |effect, paths| Difference { resource_type, id: id.clone(), effect, paths };
    let version = before.map_or(0, |before| before.version);
    let next = |paths, effect| {
        let facts = Facts { version: version + 1, last_updated: now, ..facts.clone() };
        let body = restamped(&body, facts.version, &time::instant(now, ZONE_MINUTES));
        Some((difference(effect, paths), Version { facts, body, is_silent: false }))
    };
    let Some(before) = before.filter(|_| was_there) else { return Ok(next(Vec::new(), Effect::Created)) };
    if before.content == facts.content {
        let same = Facts { version: before.version, last_updated: before.last_updated, ..facts.clone() };
        // The place of an id that somebody chose is written with its first version, and only once.
        if same == *before || !stored.patient().derives(id) {
            return Ok(None);
        }
        let body = stored.body(resource_type, id)?.unwrap_or_default();
        let version = Version { facts: same, body, is_silent: true };
        return Ok(Some((difference(Effect::Reindexed, Vec::new()), version)));
    }
    let text = stored.body(resource_type, id)?.unwrap_or_default();
    Ok(next(compare::paths(&parsed(&text)?, &parsed(&body)?), Effect::Changed))
}

fn deleted(before: &Facts, occurred: i64, now: i64) -> (Difference, Version) {
    let facts = Facts {
        version: before.version + 1,
        deleted: true,
        last_updated: now,
        occurred,
        labels: Labels::default(),
        content: 0,
        tokens: Vec::new(),
        dates: Vec::new(),
        references: Vec::new(),
        ..before.clone()
    };
    let (resource_type, id) = (before.resource_type, before.id.clone());
    let difference = Difference { resource_type, id, effect: Effect::Deleted, paths: Vec::new() };
    (difference, Version { facts, body: String::new(), is_silent: false })
}

/// A Provenance says with which maps a letter was read. Where newer maps read the same, what it says is still so.
fn is_map_version_only(difference: &Difference) -> bool {
    let of_version = |path: &PathDifference| MAP_VERSION_PATHS.contains(&path.path.as_str());
    difference.resource_type == ResourceType::PROVENANCE
        && difference.effect == Effect::Changed
        && difference.paths.iter().all(of_version)
}

/// Whether a Provenance tells of a resource that is made different.
fn tells_of(provenance: &str, changed: &BTreeSet<String>) -> Result<bool, Fault> {
    let provenance = parsed(provenance)?;
    let mut targets = provenance["target"].as_array().into_iter().flatten();
    Ok(targets.any(|target| target["reference"].as_str().is_some_and(|reference| changed.contains(reference))))
}

fn parsed(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Broken("a stored resource is not JSON".into()))
}

/// The same resource under another version and instant, which [`crate::fhir::Draft::json`] writes before anything that a
/// sender said.
fn restamped(body: &str, version: u32, instant: &str) -> String {
    const VERSION: &str = "\"meta\":{\"versionId\":\"";
    const UPDATED: &str = "\",\"lastUpdated\":\"";
    let split = || {
        let (start, rest) = body.split_once(VERSION)?;
        let (_, rest) = rest.split_once(UPDATED)?;
        let (_, rest) = rest.split_once('"')?;
        Some(format!("{start}{VERSION}{version}{UPDATED}{instant}\"{rest}"))
    };
    split().unwrap_or_else(|| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{Draft, ResourceId, Writer};

    #[test]
    fn only_version_and_instant_of_a_resource_are_made_anew() {
        let mut w = Writer::new();
        w.string("text", "\"meta\":{\"versionId\":\"9\",\"lastUpdated\":\"x\"");
        let id = ResourceId::parse("a").unwrap();
        let meta = r#""tag":[{"code":"x"}]"#.to_owned();
        let draft = Draft { meta, ..Draft::new(ResourceType::OBSERVATION, id, w) };
        let first = draft.json(Some((1, "2026-10-01T00:00:00.000+09:00")));
        let instant = "2026-11-01T00:00:00.000+09:00";
        assert_eq!(restamped(&first, 12, instant), draft.json(Some((12, instant))));
    }
}
