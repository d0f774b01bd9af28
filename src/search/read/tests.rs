//! What is read from elements of each type.
