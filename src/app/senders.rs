//! Who sends over an MLLP listener, and what becomes of what they send: the gateway's side of [`mllp::Receiver`].

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::Gateway;
use crate::audit::{Agent, Event, Outcome, What};
use crate::auth::{Chain, Digest, Verifier};
use crate::config;
use crate::consent::{Caller, Role};
use crate::decode::hl7v2::{self, Header};
use crate::fault::{Fault, Finding, Issue, Place, Rule, rules};
use crate::intake::mllp::{self, Deliver, Delivered, Peer, Verdict};
use crate::letter::{Letter, LetterId, Source};
use crate::pipeline::{self, Part, Receipt, Whose, whose};

rules! {
    NOT_YOURS "mllp-facility" Error Forbidden
        "MSH-4 does not name a facility whose messages are taken here; the message is not kept."
        "MSH-4の医療機関からの受信は許可されていません。メッセージは保管していません。"
    BUSY "mllp-busy" Error Transient
        "Too much at once; send the message again in a moment."
        "混み合っています。少し待って再送してください。"
    BROKEN "mllp-broken" Error Exception
        "The gateway has a fault and could not keep the message; send it again later. The operator has been told."
        "ゲートウェイに障害があり、メッセージを保管できませんでした。後で再送してください。管理者に通知されました。"
}

/// The senders of one listener.
#[derive(Debug)]
pub struct Senders {
    gateway: Arc<Gateway>,
    listen: SocketAddr,
    /// The facilities whose messages are taken, each with the organisation it belongs to.
    sources: Vec<(Arc<Source>, String)>,
    /// Who sends is told by certificates, which are held against this.
    verifier: Option<Arc<Verifier>>,
}

/// One of them, on its connection.
struct Sender {
    gateway: Arc<Gateway>,
    address: IpAddr,
    /// For which facilities it may send, and in whose name that is recorded.
    sources: Vec<(Arc<Source>, Agent)>,
    /// By which it was let in; none over plain TCP.
    proof: Option<Proof>,
}

/// A certificate that was shown when a connection began.
struct Proof {
    digest: Digest,
    chain: Chain,
    verifier: Arc<Verifier>,
}

impl Senders {
    /// Of a listener, as configured.
    pub fn new(gateway: Arc<Gateway>, config: &config::Config, listener: &config::Mllp) -> Self {
        let taken = config.sources.iter().filter(|source| listener.facilities.contains(&source.letter.facility));
        let sources = taken.map(|source| (source.letter.clone(), source.organization.clone())).collect();
        Senders { gateway, listen: listener.listen, sources, verifier: listener.verifier.clone() }
    }

    /// How such a listener listens.
    pub fn settings(listener: &config::Mllp) -> mllp::Settings {
        let limits = listener.limits;
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        mllp::Settings {
            address: listener.listen,
            tls: listener.tls.clone(),
            limits: mllp::Limits {
                frame_bytes_max: count(limits.frame_bytes_max),
                frame_time_max: Duration::from_secs(limits.frame_seconds_max),
                idle_time_max: Duration::from_secs(limits.idle_seconds_max),
                connections_max: count(limits.connections_max),
                connections_per_address_max: count(limits.connections_per_address_max),
            },
        }
    }

    /// Over TLS the certificate says which clients send, and those for which facilities; over plain TCP everybody who can
    /// connect sends for all facilities of the listener.
    fn sources_of(&self, peer: &Peer) -> Vec<(Arc<Source>, Agent)> {
        if self.verifier.is_none() {
            let agent = |organization: &String| Agent {
                client: format!("mllp {}", self.listen),
                organization: organization.clone(),
                role: Role::Source,
            };
            return self.sources.iter().map(|(source, name)| (source.clone(), agent(name))).collect();
        }
        let digest = peer.certificates.first().map(|own| Digest::of(own));
        let callers: Vec<Arc<Caller>> =
            digest.map(|digest| self.gateway.registry().senders(&digest)).unwrap_or_default();
        let sender_for = |source: &Source| callers.iter().find(|caller| caller.may_push(&source.facility).is_ok());
        let sources = self.sources.iter();
        sources.filter_map(|(source, _)| Some((source.clone(), Agent::from(&**sender_for(source)?)))).collect()
    }
}

impl mllp::Receiver for Senders {
    fn admit(&self, peer: &Peer) -> Option<Deliver> {
        let sources = self.sources_of(peer);
        if sources.is_empty() {
            self.refused(peer);
            return None;
        }
        let proof = peer.certificates.first().zip(self.verifier.clone()).map(|(own, verifier)| Proof {
            digest: Digest::of(own),
            chain: Chain::of_der(&peer.certificates),
            verifier,
        });
        let sender = Sender { gateway: self.gateway.clone(), address: peer.address, sources, proof };
        Some(Box::new(move |frame| sender.deliver(frame)))
    }

    fn now_ms(&self) -> i64 {
        self.gateway.now()
    }
}

