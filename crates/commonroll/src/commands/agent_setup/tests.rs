//! The wizard's files: names, patterns, and that nothing is lost when a source is added.

use super::{Args, ask::Asker, files};
use std::{fs, process::ExitCode};

fn args(folder: &std::path::Path) -> Args {
    Args {
        target: Some(folder.to_owned()),
        settings: folder.join("agent.toml"),
        name: None,
        propose: false,
        yes: true,
        answers: Vec::new(),
        show_values: false,
        replace: false,
        asked: super::asked::Flags::default(),
    }
}

const MARKS: &str = "Pupil Ref,Day Of Mark,Att Mark\n101,14/09/2026,/\n102,14/09/2026,/\n103,14/09/2026,L\n104,15/09/2026,/\n\
                     101,15/09/2026,N\n102,15/09/2026,\\\n103,16/09/2026,/\n104,16/09/2026,/\n105,16/09/2026,I\n";

#[test]
fn names_of_exports_become_patterns_and_names_of_sources() {
    assert_eq!(files::pattern("marks-2026-09-14.csv"), "marks-*.csv");
    assert_eq!(files::pattern("regout_0926.csv"), "regout_*.csv");
    assert_eq!(files::pattern("20260914T0900 att.csv"), "* att.csv");
    assert_eq!(files::pattern("y11 marksheet.csv"), "y* marksheet.csv");
    assert_eq!(files::pattern("marks.csv"), "marks.csv");
    assert_eq!(files::source_name("Y11 Mark Sheet (2).csv"), "y-mark-sheet");
    assert_eq!(files::source_name("2026.csv"), "export");
}

#[test]
fn a_folder_gives_the_newest_export_of_each_sort() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["marks-1.csv", "marks-2.csv", "roll.csv", "notes.docx", ".hidden.csv"] {
        fs::write(folder.path().join(name), MARKS).unwrap();
    }
    let found = files::exports(folder.path()).unwrap();
    let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("marks-") && names[1] == "roll.csv");
    assert!(files::exports(&folder.path().join("nowhere")).unwrap_err().contains("nowhere"));
}

#[tokio::test]
async fn a_file_that_says_everything_is_set_up_without_a_question_and_the_settings_keep_what_they_had() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("exports")).unwrap();
    let file = folder.path().join("exports/marks-0914.csv");
    fs::write(&file, MARKS).unwrap();
    let settings = folder.path().join("agent.toml");
    fs::write(&settings, "# ours\ndata = \"data\"   # local disk\n").unwrap();
    let args = Args { target: Some(file), ..args(folder.path()) };
    let (_, start) = super::run(&args).await.unwrap();
    assert!(!start, "nothing starts without a yes");
    let text = fs::read_to_string(&settings).unwrap();
    assert!(text.starts_with("# ours\ndata = \"data\"   # local disk\n"), "{text}");
    assert!(text.contains("folder = \"exports\"\npattern = \"marks-*.csv\"\nconnector = \"delimited\"\nmapping = \"marks.toml\""), "{text}");
    let mapping = fs::read_to_string(folder.path().join("marks.toml")).unwrap();
    assert!(mapping.contains("learner = \"Pupil Ref\""), "{mapping}");
    assert!(mapping.contains("date_format = \"dd/mm/yyyy\""), "{mapping}");
    // Once more: it is set up as it would be, so a script that runs twice is told nothing else.
    let (code, _) = super::run(&args).await.unwrap();
    assert_eq!(code, ExitCode::SUCCESS);
    assert_eq!(fs::read_to_string(&settings).unwrap(), text);
    // The mapping that is there says something else, and nobody said that it may be overwritten: it isn't set up.
    fs::write(folder.path().join("marks.toml"), "mine").unwrap();
    let (code, _) = super::run(&args).await.unwrap();
    assert_eq!(code, ExitCode::from(super::DOUBTS_LEFT));
    assert_eq!(fs::read_to_string(folder.path().join("marks.toml")).unwrap(), "mine");
    fs::write(&settings, "data = \"data\"\n").unwrap();
    let (code, _) = super::run(&Args { replace: true, ..args }).await.unwrap();
    assert_eq!(code, ExitCode::SUCCESS);
    assert_eq!(fs::read_to_string(folder.path().join("marks.toml")).unwrap(), mapping);
}

