//! The rules of lists.

use crate::fault::rules;

rules! {
    pub(super) NO_COLUMNS "list-no-columns" Fatal NotSupported
        "No line of the first lines names the columns of such a list; missing: {}."
        "先頭の行に、この一覧の列名の行が見つかりません。足りない列: {}"
    pub(super) TOO_MANY "list-too-large" Fatal TooCostly
        "A list has at most {}."
        "1つの一覧の上限は{}です。"
    pub(super) TWICE "list-column-twice" Warning Duplicate
        "The column means the same as an earlier one; it was not taken."
        "前にある列と同じ意味の列です。取り込んでいません。"
    pub(super) UNKNOWN_COLUMN "list-unknown-column" Warning Incomplete
        "This column is not known; it was not taken."
        "知らない列です。取り込んでいません。"
    pub(super) NO_NUMBER "list-no-number" Error Required
        "The row has no number."
        "番号がありません。"
    pub(super) NUMBER "list-number" Error Value
        "This is not such a number: {}."
        "番号の形が正しくありません: {}"
    pub(super) SHORT_NUMBER "list-number-of-seven" Error Incomplete
        "Seven digits are unique only within a prefecture and a 点数表; the row does not say {}, and nobody else did."
        "7桁の番号は都道府県と点数表の中でのみ一意です。行にも指定にもないもの: {}"
    pub(super) LOST_ZERO "list-number-lost-zero" Warning Value
        "The number has nine digits; a zero that a spreadsheet took from its beginning was put back."
        "番号が9桁です。表計算ソフトで失われた先頭の0を補いました。"
    pub(super) LETTERS "list-number-letters" Warning Value
        "The number holds letters; it was taken as it is."
        "番号に英字が含まれています。そのまま取り込みました。"
    pub(super) PREFECTURE "list-other-prefecture" Warning Conflict
        "The number is of another prefecture than the row says."
        "番号の都道府県と行の都道府県が一致しません。"
    pub(super) NO_NAME "list-no-name" Error Required
        "The row has no name."
        "名称がありません。"
    pub(super) TOO_LONG "list-cell-too-long" Error TooLong
        "A cell is longer than {} bytes: is a quotation mark not closed?"
        "セルが{}バイトを超えています。引用符が閉じていない可能性があります。"
    pub(super) TOO_WIDE "list-row-too-wide" Error Structure
        "The row has more cells than there are columns."
        "列名より多くのセルがあります。"
    pub(super) LEFT_OUT "list-cell-left-out" Warning Value
        "This is not {}; the rest of the row was taken."
        "{}として読めません。行の他の列は取り込みました。"
    pub(super) REPEATED "list-repeated" Error Duplicate
        "The row says again what row {} said; it was not taken."
        "{}行目と同じ事業所・サービスです。取り込んでいません。"
}
