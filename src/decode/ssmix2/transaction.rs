//! Transaction storage (SS-MIX2 仕様書, トランザクションストレージ): files `<year>/TR_YYYYMMDDHHMMSSFFF_nnnnn.DAT` of records, each
//! a line `#SSMIX,<version>,<facility>,<患者ID>,<診療日>,<データ種別>,<オーダNo>,INS|DEL,<診療科>,<発生日時>` with its HL7 message behind it.

use memchr::{memchr2, memmem};

use super::FileName;
use crate::fault::{Issue, Place, rules};
use crate::fhir::FacilityCode;

const MARK: &[u8] = b"#SSMIX,";

rules! {
    HEADER "ssmix2-transaction-header" Error Structure
        "The line that begins the record is wrong: {}. The record was not taken in; the others were."
        "レコードの先頭行が正しくありません({})。このレコードは取り込みませんでした(他のレコードは取り込みます)。"
    NO_MESSAGE "ssmix2-transaction-empty" Error Required
        "There is no message behind the line that begins the record."
        "レコードの先頭行の後にメッセージがありません。"
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'b> {
    /// Which one of the file it is, from 1.
    pub number: usize,
    /// The facility that its first line names.
    pub facility: FacilityCode,
    /// The name that the message has as a file of standardised storage; INS is condition flag 1, DEL is 0.
    pub name: String,
    /// Whom it is about.
    pub patient: String,
    /// The message.
    pub message: &'b [u8],
}

/// Whether bytes begin as a file of transaction storage does.
pub fn is_transaction(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|b| !matches!(b, 0xef | 0xbb | 0xbf | b'\r' | b'\n')).unwrap_or(0);
    bytes.get(start..).unwrap_or_default().starts_with(MARK)
}

/// The records of a file in their order. An issue stands for a record that cannot be used.
pub fn records(bytes: &[u8]) -> Vec<Result<Record<'_>, Issue>> {
    let at_line = |at: &usize| *at == 0 || matches!(bytes.get(at - 1), Some(b'\r' | b'\n' | 0xbf));
    let starts: Vec<usize> = memmem::find_iter(bytes, MARK).filter(at_line).collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let pieces = starts.iter().zip(ends).map(|(start, end)| bytes.get(*start..end).unwrap_or_default());
    (1..).zip(pieces).map(|(number, piece)| record(number, piece)).collect()
}

fn record(number: usize, piece: &[u8]) -> Result<Record<'_>, Issue> {
    let place = || place(number);
    let wrong = |detail: String| Issue::with(&HEADER, place(), detail);
    let end = memchr2(b'\r', b'\n', piece).unwrap_or(piece.len());
    let (line, message) = piece.split_at(end);
    let line = std::str::from_utf8(line).map_err(|_| wrong("not text / 文字として読めません".to_owned()))?;
    let cells: Vec<&str> = line.split(',').map(str::trim).take(64).collect();
    let [_, _, facility, patient, date, kind, order, action, department, stamp] = cells[..] else {
        return Err(wrong(format!("{} of 10 items / 項目数{0}(正しくは10)", cells.len())));
    };
    let flag = match action {
        "INS" => "1",
        "DEL" => "0",
        _ => return Err(wrong("neither INS nor DEL / INS・DEL以外".to_owned())),
    };
    let name = format!("{patient}_{date}_{kind}_{order}_{stamp}_{department}_{flag}");
    let parsed = FileName::parse(&name).map_err(|issue| Issue { place: within(number, &issue.place), ..issue })?;
    let message = message.trim_ascii_start();
    if message.is_empty() {
        return Err(Issue::new(&NO_MESSAGE, place()));
    }
    Ok(Record { number, facility: FacilityCode::parse(facility), name, patient: parsed.patient, message })
}

/// The place of a record as a whole.
pub fn place(number: usize) -> Place {
    Place::Path(format!("record {number}").into())
}

fn within(number: usize, inner: &Place) -> Place {
    match inner {
        Place::Whole => place(number),
        inner => Place::Path(format!("record {number}, {inner}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str =
        "#SSMIX,2.00,0119999901,0000000017,20260401,OML-11,000000000000001,INS,01,20260401093000000\r\n";

    fn said(text: &str) -> Vec<String> {
        let told = |record: Result<Record<'_>, Issue>| match record {
            Ok(record) => format!("{} {}", record.name, String::from_utf8_lossy(record.message).replace('\r', "|")),
            Err(issue) => format!("{} {}", issue.place, issue.rule.id),
        };
        records(text.as_bytes()).into_iter().map(told).collect()
    }

    #[test]
    fn records_are_named_as_files_of_the_storage() {
        let second =
            FIRST.replace("INS", "DEL").replace(",20260401,", ",-,").replace(",01,", ",-,").replace("OML-11", "ADT-00");
        let text = format!("{FIRST}MSH|A\rPID|1\r{second}MSH|#SSMIX,B\r\n");
        assert!(is_transaction(text.as_bytes()) && !is_transaction(b"MSH|#SSMIX,"));
        assert_eq!(
            said(&text),
            [
                "0000000017_20260401_OML-11_000000000000001_20260401093000000_01_1 MSH|A|PID|1|",
                "0000000017_-_ADT-00_000000000000001_20260401093000000_-_0 MSH|#SSMIX,B|\n",
            ]
        );
        assert_eq!(records(text.as_bytes())[0].as_ref().unwrap().facility.as_str(), "0119999901");
    }

    #[test]
    fn a_broken_record_does_not_stop_the_others() {
        let wrong = [
            (FIRST.replace(",INS,", ",UPD,"), "record 1 ssmix2-transaction-header"),
            (FIRST.replace(",INS,", ","), "record 1 ssmix2-transaction-header"),
            (FIRST.replace("20260401,", "20260231,"), "record 1, 診療日 ssmix2-name-date"),
            (FIRST.replace("0000000017", "00_17"), "record 1 ssmix2-name-parts"),
            (FIRST.replace("20260401093000000", "now"), "record 1, 発生日時 ssmix2-name-stamp"),
        ];
        for (line, expected) in wrong {
            let found = said(&format!("{line}MSH|A\r{FIRST}MSH|B\r"));
            assert_eq!((found.len(), found[0].as_str()), (2, expected), "{line}");
            assert!(found[1].ends_with("MSH|B|"));
        }
        assert_eq!(said(&format!("{FIRST}{FIRST}MSH|B\r"))[0], "record 1 ssmix2-transaction-empty");
        assert_eq!(said(FIRST.trim_end()), ["record 1 ssmix2-transaction-empty"]);
    }
}
