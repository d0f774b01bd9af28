//! What the messages about drugs share (HL7 v2.5 chapter 4): which segments are one drug, where it stands in its order,
//! and the parts of FHIR that an order, a dispensing and an administration write alike.

pub(crate) mod comment;
pub(crate) mod dosage;
pub(crate) mod fields;
pub(crate) mod group;
pub(crate) mod kind;
pub(crate) mod label;
pub(crate) mod medication;
pub(crate) mod place;
pub(crate) mod rate;
pub(crate) mod request;
pub(crate) mod timing;
pub(crate) mod usage;
