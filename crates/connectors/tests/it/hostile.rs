//! Case 44: hostile files are refused with a rule, quickly, in bounded memory. And no bytes make a connector panic.

use crate::support::{Seen, pack, run, run_with, settings};
use commonroll_connectors::{FileFault, Input, Limits, by_name};
use proptest::prelude::*;
use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    time::{Duration, Instant},
};
use zip::{ZipWriter, write::SimpleFileOptions};

const MARKS: &str = "format = \"delimited\"\nrows = \"attendance\"\n[codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"Id\"\n\
                     date = \"Date\"\nmark = \"Mark\"\n";
const ONEROSTER: &str = "format = \"oneroster\"";
const EDFI: &str = "format = \"edfi\"";

/// A file that repeats one piece up to a size, made as it is read.
pub struct Endless {
    pub head: &'static [u8],
    pub piece: &'static [u8],
    pub size: u64,
    pub at: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX).min(buffer.len());
        for byte in &mut buffer[..left] {
            let at = self.at as usize;
            *byte = match self.head.get(at) {
                Some(byte) => *byte,
                None => self.piece[(at - self.head.len()) % self.piece.len()],
            };
            self.at += 1;
        }
        Ok(left)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.size.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}

pub fn refused(mapping: &str, mut file: Endless) -> &'static str {
    let begin = Instant::now();
    let settings = settings(mapping);
    let connector = by_name(settings.mapping.as_ref().unwrap().connector()).unwrap();
    let size = file.size;
    let fault = connector
        .translate(Input { file_name: "file", reader: &mut file, size }, &settings, &mut Seen::default())
        .unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(2), "{fault} took {:?}", begin.elapsed());
    fault.rule()
}

pub const GIB: u64 = 1 << 30;

#[test]
fn case_44_a_line_of_a_gigabyte_is_refused() {
    let file = Endless { head: b"Id,Date,Mark\n1,2026-09-14,", piece: b"x", size: GIB, at: 0 };
    assert_eq!(refused(MARKS, file), "CSV-LINE-LENGTH");
    let file = Endless { head: b"Id,Date,Mark\n1,2026-09-14,\"", piece: b"x\n", size: GIB, at: 0 };
    // A quote that is never closed: line ends no longer end rows.
    assert_eq!(refused(MARKS, Endless { size: 1 << 20, ..file }), "CSV-LINE-LENGTH");
    let file = Endless { head: b"Id,Date,Mark\n", piece: b"x", size: 4 * GIB, at: 0 };
    assert_eq!(refused(MARKS, file), "FILE-SIZE");
}

#[test]
fn case_44_a_million_columns_are_refused() {
    let file = Endless { head: b"Id,Date,Mark", piece: b",", size: 1_000_000, at: 0 };
    assert_eq!(refused(MARKS, file), "CSV-LINE-LENGTH");
    let file = Endless { head: b"Id,Date,Mark", piece: b",", size: 2000, at: 0 };
    assert_eq!(refused(MARKS, file), "CSV-COLUMNS");
}

#[test]
fn case_44_programs_and_other_bytes_are_no_text() {
    let rule = |bytes: &[u8]| run(MARKS, bytes).unwrap_err().rule();
    assert_eq!(rule(b"MZ\x90\x00\x03\x00\x00\x00"), "FILE-NOT-TEXT");
    assert_eq!(rule(b"\x7fELF\x02\x01\x01"), "FILE-NOT-TEXT");
    assert_eq!(rule(b"Id,Date,Mark\n1,2026-09-14,\0\n"), "FILE-NOT-TEXT");
    assert_eq!(rule(b""), "FILE-EMPTY");
    assert_eq!(rule(b"\n\r\n"), "FILE-EMPTY");
    assert_eq!(run(EDFI, b"MZ\x90\x00").unwrap_err().rule(), "FILE-ENCODING");
    assert_eq!(run(ONEROSTER, b"MZ\x90\x00").unwrap_err().rule(), "OR-ZIP");
}

