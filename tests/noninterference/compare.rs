//! Two answers beside each other. Everything that a caller sees is compared: status, every header, the body byte for byte, the
//! length that is said of it. What is made equal before is only what is of the moment:
//!
//! - names that the gateway makes by chance in answer to this caller's own request (the id of what it creates without one, the
//!   name of its export): the second world's are said as the first world's, in its answers and in what is asked next;
//! - `X-Request-Id` is the caller's own, and both worlds have one clock and one key for what is sealed in links: nothing of
//!   these needs to be made equal. `Date` is written below the application that is asked here, from the clock alone;
//! - an export that is still being looked through (202) is asked for again, until it has been.

use super::gateway::{Answer, Ask};
use super::worlds::World;

/// Names that are chance: the first world's, and the second world's for the same.
#[derive(Default)]
pub(crate) struct Renamed(Vec<(String, String)>);

/// What was created under ids that are chance, as the first world names it. Their order among others would be chance too, so it is
/// deleted again.
pub(crate) fn created(answer: &Answer) -> Vec<String> {
    let is_there = |path: &String| path.rsplit('/').next().is_some_and(|id| id.len() == 36 && is_chance(id));
    places(answer).into_iter().filter(is_there).collect()
}

impl Renamed {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A request as it must be sent to the second world.
    pub(crate) fn ask(&self, ask: &Ask) -> Ask {
        let mut ask = ask.clone();
        for (one, other) in &self.0 {
            ask.path = ask.path.replace(one, other);
            ask.headers.iter_mut().for_each(|(_, value)| *value = value.replace(one, other));
            if let Ok(text) = std::str::from_utf8(&ask.body) {
                ask.body = text.replace(one, other).into_bytes();
            }
        }
        ask
    }

    /// An answer of the second world as the first would have said it.
    pub(crate) fn answer(&self, mut answer: Answer) -> Answer {
        for (one, other) in &self.0 {
            answer.headers.iter_mut().for_each(|(_, value)| *value = value.replace(other, one));
            if answer.body.contains(other) {
                answer.body = answer.body.replace(other, one);
                answer.bytes = answer.body.clone().into_bytes();
            }
        }
        answer
    }

    /// Learns the names that two answers gave to the same thing: what was created in each, or begun.
    pub(crate) fn learn(&mut self, ask: &Ask, answers: [&Answer; 2]) {
        let changes = !matches!(ask.method, "GET" | "HEAD" | "OPTIONS");
        if !changes && !ask.path.contains("$export") {
            return;
        }
        let [one, other] = answers.map(given);
        if one.len() == other.len() {
            let pairs =
                one.into_iter().zip(other).filter(|(one, other)| one != other && is_chance(one) && is_chance(other));
            self.0.extend(pairs);
        }
    }
}

/// The last parts of the addresses that an answer says something was put at.
fn given(answer: &Answer) -> Vec<String> {
    let last = |place: String| place.rsplit('/').next().unwrap_or_default().to_owned();
    places(answer).into_iter().map(last).collect()
}

/// The addresses that an answer says something was put at, without versions.
fn places(answer: &Answer) -> Vec<String> {
    let in_headers = ["location", "content-location"].into_iter().filter_map(|name| answer.header(name));
    let in_body = answer.body.split("\"201 Created\",\"location\":\"").skip(1);
    let in_body = in_body.filter_map(|rest| rest.split('"').next());
    let place = |url: &str| url.split("/_history").next().unwrap_or_default().to_owned();
    in_headers.chain(in_body).map(place).collect()
}

/// Whether a name is chance: a UUID of version 4, or the 32 digits of an export.
fn is_chance(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && (name.len() == 32 || (name.len() == 36 && name.as_bytes()[14] == b'4'))
}

/// Asks both worlds, and says what they answer, the second in the words of the first.
pub(crate) fn both(worlds: &[World; 2], renamed: &mut Renamed, ask: &Ask) -> [Answer; 2] {
    let second = renamed.ask(ask);
    for _ in 0..2000 {
        let (one, other) = (worlds[0].served.ask(ask.clone()), worlds[1].served.ask(second.clone()));
        let is_under_way = ask.path.contains("$export-status") && (one.status == 202 || other.status == 202);
        if is_under_way && ask.method != "DELETE" {
            std::thread::sleep(std::time::Duration::from_millis(1));
            continue;
        }
        if !matches!(ask.method, "GET" | "HEAD" | "OPTIONS") {
            // Linking follows what was written, in its own time: not so late that one world's next answer comes before it.
            worlds.iter().for_each(|world| world.gateway.linker().settle().expect("settled"));
        }
        renamed.learn(ask, [&one, &other]);
        let other = renamed.answer(other);
        return [one, other];
    }
    panic!("an export is never looked through: {ask:?}");
}

/// What differs, in words; `None` where nothing does.
pub(crate) fn difference(one: &Answer, other: &Answer) -> Option<String> {
    if one == other {
        return None;
    }
    if one.status != other.status {
        return Some(format!(
            "status {} and {}\n  {}\n  {}",
            one.status,
            other.status,
            cut(&one.body, 0),
            cut(&other.body, 0)
        ));
    }
    if one.headers != other.headers {
        return Some(format!("headers {:?}\n  and {:?}", one.headers, other.headers));
    }
    let at = one.bytes.iter().zip(&other.bytes).position(|(a, b)| a != b);
    let at = at.unwrap_or(one.bytes.len().min(other.bytes.len()));
    Some(format!(
        "byte {at} of {:?} and {:?}\n  {}\n  {}",
        one.length,
        other.length,
        cut(&one.body, at),
        cut(&other.body, at)
    ))
}

fn cut(text: &str, at: usize) -> String {
    let bytes = text.as_bytes();
    let from = at.saturating_sub(120).min(bytes.len());
    String::from_utf8_lossy(&bytes[from..bytes.len().min(at + 300)]).into_owned()
}

/// A smaller request that differs too: without what can be left out of its address and headers. Only for what changes nothing.
pub(crate) fn shrunk(worlds: &[World; 2], renamed: &mut Renamed, ask: Ask) -> Ask {
    if !matches!(ask.method, "GET" | "HEAD" | "OPTIONS") {
        return ask;
    }
    let mut smallest = ask;
    loop {
        let smaller = candidates(&smallest).into_iter().find(|smaller| {
            let [one, other] = both(worlds, renamed, smaller);
            difference(&one, &other).is_some()
        });
        match smaller {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

fn candidates(ask: &Ask) -> Vec<Ask> {
    let mut smaller = Vec::new();
    for at in 0..ask.headers.len() {
        let mut headers = ask.headers.clone();
        headers.remove(at);
        smaller.push(Ask { headers, ..ask.clone() });
    }
    if let Some((path, query)) = ask.path.split_once('?') {
        let pairs: Vec<&str> = query.split('&').collect();
        for at in 0..pairs.len() {
            let mut pairs = pairs.clone();
            pairs.remove(at);
            let mark = if pairs.is_empty() { "" } else { "?" };
            smaller.push(Ask { path: format!("{path}{mark}{}", pairs.join("&")), ..ask.clone() });
        }
    }
    smaller
}
