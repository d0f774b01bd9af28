//! What must not be shown is taken out of everything that is written: tokens, assertions, and what names a person, unless the
//! case itself sent it (cases use invented people only).

use std::borrow::Cow;

use regex::Regex;
use serde_json::Value;

use super::outcome::{Account, Exchange};
use super::xml;

/// What stands in the place of what was taken out.
pub(super) const REDACTED: &str = "[redacted]";
/// Members that name a person, with all that is in them.
const PERSONAL: [&str; 9] =
    ["name", "telecom", "address", "contact", "photo", "birthDate", "deceasedDateTime", "div", "identifier"];
/// Texts that may.
const FREE: [&str; 8] = ["display", "note", "comment", "conclusion", "valueString", "data", "text", "title"];
/// Of what names a person, members that say nothing about who it is.
const PLAIN: [&str; 7] = ["use", "system", "type", "rank", "resourceType", "period", "code"];
/// Members, form fields and headers that are secret.
const SECRET: [&str; 9] = [
    "access_token",
    "refresh_token",
    "id_token",
    "client_assertion",
    "client_secret",
    "token",
    "assertion",
    "password",
    "code_verifier",
];
/// Shorter secrets are not looked for in texts: they would be found by chance.
const SECRET_CHARS_MIN: usize = 4;
/// As for names and numbers of people.
const HIDDEN_CHARS_MIN: usize = 2;

/// Takes out what must not be shown.
#[derive(Debug)]
pub struct Redactor {
    secrets: Vec<String>,
    jwt: Option<Regex>,
    bearer: Option<Regex>,
    form: Option<Regex>,
}

impl Redactor {
    /// One that knows these tokens, and whatever looks like one.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Redactor {
        let mut secrets: Vec<String> = secrets.into_iter().filter(|s| s.len() >= SECRET_CHARS_MIN).collect();
        // Of two of which one begins with the other, the longer goes first.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let form = format!("(?i)\\b({})=([^&\\s\"]+)", SECRET.join("|"));
        Redactor {
            secrets,
            jwt: Regex::new(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*").ok(),
            bearer: Regex::new(r"(?i)\b(bearer|basic) +[A-Za-z0-9._~+/=-]+").ok(),
            form: Regex::new(&form).ok(),
        }
    }

    /// A text without secrets.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, REDACTED);
        }
        let replaced = |text: String, regex: &Option<Regex>, with: &str| match regex {
            Some(regex) => match regex.replace_all(&text, with) {
                Cow::Borrowed(_) => text,
                Cow::Owned(changed) => changed,
            },
            None => text,
        };
        let text = replaced(text, &self.bearer, &format!("$1 {REDACTED}"));
        let text = replaced(text, &self.form, &format!("$1={REDACTED}"));
        replaced(text, &self.jwt, REDACTED)
    }

    /// A whole account without secrets and without what names a person.
    pub fn account(&self, account: &Account) -> Account {
        let mut account = account.clone();
        for report in &mut account.reports {
            let own: Vec<String> = report.exchanges.iter().map(|exchange| exchange.sent.body.clone()).collect();
            let own = Own::of(&own);
            let mut hidden = Vec::new();
            report.exchanges.iter_mut().for_each(|exchange| self.exchange(exchange, &own, &mut hidden));
            // What was found may quote what was hidden in a body.
            hidden.sort_by_key(|text: &String| std::cmp::Reverse(text.len()));
            let quoted = |text: &str| {
                let long = hidden.iter().filter(|text| text.chars().count() >= HIDDEN_CHARS_MIN);
                long.fold(self.text(text), |text, hidden| text.replace(hidden.as_str(), REDACTED))
            };
            report.reason = quoted(&report.reason);
            let misses = report.exchanges.iter_mut().flat_map(|exchange| &mut exchange.misses);
            for miss in misses.chain(&mut report.warnings) {
                (miss.expected, miss.found) = (quoted(&miss.expected), quoted(&miss.found));
            }
            // What was found is an excerpt of a body: it may stop in the middle of a name.
            let foreign =
                report.exchanges.iter().flat_map(|exchange| &exchange.misses).any(|miss| is_body(&miss.found));
            if foreign {
                report.exchanges.iter_mut().flat_map(|exchange| &mut exchange.misses).for_each(hide_body);
                report.reason =
                    report.reason.split_once(", found ").map_or(report.reason.clone(), |(before, found)| {
                        if is_body(found) { format!("{before}, found the body below") } else { report.reason.clone() }
                    });
            }
        }
        account
    }

    fn exchange(&self, exchange: &mut Exchange, own: &Own, hidden: &mut Vec<String>) {
        exchange.sent.url = self.text(&exchange.sent.url);
        exchange.sent.body = self.text(&exchange.sent.body);
        exchange.sent.headers.iter_mut().for_each(|header| self.header(header));
        match &mut exchange.answer {
            Ok(answer) => {
                answer.headers.iter_mut().for_each(|header| self.header(header));
                answer.body = self.text(&body(&answer.body, own, hidden));
            }
            Err(sentence) => *sentence = self.text(sentence),
        }
    }

    fn header(&self, (name, value): &mut (String, String)) {
        let secret = ["authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key"];
        if secret.contains(&name.to_ascii_lowercase().as_str()) {
            *value = REDACTED.into();
        } else {
            *value = self.text(value);
        }
    }
}

