//! The registered clients: from a request's token, and the certificate of its connection, to the caller.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Digest, PeerCertificate, token};
use crate::consent::{Caller, Role};
use crate::fault::Denied;

/// A client as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Who it is when its token is presented.
    pub caller: Arc<Caller>,
    /// SHA-256 of its token; the token itself is nowhere kept.
    pub token: Digest,
    /// SHA-256 of the only certificate over which the token counts (RFC 8705); `None` where any connection will do.
    pub certificate: Option<Digest>,
}

/// All registered clients.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    by_token: HashMap<Digest, Client>,
    /// Who everybody is, where no authorisation is asked for.
    everybody: Option<Arc<Caller>>,
}

impl Registry {
    /// Of these clients.
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Self {
        Registry { by_token: clients.into_iter().map(|client| (client.token, client)).collect(), everybody: None }
    }

    /// Of nobody: whoever calls is [`Caller::open`], whatever it presents.
    pub fn open() -> Self {
        Registry { by_token: HashMap::new(), everybody: Some(Arc::new(Caller::open())) }
    }

    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        self.everybody.is_some()
    }

    /// Who presents this `Authorization` header over a connection with this certificate. The token is hashed first, so
    /// the time of the lookup tells nothing about tokens that exist; every failure is the same.
    pub fn caller(
        &self,
        authorization: Option<&str>,
        certificate: Option<&PeerCertificate>,
    ) -> Result<Arc<Caller>, Denied> {
        if let Some(everybody) = &self.everybody {
            return Ok(everybody.clone());
        }
        let token = authorization.and_then(token::bearer).ok_or(Denied::UnknownCaller)?;
        let client = self.by_token.get(&Digest::of(token.as_bytes())).ok_or(Denied::UnknownCaller)?;
        match (client.certificate, certificate) {
            (None, _) => Ok(client.caller.clone()),
            (Some(bound), Some(shown)) if bound == shown.0 => Ok(client.caller.clone()),
            (Some(_), _) => Err(Denied::UnknownCaller),
        }
    }
}

impl Registry {
    /// The senders that are bound to a client certificate: what is handed in over a connection on which it was shown
    /// comes from one of them. In a fixed order.
    pub fn senders(&self, certificate: &Digest) -> Vec<Arc<Caller>> {
        let bound = self.by_token.values().filter(|client| client.certificate.as_ref() == Some(certificate));
        let mut senders: Vec<_> =
            bound.map(|client| client.caller.clone()).filter(|c| c.role == Role::Source).collect();
        senders.sort_by(|a, b| a.client.cmp(&b.client));
        senders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str, certificate: Option<&[u8]>) -> Client {
        let caller =
            Caller { client: id.into(), organization: "Organization/a".into(), role: Role::Care, facilities: vec![] };
        Client { caller: caller.into(), token: Digest::of(id.as_bytes()), certificate: certificate.map(Digest::of) }
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
            let found = registry.caller(header, certificate).ok();
            assert_eq!(found.as_ref().map(|caller| caller.client.as_str()), expected, "{header:?} {certificate:?}");
        }
    }
}
