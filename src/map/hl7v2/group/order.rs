//! Orders and results (HL7 v2.5 chapters 4 and 7; ORU, OUL, OML, OMG, OMI, ORM): each OBR with its own ORC, TQ1, NTE, SPM
//! and OBX. The structures differ in what comes first, and senders do not keep to them, so the position decides.

use crate::decode::hl7v2::{Message, Segment};

/// What a message is about, where the same order of segments means different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Results, ORC before OBR (ORU).
    Results,
    /// Results, OBR before ORC (OUL, section 7.3.2 to 7.3.5).
    ResultsRequestFirst,
    /// Orders: OBX after SPM tell of the specimen, a further PID begins earlier results (section 4.4.6).
    Orders,
}

/// The parts of a message about orders.
#[derive(Debug, Default)]
pub(crate) struct OrderGroups<'m> {
    /// SPM with what is said of them, in the order of the message.
    pub(crate) specimens: Vec<SpecimenGroup<'m>>,
    /// Orders, requests, or both.
    pub(crate) requests: Vec<RequestGroup<'m>>,
    /// OBX under neither.
    pub(crate) results: Vec<ResultGroup<'m>>,
}

/// A specimen and what was found about it.
#[derive(Debug)]
pub(crate) struct SpecimenGroup<'m> {
    /// SPM.
    pub(crate) specimen: Segment<'m>,
    /// NTE after SPM.
    pub(crate) notes: Vec<Segment<'m>>,
    /// OBX about the specimen itself.
    pub(crate) results: Vec<ResultGroup<'m>>,
    /// SAC.
    pub(crate) containers: Vec<Segment<'m>>,
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
    /// DG1: why it is requested.
    pub(crate) diagnoses: Vec<Segment<'m>>,
    /// PRT after ORC or OBR.
    pub(crate) participants: Vec<Segment<'m>>,
    /// IPC: the images of it.
    pub(crate) images: Vec<Segment<'m>>,
    /// ZE1 (JAHIS) with the OBX after each: what was done.
    pub(crate) performed: Vec<PerformedGroup<'m>>,
    /// OBX with what follows each.
    pub(crate) results: Vec<ResultGroup<'m>>,
    /// Its specimens, as places in [`OrderGroups::specimens`].
    pub(crate) specimens: Vec<usize>,
    /// Whether it tells of an earlier examination (PRIOR_RESULT of section 4.4.6).
    pub(crate) is_prior: bool,
    /// Whether it orders something else than an examination (RXO, ODS, RQD and others).
    pub(crate) is_foreign: bool,
    /// Whether its ORC is that of a request before it.
    pub(crate) shares_order: bool,
    /// Whether its results stand behind their specimens.
    pub(crate) results_follow_specimen: bool,
}

/// A step that was performed (ZE1 of JAHIS 放射線, 内視鏡) and its OBX.
#[derive(Debug)]
pub(crate) struct PerformedGroup<'m> {
    /// ZE1.
    pub(crate) step: Segment<'m>,
    /// OBX after it.
    pub(crate) results: Vec<ResultGroup<'m>>,
}

/// A result and its notes.
#[derive(Debug)]
pub(crate) struct ResultGroup<'m> {
    /// OBX.
    pub(crate) result: Segment<'m>,
    /// Further OBX that go on with the same text.
    pub(crate) continued: Vec<Segment<'m>>,
    /// NTE after it.
    pub(crate) notes: Vec<Segment<'m>>,
    /// PRT after it.
    pub(crate) participants: Vec<Segment<'m>>,
    /// The specimen it stands behind.
    pub(crate) specimen: Option<usize>,
}

impl<'m> ResultGroup<'m> {
    /// A result by itself.
    pub(crate) fn alone(result: Segment<'m>) -> Self {
        ResultGroup::new(result, None)
    }

    fn new(result: Segment<'m>, specimen: Option<usize>) -> Self {
        let (continued, notes, participants) = (Vec::new(), Vec::new(), Vec::new());
        ResultGroup { result, continued, notes, participants, specimen }
    }

    /// All its segments.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment<'m>> {
        let further = self.continued.iter().chain(&self.notes).chain(&self.participants);
        std::iter::once(self.result).chain(further.copied())
    }
}

/// The groups of a message.
pub(crate) fn order_groups<'m>(message: &'m Message<'_>, style: Style) -> OrderGroups<'m> {
    let mut parser = Parser {
        message,
        style,
        groups: OrderGroups::default(),
        specimen_first: None,
        specimen: None,
        request: None,
        last: Last::Head,
        is_prior: false,
    };
    for segment in message.segments() {
        parser.take(segment);
    }
    parser.groups.join_repeated();
    parser.groups
}

