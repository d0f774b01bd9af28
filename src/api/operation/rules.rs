//! The sentences with which operations refuse or confirm.

use crate::fault::rules;

rules! {
    pub(super) NO_SUCH_OPERATION "no-such-operation" Error NotSupported
        "There is no operation ${} here; see the CapabilityStatement under /fhir/metadata."
        "オペレーション ${} はありません。/fhir/metadata のCapabilityStatementを確認してください。"
    pub(super) NOT_HERE "operation-not-here" Error NotSupported
        "The operation ${} cannot be called at this address; see the CapabilityStatement under /fhir/metadata."
        "オペレーション ${} はこのURLでは呼び出せません。/fhir/metadata のCapabilityStatementを確認してください。"
    pub(super) METHOD "operation-method" Error NotSupported
        "The operation ${} cannot be called with this method; POST its parameters."
        "オペレーション ${} はこのメソッドでは呼び出せません。パラメーターをPOSTしてください。"
    pub(super) NOT_PARAMETERS "not-parameters" Error Structure
        "Send the parameters of the operation as a Parameters resource."
        "オペレーションのパラメーターはParametersリソースとして送ってください。"
    pub(super) TOO_MANY_PARAMETERS "too-many-parameters" Error TooCostly
        "A call may have up to {} parameters."
        "パラメーターは{}個までです。"
    pub(super) MISSING "operation-parameter-missing" Error Required
        "The operation needs the parameter {}."
        "パラメーター {} が必要です。"
    pub(super) ONCE "operation-parameter-once" Error Value
        "The parameter {} may be given once."
        "パラメーター {} は一度だけ指定できます。"
    pub(super) ALL_OK "all-ok" Information Informational
        "All OK"
        "問題はありません (All OK)"
    pub(super) ALL_OK_BASE "all-ok-r4" Information Informational
        "All OK by the rules of R4. No guide is loaded here, so profiles and most codes were not checked."
        "R4の規則については問題はありません (All OK)。ガイドが読み込まれていないため、プロファイルと多くのコードは検証していません。"
    pub(super) UNKNOWN_PROFILE "unknown-profile" Error NotFound
        "The profile {} is not loaded here, so nothing was checked by it."
        "プロファイル {} はこのゲートウェイに読み込まれていないため、検証していません。"
    pub(super) KNOWN_PROFILES "known-profiles" Information Informational
        "Loaded profiles for {}"
        "読み込まれているプロファイル: {}"
    pub(super) MODE "validate-mode" Error Value
        "The mode is create, update, delete or profile; update, delete and profile are about one resource: [type]/[id]/$validate."
        "modeはcreate、update、delete、profileのいずれかです。update、delete、profileは [type]/[id]/$validate で呼び出してください。"
    pub(super) TOO_MUCH "operation-too-costly" Error TooCostly
        "This would look at more than {} resources; ask for less."
        "対象が{}件を超えます。範囲を絞ってください。"
    pub(super) GRAPH "document-graph" Error NotSupported
        "No GraphDefinition can be named here: a document has what its Composition refers to."
        "graphは指定できません。文書にはCompositionから参照されるリソースが含まれます。"
    pub(super) NAME_CODES "lastn-name-codes" Error Required
        "Name category or code."
        "categoryまたはcodeを指定してください。"
    pub(super) LIST_PARAMETERS "list-parameters" Error Value
        "Say kind=hospitals or kind=care-offices; dry-run, retire (true, false), prefecture (01 to 47) and category (1, 3, 4, 6) may be said, each once."
        "kind=hospitals または kind=care-offices を指定してください。dry-run、retire(true/false)、prefecture(01から47)、category(1、3、4、6)は一度ずつ指定できます。"
    pub(super) NOT_CSV "not-csv" Error NotSupported
        "Send the list as text/csv."
        "一覧は text/csv で送ってください。"
    pub(super) NAME_A_PATIENT "operation-name-patient" Error Required
        "Name the patient: patient=[id] or Patient/[id]."
        "患者を指定してください(patient=[id] または Patient/[id])。"
    pub(super) NO_OTHER_RECORD "link-no-record" Error NotFound
        "The other is no patient's record here, or is this one."
        "相手の患者の記録がないか、同じ記録が指定されています。"
    pub(super) TOO_MANY_MEMBERS "link-too-many-records" Error TooCostly
        "One person may have {} records; so many are hardly one person's."
        "一人の記録は{}件までです。これほど多い記録が同一人物のものとは考えにくいため、確認してください。"
    pub(super) TOO_MANY_PAIRS "link-too-many-pairs" Error TooCostly
        "A record remembers {} pairs; settle some of those that wait first."
        "一つの記録に保存できる組は{}件までです。先に確認待ちの組を処理してください。"
    pub(super) HELD_APART "link-held-apart" Error Conflict
        "These two records are held apart, and by the links of others they would be one person's: {}. Unlink those too, or take \
         a record out altogether: $unlink without other."
        "別人と判断された次の二つの記録が、他の記録を介して同一人物の記録になってしまいます: {} 他の結び付けも解除するか、otherを指定せずに $unlink を呼び出してください。"
    pub(super) TELLS_TOO_LITTLE "match-too-little" Error Required
        "This tells too little of a person to be looked for: give name and birth date, or a number."
        "この内容だけでは人を探せません。氏名と生年月日、または番号を指定してください。"
    pub(super) NO_SUCH_IDENTIFIER "pix-not-found" Error NotFound
        "sourceIdentifier Patient Identifier not found"
        "sourceIdentifier の患者識別子が見つかりません (Patient Identifier not found)。"
}