#[test]
fn case_44_xml_that_reaches_out_is_refused() {
    let rule = |xml: &str| run(EDFI, xml).unwrap_err().rule();
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"ha\"><!ENTITY c \"&b;&b;\">]><InterchangeStudent>&c;</InterchangeStudent>";
    assert_eq!(rule(laughs), "XML-DTD");
    let outside = "<!DOCTYPE a SYSTEM \"http://example.org/x.dtd\"><InterchangeStudent/>";
    assert_eq!(rule(outside), "XML-DTD");
    assert_eq!(
        rule(
            "<InterchangeStudent><Student><StudentUniqueId>&x;</StudentUniqueId></Student></InterchangeStudent>"
        ),
        "XML-ENTITY"
    );
    let include = "<InterchangeStudent xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"/etc/passwd\"/></InterchangeStudent>";
    assert_eq!(rule(include), "XML-INCLUDE");
    assert_eq!(rule("<Rows/>"), "EDFI-ROOT");
    assert_eq!(rule("<InterchangeStudent><Student>"), "XML-BROKEN");
    let deep = format!("<InterchangeStudent>{}", "<a>".repeat(40));
    assert_eq!(rule(&deep), "XML-DEPTH");
    let file = Endless { head: b"<InterchangeStudent><Student><a>", piece: b"x", size: GIB, at: 0 };
    assert_eq!(refused(EDFI, file), "XML-SIZE");
    let file = Endless { head: b"<InterchangeStudent ", piece: b"x", size: GIB, at: 0 };
    assert_eq!(refused(EDFI, file), "XML-SIZE");
    let file = Endless { head: b"<InterchangeStudent><Student>", piece: b"<a></a>", size: GIB, at: 0 };
    assert_eq!(refused(EDFI, file), "XML-SIZE");
}

