//! What the form of a code says by itself: codes whose beginning is a broader code of another system.

use super::Target;

const HOT: &str = "http://medis.or.jp/CodeSystem/master-HOT";

/// The broader codes of a code, nearest first. A HOT13 begins with its HOT9 (without packing), a HOT9 with its HOT7
/// (without seller): MEDIS-DC, 医薬品HOTコードマスター.
pub(super) fn broader(system: &str, code: &str) -> Vec<Target> {
    let Some(digits) = system.strip_prefix(HOT).and_then(|digits| digits.parse::<usize>().ok()) else {
        return Vec::new();
    };
    if code.len() != digits || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    let shorter = [9, 7].into_iter().filter(|length| *length < digits);
    let target =
        |length| Target { system: format!("{HOT}{length}"), code: code[..length].into(), display: String::new() };
    shorter.map(target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_codes_have_broader_ones() {
        let system = |digits: u8| format!("{HOT}{digits}");
        assert_eq!(broader(&system(13), "1106269010101").len(), 2);
        assert_eq!(broader(&system(9), "110626901")[0].code, "1106269");
        for (system, code) in [(system(7), "1106269"), (system(13), "11062690"), (system(9), "11062690x")] {
            assert!(broader(&system, code).is_empty(), "{code}");
        }
        assert!(broader("http://loinc.org", "110626901").is_empty());
    }
}
