//! Functions whose argument is evaluated for each item (FHIRPath N1 sections 5.1 to 5.3, 5.9, 7).

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::super::equality::equal;
use super::super::error;
use super::super::evaluate::{Engine, Result, Scope, wrong};
use super::super::function::Function;
use super::super::item::{Item, Items};
use super::super::operators::condition;
use super::super::tree::Argument;
use super::{Calling, boolean};

impl<'a> Engine<'a, '_> {
    pub(super) fn with_criteria(&mut self, calling: Calling<'_, 'a>, mut items: Items<'a>) -> Result<Items<'a>> {
        let arguments = &calling.call.arguments;
        match (calling.function(), arguments.as_slice()) {
            (Function::Exists, [criterion]) => {
                for (index, item) in items.iter().enumerate() {
                    if self.holds(criterion, item, index, calling)? == Some(true) {
                        return Ok(boolean(true));
                    }
                }
                Ok(boolean(false))
            }
            (Function::Exists, _) => Ok(boolean(!items.is_empty())),
            (Function::All, [criterion]) => {
                for (index, item) in items.iter().enumerate() {
                    if self.holds(criterion, item, index, calling)? != Some(true) {
                        return Ok(boolean(false));
                    }
                }
                Ok(boolean(true))
            }
            (Function::Where, [criterion]) => {
                let mut out = Vec::new();
                for (index, item) in items.into_iter().enumerate() {
                    if self.holds(criterion, &item, index, calling)? == Some(true) {
                        out.push(item);
                    }
                }
                Ok(out)
            }
            (Function::Select, [projection]) => {
                let mut out = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    out.extend(self.on(projection, item, index, calling.scope)?);
                    self.bounded(out.len(), calling.at)?;
                }
                Ok(out)
            }
            (Function::Repeat, [projection]) => self.repeat(projection, items, calling),
            (Function::Aggregate, [step, rest @ ..]) => {
                let mut total = match rest.first() {
                    Some(first) => self.value(first, calling.scope)?,
                    None => Vec::new(),
                };
                for (index, item) in items.iter().enumerate() {
                    let scope = Scope { total: Some(&total), ..calling.scope };
                    total = self.on(step, item, index, scope)?;
                }
                Ok(total)
            }
            (Function::Iif, [criterion, rest @ ..]) => self.iif(criterion, rest, &items, calling),
            (Function::Trace, [_, rest @ ..]) => {
                let name = self.text_argument(calling, 0)?.unwrap_or_default();
                let mut shown = Vec::new();
                match rest.first() {
                    Some(projection) => {
                        for (index, item) in items.iter().enumerate() {
                            shown.extend(self.on(projection, item, index, calling.scope)?);
                        }
                    }
                    None => shown.clone_from(&items),
                }
                self.context.trace(&name, &shown);
                Ok(items)
            }
            (_, keys) => {
                self.sort(keys, &mut items, calling)?;
                Ok(items)
            }
        }
    }

    fn holds(
        &mut self,
        criterion: &'a Argument,
        item: &Item<'a>,
        index: usize,
        calling: Calling<'_, 'a>,
    ) -> Result<Option<bool>> {
        let found = self.on(criterion, item, index, calling.scope)?;
        condition(&found).ok_or_else(|| wrong(criterion.expression.at, &error::SINGLE, calling.name()))
    }

    /// What the projection finds in the items, in what it found, and so on; each once.
    fn repeat(&mut self, projection: &'a Argument, items: Items<'a>, calling: Calling<'_, 'a>) -> Result<Items<'a>> {
        let mut out: Items<'a> = Vec::new();
        let mut waiting = VecDeque::from(items);
        let mut index = 0;
        while let Some(item) = waiting.pop_front() {
            for found in self.on(projection, &item, index, calling.scope)? {
                self.spend(out.len(), calling.at)?;
                if !out.iter().any(|known| equal(known, &found, self.context) == Some(true)) {
                    waiting.push_back(found.clone());
                    out.push(found);
                }
            }
            self.bounded(out.len(), calling.at)?;
            index += 1;
        }
        Ok(out)
    }

    /// Its arguments are evaluated on what it is called on. The criterion must be a Boolean, not only a single item.
    fn iif(
        &mut self,
        criterion: &'a Argument,
        rest: &'a [Argument],
        items: &[Item<'a>],
        calling: Calling<'_, 'a>,
    ) -> Result<Items<'a>> {
        if self.is_strict && items.len() > 1 {
            return Err(wrong(calling.at, &error::SINGLE, "iif"));
        }
        let scope = Scope { focus: items, ..calling.scope };
        let found = self.value(criterion, scope)?;
        let holds = match self.single(&found, "iif", calling.at)?.map(Item::system) {
            None | Some(None) => false,
            Some(Some(Item::Boolean(value))) => value,
            Some(_) => return Err(calling.refused()),
        };
        match rest.get(usize::from(!holds)) {
            Some(chosen) => self.value(chosen, scope),
            None => Ok(Vec::new()),
        }
    }

    /// By the keys, the first deciding; without any by the items themselves. Nothing comes before something.
    fn sort(&mut self, keys: &'a [Argument], items: &mut Items<'a>, calling: Calling<'_, 'a>) -> Result<()> {
        let mut rows = Vec::with_capacity(items.len());
        for (index, item) in items.drain(..).enumerate() {
            let mut row = Vec::with_capacity(keys.len().max(1));
            for key in keys {
                let found = self.on(key, &item, index, calling.scope)?;
                row.push(self.single(&found, "sort", calling.at)?.and_then(Item::system));
            }
            if keys.is_empty() {
                row.push(item.system());
            }
            rows.push((row, item));
        }
        // By insertion: values of unequal precision have no order that is one of all, which a library's sort must have.
        let mut sorted: Vec<(Vec<Option<Item<'a>>>, Item<'a>)> = Vec::with_capacity(rows.len());
        for row in rows {
            let mut place = sorted.len();
            while let Some((before, _)) = place.checked_sub(1).and_then(|before| sorted.get(before)) {
                self.spend(1, calling.at)?;
                if self.order_of_keys(before, &row.0, keys, calling)? != Ordering::Greater {
                    break;
                }
                place -= 1;
            }
            sorted.insert(place, row);
        }
        items.extend(sorted.into_iter().map(|(_, item)| item));
        Ok(())
    }

    fn order_of_keys(
        &self,
        left: &[Option<Item<'a>>],
        right: &[Option<Item<'a>>],
        keys: &[Argument],
        calling: Calling<'_, 'a>,
    ) -> Result<Ordering> {
        for (place, pair) in left.iter().zip(right).enumerate() {
            let order = match pair {
                (Some(left), Some(right)) => {
                    let order = self.order(left, right, "sort", calling.at)?.unwrap_or(Ordering::Equal);
                    if keys.get(place).is_some_and(|key| key.descends) { order.reverse() } else { order }
                }
                (left, right) => left.is_some().cmp(&right.is_some()),
            };
            if order != Ordering::Equal {
                return Ok(order);
            }
        }
        Ok(Ordering::Equal)
    }
}
