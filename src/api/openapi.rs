//! The OpenAPI 3.1 description of the FHIR API, written from what is offered (`metadata/offer.rs`): the same that the
//! CapabilityStatement says, for programs that know no FHIR.

use super::metadata::offer::{Interaction, Mode, Parameter, common_parameters, search_parameters};
use super::operation::Operation;
use crate::fault::Status;
use crate::fhir::{ResourceType, Writer};
use crate::search::compartment::is_compartment;
use crate::search::{Definitions, parameters};

const FHIR: [&str; 2] = ["application/fhir+json", "application/fhir+xml"];
const PATCH: [&str; 3] = ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"];
const FORM: [&str; 1] = ["application/x-www-form-urlencoded"];
const NDJSON: [&str; 1] = ["application/fhir+ndjson"];

/// How results are given (search.html#return); with `true`, where it may be named more than once.
const CONTROLS: [(&str, &str, bool); 7] = [
    ("_count", "Matches on a page.", false),
    ("_sort", "Search parameters in order, - before those that descend.", false),
    ("_include", "[type]:[parameter]; with :iterate, of what was included too.", true),
    ("_revinclude", "[type]:[parameter]; with :iterate, of what was included too.", true),
    ("_summary", "true, text, data, count or false.", false),
    ("_elements", "The elements that are wanted, separated by commas.", false),
    ("_total", "none, estimate or accurate.", false),
];
/// Of histories (http.html#history).
const OF_HISTORIES: [(&str, &str); 2] = [
    ("_since", "Versions stored at this instant or later."),
    ("_at", "Versions that were current at some time of this."),
];

/// What is said of one operation of a path.
struct Call<'a> {
    method: &'a str,
    /// Its name, one of its own.
    id: String,
    summary: &'a str,
    tag: &'a str,
    /// The components that are its parameters.
    parameters: Vec<String>,
    /// The media types of what it takes; none where it takes nothing.
    takes: &'a [&'a str],
    /// The component that is its answer, and its status.
    answer: (&'a str, Status),
    /// What else it answers that is no refusal.
    also: &'a [(&'a str, Status)],
}

/// Where something was made that was not there.
const MADE: &[(&str, Status)] = &[("Resource", Status::Created)];
/// Where what was to be made was there already.
const THERE: &[(&str, Status)] = &[("Resource", Status::Ok)];
/// Where the caller has what it asks for.
const HAD: &[(&str, Status)] = &[("Done", Status::NotModified)];
/// Where the caller wants to be told (`Prefer: return=OperationOutcome`).
const TOLD: &[(&str, Status)] = &[("Told", Status::Ok)];
/// Where it is under way.
const UNDER_WAY: &[(&str, Status)] = &[("Done", Status::Accepted)];

