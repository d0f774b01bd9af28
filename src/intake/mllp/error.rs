//! ERR segments (HL7 v2.5 section 2.15.5; before 2.5 only ERR-1, section 2.16.5 of v2.4): what was noticed, for the sender's
//! people.

use crate::decode::charset;
use crate::decode::hl7v2::Header;
use crate::fault::Finding;

/// Errors told in one acknowledgement.
pub(super) const ERRORS_MAX: usize = 50;
/// Warnings told in one acknowledgement.
pub(super) const WARNINGS_MAX: usize = 10;

/// Writes segments with the delimiters of the message that is answered.
pub(super) struct Writer<'a> {
    header: &'a Header,
    japanese: bool,
}

impl<'a> Writer<'a> {
    /// `japanese` says whether the character set of the answer can carry Japanese.
    pub(super) fn new(header: &'a Header, japanese: bool) -> Self {
        Writer { header, japanese }
    }

    /// A segment of fields that are written already.
    pub(super) fn segment(&self, name: &str, fields: &[String]) -> String {
        line(name, self.header.delimiters.field, fields.iter().map(String::as_str))
    }

    /// The sentence of a finding: in Japanese where the answer can carry it.
    pub(super) fn sentence(&self, finding: &Finding) -> String {
        self.escape(if self.japanese { &finding.ja } else { &finding.en })
    }

    /// The errors, then the first warnings; what is only worth knowing stays in the receipt.
    pub(super) fn errors(&self, findings: &[Finding]) -> String {
        let errors = findings.iter().filter(|f| is_error(f)).take(ERRORS_MAX);
        let warnings = findings.iter().filter(|f| f.severity == "warning").take(WARNINGS_MAX);
        let told: Vec<&Finding> = errors.chain(warnings).collect();
        match (told.is_empty(), self.header.is_before_2_5()) {
            (true, _) => String::new(),
            (false, true) => self.old(&told),
            (false, false) => told.into_iter().map(|finding| self.new_style(finding)).collect(),
        }
    }

    /// ERR-2 the place, -3 table 0357, -4 the severity, -5 our rule, -6 a place that is no field, -7 for the help desk, -8 for
    /// the user.
    fn new_style(&self, finding: &Finding) -> String {
        let component = self.header.delimiters.component.to_string();
        let (code, meaning) = condition(&finding.code);
        let field = location(&finding.place);
        let elsewhere =
            if field.is_empty() && finding.place != "-" { self.escape(&finding.place) } else { String::new() };
        self.segment(
            "ERR",
            &[
                String::new(),
                field.join(&component),
                [code, meaning, "HL70357"].join(&component),
                if is_error(finding) { "E" } else { "W" }.to_owned(),
                [self.escape(&finding.rule).as_str(), "", "L"].join(&component),
                elsewhere,
                self.escape(&finding.en),
                self.sentence(finding),
            ],
        )
    }

    /// ERR-1, one repetition for each: segment, sequence, field, and the condition as a coded element with our rule as its
    /// alternate.
    fn old(&self, told: &[&Finding]) -> String {
        let delimiters = self.header.delimiters;
        let one = |finding: &&Finding| {
            let (code, meaning) = condition(&finding.code);
            let rule = self.escape(&finding.rule);
            let condition = [code, meaning, "HL70357", &rule, "", "L"].join(&delimiters.subcomponent.to_string());
            let mut parts = location(&finding.place);
            parts.resize(3, String::new());
            parts.push(condition);
            parts.join(&delimiters.component.to_string())
        };
        let all: Vec<String> = told.iter().map(one).collect();
        self.segment("ERR", &[all.join(&delimiters.repetition.to_string())])
    }

    /// Delimiters and line ends as escape sequences (section 2.7).
    fn escape(&self, text: &str) -> String {
        let delimiters = self.header.delimiters;
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let code = match c {
                _ if c == delimiters.escape => "E",
                _ if c == delimiters.field => "F",
                _ if c == delimiters.component => "S",
                _ if c == delimiters.repetition => "R",
                _ if c == delimiters.subcomponent => "T",
                '\r' | '\n' => ".br",
                _ => {
                    out.extend(Some(c).filter(|c| !c.is_control()));
                    continue;
                }
            };
            out.push(delimiters.escape);
            out.push_str(code);
            out.push(delimiters.escape);
        }
        out
    }
}

