//! What a request asks of the form of its answer, read once (http.html#mime-type, http.html#parameters, RFC 9110 section 12).

use std::borrow::Cow;
use std::cmp::Reverse;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};

use crate::fhir::outcome::Language;

/// What a request asks of the form of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The form of FHIR; `None` when only forms are asked for that are not offered.
    pub(super) format: Option<Format>,
    /// Whether the request names a form of FHIR: one that says nothing of it gets a Binary as its bytes.
    pub(super) names_fhir: bool,
    /// Indented, for people.
    pub(super) pretty: bool,
    /// The language of sentences.
    pub(super) language: Language,
    /// How the body may be packed.
    pub(super) coding: Coding,
    /// The headers alone are wanted.
    pub(super) head: bool,
}

/// A form of FHIR, under one of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the media types
pub(super) enum Format {
    FhirJson,
    Json,
    TextJson,
    FhirXml,
    Xml,
    TextXml,
}

/// How a body is packed (RFC 9110 section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// The media types of FHIR, the server's preference first.
const FORMATS: [(&str, &str, Format); 6] = [
    ("application", "fhir+json", Format::FhirJson),
    ("application", "json", Format::Json),
    ("application", "fhir+xml", Format::FhirXml),
    ("application", "xml", Format::Xml),
    ("text", "json", Format::TextJson),
    ("text", "xml", Format::TextXml),
];

/// Ranges or codings of one header that are looked at; more is no client's wish.
const RANGES_MAX: usize = 32;

impl Asked {
    /// Reads a request's headers and the parameters `_format` and `_pretty`.
    pub(super) fn of(request: &HttpRequest) -> Asked {
        let (named, pretty) = parameters(request.query_string());
        let accept = sent(request, header::ACCEPT);
        let (format, names_fhir) = match named {
            Some(named) => (Format::named(&named), true),
            None => accepted(&accept),
        };
        Asked {
            format,
            names_fhir,
            pretty,
            language: language(&sent(request, header::ACCEPT_LANGUAGE)),
            coding: coding(&sent(request, header::ACCEPT_ENCODING)),
            head: request.method() == Method::HEAD,
        }
    }
}

impl Asked {
    /// The same with what a form says of it in a body (`_format`, `_pretty`); what the body names counts more.
    pub(super) fn in_form(self, form: &str) -> Asked {
        let (named, pretty) = parameters(form);
        Asked {
            format: named.as_ref().map_or(self.format, |named| Format::named(named)),
            names_fhir: self.names_fhir || named.is_some(),
            pretty: self.pretty || pretty,
            ..self
        }
    }
}

impl Format {
    /// Whether it is XML; JSON otherwise.
    pub(super) fn is_xml(self) -> bool {
        matches!(self, Format::FhirXml | Format::Xml | Format::TextXml)
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::FhirJson => "application/fhir+json; charset=utf-8",
            Format::Json => "application/json; charset=utf-8",
            Format::TextJson => "text/json; charset=utf-8",
            Format::FhirXml => "application/fhir+xml; charset=utf-8",
            Format::Xml => "application/xml; charset=utf-8",
            Format::TextXml => "text/xml; charset=utf-8",
        }
    }

    /// The form that a value of `_format` names: a short name or a media type. A plus sign that was not escaped has
    /// become a space.
    fn named(value: &str) -> Option<Format> {
        match value.trim() {
            "json" => Some(Format::FhirJson),
            "xml" => Some(Format::FhirXml),
            other => Format::of_media_type(&other.replace(' ', "+").replace(";+", ";")),
        }
    }

    /// The form that a media type is, as `Content-Type` has it: with the FHIR version this is (`fhirVersion=4.0`), or
    /// none; in UTF-8.
    pub(super) fn of_media_type(text: &str) -> Option<Format> {
        let range = Range::parse(text)?;
        let known = FORMATS.iter().find(|(kind, subtype, _)| range.kind == *kind && range.subtype == *subtype);
        known.filter(|_| range.is_r4).map(|(_, _, format)| *format)
    }
}