fn is_body(found: &str) -> bool {
    found.starts_with(['{', '[', '<']) || found.starts_with("a body that is no JSON")
}

fn hide_body(miss: &mut super::outcome::Miss) {
    if is_body(&miss.found) {
        miss.found = "the body below".into();
    }
}

/// Texts that a case sent itself.
struct Own(std::collections::HashSet<String>);

impl Own {
    fn of(bodies: &[String]) -> Own {
        let mut texts = std::collections::HashSet::new();
        for body in bodies {
            if let Ok(value) = serde_json::from_str::<Value>(body) {
                leaves(&value, &mut texts);
            }
            texts.extend(body.split(['|', '^', '\n', '\r']).map(str::to_owned));
        }
        Own(texts)
    }
}

fn leaves(value: &Value, texts: &mut std::collections::HashSet<String>) {
    match value {
        Value::String(text) => {
            texts.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, texts)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, texts)),
        _ => {}
    }
}

/// A body without what names a person; what was taken out is added to `hidden`.
fn body(text: &str, own: &Own, hidden: &mut Vec<String>) -> String {
    if let Ok(mut value) = serde_json::from_str::<Value>(text) {
        hide(&mut value, "", false, own, hidden);
        return value.to_string();
    }
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > 1 && lines.iter().all(|line| line.starts_with('{')) {
        return lines.iter().map(|line| body(line, own, hidden)).collect::<Vec<_>>().join("\n");
    }
    if text.starts_with("MSH") {
        // Of an acknowledgement, who and what is acknowledged; anything else may be about a patient.
        let known = |line: &&str| ["MSH", "MSA", "ERR"].iter().any(|name| line.starts_with(name));
        return text.lines().filter(known).collect::<Vec<_>>().join("\n");
    }
    match text.trim_start().starts_with('<') {
        true => xml::without_texts(text, |value| own.0.contains(value)),
        false if text.is_empty() => String::new(),
        false => format!("{REDACTED}: {} bytes that are neither JSON nor XML", text.len()),
    }
}

fn hide(value: &mut Value, name: &str, personal: bool, own: &Own, hidden: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            // The texts of an outcome say what is wrong, those of definitions are nobody's.
            let about_nobody = members.get("resourceType").and_then(Value::as_str).is_some_and(|kind| {
                ["OperationOutcome", "CapabilityStatement"].contains(&kind) || kind.ends_with("Definition")
            });
            if about_nobody {
                return;
            }
            for (key, member) in members {
                if SECRET.contains(&key.as_str()) {
                    *member = REDACTED.into();
                    continue;
                }
                let inside = personal || PERSONAL.contains(&key.as_str());
                hide(member, key, inside && !PLAIN.contains(&key.as_str()), own, hidden);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, name, personal, own, hidden)),
        Value::String(text) if (personal || FREE.contains(&name)) && !own.0.contains(text.as_str()) => {
            hidden.push(std::mem::take(text));
            *value = REDACTED.into();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_taken_out() {
        let redactor = Redactor::new(["s3cret-token".to_owned(), "s3cret".to_owned()]);
        for (text, shown) in [
            ("a s3cret-token b", "a [redacted] b"),
            ("Bearer abc.def", "Bearer [redacted]"),
            ("x=1&client_assertion=eyJh.x.y&y=2", "x=1&client_assertion=[redacted]&y=2"),
            ("eyJhbGciOi.eyJpc3Mi.c2ln", "[redacted]"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(redactor.text(text), shown);
        }
    }

    #[test]
    fn people_are_taken_out_but_for_those_of_the_case() {
        let own = Own::of(&[json!({"name": [{"family": "試験"}]}).to_string()]);
        let found = json!({
            "resourceType": "Patient", "id": "1", "active": true, "birthDate": "1950-01-01",
            "name": [{"use": "official", "family": "試験", "given": ["秘密"]}],
            "identifier": [{"system": "urn:x", "value": "0001"}],
            "text": {"status": "generated", "div": "<div>秘密</div>"},
            "managingOrganization": {"reference": "Organization/1", "display": "病院"},
        });
        let shown: Value = serde_json::from_str(&body(&found.to_string(), &own, &mut Vec::new())).unwrap();
        assert_eq!(shown["name"], json!([{"use": "official", "family": "試験", "given": ["[redacted]"]}]));
        assert_eq!(shown["identifier"], json!([{"system": "urn:x", "value": "[redacted]"}]));
        assert_eq!((&shown["birthDate"], &shown["id"]), (&json!("[redacted]"), &json!("1")));
        assert!(!shown.to_string().contains("秘密") && !shown.to_string().contains("病院"), "{shown}");
        let hidden = &mut Vec::new();
        let token = body(&json!({"access_token": "abc", "scope": "x"}).to_string(), &own, hidden);
        assert_eq!(token, r#"{"access_token":"[redacted]","scope":"x"}"#);
        assert_eq!(body("MSH|^~\\&|A\nMSA|AA|1\nPID|1||9", &own, hidden), "MSH|^~\\&|A\nMSA|AA|1");
        let xml =
            "<Patient><id value=\"1\"/><name><family value=\"秘密\"/></name><text><div>秘密</div></text></Patient>";
        assert!(!body(xml, &own, hidden).contains("秘密"), "{}", body(xml, &own, hidden));
        assert!(body("秘密", &own, hidden).starts_with("[redacted]"));
    }
}
