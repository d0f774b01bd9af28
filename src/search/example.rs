//! Records for tests: resources with their facts, some of which a caller may not see.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Definitions;
use super::columns::Columns;
use super::evaluate::{Judge, Refused};
use super::extract::extract_in;
use super::facts::Facts;
use super::query::{Query, Scope, Server};
use super::run::{Found, run};
use super::terminology::tests::Known;
use super::visible::{Row, Visible};
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};

pub(super) const BASE: &str = "https://gw.example/fhir";
/// 2026-01-01T00:00:00Z
pub(super) const NOW: i64 = 1_767_225_600_000;

/// One record or several.
#[derive(Clone, Default)]
pub(super) struct World {
    versions: Vec<Vec<(Facts, Value)>>,
    pub(super) hidden: HashSet<String>,
}

/// A world as it stands, ready to be searched.
pub(super) struct Shown {
    columns: Vec<Columns>,
    bodies: Vec<Vec<Value>>,
    hidden: HashSet<String>,
    earlier: Vec<Option<(Columns, Vec<Value>)>>,
}

pub(super) struct Eyes<'a> {
    shown: &'a Shown,
    columns: Vec<&'a Columns>,
}

pub(super) fn server() -> Server<'static> {
    Server { base: BASE, zone_minutes: 540, now: NOW, definitions: Definitions::base(), lenient: false, seal: b"seal" }
}

impl World {
    /// One record of these resources, all stored at [`NOW`].
    pub(super) fn of(resources: &[Value]) -> Self {
        let mut world = World::default();
        resources.iter().for_each(|resource| world.put(0, NOW, resource.clone()));
        world
    }

    /// A new version in a record.
    pub(super) fn put(&mut self, record: usize, at: i64, resource: Value) {
        self.write(record, at, resource, false);
    }

    pub(super) fn delete(&mut self, record: usize, at: i64, resource: Value) {
        self.write(record, at, resource, true);
    }

    fn write(&mut self, record: usize, at: i64, resource: Value, deleted: bool) {
        while self.versions.len() <= record {
            self.versions.push(Vec::new());
        }
        let read = extract_in(&resource, PatientKey(7 << 100), 540);
        let facts = Facts {
            resource_type: ResourceType::parse(resource["resourceType"].as_str().unwrap()).unwrap(),
            id: ResourceId::parse(resource["id"].as_str().unwrap()).unwrap(),
            version: 1,
            deleted,
            last_updated: at,
            occurred: i64::MIN,
            stated: Vec::new(),
            rank: 1,
            list: 0,
            origin: 0,
            labels: Default::default(),
            content: 0,
            patients: Vec::new(),
            tokens: read.tokens,
            dates: read.dates,
            references: read.references,
        };
        self.versions[record].push((facts, resource));
    }

    fn current(versions: &[(Facts, Value)], until: i64) -> (Columns, Vec<Value>) {
        let mut rows: Vec<&(Facts, Value)> = Vec::new();
        for version in versions.iter().filter(|(facts, _)| facts.last_updated <= until) {
            let same =
                |(old, _): &&(Facts, Value)| (old.resource_type, &old.id) != (version.0.resource_type, &version.0.id);
            rows.retain(same);
            rows.push(version);
        }
        rows.retain(|(facts, _)| !facts.deleted);
        (Columns::build(rows.iter().map(|(facts, _)| facts)), rows.iter().map(|(_, body)| body.clone()).collect())
    }

    /// As it stands, and as it stood when a search began.
    pub(super) fn shown(&self, begun: i64) -> Shown {
        let (columns, bodies) = self.versions.iter().map(|record| World::current(record, i64::MAX)).unzip();
        let earlier = self.versions.iter().map(|record| Some(World::current(record, begun))).collect();
        Shown { columns, bodies, hidden: self.hidden.clone(), earlier }
    }
}

impl Shown {
    pub(super) fn eyes(&self) -> Eyes<'_> {
        Eyes { shown: self, columns: self.columns.iter().collect() }
    }
}

impl Visible for Eyes<'_> {
    fn charts(&self) -> &[&Columns] {
        &self.columns
    }

    fn may_see(&self, at: Row) -> bool {
        !self.shown.hidden.contains(self.shown.columns[at.chart].ids[at.row].as_str())
    }

    fn body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        assert!(self.may_see(at), "nothing that is hidden is read");
        Ok(self.shown.bodies[at.chart][at.row].to_string().into_bytes())
    }

    fn earlier(&self, chart: usize) -> Option<&Columns> {
        self.shown.earlier[chart].as_ref().map(|(columns, _)| columns)
    }

    fn earlier_body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        let (_, bodies) = self.shown.earlier[at.chart].as_ref().unwrap();
        Ok(bodies[at.row].to_string().into_bytes())
    }
}

/// What is known to a world that holds none: a value set of the code 2 of LOINC, and LOINC with 1 below 0.
fn terminology() -> Known {
    Known::new(&[
        json!({"resourceType": "ValueSet", "id": "vs", "url": "http://vs.example", "compose": {"include":
            [{"system": "http://loinc.org", "concept": [{"code": "2"}]}]}}),
        json!({"resourceType": "CodeSystem", "url": "http://loinc.org", "content": "complete",
            "concept": [{"code": "0", "concept": [{"code": "1"}]}]}),
    ])
}

/// The ids of a page and of what is included with it, and the rest of what was found.
pub(super) fn find(shown: &Shown, query: &Query<'_>) -> Result<(Vec<String>, Vec<String>, Found), Refused> {
    let eyes = shown.eyes();
    let is_one = |one: &&Value| ["ValueSet", "CodeSystem"].iter().any(|name| one["resourceType"] == *name);
    let own: Vec<Value> = shown.bodies.iter().flatten().filter(is_one).cloned().collect();
    let terminology = if own.is_empty() { terminology() } else { Known::new(&own) };
    let found = run(&Judge::new(&eyes, &terminology, server()), query, NOW)?;
    let ids = |rows: &[Row]| rows.iter().map(|at| shown.columns[at.chart].ids[at.row].as_str().to_owned()).collect();
    Ok((ids(&found.page.matches), ids(&found.included), found))
}

/// What a search of a type finds, in the order of the ids.
pub(super) fn ids(world: &World, name: &str, text: &str) -> String {
    let scope = Scope::Type(ResourceType::parse(name).unwrap());
    let query = Query::parse(scope, text, server()).unwrap_or_else(|issue| panic!("{text}: {}", issue.english()));
    let (mut ids, _, _) = find(&world.shown(NOW), &query).unwrap_or_else(|refused| panic!("{text}: {refused:?}"));
    ids.sort();
    ids.join(" ")
}

/// A Patient, an Observation and their like, with more members.
pub(super) fn resource(name: &str, id: &str, members: Value) -> Value {
    let mut resource = json!({"resourceType": name, "id": id});
    if let (Some(resource), Value::Object(members)) = (resource.as_object_mut(), members) {
        resource.extend(members);
    }
    resource
}
