//! PRD provider data and CTD contact data (HL7 v2.5 sections 11.6.3 and 11.6.4) to PractitionerRole, Practitioner and
//! Organization of the patient's record.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, pl, ts, xad, xon, xpn, xtn};

/// A provider of a referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    /// PRD-1 codes (HL7 table 0286): RP referring, RT referred to, CP consulting, PP primary.
    pub(crate) roles: Vec<String>,
    /// `PractitionerRole/id`.
    pub(crate) reference: String,
}

/// Which fields a segment has for the same things; 0 where it has none.
#[derive(Clone, Copy)]
struct Fields {
    table: &'static str,
    identifiers: u16,
    start: u16,
    organization: u16,
    organization_address: u16,
    organization_telecom: u16,
}

const PRD: Fields = Fields {
    table: "HL70286",
    identifiers: 7,
    start: 8,
    organization: 10,
    organization_address: 11,
    organization_telecom: 13,
};
const CTD: Fields = Fields {
    table: "HL70131",
    identifiers: 7,
    start: 0,
    organization: 0,
    organization_address: 0,
    organization_telecom: 0,
};

/// A PRD, or a CTD (who is to be contacted); `None` when it names nobody.
pub(crate) fn provider(segment: Segment<'_>, out: &mut Output) -> Option<Provider> {
    let fields = if segment.is("PRD") { PRD } else { CTD };
    let roles: Vec<String> = segment.peek(1).repetitions().map(cwe::code).filter(|code| !code.is_empty()).collect();
    let practitioner = practitioner(segment, fields, out);
    let organization = organization(segment, fields, out);
    if practitioner.is_none() && organization.is_none() {
        return None;
    }
    let mut w = Writer::new();
    let mut place = None;
    w.array("contained", |w| place = pl::contained(w, segment.field(4), "", out));
    if fields.start > 0 {
        ts::period(&mut w, "period", segment.field(fields.start), segment.field(fields.start + 1), out);
    }
    w.reference("practitioner", practitioner.as_deref().unwrap_or_default());
    w.reference("organization", organization.as_deref().unwrap_or_default());
    w.array("code", |w| {
        for role in segment.field(1).repetitions() {
            cwe::concept_item(w, role, fields.table, out);
        }
    });
    w.array("location", |w| w.item(|w| w.string("reference", place.as_deref().unwrap_or_default())));
    let who = [practitioner, organization].into_iter().flatten().collect::<Vec<_>>().join("+");
    let id = out.id(ResourceType::PRACTITIONER_ROLE, &format!("{}:{}:{who}", segment.name(), roles.join("~")));
    let reference = out.put_weak(ResourceType::PRACTITIONER_ROLE, id, w);
    Some(Provider { roles, reference })
}

fn practitioner(segment: Segment<'_>, fields: Fields, out: &mut Output) -> Option<String> {
    let (names, numbers) = (segment.field(2), segment.field(fields.identifiers));
    let name = names.component(1).text().trim().to_owned();
    let number = numbers.component(1).text().trim().to_owned();
    if name.is_empty() && number.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    w.array("identifier", |w| {
        for number in numbers.repetitions() {
            w.item(|w| license(w, number, out));
        }
    });
    w.array("name", |w| {
        for name in names.repetitions() {
            w.item(|w| xpn::human_name(w, name, out));
        }
    });
    w.array("telecom", |w| {
        for number in segment.field(5).repetitions() {
            w.item(|w| xtn::contact_point(w, number, "work", out));
        }
    });
    w.array("address", |w| {
        for address in segment.field(3).repetitions() {
            w.item(|w| xad::address(w, address, out));
        }
    });
    let given = names.component(2).text();
    let key = match number.as_str() {
        // As XCN tells persons without a number apart.
        "" => format!("name:{name}:{}", given.trim()),
        number => format!("license:{}:{number}", numbers.component(2).text().trim()),
    };
    let id = out.id(ResourceType::PRACTITIONER, &key);
    Some(out.put_weak(ResourceType::PRACTITIONER, id, w))
}

/// PLN practitioner license: number ^ type ^ issuing place ^ expiration.
fn license(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let part = |part: u16| value.component(part).text().trim().to_owned();
    let (number, kind, place) = (part(1), part(2), part(3));
    if number.is_empty() {
        return;
    }
    w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, &kind, "")));
    w.string("system", &out.facility.local_system(&format!("license-{kind}-{place}")));
    w.string("value", &number);
    let end = ts::date_time(value.component(4), out);
    w.object("period", |w| w.string("end", end.as_deref().unwrap_or_default()));
}

/// PRD-10 with address and telephone (version 2.7 and later).
fn organization(segment: Segment<'_>, fields: Fields, out: &mut Output) -> Option<String> {
    if fields.organization == 0 || !segment.peek(fields.organization).is_valued() {
        return None;
    }
    let value = segment.field(fields.organization);
    let (address, telecom) = (segment.field(fields.organization_address), segment.field(fields.organization_telecom));
    if !address.is_valued() && !telecom.is_valued() {
        return xon::organization(value, out);
    }
    let number = [10, 3].map(|part| value.component(part).text().trim().to_owned()).into_iter().find(|t| !t.is_empty());
    let name = value.component(1).text().trim().to_owned();
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            if let Some(number) = &number {
                w.string("system", &out.facility.local_system("organization-number"));
                w.string("value", number);
            }
        });
    });
    w.string("name", &name);
    w.array("telecom", |w| {
        for number in telecom.repetitions() {
            w.item(|w| xtn::contact_point(w, number, "work", out));
        }
    });
    w.array("address", |w| {
        for address in address.repetitions() {
            w.item(|w| xad::address(w, address, out));
        }
    });
    let id = out.id(ResourceType::ORGANIZATION, &number.unwrap_or_else(|| format!("name:{name}")));
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}
