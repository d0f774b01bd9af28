//! What can be wrong with an SS-MIX2 path or file name, said so that a hospital's engineer can put it right.

use crate::fault::{IssueType, Rule, Severity};

const fn name_rule(id: &'static str, en: &'static str, ja: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, code: IssueType::Structure, en, ja }
}

/// Not seven parts.
pub static NAME_PARTS: Rule = name_rule(
    "ssmix2-name-parts",
    "The file name has {} parts; an SS-MIX2 file name has 7, joined by `_`: patient id, date, data kind, order number, time of occurrence, department, condition flag.",
    "ファイル名の要素が{}個です。SS-MIX2では「患者ID_診療日_データ種別_オーダNo_発生日時_診療科コード_コンディションフラグ」の7個を`_`でつなぎます。",
);
/// Part 1.
pub static NAME_PATIENT: Rule = name_rule(
    "ssmix2-name-patient",
    "Part 1 of the file name, the patient id (患者ID), is empty.",
    "ファイル名の1番目の要素(患者ID)が空です。",
);
/// Part 2.
pub static NAME_DATE: Rule = name_rule(
    "ssmix2-name-date",
    "Part 2 of the file name, the date (診療日), {}; it must be a calendar date of 8 digits (YYYYMMDD) or `-`.",
    "ファイル名の2番目の要素(診療日)が正しくありません({})。実在する日付8桁(YYYYMMDD)または`-`にしてください。",
);
/// Part 3.
pub static KIND_UNKNOWN: Rule = Rule {
    id: "ssmix2-kind-unknown",
    severity: Severity::Error,
    code: IssueType::NotSupported,
    en: "Part 3 of the file name, the data kind (データ種別), is not one of SS-MIX2 standardised storage: {}.",
    ja: "ファイル名の3番目の要素(データ種別)がSS-MIX2標準化ストレージの種別ではありません({})。",
};
/// Part 4.
pub static NAME_ORDER: Rule = name_rule(
    "ssmix2-name-order",
    "Part 4 of the file name, the order number (オーダNo), {}; it must be 1 to 15 digits, all nines when there is no order.",
    "ファイル名の4番目の要素(オーダNo)が正しくありません({})。1〜15桁の数字とし、オーダがない場合はすべて9にしてください。",
);
/// Part 5.
pub static NAME_STAMP: Rule = name_rule(
    "ssmix2-name-stamp",
    "Part 5 of the file name, the time of occurrence (発生日時), {}; it must be a real time of 17 digits (YYYYMMDDHHMMSSfff) or 14.",
    "ファイル名の5番目の要素(発生日時)が正しくありません({})。実在する日時17桁(YYYYMMDDHHMMSSfff)または14桁にしてください。",
);
/// Part 6.
pub static NAME_DEPARTMENT: Rule = name_rule(
    "ssmix2-name-department",
    "Part 6 of the file name, the department code (診療科コード), is empty; it must be a code, or `-` when there is none.",
    "ファイル名の6番目の要素(診療科コード)が空です。コードがない場合は`-`にしてください。",
);
/// Part 7.
pub static NAME_FLAG: Rule = name_rule(
    "ssmix2-name-flag",
    "Part 7 of the file name, the condition flag (コンディションフラグ), {}; it must be 1 (valid), 0 (deleted) or 2 (superseded), with nothing after it.",
    "ファイル名の7番目の要素(コンディションフラグ)が正しくありません({})。1(有効)、0(削除)、2(修正前)のいずれかとし、後ろに拡張子などを付けないでください。",
);
/// The folders say something else than the name.
pub static FOLDERS_DISAGREE: Rule = Rule {
    id: "ssmix2-folders-disagree",
    severity: Severity::Error,
    code: IssueType::Conflict,
    en: "The file lies in a folder that belongs to something else than its name says: {}. Held back, because one of the two is wrong.",
    ja: "ファイル名と置かれているフォルダが一致しません({})。どちらかが誤っているため、取り込みを保留しました。",
};
/// A good name outside the folders of a storage.
pub static FOLDERS_MISSING: Rule = Rule {
    id: "ssmix2-folders-missing",
    severity: Severity::Warning,
    code: IssueType::Structure,
    en: "The file has an SS-MIX2 name but does not lie in the folders of an SS-MIX2 storage; only its name was believed.",
    ja: "SS-MIX2のファイル名ですが、SS-MIX2のフォルダ構成に置かれていません。ファイル名のみに基づいて取り込みました。",
};
