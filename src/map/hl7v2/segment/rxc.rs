//! RXC pharmacy component (HL7 v2.5 section 4.14.3) to a contained Medication (JP_Medication): mixtures.

use crate::decode::hl7v2::Segment;
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::unit::Unit;

/// A component whose amount is not a number.
pub static AMOUNT_NOT_A_NUMBER: Rule = Rule {
    id: "v2-component-amount",
    severity: Severity::Warning,
    code: IssueType::Value,
    en: "The amount of this component is not a number; the component was kept without it.",
    ja: "成分の量が数値として読めないため、量なしで残しました。",
};

/// The id by which the request refers to it.
pub(crate) const ID: &str = "mixture";

/// Writes `contained` with a Medication of these components; `form` is RXE-6, the drug itself RXE-2.
pub(crate) fn contained(w: &mut Writer, drug: Segment<'_>, components: &[Segment<'_>], out: &mut Output) {
    w.array("contained", |w| {
        w.item(|w| {
            w.string("resourceType", "Medication");
            w.string("id", ID);
            cwe::concept(w, "code", drug.field(2), "", out);
            w.string("status", "active");
            cwe::concept(w, "form", drug.field(6), "", out);
            w.array("ingredient", |w| {
                for component in components {
                    w.item(|w| ingredient(w, *component, out));
                }
            });
        });
    });
}

/// RXC-1 `B` is a base, `A` an additive; R4 says only whether an ingredient acts, which neither does.
fn ingredient(w: &mut Writer, component: Segment<'_>, out: &mut Output) {
    component.field(1);
    w.object("itemCodeableConcept", |w| {
        w.array("coding", |w| {
            cwe::codings(w, component.field(2), "", out);
            for supplement in component.field(7).repetitions() {
                cwe::codings(w, supplement, "", out);
            }
        });
        w.string("text", &cwe::text(component.field(2)));
    });
    let (amount, unit) = (component.field(3), Unit::of_field(component.field(4), out));
    let Some(value) = decimal(&amount.text()) else {
        if amount.is_valued() {
            out.doubt(&AMOUNT_NOT_A_NUMBER, &amount);
        }
        return;
    };
    w.object("strength", |w| {
        unit.decimal(w, "numerator", &value);
        Unit::per_administration().decimal(w, "denominator", "1");
    });
}
