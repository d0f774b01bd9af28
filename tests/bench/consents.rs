//! Consent by itself: a decision with fifty Consents, compiling them, and a search over a panel of which some is hidden
//! beside the same search with everything permitted.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tasuki::consent::{Caller, Directive, Gate, Policy, Role, RowFacts};
use tasuki::fault::Fault;
use tasuki::fhir::ResourceType;
use tasuki::search::columns::Columns;
use tasuki::search::evaluate::Judge;
use tasuki::search::query::{Scope, Server};
use tasuki::search::terminology::{Members, Terminology, Undecided};
use tasuki::search::visible::{Row, Visible};
use tasuki::search::{Definitions, Query, run};

use super::Figure;
use super::cases::{self, Dice, RECORD};
use super::judge::{self, Judged};

const CONSENTS: usize = 50;
/// Sets of Consents.
const SETS: u64 = 100;
const NOW: &str = "2026-06-15T09:00:00+09:00";

pub fn consents() -> Vec<Figure> {
    let cases: Vec<Judged> = (0..SETS).map(fifty).collect();
    vec![decision(&cases), compiling(&cases), searching()].into_iter().flatten().collect()
}

/// A record with fifty Consents in force, all of them understood, of which the first permits.
fn fifty(seed: u64) -> Judged {
    let mut dice = Dice(seed << 32);
    let first = |actor: &str| json!({"type": "permit", "actor": [cases::receiver(actor)]});
    let mut consents = Vec::new();
    let mut case = cases::case(&mut dice);
    while consents.len() < CONSENTS {
        let mut consent = cases::consent(&mut dice, consents.len());
        consent.as_object_mut().expect("an object").remove("sourceReference");
        consent["status"] = "active".into();
        if consents.is_empty() {
            consent["provision"] = first("Organization/a");
        }
        let whole =
            Directive::read(&consent).alarm().is_none() && consent["patient"]["reference"] == RECORD.reference();
        if whole && consent["scope"]["coding"][0]["code"] == "patient-privacy" {
            consents.push(consent);
        }
    }
    case["resources"] = (0..20).map(|at| cases::resource(&mut dice, at, 20)).collect();
    case["consents"] = consents.into();
    case["terms"] = json!({"custodian": "Organization/h"});
    case["now"] = NOW.into();
    case["asker"] =
        json!({"organization": "Organization/a", "purpose": "COC", "kind": "care-manager", "known": ["CareTeam/d"]});
    Judged::read(&case).expect("a case")
}

/// The shortest of several rounds of calls, nanoseconds a call: what else the machine does only lengthens them.
fn shortest_ns(rounds: usize, calls: u32, mut call: impl FnMut()) -> f64 {
    let round = |_| {
        let begun = Instant::now();
        (0..calls).for_each(|_| call());
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
    };
    (0..rounds).map(round).fold(f64::MAX, f64::min)
}

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

fn sorted(mut all: Vec<f64>) -> Vec<f64> {
    all.sort_by(f64::total_cmp);
    all
}

fn decision(cases: &[Judged]) -> Vec<Figure> {
    let (mut all, mut permitted) = (Vec::new(), Vec::new());
    for judged in cases {
        let policy = judged.policy();
        for row in 0..judged.columns.len() {
            let facts = RowFacts::row(&judged.columns, row);
            let ns = shortest_ns(20, 50, || {
                black_box(policy.decide(black_box(judged.now), black_box(&facts)));
            });
            all.push(ns);
            if policy.decide(judged.now, &facts).permitted {
                permitted.push(ns);
            }
        }
    }
    let (all, permitted) = (sorted(all), sorted(permitted));
    let beside = json!({"p99_ns": at(&all, 0.99).round(), "longest_ns": at(&all, 1.0).round(), "rows": all.len(),
        "permitted": permitted.len(), "median_of_permitted_ns": at(&permitted, 0.5).round(),
        "p99_of_permitted_ns": at(&permitted, 0.99).round()});
    vec![Figure {
        scenario: format!("decision on a row with {CONSENTS} consents"),
        figure: at(&all, 0.5),
        unit: "ns, median over rows",
        beside,
    }]
}

fn compiling(cases: &[Judged]) -> Vec<Figure> {
    let compile = |judged: &Judged| shortest_ns(10, 10, || drop(black_box(judged.policy()))) / 1000.0;
    let all = sorted(cases.iter().map(compile).collect());
    vec![Figure {
        scenario: format!("compiling {CONSENTS} consents for who asks"),
        figure: at(&all, 0.5),
        unit: "µs, median over records",
        beside: json!({"p99_us": at(&all, 0.99).round(), "records": all.len()}),
    }]
}