/// The OBX of a message that has no orders, with their NTE.
pub(crate) fn result_groups<'m>(message: &'m Message<'_>) -> Vec<ResultGroup<'m>> {
    let mut groups: Vec<ResultGroup<'m>> = Vec::new();
    let mut is_open = false;
    for segment in message.segments() {
        match (segment.name(), groups.last_mut()) {
            ("OBX", last) => {
                push_result(segment, None, last.filter(|_| is_open)).into_iter().for_each(|g| groups.push(g))
            }
            ("NTE", Some(last)) if is_open => last.notes.push(segment),
            _ => {}
        }
        is_open = matches!(segment.name(), "OBX") || (is_open && segment.is("NTE"));
    }
    groups
}

/// What the last mapped segment was; NTE and PRT belong to it.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Head,
    Specimen,
    Request,
    Result,
}

struct Parser<'m, 't> {
    message: &'m Message<'t>,
    style: Style,
    groups: OrderGroups<'m>,
    /// Whether specimens stand before their requests; known from whichever comes first.
    specimen_first: Option<bool>,
    /// The specimen of what follows.
    specimen: Option<usize>,
    /// The request of what follows.
    request: Option<usize>,
    last: Last,
    is_prior: bool,
}

impl<'m> Parser<'m, '_> {
    fn take(&mut self, segment: Segment<'m>) {
        match segment.name() {
            "PID" => self.patient(),
            // The earlier visit may stand without the patient.
            "PV1" if self.style == Style::Orders && !self.groups.requests.is_empty() => self.patient(),
            "SPM" => self.specimen(segment),
            "ORC" => self.order(segment),
            "OBR" => self.request(segment),
            "OBX" => self.result(segment),
            "NTE" => self.note(segment),
            "PRT" => self.participant(segment),
            "SAC" => {
                if let Some(specimen) = self.specimen.and_then(|at| self.groups.specimens.get_mut(at)) {
                    specimen.containers.push(segment);
                }
            }
            name => {
                if let Some(request) = self.current() {
                    request.take(name, segment);
                }
            }
        }
    }

    fn current(&mut self) -> Option<&mut RequestGroup<'m>> {
        self.request.and_then(|at| self.groups.requests.get_mut(at))
    }

    /// A further PID begins the next results of the same patient, or in an order the earlier ones.
    fn patient(&mut self) {
        self.is_prior = self.style == Style::Orders && !self.groups.requests.is_empty();
        (self.request, self.specimen, self.last) = (None, None, Last::Head);
    }

    fn specimen(&mut self, segment: Segment<'m>) {
        let specimen_first = *self.specimen_first.get_or_insert(true);
        let at = self.groups.specimens.len();
        let (notes, results, containers) = (Vec::new(), Vec::new(), Vec::new());
        self.groups.specimens.push(SpecimenGroup { specimen: segment, notes, results, containers });
        if specimen_first {
            self.request = None;
        } else {
            self.give_specimen(at);
        }
        (self.specimen, self.last) = (Some(at), Last::Specimen);
    }

    /// To the request it stands under; in orders, also to those before it under the same ORC that have none.
    fn give_specimen(&mut self, at: usize) {
        let Some(current) = self.request else { return };
        let is_order = self.style == Style::Orders;
        for (number, request) in self.groups.requests.iter_mut().enumerate().take(current + 1).rev() {
            if number == current || request.specimens.is_empty() {
                request.specimens.push(at);
            }
            if !(is_order && request.shares_order) {
                break;
            }
        }
    }

    fn open(&mut self) -> &mut RequestGroup<'m> {
        let specimen_first = *self.specimen_first.get_or_insert(false);
        if !specimen_first {
            self.specimen = None;
        }
        let specimens = self.specimen.into_iter().collect();
        self.request = Some(self.groups.requests.len());
        self.groups.requests.push(RequestGroup { specimens, is_prior: self.is_prior, ..Default::default() });
        let last = self.groups.requests.len() - 1;
        &mut self.groups.requests[last]
    }

    /// An ORC belongs to the OBR before it where that has none and has no results yet, and the message puts OBR first or
    /// no OBR follows; else to the OBR after it.
    fn order(&mut self, segment: Segment<'m>) {
        let follows = self.style == Style::ResultsRequestFirst || !self.is_before_request(segment);
        self.last = Last::Request;
        if let Some(request) = self.current()
            && follows
            && (request.order.is_none() || request.shares_order)
            && request.request.is_some()
            && request.is_bare()
        {
            (request.order, request.shares_order) = (Some(segment), false);
            return;
        }
        // An order of its own ends the earlier results; those are repeated as RE or PR (table 0119), if with ORC at all.
        if !matches!(&*segment.peek(1).text(), "" | "RE" | "PR") {
            self.is_prior = false;
        }
        self.open().order = Some(segment);
    }

    fn is_before_request(&self, order: Segment<'m>) -> bool {
        let following = (order.index() + 1..).map_while(|at| self.message.at(at));
        let mut structural =
            following.map(Segment::name).filter(|n| matches!(*n, "OBR" | "ORC" | "OBX" | "SPM" | "PID"));
        structural.next() == Some("OBR")
    }

    fn request(&mut self, segment: Segment<'m>) {
        self.last = Last::Request;
        match self.current() {
            Some(request) if request.request.is_none() && request.is_bare() => request.request = Some(segment),
            _ => {
                let order = self.shared_order(segment);
                let request = self.open();
                (request.request, request.order, request.shares_order) = (Some(segment), order, order.is_some());
            }
        }
    }

    /// The ORC before an OBR that has none of its own: where both have the same number, or in an order the OBR has none.
    fn shared_order(&self, segment: Segment<'m>) -> Option<Segment<'m>> {
        let order = self.request.and_then(|at| self.groups.requests.get(at)?.order)?;
        let is_same = |n| segment.peek(n).is_valued() && segment.peek(n).raw() == order.peek(n).raw();
        let has_none = || self.style == Style::Orders && ![2, 3].iter().any(|n| segment.peek(*n).is_valued());
        (is_same(2) || is_same(3) || has_none()).then_some(order)
    }

    fn result(&mut self, segment: Segment<'m>) {
        let is_text_open = self.last == Last::Result;
        self.last = Last::Result;
        let (specimen, specimen_first) = (self.specimen, self.specimen_first.unwrap_or_default());
        let results_expected = self.style != Style::Orders;
        let place = match (self.current(), specimen) {
            (Some(request), Some(at)) if !specimen_first => {
                // ORU: results, specimen, findings about it; OUL^R24 and some senders: specimen, results.
                request.results_follow_specimen |= results_expected && request.results.is_empty();
                if request.results_follow_specimen { Place::Request } else { Place::Specimen(at) }
            }
            (Some(_), _) => Place::Request,
            (None, Some(at)) => Place::Specimen(at),
            (None, None) => Place::Loose,
        };
        let Some(results) = self.results(place) else { return };
        let open = results.last_mut().filter(|_| is_text_open);
        if let Some(group) = push_result(segment, specimen, open) {
            results.push(group);
        }
    }

    fn results(&mut self, place: Place) -> Option<&mut Vec<ResultGroup<'m>>> {
        match place {
            Place::Request => self.current().map(|request| match request.performed.last_mut() {
                Some(performed) => &mut performed.results,
                None => &mut request.results,
            }),
            Place::Specimen(at) => self.groups.specimens.get_mut(at).map(|s| &mut s.results),
            Place::Loose => Some(&mut self.groups.results),
        }
    }

    fn note(&mut self, segment: Segment<'m>) {
        match self.last {
            Last::Head => {}
            Last::Specimen => {
                if let Some(specimen) = self.groups.specimens.last_mut() {
                    specimen.notes.push(segment);
                }
            }
            Last::Request => {
                if let Some(request) = self.current() {
                    request.notes.push(segment);
                }
            }
            Last::Result => {
                if let Some(result) = self.last_result() {
                    result.notes.push(segment);
                }
            }
        }
    }

    fn participant(&mut self, segment: Segment<'m>) {
        match self.last {
            Last::Head | Last::Specimen => {}
            Last::Request => {
                if let Some(request) = self.current() {
                    request.participants.push(segment);
                }
            }
            Last::Result => {
                if let Some(result) = self.last_result() {
                    result.participants.push(segment);
                }
            }
        }
    }

    /// The OBX that stands latest in the message.
    fn last_result(&mut self) -> Option<&mut ResultGroup<'m>> {
        let OrderGroups { specimens, requests, results } = &mut self.groups;
        let of_specimen = specimens.last_mut().and_then(|s| s.results.last_mut());
        let of_request = self.request.and_then(|at| requests.get_mut(at)).and_then(|request| {
            let RequestGroup { performed, results, .. } = request;
            performed.last_mut().and_then(|p| p.results.last_mut()).or_else(|| results.last_mut())
        });
        [of_specimen, of_request, results.last_mut()].into_iter().flatten().max_by_key(|g| g.result.index())
    }
}

