//! What can deviate in an HL7 v2 message, said so that whoever wrote its sender can put it right.

use crate::fault::rules;

rules! {
    pub(super) REQUIRED "v2-required" Error Required
        "{} must be there: send a value" "{}は必須です。値を入れてください"
    pub(super) TOO_LONG "v2-length" Warning TooLong
        "{}" "{}"
    pub(super) MUCH_TOO_LONG "v2-length-error" Error TooLong
        "{}" "{}"
    pub(super) REPEATED "v2-repeated" Error Structure
        "{} does not repeat: send one value" "{}は繰り返せません。値を 1 つにしてください"
    pub(super) TIME "v2-time" Error Value
        "{} is YYYY[MM[DD[HH[MM[SS[.ffff]]]]]] with or without an offset such as +0900, and exists in the calendar"
        "{}は YYYY[MM[DD[HH[MM[SS[.ffff]]]]]](必要なら +0900 のような時差)で、実在する日時でなければなりません"
    pub(super) DATE "v2-date" Error Value
        "{} is YYYY[MM[DD]] and exists in the calendar" "{}は YYYY[MM[DD]] で、実在する日付でなければなりません"
    pub(super) NUMBER "v2-number" Error Value
        "{} is a number: digits with at most one point, and no signs such as > or <"
        "{}は数値です。数字と小数点だけで書き、> や < などの記号を含めないでください"
    pub(super) SEQUENCE "v2-sequence" Error Value
        "{} is a whole number of at most four digits" "{}は 4 桁以内の整数です"
    pub(super) CODE "v2-code" Error CodeInvalid
        "{}" "{}"
    pub(super) VALUE_TYPE "v2-value-type" Error Required
        "{} says what OBX-5 holds, and a value stands there: send its type" "{}がありませんが、OBX-5 に値があります。値の型を入れてください"
    pub(super) SEGMENT_MISSING "v2-segment-missing" Error Required
        "a segment {} must stand here" "ここに {} セグメントが必要です"
    pub(super) SEGMENT_ORDER "v2-segment-order" Warning Structure
        "a segment {} cannot stand here: this is not where its message has it" "このメッセージでは {} セグメントをここに置けません。並び順を確認してください"
    pub(super) SEGMENT_UNKNOWN "v2-segment-unknown" Warning Structure
        "this message has no segment {}" "このメッセージに {} セグメントはありません"
    pub(super) VERSION "v2-version" Error Value
        "the version is {}" "バージョンは {} でなければなりません"
    pub(super) OTHER_VERSION "v2-version-unchecked" Information NotSupported
        "only messages of version {} are held to usage rules; of this one only its frame was checked"
        "項目の規則で検査できるのはバージョン {} だけです。このメッセージは枠組みだけを確認しました"
    pub(super) NO_GRAMMAR "v2-message-unknown" Information NotSupported
        "no rule says which segments a message of this type has; its fields were checked"
        "この型のメッセージのセグメント構成の規則がありません。項目だけを確認しました"
    pub(super) CHARSET "v2-character-set" Warning Value
        "SS-MIX2 names its character sets as {}" "SS-MIX2 の文字セットは {} と書きます"
    pub(super) CHARACTER "v2-character" Warning Value
        "a character that JIS X 0208 does not have, half-width katakana or one such as ①: write it full-width, or as (1){}"
        "JIS X 0208 にない文字(半角カナ、① などの機種依存文字)があります。全角カナや (1) のように書いてください{}"
    pub(super) KIND_MESSAGE "ssmix2-kind-message" Error Conflict
        "{}" "{}"
    pub(super) PATIENT "ssmix2-patient" Error Conflict
        "{} is another patient number than the file name and its folder have" "{}がファイル名・フォルダの患者IDと一致しません"
    pub(super) DATE_FOLDER "ssmix2-date" Warning Conflict
        "{} is another date than the file name has as 診療日" "{}の日付がファイル名の診療日と一致しません"
    pub(super) NO_DATE "ssmix2-no-date" Error Structure
        "{} lies under no date: the second part of the file name and its folder are -" "{}に診療日はありません。ファイル名の 2 番目の要素とフォルダは - です"
    pub(super) DATE_MISSING "ssmix2-date-missing" Warning Structure
        "{} lies under a date (診療日), and the file name has none" "{}は診療日の下に置きますが、ファイル名に診療日がありません"
    pub(super) TWO_VALID "ssmix2-two-valid" Error Conflict
        "another file of the same order is valid too (condition flag 1): the older of the two is to have flag 2"
        "同じオーダに有効なファイル(コンディションフラグ 1)が複数あります。古い方のフラグを 2 にしてください"
    pub(super) MORE "v2-more-deviations" Information Informational
        "{} more deviations are not listed: correct these first" "他に {} 件あります。まずここに挙げたものを直してください"
}