/// A media range with its weight in thousandths.
struct Range {
    kind: String,
    subtype: String,
    is_r4: bool,
    weight: u16,
}

impl Range {
    fn parse(text: &str) -> Option<Range> {
        let mut parts = text.split(';');
        let (kind, subtype) = parts.next()?.trim().split_once('/')?;
        let (kind, subtype) = (kind.to_ascii_lowercase(), subtype.to_ascii_lowercase());
        let mut range = Range { kind, subtype, is_r4: true, weight: 1000 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => range.weight = weight(value),
                // 4.0, and 4.0.1, which is its only edition.
                "fhirversion" => range.is_r4 = matches!(value, "4.0" | "4.0.1"),
                "charset" => range.is_r4 &= value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8"),
                _ => {}
            }
        }
        Some(range)
    }

    /// How closely it fits a media type: 2 for its name, 1 for `application/*`, 0 for `*/*`.
    fn closeness(&self, kind: &str, subtype: &str) -> Option<u8> {
        match (self.kind.as_str(), self.subtype.as_str()) {
            _ if !self.is_r4 => None,
            ("*", "*") => Some(0),
            (own, "*") if own == kind => Some(1),
            (own, other) if own == kind && other == subtype => Some(2),
            _ => None,
        }
    }
}

/// How good a range is: its weight, how closely it names the type, how early it stands.
type Rank = (u16, u8, Reverse<usize>);

/// The best form that `Accept` allows, and whether it names it. Of two with the same weight, the one that is named more
/// closely, then the one that is named first.
fn accepted(accept: &str) -> (Option<Format>, bool) {
    if accept.is_empty() || accept == "*/*" {
        return (Some(Format::FhirJson), false);
    }
    // What nearly every client of FHIR sends.
    if accept == "application/fhir+json" {
        return (Some(Format::FhirJson), true);
    }
    let ranges: Vec<Range> = accept.split(',').take(RANGES_MAX).filter_map(Range::parse).collect();
    let mut best: Option<(Rank, Format)> = None;
    for (kind, subtype, format) in FORMATS {
        // The closest range says how welcome a type is.
        let closest = ranges.iter().enumerate().filter_map(|(at, range)| Some((range.closeness(kind, subtype)?, at)));
        let Some((closeness, at)) = closest.max_by_key(|(closeness, at)| (*closeness, Reverse(*at))) else {
            continue;
        };
        let rank = (ranges.get(at).map_or(0, |range| range.weight), closeness, Reverse(at));
        if rank.0 > 0 && best.is_none_or(|(known, _)| rank > known) {
            best = Some((rank, format));
        }
    }
    (best.map(|(_, format)| format), best.is_some_and(|((_, closeness, _), _)| closeness == 2))
}

/// The language that `Accept-Language` likes best of those that are spoken here.
fn language(accept: &str) -> Language {
    let mut best = (0, Language::Unsaid);
    for (name, weight) in weighted(accept) {
        let spoken = match name.split('-').next().unwrap_or_default() {
            "ja" => Language::Japanese,
            "en" => Language::English,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, spoken);
        }
    }
    best.1
}

/// The coding that `Accept-Encoding` likes best of those that are made here.
fn coding(accept: &str) -> Coding {
    let mut best = (0, Coding::Identity);
    for (name, weight) in weighted(accept) {
        let made = match name.as_str() {
            "zstd" => Coding::Zstd,
            "gzip" | "x-gzip" => Coding::Gzip,
            _ => continue,
        };
        // Of two that are as welcome, the one that costs less.
        if weight > best.0 || (weight == best.0 && weight > 0 && made == Coding::Zstd) {
            best = (weight, made);
        }
    }
    best.1
}

/// Whether a page for people is wanted rather than FHIR: by `_format`, else by what `Accept` likes as much as anything.
pub(super) fn wants_page(request: &HttpRequest) -> bool {
    wants(request, ["html", "text/html"])
}

