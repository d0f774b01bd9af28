//! File names: `患者ID_診療日_データ種別_オーダNo_発生日時_診療科_コンディションフラグ`.

use super::Kind;

/// What a file name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// 患者ID
    pub patient: String,
    /// 診療日, `YYYYMMDD`; `None` for `-`.
    pub date: Option<String>,
    /// データ種別
    pub kind: Kind,
    /// オーダNo; `None` when it is all nines.
    pub order: Option<String>,
    /// 発生日時, 17 digits `YYYYMMDDHHMMSSfff`.
    pub stamp: String,
    /// 診療科コード; `None` for `-`.
    pub department: Option<String>,
    /// コンディションフラグ
    pub flag: Flag,
}

/// コンディションフラグ
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// 2: replaced by a newer file.
    Superseded,
    /// 1: valid.
    Valid,
    /// 0: deleted.
    Deleted,
}
