//! Sheets of workbooks, written by programs that aren't ours, and by hand where a program wouldn't.

use crate::support::{fixture, pack, run, run_with, settings};
use expect_test::expect;

const MARKS: &str = r#"
format = "sheet"
rows = "attendance"
date_format = "dd/mm/yyyy"
[codes]
set = "usage"
marks = { "/" = "present", "L" = "late", "O" = "absent", "N" = "absent" }
[fields]
learner = "Learner"
date = "Date"
start = "From"
end = "To"
mark = "Mark"
"#;

fn with(extra: &str) -> String {
    format!("{MARKS}{extra}")
}

#[test]
fn a_workbook_with_titles_dates_and_padded_ids_becomes_marks() {
    let mapping = with("minutes_late = \"Late\"\ngroup = \"Group\"\n");
    let seen = run(&mapping, fixture("sheets/openpyxl-marks.xlsx")).unwrap();
    expect![[r#"
        5: 2026-09-14 004512 12A/Ma1 key=2026-09-14|004512|12A/Ma1|09:05:00 Present / [northgate/usage] 2026-09-14T08:05:00Z..2026-09-14T09:00:00Z
        6: 2026-09-14 004513 12A/Ma1 key=2026-09-14|004513|12A/Ma1|09:05:00 Late L [northgate/usage] 2026-09-14T08:05:00Z..2026-09-14T09:00:00Z late=7
        8: 2026-09-15 004514 12 key=2026-09-15|004514|12|13:30:15 Absent O [northgate/usage] 2026-09-15T12:30:15Z..2026-09-15T13:20:00Z
        9: 2026-09-15 004515 Zoë & Co key=2026-09-15|004515|Zoë & Co|09:05:00 Absent N [northgate/usage] 2026-09-15T08:05:00Z..2026-09-15T09:00:00Z
        problem: line 4: CSV-COLUMN-UNKNOWN: not read: `UPN`, `Counted`; map them, or list them under `ignore`
        problem: line 10: Mark: ATT-UNKNOWN-CODE: the code table has no such code; add it to the table or correct it at its source
        covers: Day(Attendance, SchoolDate(2026-09-14))
    "#]]
    .assert_eq(&seen.show());
    let named =
        mapping.replace("format = \"sheet\"", "format = \"sheet\"\nsheet = \" marks\"\nheading_row = 4");
    assert_eq!(run(&named, fixture("sheets/openpyxl-marks.xlsx")).unwrap().show(), seen.show());
}

#[test]
fn an_opendocument_sheet_reads_the_same_way() {
    let mapping = with("note = \"Note\"\n");
    let seen = run(&mapping, fixture("sheets/odfpy-marks.ods")).unwrap();
    expect![[r#"
        6: 2026-09-14 004512 - key=2026-09-14|004512|09:05:00 Present / [northgate/usage] 2026-09-14T08:05:00Z..2026-09-14T09:00:00Z
        7: 2026-09-14 1234567 - key=2026-09-14|1234567|09:05:30 Late L [northgate/usage] 2026-09-14T08:05:30Z..2026-09-14T09:00:00Z note=late again second line
        problem: line 5: CSV-COLUMN-UNKNOWN: not read: `Present`; map them, or list them under `ignore`
        covers: Day(Attendance, SchoolDate(2026-09-14))
    "#]]
    .assert_eq(&seen.show());
    let named = mapping.replace("format = \"sheet\"", "format = \"sheet\"\nsheet = \"Marks\"");
    assert_eq!(run(&named, fixture("sheets/odfpy-marks.ods")).unwrap().show(), seen.show());
}

/// Nobody says how many assessments there are.
#[test]
fn a_marksheet_with_a_column_for_each_assessment_becomes_results() {
    let mapping = r#"
format = "sheet"
rows = "assessment"
ignore = ["Name"]
skip_if_blank = ["Entered"]
[fields]
learner = "Adno"
date = "Entered"
[wide]
columns = "{subject} - {result_set}"
scale = "gce-a-level"
kind = "working_at"
"#;
    let seen = run(mapping, fixture("sheets/xlsxwriter-marksheet.xlsx")).unwrap();
    expect![[r#"
        4: 2026-11-20 6420 - key=2026-11-20|6420|Maths - Y12 Aut1 WorkingAt B on gce-a-level@1 Maths / Maths - Y12 Aut1 / Y12 Aut1
        4: 2026-11-20 6420 - key=2026-11-20|6420|Maths - Y12 Aut2 WorkingAt A on gce-a-level@1 Maths / Maths - Y12 Aut2 / Y12 Aut2
        4: 2026-11-20 6420 - key=2026-11-20|6420|Physics - Y12 Aut2 WorkingAt 5 on gce-a-level@1 Physics / Physics - Y12 Aut2 / Y12 Aut2
        5: 2026-11-20 6421 - key=2026-11-20|6421|Maths - Y12 Aut1 WorkingAt (ungraded) on gce-a-level@1 Maths / Maths - Y12 Aut1 / Y12 Aut1
        5: 2026-11-20 6421 - key=2026-11-20|6421|Maths - Y12 Aut2 WorkingAt (not assessed) on gce-a-level@1 Maths / Maths - Y12 Aut2 / Y12 Aut2
        5: 2026-11-20 6421 - key=2026-11-20|6421|Physics - Y12 Aut2 WorkingAt (no result) on gce-a-level@1 Physics / Physics - Y12 Aut2 / Y12 Aut2
        6: 2026-11-20 6422 - key=2026-11-20|6422|Maths - Y12 Aut1 WorkingAt A* on gce-a-level@1 Maths / Maths - Y12 Aut1 / Y12 Aut1
        6: 2026-11-20 6422 - key=2026-11-20|6422|Maths - Y12 Aut2 WorkingAt C on gce-a-level@1 Maths / Maths - Y12 Aut2 / Y12 Aut2
        6: 2026-11-20 6422 - key=2026-11-20|6422|Physics - Y12 Aut2 WorkingAt 6.5 on gce-a-level@1 Physics / Physics - Y12 Aut2 / Y12 Aut2
        problem: line 3: CSV-COLUMN-UNKNOWN: not read: `Attendance`; map them, or list them under `ignore`
    "#]]
    .assert_eq(&seen.show());
    let share = mapping.replace("\"{subject} - {result_set}\"", "\"Attend*\"");
    let seen = run(&share, fixture("sheets/xlsxwriter-marksheet.xlsx")).unwrap();
    assert!(seen.show().contains("WorkingAt 95.5% on"), "{}", seen.show());
    let none = mapping.replace("\"{subject} - {result_set}\"", "\"{subject} / {result_set}\"");
    let fault = run(&none, fixture("sheets/xlsxwriter-marksheet.xlsx")).unwrap_err();
    assert_eq!(fault.rule(), "CSV-CAPTION-MISSING");
}

#[test]
fn a_sheet_that_is_not_there_or_has_other_captions_is_told() {
    let file = fixture("sheets/openpyxl-marks.xlsx");
    let rule = |mapping: &str| run(mapping, &file).unwrap_err();
    let missing = rule(&MARKS.replace("format = \"sheet\"", "format = \"sheet\"\nsheet = \"Autumn\""));
    assert_eq!(missing.rule(), "SHEET-MISSING");
    let caption = rule(&MARKS.replace("\"Mark\"", "\"Code\""));
    assert_eq!((caption.rule(), caption.line()), ("CSV-CAPTION-MISSING", Some(4)));
    assert!(caption.fix().contains("`Code`"), "{caption}");
    let named = rule(&MARKS.replace("format = \"sheet\"", "format = \"sheet\"\nheading_row = 5"));
    assert_eq!(named.rule(), "CSV-CAPTION-MISSING");
    assert!(
        "format = \"sheet\"\nheading_row = 0\nrows = \"groups\""
            .parse::<commonroll_connectors::Mapping>()
            .is_err()
    );
}

#[test]
fn a_file_that_only_bears_a_workbooks_name_is_told_in_words() {
    let fault = |bytes: &[u8]| run_with(&settings(MARKS), "marks.xlsx", bytes).unwrap_err();
    let locked: Vec<u8> = b"\xd0\xcf\x11\xe0"
        .iter()
        .copied()
        .chain("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert_eq!(fault(&locked).rule(), "SHEET-LOCKED");
    assert_eq!(fault(b"\xd0\xcf\x11\xe0\xa1\xb1").rule(), "SHEET-OLD");
    for (bytes, word) in [
        (b"Learner,Date,Mark\n1,2026-09-14,/\n".as_slice(), "delimited"),
        (b"<html><body><table><tr><td>Learner", "web page"),
        (b"<?xml version=\"1.0\"?><Workbook/>", "XML"),
        (b"MZ\x90\x00\x03", "no workbook"),
        (&pack(&[("word/document.xml", b"<w/>")]), "no workbook"),
        (&pack(&[("manifest.csv", b"")]), "OneRoster"),
    ] {
        let fault = fault(bytes);
        assert_eq!(fault.rule(), "SHEET-RENAMED");
        assert!(fault.fix().contains(word), "{fault}");
    }
    assert_eq!(fault(&pack(&[("xl/workbook.bin", b"x")])).rule(), "SHEET-BINARY");
    let encrypted = b"<manifest:manifest><manifest:encryption-data/></manifest:manifest>".as_slice();
    let ods = pack(&[("META-INF/manifest.xml", encrypted), ("content.xml", b"\x01\x02")]);
    assert_eq!(fault(&ods).rule(), "SHEET-LOCKED");
    assert_eq!(fault(b"").rule(), "FILE-EMPTY");
}

/// A workbook as small as can be, around the rows of its only sheet.
fn book(rows: &str) -> Vec<u8> {
    let sheet = format!("<worksheet xmlns=\"x\"><sheetData>{rows}</sheetData></worksheet>");
    let relations = b"<Relationships><Relationship Id=\"r1\" Type=\"x/worksheet\" Target=\"/xl/sheet.xml\"/></Relationships>";
    pack(&[
        ("xl/workbook.xml", b"<workbook xmlns:r=\"r\"><workbookPr date1904=\"1\"/><sheets><sheet name=\"A\" r:id=\"r1\"/></sheets></workbook>"),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/styles.xml", b"<styleSheet><cellStyleXfs><xf numFmtId=\"9\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"),
        ("xl/sharedStrings.xml", "<sst><si><t>Id</t></si><si><r><t>Sur</t></r><r><t>name</t></r><rPh><t>nope</t></rPh></si><si/></sst>".as_bytes()),
        ("xl/sheet.xml", sheet.as_bytes()),
    ])
}

const PEOPLE: &str = "format = \"sheet\"\nrows = \"learners\"\n[fields]\nlearner = \"Id\"\nsurname = \"Surname\"\nforename = \"First\"\nbirth_date = \"Born\"\n";
const HEAD: &str = "<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c><c t=\"inlineStr\"><is><t>First</t></is></c><c t=\"str\"><f>A1</f><v>Born</v></c></row>";

#[test]
fn cells_without_names_inline_texts_and_the_other_calendar_are_read() {
    let row = "<row r=\"9\"><c r=\"A9\"><v>6420.0</v></c><c r=\"B9\" t=\"inlineStr\"><is><r><t>O&#8217;</t></r><r><t>Neill</t></r></is></c>\
               <c r=\"C9\" t=\"str\"><f>\"x\"</f><v>Zo\u{eb}</v></c><c r=\"D9\" s=\"1\"><v>38293</v></c></row>";
    let seen = run(PEOPLE, book(&format!("{HEAD}{row}"))).unwrap();
    expect![[r#"
        9: learner 6420 Home upn= uln= born=2008-11-03 Zoë O’Neill ()
        covers: Learners
    "#]]
    .assert_eq(&seen.show());
    let backwards = row.replace("r=\"C9\"", "r=\"A9\"");
    assert_eq!(run(PEOPLE, book(&format!("{HEAD}{backwards}"))).unwrap_err().rule(), "SHEET-BROKEN");
    let lost = row.replace("<c r=\"B9\" t=\"inlineStr\">", "<c r=\"B9\" t=\"s\"><v>77</v>");
    assert_eq!(run(PEOPLE, book(&format!("{HEAD}{lost}"))).unwrap_err().rule(), "SHEET-BROKEN");
    assert_eq!(run(PEOPLE, book("")).unwrap_err().rule(), "SHEET-EMPTY");
    assert_eq!(run(PEOPLE, book(HEAD)).unwrap_err().rule(), "FILE-NO-ROWS");
    let blank = row.replace("<v>6420.0</v>", "");
    assert_eq!(run(PEOPLE, book(&format!("{HEAD}{blank}"))).unwrap_err().rule(), "CSV-ID-BLANK-ALL");
}

#[test]
fn a_cell_in_more_pieces_than_a_row_may_have_is_refused_before_it_is_gathered() {
    let pieces = "<r><t>0123456789</t></r>".repeat(10_000);
    let row = format!("<row><c t=\"inlineStr\"><is>{pieces}</is></c></row>");
    assert_eq!(run(PEOPLE, book(&format!("{HEAD}{row}"))).unwrap_err().rule(), "XML-SIZE");
    let cell = format!(
        "<table:table-cell><text:p>{}</text:p></table:table-cell>",
        "0123456789<text:s/>".repeat(10_000)
    );
    let repeated =
        "<table:table-cell table:number-columns-repeated=\"500\"><text:p>".to_owned() + &"x".repeat(1_000);
    for row in [cell, repeated + "</text:p></table:table-cell>"] {
        let text = format!(
            "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body><office:spreadsheet>\
             <table:table table:name=\"A\"><table:table-row>{row}</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
        );
        assert_eq!(run(PEOPLE, pack(&[("content.xml", text.as_bytes())])).unwrap_err().rule(), "XML-SIZE");
    }
}
