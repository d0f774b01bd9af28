//! Every operation that is offered (OperationDefinition): the one place where it is said.

use crate::audit::What;

/// An operation.
#[derive(Debug)]
pub(in crate::api) struct Operation {
    /// `OperationDefinition.code`, without the `$` of its address.
    pub(in crate::api) name: &'static str,
    /// `OperationDefinition.url`.
    pub(in crate::api) definition: &'static str,
    /// The types it is an operation of.
    pub(in crate::api) on: On,
    /// Whether it can be called at `[base]`.
    pub(in crate::api) system: bool,
    /// Whether it can be called at `[base]/[type]`.
    pub(in crate::api) on_type: bool,
    /// Whether it can be called at `[base]/[type]/[id]`.
    pub(in crate::api) instance: bool,
    /// `OperationDefinition.affectsState`.
    pub(in crate::api) affects_state: bool,
    /// For whom it is, where the types that a role may read do not say.
    pub(in crate::api) is_for: For,
    /// Whether a call of it can do with parameters of primitive types alone.
    pub(in crate::api) is_primitive: bool,
    /// What is not said by its definition; may be empty.
    pub(in crate::api) documentation: &'static str,
    /// What the audit record calls it.
    pub(super) what: What,
    /// Which it is.
    pub(super) run: Run,
}

/// The types an operation is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum On {
    /// Every type.
    Any,
    /// The one of this name.
    Only(&'static str),
}

/// For whom an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum For {
    /// Whoever may read, or write, what it is about.
    Entitled,
    /// The network's office.
    Office,
    /// Whoever may open records in an emergency.
    Emergency,
}

/// Which operation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    AccessReport,
    Convert,
    DocRef,
    Document,
    Duplicates,
    EmergencyAccess,
    EmergencyEnd,
    EmergencyReviews,
    Everything,
    Expand,
    Explain,
    Export,
    Import,
    CrossReference,
    ImportDirectory,
    LastN,
    Link,
    Links,
    LookUp,
    Match,
    Meta,
    MetaAdd,
    MetaDelete,
    Preview,
    Register,
    RegisterBatch,
    RegistrationForm,
    RegistrationReport,
    Revoke,
    Subsumes,
    Summary,
    Translate,
    Unlink,
    Validate,
    ValidateCode,
    WhoCanSee,
}

impl Operation {
    /// Whether it may be called with GET: it changes nothing, and its parameters fit in an address
    /// (operations.html#executing).
    pub(in crate::api) fn by_get(&self) -> bool {
        !self.affects_state && self.is_primitive
    }
}

/// What most have in common.
const PLAIN: Operation = Operation {
    name: "",
    definition: "",
    on: On::Any,
    system: false,
    on_type: false,
    instance: false,
    affects_state: false,
    is_for: For::Entitled,
    is_primitive: true,
    documentation: "",
    what: What::Other,
    run: Run::Meta,
};

