//! For programs: an OperationOutcome for each file, with the standard extensions for file, line and column; JUnit XML.

use super::Checked;
use super::tally::is_checked;
use crate::fault::{Issue, Place, Severity, rules};
use crate::fhir::markup::escaped;
use crate::fhir::{ResourceType, Writer};
use crate::inspect::Remark;

rules! {
    NOTHING "validate-no-problems" Information Informational
        "nothing is wrong" "問題はありません"
}

const EXTENSION: &str = "http://hl7.org/fhir/StructureDefinition/operationoutcome";
const RULES: &str = "https://tasuki.example/fhir/CodeSystem/rule";

/// An OperationOutcome in one line (operationoutcome.html).
pub(super) fn outcome(checked: &Checked, japanese: bool) -> String {
    let mut w = Writer::new();
    w.string("resourceType", "OperationOutcome");
    w.array("extension", |w| extension(w, "file", |w| w.string("valueString", &checked.name)));
    w.array("issue", |w| {
        if checked.report.remarks.is_empty() {
            let nothing = Issue::new(&NOTHING, Place::Whole);
            w.item(|w| {
                let text = if japanese { nothing.japanese() } else { nothing.english() };
                said(w, Severity::Information, nothing.rule.code.code(), nothing.rule.id, &text);
            });
        }
        checked.report.remarks.iter().for_each(|remark| w.item(|w| issue(w, remark, japanese)));
    });
    format!("{{{}}}", w.finish())
}

fn issue(w: &mut Writer, remark: &Remark, japanese: bool) {
    w.array("extension", |w| {
        if let Some(at) = remark.at {
            extension(w, "issue-line", |w| w.raw("valueInteger", &at.line.to_string()));
            extension(w, "issue-col", |w| w.raw("valueInteger", &at.column.to_string()));
        }
        if !remark.source.is_empty() {
            extension(w, "issue-source", |w| w.string("valueString", &remark.source));
        }
    });
    said(w, remark.severity, remark.code.code(), &remark.rule, if japanese { &remark.ja } else { &remark.en });
    w.string("diagnostics", &remark.en);
    let name = remark.place.split(['.', '[']).next().unwrap_or_default();
    let (elsewhere, path) =
        if ResourceType::parse(name).is_some() { ("", &*remark.place) } else { (&*remark.place, "") };
    w.array("location", |w| w.item_string(elsewhere));
    w.array("expression", |w| w.item_string(path));
}

fn said(w: &mut Writer, severity: Severity, code: &str, rule: &str, text: &str) {
    w.string("severity", severity.code());
    w.string("code", code);
    w.object("details", |w| {
        w.array("coding", |w| w.coding_item(RULES, rule, ""));
        w.string("text", text);
    });
}

fn extension(w: &mut Writer, name: &str, value: impl FnOnce(&mut Writer)) {
    w.item(|w| {
        w.string("url", &format!("{EXTENSION}-{name}"));
        value(w);
    });
}

/// JUnit XML: a test for each file, failed where it has errors; warnings and notes are its output.
pub(super) fn junit(all: &[Checked], japanese: bool) -> String {
    let is_error = |severity: Severity| severity >= Severity::Error;
    let failed = all.iter().filter(|checked| checked.of(is_error) > 0).count();
    let skipped = all.iter().filter(|checked| !is_checked(&checked.report)).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"tasuki validate\" tests=\"{}\" \
         failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\">\n",
        all.len()
    );
    for checked in all {
        let kind = escaped(checked.report.kind.label());
        out.push_str(&format!("<testcase name=\"{}\" classname=\"{kind}\">\n", escaped(&checked.name)));
        if !is_checked(&checked.report) {
            out.push_str("<skipped/>\n");
        }
        let lines = |is: &dyn Fn(Severity) -> bool| {
            let of = checked.report.remarks.iter().filter(|remark| is(remark.severity));
            escaped(
                &of.map(|remark| super::human::line(&checked.name, remark, japanese)).collect::<Vec<_>>().join("\n"),
            )
        };
        let errors = checked.of(is_error);
        if errors > 0 {
            out.push_str(&format!("<failure message=\"{errors}\">{}</failure>\n", lines(&is_error)));
        }
        if checked.of(|severity| !is_error(severity)) > 0 {
            out.push_str(&format!("<system-out>{}</system-out>\n", lines(&|severity| !is_error(severity))));
        }
        out.push_str("</testcase>\n");
    }
    out.push_str("</testsuite>\n</testsuites>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::IssueType;
    use crate::inspect::{Kind, Position, Report};

    fn checked(place: &str, kind: Kind) -> Checked {
        let remark = Remark {
            severity: Severity::Error,
            code: IssueType::Value,
            rule: "r".into(),
            source: "S".into(),
            place: place.into(),
            at: Some(Position { line: 3, column: 4 }),
            en: "a < b".into(),
            ja: "誤り".into(),
        };
        Checked { name: "a&b".into(), report: Report { kind, items: 1, remarks: vec![remark] } }
    }

    #[test]
    fn an_outcome_has_the_place_as_extensions() {
        let said: serde_json::Value = serde_json::from_str(&outcome(&checked("Patient.id", Kind::Json), true)).unwrap();
        assert_eq!(said["extension"][0]["valueString"], "a&b");
        let issue = &said["issue"][0];
        assert_eq!(issue["extension"][0]["valueInteger"], 3);
        assert_eq!(issue["extension"][1]["url"], "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col");
        assert_eq!((issue["details"]["text"].as_str(), issue["diagnostics"].as_str()), (Some("誤り"), Some("a < b")));
        assert_eq!((issue["expression"][0].as_str(), issue["location"].as_str()), (Some("Patient.id"), None));
        let said: serde_json::Value = serde_json::from_str(&outcome(&checked("PID-3", Kind::Message), false)).unwrap();
        assert_eq!(said["issue"][0]["location"][0], "PID-3");
        let nothing = Checked { name: "x".into(), report: Report { kind: Kind::Json, items: 1, remarks: Vec::new() } };
        let said: serde_json::Value = serde_json::from_str(&outcome(&nothing, false)).unwrap();
        assert_eq!(said["issue"][0]["severity"], "information");
        for checked in [checked("Patient.id", Kind::Json), nothing] {
            let value = serde_json::from_str(&outcome(&checked, true)).unwrap();
            assert_eq!(crate::validate::base(&value), []);
        }
    }

    #[test]
    fn junit_is_xml() {
        let text = junit(&[checked("-", Kind::Json), checked("-", Kind::Other("CSV"))], false);
        let document = roxmltree::Document::parse(&text).unwrap();
        let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
        assert_eq!((suite.attribute("tests"), suite.attribute("failures")), (Some("2"), Some("2")));
        assert!(text.contains("a&amp;b:3:4: error r [S] a &lt; b"));
    }
}
