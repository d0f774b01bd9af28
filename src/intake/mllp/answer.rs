//! Acknowledgements (HL7 v2.5 section 2.9): what is answered to a frame, in the mode, the version, with the delimiters and
//! in the character set of what was sent.
//!
//! | | original mode | enhanced mode, accept (MSH-15) | enhanced mode, application (MSH-16) |
//! |---|---|---|---|
//! | stored | AA | CA | AA |
//! | held: kept, and the sender's to mend | AE | CA | AE |
//! | refused: not kept, and no use to send it again as it is | AR | CR | AR |
//! | failed: not kept, to be sent again | AR | CE | AR |
//!
//! In enhanced mode what was not kept has one answer: the accept acknowledgement where it is asked for, the application
//! acknowledgement otherwise.

use crate::decode::charset::Reply;
use crate::decode::hl7v2::{self, Header};
use crate::fault::Finding;
use crate::fhir::time;

use super::error;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its content is stored, durably.
    Stored(Vec<Finding>),
    /// It is kept, durably; its content could not be used.
    Held(Vec<Finding>),
    /// It is not kept, and would not be if it came again.
    Refused(Finding),
    /// It is not kept, because the machine failed or is busy.
    Failed(Finding),
    /// It is an acknowledgement, to which there is no answer (section 2.9.2).
    Unanswered,
}

/// What became of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// For each message in it, in order.
    pub verdicts: Vec<Verdict>,
    /// What is wrong with the batch as a whole.
    pub whole: Vec<Finding>,
}

/// What an acknowledgement takes from the world: MSH-7, and a new MSH-10 for each.
pub struct Stamp<'a> {
    /// Milliseconds since 1970.
    pub now_ms: i64,
    /// Gives control ids.
    pub control_id: &'a mut dyn FnMut() -> String,
}

/// The messages that answer a frame: none where nobody asked; a batch for a batch.
pub fn answers(frame: &[u8], delivered: &Delivered, stamp: &mut Stamp<'_>) -> Vec<Vec<u8>> {
    let batch = hl7v2::batch(frame);
    let messages = batch.as_ref().map_or_else(|| vec![frame], |batch| batch.messages.clone());
    let mut acknowledgements = Vec::new();
    for (message, verdict) in messages.into_iter().zip(&delivered.verdicts) {
        acknowledgements.extend(of_message(message, verdict, stamp));
    }
    match batch {
        Some(batch) if batch.batch_header.is_some() || batch.file_header.is_some() => {
            let is_silent = acknowledgements.is_empty() && !delivered.verdicts.is_empty();
            if is_silent { Vec::new() } else { vec![in_envelope(&batch, acknowledgements, delivered, stamp)] }
        }
        _ => acknowledgements,
    }
}

fn of_message(message: &[u8], verdict: &Verdict, stamp: &mut Stamp<'_>) -> Vec<Vec<u8>> {
    let header = Header::of(message);
    let reply = Reply::to(message);
    let header = header.as_ref();
    codes(header, verdict)
        .into_iter()
        .map(|code| {
            let errors = if code.starts_with('C') && code != "CE" && code != "CR" { &[] } else { findings(verdict) };
            let text = Acknowledgement { header, code, errors, japanese: reply.carries_japanese() }.text(stamp);
            reply.encode(&text)
        })
        .collect()
}

/// The codes of MSA-1 (table 0008), one for each acknowledgement that is asked for.
fn codes(header: Option<&Header>, verdict: &Verdict) -> Vec<&'static str> {
    let (accept, application, is_kept) = match verdict {
        Verdict::Stored(_) => ("CA", "AA", true),
        Verdict::Held(_) => ("CA", "AE", true),
        Verdict::Refused(_) => ("CR", "AR", false),
        Verdict::Failed(_) => ("CE", "AR", false),
        Verdict::Unanswered => return Vec::new(),
    };
    let Some(header) = header.filter(|header| !header.is_original_mode()) else { return vec![application] };
    let asks = |field: &str, is_well: bool| match field {
        "AL" => true,
        "ER" => !is_well,
        "SU" => is_well,
        _ => false,
    };
    let mut codes = Vec::new();
    if asks(&header.accept, is_kept) {
        codes.push(accept);
    }
    if asks(&header.application, application == "AA") && (is_kept || codes.is_empty()) {
        codes.push(application);
    }
    codes
}

