//! Common Transfer Files: read leniently, and ours come back as they were.

use crate::support::{run, settings};
use commonroll_connectors::{
    Item,
    render::{CtfHeader, CtfPupil, CtfResult, CtfSchool, CtfYear, Session, ctf_file_name, ctf_xml},
};
use commonroll_core::SchoolDate;
use expect_test::expect;

const MAPPING: &str = "format = \"ctf\"\nschool = \"8604001\"\n";

const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<CTfile>
<Header><DocumentName>Common Transfer File</DocumentName><CTFversion>19.0</CTFversion></Header>
<CTFpupilData>
<Pupil>
<UPN>F860400125001</UPN><UniqueLearnerNumber>1000000019</UniqueLearnerNumber><UCI/>
<Surname>ASHBY</Surname><Forename>ZOË</Forename><DOB>2008-11-03</DOB><Gender>F</Gender>
<BasicDetails><FormerUPN>B801200005001</FormerUPN><PreferredForename>Immy</PreferredForename><NCyearActual>12</NCyearActual><EnrolStatus>M</EnrolStatus></BasicDetails>
<LookedAfter><InCare>true</InCare></LookedAfter>
<Attendance><YearData><Year>2026</Year><LEA>860</LEA><Estab>4001</Estab><SessionsPossible>6</SessionsPossible>
<AttendSessions><AttendanceStartDate>2026-09-14</AttendanceStartDate><AttendanceMarks>/\/LB?####N</AttendanceMarks></AttendSessions></YearData>
<YearData><Year>2025</Year><LEA>860</LEA><Estab>4002</Estab></YearData></Attendance>
<StageAssessments><KeyStage><Stage>KS4</Stage><StageAssessment><Locale>ENG</Locale><Year>2025</Year><Subject>MAT</Subject><Method>TT</Method>
<Component>SUB</Component><ResultStatus>R</ResultStatus><ResultQualifier>NG</ResultQualifier><Result>6</Result></StageAssessment>
<StageAssessment><Year>soon</Year><Subject>ENG</Subject><Result>5</Result></StageAssessment></KeyStage></StageAssessments>
<NewIn27/>
</Pupil>
<Pupil><UPN/><Surname>BELL</Surname><Forename>MAX</Forename></Pupil>
<Pupil><UPN>F860400125002</UPN><Surname>COLE</Surname><Forename>MAX</Forename><DOB>2008-11-31</DOB></Pupil>
</CTFpupilData>
</CTfile>"#;

