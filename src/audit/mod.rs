//! AuditEvents: what is recorded of every access, and how FHIR says it.
