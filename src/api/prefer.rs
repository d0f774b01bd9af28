//! What a client would like best (RFC 7240; http.html#return, http.html#async, search.html#lenient): `Prefer`.

use actix_web::HttpRequest;

/// The preferences of a request. Of two that contradict each other the first counts; what is not known here is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prefer {
    /// `return=`: what the answer to a write holds. `None` where the client does not say.
    pub(super) content: Option<Content>,
    /// `handling=`: what becomes of search parameters that are not known. `None` where the client does not say.
    pub(super) handling: Option<Handling>,
    /// `respond-async`: the answer may be fetched later.
    pub(super) respond_async: bool,
}

/// What the answer to a write holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Headers alone.
    Minimal,
    /// The resource as it is now.
    Representation,
    /// An OperationOutcome about what was done.
    OperationOutcome,
}

/// What becomes of search parameters that are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// They are refused.
    Strict,
    /// They are left out, and the answer says so.
    Lenient,
}

/// The preferences of a request; several headers count as one.
pub(super) fn prefer(request: &HttpRequest) -> Prefer {
    let values = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
    values.fold(Prefer::default(), Prefer::and)
}

impl Prefer {
    /// With those of one more header.
    fn and(mut self, value: &str) -> Prefer {
        // A semicolon begins a parameter, of which none is defined for these; some clients part preferences with it.
        for preference in value.split([',', ';']) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
            match name.as_str() {
                "return" => self.content = self.content.or(Content::parse(value)),
                "handling" => self.handling = self.handling.or(Handling::parse(value)),
                "respond-async" => self.respond_async = true,
                _ => {}
            }
        }
        self
    }
}

impl Content {
    fn parse(value: &str) -> Option<Self> {
        let known = [
            ("minimal", Content::Minimal),
            ("representation", Content::Representation),
            ("OperationOutcome", Content::OperationOutcome),
        ];
        known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(value)).map(|(_, content)| content)
    }
}

impl Handling {
    fn parse(value: &str) -> Option<Self> {
        let known = [("strict", Handling::Strict), ("lenient", Handling::Lenient)];
        known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(value)).map(|(_, handling)| handling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn preferences_are_read_from_one_header_or_several() {
        let read = |headers: &[&'static str]| {
            let add = |request: TestRequest, value: &&'static str| request.append_header(("Prefer", *value));
            prefer(&headers.iter().fold(TestRequest::get(), add).to_http_request())
        };
        let wanted = |content, handling, respond_async| Prefer { content, handling, respond_async };
        let (minimal, full) = (Some(Content::Minimal), Some(Content::Representation));
        let cases: [(&[&'static str], Prefer); 9] = [
            (&[], wanted(None, None, false)),
            (&["return=minimal"], wanted(minimal, None, false)),
            (&["RETURN = \"representation\""], wanted(full, None, false)),
            (&["return=operationoutcome"], wanted(Some(Content::OperationOutcome), None, false)),
            (&["handling=strict, return=minimal"], wanted(minimal, Some(Handling::Strict), false)),
            (&["respond-async", "handling=lenient"], wanted(None, Some(Handling::Lenient), true)),
            (&["return=minimal; wait=10"], wanted(minimal, None, false)),
            (&["return=representation, return=minimal"], wanted(full, None, false)),
            (&["return=everything, wait=10, ,=,"], wanted(None, None, false)),
        ];
        for (headers, expected) in cases {
            assert_eq!(read(headers), expected, "{headers:?}");
        }
    }
}
