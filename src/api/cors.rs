//! What pages of other origins may do (Fetch standard, CORS protocol; security.html#cors): everything a client may, with a
//! token that the page itself holds. Cookies and client certificates are never asked for.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponseBuilder};

use crate::config::Origins;

/// The methods that are known here.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "Accept, Accept-Language, Authorization, Content-Encoding, Content-Type, If-Match, \
     If-Modified-Since, If-None-Exist, If-None-Match, Prefer, X-File-Name, X-Request-Id, X-Security-Context";
const EXPOSED: &str = "Content-Language, Content-Location, ETag, Last-Modified, Location, Retry-After, WWW-Authenticate, \
     X-Progress, X-Request-Id";
/// How long a browser may remember the answer to a preflight, seconds; browsers keep it two hours at most.
const REMEMBERED_SECONDS: &str = "7200";

/// Adds what the browser of a page of another origin must be told.
pub(super) fn add(request: &HttpRequest, origins: &Origins, response: &mut HttpResponseBuilder) {
    let headers = request.headers();
    let Some(allowed) = headers.get(header::ORIGIN).and_then(|origin| allowed(origin, origins)) else { return };
    response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed));
    let fixed = HeaderValue::from_static;
    if is_preflight(headers) {
        response.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, fixed(METHODS)));
        response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, fixed(REQUEST_HEADERS)));
        response.insert_header((header::ACCESS_CONTROL_MAX_AGE, fixed(REMEMBERED_SECONDS)));
    }
    response.insert_header((header::ACCESS_CONTROL_EXPOSE_HEADERS, fixed(EXPOSED)));
}

fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn allowed(origin: &HeaderValue, origins: &Origins) -> Option<HeaderValue> {
    match origins {
        Origins::Any => Some(HeaderValue::from_static("*")),
        Origins::These(these) => these.iter().any(|one| one.as_bytes() == origin.as_bytes()).then(|| origin.clone()),
    }
}
