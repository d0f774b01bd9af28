//! Zip files (APPNOTE.TXT of PKWARE 6.3, sections 4.3 and 4.4): the list of entries from the central directory, and each
//! entry unpacked when it is asked for, never beyond the size it declares.
//!
//! What makes a small file into a large one is refused before anything is unpacked: too many entries, too many bytes
//! declared, an entry that would grow more than text does, entries that share their bytes.

use encoding_rs::SHIFT_JIS;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::fault::{Issue, Place, rules};

/// Entries, folders included.
pub const ENTRIES_MAX: usize = 100_000;
/// An entry, unpacked.
pub const ENTRY_BYTES_MAX: u64 = 64 << 20;
/// All entries together, unpacked.
pub const TOTAL_BYTES_MAX: u64 = 1 << 30;
/// How many times larger an entry may become; text becomes 5 to 20 times larger, an empty page of bytes 1000.
pub const RATIO_MAX: u64 = 200;
/// Entries below this size may grow as they like.
const RATIO_FROM_BYTES: u64 = 1 << 20;
/// Longest comment at the end of the file, and so how far from the end the directory is looked for (section 4.3.16).
const COMMENT_BYTES_MAX: usize = 0xffff;

rules! {
    pub(super) NOT_WHOLE "zip-not-whole" Fatal Structure
        "The zip file is damaged or not whole ({})."
        "zipファイルが壊れているか、途中で途切れています({})。"
    pub(super) TOO_MANY "zip-too-many" Fatal TooCostly
        "The zip file has more than {} entries; send it in parts."
        "zipファイルの項目が{}個を超えています。分割して送ってください。"
    pub(super) TOO_LARGE "zip-too-large" Fatal TooCostly
        "Unpacked, the zip file would be larger than {}; send it in parts."
        "zipファイルを展開すると{}を超えます。分割して送ってください。"
    pub(super) SHARED "zip-shared-bytes" Fatal TooCostly
        "Entries of the zip file share their bytes; no archiver makes that."
        "zipファイルの複数の項目が同じバイト列を共有しています。通常の圧縮ソフトでは作られない形式のため受け付けません。"
    pub(super) ENTRY_TOO_LARGE "zip-entry-too-large" Error TooCostly
        "This entry would be larger than {} when unpacked; it was not taken in."
        "この項目は展開すると{}を超えるため、受け取りませんでした。"
    pub(super) RATIO "zip-ratio" Error TooCostly
        "This entry would become more than {} times larger when unpacked; it was not taken in."
        "この項目は展開すると{}倍を超えて大きくなるため、受け取りませんでした。"
    pub(super) ENCRYPTED "zip-encrypted" Error NotSupported
        "This entry is encrypted; it was not taken in."
        "この項目は暗号化されているため、受け取りませんでした。"
    pub(super) METHOD "zip-method" Error NotSupported
        "This entry is compressed by method {}; only 0 (stored) and 8 (deflate) are read."
        "この項目の圧縮方式({})には対応していません。対応するのは 0(無圧縮)と 8(deflate)だけです。"
    pub(super) DAMAGED "zip-entry-damaged" Error Structure
        "This entry is damaged: {}; it was not taken in."
        "この項目は壊れているため({})、受け取りませんでした。"
    pub(super) OUTSIDE "zip-outside" Error Forbidden
        "The name of this entry leads out of the zip file (.., a drive or the root); it was not taken in."
        "この項目の名前はzipファイルの外(..、ドライブ、ルート)を指しているため、受け取りませんでした。"
}

/// One file in a zip file; folders are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which entry of the central directory it is, from 1: how issues name it, because a name may hold a patient's number.
    pub number: usize,
    /// Its path with `/`.
    pub name: String,
    flags: u16,
    method: u16,
    checksum: u32,
    packed: u64,
    unpacked: u64,
    header: u64,
}

/// Whether bytes begin as a zip file does: an entry, or the end of an empty directory.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// The files of a zip file in the order of its directory. The issue says why nothing of it can be used.
pub fn entries(bytes: &[u8]) -> Result<Vec<Entry>, Issue> {
    let refuse = |rule, detail: &str| Issue::with(rule, Place::Whole, detail);
    let end = End::find(bytes).ok_or_else(|| refuse(&NOT_WHOLE, "end of central directory"))?;
    if end.entries > ENTRIES_MAX as u64 {
        return Err(refuse(&TOO_MANY, &ENTRIES_MAX.to_string()));
    }
    let not_whole = || refuse(&NOT_WHOLE, "central directory");
    let start = usize::try_from(end.offset).map_err(|_| not_whole())?;
    let mut rest = bytes.get(start..).ok_or_else(not_whole)?;
    let (mut found, mut packed, mut unpacked) = (Vec::new(), 0_u64, 0_u64);
    for number in 1..=usize::try_from(end.entries).unwrap_or(ENTRIES_MAX) {
        let (entry, after) = Entry::read(rest, number).ok_or_else(not_whole)?;
        rest = after;
        packed = packed.saturating_add(entry.packed);
        unpacked = unpacked.saturating_add(entry.unpacked);
        if !entry.name.ends_with('/') {
            found.push(entry);
        }
    }
    if packed > bytes.len() as u64 {
        return Err(refuse(&SHARED, ""));
    }
    if unpacked > TOTAL_BYTES_MAX {
        return Err(refuse(&TOO_LARGE, &format!("{} MiB", TOTAL_BYTES_MAX >> 20)));
    }
    Ok(found)
}

