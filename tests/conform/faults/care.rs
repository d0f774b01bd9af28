//! Faults of consent, intake and tokens.

use serde_json::json as value;

use super::{gives, is_ok, takes};
use crate::breakage::{Asked, Breakage, Given};
use crate::broken::json;

/// As the hospital, which sees all that it sent.
fn as_hospital(asked: &mut Asked) {
    for (name, value) in &mut asked.headers {
        if name == "authorization" && value == "Bearer agency-b" {
            *value = "Bearer hospital".into();
        }
    }
}

/// Whether a program with a token of its own asks; the others have tokens that are known.
fn is_a(asked: &Asked) -> bool {
    let shown = asked.header("authorization");
    !shown.is_empty() && !["agency-b", "hospital", "office"].iter().any(|known| shown == format!("Bearer {known}"))
}

/// Puts an entry where there is none.
fn found(given: &mut Given, kind: &str) {
    json(given, |body| {
        if body["entry"].as_array().is_none_or(Vec::is_empty) {
            body["entry"] = value!([{"resource": {"resourceType": kind, "id": "x"}, "search": {"mode": "match"}}]);
        }
    });
}

/// Faults of consent, intake and tokens, of a gateway with clients.
pub(crate) const CARE: &[Breakage] = &[
    takes(
        "reads are not filtered by consent",
        |asked| {
            if asked.method == "GET" && asked.is_instance() {
                as_hospital(asked);
            }
        },
        &["consent/pair/hidden-like-absent", "consent/pair/other-reads-nothing"],
    ),
    takes(
        "versions are not filtered by consent",
        |asked| {
            if asked.path.contains("_history") {
                as_hospital(asked);
            }
        },
        &["consent/pair/versions"],
    ),
    gives(
        "a token that is not known is forbidden",
        |_, given| {
            if given.status == 401 {
                given.drop_header("www-authenticate");
            }
        },
        &["consent/access/unknown-token"],
    ),
    gives(
        "what cannot be read is taken",
        |asked, given| {
            if asked.path == "/intake"
                && asked.header("content-type") == "application/fhir+json"
                && matches!(given.status, 400 | 415 | 422)
            {
                given.status = 200;
            }
        },
        &["intake/clins/not-json"],
    ),
    gives(
        "whoever reads may hand in",
        |asked, given| {
            if asked.path == "/intake" && given.status == 403 {
                given.status = 200;
            }
        },
        &["intake/access/reader"],
    ),
    gives(
        "files of a storage are not taken",
        |asked, given| {
            if !asked.header("x-file-name").is_empty() {
                given.status = 415;
            }
        },
        &["intake/ssmix2/file", "intake/ssmix2/twice"],
    ),
    gives(
        "CDA is not taken",
        |asked, given| {
            if asked.header("content-type") == "application/xml" {
                given.status = 415;
            }
        },
        &["intake/cda/discharge", "intake/cda/referral"],
    ),
    gives(
        "HL7 v2 is not taken",
        |asked, given| {
            if asked.header("content-type").contains("hl7-v2") {
                given.status = 415;
            }
        },
        &["intake/v2/adt"],
    ),
    gives(
        "profiles that are claimed are lost",
        |asked, given| {
            if asked.path.ends_with("/Condition") {
                given.body = given.body.replace("JP_Condition_eCS", "X");
            }
        },
        &["intake/clins/claim"],
    ),
    gives(
        "corrections are not shown",
        |asked, given| {
            if asked.path.ends_with("/Condition") {
                given.body = given.body.replace("conform corrected", "conform");
            }
        },
        &["intake/clins/corrected"],
    ),
    gives(
        "the last to come is right",
        |asked, given| {
            if asked.path.ends_with("/Condition") && asked.method == "GET" {
                given.body = given.body.replace("\"text\":\"conform\"", "\"text\":\"conform before\"");
            }
        },
        &["intake/clins/late"],
    ),
    gives(
        "any assertion gets a token",
        |asked, given| {
            if asked.path == "/auth/token" && matches!(given.status, 400 | 401) {
                given.status = 200;
            }
        },
        &[
            "smart/token/refused/bad-scope",
            "smart/token/refused/expired",
            "smart/token/refused/foreign-key",
            "smart/token/refused/no-assertion",
            "smart/token/refused/no-jti",
            "smart/token/refused/other-audience",
            "smart/token/refused/other-grant",
            "smart/token/refused/other-subject",
            "smart/token/refused/too-long",
            "smart/token/refused/unknown-client",
            "smart/token/replayed",
        ],
    ),
    gives(
        "the SMART configuration is whatever is asked for",
        |asked, given| {
            if asked.path.ends_with("smart-configuration") {
                given
                    .headers
                    .iter_mut()
                    .filter(|(name, _)| name == "content-type")
                    .for_each(|(_, kind)| *kind = "text/html".into());
            }
        },
        &["smart/metadata/configuration"],
    ),
    gives(
        "how clients show who they are is not said",
        |asked, given| {
            if asked.path.ends_with("smart-configuration") {
                given.body = given.body.replace("private_key_jwt", "client_secret_basic");
            }
        },
        &["smart/metadata/backend"],
    ),
    gives(
        "people are found whatever their consent says now",
        |asked, given| {
            if is_a(asked) && asked.path == "/fhir/Patient" && is_ok(given) {
                found(given, "Patient");
            }
        },
        &[
            "consent/change/denied",
            "consent/change/draft",
            "consent/change/expired",
            "consent/change/granted-later",
            "consent/change/not-yet",
            "consent/change/withdrawn-and-given-again",
        ],
    ),
    gives(
        "conditions are found whatever the consent is for",
        |asked, given| {
            if is_a(asked) && asked.path == "/fhir/Condition" && is_ok(given) {
                found(given, "Condition");
            }
        },
        &["consent/change/class", "consent/change/withdrawn"],
    ),
    gives(
        "reads by id are refused",
        |asked, given| {
            if is_a(asked) && asked.path.starts_with("/fhir/Condition/") {
                given.status = 404;
            }
        },
        &["consent/change/withdrawn", "consent/pair/permitted-reads"],
    ),
    gives(
        "files of an export are not there",
        |_, given| {
            if given.headers.iter().any(|(_, value)| value.contains("ndjson")) {
                given.status = 404;
            }
        },
        &["consent/bulk/permitted"],
    ),
    takes(
        "a batch is the server's own",
        |asked| {
            if asked.method == "POST" && asked.path.trim_end_matches('/') == "/fhir" {
                as_hospital(asked);
            }
        },
        &["consent/pair/batch"],
    ),
    takes(
        "includes are not filtered by consent",
        |asked| {
            if asked.query.contains("_revinclude") {
                as_hospital(asked);
            }
        },
        &["consent/pair/includes"],
    ),
    takes(
        "the office reads what it keeps consents for",
        |asked| {
            for (name, value) in &mut asked.headers {
                if name == "authorization" && value == "Bearer office" && asked.path.starts_with("/fhir/Condition/") {
                    *value = "Bearer hospital".into();
                }
            }
        },
        &["consent/pair/office-sees-nothing-clinical"],
    ),
    gives(
        "what is handed in is somebody else's",
        |asked, given| {
            if asked.path == "/fhir/Condition" {
                given.body = given.body.replace("{\"reference\":\"Patient/", "{\"reference\":\"Group/");
            }
        },
        &["intake/clins/bundle"],
    ),
];
