//! A JSON tree as serde's data model, with numbers that are numbers.
//!
//! With `arbitrary_precision`, serde_json shows a decimal as a map of one private key. `fhir-sdk` buffers every resource
//! (`#[serde(tag = "resourceType")]`), the buffer keeps the map, and the decimal is then refused, or, inside a choice such
//! as `valueQuantity`, the whole element dropped in silence.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use crate::trouble::Trouble;

/// A tree that serde can read.
#[derive(Clone, Copy)]
pub(crate) struct Tree<'de>(pub(crate) &'de Value);

impl<'de> Deserializer<'de> for Tree<'de> {
    type Error = Trouble;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(elements) => visitor.visit_seq(SeqDeserializer::new(elements.iter().map(Tree))),
            Value::Object(members) => visitor
                .visit_map(MapDeserializer::new(members.iter().map(|(name, value)| (name.as_str(), Tree(value))))),
            Value::Number(number) => {
                if let Some(whole) = number.as_u64() {
                    visitor.visit_u64(whole)
                } else if let Some(whole) = number.as_i64() {
                    visitor.visit_i64(whole)
                } else if let Some(decimal) = number.as_f64() {
                    visitor.visit_f64(decimal)
                } else {
                    Err(Trouble::custom("a number beyond f64"))
                }
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Trouble> for Tree<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
