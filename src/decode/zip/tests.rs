//! Zip files as archivers make them, and as nobody should.

use super::*;

/// A zip file of these entries: name, contents, deflated or stored.
pub(in crate::decode) fn zip(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, contents, deflated) in files {
        let packed = if *deflated { miniz_oxide::deflate::compress_to_vec(contents, 6) } else { contents.to_vec() };
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, if *deflated { 8 } else { 0 }, 0, 0, 0, 0, 0]);
        common.extend(crc32fast::hash(contents).to_le_bytes());
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((contents.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(*b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((file.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        file.extend(*b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.as_bytes());
        file.extend(packed);
    }
    let offset = file.len() as u32;
    file.extend(&directory);
    file.extend(*b"PK\x05\x06\x00\x00\x00\x00");
    file.extend([(files.len() as u16).to_le_bytes(); 2].as_flattened());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(offset.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// Where the central directory begins.
fn directory(file: &[u8]) -> usize {
    u32_at(file, file.len() - 6).unwrap() as usize
}

fn read_all(file: &[u8]) -> Vec<Result<Vec<u8>, &'static str>> {
    let entries = entries(file).unwrap();
    entries.iter().map(|entry| entry.read_from(file).map_err(|issue| issue.rule.id)).collect()
}

#[test]
fn entries_are_unpacked_stored_or_deflated() {
    let long = b"MSH|^~\\&|".repeat(1000);
    let file = zip(&[("a/", b"", false), ("a/b.hl7", &long, true), ("c", b"x", false)]);
    assert!(is_zip(&file));
    let names: Vec<_> = entries(&file).unwrap().into_iter().map(|entry| (entry.number, entry.name)).collect();
    assert_eq!(names, [(2, "a/b.hl7".to_owned()), (3, "c".to_owned())]);
    assert_eq!(read_all(&file), [Ok(long), Ok(b"x".to_vec())]);
    assert_eq!(entries(&zip(&[])), Ok(Vec::new()));
}

#[test]
fn a_name_without_a_declaration_is_shift_jis_when_it_is_not_utf8() {
    assert_eq!(name_of(b"\x8a\xb3\x8e\xd2\\1", 0, b""), "患者/1");
    assert_eq!(name_of("患者/1".as_bytes(), 0, b""), "患者/1");
    let extra = [&b"\x75\x70\x0b\x00\x01\0\0\0\0"[..], "患者".as_bytes()].concat();
    assert_eq!(name_of(b"??", 0, &extra), "患者");
}

#[test]
fn what_is_damaged_is_told_and_the_rest_is_read() {
    let mut file = zip(&[("a", b"abc", false), ("b", b"abc", true), ("c", b"abc", false)]);
    file[31] ^= 1; // the contents of a
    assert_eq!(read_all(&file), [Err("zip-entry-damaged"), Ok(b"abc".to_vec()), Ok(b"abc".to_vec())]);
    let start = directory(&file);
    file[start + 8] |= 1; // a is encrypted
    file[start + 47 + 10] = 12; // b is compressed by another method
    assert_eq!(read_all(&file), [Err("zip-encrypted"), Err("zip-method"), Ok(b"abc".to_vec())]);
}

#[test]
fn names_that_lead_elsewhere_are_not_taken() {
    for name in ["../a", "a/../../b", "/etc/a", "C:/a", "..\\a"] {
        assert_eq!(read_all(&zip(&[(name, b"x", false)])), [Err("zip-outside")], "{name}");
    }
}

#[test]
fn no_entry_becomes_larger_than_it_says_or_may() {
    let zeros = vec![0; RATIO_FROM_BYTES as usize + 1];
    assert_eq!(read_all(&zip(&[("bomb", &zeros, true)])), [Err("zip-ratio")]);
    let (last, _) = zeros.split_last().unwrap().1.split_at(RATIO_FROM_BYTES as usize);
    assert_eq!(read_all(&zip(&[("at", last, true)])), [Ok(last.to_vec())], "at the limit");
    let mut file = zip(&[("liar", &b"x".repeat(1000), true)]);
    let start = directory(&file);
    file[start + 24..start + 28].copy_from_slice(&999_u32.to_le_bytes());
    assert_eq!(read_all(&file), [Err("zip-entry-damaged")], "it would not stop where it says");
    file[start + 24..start + 28].copy_from_slice(&(ENTRY_BYTES_MAX as u32 + 1).to_le_bytes());
    assert_eq!(read_all(&file), [Err("zip-entry-too-large")]);
    file[start + 24..start + 28].copy_from_slice(&(ENTRY_BYTES_MAX as u32).to_le_bytes());
    assert_eq!(read_all(&file), [Err("zip-ratio")], "at the limit: not too large");
    file[start + 24..start + 28].copy_from_slice(&(TOTAL_BYTES_MAX as u32).to_le_bytes());
    assert!(entries(&file).is_ok());
    file[start + 24..start + 28].copy_from_slice(&(TOTAL_BYTES_MAX as u32 + 1).to_le_bytes());
    assert_eq!(entries(&file).unwrap_err().rule.id, "zip-too-large");
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let mut file = zip(&[("a", &b"x".repeat(500), false)]);
    let (start, end) = (directory(&file), file.len() - 22);
    let entry = file[start..end].to_vec();
    for _ in 0..9 {
        file.splice(start..start, entry.clone());
    }
    let tail = file.len() - 22;
    file[tail + 8..tail + 12].copy_from_slice(&[10, 0, 10, 0]);
    assert_eq!(entries(&file).unwrap_err().rule.id, "zip-shared-bytes");
}

#[test]
fn the_number_of_entries_is_limited_before_they_are_read() {
    let claim = |entries: u64| {
        let mut file = zip(&[]);
        let tail = file.len() - 22;
        let mut wide = b"PK\x06\x06".to_vec();
        wide.extend([0; 28]);
        wide.extend(entries.to_le_bytes());
        wide.extend([0; 16]);
        wide.extend(*b"PK\x06\x07\0\0\0\0");
        wide.extend([0; 12]);
        file[tail + 8..tail + 12].copy_from_slice(&[0xff; 4]);
        file.splice(0..0, wide);
        entries_rule(&file)
    };
    assert_eq!(claim(ENTRIES_MAX as u64), Some("zip-not-whole"), "at the limit: they are looked for");
    assert_eq!(claim(ENTRIES_MAX as u64 + 1), Some("zip-too-many"));
}

fn entries_rule(file: &[u8]) -> Option<&'static str> {
    entries(file).err().map(|issue| issue.rule.id)
}

#[test]
fn no_cut_and_no_flipped_byte_panics() {
    let file = zip(&[("a/b.hl7", &b"MSH|^~\\&|".repeat(20), true), ("c", b"x", false)]);
    for length in 0..file.len() {
        assert!(entries(&file[..length]).is_err());
    }
    for at in 0..file.len() {
        for bit in [1, 0x80, 0xff] {
            let mut broken = file.clone();
            broken[at] ^= bit;
            if let Ok(entries) = entries(&broken) {
                entries.iter().for_each(|entry| drop(entry.read_from(&broken)));
            }
        }
    }
}
