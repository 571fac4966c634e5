//! Ed-Fi XML (data standard 5): students, attendance, discipline and assessments.
//!
//! A file may hold several schools: the mapping says which one is ours. References inside the file are followed, references
//! out of it never.

mod assessment;
mod attendance;
mod common;
mod discipline;
pub mod rest;
mod students;

use crate::{
    connector::{Connector, FileFault, Input, Settings},
    item::Sink,
    mapping::{EdFi as EdFiMapping, Format},
    text::Utf8,
    xml::Trees,
};
use common::Reading;
use commonroll_core::RecordKind;
use discipline::Incidents;

/// Reads Ed-Fi interchange files.
pub struct EdFi;

impl Connector for EdFi {
    fn name(&self) -> &'static str {
        "edfi"
    }

    fn about(&self) -> &'static str {
        "Ed-Fi XML: students, section and school attendance, discipline, assessments"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        file_name.to_ascii_lowercase().ends_with(".xml")
            && memchr::memmem::find(head, b"<Interchange").is_some()
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        let usual = EdFiMapping::default();
        let mapping = match settings.mapping.as_ref().map(|mapping| &mapping.format) {
            None => &usual,
            Some(Format::EdFi(mapping)) => mapping,
            Some(_) => return Err(FileFault::mapping("MAP-FORMAT", "the mapping is for another format")),
        };
        let limits = settings.limits;
        if input.size > limits.file_bytes_max {
            return Err(FileFault::too_big(
                "FILE-SIZE",
                None,
                "the file is larger than allowed; export a shorter time",
            ));
        }
        let mut first = Trees::new(Utf8::xml(&mut *input.reader)?, limits);
        let root = first.root()?;
        if !root.name.starts_with("Interchange") {
            let fix = "the file is no Ed-Fi interchange: its outermost element must be Interchange...";
            return Err(FileFault::content("EDFI-ROOT", None, fix));
        }
        // What comes later may be named earlier, and a broken end must be seen before the first item.
        let incidents = Incidents::collect(&mut first, limits.lookups_max)?;
        drop(first);
        let mut trees = Trees::new(Utf8::xml(input.reader)?, limits);
        trees.root()?;
        read(&mut trees, &incidents, Reading::new(mapping, settings, out), limits.lookups_max)
    }
}

fn read(
    trees: &mut Trees<'_>,
    incidents: &Incidents,
    mut reading: Reading<'_>,
    most: usize,
) -> Result<(), FileFault> {
    let mut marks = attendance::Marks::default();
    let (mut students, mut kind) = (false, None);
    while let Some(node) = trees.next_tree()? {
        match node.name.as_str() {
            "Student" => {
                students = true;
                students::student(&node, &mut reading);
            }
            "StudentSectionAttendanceEvent" | "StudentSchoolAttendanceEvent" => {
                kind = Some(RecordKind::Attendance);
                marks.event(&node, node.name == "StudentSectionAttendanceEvent", &mut reading);
                if marks.count() > most {
                    let fix = "the file holds more events than allowed; export a shorter time";
                    return Err(FileFault::too_big("EDFI-ROWS", Some(node.line), fix));
                }
            }
            "StudentDisciplineIncidentBehaviorAssociation" => {
                kind = Some(RecordKind::Behaviour);
                incidents.part(&node, &mut reading);
            }
            "StudentAssessment" => {
                kind = Some(RecordKind::Assessment);
                assessment::results(&node, &mut reading);
            }
            "DisciplineIncident" | "DisciplineAction" => {}
            _ => reading.unread(&node),
        }
    }
    reading.covers(students, kind);
    Ok(())
}
