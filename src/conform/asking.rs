//! How a step of a case is asked: its request filled in and sent, once or several times or until it is ready, its pages followed,
//! its message delivered, its assertion made.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::outcome::{Answer, Exchange, Sent};
use super::run::{Doing, Running};
use super::step::{Assertion, Step};
use super::subject::now_seconds;
use super::vary::{Scope, percent_encoded};
use super::{bundle, mllp, token};

/// Pages that are followed at most.
const PAGES_MAX: usize = 50;
/// How long to wait before asking anew, milliseconds.
const PAUSE_MS: u64 = 100;
/// For how long an assertion counts where a step says nothing, seconds.
const ASSERTION_SECONDS: i64 = 240;

impl Running<'_> {
    /// Sends a request, several times where that is asked for, and anew while it is not ready.
    pub(super) fn request(&self, step: &Step, doing: &Doing) -> Result<(Sent, Vec<Result<Answer, String>>), String> {
        let sent = self.sent(step, &doing.scope)?;
        let caller = step.caller.as_deref().unwrap_or("default");
        if let Some(times) = step.times {
            let answers = std::thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..times).map(|_| scope.spawn(|| self.subject.ask(caller, sent.clone()).1)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a fault".into()))).collect()
            });
            return Ok((sent, answers));
        }
        let until = Instant::now() + Duration::from_secs(step.seconds.unwrap_or(0));
        loop {
            let (sent, answer) = self.subject.ask(caller, sent.clone());
            let again = answer.as_ref().is_ok_and(|answer| Some(answer.status) == step.while_status);
            if !again || Instant::now() >= until {
                return Ok((sent, vec![answer]));
            }
            std::thread::sleep(Duration::from_millis(PAUSE_MS));
        }
    }

    fn sent(&self, step: &Step, scope: &Scope) -> Result<Sent, String> {
        let request = scope.fill(step.request.as_deref().unwrap_or_default())?;
        let (method, target) = request.split_once(' ').ok_or("the request has no path")?;
        let mut headers = Vec::new();
        for (name, value) in &step.headers {
            headers.push((name.clone(), scope.fill(value)?));
        }
        let mut body = scope.fill(step.body.as_deref().unwrap_or_default())?.trim().to_owned();
        let mut kind = "application/fhir+json";
        if !step.form.is_empty() {
            let pairs =
                step.form.iter().map(|(name, value)| Ok(format!("{name}={}", percent_encoded(&scope.fill(value)?))));
            body = pairs.collect::<Result<Vec<_>, String>>()?.join("&");
            kind = "application/x-www-form-urlencoded";
        }
        let says = |name: &str, headers: &[(String, String)]| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if !says("accept", &headers) {
            headers.insert(0, ("Accept".into(), "application/fhir+json".into()));
        }
        if !body.is_empty() && !says("content-type", &headers) {
            headers.insert(0, ("Content-Type".into(), kind.into()));
        }
        headers.retain(|(_, value)| !value.is_empty());
        Ok(Sent { method: method.to_owned(), url: self.subject.address(target.trim()), headers, body })
    }

    pub(super) fn deliver(&self, message: &str, scope: &Scope) -> Result<(Sent, Vec<Result<Answer, String>>), String> {
        let address = self.subject.clients.mllp.clone().ok_or("the client file names no MLLP listener")?;
        let body = scope.fill(message)?;
        let begun = Instant::now();
        let answer = mllp::exchange(&address, &body).map_err(|error| format!("no answer: {error}"));
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let answer = answer.map(|body| Answer { status: 0, headers: Vec::new(), body, millis });
        let sent = Sent { method: "MLLP".into(), url: address, headers: Vec::new(), body };
        Ok((sent, vec![answer]))
    }

    /// The first page with the entries of all that follow it.
    pub(super) fn followed(&self, first: Answer, caller: &str, part: &str, doing: &mut Doing) -> Answer {
        let Ok(mut whole) = serde_json::from_str::<Value>(&first.body) else { return first };
        let mut next = bundle::link(&whole, "next").map(str::to_owned);
        for page in 2..=PAGES_MAX {
            let Some(url) = next.take() else { break };
            let headers = vec![("Accept".to_owned(), "application/fhir+json".to_owned())];
            let sent = Sent { method: "GET".into(), url: self.subject.address(&url), headers, body: String::new() };
            let (sent, answer) = self.subject.ask(caller, sent);
            let body = answer.as_ref().ok().and_then(|answer| serde_json::from_str::<Value>(&answer.body).ok());
            doing.exchanges.push(Exchange { part: format!("{part}, page {page}"), sent, answer, misses: Vec::new() });
            let Some(body) = body else { break };
            let entries = body.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
            if let Some(all) = whole.get_mut("entry").and_then(Value::as_array_mut) {
                all.extend(entries);
            }
            next = bundle::link(&body, "next").map(str::to_owned);
        }
        if let Some(links) = whole.get_mut("link").and_then(Value::as_array_mut) {
            links.retain(|link| next.is_some() || link.get("relation").and_then(Value::as_str) != Some("next"));
        }
        Answer { body: whole.to_string(), ..first }
    }

    pub(super) fn assertion(&self, wanted: &Assertion, step: &Step, scope: &Scope) -> Result<String, String> {
        let name = wanted.client.as_deref().or(step.caller.as_deref()).unwrap_or("default");
        let client = self.subject.clients.client.get(name).ok_or_else(|| format!("there is no client {name}"))?;
        let signer = client.signer.as_ref().ok_or_else(|| format!("client {name} has no key"))?;
        let audience = scope.get("token_endpoint").unwrap_or_default();
        let seconds = wanted.expires_in_seconds.unwrap_or(ASSERTION_SECONDS);
        let id = client.client_id.as_deref().unwrap_or_default();
        let mut claims = token::claims(id, audience, now_seconds(), seconds);
        for (claim, value) in &wanted.claims {
            match scope.fill(value)? {
                nothing if nothing.is_empty() => claims.shift_remove(claim),
                value => claims.insert(claim.clone(), value.into()),
            };
        }
        if wanted.foreign_key { signer.foreign()?.sign(&claims) } else { signer.sign(&claims) }
    }
}
