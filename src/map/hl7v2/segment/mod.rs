//! Segments to resources, one file per segment (HL7 v2.5 chapters 2 to 12).

pub mod al1;
pub mod iam;
pub mod in1;
pub mod nk1;
pub mod pid;
pub mod prb;
pub mod pv1;
