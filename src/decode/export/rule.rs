//! The rules of exports.

use crate::fault::rules;

rules! {
    pub(super) NO_LAYOUT "export-no-layout" Fatal NotSupported
        "The columns are those of no layout (lab-results, prescriptions, discharge-summaries, referrals) and of no mapping of this sender; the nearest layout lacks {}."
        "列名がどのレイアウト(lab-results、prescriptions、discharge-summaries、referrals)にも、この送信元の列対応表にも一致しません。最も近いレイアウトに足りない列: {}"
    pub(super) NOT_JSON "export-not-json" Fatal Structure
        "This is not a JSON export ({})."
        "JSON形式のエクスポートとして読めません({})。"
    pub(super) NOT_CSV "export-not-csv" Fatal Structure
        "The file cannot be read as CSV from here on ({})."
        "ここからCSVとして読めません({})。"
    pub(super) NO_ROWS "export-no-rows" Error Required
        "There is no row."
        "データ行がありません。"
    pub(super) TOO_MANY "export-too-large" Fatal TooCostly
        "An export has at most {}."
        "1ファイルの上限は{}です。"
    pub(super) UNKNOWN_COLUMN "export-unknown-column" Warning Incomplete
        "The layout has no such column; it was not carried over, the file as it came keeps it."
        "レイアウトにない列です。変換していません(原本には残っています)。"
    pub(super) DATE "export-date" Error Value
        "{} is not a date."
        "{}は日付ではありません。"
    pub(super) NOT_DATE "export-not-date" Error Value
        "This is not a date."
        "日付ではありません。"
    pub(super) NUMBER "export-number" Error Value
        "This is not a number."
        "数値ではありません。"
    pub(super) CODE "export-code" Error CodeInvalid
        "This column takes {}."
        "この列に使える値は{}です。"
    pub(super) REQUIRED "export-required" Error Required
        "This column must be filled."
        "この列は必須です。"
    pub(super) ONE_OF "export-one-of" Error Required
        "One of {} must be filled."
        "{}のいずれかを記入してください。"
    pub(super) TOO_LONG "export-too-long" Error TooLong
        "This column takes at most {} characters."
        "この列は{}文字までです。"
    pub(super) TYPE "export-type" Error Structure
        "A text or a number belongs here."
        "文字列または数値を記入してください。"
}