/// The same of a table for spreadsheets (`text/csv`).
pub(super) fn wants_csv(request: &HttpRequest) -> bool {
    wants(request, ["csv", "text/csv"])
}

fn wants(request: &HttpRequest, [short, media_type]: [&str; 2]) -> bool {
    if let (Some(named), _) = parameters(request.query_string()) {
        return named == short || named == media_type;
    }
    let accept = sent(request, header::ACCEPT);
    let best = |is_one: &dyn Fn(&str) -> bool| {
        weighted(&accept).filter(|(name, _)| is_one(name)).map(|(_, weight)| weight).max().unwrap_or(0)
    };
    let page = best(&|name| name == media_type);
    let fhir = best(&|name| FORMATS.iter().any(|(first, second, _)| name.split_once('/') == Some((*first, *second))));
    page > 0 && page >= fhir
}

/// The names of a header's list in lower case, each with its weight in thousandths.
fn weighted(list: &str) -> impl Iterator<Item = (String, u16)> {
    list.split(',').take(RANGES_MAX).filter(|item| !item.is_empty()).map(|item| {
        let mut parts = item.split(';');
        let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let q = parts.filter_map(|part| part.trim().strip_prefix("q=")).next();
        (name, q.map_or(1000, weight))
    })
}

/// A weight (`0.8`) in thousandths; what is none counts as none.
fn weight(text: &str) -> u16 {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1000,
        "0" | "" => format!("{fraction:0<3}").get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0),
        _ => 0,
    }
}

/// The values of a header as one list.
fn sent(request: &HttpRequest, name: HeaderName) -> Cow<'_, str> {
    let mut values = request.headers().get_all(name).filter_map(|value| value.to_str().ok());
    let Some(first) = values.next() else { return Cow::Borrowed("") };
    values.fold(Cow::Borrowed(first.trim()), |list, value| Cow::Owned(format!("{list},{value}")))
}

/// `_format`, where it is given and not empty, and `_pretty`.
fn parameters(query: &str) -> (Option<String>, bool) {
    let (mut format, mut pretty) = (None, false);
    if !query.contains("_format") && !query.contains("_pretty") {
        return (format, pretty);
    }
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "_format" if format.is_none() => format = decoded(value).filter(|value| !value.trim().is_empty()),
            "_pretty" => pretty = value == "true",
            _ => {}
        }
    }
    (format, pretty)
}

