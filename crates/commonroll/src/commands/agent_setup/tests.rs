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
