//! The ids of what a message about orders speaks of, from the sender's own numbers (design decision 8): the same thing sent
//! again, preliminary, final or corrected, has the same id.

use super::business_key::Keys;
use super::datatype::cwe;
use super::group::{OrderGroups, RequestGroup, ResultGroup};
use super::segment::orc::{self, ORDER_WITHOUT_NUMBER};
use super::segment::{obx, obx_category, spm};
use crate::decode::hl7v2::Segment;
use crate::fault::Place;
use crate::fhir::{ResourceId, ResourceType};
use crate::map::Output;

/// The ids of everything in a message; places are those of [`OrderGroups`].
#[derive(Debug)]
pub(crate) struct Ids {
    /// The Specimens.
    pub(crate) specimens: Vec<ResourceId>,
    /// The Observations about each specimen; `None` for a result that does not say of what.
    pub(crate) of_specimens: Vec<Vec<Option<ResourceId>>>,
    /// Each request and what it gave.
    pub(crate) requests: Vec<RequestIds>,
    /// Observations under neither.
    pub(crate) results: Vec<Option<ResourceId>>,
}

/// The ids of one request.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// Its business key, for what else belongs to it.
    pub(crate) key: String,
    /// The ServiceRequest.
    pub(crate) service_request: ResourceId,
    /// The DiagnosticReport.
    pub(crate) report: ResourceId,
    /// The Observations.
    pub(crate) results: Vec<Option<ResourceId>>,
}

/// Names everything. `file_order` is the order number of the file name, which stands where the message has none.
pub(crate) fn ids(groups: &OrderGroups<'_>, file_order: Option<&str>, out: &mut Output) -> Ids {
    let mut namer = Namer { groups, file_order, keys: Keys::default() };
    let numbers: Vec<String> = groups.requests.iter().map(|request| namer.number(request, out)).collect();
    let mut specimens = Vec::with_capacity(groups.specimens.len());
    let mut of_specimens = Vec::with_capacity(groups.specimens.len());
    for (at, group) in groups.specimens.iter().enumerate() {
        let naming = groups.requests.iter().position(|r| r.specimens.contains(&at));
        let number = match naming.and_then(|at| numbers.get(at)) {
            Some(number) => number.clone(),
            None => namer.number_of_loose(Some(group.specimen), &group.results, out),
        };
        let key = spm::key(group.specimen);
        specimens.push(out.id(ResourceType::SPECIMEN, &namer.keys.next(format!("{number}/{key}"))));
        of_specimens.push(namer.results(&format!("{number}/{key}"), &group.results, false, "", out));
    }
    let requests =
        groups.requests.iter().zip(&numbers).map(|(group, number)| namer.request(group, number, out)).collect();
    let results = match groups.results.first() {
        None => Vec::new(),
        Some(_) => {
            let number = namer.number_of_loose(None, &groups.results, out);
            namer.results(&number, &groups.results, false, "", out)
        }
    };
    Ids { specimens, of_specimens, requests, results }
}

/// The ids of results that stand under something else than a request, by its key.
pub(crate) fn ids_of<'a, 'm: 'a>(
    prefix: &str,
    groups: impl Iterator<Item = &'a ResultGroup<'m>>,
    out: &Output,
) -> Vec<Option<ResourceId>> {
    let mut keys = Keys::default();
    let mut id = |group: &ResultGroup<'m>| {
        let key = format!("{prefix}/{}/{}", obx::item(group.result)?, group.result.peek(4).raw().trim());
        Some(out.id(ResourceType::OBSERVATION, &keys.next(key)))
    };
    groups.map(&mut id).collect()
}

struct Namer<'a, 'm> {
    groups: &'a OrderGroups<'m>,
    file_order: Option<&'a str>,
    keys: Keys,
}

