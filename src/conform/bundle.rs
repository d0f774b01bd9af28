//! Whether a Bundle is in order (bundle.html, its constraints; search.html and http.html for what each type holds), and whether
//! an OperationOutcome says what is wrong.

use std::collections::HashSet;

use serde_json::Value;

/// What is wrong with a Bundle that should be of a type, and keep its rules where they are asked about; `None` where nothing is.
pub(super) fn wrong(bundle: &Value, kind: &str, rules: bool) -> Option<String> {
    if text(bundle, "resourceType") != "Bundle" {
        return Some(format!("a {}", text(bundle, "resourceType")));
    }
    if text(bundle, "type") != kind {
        return Some(format!("a Bundle of type {}", text(bundle, "type")));
    }
    if rules { broken_rule(bundle, kind) } else { None }
}

fn broken_rule(bundle: &Value, kind: &str) -> Option<String> {
    let entries: &[Value] = match bundle.get("entry") {
        None => &[],
        Some(Value::Array(entries)) => entries,
        Some(_) => return Some("entry is no list".into()),
    };
    let totals = matches!(kind, "searchset" | "history");
    if bundle.get("total").is_some() && !totals {
        return Some("bdl-1: total is for searches and histories".into());
    }
    let of_entries = entries.iter().enumerate().find_map(|(n, entry)| {
        let wrong = match kind {
            "searchset" => search_entry(entry),
            "history" => history_entry(entry),
            "batch-response" | "transaction-response" => response_entry(entry),
            _ => None,
        };
        wrong.map(|wrong| format!("entry[{n}]: {wrong}"))
    });
    of_entries.or_else(|| twice(entries)).or_else(|| match kind {
        "searchset" => search_whole(bundle, entries),
        "history" => out_of_order(entries),
        _ => None,
    })
}

/// The address that a link of a relation has.
pub(super) fn link<'b>(bundle: &'b Value, relation: &str) -> Option<&'b str> {
    let links = bundle.get("link")?.as_array()?;
    links.iter().find(|link| text(link, "relation") == relation)?.get("url")?.as_str()
}

fn search_entry(entry: &Value) -> Option<String> {
    if let Some(both) = ["request", "response"].iter().find(|name| entry.get(**name).is_some()) {
        return Some(format!("bdl-3, bdl-4: {both} is not for searches"));
    }
    let Some(resource) = entry.get("resource") else { return Some("there is no resource".into()) };
    let mode = entry.pointer("/search/mode").and_then(Value::as_str).unwrap_or_default();
    match mode {
        "outcome" if text(resource, "resourceType") == "OperationOutcome" => return None,
        // search.mode is 0..1.
        "match" | "include" | "" => {}
        _ => return Some(format!("search.mode is '{mode}' for a {}", text(resource, "resourceType"))),
    }
    let url = text(entry, "fullUrl");
    if !(url.starts_with("http") || url.starts_with("urn:")) {
        return Some(format!("fullUrl '{url}' is not absolute"));
    }
    let end = format!("{}/{}", text(resource, "resourceType"), text(resource, "id"));
    (!url.starts_with("urn:") && !url.ends_with(&end)).then(|| format!("fullUrl {url} does not end with {end}"))
}

/// Whether the resources that match are those with these ids; else what was expected and what there is.
pub(super) fn finds(bundle: &Value, ids: &[String]) -> Result<(), (String, String)> {
    let entries = bundle.get("entry").and_then(Value::as_array).into_iter().flatten();
    let resources = entries.filter(|entry| matched(entry)).filter_map(|entry| entry.get("resource"));
    let mut found: Vec<&str> = resources.map(|resource| text(resource, "id")).collect();
    let mut wanted: Vec<&str> = ids.iter().map(String::as_str).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    let told = |ids: &[&str]| match ids {
        [] => "no match".to_owned(),
        [id] => format!("one match, {id}"),
        ids => format!("{} matches, {}", ids.len(), ids.join(", ")),
    };
    if found == wanted { Ok(()) } else { Err((told(&wanted), told(&found))) }
}