impl Senders {
    /// That an unknown peer tried is on record; nothing leaves, so nothing waits for it.
    fn refused(&self, peer: &Peer) {
        let event = event(self.gateway.now(), None, peer.address, Outcome::UnknownCaller);
        if let Err(fault) = self.gateway.journal().record_now(event) {
            tracing::error!(%fault, "mllp: a refusal could not be recorded");
        }
    }
}

impl Sender {
    fn deliver(&self, frame: &[u8]) -> Delivered {
        let count = hl7v2::batch(frame).map_or(1, |batch| batch.messages.len());
        if count == 1 && Header::of(frame).is_some_and(|header| header.is_acknowledgement()) {
            tracing::info!("mllp: an acknowledgement came, to which nothing was sent");
            return Delivered { verdicts: vec![Verdict::Unanswered], whole: Vec::new() };
        }
        let all = |verdict: Verdict| Delivered { verdicts: vec![verdict; count], whole: Vec::new() };
        if !self.still_counts() {
            let event = event(self.gateway.now(), None, self.address, Outcome::UnknownCaller);
            return all(match self.gateway.journal().record_now(event) {
                Ok(()) => Verdict::Refused(finding(&NOT_YOURS)),
                Err(fault) => failed(fault),
            });
        }
        let sources: Vec<Arc<Source>> = self.sources.iter().map(|(source, _)| source.clone()).collect();
        let Whose::Source(source) = whose(&sources, "", frame) else {
            let event = event(self.gateway.now(), self.sources.first().map(|s| &s.1), self.address, Outcome::Role);
            return all(match self.gateway.journal().record_now(event) {
                Ok(()) => Verdict::Refused(finding(&NOT_YOURS)),
                Err(fault) => failed(fault),
            });
        };
        let letter = Letter { source: source.clone(), name: String::new(), bytes: frame.to_vec() };
        self.receive(&letter, self.agent(source)).unwrap_or_else(|fault| all(failed(fault)))
    }

    /// Whether whoever was let in would be let in now: its certificate may have been revoked, its client taken away.
    fn still_counts(&self) -> bool {
        let Some(proof) = &self.proof else { return true };
        let senders = self.gateway.registry().senders(&proof.digest);
        let is_one = |agent: &Agent| senders.iter().any(|caller| Agent::from(&**caller) == *agent);
        proof.verifier.accepts(&proof.chain, self.gateway.now()) && self.sources.iter().all(|(_, agent)| is_one(agent))
    }

    fn agent(&self, source: &Arc<Source>) -> Option<&Agent> {
        self.sources.iter().find(|(own, _)| own == source).map(|(_, agent)| agent)
    }

    fn receive(&self, letter: &Letter, agent: Option<&Agent>) -> Result<Delivered, Fault> {
        let receipt = self.gateway.receive(letter)?;
        let receipts = match receipt.outcome {
            pipeline::Outcome::Parted => self.receipts_of(&receipt.parts)?,
            _ => vec![receipt.clone()],
        };
        for one in &receipts {
            let outcome = if one.is_unused() { Outcome::Rejected } else { Outcome::Done };
            let mut event = event(self.gateway.now(), agent, self.address, outcome);
            event.patients.extend(one.record());
            event.count = u32::try_from(one.resources.len()).unwrap_or(u32::MAX);
            self.gateway.journal().record_now(event)?;
        }
        let whole = if receipt.outcome == pipeline::Outcome::Parted { receipt.issues } else { Vec::new() };
        let verdicts = receipts.into_iter().map(Self::verdict).collect();
        Ok(Delivered { verdicts, whole })
    }

    fn verdict(receipt: Receipt) -> Verdict {
        // Held or refused: both are kept, and the sender's to mend.
        if !receipt.is_unused() {
            return Verdict::Stored(receipt.issues);
        }
        Verdict::Held(receipt.issues)
    }

    fn receipts_of(&self, parts: &[Part]) -> Result<Vec<Receipt>, Fault> {
        let missing = || Fault::Broken("a part of a batch has no receipt".into());
        let receipt = |part: &Part| {
            let id = LetterId::parse(&part.letter).ok_or_else(missing)?;
            self.gateway.pipeline().receipt(id)?.ok_or_else(missing)
        };
        parts.iter().map(receipt).collect()
    }
}

fn failed(fault: Fault) -> Verdict {
    Verdict::Failed(finding(match fault {
        Fault::Busy | Fault::Conflict => &BUSY,
        Fault::Broken(what) => {
            tracing::error!(what, "broken");
            &BROKEN
        }
    }))
}

fn finding(rule: &'static Rule) -> Finding {
    Finding::from(&Issue::new(rule, Place::Whole))
}

fn event(now_ms: i64, agent: Option<&Agent>, address: IpAddr, outcome: Outcome) -> Event {
    Event { outcome, agent: agent.cloned(), address: Some(address), ..Event::new(now_ms, What::Receive) }
}
