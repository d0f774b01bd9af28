//! The constraints of Bundle (bundle.html, bdl-1 to bdl-12).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::rule::{BDL_1, BDL_2, BDL_3, BDL_4, BDL_5, BDL_7, BDL_8, BDL_9, BDL_10, BDL_11, BDL_12};
use super::walk::Walk;
use crate::validate::path::Path;

/// `kind` is the Bundle's type, or empty.
pub(super) fn check(walk: &mut Walk<'_>, bundle: &Map<String, Value>, kind: &str, path: &Path<'_>) {
    if bundle.contains_key("total") && !matches!(kind, "searchset" | "history") {
        walk.add(&BDL_1, &path.member("total"));
    }
    if kind == "document" {
        document(walk, bundle, path);
    }
    let entries = bundle.get("entry").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let first = entries.first().and_then(|entry| entry.get("resource")?.get("resourceType")?.as_str());
    let path = path.member("entry");
    for (wanted, resource, rule) in [("document", "Composition", &BDL_11), ("message", "MessageHeader", &BDL_12)] {
        if kind == wanted && first != Some(resource) {
            walk.add(rule, &path.item(0));
        }
    }
    let mut urls = HashSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let path = path.item(at);
        self::entry(walk, entry, kind, &path);
        let Some(url) = entry.get("fullUrl").and_then(Value::as_str) else { continue };
        let version = entry.get("resource").and_then(|resource| resource.get("meta")?.get("versionId")?.as_str());
        if kind != "history" && !urls.insert((url, version)) {
            walk.add(&BDL_7, &path.member("fullUrl"));
        }
        if url.contains("/_history/") {
            walk.add(&BDL_8, &path.member("fullUrl"));
        }
    }
}

fn document(walk: &mut Walk<'_>, bundle: &Map<String, Value>, path: &Path<'_>) {
    let has = |name| bundle.get("identifier").is_some_and(|identifier| identifier.get(name).is_some());
    if !has("system") || !has("value") {
        walk.add(&BDL_9, &path.member("identifier"));
    }
    if !bundle.contains_key("timestamp") {
        walk.add(&BDL_10, &path.member("timestamp"));
    }
}

fn entry(walk: &mut Walk<'_>, entry: &Value, kind: &str, path: &Path<'_>) {
    let has = |name| entry.get(name).is_some();
    if has("search") && kind != "searchset" {
        walk.add(&BDL_2, &path.member("search"));
    }
    if has("request") != matches!(kind, "batch" | "transaction" | "history") {
        walk.add(&BDL_3, &path.member("request"));
    }
    if has("response") != matches!(kind, "batch-response" | "transaction-response" | "history") {
        walk.add(&BDL_4, &path.member("response"));
    }
    if !has("resource") && !has("request") && !has("response") {
        walk.add(&BDL_5, path);
    }
}
