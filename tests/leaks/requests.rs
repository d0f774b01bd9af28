//! Generated requests: every route, right and wrong parameters, ids of everything there is and of what is nowhere.

#![allow(unreachable_pub)] // used by one test file

use serde_json::json;
use tasuki::app::Gateway;
use tasuki::fhir::PatientKey;
use tasuki::search::parameters;

use super::gateway::{Ask, bundle, key};
use super::{HANAKO, HIDDEN, TARO};

/// What a request can be made of: everything that is in the richer world, and much that is nowhere.
pub struct Words {
    types: Vec<&'static str>,
    ids: Vec<(String, String)>,
    texts: Vec<String>,
}

impl Words {
    pub fn of(gateway: &Gateway) -> Words {
        let mut ids = Vec::new();
        for patient in [key(HANAKO), key(TARO), key(HIDDEN), PatientKey::DIRECTORY] {
            let chart = gateway.chart(patient).unwrap();
            let columns = &chart.columns;
            ids.extend(
                columns.types.iter().zip(&columns.ids).map(|(t, id)| (t.name().to_owned(), id.as_str().to_owned())),
            );
        }
        ids.sort();
        let missing = key("nobody");
        ids.push(("Patient".into(), missing.patient_id().as_str().into()));
        ids.push(("Observation".into(), missing.resource_id("Observation", "1").as_str().into()));
        ids.push(("Consent".into(), "ca".into()));
        let types =
            parameters::types().map(|t| t.name()).chain(["AuditEvent", "Nothing", "Binary", "metadata"]).collect();
        let texts = [
            "C160",
            "final",
            "active",
            "finished",
            "true",
            "male",
            "lab",
            "D7777",
            "D0001",
            "0000000003",
            "|",
            "a|b",
            "\\,",
            ",",
            "%",
            "ge2026-01-01",
            "le2026-12-31",
            "sa2027",
            "2026-10-13",
            "ap2026-10",
            "now",
            "腫瘍内科",
            "0",
            "1",
            "2",
            "7",
            "1000",
            "-1",
            "accurate",
            "count",
            "false",
            "date",
            "-date",
            "_id",
            "-_lastUpdated",
            "application/fhir+xml",
            "x\"y",
            "<b>",
            "..",
        ];
        Words { types, ids, texts: texts.map(str::to_owned).to_vec() }
    }
}

/// A generator (splitmix64): the same seed gives the same requests.
pub struct Dice(pub u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % sides
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }
}

#[allow(clippy::too_many_lines)] // one line for each kind of request
pub fn request(dice: &mut Dice, words: &Words, caller: &str, next: &mut Vec<String>) -> Ask {
    let (kind, id) = dice.pick(&words.ids).clone();
    let search = |dice: &mut Dice| (*dice.pick(&words.types)).to_owned();
    let mut ask = match dice.roll(22) {
        0..=3 => Ask::get(caller, format!("/{kind}/{id}")),
        4 => Ask::get(caller, format!("/Patient/{id}/$everything")),
        5 => Ask::get(
            caller,
            format!("/{}/{}/$everything", "Patient", dice.pick(&[key(TARO), key(HIDDEN)]).patient_id().as_str()),
        ),
        6..=12 => {
            let of = search(dice);
            Ask::get(caller, searched(dice, words, &of, (&kind, &id)))
        }
        13 => {
            let of = search(dice);
            let body = query(dice, words, &of).into_bytes();
            let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
            Ask {
                method: "POST",
                headers,
                body,
                ..Ask::get(caller, format!("/{of}/_search?{}", query(dice, words, &of)))
            }
        }
        14 => next.pop().map_or_else(|| Ask::get(caller, "/Observation?_count=2"), |path| Ask::get(caller, path)),
        15 => {
            let method = *dice.pick(&["HEAD", "OPTIONS", "DELETE", "PATCH", "POST", "TRACE"]);
            Ask { method, ..Ask::get(caller, format!("/{kind}/{id}")) }
        }
        16 => Ask::put(caller, format!("/{kind}/{id}"), &json!({"resourceType": kind, "id": id})),
        17 => Ask::post(
            caller,
            format!("/{}", dice.pick(&["Bundle", "Consent", "Patient", ""])),
            &bundle(HIDDEN, "x", &[]),
        ),
        // Operations at a resource, and at a type with somebody's id.
        19 => Ask::get(
            caller,
            format!("/{kind}/{id}/{}", dice.pick(&["$summary", "$document", "$meta", "$validate", "$nonsense"])),
        ),
        20 => {
            let patient = dice.pick(&[key(TARO), key(HIDDEN), key(HANAKO)]).patient_id();
            let patient = patient.as_str();
            let path = match dice.roll(5) {
                0 => format!("/Observation/$lastn?patient={patient}&code:missing=false"),
                1 => format!("/DocumentReference/$docref?patient={patient}&start=2000-01-01"),
                2 => format!("/{kind}/$meta"),
                3 => format!("/Composition/$document?id={id}"),
                _ => format!("/Patient/{patient}/$summary"),
            };
            Ask::get(caller, path)
        }
        18 => Ask::get(
            caller,
            format!(
                "/{kind}/{id}/{}",
                dice.pick(&["_history", "_history/1", "$everything", "Observation", "%00", ".."])
            ),
        ),
        _ => Ask::get(
            caller,
            (*dice.pick(&["/metadata", "//health", "/", "//", "/Patient/", "/$export", "/Patient/a%20b", "/_history"]))
                .to_owned(),
        ),
    };
    for (name, value) in [
        ("if-none-match", "W/\"1\""),
        ("if-match", "W/\"1\""),
        ("if-modified-since", "Sat, 21 Nov 2026 03:00:00 GMT"),
        ("prefer", "return=representation"),
        ("x-consent-scope", "btg"),
    ] {
        if dice.roll(8) == 0 {
            ask.headers.push((name, value.to_owned()));
        }
    }
    ask
}

