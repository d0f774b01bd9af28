//! The people who call with an access token of the operator's provider of identities: from the token to the caller.
//!
//! A token is verified once and remembered for a while by its hash; who its person is to this network is looked up at every
//! request, so that somebody who is taken away is nobody from the next request on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::keys::{Fetcher, KeyRing, Keys};
use super::person_token::{Asked, PersonToken, Wrong};
use super::{Digest, PeerCertificate};
use crate::consent::{Caller, Scope, Scopes};
use crate::fault::Denied;

/// Tokens that are remembered as verified; past this all are verified anew.
const VERIFIED_MAX: usize = 10_000;
/// For how long, milliseconds: a key that the provider takes back counts that much longer at most.
const VERIFIED_MS: i64 = 60_000;

/// A person as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// By the provider's word for them (`sub`).
    pub subject: String,
    /// Who they are here; their scopes are those of each token, here all that it may have.
    pub caller: Caller,
    /// What they may be granted at most.
    pub scopes: Vec<Scope>,
}

/// What is registered of the members of the network: since when an organisation is one, where that is stated; `None` where it
/// is none.
pub type Joined = Option<Option<i64>>;

/// All registered people.
#[derive(Debug)]
pub struct People {
    provider: Option<(Asked, KeyRing)>,
    registered: RwLock<HashMap<String, Arc<Person>>>,
    verified: Mutex<HashMap<Digest, Verified>>,
    /// How often people or members have changed: what was verified before is verified anew.
    epoch: AtomicU64,
}

#[derive(Clone, Debug)]
struct Verified {
    caller: Arc<Caller>,
    certificate: Option<Digest>,
    epoch: u64,
    /// Milliseconds since 1970.
    until: i64,
}

/// Why there is no caller yet.
enum Stop {
    /// The provider's keys are not at hand, or one is missing among them.
    Keys {
        unknown: bool,
    },
    Denied(Denied),
}

impl People {
    /// People whose tokens are as asked; nobody, where no provider is configured.
    pub fn new(asked: Option<Asked>, people: Vec<Person>) -> Self {
        let provider = asked.map(|asked| {
            let ring = KeyRing::new(Keys::Of(asked.issuer.as_str().into()));
            (asked, ring)
        });
        let (registered, verified) = (RwLock::default(), Mutex::default());
        let new = People { provider, registered, verified, epoch: AtomicU64::new(0) };
        new.replace(people);
        new
    }

    /// Takes other people in the place of those that are registered.
    pub fn replace(&self, people: Vec<Person>) {
        let people = people.into_iter().map(|person| (person.subject.clone(), Arc::new(person))).collect();
        *self.registered.write().unwrap_or_else(PoisonError::into_inner) = people;
        self.members_changed();
    }

