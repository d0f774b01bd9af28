//! One row of a list, checked: what of it can be used, and what was noticed. Broken cells are left out and said; a row without a
//! usable number or name is none.

use super::cells;
use super::columns::{Field, Table};
use super::{CELL_BYTES_MAX, Hints, Kind, PlaceKind, place, rule};
use crate::fault::{Issue, Rule};

/// Where Japan lies, degrees.
const LATITUDES: (f64, f64) = (20.0, 46.0);
const LONGITUDES: (f64, f64) = (122.0, 154.0);
/// From so many beds on it is a hospital (医療法 第1条の5).
const HOSPITAL_BEDS: u32 = 20;

/// A row that can be used. Texts are empty where nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The line on which it begins.
    pub row: u64,
    /// The number of the place, ten characters.
    pub number: String,
    /// What kind of place it is, where that can be told.
    pub kind: Option<PlaceKind>,
    /// Its name.
    pub name: String,
    /// The same in kana.
    pub kana: String,
    /// What it offers (サービスの種類).
    pub service: String,
    /// 都道府県
    pub prefecture: String,
    /// 市区町村
    pub municipality: String,
    /// The whole address in one line.
    pub address: String,
    /// As 060-0001.
    pub postal_code: String,
    /// Latitude and longitude, degrees.
    pub position: Option<(String, String)>,
    /// Telephone.
    pub telephone: String,
    /// Fax.
    pub fax: String,
    /// Address of its pages.
    pub url: String,
    /// The corporation's number (法人番号).
    pub corporation_number: String,
    /// The corporation's name.
    pub corporation: String,
    /// Days of the week, FHIR codes.
    pub days: Vec<&'static str>,
    /// What else is said, as people read it: 定員: 20.
    pub notes: Vec<String>,
}

/// The cells of a row by what they are taken for.
pub(super) struct Cells<'a> {
    pub(super) row: u64,
    pub(super) table: &'static Table,
    pub(super) values: Vec<(Field, &'a str)>,
}

impl<'a> Cells<'a> {
    fn get(&self, field: Field) -> &'a str {
        self.values.iter().find(|(of, _)| *of == field).map_or("", |(_, value)| value.trim())
    }

    fn issue(&self, rule: &'static Rule, field: Field, detail: impl Into<String>) -> Issue {
        Issue::with(rule, place(self.row, self.table.name(field)), detail)
    }

    /// What a cell comes to; where it says something that comes to nothing, that is noticed.
    fn read<T>(
        &self,
        field: Field,
        what: &str,
        issues: &mut Vec<Issue>,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.get(field);
        let value = if text.is_empty() { None } else { read(text) };
        if value.is_none() && !text.is_empty() {
            issues.push(self.issue(&rule::LEFT_OUT, field, what));
        }
        value
    }
}

/// Reads a row. Where it cannot be used what is wrong is among the issues, and the error is its number, where that can be read.
pub(super) fn read(
    kind: Kind,
    cells: &Cells<'_>,
    hints: Hints,
    issues: &mut Vec<Issue>,
) -> Result<Entry, Option<String>> {
    if cells.values.iter().any(|(_, value)| value.len() > CELL_BYTES_MAX) {
        issues.push(Issue::with(&rule::TOO_LONG, place(cells.row, ""), CELL_BYTES_MAX.to_string()));
        return Err(None);
    }
    let number = match kind {
        Kind::Hospitals => institution(cells, hints, issues),
        Kind::CareOffices => care_office(cells, issues),
    };
    let name = cells::narrow(cells.get(Field::Name));
    if name.is_empty() {
        issues.push(cells.issue(&rule::NO_NAME, Field::Name, ""));
        return Err(number);
    }
    let number = number.ok_or(None)?;
    let mut entry = Entry { row: cells.row, number, name, ..Entry::default() };
    whereabouts(cells, &mut entry, issues);
    contact(cells, &mut entry, issues);
    offer(kind, cells, &mut entry);
    Ok(entry)
}

