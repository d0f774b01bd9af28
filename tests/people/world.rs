//! People in households, with the lives they lead: they move, marry, change their insurance, turn 75.

use crate::dice::Dice;
use crate::names::{Names, Written};

/// Prefecture, municipality, its insurer numbers (国保, 介護), its postcode's beginning, its area code.
const TOWNS: [(&str, &str, &str, &str, &str, &str); 8] = [
    ("北海道", "札幌市北区", "010017", "011002", "001", "011"),
    ("北海道", "室蘭市", "010041", "012054", "050", "0143"),
    ("北海道", "登別市", "010280", "012302", "059", "0143"),
    ("東京都", "北区", "138172", "131177", "115", "03"),
    ("東京都", "八王子市", "138017", "132019", "192", "042"),
    ("新潟県", "佐渡市", "150227", "152249", "952", "0259"),
    ("兵庫県", "西脇市", "280115", "282137", "677", "0795"),
    ("広島県", "福山市", "340075", "342071", "720", "084"),
];
const QUARTERS: [&str; 24] = [
    "本町",
    "中央",
    "栄町",
    "緑ヶ丘",
    "桜木町",
    "港北町",
    "東町",
    "西町",
    "南町",
    "北町",
    "若草町",
    "旭町",
    "富士見町",
    "新町",
    "幸町",
    "末広町",
    "霞ヶ丘",
    "松ヶ枝町",
    "大町",
    "八幡町",
    "一番町",
    "三条通",
    "日の出町",
    "宮前町",
];
const BUILDINGS: [&str; 6] =
    ["コーポ桜", "緑ハイツ", "メゾン北", "第二富士マンション", "グリーンハイム", "市営住宅3号棟"];

#[derive(Clone, PartialEq, Debug)]
pub struct Home {
    pub town: usize,
    pub quarter: &'static str,
    pub numbers: [u32; 3],
    pub building: Option<(&'static str, u32)>,
}

impl Home {
    fn draw(dice: &mut Dice, town: usize) -> Self {
        let numbers = [1 + dice.roll(9), 1 + dice.roll(30), 1 + dice.roll(25)].map(|n| n as u32);
        let building =
            dice.chance(0.25).then(|| (*dice.pick(&BUILDINGS), 101 + dice.roll(6) as u32 * 100 + dice.roll(8) as u32));
        Home { town, quarter: QUARTERS[dice.roll(QUARTERS.len())], numbers, building }
    }

    pub fn place(&self) -> (&'static str, &'static str) {
        (TOWNS[self.town].0, TOWNS[self.town].1)
    }

    pub fn postcode(&self) -> String {
        let quarter = QUARTERS.iter().position(|q| *q == self.quarter).unwrap_or(0);
        format!("{}{:04}", TOWNS[self.town].4, 11 + quarter * 7)
            .chars()
            .rev()
            .take(7)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect()
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Insurance {
    pub insurer: String,
    pub symbol: String,
    pub number: String,
    /// None in 後期高齢者医療.
    pub branch: Option<u8>,
}

/// What was true of a person for a time.
#[derive(Clone, Debug)]
pub struct State {
    pub family: Written,
    pub home: Home,
    pub landline: Option<String>,
    pub mobile: Option<String>,
    pub insurance: Option<Insurance>,
}

#[derive(Clone, Debug)]
pub struct Person {
    pub given: Written,
    pub is_male: bool,
    pub birth: (u16, u8, u8),
    /// Insurer and number.
    pub care: Option<(String, String)>,
    pub before: State,
    pub now: State,
    /// What changed between the two.
    pub changes: Vec<&'static str>,
    /// Twin, namesake: what makes the person hard to tell from another.
    pub kind: Option<&'static str>,
}

pub struct World<'a> {
    dice: &'a mut Dice,
    families: Names,
    men: Names,
    women: Names,
    pub people: Vec<Person>,
    twins: f64,
    /// Homes for the old, with their phone number.
    institutions: Vec<(Home, String)>,
}

/// The year in which everything is registered.
const YEAR: u16 = 2026;

/// So many people; so large a share of households has twins.
pub fn people(dice: &mut Dice, count: usize, twins: f64) -> Vec<Person> {
    let mut world = World {
        dice,
        families: Names::family(),
        men: Names::given(true),
        women: Names::given(false),
        people: Vec::new(),
        twins,
        institutions: Vec::new(),
    };
    world.institutions();
    while world.people.len() < count {
        world.household();
    }
    world.people.truncate(count);
    world.namesakes();
    for at in 0..world.people.len() {
        let mut person = world.people[at].clone();
        world.live(&mut person);
        world.people[at] = person;
    }
    world.people
}

impl World<'_> {
    /// Three in each town, where one of sixteen people over eighty goes to live: many with one address and one number.
    fn institutions(&mut self) {
        for town in (0..TOWNS.len()).flat_map(|town| [town; 3]) {
            let home = Home { building: None, ..Home::draw(self.dice, town) };
            let phone = self.phone(TOWNS[town].5);
            self.institutions.push((home, phone));
        }
    }

