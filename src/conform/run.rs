//! Running cases: what they need, what they begin with, their steps, and taking away what they made. Several at a time.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::bundle;
use super::case::Case;
use super::check::{self, Check, Judged};
use super::declared::Declared;
use super::keep;
use super::outcome::{Account, Answer, Exchange, Miss, Outcome, Report, Sent};
use super::step::Step;
use super::subject::Subject;
use super::suite::Suite;
use super::vary::{Scope, percent_decoded};

/// Statuses by which a server says that it does not do what is asked.
const REFUSALS: [u16; 5] = [400, 404, 405, 422, 501];

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Nothing that writes is run.
    pub read_only: bool,
    /// Cases at the same time.
    pub parallel: usize,
}

/// Runs the cases of a suite and tells each report as soon as it is there. The error says that the target does not answer.
pub fn run(
    suite: &Suite,
    subject: &Subject,
    settings: Settings,
    told: &(dyn Fn(&Report) + Sync),
) -> Result<Account, String> {
    let begun = jiff::Timestamp::now().to_string();
    let declared = Declared::ask(subject)?;
    let (alone, together): (Vec<&Case>, Vec<&Case>) = suite.cases.iter().partition(|case| case.alone);
    let reports = Mutex::new(Vec::with_capacity(suite.cases.len()));
    let one = |case: &Case| {
        let report = Running { suite, subject, declared: &declared, settings, case }.report();
        told(&report);
        reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    };
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..settings.parallel.clamp(1, 64) {
            scope.spawn(|| {
                while let Some(case) = together.get(next.fetch_add(1, Ordering::Relaxed)) {
                    one(case);
                }
            });
        }
    });
    alone.into_iter().for_each(one);
    let mut reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    reports.sort_by(|left, right| left.case.id.cmp(&right.case.id));
    Ok(Account { target: subject.base.clone(), begun, reports, options: String::new() })
}

/// One case that is being run.
pub(super) struct Running<'a> {
    suite: &'a Suite,
    pub(super) subject: &'a Subject,
    declared: &'a Declared,
    settings: Settings,
    case: &'a Case,
}

/// What a case has done so far.
pub(super) struct Doing {
    pub(super) scope: Scope,
    pub(super) exchanges: Vec<Exchange>,
    warnings: Vec<Miss>,
    /// Addresses of what was created, and by whom.
    made: Vec<(String, String)>,
}

