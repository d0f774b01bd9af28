//! What `Patient/[id]/$everything` asks for (patient-operation-everything.html): a record whole, or what of it concerns some
//! time, was stored since, or is of some types.

use crate::fault::Issue;
use crate::fhir::ResourceType;
use crate::fhir::time::Interval;
use crate::search::page::Cursor;

use super::control::{Sort, SortBy, Summary, count, types};
use super::include::Include;
use super::rule::{self, issue, past};
use super::wanted::{DateWanted, Prefix};
use super::{Branch, COUNT_MAX, Condition, QUERY_BYTES_MAX, Query, Scope, Server, text};

impl<'d> Query<'d> {
    /// Reads the parameters of the operation. `with_directory` adds what the record refers to elsewhere.
    pub fn everything(id: &str, text: &str, with_directory: bool, server: Server<'d>) -> Result<Self, Issue> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(past(&rule::TOO_LONG, QUERY_BYTES_MAX));
        }
        let pairs = text::pairs(text).map_err(|name| issue(&rule::VALUE, name))?;
        let scope = Scope::Everything { id: id.into(), records: 1 };
        let branch = |resource_type| Branch {
            resource_type,
            conditions: Vec::new(),
            sort: vec![Sort { by: SortBy::First(ResourceType::PATIENT), descending: false }],
        };
        let branches = types(&scope, &pairs, server)?.into_iter().map(branch).collect();
        let all = Include { source: None, reference: None, target: None, iterate: false, reverse: false };
        let mut query = Query {
            scope,
            branches,
            includes: if with_directory { vec![all] } else { Vec::new() },
            count: COUNT_MAX,
            summary: Summary::False,
            elements: Vec::new(),
            cursor: None,
            used: Vec::new(),
            ignored: Vec::new(),
            sorted: String::new(),
            seal: server.seal,
        };
        let mut care = Interval::ALWAYS;
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            query.once(name)?;
            let wrong = || issue(&rule::VALUE, name);
            let interval = || Interval::parse(value, server.zone_minutes).ok_or_else(wrong);
            match name.as_str() {
                "start" => care.start = interval()?.start,
                "end" => care.end = interval()?.end,
                "_since" => {
                    let since = DateWanted { prefix: Prefix::Ge, interval: interval()? };
                    query.all(&Condition::LastUpdated(vec![since]));
                }
                "_count" => query.count = count(value).ok_or_else(wrong)?,
                "_cursor" => {
                    let read = Cursor::read(value, &query.order(), server.seal, server.now);
                    query.cursor = Some(read.ok_or_else(wrong)?);
                }
                "person" if matches!(value.as_str(), "true" | "false") => {}
                "person" => return Err(wrong()),
                "_type" | "_format" | "_pretty" => {}
                _ => return Err(issue(&rule::UNKNOWN, name)),
            }
            query.used.push((name.clone(), query.as_used(name, value)));
        }
        if let Some((name, _)) = pairs.iter().find(|(name, value)| value.is_empty() && !is_parameter(name)) {
            return Err(issue(&rule::UNKNOWN, name));
        }
        if care != Interval::ALWAYS {
            query.all(&Condition::Care(care));
        }
        Ok(query)
    }

    /// Whether everything of the person is wanted, of all records that are linked, and not of the one record alone.
    pub fn is_of_person(&self) -> bool {
        matches!(self.scope, Scope::Everything { .. }) && self.used.iter().any(|(n, v)| n == "person" && v == "true")
    }

    /// The same of so many records, which are the first that are searched.
    pub fn of_records(mut self, count: usize) -> Self {
        if let Scope::Everything { records, .. } = &mut self.scope {
            *records = count;
        }
        self
    }

    fn all(&mut self, condition: &Condition<'d>) {
        self.branches.iter_mut().for_each(|branch| branch.conditions.push(condition.clone()));
    }
}

fn is_parameter(name: &str) -> bool {
    matches!(name, "" | "person" | "start" | "end" | "_since" | "_type" | "_count" | "_cursor" | "_format" | "_pretty")
}
