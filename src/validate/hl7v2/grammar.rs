//! The order of the segments of a message (HL7 v2.5 section 2.13), as a small automaton: what stands where it must not, what is
//! missing, and going on behind either.

use super::DEVIATIONS_MAX;

/// The order of the segments of one type of message.
#[derive(Debug)]
pub(super) struct Grammar {
    /// For each state where it leads: by a segment, or without one.
    states: Vec<Vec<(Option<&'static str>, usize)>>,
    end: usize,
    pub(super) source: &'static str,
}

/// Something out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw<'n> {
    /// Before or at which segment, by its position; the number of segments for the end of the message.
    pub(super) at: usize,
    /// The segment that is there; empty at the end.
    pub(super) name: &'n str,
    /// The segment that is missing before it.
    pub(super) missing: Option<&'static str>,
}

impl Grammar {
    /// Reads `MSH EVN? (ORC RXE+)*`; none for what is no such thing.
    pub(super) fn read(text: &'static str, source: &'static str) -> Option<Grammar> {
        let mut grammar = Grammar { states: vec![Vec::new()], end: 0, source };
        let mut open: Vec<usize> = Vec::new();
        let mut at = 0;
        for word in text.split_whitespace() {
            let plain = word.trim_start_matches('(');
            for _ in plain.len()..word.len() {
                open.push(at);
                at = grammar.step(at, None);
            }
            let mut pieces = plain.split(')');
            let (segment, sign) = signed(pieces.next()?);
            let is_name = segment.len() == 3 && segment.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            let start = grammar.step(at, None);
            at = grammar.step(start, Some(segment).filter(|_| is_name)?.into());
            at = grammar.repeated(start, at, sign)?;
            for sign in pieces {
                at = grammar.repeated(open.pop()?, at, sign)?;
            }
        }
        grammar.end = at;
        open.is_empty().then_some(grammar)
    }

    fn step(&mut self, from: usize, by: Option<&'static str>) -> usize {
        let to = self.states.len();
        self.states.push(Vec::new());
        self.lead(from, by, to);
        to
    }

    fn lead(&mut self, from: usize, by: Option<&'static str>, to: usize) {
        if let Some(state) = self.states.get_mut(from) {
            state.push((by, to));
        }
    }

    /// What `?`, `*` and `+` say of what lies between two states.
    fn repeated(&mut self, start: usize, end: usize, sign: &str) -> Option<usize> {
        let end = self.step(end, None);
        match sign {
            "" => {}
            "?" => self.lead(start, None, end),
            "+" => self.lead(end, None, start),
            "*" => {
                self.lead(start, None, end);
                self.lead(end, None, start);
            }
            _ => return None,
        }
        Some(end)
    }

    /// Whether a segment of that name may stand anywhere.
    pub(super) fn has(&self, name: &str) -> bool {
        self.states.iter().flatten().any(|(by, _)| *by == Some(name))
    }

