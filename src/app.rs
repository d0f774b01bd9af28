//! Joining the parts: the running gateway.
