//! Expressions of search parameters (searchparameter-definitions.html#expression) as plans: which members to go through, and
//! the R4 type of what is found there. What a plan cannot say is left to FHIRPath.

use super::definitions::alternatives;
use crate::fhir::ResourceType;
use crate::fhir::r4;

/// A way from an element, or from the resource, down to elements of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    /// Whether it begins at the resource even where it stands in a component (`%resource`).
    pub(super) from_resource: bool,
    pub(super) steps: Vec<Step>,
    /// The R4 type of what is found; of an element with elements of its own, its path.
    pub(super) found: &'static str,
    /// The system that an element of type `code` implies by its binding; may be empty.
    pub(super) system: &'static str,
}

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// To a member; an array is gone through.
    Member(Box<str>),
    /// To one item of the array that the member is, from 0.
    Item(Box<str>, usize),
    /// Only where this holds.
    Where(Filter),
}

/// What `where()` asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Filter {
    /// `resolve() is Patient`
    Refers(ResourceType),
    /// `system = 'phone'`
    Equals(Box<str>, Box<str>),
    /// `hasExtension('…')`
    Extended(Box<str>),
}

/// Brackets in brackets that a plan may have.
const DEPTH_MAX: usize = 16;

/// Why there are no branches for an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unplanned {
    /// It says more than branches can.
    More,
    /// It names an element that there is not.
    Unknown,
}

/// The branches of an expression that is evaluated on an element of type `context`, one for each type that a choice may
/// have.
pub(super) fn branches(context: &'static str, expression: &str) -> Result<Vec<Branch>, Unplanned> {
    let mut all = Vec::new();
    for alternative in alternatives(expression) {
        let mut parser = Parser { context, left: alternative, depth: 0, unknown: false };
        let found = parser.union();
        parser.skip();
        match found.filter(|_| parser.left.is_empty()) {
            Some(found) => all.extend(found),
            None if parser.unknown => return Err(Unplanned::Unknown),
            None => return Err(Unplanned::More),
        }
    }
    Ok(all)
}

struct Parser<'a> {
    context: &'static str,
    left: &'a str,
    depth: usize,
    /// Whether an element was named that there is not.
    unknown: bool,
}

impl<'a> Parser<'a> {
    fn union(&mut self) -> Option<Vec<Branch>> {
        let mut all = self.cast()?;
        while self.take("|") {
            all.extend(self.cast()?);
        }
        Some(all)
    }

    /// `path` or `path as Type`.
    fn cast(&mut self) -> Option<Vec<Branch>> {
        let mut all = self.path()?;
        if self.word_is("as") {
            self.name()?;
            let kind = self.name()?;
            all.retain(|branch| is_a(branch.found, kind));
        }
        Some(all)
    }

    fn path(&mut self) -> Option<Vec<Branch>> {
        let start = Branch { from_resource: false, steps: Vec::new(), found: self.context, system: "" };
        let mut all = if self.take("(") {
            self.depth += 1;
            let inner = if self.depth > DEPTH_MAX { None } else { self.union() };
            self.depth -= 1;
            let inner = inner?;
            self.take(")").then_some(inner)?
        } else if self.take("%resource") {
            vec![Branch { from_resource: true, found: self.context.split('.').next()?, ..start }]
        } else {
            let name = self.name()?;
            let is_root = name == self.context || name == "Resource" || name == "DomainResource";
            if is_root || name == "$this" { vec![start] } else { self.step(vec![start], name)? }
        };
        loop {
            if self.take(".") {
                let name = self.name()?;
                all = self.step(all, name)?;
            } else if self.take("[") {
                let digits = self.left.find(']')?;
                let at = self.left.get(..digits)?.trim().parse().ok()?;
                self.left = self.left.get(digits + 1..)?;
                all.iter_mut().try_for_each(|branch| item(branch, at))?;
            } else {
                return Some(all);
            }
        }
    }

