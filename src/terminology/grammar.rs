//! Code systems that no package holds and that are known by their form (terminologies-systems.html): units of UCUM, language tags,
//! media types, URIs; countries by their list; codes with check digits, of which can be said what is none.

use crate::fhir::{system, ucum};

/// Longest code that is looked at, bytes.
const CODE_BYTES_MAX: usize = 1024;

/// The two-letter codes of ISO 3166-1, as the time zone database (public domain) lists them.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// A code system that is known by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// UCUM
    Unit,
    /// BCP 47 (RFC 5646): well-formed; whether its parts are registered is not known here.
    Language,
    /// BCP 13 (RFC 6838).
    MediaType,
    /// RFC 3986
    Uri,
    /// ISO 3166-1: of two letters; those of three letters or digits are not known.
    Country,
    /// ISO 3166-2: its form, and that the country is one.
    Subdivision,
    /// ISO 4217: its form.
    Currency,
    /// LOINC: its form and its check digit.
    Loinc,
    /// SNOMED CT: the form of a concept identifier and its check digit.
    Snomed,
}

impl Grammar {
    /// The grammar of a code system.
    pub fn of(url: &str) -> Option<Grammar> {
        Some(match crate::fhir::oid::canonical(url) {
            system::UCUM => Grammar::Unit,
            "urn:ietf:bcp:47" => Grammar::Language,
            "urn:ietf:bcp:13" => Grammar::MediaType,
            "urn:ietf:rfc:3986" => Grammar::Uri,
            "urn:iso:std:iso:3166" => Grammar::Country,
            "urn:iso:std:iso:3166:-2" => Grammar::Subdivision,
            "urn:iso:std:iso:4217" => Grammar::Currency,
            "http://loinc.org" => Grammar::Loinc,
            "http://snomed.info/sct" => Grammar::Snomed,
            _ => return None,
        })
    }

    /// Whether it is a list, which is not here.
    pub const fn is_list(self) -> bool {
        !matches!(self, Grammar::Unit | Grammar::Language | Grammar::MediaType | Grammar::Uri)
    }

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Grammar::Unit => "UCUM",
            Grammar::Language => "BCP-47",
            Grammar::MediaType => "BCP-13 (MIME types)",
            Grammar::Uri => "RFC 3986 (URI)",
            Grammar::Country => "ISO 3166-1",
            Grammar::Subdivision => "ISO 3166-2",
            Grammar::Currency => "ISO 4217",
            Grammar::Loinc => "LOINC",
            Grammar::Snomed => "SNOMED CT",
        }
    }

    /// Whether a code is one of the code system's; `None` where it has the form and only the list could say.
    pub fn has(self, code: &str) -> Option<bool> {
        if code.is_empty() || code.len() > CODE_BYTES_MAX {
            return Some(false);
        }
        let could_be = |has_form: bool| if has_form { None } else { Some(false) };
        match self {
            Grammar::Unit => Some(ucum::is_unit(code)),
            Grammar::Language => Some(is_language(code)),
            Grammar::MediaType => Some(is_media_type(code)),
            Grammar::Uri => Some(is_uri(code)),
            Grammar::Country if code.len() == 2 => Some(is_country(code)),
            Grammar::Country => {
                let is_one = |of: fn(&u8) -> bool| code.len() == 3 && code.as_bytes().iter().all(of);
                could_be(is_one(u8::is_ascii_uppercase) || is_one(u8::is_ascii_digit))
            }
            Grammar::Subdivision => could_be(code.split_once('-').is_some_and(|(country, part)| {
                let is_part = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
                is_country(country) && (1..=3).contains(&part.len()) && part.bytes().all(is_part)
            })),
            Grammar::Currency => could_be(code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())),
            Grammar::Loinc => could_be(is_loinc(code)),
            Grammar::Snomed => could_be(is_snomed(code)),
        }
    }
}

fn is_country(code: &str) -> bool {
    COUNTRIES.split(' ').any(|country| country == code)
}