/// A 医療機関コード of ten digits: as it stands, or of prefecture, 点数表 and the seven digits of the institution.
fn institution(cells: &Cells<'_>, hints: Hints, issues: &mut Vec<Issue>) -> Option<String> {
    let number = cells::number(cells.get(Field::Number));
    let is_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let whole = match number.len() {
        0 => {
            issues.push(cells.issue(&rule::NO_NUMBER, Field::Number, ""));
            return None;
        }
        10 if is_digits => number,
        7 if is_digits => {
            let prefecture = prefecture_of(cells).or(hints.prefecture);
            let category = category(cells.get(Field::Category)).or(hints.category);
            match (prefecture, category) {
                (Some(prefecture), Some(category)) => format!("{prefecture:02}{category}{number}"),
                (prefecture, category) => {
                    let missing: Vec<&str> = [("都道府県", prefecture.is_none()), ("点数表", category.is_none())]
                        .into_iter()
                        .filter_map(|(name, is_missing)| is_missing.then_some(name))
                        .collect();
                    issues.push(cells.issue(&rule::SHORT_NUMBER, Field::Number, missing.join("、")));
                    return None;
                }
            }
        }
        _ => {
            issues.push(cells.issue(&rule::NUMBER, Field::Number, shown(&number)));
            return None;
        }
    };
    let is_known = cells::prefecture(&whole[..2]).is_some() && matches!(whole.as_bytes()[2], b'1'..=b'4' | b'6');
    if !is_known {
        issues.push(cells.issue(&rule::NUMBER, Field::Number, shown(&whole)));
    }
    is_known.then_some(whole)
}

/// A 介護保険事業所番号: ten digits that begin with a prefecture.
fn care_office(cells: &Cells<'_>, issues: &mut Vec<Issue>) -> Option<String> {
    let mut number = cells::number(cells.get(Field::Number));
    if number.is_empty() {
        issues.push(cells.issue(&rule::NO_NUMBER, Field::Number, ""));
        return None;
    }
    let said = prefecture_of(cells);
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if number.len() == 9
        && is_digits(&number)
        && said.is_some_and(|code| number.starts_with(&code.to_string()) && code < 10)
    {
        issues.push(cells.issue(&rule::LOST_ZERO, Field::Number, ""));
        number.insert(0, '0');
    }
    let is_plain = number.len() == 10 && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let own = number.get(..2).and_then(cells::prefecture).filter(|_| is_plain);
    match own {
        None => {
            issues.push(cells.issue(&rule::NUMBER, Field::Number, shown(&number)));
            return None;
        }
        Some(own) if said.is_some_and(|said| said != own) => {
            issues.push(cells.issue(&rule::PREFECTURE, Field::Prefecture, ""));
        }
        Some(_) => {}
    }
    if !is_digits(&number) {
        issues.push(cells.issue(&rule::LETTERS, Field::Number, ""));
    }
    Some(number)
}

fn prefecture_of(cells: &Cells<'_>) -> Option<u8> {
    let fields = [Field::PrefectureCode, Field::AreaCode, Field::Prefecture];
    fields.into_iter().find_map(|field| cells::prefecture(cells.get(field)))
}

/// The digit of a 点数表, said as one or by name: 1 医科, 3 歯科, 4 薬局, 6 訪問看護.
pub fn category(text: &str) -> Option<char> {
    let text = cells::narrow(text);
    match text.as_str() {
        "1" | "3" | "4" | "6" => text.chars().next(),
        _ if text.contains("歯科") && !text.contains("医科") => Some('3'),
        _ if text.contains("医科") => Some('1'),
        _ if text.contains("薬局") || text.contains("調剤") => Some('4'),
        _ if text.contains("訪問看護") || text.contains("訪看") => Some('6'),
        _ => None,
    }
}