/// Whether an entry is there because it matches; one that says nothing is.
fn matched(entry: &Value) -> bool {
    entry.pointer("/search/mode").and_then(Value::as_str).is_none_or(|mode| mode == "match")
}

fn history_entry(entry: &Value) -> Option<String> {
    let method = entry.pointer("/request/method").and_then(Value::as_str).unwrap_or_default();
    if method.is_empty() || entry.pointer("/request/url").is_none() {
        return Some("bdl-3: there is no request with method and url".into());
    }
    if entry.pointer("/response/status").is_none() {
        return Some("bdl-4: there is no response with a status".into());
    }
    (method != "DELETE" && entry.get("resource").is_none()).then(|| format!("{method} without a resource"))
}

fn response_entry(entry: &Value) -> Option<String> {
    let status = entry.pointer("/response/status").and_then(Value::as_str).unwrap_or_default();
    let begins = status.len() >= 3 && status.is_char_boundary(3) && status[..3].parse::<u16>().is_ok();
    (!begins).then(|| format!("response.status '{status}' does not begin with three digits"))
}

/// bdl-7: a fullUrl is there once, but for versions of one resource.
fn twice(entries: &[Value]) -> Option<String> {
    let mut seen = HashSet::new();
    entries.iter().find_map(|entry| {
        let url = text(entry, "fullUrl");
        let version = entry.pointer("/resource/meta/versionId").and_then(Value::as_str).unwrap_or_default();
        // A deletion has neither resource nor version.
        let known = !url.is_empty() && entry.get("resource").is_some();
        (known && !seen.insert((url, version))).then(|| format!("bdl-7: {url} is there twice"))
    })
}

fn search_whole(bundle: &Value, entries: &[Value]) -> Option<String> {
    if let Some(relative) = bundle.get("link").and_then(Value::as_array).into_iter().flatten().find(|link| {
        let url = text(link, "url");
        !url.starts_with("http")
    }) {
        return Some(format!("link {relative} is not absolute"));
    }
    let one_page = ["next", "previous", "prev"].iter().all(|relation| link(bundle, relation).is_none());
    let matches = entries.iter().filter(|e| matched(e)).count();
    let total = bundle.get("total").and_then(Value::as_u64);
    // Of `_count=0` and `_summary=count` there is a total and nothing else.
    let counted = entries.is_empty();
    (one_page && !counted && total.is_some_and(|total| total != matches as u64))
        .then(|| format!("total is {}, and {matches} entries match on the one page", total.unwrap_or_default()))
}

/// http.html#history: newest first.
fn out_of_order(entries: &[Value]) -> Option<String> {
    let when = |entry: &Value| -> Option<jiff::Timestamp> {
        let instant =
            entry.pointer("/response/lastModified").or_else(|| entry.pointer("/resource/meta/lastUpdated"))?;
        instant.as_str()?.parse().ok()
    };
    let times: Vec<_> = entries.iter().filter_map(when).collect();
    times
        .windows(2)
        .position(|pair| pair[0] < pair[1])
        .map(|n| format!("entry[{}] is newer than what is before it", n + 1))
}

/// What is wrong with what should be an OperationOutcome with an error.
pub(super) fn not_an_outcome(body: &Value) -> Option<String> {
    if text(body, "resourceType") != "OperationOutcome" {
        return Some(format!("a body of type '{}'", text(body, "resourceType")));
    }
    let issues = body.get("issue").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if let Some(issue) =
        issues.iter().find(|issue| text(issue, "code").is_empty() || text(issue, "severity").is_empty())
    {
        return Some(format!("an issue without severity or code: {issue}"));
    }
    let bad = issues.iter().any(|issue| matches!(text(issue, "severity"), "error" | "fatal"));
    (!bad).then(|| "no issue of severity error or fatal".into())
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
