//! Generated requests: every route with every method, and whatever can be put into it.

use serde_json::{Value, json};
use tasuki::search::parameters;

use super::dice::Dice;
use super::gateway::{Ask, CLINIC, HOSPITAL, bundle, condition, consent};
use super::searches::Searches;
use super::words::{Words, encoded};
use super::worlds::{ALL, CLINICS, NONE, PART, VOID, of_clinic, record};

/// Makes one request after the other.
pub(crate) struct Requests<'w> {
    pub(crate) words: &'w Words,
    pub(crate) client: &'static str,
    pub(crate) dice: Dice,
    pub(crate) searches: Searches,
    /// Addresses that an answer named: pages, exports and their files.
    pub(crate) named: Vec<String>,
    /// Whether ids were given that are chance: the order of some lists is then.
    pub(crate) has_chance: bool,
    next_route: usize,
}

const JSON: &str = "application/fhir+json";
/// Ids that are none, or that mean something to somebody.
const HOSTILE: [&str; 14] = [
    "..",
    "%2e%2e",
    "%00",
    ".",
    "a%2Fb",
    "'",
    "%27%20or%201=1",
    "$",
    "_history",
    "*",
    "a%20b",
    "%F0%9F%92%89",
    "-",
    "%25",
];
const OPERATIONS: [&str; 38] = [
    "$register",
    "$register-batch",
    "$registration-form",
    "$registration-report",
    "$revoke",
    "$ihe-pix",
    "$link",
    "$links",
    "$unlink",
    "$duplicates",
    "$emergency-access",
    "$emergency-end",
    "$emergency-reviews",
    "$explain-access",
    "$preview-consent",
    "$who-can-see",
    "$access-report",
    "$convert",
    "$docref",
    "$document",
    "$everything",
    "$export",
    "$import",
    "$import-directory",
    "$lastn",
    "$meta",
    "$meta-add",
    "$meta-delete",
    "$summary",
    "$validate",
    "$graphql",
    "$match",
    "$expand",
    "$lookup",
    "$subsumes",
    "$translate",
    "$validate-code",
    "$nonsense",
];
const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

/// Every shape of an address, to be asked with every method one after the other.
pub(crate) const ROUTES: [&str; 33] = [
    "//health",
    "//metrics",
    "//.well-known/smart-configuration",
    "/.well-known/smart-configuration",
    "/metadata",
    "/openapi.json",
    "/",
    "/_search",
    "/_history",
    "/{type}",
    "/{type}/_search",
    "/{type}/_history",
    "/{type}/{id}",
    "/{type}/{id}/_history",
    "/{type}/{id}/_history/{vid}",
    "/{type}/{id}/{type}",
    "/{type}/{id}/*",
    "/{type}/{id}/{type}/_search",
    "/{operation}",
    "/{type}/{operation}",
    "/{type}/{id}/{operation}",
    "/$export-status/{export}",
    "/$export-file/{export}/{name}",
    "//intake",
    "//intake/{facility}",
    "//intake/receipts/{letter}",
    "//intake/receipts/{letter}/account",
    "//auth/token",
    "//auth/introspect",
    "//auth/revoke",
    "//",
    "/AuditEvent",
    "/AuditEvent/{id}",
];

impl<'w> Requests<'w> {
    pub(crate) fn new(words: &'w Words, client: &'static str, dice: Dice) -> Self {
        let preferred: &[&str] =
            if client == "office" { &["Consent", "Consent", "Organization", "SearchParameter"] } else { &[] };
        let (searches, named) = (Searches { preferred, ..Searches::default() }, Vec::new());
        Requests { words, client, dice, searches, named, has_chance: false, next_route: 0 }
    }

