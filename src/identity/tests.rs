//! Tests of reading and comparing; the population is in tests/people.rs.

use serde_json::{Value, json};

use super::address::{ADDRESS_CHARS_MAX, Address, Nearness};
use super::birth::{self, Birth, BirthDate};
use super::insurance::{Care, Medical, Span};
use super::name::{NAME_CHARS_MAX, Name, Script, folded};
use super::traits::{ADDRESSES_MAX, INSURANCES_MAX, LOCALS_MAX, NAMES_MAX, PHONES_MAX};
use super::*;

const MEMBER: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID";
const CARE: &str = crate::fhir::system::CARE_INSURED;
const NUMBERS: &str = "urn:oid:1.2.392.100495.20.3.51.11311234567";

#[test]
fn kana_have_one_spelling() {
    for (one, other) in [
        ("ﾔﾏﾀﾞ", "やまだ"),
        ("オオノ", "おおの"),
        ("オーノ", "おうの"),
        ("ユーコ", "ゆうこ"),
        ("ケーコ", "けいこ"),
        ("キョウコ", "キヨウコ"),
        ("シヅエ", "しずえ"),
        ("ヂュン", "ジユン"),
        ("ヴァレリー", "バレリイ"),
        ("サチヱ", "さちえ"),
        ("オ ノ", "おの"),
        ("か\u{3099}", "ガ"),
    ] {
        assert_eq!(folded(one, Script::Kana), folded(other, Script::Kana), "{one} {other}");
    }
    for (one, other) in [("ユキ", "ユウキ"), ("オノ", "オオノ"), ("タナカ", "タナガ"), ("ハナ", "ハンナ")]
    {
        assert_ne!(folded(one, Script::Kana), folded(other, Script::Kana), "{one} {other}");
    }
}

#[test]
fn kanji_have_one_form() {
    for (one, other) in [
        ("髙橋", "高橋"),
        ("渡邉", "渡邊"),
        ("齋藤", "斉藤"),
        ("佐々木", "佐佐木"),
        ("辻\u{e0100}", "辻"),
        ("神", "神"),
        ("サクラ", "さくら"),
        ("ヨシ子", "よし子"),
        ("渡\u{e000}", "渡■"),
    ] {
        assert_eq!(folded(one, Script::Kanji), folded(other, Script::Kanji), "{one} {other}");
    }
    assert_ne!(folded("太郎", Script::Kanji), folded("大郎", Script::Kanji));
}

#[test]
fn roman_letters_have_one_spelling() {
    for (one, other) in
        [("Ōno", "Ohno"), ("Satō", "SATOU"), ("Shinji", "Sinzi"), ("Homma", "Honma"), ("Chūjō", "Tyuujou")]
    {
        assert_eq!(folded(one, Script::Roman), folded(other, Script::Roman), "{one} {other}");
    }
    let of = |text| Name::of_text(text).map(|name| name.whole);
    assert_eq!(of("Taro Yamada"), of("YAMADA  Taro"));
}

#[test]
fn a_name_is_read_from_its_parts_or_its_text() {
    let of = |name: Value| Name::read(&name).map(|n| (n.script, n.family, n.given, n.whole));
    let hanako = Some((Script::Kanji, "山田".to_owned(), "花子".to_owned(), "山田花子".to_owned()));
    assert_eq!(of(json!({"family": "山田", "given": ["花子"]})), hanako);
    assert_eq!(of(json!({"text": "山田　花子"})), hanako);
    assert_eq!(of(json!({"text": "山田 花子（旧姓 鈴木）"})), hanako);
    let (_, family, given, whole) = of(json!({"text": "山田花子"})).unwrap();
    assert_eq!((family.as_str(), given.as_str(), whole.as_str()), ("", "", "山田花子"));
    // What it is written in is told by the letters, not by who sends it.
    let (script, ..) = of(json!({"extension": [{"valueCode": "IDE"}], "text": "ヤマダ ハナコ"})).unwrap();
    assert_eq!(script, Script::Kana);
    for nobody in [
        json!({}),
        json!({"text": "不明"}),
        json!({"family": "〓", "given": ["〓〓"]}),
        json!({"text": " 12 "}),
        json!(3),
    ] {
        assert_eq!(of(nobody.clone()), None, "{nobody}");
    }
    let letters = |count: usize| Name::of_text(&"山".repeat(count)).unwrap().whole.chars().count();
    assert_eq!((letters(NAME_CHARS_MAX), letters(NAME_CHARS_MAX + 1)), (NAME_CHARS_MAX, NAME_CHARS_MAX));
}

