//! Who is calling: bearer tokens, client certificates, registered clients.

pub mod certificate;
pub mod digest;
pub mod registry;
pub mod tls;
pub mod token;

pub use certificate::PeerCertificate;
pub use digest::Digest;
pub use registry::{Client, Registry};
