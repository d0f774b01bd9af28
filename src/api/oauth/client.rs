//! Who asks: a registered client that has signed an assertion for this gateway, for now, and for once (SMART App Launch,
//! client-confidential-asymmetric; RFC 7523).

use std::sync::Arc;

use actix_web::{HttpRequest, web};

use super::form::Form;
use super::{Refusal, base, beside};
use crate::api::caller::certificate;
use crate::api::routes::blocking;
use crate::api::trail::Trail;
use crate::app::{Gateway, NotTaken};
use crate::auth::assertion::Wrong;
use crate::auth::purpose::{self, NoPurpose};
use crate::auth::{Assertion, Digest, KeySet, Registered};
use crate::consent::Purpose;
use crate::fault::Fault;
use crate::store::Ticket;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client that has shown who it is.
pub(super) struct Known {
    pub(super) client: Arc<Registered>,
    /// The certificate of its connection, where it showed one.
    pub(super) certificate: Option<Digest>,
    /// What for, as its assertion says.
    stated: Result<Option<Purpose>, NoPurpose>,
    /// When it is durable that its assertion has been used; nothing may leave before.
    pub(super) used: Ticket,
}

impl Known {
    /// What for, as the assertion (UDAP Security) or the form (IHE IUA) says, where that may be granted; `None` where neither
    /// says anything.
    pub(super) fn purpose(&self, form: &Form) -> Result<Option<Purpose>, Refusal> {
        const NOT_ONE: &str = "A token is for one purpose of use: name one.";
        const WRONG: &str = "This purpose of use cannot be granted.";
        let stated = self.stated.map_err(|why| match why {
            NoPurpose::Unreadable => Refusal::InvalidGrant("The extension hl7-b2b cannot be read."),
            NoPurpose::NotOne => Refusal::InvalidGrant(NOT_ONE),
            NoPurpose::Unknown => Refusal::InvalidGrant(WRONG),
        })?;
        let named = form.get("purpose_of_use").map(purpose::of_text).transpose();
        let named = named.map_err(|_| Refusal::InvalidRequest("purpose_of_use is no purpose of use."))?;
        if stated.is_some() && named.is_some() && stated != named {
            return Err(Refusal::InvalidRequest(NOT_ONE));
        }
        match stated.or(named) {
            Some(purpose) if !self.client.client.may_ask_for(purpose) => Err(Refusal::InvalidGrant(WRONG)),
            purpose => Ok(purpose),
        }
    }

    /// Waits until its assertion can never be used again.
    pub(super) async fn durably(self) -> Result<(Arc<Registered>, Option<Digest>), Refusal> {
        self.used.await.map_err(not_used)?;
        Ok((self.client, self.certificate))
    }
}

/// Why an assertion could not be used.
pub(super) fn not_used(fault: Fault) -> Refusal {
    match fault {
        // Another gateway over the same store took it.
        Fault::Conflict => Refusal::InvalidClient(Wrong::Replayed),
        fault => Refusal::Failed(fault),
    }
}

/// The client behind a request.
pub(super) async fn known(
    request: &HttpRequest,
    gateway: &web::Data<Gateway>,
    form: &Form,
    trail: &mut Trail,
) -> Result<Known, Refusal> {
    if form.get("client_secret").is_some() {
        return Err(Refusal::InvalidClient(Wrong::Methods));
    }
    match form.get("client_assertion_type") {
        Some(JWT_BEARER) => {}
        Some(_) => return Err(Refusal::InvalidRequest("This client_assertion_type is not taken.")),
        None => return Err(Refusal::InvalidRequest("client_assertion_type is missing.")),
    }
    let text = form.get("client_assertion").ok_or(Refusal::InvalidRequest("client_assertion is missing."))?;
    let assertion = Assertion::read(text).map_err(Refusal::InvalidClient)?;
    let now = gateway.now();
    let client = verified(gateway, &assertion, now).await.map_err(Refusal::InvalidClient)?;
    let audiences = [format!("{}/token", beside(gateway.base_url())), format!("{}/token", base(request, gateway))];
    assertion.is_in_force(&audiences, now).map_err(Refusal::InvalidClient)?;
    if form.get("client_id").is_some_and(|id| id != assertion.client()) {
        return Err(Refusal::InvalidClient(Wrong::Issuer));
    }
    let shown = certificate(gateway, request).map_err(|_| Refusal::InvalidClient(Wrong::Certificate))?;
    let shown = shown.map(|certificate| certificate.0);
    if client.client.certificate.is_some() && client.client.certificate != shown {
        return Err(Refusal::InvalidClient(Wrong::Certificate));
    }
    let id = client.client.caller.client.clone();
    let used = gateway.assertions().take(&id, assertion.jti(), assertion.usable_until_ms(), now);
    let used = used.map_err(|why| match why {
        NotTaken::Replayed => Refusal::InvalidClient(Wrong::Replayed),
        NotTaken::Full => Refusal::Failed(Fault::Busy),
    })?;
    trail.caller(&client.client.caller);
    // Only now it is certain who asks too often.
    gateway.tokens().per_client.take(id, now).map_err(Refusal::SlowDown)?;
    Ok(Known { client, certificate: shown, stated: assertion.purpose(), used })
}

/// The registered client whose key signed an assertion. Where there is no such client the same work is done.
async fn verified(gateway: &web::Data<Gateway>, assertion: &Assertion<'_>, now: i64) -> Result<Arc<Registered>, Wrong> {
    let Some(client) = gateway.registry().registered(assertion.client()) else {
        assertion.is_held_against_nobody(&gateway.tokens().nobody);
        return Err(Wrong::UnknownClient);
    };
    let done = signed(gateway, &client, assertion, now).await;
    // So much is done for whoever is not known, too.
    if matches!(done, Err(Wrong::KeyAddress | Wrong::UnknownKey)) {
        assertion.is_held_against_nobody(&gateway.tokens().nobody);
    }
    done.map(|()| client)
}

/// Whether a key of the client signed an assertion.
async fn signed(
    gateway: &web::Data<Gateway>,
    client: &Arc<Registered>,
    assertion: &Assertion<'_>,
    now: i64,
) -> Result<(), Wrong> {
    assertion.names_keys_at(client.keys.address())?;
    let unknown = match client.keys.at_hand(now) {
        Some(keys) => match assertion.is_signed_by(&keys) {
            Err(Wrong::UnknownKey) => true,
            done => return done,
        },
        None => false,
    };
    let keys = fetched(gateway, client, now, unknown).await.ok_or(Wrong::UnknownKey)?;
    assertion.is_signed_by(&keys)
}

async fn fetched(
    gateway: &web::Data<Gateway>,
    client: &Arc<Registered>,
    now: i64,
    unknown: bool,
) -> Option<Arc<KeySet>> {
    client.keys.address()?;
    let (gateway, client) = (gateway.clone(), client.clone());
    blocking(move || Ok(client.keys.fetch(&gateway.tokens().fetcher, now, unknown))).await.ok().flatten()
}
