//! The constraints of Bundle (bundle.html, bdl-1 to bdl-12).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::document;
use super::rule::{
    BDL_1, BDL_2, BDL_3, BDL_4, BDL_5, BDL_7, BDL_8, BDL_9, BDL_10, BDL_11, BDL_12, FULL_URL, FULL_URL_ADVISED,
    FULL_URL_FORM, FULL_URL_ID,
};
use super::walk::Walk;
use crate::fhir::reference::{Literal, resource_type};
use crate::validate::path::Path;

/// `kind` is the Bundle's type, or empty.
pub(super) fn check(walk: &mut Walk<'_>, bundle: &Map<String, Value>, kind: &str, path: &Path<'_>) {
    if bundle.contains_key("total") && !matches!(kind, "searchset" | "history") {
        walk.add(&BDL_1, &path.member("total"));
    }
    if kind == "document" {
        identified(walk, bundle, path);
    }
    let entries = bundle.get("entry").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let first = entries.first().and_then(|entry| entry.get("resource")?.get("resourceType")?.as_str());
    let path = path.member("entry");
    if kind == "document" {
        document::check(walk, entries, &path);
    }
    for (wanted, resource, rule) in [("document", "Composition", &BDL_11), ("message", "MessageHeader", &BDL_12)] {
        if kind == wanted && first != Some(resource) {
            walk.add(rule, &path.item(0));
        }
    }
    let mut urls = HashSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let path = path.item(at);
        self::entry(walk, entry, kind, &path);
        let Some(url) = entry.get("fullUrl").and_then(Value::as_str) else {
            unnamed(walk, entry, kind, &path);
            continue;
        };
        named(walk, entry, url, &path);
        let version = entry.get("resource").and_then(|resource| resource.get("meta")?.get("versionId")?.as_str());
        if kind != "history" && !urls.insert((url, version)) {
            walk.add(&BDL_7, &path.member("fullUrl"));
        }
        if url.contains("/_history/") {
            walk.add(&BDL_8, &path.member("fullUrl"));
        }
    }
}

/// An entry without a fullUrl. One that is sent to be created has none yet (bundle.html#bundle-unique).
fn unnamed(walk: &mut Walk<'_>, entry: &Value, kind: &str, path: &Path<'_>) {
    let rule = match kind {
        "document" | "message" => &FULL_URL,
        "searchset" | "history" | "collection" => &FULL_URL_ADVISED,
        _ => return,
    };
    if entry.get("resource").is_some() {
        walk.add(rule, &path.member("fullUrl"));
    }
}

/// A fullUrl beside type and id of its resource.
fn named(walk: &mut Walk<'_>, entry: &Value, url: &str, path: &Path<'_>) {
    let resource = entry.get("resource");
    let id = resource.and_then(|resource| resource.get("id")?.as_str());
    match Literal::parse(url) {
        Literal::Absolute(_, Some((kind, said))) => {
            let is_other = resource.and_then(resource_type).is_some_and(|own| own != kind);
            if is_other || id.is_some_and(|id| id != said) {
                walk.add(&FULL_URL_ID, &path.member("fullUrl"));
            }
        }
        Literal::Absolute(_, None) | Literal::Urn(_) => {}
        Literal::Contained | Literal::Relative(..) => walk.add(&FULL_URL_FORM, &path.member("fullUrl")),
        Literal::Other if url.contains(':') => {}
        Literal::Other => walk.add(&FULL_URL_FORM, &path.member("fullUrl")),
    }
}

/// What references may mean in a Bundle that holds what it speaks of.
#[derive(Debug, Default)]
pub(super) struct Within<'v> {
    urls: HashSet<&'v str>,
    ids: HashSet<(&'v str, &'v str)>,
    /// Whether what is referred to by type and id is to be there too; a transaction may refer to what a server has.
    is_closed: bool,
    /// Whether R4 leaves it open what the Bundle is for.
    pub(super) is_collection: bool,
}

impl<'v> Within<'v> {
    /// `None` for a Bundle whose entries may come from anywhere.
    pub(super) fn of(bundle: &'v Map<String, Value>, kind: &str) -> Option<Self> {
        let is_closed = matches!(kind, "document" | "message" | "collection");
        if !is_closed && kind != "transaction" {
            return None;
        }
        let mut within = Within { is_closed, is_collection: kind == "collection", ..Within::default() };
        for entry in bundle.get("entry").and_then(Value::as_array).into_iter().flatten() {
            let url = entry.get("fullUrl").and_then(Value::as_str);
            within.urls.extend(url);
            if let Some(Literal::Absolute(_, Some((kind, id)))) = url.map(Literal::parse) {
                within.ids.insert((kind.name(), id));
            }
            let of_resource = |name: &str| entry.get("resource")?.get(name)?.as_str();
            within.ids.extend(of_resource("resourceType").zip(of_resource("id")));
        }
        Some(within)
    }

    /// Whether an entry has this urn as its fullUrl.
    pub(super) fn has(&self, urn: &str) -> bool {
        self.urls.contains(urn)
    }

    /// Whether a reference by type and id may mean an entry, or need not.
    pub(super) fn may_mean(&self, kind: &str, id: &str) -> bool {
        !self.is_closed || self.ids.contains(&(kind, id))
    }
}

fn identified(walk: &mut Walk<'_>, bundle: &Map<String, Value>, path: &Path<'_>) {
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