impl Running<'_> {
    fn report(&self) -> Report {
        let case = self.case;
        if let Some(what) = case.unsupported.first() {
            return Report::unrun(case, Outcome::Skipped, format!("not supported here: {what}"));
        }
        if let Some(need) = case.needs.iter().find(|need| !self.declared.has(need)) {
            return match (self.declared.is_known() || need.starts_with("smart"), &self.declared.closed) {
                (true, _) => Report::unrun(case, Outcome::Omitted, format!("not declared: {need}")),
                (false, Some(Stopped::Outside(sentence))) => Report::unrun(case, Outcome::Skipped, sentence),
                (false, Some(stopped)) => Report::unrun(case, Outcome::Blocked, stopped.sentence()),
                (false, None) => {
                    Report::unrun(case, Outcome::Blocked, "there is no CapabilityStatement to say what is offered")
                }
            };
        }
        let setup_callers = self.suite.before(case).flat_map(Step::callers).filter(|name| *name != "none");
        if let Some(name) = case.callers().into_iter().chain(setup_callers).find(|name| !self.subject.knows(name)) {
            let sentence = match self.subject.clients.client.is_empty() {
                true => format!("no credentials given: it acts as client '{name}' of a client file (--client FILE)"),
                false => format!("the client file has no client '{name}'"),
            };
            return Report::unrun(case, Outcome::Skipped, sentence);
        }
        if self.settings.read_only && self.suite.writes(case) {
            return Report::unrun(case, Outcome::Skipped, "it writes, and the run is read-only");
        }
        let begun = Instant::now();
        let mut doing = Doing { scope: self.scope(), exchanges: Vec::new(), warnings: Vec::new(), made: Vec::new() };
        let (outcome, reason) = self.judge(&mut doing);
        self.tear_down(&mut doing);
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Doing { exchanges, warnings, .. } = doing;
        Report { case: case.clone(), outcome, reason, exchanges, warnings, millis }
    }

    fn judge(&self, doing: &mut Doing) -> (Outcome, String) {
        for step in self.suite.before(self.case) {
            if let Err(stopped) = self.take("set-up".into(), step, doing) {
                let outcome = stopped.outcome(Outcome::Blocked);
                return (outcome, format!("set-up: {}", stopped.sentence()));
            }
        }
        for (n, step) in self.case.steps.iter().enumerate() {
            let said = if step.say.is_empty() { String::new() } else { format!(": {}", step.say) };
            let part = format!("step {}{said}", n + 1);
            if let Err(stopped) = self.take(part.clone(), step, doing) {
                let outcome = stopped.outcome(Outcome::Failed);
                return (outcome, format!("{part}: {}", stopped.sentence()));
            }
        }
        (Outcome::Passed, String::new())
    }

    /// Takes away what was made, the last first; nobody looks at the answers.
    fn tear_down(&self, doing: &mut Doing) {
        for step in &self.case.after {
            let _ = self.take("tear-down".into(), step, doing);
        }
        for (url, caller) in std::mem::take(&mut doing.made).into_iter().rev() {
            let kind = url.rsplit('/').nth(1).unwrap_or_default();
            if self.declared.has(&format!("{kind}.delete")) {
                let sent = Sent { method: "DELETE".into(), url, ..Sent::default() };
                let (sent, answer) = self.subject.ask(&caller, sent);
                doing.exchanges.push(Exchange { part: "tear-down".into(), sent, answer, misses: Vec::new() });
            }
        }
    }

    /// Addresses of what an answer says was created, by itself or by the entries of a batch or transaction.
    fn created(&self, sent: &Sent, answer: &Answer) -> Vec<String> {
        let resource = |location: &str| location.split("/_history/").next().unwrap_or_default().to_owned();

        let header = answer.header("location").filter(|_| answer.status == 201);
        let mut made: Vec<String> =
            header.map(|location| keep::whole(&resource(location), &sent.url)).into_iter().collect();
        if answer.body.contains("-response\"") {
            let bundle: Value = serde_json::from_str(&answer.body).unwrap_or_default();
            let text = |entry: &Value, place: &str| entry.pointer(place).and_then(Value::as_str).map(str::to_owned);
            let entries = bundle.get("entry").and_then(Value::as_array).into_iter().flatten();
            let created = entries.filter(|entry| text(entry, "/response/status").is_some_and(|s| s.starts_with("201")));
            let locations = created.filter_map(|entry| text(entry, "/response/location"));
            made.extend(locations.map(|location| self.subject.address(&resource(&location))));
        }
        made
    }

    /// What every case knows from the start. `run` is another in each.
    fn scope(&self) -> Scope {
        let subject = self.subject;
        let run: String = uuid::Uuid::new_v4().simple().to_string().chars().take(12).collect();
        let mut scope = Scope::new(subject.clients.values.clone());
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        scope.set("run", run);
        scope.set("now", jiff::Timestamp::now().to_string());
        for n in 1..=6 {
            scope.set(&format!("uuid{n}"), uuid::Uuid::new_v4().to_string());
        }
        scope.set("base", subject.base.clone());
        scope.set("origin", subject.origin().to_owned());
        scope.set("intake", text(&subject.clients.intake));
        scope.set("facility", subject.clients.facility.clone().unwrap_or_else(|| "0119999901".into()));
        for name in ["token_endpoint", "introspection_endpoint", "revocation_endpoint"] {
            if let Some(url) = self.declared.smart.get(name).and_then(Value::as_str) {
                scope.set(name, url.to_owned());
            }
        }
        for (name, client) in &subject.clients.client {
            scope.set(&format!("{name}.organization"), text(&client.organization));
            scope.set(&format!("{name}.scope"), client.scope.clone().unwrap_or_else(|| "system/*.rs".into()));
        }
        for (name, value) in &self.case.given {
            scope.set(name, value.clone());
        }
        scope
    }

    /// Takes one step.
    fn take(&self, part: String, step: &Step, doing: &mut Doing) -> Result<(), Stopped> {
        if let Some(wanted) = &step.assertion {
            let made = self.assertion(wanted, step, &doing.scope).map_err(Stopped::Silent)?;
            doing.scope.set("assertion", made);
        }
        let (sent, answers) = match &step.mllp {
            Some(message) => self.deliver(message, &doing.scope).map_err(Stopped::Silent)?,
            None => self.request(step, doing).map_err(Stopped::Silent)?,
        };
        let caller = step.caller.as_deref().unwrap_or("default");
        for answer in answers.iter().flatten() {
            doing.made.extend(self.created(&sent, answer).into_iter().map(|url| (url, caller.to_owned())));
        }
        if sent.method == "DELETE" && answers.iter().flatten().any(|answer| (200..300).contains(&answer.status)) {
            doing.made.retain(|(url, _)| *url != sent.url);
        }
        let statuses: Vec<u16> = answers.iter().flatten().map(|answer| answer.status).collect();
        let answer = answers.into_iter().min_by_key(|answer| answer.as_ref().map_or(u16::MAX, |answer| answer.status));
        let answer = answer.unwrap_or_else(|| Err("nothing was sent".into()));
        let answer = match answer {
            Ok(answer) => answer,
            Err(sentence) => {
                doing.exchanges.push(Exchange { part, sent, answer: Err(sentence.clone()), misses: Vec::new() });
                return Err(Stopped::Silent(sentence));
            }
        };
        let unasked = self.subject.shut(step, &sent, &answer).or_else(|| left_out(step, &answer));
        if let Some(stopped) = unasked {
            doing.exchanges.push(Exchange { part, sent, answer: Ok(answer), misses: Vec::new() });
            return Err(stopped);
        }
        let answer = if step.follow { self.followed(answer, caller, &part, doing) } else { answer };
        let (misses, kept) = self.judged(step, &sent, &answer, &statuses, doing);
        // Who gives no self link does not say whether it took what it need not take.
        if !misses.is_empty()
            && self_link(&answer).is_none()
            && let Some(name) = step.optional.first()
        {
            let said =
                format!("the target does not do as {name} asks, as it may, and its answer has no self link to say so");
            doing.exchanges.push(Exchange { part, sent, answer: Ok(answer), misses: Vec::new() });
            return Err(Stopped::LeftOut(said));
        }
        let sentence = misses.first().map(|miss| format!("expected {}, found {}", miss.expected, miss.found));
        doing.exchanges.push(Exchange { part, sent, answer: Ok(answer), misses });
        match (sentence, kept) {
            (Some(sentence), _) | (None, Err(sentence)) => Err(Stopped::Missed(sentence)),
            (None, Ok(())) => Ok(()),
        }
    }

    /// What is not as expected, and whether all was found that is to be kept.
    fn judged(
        &self,
        step: &Step,
        sent: &Sent,
        answer: &Answer,
        statuses: &[u16],
        doing: &mut Doing,
    ) -> (Vec<Miss>, Result<(), String>) {
        let json: Option<Value> = serde_json::from_str(&answer.body).ok();
        let (mut misses, mut warnings) = (Vec::new(), Vec::new());
        let scope = doing.scope.clone();
        let on =
            Judged { answer, statuses, method: &sent.method, sent: &sent.body, json: json.as_ref(), scope: &scope };
        for check in step.all_checks() {
            match (check.judge(&on), &check) {
                (Ok(()), _) => {}
                (Err(miss), Check::Warning(_)) => warnings.push(miss),
                (Err(miss), _) => misses.push(miss),
            }
        }
        // Of an answer that is not as it must be, what it should be beyond that says nothing.
        let warnings = if misses.is_empty() { warnings } else { Vec::new() };
        doing.warnings.extend(warnings);
        let kept = step.keep.iter().try_for_each(|(name, place)| {
            let place = scope.fill_expression(place)?;
            keep::find(&place, &sent.url, answer, json.as_ref()).map(|value| doing.scope.set(name, value))
        });
        (misses, kept)
    }
}

