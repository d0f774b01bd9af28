//! Two records: the same person, perhaps, or different people.
//!
//! Deterministic: the same two records and weights always give the same verdict, whichever comes first.

use super::address::Nearness;
use super::birth::{self, Birth};
use super::name::{Name, Script, UNKNOWN};
use super::spelling::{agrees_but_for_unwritten, is_one_slip};
use super::traits::Traits;
use super::weights::Weights;

/// What comes of comparing two records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// One person: may be linked without anybody looking.
    Same(Reason),
    /// May be one person: for the work list, with the score in bits.
    Perhaps(f32),
    /// Nothing that anybody needs to look at.
    Different,
}

/// Why two records are one person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// One person's medical insurance (with the branch number, or 後期高齢者医療), birth date and given name.
    Medical,
    /// Care-insurance number with its insurer, birth date and given name.
    Care,
    /// The number in one facility's system, birth date and given name.
    Local,
    /// Name, birth date, and address, phone or a family's insurance, all exactly.
    Household,
}

/// How one part of two records stands to the other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// One of them does not say.
    Unknown,
    /// The same.
    Same,
    /// One slip apart.
    Near,
    /// Something else.
    Far,
}

/// Everything two records say of each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Family name, by the script in which it agrees best.
    pub family: Level,
    /// Given name: the same in one script, or near in all in which both are told.
    pub given: Level,
    /// Whether the given name is the same in kanji and not another in kana; or the same in kana, where kanji do not say.
    pub given_is_certain: bool,
    /// Bearers of the family name in which they agree, among 100,000 people.
    pub bearers: u32,
    /// Birth date.
    pub birth: Option<Birth>,
    /// Sex.
    pub sex: Level,
    /// Address: [`Level::Near`] is the same place without the same numbers.
    pub address: Level,
    /// Phone numbers.
    pub phone: Level,
    /// Medical insurance: [`Level::Same`] is one person's, [`Level::Near`] a family's.
    pub medical: Level,
    /// The same family's insurance with two branch numbers.
    pub branches_differ: bool,
    /// Care insurance: [`Level::Far`] is another number of the same insurer at the same time.
    pub care: Level,
    /// Numbers in facilities' systems.
    pub local: Level,
}

/// Compares two records.
///
/// The same person, when nothing contradicts and
/// - a number that is one person's agrees, with the whole birth date, and the given name in one script; or
/// - name and whole birth date agree exactly, with address, phone or a family's insurance, and the score is at least
///   `weights.certain`.
///
/// Members of a family share insurance, address and phone, and twins the birth date too: therefore no rule without the
/// given name, and one that clearly differs ends it. The other sex, two numbers of one care insurer at one time, and
/// two branches of one family's insurance contradict: such a pair is for the work list at best.
pub fn compare(a: &Traits, b: &Traits, weights: &Weights) -> Verdict {
    let evidence = evidence(a, b);
    let score = evidence.score(weights);
    if let Some(reason) = evidence.reason(score, weights) {
        return Verdict::Same(reason);
    }
    if score >= weights.perhaps && evidence.is_worth_a_look() { Verdict::Perhaps(score) } else { Verdict::Different }
}

/// Whether two records cannot well be one person's: another given name or birth date, the other sex, or two numbers of one
/// insurance. Links are not made across such records, and those that rules made are taken apart.
pub fn contradict(a: &Traits, b: &Traits) -> bool {
    let evidence = evidence(a, b);
    let clashes = [evidence.given, evidence.sex, evidence.care].contains(&Level::Far);
    clashes || evidence.branches_differ || evidence.birth == Some(Birth::Far)
}

/// Whether what a record says now is of somebody else than before: another birth date, given name or sex, not only the same told
/// better. A number, a family name or an address may change; who becomes another by steps is another at the first.
pub fn is_another(before: &Traits, now: &Traits) -> bool {
    let evidence = evidence(before, now);
    let is_birth_another = evidence.birth.is_some_and(|birth| !matches!(birth, Birth::Same | Birth::Part));
    is_birth_another || matches!(evidence.given, Level::Near | Level::Far) || evidence.sex == Level::Far
}

/// What two records say of each other, field by field; for showing why.
pub fn evidence(a: &Traits, b: &Traits) -> Evidence {
    let names = names(a, b);
    let birth = a.birth.zip(b.birth).map(|(a, b)| birth::compare(a, b));
    let sex = match (a.sex, b.sex) {
        (Some(a), Some(b)) if a == b => Level::Same,
        (Some(_), Some(_)) => Level::Far,
        _ => Level::Unknown,
    };
    let (medical, branches_differ) = medical(a, b);
    Evidence {
        family: names.family,
        given: names.given,
        given_is_certain: names.given_is_certain,
        bearers: names.bearers,
        birth,
        sex,
        address: address(a, b),
        phone: common(&a.phones, &b.phones),
        medical,
        branches_differ,
        care: care(a, b),
        local: local(a, b),
    }
}

