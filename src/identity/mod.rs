//! Who is this person: the record a message belongs to.
