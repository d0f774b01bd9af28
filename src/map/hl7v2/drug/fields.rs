//! Where RXE, RXO and RXG say what: the same things stand in different fields.

/// Where a segment has what; 0 where it has no such field.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Which drug.
    pub(crate) drug: u16,
    /// Further codes of it.
    pub(crate) supplement: u16,
    /// Least and most of one time, and their unit.
    pub(crate) dose: [u16; 3],
    /// The amount of a day.
    pub(crate) daily: u16,
    /// Rate: amount, unit, time.
    pub(crate) rate: [u16; 3],
    /// Quantity/timing (TQ) of the segment itself.
    pub(crate) quantity_timing: u16,
    /// Dosage form.
    pub(crate) form: u16,
    /// Strength: amount, unit, volume, unit of the volume.
    pub(crate) strength: [u16; 4],
    /// What whoever gives or takes the drug is told.
    pub(crate) administration: &'static [u16],
    /// What the pharmacist is told.
    pub(crate) dispensing: &'static [u16],
    /// What it is for.
    pub(crate) indication: u16,
    /// Whether another product may be dispensed, and the field's own table.
    pub(crate) substitution: (u16, &'static str),
    /// Amount to dispense, and its unit.
    pub(crate) amount: [u16; 2],
    /// Amount of the first dispensing.
    pub(crate) first_amount: u16,
    /// How often it may be dispensed again.
    pub(crate) refills: u16,
    /// Days between two dispensings.
    pub(crate) interval: u16,
    /// Who dispenses: name, address, telephone.
    pub(crate) pharmacy: [u16; 3],
    /// Who orders, where ORC-12 does not say.
    pub(crate) orderer: u16,
    /// The prescription's number.
    pub(crate) prescription: u16,
    /// When it was first ordered.
    pub(crate) ordered: u16,
    /// Fields ignored by the rules of this module.
    pub(crate) ignored: &'static [u16],
}