#[tokio::test]
async fn a_file_that_leaves_something_open_is_not_set_up_without_its_answers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marks.csv");
    fs::write(&file, MARKS.replace("/\n", "P\n").replace("\\\n", "P\n")).unwrap();
    let args = Args { target: Some(file), name: Some("marks".to_owned()), ..args(folder.path()) };
    super::run(&args).await.unwrap();
    assert!(!folder.path().join("marks.toml").exists() && !args.settings.exists());
    for (setting, said, form) in
        [("codes.P", "presnt", "must be one of present"), ("fields.mark", "Marks", "caption of a column")]
    {
        let answers = vec![(setting.to_owned(), said.to_owned())];
        let error = super::run(&Args { answers, ..args.clone() }).await.unwrap_err();
        assert!(error.contains(setting) && error.contains(form), "{error}");
    }
    let answers = [
        ("rows", "attendance"),
        ("fields.mark", "Att Mark"),
        ("codes", "own"),
        ("codes.P", "present"),
        ("codes.L", "late"),
        ("codes.N", "absent"),
        ("codes.I", "absent"),
    ];
    let said = |(setting, value): (&str, &str)| (setting.to_owned(), value.to_owned());
    let args = Args { answers: answers.map(said).to_vec(), ..args };
    super::run(&args).await.unwrap();
    let mapping = fs::read_to_string(folder.path().join("marks.toml")).unwrap();
    assert!(mapping.contains("\"P\" = \"present\"   # you said so"), "{mapping}");
}

/// A zip with one file in it, as it stands.
fn zip(name: &str, text: &str) -> Vec<u8> {
    let crc = !text.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    let size = u32::try_from(text.len()).unwrap();
    let mut about = [20_u16, 0, 0, 0, 0x21].map(u16::to_le_bytes).concat();
    about.extend([crc, size, size].map(u32::to_le_bytes).concat());
    about.extend([u16::try_from(name.len()).unwrap(), 0].map(u16::to_le_bytes).concat());
    let local = [&b"PK\x03\x04"[..], &about[..], name.as_bytes(), text.as_bytes()].concat();
    let central = [&b"PK\x01\x02\x14\0"[..], &about[..], &[0; 14], name.as_bytes()].concat();
    let places = [u32::try_from(central.len()).unwrap(), u32::try_from(local.len()).unwrap()];
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &places.map(u32::to_le_bytes).concat()[..], &[0; 2]]
        .concat();
    [local, central, end].concat()
}

#[tokio::test]
async fn of_two_sheets_alike_the_one_that_was_said_is_set_up_and_a_stranger_to_the_workbook_is_named() {
    let row = |cells: &[&str]| {
        let cell = |cell: &&str| {
            format!(
                "<table:table-cell office:value-type=\"string\"><text:p>{cell}</text:p></table:table-cell>"
            )
        };
        format!("<table:table-row>{}</table:table-row>", cells.iter().map(cell).collect::<String>())
    };
    let sheet = |name: &str, reference: &str| {
        let rows: String = MARKS
            .lines()
            .map(|line| row(&line.replace("Pupil Ref", reference).split(',').collect::<Vec<_>>()))
            .collect();
        format!("<table:table table:name=\"{name}\">{rows}</table:table>")
    };
    let content = format!(
        "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body><office:spreadsheet>{}{}\
         </office:spreadsheet></office:body></office:document-content>",
        sheet("Year 12", "Pupil Ref"),
        sheet("Year 13", "Pupil Number")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marks.ods");
    fs::write(&file, zip("content.xml", &content)).unwrap();
    let says = |sheet: &str| Args {
        target: Some(file.clone()),
        answers: vec![("sheet".to_owned(), sheet.to_owned())],
        replace: true,
        ..args(folder.path())
    };
    for (sheet, caption) in [("year 13", "Pupil Number"), ("Year 12", "Pupil Ref")] {
        let (code, _) = super::run(&says(sheet)).await.unwrap();
        assert_eq!(code, ExitCode::SUCCESS);
        let mapping = fs::read_to_string(folder.path().join("marks.toml")).unwrap();
        assert!(
            mapping.contains(&format!("learner = \"{caption}\"")) && !mapping.contains("# ? sheet"),
            "{mapping}"
        );
    }
    let error = super::run(&says("Year 11")).await.unwrap_err();
    assert!(error.contains("must be one of Year 1") && error.contains("Year 13"), "{error}");
    // Nobody says which: one is set up, and the other stays in sight.
    super::run(&Args { answers: Vec::new(), ..says("") }).await.unwrap();
    let mapping = fs::read_to_string(folder.path().join("marks.toml")).unwrap();
    assert!(
        mapping.contains("# ? sheet = \"Year 12\"") && mapping.contains("# ? sheet = \"Year 13\""),
        "{mapping}"
    );
}

#[test]
fn new_settings_have_an_outbox_since_without_one_nothing_is_received() {
    let text = files::new_settings();
    let settings =
        commonroll_agent::Settings::parse(&text, std::path::Path::new("/srv/agent/agent.toml")).unwrap();
    let outbox = settings.outbox.unwrap();
    assert_eq!(outbox.folder, std::path::Path::new("/srv/agent/outbox"));
    assert_eq!(outbox.formats, [commonroll_agent::settings::OutboxFormat::Csv]);
}

#[test]
fn an_answer_in_advance_is_a_setting_and_a_value() {
    assert_eq!(
        super::ask::in_advance("codes.O=absent").unwrap(),
        ("codes.O".to_owned(), "absent".to_owned())
    );
    assert!(super::ask::in_advance("absent").is_err());
    assert!(!Asker::new(true).confirm("Overwrite?", false));
}
