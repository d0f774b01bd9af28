//! Senders' own message ids: a message that is sent again says nothing new (`docs/adr/0018`).

use sha2::{Digest, Sha256};

use crate::decode::format::{Format, sniff};
use crate::decode::hl7v2::control_id;
use crate::decode::ssmix2::{self, Naming};
use crate::fault::{Place, rules};
use crate::letter::Letter;
use crate::store::control::{Control, ID_BYTES_MAX};

rules! {
    pub(super) REUSED "control-id-reused" Warning Duplicate
        "Another message came under this message id before, with other content; this one was taken in as a new one."
        "同じメッセージ制御ID(MSH-10)で内容の異なるメッセージを以前に受信しています。新しいメッセージとして取り込みました。"
}

/// MSH-10.
pub(super) fn place() -> Place {
    Place::Field { segment: *b"MSH", occurrence: 1, field: 10, repetition: 0, component: 0, subcomponent: 0 }
}

/// What an HL7 v2 message is known by: the facility whose numbers it uses, MSH-3 and MSH-10. `None` for other letters and
/// where MSH-10 is empty.
pub(super) fn of(letter: &Letter) -> Option<Control> {
    if sniff(&letter.name, &letter.bytes) != Some(Format::Hl7v2) {
        return None;
    }
    let control = control_id(&letter.bytes)?;
    let facility = match letter.source.facility.is_unstated() {
        true => control.facility,
        false => letter.source.facility.as_str().as_bytes(),
    };
    let mut sender = Sha256::new();
    for part in [facility, control.application] {
        sender.update((part.len() as u64).to_be_bytes());
        sender.update(part);
    }
    let id = match control.id.len() <= ID_BYTES_MAX {
        true => control.id.to_vec(),
        false => Sha256::digest(control.id).to_vec(),
    };
    Some(Control { sender: half(&sender.finalize()), id, content: control.content, name: name(letter) })
}

/// A file name of SS-MIX2 says when something was so, and whether it still is: the same message under another such name
/// says something else.
fn name(letter: &Letter) -> u64 {
    if matches!(ssmix2::naming(&letter.name), Naming::Other) {
        return 0;
    }
    let file = letter.name.rsplit('/').next().unwrap_or_default();
    half(&Sha256::digest(file.as_bytes()))
}

/// The first eight bytes of a hash, never 0.
fn half(hash: &[u8]) -> u64 {
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)).max(1)
}
