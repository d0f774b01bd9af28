//! What is wrong with the configuration: one sentence that names the file, the line, the key and what to do.

use std::fmt;
use std::path::PathBuf;

use crate::fault::{Exit, IssueType, Rule, Severity};

/// Why the program does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The configuration file.
    pub file: PathBuf,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The key, for example `tls.key`; empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub rule: &'static Rule,
    /// Filled into the sentence. Never a token or a key.
    pub detail: String,
}

impl Problem {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        Exit::Config
    }

    /// The sentence in Japanese.
    pub fn japanese(&self) -> String {
        let line = self.line.map_or(String::new(), |line| format!(" {line}行目"));
        self.sentence(line, self.rule.ja)
    }

    fn sentence(&self, line: String, words: &str) -> String {
        let key = if self.key.is_empty() { String::new() } else { format!(" {}", self.key) };
        format!("{}{line}{key}: {}", self.file.display(), words.replace("{}", &self.detail))
    }
}

/// The sentence in English.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.map_or(String::new(), |line| format!(" line {line}"));
        f.write_str(&self.sentence(line, self.rule.en))
    }
}

impl std::error::Error for Problem {}

const fn rule(id: &'static str, en: &'static str, ja: &'static str) -> Rule {
    Rule { id, severity: Severity::Fatal, code: IssueType::Value, en, ja }
}

/// The file is not there.
pub static NO_FILE: Rule = rule(
    "config-no-file",
    "the configuration cannot be read ({}); start from examples/tasuki.toml.",
    "設定ファイルを読めません（{}）。examples/tasuki.toml を基に作成してください。",
);
/// Not TOML.
pub static SYNTAX: Rule = rule(
    "config-syntax",
    "this line cannot be read as TOML or holds the wrong kind of value ({}); correct it.",
    "この行はTOMLとして読めないか、値の種類が違います（{}）。修正してください。",
);
/// A profile of no guide.
pub static PROFILE: Rule = rule(
    "config-profile",
    "no guide that is configured has a profile of a resource with this canonical; add its package as a [[guide]], or correct the spelling.",
    "設定済みのガイドに、このcanonical URLのリソースのプロファイルはありません。[[guide]] にパッケージを追加するか、つづりを直してください。",
);
/// A key nobody knows.
pub static UNKNOWN_KEY: Rule = rule(
    "config-unknown-key",
    "there is no such key; correct the spelling or remove it (possible here: {}).",
    "このようなキーはありません。つづりを直すか、削除してください（使用できるキー: {}）。",
);
/// A key is missing.
pub static MISSING_KEY: Rule = rule(
    "config-missing-key",
    "this key is missing; add it as examples/tasuki.toml shows.",
    "このキーがありません。examples/tasuki.toml を参考に追加してください。",
);
/// Nowhere to keep the heads of the audit chain.
pub static AUDIT_FOLDER: Rule = rule(
    "config-audit-folder",
    "the folder of this file is not there ({}); make it, or name another.",
    "このファイルを置くフォルダがありません（{}）。作成するか、別の場所を指定してください。",
);
/// Not a date.
pub static DATE: Rule = rule(
    "config-date",
    "this is not a date; write it like \"2026-04-01\".",
    "日付ではありません。\"2026-04-01\" のように記述してください。",
);
/// Not the application of a client.
pub static APPLICATION: Rule = rule(
    "config-application",
    "this does not name an application; write its system and its code like \"App|123\".",
    "アプリケーションの指定ではありません。\"App|123\" のように体系とコードを記述してください。",
);
/// Not a purpose of use that a token may be for.
pub static PURPOSE: Rule = rule(
    "config-purpose",
    "{} is no purpose of use that a token may be for; write a code of v3-ActReason like \"COC\" or \"TREAT\", and no emergency (BTG, ETREAT, ERTREAT).",
    "{} はトークンに指定できる利用目的ではありません。\"COC\" や \"TREAT\" のようなv3-ActReasonのコードを記述してください(緊急時の BTG、ETREAT、ERTREAT は指定できません)。",
);
/// A rule of the network's that cannot be used.
pub static NETWORK_RULE: Rule = rule(
    "config-network-rule",
    "this rule of the network cannot be used ({}); it is a Consent without a patient, every element of which is understood.",
    "ネットワークの規則を使用できません（{}）。患者を指定しないConsentで、すべての要素が解釈できるものにしてください。",
);
/// Not a facility code of the office's own.
pub static OFFICE: Rule = rule(
    "config-office-facility",
    "this is the name of the office as a keeper of records, 1 to 64 characters, and no [[source]] may have the same; choose another.",
    "事務局自身を表す施設コード（1〜64文字）です。[[source]] と同じものは使用できません。変更してください。",
);
/// One of a few words is asked for.
pub static CHOICE: Rule =
    rule("config-choice", "this must be one of {}; choose one.", "{} のいずれかを指定してください。");
