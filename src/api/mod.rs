//! FHIR over HTTP: one interaction or operation per file.
