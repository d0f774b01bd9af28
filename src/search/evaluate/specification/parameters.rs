//! Search parameters of eleven types as their definitions read them, written by hand from the registry: which elements, and of
//! what R4 type.

/// How an element says something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    Concept,
    Coding,
    /// A `code`, of the system that its binding implies.
    Code(&'static str),
    Identifier,
    /// Of one system, or of any.
    Contact(&'static str),
    Boolean,
    /// A string that is a token.
    StringToken,
    /// Patient `deceased`.
    Deceased,
    Date,
    Text,
    Family,
    HumanName,
    Address,
    Reference,
    /// Where it points to a type.
    ReferenceTo(&'static str),
    Decimal,
    Integer,
    Quantity,
    SampledData,
    Uri,
    /// A uri with a version perhaps.
    Canonical,
    Position,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Token,
    Date,
    String,
    Reference,
    Number,
    Quantity,
    Uri,
    Composite,
    Special,
}

/// A path of elements, and what stands there.
pub(super) type Place = (&'static str, Form);

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) of: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Of a composite, where its elements are.
    pub(super) places: &'static [Place],
    /// Of a composite, what each component reads there.
    pub(super) components: &'static [(Kind, &'static [Place])],
    /// The types of the world that a reference may point to.
    pub(super) targets: &'static [&'static str],
}

/// Every type of the world.
pub(super) const TYPES: [&str; 11] = [
    "Observation",
    "Patient",
    "Encounter",
    "RiskAssessment",
    "MolecularSequence",
    "ValueSet",
    "Group",
    "Organization",
    "Practitioner",
    "Provenance",
    "Location",
];

use Form as F;

const fn plain(of: &'static str, name: &'static str, kind: Kind, places: &'static [Place]) -> Parameter {
    Parameter { of, name, kind, places, components: &[], targets: &[] }
}

const fn token(of: &'static str, name: &'static str, places: &'static [Place]) -> Parameter {
    plain(of, name, Kind::Token, places)
}

const fn date(of: &'static str, name: &'static str, places: &'static [Place]) -> Parameter {
    plain(of, name, Kind::Date, places)
}

const fn string(of: &'static str, name: &'static str, places: &'static [Place]) -> Parameter {
    plain(of, name, Kind::String, places)
}

const fn refers(
    of: &'static str,
    name: &'static str,
    places: &'static [Place],
    targets: &'static [&'static str],
) -> Parameter {
    Parameter { targets, ..plain(of, name, Kind::Reference, places) }
}

const fn composite(
    name: &'static str,
    places: &'static [Place],
    components: &'static [(Kind, &'static [Place])],
) -> Parameter {
    Parameter { components, ..plain("Observation", name, Kind::Composite, places) }
}

const GENDER: Form = F::Code("http://hl7.org/fhir/administrative-gender");
const CODE: (Kind, &[Place]) = (Kind::Token, &[("code", F::Concept)]);
const VALUE: &[Place] = &[("valueQuantity", F::Quantity), ("valueSampledData", F::SampledData)];
const ITSELF: &[Place] = &[("", F::Concept)];
const COMPONENT: &[Place] = &[("component", F::Concept)];
const BOTH: &[Place] = &[("", F::Concept), ("component", F::Concept)];
const PATIENT: &[&str] = &["Patient"];
const ORGANIZATION: &[&str] = &["Organization"];

/// Those that every type has.
pub(super) const OF_EVERY_TYPE: [Parameter; 4] = [
    token("", "_tag", &[("meta.tag", F::Coding)]),
    token("", "_security", &[("meta.security", F::Coding)]),
    plain("", "_profile", Kind::Uri, &[("meta.profile", F::Canonical)]),
    plain("", "_source", Kind::Uri, &[("meta.source", F::Uri)]),
];

