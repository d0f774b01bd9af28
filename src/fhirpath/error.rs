//! What can be wrong with an expression, or with what it is applied to.

use std::fmt;

use crate::fault::{Rule, rules};

rules! {
    pub(super) SYNTAX "fhirpath-syntax" Error Value
        "the expression cannot be read here: {}" "式のこの位置を解釈できません: {}"
    pub(super) TOO_LONG "fhirpath-too-long" Error TooCostly
        "the expression is longer or deeper than {}" "式の長さまたは深さが上限を超えています: {}"
    pub(super) FUNCTION "fhirpath-function" Error NotSupported
        "there is no function {}" "関数 {} はありません"
    pub(super) ARGUMENTS "fhirpath-arguments" Error Value
        "{} takes another number of arguments" "{} の引数の数が正しくありません"
    pub(super) TYPE "fhirpath-type" Error Value
        "there is no type {}" "型 {} はありません"
    pub(super) VARIABLE "fhirpath-variable" Error Value
        "there is no variable {}" "変数 {} はありません"
    pub(super) SINGLE "fhirpath-single" Error Processing
        "{} works on one item at most" "{} は2件以上の値には使えません"
    pub(super) OPERAND "fhirpath-operand" Error Processing
        "{} cannot be applied to what it is given" "{} は与えられた値には使えません"
    pub(super) PATTERN "fhirpath-pattern" Error Value
        "{} is given a pattern that cannot be used" "{} に与えられた正規表現は使えません"
    pub(super) UNANSWERED "fhirpath-unanswered" Error NotSupported
        "{} needs something that is not at hand here" "{} に必要な情報がここにはありません"
    pub(super) TOO_COSTLY "fhirpath-too-costly" Error TooCostly
        "the evaluation takes more than the allowed {}" "評価が上限を超えました: {}"
    pub(super) ELEMENT "fhirpath-element" Error Value
        "there is no element {} here" "この位置に要素 {} はありません"
    pub(super) ORDER "fhirpath-order" Error Value
        "{} needs items in an order, which these have not" "{} には順序のある値が必要です"
}

/// An expression that cannot be read, or cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionError {
    /// Where in the text of the expression, in bytes.
    pub at: usize,
    /// What is wrong.
    pub rule: &'static Rule,
    /// Which word of the expression; never anything out of a resource.
    pub detail: String,
}

impl ExpressionError {
    pub(super) fn new(at: usize, rule: &'static Rule, detail: impl Into<String>) -> Self {
        ExpressionError { at, rule, detail: detail.into() }
    }

    /// The sentence in English.
    pub fn english(&self) -> String {
        format!("{} (byte {})", self.rule.en.replace("{}", &self.detail), self.at)
    }

    /// The sentence in Japanese.
    pub fn japanese(&self) -> String {
        format!("{} ({}バイト目)", self.rule.ja.replace("{}", &self.detail), self.at)
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}

impl std::error::Error for ExpressionError {}
