//! The three kinds of wrong (a message's `Issue`, the machine's `Fault`, policy's `Denied`) and the one table that turns them into answers.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What one message did wrong, or what could not be carried over: data that travels with the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The rule that noticed it; carries severity, FHIR code and the sentences.
    pub rule: &'static Rule,
    /// Where, in the sender's own terms.
    pub place: Place,
    /// Filled into `{}` of the sentence. May quote a code, a date or a name of the standard; never a person's name,
    /// number, address or free text.
    pub detail: String,
}

/// An issue put into words, as receipts keep it and answers say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// FHIR IssueSeverity code.
    pub severity: String,
    /// FHIR IssueType code.
    pub code: String,
    /// The rule's name.
    pub rule: String,
    /// Where, in the sender's terms; `-` for the whole.
    pub place: String,
    /// The sentence in Japanese.
    pub ja: String,
    /// The sentence in English.
    pub en: String,
}

/// A named rule with its sentence in English and Japanese; `{}` stands for the issue's detail.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable name, for example `v2-field-unmapped`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// FHIR IssueType code (R4 value set issue-type).
    pub code: IssueType,
    /// The sentence in English.
    pub en: &'static str,
    /// The sentence in Japanese.
    pub ja: &'static str,
}

/// Declares rules, one after the other: `NAME "id" Severity IssueType "English" "日本語"`, with a visibility before the
/// name where it is wanted.
macro_rules! rules {
    ($($vis:vis $name:ident $id:literal $severity:ident $code:ident $en:literal $ja:literal)*) => { $(
        $vis static $name: $crate::fault::Rule = $crate::fault::Rule {
            id: $id,
            severity: $crate::fault::Severity::$severity,
            code: $crate::fault::IssueType::$code,
            en: $en,
            ja: $ja,
        };
    )* };
}
pub(crate) use rules;

/// FHIR R4 IssueSeverity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Information,
    /// Something was lost or doubtful; the rest stands.
    Warning,
    /// A part could not be used.
    Error,
    /// Nothing could be used.
    Fatal,
}

/// The FHIR R4 issue-type codes this program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the standard's codes
pub enum IssueType {
    Structure,
    Required,
    Value,
    Invariant,
    Incomplete,
    NotSupported,
    Duplicate,
    NotFound,
    CodeInvalid,
    TooLong,
    TooCostly,
    Conflict,
    BusinessRule,
    Informational,
    Processing,
    Login,
    Forbidden,
    Transient,
    Exception,
    Extension,
    Throttled,
    MultipleMatches,
    Deleted,
}

/// Where something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The message as a whole.
    Whole,
    /// A field of an HL7 v2 message; a zero means "the whole of it".
    Field {
        /// Three-letter name, for example `PID`.
        segment: [u8; 3],
        /// Which of the segments of that name, from 1.
        occurrence: u16,
        /// Field number, from 1.
        field: u16,
        /// Repetition, from 1.
        repetition: u16,
        /// Component, from 1.
        component: u16,
        /// Sub-component, from 1.
        subcomponent: u16,
    },
    /// A path in a document: a FHIRPath, an XPath, a column.
    Path(Cow<'static, str>),
}

/// A value together with what was noticed while making it.
#[derive(Clone, Debug)]
pub struct Noted<T> {
    /// The best that could be made.
    pub value: T,
    /// What was noticed, in the order it was met.
    pub issues: Vec<Issue>,
}

/// What the machine did wrong. Never the sender's doing; the sender may try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Too much at once: try again.
    Busy,
    /// Storage or an invariant failed. The text is for the operator and holds no personal data.
    Broken(String),
    /// What the commit was decided upon has changed meanwhile: decide again.
    Conflict,
}

/// What policy forbids. The reason goes to the audit record, never to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No token, or one that nobody registered.
    UnknownCaller,
    /// A known caller asked for something its role does not include.
    Role,
    /// Its role includes it, and its token is not good for it (RFC 6750, `insufficient_scope`).
    Scope,
    /// The person did not sign in surely enough (RFC 9470).
    Assurance,
    /// No consent covers it, or a consent or label forbids it.
    Consent,
}

