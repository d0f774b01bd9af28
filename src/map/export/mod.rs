//! Exports to changes. Results and prescriptions are spelled out as the HL7 v2 message that a system with HL7 would have
//! sent, documents as the Bundle that one with FHIR would have: each meets the mapper that is there already, and a clinic
//! that changes from one to the other keeps its resources.

mod document;
mod er7;
mod lab;
mod prescription;

use std::sync::Arc;

use crate::codes::Book;
use crate::decode::export::{Export, Layout, PATIENT, Row};
use crate::decode::hl7v2::Message;
use crate::fault::{Issue, Noted, Place, rules};
use crate::letter::{LetterId, Source};
use crate::map::{Known, Mapped, fhir, hl7v2};
use er7::Er7;

rules! {
    pub(crate) SEVERAL_PATIENTS "export-several-patients" Error BusinessRule
        "The rows are about several patients; the intake splits such a file, one part a patient."
        "複数の患者の行が含まれています。取込時に患者ごとに分割されます。"
    pub(crate) SEVERAL_DOCUMENTS "export-several-documents" Error BusinessRule
        "Each row is a document of its own; the intake splits such a file."
        "1行が1文書です。取込時に文書ごとに分割されます。"
    pub(crate) NOT_SPELLED "export-not-spelled" Fatal Exception
        "The rows could not be put into the form in which they are mapped; the file is kept. Please report it to the makers."
        "行を変換用の形式に書き換えられませんでした。原本は保管しています。開発元へお知らせください。"
}

/// What the mapper is told beside the export itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who sent it.
    pub source: &'a Source,
    /// The stored raw letter, for the Provenance.
    pub letter: LetterId,
    /// What codes mean in other code systems.
    pub book: &'a Arc<Book>,
}

/// Maps an export about one patient. An error is a letter to be held.
pub fn map(export: &Export, context: Context<'_>) -> Result<Noted<Mapped>, Vec<Issue>> {
    let refuse = |rule, place| Err(vec![Issue::new(rule, place)]);
    let Some(first) = export.rows.first() else { return refuse(&NOT_SPELLED, Place::Whole) };
    if let Some(other) = export.rows.iter().find(|row| row.cell(PATIENT) != first.cell(PATIENT)) {
        return refuse(&SEVERAL_PATIENTS, other.place(PATIENT));
    }
    match export.layout {
        Layout::LabResults => as_message(lab::spell(&export.rows), context),
        Layout::Prescriptions => as_message(prescription::spell(&export.rows), context),
        Layout::DischargeSummaries | Layout::Referrals => match export.rows.as_slice() {
            [row] => as_bundle(export.layout, row, context),
            [_, second, ..] => refuse(&SEVERAL_DOCUMENTS, second.place("文書番号")),
            [] => refuse(&NOT_SPELLED, Place::Whole),
        },
    }
}

fn as_message(spelled: Er7, context: Context<'_>) -> Result<Noted<Mapped>, Vec<Issue>> {
    let known = Known::default();
    let Context { source, letter, book } = context;
    let context = hl7v2::Context { source, name: None, letter, known: &known, book };
    let placed = |mut issue: Issue| {
        issue.place = spelled.place(&issue.place);
        issue
    };
    let message = Message::parse(spelled.text()).map_err(|issue| vec![placed(issue)])?;
    let mut mapped = hl7v2::map(&message.value, context).map_err(|issue| vec![placed(issue)])?;
    mapped.issues = mapped.issues.into_iter().map(placed).collect();
    for code in &mut mapped.value.local_codes {
        code.place = spelled.place(&code.place);
    }
    Ok(mapped)
}

fn as_bundle(layout: Layout, row: &Row, context: Context<'_>) -> Result<Noted<Mapped>, Vec<Issue>> {
    let bundle = document::bundle(layout, row, &context.source.facility, context.source.zone_minutes);
    let text = bundle.to_string();
    let given = fhir::Context { source: context.source, letter: context.letter };
    let placed = |mut issue: Issue| {
        issue.place = row.place("");
        issue
    };
    let mut mapped = fhir::map(&bundle, text.as_bytes(), given).map_err(|issue| vec![placed(issue)])?;
    mapped.issues = mapped.issues.into_iter().map(placed).collect();
    Ok(mapped)
}

#[cfg(test)]
mod tests;