#[test]
fn birth_dates_of_both_calendars() {
    let number = |text| BirthDate::parse(text).map(BirthDate::number);
    for text in [
        "1948-04-05",
        "19480405",
        "1948/4/5",
        "１９４８年４月５日",
        "1948-04-05T00:00:00+09:00",
        "昭和23年4月5日",
        "昭23.4.5",
        "S23.4.5",
        "s230405",
        "3230405",
        "昭和二十三年四月五日",
        "㍼23年4月5日",
    ] {
        assert_eq!(number(text), Some(19480405), "{text}");
    }
    for (text, is) in [
        ("平成元年1月8日", Some(19890108)),
        ("R6.2.29", Some(20240229)),
        ("T15.12.24", Some(19261224)),
        ("M45.1.1", Some(19120101)),
        ("昭和64年3月1日", Some(19890301)),
        ("1948-04", Some(19480400)),
        ("1948-04-00", Some(19480400)),
        ("1948", Some(19480000)),
        ("1948-00-05", Some(19480000)),
        ("2023-02-29", None),
        ("1948-13-01", None),
        ("1900-01-01", None),
        ("1849-12-31", None),
        ("1850-01-01", Some(18500101)),
        ("2099-12-31", Some(20991231)),
        ("2100-01-01", None),
        ("9230405", None),
        ("昭和", None),
        ("不明", None),
        ("", None),
        ("t", None),
        ("99999999999999999999", None),
    ] {
        assert_eq!(number(text), is, "{text}");
    }
}

#[test]
fn birth_dates_one_slip_apart() {
    let of = |a, b| birth::compare(BirthDate::parse(a).unwrap(), BirthDate::parse(b).unwrap());
    assert_eq!(of("1948-04-05", "昭和23年4月5日"), Birth::Same);
    for near in ["1948-05-04", "1949-04-05", "1984-04-05", "1948-04-15", "1948-08-05", "1934-04-05"] {
        assert_eq!(of("1948-04-05", near), Birth::Near, "{near}");
    }
    for far in ["1950-06-05", "1949-04-06", "1948-12-31"] {
        assert_eq!(of("1948-04-05", far), Birth::Far, "{far}");
    }
    assert_eq!(of("1948-04-05", "1948-04"), Birth::Part);
    assert_eq!(of("1948-04-05", "1948"), Birth::Part);
    assert_eq!(of("1948-04-05", "1948-05"), Birth::Far);
}

#[test]
fn addresses_are_places_and_numbers() {
    let parse = |text: &str| Address::parse(text).unwrap();
    let plain = parse("東京都千代田区霞が関1-2-3");
    assert_eq!((plain.place.as_str(), plain.numbers.as_slice()), ("千代田区霞が関", &[1, 2, 3][..]));
    for same in [
        "千代田区霞ヶ関１丁目２番３号",
        "東京都千代田区霞ケ関一丁目二番地三",
        "東京都 千代田区 霞が関 1－2－3 霞ビル405号室",
        "千代田区霞ヶ関1丁目2の3",
        "千代田区霞ヶ関1ー2ー3-405",
        "千代田区霞が関1-2-3霞ビル４０５",
        "千代田区霞が関1-2",
    ] {
        assert_eq!(plain.compare(&parse(same)), Nearness::Same, "{same} {:?}", parse(same));
    }
    for place in ["千代田区霞ヶ関1-2-4", "千代田区霞が関", "千代田区霞が関1", "千代田区霞が関1-2-3-4-5"]
    {
        assert_eq!(plain.compare(&parse(place)), Nearness::Place, "{place}");
    }
    assert_eq!(plain.compare(&parse("千代田区永田町1-2-3")), Nearness::Other);
    assert_eq!(parse("霞が関1-2-3 霞ビル405").building, "霞びる405");
    for (text, numbers) in [
        ("八王子市三田町2-15", &[2, 15][..]),
        ("千代田区一番町5-6", &[5, 6]),
        ("札幌市北区北三条西五丁目1-2", &[5, 1, 2]),
        ("十日市場町12番地", &[12]),
        ("大字山田字川上千二百三番地", &[1203]),
        ("港区1-2-3-4-5-6", &[1, 2, 3, 4, 5]),
    ] {
        assert_eq!(parse(text).numbers, numbers, "{text}");
    }
    assert_eq!(Address::parse(""), None);
    assert_eq!(Address::parse("1-2-3"), None);
    let letters = |count: usize| parse(&"山".repeat(count)).place.chars().count();
    assert_eq!((letters(ADDRESS_CHARS_MAX), letters(ADDRESS_CHARS_MAX + 1)), (ADDRESS_CHARS_MAX, ADDRESS_CHARS_MAX));
}

