//! HL7 v2 over MLLP (Minimal Lower Layer Protocol, release 1), as a sender speaks it: one frame out, one frame back. It reads as
//! much of an answer as an expectation names.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a connection, and each read of it, may take.
const WAIT: Duration = Duration::from_secs(20);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const START: u8 = 0x0B;
const END: u8 = 0x1C;
const RETURN: u8 = 0x0D;

/// Sends one message and gives the answer.
pub(super) fn exchange(address: &str, message: &str) -> Result<String> {
    let address = address.to_socket_addrs()?.next().ok_or_else(|| Error::other("the address names no machine"))?;
    let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    let mut frame = vec![START];
    frame.extend(message.trim().lines().flat_map(|line| line.trim().bytes().chain([RETURN])));
    frame.extend([END, RETURN]);
    stream.write_all(&frame)?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.ends_with(&[END, RETURN]) {
        match stream.read(&mut buffer)? {
            0 => return Err(Error::new(ErrorKind::UnexpectedEof, "the connection ended before the answer did")),
            read => answer.extend(&buffer[..read]),
        }
        if answer.len() > ANSWER_BYTES_MAX {
            return Err(Error::other("the answer is too long"));
        }
    }
    if answer.first() != Some(&START) {
        return Err(Error::new(ErrorKind::InvalidData, "the answer does not begin with the start of a block"));
    }
    Ok(String::from_utf8_lossy(&answer[1..answer.len() - 2]).replace('\r', "\n"))
}

/// Whether a place is a field, `MSA-1`.
pub(super) fn is_field(place: &str) -> bool {
    place.split_once('-').is_some_and(|(segment, number)| {
        segment.len() == 3
            && segment.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && number.parse::<usize>().is_ok()
    })
}

/// A field of the first segment of its name.
pub(super) fn field(message: &str, place: &str) -> Option<String> {
    let (segment, number) = place.split_once('-')?;
    let number: usize = number.parse().ok()?;
    let line = message.lines().find(|line| line.starts_with(segment))?;
    let separator = message.chars().nth(3)?;
    // The separator itself is MSH-1.
    let number = if segment == "MSH" { number.checked_sub(1)? } else { number };
    line.split(separator).nth(number).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_an_answer() {
        let answer = "MSH|^~\\&|A|B\nMSA|AA|77\n";
        assert_eq!(field(answer, "MSA-1").as_deref(), Some("AA"));
        assert_eq!(field(answer, "MSH-3").as_deref(), Some("A"));
        assert_eq!(field(answer, "MSA-9"), None);
        assert!(is_field("MSA-1") && !is_field("Patient.id") && !is_field("msa-1") && !is_field("MSA-x"));
    }
}
