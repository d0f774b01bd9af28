//! What can be wrong with an entry, and what of it has no place in FHIR.

use crate::fault::rules;

rules! {
    pub(super) UNMAPPED "cda-unmapped" Information Incomplete
        "The element {} was not carried over; the narrative of the section keeps what it tells."
        "{}要素は変換していません。内容はセクションの記述(text)に残ります。"
    pub(super) UNLINKED "cda-unlinked" Information Incomplete
        "The relation {} between two statements has no counterpart in FHIR; both were carried over on their own."
        "記述間の関係({})はFHIRに対応する要素がないため、それぞれ独立に変換しました。"
    pub(super) UNKNOWN_STATEMENT "cda-unknown-statement" Warning NotSupported
        "This statement ({}) says nothing that could be carried over; the narrative of the section keeps it."
        "この記述({})には変換できる内容がありません。セクションの記述(text)に残ります。"
    pub(super) TOO_DEEP "cda-too-deep" Warning TooCostly
        "Statements are nested more than {} levels deep; what lies deeper was not carried over."
        "記述の入れ子が{}段を超えています。それより深い内容は変換していません。"
    pub(super) REUSED_ID "cda-reused-id" Information Duplicate
        "The same id names two different things in this document; each became a resource of its own."
        "文書内で同じidが異なる内容に使われています。それぞれ別のリソースにしました。"
    pub(super) TOLD_TWICE "cda-told-twice" Information Duplicate
        "This was told before in the document with the same id and other details; the fuller telling was kept."
        "同じidの内容が文書内で異なる詳しさで記載されています。詳しい方を採用しました。"
    pub(super) NEGATED "cda-negated" Warning NotSupported
        "The statement says that something is not so, and FHIR has no way to say it here ({}); it was not carried over."
        "否定の記述(negationInd)をFHIRで表現できないため({})、変換していません。"
    pub(super) POINTS_NOWHERE "cda-points-nowhere" Information NotFound
        "The statement points to another by an id that no statement before it has."
        "参照先のidを持つ記述が文書内(この箇所より前)にありません。"
    pub(super) STATUS "cda-status" Information CodeInvalid
        "The status {} is not one of CDA; it was read as unknown."
        "ステータス{}はCDAの値ではないため、不明として扱いました。"
    pub(super) SEVERITY_ALONE "cda-severity-without-reaction" Information Incomplete
        "FHIR states a severity of a reaction only; no reaction is told, so this severity was not carried over."
        "反応の記載がないため、重症度を変換していません(FHIRでは反応ごとに重症度を持ちます)。"
    pub(super) ABNORMAL_RANGE "cda-abnormal-range" Information Informational
        "This range is not the normal one ({}); as a reference range it would mislead and was not carried over."
        "正常範囲ではない範囲({})のため、基準範囲としては変換していません。"
    pub(super) END_LEFT_OUT "cda-end-left-out" Information Incomplete
        "FHIR has one time here; the end of the interval was not carried over."
        "FHIRではここに1時点しか持てないため、期間の終了を変換していません。"
}
