//! `POST /auth/introspect` (RFC 7662; SMART App Launch, token introspection): what a token is good for. A client learns of its
//! own tokens; of everybody else's, and of what is no token, that they are not active.

use actix_web::{HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::form::Form;
use super::{Refusal, client, said};
use crate::api::answer::Answer;
use crate::api::trail::Trail;
use crate::app::Gateway;
use crate::auth::purpose::ACT_REASON;
use crate::fault::Status;

pub(super) async fn tell(
    request: &HttpRequest,
    gateway: &web::Data<Gateway>,
    form: &Form,
    trail: &mut Trail,
) -> Result<Answer, Refusal> {
    let token = form.get("token").ok_or(Refusal::InvalidRequest("token is missing."))?;
    let (client, _) = client::known(request, gateway, form, trail).await?.durably().await?;
    let id = &client.client.caller.client;
    let found = gateway.registry().issued(token, gateway.now());
    let Some(issued) = found.filter(|issued| issued.caller.client == *id) else {
        return Ok(said(Status::Ok, &json!({"active": false})));
    };
    let mut told = json!({
        "active": true,
        "scope": issued.caller.scopes.text(),
        "client_id": id,
        "sub": id,
        "iss": super::base(request, gateway),
        "token_type": "bearer",
        "iat": issued.issued.div_euclid(1000),
        "exp": issued.expires.div_euclid(1000),
        // IHE IUA, section 3.102.4.2.
        "extensions": {"ihe_iua": {"purpose_of_use": [{"system": ACT_REASON, "code": issued.caller.purpose().code()}]}},
    });
    if let (Some(certificate), Some(members)) = (issued.certificate, told.as_object_mut()) {
        // RFC 8705 section 3.2.
        members.insert("cnf".into(), json!({"x5t#S256": URL_SAFE_NO_PAD.encode(certificate.bytes())}));
    }
    Ok(said(Status::Ok, &told))
}
