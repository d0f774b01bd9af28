//! SS-MIX2 extended storage (拡張ストレージ構成の説明と構築ガイドライン): documents of any format in folders that say what
//! they are: `…/<患者ID>/<診療日>/<データ種別>/<コンテンツフォルダ>/<ファイル>`.

use super::name::calendar_date;
use super::path::is_date_folder;
use super::{Flag, prefix_folders};

/// What the path of a file of extended storage says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extended {
    /// 患者ID
    pub patient: String,
    /// 診療日, `YYYYMMDD`; `None` for `-`.
    pub date: Option<String>,
    /// データ種別: what kind of document it is.
    pub kind: DocumentKind,
    /// 特定キー; the whole content folder where it does not follow the rule.
    pub key: String,
    /// 発生日時, 14 digits `YYYYMMDDHHMMSS`, when the content folder states it.
    pub stamp: Option<String>,
    /// 診療科コード; `None` when there is none.
    pub department: Option<String>,
    /// コンディションフラグ; valid where the content folder does not say it.
    pub flag: Flag,
    /// The file in the content folder, folders below it included.
    pub file: String,
    /// Which parts of folders and content folder contradict each other; such a file is to be held.
    pub disagreeing: Vec<&'static str>,
}

/// データ種別フォルダ: `[ローカル文書コード]^ローカル文書名称^[ローカルコード体系]^標準文書コード^標準文書名称^標準コード体系`. Parts may be
/// empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentKind {
    /// The hospital's own code.
    pub local_code: String,
    /// Its name.
    pub local_name: String,
    /// Its coding system.
    pub local_system: String,
    /// The standard code, usually LOINC.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its coding system, `LN`.
    pub system: String,
}

impl DocumentKind {
    /// What a person reads: the hospital's name for it, else the standard one, else a code.
    pub fn words(&self) -> &str {
        let texts = [&self.local_name, &self.name, &self.local_code, &self.code];
        texts.into_iter().find(|text| !text.is_empty()).map_or("", String::as_str)
    }

    fn parse(folder: &str) -> Option<Self> {
        let mut parts = folder.split('^').map(|part| part.trim().to_owned());
        let mut next = || parts.next().unwrap_or_default();
        let kind = DocumentKind {
            local_code: next(),
            local_name: next(),
            local_system: next(),
            code: next(),
            name: next(),
            system: next(),
        };
        (folder.contains('^') && !kind.words().is_empty()).then_some(kind)
    }
}

/// Whether a folder is named as a データ種別 of extended storage is.
pub fn is_document_kind_folder(name: &str) -> bool {
    DocumentKind::parse(name).is_some()
}

/// Reads a path with `/`; `None` when it is not one of extended storage. The folder of the kind is found by its carets,
/// so that the storage may lie below other folders and a content folder may hold folders.
pub fn extended(path: &str) -> Option<Extended> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let at = parts.iter().rposition(|part| DocumentKind::parse(part).is_some() && !part.contains('_'))?;
    let [above @ .., patient, date] = parts.get(..at)? else { return None };
    let [content, file @ ..] = parts.get(at + 1..)? else { return None };
    if !is_date_folder(date) || file.is_empty() {
        return None;
    }
    let mut extended = Extended {
        patient: (*patient).to_owned(),
        date: (*date != "-").then(|| (*date).to_owned()),
        kind: DocumentKind::parse(parts.get(at)?)?,
        key: (*content).to_owned(),
        stamp: None,
        department: None,
        flag: Flag::Valid,
        file: file.join("/"),
        disagreeing: Vec::new(),
    };
    extended.read_content(content, date);
    let prefixes = prefix_folders(patient);
    let stated = above.get(above.len().saturating_sub(prefixes.len())..).unwrap_or_default();
    let are_prefixes = stated.len() == prefixes.len() && stated.iter().all(|folder| folder.chars().count() <= 3);
    if are_prefixes && stated != prefixes {
        extended.disagreeing.push("患者ID 1-6");
    }
    Some(extended)
}

