//! What can be wrong with a document as a whole.

use crate::fault::rules;

rules! {
    pub(super) NOT_CDA "cda-not-a-document" Error NotSupported
        "The root element is not ClinicalDocument of the namespace urn:hl7-org:v3."
        "ルート要素がClinicalDocument(名前空間urn:hl7-org:v3)ではありません。"
    pub(super) NO_PATIENT "cda-no-patient" Error Required
        "The document names no patient (recordTarget/patientRole)."
        "患者が特定できません(recordTarget/patientRoleがありません)。"
    pub(super) NO_PATIENT_NUMBER "cda-no-patient-number" Error Required
        "The patient has no number: patientRole/id needs a root and an extension, or a UUID as its root."
        "患者番号がありません。patientRole/idにはrootとextension、またはUUIDのrootが必要です。"
    pub(super) SEVERAL_PATIENTS "cda-several-patients" Error Conflict
        "The document is about more than one patient."
        "1つの文書に複数の患者(recordTarget)があります。"
    pub(super) FOREIGN_NUMBER "cda-patient-number-of-others" Warning BusinessRule
        "The number is not of the sending facility's own system; the record is kept under system and number, apart from what the facility sends under its own numbers."
        "送信元施設の体系の患者番号ではないため、体系と番号の組を識別子とする別の記録として保管します。"
    pub(super) NO_TIME "cda-no-time" Warning Required
        "The document states no time (effectiveTime); it cannot be told from an older one."
        "文書に日時(effectiveTime)がないため、古いものと区別できません。"
    pub(super) NO_DOCUMENT_ID "cda-no-id" Warning Required
        "The document has no usable id or setId; its content stands for it, so a corrected version will not replace it."
        "文書に識別子(id、setId)がないため、内容から識別子を作りました。訂正版が届いても置き換わりません。"
    pub(super) NO_AUTHOR "cda-no-author" Warning Required
        "The document names no author."
        "文書に作成者(author)がありません。"
    pub(super) NO_TITLE "cda-no-title" Information Required
        "The document has no title; its type stands for it."
        "文書に表題(title)がないため、文書種別で代用しました。"
    pub(super) NO_CODE "cda-no-code" Warning Required
        "The document does not say of which type it is (code)."
        "文書種別(code)がありません。"
    pub(super) SECTION_CODE "cda-section-without-code" Information CodeInvalid
        "The section has no code; its title and text were kept."
        "セクションにコードがありません。表題と本文を残しました。"
    pub(super) SECTION_EMPTY "cda-section-empty" Information Incomplete
        "The section has neither text nor entries nor sections; its title stands for its text."
        "セクションに本文も構造化データもないため、表題だけを残しました。"
    pub(super) SECTION_DEPTH "cda-section-depth" Information TooCostly
        "Sections are nested more than {} deep; deeper ones stand beside each other."
        "セクションの入れ子が{}段を超えています。それより深いものは同じ段に並べました。"
    pub(super) REPEATED "cda-narrative-repeated" Warning TooCostly
        "The entries refer to more than {} bytes of narrative; from there on their texts stand in the sections only."
        "構造化データが参照する本文が合計{}バイトを超えています。以降の文字列はセクションの本文にのみあります。"
    pub(super) NO_BODY "cda-no-body" Warning Incomplete
        "The document has a header only, no body."
        "文書に本文(structuredBody、nonXMLBody)がありません。"
    pub(super) BODY_DATA "cda-body-data" Warning Value
        "The enclosed body is not valid base64; it stays in the original document only."
        "同梱された本文がBase64として読めません。原本にのみ残しました。"
    pub(super) CONSENT_INSIDE "cda-consent-inside-only" Warning BusinessRule
        "A consent that travels inside a document takes no effect; it stays in the original document."
        "文書に同梱された同意(authorization)は効力を持ちません。原本にのみ残しました。"
    pub(super) GENDER "cda-gender" Warning CodeInvalid
        "The code is not an HL7 AdministrativeGender; the gender was written as unknown."
        "性別コードがHL7 AdministrativeGenderにありません。「不明」としました。"
}
