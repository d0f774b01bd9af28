//! What kind of member of the network somebody is (役割), as consents and the network's own rules name it.

/// A kind of member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MemberKind {
    /// 医師
    Doctor,
    /// 看護師
    Nurse,
    /// 薬剤師
    Pharmacist,
    /// 介護支援専門員
    CareManager,
    /// 訪問介護員
    HomeHelper,
    /// 地域包括支援センター
    CommunityCentre,
    /// 市町村
    Municipality,
    /// 救急隊
    Ambulance,
    /// 家族
    Family,
}

/// The CodeSystem of the kinds; a consent names one by a logical reference with this as `identifier.system`.
pub const MEMBER_KIND: &str = "https://tasuki.example/fhir/CodeSystem/member-kind";

impl MemberKind {
    /// All of them.
    pub const ALL: [MemberKind; 9] = [
        MemberKind::Doctor,
        MemberKind::Nurse,
        MemberKind::Pharmacist,
        MemberKind::CareManager,
        MemberKind::HomeHelper,
        MemberKind::CommunityCentre,
        MemberKind::Municipality,
        MemberKind::Ambulance,
        MemberKind::Family,
    ];

    /// Its code, as configurations and consents have it.
    pub const fn code(self) -> &'static str {
        match self {
            MemberKind::Doctor => "doctor",
            MemberKind::Nurse => "nurse",
            MemberKind::Pharmacist => "pharmacist",
            MemberKind::CareManager => "care-manager",
            MemberKind::HomeHelper => "home-helper",
            MemberKind::CommunityCentre => "community-centre",
            MemberKind::Municipality => "municipality",
            MemberKind::Ambulance => "ambulance",
            MemberKind::Family => "family",
        }
    }

    /// The kind of that code.
    pub fn parse(code: &str) -> Option<Self> {
        MemberKind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether it is one of those who may be shown what the patient has not been told, when a consent says so
    /// (JP-CLINS UNINFORMED, UNDELIVERED).
    pub const fn is_professional(self) -> bool {
        matches!(self, MemberKind::Doctor | MemberKind::Nurse | MemberKind::Pharmacist | MemberKind::CareManager)
    }
}
