//! The rules of the base definitions, under their names in R4 where they have one.

use crate::fault::{Rule, rules};
use crate::fhir::r4::primitive::{Flaw, Primitive};

rules! {
    pub(super) UNKNOWN "fhir-unknown-element" Error Structure
        "R4 has no element {} here: correct the name, leave it out, or send it as an extension"
        "R4 のこの場所に要素 {} はありません。名前を直すか、削除するか、extension として送ってください"
    pub(super) REQUIRED "fhir-required" Error Required
        "{} must be there: add it"
        "{} は必須です。追加してください"
    pub(super) NOT_ARRAY "fhir-not-array" Error Structure
        "{} may repeat: put its value into an array, also when there is only one"
        "{} は繰り返し可能な要素です。値が 1 つでも配列にしてください"
    pub(super) ARRAY "fhir-array" Error Structure
        "{} does not repeat: send one value, not an array"
        "{} は繰り返せない要素です。配列ではなく 1 つの値を送ってください"
    pub(super) CHOICE "fhir-choice" Error Structure
        "{} has one type at a time: keep one of its members"
        "{} は同時に 1 つの型しか持てません。いずれか 1 つだけにしてください"
    pub(super) WANTS_OBJECT "fhir-wants-object" Error Structure
        "{} is a JSON object" "{} は JSON オブジェクトでなければなりません"
    pub(super) WANTS_STRING "fhir-wants-string" Error Structure
        "{} is a JSON string: put it in quotation marks" "{} は JSON の文字列です。引用符で囲んでください"
    pub(super) WANTS_NUMBER "fhir-wants-number" Error Structure
        "{} is a JSON number: no quotation marks" "{} は JSON の数値です。引用符を付けないでください"
    pub(super) WANTS_BOOLEAN "fhir-wants-boolean" Error Structure
        "{} is true or false, without quotation marks" "{} は true または false です(引用符なし)"
    pub(super) TOO_LONG "fhir-too-long" Error TooLong
        "a string has at most 1,048,576 characters: shorten it or send it as an attachment"
        "文字列は 1,048,576 文字までです。短くするか、添付として送ってください"
    pub(super) CONTROL "fhir-control-character" Error Value
        "text holds a control character other than tab and line end: remove it"
        "タブと改行以外の制御文字が含まれています。取り除いてください"
    pub(super) TOO_DEEP "fhir-too-deep" Error TooCostly
        "elements are nested more than {} deep: nest them less" "要素の入れ子が {} 段を超えています。浅くしてください"
    pub(super) BASE64 "fhir-base64" Error Value
        "base64Binary is groups of four of A-Z a-z 0-9 + / with = at the end"
        "base64Binary は A-Z a-z 0-9 + / の 4 文字単位で、末尾を = で埋めます"
    pub(super) CODE "fhir-code" Error Value
        "a code has no spaces around it and no double spaces inside: remove them"
        "code の前後に空白を置いたり、途中に空白を連続させたりすることはできません。取り除いてください"
    pub(super) DATE "fhir-date" Error Value
        "a date is YYYY, YYYY-MM or YYYY-MM-DD and exists in the calendar"
        "date は YYYY、YYYY-MM、YYYY-MM-DD のいずれかで、実在する日付でなければなりません"
    pub(super) DATE_TIME "fhir-date-time" Error Value
        "a dateTime is a date, or YYYY-MM-DDThh:mm:ss with Z or an offset such as +09:00"
        "dateTime は日付、または YYYY-MM-DDThh:mm:ss に Z か +09:00 のような時差を付けたものです"
    pub(super) INSTANT "fhir-instant" Error Value
        "an instant is YYYY-MM-DDThh:mm:ss with Z or an offset such as +09:00"
        "instant は YYYY-MM-DDThh:mm:ss に Z か +09:00 のような時差を付けたものです"
    pub(super) TIME "fhir-time" Error Value
        "a time is hh:mm:ss, without a zone" "time は hh:mm:ss で、時差は付けません"
    pub(super) DECIMAL "fhir-decimal" Error Value
        "a decimal has at most 64 characters and an exponent of at most three digits"
        "decimal は 64 文字まで、指数は 3 桁までです"
    pub(super) INTEGER "fhir-integer" Error Value
        "an integer is whole and from -2147483648 to 2147483647"
        "integer は -2147483648 から 2147483647 までの整数です"
    pub(super) UNSIGNED "fhir-unsigned-int" Error Value
        "an unsignedInt is whole and from 0 to 2147483647" "unsignedInt は 0 から 2147483647 までの整数です"
    pub(super) POSITIVE "fhir-positive-int" Error Value
        "a positiveInt is whole and from 1 to 2147483647" "positiveInt は 1 から 2147483647 までの整数です"
    pub(super) OID "fhir-oid" Error Value
        "an oid is urn:oid: and numbers with dots between them" "oid は urn:oid: に続けて数字をピリオドで区切ったものです"
    pub(super) UUID "fhir-uuid" Error Value
        "a uuid is urn:uuid: and a UUID with its hyphens" "uuid は urn:uuid: に続けてハイフン付きの UUID を書いたものです"
    pub(super) URI "fhir-uri" Error Value
        "a uri has no white space, and after urn:oid: or urn:uuid: a valid OID or UUID"
        "uri に空白は使えません。urn:oid: と urn:uuid: の後には正しい OID・UUID が必要です"
    pub(super) BINDING "fhir-binding" Error CodeInvalid
        "the code is not of its value set: {}" "コードが定められた値セットにありません: {}"
    pub(super) REFERENCE_TARGET "fhir-reference-target" Error Value
        "the reference must be to one of: {}" "参照できるのは次の型だけです: {}"
    pub(super) REFERENCE_TYPE "fhir-reference-type" Error Value
        "Reference.type says {}, and the reference is to another type: make them agree"
        "Reference.type の {} と参照先の型が異なります。一致させてください"
    pub(super) REF_1 "ref-1" Error Invariant
        "a reference that begins with # names the id of a contained resource: add that resource or correct the id"
        "# で始まる参照は contained にあるリソースの id を指さなければなりません。リソースを追加するか id を直してください"
    pub(super) DOM_2 "dom-2" Error Invariant
        "a contained resource contains no others: move them up to the outer resource"
        "contained のリソースの中に contained は置けません。外側のリソースへ移してください"
    pub(super) DOM_3 "dom-3" Error Invariant
        "nothing refers to this contained resource: refer to it or leave it out"
        "この contained のリソースはどこからも参照されていません。参照を加えるか削除してください"
    pub(super) DOM_4 "dom-4" Error Invariant
        "a contained resource has no versionId or lastUpdated: leave them out"
        "contained のリソースに versionId・lastUpdated は書けません。削除してください"
    pub(super) DOM_5 "dom-5" Error Invariant
        "a contained resource has no security labels of its own: put them on the outer resource"
        "contained のリソースに security ラベルは書けません。外側のリソースに付けてください"
    pub(super) ELE_1 "ele-1" Error Invariant
        "an element with nothing but an id says nothing: give it a value or leave it out"
        "id だけの要素は意味を持ちません。値を入れるか削除してください"
    pub(super) EXT_1 "ext-1" Error Invariant
        "an extension has either a value or extensions of its own: keep one of them"
        "extension は値か入れ子の extension のどちらか一方を持ちます"
    pub(super) EXTENSION_URL "fhir-extension-url" Error Extension
        "the url of an extension is absolute; only one inside another extension may be relative"
        "extension の url は絶対 URL です。相対 URL は extension の中の extension だけに使えます"
    pub(super) MODIFIER "fhir-modifier-extension" Warning Extension
        "a modifierExtension may change what its element means, and this gateway does not know this one"
        "modifierExtension は要素の意味を変えることがありますが、このゲートウェイはこれを解釈しません"
    pub(super) SQTY_1 "sqty-1" Error Invariant
        "this quantity has no comparator: leave it out" "この数量に comparator は使えません。削除してください"
    pub(super) TXT_1 "txt-1" Error Invariant
        "a narrative is well-formed XHTML in one div, without scripts, forms, event handlers and content from elsewhere: {}"
        "narrative は 1 つの div に収めた整形式の XHTML です。スクリプト、フォーム、イベント属性、外部コンテンツは使えません: {}"
    pub(super) TXT_2 "txt-2" Error Invariant
        "a narrative has some text or an image: write what a reader needs to know, or leave out the narrative"
        "narrative には文字か画像が必要です。読み手に必要な内容を書くか、narrative を削除してください"
    pub(super) OUTER_IMAGE "fhir-outer-image" Warning Value
        "the narrative shows an image from elsewhere, which may be missing and tells that server who reads: put it into the resource"
        "narrative が外部の画像を参照しています。表示できないことがあり、閲覧が外部に知られます。リソースの中に含めてください"
    pub(super) BDL_1 "bdl-1" Error Invariant
        "total stands only in a searchset or history: leave it out" "total は searchset と history だけに使えます。削除してください"
    pub(super) BDL_2 "bdl-2" Error Invariant
        "entry.search stands only in a searchset: leave it out" "entry.search は searchset だけに使えます。削除してください"
    pub(super) BDL_3 "bdl-3" Error Invariant
        "every entry of a batch, transaction or history has a request, and no other entry has one"
        "batch・transaction・history の entry には request が必須で、他の Bundle では使えません"
    pub(super) BDL_4 "bdl-4" Error Invariant
        "every entry of a batch-response, transaction-response or history has a response, and no other entry has one"
        "batch-response・transaction-response・history の entry には response が必須で、他の Bundle では使えません"
    pub(super) BDL_5 "bdl-5" Error Invariant
        "an entry has a resource, a request or a response: add one or leave out the entry"
        "entry には resource・request・response のいずれかが必要です。追加するか entry を削除してください"
    pub(super) BDL_7 "bdl-7" Error Invariant
        "two entries have the same fullUrl and version: give each its own"
        "fullUrl と版が同じ entry が 2 つあります。それぞれ別のものにしてください"
    pub(super) BDL_8 "bdl-8" Error Invariant
        "fullUrl names no version: leave out /_history/ and what follows"
        "fullUrl に版は書けません。/_history/ 以降を取り除いてください"
    pub(super) BDL_9 "bdl-9" Error Invariant
        "a document has an identifier with system and value: add it"
        "document には system と value を持つ identifier が必要です。追加してください"
    pub(super) BDL_10 "bdl-10" Error Invariant
        "a document has a timestamp: add it" "document には timestamp が必要です。追加してください"
    pub(super) BDL_11 "bdl-11" Error Invariant
        "the first resource of a document is a Composition: put it first"
        "document の最初のリソースは Composition です。先頭に置いてください"
    pub(super) BDL_12 "bdl-12" Error Invariant
        "the first resource of a message is a MessageHeader: put it first"
        "message の最初のリソースは MessageHeader です。先頭に置いてください"
    pub(super) FULL_URL "fhir-bundle-full-url" Error Required
        "every entry of a document or message has a fullUrl: add it"
        "document・message の entry には fullUrl が必要です。追加してください"
    pub(super) FULL_URL_ADVISED "fhir-bundle-full-url-advised" Warning Required
        "an entry without fullUrl can only be meant by its type and id: add the fullUrl"
        "fullUrl のない entry は型と id でしか特定できません。fullUrl を追加してください"
    pub(super) FULL_URL_FORM "fhir-bundle-full-url-form" Error Value
        "fullUrl is an absolute URL, or urn:uuid: or urn:oid:" "fullUrl は絶対 URL、urn:uuid:、urn:oid: のいずれかです"
    pub(super) FULL_URL_ID "fhir-bundle-full-url-id" Error Value
        "fullUrl ends in type and id of its resource: make them agree"
        "fullUrl の末尾はリソースの型と id です。一致させてください"
    pub(super) NOT_IN_BUNDLE "fhir-bundle-reference" Error NotFound
        "no entry of the Bundle has this urn as its fullUrl: add the resource or correct the reference"
        "この urn を fullUrl とする entry が Bundle にありません。リソースを追加するか参照を直してください"
    pub(super) NOT_IN_COLLECTION "fhir-collection-reference" Warning NotFound
        "no entry of the Bundle has this urn as its fullUrl: nobody else can resolve it"
        "この urn を fullUrl とする entry が Bundle にありません。受信側では参照先を特定できません"
    pub(super) NOT_RESOLVED "fhir-bundle-unresolved" Information NotFound
        "the resource that is referred to is not in the Bundle, and could not be resolved"
        "参照先のリソースが Bundle にないため、解決できません"
    pub(super) NOT_IN_DOCUMENT "fhir-document-reference" Error NotFound
        "a document holds everything that its Composition refers to: add the resource or correct the reference"
        "document には Composition の参照先がすべて必要です。リソースを追加するか参照を直してください"
    pub(super) NOT_REACHED "fhir-document-unreached" Warning Structure
        "nothing that the Composition leads to refers to this entry: refer to it or leave it out"
        "Composition からたどれない entry です。参照を加えるか削除してください"
    pub(super) SIZE "fhir-attachment-size" Warning Value
        "size is not the number of bytes of data: correct it" "size が data のバイト数と一致しません。直してください"
    pub(super) HASH "fhir-attachment-hash" Warning Value
        "hash is not the SHA-1 of data: correct it" "hash が data の SHA-1 と一致しません。直してください"
    pub(super) UNCHECKED "fhir-unchecked" Warning TooCostly
        "the constraint {} was not checked: the element is too large" "要素が大きすぎるため、制約 {} は確認していません"
    pub(super) MORE "fhir-more-problems" Information Informational
        "{} more problems are not listed: correct these first" "他に {} 件の問題があります。まずここに挙げたものを直してください"
}

