//! FHIR packages of our own, as files hold them.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test file uses its part of this

use serde_json::{Value, json};
use tasuki::gzip::gzip;

/// A package of definitions; each lies in a file named by its place.
pub fn package(name: &str, version: &str, definitions: &[Value]) -> Vec<u8> {
    let manifest = json!({"name": name, "version": version, "fhirVersions": ["4.0.1"],
        "dependencies": {"hl7.fhir.r4.core": "4.0.1"}});
    let mut tar = file("package/package.json", &manifest);
    for (at, definition) in definitions.iter().enumerate() {
        tar.extend(file(&format!("package/{}-{at}.json", definition["resourceType"].as_str().unwrap()), definition));
    }
    tar.extend([0; 1024]);
    gzip(&tar, 6)
}

fn file(path: &str, contents: &Value) -> Vec<u8> {
    let contents = contents.to_string();
    let mut header = vec![0_u8; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", contents.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend(contents.as_bytes());
    header.resize(header.len().next_multiple_of(512), 0);
    header
}
