//! The index table of a storage (SSMIXIDX), exported as CSV: it says which file came or went when, so the tree need not be
//! searched. Rows are added at any place; which are new is told by their UpdateDatetime.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use jiff::Span;
use jiff::civil::DateTime;

use super::desk::{self, Desk};
use super::look::{Stamp, stamp};
use super::{Follow, Looked, Looks, take};
use crate::fault::Fault;
use crate::intake::folder::{self, Found, Group};
use crate::store::Cursor;

/// The columns in the order of the table, for an export that does not name them.
const COLUMNS: [&str; 12] = [
    "VolumeLabel",
    "FacilityID",
    "PatientID",
    "OrderDate",
    "DataKind",
    "OrderNo",
    "ProcessingType",
    "EnterOrgCD",
    "TransactionDatetime",
    "OutRelDirectory",
    "FileName",
    "UpdateDatetime",
];
/// Files that are taken in before the table is read on.
const FILES_MAX: usize = 2000;
/// Patients whose files are taken in side by side.
const WORKERS: usize = 16;

pub(super) struct Index {
    follow: Follow,
    /// The storage.
    root: PathBuf,
    cursor: Cursor,
    /// The table as it was when it was last read, where nothing of it is to be tried again.
    read: Option<Stamp>,
    /// Rows at or after the cursor that are done: their hash, and their time.
    done: HashMap<u64, u64>,
    /// Rows that were told to be missing.
    told: HashSet<u64>,
    is_away: bool,
}

/// What a row says.
struct Row {
    hash: u64,
    /// UpdateDatetime as a number of 17 digits; `None` when it is none.
    updated: Option<u64>,
    file: PathBuf,
    is_deleted: bool,
}

/// Why a row names nothing that could be taken in.
enum Wrong {
    Facility,
    Path,
}

impl Index {
    pub(super) fn new(follow: Follow, root: PathBuf) -> Result<Index, Fault> {
        let cursor = follow.gateway.pipeline().store().cursor(&follow.name)?.unwrap_or_default();
        let (done, told) = (HashMap::new(), HashSet::new());
        Ok(Index { follow, root, cursor, read: None, done, told, is_away: false })
    }

    fn mark(&self) -> u64 {
        self.cursor.mark.parse().unwrap_or(0)
    }

    /// Rows from then on may be new: whoever writes the table need not do so in the order of the times.
    fn from(&self) -> u64 {
        earlier(self.mark())
    }

    /// Reads the table and takes in what is new.
    fn read(&mut self, file: File, is_settled: bool, took: &mut Duration) -> Result<Pass, Fault> {
        let mut pass = Pass::default();
        let mut table = Table::open(file, is_settled);
        let mut batch = Vec::new();
        let begun = Instant::now();
        while let Some(cells) = table.next() {
            let row = self.row(&cells, &mut pass);
            let Some(row) = row else { continue };
            match found(&row) {
                Some(found) => batch.push((row, found)),
                None => self.missing(&row, &mut pass),
            }
            if batch.len() >= FILES_MAX {
                self.take(std::mem::take(&mut batch), &mut pass)?;
            }
            if self.follow.stop.is_set() {
                pass.is_cut = true;
                break;
            }
        }
        *took = begun.elapsed().saturating_sub(pass.taking);
        self.take(batch, &mut pass)?;
        Ok(pass)
    }

    /// A row that is new; what is wrong with others is counted once.
    fn row(&mut self, cells: &Cells, pass: &mut Pass) -> Option<Row> {
        let updated = moment(cells.get("UpdateDatetime"));
        if updated.is_some_and(|updated| updated < self.from()) || self.done.contains_key(&cells.hash) {
            return None;
        }
        pass.newest = pass.newest.max(updated.unwrap_or(0));
        let facility = cells.get("FacilityID");
        let is_foreign = !facility.is_empty() && facility != self.follow.source.facility.as_str();
        let file = if is_foreign { Err(Wrong::Facility) } else { self.path(cells).ok_or(Wrong::Path) };
        match file {
            Ok(file) => {
                let is_deleted = cells.get("ProcessingType").eq_ignore_ascii_case("DEL");
                Some(Row { hash: cells.hash, updated, file, is_deleted })
            }
            Err(wrong) => {
                match wrong {
                    Wrong::Facility => pass.foreign += 1,
                    Wrong::Path => pass.wrong += 1,
                }
                self.done.insert(cells.hash, updated.unwrap_or(0));
                None
            }
        }
    }