impl Extended {
    /// `患者ID_診療日_データ種別コード_特定キー_発生日時_診療科コード_コンディションフラグ`. The kind may hold `_`, and real
    /// storages leave the department out: so it is read from both ends.
    fn read_content(&mut self, content: &str, date: &str) {
        let parts: Vec<&str> = content.split('_').collect();
        let [patient, day, middle @ .., flag] = &parts[..] else { return };
        let flag = match *flag {
            "0" => Flag::Deleted,
            "1" => Flag::Valid,
            "2" => Flag::Superseded,
            _ => return,
        };
        let Some(at) = middle.iter().rposition(|part| is_stamp(part)).filter(|at| middle.len() - at <= 2 && *at >= 2)
        else {
            return;
        };
        if *patient != self.patient {
            self.disagreeing.push("患者ID");
        }
        if *day != date {
            self.disagreeing.push("診療日");
        }
        self.flag = flag;
        self.stamp = middle.get(at).and_then(|stamp| stamp.get(..14)).map(str::to_owned);
        self.department = middle.get(at + 1).filter(|code| **code != "-" && !code.is_empty()).map(|c| (*c).to_owned());
        self.key = middle.get(at - 1).map_or_else(String::new, |key| (*key).to_owned());
    }
}

/// 14 to 17 digits that begin with a date.
fn is_stamp(text: &str) -> bool {
    (14..=17).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.get(..8).is_some_and(|day| calendar_date(day).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &str = "9999013_20260601_L12345_0001_20260601103059000_01_1";

    fn read(kind: &str, content: &str) -> Option<Extended> {
        extended(&format!("999/901/9999013/20260601/{kind}/{content}/main.pdf"))
    }

    #[test]
    fn the_folders_say_what_the_document_is() {
        let found = read("L12345^入院診療録^99ZZZ^11506-3^経過記録^LN", CONTENT).unwrap();
        assert_eq!((found.patient.as_str(), found.date.as_deref()), ("9999013", Some("20260601")));
        assert_eq!((found.kind.local_code.as_str(), found.kind.words()), ("L12345", "入院診療録"));
        assert_eq!((found.kind.code.as_str(), found.kind.name.as_str()), ("11506-3", "経過記録"));
        assert_eq!((found.key.as_str(), found.stamp.as_deref()), ("0001", Some("20260601103059")));
        assert_eq!((found.department.as_deref(), found.flag), (Some("01"), Flag::Valid));
        assert_eq!((found.file.as_str(), found.disagreeing.len()), ("main.pdf", 0));
        let summary = read("^退院サマリ^^18842-5^退院時サマリー^LN", CONTENT).unwrap();
        assert_eq!((summary.kind.local_code.as_str(), summary.kind.system.as_str()), ("", "LN"));
    }

    #[test]
    fn content_folders_of_the_field_are_read_as_far_as_they_go() {
        // The department is left out, and the kind stands there whole.
        let found =
            read("L-OBS^OBSERVATIONS^99ZL01", "9999013_20260601_L-OBS^OBSERVATIONS^99ZL01_42_201601011500321_0");
        let found = found.unwrap();
        assert_eq!((found.key.as_str(), found.flag, found.department), ("42", Flag::Deleted, None));
        let free = read("^紹介状^^57133-1^紹介状^LN", "letter of June").unwrap();
        assert_eq!((free.key.as_str(), free.stamp, free.flag), ("letter of June", None, Flag::Valid));
        let below = extended("9999013/-/^紹介状^^57133-1^紹介状^LN/c/images/1.png").unwrap();
        assert_eq!((below.file.as_str(), below.date), ("images/1.png", None));
    }

    #[test]
    fn a_file_in_another_patients_place_is_noticed() {
        let other = "9999014_20260601_L12345_0001_20260601103059000_01_1";
        assert_eq!(read("L12345^記録^99ZZZ", other).unwrap().disagreeing, ["患者ID"]);
        let path = format!("999/902/9999013/20260602/L12345^記録^99ZZZ/{CONTENT}/a.pdf");
        assert_eq!(extended(&path).unwrap().disagreeing, ["診療日", "患者ID 1-6"]);
    }

    #[test]
    fn other_paths_are_none_of_it() {
        for path in [
            "",
            "a.pdf",
            "999/901/9999013/20111220/OML-11/9999013_20111220_OML-11_1_20111220103059000_01_1",
            "9999013/20260631/L^x^99Z/content/a.pdf",
            "9999013/20260601/L^x^99Z/a.pdf",
            "9999013/20260601/^^/content/a.pdf",
            "20260601/L^x^99Z/content/a.pdf",
        ] {
            assert!(extended(path).is_none(), "{path}");
        }
    }
}
