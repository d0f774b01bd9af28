//! A foreign typed model (fhir-sdk, R4B) reads everything the mappers write and loses nothing of it.

#![allow(clippy::unwrap_used)]

mod written;

use std::collections::BTreeSet;

use written::Written;

#[test]
fn everything_written_is_understood_whole() {
    let mut troubles = BTreeSet::new();
    let mut all: Vec<Written> = written::of_golden_cases();
    all.extend(written::of_examples());
    if let Some(corpora) = written::corpora() {
        all.extend(written::of_foreign_messages(&corpora));
    }
    // A message without any time (MSH-7 is required): Provenance.recorded says that it is unknown, which is valid, but
    // the model wants a value.
    for one in all.iter().filter(|one| !one.json.contains("\"_recorded\"")) {
        let kind = one.tree()["resourceType"].as_str().unwrap().to_owned();
        match tasuki_typed::lost(&one.json) {
            Ok(lost) if lost.is_empty() => {}
            Ok(lost) => drop(troubles.insert(format!("{kind} loses {lost:?} ({})", one.from))),
            Err(error) => drop(troubles.insert(format!("{kind}: {error} ({})", one.from))),
        }
    }
    assert!(troubles.is_empty(), "{} resources\n{}", all.len(), Vec::from_iter(troubles).join("\n"));
}