/// The description as JSON, for a gateway that is reached under `base`.
pub(super) fn description(mode: Mode, definitions: &Definitions, base: &str) -> String {
    let mut w = Writer::new();
    w.string("openapi", "3.1.0");
    w.object("info", |w| {
        w.string("title", "Tasuki FHIR gateway");
        w.string("version", env!("CARGO_PKG_VERSION"));
        w.string("description", "HL7 FHIR R4 over REST. The CapabilityStatement at /metadata says the same in FHIR.");
    });
    w.array("servers", |w| w.item(|w| w.string("url", base)));
    if mode == Mode::Registered {
        w.raw("security", r#"[{"bearer":[]}]"#);
    }
    w.object("paths", |w| {
        of_system(w, mode);
        parameters::types().for_each(|resource_type| of_type(w, mode, definitions, resource_type));
    });
    w.object("components", |w| components(w, mode, definitions));
    format!("{{{}}}", w.finish())
}

fn of_system(w: &mut Writer, mode: Mode) {
    let controls = || CONTROLS.iter().map(|(name, ..)| (*name).to_owned());
    let common = || common_parameters().into_iter().filter(is_plain).map(|one| one.name.to_owned());
    let searched = || ["_type".to_owned()].into_iter().chain(common()).chain(controls()).collect::<Vec<_>>();
    let call = |method, id: &str, summary, answer| Call {
        method,
        id: id.to_owned(),
        summary,
        tag: "System",
        parameters: Vec::new(),
        takes: &[],
        answer: (answer, Status::Ok),
        also: &[],
    };
    let histories = || {
        let of_histories = OF_HISTORIES.iter().map(|(name, _)| (*name).to_owned());
        of_histories.chain(["_count".to_owned()]).collect::<Vec<_>>()
    };
    path(
        w,
        "/metadata",
        &[],
        &[Call { also: HAD, ..call("get", "capabilities", "The CapabilityStatement.", "Resource") }],
    );
    path(w, "/openapi.json", &[], &[Call { also: HAD, ..call("get", "openapi", "This description.", "Json") }]);
    path(
        w,
        "/",
        &[],
        &[
            Call { parameters: searched(), ..call("get", "search", "Search of all types.", "Bundle") },
            Call { takes: &FHIR, ..call("post", "process", "A batch or a transaction.", "Bundle") },
        ],
    );
    path(
        w,
        "/_search",
        &[],
        &[Call { takes: &FORM, ..call("post", "searchByForm", "Search of all types.", "Bundle") }],
    );
    path(
        w,
        "/_history",
        &[],
        &[Call { parameters: histories(), ..call("get", "history", "The versions of all resources.", "Bundle") }],
    );
    for name in parameters::types().map(ResourceType::name).filter(|name| is_compartment(name)) {
        let id = format!("search{name}Compartment");
        let search =
            Call { parameters: searched(), tag: name, ..call("get", &id, "Search of a compartment.", "Bundle") };
        path(w, &format!("/{name}/{{id}}/{{type}}"), &["id", "type"], &[search]);
    }
    mode.operations_of_system().for_each(|operation| operation_at(w, "", &[], "System", operation));
    if mode.imports() {
        let import = call("post", "importOfSystem", "Stores NDJSON, one resource a line.", "Resource");
        path(w, "/$import", &[], &[Call { takes: &NDJSON, ..import }]);
    }
    let status = call("get", "exportStatus", "How far an export is; its manifest once it is done.", "Json");
    let status = Call { also: UNDER_WAY, ..status };
    let cancel =
        Call { answer: ("Done", Status::Accepted), ..call("delete", "exportCancel", "Ends an export.", "Done") };
    path(w, "/$export-status/{export}", &["export"], &[status, cancel]);
    let file = call("get", "exportFile", "A file of an export.", "Ndjson");
    path(w, "/$export-file/{export}/{name}", &["export", "name"], &[file]);
}

fn of_type(w: &mut Writer, mode: Mode, definitions: &Definitions, resource_type: ResourceType) {
    use Interaction as I;
    let name = resource_type.name();
    let interactions = mode.interactions(resource_type);
    let offers = |interaction| interactions.contains(&interaction);
    let call = |method, verb, summary, answer| call_of(name, method, verb, summary, answer);
    let criteria = || {
        let own = search_parameters(definitions, resource_type).into_iter().filter(is_plain);
        own.map(|one| component(resource_type, one.name)).collect::<Vec<_>>()
    };
    let searched = || {
        let is_audit = resource_type == ResourceType::AUDIT_EVENT;
        let controls = CONTROLS.iter().filter(|(name, ..)| !is_audit || *name == "_count");
        criteria().into_iter().chain(controls.map(|(name, ..)| (*name).to_owned())).collect::<Vec<_>>()
    };
    let headers = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (mut at_type, mut at_id) = (Vec::new(), Vec::new());
    if offers(I::SearchType) {
        at_type.push(Call { parameters: searched(), ..call("get", "search", "Search.", "Bundle") });
    }
    if offers(I::Create) {
        let parameters = headers(if mode.writes(resource_type) { &["If-None-Exist", "Prefer"] } else { &[] });
        let create = Call { parameters, takes: &FHIR, ..call("post", "create", "Create.", "Resource") };
        let also = if mode.writes(resource_type) { THERE } else { &[] };
        at_type.push(Call { answer: ("Resource", Status::Created), also, ..create });
    }
    if offers(I::Read) {
        let parameters = headers(&["If-None-Match", "If-Modified-Since"]);
        at_id.push(Call { parameters, also: HAD, ..call("get", "read", "Read.", "Resource") });
    }
    if offers(I::Update) {
        let update = |verb, summary| Call { takes: &FHIR, also: MADE, ..call("put", verb, summary, "Resource") };
        at_type.push(Call { parameters: criteria(), ..update("updateMatching", "Update of what matches, or create.") });
        let parameters = headers(&["If-Match", "If-None-Match", "Prefer"]);
        at_id.push(Call { parameters, ..update("update", "Update, or create under this id.") });
    }
    if offers(I::Patch) {
        let patch = |verb, summary| Call { takes: &PATCH, ..call("patch", verb, summary, "Resource") };
        at_type.push(Call { parameters: criteria(), ..patch("patchMatching", "Patch of what matches.") });
        at_id.push(Call { parameters: headers(&["If-Match", "Prefer"]), ..patch("patch", "Patch.") });
    }
    if offers(I::Delete) {
        let delete = |verb, summary| Call {
            answer: ("Done", Status::NoContent),
            also: TOLD,
            ..call("delete", verb, summary, "Done")
        };
        at_type.push(Call { parameters: criteria(), ..delete("deleteMatching", "Deletes the one that matches.") });
        at_id.push(Call { parameters: headers(&["If-Match", "Prefer"]), ..delete("delete", "Delete.") });
    }
    path(w, &format!("/{name}"), &[], &at_type);
    path(w, &format!("/{name}/{{id}}"), &["id"], &at_id);
    below_type(w, mode, resource_type);
}

/// The paths below a type and below a resource of it.
fn below_type(w: &mut Writer, mode: Mode, resource_type: ResourceType) {
    use Interaction as I;
    let name = resource_type.name();
    let interactions = mode.interactions(resource_type);
    let offers = |interaction| interactions.contains(&interaction);
    let call = |method, verb, summary, answer| call_of(name, method, verb, summary, answer);
    if offers(I::SearchType) && resource_type != ResourceType::AUDIT_EVENT {
        let search = Call { takes: &FORM, ..call("post", "searchByForm", "Search.", "Bundle") };
        path(w, &format!("/{name}/_search"), &[], &[search]);
    }
    let histories = || ["_since", "_at", "_count"].map(str::to_owned).to_vec();
    if offers(I::HistoryType) {
        let history = call("get", "historyOfAll", "The versions of all of this type.", "Bundle");
        path(w, &format!("/{name}/_history"), &[], &[Call { parameters: histories(), ..history }]);
    }
    if offers(I::HistoryInstance) {
        let history = Call { parameters: histories(), ..call("get", "history", "The versions of one.", "Bundle") };
        path(w, &format!("/{name}/{{id}}/_history"), &["id"], &[history]);
    }
    if offers(I::Vread) {
        let vread = call("get", "vread", "One version.", "Resource");
        path(w, &format!("/{name}/{{id}}/_history/{{vid}}"), &["id", "vid"], &[vread]);
    }
    for operation in mode.operations(resource_type) {
        if operation.on_type {
            operation_at(w, &format!("/{name}"), &[], name, operation);
        }
        if operation.instance {
            operation_at(w, &format!("/{name}/{{id}}"), &["id"], name, operation);
        }
    }
}

/// A call with resources of a type, that takes nothing and is answered with what it asks for.
fn call_of<'a>(name: &'a str, method: &'a str, verb: &str, summary: &'a str, answer: &'a str) -> Call<'a> {
    Call {
        method,
        id: format!("{verb}{name}"),
        summary,
        tag: name,
        parameters: Vec::new(),
        takes: &[],
        answer: (answer, Status::Ok),
        also: &[],
    }
}

fn operation_at(w: &mut Writer, at: &str, of_path: &[&str], tag: &str, operation: &Operation) {
    let level = if of_path.is_empty() { "" } else { "Of" };
    let call = |method, suffix: &str| Call {
        method,
        id: format!("{}{level}{tag}{suffix}", operation.name),
        summary: operation.definition,
        tag,
        parameters: Vec::new(),
        takes: &[],
        answer: if operation.name == "export" { ("Done", Status::Accepted) } else { ("Resource", Status::Ok) },
        also: &[],
    };
    let mut calls = vec![Call { takes: &FHIR, ..call("post", "ByPost") }];
    if operation.by_get() {
        calls.push(call("get", ""));
    }
    path(w, &format!("{at}/${}", operation.name), of_path, &calls);
}

/// Whether its name is the whole name of a parameter of an address; that of `_has` goes on.
fn is_plain(parameter: &Parameter<'_>) -> bool {
    parameter.name != "_has"
}

/// The name of the component that a search parameter of a type is.
fn component(resource_type: ResourceType, name: &str) -> String {
    if name.starts_with('_') { name.to_owned() } else { format!("{}.{name}", resource_type.name()) }
}

fn path(w: &mut Writer, path: &str, of_path: &[&str], calls: &[Call<'_>]) {
    w.object(path, |w| {
        // A path without calls is none.
        if calls.is_empty() {
            return;
        }
        w.array("parameters", |w| {
            of_path
                .iter()
                .for_each(|name| w.item(|w| w.string("$ref", &format!("#/components/parameters/path.{name}"))));
        });
        for call in calls {
            w.object(call.method, |w| {
                w.string("operationId", &call.id);
                w.string("summary", call.summary);
                w.array("tags", |w| w.item_string(call.tag));
                w.array("parameters", |w| {
                    let reference = |name: &String| format!("#/components/parameters/{name}");
                    call.parameters.iter().for_each(|name| w.item(|w| w.string("$ref", &reference(name))));
                });
                if !call.takes.is_empty() {
                    w.object("requestBody", |w| content(w, call.takes));
                }
                w.object("responses", |w| {
                    for (component, status) in [call.answer].iter().chain(call.also) {
                        let reference = format!("#/components/responses/{component}");
                        w.object(&status.code().to_string(), |w| w.string("$ref", &reference));
                    }
                    w.object("default", |w| w.string("$ref", "#/components/responses/Outcome"));
                });
            });
        }
    });
}

fn content(w: &mut Writer, media_types: &[&str]) {
    w.object("content", |w| {
        for media_type in media_types {
            let schema = match *media_type {
                "application/json-patch+json" => r#"{"type":"array"}"#,
                name if name.ends_with("ndjson") || name.ends_with("xml") => r#"{"type":"string"}"#,
                _ => r#"{"type":"object"}"#,
            };
            w.object(media_type, |w| w.raw("schema", schema));
        }
    });
}

fn components(w: &mut Writer, mode: Mode, definitions: &Definitions) {
    w.object("parameters", |w| {
        for name in ["id", "vid", "type", "export", "name"] {
            w.object(&format!("path.{name}"), |w| {
                w.string("name", name);
                w.string("in", "path");
                w.boolean("required", true);
                w.raw("schema", schema_of(name));
            });
        }
        for name in ["If-Match", "If-None-Match", "If-Modified-Since", "If-None-Exist", "Prefer"] {
            parameter(w, name, name, "header", "", false);
        }
        parameter(w, "_type", "_type", "query", "The types that are searched, separated by commas.", false);
        CONTROLS.iter().for_each(|(name, text, repeats)| parameter(w, name, name, "query", text, *repeats));
        OF_HISTORIES.iter().for_each(|(name, text)| parameter(w, name, name, "query", text, false));
        for one in common_parameters().iter().filter(|one| is_plain(one)) {
            parameter(w, one.name, one.name, "query", said(one), true);
        }
        for resource_type in parameters::types() {
            for one in search_parameters(definitions, resource_type).iter().filter(|one| !one.name.starts_with('_')) {
                parameter(w, &component(resource_type, one.name), one.name, "query", said(one), true);
            }
        }
    });
    w.object("responses", |w| {
        for (name, text, media_types) in [
            ("Resource", "A resource.", &FHIR[..]),
            ("Bundle", "A Bundle.", &FHIR),
            ("Outcome", "An OperationOutcome that says why not.", &FHIR),
            ("Told", "An OperationOutcome that says what was done.", &FHIR),
            ("Json", "JSON.", &["application/json"]),
            ("Ndjson", "Resources, one a line.", &NDJSON),
            ("Done", "Done.", &[]),
        ] {
            w.object(name, |w| {
                w.string("description", text);
                content(w, media_types);
            });
        }
    });
    if mode == Mode::Registered {
        w.raw("securitySchemes", r#"{"bearer":{"type":"http","scheme":"bearer"}}"#);
    }
}

fn said<'d>(parameter: &Parameter<'d>) -> &'d str {
    if parameter.documentation.is_empty() { parameter.definition } else { parameter.documentation }
}

/// A parameter; one that may be named more than once must hold with each of its values.
fn parameter(w: &mut Writer, component: &str, name: &str, place: &str, text: &str, repeats: bool) {
    w.object(component, |w| {
        w.string("name", name);
        w.string("in", place);
        w.string("description", text);
        w.raw("schema", if repeats { r#"{"type":"array","items":{"type":"string"}}"# } else { schema_of(name) });
    });
}

/// What a value of a parameter is, where that can be said for all types.
fn schema_of(name: &str) -> &'static str {
    match name {
        "id" | "vid" => r#"{"type":"string","pattern":"^[A-Za-z0-9.-]{1,64}$"}"#,
        "_count" => r#"{"type":"integer","minimum":0}"#,
        "_summary" => r#"{"type":"string","enum":["true","text","data","count","false"]}"#,
        "_total" => r#"{"type":"string","enum":["none","estimate","accurate"]}"#,
        "_since" => r#"{"type":"string","format":"date-time"}"#,
        _ => r#"{"type":"string"}"#,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// Every `$ref` and `operationId` below a value.
    fn names(value: &Value, refs: &mut BTreeSet<String>, ids: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value.as_str()) {
                        ("$ref", Some(text)) => refs.extend([text.to_owned()]),
                        ("operationId", Some(text)) => ids.push(text.to_owned()),
                        _ => names(value, refs, ids),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, refs, ids)),
            _ => {}
        }
    }

    #[test]
    fn the_description_holds_together() {
        for mode in [Mode::Open, Mode::Registered] {
            let text = description(mode, Definitions::base(), "https://x.example/fhir");
            let all: Value = serde_json::from_str(&text).unwrap();
            let (mut refs, mut ids) = (BTreeSet::new(), Vec::new());
            names(&all, &mut refs, &mut ids);
            for reference in refs {
                assert!(all.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            let count = ids.len();
            ids.sort_unstable();
            ids.dedup();
            assert_eq!(ids.len(), count, "an operationId is one call's own");
            // No path is written twice: the last would hide the first.
            let paths = all["paths"].as_object().unwrap();
            for path in paths.keys() {
                assert_eq!(text.matches(&format!("\"{path}\":")).count(), 1, "{path}");
                let named = path.matches('{').count();
                let declared = all["paths"][path]["parameters"].as_array().map_or(0, Vec::len);
                assert_eq!(named, declared, "{path}");
            }
            let has = |path: &str, method: &str| all["paths"][path][method].is_object();
            assert!(has("/Patient", "get") && has("/Patient/{id}/$everything", "get"));
            assert_eq!(has("/Patient/{id}", "put"), mode == Mode::Open);
            assert!(has("/Consent/{id}", "put") && !has("/AuditEvent/{id}", "get") && has("/AuditEvent", "get"));
            assert_eq!(all["components"]["securitySchemes"].is_object(), mode == Mode::Registered);
        }
    }
}
