//! Where heads of the audit chain are signed and written to: a file of one line each, which may lie on another machine's disk,
//! and the key (Ed25519), of which the public half lies beside it for whoever verifies (docs/adr/0039).

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::audit::{Head, PublicKey, SignedHead};
use crate::fault::Fault;
use crate::fhir::base64;

/// The file of heads where a folder is named.
pub const FILE: &str = "heads.ndjson";
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// Whoever runs the gateway, and nobody else.
const KEY_MODE: u32 = 0o600;

/// The key, and where heads are written to.
pub struct Anchors {
    pair: Ed25519KeyPair,
    public: PublicKey,
    file: PathBuf,
}

impl Anchors {
    /// Reads the key (PKCS#8, PEM), making it where there is none, and its public half beside it (`.pub`). `anchors` is a file, or
    /// a folder that is there.
    pub fn open(key: &Path, anchors: &Path) -> Result<Self, Fault> {
        let pem = match std::fs::read_to_string(key) {
            Ok(pem) => pem,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(key)?,
            Err(error) => return Err(broken("the key of audit heads cannot be read", &error)),
        };
        let pair = pair_of(&pem).ok_or_else(|| Fault::Broken("the key of audit heads is no Ed25519 key".into()))?;
        let public = pair.public_key().as_ref().try_into().map(PublicKey);
        let public = public.map_err(|_| Fault::Broken("the key of audit heads has no public half".into()))?;
        let beside = public_of(key);
        if !beside.exists() {
            std::fs::write(&beside, public.pem()).map_err(|error| broken("a public key cannot be written", &error))?;
        }
        Ok(Anchors { pair, public, file: file_of(anchors) })
    }

    /// The public half of the key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The file of heads.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Signs a head.
    pub fn sign(&self, head: Head) -> SignedHead {
        let signature = self.pair.sign(head.signed_text().as_bytes()).as_ref().to_vec();
        SignedHead { head, key: self.public.name(), signature }
    }

    /// Adds a head to the file; on return it survives power loss.
    pub fn write(&self, signed: &SignedHead) -> Result<(), Fault> {
        let wrong = |error: std::io::Error| broken("the file of audit heads cannot be written", &error);
        let before = match std::fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(wrong(error)),
        };
        let mut line = signed.line() + "\n";
        // A line whose writing was cut short stays as it is.
        if before.last().is_some_and(|last| *last != b'\n') {
            line.insert(0, '\n');
        }
        let mut file = OpenOptions::new().append(true).create(true).open(&self.file).map_err(wrong)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
        match self.file.parent().filter(|_| before.is_empty()) {
            Some(folder) if !folder.as_os_str().is_empty() => {
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Anchors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Anchors").field("key", &self.public.name()).field("file", &self.file).finish()
    }
}

/// The heads of a file, or of the file in a folder, and how many of its lines are none. None where there is no such file.
pub fn heads(anchors: &Path) -> Result<(Vec<SignedHead>, usize), Fault> {
    let bytes = match std::fs::read(file_of(anchors)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(broken("the file of audit heads cannot be read", &error)),
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter(|line| !line.is_empty());
    let (read, unread): (Vec<_>, Vec<_>) = lines.map(SignedHead::parse).partition(Option::is_some);
    Ok((read.into_iter().flatten().collect(), unread.len()))
}

/// The public half of a key, as [`Anchors::open`] writes it.
pub fn public_of(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn file_of(anchors: &Path) -> PathBuf {
    if anchors.is_dir() { anchors.join(FILE) } else { anchors.to_owned() }
}

fn make(key: &Path) -> Result<String, Fault> {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
    let der = made.map_err(|_| Fault::Broken("a key of audit heads cannot be made".into()))?;
    let pem = format!("{BEGIN}\n{}\n{END}\n", base64::encode(der.as_ref()));
    let opened = OpenOptions::new().write(true).create_new(true).mode(KEY_MODE).open(key);
    opened
        .and_then(|mut file| file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| broken("a key of audit heads cannot be written", &error))?;
    Ok(pem)
}

/// Both forms of PKCS#8 are taken: with the public half, as it is made here, and without, as others make it.
fn pair_of(pem: &str) -> Option<Ed25519KeyPair> {
    let (_, rest) = pem.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&base64::decode(body)?).ok()
}

fn broken(what: &str, error: &std::io::Error) -> Fault {
    Fault::Broken(format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::audit::ChunkHash;

    fn head(number: u64) -> Head {
        Head { number, hash: ChunkHash::of(number, b"chunk"), at_ms: 5 }
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_signs_what_its_public_half_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("head-key.pem");
        let anchors = Anchors::open(&key, folder.path()).unwrap();
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, KEY_MODE);
        let again = Anchors::open(&key, folder.path()).unwrap();
        assert_eq!(anchors.public(), again.public());
        let public = PublicKey::of_pem(&std::fs::read_to_string(public_of(&key)).unwrap()).unwrap();
        assert!(again.sign(head(1)).is_signed_by(&public));
        // RFC 8410 section 10.3: without the public half.
        let foreign = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let public = Anchors { pair: pair_of(foreign).unwrap(), ..anchors }.pair.public_key().as_ref().to_vec();
        assert_eq!(base64::encode(&public), "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
        std::fs::write(&key, "nonsense").unwrap();
        assert!(matches!(Anchors::open(&key, folder.path()), Err(Fault::Broken(_))));
    }

    #[test]
    fn heads_are_added_and_a_line_cut_short_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let anchors = Anchors::open(&folder.path().join("k"), folder.path()).unwrap();
        assert_eq!(heads(folder.path()).unwrap(), (Vec::new(), 0));
        let signed = [anchors.sign(head(1)), anchors.sign(head(2))];
        anchors.write(&signed[0]).unwrap();
        let mut torn = OpenOptions::new().append(true).open(anchors.file()).unwrap();
        torn.write_all(b"{\"number\":").unwrap();
        anchors.write(&signed[1]).unwrap();
        assert_eq!(heads(anchors.file()).unwrap(), (signed.to_vec(), 1));
    }
}
