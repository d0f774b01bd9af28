//! The constraints that profiles write in FHIRPath (elementdefinition.html#constraint). Those of R4 itself whose breach is
//! an error are not among them: [`crate::validate::base()`] has evaluated them.

use serde_json::Value;

use super::problem::*;
use super::spot::Spot;
use super::walk::{At, Walk};
use crate::fault::IssueType;
use crate::fhirpath::{Context, Expression, Item, Limits, Node, Resolved, kind};
use crate::profile::Constraint;
use crate::terminology::Answer;
use crate::validate::path::Path;

/// Steps of work that one constraint may take, about 20 ms.
const STEPS_MAX: u64 = 200_000;

/// So many constraints of one resource may take more than that before no more are evaluated.
pub(super) const COSTLY_MAX: usize = 10;

impl<'w> Walk<'w> {
    pub(super) fn constraints(&mut self, at: At<'w>, spot: Spot<'w>, path: &Path<'_>) {
        let Some(item) = spot.item() else { return };
        for constraint in &at.node.constraints {
            let is_contained = || !std::ptr::eq(self.resource, self.root);
            // What is contained is told of by what contains it.
            if self.costly >= COSTLY_MAX {
                return;
            }
            if (self.is_trial() && !constraint.is_error) || (constraint.is_best_practice && is_contained()) {
                continue;
            }
            self.constraint(at, constraint, &item, path);
        }
    }

    fn constraint(&mut self, at: At<'w>, constraint: &'w Constraint, item: &Item<'w>, path: &Path<'_>) {
        let Some(expression) = constraint.expression() else {
            return self.tell(&UNREAD, Some(at), path, &constraint.key);
        };
        let found = expression.is_true(item.clone(), &Around { walk: self, extension: None });
        let rule = match found {
            Ok(Some(true)) => return,
            // What cannot be compared, as dates of different precision, breaks nothing.
            Ok(None) if expression.text().contains("<=") || expression.text().contains(">=") => return,
            Err(error) if error.rule.code == IssueType::TooCostly => {
                self.costly += 1;
                return self.add(&COSTLY, Some(at), path, || (constraint.key.to_string(), String::new()));
            }
            Err(_) => return self.tell(&UNREAD, Some(at), path, &constraint.key),
            _ if constraint.is_best_practice => &ADVICE,
            _ if constraint.is_error => &INVARIANT,
            _ => &INVARIANT_WARNING,
        };
        self.add_named(rule, Some(constraint.name()), Some(at), path, || {
            (format!("{}: {}", constraint.key, constraint.human), String::new())
        });
    }
}

impl<'w> Walk<'w> {
    /// What an expression finds from an element, else from the resource; `None` when it cannot be evaluated.
    pub(super) fn found(
        &self,
        expression: &'w Expression,
        from: Option<Item<'w>>,
        extension: Option<&'w Value>,
    ) -> Option<Vec<Item<'w>>> {
        let item = from.unwrap_or_else(|| Item::resource(self.resource));
        expression.evaluate(item, &Around { walk: self, extension }).ok()
    }
}

/// What surrounds the element that a constraint is evaluated on.
struct Around<'c, 'w> {
    walk: &'c Walk<'w>,
    /// `%extension`, where the context of one is looked at.
    extension: Option<&'w Value>,
}

impl<'w> Context<'w> for Around<'_, 'w> {
    fn resource(&self) -> Option<Node<'w>> {
        Some(Node::resource(self.walk.resource))
    }

    fn root_resource(&self) -> Option<Node<'w>> {
        Some(Node::resource(self.walk.root))
    }

    fn variable(&self, name: &str) -> Option<Vec<Item<'w>>> {
        let value = self.extension.filter(|_| name == "extension")?;
        Some(vec![Item::Node(Node::element(value, kind("Extension")?))])
    }

    fn resolve(&self, reference: &str) -> Option<Resolved<'w>> {
        self.walk.resolved(reference).map(Resolved::Resource).or_else(|| Resolved::by_text(reference))
    }

    fn member_of(&self, item: &Item<'w>, value_set: &str) -> Option<bool> {
        let codes = self.walk.profiles.codes_of(value_set);
        match super::binding::answer(&codes, spot_of(item)?) {
            Answer::In => Some(true),
            Answer::Out => Some(false),
            Answer::Unknown(_) => None,
        }
    }

    fn conforms_to(&self, item: &Item<'w>, profile: &str) -> Option<bool> {
        let schema = self.walk.profiles.find(profile, self.walk.package)?;
        Some(self.walk.aside().keeps_to(schema, spot_of(item)?, &Path::root("Resource")))
    }

    fn html_checks(&self, narrative: &str) -> Option<bool> {
        Some(crate::validate::base::is_narrative(narrative))
    }

    fn limits(&self) -> Limits {
        Limits { steps_max: STEPS_MAX, ..Limits::DEFAULT }
    }
}

fn spot_of<'w>(item: &Item<'w>) -> Option<Spot<'w>> {
    let node = item.node()?;
    if node.kind.is_resource {
        return node.value.map(Spot::resource);
    }
    let type_name = kind(node.kind.name)?.name;
    let shape = crate::fhir::r4::shape(type_name);
    Some(Spot { value: node.value, beside: node.beside, type_name, shape, is_resource: false })
}