pub(super) static ALL: &[Parameter] = &[
    token("Observation", "code", &[("code", F::Concept)]),
    token("Observation", "category", &[("category", F::Concept)]),
    token("Observation", "value-concept", &[("valueCodeableConcept", F::Concept)]),
    token("Observation", "status", &[("status", F::Code("http://hl7.org/fhir/observation-status"))]),
    token("Observation", "identifier", &[("identifier", F::Identifier)]),
    token("Observation", "method", &[("method", F::Concept)]),
    token("Observation", "component-code", &[("component.code", F::Concept)]),
    token("Observation", "combo-code", &[("code", F::Concept), ("component.code", F::Concept)]),
    date(
        "Observation",
        "date",
        &[
            ("effectiveDateTime", F::Date),
            ("effectivePeriod", F::Date),
            ("effectiveTiming", F::Date),
            ("effectiveInstant", F::Date),
        ],
    ),
    date("Observation", "value-date", &[("valueDateTime", F::Date), ("valuePeriod", F::Date)]),
    string("Observation", "value-string", &[("valueString", F::Text), ("valueCodeableConcept.text", F::Text)]),
    refers("Observation", "subject", &[("subject", F::Reference)], &["Patient", "Group", "Location"]),
    refers("Observation", "patient", &[("subject", F::ReferenceTo("Patient"))], PATIENT),
    refers("Observation", "performer", &[("performer", F::Reference)], &["Practitioner", "Organization", "Patient"]),
    refers("Observation", "encounter", &[("encounter", F::Reference)], &["Encounter"]),
    refers("Observation", "has-member", &[("hasMember", F::Reference)], &["Observation", "MolecularSequence"]),
    plain("Observation", "value-quantity", Kind::Quantity, VALUE),
    plain(
        "Observation",
        "component-value-quantity",
        Kind::Quantity,
        &[("component.valueQuantity", F::Quantity), ("component.valueSampledData", F::SampledData)],
    ),
    composite("code-value-quantity", ITSELF, &[CODE, (Kind::Quantity, &[("valueQuantity", F::Quantity)])]),
    composite("code-value-string", ITSELF, &[CODE, (Kind::String, &[("valueString", F::Text)])]),
    composite("code-value-concept", ITSELF, &[CODE, (Kind::Token, &[("valueCodeableConcept", F::Concept)])]),
    composite(
        "code-value-date",
        ITSELF,
        &[CODE, (Kind::Date, &[("valueDateTime", F::Date), ("valuePeriod", F::Date)])],
    ),
    composite("component-code-value-quantity", COMPONENT, &[CODE, (Kind::Quantity, &[("valueQuantity", F::Quantity)])]),
    composite("combo-code-value-quantity", BOTH, &[CODE, (Kind::Quantity, &[("valueQuantity", F::Quantity)])]),
    token("Patient", "active", &[("active", F::Boolean)]),
    token("Patient", "deceased", &[("", F::Deceased)]),
    token("Patient", "gender", &[("gender", GENDER)]),
    token("Patient", "telecom", &[("telecom", F::Contact(""))]),
    token("Patient", "phone", &[("telecom", F::Contact("phone"))]),
    token("Patient", "email", &[("telecom", F::Contact("email"))]),
    token("Patient", "identifier", &[("identifier", F::Identifier)]),
    token("Patient", "language", &[("communication.language", F::Concept)]),
    date("Patient", "birthdate", &[("birthDate", F::Date)]),
    date("Patient", "death-date", &[("deceasedDateTime", F::Date)]),
    string("Patient", "name", &[("name", F::HumanName)]),
    string("Patient", "family", &[("name.family", F::Family)]),
    string("Patient", "given", &[("name.given", F::Text)]),
    string("Patient", "address", &[("address", F::Address)]),
    string("Patient", "address-city", &[("address.city", F::Text)]),
    refers("Patient", "organization", &[("managingOrganization", F::Reference)], ORGANIZATION),
    refers(
        "Patient",
        "general-practitioner",
        &[("generalPractitioner", F::Reference)],
        &["Practitioner", "Organization"],
    ),
    refers("Patient", "link", &[("link.other", F::Reference)], PATIENT),
    token("Encounter", "type", &[("type", F::Concept)]),
    token("Encounter", "class", &[("class", F::Coding)]),
    token("Encounter", "status", &[("status", F::Code("http://hl7.org/fhir/encounter-status"))]),
    token("Encounter", "identifier", &[("identifier", F::Identifier)]),
    date("Encounter", "date", &[("period", F::Date)]),
    date("Encounter", "location-period", &[("location.period", F::Date)]),
    plain("Encounter", "length", Kind::Quantity, &[("length", F::Quantity)]),
    refers("Encounter", "subject", &[("subject", F::Reference)], &["Patient", "Group"]),
    refers("Encounter", "patient", &[("subject", F::ReferenceTo("Patient"))], PATIENT),
    refers("Encounter", "service-provider", &[("serviceProvider", F::Reference)], ORGANIZATION),
    refers("Encounter", "location", &[("location.location", F::Reference)], &["Location"]),
    plain("RiskAssessment", "probability", Kind::Number, &[("prediction.probabilityDecimal", F::Decimal)]),
    date("RiskAssessment", "date", &[("occurrenceDateTime", F::Date)]),
    token("RiskAssessment", "identifier", &[("identifier", F::Identifier)]),
    refers("RiskAssessment", "subject", &[("subject", F::Reference)], &["Patient", "Group"]),
    refers("RiskAssessment", "encounter", &[("encounter", F::Reference)], &["Encounter"]),
    plain("MolecularSequence", "variant-start", Kind::Number, &[("variant.start", F::Integer)]),
    plain("MolecularSequence", "variant-end", Kind::Number, &[("variant.end", F::Integer)]),
    plain("MolecularSequence", "window-start", Kind::Number, &[("referenceSeq.windowStart", F::Integer)]),
    token("MolecularSequence", "identifier", &[("identifier", F::Identifier)]),
    refers("MolecularSequence", "patient", &[("patient", F::Reference)], PATIENT),
    plain("ValueSet", "url", Kind::Uri, &[("url", F::Uri)]),
    token("ValueSet", "version", &[("version", F::StringToken)]),
    token("ValueSet", "status", &[("status", F::Code("http://hl7.org/fhir/publication-status"))]),
    token("ValueSet", "identifier", &[("identifier", F::Identifier)]),
    string("ValueSet", "name", &[("name", F::Text)]),
    date("ValueSet", "date", &[("date", F::Date)]),
    token("Group", "identifier", &[("identifier", F::Identifier)]),
    token("Group", "actual", &[("actual", F::Boolean)]),
    token("Group", "code", &[("code", F::Concept)]),
    refers("Group", "member", &[("member.entity", F::Reference)], &["Practitioner", "Group", "Patient"]),
    refers("Group", "managing-entity", &[("managingEntity", F::Reference)], &["Practitioner", "Organization"]),
    string("Organization", "name", &[("name", F::Text), ("alias", F::Text)]),
    string("Organization", "address", &[("address", F::Address)]),
    string("Organization", "address-city", &[("address.city", F::Text)]),
    token("Organization", "identifier", &[("identifier", F::Identifier)]),
    token("Organization", "active", &[("active", F::Boolean)]),
    token("Organization", "type", &[("type", F::Concept)]),
    refers("Organization", "partof", &[("partOf", F::Reference)], ORGANIZATION),
    string("Practitioner", "name", &[("name", F::HumanName)]),
    string("Practitioner", "family", &[("name.family", F::Family)]),
    string("Practitioner", "given", &[("name.given", F::Text)]),
    token("Practitioner", "identifier", &[("identifier", F::Identifier)]),
    token("Practitioner", "active", &[("active", F::Boolean)]),
    token("Practitioner", "gender", &[("gender", GENDER)]),
    refers(
        "Provenance",
        "target",
        &[("target", F::Reference)],
        &["Observation", "Patient", "Encounter", "Organization", "Group", "Provenance"],
    ),
    refers("Provenance", "agent", &[("agent.who", F::Reference)], &["Practitioner", "Organization", "Patient"]),
    date("Provenance", "recorded", &[("recorded", F::Date)]),
    date("Provenance", "when", &[("occurredDateTime", F::Date)]),
    string("Location", "name", &[("name", F::Text), ("alias", F::Text)]),
    string("Location", "address", &[("address", F::Address)]),
    token("Location", "identifier", &[("identifier", F::Identifier)]),
    token("Location", "status", &[("status", F::Code("http://hl7.org/fhir/location-status"))]),
    plain("Location", "near", Kind::Special, &[("position", F::Position)]),
    refers("Location", "organization", &[("managingOrganization", F::Reference)], ORGANIZATION),
];

/// A parameter of a type.
pub(super) fn find(of: &str, name: &str) -> Option<&'static Parameter> {
    ALL.iter().find(|parameter| parameter.of == of && parameter.name == name)
}
