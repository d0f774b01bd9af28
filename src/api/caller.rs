//! Who is calling: the bearer token, and the certificate of the connection where the client is bound to one.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::app::Gateway;
use crate::auth::PeerCertificate;
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
    gateway.registry().caller(authorization, request.conn_data::<PeerCertificate>())
}
