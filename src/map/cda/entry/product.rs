//! Manufactured products (CDA R2 section 4.3.5.6) to a CodeableConcept, or to a contained Medication where more is told than
//! its code: lot, form, manufacturer, ingredients.

use super::Cx;
use super::actor;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::datatype::{cd, en, ii, pq, rto, ts};
use crate::map::cda::node::{self, Node, attribute, child, children, descend, null_flavor};

/// The id of the contained Medication.
const ID: &str = "medication";

/// A product as a statement names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product<'a> {
    manufactured: Node<'a>,
    material: Node<'a>,
}

/// The product of a statement: `consumable` or `product`.
pub(super) fn of<'a>(node: Node<'a>) -> Option<Product<'a>> {
    let holder = child(node, "consumable").or_else(|| child(node, "product"))?;
    let manufactured = child(holder, "manufacturedProduct")?;
    let material =
        child(manufactured, "manufacturedMaterial").or_else(|| child(manufactured, "manufacturedLabeledDrug"))?;
    Some(Product { manufactured, material })
}

impl<'a> Product<'a> {
    /// The code of the material, when it says anything.
    pub(super) fn code(&self) -> Option<Node<'a>> {
        child(self.material, "code").filter(|code| cd::is_stated(*code))
    }

    /// Whether it names a product by code or name.
    pub(super) fn is_named(&self) -> bool {
        self.code().is_some() || !self.name().is_empty()
    }

    /// Whether it stands for any drug: SNOMED CT "drug or medicament".
    pub(super) fn is_any(&self) -> bool {
        !self.is_named() || child(self.material, "code").is_some_and(|code| attribute(code, "code") == "410942007")
    }

    /// The name of the product.
    pub(super) fn name(&self) -> String {
        en::plain(child(self.material, "name"))
    }

    /// The lot number.
    pub(super) fn lot(&self) -> String {
        child(self.material, "lotNumberText")
            .filter(|lot| null_flavor(*lot).is_none())
            .map(node::text)
            .unwrap_or_default()
    }

    /// The manufacturer, as `Organization/id`.
    pub(super) fn manufacturer(&self, out: &mut Output) -> Option<String> {
        actor::organization(child(self.manufactured, "manufacturerOrganization")?, None, out)
    }

    /// When it expires, a date.
    pub(super) fn expires(&self, out: &mut Output) -> Option<String> {
        let at = child(self.material, "expirationTime")?;
        ts::date(child(at, "high").unwrap_or(at), out)
    }

    /// What tells the product apart: its code, else its name.
    pub(super) fn key(&self, cx: Cx<'_>) -> String {
        match self.code().map(|code| super::identity::code_or_text(code, cx)) {
            Some(code) if !code.is_empty() => code,
            _ => self.name(),
        }
    }

    /// Writes code and text of the product into a CodeableConcept.
    pub(super) fn concept(&self, w: &mut Writer, cx: Cx<'_>, out: &mut Output) {
        let code = child(self.material, "code");
        w.array("coding", |w| {
            if let Some(code) = code {
                cd::codings(w, code, out);
            }
            for kind in generic_kinds(self.material) {
                cd::codings(w, kind, out);
            }
        });
        let text = code.map(|code| cd::text_of(code, cx.within.text)).unwrap_or_default();
        w.string("text", &if text.is_empty() { self.name() } else { text });
    }

    /// Reports what of the product is not carried over.
    pub(super) fn settle(&self, out: &mut Output) {
        const OF_PRODUCT: [&str; 5] = [
            "id",
            "manufacturedMaterial",
            "manufacturedLabeledDrug",
            "manufacturerOrganization",
            "manufacturedDrugOrOtherMaterial",
        ];
        const OF_MATERIAL: [&str; 10] = [
            "code",
            "name",
            "lotNumberText",
            "expirationTime",
            "formCode",
            "asContent",
            "ingredient",
            "asSpecializedKind",
            "desc",
            "asManufacturedProduct",
        ];
        super::account::account(self.manufactured, &OF_PRODUCT, out);
        super::account::account(self.material, &OF_MATERIAL, out);
    }
}

