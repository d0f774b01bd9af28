//! What can be wrong with the characters of a message.

use crate::fault::{IssueType, Rule, Severity};

/// MSH-18 is empty and the bytes are not ASCII.
pub static ASSUMED: Rule = Rule {
    id: "charset-assumed",
    severity: Severity::Information,
    code: IssueType::Informational,
    en: "MSH-18 names no character set; going by the bytes the text was read as {}.",
    ja: "MSH-18に文字セットの指定がないため、バイト列から判断して{}として読みました。",
};
/// MSH-18 and the bytes disagree.
pub static CONTRADICTED: Rule = Rule {
    id: "charset-contradicted",
    severity: Severity::Warning,
    code: IssueType::Conflict,
    en: "The bytes are not in the character set that MSH-18 names; the text was read as {}.",
    ja: "MSH-18で指定された文字セットと実際のバイト列が一致しないため、{}として読みました。",
};
/// MSH-18 holds something that is not in table 0211 or not read here.
pub static UNKNOWN_CHARSET: Rule = Rule {
    id: "charset-unknown",
    severity: Severity::Warning,
    code: IssueType::CodeInvalid,
    en: "MSH-18 names a character set that is not known here, so the bytes decided: {}.",
    ja: "MSH-18の文字セットは未対応のため、バイト列から判断しました({})。",
};
/// A document's own declaration and its bytes disagree, or it names what is not read here.
pub static LABEL_CONTRADICTED: Rule = Rule {
    id: "charset-label-contradicted",
    severity: Severity::Warning,
    code: IssueType::Conflict,
    en: "The bytes are not in the character set that the document declares; the text was read as {}.",
    ja: "文書が宣言する文字コードと実際のバイト列が一致しないため、{}として読みました。",
};
/// UTF-16 is not a character set of HL7 v2 in Japan; it is read all the same.
pub static UTF_16: Rule = Rule {
    id: "charset-utf-16",
    severity: Severity::Information,
    code: IssueType::Informational,
    en: "The text is UTF-16; it was read as such. HL7 v2 messages should be ISO-2022-JP or UTF-8.",
    ja: "UTF-16として読みました。HL7 v2のメッセージはISO-2022-JPまたはUTF-8で送ってください。",
};
/// Bytes that are no character in the character set in force.
pub static UNDECODABLE: Rule = Rule {
    id: "charset-undecodable",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "Some bytes here are not characters of the character set in use; each is shown as U+FFFD.",
    ja: "文字として読めないバイトがあります。該当箇所はU+FFFD(�)に置き換えました。",
};
/// The rest of a long list of [`UNDECODABLE`].
pub static MORE_UNDECODABLE: Rule = Rule {
    id: "charset-undecodable-more",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "A further {} characters could not be read and are shown as U+FFFD.",
    ja: "このほかに読めない文字が{}文字あり、U+FFFD(�)に置き換えました。",
};
/// A double-byte run that the segment's end cut off.
pub static OPEN_RUN: Rule = Rule {
    id: "charset-escape-left-open",
    severity: Severity::Warning,
    code: IssueType::Structure,
    en: "The segment does not return to ASCII (ESC ( B) after Japanese text; its last fields may have been misread.",
    ja: "漢字・カナの後にASCIIへ戻すエスケープシーケンス(ESC ( B)がありません。このセグメントの末尾の項目は正しく読めていない可能性があります。",
};
/// 外字: a character that only the sender's own fonts know.
pub static PRIVATE_USE: Rule = Rule {
    id: "charset-private-use",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "The text holds a user-defined character (gaiji), which other systems cannot show.",
    ja: "外字(利用者定義文字)が含まれています。他のシステムでは表示できません。",
};
