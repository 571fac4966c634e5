//! JSON as APIs answer: lists, lines, envelopes, nested objects and lists, moments as objects.

use crate::support::run;
use commonroll_connectors::table;
use commonroll_connectors::{Input, Limits, Mapping, mapping::Format};
use std::{io::Cursor, time::Instant};

/// Rows of JSON under a container's settings, as text.
fn rows(settings: &str, text: &str) -> Result<Vec<String>, String> {
    let mapping = format!("format = \"json\"\n{settings}\nrows = \"groups\"\n[fields]\ngroup = \"id\"\n");
    let mapping: Mapping = mapping.parse().unwrap();
    let Format::Table(container, _) = &mapping.format else { panic!("no table") };
    let mut reader = Cursor::new(text.as_bytes().to_vec());
    let input = Input { file_name: "a.json", size: text.len() as u64, reader: &mut reader };
    let told = |fault: commonroll_connectors::FileFault| format!("{}@{:?}", fault.rule(), fault.line());
    let mut table = table::open(container, input, &Limits::default()).map_err(told)?;
    let mut rows = Vec::new();
    while let Some(row) = table.next_row().map_err(told)? {
        let cells: Vec<_> = (0..row.width()).map(|column| row.cell(column)).collect();
        rows.push(cells.join("|"));
    }
    Ok(rows)
}

#[test]
fn captions_are_paths_and_missing_keys_are_blank() {
    let text = r#"[{"id":"A1","code":{"data":{"code":"\/","n":1.50}},"tags":["a","b"],"x":null},
        {"id":"A2","late":true,"code":{"data":{"code":"L"}},"x":{"y":"caf\u00e9"}}]"#;
    assert_eq!(
        rows("", text).unwrap(),
        ["id|code.data.code|code.data.n|tags[]|late|x.y", "A1|/|1.50|a;b||", "A2|L|||true|café"]
    );
}

#[test]
fn lines_and_envelopes_hold_the_same_rows() {
    let expected = ["id|n", "1|007", "2|8"];
    assert_eq!(rows("", "{\"id\":1,\"n\":\"007\"}\n\n{\"id\":2,\"n\":8}\n").unwrap(), expected);
    assert_eq!(rows("", "\u{feff}[{\"id\":1,\"n\":\"007\"},{\"id\":2,\"n\":8}]").unwrap(), expected);
    let envelope =
        r#"{"meta":{"data":[9]},"out":{"skip":"}]","data":[{"id":1,"n":"007"},{"id":2,"n":8}]},"z":1}"#;
    assert_eq!(rows("rows_at = \"out.data\"", envelope).unwrap(), expected);
    assert_eq!(rows("rows_at = \"data\"", "{\"data\":[]}").unwrap(), Vec::<String>::new());
}

#[test]
fn a_success_without_its_envelope_is_a_fault_and_never_an_empty_list() {
    for text in ["{}", "{\"error\":\"no\"}", "{\"data\":null}", "{\"data\":{}}", "[]", "\"ok\""] {
        assert_eq!(rows("rows_at = \"data\"", text).unwrap_err(), "JSON-ENVELOPE@Some(1)", "{text}");
    }
}

#[test]
fn nested_lists_become_rows_with_what_stands_around_them() {
    let text = r#"[{"id":"c1","students":{"data":[{"id":"s1"},{"id":"s2","role":"x"}]},"name":"12A"},
        {"id":"c2","students":{"data":[]},"name":"12B"},{"id":"c3","name":"12C"},
        {"name":"12D","students":{"data":[{"id":"s3","upn":"u"}]},"id":"c4"}]"#;
    assert_eq!(
        rows("each = \"students.data\"", text).unwrap(),
        [
            "id|name|students.data.id|students.data.role|students.data.upn",
            "c1|12A|s1||",
            "c1|12A|s2|x|",
            "c4|12D|s3||u"
        ]
    );
}

#[test]
fn moments_as_objects_are_one_cell_whose_date_is_the_date_meant() {
    let moment = |date: &str, zone: &str| {
        format!("{{\"id\":1,\"at\":{{\"date\":\"{date}\",\"timezone_type\":3,\"timezone\":\"{zone}\"}}}}\n")
    };
    let text = moment("2026-10-29 14:53:44.000000", "UTC")
        + &moment("2010-07-03 00:00:00.000000", "Europe\\/London")
        + &moment("2026-09-14 09:00:00", "+01:00")
        + &moment("2026-09-14 09:00:00", "Nowhere");
    assert_eq!(
        rows("", &text).unwrap(),
        [
            "id|at",
            "1|2026-10-29T14:53:44Z",
            "1|2010-07-03T00:00:00+01:00",
            "1|2026-09-14T09:00:00+01:00",
            "1|2026-09-14T09:00:00"
        ]
    );
    let not_one = "{\"id\":1,\"at\":{\"date\":\"2026-09-14\",\"zone\":\"UTC\"}}";
    assert_eq!(rows("", not_one).unwrap()[0], "id|at.date|at.zone");
}

