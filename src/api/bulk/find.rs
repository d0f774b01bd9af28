//! Which files an export has: those in which something would be. It is found by one walk when the export begins, and each
//! file is looked at again when the manifest is asked for: a manifest tells nothing that its files would not.

use std::collections::BTreeMap;

use super::walk::{File, Walk};
use crate::app::Stage;
use crate::consent::Permitted;
use crate::fault::Fault;
use crate::fhir::PatientKey;

/// Files, each with a record that something in it is from.
type Files = Vec<(String, PatientKey)>;

/// Walks the records until every file is known, and says meanwhile how far it is. Blocks on storage.
pub(super) fn files(walk: &Walk, records: &[PatientKey]) -> Result<Files, Fault> {
    let exports = walk.gateway.exports();
    let mut found: BTreeMap<File, PatientKey> = BTreeMap::new();
    let most = match walk.types().len() {
        0 => usize::MAX,
        types => types + usize::from(walk.has(File::Deleted)),
    };
    for (at, record) in records.iter().enumerate() {
        if at % 64 == 0 {
            if !exports.may_be_fetched(&walk.export, walk.gateway.now()) {
                return Err(Fault::Conflict);
            }
            // One in a hundred: of how many nobody is told.
            walk.export.set_stage(Stage::Looking((at * 100 / records.len()).min(99) as u8));
        }
        if let Some(chart) = walk.open(*record)? {
            let mut types = chart.columns.types.clone();
            types.sort_unstable();
            types.dedup();
            types.retain(|resource_type| !found.contains_key(&File::Of(*resource_type)));
            walk.judged(*record, &chart, |judge| {
                for resource_type in types {
                    if !walk.rows(judge, resource_type)?.is_empty() {
                        found.insert(File::Of(resource_type), *record);
                    }
                }
                Ok(())
            })?;
        }
        if walk.has(File::Deleted)
            && !found.contains_key(&File::Deleted)
            && walk.holds(*record, File::Deleted)?.is_some()
        {
            found.insert(File::Deleted, *record);
        }
        if found.len() >= most {
            break;
        }
    }
    Ok(found.into_iter().map(|(file, record)| (file.name().to_owned(), record)).collect())
}

/// The names of the files in which something is now, of those that were found. Blocks on storage.
pub(super) fn still(walk: &Walk, files: &Files) -> Result<Vec<Permitted<Vec<u8>>>, Fault> {
    let mut names = Vec::with_capacity(files.len());
    let (mut still, mut records) = (Vec::with_capacity(files.len()), None);
    for (name, record) in files {
        let Some(file) = File::parse(name) else { continue };
        if let Some(name) = walk.holds(*record, file)? {
            names.push(name);
            still.push((file.name().to_owned(), *record));
            continue;
        }
        // That record has nothing any more; perhaps another has.
        if records.is_none() {
            records = Some(walk.gateway.exports().records(&walk.export)?);
        }
        for record in records.iter().flatten() {
            if let Some(name) = walk.holds(*record, file)? {
                names.push(name);
                still.push((file.name().to_owned(), *record));
                break;
            }
        }
    }
    if still != *files {
        walk.export.set_stage(Stage::Found(still));
    }
    Ok(names)
}
