//! Segments to resources, one file per segment (HL7 v2.5 chapters 2 to 12).

pub mod al1;
pub mod iam;
pub mod in1;
pub mod nk1;
pub mod nte;
pub mod obr;
pub mod obx;
pub mod obx_category;
pub mod obx_range;
pub mod obx_unit;
pub mod obx_value;
pub mod orc;
pub mod pid;
pub mod prb;
pub mod pv1;
pub mod rxa;
pub mod rxc;
pub mod rxd;
pub mod rxe;
pub mod rxg;
pub mod rxo;
pub mod rxr;
pub mod spm;
pub mod tq1;