/// Not an address.
pub static LISTEN: Rule = rule(
    "config-listen",
    "this is not an address with a port; write it like \"127.0.0.1:8080\" or \"[::]:8443\".",
    "アドレスとポート番号ではありません。\"127.0.0.1:8080\" や \"[::]:8443\" のように記述してください。",
);
/// A file of the folder of maps.
pub static MAP: Rule = rule(
    "config-map",
    "this concept map or column mapping cannot be used ({}); correct it.",
    "このコード対応表または列対応表は使用できません（{}）。修正してください。",
);
/// Plain HTTP towards the network.
pub static INSECURE: Rule = rule(
    "config-insecure",
    "{} can be reached from other machines without TLS; add [tls], listen on 127.0.0.1, or write insecure_listen = true when something in front speaks TLS.",
    "{} はTLSなしで他のコンピューターから接続できます。[tls] を設定するか、127.0.0.1 で待ち受けてください。前段でTLSを終端する場合に限り insecure_listen = true とします。",
);
/// Not a base URL.
pub static BASE_URL: Rule = rule(
    "config-base-url",
    "this is not a base URL; write it like \"https://gateway.example.jp/fhir\", without a slash, ? or # at the end.",
    "ベースURLではありません。\"https://gateway.example.jp/fhir\" のように、末尾の / や ?、# を付けずに記述してください。",
);
/// The store has no folder.
pub static STORE_FOLDER: Rule = rule(
    "config-store-folder",
    "the folder {} does not exist; create it or correct the path.",
    "フォルダー {} がありません。作成するか、パスを修正してください。",
);
/// Not the address of a database.
pub static DATABASE: Rule = rule(
    "config-database",
    "this is no address of a database without a password in it; write it like \"postgresql://tasuki@127.0.0.1/tasuki\" and put the password into password_file or the environment variable TASUKI_POSTGRES_PASSWORD.",
    "データベースの接続先ではないか、パスワードが含まれています。\"postgresql://tasuki@127.0.0.1/tasuki\" のように記述し、パスワードは password_file または環境変数 TASUKI_POSTGRES_PASSWORD で指定してください。",
);
/// A database on another machine without TLS.
pub static INSECURE_DATABASE: Rule = rule(
    "config-insecure-database",
    "this database is on another machine, which is reached over TLS only; name the authority of its certificate in ca.",
    "別のコンピューターのデータベースにはTLSでのみ接続します。サーバー証明書の認証局を ca で指定してください。",
);
/// A file beside the configuration that cannot be read.
pub static UNREADABLE: Rule = rule(
    "config-unreadable",
    "this file cannot be read ({}); correct the path or the file's permissions.",
    "ファイルを読めません（{}）。パスまたはアクセス権を修正してください。",
);
/// Weights by which nothing can be decided.
pub static WEIGHTS: Rule = rule(
    "config-weights",
    "each weight is a number of bits, and perhaps is no more than certain.",
    "重みは数値（ビット）で、perhaps は certain 以下にしてください。",
);
/// No path.
pub static NO_PATH: Rule = rule(
    "config-no-path",
    "this names no folder or file; write its path, or leave the key out.",
    "フォルダーまたはファイルのパスが空です。パスを指定するか、キーを削除してください。",
);
/// A number out of bounds.
pub static RANGE: Rule =
    rule("config-range", "this must be from {}; choose such a number.", "{} の範囲で指定してください。");
