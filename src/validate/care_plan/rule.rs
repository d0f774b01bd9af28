//! What can deviate in a table of the care-plan exchange.

use crate::fault::rules;

rules! {
    pub(super) COLUMNS "care-plan-columns" Error Structure
        "{}" "{}"
    pub(super) REQUIRED "care-plan-required" Error Required
        "{} must be there" "{} は必須です"
    pub(super) QUOTE "care-plan-quotes" Error Structure
        "a text in quotation marks is not closed, or a mark in it is not doubled{}"
        "引用符で囲んだ文字列が閉じていないか、文字列中の引用符が 2 つ重ねられていません{}"
    pub(super) HEADING "care-plan-heading" Error Structure
        "the file has a line of column names, and the layout has none: leave it out{}"
        "見出し行があります。レイアウトに見出し行はないため、取り除いてください{}"
    pub(super) FORM "care-plan-form" Error Value
        "{}" "{}"
    pub(super) LENGTH "care-plan-length" Error TooLong
        "{}" "{}"
    pub(super) CODE "care-plan-code" Error CodeInvalid
        "{}" "{}"
    pub(super) VERSIONS "care-plan-versions" Error Conflict
        "another CSVバージョン than in the first row: one file has one version{}"
        "CSVバージョンが 1 行目と異なります。1 ファイルに複数のバージョンを混在させることはできません{}"
    pub(super) MONTHS "care-plan-months" Error Conflict
        "another month than in the first row: one file is about one month{}"
        "対象年月が 1 行目と異なります。1 ファイルは 1 か月分だけです{}"
    pub(super) NAME_MONTH "care-plan-name-month" Error Conflict
        "another month than the file name has{}" "対象年月がファイル名の年月と一致しません{}"
    pub(super) REPEATED "care-plan-repeated" Warning Duplicate
        "the numbers of this row (課題ＮＯ, 援助目標ＮＯ, 援助内容ＮＯ) are those of row {} of the same plan"
        "この行の課題ＮＯ・援助目標ＮＯ・援助内容ＮＯ が、同じ計画の {} 行目と同じです"
    pub(super) NO_TOTAL "care-plan-total" Error Required
        "a person's rows have no total: add the row with サービスコード 999999{}"
        "全合計の行(サービスコード 999999)がありません。利用者ごとに必須です{}"
    pub(super) FILE_NAME "care-plan-file-name" Error Structure
        "the file name is {}" "ファイル名は {} です"
    pub(super) MORE "care-plan-more" Information Informational
        "{} more deviations are not listed: correct these first" "他に {} 件あります。まずここに挙げたものを直してください"
}