/// A segment; empty fields at its end are left out.
pub(super) fn line<'f>(name: &str, separator: char, fields: impl IntoIterator<Item = &'f str>) -> String {
    let mut text = name.to_owned();
    for field in fields {
        text.push(separator);
        text.push_str(field);
    }
    text.truncate(text.trim_end_matches(separator).len());
    text.push('\r');
    text
}

/// The fields of a header segment (MSH, BHS, FHS) by their numbers, as sent.
pub(super) fn fields_of(segment: &[u8]) -> Vec<String> {
    let text = charset::decode(segment).value;
    let Some(separator) = text.chars().nth(3) else { return Vec::new() };
    // The separator itself is field 1.
    let parts = text.split(separator).skip(1).map(str::to_owned);
    [String::new(), separator.to_string()].into_iter().chain(parts).collect()
}

fn is_error(finding: &Finding) -> bool {
    matches!(finding.severity.as_str(), "error" | "fatal")
}

/// ERR-2: segment, sequence, field, repetition, component, sub-component, out of a place like `OBX[12]-5[1].2.1`. Nothing
/// for what has no place in a message.
fn location(place: &str) -> Vec<String> {
    let (segment, rest) = place.split_at_checked(3).unwrap_or((place, ""));
    let is_segment = segment.len() == 3 && segment.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !is_segment || !(rest.is_empty() || rest.starts_with(['[', '-'])) {
        return Vec::new();
    }
    let (sequence, rest) = bracketed(rest);
    let mut parts = vec![segment.to_owned(), sequence.unwrap_or("1").to_owned()];
    if let Some(rest) = rest.strip_prefix('-') {
        let end = rest.find(['[', '.']).unwrap_or(rest.len());
        let (field, rest) = rest.split_at(end);
        let (repetition, rest) = bracketed(rest);
        parts.extend([field.to_owned(), repetition.unwrap_or("1").to_owned()]);
        parts.extend(rest.split('.').skip(1).take(2).map(str::to_owned));
    }
    parts
}

/// `[12]rest` as `12` and `rest`.
fn bracketed(text: &str) -> (Option<&str>, &str) {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((number, rest)) => (Some(number), rest),
        None => (None, text),
    }
}

/// Table 0357 for a FHIR IssueType.
fn condition(code: &str) -> (&'static str, &'static str) {
    match code {
        "structure" => ("100", "Segment sequence error"),
        "required" | "incomplete" => ("101", "Required field missing"),
        "value" | "too-long" | "invariant" => ("102", "Data type error"),
        "code-invalid" => ("103", "Table value not found"),
        "not-supported" => ("200", "Unsupported message type"),
        "not-found" => ("204", "Unknown key identifier"),
        "duplicate" => ("205", "Duplicate key identifier"),
        _ => ("207", "Application internal error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_location() {
        for (place, expected) in [
            ("PID-3[2].4", "PID^1^3^2^4"),
            ("OBX[12]-5", "OBX^12^5^1"),
            ("OBX[12]-5[1].2.1", "OBX^12^5^1^2^1"),
            ("PV1", "PV1^1"),
            ("-", ""),
            ("", ""),
            ("entry 17", ""),
            ("Patient.name", ""),
            ("診療科コード", ""),
        ] {
            assert_eq!(location(place).join("^"), expected, "{place}");
        }
    }

    #[test]
    fn sentences_are_escaped_with_the_delimiters_of_the_request() {
        let usual = Header::usual();
        assert_eq!(Writer::new(&usual, true).escape("a|b^c~d\\e&f\ng\u{1}"), "a\\F\\b\\S\\c\\R\\d\\E\\e\\T\\f\\.br\\g");
        let other = Header::of(b"MSH$!*#@$A").unwrap_or_else(Header::usual);
        assert_eq!(Writer::new(&other, true).escape("a|b$c#d"), "a|b#F#c#E#d");
    }
}
