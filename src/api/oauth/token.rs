//! `POST /auth/token` (RFC 6749 section 4.4; SMART Backend Services): an access token for a client that has shown who it is.

use actix_web::{HttpRequest, web};
use serde_json::json;

use super::form::Form;
use super::{Refusal, client, said};
use crate::api::answer::Answer;
use crate::api::trail::Trail;
use crate::app::Gateway;
use crate::auth::assertion::Wrong;
use crate::auth::registry::TOKEN_MS;
use crate::fault::Status;

pub(super) async fn issue(
    request: &HttpRequest,
    gateway: &web::Data<Gateway>,
    form: &Form,
    trail: &mut Trail,
) -> Result<Answer, Refusal> {
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
    let (client, certificate) = known.durably().await?;
    // A client that was taken away meanwhile is none.
    let token = gateway.registry().issue(&client, (granted, purpose), certificate, gateway.now());
    let token = token.ok_or(Refusal::InvalidClient(Wrong::UnknownClient))?;
    Ok(said(
        Status::Ok,
        &json!({"access_token": token, "token_type": "bearer", "expires_in": TOKEN_MS / 1000, "scope": scope}),
    ))
}
