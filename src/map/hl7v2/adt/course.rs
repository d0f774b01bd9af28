//! The course of a visit: its status now and before, from what messages told of it in whatever order they came
//! (docs/mapping/encounter-status.md).

use super::event::Happening;
use crate::fhir::time::Interval;

/// Something that happened to a visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// What.
    pub(super) happening: Happening,
    /// The business time of the message that told it, milliseconds since 1970.
    pub(super) sent: i64,
    /// When it was, a FHIR dateTime; empty when not told.
    pub(super) when: String,
}

/// A visit's status over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Course {
    /// Encounter.status; empty when nothing that was told says it.
    pub(super) status: &'static str,
    /// Encounter.statusHistory: what it was before, oldest first.
    pub(super) past: Vec<Past>,
    /// When it ended, a FHIR dateTime; empty when it has not, or nobody said when.
    pub(super) end: String,
}

/// A status that a visit had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Past {
    /// Encounter.statusHistory.status.
    pub(super) status: &'static str,
    /// A FHIR dateTime; empty when not told.
    pub(super) start: String,
    /// Likewise.
    pub(super) end: String,
}

/// What stands of the moments: a cancellation takes back the last of its kind told before it, and goes with it. Of an
/// admission that was cancelled nothing stands that was told before.
pub(super) fn standing(mut moments: Vec<Moment>) -> Vec<Moment> {
    moments.sort_by_key(|moment| (moment.sent, moment.happening.is_cancellation()));
    let mut standing: Vec<Moment> = Vec::with_capacity(moments.len());
    for moment in moments {
        match (moment.happening, moment.happening.takes_back()) {
            (Happening::CancelAdmit, _) => {
                standing.clear();
                standing.push(moment);
            }
            (Happening::CancelPlan, _) if standing.iter().any(|m| m.happening == Happening::Admit) => {}
            (Happening::CancelPlan, _) => {
                standing.retain(|m| m.happening != Happening::Plan);
                standing.push(moment);
            }
            (_, None) => {
                let opens = matches!(moment.happening, Happening::Admit | Happening::Register | Happening::Plan);
                if opens {
                    standing.retain(|m| !matches!(m.happening, Happening::CancelAdmit | Happening::CancelPlan));
                }
                standing.push(moment);
            }
            (_, Some(taken)) => {
                if let Some(at) = standing.iter().rposition(|m| m.happening == taken) {
                    standing.remove(at);
                }
            }
        }
    }
    standing
}

/// The course of the moments that stand. `is_ambulatory`: registration is all that is ever told of such a visit.
pub(super) fn course(mut standing: Vec<Moment>, is_ambulatory: bool, zone_minutes: i16) -> Course {
    standing.sort_by_key(|moment| (order(moment, zone_minutes), moment.happening.rank(), moment.sent));
    let mut course = Course::default();
    let mut since = String::new();
    for moment in &standing {
        let is_over = matches!(course.status, "finished" | "cancelled");
        let status = match moment.happening {
            Happening::Plan if course.status.is_empty() => "planned",
            Happening::Register if is_ambulatory => "finished",
            Happening::Register | Happening::Admit | Happening::ToInpatient | Happening::ToOutpatient => "in-progress",
            Happening::Leave => "onleave",
            Happening::Return => "in-progress",
            Happening::Discharge => "finished",
            Happening::CancelAdmit | Happening::CancelPlan if !is_over => "cancelled",
            _ => continue,
        };
        if moment.happening == Happening::Discharge {
            course.end = moment.when.clone();
        }
        if status == course.status {
            continue;
        }
        let is_dated = !since.is_empty() || !moment.when.is_empty();
        if !course.status.is_empty() && is_dated {
            course.past.push(Past { status: course.status, start: since.clone(), end: moment.when.clone() });
        }
        course.status = status;
        // A plan's time is that of what is planned.
        since = if status == "planned" { String::new() } else { moment.when.clone() };
    }
    if course.status != "finished" {
        course.end.clear();
    }
    course
}

