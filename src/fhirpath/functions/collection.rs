//! Existence, subsetting, combining and the tree (FHIRPath N1 sections 5.1, 5.3, 5.4, 5.8).

use std::collections::HashSet;

use super::super::equality::equal;
use super::super::error;
use super::super::evaluate::{Engine, Result, children, wrong};
use super::super::function::Function;
use super::super::item::{Item, Items};
use super::super::operators::condition;
use super::{Calling, boolean};

impl<'a> Engine<'a, '_> {
    pub(super) fn of_collection(&mut self, calling: Calling<'_, 'a>, mut items: Items<'a>) -> Result<Items<'a>> {
        let at = calling.at;
        Ok(match calling.function() {
            Function::Empty => boolean(items.is_empty()),
            Function::Count => vec![Item::Integer(items.len() as i64)],
            Function::Not => {
                let found = condition(&items).ok_or_else(|| wrong(at, &error::SINGLE, "not"))?;
                found.map(|found| Item::Boolean(!found)).into_iter().collect()
            }
            Function::AllTrue => boolean(!self.any(&items, false, calling)?),
            Function::AnyTrue => boolean(self.any(&items, true, calling)?),
            Function::AllFalse => boolean(!self.any(&items, true, calling)?),
            Function::AnyFalse => boolean(self.any(&items, false, calling)?),
            Function::Distinct => self.distinct(items, at)?,
            Function::IsDistinct => {
                let all = items.len();
                boolean(self.distinct(items, at)?.len() == all)
            }
            Function::Single if items.len() > 1 => return Err(wrong(at, &error::SINGLE, "single")),
            Function::Single => items,
            Function::First => {
                items.truncate(1);
                items
            }
            Function::Last => items.pop().into_iter().collect(),
            Function::Tail => items.into_iter().skip(1).collect(),
            Function::Children => {
                let mut out = Vec::new();
                items.iter().for_each(|item| children(item, &mut out));
                self.bounded(out.len(), at)?;
                out
            }
            Function::Descendants => self.descendants(&items, at)?,
            _ => items.iter().map(Item::type_name).map(|(namespace, name)| Item::Type(namespace, name)).collect(),
        })
    }

    /// Whether any of the items is that Boolean; what is none is an error.
    fn any(&self, items: &[Item<'a>], wanted: bool, calling: Calling<'_, 'a>) -> Result<bool> {
        let mut found = false;
        for item in items {
            match item.system() {
                Some(Item::Boolean(value)) => found |= value == wanted,
                None => {}
                _ => return Err(calling.refused()),
            }
        }
        Ok(found)
    }

    /// Everything within the items, each before what is in it.
    fn descendants(&mut self, items: &[Item<'a>], at: u32) -> Result<Items<'a>> {
        let mut out: Items<'a> = Vec::new();
        let mut waiting: Items<'a> = Vec::new();
        items.iter().for_each(|item| children(item, &mut waiting));
        waiting.reverse();
        let mut inner = Vec::new();
        while let Some(item) = waiting.pop() {
            children(&item, &mut inner);
            self.spend(1 + inner.len(), at)?;
            waiting.extend(inner.drain(..).rev());
            out.push(item);
            self.bounded(out.len() + waiting.len(), at)?;
        }
        Ok(out)
    }

    pub(super) fn of_collections(&mut self, calling: Calling<'_, 'a>, items: Items<'a>) -> Result<Items<'a>> {
        let at = calling.at;
        let mut items = items;
        if matches!(calling.function(), Function::Skip | Function::Take) {
            let number = self.integer_argument(calling, 0)?;
            let number = number.map(|number| usize::try_from(number).unwrap_or(0));
            return Ok(match (calling.function(), number) {
                (_, None) => Vec::new(),
                (Function::Skip, Some(number)) => items.into_iter().skip(number).collect(),
                (_, Some(number)) => {
                    items.truncate(number);
                    items
                }
            });
        }
        let others = self.argument(calling, 0)?;
        match calling.function() {
            Function::Union => self.union(items, others, at),
            Function::Combine => {
                self.bounded(items.len() + others.len(), at)?;
                items.extend(others);
                Ok(items)
            }
            Function::SubsetOf => Ok(boolean(self.is_within(&items, &others, at)?)),
            Function::SupersetOf => Ok(boolean(self.is_within(&others, &items, at)?)),
            wanted => {
                self.spend(items.len().saturating_mul(others.len()), at)?;
                let context = self.context;
                let has = |item: &Item<'a>| others.iter().any(|other| equal(item, other, context) == Some(true));
                items.retain(|item| has(item) == (wanted == Function::Intersect));
                if wanted == Function::Intersect { self.distinct(items, at) } else { Ok(items) }
            }
        }
    }

    fn is_within(&mut self, items: &[Item<'a>], others: &[Item<'a>], at: u32) -> Result<bool> {
        self.spend(items.len().saturating_mul(others.len()), at)?;
        let context = self.context;
        Ok(items.iter().all(|item| others.iter().any(|other| equal(item, other, context) == Some(true))))
    }

    /// Both collections, each item once.
    pub(in super::super) fn union(&mut self, mut left: Items<'a>, right: Items<'a>, at: u32) -> Result<Items<'a>> {
        left.extend(right);
        self.bounded(left.len(), at)?;
        self.distinct(left, at)
    }

    /// Each item once, in the order of their first occurrence.
    pub(super) fn distinct(&mut self, items: Items<'a>, at: u32) -> Result<Items<'a>> {
        if items.len() < 2 {
            return Ok(items);
        }
        // Strings, of which there may be many, need not be compared one with each other.
        if items.len() > 8 {
            let texts: Option<Vec<_>> = items.iter().map(Item::string).collect();
            if let Some(texts) = texts {
                let mut seen = HashSet::with_capacity(items.len());
                let mut is_new = texts.iter().map(|text| seen.insert(text.as_ref()));
                return Ok(items.into_iter().filter(|_| is_new.next() == Some(true)).collect());
            }
        }
        let mut out: Items<'a> = Vec::with_capacity(items.len());
        for item in items {
            self.spend(out.len(), at)?;
            if !out.iter().any(|known| equal(known, &item, self.context) == Some(true)) {
                out.push(item);
            }
        }
        Ok(out)
    }
}