impl Evidence {
    fn reason(&self, score: f32, weights: &Weights) -> Option<Reason> {
        let contradicts = self.sex == Level::Far || self.branches_differ || self.care == Level::Far;
        if contradicts || self.birth != Some(Birth::Same) || self.given != Level::Same {
            return None;
        }
        if self.medical == Level::Same {
            return Some(Reason::Medical);
        }
        if self.care == Level::Same {
            return Some(Reason::Care);
        }
        if self.local == Level::Same {
            return Some(Reason::Local);
        }
        let is_household = self.address == Level::Same || self.phone == Level::Same || self.medical == Level::Near;
        let is_certain =
            is_household && self.family == Level::Same && self.given_is_certain && score >= weights.certain;
        is_certain.then_some(Reason::Household)
    }

    /// Whether somebody should look, given a score that is high enough: not at two members of a household, and not at a
    /// name that has nothing but a place beside it.
    fn is_worth_a_look(&self) -> bool {
        let is_person = [self.medical, self.care, self.local].contains(&Level::Same);
        match (self.given, self.birth) {
            _ if is_person => true,
            (Level::Far, _) | (_, Some(Birth::Far)) => false,
            // Only the family name is known, or each in another script.
            (Level::Unknown, birth) => birth == Some(Birth::Same),
            (Level::Near, birth) => birth.is_some(),
            (Level::Same, _) => true,
        }
    }

    /// The score in bits.
    pub fn score(&self, weights: &Weights) -> f32 {
        let family = match self.family {
            Level::Unknown => 0.0,
            Level::Same => weights.family_same(self.bearers),
            Level::Near => weights.family_near,
            Level::Far => weights.family_other,
        };
        let given = of(self.given, weights.given_same, weights.given_near, weights.given_other);
        let birth = match self.birth {
            None => 0.0,
            Some(Birth::Same) => weights.birth_same,
            Some(Birth::Part) => weights.birth_part,
            Some(Birth::Near) => weights.birth_near,
            Some(Birth::Far) => weights.birth_other,
        };
        let sex = of(self.sex, weights.sex_same, 0.0, weights.sex_other);
        let person = of(self.care, weights.care_same, 0.0, weights.care_other)
            + of(self.local, weights.local_same, 0.0, 0.0)
            + if self.medical == Level::Same { weights.medical_person } else { 0.0 };
        family + given + birth + sex + person + self.household(weights)
    }

    /// What a household shares: the strongest agreement alone, or all disagreements.
    fn household(&self, weights: &Weights) -> f32 {
        let medical = match self.medical {
            Level::Near => weights.medical_household,
            Level::Far => weights.medical_other,
            Level::Same | Level::Unknown => 0.0,
        };
        let all = [
            of(self.address, weights.address_same, weights.address_place, weights.address_other),
            of(self.phone, weights.phone_same, 0.0, weights.phone_other),
            medical,
        ];
        let best = all.into_iter().fold(0.0, f32::max);
        if best > 0.0 { best } else { all.iter().sum() }
    }
}

fn of(level: Level, same: f32, near: f32, far: f32) -> f32 {
    match level {
        Level::Unknown => 0.0,
        Level::Same => same,
        Level::Near => near,
        Level::Far => far,
    }
}

#[derive(Clone, Copy)]
struct Names {
    family: Level,
    given: Level,
    given_is_certain: bool,
    bearers: u32,
}

/// The best that any two names of one script say; over the scripts, the best of each part, but for a given name that is
/// near in one script and far in the other.
fn names(a: &Traits, b: &Traits) -> Names {
    let mut all = Names { family: Level::Unknown, given: Level::Unknown, given_is_certain: false, bearers: 0 };
    let mut in_kanji = Level::Unknown;
    let mut in_kana = Level::Unknown;
    for script in [Script::Kanji, Script::Kana, Script::Roman] {
        let mut best: Option<(Level, Level, u32)> = None;
        for x in a.names.iter().filter(|n| n.script == script) {
            for y in b.names.iter().filter(|n| n.script == script) {
                let (family, given) = parts(x, y);
                if best.is_none_or(|(f, g, _)| (rank(given), rank(family)) > (rank(g), rank(f))) {
                    // Where the family name stands in one of them only, its frequency is that one's.
                    best = Some((family, given, x.bearers.max(y.bearers)));
                }
            }
        }
        let Some((family, given, bearers)) = best else { continue };
        match script {
            Script::Kanji => in_kanji = given,
            Script::Kana | Script::Roman => in_kana = if rank(given) > rank(in_kana) { given } else { in_kana },
        }
        if rank(given) > rank(all.given) {
            all.given = given;
        }
        if rank(family) > rank(all.family) {
            all.family = family;
        }
        if family == Level::Same {
            all.bearers = if all.bearers == 0 { bearers } else { all.bearers.min(bearers.max(1)) };
        }
    }
    if all.given == Level::Near && (in_kanji == Level::Far || in_kana == Level::Far) {
        // 花子 and 月子 are one slip apart in kanji; their readings are not.
        all.given = Level::Far;
    }
    all.given_is_certain = match in_kanji {
        // A twin's name may be chosen by mistake; then the reading is another.
        Level::Same => in_kana != Level::Far,
        Level::Unknown => in_kana == Level::Same,
        Level::Near | Level::Far => false,
    };
    all
}