impl Entry {
    /// Its contents. The issue says why it cannot be used; the other entries can.
    pub fn read_from(&self, file: &[u8]) -> Result<Vec<u8>, Issue> {
        let refuse = |rule, detail: String| Err(Issue::with(rule, self.place(), detail));
        if self.name.split('/').any(|part| part == "..") || self.name.starts_with('/') || self.name.contains(':') {
            return refuse(&OUTSIDE, String::new());
        }
        if self.flags & (1 | 1 << 6 | 1 << 13) != 0 {
            return refuse(&ENCRYPTED, String::new());
        }
        if self.unpacked > ENTRY_BYTES_MAX {
            return refuse(&ENTRY_TOO_LARGE, format!("{} MiB", ENTRY_BYTES_MAX >> 20));
        }
        if self.unpacked > RATIO_FROM_BYTES && self.unpacked / RATIO_MAX > self.packed {
            return refuse(&RATIO, RATIO_MAX.to_string());
        }
        let Some(packed) = self.packed_in(file) else { return refuse(&DAMAGED, "bytes missing".into()) };
        let length = usize::try_from(self.unpacked).unwrap_or(usize::MAX);
        let contents = match self.method {
            0 => packed.to_vec(),
            8 => match decompress_to_vec_with_limit(packed, length) {
                Ok(contents) => contents,
                Err(_) => return refuse(&DAMAGED, "deflate".into()),
            },
            other => return refuse(&METHOD, other.to_string()),
        };
        if contents.len() != length || crc32fast::hash(&contents) != self.checksum {
            return refuse(&DAMAGED, "CRC-32".into());
        }
        Ok(contents)
    }

    /// Where issues about it stand: `entry 17`.
    pub fn place(&self) -> Place {
        Place::Path(format!("entry {}", self.number).into())
    }

    /// One entry of the central directory (section 4.3.12), and what follows it.
    fn read(bytes: &[u8], number: usize) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(46)?;
        head.starts_with(b"PK\x01\x02").then_some(())?;
        let (name, rest) = rest.split_at_checked(u16_at(head, 28)?.into())?;
        let (extra, rest) = rest.split_at_checked(u16_at(head, 30)?.into())?;
        let rest = rest.get(usize::from(u16_at(head, 32)?)..)?;
        let flags = u16_at(head, 8)?;
        let mut entry = Entry {
            number,
            name: String::new(),
            flags,
            method: u16_at(head, 10)?,
            checksum: u32_at(head, 16)?,
            packed: u32_at(head, 20)?.into(),
            unpacked: u32_at(head, 24)?.into(),
            header: u32_at(head, 42)?.into(),
        };
        entry.name = name_of(name, flags, extra);
        entry.widen(extra)?;
        Some((entry, rest))
    }

    /// Zip64 (section 4.5.3): fields that hold all ones stand in the extra field, in this order.
    fn widen(&mut self, extra: &[u8]) -> Option<()> {
        let mut wide = extra_field(extra, 1).unwrap_or_default();
        for narrow in [&mut self.unpacked, &mut self.packed, &mut self.header] {
            if *narrow == u64::from(u32::MAX) {
                *narrow = u64_at(wide, 0)?;
                wide = wide.get(8..)?;
            }
        }
        Some(())
    }

    /// The packed bytes, behind the entry's own header (section 4.3.7).
    fn packed_in<'f>(&self, file: &'f [u8]) -> Option<&'f [u8]> {
        let header = file.get(usize::try_from(self.header).ok()?..)?;
        header.starts_with(b"PK\x03\x04").then_some(())?;
        let start = 30 + usize::from(u16_at(header, 26)?) + usize::from(u16_at(header, 28)?);
        header.get(start..)?.get(..usize::try_from(self.packed).ok()?)
    }
}

/// Where the directory is and how many entries it has.
struct End {
    entries: u64,
    offset: u64,
}

impl End {
    /// The last record of the file (section 4.3.16), or that of Zip64 before it (sections 4.3.14 and 4.3.15).
    fn find(bytes: &[u8]) -> Option<Self> {
        let last = bytes.len().checked_sub(22)?;
        let first = last.saturating_sub(COMMENT_BYTES_MAX);
        let at = (first..=last).rev().find(|at| bytes.get(*at..).is_some_and(|b| b.starts_with(b"PK\x05\x06")))?;
        let record = bytes.get(at..)?;
        let end = End { entries: u16_at(record, 10)?.into(), offset: u32_at(record, 16)?.into() };
        if end.entries != 0xffff && end.offset != 0xffff_ffff {
            return Some(end);
        }
        let locator = at.checked_sub(20).and_then(|at| bytes.get(at..)).filter(|b| b.starts_with(b"PK\x06\x07"));
        let Some(locator) = locator else { return Some(end) };
        let wide = bytes.get(usize::try_from(u64_at(locator, 8)?).ok()?..)?;
        wide.starts_with(b"PK\x06\x06").then_some(())?;
        Some(End { entries: u64_at(wide, 32)?, offset: u64_at(wide, 48)? })
    }
}

/// UTF-8 where flag 11 or the extra field of Info-ZIP (0x7075) says so or the bytes are; else Shift_JIS, which Japanese
/// Windows writes without saying so. Windows' own archiver before 2012 wrote `\` between folders.
fn name_of(name: &[u8], flags: u16, extra: &[u8]) -> String {
    let said = extra_field(extra, 0x7075).and_then(|field| field.get(5..)).unwrap_or(name);
    let text = match std::str::from_utf8(said) {
        Ok(text) => text.to_owned(),
        Err(_) if flags & 1 << 11 != 0 => String::from_utf8_lossy(said).into_owned(),
        Err(_) => SHIFT_JIS.decode_without_bom_handling(name).0.into_owned(),
    };
    text.replace('\\', "/")
}

fn extra_field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let field = extra.get(4..)?;
        if id == wanted {
            return field.get(..length);
        }
        extra = field.get(length..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

#[cfg(test)]
pub(super) mod tests;
