//! The CareTeams and Groups of the directory and who is in them (careteam.html, group.html, practitionerrole.html), as consents
//! that name a team use it: docs/adr/0045.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rule::period;
use super::team::Team;
use crate::fhir::time::Interval;

/// A PractitionerRole: a person who acts for an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRole {
    /// How it is referred to: `PractitionerRole/id`.
    pub reference: Box<str>,
    practitioner: Option<Box<str>>,
    organization: Option<Box<str>>,
    /// Not where `active` is false or the period cannot be read.
    is_active: bool,
    time: Interval,
}

/// All teams of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    /// By how they are referred to.
    teams: BTreeMap<Box<str>, Team>,
    roles: BTreeMap<Box<str>, PersonRole>,
}

/// In which teams somebody is at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Those that it is in.
    pub of: Vec<Box<str>>,
    /// Those that it certainly is not in.
    pub outside: BTreeSet<Box<str>>,
    /// When that may be otherwise, milliseconds since 1970, as long as the directory stays as it is.
    pub until: i64,
}

impl PersonRole {
    /// Reads a PractitionerRole; `None` without an id.
    pub fn read(role: &Value) -> Option<Self> {
        let named = |element: &str| {
            let reference = role.get(element)?;
            // Named in another way than by a reference, it is nobody here.
            Some(reference["reference"].as_str().unwrap_or_default().into())
        };
        let time = period(role.get("period"), "PractitionerRole.period");
        Some(PersonRole {
            reference: format!("PractitionerRole/{}", role["id"].as_str()?).into(),
            practitioner: named("practitioner"),
            organization: named("organization"),
            is_active: role.get("active") != Some(&Value::Bool(false)) && time.is_ok(),
            time: time.unwrap_or(Interval::ALWAYS),
        })
    }
}

/// What of who asks is looked for among members.
struct Sought<'a> {
    roll: &'a Roll,
    organization: &'a str,
    person: Option<&'a str>,
    now: i64,
}

impl Roll {
    /// Of these teams and roles.
    pub fn new(teams: impl IntoIterator<Item = Team>, roles: impl IntoIterator<Item = PersonRole>) -> Self {
        Roll {
            teams: teams.into_iter().map(|team| (team.reference.clone(), team)).collect(),
            roles: roles.into_iter().map(|role| (role.reference.clone(), role)).collect(),
        }
    }

    /// Whether there is no team.
    pub fn is_empty(&self) -> bool {
        self.teams.is_empty()
    }

    /// The PractitionerRoles that are named as members, by id.
    pub fn roles_named<'t>(teams: impl Iterator<Item = &'t Team>) -> BTreeSet<&'t str> {
        let members = teams.flat_map(|team| &team.members);
        members.filter_map(|(name, _)| name.strip_prefix("PractitionerRole/")).collect()
    }

    /// In which teams an organisation is, or a person of it who signed in, at an instant, milliseconds since 1970.
    pub fn membership(&self, organization: &str, person: Option<&str>, now: i64) -> Membership {
        let sought = Sought { roll: self, organization, person, now };
        let is_in = self.closure(|team, inner| {
            let holds = |(name, time): &(Box<str>, Interval)| holds(*time, now) && sought.is(name, inner);
            team.is_active && team.members.iter().any(holds)
        });
        let may_be_in = self.closure(|team, inner| {
            // What is not active is in force for all of its members where it is named in a deny.
            let counts = |time: Interval| !team.is_active || holds(time, now);
            team.members.iter().any(|(name, time)| counts(*time) && sought.may_be(name, inner))
        });
        let outside = self.teams.keys().filter(|team| !may_be_in.contains(&***team)).cloned().collect();
        Membership { of: is_in.into_iter().map(Box::from).collect(), outside, until: self.next_change(now) }
    }

    /// The teams of which something holds, where it may hold of one because it does of another.
    fn closure(&self, holds_of: impl Fn(&Team, &BTreeSet<&str>) -> bool) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        loop {
            let new = self.teams.iter().filter(|(name, team)| !found.contains(&***name) && holds_of(team, &found));
            let new: Vec<&str> = new.map(|(name, _)| &**name).collect();
            if new.is_empty() {
                return found;
            }
            found.extend(new);
        }
    }

    /// The first instant after this one at which a membership or a role begins or ends.
    fn next_change(&self, now: i64) -> i64 {
        let of_teams = self.teams.values().flat_map(|team| &team.members).map(|(_, time)| *time);
        let times = of_teams.chain(self.roles.values().map(|role| role.time));
        times.flat_map(|time| [time.start, time.end]).filter(|instant| *instant > now).min().unwrap_or(i64::MAX)
    }
}

impl Sought<'_> {
    /// Whether that is who asks.
    fn is(&self, name: &str, teams: &BTreeSet<&str>) -> bool {
        match kind(name) {
            "PractitionerRole" => self.roll.roles.get(name).is_some_and(|role| {
                let is_person = self.person.is_some() && role.practitioner.as_deref() == self.person;
                let here = role.organization.as_deref().is_none_or(|of| of == self.organization);
                role.is_active && holds(role.time, self.now) && is_person && here
            }),
            "CareTeam" | "Group" => teams.contains(name),
            _ => self.organization == name || self.person == Some(name),
        }
    }

    /// Whether it is, or it cannot be told: a person where nobody signed in, a role or a team that is not known.
    fn may_be(&self, name: &str, teams: &BTreeSet<&str>) -> bool {
        match kind(name) {
            "Organization" => self.organization == name,
            "Patient" | "RelatedPerson" => false,
            "Practitioner" => self.person.is_none_or(|person| person == name),
            "PractitionerRole" => self.roll.roles.get(name).is_none_or(|role| {
                let person = role.practitioner.as_deref().is_none_or(|of| self.person.is_none_or(|own| own == of));
                person && role.organization.as_deref().is_none_or(|of| of == self.organization)
            }),
            "CareTeam" | "Group" => teams.contains(name) || !self.roll.teams.contains_key(name),
            _ => true,
        }
    }
}

