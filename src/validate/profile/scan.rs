//! Every element of a resource, whatever profiles say of it: extensions, codes of code systems that are loaded, what the
//! data types of R4 ask for as warnings, and the resources in it.

use serde_json::{Map, Value};

use super::problem::*;
use super::spot::Spot;
use super::value::quotable;
use super::walk::Walk;
use crate::fhir::r4::{Kind, Member, Shape};
use crate::terminology::{Grammar, Remark};
use crate::validate::path::Path;

/// The names and types of the elements from the resource to where the scan is, what they hold, and the extensions it is in.
pub(super) struct Trail<'w> {
    /// The JSON of the resource and of the elements the scan is in; of a primitive what stands beside it.
    pub(super) holders: Vec<&'w Value>,
    pub(super) steps: Vec<(&'static str, &'static str)>,
    pub(super) extensions: Vec<&'w str>,
}

impl<'w> Trail<'w> {
    /// At a resource.
    pub(super) fn of(shape: &'static Shape, resource: &'w Value) -> Self {
        Trail { holders: vec![resource], steps: vec![(shape.path, shape.path)], extensions: Vec::new() }
    }
}

impl<'w> Walk<'w> {
    /// The members of an element or a resource.
    pub(super) fn scan(
        &mut self,
        object: &'w Map<String, Value>,
        shape: &'static Shape,
        path: &Path<'_>,
        trail: &mut Trail<'w>,
    ) {
        if self.is_over() || trail.steps.len() > crate::validate::DEPTH_ELEMENTS_MAX {
            return;
        }
        for (name, value) in object {
            let plain = name.strip_prefix('_').unwrap_or(name);
            // A text has nothing inside.
            if value.is_string() && plain.len() == name.len() {
                continue;
            }
            let Some(member) = shape.member(plain) else { continue };
            if matches!(member.kind, Kind::Primitive(_)) && plain.len() == name.len() {
                continue;
            }
            let place = match member.element.is_choice() {
                true => path.chosen(member.element.stem(), member.type_name),
                false => path.member(&member.name),
            };
            trail.steps.push((member.element.stem(), member.type_name));
            match value {
                Value::Array(items) => {
                    for (at, item) in items.iter().enumerate() {
                        self.scanned(member, item, &place.item(at), trail);
                    }
                }
                value => self.scanned(member, value, &place, trail),
            }
            trail.steps.pop();
        }
    }

    fn scanned(&mut self, member: &'static Member, value: &'w Value, path: &Path<'_>, trail: &mut Trail<'w>) {
        let Value::Object(object) = value else { return };
        match member.kind {
            Kind::Resource => self.resource(value, Vec::new(), path),
            Kind::Complex(_) if matches!(&*member.name, "extension" | "modifierExtension") => {
                self.extension(value, &*member.name == "modifierExtension", path, trail);
            }
            Kind::Complex(shape) => {
                let spot = Spot {
                    value: Some(value),
                    beside: None,
                    type_name: shape.path,
                    shape: Some(shape),
                    is_resource: false,
                };
                self.data_type(spot, shape, path);
                trail.holders.push(value);
                self.scan(object, shape, path, trail);
                trail.holders.pop();
            }
            // What stands beside a primitive.
            Kind::Primitive(_) => {
                if let Some(element) = crate::fhir::r4::shape("Element") {
                    trail.holders.push(value);
                    self.scan(object, element, path, trail);
                    trail.holders.pop();
                }
            }
        }
    }

    fn data_type(&mut self, spot: Spot<'w>, shape: &'static Shape, path: &Path<'_>) {
        let is_named = matches!(shape.path, "Coding" | "Identifier" | "Quantity");
        if is_named && spot.text("system").is_some_and(|system| !system.contains(':')) {
            self.add(&RELATIVE_SYSTEM, None, &path.member("system"), Default::default);
        }
        match shape.path {
            "Coding" => {
                self.worded(spot, path);
                self.coding(spot, path);
            }
            "CodeableConcept" => self.worded(spot, path),
            "Quantity" if spot.text("system").is_some() => self.coding(spot, path),
            _ => {}
        }
        if let Some(schema) = self.profiles.of_type(shape).filter(|schema| schema.nodes.len() > 1) {
            self.element(schema, 0, spot, path);
        }
    }

    fn coding(&mut self, spot: Spot<'w>, path: &Path<'_>) {
        let Some(code) = spot.text("code") else { return };
        let Some(system) = spot.text("system") else {
            return self.add(&NO_SYSTEM, None, path, || (String::new(), quotable(code).into()));
        };
        let version = spot.text("version");
        let older;
        let known = match version {
            None => self.profiles.system(system),
            Some(version) => {
                older = self.profiles.system_in(system, version);
                older.as_ref()
            }
        };
        if let Some(known) = known.filter(|known| known.is_whole() || known.has(code)) {
            let display = spot.text("display").filter(|_| spot.type_name == "Coding");
            return known.remarks(code, display).into_iter().for_each(|remark| self.remarked(remark, spot, path));
        }
        match Grammar::of(system).map(|grammar| (grammar, grammar.has(code))) {
            Some((_, Some(true))) => {}
            Some((Grammar::Unit, Some(false))) => {
                self.add(&UNIT, None, &path.member("code"), || (system.to_owned(), quotable(code).into()));
            }
            Some((_, Some(false))) => self.remarked(Remark::UnknownCode, spot, path),
            _ => match version {
                Some(version) if self.profiles.system(system).is_some() => {
                    self.tell(&NO_TERMINOLOGY, None, path, &format!("{system}|{version}"));
                }
                _ => self.tell(&NO_TERMINOLOGY, None, path, system),
            },
        }
    }

    /// What a code system says of one of its codings.
    fn remarked(&mut self, remark: Remark, spot: Spot<'w>, path: &Path<'_>) {
        let (system, code) = (spot.text("system").unwrap_or_default(), spot.text("code").unwrap_or_default());
        let found = || quotable(code).to_owned();
        match remark {
            Remark::UnknownCode | Remark::NotInValueSet => {
                self.add(&UNKNOWN_CODE, None, &path.member("code"), || (quotable(system).into(), found()));
            }
            Remark::OtherCase(right) => self.add(&OTHER_CASE, None, &path.member("code"), || (right, found())),
            Remark::Abstract => self.add(&ABSTRACT, None, &path.member("code"), || (String::new(), found())),
            Remark::Inactive => self.add(&INACTIVE, None, &path.member("code"), || (String::new(), found())),
            // What was written there may be anything.
            Remark::WrongDisplay(names) => {
                self.add(&DISPLAY, None, &path.member("display"), || (names.join(" / "), found()));
            }
            Remark::Undecided(what) => self.tell(&NO_TERMINOLOGY, None, path, what.canonical()),
        }
    }
}
