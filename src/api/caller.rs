//! Who is calling: the bearer token, and the certificate of the connection where the client is bound to one.

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::app::Gateway;
use crate::auth::PeerCertificate;
use crate::consent::Caller;
use crate::fault::Denied;

/// The registered caller behind a request.
pub(super) fn caller<'g>(gateway: &'g Gateway, request: &HttpRequest) -> Result<&'g Caller, Denied> {
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or(Denied::UnknownCaller)?;
    gateway.registry().find(token.trim(), request.conn_data::<PeerCertificate>())
}
