//! The registered clients and the access tokens that were issued to them: from a request's token, and the certificate of its
//! connection, to the caller.
//!
//! Issued tokens are in memory alone (`docs/adr/0031`): one that is withdrawn is not there for the very next request, and
//! after a restart a client asks for another.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::keys::{KeyRing, Keys};
use super::{Digest, PeerCertificate, token};
use crate::consent::{Caller, Role, Scope, Scopes};
use crate::fault::Denied;

/// How long an issued token is good for, milliseconds (SMART Backend Services: at most five minutes).
pub const TOKEN_MS: i64 = 300_000;

/// A client as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Who it is when its token is presented.
    pub caller: Arc<Caller>,
    /// SHA-256 of a token that was given to it by hand; the token itself is nowhere kept.
    pub token: Option<Digest>,
    /// The keys with which it signs for access tokens.
    pub keys: Option<Keys>,
    /// What it may be granted at most.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the only certificate over which it is heard (RFC 8705); `None` where any connection will do.
    pub certificate: Option<Digest>,
}

/// A client that asks for access tokens.
#[derive(Debug)]
pub struct Registered {
    /// As configured.
    pub client: Client,
    /// Its keys.
    pub keys: KeyRing,
}

/// An access token that was issued, as far as it is kept.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Who it is when it is presented, with the scopes that were granted.
    pub caller: Arc<Caller>,
    /// The certificate over which alone it counts: the one that was shown when it was asked for.
    pub certificate: Option<Digest>,
    /// When it was issued, milliseconds since 1970.
    pub issued: i64,
    /// From when on it counts no more.
    pub expires: i64,
}

/// All registered clients.
#[derive(Debug, Default)]
pub struct Registry {
    state: RwLock<State>,
    /// Who everybody is, where no authorisation is asked for.
    everybody: Option<Arc<Caller>>,
}

#[derive(Debug, Default)]
struct State {
    clients: Vec<Client>,
    by_token: HashMap<Digest, Client>,
    by_id: HashMap<String, Arc<Registered>>,
    issued: HashMap<Digest, Issued>,
    /// When what has expired was last taken away, milliseconds since 1970.
    swept: i64,
}

impl Registry {
    /// Of these clients.
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Self {
        let registry = Registry::default();
        registry.replace(clients.into_iter().collect());
        registry
    }