fn findings(verdict: &Verdict) -> &[Finding] {
    match verdict {
        Verdict::Stored(findings) | Verdict::Held(findings) => findings,
        Verdict::Refused(finding) | Verdict::Failed(finding) => std::slice::from_ref(finding),
        Verdict::Unanswered => &[],
    }
}

struct Acknowledgement<'a> {
    header: Option<&'a Header>,
    code: &'static str,
    errors: &'a [Finding],
    japanese: bool,
}

impl Acknowledgement<'_> {
    fn text(&self, stamp: &mut Stamp<'_>) -> String {
        let usual = Header::usual();
        let header = self.header.unwrap_or(&usual);
        let writer = error::Writer::new(header, self.japanese);
        let mut text = self.msh(header, stamp);
        let sentence = match self.errors.first() {
            Some(first) if header.is_before_2_5() => writer.sentence(first),
            _ => String::new(),
        };
        text += &writer.segment("MSA", &[self.code.to_owned(), header.control_id.clone(), sentence]);
        text + &writer.errors(self.errors)
    }

    fn msh(&self, header: &Header, stamp: &mut Stamp<'_>) -> String {
        let component = header.delimiters.component;
        let mut kind = vec!["ACK", header.trigger_event.as_str()];
        // The structure is told since 2.3.1.
        if !matches!(header.version.as_str(), "2.1" | "2.2" | "2.3") && !header.trigger_event.is_empty() {
            kind.push("ACK");
        }
        let kind = kind.join(&component.to_string());
        let application =
            if header.receiving_application.is_empty() { "TASUKI" } else { &header.receiving_application };
        let version = if header.version.is_empty() { "2.5" } else { &header.version };
        let nothing_more = if header.is_original_mode() { "" } else { "NE" };
        let fields: [&str; 19] = [
            &header.encoding_characters,
            application,
            &header.receiving_facility,
            &header.sending_application,
            &header.sending_facility,
            &timestamp(stamp.now_ms),
            "",
            kind.trim_end_matches(component),
            &(stamp.control_id)(),
            &header.processing_id,
            version,
            "",
            "",
            nothing_more,
            nothing_more,
            &header.country,
            &header.character_set,
            "",
            &header.character_set_scheme,
        ];
        error::line("MSH", header.delimiters.field, fields)
    }
}

/// The answer to a batch is a batch (section 2.10.3.3): BHS-12 and FHS-12 name the control ids of what is answered, BTS-2
/// says what is wrong with the whole.
fn in_envelope(
    batch: &hl7v2::Batch<'_>,
    acknowledgements: Vec<Vec<u8>>,
    delivered: &Delivered,
    stamp: &mut Stamp<'_>,
) -> Vec<u8> {
    let first = batch.messages.first().copied().unwrap_or_default();
    let header = Header::of(first).unwrap_or_else(Header::usual);
    let reply = Reply::to(first);
    let writer = error::Writer::new(&header, reply.carries_japanese());
    let separator = header.delimiters.field;
    let mut head = |name: &str, sent: &[u8]| {
        let sent = error::fields_of(sent);
        let field = |number: usize| sent.get(number).cloned().unwrap_or_default();
        let now = timestamp(stamp.now_ms);
        let id = (stamp.control_id)();
        // Fields are counted as in MSH: 3 and 4 who sends, 5 and 6 to whom, 11 the control id.
        let fields = [
            &header.encoding_characters,
            &field(5),
            &field(6),
            &field(3),
            &field(4),
            &now,
            "",
            "",
            "",
            &id,
            &field(11),
        ];
        error::line(name, separator, fields)
    };
    let mut out = Vec::new();
    if let Some(sent) = batch.file_header {
        out.extend(reply.encode(&head("FHS", sent)));
    }
    out.extend(reply.encode(&head("BHS", batch.batch_header.unwrap_or_default())));
    let count = acknowledgements.len();
    out.extend(acknowledgements.into_iter().flatten());
    let comment = delivered.whole.first().map(|finding| writer.sentence(finding)).unwrap_or_default();
    out.extend(reply.encode(&writer.segment("BTS", &[count.to_string(), comment])));
    if batch.file_header.is_some() {
        out.extend(reply.encode(&writer.segment("FTS", &["1".to_owned()])));
    }
    out
}

/// MSH-7 in Japan's time: `20261121120000+0900`.
fn timestamp(now_ms: i64) -> String {
    let instant = time::instant(now_ms, 540);
    let digits: String = instant.chars().filter(char::is_ascii_digit).take(14).collect();
    digits + "+0900"
}

#[cfg(test)]
mod tests;
