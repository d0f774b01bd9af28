//! Packed bodies (checklist NEG-17): answers as gzip or Zstandard where that pays, requests unpacked up to the limit.

use std::io::Read;

use crate::gateway::{Ask, BODY_BYTES_MAX};
use crate::{issue, patient, served};
use serde_json::json;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    out.extend(miniz_oxide::deflate::compress_to_vec(body, 6));
    out.extend(crc32fast::hash(body).to_le_bytes());
    out.extend((body.len() as u32).to_le_bytes());
    out
}

fn gunzip(packed: &[u8]) -> Vec<u8> {
    assert!(packed.starts_with(&[0x1f, 0x8b, 8, 0]), "a gzip member without a name");
    let body = miniz_oxide::inflate::decompress_to_vec(&packed[10..packed.len() - 8]).expect("deflate");
    let sum = crc32fast::hash(&body).to_le_bytes();
    assert_eq!(packed[packed.len() - 8..packed.len() - 4], sum, "the checksum");
    body
}

#[test]
fn long_answers_are_packed_as_asked() {
    let served = served();
    let search = format!("/Condition?_count=100&patient={}", &patient()[1..]);
    let plain = served.get("hospital", search.as_str());
    assert!(plain.bytes.len() >= 8 << 10 && plain.header("content-encoding").is_none());
    for (accept, coding) in [
        ("gzip", Some("gzip")),
        ("gzip, deflate, br", Some("gzip")),
        ("zstd", Some("zstd")),
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("gzip;q=0", None),
        ("br", None),
        ("identity", None),
    ] {
        for method in ["GET", "HEAD"] {
            let ask = Ask { method, ..Ask::get("hospital", search.as_str()) };
            let answer = served.ask(ask.with("accept-encoding", accept));
            assert_eq!(answer.header("content-encoding"), coding, "NEG-17 {accept}");
            assert!(answer.header("vary").is_some_and(|vary| vary.contains("Accept-Encoding")), "NEG-17");
            if method == "HEAD" {
                continue;
            }
            let body = match coding {
                Some("gzip") => gunzip(&answer.bytes),
                Some(_) => {
                    let mut body = Vec::new();
                    zstd::stream::read::Decoder::new(&answer.bytes[..]).unwrap().read_to_end(&mut body).unwrap();
                    body
                }
                None => answer.bytes.clone(),
            };
            assert_eq!(body, plain.bytes, "NEG-17 {accept}");
        }
    }
    let short = served.ask(Ask::get("hospital", patient()).with("accept-encoding", "gzip"));
    assert_eq!(short.header("content-encoding"), None);
}

#[test]
fn packed_requests_are_unpacked_up_to_the_limit() {
    let served = served();
    let body = |length: usize| {
        let mut body = json!({"resourceType": "Organization", "id": "o", "name": "x"}).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        body.into_bytes()
    };
    let (fits, over, bomb) = (body(BODY_BYTES_MAX), body(BODY_BYTES_MAX + 1), body(50 << 20));
    let zstd = |body: &[u8]| zstd::bulk::compress(body, 1).unwrap();
    let unsized_zstd = |body: &[u8]| zstd::stream::encode_all(body, 1).unwrap();
    for (what, coding, packed, status, rule) in [
        ("gzip at the limit", "gzip", gzip(&fits), 200, ""),
        ("gzip past the limit", "gzip", gzip(&over), 413, "body-too-large"),
        ("a gzip bomb", "gzip", gzip(&bomb), 413, "body-too-large"),
        ("zstd at the limit", "zstd", zstd(&fits), 200, ""),
        ("zstd past the limit", "zstd", zstd(&over), 413, "body-too-large"),
        ("a zstd bomb", "zstd", unsized_zstd(&bomb), 413, "body-too-large"),
        ("not packed", "identity", fits.clone(), 200, ""),
        ("not packed, said to be", "gzip", fits.clone(), 400, "broken-packing"),
        ("broken off", "gzip", gzip(&fits)[..40].to_vec(), 400, "broken-packing"),
        ("another coding", "br", fits.clone(), 415, "not-unpacked"),
        ("two codings", "gzip, gzip", gzip(&gzip(&fits)), 415, "not-unpacked"),
    ] {
        let ask = Ask { method: "PUT", body: packed, ..Ask::get("office", "/Organization/o") };
        let ask = ask.with("content-type", "application/fhir+json").with("content-encoding", coding);
        let answer = served.ask(ask);
        assert_eq!(answer.status, status, "NEG-17 {what}: {}", answer.body);
        if !rule.is_empty() {
            assert_eq!(issue(&answer).1, rule, "NEG-17 {what}");
        }
    }
}