    /// A member, or a function of the branches before it.
    fn step(&mut self, all: Vec<Branch>, name: &str) -> Option<Vec<Branch>> {
        if !self.take("(") {
            return self.members(all, name);
        }
        let done = match name {
            "as" | "ofType" => {
                let kind = self.name()?;
                all.into_iter().filter(|branch| is_a(branch.found, kind)).collect()
            }
            "extension" => {
                let only = Step::Where(Filter::Equals("url".into(), self.quoted()?.into()));
                let mut found = self.members(all, "extension")?;
                found.iter_mut().for_each(|branch| branch.steps.push(only.clone()));
                found
            }
            "where" => {
                let only = Step::Where(self.filter()?);
                let add = |mut branch: Branch| {
                    branch.steps.push(only.clone());
                    branch
                };
                all.into_iter().map(add).collect()
            }
            _ => return None,
        };
        self.take(")").then_some(done)
    }

    fn members(&mut self, all: Vec<Branch>, name: &str) -> Option<Vec<Branch>> {
        let mut found = Vec::new();
        for branch in all {
            // Of a resource of any type, the elements are those of the type that it turns out to be.
            let any = branch.found == "Resource";
            let of = member(branch, name);
            self.unknown |= of.is_none() && !any;
            found.extend(of?);
        }
        Some(found)
    }

    fn filter(&mut self) -> Option<Filter> {
        let name = self.name()?;
        if self.take("(") {
            return match name {
                "resolve" => {
                    (self.take(")") && self.word_is("is")).then(|| self.name())??;
                    ResourceType::parse(self.name()?).map(Filter::Refers)
                }
                "hasExtension" => {
                    let url = self.quoted()?.into();
                    self.take(")").then_some(Filter::Extended(url))
                }
                _ => None,
            };
        }
        self.take("=").then_some(())?;
        Some(Filter::Equals(name.into(), self.quoted()?.into()))
    }

    fn skip(&mut self) {
        self.left = self.left.trim_start();
    }

    fn take(&mut self, mark: &str) -> bool {
        self.skip();
        let rest = self.left.strip_prefix(mark);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }

    fn word_is(&mut self, word: &str) -> bool {
        self.skip();
        self.left.strip_prefix(word).is_some_and(|rest| rest.starts_with(char::is_whitespace))
    }

    /// A name, `$this` included.
    fn name(&mut self) -> Option<&'a str> {
        self.skip();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let end = self.left.find(|c| !is_part(c)).unwrap_or(self.left.len());
        let (name, rest) = self.left.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
        self.left = rest;
        Some(name)
    }

    /// A string between quotes; one with an escape is left to FHIRPath.
    fn quoted(&mut self) -> Option<&'a str> {
        self.take("'").then_some(())?;
        let (text, rest) = self.left.split_once('\'')?;
        self.left = rest;
        (!text.contains('\\')).then_some(text)
    }
}

/// The branches that a member of a name adds: one, or one for each type of a choice.
fn member(branch: Branch, name: &str) -> Option<Vec<Branch>> {
    let elements = r4::elements(branch.found)?;
    let add = |key: String, found: &'static str, system: &'static str| {
        let mut branch = Branch { found, system, ..branch.clone() };
        branch.steps.push(Step::Member(key.into()));
        branch
    };
    if let Some(element) = elements.iter().find(|element| element.name == name) {
        let found = element.types().next()?;
        return Some(vec![add(name.into(), found, r4::implied_system(branch.found, name))]);
    }
    let is_choice = |element: &&r4::Element| element.name.strip_suffix("[x]") == Some(name);
    let choice = elements.iter().find(is_choice)?;
    let of_type = |found: &'static str| {
        let (first, rest) = found.split_at(1);
        add(format!("{name}{}{rest}", first.to_ascii_uppercase()), found, "")
    };
    Some(choice.types().map(of_type).collect())
}

/// `[n]` after a member: of the one array, where nothing before it repeats.
fn item(branch: &mut Branch, at: usize) -> Option<()> {
    let only = branch.steps.len() == 1;
    match branch.steps.pop() {
        Some(Step::Member(name)) if only => branch.steps.push(Step::Item(name, at)),
        _ => return None,
    }
    Some(())
}

