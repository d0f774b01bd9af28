//! Who is calling: the bearer token, and the certificate of the connection where the client is bound to one.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::app::Gateway;
use crate::auth::{Chain, PeerCertificate};
use crate::consent::Caller;
use crate::fault::Denied;

/// The registered caller behind a request.
pub(super) fn caller(gateway: &Gateway, request: &HttpRequest) -> Result<Arc<Caller>, Denied> {
    let mut sent = request.headers().get_all(header::AUTHORIZATION);
    let authorization = sent.next().and_then(|value| value.to_str().ok());
    // Two headers could mean two callers to two readers of one request.
    if sent.next().is_some() {
        return Err(Denied::UnknownCaller);
    }
    gateway.registry().caller(authorization, certificate(gateway, request)?, gateway.now())
}

/// The certificate that was shown on the connection of a request. One that has been revoked since makes whoever shows it
/// unknown, whatever else it presents.
pub(super) fn certificate<'r>(
    gateway: &Gateway,
    request: &'r HttpRequest,
) -> Result<Option<&'r PeerCertificate>, Denied> {
    match request.conn_data::<Chain>() {
        Some(chain) if !gateway.accepts(chain) => Err(Denied::UnknownCaller),
        _ => Ok(request.conn_data::<PeerCertificate>()),
    }
}
