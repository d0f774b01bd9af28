//! The sentences of bulk exports and imports.

use crate::fault::rules;

rules! {
    pub(super) RESPOND_ASYNC "export-respond-async" Error Required
        "An export is answered later: send Prefer: respond-async."
        "エクスポートは非同期で応答します。Prefer: respond-async を付けて送ってください。"
    pub(super) BEGUN "export-begun" Information Informational
        "The export has begun; Content-Location says where to ask how far it is."
        "エクスポートを開始しました。進み具合はContent-LocationのURLで確認できます。"
    pub(super) UNDER_WAY "export-under-way" Information Informational
        "The export is being prepared; ask again after the seconds that Retry-After names."
        "エクスポートを準備中です。Retry-Afterの秒数が経ってから再度確認してください。"
    pub(super) CANCELLED "export-cancelled" Information Informational
        "The export is ended; nothing more of it can be fetched."
        "エクスポートを終了しました。以後は取得できません。"
    pub(super) TOO_MANY "too-many-exports" Error Throttled
        "Your client has as many exports as it may; delete one, or wait until one expires."
        "エクスポートの数が上限に達しています。不要なものをDELETEで終了するか、期限切れを待ってください。"
    pub(super) TOO_LONG "export-too-long" Error TooLong
        "More is asked for than one export takes."
        "一度のエクスポートで指定できる条件の量を超えています。"
    pub(super) FORMAT "export-format" Error NotSupported
        "An export is written as application/fhir+ndjson alone."
        "エクスポートの形式は application/fhir+ndjson のみです。"
    pub(super) NO_SUCH_TYPE "export-type" Error NotSupported
        "_type or _typeFilter names {}, which is no resource type that is exported here."
        "_type または _typeFilter の {} は、ここでエクスポートできるリソース型ではありません。"
    pub(super) TYPE_NOT_ASKED "export-type-not-asked" Error Value
        "_typeFilter names {}, which _type does not."
        "_typeFilter の {} が _type に含まれていません。"
    pub(super) CRITERIA "export-criteria" Error Value
        "A _typeFilter must be [type]?[search parameters], without parameters that order, page or shape a result ({})."
        "_typeFilter は [型]?[検索条件] の形で指定してください。並べ替え・ページ・表示に関するパラメーターは使えません({})。"
    pub(super) PATIENTS_ALONE "export-patient-parameter" Error NotSupported
        "The parameter patient is for POST to Patient/$export and Group/[id]/$export."
        "パラメーター patient は、Patient/$export または Group/[id]/$export へのPOSTでのみ使えます。"
    pub(super) NO_SUCH_PATIENT "export-no-such-patient" Error NotFound
        "One of the patients is not there, not in the group, or not yours to see."
        "指定された患者のいずれかが存在しないか、グループに含まれないか、閲覧の対象ではありません。"
    pub(super) PATIENTS_MAX "export-patients" Error TooCostly
        "Up to {} patients can be named."
        "指定できる患者は{}人までです。"
    pub(super) NOT_NDJSON "not-ndjson" Error NotSupported
        "Send application/fhir+ndjson, one resource a line, not packed."
        "application/fhir+ndjson(1行に1リソース、圧縮なし)で送ってください。"
    pub(super) LINE_TOO_LONG "line-too-long" Error TooLong
        "The line is longer than {} bytes."
        "行の長さが{}バイトを超えています。"
    pub(super) NOT_A_RESOURCE "line-not-a-resource" Error Structure
        "The line is no resource of FHIR R4 that is served here, as JSON in UTF-8."
        "この行は、ここで扱うFHIR R4のリソース(UTF-8のJSON)ではありません。"
    pub(super) STOPPED "import-stopped" Error Exception
        "The import stopped; what was stored before line {} stays. Send the rest, or all of it again."
        "取り込みが中断しました。{}行目より前に保存したものは残っています。残りまたは全体を再送してください。"
}
