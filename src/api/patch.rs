//! Patches (http.html#patch): a resource as text and a patch in, the resource as it is to be out. What comes out is checked
//! like any resource that is stated.

pub(super) mod fhirpath;
pub(super) mod json;
