//! A contained Medication (JP_Medication): a mixture with its parts, or a product with its lot. JP Core writes every
//! injection so, of one drug or of several.

use crate::decode::hl7v2::{Segment, Value};
use crate::fault::rules;
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::datatype::{cwe, ts};
use crate::map::hl7v2::number::decimal;
use crate::map::hl7v2::segment::obx::REPETITION_LEFT_OUT;
use crate::map::hl7v2::unit::Unit;

rules! {
    pub(crate) PART_AMOUNT_NOT_A_NUMBER "v2-component-amount" Warning Value
        "The amount of this component is not a number; the component was kept without it."
        "成分の量が数値として読めないため、量なしで残しました。"
    pub(crate) DRUG_NOT_NAMED "v2-drug-not-named" Error Required
        "The message does not say which drug this is."
        "薬剤がコードでも名称でも示されていません。"
}

/// The id by which the resource refers to it.
const ID: &str = "medication";

/// The reference to it.
pub(crate) const REFERENCE: &str = "#medication";

/// A part of a mixture: RXC, or an RXA of an infusion.
#[derive(Clone, Debug)]
pub(crate) struct Part<'m> {
    /// Which drug.
    pub(crate) item: Value<'m>,
    /// Further codes of it.
    pub(crate) supplements: Vec<Value<'m>>,
    /// How much of it, of one administration.
    pub(crate) amount: Value<'m>,
    /// The unit of that.
    pub(crate) unit: Value<'m>,
    /// What it is made of and which one it was; makes it a product of its own.
    pub(crate) product: Product<'m>,
}

/// Strength, lot, expiration and manufacturer of a product.
#[derive(Clone, Debug, Default)]
pub(crate) struct Product<'m> {
    /// Strength and its unit.
    pub(crate) strength: Option<(Value<'m>, Value<'m>)>,
    /// The volume and its unit that the strength refers to.
    pub(crate) volume: Option<(Value<'m>, Value<'m>)>,
    /// Lot number.
    pub(crate) lot: String,
    /// Expiration date.
    pub(crate) expires: Option<String>,
    /// The manufacturer, a reference.
    pub(crate) manufacturer: Option<String>,
}

impl<'m> Product<'m> {
    /// Lot, expiration and manufacturer by their field numbers.
    pub(crate) fn of_lot(segment: Segment<'m>, [lot, expires, maker]: [u16; 3], out: &mut Output) -> Self {
        let lot = segment.field(lot);
        if lot.repetitions().count() > 1 {
            out.doubt(&REPETITION_LEFT_OUT, &lot);
        }
        Product {
            lot: lot.component(1).text().trim().to_owned(),
            expires: ts::date_time(segment.field(expires), out),
            manufacturer: manufacturer(segment.field(maker), out),
            ..Product::default()
        }
    }

    /// Whether nothing is known of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.strength.is_none() && self.lot.is_empty() && self.expires.is_none() && self.manufacturer.is_none()
    }

    fn write_batch(&self, w: &mut Writer) {
        w.object("batch", |w| {
            w.string("lotNumber", &self.lot);
            w.string("expirationDate", self.expires.as_deref().unwrap_or_default());
        });
    }
}

/// A CE that names a manufacturer (RXA-17, RXD-20) as an Organization of the patient's record.
pub(crate) fn manufacturer(value: Value<'_>, out: &mut Output) -> Option<String> {
    let (code, name) = (cwe::code(value), name(value));
    if name.is_empty() {
        return None;
    }
    let table = value.component(3).text();
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            if !code.is_empty() {
                let system = coding_system::resolve(&table, &code, &value.place(), &out.facility).uri;
                w.string("system", &system);
                w.string("value", &code);
            }
        });
    });
    w.string("name", &name);
    let id = out.id(
        ResourceType::ORGANIZATION,
        &format!("maker:{}:{}", table.trim(), if code.is_empty() { &name } else { &code }),
    );
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}

/// Writes the mixture, and before it the parts that are products of their own, as items of `contained`. `code` is what the
/// mixture is called, when it is.
pub(crate) fn mixture(
    w: &mut Writer,
    code: Option<(Value<'_>, &[Value<'_>])>,
    form: Value<'_>,
    parts: &[Part<'_>],
    out: &mut Output,
) {
    for (at, part) in parts.iter().enumerate().filter(|(_, part)| !part.product.is_empty()) {
        w.item(|w| product(w, &part_id(at), (part.item, &part.supplements), None, &part.product, out));
    }
    w.item(|w| {
        w.string("resourceType", "Medication");
        w.string("id", ID);
        if let Some((code, supplements)) = code {
            w.object("code", |w| concept(w, code, supplements, out));
        }
        w.string("status", "active");
        cwe::concept(w, "form", form, "", out);
        w.array("ingredient", |w| {
            for (at, part) in parts.iter().enumerate() {
                w.item(|w| ingredient(w, at, part, out));
            }
        });
    });
}

/// Writes one product as the item of `contained` that the resource refers to.
pub(crate) fn single(
    w: &mut Writer,
    item: (Value<'_>, &[Value<'_>]),
    form: Value<'_>,
    details: &Product<'_>,
    out: &mut Output,
) {
    w.item(|w| product(w, ID, item, Some(form), details, out));
}