/// How a program run ends (sysexits.h where there is a code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Done = 0,
    /// Something was held back or refused, a file is not as its standard wants it, or a conformance case is not as expected;
    /// the report says what.
    SomeHeld = 1,
    /// `conform` or `validate` could not be run; the number is the one that the command line has for arguments it cannot use.
    NotRun = 2,
    /// The input cannot be used (EX_DATAERR).
    Data = 65,
    /// A file is missing (EX_NOINPUT).
    NoInput = 66,
    /// The machine failed (EX_SOFTWARE).
    Machine = 70,
    /// The configuration is wrong (EX_CONFIG).
    Config = 78,
}

/// HTTP status for each outward outcome. No status code is written anywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 200
    Ok,
    /// 201
    Created,
    /// 202: kept, and worked on.
    Accepted,
    /// 204: done, and nothing to say.
    NoContent,
    /// 304
    NotModified,
    /// 400: the request cannot be understood.
    BadRequest,
    /// 401: who is calling is not known.
    Unauthorized,
    /// 403: the caller's role does not include this.
    Forbidden,
    /// 404: not there, or not for this caller.
    NotFound,
    /// 405: this interaction is not offered here.
    MethodNotAllowed,
    /// 406: in no form that is asked for.
    NotAcceptable,
    /// 408: the body took too long to arrive.
    TooSlow,
    /// 409: decided upon something that has changed.
    Conflict,
    /// 410: it was there and has been deleted.
    Gone,
    /// 412: If-Match names another version.
    PreconditionFailed,
    /// 413: larger than the limit.
    TooLarge,
    /// 414: the address is longer than the limit.
    AddressTooLong,
    /// 415: not a format we read.
    UnsupportedMediaType,
    /// 422: understood, and refused by a rule.
    Unprocessable,
    /// 429: too many requests.
    TooManyRequests,
    /// 500: the machine failed.
    Broken,
    /// 503: try again.
    Busy,
}

impl Status {
    /// The number.
    pub const fn code(self) -> u16 {
        match self {
            Status::Ok => 200,
            Status::Created => 201,
            Status::Accepted => 202,
            Status::NoContent => 204,
            Status::NotModified => 304,
            Status::BadRequest => 400,
            Status::Unauthorized => 401,
            Status::Forbidden => 403,
            Status::NotFound => 404,
            Status::MethodNotAllowed => 405,
            Status::NotAcceptable => 406,
            Status::TooSlow => 408,
            Status::Conflict => 409,
            Status::Gone => 410,
            Status::PreconditionFailed => 412,
            Status::TooLarge => 413,
            Status::AddressTooLong => 414,
            Status::UnsupportedMediaType => 415,
            Status::Unprocessable => 422,
            Status::TooManyRequests => 429,
            Status::Broken => 500,
            Status::Busy => 503,
        }
    }
}

impl Status {
    /// Number and reason, as an entry of a Bundle says it (`201 Created`).
    pub const fn line(self) -> &'static str {
        match self {
            Status::Ok => "200 OK",
            Status::Created => "201 Created",
            Status::Accepted => "202 Accepted",
            Status::NoContent => "204 No Content",
            Status::NotModified => "304 Not Modified",
            Status::BadRequest => "400 Bad Request",
            Status::Unauthorized => "401 Unauthorized",
            Status::Forbidden => "403 Forbidden",
            Status::NotFound => "404 Not Found",
            Status::MethodNotAllowed => "405 Method Not Allowed",
            Status::NotAcceptable => "406 Not Acceptable",
            Status::TooSlow => "408 Request Timeout",
            Status::Conflict => "409 Conflict",
            Status::Gone => "410 Gone",
            Status::PreconditionFailed => "412 Precondition Failed",
            Status::TooLarge => "413 Content Too Large",
            Status::AddressTooLong => "414 URI Too Long",
            Status::UnsupportedMediaType => "415 Unsupported Media Type",
            Status::Unprocessable => "422 Unprocessable Content",
            Status::TooManyRequests => "429 Too Many Requests",
            Status::Broken => "500 Internal Server Error",
            Status::Busy => "503 Service Unavailable",
        }
    }
}

