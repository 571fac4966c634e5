//! The DfE's Common Transfer File: who transfers, what they achieved, and their attendance.
//!
//! Every version is read leniently: what is there is taken, what is unknown is told. Contacts, addresses, needs, meals and care are
//! never looked at. Placements are not in it.

mod attendance;
mod pupil;

use crate::{
    connector::{Connector, FileFault, Input, Limits, Settings},
    entities::Entities,
    item::Sink,
    mapping::{Covers, Ctf as CtfMapping, Format},
    text::Utf8,
    xml::Trees,
};
use commonroll_core::attendance::CodeTable;

/// Elements of a pupil that are left out on purpose, in silence.
const PRIVATE: [&str; 13] = [
    "NAWdetails",
    "LookedAfter",
    "FSMhistory",
    "SENhistory",
    "SEN",
    "Address",
    "Phones",
    "Email",
    "Contacts",
    "SchoolHistory",
    "PupilPremium",
    "LearnerSupport",
    "ServiceChild",
];

/// A pupil with all years and assessments is larger than a row.
const PUPIL_BYTES: usize = 512 << 10;

/// Reads Common Transfer Files.
pub struct Ctf;

impl Connector for Ctf {
    fn name(&self) -> &'static str {
        "ctf"
    }

    fn about(&self) -> &'static str {
        "DfE Common Transfer File (XML) of any version: learners, prior attainment, attendance"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        file_name.to_ascii_lowercase().ends_with(".xml")
            && (memchr::memmem::find(head, b"<CTfile").is_some() || is_wide(head))
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        let usual = CtfMapping::default();
        let mapping = match settings.mapping.as_ref().map(|mapping| &mapping.format) {
            None => &usual,
            Some(Format::Ctf(mapping)) => mapping,
            Some(_) => return Err(FileFault::mapping("MAP-FORMAT", "the mapping is for another format")),
        };
        input.bounded(&settings.limits)?;
        let limits = Limits {
            xml_element_bytes_max: settings.limits.xml_element_bytes_max.max(PUPIL_BYTES),
            ..settings.limits
        };
        let mut trees = Trees::new(Utf8::xml(input.reader)?, limits);
        if !trees.root()?.name.eq_ignore_ascii_case("CTfile") {
            let fix = "the file is no Common Transfer File: its outermost element must be CTfile";
            return Err(FileFault::content("CTF-ROOT", None, fix));
        }
        let mut reading = Reading {
            mapping,
            codes: CodeTable::eng_2024(),
            entities: Entities::new(out, ["CTF-VALUE", "CTF-NOT-READ"]),
        };
        let mut pupils = 0_u64;
        while let Some(node) = trees.next_tree_in(&["CTFpupilData"])? {
            match node.name.as_str() {
                "Pupil" => {
                    pupils += 1;
                    pupil::read(&node, &mut reading);
                }
                "Header" => {}
                name => reading.entities.unread(node.line, name, "elements of this name are not read"),
            }
        }
        if pupils == 0 {
            let fix = "the file has no pupil, which is a failed export rather than an empty school";
            return Err(FileFault::content("FILE-NO-ROWS", None, fix));
        }
        reading.entities.covers(mapping.covers.unwrap_or(Covers::Nothing));
        Ok(())
    }
}

/// What all parts of the connector share.
struct Reading<'a> {
    mapping: &'a CtfMapping,
    codes: CodeTable,
    entities: Entities<'a>,
}

/// The beginning of a Common Transfer File in UTF-16.
fn is_wide(head: &[u8]) -> bool {
    let little: Vec<u8> = "<CTfile".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = "<CTfile".encode_utf16().flat_map(u16::to_be_bytes).collect();
    memchr::memmem::find(head, &little).is_some() || memchr::memmem::find(head, &big).is_some()
}