#[test]
fn numbers_are_compared_folded() {
    for text in ["03-1234-5678", "０３（１２３４）５６７８", "+81 3 1234 5678", "+81(0)3-1234-5678", "81312345678"]
    {
        assert_eq!(number::phone(text), Some(312_345_678), "{text}");
    }
    for text in ["1234-5678", "000-0000-0000", "0", "", "03-0000-0000", "012345678901"] {
        assert_eq!(number::phone(text), None, "{text}");
    }
    assert_eq!(number::postcode("〒１００－０００１"), Some(1_000_001));
    assert_eq!(number::postcode("000-0000"), None);
    assert_eq!(number::postcode("100-000"), None);
    assert_eq!(number::local("0000000017"), number::local("１７"));
    assert_ne!(number::local("A017"), number::local("A17"));
}

const ALWAYS: Span = Span { start: 0, end: u32::MAX };

#[test]
fn insurance_numbers_are_compared_folded() {
    let medical = |value| Medical::of_member_id(value, ALWAYS);
    let one = medical("00138172:あいう:１８７:05").unwrap();
    assert_eq!((one.insurer.as_str(), one.branch), ("00138172", Some(5)));
    assert!(one.is_household_of(&medical("138172:アイウ:0187:").unwrap()));
    assert!(!one.is_household_of(&medical("00138172:あい:187:05").unwrap()));
    assert!(!one.is_personal());
    assert!(medical("39131177::01234567:").unwrap().is_personal());
    for nothing in
        ["", "00138172", "00138172:あ::05", ":あ:1:05", "00000000:あ:1:05", "00138172:あ:0000:05", "123456789:あ:1:05"]
    {
        assert_eq!(medical(nothing), None, "{nothing}");
    }
    assert_eq!(medical("00138172:あ:1:123").unwrap().branch, None);
    let care = |value| Care::of_value(value, ALWAYS).map(|care| (care.insurer, care.number));
    let some = |insurer: &str, number: &str| Some((insurer.to_owned(), number.to_owned()));
    assert_eq!(care("131177:0000123456"), some("131177", "0000123456"));
    assert_eq!(care("１３１１７７:123456"), some("131177", "0000123456"));
    assert_eq!(care("131177:h012345678"), some("131177", "H012345678"));
    for nothing in
        ["0000123456", ":0000123456", "131177:", "131177:12345678901", "131177:0000000000", "131177:H0123456789"]
    {
        assert_eq!(care(nothing), None, "{nothing}");
    }
}

#[test]
fn lists_are_bounded() {
    let many = |count: usize| {
        let one = |at: usize| json!({"family": "山田", "given": [format!("花子{at}")]});
        let address = |at: usize| json!({"text": format!("港区芝{}-2-3", at + 1)});
        let phone = |at: usize| json!({"system": "phone", "value": format!("03-1234-{:04}", at + 1)});
        let number = |at: usize| json!({"system": NUMBERS, "value": format!("{}", at + 1)});
        let insured =
            |at: usize| json!({"identifier": [{"system": MEMBER, "value": format!("00138172:あ:{}:01", at + 1)}]});
        let patient = json!({"resourceType": "Patient",
            "name": (0..count).map(one).collect::<Vec<_>>(), "address": (0..count).map(address).collect::<Vec<_>>(),
            "telecom": (0..count).map(phone).collect::<Vec<_>>(), "identifier": (0..count).map(number).collect::<Vec<_>>()});
        let coverages: Vec<Value> = (0..count).map(insured).collect();
        let t = Traits::read(&patient, &coverages);
        assert!(keys(&t).len() <= KEYS_MAX);
        [t.names.len(), t.addresses.len(), t.phones.len(), t.locals.len(), t.medical.len()]
    };
    let max = [NAMES_MAX, ADDRESSES_MAX, PHONES_MAX, LOCALS_MAX, INSURANCES_MAX];
    assert_eq!(max.map(|m| many(m)[max.iter().position(|x| *x == m).unwrap()]), max);
    assert_eq!(max.map(|m| many(m + 1)[max.iter().position(|x| *x == m).unwrap()]), max);
    assert_eq!(Traits::read(&json!({"resourceType": "Person", "birthDate": "1948-04-05"}), &[]), Traits::default());
    assert_eq!(Traits::read(&json!(null), &[json!(1)]), Traits::default());
    assert!(keys(&Traits::default()).is_empty());
}

