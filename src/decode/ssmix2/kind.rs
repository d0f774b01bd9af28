//! The data kinds of SS-MIX2 standardised storage (データ種別, SS-MIX2 仕様書 table 1-1).

/// A data kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// ADT-00 患者基本情報
    Adt00,
    /// ADT-01 担当医変更
    Adt01,
    /// ADT-12 外来受付
    Adt12,
    /// ADT-21 入院予定
    Adt21,
    /// ADT-22 入院実施
    Adt22,
    /// ADT-31 外出泊実施
    Adt31,
    /// ADT-32 外出泊帰院
    Adt32,
    /// ADT-41 転科転棟予定
    Adt41,
    /// ADT-42 転科転棟実施
    Adt42,
    /// ADT-51 退院予定
    Adt51,
    /// ADT-52 退院実施
    Adt52,
    /// ADT-61 アレルギー
    Adt61,
    /// PPR-01 病名(歴)
    Ppr01,
    /// OMD 食事
    Omd,
    /// OMP-01 処方オーダ
    Omp01,
    /// OMP-11 処方実施
    Omp11,
    /// OMP-02 注射オーダ
    Omp02,
    /// OMP-12 注射実施
    Omp12,
    /// OML-01 検体検査オーダ
    Oml01,
    /// OML-11 検体検査結果
    Oml11,
    /// OMG-01 放射線オーダ
    Omg01,
    /// OMG-02 内視鏡オーダ
    Omg02,
    /// OMG-03 生理検査オーダ
    Omg03,
    /// OMG-11 放射線実施
    Omg11,
    /// OMG-12 内視鏡実施
    Omg12,
    /// OMG-13 生理検査結果
    Omg13,
}

const TABLE: [(Kind, &str, &str); 26] = [
    (Kind::Adt00, "ADT-00", "患者基本情報"),
    (Kind::Adt01, "ADT-01", "担当医変更"),
    (Kind::Adt12, "ADT-12", "外来受付"),
    (Kind::Adt21, "ADT-21", "入院予定"),
    (Kind::Adt22, "ADT-22", "入院実施"),
    (Kind::Adt31, "ADT-31", "外出泊実施"),
    (Kind::Adt32, "ADT-32", "外出泊帰院"),
    (Kind::Adt41, "ADT-41", "転科転棟予定"),
    (Kind::Adt42, "ADT-42", "転科転棟実施"),
    (Kind::Adt51, "ADT-51", "退院予定"),
    (Kind::Adt52, "ADT-52", "退院実施"),
    (Kind::Adt61, "ADT-61", "アレルギー"),
    (Kind::Ppr01, "PPR-01", "病名(歴)"),
    (Kind::Omd, "OMD", "食事"),
    (Kind::Omp01, "OMP-01", "処方オーダ"),
    (Kind::Omp11, "OMP-11", "処方実施"),
    (Kind::Omp02, "OMP-02", "注射オーダ"),
    (Kind::Omp12, "OMP-12", "注射実施"),
    (Kind::Oml01, "OML-01", "検体検査オーダ"),
    (Kind::Oml11, "OML-11", "検体検査結果"),
    (Kind::Omg01, "OMG-01", "放射線オーダ"),
    (Kind::Omg02, "OMG-02", "内視鏡オーダ"),
    (Kind::Omg03, "OMG-03", "生理検査オーダ"),
    (Kind::Omg11, "OMG-11", "放射線実施"),
    (Kind::Omg12, "OMG-12", "内視鏡実施"),
    (Kind::Omg13, "OMG-13", "生理検査結果"),
];

impl Kind {
    /// The kind of that code.
    pub fn parse(code: &str) -> Option<Self> {
        TABLE.iter().find(|(_, c, _)| *c == code).map(|(kind, ..)| *kind)
    }

    /// Its code, for example `ADT-00`.
    pub fn code(self) -> &'static str {
        TABLE.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, code, _)| code)
    }

    /// Where it belongs among files of one moment: who the patient is, what is known of them, visits, orders, results.
    pub(super) fn rank(self) -> u8 {
        match self {
            Kind::Adt00 => 0,
            Kind::Adt61 | Kind::Ppr01 => 1,
            Kind::Adt01 | Kind::Adt12 | Kind::Adt21 | Kind::Adt22 | Kind::Adt31 | Kind::Adt32 => 2,
            Kind::Adt41 | Kind::Adt42 | Kind::Adt51 | Kind::Adt52 => 2,
            Kind::Omd | Kind::Omp01 | Kind::Omp02 | Kind::Oml01 | Kind::Omg01 | Kind::Omg02 | Kind::Omg03 => 3,
            Kind::Omp11 | Kind::Omp12 | Kind::Oml11 | Kind::Omg11 | Kind::Omg12 | Kind::Omg13 => 4,
        }
    }

    /// Its Japanese name.
    pub fn japanese(self) -> &'static str {
        TABLE.iter().find(|(kind, ..)| *kind == self).map_or("", |(.., name)| name)
    }
}
