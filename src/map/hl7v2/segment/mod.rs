//! Segments to resources, one file per segment (HL7 v2.5 chapters 2 to 12).

pub mod al1;
pub mod iam;
pub mod in1;
pub mod nk1;
pub mod nte;
pub mod obr;
pub mod obx;
pub mod obx_category;
pub mod obx_document;
pub mod obx_range;
pub mod obx_unit;
pub mod obx_value;
pub mod orc;
pub mod pid;
pub mod prb;
pub mod pv1;
pub mod request;
pub mod resource;
pub mod rxc;
pub mod rxe;
pub mod rxr;
pub mod sch;
pub mod spm;
pub mod tq1;
pub mod txa;
