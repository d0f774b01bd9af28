//! Segments that belong together: OUL^R22 (HL7 v2.5 section 7.3.3) by specimen and request. Senders change the order (ORC
//! before or after OBR), so the position decides, not the grammar. Drugs are in `drug/group.rs`.

use crate::decode::hl7v2::{Message, Segment};

/// A specimen, what was found about it and what was requested of it.
#[derive(Debug, Default)]
pub(crate) struct SpecimenGroup<'m> {
    /// SPM; `None` for requests of a message that names no specimen.
    pub(crate) specimen: Option<Segment<'m>>,
    /// NTE after SPM.
    pub(crate) notes: Vec<Segment<'m>>,
    /// OBX between SPM and the first OBR.
    pub(crate) results: Vec<ResultGroup<'m>>,
    /// Its requests.
    pub(crate) requests: Vec<RequestGroup<'m>>,
}

/// A request with its order and its results.
#[derive(Debug, Default)]
pub(crate) struct RequestGroup<'m> {
    /// OBR; `None` when only an ORC was sent.
    pub(crate) request: Option<Segment<'m>>,
    /// ORC, wherever it stood.
    pub(crate) order: Option<Segment<'m>>,
    /// NTE after OBR or ORC.
    pub(crate) notes: Vec<Segment<'m>>,
    /// TQ1.
    pub(crate) timings: Vec<Segment<'m>>,
    /// OBX with what follows each.
    pub(crate) results: Vec<ResultGroup<'m>>,
}

/// A result and its notes.
#[derive(Debug)]
pub(crate) struct ResultGroup<'m> {
    /// OBX.
    pub(crate) result: Segment<'m>,
    /// NTE after it.
    pub(crate) notes: Vec<Segment<'m>>,
}

/// What the last mapped segment was; an NTE belongs to it.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Head,
    Specimen,
    Request,
    Result,
}

/// The specimens of an OUL^R22. An ORC belongs to the OBR before it, unless that has one or has results already: then to
/// the OBR after it.
pub(crate) fn specimens<'m>(message: &'m Message<'_>) -> Vec<SpecimenGroup<'m>> {
    let mut groups: Vec<SpecimenGroup<'m>> = Vec::new();
    let mut waiting: Option<Segment<'m>> = None;
    let mut last = Last::Head;
    for segment in message.segments() {
        match segment.name() {
            "SPM" => {
                groups.push(SpecimenGroup { specimen: Some(segment), ..SpecimenGroup::default() });
                last = Last::Specimen;
            }
            "OBR" => {
                let order = waiting.take();
                open(&mut groups).requests.push(RequestGroup { request: Some(segment), order, ..Default::default() });
                last = Last::Request;
            }
            "ORC" => {
                match open(&mut groups).requests.last_mut() {
                    Some(r) if r.order.is_none() && r.results.is_empty() => r.order = Some(segment),
                    _ => order_without_request(&mut groups, waiting.replace(segment)),
                }
                last = Last::Request;
            }
            "OBX" => {
                order_without_request(&mut groups, waiting.take());
                results(open(&mut groups)).push(ResultGroup { result: segment, notes: Vec::new() });
                last = Last::Result;
            }
            "TQ1" if waiting.is_none() => {
                if let Some(request) = open(&mut groups).requests.last_mut() {
                    request.timings.push(segment);
                }
            }
            "NTE" if last != Last::Head => note(open(&mut groups), last, segment),
            _ => {}
        }
    }
    order_without_request(&mut groups, waiting);
    groups.retain(|g| g.specimen.is_some() || !g.requests.is_empty() || !g.results.is_empty());
    groups
}

fn open<'a, 'm>(groups: &'a mut Vec<SpecimenGroup<'m>>) -> &'a mut SpecimenGroup<'m> {
    if groups.is_empty() {
        groups.push(SpecimenGroup::default());
    }
    let at = groups.len() - 1;
    &mut groups[at]
}

fn order_without_request<'m>(groups: &mut Vec<SpecimenGroup<'m>>, order: Option<Segment<'m>>) {
    if order.is_some() {
        open(groups).requests.push(RequestGroup { order, ..Default::default() });
    }
}

fn results<'a, 'm>(group: &'a mut SpecimenGroup<'m>) -> &'a mut Vec<ResultGroup<'m>> {
    match group.requests.last_mut() {
        Some(request) => &mut request.results,
        None => &mut group.results,
    }
}

fn note<'m>(group: &mut SpecimenGroup<'m>, last: Last, segment: Segment<'m>) {
    match (last, group.requests.last_mut()) {
        (Last::Request, Some(request)) => request.notes.push(segment),
        (Last::Result, _) => {
            if let Some(result) = results(group).last_mut() {
                result.notes.push(segment);
            }
        }
        _ => group.notes.push(segment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        let message = Message::parse(text).unwrap().value;
        let mut out = String::new();
        for group in specimens(&message) {
            out += if group.specimen.is_some() { "S" } else { "s" };
            out += &"x".repeat(group.results.len());
            for request in group.requests {
                out += if request.request.is_some() { " R" } else { " r" };
                out += if request.order.is_some() { "O" } else { "o" };
                for result in request.results {
                    out += &format!("x{}", "n".repeat(result.notes.len()));
                }
                out += &"n".repeat(request.notes.len());
            }
            out += ";";
        }
        out
    }

    #[test]
    fn an_order_may_stand_before_or_after_its_request() {
        let cases = [
            ("SPM|1\rOBR|1\rORC|NW\rOBX|1\rNTE|1\rOBX|2\rOBR|2\rORC|NW\rOBX|3", "S ROxnx ROx;"),
            ("SPM|1\rORC|NW\rOBR|1\rOBX|1\rORC|NW\rOBR|2\rOBX|2", "S ROx ROx;"),
            ("ORC|NW\rOBR|1\rOBX|1", "s ROx;"),
            ("SPM|1\rOBX|1\rOBR|1\rNTE|1\rOBX|2\rSPM|2\rOBR|2\rORC|SC", "Sx Roxn;S RO;"),
            ("SPM|1\rORC|CA", "S rO;"),
            ("NTE|1\rOBX|1", "sx;"),
            ("PID|1", ""),
        ];
        for (segments, expected) in cases {
            assert_eq!(shape(&format!("MSH|^~\\&|H\r{segments}")), expected, "{segments}");
        }
    }
}
