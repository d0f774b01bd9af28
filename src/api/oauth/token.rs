//! `POST /auth/token` (RFC 6749 section 4.4; SMART Backend Services): an access token for a client that has shown who it is.

use actix_web::{HttpRequest, web};
use futures_util::future::join;
use serde_json::json;

use super::form::Form;
use super::{Refusal, client, refused, said};
use crate::api::answer::Answer;
use crate::api::trail::Trail;
use crate::app::Gateway;
use crate::auth::assertion::Wrong;
use crate::auth::registry::TOKEN_MS;
use crate::fault::Status;
use crate::store::Ticket;

/// A token that is about to leave.
pub(super) struct Issued {
    answer: Answer,
    token: String,
    client: String,
    /// When it is durable that its assertion has been used.
    used: Ticket,
}

pub(super) async fn issue(
    request: &HttpRequest,
    gateway: &web::Data<Gateway>,
    form: &Form,
    trail: &mut Trail,
) -> Result<Issued, Refusal> {
    match form.get("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
        None => return Err(Refusal::InvalidRequest("grant_type is missing.")),
    }
    let known = client::known(request, gateway, form, trail).await?;
    let registered = &known.client.client;
    let asked = form.get("scope").ok_or(Refusal::InvalidScope)?;
    let granted = registered.caller.grant(asked, &registered.scopes).ok_or(Refusal::InvalidScope)?;
    if granted.is_empty() {
        return Err(Refusal::InvalidScope);
    }
    let (scope, purpose) = (granted.text(), known.purpose(form)?);
    // A client that was taken away meanwhile is none.
    let token = gateway.registry().issue(&known.client, (granted, purpose), known.certificate, gateway.now());
    let token = token.ok_or(Refusal::InvalidClient(Wrong::UnknownClient))?;
    let answer = said(
        Status::Ok,
        &json!({"access_token": token, "token_type": "bearer", "expires_in": TOKEN_MS / 1000, "scope": scope}),
    );
    Ok(Issued { answer, token, client: known.client.client.caller.client.clone(), used: known.used })
}

/// Lets a token leave once its assertion can never be used again and its issue is on record, both durably. They are waited for
/// together, so that many tokens share each write. One that does not leave is withdrawn, and the record says that too.
pub(super) async fn leave(issued: Issued, gateway: &web::Data<Gateway>, trail: Trail) -> Answer {
    let Issued { answer, token, client, used } = issued;
    let mut otherwise = trail.part();
    let (used, answer) = join(used, trail.close(gateway, answer)).await;
    if used.is_ok() && answer.status() == Status::Ok {
        return answer;
    }
    gateway.registry().withdraw(&token, &client);
    match used {
        Ok(_) => answer,
        Err(fault) => {
            let answer = refused(client::not_used(fault), &mut otherwise);
            otherwise.close(gateway, answer).await
        }
    }
}