fn rank(level: Level) -> u8 {
    match level {
        Level::Unknown => 0,
        Level::Far => 1,
        Level::Near => 2,
        Level::Same => 3,
    }
}

/// Family and given name of two names of one script.
fn parts(x: &Name, y: &Name) -> (Level, Level) {
    if x.whole == y.whole {
        return (Level::Same, Level::Same);
    }
    match (x.family.is_empty(), y.family.is_empty()) {
        (false, false) => {
            let straight = (level(&x.family, &y.family, x.script), level(&x.given, &y.given, x.script));
            if straight == (Level::Far, Level::Far) && x.family == y.given && x.given == y.family {
                return (Level::Same, Level::Same);
            }
            straight
        }
        (true, true) => {
            let level = level(&x.whole, &y.whole, x.script);
            (level, level)
        }
        (true, false) => of_whole(&x.whole, y),
        (false, true) => of_whole(&y.whole, x),
    }
}

/// A name whose parts are not set apart beside one whose parts are: what is left where one part fits is the other.
fn of_whole(whole: &str, name: &Name) -> (Level, Level) {
    if let Some(given) = whole.strip_prefix(name.family.as_str()) {
        return (Level::Same, level(given, &name.given, name.script));
    }
    if let Some(family) = whole.strip_suffix(name.given.as_str()) {
        return (level(family, &name.family, name.script), Level::Same);
    }
    let level = level(whole, &name.whole, name.script);
    (level, level)
}

fn level(x: &str, y: &str, script: Script) -> Level {
    if x.is_empty() || y.is_empty() {
        return Level::Unknown;
    }
    if x == y {
        return Level::Same;
    }
    if script == Script::Kanji && agrees_but_for_unwritten(x, y, UNKNOWN) {
        // A character that nobody could write says nothing, and the rest agrees.
        return Level::Unknown;
    }
    // Of two kana, or one kanji, one slip makes another name.
    let letters_min = if script == Script::Kanji { 2 } else { 3 };
    let is_long = x.chars().count().max(y.chars().count()) >= letters_min;
    if is_long && is_one_slip(x, y) { Level::Near } else { Level::Far }
}

fn address(a: &Traits, b: &Traits) -> Level {
    let mut best = Level::Unknown;
    for x in &a.addresses {
        for y in &b.addresses {
            let level = match x.compare(y) {
                Nearness::Same => return Level::Same,
                Nearness::Place => Level::Near,
                Nearness::Other => Level::Far,
            };
            best = if rank(level) > rank(best) { level } else { best };
        }
    }
    match common(&a.postcodes, &b.postcodes) {
        Level::Same => Level::Near,
        level if best == Level::Unknown => level,
        _ => best,
    }
}

fn common<T: PartialEq>(a: &[T], b: &[T]) -> Level {
    if a.is_empty() || b.is_empty() {
        return Level::Unknown;
    }
    if a.iter().any(|x| b.contains(x)) { Level::Same } else { Level::Far }
}

/// Medical insurance, and whether two branches of one family's contradict.
fn medical(a: &Traits, b: &Traits) -> (Level, bool) {
    if a.medical.is_empty() || b.medical.is_empty() {
        return (Level::Unknown, false);
    }
    let mut best = Level::Far;
    let mut branches_differ = false;
    for x in &a.medical {
        for y in b.medical.iter().filter(|y| x.is_household_of(y)) {
            let level = match (x.branch, y.branch) {
                _ if x.is_personal() => Level::Same,
                (Some(one), Some(other)) if one == other => Level::Same,
                (Some(_), Some(_)) => {
                    branches_differ |= x.span.meets(y.span);
                    Level::Near
                }
                _ => Level::Near,
            };
            best = if rank(level) > rank(best) { level } else { best };
        }
    }
    (best, branches_differ && best != Level::Same)
}

fn care(a: &Traits, b: &Traits) -> Level {
    let mut contradicts = false;
    for x in &a.care {
        for y in b.care.iter().filter(|y| y.insurer == x.insurer) {
            if x.number == y.number {
                return Level::Same;
            }
            contradicts |= x.span.meets(y.span);
        }
    }
    if contradicts { Level::Far } else { Level::Unknown }
}

/// Numbers of two facilities say nothing of each other, and one facility may have given a person two.
fn local(a: &Traits, b: &Traits) -> Level {
    if a.locals.iter().any(|x| b.locals.contains(x)) { Level::Same } else { Level::Unknown }
}
