//! What can be wrong with a value of CDA.

use crate::fault::rules;

rules! {
    pub(super) BAD_TIME "cda-bad-time" Warning Value
        "This is not a date or time; it was left out."
        "日付・時刻として読めないため、省きました。"
    pub(super) BAD_NUMBER "cda-bad-number" Warning Value
        "This is not a number; it was kept as text or left out."
        "数値として読めないため、文字列として残すか省きました。"
    pub(super) NO_CODE_SYSTEM "cda-no-code-system" Information CodeInvalid
        "The code names no code system; it was kept as a code of the sender's."
        "コード体系の指定がないコードです。施設独自のコードとして残しました。"
    pub(super) QUALIFIER "cda-qualifier" Information Informational
        "The code's qualifier {} has no place of its own in FHIR; what it says stands in the text."
        "コードの修飾子{}はFHIRに対応する要素がないため、文字列に含めました。"
    pub(super) UNKNOWN_TYPE "cda-unknown-type" Warning NotSupported
        "Values of the type {} are not read; what it holds as text was kept."
        "{}型の値は変換の対象外です。文字列として読める部分だけを残しました。"
    pub(super) TIMING "cda-timing" Warning Value
        "A part of the timing ({}) cannot be said in FHIR; it was left out."
        "投与時期の一部({})はFHIRで表現できないため、省きました。"
}
