//! What linking came to: precision and recall, by rule and by kind of damage.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tasuki::identity::{Reason, Verdict};

pub struct Table {
    pub records: usize,
    /// Reading traits of resources.
    pub reading: Duration,
    /// Keys, candidates, comparing.
    pub time: Duration,
    truth: Vec<(usize, Vec<&'static str>)>,
    keys: usize,
    candidates: Vec<usize>,
    /// Pairs of records of one person that have a key in common.
    met: usize,
    automatic: HashMap<(usize, usize), Reason>,
    work: HashMap<(usize, usize), f32>,
}

#[derive(Default, Clone, Copy)]
struct Row {
    pairs: usize,
    automatic: usize,
    work: usize,
    /// Automatic links between two people.
    wrong: usize,
}

pub struct Sums {
    pub precision: f64,
    pub precision_of_people: f64,
    pub recall: f64,
}

impl Table {
    pub fn new(truth: Vec<(usize, Vec<&'static str>)>) -> Self {
        Table {
            records: truth.len(),
            reading: Duration::ZERO,
            time: Duration::ZERO,
            truth,
            keys: 0,
            candidates: Vec::new(),
            met: 0,
            automatic: HashMap::new(),
            work: HashMap::new(),
        }
    }

    /// A record with so many keys and these candidates.
    pub fn seen(&mut self, keys: usize, candidates: &[u32], record: usize) {
        self.keys += keys;
        self.candidates.push(candidates.len());
        self.met += candidates.iter().filter(|other| self.is_true(&(**other as usize, record))).count();
    }

    pub fn verdict(&mut self, one: usize, other: usize, verdict: Verdict) {
        match verdict {
            Verdict::Same(reason) => _ = self.automatic.insert((one, other), reason),
            Verdict::Perhaps(score) => _ = self.work.insert((one, other), score),
            Verdict::Different => {}
        }
    }

    fn is_true(&self, pair: &(usize, usize)) -> bool {
        self.truth[pair.0].0 == self.truth[pair.1].0
    }

    /// The group of records that automatic links make, for each record.
    fn groups(&self) -> Vec<usize> {
        let mut of: Vec<usize> = (0..self.records).collect();
        fn root(of: &mut [usize], mut at: usize) -> usize {
            while of[at] != at {
                of[at] = of[of[at]];
                at = of[at];
            }
            at
        }
        for (one, other) in self.automatic.keys() {
            let (a, b) = (root(&mut of, *one), root(&mut of, *other));
            of[a.max(b)] = a.min(b);
        }
        (0..self.records).map(|at| root(&mut of, at)).collect()
    }

    /// All pairs of records of one group or person.
    fn pairs(by: impl Iterator<Item = usize>) -> Vec<(usize, usize)> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        by.enumerate().for_each(|(record, group)| members.entry(group).or_default().push(record));
        let pairs_of = |all: Vec<usize>| {
            let all_again = all.clone();
            all.into_iter().enumerate().flat_map(move |(at, one)| {
                (at + 1..all_again.len()).map(|next| (one, all_again[next])).collect::<Vec<_>>()
            })
        };
        members.into_values().flat_map(pairs_of).collect()
    }

    pub fn sums(&self) -> Sums {
        let share = |part: usize, of: usize| if of == 0 { 1.0 } else { part as f64 / of as f64 };
        let right = self.automatic.keys().filter(|pair| self.is_true(pair)).count();
        let linked = Self::pairs(self.groups().into_iter());
        let right_linked = linked.iter().filter(|pair| self.is_true(pair)).count();
        let whole = self.row(|_| true);
        Sums {
            precision: share(right, self.automatic.len()),
            precision_of_people: share(right_linked, linked.len()),
            recall: share(whole.automatic + whole.work, whole.pairs),
        }
    }

