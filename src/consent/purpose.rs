//! Purposes of use (v3-ActReason, value set PurposeOfUse) and which of them is a kind of which.

/// A purpose of use that R4 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Purpose(u8);

/// Each purpose with the one it is a kind of.
const PURPOSES: [(&str, &str); 59] = [
    ("HMARKT", ""),
    ("HOPERAT", ""),
    ("CAREMGT", "HOPERAT"),
    ("DONAT", "HOPERAT"),
    ("FRAUD", "HOPERAT"),
    ("GOV", "HOPERAT"),
    ("HACCRED", "HOPERAT"),
    ("HCOMPL", "HOPERAT"),
    ("HDECD", "HOPERAT"),
    ("HDIRECT", "HOPERAT"),
    ("HDM", "HOPERAT"),
    ("HLEGAL", "HOPERAT"),
    ("HOUTCOMS", "HOPERAT"),
    ("HPRGRP", "HOPERAT"),
    ("HQUALIMP", "HOPERAT"),
    ("HSYSADMIN", "HOPERAT"),
    ("LABELING", "HSYSADMIN"),
    ("METAMGT", "HSYSADMIN"),
    ("MEMADMIN", "HOPERAT"),
    ("MILCDM", "HOPERAT"),
    ("PATADMIN", "HOPERAT"),
    ("PATSFTY", "HOPERAT"),
    ("PERFMSR", "HOPERAT"),
    ("RECORDMGT", "HOPERAT"),
    ("SYSDEV", "HOPERAT"),
    ("HTEST", "SYSDEV"),
    ("TRAIN", "HOPERAT"),
    ("HPAYMT", ""),
    ("CLMATTCH", "HPAYMT"),
    ("COVAUTH", "HPAYMT"),
    ("COVERAGE", "HPAYMT"),
    ("ELIGDTRM", "COVERAGE"),
    ("ELIGVER", "COVERAGE"),
    ("ENROLLM", "COVERAGE"),
    ("MILDCRG", "COVERAGE"),
    ("REMITADV", "HPAYMT"),
    ("HRESCH", ""),
    ("BIORCH", "HRESCH"),
    ("CLINTRCH", "HRESCH"),
    ("CLINTRCHNPC", "CLINTRCH"),
    ("CLINTRCHPC", "CLINTRCH"),
    ("PRECLINTRCH", "CLINTRCH"),
    ("DSRCH", "HRESCH"),
    ("POARCH", "HRESCH"),
    ("TRANSRCH", "HRESCH"),
    ("PATRQT", ""),
    ("FAMRQT", "PATRQT"),
    ("PWATRNY", "PATRQT"),
    ("SUPNWK", "PATRQT"),
    ("PUBHLTH", ""),
    ("DISASTER", "PUBHLTH"),
    ("THREAT", "PUBHLTH"),
    ("TREAT", ""),
    ("CLINTRL", "TREAT"),
    ("COC", "TREAT"),
    ("ETREAT", "TREAT"),
    ("BTG", "ETREAT"),
    ("ERTREAT", "ETREAT"),
    ("POPHLTH", "TREAT"),
];

impl Purpose {
    /// Coordination of care: why a care agency asks, when it does not say otherwise.
    pub const COORDINATION_OF_CARE: Purpose = Purpose(54);
    /// Treatment.
    pub const TREATMENT: Purpose = Purpose(52);

    /// An emergency in which a record is opened for a time (`BTG`).
    pub const BREAK_THE_GLASS: Purpose = Purpose(56);

    /// Whether it is an emergency, or a kind of one.
    pub fn is_emergency(self) -> bool {
        matches!(self.code(), "ETREAT" | "BTG" | "ERTREAT")
    }

    /// The purpose with this code.
    pub fn parse(code: &str) -> Option<Purpose> {
        let at = PURPOSES.iter().position(|(known, _)| *known == code)?;
        u8::try_from(at).ok().map(Purpose)
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        PURPOSES.get(usize::from(self.0)).map_or("", |(code, _)| code)
    }

    /// Whether another purpose is this one or a kind of it.
    pub fn includes(self, other: Purpose) -> bool {
        let parent = |of: Purpose| PURPOSES.get(usize::from(of.0)).and_then(|(_, parent)| Purpose::parse(parent));
        std::iter::successors(Some(other), |of| parent(*of)).any(|of| of == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn treatment_includes_the_coordination_of_care_and_emergencies_and_not_the_other_way() {
        let purpose = |code| Purpose::parse(code).unwrap();
        assert_eq!((purpose("COC"), purpose("TREAT")), (Purpose::COORDINATION_OF_CARE, Purpose::TREATMENT));
        assert_eq!(purpose("BTG"), Purpose::BREAK_THE_GLASS);
        for (wide, narrow, includes) in [
            ("TREAT", "COC", true),
            ("TREAT", "BTG", true),
            ("ETREAT", "BTG", true),
            ("COC", "TREAT", false),
            ("BTG", "ETREAT", false),
            ("TREAT", "CAREMGT", false),
            ("HOPERAT", "CAREMGT", true),
            ("HRESCH", "CLINTRCHPC", true),
            ("TREAT", "TREAT", true),
        ] {
            assert_eq!(purpose(wide).includes(purpose(narrow)), includes, "{wide} {narrow}");
        }
        assert_eq!(Purpose::parse(""), None);
        assert!(PURPOSES.iter().all(|(_, parent)| parent.is_empty() || Purpose::parse(parent).is_some()));
    }
}
