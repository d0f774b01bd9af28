//! What can happen to a visit (HL7 v2.5 section 3.3, table 0003), what takes it back, and which field says when it was
//! (SS-MIX2: the field that 診療日 is taken from).

/// Something that happens to a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    Plan,
    CancelPlan,
    Register,
    Admit,
    CancelAdmit,
    Transfer,
    CancelTransfer,
    PlanTransfer,
    CancelPlanTransfer,
    Leave,
    CancelLeave,
    Return,
    CancelReturn,
    PlanDischarge,
    CancelPlanDischarge,
    Discharge,
    CancelDischarge,
    ToInpatient,
    ToOutpatient,
    ChangeDoctor,
    CancelDoctor,
    ChangeConsultant,
    CancelConsultant,
    Depart,
    CancelDepart,
    Arrive,
    CancelArrive,
    ChangeNumber,
    Update,
}

use Happening as H;

/// Trigger event, what it is, the event that cancels it, and the field that says when it happened.
type Row = (&'static str, Happening, &'static str, (&'static str, u16));

const EVENTS: &[Row] = &[
    ("A01", H::Admit, "A11", ("PV1", 44)),
    ("A02", H::Transfer, "A12", ("EVN", 6)),
    ("A03", H::Discharge, "A13", ("PV1", 45)),
    ("A04", H::Register, "A11", ("PV1", 44)),
    ("A05", H::Plan, "A38", ("PV2", 8)),
    ("A06", H::ToInpatient, "", ("EVN", 6)),
    ("A07", H::ToOutpatient, "", ("EVN", 6)),
    ("A08", H::Update, "", ("EVN", 6)),
    ("A09", H::Depart, "A33", ("EVN", 6)),
    ("A10", H::Arrive, "A32", ("EVN", 6)),
    ("A11", H::CancelAdmit, "", ("PV1", 44)),
    ("A12", H::CancelTransfer, "", ("EVN", 6)),
    ("A13", H::CancelDischarge, "", ("PV1", 45)),
    ("A14", H::Plan, "A27", ("PV2", 8)),
    ("A15", H::PlanTransfer, "A26", ("PV2", 8)),
    ("A16", H::PlanDischarge, "A25", ("PV2", 9)),
    ("A21", H::Leave, "A52", ("EVN", 6)),
    ("A22", H::Return, "A53", ("EVN", 6)),
    ("A25", H::CancelPlanDischarge, "", ("PV2", 9)),
    ("A26", H::CancelPlanTransfer, "", ("PV2", 8)),
    ("A27", H::CancelPlan, "", ("PV2", 8)),
    ("A28", H::Update, "", ("EVN", 6)),
    ("A31", H::Update, "", ("EVN", 6)),
    ("A32", H::CancelArrive, "", ("EVN", 6)),
    ("A33", H::CancelDepart, "", ("EVN", 6)),
    ("A38", H::CancelPlan, "", ("PV2", 8)),
    ("A50", H::ChangeNumber, "", ("EVN", 6)),
    ("A51", H::ChangeNumber, "", ("EVN", 6)),
    ("A52", H::CancelLeave, "", ("EVN", 6)),
    ("A53", H::CancelReturn, "", ("PV2", 47)),
    ("A54", H::ChangeDoctor, "A55", ("EVN", 6)),
    ("A55", H::CancelDoctor, "", ("EVN", 6)),
    ("A60", H::Update, "", ("EVN", 6)),
    ("A61", H::ChangeConsultant, "A62", ("EVN", 6)),
    ("A62", H::CancelConsultant, "", ("EVN", 6)),
];

impl Happening {
    /// What a trigger event says of a visit; `None` when it is not about one.
    pub(super) fn of(code: &str) -> Option<Self> {
        row(code).map(|row| row.1)
    }

    /// What it takes back.
    pub(super) fn takes_back(self) -> Option<Self> {
        let code = EVENTS.iter().find(|row| row.1 == self)?.0;
        EVENTS.iter().find(|row| row.2 == code).map(|row| row.1)
    }

    /// Whether it takes something back.
    pub(super) fn is_cancellation(self) -> bool {
        self.takes_back().is_some() || self == H::CancelPlan
    }

    /// Whether it is about what is to happen.
    pub(super) fn is_plan(self) -> bool {
        matches!(self, H::Plan | H::PlanTransfer | H::PlanDischarge)
    }

    /// Where the order of happenings at one time is concerned: what begins comes before what ends.
    pub(super) fn rank(self) -> u8 {
        match self {
            H::Plan => 0,
            H::Register => 1,
            H::Admit => 2,
            H::ToInpatient | H::ToOutpatient => 3,
            H::Leave => 4,
            H::Return => 5,
            H::Discharge => 7,
            _ => 6,
        }
    }
}

/// The event as the table spells it: for a file that is deleted the one that cancels what it told. The second is false
/// when nothing cancels it.
pub(super) fn effective(code: &str, is_deleted: bool) -> Option<(&'static str, bool)> {
    let row = row(code)?;
    match (is_deleted, row.2) {
        (false, _) => Some((row.0, true)),
        (true, "") => Some((row.0, row.1.is_cancellation())),
        (true, cancels) => Some((cancels, true)),
    }
}

/// The field that says when an event happened.
pub(super) fn time_field(code: &str) -> Option<(&'static str, u16)> {
    row(code).map(|row| row.3)
}

fn row(code: &str) -> Option<&'static Row> {
    EVENTS.iter().find(|row| row.0 == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cancelled_has_its_cancellation() {
        for (event, _, cancels, _) in EVENTS.iter().filter(|row| !row.2.is_empty()) {
            let cancellation = Happening::of(cancels).unwrap();
            assert!(cancellation.is_cancellation(), "{event}");
        }
        assert_eq!(Happening::CancelDischarge.takes_back(), Some(Happening::Discharge));
        assert_eq!(Happening::CancelPlan.takes_back(), Some(Happening::Plan));
        assert_eq!(Happening::CancelAdmit.takes_back(), Some(Happening::Admit));
        assert_eq!(Happening::Admit.takes_back(), None);
        assert_eq!(effective("A03", true), Some(("A13", true)));
        assert_eq!(effective("A13", true), Some(("A13", true)));
        assert_eq!(effective("A08", true), Some(("A08", false)));
        assert_eq!(effective("A40", false), None);
    }
}