impl From<&Fault> for Status {
    fn from(fault: &Fault) -> Self {
        match fault {
            Fault::Busy => Status::Busy,
            Fault::Broken(_) => Status::Broken,
            Fault::Conflict => Status::Conflict,
        }
    }
}

impl From<Denied> for Status {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::UnknownCaller | Denied::Assurance => Status::Unauthorized,
            Denied::Role | Denied::Scope => Status::Forbidden,
            Denied::Consent => Status::NotFound,
        }
    }
}

impl From<&Fault> for Exit {
    fn from(_: &Fault) -> Self {
        Exit::Machine
    }
}

impl Issue {
    /// An issue at a place, without detail.
    pub fn new(rule: &'static Rule, place: Place) -> Self {
        Issue { rule, place, detail: String::new() }
    }

    /// An issue at a place; see [`Issue::detail`] for what the detail may hold.
    pub fn with(rule: &'static Rule, place: Place, detail: impl Into<String>) -> Self {
        Issue { rule, place, detail: detail.into() }
    }

    /// The English sentence.
    pub fn english(&self) -> String {
        self.rule.en.replace("{}", &self.detail)
    }

    /// The Japanese sentence.
    pub fn japanese(&self) -> String {
        self.rule.ja.replace("{}", &self.detail)
    }
}

impl From<&Issue> for Finding {
    fn from(issue: &Issue) -> Self {
        Finding {
            severity: issue.rule.severity.code().into(),
            code: issue.rule.code.code().into(),
            rule: issue.rule.id.into(),
            place: issue.place.to_string(),
            ja: issue.japanese(),
            en: issue.english(),
        }
    }
}

impl<T> Noted<T> {
    /// A value about which nothing was noticed.
    pub fn clean(value: T) -> Self {
        Noted { value, issues: Vec::new() }
    }
}

impl Severity {
    /// FHIR code.
    pub const fn code(self) -> &'static str {
        match self {
            Severity::Information => "information",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Fatal => "fatal",
        }
    }
}

impl IssueType {
    /// FHIR code.
    pub const fn code(self) -> &'static str {
        match self {
            IssueType::Structure => "structure",
            IssueType::Required => "required",
            IssueType::Value => "value",
            IssueType::Invariant => "invariant",
            IssueType::Incomplete => "incomplete",
            IssueType::NotSupported => "not-supported",
            IssueType::Duplicate => "duplicate",
            IssueType::NotFound => "not-found",
            IssueType::CodeInvalid => "code-invalid",
            IssueType::TooLong => "too-long",
            IssueType::TooCostly => "too-costly",
            IssueType::Conflict => "conflict",
            IssueType::BusinessRule => "business-rule",
            IssueType::Informational => "informational",
            IssueType::Processing => "processing",
            IssueType::Login => "login",
            IssueType::Forbidden => "forbidden",
            IssueType::Transient => "transient",
            IssueType::Exception => "exception",
            IssueType::Extension => "extension",
            IssueType::Throttled => "throttled",
            IssueType::MultipleMatches => "multiple-matches",
            IssueType::Deleted => "deleted",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Whole => f.write_str("-"),
            Place::Path(path) => f.write_str(path),
            Place::Field { segment, occurrence, field, repetition, component, subcomponent } => {
                f.write_str(std::str::from_utf8(segment).unwrap_or("???"))?;
                if *occurrence > 1 {
                    write!(f, "[{occurrence}]")?;
                }
                for (separator, close, number) in
                    [("-", "", field), ("[", "]", repetition), (".", "", component), (".", "", subcomponent)]
                {
                    if *number > 0 {
                        write!(f, "{separator}{number}{close}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Busy => f.write_str("busy, try again"),
            Fault::Broken(what) => write!(f, "broken: {what}"),
            Fault::Conflict => f.write_str("conflict: decided upon something that has changed"),
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_hl7_people_write_it() {
        let place =
            Place::Field { segment: *b"PID", occurrence: 1, field: 3, repetition: 1, component: 4, subcomponent: 0 };
        assert_eq!(place.to_string(), "PID-3[1].4");
        let place =
            Place::Field { segment: *b"OBX", occurrence: 12, field: 5, repetition: 0, component: 0, subcomponent: 0 };
        assert_eq!(place.to_string(), "OBX[12]-5");
    }
}
