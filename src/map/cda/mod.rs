//! CDA R2 documents (HL7 v3, ISO 27932:2009) to changes.

mod datatype;
mod entry;
mod node;
