//! Tables of the care-plan exchange: their bytes are MS932, their rows are judged by `validate::care_plan`.

use super::Remark;
use super::position::Lines;
use crate::decode::charset;
use crate::fault::{Issue, Place, rules};
use crate::validate::care_plan::{check, layout_of};

rules! {
    UTF_8 "care-plan-encoding" Error Structure
        "the file is in UTF-8; the standard is Shift_JIS (MS932)" "文字コードが UTF-8 です。Shift_JIS(MS932)で作成してください"
    UNDECODABLE "care-plan-character" Error Structure
        "a character that MS932 does not have" "Shift_JIS(MS932)にない文字があります"
    PRIVATE "care-plan-gaiji" Error Value
        "a character of one's own (外字): replace it by one of MS932" "外字があります。Shift_JIS(MS932)の文字に置き換えてください"
}

/// The rows of a table.
pub(super) fn care_plan(name: &str, bytes: &[u8]) -> (usize, Vec<Remark>) {
    let file = name.rsplit('/').next().unwrap_or(name);
    let text = charset::decode_text(bytes).value;
    let lines = Lines::of(&text);
    let mut remarks = Vec::new();
    let marked = bytes.starts_with(b"\xef\xbb\xbf");
    if marked || (!text.is_ascii() && std::str::from_utf8(bytes).is_ok()) {
        let at = text.find(|c: char| !c.is_ascii()).filter(|_| !marked).unwrap_or(0);
        remarks.push(Remark::new(&Issue::new(&UTF_8, Place::Whole)).placed(&lines, at));
    }
    let is_private = |c: char| matches!(c, '\u{e000}'..='\u{f8ff}');
    for (rule, found) in [(&UNDECODABLE, text.find('\u{fffd}')), (&PRIVATE, text.find(is_private))] {
        remarks.extend(found.map(|at| Remark::new(&Issue::new(rule, Place::Whole)).placed(&lines, at)));
    }
    let Some(layout) = layout_of(file, &text) else { return (0, remarks) };
    let (rows, found) = check(file, &text, layout);
    remarks.extend(found.iter().map(|one| {
        let remark = Remark::usage(one);
        match one.at {
            Some(at) => remark.placed(&lines, at),
            None => remark,
        }
    }));
    (rows, remarks)
}
