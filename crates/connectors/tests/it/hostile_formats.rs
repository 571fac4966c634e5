//! Case 44 for containers and formats: workbooks, rows in XML, Common Transfer Files and SIF objects that mean harm.

use crate::{
    hostile::{Endless, GIB, refused},
    support::{fixture, pack, run, run_with, settings},
};
use std::time::{Duration, Instant};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const COLUMNS: &str =
    "rows = \"learners\"\n[fields]\nlearner = \"Id\"\nsurname = \"Surname\"\nforename = \"First\"\n";

fn mapping(format: &str) -> String {
    format!("format = \"{format}\"\n{COLUMNS}")
}

/// The rule that a file breaks, found in time.
fn rule(mapping: &str, bytes: impl AsRef<[u8]>) -> &'static str {
    let begin = Instant::now();
    let fault = run(mapping, bytes).unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(2), "{fault} took {:?}", begin.elapsed());
    fault.rule()
}

#[test]
fn case_44_rows_in_xml_that_reach_out_or_never_end_are_refused() {
    let xml = mapping("xml");
    let named = mapping("xml").replace("rows", "row = \"r\"\nrows");
    let laughs = "<!DOCTYPE a [<!ENTITY b \"ha\"><!ENTITY c \"&b;&b;\">]><a><r>&c;</r><r/></a>";
    assert_eq!(rule(&xml, laughs), "XML-DTD");
    assert_eq!(rule(&xml, "<!DOCTYPE a SYSTEM \"http://example.org/x.dtd\"><a><r/><r/></a>"), "XML-DTD");
    assert_eq!(rule(&xml, "<a><r><Id>&passwd;</Id></r><r/></a>"), "XML-ENTITY");
    assert_eq!(rule(&xml, "<a><r Id=\"&passwd;\"/><r/></a>"), "XML-ENTITY");
    let include =
        "<a xmlns:xi=\"http://www.w3.org/2001/XInclude\"><r/><r><xi:include href=\"/etc/passwd\"/></r></a>";
    assert_eq!(rule(&named, include), "XML-INCLUDE");
    let inside =
        "<a><r/><r xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include href=\"/etc/passwd\"/></r></a>";
    assert_eq!(rule(&named, inside), "XML-INCLUDE");
    assert_eq!(rule(&xml, format!("<a>{}", "<b>".repeat(40))), "XML-DEPTH");
    let wide: String = (0..5000).map(|n| format!("<c{n}/>")).collect();
    assert_eq!(rule(&named, format!("<a><r>{wide}</r></a>")), "ROW-COLUMNS");
    assert_eq!(rule(&named, format!("<a><r>{}</r></a>", "<c/>".repeat(5000))), "ROW-COLUMNS");
    assert_eq!(rule(&named, "<a><r><Id>1</Id></r><r>"), "XML-BROKEN");
    for head in [b"<a><r><Id>".as_slice(), b"<a><r ", b"<a><!--"] {
        let file = Endless { head, piece: b"x", size: GIB, at: 0 };
        assert_eq!(refused(&named, file), "XML-SIZE");
    }
    let file = Endless { head: b"<a><r>", piece: b"<b> </b>", size: GIB, at: 0 };
    assert!(["XML-SIZE", "ROW-COLUMNS"].contains(&refused(&named, file)));
    assert_eq!(rule(&xml, b"MZ\x90\x00"), "FILE-ENCODING");
}