    /// The next one.
    pub(crate) fn request(&mut self) -> Ask {
        let mut ask = match self.dice.roll(100) {
            0..=8 => self.routed(),
            9..=15 => self.read(),
            16..=58 => self.search(),
            59..=63 => self.form(),
            64..=69 => self.history(),
            70..=76 => self.operation(),
            77..=83 => self.person(),
            84..=86 => self.followed(),
            87..=91 => self.write(),
            92..=96 => self.batch(),
            _ => self.letter(),
        };
        self.headers(&mut ask);
        ask
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Ask {
        Ask::get(self.client, path)
    }

    pub(crate) fn id(&mut self) -> (String, String) {
        self.words.id(&mut self.dice)
    }

    /// The shapes of addresses in turn, each with a method in turn.
    fn routed(&mut self) -> Ask {
        let at = self.next_route;
        self.next_route += 1;
        let method = METHODS[(at / ROUTES.len() + at % ROUTES.len()) % METHODS.len()];
        let (of, id) = self.id();
        let mut path = ROUTES[at % ROUTES.len()].to_owned();
        let hostile = self.dice.once_in(6);
        let types: Vec<&str> = parameters::types().map(|of| of.name()).collect();
        let chosen = if self.dice.once_in(4) { (*self.dice.pick(&types)).to_owned() } else { of };
        let id = if hostile { self.dice.word(&HOSTILE).to_owned() } else { id };
        let export = self.export();
        let letter = self.letter_name();
        for (name, value) in [
            ("{type}", chosen.as_str()),
            ("{id}", &id),
            ("{vid}", self.dice.word(&["1", "2", "3", "0", "x"])),
            ("{operation}", self.dice.word(&OPERATIONS)),
            ("{export}", &export),
            ("{name}", self.dice.word(&["Patient.ndjson", "Observation.ndjson", "deleted.ndjson"])),
            ("{facility}", self.dice.word(&[HOSPITAL, CLINIC])),
            ("{letter}", &letter),
        ] {
            path = path.replace(name, value);
        }
        let ask = Ask { method, ..self.get(path) };
        match method {
            "POST" | "PUT" | "PATCH" => self.with_body(ask),
            _ => ask,
        }
    }

    fn patient(&mut self) -> String {
        record(self.dice.word(&[ALL, PART, PART, NONE, VOID])).reference()
    }

    fn export(&mut self) -> String {
        let of_others: Vec<&String> = self.words.of_others.iter().filter(|path| path.starts_with("/$export")).collect();
        match of_others.is_empty() {
            true => "0123456789abcdef0123456789abcdef".into(),
            false => self.dice.pick(&of_others).rsplit('/').next().unwrap_or_default().to_owned(),
        }
    }

    /// The id of a letter that is there, or of one that is not.
    fn letter_name(&mut self) -> String {
        let body = self.dice.pick(&self.words.bodies).to_string();
        let facility = self.dice.word(&[HOSPITAL, ""]);
        let letter = super::gateway::letter(facility, "h1", &serde_json::from_str(&body).unwrap_or(Value::Null));
        letter.id().0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn with_body(&mut self, mut ask: Ask) -> Ask {
        let body = self.dice.pick(&self.words.bodies).clone();
        let kind = match ask.method {
            "PATCH" => self.dice.word(&["application/json-patch+json", JSON]),
            _ => self.dice.word(&[JSON, JSON, "application/x-www-form-urlencoded", "text/plain"]),
        };
        ask.body = match kind {
            "application/json-patch+json" => {
                json!([{"op": "test", "path": "/status", "value": "final"}]).to_string().into_bytes()
            }
            JSON => body.to_string().into_bytes(),
            _ => b"_count=2".to_vec(),
        };
        ask.with("content-type", kind)
    }

    fn read(&mut self) -> Ask {
        let (of, id) = self.id();
        let method = self.dice.word(&["GET", "GET", "HEAD"]);
        let end = self.dice.word(&[
            "",
            "",
            "?_summary=true",
            "?_elements=status",
            "?_format=xml",
            "?_pretty=true",
            "/",
            "?_summary=count",
        ]);
        Ask { method, ..self.get(format!("/{of}/{id}{end}")) }
    }

    fn search(&mut self) -> Ask {
        let (of, mut query) = self.searches.query(self.words, &mut self.dice);
        // A source names the patient, or is told to.
        if self.client == "clinic" && !self.dice.once_in(4) {
            let whose = self.dice.word(&[CLINICS, CLINICS, ALL, NONE]);
            query = format!("patient={}&{query}", record(whose).reference());
        }
        let (kind, id) = self.id();
        let path = match self.dice.roll(10) {
            0 => format!("?_type={of}&{query}"),
            1 if self.dice.once_in(4) => format!("/{kind}/{id}/{of}?{query}"),
            1..=2 => format!("/{}/{}?{query}", self.patient(), self.dice.word(&["*", of.as_str()])),
            _ => format!("/{of}?{query}"),
        };
        let method = if self.dice.once_in(12) { "HEAD" } else { "GET" };
        Ask { method, ..self.get(path) }
    }

    /// A search by POST, with a part of it in the address.
    fn form(&mut self) -> Ask {
        let (of, query) = self.searches.query(self.words, &mut self.dice);
        let (_, more) = self.searches.query(self.words, &mut self.dice);
        let (kind, id) = self.id();
        let at = match self.dice.roll(4) {
            0 => "/_search".to_owned(),
            1 if self.dice.once_in(4) => format!("/{kind}/{id}/{of}/_search"),
            1 => format!("/{}/{of}/_search", self.patient()),
            _ => format!("/{of}/_search"),
        };
        let more = if self.dice.once_in(3) { format!("?{more}") } else { String::new() };
        let ask = Ask { method: "POST", body: query.into_bytes(), ..self.get(format!("{at}{more}")) };
        ask.with("content-type", "application/x-www-form-urlencoded")
    }

    fn history(&mut self) -> Ask {
        let (of, id) = self.id();
        let pairs = match self.dice.roll(5) {
            0 => format!("?_since={}", encoded(&self.date())),
            1 => format!("?_at={}", encoded(&self.date())),
            2 => format!("?_count={}", self.dice.roll(4)),
            3 => format!("?_count=1&_since={}", encoded(&self.date())),
            _ => String::new(),
        };
        let path = match self.dice.roll(5) {
            0 if !self.has_chance => format!("/_history{pairs}"),
            1 if !self.has_chance => format!("/{of}/_history{pairs}"),
            2 => format!("/{of}/{id}/_history/{}", 1 + self.dice.roll(4)),
            _ => format!("/{of}/{id}/_history{pairs}"),
        };
        self.get(path)
    }

    fn date(&mut self) -> String {
        match self.dice.roll(3) {
            0 => "2026-11-20T12:00:10+09:00".into(),
            1 => format!("2026-11-20T12:00:{:02}Z", self.dice.roll(60)),
            _ => self.dice.text(&self.words.dates).to_owned(),
        }
    }

    fn operation(&mut self) -> Ask {
        let (of, id) = self.id();
        let patient = match self.dice.once_in(3) {
            true => id.clone(),
            false => record(self.dice.word(&[ALL, "2", NONE, VOID])).patient_id().as_str().to_owned(),
        };
        let day = encoded(&self.date());
        let code = encoded(self.dice.text(&self.words.codes));
        let path = match self.dice.roll(18) {
            0 => format!("/Patient/{patient}/$everything"),
            1 => format!("/Patient/{patient}/$everything?_since={day}&_count={}", self.dice.roll(5)),
            2 => format!("/Patient/{patient}/$everything?_type={of},Observation&start=2026-01-01&end=2026-12-31"),
            3 => format!("/Observation/$lastn?patient={patient}&code={code}"),
            4 => format!(
                "/Observation/$lastn?patient={patient}&category=laboratory,vital-signs&max={}",
                self.dice.roll(4)
            ),
            5 => format!("/DocumentReference/$docref?patient={patient}&start=2000-01-01"),
            6 => format!("/Composition/{id}/$document{}", self.dice.word(&["", "?persist=true"])),
            7 => format!("/Composition/$document?id={id}"),
            8 => format!("/Patient/{patient}/$summary"),
            9 => format!("/Patient/$summary?identifier={code}"),
            10 => format!("/{of}/{id}/$validate?mode={}", self.dice.word(&["create", "update", "delete", "profile"])),
            11 => format!("{}/$meta", self.dice.pick(&[String::new(), format!("/{of}"), format!("/{of}/{id}")])),
            12 => format!("{}/$export?_type={of}&_since={day}", self.dice.word(&["", "/Patient"])),
            13 => format!("/Group/{id}/$export"),
            14 => self.terminology(&id, &code),
            _ => {
                let at = self.dice.pick(&[String::new(), format!("/{of}"), format!("/{of}/{id}")]).clone();
                format!("{at}/{}", self.dice.word(&OPERATIONS))
            }
        };
        let ask = self.get(path);
        match (ask.path.contains("$export"), self.dice.once_in(5)) {
            (true, false) => ask.with("prefer", "respond-async"),
            (is_export, true) => {
                let ask = self.with_body(Ask { method: "POST", ..ask });
                if is_export { ask.with("prefer", "respond-async") } else { ask }
            }
            _ => ask,
        }
    }

    /// What definitions say of codes; those of records are asked about, and must not be told of.
    fn terminology(&mut self, id: &str, code: &str) -> String {
        let (system, code) = code.split_once("%7C").unwrap_or(("urn:ietf:bcp:47", code));
        let at = |of: &str| format!("/{of}/{id}");
        match self.dice.roll(6) {
            0 => format!("{}/$expand?filter={code}", at("ValueSet")),
            1 => format!("/ValueSet/$validate-code?url={system}&system={system}&code={code}"),
            2 => format!("/CodeSystem/$lookup?system={system}&code={code}"),
            3 => format!("/CodeSystem/$validate-code?url={system}&code={code}"),
            4 => format!("{}/$subsumes?codeA={code}&codeB={code}", at("CodeSystem")),
            _ => format!("/ConceptMap/$translate?system={system}&code={code}"),
        }
    }

    /// A page that an answer named, somebody else's page, a page with something changed.
    fn followed(&mut self) -> Ask {
        let own = self.named.pop();
        let path = match (own, self.words.of_others.is_empty() || self.dice.once_in(2)) {
            (Some(own), true) => own,
            (_, false) => self.dice.pick(&self.words.of_others).clone(),
            _ => "/Observation?_count=1".into(),
        };
        match self.dice.roll(4) {
            0 => self.get(path.replace("_cursor=", "_cursor=0")),
            1 => self.get(path.replacen("_count=1", "_count=2", 1)),
            2 if path.starts_with("/$export-status") && self.dice.once_in(3) => {
                Ask { method: "DELETE", ..self.get(path) }
            }
            _ => self.get(path),
        }
    }

    fn write(&mut self) -> Ask {
        let (of, id) = self.id();
        let body = self.stated(&of, &id);
        let criteria = match self.dice.roll(4) {
            0 => format!("_id={id}"),
            1 => format!("identifier={}", encoded(self.dice.text(&self.words.codes))),
            2 => format!("patient.birthdate={}", self.dice.word(&["1940-01-01", "1941-01-01"])),
            _ => self.searches.query(self.words, &mut self.dice).1,
        };
        let named = body["resourceType"].as_str().unwrap_or("Patient").to_owned();
        let own = body["id"].as_str().unwrap_or("x").to_owned();
        let client = self.client;
        match self.dice.roll(7) {
            0 => Ask::post(client, format!("/{named}"), &body).with("if-none-exist", criteria),
            1 => Ask::put(client, format!("/{named}?{criteria}"), &body),
            2 => Ask { method: "DELETE", ..self.get(format!("/{of}?{criteria}")) },
            3 => Ask { method: "DELETE", ..self.get(format!("/{of}/{id}")) },
            4 => {
                let ask = Ask { method: "PATCH", ..self.get(format!("/{of}/{id}")) };
                self.with_body(ask)
            }
            _ => Ask::put(client, format!("/{named}/{own}"), &body),
        }
    }

    /// Something to be stored: a hidden resource as it is, or what the office keeps.
    fn stated(&mut self, of: &str, id: &str) -> Value {
        match self.dice.roll(4) {
            0 => {
                let whose = self.dice.word(&[NONE, VOID, "unheard-of"]);
                let name = format!("c{}", self.dice.roll(6));
                consent(&name, whose, self.dice.word(&["agency-q", "agency-r"]), "active", Value::Null)
            }
            1 => {
                json!({"resourceType": "Organization", "id": self.dice.word(&["o1", "o2", id]), "name": self.dice.text(&self.words.texts)})
            }
            2 => json!({"resourceType": of, "id": id}),
            _ => self.dice.pick(&self.words.bodies).clone(),
        }
    }

    fn batch(&mut self) -> Ask {
        let kind = self.dice.word(&["batch", "batch", "transaction"]);
        let mut entries = Vec::new();
        for _ in 0..1 + self.dice.roll(4) {
            let ask = match self.dice.roll(5) {
                0 => self.read(),
                1 => self.history(),
                4 => self.person(),
                2 if kind == "transaction" => self.write(),
                _ => self.search(),
            };
            let mut request = json!({"method": ask.method, "url": ask.path.trim_start_matches('/')});
            for (header, member) in
                [("if-none-match", "ifNoneMatch"), ("if-match", "ifMatch"), ("if-none-exist", "ifNoneExist")]
            {
                if let Some((_, value)) = ask.headers.iter().find(|(name, _)| *name == header) {
                    request[member] = json!(value);
                }
            }
            let mut entry = json!({"request": request});
            if !ask.body.is_empty() && matches!(ask.method, "PUT" | "POST") {
                entry["resource"] = serde_json::from_slice(&ask.body).unwrap_or(Value::Null);
            }
            entries.push(entry);
        }
        if self.dice.once_in(4) {
            let reference = format!("Patient?identifier={}", encoded(self.dice.text(&self.words.codes)));
            entries.push(json!({"request": {"method": "POST", "url": "Consent"},
                "resource": {"resourceType": "Consent", "status": "active", "patient": {"reference": reference}}}));
        }
        Ask::post(self.client, "/", &json!({"resourceType": "Bundle", "type": kind, "entry": entries}))
    }

    /// What a source hands in, and what is told of it.
    fn letter(&mut self) -> Ask {
        let name = format!("l{}", self.dice.roll(5));
        let body = match self.dice.roll(4) {
            0 => of_clinic(&name, self.dice.word(&["C160", "I10", "K30"])),
            1 => bundle(self.dice.word(&[ALL, NONE, CLINICS]), &name, &[condition(&name, "I10", None)]),
            2 => self.dice.pick(&self.words.bodies).clone(),
            _ => json!({"resourceType": "Bundle", "type": "transaction"}),
        };
        let path = self.dice.word(&["/Bundle", "//intake", "//intake/0119999901", "//intake/0119999902"]);
        match self.dice.roll(4) {
            0 => {
                let letter = self.letter_name();
                let below = self.dice.word(&["", "/account"]);
                self.get(format!("//intake/receipts/{letter}{below}"))
            }
            _ => Ask::post(self.client, path, &body),
        }
    }

    /// Headers that change an answer, that claim something, or that ask for another method.
    fn headers(&mut self, ask: &mut Ask) {
        let modified = ["Fri, 20 Nov 2026 03:00:10 GMT", "Sat, 21 Nov 2037 03:00:00 GMT", "yesterday"];
        for (name, values) in [
            ("if-none-match", &["W/\"1\"", "W/\"2\"", "*", "\""][..]),
            ("if-match", &["W/\"1\"", "W/\"2\"", "*"]),
            ("if-modified-since", &modified),
            (
                "prefer",
                &[
                    "return=representation",
                    "return=minimal",
                    "return=OperationOutcome",
                    "handling=lenient",
                    "handling=strict",
                ],
            ),
            ("x-consent-scope", &["btg", "bypass", "purp/v3/ETREAT"]),
            ("x-http-method-override", &["DELETE", "PUT", "GET"]),
            ("x-forwarded-for", &["10.0.0.1"]),
            ("x-forwarded-host", &["evil.example"]),
            ("accept", &["application/fhir+xml", "application/fhir+json", "text/html", "*/*"]),
            ("accept-language", &["ja", "en"]),
            ("origin", &["https://app.example"]),
            ("range", &["bytes=0-10"]),
        ] {
            let is_there = ask.headers.iter().any(|(there, _)| *there == name);
            if !is_there && self.dice.once_in(30) {
                ask.headers.push((name, (*self.dice.pick(values)).to_owned()));
            }
        }
        // What is packed cannot be compared where ids that are chance stand in it.
        if !self.has_chance && self.dice.once_in(30) {
            ask.headers.push(("accept-encoding", (self.dice.word(&["gzip", "zstd"])).to_owned()));
        }
    }
}
