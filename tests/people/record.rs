//! One facility's record of a person as its system sends it: its own way of writing, what it does not know, and its mistakes.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::names::{Names, Written};
use crate::world::{Home, Insurance, Person, State};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Facility {
    Hospital,
    Clinic,
    Pharmacy,
    Care,
}

/// A patient's number at a facility.
#[derive(Clone, Copy)]
pub struct Registered {
    pub facility: usize,
    pub number: usize,
}

impl Registered {
    fn system(self) -> String {
        format!("urn:oid:1.2.392.100495.20.3.51.1{:010}", 131_000_000 + self.facility)
    }
}

/// A record, its insurance, and what is wrong with it or other than in the person's other records.
pub struct Record {
    pub patient: Value,
    pub coverages: Vec<Value>,
    pub damage: Vec<&'static str>,
}

pub struct Clerk<'a> {
    pub dice: &'a mut Dice,
    pub families: &'a Names,
    pub men: &'a Names,
    pub women: &'a Names,
    /// What the rates of mistakes and of what is missing are multiplied by.
    pub severity: f64,
    damage: Vec<&'static str>,
}

/// Old forms that a register has and another system does not.
const OLD_FORMS: [(char, char); 24] = [
    ('高', '髙'),
    ('崎', '﨑'),
    ('斎', '齋'),
    ('斉', '齊'),
    ('辺', '邉'),
    ('沢', '澤'),
    ('島', '嶋'),
    ('広', '廣'),
    ('国', '國'),
    ('浜', '濱'),
    ('桜', '櫻'),
    ('竜', '龍'),
    ('恵', '惠'),
    ('栄', '榮'),
    ('徳', '德'),
    ('富', '冨'),
    ('渡', '渡'),
    ('吉', '𠮷'),
    ('橋', '槗'),
    ('黒', '黑'),
    ('真', '眞'),
    ('寿', '壽'),
    ('万', '萬'),
    ('礼', '禮'),
];
const WIDE: [char; 10] = ['０', '１', '２', '３', '４', '５', '６', '７', '８', '９'];
const REPRESENTATION: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
const MEMBER: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID";
const CARE: &str = "https://tasuki.example/fhir/NamingSystem/care-insured";
const EXTENSION: &str = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Coverage_InsuredPerson";