/// A record: kanji, kana, birth date, sex, and what else is given.
fn record(kanji: &str, kana: &str, birth: &str, sex: &str, more: &Value) -> Traits {
    let mut patient = json!({"resourceType": "Patient", "name": [{"text": kanji}, {"text": kana}], "birthDate": birth, "gender": sex});
    for (field, value) in more.as_object().unwrap() {
        patient[field] = value.clone();
    }
    Traits::read(&patient, &[])
}

fn insured(value: &str) -> Value {
    json!({"identifier": [{"system": MEMBER, "value": value}]})
}

fn cared(value: &str) -> Value {
    json!({"identifier": [{"system": CARE, "value": value}]})
}

fn at_home() -> Value {
    json!({"address": [{"text": "港区芝1-2-3"}], "telecom": [{"system": "phone", "value": "03-1234-5678"}]})
}

fn judged(a: &Traits, b: &Traits) -> Verdict {
    compare(a, b, &Weights::default())
}

fn hanako(more: &Value) -> Traits {
    record("齋藤 花子", "サイトウ ハナコ", "1948-04-05", "female", more)
}

#[test]
fn a_person_s_own_number_links() {
    let one = hanako(&insured("00138172:あ:187:01"));
    assert_eq!(judged(&one, &hanako(&insured("138172:ア:０１８７:01"))), Verdict::Same(Reason::Medical));
    let variant = record("斉藤 花子", "さいとー はなこ", "昭和23年4月5日", "female", &insured("00138172:あ:187:01"));
    assert_eq!(judged(&one, &variant), Verdict::Same(Reason::Medical));
    let old = |more| record("齋藤 花子", "サイトウ ハナコ", "1948-04-05", "female", more);
    assert_eq!(
        judged(&old(&insured("39131177::12:")), &old(&insured("39131177::12:"))),
        Verdict::Same(Reason::Medical)
    );
    assert_eq!(
        judged(&hanako(&cared("131177:123")), &hanako(&cared("131177:0000000123"))),
        Verdict::Same(Reason::Care)
    );
    let number = |value: &str| json!({"identifier": [{"system": NUMBERS, "value": value}]});
    assert_eq!(judged(&hanako(&number("17")), &hanako(&number("0000000017"))), Verdict::Same(Reason::Local));
    // The same number of two facilities says nothing.
    let elsewhere = json!({"identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11311111111", "value": "17"}]});
    assert!(matches!(judged(&hanako(&number("17")), &hanako(&elsewhere)), Verdict::Perhaps(_)));
    // Nor does the care number of another insurer, and two of one insurer contradict.
    assert!(matches!(judged(&hanako(&cared("131177:123")), &hanako(&cared("131178:123"))), Verdict::Perhaps(_)));
    assert_eq!(evidence(&hanako(&cared("131177:123")), &hanako(&cared("131177:124"))).care, Level::Far);
}

#[test]
fn what_contradicts_is_for_people_to_look_at() {
    let more = insured("00138172:あ:187:01");
    let one = hanako(&more);
    for (other, what) in [
        (record("齋藤 花子", "サイトウ ハナコ", "1948-04-05", "male", &more), "sex"),
        (record("齋藤 花子", "サイトウ ハナコ", "1971-11-30", "female", &more), "birth date"),
        (record("齋藤 一郎", "サイトウ イチロウ", "1948-04-05", "female", &more), "given name"),
        (hanako(&insured("00138172:あ:187:02")), "branch"),
    ] {
        assert!(matches!(judged(&one, &other), Verdict::Perhaps(_)), "{what}: {:?}", judged(&one, &other));
    }
}

