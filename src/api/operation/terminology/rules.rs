//! The sentences of the terminology operations.

use crate::fault::rules;

rules! {
    pub(super) NAME_A_CODE "terminology-name-code" Error Required
        "Name one code: code with system, or coding, or codeableConcept."
        "コードを一つ指定してください(codeとsystem、coding、codeableConceptのいずれか)。"
    pub(super) NAME_A_SYSTEM "terminology-name-system" Error Required
        "A code says nothing without its system: add system."
        "systemのないコードは意味を特定できません。systemを指定してください。"
    pub(super) NAME_A_DEFINITION "terminology-name-definition" Error Required
        "Name the definition: {}, or call the operation at [type]/[id]."
        "対象を指定してください({}、または [type]/[id] で呼び出し)。"
    pub(super) NOT_A_DEFINITION "terminology-not-definition" Error Structure
        "What was sent is no {}."
        "送信されたものは{}ではありません。"
    pub(super) NOT_LOADED "terminology-not-loaded" Error NotFound
        "Not loaded here: {}."
        "このゲートウェイに読み込まれていません: {}"
    pub(super) UNDECIDED "terminology-undecided" Error Incomplete
        "Nobody can say: {} is loaded in part, or has rules that are not understood."
        "判定できません: {} は一部しか読み込まれていないか、解釈できない条件を含みます。"
    pub(super) COSTLY "terminology-too-costly" Error TooCostly
        "Too many codes, or codes without end: {}. Say filter, or offset and count."
        "コードが多すぎるか、列挙できません: {}。filter、または offset と count を指定してください。"
    pub(super) TOO_MUCH "terminology-too-much" Error TooCostly
        "The value set has more than is evaluated in one call: {}. Store it, and name it by its url."
        "値セットが大きすぎて一度に評価できません: {}。登録して url で指定してください。"
    pub(super) OTHER_VERSION "terminology-other-version" Error BusinessRule
        "The code system is loaded in another version than check-system-version says: {}."
        "読み込まれているコード体系のバージョンが check-system-version と異なります: {}"
    pub(super) OTHER_SYSTEMS "terminology-other-systems" Error Value
        "Both codes must be of one code system."
        "二つのコードは同じコード体系のものでなければなりません。"
    pub(super) NO_HIERARCHY "terminology-no-hierarchy" Error NotSupported
        "The code system does not say which of its codes stand above others: {}."
        "コード体系に上位・下位の関係が定義されていません: {}"
    pub(super) NO_SUCH_CODE "terminology-no-such-code" Error NotFound
        "The code system has no code {}."
        "コード体系にコード {} はありません。"

    pub(super) UNKNOWN_CODE "terminology-unknown-code" Error CodeInvalid
        "The code system has no such code."
        "コード体系にこのコードはありません。"
    pub(super) NOT_IN_VALUE_SET "terminology-not-in-value-set" Error CodeInvalid
        "The value set has no such code."
        "値セットにこのコードはありません。"
    pub(super) OTHER_CASE "terminology-other-case" Error CodeInvalid
        "The code system tells upper from lower case and writes the code {}."
        "このコード体系は大文字と小文字を区別します。正しい表記: {}"
    pub(super) ABSTRACT "terminology-abstract" Error BusinessRule
        "The code only groups others; say abstract=true where that is meant."
        "分類用のコードです。そのまま使う場合は abstract=true を指定してください。"
    pub(super) INACTIVE "terminology-inactive" Warning BusinessRule
        "The code is no longer in use."
        "使用されなくなったコードです。"
    pub(super) WRONG_DISPLAY "terminology-display" Error Value
        "The code is called otherwise: {}."
        "表示名がコードと一致しません。正しい表示名: {}"
    pub(super) NO_MATCH "terminology-no-match" Information NotFound
        "No concept map that is loaded says what the code means there."
        "読み込まれている対応表に、このコードの対応はありません。"
    pub(super) NO_MAP "terminology-no-map" Information Incomplete
        "The map that is sent on to is not loaded: {}."
        "参照先の対応表が読み込まれていません: {}"
}