    /// Members have come or gone.
    pub fn members_changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Everybody whose organisation is a member, in the order of their ids, each with all that they may be granted.
    pub fn callers(&self, joined: impl Fn(&str) -> Joined) -> Vec<Arc<Caller>> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        let caller = |person: &Arc<Person>| {
            let member = joined(&person.caller.organization)?;
            Some(Arc::new(Caller { joined: person.caller.joined.or(member), ..person.caller.clone() }))
        };
        let mut callers: Vec<_> = registered.values().filter_map(caller).collect();
        callers.sort_by(|a, b| a.client.cmp(&b.client));
        callers
    }

    /// What is asked of a token, where there is a provider.
    pub fn asked(&self) -> Option<&Asked> {
        self.provider.as_ref().map(|(asked, _)| asked)
    }

    /// The caller behind a token, by what is at hand; `None` when the provider's keys must be fetched. `joined` says of an
    /// organisation whether it is a member.
    pub fn at_hand(
        &self,
        token: &str,
        certificate: Option<&PeerCertificate>,
        now: i64,
        joined: impl Fn(&str) -> Joined,
    ) -> Option<Result<Arc<Caller>, Denied>> {
        match self.find(token, certificate, now, &joined, None) {
            Ok(caller) => Some(Ok(caller)),
            Err(Stop::Denied(denied)) => Some(Err(denied)),
            Err(Stop::Keys { .. }) => None,
        }
    }

    /// The same; fetches keys where that may be. Blocks on the network.
    pub fn fetching(
        &self,
        fetcher: &Fetcher,
        token: &str,
        certificate: Option<&PeerCertificate>,
        now: i64,
        joined: impl Fn(&str) -> Joined,
    ) -> Result<Arc<Caller>, Denied> {
        let unknown = match self.find(token, certificate, now, &joined, None) {
            Ok(caller) => return Ok(caller),
            Err(Stop::Denied(denied)) => return Err(denied),
            Err(Stop::Keys { unknown }) => unknown,
        };
        let keys = self.provider.as_ref().and_then(|(_, ring)| ring.fetch(fetcher, now, unknown));
        let Some(keys) = keys else { return Err(refused(if unknown { Wrong::UnknownKey } else { Wrong::NoKeys })) };
        self.find(token, certificate, now, &joined, Some(&keys)).map_err(|stop| match stop {
            Stop::Denied(denied) => denied,
            Stop::Keys { .. } => refused(Wrong::UnknownKey),
        })
    }

    fn find(
        &self,
        token: &str,
        shown: Option<&PeerCertificate>,
        now: i64,
        joined: &impl Fn(&str) -> Joined,
        fetched: Option<&super::KeySet>,
    ) -> Result<Arc<Caller>, Stop> {
        let Some((asked, ring)) = &self.provider else { return Err(Stop::Denied(Denied::UnknownCaller)) };
        let (digest, epoch) = (Digest::of(token.as_bytes()), self.epoch.load(Ordering::Acquire));
        let known = self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned();
        let verified = match known.filter(|known| known.epoch == epoch && now < known.until) {
            Some(known) => known,
            None => {
                let at_hand = ring.at_hand(now);
                let keys = fetched.or(at_hand.as_deref());
                let new = self.verify(asked, token, keys, now, joined)?;
                let new = Verified { epoch, ..new };
                self.keep(digest, new.clone());
                new
            }
        };
        match verified.certificate {
            Some(bound) if shown.is_none_or(|shown| shown.0 != bound) => Err(stop(Wrong::Binding)),
            _ => Ok(verified.caller),
        }
    }

    fn verify(
        &self,
        asked: &Asked,
        token: &str,
        keys: Option<&super::KeySet>,
        now: i64,
        joined: &impl Fn(&str) -> Joined,
    ) -> Result<Verified, Stop> {
        let token = PersonToken::read(token, asked).map_err(stop)?;
        token.is_in_force(asked, now).map_err(stop)?;
        let keys = keys.ok_or(Stop::Keys { unknown: false })?;
        token.is_signed_by(keys).map_err(|why| match why {
            Wrong::UnknownKey => Stop::Keys { unknown: true },
            why => stop(why),
        })?;
        // Only now it is certain what the provider says.
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner).get(token.subject()).cloned();
        let person = registered.ok_or_else(|| stop(Wrong::NotRegistered))?;
        if !person.caller.person.as_deref().is_none_or(|practitioner| token.is_of(practitioner)) {
            return Err(stop(Wrong::Practitioner));
        }
        let member = joined(&person.caller.organization).ok_or_else(|| stop(Wrong::NoMember))?;
        token.is_sure(asked).map_err(stop)?;
        let certificate = token.certificate().map_err(stop)?.map(Digest::from_bytes);
        let scopes = granted(token.scope(), &person);
        let own = person.caller.joined.or(member);
        let caller = Arc::new(Caller { scopes, joined: own, ..person.caller.clone() });
        let until = token.usable_until_ms(asked).min(now.saturating_add(VERIFIED_MS));
        Ok(Verified { caller, certificate, epoch: 0, until })
    }

    fn keep(&self, digest: Digest, new: Verified) {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= VERIFIED_MAX {
            verified.clear();
        }
        verified.insert(digest, new);
    }
}

/// The `user/` scopes of a token, as far as registration and role allow them. Without one nothing is granted.
fn granted(scope: &str, person: &Person) -> Scopes {
    let of_users = scope.split(' ').filter_map(|one| one.strip_prefix("user/"));
    let asked: Vec<String> = of_users.map(|one| format!("system/{one}")).collect();
    person.caller.grant(&asked.join(" "), &person.scopes).unwrap_or_else(|| Scopes::of(Vec::new()))
}

fn stop(why: Wrong) -> Stop {
    Stop::Denied(refused(why))
}

fn refused(why: Wrong) -> Denied {
    tracing::info!(?why, "oidc: a token was refused");
    if why == Wrong::Assurance { Denied::Assurance } else { Denied::UnknownCaller }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::Role;

    #[test]
    fn the_scopes_of_a_token_are_those_of_users_within_the_role() {
        let caller = Caller::new("person:p", "Organization/a", Role::Care);
        let person = Person { subject: "s".into(), caller, scopes: vec![Scope::all()] };
        for (scope, expected) in [
            ("openid user/Patient.rs", "system/Patient.rs"),
            ("user/Observation.cruds", "system/Observation.rs"),
            ("user/*.rs", "system/*.rs"),
            ("system/*.rs patient/*.rs openid", ""),
            ("user/AuditEvent.rs user/Consent.rs", ""),
            ("", ""),
            ("USER/Patient.rs", ""),
            ("user/system/Patient.rs", ""),
        ] {
            let granted = granted(scope, &person);
            assert_eq!((granted.text().as_str(), granted.is_empty()), (expected, expected.is_empty()), "{scope}");
        }
    }

    #[test]
    fn verified_tokens_are_remembered_up_to_the_limit() {
        let people = People::new(None, Vec::new());
        let caller = Arc::new(Caller::new("person:p", "Organization/a", Role::Care));
        let mut sizes = Vec::new();
        for n in 0..=VERIFIED_MAX {
            let new = Verified { caller: caller.clone(), certificate: None, epoch: 0, until: 0 };
            people.keep(Digest::of(&n.to_be_bytes()), new);
            sizes.push(people.verified.lock().unwrap().len());
        }
        assert_eq!((sizes[VERIFIED_MAX - 1], sizes[VERIFIED_MAX]), (VERIFIED_MAX, 1));
    }
}
