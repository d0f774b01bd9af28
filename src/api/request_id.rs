//! `X-Request-Id` (http.html#custom): the client's own where it is short and plain, otherwise one that is made here.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};

/// The header.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id of a client that is said back, bytes.
const BYTES_MAX: usize = 64;

/// One that was made for a request, which its answer and the audit record have in common.
struct Made(HeaderValue);

/// The id of a request: the same whenever it is asked for.
pub(super) fn request_id(request: &HttpRequest) -> HeaderValue {
    if let Some(own) = request.headers().get(X_REQUEST_ID).filter(|own| is_plain(own.as_bytes())) {
        return own.clone();
    }
    let mut kept = request.extensions_mut();
    if let Some(Made(id)) = kept.get::<Made>() {
        return id.clone();
    }
    let id = HeaderValue::from_str(&made()).unwrap_or(HeaderValue::from_static("0"));
    kept.insert(Made(id.clone()));
    id
}

fn is_plain(id: &[u8]) -> bool {
    (1..=BYTES_MAX).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
}

/// A number that no other request has, under a key of this run of the program: asking for chance each time would cost a
/// system call, and the number itself would tell each caller how many others there are.
fn made() -> String {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}", KEY.hash_one(COUNT.fetch_add(1, Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_clients_id_is_said_back_when_it_is_short_and_plain() {
        let id = |sent: &str| {
            let request = TestRequest::get().insert_header((X_REQUEST_ID, sent)).to_http_request();
            request_id(&request).to_str().unwrap().to_owned()
        };
        let longest = "a".repeat(BYTES_MAX);
        for kept in ["a", "0b7c-1:2_3.4", &longest] {
            assert_eq!(id(kept), kept);
        }
        for other in ["", "a b", "<a>", &format!("{longest}a")] {
            assert!(id(other) != other && is_plain(id(other).as_bytes()), "{other}");
        }
        assert!(id("") != id(""));
        let request = TestRequest::get().to_http_request();
        assert_eq!(request_id(&request), request_id(&request));
    }
}