/// Not a facility.
pub static FACILITY: Rule = rule(
    "config-facility",
    "this is no facility code: a 医療機関コード has 10 digits and begins with a prefecture from 01 to 47; correct it, or give a name that is not a number.",
    "医療機関コードは都道府県番号（01〜47）で始まる10桁の数字です。修正するか、数字だけでない名称を指定してください。",
);
/// Not an offset.
pub static ZONE: Rule = rule(
    "config-zone",
    "this is not an offset from UTC; write it like \"+09:00\".",
    "UTCとの時差ではありません。\"+09:00\" のように記述してください。",
);
/// Not an Organization.
pub static ORGANIZATION: Rule = rule(
    "config-organization",
    "this does not name an organisation; write it like \"Organization/agency-a\", as the consents do.",
    "組織の参照ではありません。同意と同じ \"Organization/agency-a\" の形で記述してください。",
);
/// Not an id.
pub static CLIENT_ID: Rule = rule(
    "config-client-id",
    "a client's id has 1 to 64 letters, digits, - or .; choose another.",
    "クライアントのidは1〜64文字の英数字、「-」、「.」です。変更してください。",
);
/// Twice the same.
pub static TWICE: Rule = rule(
    "config-twice",
    "line {} already has the same; give each its own.",
    "{}行目と同じです。それぞれ別のものを指定してください。",
);
/// Not a SHA-256.
pub static SHA256: Rule = rule(
    "config-sha256",
    "this is not a SHA-256; give the 64 hexadecimal digits that {} prints.",
    "SHA-256ではありません。{} が表示する64桁の16進数を指定してください。",
);
/// A certificate that nobody will ask for.
pub static NEVER_SHOWN: Rule = rule(
    "config-never-shown",
    "this client could never call, because no client certificate is asked for; set tls.client_certificate to \"optional\" or \"required\".",
    "クライアント証明書を要求しない設定のため、このクライアントは接続できません。tls.client_certificate を \"optional\" か \"required\" にしてください。",
);
/// A facility that nobody configured.
pub static NO_SUCH_SOURCE: Rule = rule(
    "config-no-such-source",
    "there is no [[source]] with this facility; add one, or correct the code.",
    "このfacilityの [[source]] がありません。追加するか、コードを修正してください。",
);
/// Nobody may send.
pub static NO_FACILITY: Rule = rule(
    "config-no-facility",
    "name at least one facility whose messages are taken in here.",
    "受信する医療機関を1つ以上指定してください。",
);
/// Plain MLLP towards the network.
pub static INSECURE_MLLP: Rule = rule(
    "config-insecure-mllp",
    "{} can be reached from other machines without TLS, and anybody there could send; set tls = true with [tls], listen on 127.0.0.1, or write allow_plain = true when the network itself is protected.",
    "{} はTLSなしで他のコンピューターから接続でき、誰でも送信できます。[tls] を設定して tls = true とするか、127.0.0.1 で待ち受けてください。ネットワーク自体が保護されている場合に限り allow_plain = true とします。",
);
/// TLS is asked for and not configured.
pub static NO_TLS: Rule = rule(
    "config-no-tls",
    "TLS needs the section [tls] with the certificate and client_ca; add it, or set tls = false.",
    "TLSには [tls] の証明書と client_ca の設定が必要です。追加するか、tls = false としてください。",
);
/// Not an origin.
pub static ORIGIN: Rule = rule(
    "config-origin",
    "this is not an origin; write it as browsers do, like \"https://app.example\" or \"http://localhost:3000\", or \"*\" for any.",
    "オリジンではありません。\"https://app.example\" や \"http://localhost:3000\" の形(すべて許可する場合は \"*\")で記述してください。",
);
/// Not an address.
pub static NETWORK: Rule = rule(
    "config-network",
    "this is neither an address nor a network; write it like \"10.0.0.5\" or \"10.0.0.0/8\".",
    "IPアドレスでもネットワークでもありません。\"10.0.0.5\" や \"10.0.0.0/8\" の形で記述してください。",
);
/// A source client with nothing to send.
pub static NO_SOURCE: Rule = rule(
    "config-no-source",
    "no [[source]] belongs to {}, so this client could hand in nothing; add one, or give the client another role.",
    "{} の [[source]] がないため、このクライアントは何も送れません。[[source]] を追加するか、roleを変更してください。",
);
/// Nothing by which a client shows who it is.
pub static NO_CREDENTIAL: Rule = rule(
    "config-no-credential",
    "this client has nothing to show who it is; give jwks, jwks_file, jwks_uri or token_sha256.",
    "このクライアントには認証手段がありません。jwks、jwks_file、jwks_uri、token_sha256 のいずれかを指定してください。",
);
/// Not a key set.
pub static JWKS: Rule = rule(
    "config-jwks",
    "this is no JSON Web Key Set of at most 32 keys; write it like {\"keys\":[…]}.",
    "JSON Web Key Set(鍵は32個まで)ではありません。{\"keys\":[…]} の形で記述してください。",
);
/// Private keys in it.
pub static JWKS_PRIVATE: Rule = rule(
    "config-jwks-private",
    "this key set holds a private or secret key; give the public keys alone, and have the client make new ones.",
    "秘密鍵が含まれています。公開鍵だけを指定し、クライアントの鍵を作り直してください。",
);
/// No usable key.
pub static JWKS_NO_KEY: Rule = rule(
    "config-jwks-no-key",
    "no key of this set is of use; give RSA keys of at least 2048 bits or P-384 keys, each with a kid.",
    "使用できる鍵がありません。kidの付いた2048ビット以上のRSA鍵またはP-384の鍵を指定してください。",
);
/// Not an address that is asked.
pub static JWKS_URI: Rule = rule(
    "config-jwks-uri",
    "this is no address from which keys are fetched; give an https URL without a user, a password or #.",
    "鍵の取得先として使用できません。ユーザー名、パスワード、# を含まないhttpsのURLを指定してください。",
);
/// Keys in two places.
pub static JWKS_TWICE: Rule = rule(
    "config-jwks-twice",
    "the keys of this client are in several places; give one of jwks, jwks_file and jwks_uri.",
    "鍵が重複して指定されています。jwks、jwks_file、jwks_uri のいずれか1つにしてください。",
);
/// Not a scope.
pub static SCOPE: Rule = rule(
    "config-scope",
    "{} is no scope that can be granted; write it like \"system/Observation.rs\" or \"system/Observation.rs?category=laboratory\".",
    "{} は付与できるスコープではありません。\"system/Observation.rs\" や \"system/Observation.rs?category=laboratory\" の形で記述してください。",
);
/// No folder of clients.
pub static NO_CLIENT_FOLDER: Rule = rule(
    "config-no-client-folder",
    "the folder {} does not exist; create it or correct the path.",
    "フォルダー {} がありません。作成するか、パスを修正してください。",
);
/// Not an issuer.
pub static ISSUER: Rule = rule(
    "config-issuer",
    "this is no issuer of a provider of identities; give its https URL exactly as its tokens have it, without ? or #.",
    "IDプロバイダーの発行者(issuer)ではありません。トークンの値と完全に一致するhttpsのURLを、? や # を付けずに指定してください。",
);
/// No audience.
pub static AUDIENCE: Rule = rule(
    "config-audience",
    "name the audience that the provider writes into tokens for this gateway.",
    "IDプロバイダーがこのゲートウェイ向けのトークンに記載するaudienceを指定してください。",
);
/// Nothing says how surely people have signed in.
pub static NO_ASSURANCE: Rule = rule(
    "config-no-assurance",
    "nothing says how surely people must have signed in; give the values of acr or amr that stand for two factors.",
    "認証強度の指定がありません。二要素認証を表すacrまたはamrの値を指定してください。",
);
/// Not a value of acr or amr.
pub static ASSURANCE: Rule = rule(
    "config-assurance",
    "this is no value of acr or amr; write it as the provider does, without spaces and quotation marks.",
    "acrまたはamrの値ではありません。空白や引用符を含めず、IDプロバイダーと同じ表記で記述してください。",
);
/// People without a provider.
pub static NO_PROVIDER: Rule = rule(
    "config-no-provider",
    "this person can sign in nowhere; add [oidc] with the provider of identities.",
    "サインイン先がありません。[oidc] にIDプロバイダーを設定してください。",
);
/// Not a subject.
pub static SUBJECT: Rule = rule(
    "config-subject",
    "this is no subject; give the provider's sub of this person, 1 to 255 characters.",
    "subではありません。IDプロバイダーにおけるこの利用者のsub(1〜255文字)を指定してください。",
);
/// Not a Practitioner.
pub static PRACTITIONER: Rule = rule(
    "config-practitioner",
    "this does not name a person; write it like \"Practitioner/nurse-1\", as the consents do.",
    "利用者の参照ではありません。同意と同じ \"Practitioner/nurse-1\" の形で記述してください。",
);
/// Not a scope of a person.
pub static USER_SCOPE: Rule = rule(
    "config-user-scope",
    "{} is no scope that a person can be granted; write it like \"user/Observation.rs\".",
    "{} は利用者に付与できるスコープではありません。\"user/Observation.rs\" の形で記述してください。",
);
/// Two files of one person.
pub static PERSON_TWICE: Rule = rule(
    "config-person-twice",
    "there is somebody with the same id or subject already ({}); give each their own.",
    "同じidまたはsubjectの利用者({})がすでにあります。それぞれ別のものを指定してください。",
);
/// Two files of one client.
pub static CLIENT_TWICE: Rule = rule(
    "config-client-twice",
    "there is a client {} with the same id or token already; give each its own.",
    "同じidまたはトークンのクライアント {} がすでにあります。それぞれ別のものを指定してください。",
);
