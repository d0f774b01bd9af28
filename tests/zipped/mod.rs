//! Writes zip files, as little as a test needs.
#![allow(dead_code, unreachable_pub)] // each test file uses its part of this

/// A zip file of these files, by name, deflated or stored.
pub fn zip(files: &[(String, &[u8])], deflated: bool) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, contents) in files {
        let packed = if deflated { miniz_oxide::deflate::compress_to_vec(contents, 6) } else { contents.to_vec() };
        // Version, flags, method, time and date; then checksum, sizes, lengths of name and extra field.
        let mut common = vec![20, 0, 0, 8, if deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        for number in [crc32fast::hash(contents), packed.len() as u32, contents.len() as u32, name.len() as u32] {
            common.extend(number.to_le_bytes());
        }
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
