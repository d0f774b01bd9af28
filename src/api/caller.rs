//! Who is calling: the bearer token, and the certificate of the connection where the client is bound to one; a person, by the
//! token of the provider of identities. Told once for each request, and counted against the caller's own limits.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, web};

use super::answer::Answer;
use super::routes::blocking;
use super::rules;
use crate::app::Gateway;
use crate::auth::rate::{Entered, TooMany};
use crate::auth::{Chain, PeerCertificate, token};
use crate::consent::Caller;
use crate::fault::{Denied, Status};

/// Who a request is from, once that is told.
struct Told(Result<Arc<Caller>, Denied>);

/// Tells who a request is from, for all that [`caller`] is asked about it, and counts it. It counts as one that is answered
/// until what is returned is dropped. The answer to who asks too often says nothing of anybody else.
pub(super) async fn enter(request: &HttpRequest, gateway: &web::Data<Gateway>) -> Result<Option<Entered>, Answer> {
    if gateway.registry().is_open() {
        return Ok(None);
    }
    let told = match tell(request, gateway).await {
        Ok(caller) => Ok(in_teams(gateway, caller).await),
        denied => denied,
    };
    let entered = match &told {
        Ok(caller) => gateway.meters().enter(&caller.client, gateway.now()).map(Some),
        Err(_) => match stranger(request, gateway) {
            // Whoever has no token writes on the audit record too.
            Some(address) => gateway.tokens().per_stranger.take(address, gateway.now()).map(|()| None).map_err(TooMany),
            None => Ok(None),
        },
    };
    request.extensions_mut().insert(Told(told));
    entered.map_err(|TooMany(seconds)| {
        let answer = Answer::refuse(Status::TooManyRequests, &rules::TOO_MANY, "");
        answer.with_header(header::RETRY_AFTER, seconds.to_string())
    })
}

/// The registered caller behind a request.
pub(super) fn caller(gateway: &Gateway, request: &HttpRequest) -> Result<Arc<Caller>, Denied> {
    if let Some(Told(told)) = request.extensions().get::<Told>() {
        return told.clone();
    }
    gateway.registry().caller(authorization(request)?, certificate(gateway, request)?, gateway.now())
}

/// What whoever is not known is told of how to become so (RFC 6750 section 3; RFC 9470 section 3).
pub(super) fn challenge(gateway: &Gateway, request: &HttpRequest) -> String {
    let told = request.extensions().get::<Told>().map(|Told(told)| told.as_ref().err().copied());
    match (told.flatten(), gateway.people().asked()) {
        (Some(Denied::Assurance), Some(asked)) => {
            let error = "Bearer error=\"insufficient_user_authentication\", \
                         error_description=\"Sign in with two factors.\"";
            match asked.acr.is_empty() {
                true => error.to_owned(),
                false => format!("{error}, acr_values=\"{}\"", asked.acr.join(" ")),
            }
        }
        _ => "Bearer".to_owned(),
    }
}

async fn tell(request: &HttpRequest, gateway: &web::Data<Gateway>) -> Result<Arc<Caller>, Denied> {
    let (sent, shown, now) = (authorization(request)?, certificate(gateway, request)?, gateway.now());
    let known = gateway.registry().caller(sent, shown, now);
    let (Err(Denied::UnknownCaller), Some(token), true) =
        (&known, sent.and_then(token::jwt), gateway.people().asked().is_some())
    else {
        return known;
    };
    if let Some(told) = gateway.people().at_hand(token, shown, now, |of| gateway.joined(of)) {
        return told;
    }
    // Its keys are fetched where that holds nobody else up.
    let (fetching, token, shown) = (gateway.clone(), token.to_owned(), shown.copied());
    let told = blocking(move || {
        let (people, fetcher) = (fetching.people(), &fetching.tokens().fetcher);
        Ok(people.fetching(fetcher, &token, shown.as_ref(), now, |of| fetching.joined(of)))
    });
    told.await.unwrap_or(Err(Denied::UnknownCaller))
}

/// The caller with the teams of the directory that it is in now. Where the directory cannot be read it is in none, and no
/// denial of one passes it by.
async fn in_teams(gateway: &web::Data<Gateway>, caller: Arc<Caller>) -> Arc<Caller> {
    if let Some(caller) = gateway.hot_in_teams(&caller) {
        return caller;
    }
    let (reader, who) = (gateway.clone(), caller.clone());
    blocking(move || reader.in_teams(&who)).await.unwrap_or(caller)
}

/// The `Authorization` header. Two of them could mean two callers to two readers of one request.
fn authorization(request: &HttpRequest) -> Result<Option<&str>, Denied> {
    let mut sent = request.headers().get_all(header::AUTHORIZATION);
    let authorization = sent.next().and_then(|value| value.to_str().ok());
    if sent.next().is_some() { Err(Denied::UnknownCaller) } else { Ok(authorization) }
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

/// The address that whoever is not known is counted by; `None` behind a proxy that is trusted, where all addresses are its own.
pub(super) fn stranger(request: &HttpRequest, gateway: &Gateway) -> Option<IpAddr> {
    let address = request.peer_addr()?.ip().to_canonical();
    let is_proxy = gateway.http().proxies.iter().any(|proxy| proxy.holds(address));
    (!is_proxy).then(|| network(address))
}

/// An IPv6 address stands for its subnet: whoever has one has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_asks_as_one() {
        for (address, expected) in [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")] {
            assert_eq!(network(address.parse().unwrap()).to_string(), expected);
        }
    }
}
