//! Lines for people, in the form that editors and build tools can jump from: `file:line:column: error rule [profile] sentence`.

use super::Checked;
use super::tally::Tally;
use crate::fault::Severity;
use crate::inspect::Remark;

/// Rules that the summary names.
const RULES_NAMED_MAX: usize = 5;

/// What was said of a file.
pub(super) fn lines(checked: &Checked, japanese: bool, notes: bool) -> Vec<String> {
    let remarks = checked.report.remarks.iter().filter(|remark| notes || remark.severity > Severity::Information);
    remarks.map(|remark| line(&checked.name, remark, japanese)).collect()
}

pub(super) fn line(file: &str, remark: &Remark, japanese: bool) -> String {
    let at = remark.at.map(|at| format!(":{}:{}", at.line, at.column)).unwrap_or_default();
    let source = if remark.source.is_empty() { String::new() } else { format!(" [{}]", short(&remark.source)) };
    let (severity, sentence, place) = match japanese {
        true => (word_ja(remark.severity), &remark.ja, place_ja(&remark.place)),
        false => (word(remark.severity), &remark.en, remark.place.to_string()),
    };
    let place = if place.is_empty() { place } else { format!(" ({place})") };
    format!("{file}{at}: {severity} {}{source} {sentence}{place}", remark.rule)
}

/// A row and column in Japanese; all other places are the same in every language.
fn place_ja(place: &str) -> String {
    match place.strip_prefix("row ") {
        Some(rest) => match rest.split_once(", column ") {
            Some((row, column)) => format!("{row} 行目 {column} 列目"),
            None => format!("{rest} 行目"),
        },
        None => place.to_owned(),
    }
}

/// Of a canonical the name and version; of a standard its name.
fn short(source: &str) -> &str {
    if source.starts_with("http") { source.rsplit('/').next().unwrap_or(source) } else { source }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Fatal | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "note",
    }
}

fn word_ja(severity: Severity) -> &'static str {
    match severity {
        Severity::Fatal | Severity::Error => "エラー",
        Severity::Warning => "警告",
        Severity::Information => "参考",
    }
}

/// The last lines: counts, and what is wrong most often.
pub(super) fn summary(tally: &Tally, japanese: bool, notes: bool) -> Vec<String> {
    let Tally { files, items, errors, warnings, wrong_files, .. } = tally;
    let mut all = Vec::new();
    let frequent = tally.frequent();
    if frequent.len() > 1 {
        let named: Vec<String> =
            frequent.iter().take(RULES_NAMED_MAX).map(|(rule, count)| format!("{rule} × {count}")).collect();
        let label = if japanese { "多い順" } else { "most frequent" };
        all.push(format!("{label}: {}", named.join(", ")));
    }
    let hidden = match (notes || tally.notes == 0, japanese) {
        (true, _) => String::new(),
        (false, true) => "(--notes で表示)".to_owned(),
        (false, false) => " (--notes shows them)".to_owned(),
    };
    all.push(match japanese {
        true => format!(
            "{files} ファイル({items} 件)を検査: エラー {errors}、警告 {warnings}、参考 {}{hidden}。エラーのあるファイル {wrong_files}",
            tally.notes
        ),
        false => format!(
            "{}, {} checked: {}, {}, {}{hidden}; {} with errors",
            counted(*files, "file"),
            counted(*items, "item"),
            counted(*errors, "error"),
            counted(*warnings, "warning"),
            counted(tally.notes, "note"),
            counted(*wrong_files, "file"),
        ),
    });
    all
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::IssueType;
    use crate::inspect::{Kind, Position, Report};

    fn remark(severity: Severity) -> Remark {
        Remark {
            severity,
            code: IssueType::Value,
            rule: "r-1".into(),
            source: "http://example.org/fhir/StructureDefinition/P|1.0".into(),
            place: "Patient.name[0]".into(),
            at: Some(Position { line: 12, column: 7 }),
            en: "wrong".into(),
            ja: "誤り".into(),
        }
    }

    #[test]
    fn a_line_says_all_of_it() {
        let remarks = vec![remark(Severity::Error), remark(Severity::Information)];
        let checked = Checked { name: "a.json".into(), report: Report { kind: Kind::Json, items: 1, remarks } };
        assert_eq!(lines(&checked, false, false), ["a.json:12:7: error r-1 [P|1.0] wrong (Patient.name[0])"]);
        assert_eq!(lines(&checked, true, true)[1], "a.json:12:7: 参考 r-1 [P|1.0] 誤り (Patient.name[0])");
        assert_eq!((place_ja("row 3, column 13"), place_ja("row 3")), ("3 行目 13 列目".into(), "3 行目".into()));
        let mut tally = Tally::default();
        tally.count(&checked.report);
        assert_eq!(
            summary(&tally, false, false),
            ["1 file, 1 item checked: 1 error, 0 warnings, 1 note (--notes shows them); 1 file with errors"]
        );
        assert_eq!(
            summary(&tally, true, true),
            ["1 ファイル(1 件)を検査: エラー 1、警告 0、参考 1。エラーのあるファイル 1"]
        );
    }

    #[test]
    fn the_summary_names_the_most_frequent_rules_up_to_the_limit() {
        let named = |rules: usize| {
            let one = |number: usize| Remark { rule: format!("r-{number}").into(), ..remark(Severity::Error) };
            let remarks = (0..rules).map(one).collect();
            let mut tally = Tally::default();
            tally.count(&Report { kind: Kind::Json, items: 1, remarks });
            summary(&tally, false, false)[0].matches('×').count()
        };
        assert_eq!((named(RULES_NAMED_MAX), named(RULES_NAMED_MAX + 1)), (RULES_NAMED_MAX, RULES_NAMED_MAX));
    }
}
