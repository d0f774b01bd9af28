//! Whether a text is a unit of UCUM (ucum.org, sections 2 and 3, case-sensitive), strictly: `mm[Hg]` is one, `mmHg` and `IU` are
//! none. Nothing is computed, so logarithmic and arbitrary units count too. The symbols are those of the tables of UCUM 2.2.

use super::table::{PREFIXES, UNITS};
use super::{DEPTH_MAX, UNIT_BYTES_MAX};

/// Units written in other ways than UCUM writes them, which are read nevertheless where values are compared.
const LENIENT: [&str; 2] = ["mmHg", "cmH2O"];
/// The prefixes of powers of 1024, beside the metric ones.
const BINARY: [&str; 4] = ["Ki", "Mi", "Gi", "Ti"];

/// Units that take prefixes, beside those that values are compared by.
#[rustfmt::skip]
const METRIC: &[&str] = &[
    "B", "B[10.nV]", "B[SPL]", "B[V]", "B[W]", "B[kW]", "B[mV]", "B[uV]", "Bd", "Cel", "Gb", "Lmb", "Np",
    "Oe", "[G]", "[c]", "[e]", "[eps_0]", "[h]", "[k]", "[ly]", "[m_e]", "[m_p]", "[mu_0]", "pc", "ph", "sb",
    "st", "tex",
];

/// Units that take none.
#[rustfmt::skip]
const PLAIN: &[&str] = &[
    "%[slope]", "AU", "[Btu_39]", "[Btu_59]", "[Btu_60]", "[Btu_IT]", "[Btu_m]", "[Btu_th]", "[FNU]", "[NTU]",
    "[acr_br]", "[acr_us]", "[bbl_us]", "[bf_i]", "[bu_br]", "[bu_us]", "[car_Au]", "[ch_br]", "[ch_us]",
    "[cicero]", "[cml_i]", "[cr_i]", "[crd_us]", "[cyd_i]", "[den]", "[didot]", "[dpt_us]", "[dqt_us]",
    "[fdr_br]", "[ft_br]", "[ft_us]", "[fth_br]", "[fth_i]", "[fth_us]", "[fur_us]", "[gal_wi]", "[gil_br]",
    "[hd_i]", "[hp'_C]", "[hp'_M]", "[hp'_Q]", "[hp'_X]", "[hp_C]", "[hp_M]", "[hp_Q]", "[hp_X]", "[in_br]",
    "[in_us]", "[kn_br]", "[kp_M]", "[kp_Q]", "[kp_X]", "[lb_ap]", "[lcwt_av]", "[ligne]", "[lk_br]",
    "[lk_us]", "[lne]", "[lton_av]", "[m/s2/Hz^(1/2)]", "[mesh_i]", "[mi_br]", "[mi_us]", "[mil_i]",
    "[mil_us]", "[min_br]", "[nmi_br]", "[oz_m]", "[p'diop]", "[pH]", "[pc_br]", "[pca]", "[pca_pr]",
    "[pied]", "[pk_br]", "[pk_us]", "[pnt]", "[pnt_pr]", "[pouce]", "[pwt_tr]", "[qt_br]", "[rch_us]",
    "[rd_br]", "[rd_us]", "[rlk_us]", "[sct]", "[scwt_av]", "[smi_us]", "[smoot]", "[srd_us]", "[ston_av]",
    "[syd_i]", "[twp]", "[yd_br]", "[yd_us]", "bit_s",
];

/// Whether it is a unit of UCUM. A space may stand in an annotation, as in the units that R4 lists as common (`{clock time}`),
/// though UCUM has none there.
pub fn is_unit(text: &str) -> bool {
    let mut reader = Reader { left: text };
    text.len() <= UNIT_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') && reader.main().is_some()
}

/// The grammar of UCUM (section 2.3): what is read goes from `left`.
struct Reader<'a> {
    left: &'a str,
}

impl<'a> Reader<'a> {
    fn main(&mut self) -> Option<()> {
        self.take('/');
        self.term(0)?;
        self.left.is_empty().then_some(())
    }

    fn term(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.component(depth)?;
        while self.take('.') || self.take('/') {
            self.component(depth)?;
        }
        Some(())
    }

    /// Something in brackets, a number, a unit with its exponent; each with or without an annotation, or one alone.
    fn component(&mut self, depth: usize) -> Option<()> {
        if self.left.starts_with('{') {
            return self.annotation();
        }
        if self.take('(') {
            self.take('/');
            self.term(depth + 1)?;
            self.take(')').then_some(())?;
        } else {
            self.simple()?;
        }
        if self.left.starts_with('{') { self.annotation() } else { Some(()) }
    }