#[test]
fn case_44_transfer_files_and_sif_objects_that_reach_out_or_never_end_are_refused() {
    for (format, root, inner) in
        [("ctf", "CTfile", "CTFpupilData"), ("sif", "StudentPersonals", "StudentPersonal")]
    {
        let mapping = format!("format = \"{format}\"");
        let laughs = format!("<!DOCTYPE a [<!ENTITY b \"ha\">]><{root}>&b;</{root}>");
        assert_eq!(rule(&mapping, laughs), "XML-DTD");
        assert_eq!(rule(&mapping, format!("<{root}><{inner}>&b;</{inner}></{root}>")), "XML-ENTITY");
        let include = format!("<{root}><x xmlns:xi=\"http://www.w3.org/2001/XInclude\"/></{root}>");
        assert_eq!(rule(&mapping, include), "XML-INCLUDE");
        assert_eq!(rule(&mapping, format!("<{root}>{}", "<a>".repeat(40))), "XML-DEPTH");
        assert_eq!(rule(&mapping, format!("<{root}><{inner}>")), "XML-BROKEN");
        assert_eq!(rule(&mapping, b"MZ\x90\x00"), "FILE-ENCODING");
    }
    let around = format!("<CTfile>{}", "<CTFpupilData>".repeat(40));
    assert_eq!(rule("format = \"ctf\"", around), "XML-DEPTH");
    let heads: [(&str, &[u8]); 2] = [
        ("format = \"ctf\"", b"<CTfile><CTFpupilData><Pupil><UPN>"),
        ("format = \"sif\"", b"<StudentPersonal RefId=\"1\"><LocalId>"),
    ];
    for (mapping, head) in heads {
        assert_eq!(refused(mapping, Endless { head, piece: b"x", size: GIB, at: 0 }), "XML-SIZE");
        assert_eq!(refused(mapping, Endless { head, piece: b"<a></a>", size: GIB, at: 0 }), "XML-SIZE");
    }
    let mut few = settings("format = \"sif\"");
    few.limits.lookups_max = 1;
    let many = "<GradingAssignment RefId=\"1\"/><GradingAssignment RefId=\"2\"/>";
    let file = format!("<GradingAssignments>{many}</GradingAssignments>");
    assert_eq!(run_with(&few, "file", file.as_bytes()).unwrap_err().rule(), "SIF-ROWS");
}

const BOOK: &[u8] = b"<workbook xmlns:r=\"r\"><sheets><sheet name=\"A\" r:id=\"r1\"/></sheets></workbook>";
const RELATIONS: &[u8] =
    b"<Relationships><Relationship Id=\"r1\" Type=\"x/worksheet\" Target=\"s.xml\"/></Relationships>";