/// Whether an element of the type `found` is one of `kind`; some definitions of R4 write `DateTime`.
fn is_a(found: &str, kind: &str) -> bool {
    const QUANTITIES: [&str; 6] = ["Age", "Count", "Distance", "Duration", "MoneyQuantity", "SimpleQuantity"];
    found.eq_ignore_ascii_case(kind) || (kind == "Quantity" && QUANTITIES.contains(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(context: &'static str, expression: &str) -> Option<Vec<String>> {
        let step = |step: &Step| match step {
            Step::Member(name) => name.to_string(),
            Step::Item(name, at) => format!("{name}[{at}]"),
            Step::Where(Filter::Refers(of)) => format!("?{}", of.name()),
            Step::Where(Filter::Equals(name, text)) => format!("?{name}={text}"),
            Step::Where(Filter::Extended(url)) => format!("?+{url}"),
        };
        let branch = |branch: Branch| {
            let steps: Vec<String> = branch.steps.iter().map(step).collect();
            format!("{}{}:{}", if branch.from_resource { "%" } else { "" }, steps.join("."), branch.found)
        };
        Some(branches(context, expression).ok()?.into_iter().map(branch).collect())
    }

    #[test]
    fn expressions_of_every_shape_become_branches() {
        let cases = [
            ("Patient", "Patient.name", "name:HumanName"),
            ("Patient", "Patient.contact.name.family | Resource.id", "contact.name.family:string id:id"),
            ("Observation", "(Observation.value as Quantity)", "valueQuantity:Quantity"),
            ("Observation", "(Observation.value as CodeableConcept).text", "valueCodeableConcept.text:string"),
            ("Observation", "value.as(DateTime) | value.as(Period)", "valueDateTime:dateTime valuePeriod:Period"),
            ("Goal", "(Goal.target.due as date)", "target.dueDate:date"),
            ("Observation", "Observation.subject.where(resolve() is Patient)", "subject.?Patient:Reference"),
            ("Person", "Person.telecom.where(system='phone')", "telecom.?system=phone:ContactPoint"),
            ("Bundle", "Bundle.entry[0].resource", "entry[0].resource:Resource"),
            (
                "MolecularSequence.variant",
                "%resource.referenceSeq.chromosome",
                "%referenceSeq.chromosome:CodeableConcept",
            ),
            ("Coverage", "Coverage.extension('u').value.ofType(string)", "extension.?url=u.valueString:string"),
            (
                "QuestionnaireResponse",
                "QuestionnaireResponse.item.where(hasExtension('u')).answer.value.ofType(Reference)",
                "item.?+u.answer.valueReference:Reference",
            ),
            ("Observation", "Observation | Observation.component", ":Observation component:Observation.component"),
            (
                "Encounter",
                "Encounter.location.location.where(resolve() is Location)",
                "location.location.?Location:Reference",
            ),
        ];
        for (context, expression, expected) in cases {
            assert_eq!(shown(context, expression).map(|all| all.join(" ")).as_deref(), Some(expected), "{expression}");
        }
        assert_eq!(shown("Observation", "Observation.effective").unwrap().len(), 4);
    }

    #[test]
    fn what_a_plan_cannot_say_is_none() {
        for expression in [
            "Patient.nothing",
            "Patient.name.first()",
            "Patient.name.given[0]",
            "Patient.name.where(use='usual' and text='x')",
            "Patient.name.where(use='usual'",
            "Patient.name where",
            "Patient.deceased.exists() and Patient.deceased != false",
            "(Patient.name",
            "Patient.",
            "'a'",
            "",
        ] {
            assert_eq!(shown("Patient", expression), None, "{expression}");
        }
        let nested = |depth: usize| format!("{}Patient.name{}", "(".repeat(depth), ")".repeat(depth));
        assert!(branches("Patient", &nested(DEPTH_MAX)).is_ok());
        for depth in [DEPTH_MAX + 1, 30_000] {
            assert_eq!(branches("Patient", &nested(depth)), Err(Unplanned::More));
        }
        assert_eq!(branches("Patient", "Patient.nothing"), Err(Unplanned::Unknown));
        assert_eq!(branches("Bundle", "Bundle.entry.resource.subject"), Err(Unplanned::More));
    }
}