/// The records of a panel as a search sees them.
struct Panel<'a> {
    columns: Vec<&'a Columns>,
    gates: Vec<Gate<'a>>,
}

impl Visible for Panel<'_> {
    fn charts(&self) -> &[&Columns] {
        &self.columns
    }

    fn may_see(&self, at: Row) -> bool {
        self.gates[at.chart].nth(at.row, &RowFacts::row(self.columns[at.chart], at.row)).is_some()
    }

    fn may_match(&self, at: Row) -> bool {
        self.gates[at.chart].found().nth(at.row, &RowFacts::row(self.columns[at.chart], at.row)).is_some()
    }

    fn body(&self, _: Row) -> Result<Vec<u8>, Fault> {
        Err(Fault::Broken("no body is wanted".into()))
    }

    fn earlier(&self, _: usize) -> Option<&Columns> {
        None
    }

    fn earlier_body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        self.body(at)
    }
}

/// No code is looked up in these searches.
struct Nothing;

impl Terminology for Nothing {
    fn members(&self, value_set: &str) -> Result<Arc<Members>, Undecided> {
        Err(Undecided::Unknown(value_set.to_owned()))
    }

    fn subsumed(&self, system: &str, _: &str, _: bool) -> Result<Arc<Members>, Undecided> {
        Err(Undecided::Unknown(system.to_owned()))
    }
}

const PANEL: usize = 20;
const VISIBLE: usize = 60;

/// A record of which `hidden` results lie in the time that its consent denies, before the others.
fn record(hidden: usize, provision: &Value) -> Judged {
    let result = |at: usize, date: &str| {
        json!({"resourceType": "Observation", "id": format!("o{at}"), "subject": {"reference": RECORD.reference()},
            "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}, "effectiveDateTime": date})
    };
    let rows = (0..VISIBLE + hidden)
        .map(|at| result(at, if at % (VISIBLE + hidden) < hidden { "2025-03-01" } else { "2026-05-01" }));
    let consent = json!({"resourceType": "Consent", "id": "c", "status": "active", "provision": provision,
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "patient": {"reference": RECORD.reference()}});
    let case = json!({"record": RECORD.reference(), "now": NOW, "terms": {}, "care_teams": [], "consents": [consent],
        "asker": {"organization": "Organization/a", "purpose": "COC"}, "resources": rows.collect::<Vec<_>>()});
    Judged::read(&case).expect("a case")
}

/// µs of one search over the panel.
fn search_us(records: &[Judged], policies: &[Policy], caller: &Caller) -> f64 {
    let definitions = Definitions::base();
    let now = judge::instant(&NOW.into()).expect("an instant");
    let server = Server { base: "", zone_minutes: 540, now, definitions, lenient: false, seal: b"" };
    let query = Query::parse(Scope::Type(ResourceType::OBSERVATION), "code=718-7&_count=20", server).expect("a query");
    let expected = VISIBLE * PANEL;
    shortest_ns(30, 3, || {
        let gates = records
            .iter()
            .zip(policies)
            .map(|(judged, policy)| Gate::new(caller, &judged.facility, policy, now).over(&judged.columns));
        let panel = Panel { columns: records.iter().map(|judged| &judged.columns).collect(), gates: gates.collect() };
        let found = run::run(&Judge::new(&panel, &Nothing, server), &query, now).expect("a page");
        assert!(found.page.total >= expected);
        black_box(found);
    }) / 1000.0
}

fn searching() -> Vec<Figure> {
    let actor = json!([cases::receiver("Organization/a")]);
    let open = json!({"type": "permit", "actor": actor});
    let mut narrow = open.clone();
    narrow["provision"] = json!([{"type": "deny", "dataPeriod": {"end": "2025-12-31"}}]);
    let caller = Caller::new("client", "Organization/a", Role::Care);
    [(0, 0), (50, VISIBLE), (90, 9 * VISIBLE)]
        .into_iter()
        .map(|(share, hidden)| {
            let [all, some] = [&open, &narrow].map(|provision| {
                let records: Vec<Judged> = (0..PANEL).map(|_| record(hidden, provision)).collect();
                let policies: Vec<Policy> = records.iter().map(Judged::policy).collect();
                search_us(&records, &policies, &caller)
            });
            Figure {
                scenario: format!("search over a panel of {PANEL}, {share} % of the rows hidden by consent"),
                figure: some,
                unit: "µs per search in the engine",
                beside: json!({"everything_permitted_us": (all * 100.0).round() / 100.0,
                    "times": (some / all * 1000.0).round() / 1000.0, "visible_rows": PANEL * VISIBLE,
                    "hidden_rows": PANEL * hidden}),
            }
        })
        .collect()
}
