//! OBX-6 units (HL7 v2.5 section 7.4.2.6): the spellings of MERIT-9 and ISO+ that are one UCUM unit and no other.

use crate::map::hl7v2::number::narrow;

/// The UCUM code of a unit as laboratories spell it; `None` where that is not certain.
pub(crate) fn ucum(unit: &str) -> Option<&'static str> {
    if let Ok(at) = TABLE.binary_search_by_key(&unit, |(spelling, _)| spelling) {
        return Some(TABLE[at].1);
    }
    let regular = regular(unit);
    TABLE.binary_search_by_key(&regular.as_str(), |(spelling, _)| spelling).ok().map(|at| TABLE[at].1)
}

/// Half-width, without spaces and a multiplication sign in front, both micro signs as `u`, `^` and `**` as `*`, litre
/// as `L`.
fn regular(unit: &str) -> String {
    let narrow = narrow(unit);
    let trimmed = narrow.trim().trim_start_matches(['×', '✕']);
    let trimmed = if trimmed.starts_with("x10") { &trimmed[1..] } else { trimmed };
    let mut out = String::with_capacity(trimmed.len());
    for c in trimmed.chars() {
        match c {
            ' ' => {}
            'µ' | 'μ' => out.push('u'),
            '^' => out.push('*'),
            '²' => out.push('2'),
            c => out.push(c),
        }
    }
    let parts: Vec<&str> = out.split('/').map(litre).collect();
    parts.join("/").replace("**", "*")
}

fn litre(part: &str) -> &str {
    match part {
        "l" => "L",
        "dl" => "dL",
        "ml" => "mL",
        "ul" => "uL",
        "fl" => "fL",
        other => other,
    }
}

/// Regular spelling to UCUM code, in order of the spelling.
const TABLE: [(&str, &str); 92] = [
    ("%", "%"),
    ("/HPF", "/[HPF]"),
    ("/L", "/L"),
    ("/LPF", "/[LPF]"),
    ("/mL", "/mL"),
    ("/min", "/min"),
    ("/uL", "/uL"),
    ("10*12/L", "10*12/L"),
    ("10*2/uL", "10*2/uL"),
    ("10*3/uL", "10*3/uL"),
    ("10*4/uL", "10*4/uL"),
    ("10*6/uL", "10*6/uL"),
    ("10*9/L", "10*9/L"),
    ("IU/L", "[IU]/L"),
    ("IU/mL", "[IU]/mL"),
    ("KU/L", "kU/L"),
    ("L", "L"),
    ("L/min", "L/min"),
    ("U/L", "U/L"),
    ("U/mL", "U/mL"),
    ("cm", "cm"),
    ("fL", "fL"),
    ("fmol/L", "fmol/L"),
    ("g", "g"),
    ("g/L", "g/L"),
    ("g/d", "g/d"),
    ("g/dL", "g/dL"),
    ("g/day", "g/d"),
    ("h", "h"),
    ("kU/L", "kU/L"),
    ("kg", "kg"),
    ("kg/m2", "kg/m2"),
    ("m", "m"),
    ("m2", "m2"),
    ("mEq/L", "meq/L"),
    ("mIU/L", "m[IU]/L"),
    ("mIU/mL", "m[IU]/mL"),
    ("mL", "mL"),
    ("mL/d", "mL/d"),
    ("mL/day", "mL/d"),
    ("mL/h", "mL/h"),
    ("mL/hr", "mL/h"),
    ("mL/min", "mL/min"),
    ("mL/min/1.73m2", "mL/min/{1.73_m2}"),
    ("mOsm/L", "mosm/L"),
    ("mOsm/kg", "mosm/kg"),
    ("mU/L", "mU/L"),
    ("mU/mL", "mU/mL"),
    ("meq/L", "meq/L"),
    ("mg", "mg"),
    ("mg/L", "mg/L"),
    ("mg/d", "mg/d"),
    ("mg/dL", "mg/dL"),
    ("mg/day", "mg/d"),
    ("mg/g", "mg/g"),
    ("mg/mL", "mg/mL"),
    ("min", "min"),
    ("mm", "mm"),
    ("mm/h", "mm/h"),
    ("mm/hr", "mm/h"),
    ("mmHg", "mm[Hg]"),
    ("mmol/L", "mmol/L"),
    ("mmol/mol", "mmol/mol"),
    ("msec", "ms"),
    ("ng/L", "ng/L"),
    ("ng/dL", "ng/dL"),
    ("ng/mL", "ng/mL"),
    ("nmol/L", "nmol/L"),
    ("nmol/mL", "nmol/mL"),
    ("pg", "pg"),
    ("pg/mL", "pg/mL"),
    ("pmol/L", "pmol/L"),
    ("pmol/mL", "pmol/mL"),
    ("s", "s"),
    ("sec", "s"),
    ("uIU/mL", "u[IU]/mL"),
    ("uL", "uL"),
    ("uU/mL", "uU/mL"),
    ("ug/L", "ug/L"),
    ("ug/dL", "ug/dL"),
    ("ug/day", "ug/d"),
    ("ug/g", "ug/g"),
    ("ug/mL", "ug/mL"),
    ("um", "um"),
    ("umol/L", "umol/L"),
    ("℃", "Cel"),
    ("万/uL", "10*4/uL"),
    ("分", "min"),
    ("千/uL", "10*3/uL"),
    ("回/分", "/min"),
    ("百万/uL", "10*6/uL"),
    ("秒", "s"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0), "{:?}", TABLE.windows(2).find(|w| w[0].0 >= w[1].0));
    }

    #[test]
    fn only_certain_spellings_have_a_code() {
        let cases = [
            ("mg/dL", "mg/dL"),
            ("mg/dl", "mg/dL"),
            ("ｍｇ／ｄＬ", "mg/dL"),
            ("％", "%"),
            ("μg/mL", "ug/mL"),
            ("µg/ml", "ug/mL"),
            ("x10^4/μL", "10*4/uL"),
            ("10*6/uL", "10*6/uL"),
            ("×10^3/μl", "10*3/uL"),
            ("万/μL", "10*4/uL"),
            ("IU/l", "[IU]/L"),
            ("ml/hr", "mL/h"),
            ("nmol/ml", "nmol/mL"),
            ("mL/min/1.73m²", "mL/min/{1.73_m2}"),
            ("℃", "Cel"),
        ];
        for (sent, code) in cases {
            assert_eq!(ucum(sent), Some(code), "{sent}");
        }
        for unit in ["", "C.O.I", "倍", "mol", "TAB", "ug/mL FEU", "AU/mL", "個"] {
            assert_eq!(ucum(unit), None, "{unit}");
        }
    }
}
