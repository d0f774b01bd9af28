//! May this leave, and how much: directives, decisions, and the only way to make a Permitted.
