//! What is wrong with a resource by a profile: where, by which rule of which profile, what was wanted and what was there.

use crate::fault::{Finding, Issue, Severity, rules};

/// What a profile, or what it names, has against a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The general rule, the place as a FHIRPath, and what was wanted.
    pub issue: Issue,
    /// The name of the rule where the profile gives it one: the number of JP-CLINS (`R1010`), or the key of a constraint.
    pub name: Option<Box<str>>,
    /// The profile, `url|version`; empty for what no profile says.
    pub profile: Box<str>,
    /// The element of the profile (`Observation.component:SystolicBP.code`); empty as the profile is.
    pub element: Box<str>,
    /// The slices in which it stands (`SystolicBP`); empty for none.
    pub slice: Box<str>,
    /// What was there: a code, a number, a type; empty where it would tell of a person or there was nothing.
    pub found: Box<str>,
}

rules! {
    pub(super) MIN "profile-min" Error Required
        "at least {} must be there: add what is missing" "{} 個以上が必要です。不足している要素を追加してください"
    pub(super) MAX "profile-max" Error Structure
        "at most {} may be there: leave out the others" "{} 個までです。余分な要素を削除してください"
    pub(super) NOT_HERE "profile-not-here" Error Structure
        "the profile has no {}: leave it out" "このプロファイルでは {} を使えません。削除してください"
    pub(super) SLICE_MIN "profile-slice-min" Error Required
        "at least {} of the slice must be there: add what is missing, or put right what is meant to be it"
        "スライス {} 個以上が必要です。追加するか、該当するはずの要素を直してください"
    pub(super) SLICE_MAX "profile-slice-max" Error Structure
        "at most {} of the slice may be there: leave out the others" "スライス {} 個までです。余分な要素を削除してください"
    pub(super) NO_SLICE "profile-no-slice" Error Structure
        "every value must be of one of these slices: {}" "どのスライスにも当てはまりません。次のいずれかでなければなりません: {}"
    pub(super) OPEN_SLICE "profile-open-slice" Information Informational
        "the value is of none of the slices {}; the profile allows that" "どのスライスにも当てはまりませんが、許容されています: {}"
    pub(super) AT_END "profile-slice-at-end" Error Structure
        "values of no slice stand behind all others: move it to the end" "スライスに当てはまらない値は最後に置いてください"
    pub(super) ORDER "profile-slice-order" Error Structure
        "the slices stand in this order: {}" "スライスは次の順に並べてください: {}"
    pub(super) UNSURE "profile-slice-unsure" Information Incomplete
        "whether a value is of the slice {} was not checked: what decides it is not loaded"
        "スライス {} に当てはまるかどうかは確認していません。判定に必要な定義が読み込まれていません"
    pub(super) TYPE "profile-type" Error Structure
        "its type must be {}" "型は {} でなければなりません"
    pub(super) WRONG_RESOURCE "profile-resource-type" Error Structure
        "the profile is for {}" "このプロファイルは {} のものです"
    pub(super) NONE_OF "profile-none-of" Error Structure
        "it keeps to none of the profiles that may stand here: {}" "ここに置けるプロファイルのいずれにも適合していません: {}"
    pub(super) FIXED "profile-fixed" Error Value
        "the value must be {}" "値は {} でなければなりません"
    pub(super) PATTERN "profile-pattern" Error Value
        "the value must hold {}" "値は {} を含まなければなりません"
    pub(super) LENGTH "profile-length" Error TooLong
        "at most {} characters" "{} 文字までです"
    pub(super) LEAST "profile-least" Error Value
        "the least value is {}" "最小値は {} です"
    pub(super) GREATEST "profile-greatest" Error Value
        "the greatest value is {}" "最大値は {} です"
    pub(super) BINDING "profile-binding" Error CodeInvalid
        "a code of this value set is required: {}" "次の値セットのコードが必須です: {}"
    pub(super) EXTENSIBLE "profile-binding-extensible" Warning CodeInvalid
        "a code of this value set is to be used where one fits: {}" "該当するものがあれば次の値セットのコードを使ってください: {}"
    pub(super) PREFERRED "profile-binding-preferred" Information CodeInvalid
        "a code of this value set is preferred: {}" "次の値セットのコードが推奨されています: {}"
    pub(super) NO_TERMINOLOGY "profile-not-loaded-codes" Information Incomplete
        "not checked: code system or value set not loaded: {}" "未確認: コード体系または値セットが読み込まれていません: {}"
    pub(super) UNKNOWN_CODE "profile-unknown-code" Warning CodeInvalid
        "the code system has no such code: {}" "コード体系にこのコードはありません: {}"
    pub(super) OTHER_CASE "profile-code-case" Warning CodeInvalid
        "the code system tells upper from lower case and writes the code so: {}"
        "このコード体系は大文字と小文字を区別します。正しい表記: {}"
    pub(super) UNIT "profile-unit" Warning CodeInvalid
        "no unit of {}: write it as UCUM does, as in mm[Hg], [IU], 10*3/uL" "{} の単位ではありません。UCUMの表記を使ってください(例: mm[Hg]、[IU]、10*3/uL)"
    pub(super) DISPLAY "profile-display" Warning Value
        "the code is called otherwise: {}" "表示名がコードと一致しません。正しい表示名: {}"
    pub(super) ABSTRACT "profile-code-abstract" Warning BusinessRule
        "the code only groups others: choose one of those below it" "分類用のコードです。その下位にあるコードを使ってください"
    pub(super) INACTIVE "profile-code-inactive" Warning BusinessRule
        "the code is no longer in use: choose another one" "使用されなくなったコードです。別のコードを使ってください"
    pub(super) NO_SYSTEM "profile-coding-without-system" Warning Incomplete
        "a code says nothing without its system: add it" "system のないコードは意味を特定できません。system を追加してください"
    pub(super) TARGET "profile-reference-type" Error Value
        "the reference must be to one of: {}" "参照できるのは次のいずれかです: {}"
    pub(super) TARGET_PROFILE "profile-reference-profile" Error Value
        "what the reference leads to keeps to none of: {}" "参照先が次のいずれのプロファイルにも適合していません: {}"
    pub(super) AGGREGATION "profile-reference-aggregation" Error Value
        "what the reference leads to must be {}" "参照先は {} でなければなりません"
    pub(super) INVARIANT "profile-constraint" Error Invariant
        "{}" "{}"
    pub(super) INVARIANT_WARNING "profile-constraint-warning" Warning Invariant
        "{}" "{}"
    pub(super) ADVICE "profile-advice" Information Invariant
        "good practice: {}" "推奨: {}"
    pub(super) UNREAD "profile-constraint-unread" Information NotSupported
        "the constraint {} was not checked: its expression cannot be evaluated here" "制約 {} は確認していません。式を評価できません"
    pub(super) COSTLY "profile-constraint-costly" Warning TooCostly
        "the constraint {} was not checked: the element is too large" "要素が大きすぎるため、制約 {} は確認していません"
    pub(super) UNKNOWN_PROFILE "profile-unknown" Warning NotFound
        "the profile {} is not loaded, and nothing of it was checked" "プロファイル {} が読み込まれていないため、確認していません"
    pub(super) NOT_LOADED "profile-not-loaded" Information Incomplete
        "the profile {}, which another one names, is not loaded and was not checked"
        "別のプロファイルが参照する {} が読み込まれていないため、確認していません"
    pub(super) UNKNOWN_EXTENSION "profile-unknown-extension" Information Extension
        "the extension {} is unknown here and was not checked" "拡張 {} は未知のため、確認していません"
    pub(super) EXTENSION_PLACE "profile-extension-place" Error Extension
        "this extension may stand only in: {}" "この拡張を使えるのは次の場所だけです: {}"
    pub(super) EXTENSION_CONTEXT "profile-extension-context" Error Extension
        "this extension may stand only in an element of which this holds: {}"
        "この拡張を使える要素は次の条件を満たすものだけです: {}"
    pub(super) IS_MODIFIER "profile-extension-modifier" Error Extension
        "this extension may change what its element means: send it as modifierExtension"
        "この拡張は要素の意味を変えることがあるため、modifierExtension として送ってください"
    pub(super) IS_NO_MODIFIER "profile-extension-no-modifier" Error Extension
        "this extension does not change what its element means: send it as extension"
        "この拡張は要素の意味を変えないため、extension として送ってください"
    pub(super) RELATIVE_SYSTEM "profile-relative-system" Information Value
        "a system is an absolute URI: two senders may mean different things by this one"
        "system は絶対 URI です。この値では送信元によって意味が異なることがあります"
    pub(super) HALF_WIDTH "clins-half-width-katakana" Warning Value
        "a name holds half-width katakana: write them in full width" "名称に半角カタカナが含まれています。全角で書いてください"
    pub(super) HALF_WIDTH_THERE "clins-half-width-katakana" Information Value
        "a name holds half-width katakana, which JP-CLINS does not allow" "名称に半角カタカナが含まれています。JP-CLINSでは使えません"
    pub(super) LOCAL_SPACE "clins-local-name-space" Warning Value
        "the name of a local code has no spaces: leave them out" "ローカルコードの名称に空白は使えません。取り除いてください"
    pub(super) DESIGNATED "clins-designated-test" Warning Required
        "{} is one of the designated laboratory tests (指定検査): add its JLAC10 or JLAC11 code"
        "{} は指定検査(43 項目)です。JLAC10 または JLAC11 のコードを追加してください"
    pub(super) QUESTIONNAIRE_UNKNOWN "questionnaire-not-loaded" Information Incomplete
        "the answers were not checked: the Questionnaire is not named, or neither contained, in the Bundle nor loaded: {}"
        "回答は確認していません。Questionnaire が指定されていないか、contained・Bundle・読み込み済みの定義のいずれにもありません: {}"
    pub(super) ITEM_UNKNOWN "questionnaire-item-unknown" Error Structure
        "the Questionnaire has no item {} here: correct the linkId or leave the item out"
        "Questionnaire のこの場所に項目 {} はありません。linkId を直すか、項目を削除してください"
    pub(super) ITEM_ORDER "questionnaire-item-order" Error Structure
        "items stand in the order of the Questionnaire: move {}" "項目は Questionnaire の順に並べてください: {}"
    pub(super) ITEM_REQUIRED "questionnaire-required" Error Required
        "{} must be answered: answer it, or send the response as in-progress"
        "{} は必須の質問です。回答するか、in-progress として送ってください"
    pub(super) ITEM_DISABLED "questionnaire-not-asked" Error Structure
        "{} is not asked after what was answered elsewhere (enableWhen): leave it out"
        "他の回答により {} は質問されません(enableWhen)。削除してください"
    pub(super) ITEM_DISABLED_YET "questionnaire-not-asked-yet" Warning Structure
        "{} is not asked after what was answered elsewhere (enableWhen): leave it out before the response is completed"
        "他の回答により {} は質問されません(enableWhen)。completed として送る前に削除してください"
    pub(super) ITEM_TWICE "questionnaire-item-twice" Error Structure
        "{} stands here twice: put several answers into one item" "{} が 2 回現れています。複数の回答は 1 つの項目にまとめてください"
    pub(super) ITEM_NO_ANSWER "questionnaire-no-answer" Error Structure
        "an item of type {} has no answer: leave it out" "{} 型の項目に回答は書けません。削除してください"
    pub(super) ITEM_MISPLACED "questionnaire-item-place" Error Structure
        "the items under the question {} stand in its answer: move them there"
        "質問 {} の下の項目は、その answer の中に置いてください"
    pub(super) ITEM_TARGET "questionnaire-enable-when" Error Value
        "enableWhen names no other question of this Questionnaire: {}"
        "enableWhen がこの Questionnaire の他の質問を指していません: {}"
    pub(super) ANSWERS_MAX "questionnaire-answers" Error Structure
        "the question takes one answer: leave out the others" "この質問の回答は 1 つだけです。余分な回答を削除してください"
    pub(super) ANSWER_TYPE "questionnaire-answer-type" Error Structure
        "the answer must be of type {}" "回答の型は {} でなければなりません"
    pub(super) ANSWER_OPTION "questionnaire-answer-option" Error CodeInvalid
        "the answer is none of the {} options of the question" "回答が質問の選択肢({} 個)のいずれでもありません"
    pub(super) UNFINISHED "profile-unfinished" Warning TooCostly
        "the resource is too large to be checked whole: {} elements" "リソースが大きすぎるため、すべては確認していません({} 要素)"
    pub(super) MORE "profile-more-problems" Information Informational
        "{} more problems are not listed: correct these first" "他に {} 件の問題があります。まずここに挙げたものを直してください"
}