    /// Where the file is; `None` when the row leads out of the storage or names none.
    fn path(&self, cells: &Cells) -> Option<PathBuf> {
        let (folder, file) = (cells.get("OutRelDirectory").replace('\\', "/"), cells.get("FileName"));
        let relative = Path::new(folder.trim_matches('/')).join(file);
        let is_below = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        (is_below && !file.is_empty() && !file.contains(['/', '\\'])).then(|| self.root.join(relative))
    }

    fn missing(&mut self, row: &Row, pass: &mut Pass) {
        if self.told.insert(row.hash) {
            pass.missing_news += 1;
        }
        pass.missing = Some(pass.missing.unwrap_or(u64::MAX).min(row.updated.unwrap_or(0)));
    }

    fn take(&mut self, batch: Vec<(Row, Found)>, pass: &mut Pass) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut rows = Vec::with_capacity(batch.len());
        let mut groups: BTreeMap<PathBuf, Group> = BTreeMap::new();
        for (row, found) in batch {
            // Files of one patient lie in one folder; those elsewhere wait for each other without need.
            let key = found.path.ancestors().nth(3).unwrap_or(&found.path).to_path_buf();
            let new = || Group { key: String::new(), facility: None, files: Vec::new() };
            rows.push((row, found.path.clone()));
            groups.entry(key).or_insert_with(new).files.push(found);
        }
        let follow = self.follow.clone();
        let desk = Desk::new(&follow, None);
        let groups = groups.into_values().map(Ok);
        let tally = take::take_in(follow.gateway.pipeline(), &desk, &follow.source, groups, WORKERS)?;
        desk::tell(&follow.label, &tally);
        if follow.stop.is_set() {
            pass.is_cut = true;
            return Ok(());
        }
        let unread = desk.into_unread();
        for (row, path) in rows {
            match unread.contains(&path) {
                true => self.missing(&row, pass),
                false => {
                    self.told.remove(&row.hash);
                    self.done.insert(row.hash, row.updated.unwrap_or(0));
                }
            }
        }
        pass.taking += begun.elapsed();
        Ok(())
    }

    /// Everything before the newest row is done, or before the first that is missing.
    fn advance(&mut self, pass: &Pass) -> Result<(), Fault> {
        let mark = pass.missing.unwrap_or(pass.newest).max(self.mark());
        if mark != self.mark() {
            let cursor = Cursor { since: self.follow.gateway.now(), mark: mark.to_string(), ..Cursor::default() };
            self.follow.gateway.pipeline().store().put_cursor(&self.follow.name, &cursor)?;
            self.cursor = cursor;
            let from = self.from();
            self.done.retain(|_, updated| *updated >= from || *updated == 0);
        }
        Ok(())
    }

    fn tell(&self, pass: &Pass) {
        let folder = &self.follow.label;
        for (count, what) in [
            (pass.missing_news, "name files that are not there or cannot be read; they are looked for again"),
            (pass.foreign, "name another facility and were passed over"),
            (pass.wrong, "name no file of the storage and were passed over"),
        ] {
            if count > 0 {
                tracing::warn!(folder, rows = count, "feed: rows of the index {what}");
            }
        }
    }
}

/// What one reading of the table gave.
#[derive(Debug, Default)]
struct Pass {
    newest: u64,
    /// The earliest time of a row whose file is missing.
    missing: Option<u64>,
    missing_news: usize,
    foreign: usize,
    wrong: usize,
    taking: Duration,
    is_cut: bool,
}

impl Looks for Index {
    fn label(&self) -> &str {
        &self.follow.label
    }

