//! The parameters of a request, as a form in its body and nowhere else (RFC 6749 section 3.2).

use actix_web::http::header;
use actix_web::{HttpRequest, web};

use super::Refusal;
use crate::api::asked::decoded;
use crate::api::body;
use crate::api::caller::stranger;
use crate::app::Gateway;

/// Longest body, bytes.
pub(super) const FORM_BYTES_MAX: usize = 32 << 10;
/// Most parameters.
const PARAMETERS_MAX: usize = 32;

/// Parameters, each once.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The value of a parameter; one that is empty is not there (RFC 6749 section 3.2).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    fn parse(text: &str) -> Result<Form, Refusal> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                return Err(Refusal::InvalidRequest("A parameter is not encoded as a form has it."));
            };
            // Two readers of one form could take one of two each.
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(Refusal::InvalidRequest("A parameter is there more than once."));
            }
            if parameters.len() >= PARAMETERS_MAX {
                return Err(Refusal::InvalidRequest("There are too many parameters."));
            }
            parameters.push((name, value));
        }
        Ok(Form(parameters))
    }
}

/// Reads the form of a request, once it is known that its address asks no more often than it may.
pub(super) async fn read(
    request: &HttpRequest,
    gateway: &web::Data<Gateway>,
    sent: web::Payload,
) -> Result<Form, Refusal> {
    if let Some(address) = stranger(request, gateway) {
        gateway.tokens().per_address.take(address, gateway.now()).map_err(Refusal::SlowDown)?;
    }
    if !request.query_string().is_empty() {
        return Err(Refusal::InvalidRequest("Parameters are sent in the body, not in the address."));
    }
    // A client shows who it is in one way.
    if request.headers().contains_key(header::AUTHORIZATION) {
        return Err(Refusal::InvalidRequest("A client shows who it is by its assertion alone."));
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refusal::InvalidRequest("Send the parameters as application/x-www-form-urlencoded."));
    }
    let body =
        body::bytes_up_to(request, sent, FORM_BYTES_MAX).await.map_err(|answer| Refusal::NoBody(Box::new(answer)))?;
    match std::str::from_utf8(&body) {
        Ok(text) => Form::parse(text),
        Err(_) => Err(Refusal::InvalidRequest("The body is not UTF-8.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_there_once() {
        let form = Form::parse("grant_type=client_credentials&scope=system%2FPatient.rs+x&empty=&").ok().unwrap();
        assert_eq!(form.get("grant_type"), Some("client_credentials"));
        assert_eq!((form.get("scope"), form.get("empty"), form.get("x")), (Some("system/Patient.rs x"), None, None));
        for wrong in ["a=1&a=1", "a=1&%61=2", "a=%zz", "a=%FF"] {
            assert!(Form::parse(wrong).is_err(), "{wrong}");
        }
        let many = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert!(Form::parse(&many(PARAMETERS_MAX)).is_ok() && Form::parse(&many(PARAMETERS_MAX + 1)).is_err());
    }
}
