//! Codes of systems that are not loaded, by the form that their publishers give them: LOINC numbers with their mod-10 digit
//! (LOINC Users' Guide, appendix C), identifiers of SNOMED CT with their partition and Verhoeff digit (SCTID specification 6).

/// Whether there can be such a code in a code system; `None` for systems of whose codes nothing is known here.
pub(super) fn is_possible(system: &str, code: &str) -> Option<bool> {
    match system {
        "http://loinc.org" => Some(is_loinc(code)),
        // An expression holds more than one identifier (SNOMED CT compositional grammar).
        "http://snomed.info/sct" if code.bytes().all(|byte| byte.is_ascii_digit()) => Some(is_sctid(code)),
        "http://snomed.info/sct" if code.contains([':', '+', '|', '=', '(', ' ']) => None,
        "http://snomed.info/sct" => Some(false),
        _ => None,
    }
}

/// `29463-7`; `LP14559-6` and others with letters (parts, answers, lists, groups) are no more than looked at.
fn is_loinc(code: &str) -> bool {
    let Some((number, check)) = code.split_once('-') else {
        return code.strip_prefix("MTHU").is_some_and(is_number);
    };
    let is_digit = check.len() == 1 && is_number(check);
    if let Some(number) = ["LP", "LA", "LL", "LG"].iter().find_map(|letters| number.strip_prefix(letters)) {
        return is_digit && is_number(number);
    }
    let digits = number.bytes().rev().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let sum: u32 = digits
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .fold(0, u32::wrapping_add);
    let wanted = (10 - sum % 10) % 10;
    is_digit
        && (1..=7).contains(&number.len())
        && is_number(number)
        && check.bytes().next() == Some(b'0' + wanted as u8)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits of the dihedral group of order ten.
const MULTIPLIED: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// The permutation that each place applies once more.
const PERMUTED: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Six to eighteen digits, of which the two before the last say what it identifies (a concept: `00`, of an extension `10`).
fn is_sctid(code: &str) -> bool {
    if !(6..=18).contains(&code.len()) || code.starts_with('0') {
        return false;
    }
    let partition = code.get(code.len() - 3..code.len() - 1).unwrap_or_default();
    if !matches!(partition, "00" | "01" | "02" | "10" | "11" | "12") {
        return false;
    }
    let at = |table: &[u8; 10], place: u8| table.get(usize::from(place)).copied().unwrap_or_default();
    let mut check = 0_u8;
    for (place, byte) in code.bytes().rev().enumerate() {
        let permuted = (0..place % 8).fold(byte.wrapping_sub(b'0'), |digit, _| at(&PERMUTED, digit));
        check = MULTIPLIED.get(usize::from(check)).map_or(0, |row| at(row, permuted));
    }
    check == 0
}

#[cfg(test)]
mod tests {
    use super::is_possible;

    #[test]
    fn numbers_of_loinc_and_snomed_ct_keep_to_their_form() {
        let loinc = "http://loinc.org";
        for code in
            ["29463-7", "8302-2", "1751-7", "85354-9", "2951-2", "62292-8", "LP14559-6", "LA6576-8", "MTHU000001"]
        {
            assert_eq!(is_possible(loinc, code), Some(true), "{code}");
        }
        for code in ["29463-8", "99999-99999", "1751 7", "1751", "", "-7", "12345678-1", "x-1", "LP-1"] {
            assert_eq!(is_possible(loinc, code), Some(false), "{code}");
        }
        let snomed = "http://snomed.info/sct";
        for code in ["27113001", "73211009", "900000000000207008", "404684003", "138875005"] {
            assert_eq!(is_possible(snomed, code), Some(true), "{code}");
        }
        for code in ["99999999999999", "27113002", "12345", "027113001", "body-weight", ""] {
            assert_eq!(is_possible(snomed, code), Some(false), "{code}");
        }
        assert_eq!(is_possible(snomed, "73211009:363698007=113331007"), None);
        assert_eq!(is_possible("http://example.org", "x"), None);
    }
}