    fn look(&mut self) -> Result<Looked, Fault> {
        let mut looked = Looked { settle: self.follow.pace.settle, ..Looked::default() };
        let opened = File::open(&self.follow.path).and_then(|file| Ok((file.metadata()?, file)));
        let Ok((metadata, file)) = opened else {
            if !std::mem::replace(&mut self.is_away, true) {
                tracing::error!(folder = self.follow.label, "feed: the index cannot be read; it is tried again");
            }
            return Ok(looked);
        };
        self.is_away = false;
        let now = stamp(&metadata);
        if self.read == Some(now) {
            return Ok(looked);
        }
        let age = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        let is_settled = age.is_none_or(|age| age >= self.follow.pace.settle);
        let pass = self.read(file, is_settled, &mut looked.took)?;
        self.tell(&pass);
        if !pass.is_cut {
            self.advance(&pass)?;
            let is_over = pass.missing.is_none() && is_settled;
            self.read = is_over.then_some(now);
            looked.is_waiting = !is_settled;
        }
        Ok(looked)
    }
}

/// The file of a row; `None` when it is not there.
fn found(row: &Row) -> Option<Found> {
    let renamed = with_flag(&row.file, "0");
    let candidates = [Some(&row.file), renamed.as_ref().filter(|_| row.is_deleted)];
    let is_file = |path: &PathBuf| std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let path = candidates.into_iter().flatten().find(|path| is_file(path))?;
    let mut found = folder::walk(path).filter_map(Result::ok).flat_map(|group| group.files).next()?;
    if row.is_deleted
        && let Some(name) = with_flag(Path::new(&found.name), "0")
    {
        found.name = name.to_string_lossy().into_owned();
    }
    Some(found)
}

/// The same name with another condition flag; `None` when it has none.
fn with_flag(path: &Path, flag: &str) -> Option<PathBuf> {
    let (front, old) = path.to_str()?.rsplit_once('_')?;
    matches!(old, "0" | "1" | "2").then(|| PathBuf::from(format!("{front}_{flag}")))
}

/// The rows of the table, cell by column name.
struct Table {
    reader: ::csv::Reader<std::io::Take<BufReader<File>>>,
    columns: Vec<String>,
    /// A first line that was a row.
    first: Option<Vec<String>>,
    /// A last line without an end is not yet whole.
    whole: u64,
}

struct Cells {
    hash: u64,
    by_column: HashMap<String, String>,
}

impl Cells {
    fn get(&self, column: &str) -> &str {
        self.by_column.get(column).map_or("", String::as_str)
    }
}

impl Table {
    fn open(mut file: File, is_settled: bool) -> Table {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let whole = if is_settled { length } else { last_line_end(&mut file, length) };
        let _ = file.seek(SeekFrom::Start(0));
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(::csv::Trim::All)
            .from_reader(BufReader::new(file).take(whole));
        let mut record = ::csv::ByteRecord::new();
        let first = matches!(reader.read_byte_record(&mut record), Ok(true)).then(|| cells(&record));
        let is_header =
            |cells: &[String]| COLUMNS.iter().filter(|name| cells.iter().any(|c| is_named(c, name))).count() > 2;
        let (columns, first) = match first {
            Some(header) if is_header(&header) => (header, None),
            first => (COLUMNS.map(str::to_owned).to_vec(), first),
        };
        let canonical = |name: String| {
            COLUMNS.iter().find(|column| is_named(&name, column)).map_or(name.clone(), |column| (*column).to_owned())
        };
        Table { reader, columns: columns.into_iter().map(canonical).collect(), first, whole }
    }

    fn next(&mut self) -> Option<Cells> {
        let cells = match self.first.take() {
            Some(first) => first,
            None => {
                let mut record = ::csv::ByteRecord::new();
                let is_there = matches!(self.reader.read_byte_record(&mut record), Ok(true));
                if !is_there || self.reader.position().byte() > self.whole {
                    return None;
                }
                cells(&record)
            }
        };
        let mut hasher = DefaultHasher::new();
        cells.hash(&mut hasher);
        let by_column = self.columns.iter().cloned().zip(cells).collect();
        Some(Cells { hash: hasher.finish(), by_column })
    }
}

fn is_named(cell: &str, column: &str) -> bool {
    cell.trim_start_matches('\u{feff}').eq_ignore_ascii_case(column)
}

fn cells(record: &::csv::ByteRecord) -> Vec<String> {
    record.iter().map(|cell| crate::decode::charset::decode_text(cell).value.trim().to_owned()).collect()
}

