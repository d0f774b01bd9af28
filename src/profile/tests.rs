//! Profiles written by hand, as a package.

use std::sync::Arc;

use serde_json::Value;

use super::Profiles;
use crate::guide::{CanonicalResource, KEPT_WITH_PROFILES, Library, Package};

/// Profiles of one package that holds these definitions.
pub(crate) fn profiles(definitions: &[Value]) -> Profiles {
    let read = |json: &Value| CanonicalResource::read(json.to_string().as_bytes(), &KEPT_WITH_PROFILES).unwrap().unwrap();
    let package = Package {
        name: "example".into(),
        version: "1.0.0".into(),
        dependencies: Vec::new(),
        definitions: definitions.iter().map(read).collect(),
    };
    Profiles::new(Arc::new(Library::new(vec![package])))
}