    /// Of nobody: whoever calls is [`Caller::open`], whatever it presents.
    pub fn open() -> Self {
        Registry { state: RwLock::default(), everybody: Some(Arc::new(Caller::open())) }
    }

    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        self.everybody.is_some()
    }

    /// Takes other clients in the place of those that are registered. The tokens of a client that is not registered any
    /// more, or not as it was, are gone.
    pub fn replace(&self, clients: Vec<Client>) {
        let mut state = self.written();
        let by_token = clients.iter().filter_map(|client| Some((client.token?, client.clone())));
        let by_token = by_token.collect();
        let mut by_id = HashMap::new();
        for client in &clients {
            let Some(keys) = &client.keys else { continue };
            let id = client.caller.client.clone();
            let before = state.by_id.get(&id).filter(|before| before.client == *client).cloned();
            let new = || Arc::new(Registered { client: client.clone(), keys: KeyRing::new(keys.clone()) });
            by_id.insert(id, before.unwrap_or_else(new));
        }
        let stays = |issued: &Issued| {
            let before = state.by_id.get(&issued.caller.client);
            before.zip(by_id.get(&issued.caller.client)).is_some_and(|(before, now)| Arc::ptr_eq(before, now))
        };
        let issued = state.issued.iter().filter(|(_, issued)| stays(issued));
        let issued = issued.map(|(digest, issued)| (*digest, issued.clone())).collect();
        *state = State { clients, by_token, by_id, issued, swept: state.swept };
    }

    /// Who presents this `Authorization` header over a connection with this certificate, at an instant (milliseconds since
    /// 1970). The token is hashed first, so the time of the lookup tells nothing about tokens that exist; every failure is
    /// the same.
    pub fn caller(
        &self,
        authorization: Option<&str>,
        certificate: Option<&PeerCertificate>,
        now: i64,
    ) -> Result<Arc<Caller>, Denied> {
        if let Some(everybody) = &self.everybody {
            return Ok(everybody.clone());
        }
        let token = authorization.and_then(token::bearer).ok_or(Denied::UnknownCaller)?;
        let digest = Digest::of(token.as_bytes());
        let state = self.read();
        let (caller, bound) = match (state.by_token.get(&digest), state.issued.get(&digest)) {
            (Some(client), _) => (&client.caller, client.certificate),
            (None, Some(issued)) if now < issued.expires => (&issued.caller, issued.certificate),
            _ => return Err(Denied::UnknownCaller),
        };
        match (bound, certificate) {
            (None, _) => Ok(caller.clone()),
            (Some(bound), Some(shown)) if bound == shown.0 => Ok(caller.clone()),
            (Some(_), _) => Err(Denied::UnknownCaller),
        }
    }

    /// Everybody who may call, in the order of the configuration, each with all that it may be granted.
    pub fn callers(&self) -> Vec<Arc<Caller>> {
        self.read().clients.iter().map(|client| client.caller.clone()).collect()
    }

    /// The client of that id, when it can ask for access tokens.
    pub fn registered(&self, id: &str) -> Option<Arc<Registered>> {
        self.read().by_id.get(id).cloned()
    }

    /// Whether any client can ask for access tokens.
    pub fn issues_tokens(&self) -> bool {
        !self.is_open() && !self.read().by_id.is_empty()
    }

    /// The clients that can ask for access tokens, in the order of the configuration.
    pub fn askers(&self) -> Vec<Client> {
        self.read().clients.iter().filter(|client| client.keys.is_some()).cloned().collect()
    }

    /// Issues a token to a client with these scopes, bound to the certificate that it shows now. `now` is in milliseconds
    /// since 1970. `None` when the client is not registered any more.
    pub fn issue(
        &self,
        client: &Arc<Registered>,
        scopes: Scopes,
        certificate: Option<Digest>,
        now: i64,
    ) -> Option<String> {
        let token = token::generate();
        let caller = Arc::new(Caller { scopes, ..Caller::clone(&client.client.caller) });
        let issued = Issued { caller, certificate, issued: now, expires: now.saturating_add(TOKEN_MS) };
        let mut state = self.written();
        if !state.by_id.get(&client.client.caller.client).is_some_and(|known| Arc::ptr_eq(known, client)) {
            return None;
        }
        // What has expired is taken away once in a while, so that it costs each issue next to nothing.
        if now.saturating_sub(state.swept) >= TOKEN_MS / 10 {
            state.issued.retain(|_, issued| now < issued.expires);
            state.swept = now;
        }
        state.issued.insert(Digest::of(token.as_bytes()), issued);
        Some(token)
    }

    /// What is known of a token that was issued, as long as it counts.
    pub fn issued(&self, token: &str, now: i64) -> Option<Issued> {
        let state = self.read();
        state.issued.get(&Digest::of(token.as_bytes())).filter(|issued| now < issued.expires).cloned()
    }

    /// Withdraws a token that was issued to this client. The next request that presents it is from nobody.
    pub fn withdraw(&self, token: &str, client: &str) -> bool {
        let digest = Digest::of(token.as_bytes());
        let mut state = self.written();
        let is_own = state.issued.get(&digest).is_some_and(|issued| issued.caller.client == client);
        is_own && state.issued.remove(&digest).is_some()
    }

    /// The senders that are bound to a client certificate: what is handed in over a connection on which it was shown
    /// comes from one of them. In a fixed order.
    pub fn senders(&self, certificate: &Digest) -> Vec<Arc<Caller>> {
        let state = self.read();
        let bound = state.clients.iter().filter(|client| client.certificate.as_ref() == Some(certificate));
        let mut senders: Vec<_> =
            bound.map(|client| client.caller.clone()).filter(|c| c.role == Role::Source).collect();
        senders.sort_by(|a, b| a.client.cmp(&b.client));
        senders
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::jwks::KeySet;

    fn client(id: &str, certificate: Option<&[u8]>) -> Client {
        let caller = Caller::new(id, "Organization/a", Role::Care);
        let token = Some(Digest::of(id.as_bytes()));
        let keys = Some(Keys::Given(Arc::new(KeySet::of_nobody())));
        Client { caller: caller.into(), token, keys, scopes: Vec::new(), certificate: certificate.map(Digest::of) }
    }

    #[test]
    fn a_token_bound_to_a_certificate_counts_only_over_it() {
        let registry = Registry::new([client("free", None), client("bound", Some(b"certificate"))]);
        let (right, wrong) = (PeerCertificate(Digest::of(b"certificate")), PeerCertificate(Digest::of(b"other")));
        let cases = [
            (Some("Bearer free"), None, Some("free")),
            (Some("Bearer free"), Some(&wrong), Some("free")),
            (Some("Bearer bound"), Some(&right), Some("bound")),
            (Some("Bearer bound"), Some(&wrong), None),
            (Some("Bearer bound"), None, None),
            (Some("Bearer unknown"), Some(&right), None),
            (Some("free"), None, None),
            (None, Some(&right), None),
        ];
        assert!(registry.senders(&right.0).is_empty(), "a care agency sends nothing");
        for (header, certificate, expected) in cases {
            let found = registry.caller(header, certificate, 0).ok();
            assert_eq!(found.as_ref().map(|caller| caller.client.as_str()), expected, "{header:?} {certificate:?}");
        }
    }

    #[test]
    fn an_issued_token_counts_until_it_expires_is_withdrawn_or_its_client_changes() {
        let registry = Registry::new([client("a", None), client("b", None)]);
        let issue = |id: &str, now| {
            let asker = registry.registered(id).unwrap();
            registry.issue(&asker, Scopes::of(Vec::new()), Some(Digest::of(b"certificate")), now).unwrap()
        };
        let shown = PeerCertificate(Digest::of(b"certificate"));
        let counts = |token: &str, now| registry.caller(Some(&format!("Bearer {token}")), Some(&shown), now).is_ok();
        let token = issue("a", 1000);
        assert!(counts(&token, 1000) && counts(&token, 1000 + TOKEN_MS - 1) && !counts(&token, 1000 + TOKEN_MS));
        assert!(registry.caller(Some(&format!("Bearer {token}")), None, 1000).is_err(), "it is bound");
        assert!(!registry.withdraw(&token, "b") && counts(&token, 1000), "it is not b's");
        assert!(registry.withdraw(&token, "a") && !counts(&token, 1000) && !registry.withdraw(&token, "a"));
        let (of_a, of_b, asker) = (issue("a", 0), issue("b", 0), registry.registered("b").unwrap());
        registry.replace(vec![client("a", None), client("b", Some(b"certificate"))]);
        assert!(counts(&of_a, 0) && !counts(&of_b, 0), "b is not as it was");
        assert!(registry.issue(&asker, Scopes::UNBOUNDED, None, 0).is_none(), "nor is who is just asking");
        registry.replace(Vec::new());
        assert!(!counts(&of_a, 0) && !registry.issues_tokens());
    }

    #[test]
    fn what_has_expired_is_taken_away() {
        let registry = Registry::new([client("a", None)]);
        let asker = registry.registered("a").unwrap();
        for now in 0..100 {
            registry.issue(&asker, Scopes::UNBOUNDED, None, now * TOKEN_MS / 10);
        }
        assert!(registry.read().issued.len() <= 12, "{}", registry.read().issued.len());
    }
}