    /// What is out of order. Segments of a sender's own (`Z..`) that the type does not have may stand anywhere.
    pub(super) fn check<'n>(&self, names: &[&'n str]) -> Vec<Flaw<'n>> {
        let mut flaws = Vec::new();
        let mut current = self.reach(vec![0]);
        for (at, name) in names.iter().enumerate() {
            let next = self.by(&current, name);
            if !next.is_empty() {
                current = next;
                continue;
            }
            let is_known = self.has(name);
            if name.starts_with('Z') && !is_known {
                continue;
            }
            // Nothing leads to what the type does not have; and what is behind the last that is listed need not be told apart.
            let is_tried = is_known && flaws.len() < DEVIATIONS_MAX;
            let leads = |states: &[usize]| !self.by(states, name).is_empty();
            match if is_tried { self.gap(&current, leads) } else { None } {
                Some((missing, states)) => {
                    flaws.extend(missing.into_iter().map(|missing| Flaw { at, name, missing: Some(missing) }));
                    current = self.by(&states, name);
                }
                None => flaws.push(Flaw { at, name, missing: None }),
            }
        }
        if let Some((missing, _)) = self.gap(&current, |states| states.contains(&self.end)) {
            flaws.extend(missing.into_iter().map(|missing| Flaw { at: names.len(), name: "", missing: Some(missing) }));
        }
        flaws
    }

    /// The fewest segments that are missing before it goes on, at most three, and the states behind them.
    fn gap(&self, from: &[usize], goes_on: impl Fn(&[usize]) -> bool) -> Option<(Vec<&'static str>, Vec<usize>)> {
        let mut tried = vec![(Vec::new(), from.to_vec())];
        for _ in 0..=3 {
            if let Some(found) = tried.iter().position(|(_, states)| goes_on(states)) {
                return Some(tried.swap_remove(found));
            }
            let mut longer = Vec::new();
            for (missing, states) in &tried {
                for name in self.expected(states) {
                    let mut missing: Vec<&'static str> = missing.clone();
                    missing.push(name);
                    longer.push((missing, self.by(states, name)));
                }
            }
            tried = longer;
        }
        None
    }

    /// What may come next, in the order of the grammar.
    fn expected(&self, states: &[usize]) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for name in states.iter().filter_map(|state| self.states.get(*state)).flatten().filter_map(|(by, _)| *by) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Where a segment leads.
    fn by(&self, states: &[usize], name: &str) -> Vec<usize> {
        let leads = states.iter().filter_map(|state| self.states.get(*state)).flatten();
        self.reach(leads.filter(|(by, _)| *by == Some(name)).map(|(_, to)| *to).collect())
    }

    /// These states and those they lead to without a segment.
    fn reach(&self, mut states: Vec<usize>) -> Vec<usize> {
        let mut at = 0;
        while let Some(state) = states.get(at).copied() {
            at += 1;
            for (_, to) in self.states.get(state).into_iter().flatten().filter(|(by, _)| by.is_none()) {
                if !states.contains(to) {
                    states.push(*to);
                }
            }
        }
        states
    }
}

/// A name and the sign behind it.
fn signed(text: &'static str) -> (&'static str, &'static str) {
    text.split_at(text.find(['?', '*', '+']).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(grammar: &'static str, names: &str) -> String {
        let names: Vec<&str> = names.split_whitespace().collect();
        let flaws = Grammar::read(grammar, "").unwrap().check(&names);
        let one = |flaw: Flaw<'_>| match flaw.missing {
            Some(missing) => format!("{}-{missing}", flaw.at),
            None => format!("{}!{}", flaw.at, flaw.name),
        };
        flaws.into_iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn order_repetition_and_groups() {
        const ORDERS: &str = "MSH PID? (ORC (TQ1 TQ2*)* RXE+ (RXR NTE*)?)+ DSC?";
        for (names, expected) in [
            ("MSH ORC RXE", ""),
            ("MSH PID ORC TQ1 TQ2 TQ2 TQ1 RXE RXE RXR NTE NTE ORC RXE DSC", ""),
            ("MSH ORC ZZZ RXE", ""),
            ("MSH ORC PID RXE", "2!PID"),
            ("MSH ORC XXX RXE", "2!XXX"),
            ("MSH RXE", "1-ORC"),
            ("MSH ORC RXR", "2-RXE"),
            ("MSH", "1-ORC 1-RXE"),
            ("MSH ORC", "2-RXE"),
            ("MSH ORC RXE NTE", "3-RXR"),
            ("PID ORC RXE", "0-MSH"),
            ("", "0-MSH 0-ORC 0-RXE"),
        ] {
            assert_eq!(said(ORDERS, names), expected, "{names}");
        }
    }

    #[test]
    fn what_is_missing_is_looked_for_only_as_far_as_it_is_listed() {
        let names = |count: usize| format!("MSH{}", " ORC RXE RXR PID".repeat(count));
        let missing = |count: usize| said("MSH (PID ORC RXE RXR)+", &names(count)).matches('-').count();
        // In each round PID is missing before ORC, and comes too early at the end of it.
        assert_eq!((missing(1), missing(2)), (4, 4));
        let long = names(100_000);
        let long: Vec<&str> = long.split_whitespace().collect();
        let grammar = Grammar::read("MSH (PID ORC RXE RXR)+", "").unwrap();
        let gaps = grammar.check(&long).iter().filter(|flaw| flaw.missing.is_some()).count();
        assert!(gaps <= DEVIATIONS_MAX + 3, "{gaps}");
    }

    #[test]
    fn what_is_no_grammar_is_none() {
        for text in ["MSH (PID", "MSH PID)", "msh", "MSH PID!", "(MSH)?x"] {
            assert!(Grammar::read(text, "").is_none(), "{text}");
        }
    }
}
