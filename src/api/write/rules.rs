//! The sentences with which writes are refused or confirmed.

pub(in crate::api) use crate::api::rules::{CHANGED, ID_DIFFERS, NOT_FOUND};
use crate::fault::rules;

rules! {
    pub(in crate::api) NOT_JSON "not-json" Error Structure
        "The body is not JSON in UTF-8 ({})."
        "本文がUTF-8のJSONではありません({})。"
    pub(in crate::api) TOO_DEEP "too-deep" Error TooCostly
        "Elements of the body are inside each other more deeply than is read here ({})."
        "本文の要素の入れ子が深すぎます({})。"
    pub(in crate::api) NAMED_TWICE "named-twice" Error Structure
        "An object of the body has two members of the same name; each may be sent once."
        "本文のオブジェクトに同じ名前のメンバーが二つあります。同じ名前は一度だけ使えます。"
    pub(in crate::api) TYPE_DIFFERS "type-differs" Error Value
        "The body must be a {}, as the address says."
        "本文のresourceTypeはURLと同じ {} でなければなりません。"
    pub(in crate::api) SUBSETTED "subsetted" Error BusinessRule
        "This is a part of a resource (SUBSETTED); to state it as the whole would lose the rest. Read it whole and send that."
        "部分的な内容(SUBSETTED)です。このまま保存すると残りが失われます。全体を読み取ってから送ってください。"
    pub(in crate::api) NOT_A_BINARY "not-a-binary" Error Value
        "Content-Type or X-Security-Context cannot be kept with the bytes of a Binary."
        "Content-TypeまたはX-Security-Contextの値が不正なため、Binaryとして保存できません。"
    pub(in crate::api) NO_RESOURCE "no-resource" Error Required
        "Send the resource as the body."
        "リソースを本文として送ってください。"
    pub(in crate::api) NOT_A_PATCH "not-a-patch" Error NotSupported
        "Send the patch as application/json-patch+json, or a FHIRPath patch (Parameters) as FHIR."
        "パッチは application/json-patch+json、またはFHIRのParameters(FHIRPath Patch)として送ってください。"
    pub(in crate::api) PATCH_UNREADABLE "patch-unreadable" Error Structure
        "The patch cannot be read or is too large ({})."
        "パッチを読み取れないか、大きすぎます({})。"
    pub(in crate::api) PATCH_TEST_FAILED "patch-test-failed" Error Conflict
        "The test in operation {} of the patch (counted from 0) does not hold; nothing was changed."
        "パッチの操作{}(0から数える)のtestが成立しません。変更していません。"
    pub(in crate::api) PATCH_PATH "patch-path" Error Value
        "Operation {} of the patch (counted from 0) names a place that is not there; nothing was changed."
        "パッチの操作{}(0から数える)が存在しない箇所を指しています。変更していません。"
    pub(in crate::api) PATCHED_ID "patched-id" Error BusinessRule
        "A patch may not change the id or the type of a resource."
        "パッチでリソースのidや型を変えることはできません。"
    pub(in crate::api) GONE "gone" Error Deleted
        "The resource has been deleted."
        "このリソースは削除されています。"
    pub(in crate::api) SEVERAL_MATCH "several-match" Error MultipleMatches
        "More than one resource matches the criteria; nothing was changed."
        "条件に一致するリソースが複数あります。変更していません。"
    pub(in crate::api) NO_CRITERIA "no-criteria" Error Required
        "Name at least one search parameter of {} that limits what is meant."
        "{} の検索パラメーターを一つ以上指定して、対象を限定してください。"
    pub(in crate::api) CRITERIA_OF_CREATE "criteria-of-create" Error NotSupported
        "A create takes no search parameters in its address; send them in the header If-None-Exist. Nothing was created."
        "作成のURLに検索パラメーターは指定できません。If-None-Exist ヘッダーで送ってください。作成していません。"
    pub(in crate::api) UNEXPECTED "not-as-expected" Error Conflict
        "What is on record is not the version that If-Match or If-None-Match asks for; read it again."
        "保存されている版が If-Match または If-None-Match の条件に合いません。読み直してください。"
    pub(in crate::api) ELSEWHERE "record-of-another-patient" Error BusinessRule
        "{} lies in another patient's record; a resource does not move. State it under another id."
        "{} は別の患者の記録にあります。リソースを別の患者へ移すことはできません。別のidで登録してください。"
    pub(in crate::api) NOT_DIRECTORY "not-of-the-directory" Error BusinessRule
        "The network's office keeps the directory: what names a patient, or has the id of something in a patient's record, is not of it. {}"
        "事務局が登録できるのは名簿だけです。患者を指すもの、患者の記録にあるidは登録できません。{}"
    pub(in crate::api) BUILT_IN "part-of-the-program" Error BusinessRule
        "{} is part of the program and cannot be changed; choose another id."
        "{} はこのプログラムに組み込まれており変更できません。別のidを使ってください。"
    pub(in crate::api) TWICE "twice" Error Duplicate
        "{} is named by more than one entry; nothing was changed."
        "{} が複数のエントリーで指定されています。変更していません。"
    pub(in crate::api) WRITTEN "written" Information Informational
        "Written."
        "保存しました。"
    pub(in crate::api) DELETED "deleted" Information Informational
        "Deleted, or not there."
        "削除しました(または存在しません)。"
    pub(in crate::api) NOT_A_TRANSACTION "not-a-batch-or-transaction" Error Value
        "Send a Bundle of type batch or transaction; to store a Bundle, POST it to /fhir/Bundle."
        "typeがbatchまたはtransactionのBundleを送ってください。Bundleを保存する場合は /fhir/Bundle へPOSTします。"
    pub(in crate::api) NOT_LOOKED_AT "entries-not-looked-at" Information Informational
        "The entries after entry[{}] were not looked at: correct these first."
        "entry[{}] より後のエントリーは確認していません。まずここに挙げたものを直してください。"
    pub(in crate::api) NO_REQUEST "no-request" Error Required
        "The entry needs request.method and request.url."
        "エントリーにrequest.methodとrequest.urlが必要です。"
    pub(in crate::api) MALFORMED "malformed-entry-condition" Error Value
        "request.ifMatch or request.ifNoneMatch is not written as the standard has it."
        "request.ifMatchまたはrequest.ifNoneMatchの書き方が規格に合っていません。"
    pub(in crate::api) URL "entry-url" Error Value
        "request.url is none that this method can be done at: [type], [type]/[id] or [type]?criteria, relative to this server."
        "request.urlがこのmethodで使える形ではありません。[type]、[type]/[id]、[type]?条件 のいずれかを、このサーバーからの相対URLで指定してください。"
    pub(in crate::api) ENTRIES "too-many-entries" Error TooCostly
        "A Bundle may have up to {} entries."
        "Bundleのエントリーは{}件までです。"
    pub(in crate::api) UNRESOLVED "unresolved-reference" Error NotFound
        "A reference to a fullUrl that no entry of the transaction has."
        "トランザクション内のどのエントリーのfullUrlとも一致しない参照があります。"
    pub(in crate::api) REFERENCE_MATCHES "conditional-reference" Error MultipleMatches
        "A conditional reference must match exactly one resource."
        "条件付き参照は、ちょうど1件のリソースに一致しなければなりません。"
    pub(in crate::api) NO_NEW_VERSION "no-new-version" Error BusinessRule
        "A reference names the version that this entry makes, and the entry changes nothing; refer to it without a version."
        "このエントリーが作る版を指す参照がありますが、内容に変更がないため新しい版は作られません。版を付けずに参照してください。"
    pub(in crate::api) FULL_URL_TWICE "full-url-twice" Error Invariant
        "Two entries have the same fullUrl."
        "fullUrlが同じエントリーがあります。"
    pub(in crate::api) FULL_URL_VERSION "full-url-of-a-version" Error Invariant
        "The fullUrl of an entry names a resource, not one of its versions."
        "fullUrlには版ではなくリソースのURLを指定してください。"
    pub(in crate::api) WRITTEN_TWICE "written-twice" Error Duplicate
        "An earlier entry of the batch writes the same resource; send one of them, or a second batch."
        "batchの前のエントリーが同じリソースを書き込んでいます。一方だけにするか、別のbatchに分けてください。"
    pub(in crate::api) DEPENDS "batch-dependency" Error Processing
        "An entry of a batch may not refer to another entry of it; send a transaction."
        "batchのエントリーは他のエントリーを参照できません。transactionとして送ってください。"
}