    fn simple(&mut self) -> Option<()> {
        let digits = self.digits();
        let is_ten = digits == "10" && (self.take('*') || self.take('^'));
        match digits {
            "" => {
                let symbol = self.symbol()?;
                is_symbol(symbol).then_some(())?;
            }
            _ if is_ten => {}
            // A number has no exponent, and no unit stands right behind it.
            _ => return self.left.chars().next().is_none_or(|c| "./){".contains(c)).then_some(()),
        }
        let is_signed = self.take('-') || self.take('+');
        (!self.digits().is_empty() || !is_signed).then_some(())
    }

    fn digits(&mut self) -> &'a str {
        self.cut(self.left.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.left.len()))
    }

    /// Up to an exponent, an operator, a bracket or an annotation; what stands between `[` and `]` is one piece.
    fn symbol(&mut self) -> Option<&'a str> {
        let mut inside = false;
        let end = self.left.find(|c: char| {
            inside = (inside || c == '[') && c != ']';
            !inside && (c.is_ascii_digit() || "./(){}+-".contains(c))
        });
        let symbol = self.cut(end.unwrap_or(self.left.len()));
        (!symbol.is_empty() && !inside).then_some(symbol)
    }

    fn annotation(&mut self) -> Option<()> {
        let (said, rest) = self.left.strip_prefix('{')?.split_once('}')?;
        self.left = rest;
        (!said.contains('{')).then_some(())
    }

    fn take(&mut self, mark: char) -> bool {
        let rest = self.left.strip_prefix(mark);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }

    fn cut(&mut self, end: usize) -> &'a str {
        let (cut, rest) = self.left.split_at_checked(end).unwrap_or((self.left, ""));
        self.left = rest;
        cut
    }
}

/// Whether it is a unit, with or without a prefix where it takes one.
fn is_symbol(symbol: &str) -> bool {
    let prefixes = PREFIXES.iter().map(|(prefix, _)| *prefix).filter(|prefix| prefix.is_ascii()).chain(BINARY);
    is_atom(symbol, false)
        || prefixes.filter_map(|prefix| symbol.strip_prefix(prefix)).any(|rest| !rest.is_empty() && is_atom(rest, true))
}

fn is_atom(symbol: &str, with_prefix: bool) -> bool {
    let in_table = UNITS.iter().any(|unit| unit.0 == symbol && (unit.1 || !with_prefix));
    (in_table && !LENIENT.contains(&symbol)) || METRIC.contains(&symbol) || (!with_prefix && PLAIN.contains(&symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "mg/dL 10*3/uL 10*-6 10^9/L m[IU]/L kg.m2 {beats}/min /min mm[Hg] cm[H2O] % 1 [pH] dB B[SPL] dB[SPL] \
                         %/100{WBC} m[iU]/mL{whole} mol/kg{H2O} (m.s)/kg /(kg.h) KiBy [m/s2/Hz^(1/2)] mCel Cel [degF] m+2 ng/(8.h) {a} a mo '' MG";
    const WRONG: &str = "IU mmHg cmH2O MG/DL mg/dl/ mg//dL / . m- 2m (m m) () {a a} {a{b}} {a}{b} k[degF] kmin [ [ph] \u{b5}g kk k 10** m2s \
                         mg{全血} Kg cc percent";

    #[test]
    fn units_are_told_from_what_is_none() {
        for unit in RIGHT.split_whitespace().chain(["{clock time}"]) {
            assert!(is_unit(unit), "{unit}");
        }
        for none in WRONG.split_whitespace().chain(["", "m 2", " m", "m "]) {
            assert!(!is_unit(none), "{none}");
        }
    }

    #[test]
    fn there_are_limits() {
        let long = |bytes: usize| format!("m{{{}}}", "x".repeat(bytes - 3));
        assert!(is_unit(&long(UNIT_BYTES_MAX)) && !is_unit(&long(UNIT_BYTES_MAX + 1)));
        let deep = |depth: usize| format!("{}m{}", "(".repeat(depth), ")".repeat(depth));
        assert!(is_unit(&deep(DEPTH_MAX)) && !is_unit(&deep(DEPTH_MAX + 1)));
    }

    #[test]
    fn what_is_compared_is_a_unit_where_ucum_writes_it_so() {
        for (symbol, ..) in UNITS {
            assert_eq!(is_unit(symbol), !LENIENT.contains(symbol), "{symbol}");
        }
        assert!(METRIC.iter().chain(PLAIN).all(|symbol| is_unit(symbol)));
    }
}
