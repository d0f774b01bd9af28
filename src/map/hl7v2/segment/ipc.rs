//! IPC imaging procedure control (HL7 v2.5 section 4.5.6) to ImagingStudy (JP_ImagingStudy_Radiology): one per study,
//! however many steps name it.

use crate::decode::hl7v2::Segment;
use crate::fhir::{ResourceId, ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::segment::obr::Effective;
use crate::map::hl7v2::segment::orc;

const DICOM_UID: &str = "urn:dicom:uid";
const DICOM_CODES: &str = "http://dicom.nema.org/resources/ontology/DCM";

/// The studies of a message.
#[derive(Debug, Default)]
pub(crate) struct Studies<'m> {
    kept: Vec<Study<'m>>,
    gone: Vec<String>,
}

#[derive(Debug)]
struct Study<'m> {
    key: String,
    images: Vec<Segment<'m>>,
    based_on: Vec<String>,
    started: Option<Effective>,
}

impl<'m> Studies<'m> {
    /// Takes a segment of a request.
    pub(crate) fn take(&mut self, image: Segment<'m>, based_on: &str, started: Option<&Effective>) {
        let key = key(image);
        if key.is_empty() {
            return;
        }
        match self.kept.iter_mut().find(|study| study.key == key) {
            Some(study) => {
                study.images.push(image);
                if !study.based_on.iter().any(|b| b == based_on) {
                    study.based_on.push(based_on.to_owned());
                }
            }
            None => self.kept.push(Study {
                key,
                images: vec![image],
                based_on: vec![based_on.to_owned()],
                started: started.cloned(),
            }),
        }
    }

    /// A segment of a request that is taken back.
    pub(crate) fn forget(&mut self, image: Segment<'_>) {
        let key = key(image);
        orc::ignore_whole(image);
        if !key.is_empty() && !self.gone.contains(&key) {
            self.gone.push(key);
        }
    }

    /// Writes them; deletes those of which every request is taken back.
    pub(crate) fn write(&self, visit: Option<&str>, out: &mut Output) {
        for study in &self.kept {
            study.write(visit, out);
        }
        for key in self.gone.iter().filter(|key| !self.kept.iter().any(|study| study.key == **key)) {
            out.delete(ResourceType::IMAGING_STUDY, id(key, out));
        }
    }
}

impl Study<'_> {
    fn write(&self, visit: Option<&str>, out: &mut Output) {
        let mut w = Writer::new();
        w.array("identifier", |w| {
            let first = self.images.iter().find(|image| image.peek(3).is_valued());
            if let Some(first) = first {
                w.item(|w| {
                    w.string("system", DICOM_UID);
                    w.string("value", &format!("urn:oid:{}", orc::number(first.peek(3))));
                });
            }
            for number in self.different(1) {
                w.item(|w| orc::identifier(w, number.field(1), "ACSN", None, out));
            }
            for number in self.different(2) {
                w.item(|w| orc::identifier(w, number.field(2), "FILL", None, out));
            }
        });
        w.string("status", "available");
        w.array("modality", |w| {
            for image in self.different(5) {
                let modality = image.field(5);
                let system = match &*modality.component(3).text() {
                    "DCM" | "" => DICOM_CODES.to_owned(),
                    other => out.facility.local_system(other),
                };
                w.coding_item(&system, modality.component(1).text().trim(), modality.component(2).text().trim());
            }
        });
        out.subject(&mut w, "subject");
        w.reference("encounter", visit.unwrap_or_default());
        if let Some(started) = &self.started {
            w.string("started", started.start());
        }
        w.array("basedOn", |w| self.based_on.iter().for_each(|b| w.item(|w| w.string("reference", b))));
        for image in &self.images {
            image.ignore(&[1, 2, 3, 5]);
        }
        let id = id(&self.key, out);
        out.put(ResourceType::IMAGING_STUDY, id, w);
    }

    /// The segments with a field that no earlier one says.
    fn different(&self, field: u16) -> impl Iterator<Item = &Segment<'_>> {
        self.images.iter().enumerate().filter_map(move |(at, image)| {
            let own = image.peek(field);
            let said = self.images.get(..at).unwrap_or_default().iter().any(|i| i.peek(field).raw() == own.raw());
            (own.is_valued() && !said).then_some(image)
        })
    }
}

fn id(key: &str, out: &Output) -> ResourceId {
    out.id(ResourceType::IMAGING_STUDY, key)
}

/// The study's UID, else its accession number.
fn key(image: Segment<'_>) -> String {
    let uid = orc::number(image.peek(3));
    if uid.is_empty() { orc::number(image.peek(1)) } else { uid }
}
