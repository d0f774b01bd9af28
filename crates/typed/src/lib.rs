//! Reads FHIR JSON with somebody else's typed model: `fhir-sdk`, R4B, element-identical to R4 for the types we use.
//!
//! The interoperability tests ask three things here: does a foreign model accept a resource ([`read`]), what does it
//! make of it ([`round_trip`]), and which elements does it not understand ([`lost`]).
//!
//! The functions are not generic on purpose. Whoever instantiates (de)serialisation of a typed resource pays for the
//! code of all of FHIR's types; this crate does so once, so no type of `fhir-sdk` appears in its interface.
//!
//! No error text holds a value of the input: a resource is somebody's medical record. The pointers of [`lost`] hold
//! element names and array positions only.

mod difference;
mod json;
mod tree;
mod trouble;

use fhir_sdk::r4b::resources::Resource;
use serde::Deserialize;
use serde_json::Value;

use crate::tree::Tree;

/// Stack for the typed model, in bytes. Compiled without optimisation its frames are large, and resources nest: 41
/// Bundles, each in the one before, overflowed the 2 MiB of a test's thread. Pages that are not touched cost nothing.
const STACK_BYTES: usize = 64 << 20;

/// What the typed model saw of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The type's name, such as `Patient`.
    pub resource_type: String,
    /// The logical id, where there is one.
    pub id: Option<String>,
}

/// Reads a resource as typed FHIR.
///
/// # Errors
/// One sentence, without any value of the input, when the text is not JSON, names an element twice, or is not a
/// resource of the model.
pub fn read(json: &str) -> Result<Reading, String> {
    on_deep_stack(|| {
        let resource = typed(&json::parse(json)?)?;
        Ok(Reading {
            resource_type: resource.resource_type().as_str().to_owned(),
            id: resource.as_base_resource().id().clone(),
        })
    })
}

/// Reads a resource as typed FHIR and writes it again.
///
/// # Errors
/// As [`read`], and when the model cannot write what it read.
pub fn round_trip(json: &str) -> Result<String, String> {
    on_deep_stack(|| written(&json::parse(json)?))
}

/// JSON pointers of the elements that vanish, change or appear when the typed model reads and writes a resource.
///
/// Another text of the same number is no change (the model holds decimals as `f64`: `1.00` becomes `1.0`), nor is
/// another text of the same instant at the same offset (`+00:00` becomes `Z`, `:30.000` becomes `:30`).
///
/// # Errors
/// As [`round_trip`].
pub fn lost(json: &str) -> Result<Vec<String>, String> {
    on_deep_stack(|| {
        let before = json::parse(json)?;
        let after = json::parse(&written(&before)?)?;
        Ok(difference::pointers(&before, &after))
    })
}

fn typed(tree: &Value) -> Result<Resource, String> {
    if !tree.is_object() {
        return Err("A resource is a JSON object, and this is none.".to_owned());
    }
    Resource::deserialize(Tree(tree)).map_err(|trouble| trouble.to_string())
}

fn written(tree: &Value) -> Result<String, String> {
    serde_json::to_string(&typed(tree)?).map_err(|_| "The typed model could not write what it had read.".to_owned())
}

fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("typed".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|_| "No thread could be started for the typed model.".to_owned())?;
        thread.join().unwrap_or_else(|_| Err("The typed model panicked.".to_owned()))
    })
}