enum Place {
    Request,
    Specimen(usize),
    Loose,
}

/// A new group, or nothing when the OBX goes on with the text of the one before it.
fn push_result<'m>(
    segment: Segment<'m>,
    specimen: Option<usize>,
    open: Option<&mut ResultGroup<'m>>,
) -> Option<ResultGroup<'m>> {
    match open {
        Some(open) if open.specimen == specimen && continues(open, segment) => {
            open.continued.push(segment);
            None
        }
        _ => Some(ResultGroup::new(segment, specimen)),
    }
}

/// Lines of one text: TX or FT with the same item and the same OBX-4, directly one after another. Section 7.4.2.4 has
/// OBX-4 tell results of one item apart; where it does not, a second text is the next line of the first.
fn continues(open: &ResultGroup<'_>, segment: Segment<'_>) -> bool {
    let first = open.result;
    let same = |number| first.peek(number).raw() == segment.peek(number).raw();
    matches!(segment.peek(2).raw(), "TX" | "FT")
        && [2, 3, 4, 11, 14].into_iter().all(same)
        && open.notes.is_empty()
        && !segment.peek(8).is_valued()
}

impl<'m> RequestGroup<'m> {
    /// Whether nothing but its own segments and their timing came yet.
    fn is_bare(&self) -> bool {
        self.results.is_empty() && self.performed.is_empty() && self.images.is_empty() && !self.results_follow_specimen
    }