/// The rule that a flaw of a primitive value breaks.
pub(super) fn of_flaw(primitive: Primitive, flaw: Flaw) -> &'static Rule {
    match (flaw, primitive) {
        (Flaw::Kind, Primitive::Boolean) => &WANTS_BOOLEAN,
        (Flaw::Kind, Primitive::Decimal | Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt) => {
            &WANTS_NUMBER
        }
        (Flaw::Kind, _) => &WANTS_STRING,
        (Flaw::Empty, _) => &super::super::EMPTY,
        (Flaw::Long, _) => &TOO_LONG,
        (Flaw::Control, _) => &CONTROL,
        (Flaw::Form, Primitive::Base64Binary) => &BASE64,
        (Flaw::Form, Primitive::Code) => &CODE,
        (Flaw::Form, Primitive::Date) => &DATE,
        (Flaw::Form, Primitive::DateTime) => &DATE_TIME,
        (Flaw::Form, Primitive::Instant) => &INSTANT,
        (Flaw::Form, Primitive::Time) => &TIME,
        (Flaw::Form, Primitive::Decimal) => &DECIMAL,
        (Flaw::Form, Primitive::Integer) => &INTEGER,
        (Flaw::Form, Primitive::UnsignedInt) => &UNSIGNED,
        (Flaw::Form, Primitive::PositiveInt) => &POSITIVE,
        (Flaw::Form, Primitive::Id) => &super::super::BAD_ID,
        (Flaw::Form, Primitive::Oid) => &OID,
        (Flaw::Form, Primitive::Uuid) => &UUID,
        (Flaw::Form, _) => &URI,
    }
}
