//! What can be wrong with the frame of an HL7 v2 message.

use crate::fault::{IssueType, Rule, Severity, rules};

/// Text that does not begin with MSH and five delimiters is not ER7.
pub static NOT_ER7: Rule = Rule {
    id: "v2-not-er7",
    severity: Severity::Fatal,
    code: IssueType::Structure,
    en: "The text does not begin with an MSH segment and its delimiters.",
    ja: "MSHセグメントと区切り文字で始まっていません。",
};
/// A segment name is three upper-case letters or digits.
pub static BAD_SEGMENT: Rule = Rule {
    id: "v2-bad-segment",
    severity: Severity::Error,
    code: IssueType::Structure,
    en: "Line {} is not a segment: a segment begins with three capital letters or digits and a field separator.",
    ja: "{}行目はセグメントではありません(英大文字・数字3文字と区切り文字で始まる必要があります)。",
};
/// More segments than [`super::SEGMENTS_MAX`].
pub static TOO_MANY_SEGMENTS: Rule = Rule {
    id: "v2-too-many-segments",
    severity: Severity::Fatal,
    code: IssueType::TooLong,
    en: "The message has more than {} segments.",
    ja: "セグメントが{}個を超えています。",
};
/// A second MSH: the segments of several patients would be taken for one patient's.
pub static SEVERAL_MESSAGES: Rule = Rule {
    id: "v2-several-messages",
    severity: Severity::Fatal,
    code: IssueType::Structure,
    en: "The text holds more than one message (a second MSH segment); each message must come on its own.",
    ja: "1つのデータに複数のメッセージ(2つ目のMSHセグメント)が含まれています。メッセージは1件ずつ送ってください。",
};

rules! {
    pub(super) BATCH_COUNT "v2-batch-count" Error Incomplete
        "The batch does not hold as many messages as BTS-1 says ({}); those that are there were taken in."
        "BTS-1のメッセージ数と実際の件数が一致しません({})。届いた分は受け取りました。"
    pub(super) FILE_COUNT "v2-file-count" Error Incomplete
        "The file does not hold as many batches as FTS-1 says ({}); those that are there were taken in."
        "FTS-1のバッチ数と実際の件数が一致しません({})。届いた分は受け取りました。"
}
