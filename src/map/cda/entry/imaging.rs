//! Study, series and SOP instance (CDA Imaging Report 10.20.6.2.6, C-CDA 22.4.63, 10.20.6.2.8) to ImagingStudy.

use super::account::{account, unmapped};
use super::related::{related, told};
use super::{Cx, identity};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::cda::datatype::cd;
use crate::map::cda::datatype::ivl_ts::Span;
use crate::map::cda::node::{self, Node, attribute, child, child_attribute, children};

const LEAF: [&str; 6] = ["id", "code", "effectiveTime", "statusCode", "entryRelationship", "templateId"];

/// Maps a study act; gives its reference.
pub(super) fn map(node: Node<'_>, cx: Cx<'_>, out: &mut Output) -> Vec<String> {
    let id = identity::id(node, ResourceType::IMAGING_STUDY, cx, out);
    let series = related(node, out);
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            let uid = uid(node);
            if !uid.is_empty() {
                w.string("system", "urn:dicom:uid");
                w.string("value", &format!("urn:oid:{uid}"));
            }
        });
    });
    w.string("status", "available");
    out.subject(&mut w, "subject");
    w.reference("encounter", cx.within.encounter.unwrap_or_default());
    let span = Span::of(child(node, "effectiveTime"), out);
    w.string("started", span.first().unwrap_or_default());
    w.string("description", &told(node, cx));
    w.array("series", |w| {
        for part in &series {
            let is_series = node::name(part.node) == "act" && !uid(part.node).is_empty();
            match is_series {
                true => w.item(|w| self::series(w, part.node, cx, out)),
                false => unmapped(part.relation, out),
            }
        }
    });
    account(node, &LEAF, out);
    vec![identity::put(node, ResourceType::IMAGING_STUDY, id, w, out)]
}

/// A DICOM UID stands in the root of the id.
fn uid<'a>(node: Node<'a>) -> &'a str {
    children(node, "id").map(|id| attribute(id, "root")).find(|root| !root.is_empty()).unwrap_or_default()
}

fn series(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    w.string("uid", uid(node));
    let qualifiers = child(node, "code").into_iter().flat_map(|code| children(code, "qualifier"));
    let modality =
        qualifiers.filter(|q| child_attribute(*q, "name", "code") == "121139").find_map(|q| child(q, "value"));
    match modality {
        Some(modality) => cd::coding(w, "modality", modality, out),
        None => w.object("modality", |w| {
            w.string("system", "http://dicom.nema.org/resources/ontology/DCM");
            w.string("code", "OT");
        }),
    }
    w.string("description", &told(node, cx));
    let span = Span::of(child(node, "effectiveTime"), out);
    w.string("started", span.first().unwrap_or_default());
    let instances = related(node, out);
    w.array("instance", |w| {
        for instance in &instances {
            let class = child_attribute(instance.node, "code", "code");
            if node::name(instance.node) != "observation" || uid(instance.node).is_empty() || class.is_empty() {
                unmapped(instance.relation, out);
                continue;
            }
            w.item(|w| {
                w.string("uid", uid(instance.node));
                w.object("sopClass", |w| {
                    w.string("system", "urn:ietf:rfc:3986");
                    w.string("code", &format!("urn:oid:{class}"));
                });
                w.string("title", &told(instance.node, cx));
            });
            account(instance.node, &LEAF, out);
            // Frames, purpose and regions of one instance have no place in ImagingStudy.
            children(instance.node, "entryRelationship").for_each(|relation| unmapped(relation, out));
        }
    });
    account(node, &LEAF, out);
}
