//! The sentences with which registrations are refused or remarked upon.

use crate::fault::rules;

rules! {
    pub(crate) MISSING "registration-missing" Error Required
        "{} is missing; it stands on the form."
        "{} がありません。同意書の記載を入力してください。"
    pub(crate) VALUE "registration-value" Error Value
        "{} cannot be read; correct it."
        "{} を読み取れません。修正してください。"
    pub(crate) BIRTH "registration-birth-date" Error Value
        "The whole birth date is needed to tell people apart; write it like 1940-02-03."
        "本人を特定するため、生年月日は年月日まで必要です（例: 1940-02-03、昭和15年2月3日）。"
    pub(crate) FUTURE "registration-future" Error BusinessRule
        "This date is in the future; correct it."
        "未来の日付です。修正してください。"
    pub(crate) PERIOD "registration-period" Error Value
        "The period ends before it begins; correct it."
        "期間の終了日が開始日より前です。修正してください。"
    pub(crate) PROXY "registration-proxy" Error Required
        "A consent by a representative needs the representative's name and relationship."
        "代理人による同意には、代理人の氏名と続柄が必要です。"
    pub(crate) HEARD "registration-heard" Error Required
        "An oral consent needs to say who heard it."
        "口頭での同意には、同意を確認した職員（受付者）が必要です。"
    pub(crate) SCOPE "registration-scope" Error CodeInvalid
        "What stands in {} is neither a resource type, a kind of document nor a data set that is known here; see profiles/registration/scopes.json."
        "{} の内容は公開範囲として登録されていません。profiles/registration/scopes.json を確認してください。"
    pub(crate) SCAN "registration-scan" Error Value
        "The form is taken as PDF, TIFF, JPEG or PNG whose bytes are what its contentType says."
        "同意書の画像はPDF、TIFF、JPEG、PNGで、contentTypeと内容が一致するものを添付してください。"
    pub(crate) SCAN_TOO_LARGE "registration-scan-too-large" Error TooLong
        "The scan of a form may have up to {} bytes; scan it more coarsely."
        "同意書の画像は{}バイトまでです。解像度を下げて読み取ってください。"
    pub(crate) TOO_MANY "registration-too-many" Error TooLong
        "There may be up to {} of these."
        "{}件までです。"
    pub(crate) NUMBER_TAKEN "registration-number-taken" Error Conflict
        "This registration number is that of somebody else ({}); correct it, or name that record in link when it is the same person."
        "この登録番号は別の方（{}）に使用されています。番号を修正するか、同一人物であればその記録をlinkに指定してください。"
    pub(crate) ALIKE "registration-alike" Error MultipleMatches
        "Somebody with just these particulars is registered ({}), and nothing on the form tells whether it is the same person; name that record in link or in separate."
        "同じ氏名・生年月日等の方が登録されています（{}）。同一人物であればlink、別人であればseparateにその記録を指定してください。"
    pub(crate) NO_RECORD "registration-no-record" Error NotFound
        "{} is no record of a patient here."
        "{} という患者の記録はありません。"
    pub(crate) OLDER "registration-older" Error BusinessRule
        "A form that was signed later ({}) is registered; this one is not entered."
        "より新しい同意書（{}）が登録されています。この同意書は登録しません。"
    pub(crate) WITHDRAWN "registration-withdrawn" Error BusinessRule
        "This consent was withdrawn ({}); to register again takes a form that was signed afterwards."
        "この同意は撤回されています（{}）。再登録には、撤回後に署名された同意書が必要です。"
    pub(crate) UNLINKED "registration-unlinked" Error Conflict
        "These records cannot be linked ({}): somebody decided that they are two people's, or they are too many."
        "記録を紐付けできません（{}）。別人と判断された記録であるか、記録の数が上限を超えています。"
    pub(crate) NOBODY "registration-nobody" Error NotFound
        "Nobody with these particulars is certainly on record; look for the record and name it: Patient/[id]/$revoke.{}"
        "該当する方を確実に特定できません。記録を確認し、Patient/[id]/$revoke で指定してください。{}"
    pub(crate) SEVERAL "registration-several" Error MultipleMatches
        "These particulars are those of several people ({}); name the record: Patient/[id]/$revoke."
        "複数の方が該当します（{}）。Patient/[id]/$revoke で記録を指定してください。"
    pub(crate) NOTHING_NAMED "revocation-nothing-named" Error Required
        "A withdrawal in part names members or facilities."
        "一部の撤回には、対象の提供先または提供元の指定が必要です。"
    pub(crate) NO_SUCH_MEMBER "registration-no-such-member" Warning NotFound
        "No member of the network is {} so far: nobody sees anything by that."
        "{} に該当する参加機関はまだありません。この指定では誰にも開示されません。"
    pub(crate) DENIED_ELSEWHERE "registration-denied-elsewhere" Warning Conflict
        "{} denies, and counts more than this registration; withdraw it if the patient means otherwise now."
        "{} による拒否が優先されます。本人の意思が変わった場合は、その同意を取り下げてください。"
    pub(crate) PERMITTED_ELSEWHERE "registration-permitted-elsewhere" Information Informational
        "{} is in force beside this registration and opens what it says."
        "{} も有効で、その範囲の開示が継続します。"
    pub(crate) NO_RECORD_YET "registration-no-record-yet" Information Informational
        "No facility has sent a record of this person yet; what comes is linked when it arrives."
        "この方の記録を送信した医療機関はまだありません。届いた時点で自動的に紐付けます。"
    pub(crate) NOT_A_TABLE "registration-not-a-table" Error Structure
        "The file is no table of forms ({}); its first line names the columns as docs/registration.md has them."
        "登録用の表として読み取れません（{}）。1行目に列名を記載してください（docs/registration.md）。"
    pub(crate) NOT_CSV "registration-not-csv" Error NotSupported
        "Send the table as text/csv."
        "表は text/csv で送信してください。"
    pub(crate) UNKNOWN_COLUMN "registration-unknown-column" Error CodeInvalid
        "The column {} is not known; correct its name or remove it: what stands in it would be lost."
        "列「{}」は使用できません。列名を修正するか、列を削除してください。"
    pub(crate) CELLS "registration-cells" Error Structure
        "The row has more cells than there are columns."
        "列の数より多いセルがあります。"
    pub(crate) LOOK "registration-look" Information MultipleMatches
        "Registered; records that may be this person's are on the work list ({})."
        "登録しました。同一人物の可能性がある記録を確認してください（{}）。"
}