/// Why a case went no further.
#[derive(Clone, Debug)]
pub(super) enum Stopped {
    /// Something was not as expected.
    Missed(String),
    /// There was no answer, no request could be made, or the client of the client file is not let in.
    Silent(String),
    /// The target lets nobody in without credentials, and none were given.
    Outside(String),
    /// The target says that it does not do this, and need not.
    LeftOut(String),
}

impl Stopped {
    pub(super) fn sentence(&self) -> String {
        match self {
            Stopped::Missed(said) | Stopped::Silent(said) | Stopped::Outside(said) | Stopped::LeftOut(said) => {
                said.clone()
            }
        }
    }

    /// What comes of the case; `missed` where something was not as expected.
    fn outcome(&self, missed: Outcome) -> Outcome {
        match self {
            Stopped::Missed(_) => missed,
            Stopped::Silent(_) => Outcome::Blocked,
            Stopped::Outside(_) => Outcome::Skipped,
            Stopped::LeftOut(_) => Outcome::Omitted,
        }
    }
}

fn self_link(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_str(&answer.body).ok()?;
    bundle::link(&body, "self").map(str::to_owned)
}

/// Whether the target shows that it does not do what a step is about, and need not: it refuses it, its self link says that it left
/// it out, or its answer shows it.
fn left_out(step: &Step, answer: &Answer) -> Option<Stopped> {
    let left = |said: String| Some(Stopped::LeftOut(format!("the target {said}, as it may")));
    if (step.refusable || !step.optional.is_empty()) && REFUSALS.contains(&answer.status) {
        return left(format!("refuses it with {}", answer.status));
    }
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    for sign in &step.unless {
        match sign.parse::<u16>() {
            Ok(status) if status == answer.status => return left(format!("answers {status}")),
            Ok(_) => {}
            Err(_) if check::holds(sign, &body) => return left(format!("does not do this: {sign}")),
            Err(_) => {}
        }
    }
    let used = percent_decoded(&self_link(answer)?);
    let name = step.optional.iter().find(|name| !used.contains(name.as_str()))?;
    left(format!("leaves {name} out, as its self link says"))
}