#[test]
fn case_44_hostile_json_is_refused_with_a_rule() {
    let deep = format!("[{}1{}]", "{\"a\":".repeat(40), "}".repeat(40));
    let wide: String = (0..600).map(|n| format!("\"k{n}\":1,")).collect();
    for (text, rule) in [
        ("[{\"id\":1}", "JSON-BROKEN@Some(1)"),
        ("[{\"id\":1},]", "JSON-BROKEN@Some(1)"),
        ("[{\"id\":01}]", "JSON-BROKEN@Some(1)"),
        ("[{\"id\":1}]x", "JSON-BROKEN@Some(1)"),
        ("\n[{\"id\":1,\n\"id\":2}]", "JSON-KEY-TWICE@Some(2)"),
        ("[{\"a\":{\"x\":1},\"a\":{\"y\":1}}]", "JSON-KEY-TWICE@Some(1)"),
        ("[[1]]", "JSON-ROW@Some(1)"),
        ("[{\"id\":1}\n,5]", "JSON-ROW@Some(2)"),
        ("MZ\u{90}\0", "JSON-BROKEN@Some(1)"),
        (&*deep, "JSON-DEPTH@Some(1)"),
        (&*format!("[{{{wide}\"z\":1}}]"), "JSON-COLUMNS@Some(1)"),
    ] {
        assert_eq!(rows("", text).unwrap_err(), rule, "{}", &text[..text.len().min(40)]);
    }
    assert_eq!(
        rows("rows_at = \"d\"", "{\"d\":[],\"d\":[{\"id\":1}]}").unwrap_err(),
        "JSON-KEY-TWICE@Some(1)"
    );
    let endless = format!("[{{\"id\":\"{}\"}}]", "x".repeat(5 << 20));
    assert_eq!(rows("", &endless).unwrap_err(), "JSON-SIZE@Some(1)");
}

#[test]
fn marks_in_json_are_records_with_their_lines() {
    let mapping = "format = \"json\"\nrows = \"attendance\"\nignore = [\"id\"]\n[codes]\nset = \"ENG-2024\"\n\
        [fields]\nlearner = \"student.data.id\"\ndate = \"date\"\nperiod = \"session\"\nmark = \"attendance_code.data.code\"\n";
    let text = r#"{"id":"1","date":{"date":"2026-09-14 00:00:00.000000","timezone_type":3,"timezone":"UTC"},"session":"AM","student":{"data":{"id":"S1"}},"attendance_code":{"data":{"code":"\/"}}}
{"id":"2","date":{"date":"2026-09-14 00:00:00.000000","timezone_type":3,"timezone":"UTC"},"session":"PM","student":{"data":{"id":"S1"}},"attendance_code":{"data":{"code":"??"}}}
"#;
    let seen = run(mapping, text).unwrap();
    let problems = &seen.problems;
    assert_eq!((seen.items.len(), problems.len()), (1, 1));
    assert_eq!((problems[0].place.unwrap().line, &*problems[0].field), (2, "attendance_code.data.code"));
    assert_eq!(run(mapping, "{\"id\":\"1\"}\n").unwrap_err().rule(), "CSV-CAPTION-MISSING");
}

/// Not a measurement, since tests are built for finding faults: only that time grows with the file and not faster.
#[test]
fn large_files_are_read_in_time_that_grows_with_them() {
    let line = "{\"id\":\"A17491\",\"student\":{\"data\":{\"id\":\"S17\"}},\"date\":\"2026-09-14\",\"code\":\"L\",\"n\":5}\n";
    // The best of three: a machine that does other things as well is slow now and then, and never fast.
    let time = |n: usize| {
        let once = || {
            let begun = Instant::now();
            assert_eq!(rows("", &line.repeat(n)).unwrap().len(), n + 1);
            begun.elapsed().as_secs_f64()
        };
        once().min(once()).min(once())
    };
    let (small, large) = (time(1_000), time(8_000));
    assert!(large < 40.0 * small.max(0.005), "{small} {large}");
}
