//! An entry of the one log of commits (design decision 5): what happened, so that everything derived can follow it.

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::letter::LetterId;

const SHEAF: u8 = 1;
const LETTER: u8 = 2;

/// What one commit did, as far as others follow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logged {
    /// The sheaf it wrote: whose, and its number.
    pub sheaf: Option<(PatientKey, u64)>,
    /// The letter it came of. The order of these is the order in which a replay must take the letters.
    pub letter: Option<LetterId>,
}

impl Logged {
    /// As stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(57);
        out.push(if self.sheaf.is_some() { SHEAF } else { 0 } | if self.letter.is_some() { LETTER } else { 0 });
        if let Some((patient, number)) = self.sheaf {
            out.extend_from_slice(&patient.0.to_be_bytes());
            out.extend_from_slice(&number.to_be_bytes());
        }
        if let Some(letter) = self.letter {
            out.extend_from_slice(&letter.0);
        }
        out
    }

    /// From what is stored.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let read = || {
            let (flags, mut rest) = bytes.split_first()?;
            let mut logged = Logged::default();
            if flags & SHEAF != 0 {
                let (patient, after) = rest.split_first_chunk()?;
                let (number, after) = after.split_first_chunk()?;
                logged.sheaf = Some((PatientKey(u128::from_be_bytes(*patient)), u64::from_be_bytes(*number)));
                rest = after;
            }
            if flags & LETTER != 0 {
                let (letter, after) = rest.split_first_chunk()?;
                logged.letter = Some(LetterId(*letter));
                rest = after;
            }
            (rest.is_empty() && *flags <= SHEAF | LETTER).then_some(logged)
        };
        read().ok_or_else(|| Fault::Broken("an entry of the log is damaged".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_damage_is_noticed() {
        let (sheaf, letter) = (Some((PatientKey(5), 7)), Some(LetterId([3; 32])));
        for logged in [(None, None), (sheaf, None), (None, letter), (sheaf, letter)] {
            let logged = Logged { sheaf: logged.0, letter: logged.1 };
            let bytes = logged.encode();
            assert_eq!(Logged::decode(&bytes), Ok(logged));
            assert!((0..bytes.len()).all(|end| Logged::decode(&bytes[..end]).is_err()));
            assert!(Logged::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
        assert!(Logged::decode(&[8]).is_err());
    }
}
