//! Tar files (POSIX.1-2017, pax and ustar; GNU's long names) in memory: the regular files in them, nothing written anywhere.

use std::borrow::Cow;

const BLOCK_BYTES: usize = 512;

/// What is wrong with the file, in English.
pub(super) type Damage = &'static str;

/// A regular file of a tar file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// Its path, as it was written.
    pub(super) path: Cow<'a, str>,
    /// What it holds.
    pub(super) bytes: &'a [u8],
}

/// The regular files, in order. Links, devices and folders are passed over.
pub(super) struct Entries<'a> {
    rest: &'a [u8],
}

/// The entries of a tar file.
pub(super) fn entries(bytes: &[u8]) -> Entries<'_> {
    Entries { rest: bytes }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entry();
        if entry.is_err() {
            self.rest = &[];
        }
        entry.transpose()
    }
}

impl<'a> Entries<'a> {
    fn entry(&mut self) -> Result<Option<Entry<'a>>, Damage> {
        // What a header before says of the next file, where it fits into no header.
        let (mut path, mut size) = (None, None);
        while !self.rest.is_empty() {
            let header: &'a [u8; BLOCK_BYTES] = self.rest.first_chunk().ok_or("it ends inside a header")?;
            if header.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            if number(&header[148..156]) != Some(sum(header)) {
                return Err("the checksum of a header differs");
            }
            let kind = header[156];
            let stated = match (kind, size) {
                (b'0' | 0 | b'7', Some(size)) => Some(size),
                _ => number(&header[124..136]),
            };
            let bytes = self.contents(stated.ok_or("a size is no number")?)?;
            match kind {
                b'0' | 0 | b'7' => {
                    let path = path.unwrap_or_else(|| named(header));
                    return Ok(Some(Entry { path, bytes }));
                }
                b'x' => {
                    path = record(bytes, "path").map(Cow::Borrowed).or(path);
                    size = record(bytes, "size").and_then(|size| size.parse().ok()).or(size);
                }
                b'L' => path = Some(text(bytes)),
                _ => (path, size) = (None, None),
            }
        }
        Ok(None)
    }

    /// What follows a header, and leads to the next one.
    fn contents(&mut self, size: u64) -> Result<&'a [u8], Damage> {
        let cut = "it ends inside a file";
        let size = usize::try_from(size).map_err(|_| cut)?;
        let rest = self.rest.get(BLOCK_BYTES..).ok_or(cut)?;
        let bytes = rest.get(..size).ok_or(cut)?;
        // The padding of the last one may be missing.
        self.rest = size.checked_next_multiple_of(BLOCK_BYTES).and_then(|all| rest.get(all..)).unwrap_or_default();
        Ok(bytes)
    }
}

/// The path of a header: the name, and before it the prefix where there is one.
fn named(header: &[u8; BLOCK_BYTES]) -> Cow<'_, str> {
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    if header[257..].starts_with(b"ustar\0") && !prefix.is_empty() {
        return Cow::Owned(format!("{prefix}/{name}"));
    }
    name
}

/// The bytes before the first NUL.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
}

/// Octal digits, or in base 256 where the first bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first().filter(|(first, _)| **first >= 0x80) {
        let bytes = std::iter::once(first & 0x7f).chain(rest.iter().copied());
        return bytes.into_iter().try_fold(0_u64, |all, byte| Some(all.checked_mul(256)? | u64::from(byte)));
    }
    let digits = text(field);
    let digits = digits.trim();
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The sum of a header's bytes, those of the sum itself counted as spaces.
fn sum(header: &[u8; BLOCK_BYTES]) -> u64 {
    let spaces = 8 * u64::from(b' ');
    header[..148].iter().chain(&header[156..]).map(|byte| u64::from(*byte)).sum::<u64>() + spaces
}

/// A record `length name=value` of an extended header.
fn record<'a>(mut bytes: &'a [u8], wanted: &str) -> Option<&'a str> {
    let mut found = None;
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
        let line = std::str::from_utf8(bytes.get(space + 1..length)?).ok()?;
        if let Some((name, value)) = line.strip_suffix('\n')?.split_once('=')
            && name == wanted
        {
            found = Some(value);
        }
        bytes = bytes.get(length..)?;
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A tar file of entries with their kinds.
    pub(in crate::guide) fn tar(entries: &[(u8, &str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (kind, path, bytes) in entries {
            let mut header = [0_u8; BLOCK_BYTES];
            header[..path.len()].copy_from_slice(path.as_bytes());
            header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
            header[156] = *kind;
            header[257..263].copy_from_slice(b"ustar\0");
            let sum = format!("{:06o}\0 ", sum(&header));
            header[148..156].copy_from_slice(sum.as_bytes());
            out.extend(header);
            out.extend(*bytes);
            out.resize(out.len().next_multiple_of(BLOCK_BYTES), 0);
        }
        out.extend([0; 2 * BLOCK_BYTES]);
        out
    }

    fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Damage> {
        entries(bytes).map(|entry| entry.map(|entry| (entry.path.into_owned(), entry.bytes.to_vec()))).collect()
    }

    #[test]
    fn files_are_read_and_what_is_none_is_passed_over() {
        let long = "26 path=package/long.json\n";
        let all = tar(&[
            (b'g', "global", b"13 comment=x\n"),
            (b'5', "package/", b""),
            (b'0', "package/a.json", b"{}"),
            (b'2', "package/link", b""),
            (b'x', "more", long[..].as_bytes()),
            (0, "cut", b"[1]"),
            (b'L', "././@LongLink", b"package/other.json\0"),
            (b'0', "cut", &[b'x'; 600]),
        ]);
        let found = read(&all).unwrap();
        let names: Vec<_> = found.iter().map(|(path, bytes)| (path.as_str(), bytes.len())).collect();
        assert_eq!(names, [("package/a.json", 2), ("package/long.json", 3), ("package/other.json", 600)]);
    }

    #[test]
    fn damage_is_told_and_every_cut_ends() {
        let all = tar(&[(b'0', "package/a.json", b"{}"), (b'0', "package/b.json", &[b'x'; 600])]);
        let mut changed = all.clone();
        changed[0] ^= 1;
        assert_eq!(read(&changed), Err("the checksum of a header differs"));
        assert_eq!(read(&all[..700]), Ok(vec![("package/a.json".to_owned(), b"{}".to_vec())]));
        assert_eq!(read(&all[..1100]), Err("it ends inside a header"));
        assert_eq!(read(&all[..1600]), Err("it ends inside a file"));
        for end in 0..all.len() {
            let _ = read(&all[..end]);
        }
        let mut huge = tar(&[(b'0', "package/a.json", b"{}")]);
        huge[124..136].copy_from_slice(&[0xff; 12]);
        let sum = format!("{:06o}\0 ", sum(huge[..BLOCK_BYTES].first_chunk().unwrap()));
        huge[148..156].copy_from_slice(sum.as_bytes());
        assert!(read(&huge).is_err());
    }
}
