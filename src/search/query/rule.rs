//! The sentences with which a query is refused. They name the parameter, never its value.

use crate::fault::{Issue, Place, Rule, rules};

use super::text::shown;
use crate::search::terminology::Undecided;

/// Longest URI that an issue repeats.
const URI_BYTES_MAX: usize = 200;

rules! {
    pub(in crate::search) UNKNOWN "search-unknown-parameter" Error NotSupported
        "this search has no parameter {}" "この検索にパラメーター {} はありません"
    pub(in crate::search) IGNORED "search-parameter-ignored" Warning NotSupported
        "the parameter {} is not known here and was left out" "パラメーター {} は未対応のため無視しました"
    pub(in crate::search) MODIFIER "search-modifier" Error NotSupported
        "this modifier is not offered here: {}" "この修飾子には対応していません: {}"
    pub(in crate::search) VALUE "search-value" Error Value
        "a value of the parameter {} cannot be read" "パラメーター {} の値を読み取れません"
    pub(in crate::search) TWICE "search-twice" Error Value
        "the parameter {} may be given once" "パラメーター {} は一度だけ指定できます"
    pub(in crate::search) TOO_LONG "search-too-long" Error TooCostly
        "the search has more than {} values or bytes" "検索条件が多すぎます (上限 {})"
    pub(in crate::search) TOO_DEEP "search-too-deep" Error TooCostly
        "chains and _has go over more than {} references" "連鎖検索と_hasの段数が多すぎます (上限 {})"
    pub(in crate::search) NO_CHAIN "search-chain" Error NotSupported
        "the chain {} leads to no parameter of the type it refers to" "連鎖検索 {} の参照先には該当するパラメーターがありません"
    pub(in crate::search) NO_QUERY "search-named-query" Error NotSupported
        "named queries (_query) are not offered" "名前付きクエリー (_query) には対応していません"
    pub(in crate::search) NOT_COMMON "search-not-common" Error NotSupported
        "the parameter {} is not common to all types that are searched" "パラメーター {} は検索対象のすべてのリソース型に共通ではありません"
    pub(in crate::search) TEXT_ALONE "search-summary-text" Error NotSupported
        "_summary=text is not combined with _include or _revinclude" "_summary=textは_includeや_revincludeと併用できません"
    pub(in crate::search) CHAIN_VERSION "search-chain-version" Warning Informational
        "a match refers to a version that is not the current one; the chain was judged on the current one"
        "一致したリソースは現行でない版を参照していますが、連鎖検索は現行の版で判定しました"
    pub(in crate::search) AMBIGUOUS "search-ambiguous-reference" Error MultipleMatches
        "the id in the parameter {} is that of resources of several types; name the type (Type/id)"
        "パラメーター {} のidに一致するリソースが複数の型にあります。型を指定してください (Type/id)"
    pub(in crate::search) VALUE_SET "search-value-set" Error NotFound
        "the value set or code system {} is not known here" "値セットまたはコード体系 {} が見つかりません"
    pub(in crate::search) UNDECIDED "search-value-set-undecided" Error NotSupported
        "which codes are meant cannot be decided: the value set or code system {} is not whole, or has rules that are not understood here"
        "値セットまたはコード体系 {} は内容が不完全か、未対応の規則を含むため、対象のコードを判定できません"
    pub(in crate::search) INCLUDES_CUT "search-includes-cut" Warning Incomplete
        "more than {} resources would be included; the rest is left out" "含めるリソースが{}件を超えるため、残りを省略しました"
}

/// An issue of a parameter, whose name is shown as far as it is harmless.
pub(in crate::search) fn issue(rule: &'static Rule, name: &str) -> Issue {
    Issue::with(rule, Place::Whole, shown(name))
}

/// Why it cannot be said which codes a parameter means: it names the value set or code system where that is a URI.
pub(in crate::search) fn undecided(undecided: &Undecided, name: &str) -> Issue {
    let (rule, canonical) = match undecided {
        Undecided::Unknown(canonical) => (&VALUE_SET, canonical),
        Undecided::Open(canonical) => (&UNDECIDED, canonical),
    };
    let is_uri = ["http://", "https://", "urn:", "ValueSet/"].iter().any(|start| canonical.starts_with(start));
    let is_plain = canonical.len() <= URI_BYTES_MAX && canonical.bytes().all(|byte| byte.is_ascii_graphic());
    let shown = if is_uri && is_plain { canonical.clone() } else { shown(name) };
    Issue::with(rule, Place::Whole, shown)
}

/// An issue of a limit.
pub(in crate::search) fn past(rule: &'static Rule, limit: usize) -> Issue {
    Issue::with(rule, Place::Whole, limit.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_repeated_up_to_the_limit_and_the_parameter_named_past_it() {
        let uri = |bytes: usize| format!("urn:{}", "x".repeat(bytes - 4));
        let detail = |uri: String| undecided(&Undecided::Unknown(uri), "code:in").detail;
        assert_eq!(detail(uri(URI_BYTES_MAX)), uri(URI_BYTES_MAX));
        assert_eq!(detail(uri(URI_BYTES_MAX + 1)), "code:in");
        assert_eq!(detail("山田".into()), "code:in");
    }
}