fn whereabouts(cells: &Cells<'_>, entry: &mut Entry, issues: &mut Vec<Issue>) {
    let said = cells::narrow(cells.get(Field::Prefecture));
    let code = prefecture_of(cells).or_else(|| cells::prefecture(entry.number.get(..2)?));
    entry.prefecture = match code.and_then(cells::prefecture_name) {
        Some(name) => name.to_owned(),
        None => said,
    };
    entry.municipality = cells::narrow(cells.get(Field::Municipality));
    let street = cells::narrow(cells.get(Field::Address));
    let building = cells::narrow(cells.get(Field::Building));
    if !street.is_empty() {
        let before = if street.starts_with(&entry.prefecture) { "" } else { entry.prefecture.as_str() };
        let has_town = street.contains(&entry.municipality);
        let town = if has_town { "" } else { entry.municipality.as_str() };
        let space = if building.is_empty() { "" } else { " " };
        entry.address = format!("{before}{town}{street}{space}{building}");
    }
    let postal_code = cells.read(Field::PostalCode, "a postal code / 郵便番号", issues, cells::postal_code);
    entry.postal_code = postal_code.unwrap_or_default();
    let within = |(least, most): (f64, f64)| move |text: &str| cells::degrees(text, least, most);
    let latitude = cells.read(Field::Latitude, "a latitude in Japan / 日本の緯度", issues, within(LATITUDES));
    let longitude = cells.read(Field::Longitude, "a longitude in Japan / 日本の経度", issues, within(LONGITUDES));
    entry.position = latitude.zip(longitude);
}

fn contact(cells: &Cells<'_>, entry: &mut Entry, issues: &mut Vec<Issue>) {
    const TELEPHONE: &str = "a telephone number / 電話番号";
    entry.telephone = cells.read(Field::Telephone, TELEPHONE, issues, cells::telephone).unwrap_or_default();
    let extension = cells::narrow(cells.get(Field::Extension));
    if !entry.telephone.is_empty() && !extension.is_empty() {
        entry.notes.push(format!("{}: {extension}", cells.table.name(Field::Extension)));
    }
    entry.fax = cells.read(Field::Fax, TELEPHONE, issues, cells::telephone).unwrap_or_default();
    let url = |text: &str| {
        let text = cells::narrow(text);
        let is_plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        ((text.starts_with("http://") || text.starts_with("https://")) && is_plain).then_some(text)
    };
    entry.url = cells.read(Field::Url, "an address of pages / URL", issues, url).unwrap_or_default();
    let corporation = |text: &str| {
        let number = cells::number(text);
        (number.len() == 13 && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
    };
    let number = cells.read(Field::CorporationNumber, "13 digits / 13桁の数字", issues, corporation);
    entry.corporation_number = number.unwrap_or_default();
    entry.corporation = cells::narrow(cells.get(Field::Corporation));
}

fn offer(kind: Kind, cells: &Cells<'_>, entry: &mut Entry) {
    entry.kana = cells::narrow(cells.get(Field::NameKana));
    entry.service = cells::narrow(cells.get(Field::Service));
    entry.days = cells::days(cells.get(Field::Days));
    let said_days = if entry.days.is_empty() { Some(Field::Days) } else { None };
    let fields = [Field::Capacity, Field::Beds, Field::Departments, Field::DaysNote, Field::Note];
    for field in said_days.into_iter().chain(fields) {
        let text = cells::narrow(cells.get(field));
        if !text.is_empty() {
            entry.notes.push(format!("{}: {text}", cells.table.name(field)));
        }
    }
    entry.kind = match kind {
        Kind::CareOffices => cells.table.kind_of(&entry.service).and_then(PlaceKind::parse),
        Kind::Hospitals => kind_of_institution(cells, entry).and_then(PlaceKind::parse),
    };
}

/// What an institution is: by its 点数表, what the list calls it, its beds, its name.
fn kind_of_institution(cells: &Cells<'_>, entry: &Entry) -> Option<&'static str> {
    let stated = cells::narrow(cells.get(Field::Place));
    match (entry.number.as_bytes().get(2)?, cells::count(cells.get(Field::Beds))) {
        (b'3', _) if stated.contains("病院") || entry.name.contains("病院") => Some("hospital"),
        (b'3', _) => Some("dental-clinic"),
        (b'4', _) => Some("pharmacy"),
        (b'6', _) => Some("visiting-nurse"),
        _ if stated.contains("病院") => Some("hospital"),
        _ if stated.contains("診療所") || stated.contains("医院") => Some("clinic"),
        (_, Some(beds)) => Some(if beds >= HOSPITAL_BEDS { "hospital" } else { "clinic" }),
        _ if entry.name.contains("病院") => Some("hospital"),
        _ => None,
    }
}

/// As much of a number as a sentence may quote.
fn shown(number: &str) -> String {
    number.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
}