#[test]
fn a_name_and_a_birth_date_link_nothing() {
    let none = json!({});
    assert!(matches!(judged(&hanako(&none), &hanako(&none)), Verdict::Perhaps(_)));
    let town = json!({"address": [{"text": "港区芝1-2-3"}]});
    let other_house = json!({"address": [{"text": "港区芝1-5-3"}]});
    assert!(matches!(judged(&hanako(&town), &hanako(&other_house)), Verdict::Perhaps(_)));
    assert_eq!(judged(&hanako(&at_home()), &hanako(&town)), Verdict::Same(Reason::Household));
    // A name alone is not even for the work list.
    let unborn = |more| Traits { birth: None, sex: None, ..hanako(more) };
    assert_eq!(judged(&unborn(&none), &unborn(&none)), Verdict::Different);
}

#[test]
fn a_family_is_not_a_person() {
    let home = at_home();
    let mother = hanako(&home);
    let daughter = record("齋藤 恵", "サイトウ メグミ", "1975-01-02", "female", &home);
    let twin = record("齋藤 月子", "サイトウ ツキコ", "1948-04-05", "female", &home);
    assert_eq!(judged(&mother, &daughter), Verdict::Different);
    assert_eq!(judged(&mother, &twin), Verdict::Different);
    // Twins whose names are one slip apart, and twins of whom one's reading was typed as the other's: a look, no link.
    let kenji = record("齋藤 健二", "サイトウ ケンジ", "1948-04-05", "male", &home);
    let kengo = record("齋藤 健吾", "サイトウ ケンゴ", "1948-04-05", "male", &home);
    let mistyped = record("齋藤 健吾", "サイトウ ケンジ", "1948-04-05", "male", &home);
    for other in [&kengo, &mistyped] {
        assert!(matches!(judged(&kenji, other), Verdict::Perhaps(_)), "{:?}", judged(&kenji, other));
    }
    // A family's insurance without branch numbers is no person's.
    let kin = |more| record("齋藤 健二", "サイトウ ケンジ", "1948-04-05", "male", more);
    let twin = |more| record("齋藤 一郎", "サイトウ イチロウ", "1948-04-05", "male", more);
    assert_eq!(judged(&kin(&insured("00138172:あ:187:")), &twin(&insured("00138172:あ:187:"))), Verdict::Different);
}

#[test]
fn who_married_is_found() {
    let before = hanako(&at_home());
    let after = record(
        "髙橋 花子",
        "タカハシ ハナコ",
        "1948-04-05",
        "female",
        &json!({"telecom": [{"system": "phone", "value": "0312345678"}]}),
    );
    assert!(matches!(judged(&before, &after), Verdict::Perhaps(_)));
    let shared = keys(&after).into_iter().filter(|key| keys(&before).contains(key)).count();
    assert!(shared >= 2, "birth date with given name, and phone");
}

#[test]
fn a_rare_name_says_more() {
    let weights = Weights::default();
    let score = |kanji: &str, kana: &str| {
        let one = record(kanji, kana, "1948-04-05", "female", &json!({}));
        evidence(&one, &one).score(&weights)
    };
    assert!(score("勅使河原 花子", "テシガワラ ハナコ") > score("佐藤 花子", "サトウ ハナコ") + 4.0);
}

#[test]
fn numbers_of_two_times_do_not_contradict() {
    let cared = |number: &str, start: &str, end: &str| {
        let period = json!({"start": start, "end": end});
        hanako(&json!({"identifier": [{"system": CARE, "value": format!("131177:{number}"), "period": period}]}))
    };
    let before = cared("123", "2018-04-01", "2023-03-31");
    assert_eq!(evidence(&before, &cared("124", "2023-04", "2026")).care, Level::Unknown);
    assert_eq!(evidence(&before, &cared("124", "2023-03-31", "2026")).care, Level::Far);
    assert_eq!(evidence(&before, &cared("124", "2023", "2026")).care, Level::Far, "a year covers its days");
}

