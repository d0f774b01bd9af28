//! Drafts against the rules of R4 that every resource must meet.
