//! Variant and old forms of characters in names (髙 and 高, 邊 and 辺): a table as data, `variants.txt` with its sources.

use std::sync::LazyLock;

const TABLE: &str = include_str!("variants.txt");

/// Variant and the form it is compared as, sorted by the variant.
static VARIANTS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
    let mut pairs: Vec<(char, char)> = TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.chars().next().map(|plain| (plain, line)))
        .flat_map(|(plain, line)| line.chars().skip(1).filter(|c| *c != ' ').map(move |variant| (variant, plain)))
        .collect();
    pairs.sort_unstable();
    pairs
});

/// The form in which a character is compared; itself when it has no variants.
pub(super) fn plain(c: char) -> char {
    if c < '\u{3400}' {
        return c;
    }
    VARIANTS.binary_search_by_key(&c, |(variant, _)| *variant).map_or(c, |at| VARIANTS[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_has_one_plain_form_and_that_has_none() {
        assert!(VARIANTS.windows(2).all(|pair| pair[0].0 != pair[1].0), "a variant stands twice");
        assert!(VARIANTS.iter().all(|(_, to)| plain(*to) == *to), "a plain form is a variant itself");
        assert!(VARIANTS.len() > 350, "{}", VARIANTS.len());
    }

    #[test]
    fn forms_of_one_name_are_one() {
        for forms in
            ["高髙", "崎﨑嵜", "斎齋齊斉", "辺邊邉", "沢澤", "島嶋嶌", "広廣", "国國", "浜濱濵", "桜櫻", "竜龍", "恵惠"]
        {
            let first = forms.chars().next().map(plain);
            assert!(forms.chars().all(|c| Some(plain(c)) == first), "{forms}");
        }
        for (one, other) in [('祐', '佑'), ('岩', '巌'), ('太', '大'), ('健', '建')] {
            assert_ne!(plain(one), plain(other));
        }
    }
}