/// A workbook around what stands in its only sheet.
fn book(rows: &str, texts: &str) -> Vec<u8> {
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    pack(&[
        ("xl/workbook.xml", BOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/sharedStrings.xml", texts.as_bytes()),
        ("xl/s.xml", sheet.as_bytes()),
    ])
}

#[test]
fn case_44_workbooks_that_climb_swell_or_lie_are_refused() {
    let sheet = mapping("sheet");
    for name in ["../x.xml", "/etc/cron.d/x", "C:\\x.xml", "xl\\..\\x"] {
        assert_eq!(
            rule(&sheet, pack(&[("xl/workbook.xml", BOOK), (name, b"x")])),
            "SHEET-ZIP-NAME",
            "{name}"
        );
    }
    assert_eq!(
        rule(&sheet, pack(&[("xl/workbook.xml", BOOK), ("xl/x", &vec![b'x'; 4 << 20])])),
        "SHEET-BOMB"
    );
    let many: Vec<String> = (0..1100).map(|number| format!("xl/{number}.xml")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(rule(&sheet, pack(&many)), "SHEET-ZIP-ENTRIES");
    assert_eq!(rule(&sheet, pack(&[("xl/a", b"x"), ("XL/A", b"x")])), "SHEET-ZIP-TWICE");
    let mut link = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    link.add_symlink("xl/workbook.xml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    assert_eq!(rule(&sheet, link.finish().unwrap().into_inner()), "SHEET-ZIP-LINK");
    let sound = fixture("sheets/openpyxl-marks.xlsx");
    assert_eq!(rule(&sheet, &sound[..sound.len() - 9]), "SHEET-BROKEN");

    // The directory says that the sheet is small.
    let rows = "<row><c t=\"str\"><v>Id</v></c></row>".repeat(2000);
    let mut lying = book(&rows, "<sst/>");
    let real = u32::try_from(rows.len() + "<worksheet><sheetData></sheetData></worksheet>".len()).unwrap();
    let at: Vec<usize> =
        lying.windows(4).enumerate().filter(|(_, b)| **b == real.to_le_bytes()).map(|(at, _)| at).collect();
    assert!(!at.is_empty());
    at.iter().for_each(|at| lying[*at..*at + 4].copy_from_slice(&100_u32.to_le_bytes()));
    assert!(["SHEET-BOMB", "SHEET-BROKEN", "FILE-READ"].contains(&rule(&sheet, lying)));
}

#[test]
fn case_44_sheets_whose_parts_reach_out_or_never_end_are_refused() {
    let sheet = mapping("sheet");
    let laughs = "<!DOCTYPE a [<!ENTITY b \"ha\">]><sst><si><t>&b;</t></si></sst>";
    assert_eq!(rule(&sheet, book("<row><c t=\"s\"><v>0</v></c></row>", laughs)), "XML-DTD");
    assert_eq!(rule(&sheet, book("<row><c t=\"str\"><v>&b;</v></c></row>", "<sst/>")), "XML-ENTITY");
    assert_eq!(rule(&sheet, book(&"<row>".repeat(40), "<sst/>")), "XML-BROKEN");
    assert_eq!(rule(&sheet, book("", &"<a>".repeat(100_000))), "XML-DEPTH");
    assert_eq!(rule(&sheet, book("<row><c r=\"XFD1\"><v>1</v></c></row>", "<sst/>")), "ROW-COLUMNS");
    assert_eq!(rule(&sheet, book("<row r=\"4000000\"><c><v>1</v></c></row>", "<sst/>")), "SHEET-ROWS");
    let cells = format!("<row><c><v>1</v></c>{}</row>", "<c/>".repeat(20_000));
    assert_eq!(rule(&sheet, book(&cells, "<sst/>")), "SHEET-BROKEN");
    let long = format!("<row>{}</row>", format!("<c t=\"str\"><v>{}</v></c>", "x".repeat(30_000)).repeat(3));
    assert_eq!(rule(&sheet, book(&long, "<sst/>")), "ROW-LENGTH");

    // Texts that don't pack well, more of them than are held.
    let mut texts = String::from("<sst>");
    let text = "x".repeat(60_000);
    (0..440).for_each(|_| texts.push_str(&format!("<si><t>{text}</t></si>")));
    texts.push_str("</sst>");
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [
        ("xl/workbook.xml", BOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/sharedStrings.xml", texts.as_bytes()),
        ("xl/s.xml", b"<worksheet><sheetData><row><c t=\"s\"><v>1</v></c></row></sheetData></worksheet>"),
    ] {
        zip.start_file(name, stored).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    assert_eq!(rule(&sheet, zip.finish().unwrap().into_inner()), "SHEET-TEXTS");
}

#[test]
fn case_44_opendocument_sheets_that_repeat_without_end_are_refused() {
    let sheet = mapping("sheet");
    let ods = |rows: &str| {
        let content = format!(
            "<d xmlns:table=\"t\" xmlns:text=\"x\"><b><s><table:table table:name=\"A\">{rows}</table:table></s></b></d>"
        );
        pack(&[("content.xml", content.as_bytes())])
    };
    let cell = "<table:table-cell><text:p>x</text:p></table:table-cell>";
    let rows = format!("<table:table-row table:number-rows-repeated=\"1000000000\">{cell}</table:table-row>");
    assert_eq!(rule(&sheet, ods(&rows)), "SHEET-ROWS");
    let columns =
        cell.replace("<table:table-cell>", "<table:table-cell table:number-columns-repeated=\"4000000000\">");
    assert_eq!(rule(&sheet, ods(&format!("<table:table-row>{columns}</table:table-row>"))), "ROW-COLUMNS");
    let blank =
        "<table:table-row table:number-rows-repeated=\"4000000000\"><table:table-cell/></table:table-row>";
    let captions =
        ["Id", "Surname", "First"].map(|caption| cell.replace("x</", &format!("{caption}</"))).concat();
    let late = format!("{}<table:table-row>{captions}</table:table-row>", blank.repeat(3));
    assert_eq!(rule(&sheet, ods(&late)), "SHEET-ROWS");
    assert_eq!(rule(&sheet, ods(&"<table:table-row-group>".repeat(400))), "XML-DEPTH");
    assert_eq!(rule(&sheet, ods("<table:table-row>&x;</table:table-row>")), "XML-ENTITY");
    let zero = blank.replace("4000000000", "0");
    assert_eq!(
        rule(&sheet, ods(&format!("{zero}<table:table-row>{captions}</table:table-row>"))),
        "SHEET-BROKEN"
    );
}