impl<'m> Namer<'_, 'm> {
    fn request(&mut self, group: &RequestGroup<'m>, number: &str, out: &mut Output) -> RequestIds {
        let name = group.request.map(|r| item_of_request(r)).unwrap_or_default();
        // Specimen first: one request number may serve several specimens.
        let specimen = group.specimens.first().and_then(|at| self.groups.specimens.get(*at));
        let start = group.own().map(Segment::index).min().unwrap_or_default();
        let specimen = specimen.filter(|s| s.specimen.index() < start);
        let specimen = specimen.map_or_else(|| "-".to_owned(), |s| spm::key(s.specimen));
        let key = format!("{number}/{specimen}/{name}");
        let results_of_several = specimen == "-" && group.specimens.len() > 1;
        let counted = self.keys.next(format!("{key}/request"));
        let results = self.results(&key, &group.results, results_of_several, &name, out);
        RequestIds {
            service_request: out.id(ResourceType::SERVICE_REQUEST, &counted),
            report: out.id(ResourceType::DIAGNOSTIC_REPORT, &counted),
            key: counted,
            results,
        }
    }

    fn results(
        &mut self,
        prefix: &str,
        groups: &[ResultGroup<'m>],
        of_several: bool,
        requested: &str,
        out: &Output,
    ) -> Vec<Option<ResourceId>> {
        groups
            .iter()
            .map(|group| {
                let stated = obx::item(group.result);
                let item = stated
                    .as_deref()
                    .or_else(|| Some(requested).filter(|r| !r.is_empty() && obx::is_report(group.result)))?;
                let key = self.result_key(prefix, item, group, of_several);
                Some(out.id(ResourceType::OBSERVATION, &self.keys.next(key)))
            })
            .collect()
    }

    /// Order, specimen, what was requested, item and OBX-4; of what is measured again and again, when. The position counts
    /// only among true repetitions.
    fn result_key(&self, prefix: &str, item: &str, group: &ResultGroup<'m>, of_several: bool) -> String {
        let result = group.result;
        let mut key = format!("{prefix}/{item}/{}", result.peek(4).raw().trim());
        let specimen = group.specimen.filter(|_| of_several).and_then(|at| self.groups.specimens.get(at));
        if let Some(specimen) = specimen {
            key.push('/');
            key.push_str(&spm::key(specimen.specimen));
        }
        if obx_category::category(result, obx_category::LABORATORY).is_measured_again() {
            key.push('@');
            key.push_str(result.peek(14).component(1).text().trim());
        }
        key
    }

    /// The number of an order: the placer's, else that of another request of its specimen, the file's, the filler's, at
    /// worst the time.
    fn number(&self, group: &RequestGroup<'m>, out: &mut Output) -> String {
        let of = |r: &RequestGroup<'m>| orc::order_number(r.order, r.request);
        let shares = |r: &&RequestGroup<'m>| r.specimens.iter().any(|at| group.specimens.contains(at));
        let sibling = || self.groups.requests.iter().filter(shares).find_map(of);
        let filler =
            || group.order.into_iter().chain(group.request).map(|s| orc::number(s.peek(3))).find(|n| !n.is_empty());
        let file = || self.file_order.map(str::to_owned);
        if let Some(number) = of(group).or_else(sibling).or_else(file).or_else(filler) {
            return number;
        }
        out.issue(&ORDER_WITHOUT_NUMBER, group.own().next().map_or(Place::Whole, |s| s.place(2)));
        let specimen = group.specimens.first().and_then(|at| self.groups.specimens.get(*at)).map(|s| s.specimen);
        at(group.request, specimen, &group.results, out)
    }

    fn number_of_loose(&self, specimen: Option<Segment<'m>>, results: &[ResultGroup<'m>], out: &mut Output) -> String {
        if let Some(order) = self.file_order {
            return order.to_owned();
        }
        let place = specimen.or_else(|| results.first().map(|g| g.result));
        out.issue(&ORDER_WITHOUT_NUMBER, place.map_or(Place::Whole, |s| s.place(0)));
        at(None, specimen, results, out)
    }
}

/// What a request asks for: OBR-4, and where it goes on from an earlier result (OBR-26), from which.
fn item_of_request(request: Segment<'_>) -> String {
    let code = cwe::code(request.peek(4));
    let mut item = if code.is_empty() { cwe::text(request.peek(4)) } else { code };
    let parent = request.peek(26);
    if parent.is_valued() {
        item.push_str("<-");
        item.push_str(&parent.component(1).subcomponent(1).text());
        item.push('.');
        item.push_str(&parent.component(2).whole_text());
    }
    item
}

/// When it was: OBR-7, SPM-17, OBX-14, OBR-22, else when the message was sent.
fn at(
    request: Option<Segment<'_>>,
    specimen: Option<Segment<'_>>,
    results: &[ResultGroup<'_>],
    out: &Output,
) -> String {
    let of = |segment: Option<Segment<'_>>, number: u16| {
        let time = segment.map(|s| s.peek(number).component(1).text().trim().to_owned());
        time.filter(|t| !t.is_empty())
    };
    let stated = of(request, 7).or_else(|| of(specimen, 17)).or_else(|| of(results.first().map(|g| g.result), 14));
    let sent = || out.occurred.map(|at| at.to_string());
    format!("at:{}", stated.or_else(|| of(request, 22)).or_else(sent).unwrap_or_default())
}
