//! What the document is about: documentationOf/serviceEvent (CDA R2 section 4.2.3.3) to Composition.event, and
//! inFulfillmentOf/order (section 4.2.3.2) to ServiceRequest.

use super::account::Account;
use super::datatype::{cd, ii, ivl_ts::Span, no_text};
use super::encounter;
use super::node::{Node, attribute};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;

/// The service events a document is about: code and time.
pub(super) struct Event {
    pub(super) members: String,
    pub(super) period: Span,
}

/// documentationOf/serviceEvent (section 4.2.3.3) to the members of Composition.event.
pub(super) fn events(root: Node<'_>, account: &Account, out: &mut Output) -> Vec<Event> {
    let mut events = Vec::new();
    for node in account.enter_all(root, "documentationOf").filter_map(|of| account.enter(of, "serviceEvent")) {
        let mut w = Writer::default();
        let class = attribute(node, "classCode");
        let code = account.take(node, "code").filter(|code| cd::is_stated(*code));
        w.array("code", |w| {
            if let Some(code) = code {
                cd::concept_item(w, code, &no_text, out);
            }
            // ACT is the default and says nothing.
            if !matches!(class, "" | "ACT") {
                let system = "http://terminology.hl7.org/CodeSystem/v3-ActClass";
                w.item(|w| w.array("coding", |w| w.coding_item(system, class, "")));
            }
        });
        let period = Span::of(account.take(node, "effectiveTime"), out);
        encounter::whole(&period, &mut w);
        w.array("detail", |w| {
            for id in account.take_all(node, "id") {
                w.item(|w| w.object("identifier", |w| ii::identifier(w, id, out)));
            }
        });
        if !w.is_empty() {
            events.push(Event { members: w.finish(), period });
        }
    }
    events
}

/// inFulfillmentOf/order (section 4.2.3.2) to ServiceRequests, each as `ServiceRequest/id`.
pub(super) fn orders(root: Node<'_>, account: &Account, out: &mut Output) -> Vec<String> {
    let mut orders = Vec::new();
    for node in account.enter_all(root, "inFulfillmentOf").filter_map(|of| account.enter(of, "order")) {
        account.take_all(node, "id").for_each(drop);
        let Some(key) = ii::key(node) else { continue };
        let mut w = Writer::new();
        ii::identifiers(&mut w, node, out);
        // What became of it is not the document's to say.
        w.string("status", "unknown");
        w.string("intent", "order");
        w.string("priority", account.take(node, "priorityCode").map(priority).unwrap_or_default());
        cd::concept(&mut w, "code", account.take(node, "code"), &no_text, out);
        out.subject(&mut w, "subject");
        let id = out.id(ResourceType::SERVICE_REQUEST, &key);
        orders.push(out.put_weak(ResourceType::SERVICE_REQUEST, id, w));
    }
    orders
}

/// HL7 v3 ActPriority to request-priority.
fn priority(code: Node<'_>) -> &'static str {
    match attribute(code, "code") {
        "R" | "EL" => "routine",
        "UR" => "urgent",
        "A" => "asap",
        "S" | "EM" => "stat",
        _ => "",
    }
}
