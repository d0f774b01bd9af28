//! The kit is proved: a server with one fault turns red exactly the cases that are about it.

use std::collections::BTreeSet;

use serde_json::Value;
use tasuki::conform::Suite;

use crate::breakage::{Breakage, Given};
use crate::{account_of, faults, red, served};

/// How many cases no fault proves, at most; whoever adds faults lowers it.
const UNPROVED_MAX: usize = 25;

pub(crate) fn nothing(_: &mut crate::breakage::Asked) {}

/// Changes a body that is JSON.
pub(crate) fn json(given: &mut Given, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_str::<Value>(&given.body) {
        change(&mut body);
        given.body = body.to_string();
    }
}

/// Faults of a server's FHIR interface.
const REST: &[Breakage] = &[
    Breakage {
        name: "reads have no ETag",
        before: nothing,
        after: |asked, given| {
            if asked.method == "GET" && asked.is_instance() {
                given.drop_header("etag");
            }
        },
        red: &["fhir-r4/read/etag", "fhir-r4/read/if-none-match"],
    },
    Breakage {
        name: "no Last-Modified",
        before: nothing,
        after: |_, given| given.drop_header("last-modified"),
        red: &["fhir-r4/read/last-modified"],
    },
    Breakage {
        name: "HEAD is nothing that is known",
        before: nothing,
        after: |asked, given| {
            if asked.method == "HEAD" {
                given.status = 400;
            }
        },
        red: &["fhir-r4/read/head"],
    },
    Breakage {
        name: "If-None-Match is ignored",
        before: |asked| asked.drop_header("if-none-match"),
        after: |_, _| {},
        red: &["fhir-r4/read/if-none-match"],
    },
    Breakage {
        name: "If-None-Exist is ignored",
        before: |asked| asked.drop_header("if-none-exist"),
        after: |_, _| {},
        red: &[
            "fhir-r4/conditional-create/many-match",
            "fhir-r4/conditional-create/one-match",
            "fhir-r4/conditional-create/race",
        ],
    },
    Breakage {
        name: "If-Match is ignored",
        before: |asked| asked.drop_header("if-match"),
        after: |_, _| {},
        red: &["fhir-r4/patch/if-match-stale", "fhir-r4/update/if-match-race", "fhir-r4/update/if-match-stale"],
    },
    Breakage {
        name: "return=minimal is ignored",
        before: |asked| {
            if asked.header("prefer") == "return=minimal" {
                asked.drop_header("prefer");
            }
        },
        after: |_, _| {},
        red: &["fhir-r4/create/prefer-minimal"],
    },
    Breakage {
        name: "handling=strict is ignored",
        before: |asked| {
            for (name, value) in &mut asked.headers {
                if name == "prefer" {
                    *value = value.replace("strict", "lenient");
                }
            }
        },
        after: |_, _| {},
        red: &["fhir-r4/search/strict"],
    },
    Breakage {
        name: "any Accept is answered with JSON",
        before: |asked| {
            if asked.header("accept").starts_with("image/") {
                asked.drop_header("accept");
            }
        },
        after: |_, _| {},
        red: &["fhir-r4/negotiation/not-acceptable"],
    },
    Breakage {
        name: "another version of FHIR is no such resource",
        before: nothing,
        after: |asked, given| {
            if asked.header("accept").contains("fhirVersion=3.0") {
                given.status = 404;
            }
        },
        red: &["fhir-r4/negotiation/other-version"],
    },
    Breakage {
        name: "decimals are floating point",
        before: nothing,
        after: |_, given| given.body = given.body.replace("52.50", "52.5"),
        red: &["fhir-r4/create/decimals"],
    },
    Breakage {
        name: "the database knows no characters beyond the first plane",
        before: nothing,
        after: |_, given| given.body = given.body.replace(['𠮷', '🙂'], "?"),
        red: &["fhir-r4/create/unicode"],
    },
    Breakage {
        name: "tags of clients are lost",
        before: nothing,
        after: |asked, given| {
            if asked.is_instance() || asked.path.contains("_history") {
                json(given, |body| {
                    if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
                        meta.remove("tag");
                    }
                });
            }
        },
        red: &["fhir-r4/create/tags-are-kept"],
    },
    Breakage {
        name: "an old version is read as the current one",
        before: |asked| {
            if asked.method == "GET"
                && let Some((resource, _)) = asked.path.clone().split_once("/_history/")
            {
                asked.path = resource.to_owned();
            }
        },
        after: |_, _| {},
        red: &[
            "fhir-r4/vread/old-version-unchanged",
            "fhir-r4/vread/unknown-version",
            "fhir-r4/vread/version-of-deleted",
        ],
    },
    Breakage {
        name: "a history begins with the oldest",
        before: nothing,
        after: |asked, given| {
            if asked.path.ends_with("/_history") {
                json(given, |body| {
                    if let Some(entries) = body.get_mut("entry").and_then(Value::as_array_mut) {
                        entries.reverse();
                    }
                });
            }
        },
        red: &["fhir-r4/history/deletion", "fhir-r4/history/instance", "fhir-r4/history/type"],
    },
    Breakage {
        name: "deletions are answered as if nothing were deleted",
        before: nothing,
        after: |_, given| {
            if given.status == 410 {
                given.status = 200;
            }
        },
        red: &["fhir-r4/delete/conditional", "fhir-r4/delete/deleted", "fhir-r4/read/deleted"],
    },
    Breakage {
        name: "the last page is never linked",
        before: nothing,
        after: |_, given| {
            json(given, |body| {
                if let Some(links) = body.get_mut("link").and_then(Value::as_array_mut) {
                    links.retain(|link| link["relation"] != "next");
                }
            });
        },
        red: &["fhir-r4/history/count", "fhir-r4/search/count", "fhir-r4/search/pages", "fhir-r4/search/sorted-pages"],
    },
    Breakage {
        name: "descending is ascending",
        before: |asked| asked.query = asked.query.replace("_sort=-", "_sort="),
        after: |_, _| {},
        red: &["fhir-r4/search/sort", "fhir-r4/search/sorted-pages"],
    },
    Breakage {
        name: ":exact is a match from the beginning",
        before: |asked| asked.query = asked.query.replace(":exact=", "="),
        after: |_, _| {},
        red: &["fhir-r4/search/string-exact"],
    },
    Breakage {
        name: ":not is ignored",
        before: |asked| asked.query = asked.query.replace(":not=", "="),
        after: |_, _| {},
        red: &["fhir-r4/search/token-not"],
    },
    Breakage {
        name: "unknown modifiers are ignored",
        before: |asked| asked.query = asked.query.replace("gender:tasuki=", "gender="),
        after: |_, _| {},
        red: &["fhir-r4/search/unsupported-modifier"],
    },
    Breakage {
        name: "_include is ignored",
        before: |asked| asked.drop_parameters("_include="),
        after: |_, _| {},
        red: &["fhir-r4/search/include"],
    },
    Breakage {
        name: "included resources are said to match",
        before: nothing,
        after: |_, given| given.body = given.body.replace("\"mode\":\"include\"", "\"mode\":\"match\""),
        red: &["fhir-r4/search/include", "fhir-r4/search/revinclude"],
    },
    Breakage {
        name: "a system of an identifier is ignored",
        before: |asked| {
            asked.query = asked.query.replace("urn:other|", "").replace("urn:other%7C", "");
        },
        after: |_, _| {},
        red: &["fhir-r4/search/token"],
    },
    Breakage {
        name: "no CORS",
        before: nothing,
        after: |_, given| given.headers.retain(|(name, _)| !name.starts_with("access-control")),
        red: &["fhir-r4/headers/cors"],
    },
    Breakage {
        name: "the CapabilityStatement does not say of what kind it is",
        before: nothing,
        after: |asked, given| {
            if asked.path.ends_with("/metadata") {
                json(given, |body| {
                    body.as_object_mut().map(|members| members.shift_remove("kind"));
                });
            }
        },
        red: &["fhir-r4/capabilities/metadata"],
    },
    Breakage {
        name: "a self link repeats what was ignored",
        before: nothing,
        after: |asked, given| {
            if asked.query.contains("tasuki-no-such-parameter") && given.status == 200 {
                given.body = given.body.replace("gender=female", "gender=female&tasuki-no-such-parameter=1");
            }
        },
        red: &["fhir-r4/search/self-link"],
    },
];