impl<'a> Clerk<'a> {
    pub fn new(dice: &'a mut Dice, [families, men, women]: [&'a Names; 3], severity: f64) -> Self {
        Clerk { dice, families, men, women, severity, damage: Vec::new() }
    }

    pub fn write(&mut self, person: &Person, at: Registered, kind: Facility, noted: Option<Registered>) -> Record {
        let is_old = !person.changes.is_empty() && self.dice.chance(0.4);
        let state = if is_old { &person.before } else { &person.now };
        self.damage = if is_old { person.changes.clone() } else { Vec::new() };
        self.damage.extend(person.kind);
        let mut patient = json!({
            "resourceType": "Patient",
            "identifier": [{
                "system": at.system(),
                "value": if self.dice.chance(0.5) { format!("{:010}", at.number) } else { at.number.to_string() },
            }],
            "name": self.names(person, state, kind),
        });
        let mut coverages = Vec::new();
        if let Some(noted) = noted {
            let mut number = noted.number.to_string();
            if self.happens("noted number typo", 0.01) {
                number = slip_figure(self.dice, &number);
            }
            identify(&mut patient, &noted.system(), &number);
        }
        if let Some(birth) = self.birth(person) {
            patient["birthDate"] = json!(birth);
        }
        if let Some(sex) = self.sex(person, kind) {
            patient["gender"] = json!(sex);
        }
        self.contact(&mut patient, state, kind);
        self.insured(&mut patient, &mut coverages, person, state, kind);
        Record { patient, coverages, damage: std::mem::take(&mut self.damage) }
    }

    fn happens(&mut self, what: &'static str, probability: f64) -> bool {
        let happens = self.dice.chance(probability * self.severity);
        if happens && !self.damage.contains(&what) {
            self.damage.push(what);
        }
        happens
    }

    fn names(&mut self, person: &Person, state: &State, kind: Facility) -> Value {
        let (mut family, mut given) = (state.family.clone(), person.given.clone());
        self.old_forms(&mut family.kanji, &mut given.kanji);
        if self.happens("kanji typo", 0.025) {
            let names = if person.is_male { self.men } else { self.women };
            let (part, names) = if self.dice.chance(0.5) { (&mut family, self.families) } else { (&mut given, names) };
            if let Some(alike) = names.alike(self.dice, part) {
                part.kanji = alike.kanji;
            }
        }
        if self.happens("unwritable character (〓)", 0.006) {
            let part = if self.dice.chance(0.7) { &mut family.kanji } else { &mut given.kanji };
            replace(self.dice, part, |_| '〓');
        }
        self.kana_variants(&mut family, &mut given);
        if self.happens("kana typo", 0.03) {
            let part = if self.dice.chance(0.4) { &mut family.kana } else { &mut given.kana };
            *part = slip(self.dice, part, "あいうかきけこさしすたちつてとなのはひまみやゆよらりんがじだ");
        }
        if self.happens("reading guessed wrongly", 0.006) {
            let names = if person.is_male { self.men } else { self.women };
            given.kana = names.draw(self.dice).kana;
        }
        let is_without_kana = self.happens("no kana", if kind == Facility::Care { 0.12 } else { 0.05 });
        let is_without_kanji = !is_without_kana && self.happens("no kanji", 0.015);
        let is_unparted = self.happens("name in one piece", 0.08);
        let mut names = Vec::new();
        if !is_without_kanji {
            names.push(self.name("IDE", &family.kanji, &given.kanji, is_unparted));
        }
        if !is_without_kana {
            let half = self.dice.chance(0.2);
            let form = |kana: &str| if half { halved(&katakana(kana)) } else { kana.to_owned() };
            let form = |kana: &str| if half { form(kana) } else { katakana(kana) };
            let is_hiragana = self.dice.chance(0.2);
            let (family, given) =
                if is_hiragana { (family.kana, given.kana) } else { (form(&family.kana), form(&given.kana)) };
            names.push(self.name("SYL", &family, &given, is_unparted));
        }
        Value::Array(names)
    }

    fn name(&mut self, representation: &str, family: &str, given: &str, is_unparted: bool) -> Value {
        let extension = json!([{"url": REPRESENTATION, "valueCode": representation}]);
        let gap = ["", " ", "　"][self.dice.roll(3)];
        if is_unparted {
            return json!({"extension": extension, "text": format!("{family}{gap}{given}")});
        }
        json!({"extension": extension, "text": format!("{family} {given}"), "family": family, "given": [given]})
    }

    fn old_forms(&mut self, family: &mut String, given: &mut String) {
        let has = |text: &str| OLD_FORMS.iter().any(|(new, _)| text.contains(*new));
        if (has(family) || has(given)) && self.happens("variant kanji", 0.25) {
            for part in [family, given] {
                *part = part
                    .chars()
                    .map(|c| OLD_FORMS.iter().find(|(new, _)| *new == c).map_or(c, |(_, old)| *old))
                    .collect();
            }
        }
    }

    /// Ways of writing the same sounds.
    fn kana_variants(&mut self, family: &mut Written, given: &mut Written) {
        if !self.happens("kana variant", 0.10) {
            return;
        }
        for part in [&mut family.kana, &mut given.kana] {
            *part = match self.dice.roll(5) {
                0 => part
                    .replace("おう", "おお")
                    .replace("ゆう", "ゆー")
                    .replace("こう", "こー")
                    .replace("しょう", "しょー"),
                1 => part.replace('ゃ', "や").replace('ゅ', "ゆ").replace('ょ', "よ").replace('っ', "つ"),
                2 => part.replace('づ', "ず").replace('ぢ', "じ"),
                3 => part.replace("おお", "おー").replace("せい", "せー"),
                _ => part.replace("とお", "とう").replace("おお", "おう"),
            };
        }
    }

    fn birth(&mut self, person: &Person) -> Option<String> {
        let (mut year, mut month, mut day) = person.birth;
        if self.happens("no birth date", 0.003) {
            return None;
        }
        if self.happens("year of birth alone", 0.002) {
            return Some(format!("{year}"));
        }
        if self.happens("birth date typo", 0.012) {
            match self.dice.roll(6) {
                0 => year += [1, 10, 2][self.dice.roll(3)],
                1 => year -= 1,
                // Another era: 昭和 for 平成, 大正 for 昭和.
                2 => year = if year > 1951 { year - 63 + 14 } else { year - 14 },
                3 if day <= 12 => (month, day) = (day, month),
                4 => month = 1 + month % 12,
                _ => day = 1 + (day + [0, 9, 2][self.dice.roll(3)]) % 28,
            }
            day = day.min(28);
        }
        Some(format!("{year:04}-{month:02}-{day:02}"))
    }

    fn sex(&mut self, person: &Person, kind: Facility) -> Option<&'static str> {
        if self.happens("no sex", if kind == Facility::Care { 0.3 } else { 0.01 }) {
            return None;
        }
        let is_wrong = self.happens("wrong sex", 0.002);
        Some(if person.is_male == is_wrong { "female" } else { "male" })
    }

    fn contact(&mut self, patient: &mut Value, state: &State, kind: Facility) {
        let missing = match kind {
            Facility::Hospital => 0.03,
            Facility::Clinic => 0.1,
            Facility::Pharmacy => 0.4,
            Facility::Care => 0.6,
        };
        if !self.happens("no address", missing) {
            let text = self.address(&state.home);
            patient["address"] = json!([{"text": text}]);
            if self.dice.chance(0.8) {
                let code = state.home.postcode();
                patient["address"][0]["postalCode"] = json!(format!("{}-{}", &code[..3], &code[3..]));
            }
        }
        let phone = if self.dice.chance(0.6) { state.landline.as_ref() } else { state.mobile.as_ref() };
        let Some(phone) = phone.or(state.mobile.as_ref()) else { return };
        if !self.happens("no phone", missing + 0.1) {
            let mut phone = phone.clone();
            if self.happens("phone typo", 0.015) {
                phone = slip(self.dice, &phone, "0123456789");
            }
            let phone = match self.dice.roll(4) {
                0 => wide(&phone),
                1 => format!("+81 {}", &phone[1..]),
                2 if phone.len() > 6 => format!("{}-{}-{}", &phone[..3], &phone[3..6], &phone[6..]),
                _ => phone,
            };
            patient["telecom"] = json!([{"system": "phone", "value": phone}]);
        }
    }

    fn address(&mut self, home: &Home) -> String {
        let (prefecture, town) = home.place();
        let mut text = if self.dice.chance(0.7) { prefecture.to_owned() } else { String::new() };
        text.push_str(town);
        text.push_str(&if self.dice.chance(0.3) {
            home.quarter.replace('ヶ', "が")
        } else {
            home.quarter.to_owned()
        });
        let [mut a, b, c] = home.numbers;
        if self.happens("address typo", 0.01) {
            a += 1;
        }
        text.push_str(&match self.dice.roll(6) {
            0 => format!("{a}-{b}-{c}"),
            1 => wide(&format!("{a}")) + "－" + &wide(&b.to_string()) + "－" + &wide(&c.to_string()),
            2 => format!("{a}丁目{b}番{c}号"),
            3 => format!(
                "{}丁目{b}番地{c}",
                ["〇", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十"][a as usize]
            ),
            4 => format!("{a}丁目{b}の{c}"),
            _ => format!("{a}丁目{b}-{c}"),
        });
        if let Some((building, room)) = home.building {
            match self.dice.roll(4) {
                0 => {}
                1 => text.push_str(&format!(" {building}{room}号室")),
                2 => text.push_str(&format!("　{building}{}", wide(&room.to_string()))),
                _ => text.push_str(&format!("-{room}")),
            }
        }
        text
    }

    fn insured(
        &mut self,
        patient: &mut Value,
        coverages: &mut Vec<Value>,
        person: &Person,
        state: &State,
        kind: Facility,
    ) {
        if kind == Facility::Care {
            if let Some((insurer, number)) = &person.care {
                let mut number = number.clone();
                if self.happens("care number typo", 0.01) {
                    number = slip_figure(self.dice, &number);
                }
                let number = if self.dice.chance(0.1) { wide(&number) } else { number };
                identify(patient, CARE, &format!("{insurer}:{number}"));
            }
            return;
        }
        let Some(insurance) = &state.insurance else { return };
        if self.happens("no insurance", 0.08) {
            return;
        }
        let Insurance { insurer, symbol, mut number, branch } = insurance.clone();
        if self.happens("insurance number typo", 0.012) {
            number = slip_figure(self.dice, &number);
        }
        let mut branch = branch.map(|b| format!("{b:02}")).unwrap_or_default();
        if !branch.is_empty() && self.happens("no branch number", 0.25) {
            branch = String::new();
        } else if !branch.is_empty() && self.happens("wrong branch number", 0.01) {
            branch = format!("{:02}", self.dice.roll(4));
        }
        let (symbol, number) = if self.dice.chance(0.3) { (wide(&symbol), wide(&number)) } else { (symbol, number) };
        if self.dice.chance(0.5) {
            identify(patient, MEMBER, &format!("{insurer}:{symbol}:{number}:{branch}"));
            return;
        }
        let part = |name: &str, value: &str| json!({"url": format!("{EXTENSION}{name}"), "valueString": value});
        coverages.push(json!({
            "resourceType": "Coverage",
            "status": "active",
            "extension": [part("Symbol", &symbol), part("Number", &number), part("SubNumber", &branch)],
            "payor": [{"identifier": {"system": "urn:oid:1.2.392.100495.20.3.61", "value": insurer.trim_start_matches("00")}}],
        }));
    }
}