/// `1751-7` with its check digit (LOINC Users' Guide, appendix C); `LA…`, `LP…` and the like by their form.
fn is_loinc(code: &str) -> bool {
    let Some((number, check)) = code.split_once('-') else { return false };
    let digits = number.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let (is_own, is_number) = (digits.len() == number.len(), |text: &str| text.bytes().all(|b| b.is_ascii_digit()));
    if !(1..=8).contains(&digits.len()) || check.len() != 1 || !is_number(digits) || !is_number(check) {
        return false;
    }
    let doubled = |(at, b): (usize, u8)| match (at % 2, u32::from(b - b'0')) {
        (0, digit) => digit * 2 / 10 + digit * 2 % 10,
        (_, digit) => digit,
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(doubled).sum();
    let wanted = (10 - sum % 10) % 10;
    (is_own && check.parse() == Ok(wanted)) || (!is_own && number.len() - digits.len() <= 4)
}

/// An identifier of a concept (SNOMED CT Technical Implementation Guide: 6 to 18 digits, partition 00 or 10, check digit of
/// Verhoeff), or an expression.
fn is_snomed(code: &str) -> bool {
    if !code.bytes().all(|b| b.is_ascii_digit()) {
        return code.bytes().next().is_some_and(|b| b.is_ascii_digit() || b"=<(".contains(&b))
            && code.contains([':', '+', '|', '(']);
    }
    let partition = code.len().checked_sub(3).and_then(|at| code.get(at..at + 2));
    (6..=18).contains(&code.len())
        && !code.starts_with('0')
        && matches!(partition, Some("00" | "10"))
        && has_verhoeff(code)
}

/// Whether the last digit is the check digit of Verhoeff: multiplication in the dihedral group of order 10.
fn has_verhoeff(digits: &str) -> bool {
    const PERMUTATION: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let times = |a: usize, b: usize| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - b) % 5,
        (false, false) => (5 + a - b) % 5,
    };
    let mut check = 0;
    for (at, b) in digits.bytes().rev().enumerate() {
        let mut digit = usize::from(b - b'0');
        for _ in 0..at % 8 {
            digit = PERMUTATION.get(digit).copied().unwrap_or_default();
        }
        check = times(check, digit);
    }
    check == 0
}

/// A tag of a language (RFC 5646, section 2.1), well-formed.
fn is_language(tag: &str) -> bool {
    /// The irregular ones that were registered before.
    const OLD: [&str; 17] = [
        "en-gb-oed",
        "i-ami",
        "i-bnn",
        "i-default",
        "i-enochian",
        "i-hak",
        "i-klingon",
        "i-lux",
        "i-mingo",
        "i-navajo",
        "i-pwn",
        "i-tao",
        "i-tay",
        "i-tsu",
        "sgn-be-fr",
        "sgn-be-nl",
        "sgn-ch-de",
    ];
    let lower = tag.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('-').collect();
    let is_sound = |part: &&str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if !parts.iter().all(is_sound) {
        return false;
    }
    if OLD.contains(&&*lower) {
        return true;
    }
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
    let mut rest = parts.iter().copied().peekable();
    match rest.next() {
        Some("x") => return rest.peek().is_some(),
        Some(language) if letters(language) && language.len() >= 2 => {
            let mut extended = 0;
            while language.len() <= 3 && extended < 3 && rest.next_if(|part| part.len() == 3 && letters(part)).is_some()
            {
                extended += 1;
            }
        }
        _ => return false,
    }
    let _script = rest.next_if(|part| part.len() == 4 && letters(part));
    let is_region = |part: &&str| {
        (part.len() == 2 && letters(part)) || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let _region = rest.next_if(is_region);
    let mut variants = Vec::new();
    while let Some(variant) =
        rest.next_if(|part| part.len() >= 5 || (part.len() == 4 && part.starts_with(|c: char| c.is_ascii_digit())))
    {
        if variants.contains(&variant) {
            return false;
        }
        variants.push(variant);
    }
    has_extensions(&mut rest)
}

/// Extensions, each letter once, and what is for private use at the end.
fn has_extensions<'p>(rest: &mut std::iter::Peekable<impl Iterator<Item = &'p str>>) -> bool {
    let mut seen = Vec::new();
    while let Some(letter) = rest.next() {
        if letter == "x" {
            return rest.peek().is_some();
        }
        if letter.len() != 1 || seen.contains(&letter) || rest.next_if(|part| part.len() >= 2).is_none() {
            return false;
        }
        seen.push(letter);
        while rest.next_if(|part| part.len() >= 2).is_some() {}
    }
    true
}

/// `type/subtype` (RFC 6838, section 4.2), with parameters where there are any (RFC 2045, section 5.1).
fn is_media_type(text: &str) -> bool {
    let mut parts = text.split(';');
    let is_name = |name: &str| {
        let is_sign = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        (1..=127).contains(&name.len())
            && name.bytes().all(is_sign)
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    let is_type =
        parts.next().and_then(|own| own.trim_end().split_once('/')).is_some_and(|(a, b)| is_name(a) && is_name(b));
    let is_parameter = |part: &str| {
        let Some((name, value)) = part.trim().split_once('=') else { return false };
        let is_quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
        let is_token =
            !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b));
        is_name(name) && (is_quoted || is_token)
    };
    is_type && parts.all(is_parameter)
}

/// An absolute URI (RFC 3986): a scheme, and no sign that has no place in one.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let bytes = rest.as_bytes();
    let is_escape = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    let is_sign = |(at, b): (usize, &u8)| match b {
        b'%' => is_escape(at),
        b => b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(b),
    };
    let is_urn = !scheme.eq_ignore_ascii_case("urn")
        || rest.split_once(':').is_some_and(|(id, own)| !id.is_empty() && !own.is_empty());
    is_scheme && !rest.is_empty() && is_urn && bytes.iter().enumerate().all(is_sign) && rest.matches('#').count() <= 1
}
