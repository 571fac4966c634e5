//! Published files, replayed: they are as published, the made part follows from them, and each row arrives where it belongs.
//!
//! What must arrive is said by `tests/real/expected.py`, which shares no code with us. Here are the stories around it.

use crate::outside::{commonroll, installed, printed, text, top};
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

fn python(script: &str) -> Command {
    let mut python = Command::new(installed("tests/.cache/python/bin/python"));
    python.arg(top().join("tests/real").join(script)).env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

fn demo(from: &Path, kept: &Path) -> Output {
    let mut demo = Command::new(commonroll());
    demo.arg("demo").arg("--from").arg(from).args(["--once", "--speed", "20", "--dir"]).arg(kept);
    demo.stdin(Stdio::null()).output().unwrap()
}

/// What `demo --from` says of a folder that it can't use.
fn refusal(folder: &Path) -> String {
    let output = demo(folder, &folder.join("kept"));
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_files_are_as_published_and_the_made_part_follows_from_them() {
    printed(python("make_consortium.py").arg("--check"));
}

#[test]
fn the_expected_counts_are_what_the_files_say() {
    printed(python("expected.py").arg("--check"));
    let expected: serde_json::Value = serde_json::from_str(&text("tests/real/expected.json")).unwrap();
    let total = |kind: &str| expected["totals"][kind].as_u64().unwrap();
    assert!(
        total("attendance") >= 66 && total("behaviour") >= 21 && total("assessment") >= 1000,
        "{expected}"
    );
}

#[test]
fn each_row_of_the_published_files_arrives_at_the_right_home_once() {
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("demo");
    let output = demo(&top().join("tests/real"), &folder);
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let rows = printed(python("expected.py").arg("--outboxes").arg(&folder));
    assert_eq!(rows.trim(), "4557 rows arrived, each where it belongs and once");

    // The comparison can fail: a row that says something else is missed and is one too many.
    let file = outbox_file(&folder, "attendance-");
    let late = fs::read_to_string(&file).unwrap();
    fs::write(&file, late.replacen(",L,", ",/,", 1)).unwrap();
    let output = python("expected.py").arg("--outboxes").arg(&folder).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("1 rows are missing, 1 were not expected"));
}

/// A CSV file below `folder` whose name begins like this.
fn outbox_file(folder: &Path, start: &str) -> std::path::PathBuf {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true => waiting.push(path),
                false if name.starts_with(start) && name.ends_with(".csv") => return path,
                false => {}
            }
        }
    }
    panic!("no file {start}*.csv in any outbox");
}

const OWN: &str = r#"
[replay]
date = "2026-09-14"
[[institution]]
slug = "kingsmead"
name = "Kingsmead School"
type = "school"
[[institution]]
slug = "northgate"
name = "Northgate College"
type = "fe_college"
[[partner]]
institution = "northgate"
[[partner.source]]
name = "grades"
folder = "northgate"
pattern = "*.csv"
connector = "delimited"
mapping = "grades.toml"
[[agreement]]
id = "trial"
version = 1
parties = ["kingsmead", "northgate"]
purpose = "Try it"
first_date = "2020-01-01"
last_date = "2099-12-31"
[agreement.kinds]
assessment = ["result"]
[[placement]]
home = "kingsmead"
host = "northgate"
first_date = "2026-09-01"
last_date = "2027-07-31"
learners = [["K1", "N1"]]
"#;

const MAPPING: &str = "format = \"delimited\"\nrows = \"assessment\"\n[fields]\nlearner = \"Id\"\ndate = \"Date\"\n\
                       grade = \"Grade\"\nscale = { const = \"btec-l3\" }\nkind = { const = \"working_at\" }\n";

/// A user's folder: N1 is placed, N2 is nobody's guest.
fn own_folder(consortium: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("northgate")).unwrap();
    fs::write(folder.path().join("consortium.toml"), consortium).unwrap();
    fs::write(folder.path().join("grades.toml"), MAPPING).unwrap();
    let rows = "Id,Date,Grade\nN1,2026-09-14,D*\nN2,2026-09-14,M\n";
    fs::write(folder.path().join("northgate/grades.csv"), rows).unwrap();
    folder
}

#[test]
fn a_folder_of_ones_own_is_replayed_without_expected_counts() {
    let (folder, kept) = (own_folder(OWN), tempfile::tempdir().unwrap());
    let output = demo(folder.path(), &kept.path().join("demo"));
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("no expected counts") && told.contains("every accepted record arrived once"),
        "{told}"
    );
    let arrived = fs::read_to_string(outbox_file(kept.path(), "assessment-")).unwrap();
    assert_eq!(arrived.lines().count(), 2, "the captions and one row: N2 is nobody's guest");
    assert!(arrived.contains(",K1,northgate,2026-09-14,") && arrived.contains(",D*,"));
}

#[test]
fn counts_that_do_not_arrive_make_it_fail() {
    let consortium = OWN.replacen("[replay]", "[replay]\nexpected = \"counts.json\"", 1);
    let (folder, kept) = (own_folder(&consortium), tempfile::tempdir().unwrap());
    let two = r#"{ "arrives": [{ "home": "kingsmead", "source": "northgate", "kind": "assessment", "records": 2 }] }"#;
    fs::write(folder.path().join("counts.json"), two).unwrap();
    let output = demo(folder.path(), &kept.path().join("demo"));
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("kingsmead from northgate: 2 assessment expected, 1 arrived"), "{told}");
}

#[test]
fn a_folder_that_cannot_be_used_is_told_with_file_key_and_fix() {
    let empty = tempfile::tempdir().unwrap();
    let told = refusal(empty.path());
    assert!(told.contains("consortium.toml") && told.contains("--from takes a folder"), "{told}");
    let cases = [
        (
            "connector = \"delimited\"",
            "connector = \"sims\"",
            "`partner.source.0.connector` of northgate: must be one of",
        ),
        ("pattern = \"*.csv\"", "pattern = \"*.xml\"", "`partner.source.0.pattern` of northgate: no file in"),
        ("pattern = \"*.csv\"", "patern = \"*.csv\"", "unknown field `patern`"),
        (
            "folder = \"northgate\"",
            "folder = \"../northgate\"",
            "`partner.source.0.folder` of northgate: must be a path below",
        ),
        (
            "mapping = \"grades.toml\"",
            "",
            "`partner.source.0.mapping` of northgate: delimited text can't be read",
        ),
        ("mapping = \"grades.toml\"", "mapping = \"g.toml\"", "g.toml: "),
        (
            "institution = \"northgate\"",
            "institution = \"southgate\"",
            "names southgate, which no [[institution]]",
        ),
        (
            "date = \"2026-09-14\"",
            "date = \"14/09/2026\"",
            "key `replay.date`: must be a real date written as YYYY-MM-DD",
        ),
        ("date = \"2026-09-14\"", "date = \"2026-09-14\"\nexpected = \"counts.json\"", "counts.json: "),
        (
            "last_date = \"2027-07-31\"",
            "last_date = \"2025-07-31\"",
            "placement of kingsmead at northgate: key `last_date`",
        ),
        ("[replay]\ndate = \"2026-09-14\"", "", "missing field `replay`"),
    ];
    for (right, wrong, expected) in cases {
        let told = refusal(own_folder(&OWN.replacen(right, wrong, 1)).path());
        assert!(told.contains("consortium.toml") || told.contains(".json"), "{told}");
        assert!(told.contains(expected), "{expected}: {told}");
    }
}