/// A search of a type: by itself, among others, in a compartment.
fn searched(dice: &mut Dice, words: &Words, of: &str, (kind, id): (&str, &str)) -> String {
    let asked = query(dice, words, of);
    match dice.roll(8) {
        0 => format!("?_type={of}&{asked}"),
        1 => format!("?_type={of},Patient,Provenance&{asked}"),
        2 => format!("/{kind}/{id}/{of}?{asked}"),
        3 => format!("/{}/{}?{asked}", dice.pick(&[key(TARO), key(HIDDEN)]).reference(), dice.pick(&["*", of])),
        _ => format!("/{of}?{asked}"),
    }
}

fn query(dice: &mut Dice, words: &Words, of: &str) -> String {
    let resource_type = tasuki::fhir::ResourceType::parse(of);
    let named: Vec<&str> =
        resource_type.map(parameters::of).unwrap_or_default().iter().flat_map(|d| d.names).copied().collect();
    let general = [
        "_id",
        "_lastUpdated",
        "_count",
        "_sort",
        "_total",
        "_summary",
        "_cursor",
        "patient",
        "_has:Observation:patient:code",
        "code:not",
        "_include",
        "_include:iterate",
        "_revinclude",
        "_elements",
        "_text",
        "_content",
        "_filter",
        "_list",
        "code:text",
        "subject.identifier",
        "subject:Patient._has:Condition:subject:code",
        "recorder.name",
        "asserter.identifier",
        "encounter.service-provider.name",
        "_has:Condition:recorder:code",
        "_has:Provenance:target:_id",
        "",
    ];
    let mut pairs = Vec::new();
    for _ in 0..dice.roll(4) {
        let name = if dice.roll(2) == 0 && !named.is_empty() { *dice.pick(&named) } else { *dice.pick(&general) };
        let (kind, id) = dice.pick(&words.ids).clone();
        let value = match (name, dice.roll(3)) {
            ("_count", 0..=1) => dice.roll(4).to_string(),
            ("_sort", 0..=1) => {
                (*dice.pick(&["date", "-date", "_id", "-_id", "_lastUpdated", "code", "-code,date", "identifier"]))
                    .to_owned()
            }
            ("_id", 0..=1) => id,
            ("_include" | "_include:iterate" | "_revinclude", 0..=1) => {
                let by = *dice.pick(&["*", "subject", "encounter", "recorder", "patient", "target"]);
                if dice.roll(3) == 0 {
                    "*".to_owned()
                } else {
                    format!("{}:{by}", dice.pick(&[of, "Provenance", "Condition"]))
                }
            }
            ("_filter", 0..=1) => {
                (*dice.pick(&["code eq C160", "subject pr true and not (code eq K30)", "recorder.name co \"腫瘍\""]))
                    .to_owned()
            }
            ("patient" | "subject", 0..=1) => dice.pick(&[key(HANAKO), key(TARO), key(HIDDEN)]).reference(),
            (_, 0) => format!("{kind}/{id}"),
            _ => dice.pick(&words.texts).clone(),
        };
        pairs.push(format!("{name}={}", encoded(&value)));
    }
    pairs.join("&")
}

fn encoded(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/".contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