#[test]
fn case_44_zips_that_climb_nest_link_or_swell_are_refused() {
    let rule = |zip: &[u8]| {
        let begin = Instant::now();
        let fault = run(ONEROSTER, zip).unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(2), "{fault}");
        fault.rule()
    };
    for name in ["../users.csv", "/etc/cron.d/x", "C:\\users.csv", "a/users.csv", "..\\users.csv"] {
        assert_eq!(rule(&pack(&[(name, b"x")])), "OR-ZIP-NAME", "{name}");
    }
    assert_eq!(rule(&pack(&[("inner.zip", b"PK\x03\x04")])), "OR-ZIP-NESTED");
    assert_eq!(rule(&pack(&[("users.csv", b"x")])), "OR-MANIFEST-MISSING");
    assert_eq!(rule(&pack(&[("users.csv", b"x"), ("Users.csv", b"x")])), "OR-ZIP-TWICE");
    assert_eq!(rule(&pack(&[("users.csv", &vec![b'x'; 4 << 20])])), "OR-ZIP-BOMB");
    let many: Vec<String> = (0..300).map(|number| format!("{number}.csv")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(rule(&pack(&many)), "OR-ZIP-ENTRIES");
    let mut link = ZipWriter::new(Cursor::new(Vec::new()));
    link.add_symlink("users.csv", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    assert_eq!(rule(&link.finish().unwrap().into_inner()), "OR-ZIP-LINK");
    let sound =
        pack(&[("manifest.csv", b"propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n")]);
    assert_eq!(rule(&sound[..sound.len() - 4]), "OR-ZIP");
    assert!(run(ONEROSTER, &sound).is_ok());
    let version =
        pack(&[("manifest.csv", b"propertyName,value\nmanifest.version,1.0\noneroster.version,2.0\n")]);
    assert_eq!(rule(&version), "OR-VERSION");
}

#[test]
fn case_44_more_rows_than_can_be_looked_up_are_refused() {
    let mut settings = settings(ONEROSTER);
    settings.limits.lookups_max = 1;
    let file = crate::support::fixture("oneroster/valid-full-bulk-graph.zip");
    assert_eq!(run_with(&settings, "file.zip", &file).unwrap_err().rule(), "OR-ROWS");
    let mut settings = crate::support::settings(EDFI);
    settings.limits.lookups_max = 10;
    for name in ["StudentSectionAttendance-Tardy.xml", "StudentDiscipline.xml"] {
        let file = crate::support::fixture(&format!("edfi/{name}"));
        assert_eq!(run_with(&settings, name, &file).unwrap_err().rule(), "EDFI-ROWS");
    }
}

/// A zip may say that an entry is small and unpack it to much more.
#[test]
fn case_44_a_zip_that_lies_about_its_size_is_refused() {
    let manifest = b"propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n".repeat(1000);
    let mut zip = pack(&[("manifest.csv", &manifest)]);
    let real = u32::try_from(manifest.len()).unwrap().to_le_bytes();
    let at: Vec<usize> =
        zip.windows(4).enumerate().filter(|(_, bytes)| *bytes == real).map(|(at, _)| at).collect();
    assert!(!at.is_empty());
    at.iter().for_each(|at| zip[*at..*at + 4].copy_from_slice(&100_u32.to_le_bytes()));
    let fault = run(ONEROSTER, &zip).unwrap_err();
    assert!(matches!(fault.rule(), "OR-ZIP-BOMB" | "OR-ZIP" | "OR-MANIFEST"), "{fault}");
}

#[test]
fn errors_never_show_what_is_in_the_file() {
    let canary = "CANARYASHBY";
    let files = [
        format!(
            "Id,Date,Mark\n{canary},{canary},{canary}\n{canary},2026-09-14,{canary}\n{},2026-09-14,/\n",
            canary.repeat(9)
        ),
        format!("{canary},{canary}2\n1,2\n"),
        format!("Id,Date,Mark,x\n1,2026-09-14,\"{canary}\n"),
    ];
    for file in files {
        match run(MARKS, &file) {
            Ok(seen) => {
                assert!(!seen.problems.is_empty());
                assert!(
                    seen.problems.iter().all(|problem| !problem.to_string().contains(canary)),
                    "{:?}",
                    seen.problems
                );
            }
            Err(fault) => assert!(!format!("{fault} {fault:?}").contains(canary), "{fault:?}"),
        }
    }
}

fn judged(mapping: &str, bytes: &[u8]) -> Result<Seen, FileFault> {
    let mut settings = settings(mapping);
    settings.limits = Limits { unpacked_bytes_max: 1 << 20, ..Limits::default() };
    run_with(&settings, "file", bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_connector_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for mapping in [MARKS, ONEROSTER, EDFI] {
            drop(judged(mapping, &bytes));
        }
    }

    #[test]
    fn no_rows_make_the_delimited_connector_panic(rows in "([ -~éß\n\r\",;\t/]{0,40}\n){0,20}") {
        let bytes = format!("Id,Date,Mark\n1,2026-09-14,/\n{rows}");
        drop(judged(MARKS, bytes.as_bytes()));
    }

    #[test]
    fn no_elements_make_the_edfi_connector_panic(inner in "(<(Student|StudentReference|AttendanceEvent|ScoreResult|a)( ref=\"x\")?>|</(Student|a)>|[a-z0-9&;#:-]{0,9}){0,30}") {
        for name in ["Student", "StudentAssessment", "StudentSectionAttendanceEvent", "DisciplineIncident"] {
            drop(judged(EDFI, format!("<InterchangeX><{name}>{inner}</{name}></InterchangeX>").as_bytes()));
        }
    }

    #[test]
    fn no_damaged_package_makes_the_oneroster_connector_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut zip = crate::support::fixture("oneroster/valid-full-bulk-graph.zip");
        let at = at.index(zip.len());
        zip[at] = byte;
        drop(judged(ONEROSTER, &zip));
    }
}