    fn household(&mut self) {
        let family = self.families.draw(self.dice);
        let town = self.dice.roll(TOWNS.len());
        let home = Home::draw(self.dice, town);
        let landline = self.dice.chance(0.7).then(|| self.phone(TOWNS[town].5));
        let plan = self.plan(town);
        let state = State { family, home, landline, mobile: None, insurance: None };
        // Patients of home care are old; their families are registered too.
        let eldest = 25 + self.dice.roll(70) as u16;
        let size = [1, 1, 2, 2, 2, 3, 4][self.dice.roll(7)];
        for at in 0..size {
            let age = match at {
                0 => eldest,
                1 => eldest.saturating_sub(self.dice.roll(6) as u16),
                _ => eldest.saturating_sub(24 + self.dice.roll(12) as u16),
            };
            let birth = self.birth(age);
            let is_male = if at < 2 { at == 0 } else { self.dice.chance(0.5) };
            let person = self.member(&state, &plan, at as u8, birth, is_male);
            self.people.push(person);
        }
        if self.dice.chance(self.twins) {
            self.twins(&state, &plan, size as u8);
        }
    }

    fn twins(&mut self, state: &State, plan: &Insurance, branch: u8) {
        let age = self.dice.roll(80) as u16;
        let birth = self.birth(age);
        let is_male = self.dice.chance(0.5);
        let mut one = self.member(state, plan, branch, birth, is_male);
        let is_alike = self.dice.chance(0.6);
        let other_is_male = if self.dice.chance(0.7) { is_male } else { !is_male };
        let mut other = self.member(state, plan, branch + 1, birth, other_is_male);
        // Twins' names are often alike; never the same sound.
        if is_alike
            && let Some(name) = self.given_names(is_male).alike(self.dice, &one.given)
            && name.kana != one.given.kana
        {
            other.given = name;
            other.is_male = is_male;
        }
        if one.given.kana == other.given.kana {
            return;
        }
        // Numbers of care insurance are given out one after the other.
        if let Some((insurer, number)) = &one.care {
            let next: u64 = number.trim_start_matches('H').parse::<u64>().unwrap() + 1;
            other.care = Some((insurer.clone(), format!("{next:010}")));
        }
        one.kind = Some("twins");
        other.kind = Some("twins");
        self.people.extend([one, other]);
    }

    fn given_names(&self, is_male: bool) -> Names {
        Names::given(is_male)
    }

    fn member(&mut self, state: &State, plan: &Insurance, at: u8, birth: (u16, u8, u8), is_male: bool) -> Person {
        let given = if is_male { self.men.draw(self.dice) } else { self.women.draw(self.dice) };
        let age = YEAR - birth.0;
        let mut state = state.clone();
        state.mobile =
            (age > 12 && self.dice.chance(0.7)).then(|| self.phone(["070", "080", "090"][usize::from(at) % 3]));
        state.insurance = Some(if age >= 75 {
            self.late_elders(state.home.town)
        } else {
            Insurance { branch: Some(at), ..plan.clone() }
        });
        let care_insurer = TOWNS[state.home.town].3.to_owned();
        let care = match (age >= 65 && self.dice.chance(0.5)) || (age >= 40 && self.dice.chance(0.02)) {
            true if self.dice.chance(0.02) => Some((care_insurer, format!("H{}", self.dice.figures(9)))),
            true => Some((care_insurer, format!("0{}", self.dice.figures(9)))),
            false => None,
        };
        Person { given, is_male, birth, care, before: state.clone(), now: state, changes: Vec::new(), kind: None }
    }

