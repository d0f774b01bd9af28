//! A message's journey on one screen: keep, decode, map, validate, decide what changes, commit, answer.
