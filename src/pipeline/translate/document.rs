//! Documents of SS-MIX2 extended storage to changes, and what its folders say of messages that lie in it.

use super::{Given, Translation};
use crate::decode::ssmix2::{self, FOLDERS_DISAGREE, Flag};
use crate::fault::{Issue, Noted, Place, rules};
use crate::fhir::PatientKey;
use crate::map::document::{self, Filed};
use crate::map::hl7v2::SUPERSEDED;
use crate::map::hl7v2::head::NAMED_FOR_ANOTHER;

rules! {
    DELETED_MESSAGE "ssmix2-extended-deleted" Error NotSupported
        "The content folder says that this message is deleted (condition flag 0); what it stated must be taken back by hand."
        "コンテンツフォルダがこのメッセージの削除(コンディションフラグ0)を示しています。登録済みの内容は手作業で取り消してください。"
}

/// A document that is kept as it is.
pub(super) fn translate(content_type: &str, given: Given<'_>) -> Translation {
    let Given { letter, id, book } = given;
    let held = |issue| Err(vec![issue]);
    let Some(path) = ssmix2::extended(&letter.name) else {
        return held(Issue::new(&super::UNKNOWN_FORMAT, Place::Whole));
    };
    let filed = Filed { path: &path, content_type, bytes: &letter.bytes, source: &letter.source, letter: id, book };
    document::extended(filed).map_err(|issue| vec![issue])
}

/// What a message (HL7 v2, FHIR, CDA) gave, when it lies in extended storage: it must be of the folder's patient, and
/// carries the kind of the document. A superseded one changes nothing.
pub(super) fn in_folder(translation: Translation, given: Given<'_>) -> Translation {
    let Some(path) = ssmix2::extended(&given.letter.name) else { return translation };
    if !path.disagreeing.is_empty() {
        return Err(vec![Issue::with(&FOLDERS_DISAGREE, Place::Whole, path.disagreeing.join(", "))]);
    }
    let Noted { mut value, mut issues } = translation?;
    if PatientKey::derive(&value.facility, &path.patient) != value.patient {
        return Err(vec![Issue::new(&NAMED_FOR_ANOTHER, Place::Whole)]);
    }
    match path.flag {
        Flag::Valid => document::name_source(&mut value, &path),
        Flag::Deleted => return Err(vec![Issue::new(&DELETED_MESSAGE, Place::Whole)]),
        Flag::Superseded => {
            issues = vec![Issue::new(&SUPERSEDED, Place::Whole)];
            value.changes.clear();
            value.others.clear();
        }
    }
    Ok(Noted { value, issues })
}