fn product(
    w: &mut Writer,
    id: &str,
    (item, supplements): (Value<'_>, &[Value<'_>]),
    form: Option<Value<'_>>,
    details: &Product<'_>,
    out: &mut Output,
) {
    w.string("resourceType", "Medication");
    w.string("id", id);
    w.object("code", |w| concept(w, item, supplements, out));
    w.string("status", "active");
    w.reference("manufacturer", details.manufacturer.as_deref().unwrap_or_default());
    if let Some(form) = form {
        cwe::concept(w, "form", form, "", out);
    }
    w.array("ingredient", |w| {
        let Some((strength, unit)) = details.strength else { return };
        let Some(value) = decimal(&strength.text()) else { return };
        w.item(|w| {
            w.object("itemCodeableConcept", |w| concept(w, item, supplements, out));
            w.object("strength", |w| {
                Unit::of_field(unit, out).decimal(w, "numerator", &value);
                let volume = details.volume.and_then(|(volume, unit)| Some((decimal(&volume.text())?, unit)));
                match volume {
                    Some((volume, unit)) => Unit::of_field(unit, out).decimal(w, "denominator", &volume),
                    None => w.object("denominator", |w| w.integer("value", 1)),
                }
            });
        });
    });
    details.write_batch(w);
}

/// R4 says of an ingredient only whether it acts, so a base (RXC-1 `B`) and an additive look alike.
fn ingredient(w: &mut Writer, at: usize, part: &Part<'_>, out: &mut Output) {
    w.array("extension", |w| {
        w.item(|w| {
            w.string("url", &format!("{}JP_Medication_Ingredient_DrugNo", system::JP_EXTENSION));
            w.integer("valueInteger", i64::try_from(at + 1).unwrap_or(i64::MAX));
        });
    });
    if part.product.is_empty() {
        w.object("itemCodeableConcept", |w| concept(w, part.item, &part.supplements, out));
    } else {
        w.object("itemReference", |w| {
            w.string("reference", &format!("#{}", part_id(at)));
            w.string("display", &name(part.item));
        });
    }
    let unit = Unit::of_field(part.unit, out);
    let Some(value) = decimal(&part.amount.text()) else {
        if part.amount.is_valued() {
            out.doubt(&PART_AMOUNT_NOT_A_NUMBER, &part.amount);
        }
        return;
    };
    w.object("strength", |w| {
        w.array("extension", |w| {
            w.item(|w| {
                if unit.is_of_product() {
                    w.string("url", &format!("{}JP_Medication_IngredientStrength_StrengthType", system::JP_EXTENSION));
                    w.object("valueCodeableConcept", product_amount);
                }
            });
        });
        unit.decimal(w, "numerator", &value);
        Unit::per_administration().decimal(w, "denominator", "1");
    });
}

/// Writes 製剤量 into a CodeableConcept: an amount of the product, not of the substance in it.
pub(crate) fn product_amount(w: &mut Writer) {
    const STRENGTH_TYPE: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationIngredientStrengthStrengthType";
    w.array("coding", |w| w.coding_item(STRENGTH_TYPE, "1", "製剤量"));
}

/// Writes `coding` and `text` of a drug with all its codes.
pub(crate) fn concept(w: &mut Writer, item: Value<'_>, supplements: &[Value<'_>], out: &mut Output) {
    let all: Vec<Value<'_>> = std::iter::once(item).chain(supplements.iter().flat_map(Value::repetitions)).collect();
    w.array("coding", |w| cwe::codings_of(w, &all, "", out));
    w.string("text", &name(item));
}

/// Writes `medicationCodeableConcept`; a drug that is neither coded nor named is said to be unknown.
pub(crate) fn coded(w: &mut Writer, item: Value<'_>, supplements: &[Value<'_>], out: &mut Output) {
    w.object("medicationCodeableConcept", |w| {
        if !item.is_valued() && supplements.iter().all(|s| !s.is_valued()) {
            out.doubt(&DRUG_NOT_NAMED, &item);
            absent(w);
        }
        concept(w, item, supplements, out);
    });
}

/// Writes the extension that says that a value is not known.
pub(crate) fn absent(w: &mut Writer) {
    w.array("extension", |w| {
        w.item(|w| {
            w.string("url", system::DATA_ABSENT_REASON);
            w.string("valueCode", "unknown");
        });
    });
}

/// What a person calls a drug.
pub(crate) fn name(item: Value<'_>) -> String {
    let text = cwe::text(item);
    if text.is_empty() { cwe::code(item) } else { text }
}

/// Writes `medicationReference`; a mixture without a name is called by its parts.
pub(crate) fn reference(w: &mut Writer, code: Option<Value<'_>>, parts: &[Part<'_>]) {
    let display = match code {
        Some(code) => name(code),
        None => parts.iter().map(|part| name(part.item)).filter(|n| !n.is_empty()).collect::<Vec<_>>().join("、"),
    };
    w.object("medicationReference", |w| {
        w.string("reference", REFERENCE);
        w.string("display", &display);
    });
}

fn part_id(at: usize) -> String {
    format!("part-{}", at + 1)
}