impl Problem {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.issue.rule.severity
    }

    /// The name of the rule: the profile's own, else the general one.
    pub fn rule(&self) -> &str {
        self.name.as_deref().unwrap_or(self.issue.rule.id)
    }

    /// The sentence in English, with what was found and which profile says so.
    pub fn english(&self) -> String {
        let mut out = self.issue.english();
        for (label, value) in [("found", &self.found), ("slice", &self.slice), ("profile", &self.profile)] {
            if !value.is_empty() {
                out.push_str(&format!(" [{label}: {value}]"));
            }
        }
        out
    }

    /// The sentence in Japanese.
    pub fn japanese(&self) -> String {
        let mut out = self.issue.japanese();
        for (label, value) in [("実際", &self.found), ("スライス", &self.slice), ("プロファイル", &self.profile)]
        {
            if !value.is_empty() {
                out.push_str(&format!(" [{label}: {value}]"));
            }
        }
        out
    }
}

impl From<Problem> for Issue {
    /// The same as an issue of the general rule: what was found, and who says so, stand in its detail.
    fn from(problem: Problem) -> Self {
        let Problem { mut issue, name, profile, slice, found, .. } = problem;
        for (label, value) in [("rule", name.as_ref()), ("found", Some(&found)), ("slice", Some(&slice))] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                issue.detail.push_str(&format!(" [{label}: {value}]"));
            }
        }
        if !profile.is_empty() {
            issue.detail.push_str(&format!(" [profile: {profile}]"));
        }
        issue
    }
}

impl From<&Problem> for Finding {
    fn from(problem: &Problem) -> Self {
        Finding {
            rule: problem.rule().into(),
            ja: problem.japanese(),
            en: problem.english(),
            ..Finding::from(&problem.issue)
        }
    }
}
