//! Files that a technician names by mistake, and what a proposal can't say by its settings alone.

use super::{answered, proposed, world};
use crate::support::pack;
use commonroll_connectors::{
    Limits,
    propose::{Answers, Value, look},
};
use std::io::Cursor;

/// Files that a technician names by mistake are told for what they are.
#[test]
fn a_zip_a_pdf_and_an_old_workbook_are_told_for_what_they_are() {
    let zipped = pack(&[("marks.csv", b"Id,Date,Mark\n1,2026-09-14,/\n".as_slice())]);
    let package = pack(&[("manifest.csv", b"propertyName,value\n".as_slice())]);
    let rule = |name: &str, bytes: &[u8]| {
        let found = look(name, &mut Cursor::new(bytes), bytes.len() as u64, &Limits::default());
        found.map_or_else(
            |fault| fault.rule().to_owned(),
            |found| format!("{found:?}").chars().take(18).collect(),
        )
    };
    assert_eq!(rule("exports.zip", &zipped), "FILE-ZIP");
    assert_eq!(rule("marks.csv", &zipped), "FILE-ZIP");
    assert_eq!(rule("folder.zip", &pack(&[("exports/marks.csv", b"Id\n1\n".as_slice())])), "FILE-ZIP");
    assert_eq!(rule("roster.zip", &package), "Known(\"oneroster\")");
    assert_eq!(rule("marks.csv", b"%PDF-1.7 ..."), "FILE-PDF");
    assert_eq!(rule("marks.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "SHEET-OLD");
}

/// A report without captions would give the first child's names as captions, which are shown.
#[test]
fn a_file_without_captions_is_told_and_shows_nothing_of_its_first_row() {
    let rule = |text: &str| {
        let bytes = text.as_bytes();
        let found = look("marks.csv", &mut Cursor::new(bytes), bytes.len() as u64, &Limits::default());
        found.map_or_else(|fault| (fault.rule().to_owned(), fault.to_string()), |_| Default::default())
    };
    let marks = "N-1,Ash,Zo,20/11/2026,09:00,/\nN-2,Birch,Al,20/11/2026,09:00,N\n";
    let pupils: String = (0..12).map(|n| format!("{},Family{n},Given{n}\n", 6420 + n)).rev().collect();
    let pupils = format!("6425,Ash,Zo\n{pupils}");
    for text in [marks, pupils.as_str()] {
        let (rule, said) = rule(text);
        assert_eq!(rule, "FILE-NO-CAPTIONS");
        assert!(!said.contains("Ash") && !said.contains("6425"), "{said}");
    }
    // Days, times and numbers stand as captions over marks.
    for text in [
        "Adno,20/11/2026,21/11/2026\n1,/,N\n2,/,/\n",
        "Adno,09:00,10:00\n1,/,N\n2,/,/\n",
        "Adno,2025,2026\n1,4,5\n2,3,9\n3,8,1\n4,2,2\n5,1,6\n6,7,7\n",
    ] {
        assert_eq!(rule(text).0, "", "{text}");
    }
}

#[test]
fn a_register_with_days_across_and_an_export_without_rows_are_pointed_out() {
    let grid = "Name,Adno,Mon 14 Sep AM,Mon 14 Sep PM,Tue 15 Sep AM\nA,1,/,\\,/\nB,2,/,\\,N\n";
    let notes = proposed("wk38.csv", grid.as_bytes()).notes;
    assert!(notes.len() == 1 && notes[0].starts_with("3 captions are days"), "{notes:?}");
    let notes = proposed("wk38.csv", b"Adno,Date,Mark\n").notes;
    assert!(notes.len() == 1 && notes[0].contains("no rows"), "{notes:?}");
}

/// Only one sheet of a workbook is read: which one, and that there are others, must stand there.
#[test]
fn of_a_workbook_the_sheet_with_rows_is_named_and_others_like_it_are_told() {
    let people = world::children(24, "6", &mut world::Dice(320));
    let row = |cells: &[&str]| {
        let cells: String = cells
            .iter()
            .map(|cell| format!("<table:table-cell office:value-type=\"string\"><text:p>{cell}</text:p></table:table-cell>"))
            .collect();
        format!("<table:table-row>{cells}</table:table-row>")
    };
    let sheet = |name: &str, people: &[world::Child]| {
        let rows: String = people
            .iter()
            .map(|child| row(&[&child.number, child.family, child.given, &child.upn, "2009-02-11"]))
            .collect();
        let captions = row(&["Adno", "Surname", "Forename", "UPN", "DOB"]);
        format!("<table:table table:name=\"{name}\">{captions}{rows}</table:table>")
    };
    let notes =
        format!("<table:table table:name=\"Read me\">{}</table:table>", row(&["Made for the consortium"]));
    let content = format!(
        "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body><office:spreadsheet>{notes}{}{}\
         </office:spreadsheet></office:body></office:document-content>",
        sheet("Year 12", &people[..12]),
        sheet("Year 13", &people[12..])
    );
    let bytes = pack(&[("content.xml", content.as_bytes())]);
    let proposal = proposed("roll.ods", &bytes);
    let text = proposal.to_toml("roll.ods");
    assert!(text.contains("sheet = \"Year 12\"\n") || text.contains("sheet = \"Year 13\"\n"), "{text}");
    assert!(proposal.notes.len() == 1 && proposal.notes[0].contains("`Year 1"), "{:?}", proposal.notes);
    assert!(!proposal.notes[0].contains("Read me"), "{:?}", proposal.notes);
    // Which of the two is meant only a person knows; the file can be read without them.
    let doubt = proposal.doubts.iter().find(|doubt| doubt.setting == "sheet").unwrap();
    assert!(!doubt.must && doubt.candidates.len() == 2, "{doubt:?}");
    assert!(text.contains("# ? sheet = \"Year 12\"") && text.contains("# ? sheet = \"Year 13\""), "{text}");
    let said = Answers::from([("sheet".to_owned(), Value::Text("Year 12".to_owned()))]);
    let settled = answered("roll.ods", &bytes, &said);
    assert!(!settled.doubts.iter().any(|doubt| doubt.setting == "sheet"), "{:?}", settled.doubts);
}
