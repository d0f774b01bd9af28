//! `CodeSystem/$subsumes` (OperationDefinition CodeSystem-subsumes): whether one code stands above another.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Service, Stated, because, rules};
use crate::api::operation::parameters::refused;
use crate::api::operation::rules as common;
use crate::api::write::Stop;
use crate::fault::Status;
use crate::fhir::ResourceType;
use crate::terminology::{CodeSystem, split};

/// The parameters that are understood.
const KNOWN: [&str; 6] = ["codeA", "codeB", "system", "version", "codingA", "codingB"];

impl Service<'_> {
    pub(super) fn subsumes(&self) -> Result<Value, Stop> {
        self.parameters.only(&KNOWN)?;
        let (a, b) = (self.either("codeA", "codingA")?, self.either("codeB", "codingB")?);
        let own = self.sent("codeSystem", ResourceType::CODE_SYSTEM)?.map(|json| Arc::new(CodeSystem::read(&json)));
        let named = match (a.canonical(), b.canonical(), &own) {
            (Some(a), Some(b), _) if a != b => return Err(because(Status::BadRequest, &rules::OTHER_SYSTEMS, "")),
            (Some(named), ..) | (None, Some(named), _) => named,
            (None, None, Some(own)) => own.url.to_string(),
            (None, None, None) => return Err(because(Status::BadRequest, &rules::NAME_A_SYSTEM, "")),
        };
        let system = match own {
            Some(own) if *own.url != *split(&named).0 => {
                return Err(because(Status::BadRequest, &rules::OTHER_SYSTEMS, ""));
            }
            Some(own) => own,
            None => {
                let not_loaded = || because(Status::NotFound, &rules::NOT_LOADED, &named);
                self.system(&named).ok_or_else(not_loaded)?
            }
        };
        let at = |code: &Stated| {
            let no_such_code = || because(Status::NotFound, &rules::NO_SUCH_CODE, &code.code);
            system.at(&code.code).ok_or_else(no_such_code)
        };
        let outcome = system.subsumption(at(&a)?, at(&b)?);
        let no_hierarchy = || because(Status::Unprocessable, &rules::NO_HIERARCHY, &named);
        let outcome = outcome.ok_or_else(no_hierarchy)?.code();
        Ok(json!({"resourceType": "Parameters", "parameter": [{"name": "outcome", "valueCode": outcome}]}))
    }

    /// One of the two codes, as a code of `system` or as a Coding.
    fn either(&self, code: &str, coding: &str) -> Result<Stated, Stop> {
        match (self.text(code)?, self.parameters.value(coding)?) {
            (Some(code), None) => {
                let (system, version) = (self.text("system")?, self.text("version")?);
                Ok(Stated { system, version, code, display: None })
            }
            (None, Some(coding)) => Stated::read(coding),
            (None, None) => Err(refused(&common::MISSING, code)),
            (Some(_), Some(_)) => Err(refused(&common::ONCE, code)),
        }
    }
}
