//! Which values are of which slices, and what follows (profiling.html#slicing).

use super::problem::*;
use super::spot::{Found, Spot};
use super::walk::{At, Walk};
use crate::profile::{Discriminator, DiscriminatorKind, MANY, Matcher, Rules, SchemaId, Slice, Slicing, Step, Wanted};
use crate::terminology::Answer;
use crate::validate::path::Path;

/// What a slice with the name `@default` holds: values of no other.
const DEFAULT: &str = "@default";

/// Which slice a value is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Slice(usize),
    None,
    /// Nobody can say whether it is of this one.
    Unsure(usize),
}

/// Whether a value is as a discriminator asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    Unsure,
}

impl<'w> Walk<'w> {
    /// Looks at all values of an element, or at those of a slice that is sliced again (`only`).
    pub(super) fn slices(
        &mut self,
        at: At<'w>,
        slicing: &'w Slicing,
        found: Found<'w>,
        only: Option<&[usize]>,
        place: &Path<'_>,
    ) {
        let items = 0..only.map_or(found.count(), <[usize]>::len);
        let number = |at: usize| only.and_then(|only| only.get(at).copied()).unwrap_or(at);
        let mut of: Vec<(usize, Of)> = Vec::with_capacity(items.len());
        for item in items.map(number) {
            let which = self.slice_of(at, slicing, found.spot(item), &place.item(item));
            of.push((item, which));
        }
        if self.is_over() {
            return;
        }
        self.rules(at, slicing, &mut of, found, place);
        for (number, slice) in slicing.slices.iter().enumerate() {
            if self.is_over() {
                return;
            }
            self.slice(at, slicing, (number, slice), &of, found, place);
        }
    }

    /// Order, and values of no slice.
    fn rules(&mut self, at: At<'w>, slicing: &'w Slicing, of: &mut [(usize, Of)], found: Found<'w>, place: &Path<'_>) {
        let rest = slicing.slices.iter().position(|slice| &*slice.name == DEFAULT);
        let names = || slicing.slices.iter().take(8).map(|slice| &*slice.name).collect::<Vec<_>>().join(", ");
        let (mut last, mut is_behind) = (0, false);
        for (item, of) in of {
            if let (Of::None, Some(rest)) = (*of, rest) {
                *of = Of::Slice(rest);
            }
            match (*of, slicing.rules) {
                (Of::Slice(number), rules) => {
                    if slicing.is_ordered && number < last {
                        self.add(&ORDER, Some(at), &place.item(*item), || (names(), String::new()));
                    }
                    if is_behind && rules == Rules::OpenAtEnd {
                        self.add(&AT_END, Some(at), &place.item(*item), || (String::new(), String::new()));
                    }
                    last = number.max(last);
                }
                (Of::None, Rules::Closed) => {
                    let path = if found.is_array() { &place.item(*item) } else { place };
                    self.add(&NO_SLICE, Some(at), path, || (names(), String::new()));
                }
                (Of::None, _) => {
                    is_behind = true;
                    if !self.is_trial()
                        && !matches!(&*at.node.name, "extension" | "modifierExtension")
                        && found.is_array()
                    {
                        self.add(&OPEN_SLICE, Some(at), &place.item(*item), || (names(), String::new()));
                    }
                }
                (Of::Unsure(number), _) => {
                    let name = slicing.slices.get(number).map(|slice| &*slice.name).unwrap_or_default();
                    self.tell(&UNSURE, Some(at), &place.item(*item), name);
                }
            }
        }
    }