fn kind(name: &str) -> &str {
    name.split_once('/').map_or("", |(kind, _)| kind)
}

fn holds(time: Interval, now: i64) -> bool {
    time.start <= now && now < time.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JUNE: i64 = 1_780_239_600_000; // 2026-06-01T00:00:00+09:00

    fn team(id: &str, status: &str, participants: Value) -> Team {
        let team = json!({"resourceType": "CareTeam", "id": id, "status": status, "participant": participants});
        Team::read(&team).unwrap()
    }

    fn member(name: &str) -> Value {
        json!({"member": {"reference": name}})
    }

    /// Of each team, what a caller is to it: in it, outside of it, or not to be told.
    fn told(roll: &Roll, organization: &str, person: Option<&str>) -> String {
        let Membership { of, outside, .. } = roll.membership(organization, person, JUNE);
        let one = |name: &str| match (of.iter().any(|own| **own == *name), outside.contains(name)) {
            (true, false) => "in",
            (false, true) => "out",
            (false, false) => "?",
            (true, true) => "both",
        };
        roll.teams
            .keys()
            .map(|name| format!("{} {}", &name[name.find('/').unwrap() + 1..], one(name)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn who_is_in_a_team_is_told_for_organisations_and_people() {
        let roles = [
            json!({"id": "r", "practitioner": {"reference": "Practitioner/p"}, "organization": {"reference": "Organization/a"}}),
            json!({"id": "gone", "active": false, "practitioner": {"reference": "Practitioner/p"}}),
        ];
        let roll = Roll::new(
            [
                team("a-firm", "active", json!([member("Organization/a")])),
                team("b-person", "active", json!([member("Practitioner/p")])),
                team("c-role", "active", json!([member("PractitionerRole/r")])),
                team("d-retired", "inactive", json!([member("Organization/a")])),
                team("e-nested", "active", json!([member("CareTeam/a-firm"), member("CareTeam/e-nested")])),
                team("f-unknown", "active", json!([member("CareTeam/nowhere")])),
                team("g-off", "active", json!([member("PractitionerRole/gone")])),
                team("h-else", "active", json!([{"member": {"display": "x"}}])),
            ],
            roles.iter().filter_map(PersonRole::read),
        );
        let (a, b) = ("Organization/a", "Organization/b");
        assert_eq!(
            told(&roll, a, None),
            "a-firm in, b-person ?, c-role ?, d-retired ?, e-nested in, f-unknown ?, g-off ?, h-else ?"
        );
        assert_eq!(
            told(&roll, a, Some("Practitioner/p")),
            "a-firm in, b-person in, c-role in, d-retired ?, e-nested in, f-unknown ?, g-off ?, h-else ?"
        );
        assert_eq!(
            told(&roll, b, Some("Practitioner/p")),
            "a-firm out, b-person in, c-role out, d-retired out, e-nested out, f-unknown ?, g-off ?, h-else ?"
        );
        assert_eq!(
            told(&roll, b, Some("Practitioner/q")),
            "a-firm out, b-person out, c-role out, d-retired out, e-nested out, f-unknown ?, g-off out, h-else ?"
        );
    }

    #[test]
    fn a_membership_has_its_days() {
        let days = |start: &str, end: &str| json!([{"member": {"reference": "Organization/a"}, "period": {"start": start, "end": end}}]);
        let roll = Roll::new([team("t", "active", days("2026-06-01", "2026-06-30"))], []);
        let at = |instant: i64| roll.membership("Organization/a", None, instant);
        let (before, first) = (at(JUNE - 1), at(JUNE));
        assert!(before.of.is_empty() && before.outside.len() == 1 && before.until == JUNE);
        assert!(first.of.len() == 1 && first.outside.is_empty() && first.until > JUNE);
        let after = at(first.until);
        assert!(at(first.until - 1).of.len() == 1 && after.of.is_empty() && after.until == i64::MAX);
    }

    #[test]
    fn a_group_has_members_while_it_is_actual() {
        let group = |more: Value| {
            let mut group = json!({"resourceType": "Group", "id": "g", "type": "practitioner", "actual": true,
                "member": [{"entity": {"reference": "Practitioner/p"}}, {"entity": {"reference": "Practitioner/q"}, "inactive": true}]});
            more.as_object().unwrap().iter().for_each(|(name, value)| group[name] = value.clone());
            Roll::new(Team::read_group(&group), [])
        };
        let p = |roll: &Roll| told(roll, "Organization/a", Some("Practitioner/p"));
        assert_eq!(p(&group(json!({}))), "g in");
        assert_eq!(p(&group(json!({"actual": false}))), "g ?");
        assert_eq!(p(&group(json!({"active": false}))), "g ?");
        assert_eq!(told(&group(json!({})), "Organization/a", Some("Practitioner/q")), "g out");
    }
}
