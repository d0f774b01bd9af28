//! Names as frequent as they are: family names by their bearers, given names by rank.

use crate::dice::Dice;

/// A name and its reading in hiragana.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    pub kanji: String,
    pub kana: String,
}

/// Names with the sum of the weights up to each.
pub struct Names(Vec<(u64, Written)>);

impl Names {
    pub fn family() -> Self {
        Self::read(include_str!("surnames.txt"), |_, bearers| bearers)
    }

    /// Given names are not published with their frequencies: rank r is taken to be borne in proportion to 1 / (r + 20).
    pub fn given(is_male: bool) -> Self {
        let text = if is_male { include_str!("given-men.txt") } else { include_str!("given-women.txt") };
        Self::read(text, |rank, _| 1_000_000 / (rank as u64 + 20))
    }

    fn read(text: &str, weight: impl Fn(usize, u64) -> u64) -> Self {
        let mut sum = 0;
        let rows = text.lines().filter(|line| !line.starts_with('#')).enumerate().filter_map(|(rank, line)| {
            let mut cells = line.split(' ');
            let written = Written { kanji: cells.next()?.to_owned(), kana: cells.next()?.to_owned() };
            sum += weight(rank, cells.next().and_then(|n| n.parse().ok()).unwrap_or(0));
            Some((sum, written))
        });
        Names(rows.collect())
    }

    pub fn draw(&self, dice: &mut Dice) -> Written {
        let at = dice.next() % self.0.last().unwrap().0;
        self.0[self.0.partition_point(|(sum, _)| *sum <= at)].1.clone()
    }

    /// Another name with the same reading, or one that shares a character: what is chosen wrongly, or given to a twin.
    pub fn alike(&self, dice: &mut Dice, name: &Written) -> Option<Written> {
        let by_sound = dice.chance(0.5);
        let first = name.kanji.chars().next()?;
        let alike: Vec<&Written> = self
            .0
            .iter()
            .map(|(_, other)| other)
            .filter(|other| other.kanji != name.kanji)
            .filter(|other| if by_sound { other.kana == name.kana } else { other.kanji.starts_with(first) })
            .collect();
        (!alike.is_empty()).then(|| (*dice.pick(&alike)).clone())
    }
}
