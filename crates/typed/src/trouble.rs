//! Why the typed model refused a resource, in one sentence that holds no value of the input.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

/// A refusal. The model's own messages quote values (`Unknown value: 山田`), so only what is fixed text in it is kept.
#[derive(Debug)]
pub(crate) struct Trouble(String);

impl Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

impl de::Error for Trouble {
    fn custom<T: Display>(message: T) -> Self {
        let sentence = if message.to_string().starts_with("Unknown value") {
            "A code is not one that its element allows."
        } else {
            "A value is not written as its element's type asks."
        };
        Trouble(sentence.to_owned())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Trouble(format!("There is {} where {expected} is expected.", kind(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Trouble(format!("There is {} that does not fit where {expected} is expected.", kind(found)))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Trouble(format!("There is a wrong number of elements where {expected} is expected."))
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Trouble("A resource type or a choice is not one that the model knows.".to_owned())
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Trouble("An element is not one that the model knows.".to_owned())
    }

    fn missing_field(element: &'static str) -> Self {
        Trouble(format!("The required element {element} is missing."))
    }

    fn duplicate_field(element: &'static str) -> Self {
        Trouble(format!("The element {element} is there twice."))
    }
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a decimal",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}