/// Faults of consent, intake and tokens.
const CARE: &[Breakage] = &[
    Breakage {
        name: "searches are not filtered by consent",
        before: |asked| {
            if asked.method == "GET" && asked.path == "/fhir/Condition" {
                for (name, value) in &mut asked.headers {
                    if name == "authorization" && value == "Bearer agency-b" {
                        *value = "Bearer hospital".into();
                    }
                }
            }
        },
        after: |_, _| {},
        red: &["consent/pair/search"],
    },
    Breakage {
        name: "a token is not asked for",
        before: |asked| {
            if asked.header("authorization").is_empty() && !asked.path.starts_with("/auth") {
                asked.headers.push(("authorization".into(), "Bearer hospital".into()));
            }
        },
        after: |_, _| {},
        red: &["consent/access/no-token", "intake/access/no-token"],
    },
    Breakage {
        name: "answers with tokens may be kept by caches",
        before: nothing,
        after: |asked, given| {
            if asked.path == "/auth/token" {
                given.drop_header("cache-control");
            }
        },
        red: &["smart/token/issued"],
    },
    Breakage {
        name: "what is hidden is said to be forbidden",
        before: nothing,
        after: |asked, given| {
            if given.status == 404 && !asked.path.contains("tasuki-conform") {
                given.status = 403;
            }
        },
        red: &["consent/pair/hidden-like-absent"],
    },
];