/// A part of a query without its percent-encoding and plus signs (URL standard, application/x-www-form-urlencoded);
/// `None` when it is broken, or no UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn accept_is_weighed() {
        use Format::{FhirJson, FhirXml, Json, TextJson, TextXml, Xml};
        for (accept, format, named) in [
            ("", Some(FhirJson), false),
            ("*/*", Some(FhirJson), false),
            ("application/*", Some(FhirJson), false),
            ("text/*", Some(TextJson), false),
            ("application/fhir+json", Some(FhirJson), true),
            ("Application/FHIR+JSON; charset=UTF-8", Some(FhirJson), true),
            ("application/json", Some(Json), true),
            ("text/json", Some(TextJson), true),
            ("application/fhir+xml", Some(FhirXml), true),
            ("application/xml", Some(Xml), true),
            ("text/xml", Some(TextXml), true),
            ("application/fhir+xml, application/fhir+json", Some(FhirXml), true),
            ("application/fhir+xml;q=0.9, application/fhir+json", Some(FhirJson), true),
            ("application/fhir+xml;q=0.9, application/fhir+json;q=0.899", Some(FhirXml), true),
            ("application/fhir+json;q=0.2, */*;q=0.1", Some(FhirJson), true),
            ("*/*, application/fhir+xml", Some(FhirXml), true),
            ("application/fhir+json;q=0, */*", Some(Json), false),
            ("application/*;q=0, text/xml", Some(TextXml), true),
            ("text/html, application/xml;q=0.9, */*;q=0.8", Some(Xml), true),
            ("application/pdf", None, false),
            ("application/pdf, application/fhir+json;q=0", None, false),
            ("application/fhir+json;fhirVersion=4.0", Some(FhirJson), true),
            ("application/fhir+json; fhirVersion=\"4.0\"", Some(FhirJson), true),
            ("application/fhir+json;fhirVersion=3.0", None, false),
            ("application/fhir+json;fhirVersion=3.0, application/fhir+xml;fhirVersion=4.0", Some(FhirXml), true),
            ("nonsense", None, false),
            ("application/fhir+json;q=x", None, false),
        ] {
            assert_eq!(accepted(accept), (format, named), "{accept}");
        }
    }

    #[test]
    fn the_parameter_counts_more_than_the_header() {
        use Format::{FhirJson, FhirXml, Json, Xml};
        for (query, expected) in [
            ("_format=json", Some(FhirJson)),
            ("_format=xml", Some(FhirXml)),
            ("_format=application/fhir%2Bxml", Some(FhirXml)),
            ("_format=application/fhir+xml", Some(FhirXml)),
            ("_format=application%2Ffhir%2Bjson%3B%20fhirVersion%3D4.0", Some(FhirJson)),
            ("_format=application/json", Some(Json)),
            ("a=b&_format=text/html", None),
            ("_format=ttl", None),
            ("_format=%zz", Some(Xml)),
            ("_format=", Some(Xml)),
            ("x=_format", Some(Xml)),
        ] {
            let request = TestRequest::with_uri(&format!("/fhir/Patient?{query}"));
            let request = request.insert_header(("accept", "application/xml")).to_http_request();
            assert_eq!(Asked::of(&request).format, expected, "{query}");
        }
    }

    #[test]
    fn a_page_is_wanted_by_browsers_and_by_name() {
        for (query, accept, expected) in [
            ("", "", false),
            ("", "*/*", false),
            ("", "text/html", true),
            ("", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("", "text/html;q=0.5, application/fhir+json", false),
            ("", "text/html;q=0", false),
            ("_format=html", "application/fhir+json", true),
            ("_format=text/html", "", true),
            ("_format=json", "text/html", false),
        ] {
            let request = TestRequest::with_uri(&format!("/x?{query}")).insert_header(("accept", accept));
            assert_eq!(wants_page(&request.to_http_request()), expected, "{query} {accept}");
        }
    }

    #[test]
    fn language_coding_and_indentation() {
        let asked = |name: &'static str, value: &str| {
            Asked::of(&TestRequest::with_uri("/x?_pretty=true").insert_header((name, value)).to_http_request())
        };
        assert!(asked("x", "").pretty);
        for (value, expected) in [
            ("", Language::Unsaid),
            ("*", Language::Unsaid),
            ("de", Language::Unsaid),
            ("ja-JP,ja;q=0.9,en;q=0.8", Language::Japanese),
            ("en-US,en;q=0.5", Language::English),
            ("ja;q=0.1, EN;q=0.2", Language::English),
            ("ja;q=0", Language::Unsaid),
        ] {
            assert_eq!(asked("accept-language", value).language, expected, "{value}");
        }
        for (value, expected) in [
            ("", Coding::Identity),
            ("br", Coding::Identity),
            ("identity", Coding::Identity),
            ("gzip, deflate, br", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Zstd),
            ("zstd;q=0.5, gzip;q=0.6", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
        ] {
            assert_eq!(asked("accept-encoding", value).coding, expected, "{value}");
        }
    }

    #[test]
    fn the_number_of_ranges_is_limited() {
        let list = |before: usize| format!("{}application/fhir+xml", "a/b,".repeat(before));
        assert_eq!(accepted(&list(RANGES_MAX - 1)).0, Some(Format::FhirXml));
        assert_eq!(accepted(&list(RANGES_MAX)).0, None);
    }

    #[test]
    fn percent_encoding_is_of_utf_8() {
        assert_eq!(decoded("M%C3%BCller+x").as_deref(), Some("Müller x"));
        for broken in ["%", "%z0", "%4", "%FF"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }
}