fn identify(patient: &mut Value, system: &str, value: &str) {
    patient["identifier"].as_array_mut().unwrap().push(json!({"system": system, "value": value}));
}

fn replace(dice: &mut Dice, text: &mut String, with: impl Fn(char) -> char) {
    let at = dice.roll(text.chars().count());
    *text = text.chars().enumerate().map(|(i, c)| if i == at { with(c) } else { c }).collect();
}

/// One letter changed, left out, put in, or two in each other's place.
fn slip(dice: &mut Dice, text: &str, letters: &str) -> String {
    let mut all: Vec<char> = text.chars().collect();
    let letters: Vec<char> = letters.chars().collect();
    let at = dice.roll(all.len());
    match dice.roll(5) {
        0 if all.len() > 1 => {
            all.remove(at);
        }
        1 => all.insert(at, *dice.pick(&letters)),
        2 if at + 1 < all.len() => all.swap(at, at + 1),
        _ => all[at] = *dice.pick(&letters),
    }
    all.into_iter().collect()
}

fn slip_figure(dice: &mut Dice, number: &str) -> String {
    let mut all: Vec<char> = number.chars().collect();
    let at = dice.roll(all.len());
    if dice.chance(0.3) && at + 1 < all.len() {
        all.swap(at, at + 1);
    } else {
        all[at] = *dice.pick(&['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    }
    all.into_iter().collect()
}

fn wide(text: &str) -> String {
    text.chars().map(|c| c.to_digit(10).map_or(c, |d| WIDE[d as usize])).collect()
}

fn katakana(text: &str) -> String {
    text.chars()
        .map(|c| if ('ぁ'..='ゖ').contains(&c) { char::from_u32(c as u32 + 0x60).unwrap() } else { c })
        .collect()
}

/// Half-width katakana.
fn halved(text: &str) -> String {
    const WHOLE: &str = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";
    let half = |c: char| WHOLE.chars().position(|w| w == c).and_then(|at| char::from_u32(0xff66 + at as u32));
    let mut out = String::new();
    for c in text.chars() {
        match (half(c), char::from_u32(c as u32 - 1).and_then(half), char::from_u32(c as u32 - 2).and_then(half)) {
            (Some(plain), _, _) => out.push(plain),
            (None, Some(voiced), _) => out.extend([voiced, 'ﾞ']),
            (None, None, Some(half_voiced)) => out.extend([half_voiced, 'ﾟ']),
            (None, None, None) => out.push(c),
        }
    }
    out
}