/// Where a moment stands in the course: by when it was, a discharge told by the day at the end of that day.
fn order(moment: &Moment, zone_minutes: i16) -> i64 {
    let interval = Interval::parse(&moment.when, zone_minutes);
    match moment.happening {
        Happening::Plan => i64::MIN,
        Happening::CancelAdmit | Happening::CancelPlan => i64::MAX,
        Happening::Discharge => interval.map_or(moment.sent, |interval| interval.end - 1),
        _ => interval.map_or(moment.sent, |interval| interval.start),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Happening::*;

    fn moments(list: &[(Happening, i64, &str)]) -> Vec<Moment> {
        let moment = |&(happening, sent, when): &(Happening, i64, &str)| {
            let when = if when.is_empty() { String::new() } else { format!("2026-01-{when}:00:00+09:00") };
            Moment { happening, sent, when }
        };
        list.iter().map(moment).collect()
    }

    /// `status end | past start..end`
    fn told(list: &[(Happening, i64, &str)]) -> String {
        let course = course(standing(moments(list)), false, 540);
        let short = |text: &str| text.get(8..13).unwrap_or("").to_owned();
        let past: Vec<String> =
            course.past.iter().map(|p| format!("{} {}..{}", p.status, short(&p.start), short(&p.end))).collect();
        format!("{} {} | {}", course.status, short(&course.end), past.join(", "))
    }

    #[test]
    fn a_stay_from_plan_to_end() {
        let all = [
            (Plan, 1, "05T10"),
            (Admit, 2, "04T10"),
            (Transfer, 3, "05T09"),
            (Leave, 4, "06T09"),
            (Return, 5, "07T09"),
            (Discharge, 6, "09T10"),
        ];
        assert_eq!(told(&all[..1]), "planned  | ");
        assert_eq!(told(&all[..2]), "in-progress  | planned ..04T10");
        assert_eq!(told(&all[..4]), "onleave  | planned ..04T10, in-progress 04T10..06T09");
        assert_eq!(
            told(&all),
            "finished 09T10 | planned ..04T10, in-progress 04T10..06T09, onleave 06T09..07T09, in-progress 07T09..09T10"
        );
    }

    #[test]
    fn what_is_cancelled_did_not_happen() {
        let stay = [(Admit, 2, "04T10"), (Discharge, 6, "09T10"), (CancelDischarge, 7, "09T10")];
        assert_eq!(told(&stay), "in-progress  | ");
        let again = [stay[0], stay[1], stay[2], (Discharge, 8, "08T10")];
        assert_eq!(told(&again), "finished 08T10 | in-progress 04T10..08T10");
        let leave = [(Admit, 1, "04T10"), (Leave, 2, "05T10"), (Return, 3, "06T10"), (CancelReturn, 4, "")];
        assert_eq!(told(&leave), "onleave  | in-progress 04T10..05T10");
        assert_eq!(told(&[(Admit, 1, "04T10"), (Leave, 2, "05T10"), (CancelLeave, 3, "")]), "in-progress  | ");
        assert_eq!(told(&[(Admit, 1, "04T10"), (CancelAdmit, 2, "")]), "cancelled  | ");
        assert_eq!(told(&[(Plan, 1, "04T10"), (CancelPlan, 2, "")]), "cancelled  | ");
        assert_eq!(told(&[(Admit, 1, "04T10"), (CancelAdmit, 2, ""), (Admit, 3, "05T10")]), "in-progress  | ");
        assert_eq!(
            told(&[(Plan, 1, "04T10"), (Admit, 2, "04T10"), (CancelPlan, 3, "")]),
            "in-progress  | planned ..04T10"
        );
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let all = [
            (Admit, 1, "04T10"),
            (Leave, 2, "05T09"),
            (Return, 3, "06T09"),
            (Discharge, 4, "09T10"),
            (CancelDischarge, 5, "09T10"),
            (Discharge, 6, "09T08"),
        ];
        let expected = told(&all);
        for at in 0..all.len() {
            let mut turned = all;
            turned.rotate_left(at);
            assert_eq!(told(&turned), expected);
            turned.reverse();
            assert_eq!(told(&turned), expected);
        }
    }

    #[test]
    fn a_repeated_admission_notice_does_not_reopen_a_stay() {
        let stay = [(Admit, 1, "04T10"), (Discharge, 2, "09T10"), (Admit, 3, "04T10")];
        assert_eq!(told(&stay), "finished 09T10 | in-progress 04T10..09T10");
        // A day is over when it ends.
        let day = vec![
            Moment { happening: Return, sent: 2, when: "2026-01-09T10:00:00+09:00".into() },
            Moment { happening: Discharge, sent: 1, when: "2026-01-09".into() },
        ];
        assert_eq!(course(standing(day), false, 540).status, "finished");
    }

    #[test]
    fn an_outpatient_is_seen_when_registered() {
        let visit = course(standing(moments(&[(Register, 1, "04T10")])), true, 540);
        assert_eq!((visit.status, visit.end.as_str()), ("finished", ""));
        assert_eq!(course(Vec::new(), true, 540), Course::default());
    }
}
