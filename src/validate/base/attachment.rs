//! Attachments that hold what they say of themselves (datatypes.html#Attachment).

use serde_json::{Map, Value};

use super::rule::{HASH, SIZE};
use super::walk::Walk;
use crate::fhir::base64;
use crate::validate::path::Path;

/// Size and hash beside the data, where all of it is there.
pub(super) fn check(walk: &mut Walk<'_>, attachment: &Map<String, Value>, path: &Path<'_>) {
    let (size, hash) = (attachment.get("size").and_then(Value::as_u64), attachment.get("hash").and_then(Value::as_str));
    let Some(data) = attachment.get("data").and_then(Value::as_str).filter(|_| size.is_some() || hash.is_some()) else {
        return;
    };
    let Some(bytes) = base64::decode(data) else { return };
    if size.is_some_and(|size| size != bytes.len() as u64) {
        walk.add(&SIZE, &path.member("size"));
    }
    let said = hash.and_then(base64::decode);
    if said.is_some_and(|said| said != sha1_smol::Sha1::from(&bytes).digest().bytes()) {
        walk.add(&HASH, &path.member("hash"));
    }
}
