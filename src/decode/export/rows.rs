//! The rows of a part, as its name tells them: `lab.csv#12-14,19` holds rows 12, 13, 14 and 19 of `lab.csv`.

use super::ROWS_MAX;

/// The numbers that the rows of a part have in the file it was cut from; none for what is no part.
pub(super) fn numbers(name: &str) -> Vec<usize> {
    let Some((_, ranges)) = name.rsplit_once('#') else { return Vec::new() };
    let mut numbers = Vec::new();
    for range in ranges.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else { return Vec::new() };
        if last < first || last - first > ROWS_MAX || numbers.len() > ROWS_MAX {
            return Vec::new();
        }
        numbers.extend(first..=last);
    }
    numbers
}

/// The name of a part with these rows, which ascend.
pub(super) fn name_of(file: &str, numbers: &[usize]) -> String {
    use std::fmt::Write;
    let mut name = format!("{file}#");
    let mut rest = numbers;
    while let Some(first) = rest.first() {
        let run = rest.iter().zip(*first..).take_while(|(number, expected)| *number == expected).count();
        let _ = write!(name, "{first}");
        if run > 1 {
            let _ = write!(name, "-{}", first + run - 1);
        }
        rest = rest.get(run..).unwrap_or_default();
        if !rest.is_empty() {
            name.push(',');
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_rows() {
        for (rows, name) in [(&[2][..], "x.csv#2"), (&[2, 3, 4, 9], "x.csv#2-4,9"), (&[1, 3, 5, 6], "x.csv#1,3,5-6")] {
            assert_eq!(name_of("x.csv", rows), name);
            assert_eq!(numbers(name), rows);
        }
        for name in ["x.csv", "x#7.csv", "x.csv#", "x.csv#4-2", "x.csv#1,", "x.csv#1-99999999999", "x.csv#-1"] {
            assert!(numbers(name).is_empty(), "{name}");
        }
        assert!(numbers(&format!("#1-{ROWS_MAX},1-{ROWS_MAX},1-{ROWS_MAX}")).is_empty());
    }
}
