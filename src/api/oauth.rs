//! The addresses beside `/fhir` at which a client shows who it is (SMART Backend Services): `/auth/token` issues access tokens,
//! `/auth/introspect` tells about them, `/auth/revoke` withdraws them. Answers are those of OAuth 2.0, not FHIR.

mod client;
mod form;
mod introspect;
mod revoke;
mod token;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, web};
use serde_json::json;

use super::answer::Answer;
use super::trail::Trail;
use super::{forwarded, routes};
use crate::app::Gateway;
use crate::audit::{Outcome, What};
use crate::auth::assertion::Wrong;
use crate::consent::{Permitted, Public};
use crate::fault::{Fault, Status};

/// An error that a client is told (RFC 6749 section 5.2). Never which client ids exist, nor what an assertion lacks.
#[derive(Debug)]
pub(super) enum Refusal {
    /// A parameter is missing, there twice, too long, or not what this address takes.
    InvalidRequest(&'static str),
    /// Who asks is not known. Why is for the operator's log.
    InvalidClient(Wrong),
    /// None of what is asked for can be granted.
    InvalidScope,
    /// The purpose that the assertion states cannot be granted.
    InvalidGrant(&'static str),
    /// Something other than `client_credentials`.
    UnsupportedGrantType,
    /// Again after so many seconds.
    SlowDown(u64),
    /// The body is none; the answer says why.
    NoBody(Box<Answer>),
    /// The machine failed.
    Failed(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Refusal::Failed(fault)
    }
}

/// Whether an address belongs here.
pub(super) fn is_here(path: &[&str]) -> bool {
    matches!(path, ["auth", "token" | "introspect" | "revoke"])
}

/// Answers what is asked for at one of the addresses.
pub(super) async fn answer(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    method: &Method,
    name: &str,
    sent: web::Payload,
) -> Answer {
    // Where everybody may do everything nothing is issued.
    if gateway.registry().is_open() {
        return Answer::not_found();
    }
    if *method != Method::POST {
        return routes::not_offered();
    }
    let what = match name {
        "token" => What::Token,
        "introspect" => What::Introspection,
        _ => What::Revocation,
    };
    let mut trail = Trail::begin(&gateway, &request, what);
    let done = match form::read(&request, &gateway, sent).await {
        Err(refusal) => Err(refusal),
        Ok(form) => match what {
            What::Token => match token::issue(&request, &gateway, &form, &mut trail).await {
                Ok(issued) => return token::leave(issued, &gateway, trail).await,
                Err(refusal) => Err(refusal),
            },
            What::Introspection => introspect::tell(&request, &gateway, &form, &mut trail).await,
            _ => revoke::withdraw(&request, &gateway, &form, &mut trail).await,
        },
    };
    let answer = done.unwrap_or_else(|refusal| refused(refusal, &mut trail));
    trail.close(&gateway, answer).await
}

/// An answer of the protocol. It is not kept by anybody (RFC 6749 section 5.1); `Cache-Control` is on every answer.
fn said(status: Status, body: &serde_json::Value) -> Answer {
    match Public::protocol(body.to_string()) {
        Some(public) => {
            let body = Permitted::<String>::public(public).map(String::into_bytes);
            Answer::bytes(body, "application/json").with_status(status).with_header(header::PRAGMA, "no-cache")
        }
        None => Answer::from(Fault::Broken("an answer of the protocol begins otherwise".into())),
    }
}

fn refused(refusal: Refusal, trail: &mut Trail) -> Answer {
    let (status, error, description) = match refusal {
        Refusal::InvalidRequest(description) => (Status::BadRequest, "invalid_request", description),
        Refusal::InvalidClient(why) => {
            tracing::info!(?why, "auth: a client was refused");
            trail.end(Outcome::UnknownCaller);
            let description = "The client is not known, or its assertion does not show that it is this client.";
            (Status::Unauthorized, "invalid_client", description)
        }
        Refusal::InvalidScope => {
            trail.end(Outcome::Scope);
            (Status::BadRequest, "invalid_scope", "None of the scopes that are asked for can be granted.")
        }
        Refusal::InvalidGrant(description) => {
            trail.end(Outcome::Scope);
            (Status::BadRequest, "invalid_grant", description)
        }
        Refusal::UnsupportedGrantType => {
            (Status::BadRequest, "unsupported_grant_type", "Only client_credentials is taken here.")
        }
        Refusal::SlowDown(seconds) => {
            let body = json!({"error": "slow_down", "error_description": "Too many requests; ask again later."});
            return said(Status::TooManyRequests, &body).with_header(header::RETRY_AFTER, seconds.to_string());
        }
        Refusal::NoBody(answer) => {
            let description = "The body cannot be read: send a short form, not packed.";
            return said(answer.status(), &json!({"error": "invalid_request", "error_description": description}));
        }
        Refusal::Failed(fault) => return trail.fail(fault),
    };
    said(status, &json!({"error": error, "error_description": description}))
}

/// The URL under which the addresses here are found: where the API is, without its `/fhir`; as the caller knows it.
pub(super) fn base(request: &HttpRequest, gateway: &Gateway) -> String {
    beside(&forwarded::base_url(request, gateway).unwrap_or_else(|| gateway.base_url().to_owned()))
}

/// The same for a URL of the API.
pub(super) fn beside(base_url: &str) -> String {
    format!("{}/auth", base_url.strip_suffix("/fhir").unwrap_or(base_url))
}
