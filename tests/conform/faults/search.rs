//! Faults of searching.

use serde_json::json as value;

use super::{gives, swap, takes};
use crate::breakage::Breakage;
use crate::broken::json;

/// Faults of searching.
pub(crate) const SEARCH: &[Breakage] = &[
    takes(
        "prefixes in a chain are read the other way round",
        |asked| swap(asked, "subject:Patient.birthdate=lt", "subject:Patient.birthdate=gt"),
        &["fhir-r4/search/chain"],
    ),
    takes("gt of dates is ge", |asked| swap(asked, "birthdate=gt", "birthdate=ge"), &["fhir-r4/search/date-prefixes"]),
    takes(
        "sa of dates is ge",
        |asked| swap(asked, "birthdate=sa", "birthdate=ge"),
        &["fhir-r4/search/date-starts-ends"],
    ),
    takes("ne is eq", |asked| swap(asked, "birthdate=ne", "birthdate="), &["fhir-r4/search/date-not-equal"]),
    takes(
        "a day is its month",
        |asked| swap(asked, "date=2026-06-15", "date=2026-06"),
        &["fhir-r4/search/date-precision"],
    ),
    takes("zones are left out", |asked| swap(asked, "T01:00:00Z", "T10:00:00Z"), &["fhir-r4/search/date-time"]),
    takes(
        "of a range only the beginning counts",
        |asked| asked.drop_parameters("birthdate=lt1980"),
        &["fhir-r4/search/date-range"],
    ),
    takes("a year is rounded", |asked| swap(asked, "birthdate=1951", "birthdate=1950"), &["fhir-r4/search/date"]),
    takes(
        "a string matches anywhere",
        |asked| swap(asked, "family=poro", "family:contains=poro"),
        &["fhir-r4/search/string"],
    ),
    takes(
        "accents count",
        |asked| swap(asked, "given=jurgen", "given:exact=jurgen"),
        &["fhir-r4/search/string-accents"],
    ),
    takes(
        ":contains is a match from the beginning",
        |asked| swap(asked, ":contains=", "="),
        &["fhir-r4/search/string-contains"],
    ),
    takes(
        ":missing is always false",
        |asked| swap(asked, ":missing=true", ":missing=false"),
        &["fhir-r4/search/missing"],
    ),
    takes(
        "_has looks at another code",
        |asked| swap(asked, "_has:Observation:subject:code=8867-4", "_has:Observation:subject:code=29463-7"),
        &["fhir-r4/search/has"],
    ),
    takes("name is the family name", |asked| swap(asked, "&name=", "&family="), &["fhir-r4/search/name"]),
    takes("of alternatives the first counts", |asked| swap(asked, "female,male", "female"), &["fhir-r4/search/or"]),
    takes(
        "of several parameters the last is left out",
        |asked| asked.drop_parameters("birthdate=1962-11-30"),
        &["fhir-r4/search/and"],
    ),
    takes(
        "an empty parameter finds nothing",
        |asked| swap(asked, "family=&", "family=zzz&"),
        &["fhir-r4/search/empty-parameter"],
    ),
    takes(
        "the first parameter is left out",
        |asked| {
            if asked.query.starts_with("gender=male&identifier") {
                asked.drop_parameters("gender=");
            }
        },
        &["fhir-r4/search/order-of-parameters"],
    ),
    takes(
        "a boolean is always true",
        |asked| swap(asked, "active=false", "active=true"),
        &["fhir-r4/search/token-boolean"],
    ),
    takes("tags are not searched", |asked| swap(asked, "_tag=", "_tag=x"), &["fhir-r4/search/tag"]),
    takes("_lastUpdated is ignored", |asked| asked.drop_parameters("_lastUpdated="), &["fhir-r4/search/last-updated"]),
    takes(
        "a type before an id is not understood",
        |asked| {
            if asked.query.starts_with("identifier=") {
                swap(asked, "subject=Patient/", "subject=Group/");
            }
        },
        &["fhir-r4/search/reference"],
    ),
    takes(
        "the type of a reference is ignored",
        |asked| swap(asked, "subject:Patient=", "subject:Group="),
        &["fhir-r4/search/reference-type"],
    ),
    takes(
        "absolute references are another server's",
        |asked| swap(asked, "subject=http", "subject=x"),
        &["fhir-r4/search/reference-url"],
    ),
    takes("units are ignored", |asked| swap(asked, "52.5||g", "52.5"), &["fhir-r4/search/quantity"]),
    takes(
        "gt of quantities is ge",
        |asked| swap(asked, "value-quantity=gt", "value-quantity=ge"),
        &["fhir-r4/search/quantity-prefixes"],
    ),
    takes(
        "parts of a composite match anywhere",
        |asked| swap(asked, "8462-4$gt140", "8480-6$gt140"),
        &["fhir-r4/search/composite"],
    ),
    takes("value-string is ignored", |asked| asked.drop_parameters("value-string="), &["fhir-r4/search/choice-type"]),
    takes(
        "a compartment is one code",
        |asked| {
            if asked.path.ends_with("/Observation") && asked.path.contains("/Patient/") && asked.query.is_empty() {
                asked.query = "code=8867-4".into();
            }
        },
        &["fhir-r4/search/compartment"],
    ),
    takes("_count=0 is a page of one", |asked| swap(asked, "_count=0", "_count=1"), &["fhir-r4/search/count-zero"]),
    takes("_revinclude is ignored", |asked| asked.drop_parameters("_revinclude="), &["fhir-r4/search/revinclude"]),
    takes(
        "superseded values are forgotten late",
        |asked| swap(asked, "family=kyoto", "family=nobody"),
        &["fhir-r4/search/current-only"],
    ),
    takes("escapes are not read", |asked| swap(asked, "%5C,", ","), &["fhir-r4/search/escaped-comma"]),
    takes(
        "_id finds anything",
        |asked| swap(asked, "_id=tasuki-none", "gender=female&x=tasuki-none"),
        &["fhir-r4/search/id"],
    ),
    gives(
        "a count is one less",
        |asked, given| {
            if asked.query.contains("_summary=count") {
                given.body = given.body.replace("\"total\":3", "\"total\":2");
            }
        },
        &["fhir-r4/search/summary-count"],
    ),
    gives(
        "a total is that of the page",
        |asked, given| {
            if asked.query.contains("_total=accurate") {
                given.body = given.body.replace("\"total\":3", "\"total\":1");
            }
        },
        &["fhir-r4/search/total"],
    ),
    gives(
        "what is cut is not marked",
        |_, given| given.body = given.body.replace("SUBSETTED", "WHOLE"),
        &["fhir-r4/search/elements", "fhir-r4/search/summary-data", "fhir-r4/search/summary-true"],
    ),
    gives(
        "no self link",
        |_, given| given.body = given.body.replace("\"relation\":\"self\"", "\"relation\":\"own\""),
        &["fhir-r4/search/self-link"],
    ),
    gives(
        "entries have no address",
        |asked, given| {
            if asked.query.starts_with("identifier=") && asked.query.matches('&').count() == 0 {
                given.body = given.body.replace("\"fullUrl\"", "\"fullUri\"");
            }
        },
        &["fhir-r4/search/searchset"],
    ),
    gives(
        "nothing found is not found",
        |asked, given| {
            if asked.query.contains("|none-") || asked.query.contains("%7Cnone-") {
                given.status = 404;
            }
        },
        &["fhir-r4/search/nothing-found", "fhir-r4/search/nothing-found-json"],
    ),
    gives(
        "nothing found is an empty list",
        |asked, given| {
            if asked.query.contains("none-") {
                json(given, |body| body["entry"] = value!([]));
            }
        },
        &["fhir-r4/search/nothing-found-json"],
    ),
    gives(
        "POST is not for searches",
        |asked, given| {
            if asked.path.ends_with("/_search") {
                given.status = 405;
            }
        },
        &["fhir-r4/search/post"],
    ),
    gives(
        "impossible dates find nothing",
        |asked, given| {
            if asked.query.contains("2026-02-30") {
                given.status = 200;
            }
        },
        &["fhir-r4/search/date-impossible"],
    ),
    gives(
        "what is no date finds nothing",
        |asked, given| {
            if asked.query.contains("yesterday") {
                given.status = 200;
            }
        },
        &["fhir-r4/errors/bad-parameter"],
    ),
    gives(
        "a search of one is a fault",
        |asked, given| {
            if asked.query == "_count=1" && asked.path.ends_with("/Patient") {
                given.status = 500;
            }
        },
        &["fhir-r4/search/read-only"],
    ),
];
