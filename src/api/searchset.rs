//! Searchsets (bundle.html#searchset), put together from entries that may leave.

use crate::consent::Permitted;
use crate::fhir::Writer;

/// A link of a searchset: the same search, at another place. It holds a place and the caller's own words, no right.
pub(super) struct Link {
    pub(super) relation: &'static str,
    pub(super) query: String,
}

/// A Bundle of type `searchset`. `total` counts what this caller may see.
pub(super) fn searchset(
    url: &str,
    total: Option<usize>,
    links: &[Link],
    entries: Vec<Permitted<Vec<u8>>>,
) -> Permitted<Vec<u8>> {
    let mut w = Writer::new();
    w.string("resourceType", "Bundle");
    w.string("type", "searchset");
    if let Some(total) = total {
        w.integer("total", i64::try_from(total).unwrap_or(i64::MAX));
    }
    w.array("link", |w| {
        for link in links {
            w.item(|w| {
                w.string("relation", link.relation);
                let mark = if link.query.is_empty() { "" } else { "?" };
                w.string("url", &format!("{url}{mark}{}", link.query));
            });
        }
    });
    let head = w.finish();
    Permitted::gather(entries, |entries| {
        let length: usize = entries.iter().map(|entry| entry.len() + 1).sum();
        let mut json = Vec::with_capacity(head.len() + length + 16);
        json.push(b'{');
        json.extend_from_slice(head.as_bytes());
        for (at, entry) in entries.iter().enumerate() {
            json.extend_from_slice(if at == 0 { br#","entry":["# } else { b"," });
            json.extend_from_slice(entry);
        }
        if !entries.is_empty() {
            json.push(b']');
        }
        json.push(b'}');
        json
    })
}
