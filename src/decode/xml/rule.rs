//! What can be wrong with a document as XML.

use crate::fault::rules;

rules! {
    pub(super) TOO_LONG "xml-too-long" Fatal TooLong
        "The document has more than {} bytes."
        "文書が{}バイトを超えています。"
    pub(super) TOO_DEEP "xml-too-deep" Fatal TooCostly
        "Elements are nested more than {} levels deep."
        "要素の入れ子が{}段を超えています。"
    pub(super) TOO_MANY_ELEMENTS "xml-too-many-elements" Fatal TooCostly
        "The document holds more than {} elements or signs of markup."
        "文書の要素またはマークアップ記号が{}個を超えています。"
    pub(super) TOO_MANY_ATTRIBUTES "xml-too-many-attributes" Fatal TooCostly
        "An element has more than {} attributes."
        "1つの要素の属性が{}個を超えています。"
    pub(super) TOO_MANY_NAMESPACES "xml-too-many-namespaces" Fatal TooCostly
        "The document declares more than {} namespace prefixes."
        "名前空間接頭辞の宣言が{}個を超えています。"
    pub(super) DOCUMENT_TYPE "xml-document-type" Fatal Forbidden
        "The document declares a document type (DOCTYPE, ENTITY); such documents are not read."
        "文書型宣言(DOCTYPE、ENTITY)を含む文書は受け入れません。"
    pub(super) ENTITY "xml-entity" Fatal Structure
        "An entity is used that XML itself does not define; only &lt; &gt; &amp; &apos; &quot; and character numbers are."
        "XMLで定義されていない実体参照があります。使えるのは&lt; &gt; &amp; &apos; &quot;と文字番号だけです。"
    pub(super) NOT_WELL_FORMED "xml-not-well-formed" Fatal Structure
        "The text is not well-formed XML ({})."
        "整形式のXMLではありません({})。"
    pub(super) CONTROL_CHARACTER "xml-control-character" Warning Value
        "The text holds control characters that XML does not allow, the first of them here; each is shown as U+FFFD."
        "XMLで使えない制御文字が含まれています(最初の箇所を示します)。U+FFFD(�)に置き換えました。"
}