/// Writes `medicationCodeableConcept`, or `contained` and `medicationReference`; `vehicles` are further ingredients, `form`
/// the form as the statement tells it. A statement without a product has its words, else "unknown".
pub(super) fn medication(
    w: &mut Writer,
    product: Option<Product<'_>>,
    told: &str,
    more: More<'_>,
    cx: Cx<'_>,
    out: &mut Output,
) {
    let Some(product) = product.filter(Product::is_named) else {
        return w
            .object("medicationCodeableConcept", |w| w.string("text", if told.is_empty() { "unknown" } else { told }));
    };
    let mut detail = Writer::default();
    details(&mut detail, product, more, cx, out);
    if detail.is_empty() {
        return w.object("medicationCodeableConcept", |w| product.concept(w, cx, out));
    }
    w.array("contained", |w| {
        w.item(|w| {
            w.string("resourceType", "Medication");
            w.string("id", ID);
            w.object("code", |w| product.concept(w, cx, out));
            w.members(detail);
        });
    });
    w.reference("medicationReference", &format!("#{ID}"));
}

/// What a statement tells of its product beside it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct More<'a> {
    /// `administrationUnitCode`.
    pub(super) form: Option<Node<'a>>,
    /// Playing entities of participants that are vehicles or diluents.
    pub(super) vehicles: &'a [Node<'a>],
}

fn details(w: &mut Writer, product: Product<'_>, more: More<'_>, cx: Cx<'_>, out: &mut Output) {
    let material = product.material;
    let organization = child(product.manufactured, "manufacturerOrganization");
    let manufacturer = organization.filter(|o| ii::key(*o).is_some()).and_then(|_| product.manufacturer(out));
    w.object("manufacturer", |w| {
        w.string("reference", manufacturer.as_deref().unwrap_or_default());
        w.string("display", &en::plain(organization.and_then(|o| child(o, "name"))));
    });
    let package = descend(material, &["asContent", "containerPackagedMedicine"]);
    let form = child(material, "formCode").or(more.form).filter(|form| cd::is_stated(*form));
    cd::concept(w, "form", form, cx.within.text, out);
    if let Some(capacity) = package.and_then(|package| child(package, "capacityQuantity")) {
        let mut amount = Writer::default();
        if pq::quantity(&mut amount, "numerator", Some(capacity), out) {
            w.object("amount", |w| {
                w.members(amount);
                w.object("denominator", |w| w.raw("value", "1"));
            });
        }
    }
    w.array("ingredient", |w| {
        for ingredient in children(material, "ingredient") {
            w.item(|w| self::ingredient(w, ingredient, cx, out));
        }
        for vehicle in more.vehicles {
            w.item(|w| w.object("itemCodeableConcept", |w| entity_concept(w, *vehicle, cx, out)));
        }
    });
    w.object("batch", |w| {
        w.string("lotNumber", &product.lot());
        w.string("expirationDate", product.expires(out).as_deref().unwrap_or_default());
    });
}

/// An ingredient of the pharmacy extension: `ingredient/{quantity, ingredient/{code, name}}`.
fn ingredient(w: &mut Writer, node: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let substance = child(node, "ingredient").or_else(|| child(node, "ingredientSubstance")).unwrap_or(node);
    let mut item = Writer::default();
    entity_concept(&mut item, substance, cx, out);
    if item.is_empty() {
        return;
    }
    w.object("itemCodeableConcept", |w| w.members(item));
    match attribute(node, "classCode") {
        "ACTI" | "ACTIB" | "ACTIM" | "ACTIR" => w.boolean("isActive", true),
        "IACT" => w.boolean("isActive", false),
        _ => {}
    }
    rto::ratio(w, "strength", child(node, "quantity"), out);
}

/// Code and name of an entity into a CodeableConcept.
pub(super) fn entity_concept(w: &mut Writer, entity: Node<'_>, cx: Cx<'_>, out: &mut Output) {
    let code = child(entity, "code");
    w.array("coding", |w| {
        if let Some(code) = code {
            cd::codings(w, code, out);
        }
    });
    let name = en::plain(child(entity, "name"));
    let text = code.map(|code| cd::text_of(code, cx.within.text)).unwrap_or_default();
    w.string("text", if name.is_empty() { &text } else { &name });
}

/// The generic product this one is a kind of, as codes beside its own (IHE Pharmacy asSpecializedKind).
fn generic_kinds<'a>(material: Node<'a>) -> impl Iterator<Item = Node<'a>> {
    children(material, "asSpecializedKind").filter_map(|kind| descend(kind, &["generalizedMaterialKind", "code"]))
}