/// Where the last whole line ends.
fn last_line_end(file: &mut File, length: u64) -> u64 {
    let tail = length.min(1 << 16);
    let mut bytes = Vec::new();
    let read = file.seek(SeekFrom::Start(length - tail)).and_then(|_| file.take(tail).read_to_end(&mut bytes));
    let end = read.ok().and_then(|_| memchr::memrchr2(b'\n', b'\r', &bytes));
    end.map_or(0, |end| length - tail + end as u64 + 1)
}

/// A time as a number of 17 digits, whatever separates its parts.
fn moment(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let digits = match parts.as_slice() {
        [digits] if digits.len() >= 8 => format!("{digits:0<17.17}"),
        [year, rest @ ..] if year.len() == 4 && rest.len() >= 2 => {
            let fraction = rest.get(5).map_or("000".to_owned(), |fraction| format!("{fraction:0<3.3}"));
            let two = |n: usize| rest.get(n).map_or("00".to_owned(), |part| format!("{part:0>2.2}"));
            format!("{year}{}{}{}{}{}{fraction}", two(0), two(1), two(2), two(3), two(4))
        }
        _ => return None,
    };
    digits.parse().ok()
}

/// An hour before.
fn earlier(moment: u64) -> u64 {
    let part = |low: u64, count: u32| i8::try_from(moment / low % 10_u64.pow(count)).unwrap_or(0);
    let year = i16::try_from(moment / 10_u64.pow(13)).unwrap_or(0);
    let (month, day) = (part(10_u64.pow(11), 2), part(10_u64.pow(9), 2));
    let (hour, minute, second) = (part(10_u64.pow(7), 2), part(10_u64.pow(5), 2), part(1000, 2));
    let time = DateTime::new(year, month, day, hour, minute, second, 0);
    let before = time.and_then(|time| time.checked_sub(Span::new().hours(1)));
    before.ok().and_then(|time| time.strftime("%Y%m%d%H%M%S000").to_string().parse().ok()).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_compare_however_they_are_written() {
        for (text, number) in [
            ("20260401093000123", Some(20_260_401_093_000_123)),
            ("20260401", Some(20_260_401_000_000_000)),
            ("2026-04-01 09:30:00.5", Some(20_260_401_093_000_500)),
            ("2026/4/1 9:30:05", Some(20_260_401_093_005_000)),
            ("2026-04-01T09:30", Some(20_260_401_093_000_000)),
            ("", None),
            ("now", None),
            ("12:30:00", None),
        ] {
            assert_eq!(moment(text), number, "{text}");
        }
    }

    #[test]
    fn an_hour_before_is_told_over_the_end_of_a_year() {
        assert_eq!(earlier(20_260_401_093_000_123), 20_260_401_083_000_000);
        assert_eq!(earlier(20_260_101_003_000_000), 20_251_231_233_000_000);
        assert_eq!([earlier(0), earlier(20_260_001_000_000_000)], [0, 20_260_001_000_000_000]);
    }

    #[test]
    fn a_flag_is_the_last_part() {
        let flag = |name: &str| with_flag(Path::new(name), "0").map(|path| path.to_string_lossy().into_owned());
        assert_eq!(flag("a/b_c_1").as_deref(), Some("a/b_c_0"));
        assert_eq!(flag("a_x"), None);
    }

    #[test]
    fn a_line_without_an_end_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i.csv");
        let rows = |text: &str, is_settled: bool| {
            std::fs::write(&path, text).unwrap();
            let mut table = Table::open(File::open(&path).unwrap(), is_settled);
            let mut files = Vec::new();
            while let Some(cells) = table.next() {
                files.push(cells.get("FileName").to_owned());
            }
            files
        };
        let header = "FileName,facilityid,UPDATEDATETIME\r\n";
        assert_eq!(rows(&format!("{header}a,1,2\r\nb,1,2"), true), ["a", "b"]);
        assert_eq!(rows(&format!("{header}a,1,2\r\nb,1,2"), false), ["a"]);
        assert_eq!(rows("V,1,2,3,4,5,INS,7,8,d,f,2026\n", true), ["f"]);
        assert_eq!(rows("", true), [""; 0]);
    }
}
