//! The sentences with which the API refuses.

use crate::fault::{IssueType, Rule, Severity};

macro_rules! rules {
    ($($name:ident $id:literal $code:ident $en:literal $ja:literal;)*) => {
        $(pub(super) static $name: Rule = Rule {
            id: $id, severity: Severity::Error, code: IssueType::$code, en: $en, ja: $ja,
        };)*
    };
}

rules! {
    NOT_FOUND "not-found" NotFound
        "There is no such resource, or it is not yours to see."
        "該当するリソースがないか、閲覧の対象ではありません。";
    LOGIN "login" Login
        "Send the bearer token of a registered client: Authorization: Bearer …"
        "登録済みクライアントのトークンを Authorization: Bearer で送ってください。";
    ROLE "role" Forbidden
        "Your client's role does not include this."
        "このクライアントの役割では行えない操作です。";
    NO_SUCH_TYPE "no-such-type" NotSupported
        "{} is not a resource type of FHIR R4 that is served here."
        "{} はこのゲートウェイが扱うFHIR R4のリソース型ではありません。";
    NO_SUCH_INTERACTION "no-such-interaction" NotSupported
        "This interaction is not offered here; see the CapabilityStatement under /fhir/metadata."
        "この操作には対応していません。/fhir/metadata のCapabilityStatementを確認してください。";
    NAME_THE_PATIENT "name-the-patient" TooCostly
        "Name the patient (patient=Patient/…) or the resource (_id=…)."
        "患者(patient=Patient/…)またはリソース(_id=…)を指定してください。";
    TOO_LARGE "body-too-large" TooLong
        "The body is larger than this gateway takes, or it broke off."
        "本文が上限を超えているか、途中で途切れています。";
    NOT_FHIR_JSON "not-fhir-json" NotSupported
        "Send application/fhir+json."
        "application/fhir+json で送ってください。";
    NOT_A_BUNDLE "not-a-bundle" Value
        "Send a Bundle as FHIR JSON."
        "FHIR JSON形式のBundleを送ってください。";
    ID_DIFFERS "id-differs" Value
        "The id in the body and the id in the address are not the same."
        "本文のidとURLのidが一致しません。";
    BUSY "busy" Transient
        "Too much at once; try again in a moment."
        "混み合っています。少し待って再度お試しください。";
    BROKEN "broken" Exception
        "The gateway has a fault; the operator has been told."
        "ゲートウェイに障害があります。管理者に通知されました。";
    CHANGED "changed-meanwhile" Conflict
        "The resource has changed meanwhile; read it again."
        "他の更新と競合しました。読み直してから再度お試しください。";
    PARAMETER "parameter" NotSupported
        "The parameter {} is not offered here."
        "パラメータ {} には対応していません。";
    HELD "held" BusinessRule
        "The letter is kept, and held back: {}"
        "受け取りましたが、保留にしました: {}";
    STORED "stored" Informational
        "Stored: {} resource versions."
        "保存しました(リソース{}件)。";
    KNOWN_ALREADY "known-already" Informational
        "This letter had been received before; nothing has changed ({} resource versions)."
        "受信済みの内容です。変更はありません(リソース{}件)。";
}
