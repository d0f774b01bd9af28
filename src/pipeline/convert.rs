//! What a letter says, as a transaction Bundle (R4 http.html#transaction): for those who want the FHIR and not the store.

use super::{Pipeline, Translation, translate, unharmed};
use crate::fault::Fault;
use crate::letter::Letter;
use crate::map::{Change, Known, Mapped};

impl Pipeline {
    /// What a letter says, by the code maps of this gateway; nothing is stored, and nothing that is stored is looked at.
    pub fn convert(&self, letter: &Letter) -> Result<Translation, Fault> {
        unharmed(|| translate(letter, letter.id(), &self.book(), |_| Ok(Known::default())))
    }
}

/// The changes as a transaction: a `PUT` for what is stated, a `DELETE` for what is gone; what the letter says of further
/// records behind it.
pub fn transaction(mapped: &Mapped) -> String {
    let mut entries = Vec::new();
    add(mapped, &mut entries);
    format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, entries.join(","))
}

fn add(mapped: &Mapped, entries: &mut Vec<String>) {
    for change in &mapped.changes {
        match change {
            Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => entries.push(format!(
                r#"{{"resource":{},"request":{{"method":"PUT","url":"{}"}}}}"#,
                draft.json(None),
                draft.reference()
            )),
            Change::Delete { resource_type, id, .. } => entries.push(format!(
                r#"{{"request":{{"method":"DELETE","url":"{}/{}"}}}}"#,
                resource_type.name(),
                id.as_str()
            )),
            // What a list no longer names is known only where the record is.
            Change::WholeList(_) => {}
        }
    }
    mapped.others.iter().for_each(|other| add(other, entries));
}
