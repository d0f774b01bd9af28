//! The SMART configuration (SMART App Launch 2.2, conformance) and what the CapabilityStatement says of the same: where access
//! tokens are issued and what they may be asked for. Both follow from the addresses and clients that there are.

use serde_json::json;

use crate::api::oauth::beside;
use crate::auth::Client;
use crate::auth::jwks::Algorithm;
use crate::fhir::Writer;

/// The addresses, by what the standard calls them in the document and in the statement.
const ADDRESSES: [(&str, &str, &str); 3] = [
    ("token_endpoint", "token", "token"),
    ("introspection_endpoint", "introspect", "introspect"),
    ("revocation_endpoint", "revoke", "revoke"),
];
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
const SERVICES: &str = "http://terminology.hl7.org/CodeSystem/restful-security-service";

/// The document for addresses below `base`, for clients that can ask for tokens.
pub(super) fn configuration(base: &str, clients: &[Client]) -> String {
    let mut scopes: Vec<String> = Vec::new();
    for client in clients {
        let asked: Vec<&str> = client.scopes.iter().map(|scope| scope.text()).collect();
        let granted = client.caller.grant(&asked.join(" "), &client.scopes).map(|scopes| scopes.text());
        let granted = granted.unwrap_or_default();
        scopes.extend(granted.split(' ').filter(|one| !one.is_empty()).map(str::to_owned));
    }
    scopes.sort_unstable();
    scopes.dedup();
    let is_bound = clients.iter().any(|client| client.certificate.is_some());
    let mut document = json!({});
    for (name, path, _) in ADDRESSES {
        document[name] = json!(format!("{base}/{path}"));
    }
    document["grant_types_supported"] = json!(["client_credentials"]);
    for name in ["token", "introspection", "revocation"] {
        document[format!("{name}_endpoint_auth_methods_supported")] = json!(["private_key_jwt"]);
        document[format!("{name}_endpoint_auth_signing_alg_values_supported")] =
            json!([Algorithm::Rs384.name(), Algorithm::Es384.name()]);
    }
    document["scopes_supported"] = json!(scopes);
    document["tls_client_certificate_bound_access_tokens"] = json!(is_bound);
    // Required of every document; no address here takes an authorization code.
    document["code_challenge_methods_supported"] = json!(["S256"]);
    document["capabilities"] = json!(["client-confidential-asymmetric", "permission-v1", "permission-v2"]);
    document.to_string()
}

/// The addresses as the extension of `CapabilityStatement.rest.security`, for an API that is reached under `base_url`.
pub(super) fn oauth_uris(w: &mut Writer, base_url: &str) {
    w.array("extension", |w| {
        w.item(|w| {
            w.array("extension", |w| {
                for (_, path, name) in ADDRESSES {
                    w.item(|w| {
                        w.string("url", name);
                        w.string("valueUri", &format!("{}/{path}", beside(base_url)));
                    });
                }
            });
            w.string("url", OAUTH_URIS);
        });
    });
}

/// The service of that name.
pub(super) fn service(w: &mut Writer) {
    w.item(|w| {
        w.array("coding", |w| w.coding_item(SERVICES, "SMART-on-FHIR", "SMART-on-FHIR"));
        w.string("text", "SMART Backend Services: access tokens for registered clients that sign with their keys");
    });
}