/// All operations, in the order of their names.
pub(in crate::api) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "access-report",
        definition: "https://tasuki.example/fhir/OperationDefinition/access-report",
        on: On::Only("Patient"),
        instance: true,
        documentation: "Who has seen what of the patient, newest first, of the audit record: for the network's office. start, \
                        end, _count; next says where it goes on. With Accept: text/html a page in Japanese.",
        what: What::AccessReport,
        run: Run::AccessReport,
        ..PLAIN
    },
    Operation {
        name: "convert",
        definition: "http://hl7.org/fhir/OperationDefinition/Resource-convert",
        system: true,
        is_primitive: false,
        documentation: "Any format that is taken, as the body or in a Binary; answers Parameters with the transaction \
                        Bundle (output) and what was noticed (issues), or with Prefer: return=representation the Bundle.",
        run: Run::Convert,
        ..PLAIN
    },
    Operation {
        name: "docref",
        definition: "http://hl7.org/fhir/uv/ipa/OperationDefinition/docref",
        on: On::Only("DocumentReference"),
        on_type: true,
        documentation: "Dates are compared with the time of care (context.period), or where that is not said with the \
                        date of the reference. Without start and end: the current references. No document is made on \
                        demand here; on-demand=true finds none.",
        what: What::DocRef,
        run: Run::DocRef,
        ..PLAIN
    },
    Operation {
        name: "document",
        definition: "http://hl7.org/fhir/OperationDefinition/Composition-document",
        on: On::Only("Composition"),
        on_type: true,
        instance: true,
        documentation: "A document is given whole or not at all. Everything that the Composition refers to is in it, and \
                        what that refers to, as far as it is here.",
        what: What::Document,
        run: Run::Document,
        ..PLAIN
    },
    Operation {
        name: "duplicates",
        definition: "https://tasuki.example/fhir/OperationDefinition/duplicates",
        on: On::Only("Patient"),
        on_type: true,
        is_for: For::Office,
        documentation: "The work list: pairs of records that may be one person's, with what identifies them and how they agree. \
                        _count, at most 100; after, with what next says, goes on.",
        what: What::LinkReview,
        run: Run::Duplicates,
        ..PLAIN
    },
    Operation {
        name: "emergency-access",
        definition: "https://tasuki.example/fhir/OperationDefinition/emergency-access",
        on: On::Only("Patient"),
        instance: true,
        affects_state: true,
        is_for: For::Emergency,
        documentation: "Opens the record of one patient to the caller for some minutes (minutes, at most 60), for a reason \
                        (reason). What is very restricted, and what the patient has not been told, stays closed. The \
                        facility that keeps the record is notified by a Communication, the network's office reviews it.",
        what: What::EmergencyStarted,
        run: Run::EmergencyAccess,
        ..PLAIN
    },
    Operation {
        name: "emergency-end",
        definition: "https://tasuki.example/fhir/OperationDefinition/emergency-end",
        on: On::Only("Patient"),
        instance: true,
        affects_state: true,
        is_for: For::Emergency,
        documentation: "Closes what emergency-access opened to the caller.",
        what: What::EmergencyStopped,
        run: Run::EmergencyEnd,
        ..PLAIN
    },
    Operation {
        name: "emergency-reviews",
        definition: "https://tasuki.example/fhir/OperationDefinition/emergency-reviews",
        on: On::Only("Consent"),
        on_type: true,
        is_for: For::Office,
        documentation: "The emergencies that nobody has reviewed: Consents of the category emergency-access without a \
                        verification. A review is an update that adds one.",
        what: What::EmergencyReviews,
        run: Run::EmergencyReviews,
        ..PLAIN
    },
    Operation {
        name: "everything",
        definition: "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        on: On::Only("Patient"),
        instance: true,
        documentation: "Of the one record; with person=true of all records that are linked with it, as far as the caller may see \
                        them.",
        what: What::Everything,
        run: Run::Everything,
        ..PLAIN
    },
    Operation {
        name: "expand",
        definition: "http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
        on: On::Only("ValueSet"),
        on_type: true,
        instance: true,
        documentation: "Over the guides that are loaded and what the network's office stored. Flat, but with excludeNested=false. \
                        More than 20,000 codes, or code systems without end, are too costly (filter, offset and count). \
                        What is not loaded is said; no list is shorter for it.",
        what: What::Expand,
        run: Run::Expand,
        ..PLAIN
    },
    Operation {
        name: "explain-access",
        definition: "https://tasuki.example/fhir/OperationDefinition/explain-access",
        instance: true,
        is_for: For::Office,
        documentation: "Whether a client (client, by its id; purpose, where another than its usual one is meant) may see the \
                        resource, and which consent and provision says so.",
        what: What::AccessReview,
        run: Run::Explain,
        ..PLAIN
    },
    Operation {
        name: "export",
        definition: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
        system: true,
        what: What::Export,
        run: Run::Export,
        ..PLAIN
    },
    Operation {
        name: "export",
        definition: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
        on: On::Only("Patient"),
        on_type: true,
        what: What::Export,
        run: Run::Export,
        ..PLAIN
    },
    Operation {
        name: "export",
        definition: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export",
        on: On::Only("Group"),
        instance: true,
        what: What::Export,
        run: Run::Export,
        ..PLAIN
    },
    Operation {
        name: "ihe-pix",
        definition: "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix",
        on: On::Only("Patient"),
        on_type: true,
        documentation: "IHE PIXm ITI-83: sourceIdentifier as system|value, targetSystem any number of times. Only identifiers of \
                        Patients that the caller may see.",
        what: What::CrossReference,
        run: Run::CrossReference,
        ..PLAIN
    },
    Operation {
        name: "import",
        definition: "https://tasuki.example/fhir/OperationDefinition/import",
        system: true,
        affects_state: true,
        is_primitive: false,
        documentation: "The body is application/fhir+ndjson, one resource a line, each stored as by an update; answers \
                        Parameters that count the lines and say why any was refused. No configured role includes it: it \
                        is for a gateway that is open.",
        what: What::Import,
        run: Run::Import,
        ..PLAIN
    },
    Operation {
        name: "import-directory",
        definition: "https://tasuki.example/fhir/OperationDefinition/import-directory",
        on: On::Only("Organization"),
        on_type: true,
        affects_state: true,
        is_for: For::Office,
        is_primitive: false,
        documentation: "The body is a public list of places as text/csv (UTF-8 or Shift_JIS). In the address: kind (hospitals, \
                        care-offices), dry-run, retire, prefecture and category of numbers that are seven digits long. \
                        Answers Parameters with counts, each problem with its row and column, and what is missing in a \
                        newer list.",
        what: What::Import,
        run: Run::ImportDirectory,
        ..PLAIN
    },
    Operation {
        name: "lastn",
        definition: "http://hl7.org/fhir/OperationDefinition/Observation-lastn",
        on: On::Only("Observation"),
        on_type: true,
        documentation: "Name the patient, and category or code.",
        what: What::LastN,
        run: Run::LastN,
        ..PLAIN
    },
    Operation {
        name: "link",
        definition: "https://tasuki.example/fhir/OperationDefinition/link",
        on: On::Only("Patient"),
        instance: true,
        affects_state: true,
        is_for: For::Office,
        documentation: "This record and another (other) are one person's, for a reason (reason). The consents of all records of \
                        a person count for each of them; a denial of any denies.",
        what: What::Link,
        run: Run::Link,
        ..PLAIN
    },
    Operation {
        name: "links",
        definition: "https://tasuki.example/fhir/OperationDefinition/links",
        on: On::Only("Patient"),
        instance: true,
        is_for: For::Office,
        documentation: "The records of the person, and what was found or decided of this record and others.",
        what: What::LinkReview,
        run: Run::Links,
        ..PLAIN
    },
    Operation {
        name: "lookup",
        definition: "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
        on: On::Only("CodeSystem"),
        on_type: true,
        documentation: "Of code systems that are loaded, and of UCUM, language tags, media types and URIs by their form.",
        what: What::LookUp,
        run: Run::LookUp,
        ..PLAIN
    },
    Operation {
        name: "match",
        definition: "http://hl7.org/fhir/OperationDefinition/Patient-match",
        on: On::Only("Patient"),
        on_type: true,
        is_primitive: false,
        documentation: "Compares with what the caller may see, and with nothing else: whoever may see nothing of a person is told \
                        the same as of somebody who is not here.",
        what: What::Match,
        run: Run::Match,
        ..PLAIN
    },
    Operation {
        name: "meta",
        definition: "http://hl7.org/fhir/OperationDefinition/Resource-meta",
        system: true,
        on_type: true,
        instance: true,
        what: What::Meta,
        run: Run::Meta,
        ..PLAIN
    },
    Operation {
        name: "meta-add",
        definition: "http://hl7.org/fhir/OperationDefinition/Resource-meta-add",
        instance: true,
        affects_state: true,
        is_primitive: false,
        documentation: "Makes a new version where something is different afterwards: labels decide who may see it.",
        what: What::MetaAdd,
        run: Run::MetaAdd,
        ..PLAIN
    },
    Operation {
        name: "meta-delete",
        definition: "http://hl7.org/fhir/OperationDefinition/Resource-meta-delete",
        instance: true,
        affects_state: true,
        is_primitive: false,
        documentation: "Makes a new version where something is different afterwards: labels decide who may see it.",
        what: What::MetaDelete,
        run: Run::MetaDelete,
        ..PLAIN
    },
    Operation {
        name: "preview-consent",
        definition: "https://tasuki.example/fhir/OperationDefinition/preview-consent",
        on: On::Only("Patient"),
        instance: true,
        is_for: For::Office,
        is_primitive: false,
        documentation: "What a Consent, sent as the body, would open and close were it signed now. Nothing is stored.",
        what: What::AccessReview,
        run: Run::Preview,
        ..PLAIN
    },
    Operation {
        name: "register",
        definition: "https://tasuki.example/fhir/OperationDefinition/register",
        on: On::Only("Patient"),
        on_type: true,
        affects_state: true,
        is_for: For::Office,
        is_primitive: false,
        documentation: "Enters a form of consent: person, representative, member, source, scope, period, form, basis, \
                        signed, registrar, link, separate, dryRun (docs/registration.md). Answers what it opened, and \
                        which records somebody must look at.",
        what: What::Register,
        run: Run::Register,
        ..PLAIN
    },
    Operation {
        name: "register-batch",
        definition: "https://tasuki.example/fhir/OperationDefinition/register-batch",
        on: On::Only("Patient"),
        on_type: true,
        affects_state: true,
        is_for: For::Office,
        is_primitive: false,
        documentation: "The body is text/csv, one form a row; answers what became of each, with Accept: text/csv as a \
                        table. dryRun.",
        what: What::RegisterBatch,
        run: Run::RegisterBatch,
        ..PLAIN
    },
    Operation {
        name: "registration-form",
        definition: "https://tasuki.example/fhir/OperationDefinition/registration-form",
        on: On::Only("Patient"),
        instance: true,
        is_for: For::Office,
        documentation: "The scan of the form that was entered last for a person, as its bytes; of another with form.",
        what: What::RegistrationForm,
        run: Run::RegistrationForm,
        ..PLAIN
    },
    Operation {
        name: "registration-report",
        definition: "https://tasuki.example/fhir/OperationDefinition/registration-report",
        on: On::Only("Patient"),
        on_type: true,
        is_for: For::Office,
        documentation: "How many were registered, by month and facility (start, end), and whose registration ends \
                        within so many days (expires-within). With Accept: text/csv as a table.",
        what: What::RegistrationReport,
        run: Run::RegistrationReport,
        ..PLAIN
    },
    Operation {
        name: "revoke",
        definition: "https://tasuki.example/fhir/OperationDefinition/revoke",
        on: On::Only("Patient"),
        on_type: true,
        instance: true,
        affects_state: true,
        is_for: For::Office,
        is_primitive: false,
        documentation: "Enters a withdrawal, of everything or for members and sources: date, member, source, person (at \
                        the type), representative, form, basis, registrar, dryRun. Answers what it closed.",
        what: What::Revoke,
        run: Run::Revoke,
        ..PLAIN
    },
    Operation {
        name: "subsumes",
        definition: "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
        on: On::Only("CodeSystem"),
        on_type: true,
        instance: true,
        what: What::Subsumes,
        run: Run::Subsumes,
        ..PLAIN
    },
    Operation {
        name: "summary",
        definition: "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
        on: On::Only("Patient"),
        on_type: true,
        instance: true,
        documentation: "The International Patient Summary of what the caller may see. At the type, identifier names the \
                        patient.",
        what: What::Summary,
        run: Run::Summary,
        ..PLAIN
    },
    Operation {
        name: "translate",
        definition: "http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
        on: On::Only("ConceptMap"),
        on_type: true,
        instance: true,
        documentation: "Without url by every concept map that is loaded, those of this site among them.",
        what: What::Translate,
        run: Run::Translate,
        ..PLAIN
    },
    Operation {
        name: "unlink",
        definition: "https://tasuki.example/fhir/OperationDefinition/unlink",
        on: On::Only("Patient"),
        instance: true,
        affects_state: true,
        is_for: For::Office,
        documentation: "This record and another (other) are not one person's, for a reason (reason); without other, this record \
                        is none of the person's to whose records it is linked. The rules do not link them again.",
        what: What::Unlink,
        run: Run::Unlink,
        ..PLAIN
    },
    Operation {
        name: "validate",
        definition: "http://hl7.org/fhir/OperationDefinition/Resource-validate",
        on_type: true,
        instance: true,
        documentation: "What a create or an update would say, and what the profiles say that are named (profile, any number), \
                        that the resource claims, and that R4 has; what could not be checked is said.",
        what: What::Validate,
        run: Run::Validate,
        ..PLAIN
    },
    Operation {
        name: "validate-code",
        definition: "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
        on: On::Only("CodeSystem"),
        on_type: true,
        instance: true,
        documentation: "A code that only groups others is right with abstract=true alone.",
        what: What::ValidateCode,
        run: Run::ValidateCode,
        ..PLAIN
    },
    Operation {
        name: "validate-code",
        definition: "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
        on: On::Only("ValueSet"),
        on_type: true,
        instance: true,
        documentation: "A code that only groups others is right with abstract=true alone. Of a value set that cannot be decided \
                        nothing is said but what is missing (422).",
        what: What::ValidateCode,
        run: Run::ValidateCode,
        ..PLAIN
    },
    Operation {
        name: "who-can-see",
        definition: "https://tasuki.example/fhir/OperationDefinition/who-can-see",
        on: On::Only("Patient"),
        instance: true,
        is_for: For::Office,
        documentation: "Each client that may see something of the patient now, how many resources of which types, by which \
                        consents; of one resource alone with resource, every client with all=true.",
        what: What::AccessReview,
        run: Run::WhoCanSee,
        ..PLAIN
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_each_can_be_called() {
        assert!(OPERATIONS.windows(2).all(|pair| pair[0].name <= pair[1].name));
        for operation in OPERATIONS {
            assert!(operation.system || operation.on_type || operation.instance, "{}", operation.name);
            assert!(!(operation.affects_state && operation.by_get()), "{}", operation.name);
            assert!(operation.definition.contains("/OperationDefinition/"), "{}", operation.name);
        }
    }
}
