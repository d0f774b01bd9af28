//! Why a file of a folder is passed over or held.

use crate::fault::{IssueType, Rule, Severity};

/// `.DS_Store`, `Thumbs.db`, `desktop.ini`, hidden files.
pub static HOUSEKEEPING: Rule = Rule {
    id: "folder-housekeeping",
    severity: Severity::Information,
    code: IssueType::Informational,
    en: "A hidden file, or one that a desktop leaves behind (Thumbs.db, .DS_Store, desktop.ini); not read.",
    ja: "隠しファイル、またはOSが自動的に作るファイル(Thumbs.db、.DS_Store、desktop.ini)のため読みません。",
};
/// An extension of some other kind of file.
pub static NOT_READ_HERE: Rule = Rule {
    id: "folder-not-read-here",
    severity: Severity::Warning,
    code: IssueType::NotSupported,
    en: "Not an SS-MIX2, HL7 v2, JSON, XML, CSV or zip file, going by its name and first bytes; not read.",
    ja: "ファイル名と先頭のバイトから、SS-MIX2・HL7 v2・JSON・XML・CSV・zipのいずれでもないと判断し、読みませんでした。",
};
/// See [`super::walk`].
pub static SYMBOLIC_LINK: Rule = Rule {
    id: "folder-symbolic-link",
    severity: Severity::Warning,
    code: IssueType::NotSupported,
    en: "A symbolic link; links are not followed.",
    ja: "シンボリックリンクのため読みませんでした。リンクはたどりません。",
};
/// A socket, a pipe, a device.
pub static NOT_A_FILE: Rule = Rule {
    id: "folder-not-a-file",
    severity: Severity::Warning,
    code: IssueType::NotSupported,
    en: "Neither a file nor a folder; not read.",
    ja: "通常のファイルでもフォルダでもないため読みませんでした。",
};
/// Names are part of a letter's identity and must be text.
pub static NAME_NOT_UNICODE: Rule = Rule {
    id: "folder-name-not-unicode",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "The file's name is not UTF-8; unreadable characters were replaced.",
    ja: "ファイル名がUTF-8ではありません。読めない文字を置き換えました。",
};
/// More than [`super::FILE_BYTES_MAX`].
pub static FILE_TOO_LARGE: Rule = Rule {
    id: "folder-file-too-large",
    severity: Severity::Error,
    code: IssueType::TooLong,
    en: "The file is larger than {}, the most that is read.",
    ja: "ファイルが上限({})を超えています。",
};
/// The operating system refused.
pub static UNREADABLE: Rule = Rule {
    id: "folder-unreadable",
    severity: Severity::Error,
    code: IssueType::Transient,
    en: "The file could not be read ({}).",
    ja: "ファイルを読めませんでした({})。",
};
