//! A CareTeam, or a Group, as consents use it: who is in it, and when (careteam.html, group.html).

use serde_json::Value;

use super::rule::period;
use crate::fhir::time::Interval;

/// A team and its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// How it is referred to: `CareTeam/id`.
    pub reference: Box<str>,
    /// Whether it is active; one that is not has no members where something is permitted, and its members all the same where
    /// something is denied.
    pub is_active: bool,
    /// Each member by reference (`Organization/a`, `Practitioner/p`), with the time in which it is one; empty where it is named
    /// in another way.
    pub members: Vec<(Box<str>, Interval)>,
}

impl Team {
    /// Reads a CareTeam; `None` without an id. A participant whose period cannot be read is in it at no time where something is
    /// permitted: it is left out, and the team counts as not active.
    pub fn read(care_team: &Value) -> Option<Team> {
        let reference = format!("CareTeam/{}", care_team["id"].as_str()?).into();
        let mut is_active = care_team["status"] == "active";
        let mut whole = |stated: &Value| {
            let read = period(Some(stated).filter(|stated| !stated.is_null()), "CareTeam.period");
            is_active &= read.is_ok();
            read.unwrap_or(Interval::ALWAYS)
        };
        let of_team = whole(&care_team["period"]);
        let mut members = Vec::new();
        for participant in care_team["participant"].as_array().into_iter().flatten() {
            let own = whole(&participant["period"]);
            let time = Interval { start: own.start.max(of_team.start), end: own.end.min(of_team.end) };
            for part in ["member", "onBehalfOf"] {
                let named = participant.get(part).map(|named| named["reference"].as_str().unwrap_or_default());
                members.extend(named.map(|named| (named.into(), time)));
            }
        }
        Some(Team { reference, is_active, members })
    }

    /// Reads a Group as a team; `None` without an id. One that only describes whom it is about (`actual` false) has no members
    /// where something is permitted, as one that is not active.
    pub fn read_group(group: &Value) -> Option<Team> {
        let reference = format!("Group/{}", group["id"].as_str()?).into();
        let mut is_active = group["actual"] == true && group.get("active") != Some(&Value::Bool(false));
        let mut members = Vec::new();
        for member in group["member"].as_array().into_iter().flatten().filter(|member| member["inactive"] != true) {
            let time = period(member.get("period"), "Group.member.period");
            is_active &= time.is_ok();
            let named = member["entity"]["reference"].as_str().unwrap_or_default();
            members.push((named.into(), time.unwrap_or(Interval::ALWAYS)));
        }
        Some(Team { reference, is_active, members })
    }

    /// When somebody is a member; `None` where never.
    pub fn times(&self, is: impl Fn(&str) -> bool) -> Option<Box<[Interval]>> {
        let times: Box<[Interval]> = self.members.iter().filter(|(name, _)| is(name)).map(|(_, time)| *time).collect();
        (!times.is_empty()).then_some(times)
    }
}