    /// A family's insurance: of the municipality, or of an employer.
    fn plan(&mut self, town: usize) -> Insurance {
        if self.dice.chance(0.5) {
            let symbol = ["", "北", "国東", "みなと"][self.dice.roll(4)].to_owned();
            return Insurance {
                insurer: format!("00{}", TOWNS[town].2),
                symbol,
                number: self.dice.figures(7),
                branch: None,
            };
        }
        let insurer = format!("0{}{:06}", [1, 6][self.dice.roll(2)], 130_000 + self.dice.roll(60));
        Insurance {
            insurer,
            symbol: self.dice.figures(4 + self.dice.0 as usize % 4),
            number: self.dice.figures(4),
            branch: None,
        }
    }

    fn late_elders(&mut self, town: usize) -> Insurance {
        let insurer = format!("39{}", TOWNS[town].3);
        Insurance { insurer, symbol: String::new(), number: self.dice.figures(8), branch: None }
    }

    fn phone(&mut self, area: &str) -> String {
        let rest = if area.len() == 3 && area.ends_with('0') && area != "050" { 8 } else { 10 - area.len() };
        format!("{area}{}{}", 2 + self.dice.roll(8), self.dice.figures(rest - 1))
    }

    fn birth(&mut self, age: u16) -> (u16, u8, u8) {
        let month = 1 + self.dice.roll(12) as u8;
        (YEAR - age, month, 1 + self.dice.roll(if month == 2 { 28 } else { 30 }) as u8)
    }

    /// One pair of five hundred people has the same name, sex and birth date; half of them in one town, some in one quarter.
    fn namesakes(&mut self) {
        for _ in 0..self.people.len() / 500 {
            let (one, other) = (self.dice.roll(self.people.len()), self.dice.roll(self.people.len()));
            if one == other || self.people[one].kind.is_some() || self.people[other].kind.is_some() {
                continue;
            }
            let model = self.people[one].clone();
            let person = &mut self.people[other];
            // People marry: a namesake's family may keep its own name. The insurance stays the namesake's own.
            person.given = model.given;
            person.is_male = model.is_male;
            person.birth = model.birth;
            for state in [&mut person.before, &mut person.now] {
                state.family = model.now.family.clone();
                state.home.town = if self.dice.chance(0.5) { model.now.home.town } else { state.home.town };
                if self.dice.chance(0.2) {
                    state.home.quarter = model.now.home.quarter;
                }
            }
            person.now = person.before.clone();
            person.kind = Some("namesake");
            self.people[one].kind = Some("namesake");
        }
    }

    /// What changed in the years over which the records were made.
    fn live(&mut self, person: &mut Person) {
        let age = YEAR - person.birth.0;
        let now = &mut person.now;
        if age > 80 && self.dice.chance(0.06) {
            let (home, phone) = self.dice.pick(&self.institutions).clone();
            (now.home, now.landline, now.mobile) = (home, Some(phone), None);
            person.changes.push("moved into a home");
        } else if self.dice.chance(0.12) {
            let town = if self.dice.chance(0.7) { now.home.town } else { self.dice.roll(TOWNS.len()) };
            now.home = Home::draw(self.dice, town);
            now.landline = None;
            person.changes.push("moved");
        }
        if (20..60).contains(&age) && self.dice.chance(if person.is_male { 0.005 } else { 0.08 }) {
            now.family = self.families.draw(self.dice);
            person.changes.push("married");
        }
        let mut now = person.now.clone();
        if self.dice.chance(0.08) {
            now.mobile = Some(self.phone("080"));
            person.changes.push("new phone");
        }
        if (75..80).contains(&age) {
            // Before 75 the family's insurance.
            let town = person.before.home.town;
            person.before.insurance = Some(Insurance { branch: Some(0), ..self.plan(town) });
            person.changes.push("turned 75");
        } else if age < 75 && self.dice.chance(0.15) {
            let branch = Some(self.dice.roll(3) as u8);
            now.insurance = Some(Insurance { branch, ..self.plan(now.home.town) });
            person.changes.push("new insurance");
        }
        person.now = now;
    }
}