    fn take(&mut self, name: &str, segment: Segment<'m>) {
        match name {
            "TQ1" => self.timings.push(segment),
            "DG1" => self.diagnoses.push(segment),
            "IPC" => self.images.push(segment),
            "ZE1" => self.performed.push(PerformedGroup { step: segment, results: Vec::new() }),
            "RXO" | "RXE" | "ODS" | "ODT" | "RQD" | "RQ1" | "BPO" => self.is_foreign = true,
            _ => {}
        }
    }

    /// OBR and ORC.
    pub(crate) fn own(&self) -> impl Iterator<Item = Segment<'m>> {
        [self.request, self.order].into_iter().flatten()
    }

    /// All its segments but its results.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment<'m>> {
        let lists = [&self.notes, &self.timings, &self.diagnoses, &self.participants, &self.images];
        self.own().chain(lists.into_iter().flatten().copied())
    }
}

impl<'m> OrderGroups<'m> {
    /// Japanese imaging orders say their head twice (JAHIS 放射線, 内視鏡): ORC-1 NW, then PA with the same number and
    /// code and what belongs to it. They are one request.
    fn join_repeated(&mut self) {
        let is_parent = |r: &RequestGroup<'_>| r.order.is_some_and(|o| o.peek(1).raw() == "PA");
        if !self.requests.iter().any(is_parent) {
            return;
        }
        let mut joined: Vec<RequestGroup<'m>> = Vec::with_capacity(self.requests.len());
        for request in self.requests.drain(..) {
            let code = |r: &RequestGroup<'m>| r.request.map(|s| s.peek(4).raw()).unwrap_or_default();
            let number = |r: &RequestGroup<'m>| r.request.map(|s| s.peek(2).raw()).unwrap_or_default();
            let same = |r: &&mut RequestGroup<'m>| number(r) == number(&request) && code(r) == code(&request);
            match joined.iter_mut().find(same).filter(|_| is_parent(&request) && !number(&request).is_empty()) {
                Some(head) => head.join(request),
                None => joined.push(request),
            }
        }
        self.requests = joined;
    }
}

impl<'m> RequestGroup<'m> {
    fn join(&mut self, other: RequestGroup<'m>) {
        let repeated = other.own().chain(other.timings.iter().copied());
        let heads: Vec<Segment<'m>> = self.own().chain(self.timings.iter().copied()).collect();
        for segment in repeated {
            // Named rule `repeated-head`: what says the same again.
            for number in 1..=segment.field_count() {
                let same = |head: &Segment<'m>| {
                    head.is(segment.name()) && (number == 1 || head.peek(number).raw() == segment.peek(number).raw())
                };
                if heads.iter().any(same) {
                    segment.ignore(&[number]);
                }
            }
        }
        self.notes.extend(other.notes);
        self.diagnoses.extend(other.diagnoses);
        self.participants.extend(other.participants);
        self.images.extend(other.images);
        self.performed.extend(other.performed);
        self.results.extend(other.results);
        self.specimens.extend(other.specimens);
    }
}
