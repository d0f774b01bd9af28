//! Who is calling: bearer tokens, client certificates, registered clients and how they show who they are.

pub mod assertion;
pub mod certificate;
pub mod digest;
pub mod jwks;
pub mod keys;
pub mod people;
pub mod person_token;
pub mod purpose;
pub mod rate;
pub mod registry;
pub mod revocation;
pub mod tls;
pub mod token;

pub use assertion::Assertion;
pub use certificate::PeerCertificate;
pub use digest::Digest;
pub use jwks::KeySet;
pub use keys::{Fetcher, Keys};
pub use people::{People, Person};
pub use registry::{Client, Issued, Registered, Registry};
pub use revocation::{Chain, Verifier};
