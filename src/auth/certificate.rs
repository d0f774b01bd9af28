//! The certificate at the other end of a connection: the fingerprint a client may be bound to (RFC 8705, section 3),
//! and the little of X.509 (RFC 5280, section 4.1) that is needed to say when a certificate is valid.

use std::any::Any;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;

use super::Digest;
use super::revocation::Chain;
use crate::fhir::time::Interval;

/// SHA-256 of the certificate (DER) that the client showed on this connection, after rustls verified it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCertificate(pub Digest);

/// For `HttpServer::on_connect`: keeps the client's certificate, when it showed one, to be read with
/// `request.conn_data::<PeerCertificate>()`, and as a [`Chain`].
pub fn remember(connection: &dyn Any, extensions: &mut Extensions) {
    let stream = connection.downcast_ref::<TlsStream<TcpStream>>();
    let certificates = stream.and_then(|stream| stream.get_ref().1.peer_certificates());
    if let Some((certificate, shown)) = certificates.and_then(|all| Some((all.first()?, all))) {
        extensions.insert(PeerCertificate(Digest::of(certificate)));
        extensions.insert(Chain::new(shown.iter().map(|one| one.clone().into_owned()).collect()));
    }
}

/// When a certificate is valid; `None` when it is not one.
pub fn validity(der: &[u8]) -> Option<Interval> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xA0;
    let (SEQUENCE, certificate, _) = element(der)? else { return None };
    let (SEQUENCE, mut fields, _) = element(certificate)? else { return None };
    if let (VERSION, _, rest) = element(fields)? {
        fields = rest;
    }
    for _serial_algorithm_issuer in 0..3 {
        fields = element(fields)?.2;
    }
    let (SEQUENCE, dates, _) = element(fields)? else { return None };
    let (tag, start, dates) = element(dates)?;
    let (end_tag, end, _) = element(dates)?;
    Some(Interval { start: instant(tag, start)?.start, end: instant(end_tag, end)?.end })
}

/// One DER element: tag, content, what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// UTCTime `YYMMDDHHMMSSZ` (years 1950 to 2049) or GeneralizedTime `YYYYMMDDHHMMSSZ`.
fn instant(tag: u8, text: &[u8]) -> Option<Interval> {
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        0x17 => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        0x18 => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    (text.get(14..)? == "Z").then_some(())?;
    Interval::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_read_in_both_spellings_of_time() {
        for (start, end) in [(2026, 2036), (1999, 2050)] {
            let mut params = rcgen::CertificateParams::new(vec!["gateway.example".into()]).unwrap();
            params.not_before = rcgen::date_time_ymd(start, 1, 2);
            params.not_after = rcgen::date_time_ymd(end, 12, 31);
            let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            let validity = validity(certificate.der()).unwrap();
            let expected = [format!("{start}-01-02T00:00:00Z"), format!("{end}-12-31T00:00:00Z")];
            let [start, end] = expected.map(|text| Interval::parse(&text, 0).unwrap());
            assert_eq!(validity, Interval { start: start.start, end: end.end });
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        let certificate = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert;
        let der = certificate.der();
        for length in 0..der.len() {
            assert_eq!(validity(&der[..length]), None);
        }
        for at in 0..der.len() {
            let mut broken = der.to_vec();
            broken[at] ^= 0xFF;
            let _ = validity(&broken);
        }
    }
}