#[test]
fn insurance_stands_in_coverages_too() {
    let patient = json!({"resourceType": "Patient", "name": [{"text": "齋藤 花子"}], "birthDate": "1948-04-05", "gender": "female"});
    let part = |name: &str, value: &str| json!({"url": format!("{}JP_Coverage_InsuredPerson{name}", crate::fhir::system::JP_EXTENSION), "valueString": value});
    let in_parts = json!({"resourceType": "Coverage", "status": "active",
        "extension": [part("Symbol", "あ"), part("Number", "１８７"), part("SubNumber", "01")],
        "payor": [{"identifier": {"system": "urn:oid:1.2.392.100495.20.3.61", "value": "138172"}}]});
    let in_one = json!({"resourceType": "Coverage", "identifier": [{"system": MEMBER, "value": "00138172:あ:187:01"}]});
    let of = |coverage: &Value| Traits::read(&patient, std::slice::from_ref(coverage));
    assert_eq!(of(&in_parts).medical.len(), 1);
    assert_eq!(judged(&of(&in_parts), &of(&in_one)), Verdict::Same(Reason::Medical));
    let mistaken =
        json!({"status": "entered-in-error", "identifier": [{"system": MEMBER, "value": "00138172:あ:187:01"}]});
    assert_eq!(of(&mistaken).medical, []);
}

#[test]
fn weights_move_the_verdicts() {
    let (one, home) = (hanako(&json!({})), hanako(&at_home()));
    let score = evidence(&one, &one).score(&Weights::default());
    let at = Weights { perhaps: score, ..Weights::default() };
    assert_eq!(compare(&one, &one, &at), Verdict::Perhaps(score));
    let past = Weights { perhaps: score + 0.01, ..Weights::default() };
    assert_eq!(compare(&one, &one, &past), Verdict::Different);
    let score = evidence(&home, &home).score(&Weights::default());
    let at = Weights { certain: score, ..Weights::default() };
    assert_eq!(compare(&home, &home, &at), Verdict::Same(Reason::Household));
    let past = Weights { certain: score + 0.01, ..Weights::default() };
    assert_eq!(compare(&home, &home, &past), Verdict::Perhaps(score));
}

#[test]
fn traits_in_a_log_line_tell_nothing_of_the_person() {
    let told = format!("{:?}", hanako(&at_home()));
    assert!(told.contains("names: 2"), "{told}");
    assert!(
        !["斎藤", "はなこ", "港区", "1948", "312345678", "Female"].iter().any(|of_her| told.contains(of_her)),
        "{told}"
    );
}

proptest::proptest! {
    /// Whatever was sent is read without a fault, and a record beside itself contradicts nothing.
    #[test]
    fn any_text_is_read(text in any_text()) {
        let of = |system: &str| json!({"system": system, "value": text, "period": {"start": text, "end": text}});
        let patient = json!({"resourceType": "Patient", "birthDate": text, "gender": text,
            "name": [{"text": text}, {"family": text, "given": [text, text]}], "telecom": [{"system": "phone", "value": text}],
            "address": [{"text": text, "postalCode": text}, {"line": [text], "city": text}],
            "identifier": [of(MEMBER), of(CARE), of(NUMBERS)]});
        let coverage = json!({"identifier": [of(MEMBER)], "extension": [{"url": text}], "payor": [{"identifier": of(&text)}], "period": text});
        let traits = Traits::read(&patient, &[coverage]);
        proptest::prop_assert!(keys(&traits).len() <= KEYS_MAX);
        let evidence = evidence(&traits, &traits);
        for level in [evidence.family, evidence.given, evidence.sex, evidence.phone, evidence.medical, evidence.care, evidence.local] {
            proptest::prop_assert!(matches!(level, Level::Same | Level::Near | Level::Unknown), "{evidence:?}");
        }
        for script in [Script::Kanji, Script::Kana] {
            let once = folded(&text, script);
            proptest::prop_assert_eq!(folded(&once, script), once);
        }
    }
}

/// Any characters, and those that names, dates, addresses and numbers are made of.
fn any_text() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    prop_oneof![
        any::<String>(),
        "[ぁ-ゖァ-ヺーｦ-ﾟ゛゜々〓]{0,12}",
        "[昭平令大明元一二十百千年月日SHRTM0-9./-]{0,14}",
        "[東京都港区芝三田ヶケが一二十百千0-9０-９丁目番地号の -]{0,30}",
        "[0-9:：A-Zあ１-９+() -]{0,24}",
    ]
}
