//! `statusCode` (HL7 v3 ActStatus) as the status codes of FHIR, by the published maps of C-CDA on FHIR.

use super::rule::STATUS;
use crate::map::Output;
use crate::map::cda::node::{self, Node, attribute, child};

/// The code; `unstated` when there is none. Notes one that ActStatus does not have.
pub(super) fn code<'a>(node: Node<'a>, out: &mut Output) -> &'a str {
    let Some(status) = child(node, "statusCode") else { return "" };
    let code = attribute(status, "code");
    const ALL: [&str; 13] = [
        "",
        "active",
        "completed",
        "aborted",
        "cancelled",
        "held",
        "suspended",
        "new",
        "nullified",
        "obsolete",
        "normal",
        "terminated",
        "planned",
    ];
    if !ALL.contains(&code) {
        let detail = if code.len() <= 20 && code.is_ascii() { code } else { "?" };
        out.issue_with(&STATUS, node::place(status), detail);
    }
    code
}

/// Observation.status and DiagnosticReport.status (CF-ResultStatus).
pub(super) fn result(code: &str) -> &'static str {
    match code {
        "completed" | "" => "final",
        "active" | "held" | "suspended" | "new" => "registered",
        "aborted" | "cancelled" => "cancelled",
        "nullified" => "entered-in-error",
        _ => "unknown",
    }
}

/// Procedure.status (CF-ProcedureStatus).
pub(super) fn procedure(code: &str) -> &'static str {
    match code {
        "completed" => "completed",
        "active" => "in-progress",
        "aborted" => "stopped",
        "cancelled" => "not-done",
        "held" | "suspended" => "on-hold",
        "new" => "preparation",
        "nullified" => "entered-in-error",
        _ => "unknown",
    }
}

/// MedicationRequest.status (CF-MedicationStatus).
pub(super) fn request(code: &str) -> &'static str {
    match code {
        "active" | "normal" => "active",
        "suspended" | "held" => "on-hold",
        "aborted" => "stopped",
        "completed" => "completed",
        "cancelled" => "cancelled",
        "nullified" => "entered-in-error",
        "new" => "draft",
        _ => "unknown",
    }
}

/// MedicationStatement.status.
pub(super) fn statement(code: &str) -> &'static str {
    match code {
        "active" => "active",
        "suspended" | "held" => "on-hold",
        "aborted" | "cancelled" => "stopped",
        "completed" => "completed",
        "nullified" => "entered-in-error",
        "new" => "intended",
        _ => "unknown",
    }
}

/// MedicationAdministration.status.
pub(super) fn administration(code: &str) -> &'static str {
    match code {
        "completed" | "" => "completed",
        "active" => "in-progress",
        "suspended" | "held" => "on-hold",
        "aborted" => "stopped",
        "cancelled" => "not-done",
        "nullified" => "entered-in-error",
        _ => "unknown",
    }
}

/// MedicationDispense.status.
pub(super) fn dispense(code: &str) -> &'static str {
    match code {
        "completed" | "" => "completed",
        "active" => "in-progress",
        "suspended" | "held" => "on-hold",
        "aborted" => "stopped",
        "cancelled" => "cancelled",
        "nullified" => "entered-in-error",
        "new" => "preparation",
        _ => "unknown",
    }
}

/// Immunization.status (CF-ImmunizationStatus).
pub(super) fn immunization(code: &str) -> &'static str {
    match code {
        "nullified" => "entered-in-error",
        "aborted" | "cancelled" | "held" | "new" | "obsolete" | "suspended" => "not-done",
        _ => "completed",
    }
}

/// Encounter.status, where the time says nothing.
pub(super) fn encounter(code: &str) -> &'static str {
    match code {
        "active" => "in-progress",
        "completed" => "finished",
        "cancelled" => "cancelled",
        "held" => "planned",
        "suspended" => "onleave",
        "nullified" => "entered-in-error",
        _ => "unknown",
    }
}

/// ServiceRequest.status and DeviceRequest.status.
pub(super) fn service_request(code: &str) -> &'static str {
    match code {
        "suspended" | "held" => "on-hold",
        "aborted" | "cancelled" => "revoked",
        "completed" => "completed",
        "nullified" => "entered-in-error",
        "new" => "draft",
        _ => "active",
    }
}

/// RequestIntent by `moodCode`.
pub(super) fn intent(mood: &str) -> &'static str {
    match mood {
        "RQO" => "order",
        "PRP" | "ARQ" => "proposal",
        _ => "plan",
    }
}