#[test]
fn learners_prior_attainment_and_marks_are_read_from_any_version() {
    let seen = run(MAPPING, FILE).unwrap();
    expect![[r#"
        5: learner F860400125001 Home upn=F860400125001 uln=1000000019 born=2008-11-03 ZOË ASHBY (Immy) was B801200005001
        11: 2026-09-14 F860400125001 - key=2026-09-14|F860400125001|AM Present / [ENG-2024]  Present
        11: 2026-09-14 F860400125001 - key=2026-09-14|F860400125001|PM Present \ [ENG-2024]  Present
        11: 2026-09-15 F860400125001 - key=2026-09-15|F860400125001|AM Present / [ENG-2024]  Present
        11: 2026-09-15 F860400125001 - key=2026-09-15|F860400125001|PM Late L [ENG-2024]  Present
        11: 2026-09-16 F860400125001 - key=2026-09-16|F860400125001|AM Unknown B [ENG-2024]  ApprovedEducationalActivity
        11: 2026-09-19 F860400125001 - key=2026-09-19|F860400125001|AM Absent N [ENG-2024]  UnauthorisedAbsence
        13: 2025-08-31 F860400125001 - key=F860400125001|KS4|2025|MAT|TT|SUB|R|NG Prior 6 on ctf/ng@1 MAT / KS4 MAT TT SUB / KS4 2025
        problem: line 11: AttendanceMarks: ATT-UNKNOWN-CODE: the code table has no such code; add it to the table or correct it at its source
        problem: line 12: YearData: CTF-NOT-READ: attendance at another school is that school's to say
        problem: line 15: Year: CTF-DATE: must be a year written as YYYY (and `result_day` as MM-DD)
        problem: line 16: NewIn27: CTF-NOT-READ: elements of this name are not read
        problem: line 18: UPN: CTF-ID-BLANK: must not be blank: it says who or what this is about
        problem: line 19: DOB: CTF-DATE: must be a real date written as YYYY-MM-DD
    "#]]
    .assert_eq(&seen.show());
    assert!(!seen.show().contains("true"), "care is never looked at");
}

#[test]
fn every_encoding_reads_the_same_and_another_root_is_refused() {
    let usual = run(MAPPING, FILE).unwrap().show();
    let latin: Vec<u8> = FILE.replace("UTF-8", "iso-8859-1").chars().map(|c| c as u8).collect();
    let marked = [b"\xef\xbb\xbf", FILE.as_bytes()].concat();
    let wide: Vec<u8> = FILE.replace("UTF-8", "UTF-16").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for file in [latin, marked, wide] {
        assert_eq!(run(MAPPING, file).unwrap().show(), usual);
    }
    assert_eq!(run(MAPPING, "<Report/>").unwrap_err().rule(), "CTF-ROOT");
    assert_eq!(run(MAPPING, "<CTfile><CTFpupilData/></CTfile>").unwrap_err().rule(), "FILE-NO-ROWS");
    assert_eq!(run(MAPPING, &FILE[..FILE.len() - 30]).unwrap_err().rule(), "XML-BROKEN");
    assert_eq!(
        run(MAPPING, FILE.replace("<CTfile>", "<!DOCTYPE a [<!ENTITY b \"c\">]><CTfile>"))
            .unwrap_err()
            .rule(),
        "XML-DTD"
    );
    let other = settings("format = \"ctf\"\nlearner = \"uln\"");
    assert!(other.mapping.unwrap().is_for("8604001_CTF_8604002_001.xml"));
}

#[test]
fn a_file_of_ours_comes_back_as_it_was() {
    let day = |day: i32| {
        SchoolDate::from_days(SchoolDate::from_civil(jiff::civil::date(2026, 9, 14)).days() + day).unwrap()
    };
    let own = CtfSchool {
        lea: "860".to_owned(),
        estab: "4001".to_owned(),
        urn: "123456".to_owned(),
        name: "Home & Co".to_owned(),
    };
    let to = CtfSchool { lea: "860".to_owned(), estab: "4002".to_owned(), ..CtfSchool::default() };
    let marks = [
        (day(0), Session::Am, "/"),
        (day(0), Session::Pm, "\\"),
        (day(1), Session::Am, "L"),
        (day(1), Session::Pm, "B"),
        (day(4), Session::Am, "C1"),
        (day(4), Session::Pm, "O"),
        (day(7), Session::Am, "Y1"),
    ];
    let year = CtfYear::of(2026, own.clone(), &marks).unwrap();
    assert_eq!((year.attended, year.authorised, year.unauthorised, year.possible()), (4, 1, 1, 6));
    // Of the marks of two characters, one has a letter that counts alike; the other has none.
    assert_eq!(year.marks, "/\\LB####CO####-#");
    let header = CtfHeader {
        written: jiff::civil::date(2026, 9, 30).at(10, 15, 0, 0),
        full: false,
        describes: "Attendance <of> a year".to_owned(),
        from: own,
        to,
        academic_year: 2026,
    };
    let pupil = CtfPupil {
        upn: "F860400125001".to_owned(),
        uci: "681990012058G".to_owned(),
        former_upn: "D860400125017".to_owned(),
        surname: "O\u{2019}NEILL".to_owned(),
        forename: "ZOË".to_owned(),
        birth_date: Some(SchoolDate::from_civil(jiff::civil::date(2008, 11, 3))),
        known_as: "Zo".to_owned(),
        year_group: "12".to_owned(),
        enrol_status: "G".to_owned(),
        years: vec![year],
        ..CtfPupil::default()
    };
    assert_eq!(format!("{pupil:?}"), "CtfPupil(..)");
    assert_eq!(ctf_file_name(&header, 7), "8604001_CTF_8604002_007.xml");
    let xml = ctf_xml(&header, &[pupil]);
    let seen = run(MAPPING, &xml).unwrap();
    expect![[r#"
        23: learner F860400125001 Guest upn=F860400125001 uln= born=2008-11-03 ZOË O’NEILL (Zo) was D860400125017
        45: 2026-09-14 F860400125001 - key=2026-09-14|F860400125001|AM Present / [ENG-2024]  Present
        45: 2026-09-14 F860400125001 - key=2026-09-14|F860400125001|PM Present \ [ENG-2024]  Present
        45: 2026-09-15 F860400125001 - key=2026-09-15|F860400125001|AM Late L [ENG-2024]  Present
        45: 2026-09-15 F860400125001 - key=2026-09-15|F860400125001|PM Unknown B [ENG-2024]  ApprovedEducationalActivity
        45: 2026-09-18 F860400125001 - key=2026-09-18|F860400125001|AM Absent C [ENG-2024]  AuthorisedAbsence
        45: 2026-09-18 F860400125001 - key=2026-09-18|F860400125001|PM Absent O [ENG-2024]  UnauthorisedAbsence
        45: 2026-09-21 F860400125001 - key=2026-09-21|F860400125001|AM Unknown - [ENG-2024] 
    "#]]
    .assert_eq(&seen.show());
    assert!(CtfYear::of(2026, CtfSchool::default(), &[(day(0), Session::Am, "?!")]).is_err());
}

#[test]
fn prior_attainment_is_passed_on_in_the_codes_that_it_came_in() {
    let read = run(MAPPING, FILE).unwrap();
    let results = read.items.iter().filter_map(|(_, item)| match item {
        Item::Record(draft) => CtfResult::of(draft),
        _ => None,
    });
    let results: Vec<_> = results.collect();
    assert_eq!(results.len(), 1, "marks are no results");
    let school = CtfSchool { lea: "860".to_owned(), estab: "4001".to_owned(), ..CtfSchool::default() };
    let header = CtfHeader {
        written: jiff::civil::date(2026, 9, 30).at(10, 15, 0, 0),
        full: false,
        describes: String::new(),
        from: school.clone(),
        to: school,
        academic_year: 2026,
    };
    let pupil = CtfPupil { upn: "F860400125001".to_owned(), results: results.clone(), ..CtfPupil::default() };
    let xml = String::from_utf8(ctf_xml(&header, &[pupil])).unwrap();
    let order =
        ["<Stage>", "<Year>", "<Subject>", "<Method>", "<Component>", "<ResultStatus>", "<ResultQualifier>"];
    let places: Vec<_> = order.iter().map(|element| xml.find(element).unwrap()).collect();
    assert!(places.is_sorted() && places[6] < xml.find("<Result>").unwrap(), "{xml}");
    let again = run(MAPPING, &xml).unwrap();
    let key = |seen: &crate::support::Seen| {
        let found = seen.items.iter().find_map(|(_, item)| match item {
            Item::Record(draft) if CtfResult::of(draft).is_some() => Some(draft.clone()),
            _ => None,
        });
        found.unwrap()
    };
    assert!(key(&again) == key(&read), "the same record, with the same key");
}