    /// One slice: how many values, and each of them.
    fn slice(
        &mut self,
        at: At<'w>,
        slicing: &'w Slicing,
        (number, slice): (usize, &'w Slice),
        of: &[(usize, Of)],
        found: Found<'w>,
        place: &Path<'_>,
    ) {
        let Some(node) = at.schema.node(slice.node) else { return };
        let inside = At { node, ..at };
        let is_own = |of: &&(usize, Of)| of.1 == Of::Slice(number);
        let count = of.iter().filter(is_own).count();
        let said = |bound: u32| (format!("{} × {bound}", node.slice_name()), count.to_string());
        if count < node.min as usize {
            if !of.iter().any(|(_, of)| *of == Of::Unsure(number)) {
                self.add(&SLICE_MIN, Some(inside), place, || said(node.min));
                self.nearest(inside, slicing, slice, of, found, place);
            }
        } else if node.max != MANY && count > node.max as usize {
            self.add(&SLICE_MAX, Some(inside), place, || said(node.max));
        }
        if count == 0 {
            return;
        }
        for (item, _) in of.iter().filter(is_own) {
            match found.is_array() {
                true => self.element(at.schema, slice.node, found.spot(*item), &place.item(*item)),
                false => self.element(at.schema, slice.node, found.spot(*item), place),
            }
        }
        if let Some(inner) = &node.slicing {
            let only: Vec<usize> = of.iter().filter(is_own).map(|(item, _)| *item).collect();
            self.slices(inside, inner, found, Some(&only), place);
        }
    }

    /// Where a slice that must be is told apart by a profile, and no value keeps to it: what keeps the one value of its type
    /// from being the slice is what the sender needs to know.
    fn nearest(
        &mut self,
        at: At<'w>,
        slicing: &'w Slicing,
        slice: &'w Slice,
        of: &[(usize, Of)],
        found: Found<'w>,
        place: &Path<'_>,
    ) {
        if self.is_trial() || !slicing.discriminators.iter().any(|one| one.kind == DiscriminatorKind::Profile) {
            return;
        }
        let matchers = slice.matchers(self.profiles, at.schema, &slicing.discriminators);
        for (discriminator, matcher) in slicing.discriminators.iter().zip(matchers) {
            let Matcher::Profiles(wanted) = matcher else { continue };
            let Some(schema) = wanted.first().and_then(|id| self.profiles.schema(*id)) else { continue };
            let of_type = |item: &usize| {
                let ends = self.reach(&discriminator.path, found.spot(*item));
                ends.iter().any(|end| *end.type_name == *schema.type_name)
            };
            let free: Vec<usize> =
                of.iter().filter(|(_, of)| *of == Of::None).map(|(item, _)| *item).filter(of_type).take(2).collect();
            if let [item] = free[..] {
                self.element(at.schema, slice.node, found.spot(item), &place.item(item));
            }
        }
    }

    fn slice_of(&mut self, at: At<'w>, slicing: &'w Slicing, spot: Spot<'w>, path: &Path<'_>) -> Of {
        // Most are told apart by members of the value itself, which are fetched once.
        let mut direct = [None; 4];
        for (direct, discriminator) in direct.iter_mut().zip(&slicing.discriminators) {
            if let [Step::Member(name)] = &*discriminator.path {
                *direct = spot.text(name);
            }
        }
        let candidates = slicing.candidates(self.profiles, at.schema, direct.first().copied().flatten());
        let count = candidates.map_or(slicing.slices.len(), <[usize]>::len);
        let mut unsure = Of::None;
        for place in 0..count {
            let number = candidates.and_then(|all| all.get(place).copied()).unwrap_or(place);
            let Some(slice) = slicing.slices.get(number) else { continue };
            match self.fits(at, slicing, slice, spot, &direct, path) {
                Fit::Yes => return Of::Slice(number),
                Fit::Unsure if unsure == Of::None => unsure = Of::Unsure(number),
                _ => {}
            }
        }
        unsure
    }

    fn fits(
        &mut self,
        at: At<'w>,
        slicing: &'w Slicing,
        slice: &'w Slice,
        spot: Spot<'w>,
        direct: &[Option<&'w str>],
        path: &Path<'_>,
    ) -> Fit {
        let matchers = slice.matchers(self.profiles, at.schema, &slicing.discriminators);
        let (mut found, mut is_stated) = (Fit::Yes, false);
        for ((place, discriminator), matcher) in slicing.discriminators.iter().enumerate().zip(matchers) {
            if let (Matcher::Values { wanted, .. }, Some(Some(text))) = (matcher, direct.get(place)) {
                is_stated = true;
                let is_met = |one: &Wanted| one.value().as_str() == Some(text);
                match wanted.iter().any(is_met) {
                    true => continue,
                    false => return Fit::No,
                }
            }
            let fit = match matcher {
                Matcher::Unstated => continue,
                matcher => self.fit(discriminator, matcher, spot, path),
            };
            is_stated = true;
            match fit {
                Fit::Yes => {}
                Fit::No => return Fit::No,
                Fit::Unsure => found = Fit::Unsure,
            }
        }
        if is_stated {
            return found;
        }
        // Nothing tells it apart: it is of the slice when it is as the slice says.
        match &*slice.name != DEFAULT && self.tries(|walk| walk.element(at.schema, slice.node, spot, path)) {
            true => Fit::Yes,
            false => Fit::No,
        }
    }

    fn fit(&mut self, discriminator: &'w Discriminator, matcher: &'w Matcher, spot: Spot<'w>, path: &Path<'_>) -> Fit {
        let ends = self.reach(&discriminator.path, spot);
        let yes = |is_so: bool| if is_so { Fit::Yes } else { Fit::No };
        match matcher {
            Matcher::Values { wanted, is_all } => {
                let is_there = |wanted: &Wanted| ends.iter().any(|end| end.value.is_some_and(|v| wanted.is_met_by(v)));
                yes(if *is_all { wanted.iter().all(is_there) } else { wanted.iter().any(is_there) })
            }
            Matcher::Bound(schema, node) => {
                let node = self.profiles.schema(*schema).and_then(|schema| schema.node(*node));
                let Some(binding) = node.and_then(|node| node.binding.as_ref()) else { return Fit::No };
                let codes = self.profiles.codes(binding);
                let answers: Vec<Answer<'_>> = ends.iter().map(|end| super::binding::answer(codes, *end)).collect();
                match answers {
                    all if all.contains(&Answer::In) => Fit::Yes,
                    all if all.iter().any(|one| matches!(one, Answer::Unknown(_))) => Fit::Unsure,
                    _ => Fit::No,
                }
            }
            Matcher::Present => yes(!ends.is_empty()),
            Matcher::Absent => yes(ends.is_empty()),
            Matcher::Types(names) => yes(ends.iter().any(|end| names.iter().any(|name| is_named(*end, name)))),
            Matcher::Profiles(wanted) => self.fits_profile(wanted, &ends, path),
            Matcher::Unstated => Fit::Yes,
        }
    }

    fn fits_profile(&mut self, wanted: &[SchemaId], ends: &[Spot<'w>], path: &Path<'_>) -> Fit {
        let mut found = Fit::No;
        for schema in wanted.iter().filter_map(|id| self.profiles.schema(*id)) {
            for end in ends.iter().filter(|end| is_named(**end, &schema.type_name)) {
                // Of a resource that is elsewhere only the type is known.
                if end.value.is_none() {
                    found = Fit::Unsure;
                } else if self.claims(*end, schema.id) || self.keeps_to(schema, *end, path) {
                    return Fit::Yes;
                }
            }
        }
        found
    }

    /// Where a path leads from a value.
    pub(super) fn reach(&self, path: &[Step], from: Spot<'w>) -> Vec<Spot<'w>> {
        path.iter().fold(vec![from], |spots, step| {
            let mut out = Vec::new();
            spots.into_iter().for_each(|spot| self.step(step, spot, &mut out));
            out
        })
    }

    fn step(&self, step: &Step, spot: Spot<'w>, out: &mut Vec<Spot<'w>>) {
        let mut members = |name: &str| {
            let found = spot.object().zip(spot.inside()).and_then(|(object, shape)| Found::named(name, object, shape));
            out.extend(found.iter().flat_map(|found| (0..found.count()).map(|item| found.spot(item))));
        };
        match step {
            Step::Member(name) => members(name),
            Step::Extension(url) => {
                members("extension");
                out.retain(|extension| extension.text("url") == Some(url));
            }
            Step::OfType(name) => out.extend(Some(spot).filter(|spot| is_named(*spot, name))),
            Step::Resolve => out.extend(self.target(spot)),
        }
    }
}

fn is_named(spot: Spot<'_>, name: &str) -> bool {
    let is_inner =
        || spot.shape.is_some_and(|shape| shape.path.contains('.')) && matches!(name, "BackboneElement" | "Element");
    *spot.type_name == *name || (spot.is_resource && matches!(name, "Resource" | "DomainResource")) || is_inner()
}
