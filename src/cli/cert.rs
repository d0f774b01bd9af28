//! `tasuki cert`: a certificate authority for tests, what it issues, and its revocation list. Its key lies open in a folder:
//! for real ones use a real authority.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};

use super::{fail, say};
use crate::config::client;
use crate::fault::Exit;

/// How long what is issued is valid, days.
const DAYS: i64 = 365;
/// Characters that a name may have, which is a file's name too.
const NAME: &str = "-_.";

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The folder of the authority: ca.pem, ca-key.pem, crl.pem, and NAME.pem and NAME-key.pem of what it issues
    #[arg(long, default_value = "certificates", global = true)]
    folder: PathBuf,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make an authority, with an empty revocation list
    Authority,
    /// Issue a certificate, for servers (a host name or address) and clients alike
    Issue {
        /// A host name, an address, or the name of a client
        name: String,
    },
    /// Put a certificate that was issued on the revocation list
    Revoke {
        /// The name for which it was issued
        name: String,
    },
}

pub(super) fn run(options: &Options) -> Exit {
    let folder = &options.folder;
    let done = match &options.act {
        Act::Authority => authority(folder),
        Act::Issue { name } => issue(folder, name),
        Act::Revoke { name } => revoke(folder, name),
    };
    match done {
        Ok(()) => Exit::Done,
        Err(sentence) => fail(Exit::Data, &sentence),
    }
}

/// What the authority is, each time anew: its name and its key make it the same one.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Tasuki test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, 10 * DAYS);
    params
}

/// From yesterday, because clocks differ, for so many days.
fn valid(params: &mut CertificateParams, days: i64) {
    let at = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
    (params.not_before, params.not_after) = (at(day(-1)), at(day(days)));
}

/// Year, month and day so many days from now.
fn day(more: i64) -> (i32, u8, u8) {
    let at = jiff::Timestamp::from_millisecond(super::now() + more * 86_400_000).unwrap_or_default();
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let unsigned = |number: i8| u8::try_from(number).unwrap_or(1);
    (i32::from(date.year()), unsigned(date.month()), unsigned(date.day()))
}

/// Makes an authority in a folder.
pub(super) fn authority(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if folder.join("ca-key.pem").exists() {
        return Err(format!("there is an authority in {} already", folder.display()));
    }
    let key = KeyPair::generate().map_err(text)?;
    let certificate = params().self_signed(&key).map_err(text)?;
    write(folder, "ca-key.pem", &key.serialize_pem())?;
    write(folder, "ca.pem", &certificate.pem())?;
    write(folder, "revoked.txt", "")?;
    list(folder)?;
    say(&format!("an authority for tests is in {}", folder.display()));
    Ok(())
}

/// Issues a certificate for a name, with its key beside it.
pub(super) fn issue(folder: &Path, name: &str) -> Result<(), String> {
    let name = named(name)?;
    let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(text)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, DAYS);
    let serial = uuid::Uuid::new_v4().into_bytes();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let key = KeyPair::generate().map_err(text)?;
    let certificate = params.signed_by(&key, &issuer(folder)?).map_err(text)?;
    write(folder, &format!("{name}-key.pem"), &key.serialize_pem())?;
    write(folder, &format!("{name}.pem"), &certificate.pem())?;
    write(folder, &format!("{name}.serial"), &uuid::Uuid::from_bytes(serial).simple().to_string())?;
    let digest = client::fingerprint(certificate.pem().as_bytes()).map(|digest| digest.hex()).unwrap_or_default();
    say(&format!("{name}: certificate_sha256 = \"{digest}\""));
    Ok(())
}

fn revoke(folder: &Path, name: &str) -> Result<(), String> {
    let serial = read(folder, &format!("{}.serial", named(name)?))?;
    let revoked = read(folder, "revoked.txt").unwrap_or_default();
    if !revoked.lines().any(|known| known.starts_with(serial.trim())) {
        let line = format!("{revoked}{} {}\n", serial.trim(), super::now() / 1000);
        write(folder, "revoked.txt", &line)?;
    }
    list(folder)?;
    say(&format!("{name}: on the revocation list {}", folder.join("crl.pem").display()));
    Ok(())
}

/// Writes the revocation list.
fn list(folder: &Path) -> Result<(), String> {
    let revoked = read(folder, "revoked.txt").unwrap_or_default();
    let at = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
    let (this_update, next_update) = (at(day(-1)), at(day(DAYS)));
    let one = |line: &str| {
        let serial = uuid::Uuid::parse_str(line.split(' ').next()?).ok()?;
        Some(RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial.as_bytes()),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        })
    };
    let number = u64::try_from(super::now()).unwrap_or_default();
    let list = CertificateRevocationListParams {
        this_update,
        next_update,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: revoked.lines().filter_map(one).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&issuer(folder)?).map_err(text)?.pem().map_err(text)?;
    write(folder, "crl.pem", &list)
}

fn issuer(folder: &Path) -> Result<Issuer<'static, KeyPair>, String> {
    let key = KeyPair::from_pem(&read(folder, "ca-key.pem")?).map_err(text)?;
    Ok(Issuer::new(params(), key))
}

/// A name that can be a file's.
fn named(name: &str) -> Result<&str, String> {
    let fits = !name.is_empty() && name.len() <= 64 && !name.starts_with('.');
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || NAME.contains(c));
    if fits && plain { Ok(name) } else { Err(format!("{name} is no name of a host or client")) }
}

fn read(folder: &Path, name: &str) -> Result<String, String> {
    let file = folder.join(name);
    fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Writes beside the file first, so that nobody reads half of it. Keys are for their owner alone.
fn write(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    let (file, aside) = (folder.join(name), folder.join(format!(".{name}.part")));
    let done = super::private::write(&aside, text).and_then(|()| fs::rename(&aside, &file));
    done.map_err(|error| format!("{}: {error}", file.display()))
}

fn text(error: rcgen::Error) -> String {
    error.to_string()
}
