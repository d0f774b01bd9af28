//! Faults of reading, writing, Bundles, operations and exports.

use serde_json::json as value;

use super::{gives, is_ok, takes};
use crate::breakage::Breakage;
use crate::broken::json;

/// Faults of reading, writing, Bundles, operations and exports.
pub(crate) const WRITE: &[Breakage] = &[
    gives(
        "a read is plain JSON",
        |asked, given| {
            if asked.method == "GET" && asked.is_instance() && is_ok(given) {
                given
                    .headers
                    .iter_mut()
                    .filter(|(name, _)| name == "content-type" && !asked.header("accept").contains("xml"))
                    .for_each(|(_, kind)| *kind = "application/json".into());
            }
        },
        &["fhir-r4/read/read"],
    ),
    gives(
        "metadata are plain JSON",
        |asked, given| {
            if asked.path.ends_with("/metadata") {
                given
                    .headers
                    .iter_mut()
                    .filter(|(name, _)| name == "content-type")
                    .for_each(|(_, kind)| *kind = "application/json".into());
            }
        },
        &["fhir-r4/negotiation/format-parameter", "fhir-r4/negotiation/json"],
    ),
    gives(
        "errors are plain JSON",
        |_, given| {
            if given.status == 404 {
                given
                    .headers
                    .iter_mut()
                    .filter(|(name, _)| name == "content-type")
                    .for_each(|(_, kind)| *kind = "application/json".into());
            }
        },
        &["fhir-r4/negotiation/json-errors"],
    ),
    gives(
        "errors have no body",
        |_, given| {
            if given.status >= 400 {
                given.body.clear();
            }
        },
        &[
            "fhir-r4/errors/bad-parameter",
            "fhir-r4/errors/expression",
            "fhir-r4/errors/outcome",
            "fhir-r4/search/date-impossible",
            "fhir-r4/search/strict",
        ],
    ),
    gives(
        "an unknown id is a bad request",
        |asked, given| {
            if asked.method == "GET"
                && asked.is_instance()
                && given.status == 404
                && asked.path.contains("/Patient/tasuki-conform")
            {
                given.status = 400;
            }
        },
        &[
            "fhir-r4/capabilities/read-works",
            "fhir-r4/create/id-is-ignored",
            "fhir-r4/errors/outcome",
            "fhir-r4/negotiation/json-errors",
            "fhir-r4/negotiation/xml",
            "fhir-r4/read/unknown-id",
        ],
    ),
    gives(
        "an unknown type is a bad request",
        |asked, given| {
            if asked.path.contains("/Foo/") {
                given.status = 400;
            }
        },
        &["fhir-r4/read/unknown-type"],
    ),
    takes(
        "small letters will do",
        |asked| asked.path = asked.path.replace("/patient/", "/Patient/"),
        &["fhir-r4/read/case-of-types"],
    ),
    gives(
        "an id is that of any type",
        |asked, given| {
            if asked.path.starts_with("/fhir/Observation/") && given.status == 404 {
                given.status = 200;
            }
        },
        &["fhir-r4/read/other-type"],
    ),
    gives(
        "what is no id is a fault",
        |asked, given| {
            if asked.path.contains("aaaaaaaaaa") {
                given.status = 500;
            }
        },
        &["fhir-r4/read/malformed-id"],
    ),
    gives(
        "a Location is in small letters",
        |asked, given| {
            if asked.method == "POST" && asked.path.ends_with("/Patient") {
                given
                    .headers
                    .iter_mut()
                    .filter(|(name, _)| name == "location")
                    .for_each(|(_, to)| *to = to.replace("/Patient/", "/patient/"));
            }
        },
        &["fhir-r4/create/created", "fhir-r4/create/twice"],
    ),
    gives(
        "times of clients are taken",
        |asked, given| {
            if asked.is_instance() && given.body.contains("\"tag\"") {
                json(given, |body| body["meta"]["lastUpdated"] = value!("1999-01-01T00:00:00Z"));
            }
        },
        &["fhir-r4/create/meta-is-ignored"],
    ),
    gives(
        "what is invalid is answered as if it were stored",
        |asked, given| {
            if asked.method == "POST" && asked.path.matches('/').count() == 2 && matches!(given.status, 400 | 422) {
                given.status = 201;
            }
        },
        &[
            "fhir-r4/create/impossible-date",
            "fhir-r4/create/missing-element",
            "fhir-r4/create/no-json",
            "fhir-r4/create/null",
            "fhir-r4/create/other-type",
            "fhir-r4/create/unknown-element",
            "fhir-r4/errors/outcome",
        ],
    ),
    takes(
        "Prefer is not read",
        |asked| {
            if asked.header("prefer").starts_with("return=OperationOutcome") {
                asked.drop_header("prefer");
            }
        },
        &["fhir-r4/create/prefer-outcome"],
    ),
    gives(
        "nulls in lists are left out",
        |asked, given| {
            if asked.is_instance() {
                given.body = given.body.replace("[null,", "[");
            }
        },
        &["fhir-r4/create/primitive-extensions"],
    ),
    gives(
        "a resource is given back without what was sent",
        |asked, given| {
            if asked.header("prefer") == "return=representation" && given.status == 201 {
                json(given, |body| {
                    body.as_object_mut().map(|members| members.shift_remove("birthDate"));
                });
            }
        },
        &["fhir-r4/create/prefer-representation"],
    ),
    takes(
        "a conditional delete deletes nothing",
        |asked| {
            if asked.method == "DELETE" && asked.path.ends_with("/Patient") {
                asked.method = "GET".into();
            }
        },
        &["fhir-r4/delete/conditional"],
    ),
    takes("_since is ignored", |asked| asked.drop_parameters("_since="), &["fhir-r4/history/since"]),
    takes(
        "_count of a history is ignored",
        |asked| {
            if asked.path.ends_with("/_history") {
                asked.drop_parameters("_count=1");
            }
        },
        &["fhir-r4/history/count"],
    ),
    gives(
        "an unknown history is empty",
        |asked, given| {
            if asked.path.ends_with("/_history") && given.status == 404 {
                given.status = 200;
            }
        },
        &["fhir-r4/history/unknown-id"],
    ),
    takes("_format is ignored", |asked| asked.drop_parameters("_format="), &["fhir-r4/negotiation/format-parameter"]),
    gives(
        "application/json is not acceptable",
        |asked, given| {
            if asked.header("accept") == "application/json" && asked.path.ends_with("/metadata") {
                given.status = 406;
            }
        },
        &["fhir-r4/negotiation/generic-json"],
    ),
    takes(
        "any body is JSON",
        |asked| {
            if asked.method == "POST" {
                for (_, value) in
                    asked.headers.iter_mut().filter(|(name, value)| name == "content-type" && value == "text/plain")
                {
                    *value = "application/fhir+json".into();
                }
            }
        },
        &["fhir-r4/negotiation/unsupported-body"],
    ),
    gives(
        "XML is JSON",
        |asked, given| {
            if asked.header("accept").contains("xml") {
                given
                    .headers
                    .iter_mut()
                    .filter(|(name, _)| name == "content-type")
                    .for_each(|(_, kind)| *kind = "application/fhir+json".into());
            }
        },
        &["fhir-r4/negotiation/xml"],
    ),
    gives(
        "XML is not taken",
        |asked, given| {
            if asked.header("content-type").contains("xml") {
                given.status = 415;
            }
        },
        &["fhir-r4/negotiation/xml-body"],
    ),
    gives(
        "$everything is the patient alone",
        |asked, given| {
            if asked.path.ends_with("$everything") {
                json(given, |body| {
                    if let Some(entries) = body["entry"].as_array_mut() {
                        entries.retain(|entry| entry["resource"]["resourceType"] == "Patient");
                    }
                });
            }
        },
        &["fhir-r4/operations/everything"],
    ),
    gives(
        "an unknown operation does nothing",
        |asked, given| {
            if asked.path.contains("$tasuki") {
                given.status = 200;
            }
        },
        &["fhir-r4/operations/unknown"],
    ),
    gives(
        "what is invalid is a warning",
        |asked, given| {
            if asked.path.ends_with("$validate") {
                given.body = given.body.replace("\"severity\":\"error\"", "\"severity\":\"warning\"");
            }
        },
        &["fhir-r4/operations/validate", "fhir-r4/operations/validate-place"],
    ),
    gives(
        "$validate does not say where",
        |asked, given| {
            if asked.path.ends_with("$validate") {
                given.body = given.body.replace("\"expression\"", "\"place\"");
            }
        },
        &["fhir-r4/operations/validate-place"],
    ),
    takes(
        "a patch is not done",
        |asked| {
            if asked.method == "PATCH" && asked.header("content-type").contains("json-patch") {
                asked.method = "GET".into();
                asked.drop_header("content-type");
            }
        },
        &[
            "fhir-r4/patch/failed-test",
            "fhir-r4/patch/if-match-stale",
            "fhir-r4/patch/invalid-result",
            "fhir-r4/patch/replaced",
        ],
    ),
    gives(
        "FHIRPath Patch is declared and not known",
        |asked, given| {
            if asked.method == "PATCH" && asked.header("content-type") == "application/fhir+json" {
                given.status = 415;
            }
        },
        &["fhir-r4/patch/fhirpath"],
    ),
    gives(
        "a patch of nothing is done",
        |asked, given| {
            if asked.method == "PATCH" && given.status == 404 {
                given.status = 200;
            }
        },
        &["fhir-r4/patch/unknown-id"],
    ),
    gives(
        "a patch may be anything",
        |asked, given| {
            if asked.method == "PATCH" && given.status == 415 {
                given.status = 200;
            }
        },
        &["fhir-r4/patch/content-type"],
    ),
    gives(
        "entries are answered in another order",
        |asked, given| {
            if asked.method == "POST" && asked.path.trim_end_matches('/') == "/fhir" {
                json(given, |body| {
                    if let Some(entries) = body["entry"].as_array_mut() {
                        entries.reverse();
                    }
                });
            }
        },
        &[
            "fhir-r4/batch/independent",
            "fhir-r4/transaction/conditional-create",
            "fhir-r4/transaction/deletes-first",
            "fhir-r4/transaction/done",
            "fhir-r4/transaction/references",
        ],
    ),
    gives(
        "what fails in a Bundle is answered as if it were done",
        |asked, given| {
            if asked.method == "POST" && asked.path.trim_end_matches('/') == "/fhir" && given.status >= 400 {
                given.status = 200;
            }
        },
        &[
            "fhir-r4/batch/other-bundle",
            "fhir-r4/transaction/conditional-reference",
            "fhir-r4/transaction/nothing",
            "fhir-r4/transaction/same-twice",
        ],
    ),
    gives(
        "an empty transaction is refused",
        |asked, given| {
            if asked.method == "POST"
                && asked.path.trim_end_matches('/') == "/fhir"
                && !given.body.contains("\"entry\"")
                && is_ok(given)
            {
                given.status = 400;
            }
        },
        &["fhir-r4/transaction/empty"],
    ),
    gives(
        "failed entries do not say why",
        |asked, given| {
            if asked.method == "POST" && asked.path.trim_end_matches('/') == "/fhir" {
                given.body = given.body.replace("\"outcome\"", "\"why\"");
            }
        },
        &["fhir-r4/batch/outcome-of-entries"],
    ),
    gives(
        "a search in a batch is a collection",
        |asked, given| {
            if asked.method == "POST" && asked.path.trim_end_matches('/') == "/fhir" {
                given.body = given.body.replace("searchset", "collection");
            }
        },
        &["fhir-r4/batch/search"],
    ),
    gives(
        "versions are all the first",
        |asked, given| {
            if asked.method == "GET" && asked.is_instance() && is_ok(given) {
                json(given, |body| {
                    if body["meta"]["versionId"].is_string() {
                        body["meta"]["versionId"] = value!("1");
                    }
                });
            }
        },
        &["fhir-r4/patch/replaced", "fhir-r4/update/updated"],
    ),
    gives(
        "a creation by an update is 200",
        |asked, given| {
            if asked.method == "PUT" && given.status == 201 && asked.path.contains("/c-") {
                given.status = 200;
            }
        },
        &["fhir-r4/update/as-create"],
    ),
    gives(
        "an update that is refused is answered as if it were done",
        |asked, given| {
            if asked.method == "PUT" && asked.is_instance() && matches!(given.status, 400 | 422) {
                given.status = 200;
            }
        },
        &["fhir-r4/update/invalid", "fhir-r4/update/no-id", "fhir-r4/update/other-id"],
    ),
    gives(
        "If-Match is never right",
        |asked, given| {
            if asked.method == "PUT" && !asked.header("if-match").is_empty() {
                given.status = 412;
            }
        },
        &["fhir-r4/update/if-match", "fhir-r4/update/if-match-race"],
    ),
    gives(
        "what was deleted cannot come back",
        |asked, given| {
            if asked.method == "PUT" && asked.is_instance() && given.status == 201 && !asked.path.contains("/c-") {
                given.status = 405;
            }
        },
        &["fhir-r4/update/brings-back"],
    ),
    gives(
        "versions have no ETag",
        |asked, given| {
            if asked.path.contains("/_history/") {
                given.drop_header("etag");
            }
        },
        &["fhir-r4/vread/current"],
    ),
    gives(
        "a conditional update is not known",
        |asked, given| {
            if asked.method == "PUT" && asked.path.ends_with("/Patient") {
                given.status = 400;
            }
        },
        &[
            "fhir-r4/conditional-update/many-match",
            "fhir-r4/conditional-update/no-match",
            "fhir-r4/conditional-update/one-match",
        ],
    ),
    gives(
        "a conditional create always finds one",
        |asked, given| {
            if !asked.header("if-none-exist").is_empty() && given.status == 201 {
                given.status = 200;
            }
        },
        &["fhir-r4/conditional-create/no-match", "fhir-r4/conditional-create/race"],
    ),
    gives(
        "a type stands twice in the CapabilityStatement",
        |asked, given| {
            if asked.path.ends_with("/metadata") {
                json(given, |body| {
                    let first = body["rest"][0]["resource"][0].clone();
                    if let Some(types) = body["rest"][0]["resource"].as_array_mut() {
                        types.push(first);
                    }
                });
            }
        },
        &["fhir-r4/capabilities/invariants"],
    ),
    gives(
        "an export is made at once",
        |asked, given| {
            if asked.path.ends_with("$export") && given.status == 202 {
                given.drop_header("content-location");
            }
        },
        &["bulk/export/cancelled", "bulk/export/kick-off", "bulk/export/manifest"],
    ),
    gives(
        "an export goes on when it is cancelled",
        |asked, given| {
            if asked.method == "GET" && given.status == 404 && asked.path.contains("export") {
                given.status = 202;
            }
        },
        &["bulk/export/cancelled"],
    ),
    gives(
        "files of an export are plain JSON",
        |_, given| {
            given
                .headers
                .iter_mut()
                .filter(|(_, kind)| kind.contains("ndjson"))
                .for_each(|(_, kind)| *kind = "application/json".into());
        },
        &["bulk/export/manifest"],
    ),
    gives(
        "an export without respond-async is a fault",
        |asked, given| {
            if asked.path.ends_with("$export") && asked.header("prefer").is_empty() {
                given.status = 500;
            }
        },
        &["bulk/export/not-async"],
    ),
];
