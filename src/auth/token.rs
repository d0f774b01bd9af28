//! Bearer tokens (RFC 6750): how one is read from a request, and how a new one is made.

use uuid::Uuid;

/// Longest token looked at, bytes.
const TOKEN_BYTES_MAX: usize = 512;
/// Longest that is a JSON Web Token, bytes.
pub const JWT_BYTES_MAX: usize = 8 << 10;

/// The token of an `Authorization` header: `Bearer`, in any case, one space, then the characters of a b64token.
pub fn bearer(header: &str) -> Option<&str> {
    bearer_up_to(header, TOKEN_BYTES_MAX)
}

/// The same where it has the shape of a JSON Web Token: three parts.
pub fn jwt(header: &str) -> Option<&str> {
    bearer_up_to(header, JWT_BYTES_MAX).filter(|token| token.bytes().filter(|b| *b == b'.').count() == 2)
}

fn bearer_up_to(header: &str, bytes_max: usize) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let body = token.trim_end_matches('=');
    let valid = !body.is_empty()
        && token.len() <= bytes_max
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
    (scheme.eq_ignore_ascii_case("bearer") && valid).then_some(token)
}

/// A new token: 244 random bits from the operating system, with a prefix by which scanners for leaked secrets know it.
/// Only its SHA-256 goes into the configuration.
pub fn generate() -> String {
    format!("tasuki_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_is_read() {
        assert_eq!(bearer("Bearer abc.DEF-1~+/=="), Some("abc.DEF-1~+/=="));
        assert_eq!(bearer("bearer x"), Some("x"));
        let long = format!("Bearer {}", "a".repeat(TOKEN_BYTES_MAX));
        assert!(bearer(&long).is_some() && bearer(&(long + "a")).is_none());
        for header in
            ["", "Bearer", "Bearer ", "Bearer  x", "Bearer x y", "Bearer x,y", "Basic x", "Bearer =", "Bearer 襷"]
        {
            assert_eq!(bearer(header), None, "{header}");
        }
    }

    #[test]
    fn a_json_web_token_may_be_longer() {
        let long = |length: usize| format!("Bearer a.b.{}", "c".repeat(length - 4));
        assert!(jwt(&long(JWT_BYTES_MAX)).is_some() && jwt(&long(JWT_BYTES_MAX + 1)).is_none());
        assert!(jwt("Bearer a.b").is_none() && jwt("Bearer a.b.c.d").is_none() && jwt("Basic a.b.c").is_none());
    }

    #[test]
    fn a_generated_token_is_a_token_of_its_own() {
        let header = format!("Bearer {}", generate());
        assert_eq!(bearer(&header).map(str::len), Some(71));
        assert_ne!(generate(), generate());
    }
}
