//! Segments to resources, one file per segment (HL7 v2.5 chapters 2 to 12).
