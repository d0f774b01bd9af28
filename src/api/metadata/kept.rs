//! What is said of the gateway itself, kept in the form in which it leaves: it is long, and the same for every caller.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use actix_web::web::Bytes;

use super::offer::Mode;
use crate::api::asked::Asked;
use crate::api::form::Formed;
use crate::consent::Permitted;

/// Most bytes that are kept: one base URL in every form takes less. A proxy that is trusted decides how many base URLs there
/// are; past this all is made anew.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// What a text says and in which form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) about: About,
    pub(super) form: Form,
}

/// What a text says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct About {
    pub(super) what: What,
    pub(super) mode: Mode,
    pub(super) base: String,
    pub(super) cors: bool,
    /// [`Conformance::stamp`](crate::app::Conformance::stamp)
    pub(super) definitions: u64,
    /// The profiles that are said to be supported, as a hash.
    pub(super) profiles: u64,
    /// Whether access tokens are issued.
    pub(super) smart: bool,
}

/// Which text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    Statement,
    OpenApi,
}

/// In which form it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    is_xml: bool,
    pretty: bool,
    packed: Option<&'static str>,
}

/// A text as it leaves: public, so it may leave as often as it is asked for.
#[derive(Debug)]
pub(in crate::api) struct Text {
    /// What it is known by, whatever its form.
    pub(in crate::api) tag: u32,
    /// As `Content-Encoding` names it.
    pub(in crate::api) coding: Option<&'static str>,
    pub(in crate::api) body: Permitted<Bytes>,
}

static KEPT: LazyLock<RwLock<HashMap<Key, Arc<Text>>>> = LazyLock::new(RwLock::default);

impl Form {
    /// The form that is asked for of a text; one that is no FHIR is packed alone.
    pub(super) fn of(asked: &Asked, what: What) -> Form {
        let is_fhir = what == What::Statement;
        Form {
            is_xml: is_fhir && asked.format.is_some_and(|format| format.is_xml()),
            pretty: is_fhir && asked.pretty,
            packed: asked.coding.name(),
        }
    }
}

impl Text {
    /// The text that is kept; `None` where it is not.
    pub(super) fn find(key: &Key) -> Option<Arc<Text>> {
        KEPT.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Keeps a text.
    pub(super) fn keep(key: Key, formed: Formed, tag: u32) -> Arc<Text> {
        let text = Arc::new(Text { tag, coding: formed.coding, body: formed.body.map(Bytes::from) });
        let length = |text: &Text| text.body.peek().len();
        let mut kept = KEPT.write().unwrap_or_else(PoisonError::into_inner);
        if kept.values().map(|text| length(text)).sum::<usize>() + length(&text) > KEPT_BYTES_MAX {
            kept.clear();
        }
        kept.insert(key, text.clone());
        text
    }
}
