//! The sentences with which the API refuses.

use crate::fault::rules;

rules! {
    pub(super) NOT_FOUND "not-found" Error NotFound
        "There is no such resource, or it is not yours to see."
        "該当するリソースがないか、閲覧の対象ではありません。"
    pub(super) LOGIN "login" Error Login
        "Send the bearer token of a registered client: Authorization: Bearer …"
        "登録済みクライアントのトークンを Authorization: Bearer で送ってください。"
    pub(super) ASSURANCE "insufficient-user-authentication" Error Login
        "Sign in again with two factors; this access token stands for less."
        "二要素認証で再度サインインしてください。このアクセストークンは認証強度が不足しています。"
    pub(super) TOO_MANY "too-many-requests" Error Throttled
        "Your client asks more often, or more at once, than it may; wait as long as Retry-After says."
        "リクエスト数または同時接続数が上限を超えています。Retry-After の秒数だけ待って再度お試しください。"
    pub(super) TAKES_TOO_LONG "takes-too-long" Error TooCostly
        "The answer would take longer than {} seconds; ask for less: a patient, a code, a time."
        "応答に{}秒以上かかるため中止しました。患者、コード、期間などで条件を絞ってください。"
    pub(super) ROLE "role" Error Forbidden
        "Your client's role does not include this."
        "このクライアントの役割では行えない操作です。"
    pub(super) SCOPE "insufficient-scope" Error Forbidden
        "The scopes of your access token do not include this; ask for a token with them."
        "アクセストークンのスコープに含まれない操作です。必要なスコープでトークンを取得してください。"
    pub(super) NO_SUCH_TYPE "no-such-type" Error NotSupported
        "{} is not a resource type of FHIR R4 that is served here."
        "{} はこのゲートウェイが扱うFHIR R4のリソース型ではありません。"
    pub(super) NO_SUCH_INTERACTION "no-such-interaction" Error NotSupported
        "This interaction is not offered here; see the CapabilityStatement under /fhir/metadata."
        "この操作には対応していません。/fhir/metadata のCapabilityStatementを確認してください。"
    pub(super) NAME_THE_PATIENT "name-the-patient" Error TooCostly
        "Name the patient (patient=Patient/…) or the resource (_id=…)."
        "患者(patient=Patient/…)またはリソース(_id=…)を指定してください。"
    pub(super) TOO_LARGE "body-too-large" Error TooLong
        "The body is larger than this gateway takes."
        "本文が上限を超えています。"
    pub(super) BROKE_OFF "body-broke-off" Error Structure
        "The body broke off before its end."
        "本文が途中で途切れています。"
    pub(super) NOT_A_FORM "not-a-form" Error NotSupported
        "Send the parameters as application/x-www-form-urlencoded."
        "パラメータは application/x-www-form-urlencoded で送ってください。"
    pub(super) NOT_A_BUNDLE "not-a-bundle" Error Value
        "Send a Bundle as FHIR JSON."
        "FHIR JSON形式のBundleを送ってください。"
    pub(super) ID_DIFFERS "id-differs" Error Value
        "The id in the body and the id in the address are not the same."
        "本文のidとURLのidが一致しません。"
    pub(super) BUSY "busy" Error Transient
        "Too much at once; try again in a moment."
        "混み合っています。少し待って再度お試しください。"
    pub(super) BROKEN "broken" Error Exception
        "The gateway has a fault; the operator has been told."
        "ゲートウェイに障害があります。管理者に通知されました。"
    pub(super) CHANGED "changed-meanwhile" Error Conflict
        "The resource has changed meanwhile; read it again."
        "他の更新と競合しました。読み直してから再度お試しください。"
    pub(super) PARAMETER "parameter" Error NotSupported
        "The parameter {} is not offered here."
        "パラメータ {} には対応していません。"
    pub(super) VALUE "parameter-value" Error Value
        "A value of the parameter {} cannot be read."
        "パラメーター {} の値を読み取れません。"
    pub(super) HELD "held" Error BusinessRule
        "The letter is kept, and held back for what follows."
        "受け取りましたが、次の理由により保留にしました。"
    pub(super) LETTER_REFUSED "letter-refused" Error BusinessRule
        "The letter is kept, and not taken in: correct it and send it again."
        "受信した原本は保管していますが、次の理由により取り込みませんでした。修正して再送してください。"
    pub(super) ALIVE "alive" Information Informational
        "The gateway answers."
        "稼働中です。"
    pub(super) STORED "stored" Information Informational
        "Stored: {} resource versions."
        "保存しました(リソース{}件)。"
    pub(super) KNOWN_ALREADY "known-already" Information Informational
        "This letter had been received before; nothing has changed ({} resource versions)."
        "受信済みの内容です。変更はありません(リソース{}件)。"
    pub(super) PARTED "parted" Information Informational
        "Received as {} letters; the receipt lists them."
        "{}件のメッセージとして受け取りました。内訳は受領記録を参照してください。"
    pub(super) TOO_SLOW "body-too-slow" Error Throttled
        "The body did not arrive within {} seconds."
        "本文が{}秒以内に届きませんでした。"
    pub(super) NOT_TAKEN "format-not-taken" Error NotSupported
        "This is none of what is taken: an HL7 v2 message or batch (MSH, FHS, BHS), a CDA document, FHIR as JSON or XML, a JSON or CSV export (as text/csv, or with a name in .csv), or a zip file of any of these."
        "受け取れる形式ではありません。HL7 v2のメッセージまたはバッチ(MSH、FHS、BHS)、CDA文書、FHIR(JSON・XML)、JSONまたはCSV(text/csv、または拡張子 .csv)のエクスポート、およびこれらのzipファイルを送ってください。"
    pub(super) NAME_FACILITY "name-the-facility" Error Required
        "Your client sends for several facilities and this does not say whose it is: post it to /intake/{facility}."
        "このクライアントは複数の医療機関の送信者であり、どの医療機関のものか判別できません。/intake/{医療機関コード} へ送ってください。"
    pub(super) FOREIGN_FACILITY "foreign-facility" Error Forbidden
        "This names a facility that your client does not send for; nothing of it is kept."
        "このクライアントが送信できない医療機関のデータです。保管していません。"
    pub(super) UNDER_WAY "under-way" Information Informational
        "Kept, and being received letter by letter; the address in Location tells how far it is."
        "保管しました。順次受け取り処理中です。進み具合はLocationのURLで確認できます。"
    pub(super) NOT_BASE64 "binary-not-base64" Error Value
        "Binary.data is not base64."
        "Binary.dataがbase64ではありません。"
    pub(super) MALFORMED_CONDITION "malformed-condition" Error Value
        "The condition in {} is not written as the standard has it."
        "{} の条件の書き方が規格に合っていません。"
    pub(super) NOT_ACCEPTABLE "not-acceptable" Error NotSupported
        "FHIR R4 is answered as application/fhir+json or application/fhir+xml (fhirVersion=4.0), in none of the forms that are asked for."
        "応答できる形式は application/fhir+json と application/fhir+xml(fhirVersion=4.0)です。要求された形式には対応していません。"
    pub(super) ADDRESS_TOO_LONG "address-too-long" Error TooLong
        "The address is longer than {} bytes; send a search as POST with _search."
        "URLが{}バイトを超えています。検索は _search へのPOSTで送ってください。"
    pub(super) ADDRESS_BROKEN "address-broken" Error Value
        "The address holds a percent sign without two hexadecimal digits, or bytes that are not UTF-8."
        "URLのパーセントエンコーディングが不正か、UTF-8ではありません。"
    pub(super) NOT_FHIR "not-fhir" Error NotSupported
        "Send FHIR R4 as application/fhir+json or application/fhir+xml (fhirVersion=4.0)."
        "FHIR R4を application/fhir+json または application/fhir+xml(fhirVersion=4.0)で送ってください。"
    pub(super) NOT_UNPACKED "not-unpacked" Error NotSupported
        "A body may be packed with gzip or zstd, once; not otherwise."
        "本文の圧縮に使えるのはgzipまたはzstd(1回のみ)です。"
    pub(super) BROKEN_PACKING "broken-packing" Error Structure
        "The body is not what its Content-Encoding says."
        "本文がContent-Encodingの示す形式になっていません。"
}
