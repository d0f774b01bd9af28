//! Every knob: the one TOML file, read and checked before anything listens.