    /// Pairs of records of one person of which one has some damage, and what was found of them by comparing the two
    /// themselves.
    fn row(&self, is_meant: impl Fn(&[&'static str]) -> bool) -> Row {
        let mut row = Row::default();
        for pair in Self::pairs(self.truth.iter().map(|(person, _)| *person)) {
            if is_meant(&self.truth[pair.0].1) || is_meant(&self.truth[pair.1].1) {
                row.pairs += 1;
                row.automatic += usize::from(self.automatic.contains_key(&pair));
                row.work += usize::from(self.work.contains_key(&pair));
            }
        }
        let wrong = self.automatic.keys().filter(|pair| !self.is_true(pair));
        row.wrong = wrong.filter(|(a, b)| is_meant(&self.truth[*a].1) || is_meant(&self.truth[*b].1)).count();
        row
    }

    pub fn hold_to(&self, precision: f64, recall: f64) {
        let sums = self.sums();
        assert!(sums.precision >= precision, "precision of automatic links {:.6}", sums.precision);
        assert!(sums.precision_of_people >= precision, "precision of linked pairs {:.6}", sums.precision_of_people);
        assert!(sums.recall >= recall, "recall {:.5}", sums.recall);
    }

    pub fn print(&self) {
        let sums = self.sums();
        let groups = self.groups();
        let people = self.truth.iter().map(|(person, _)| person).collect::<std::collections::BTreeSet<_>>().len();
        let mut candidates = self.candidates.clone();
        candidates.sort_unstable();
        let at = |share: f64| candidates[((candidates.len() - 1) as f64 * share) as usize];
        println!("{people} people, {} records, {:.1} keys each", self.records, self.keys as f64 / self.records as f64);
        println!(
            "candidates of a record: mean {:.1}, p50 {}, p99 {}, most {}",
            candidates.iter().sum::<usize>() as f64 / self.records as f64,
            at(0.5),
            at(0.99),
            at(1.0)
        );
        println!(
            "pairs of one person with a key in common: {:.5}",
            self.met as f64 / self.row(|_| true).pairs.max(1) as f64
        );
        println!(
            "per record: {:.1} µs of processor reading, {:.1} µs keys, candidates and comparing",
            self.reading.as_secs_f64() * 1e6 / self.records as f64,
            self.time.as_secs_f64() * 1e6 / self.records as f64
        );
        println!(
            "precision of automatic links {:.6}; of all pairs in linked people {:.6}",
            sums.precision, sums.precision_of_people
        );
        println!("recall of automatic + work list {:.5}", sums.recall);
        for reason in [Reason::Medical, Reason::Care, Reason::Local, Reason::Household] {
            let of_it = self.automatic.iter().filter(|(_, r)| **r == reason);
            let wrong = of_it.clone().filter(|(pair, _)| !self.is_true(pair)).count();
            println!("  {reason:?}: {} automatic links, {wrong} wrong", of_it.count());
        }
        let open: std::collections::BTreeSet<(usize, usize)> = self
            .work
            .keys()
            .map(|(a, b)| (groups[*a].min(groups[*b]), groups[*a].max(groups[*b])))
            .filter(|(a, b)| a != b)
            .collect();
        let right = open.iter().filter(|pair| self.is_true(pair)).count();
        println!(
            "work list: {} pairs of records, {} pairs of people to look at ({:.1} per 1,000 records), {right} of them the same",
            self.work.len(),
            open.len(),
            open.len() as f64 * 1000.0 / self.records as f64
        );
        self.print_damage();
    }

    fn print_damage(&self) {
        let kinds: std::collections::BTreeSet<&str> =
            self.truth.iter().flat_map(|(_, damage)| damage.iter().copied()).collect();
        println!(
            "{:<28} {:>8} {:>10} {:>10} {:>8} {:>6}",
            "one of the records has", "pairs", "automatic", "work list", "recall", "wrong"
        );
        let line = |name: &str, row: Row| {
            let share = |n: usize| n as f64 * 100.0 / row.pairs.max(1) as f64;
            let (automatic, work) = (share(row.automatic), share(row.work));
            let recall = automatic + work;
            println!("{name:<28} {:>8} {automatic:>9.2}% {work:>9.2}% {recall:>7.2}% {:>6}", row.pairs, row.wrong);
        };
        line("anything", self.row(|_| true));
        for kind in kinds {
            line(kind, self.row(|damage| damage.contains(&kind)));
        }
    }
}