/// Of the cases that are not to be red a third, another one for each fault, so that a test run ends in minutes; all of them
/// with `TASUKI_WHOLE=1`.
fn is_looked_at(fault: &str, case: &str) -> bool {
    let sum = fault.bytes().chain(case.bytes()).fold(0_u32, |sum, byte| sum.wrapping_mul(31) ^ u32::from(byte));
    std::env::var_os("TASUKI_WHOLE").is_some() || sum % 3 == 0
}

fn proved(breakage: &'static Breakage, open: bool) -> Result<(), String> {
    let listening = if open { served::open(breakage) } else { served::with_clients(breakage) };
    let glob = if open { "fhir-r4,bulk" } else { "consent,intake,smart" };
    let mut suite = Suite::shipped().unwrap().chosen(glob, None);
    suite.cases.retain(|case| breakage.red.contains(&&*case.id) || is_looked_at(breakage.name, &case.id));
    let account = account_of(suite, &listening.subject, false);
    let found = red(&account);
    let ids: BTreeSet<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    let wanted: BTreeSet<&str> = breakage.red.iter().copied().collect();
    if ids == wanted {
        return Ok(());
    }
    let why: Vec<String> = found.iter().map(|(id, why)| format!("    {id}: {why}")).collect();
    Err(format!("{}:\n  red {ids:?}\n  not {wanted:?}\n{}", breakage.name, why.join("\n")))
}

/// What is wrong with the proof of each; two at a time.
fn unproved(breakages: &'static [Breakage], open: bool) -> Vec<String> {
    let (left, right) = breakages.split_at(breakages.len() / 2);
    let all =
        |half: &'static [Breakage]| move || half.iter().filter_map(|one| proved(one, open).err()).collect::<Vec<_>>();
    let other = std::thread::spawn(all(right));
    let mut wrong = all(left)();
    wrong.extend(other.join().unwrap());
    wrong
}

#[test]
fn one_fault_turns_its_cases_red_and_no_others() {
    let wrong = unproved(REST, true);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_fault_of_searching_turns_its_cases_red_and_no_others() {
    let wrong = unproved(faults::SEARCH, true);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_fault_of_writing_turns_its_cases_red_and_no_others() {
    let wrong = unproved(faults::WRITE, true);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every case that no fault turns red proves nothing yet. The list can only become shorter: a case that a fault proves now
/// has to leave it, and a new case has to come with its fault. `UPDATE=1` writes it.
#[test]
fn the_list_of_cases_that_no_fault_proves_is_true() {
    let tables = [REST, CARE, faults::SEARCH, faults::WRITE, faults::CARE];
    let proved: BTreeSet<&str> =
        tables.iter().flat_map(|table| table.iter()).flat_map(|one| one.red).copied().collect();
    let suite = Suite::shipped().unwrap();
    let known: BTreeSet<&str> = suite.cases.iter().map(|case| case.id.as_str()).collect();
    assert!(proved.is_subset(&known), "{:?}", proved.difference(&known).collect::<Vec<_>>());
    let unproved: String = known.difference(&proved).map(|id| format!("{id}\n")).collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conform/unproved.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &unproved).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), unproved, "UPDATE=1 cargo test --test conform list");
    assert!(unproved.lines().count() <= UNPROVED_MAX, "{} of {}", unproved.lines().count(), known.len());
}

#[test]
fn one_fault_of_consent_turns_its_cases_red_and_no_others() {
    let wrong: Vec<String> = [CARE, faults::CARE].into_iter().flat_map(|table| unproved(table, false)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
