//! XML in which one element repeats, and the templates for SIMS.

use crate::support::{run, settings};
use commonroll_connectors::templates;
use expect_test::expect;

fn template(name: &str) -> &'static str {
    templates::by_name(name).unwrap().text
}

#[test]
fn a_report_of_the_command_reporter_becomes_marks() {
    let seen = run(
        template("sims-sessions-xml"),
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<SuperStarReport>\n\
         <Record><PersonID>6420</PersonID><UPN>F860400125001</UPN><AttDate>2026-09-14T00:00:00</AttDate>\
         <Session>AM</Session><Mark>/</Mark></Record>\n\
         <Record><PersonID>6420</PersonID><AttDate>15/09/2026</AttDate><Session>PM</Session><Mark>L</Mark>\
         <MinsLate>12</MinsLate><Comment>Bus &amp; fog</Comment></Record>\n\
         <Record><PersonID>6421</PersonID><AttDate>2026-13-14</AttDate><Session>PM</Session><Mark>L</Mark></Record>\n\
         </SuperStarReport>",
    )
    .unwrap();
    expect![[r#"
        3: 2026-09-14 6420 - key=2026-09-14|6420|AM Present / [ENG-2024] 2026-09-14T07:45:00Z..2026-09-14T11:30:00Z Present
        4: 2026-09-15 6420 - key=2026-09-15|6420|PM Late L [ENG-2024] 2026-09-15T12:15:00Z..2026-09-15T14:30:00Z late=12 note=Bus & fog Present
        problem: line 5: AttDate: CSV-DATE: must be a real date written as dd/mm/yyyy
    "#]]
    .assert_eq(&seen.show());
}

const LATIN: &str = "format = \"xml\"\nrows = \"learners\"\n[fields]\nlearner = \"Person ID\"\nsurname = \"Name/Family Name\"\n\
                     forename = \"Name/@given\"\nknown_as = \"Known As\"\n";

#[test]
fn spaces_attributes_paths_and_encodings_are_read() {
    let text = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a:Any xmlns:a=\"x\"><Row><Person_X0020ID>1</Person_X0020ID>\
                <Name given=\"Zo\u{eb} &amp; Co\"><Family_x0020_Name>M\u{fc}ller</Family_x0020_Name></Name></Row>\
                <Row><Person_X0020ID>2</Person_X0020ID><Name given=\"Bo\"><Family_x0020_Name>Bell</Family_x0020_Name></Name></Row></a:Any>";
    let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
    let seen = run(LATIN, bytes).unwrap();
    expect![[r#"
        1: learner 1 Home upn= uln= born= Zoë & Co Müller ()
        1: learner 2 Home upn= uln= born= Bo Bell ()
        covers: Learners
    "#]]
    .assert_eq(&seen.show());
    let wide: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(text.replace("iso-8859-1", "utf-16").encode_utf16())
        .flat_map(u16::to_be_bytes)
        .collect();
    assert_eq!(run(LATIN, wide).unwrap().show(), seen.show());
}

#[test]
fn learners_of_isams_batch_api_come_with_their_number() {
    let seen = run(
        template("isams-learners"),
        "<iSAMS><PupilManager><CurrentPupils>\
         <Pupil Id=\"7\" PersonGuid=\"x\"><UPN>H801200001001</UPN><SchoolId>145</SchoolId><Forename>Imogen</Forename>\
         <Surname>Ashby</Surname><Preferredname>Immy</Preferredname><Gender>F</Gender><DOB>2009-05-15T00:00:00</DOB></Pupil>\
         <Pupil Id=\"8\"><SchoolId>146</SchoolId><Forename>Ben</Forename><Surname>Bell</Surname><DOB>2009-06-01T00:00:00</DOB></Pupil>\
         </CurrentPupils></PupilManager></iSAMS>",
    )
    .unwrap();
    let shown = seen.show();
    assert!(shown.contains("learner 145 Home upn=H801200001001 uln= born=2009-05-15"), "{shown}");
    assert!(shown.contains("learner 146 Home upn= uln= born=2009-06-01"), "{shown}");
}

#[test]
fn the_row_is_found_or_named_and_one_record_is_enough() {
    let people = |inner: &str| {
        format!(
            "<iSAMS><Version>1</Version><PupilManager><CurrentPupils>{inner}</CurrentPupils></PupilManager></iSAMS>"
        )
    };
    let one = "<Pupil><Person_X0020ID>1</Person_X0020ID><Name given=\"A\"><Family_X0020Name>B</Family_X0020Name></Name></Pupil>";
    let named = LATIN.replace("format = \"xml\"", "format = \"xml\"\nrow = \"Pupil\"");
    assert_eq!(run(&named, people(one)).unwrap().items.len(), 1);
    assert_eq!(run(LATIN, people(&one.repeat(2))).unwrap().items.len(), 2);
    assert_eq!(run(LATIN, format!("<Rows>{one}</Rows>")).unwrap().items.len(), 1);
    assert_eq!(run(LATIN, "<Rows/>").unwrap_err().rule(), "XML-ROWS");
    // All of the roll or none: a roll of nobody is a failed export.
    assert_eq!(run(&named, people("")).unwrap_err().rule(), "FILE-NO-ROWS");
    assert_eq!(run(&named, people("<Pupil/>")).unwrap_err().rule(), "FILE-NO-ROWS");
}

#[test]
fn an_id_that_is_blank_or_missing_in_every_row_is_told() {
    let rows = "<r><PersonID/><AttDate>2026-09-14</AttDate><Session>AM</Session><Mark>/</Mark></r>".repeat(3);
    let fault = run(template("sims-sessions-xml"), format!("<x>{rows}</x>")).unwrap_err();
    assert_eq!(fault.rule(), "CSV-ID-BLANK-ALL");
    let rows = rows.replace("<PersonID/>", "");
    let fault = run(template("sims-sessions-xml"), format!("<x>{rows}</x>")).unwrap_err();
    assert_eq!(fault.rule(), "CSV-CAPTION-MISSING");
}

#[test]
fn the_xml_that_we_write_is_read_by_its_template() {
    let lesson = "<LessonAttendances><LessonAttendance><PersonID>7338</PersonID><AttendanceDate>2026-09-14</AttendanceDate>\
                  <StartTime>09:00</StartTime><EndTime>10:00</EndTime><GroupCode>12A/Ma1</GroupCode>\
                  <AttendanceMark>L</AttendanceMark><Comments/><MinsLate>12</MinsLate></LessonAttendance></LessonAttendances>";
    let session = "<SessionAttendances><SessionAttendance><PersonID>6420</PersonID><AttendanceDate>2026-09-14</AttendanceDate>\
                   <SessionName>AM</SessionName><AttendanceMark>B</AttendanceMark><Comments>Northgate College</Comments>\
                   <MinsLate></MinsLate></SessionAttendance></SessionAttendances>";
    let result = "<Results><Result><PersonID>6420</PersonID><Assessment>Working At Grade</Assessment><Description>Y12 Aut2</Description>\
                  <Result>B</Result><Notes/><DateAchieved>2026-11-20T00:00:00</DateAchieved>\
                  <isDataEntryCompleted>true</isDataEntryCompleted></Result></Results>";
    let mut text = String::new();
    for (name, xml) in [("lessons", lesson), ("sessions", session), ("results", result)] {
        text.push_str(&run(template(&format!("sims-thirdparty-{name}-xml")), xml).unwrap().show());
    }
    expect![[r#"
        1: 2026-09-14 7338 12A/Ma1 key=2026-09-14|7338|12A/Ma1|09:00:00 Late L [ENG-2024] 2026-09-14T08:00:00Z..2026-09-14T09:00:00Z late=12
        covers: Day(Attendance, SchoolDate(2026-09-14))
        1: 2026-09-14 6420 - key=2026-09-14|6420|AM Unknown B [ENG-2024] 2026-09-14T07:45:00Z..2026-09-14T11:30:00Z note=Northgate College ApprovedEducationalActivity
        covers: Day(Attendance, SchoolDate(2026-09-14))
        1: 2026-11-20 6420 - key=2026-11-20|6420|Working At Grade|Y12 Aut2|Working At Grade WorkingAt B on gce-a-level@2024  / Working At Grade / Y12 Aut2
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_report_of_behaviour_reads_the_same_as_xml_and_as_csv() {
    let csv = "PersonID,UPN,IncidentID,Type,Date,Time,Activity,Location,Role,Points,Action,ActionDate,Status,Staff,Comments\n\
               6420,F860400125001,88123,Disruption,2026-10-02,11:10,Lesson,Classroom,Aggressor,1,Detention,2026-10-05,Resolved,Mr T Ward,Repeatedly off task\n";
    let (captions, row) = csv.trim_end().split_once('\n').unwrap();
    let cells = captions.split(',').zip(row.split(','));
    let cells: String = cells.map(|(caption, cell)| format!("<{caption}>{cell}</{caption}>")).collect();
    let xml = format!(
        "<SuperStarReport><Record>{}</Record></SuperStarReport>",
        cells.replace("2026-10-02", "2026-10-02T00:00:00")
    );
    let seen = [("sims-behaviour-csv", csv.to_owned()), ("sims-behaviour-xml", xml)]
        .map(|(name, file)| run(template(name), file).unwrap().show().split_once(": ").unwrap().1.to_owned());
    assert!(seen[0].contains("Disruption"), "{}", seen[0]);
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn reports_as_csv_are_read_by_their_templates() {
    let files = [
        (
            "sims-lessons-csv",
            "PersonID,UPN,Surname,Forename,Class,Date,Start,End,Mark,MinsLate,Comment\n6420,,A,B,12A/Ma1,14/09/2026,09:00,10:00,L,5,\n",
        ),
        (
            "sims-assessment-csv",
            "PersonID,UPN,Subject,Aspect,ResultSet,Grade,ResultDate\n6420,F860400125001,Applied Science,Working At Grade,Y12 Aut2,M,2026-11-20\n",
        ),
        (
            "sims-behaviour-csv",
            "PersonID,UPN,IncidentID,Type,Date,Time,Activity,Location,Role,Points,Action,ActionDate,Status,Staff,Comments\n6420,F860400125001,88123,Disruption,2026-10-02,11:10,Lesson,Classroom,Aggressor,1,Detention,2026-10-05,Resolved,Mr T Ward,Repeatedly off task\n",
        ),
        (
            "sims-achievement-csv",
            "PersonID,UPN,AchievementID,Type,Date,Activity,Points,Award,AwardDate,Staff,Comments\n6420,,91,Effort,2026-10-02,Lesson,2,Postcard,,,Well done\n",
        ),
        (
            "sims-learners-csv",
            "PersonID,UPN,ULN,AdmissionNo,Surname,Forename,ChosenForename,DOB,Reg,Year,EnrolStatus\n6420,F860400125001,,004512,Ashby,Imogen,Immy,03/11/2008,12B,12,Main - Dual Registration\n",
        ),
    ];
    let mut text = String::new();
    for (name, csv) in files {
        text.push_str(&run(template(name), csv).unwrap().show());
    }
    expect![[r#"
        2: 2026-09-14 6420 12A/Ma1 key=2026-09-14|6420|12A/Ma1|09:00:00 Late L [ENG-2024] 2026-09-14T08:00:00Z..2026-09-14T09:00:00Z late=5
        covers: Day(Attendance, SchoolDate(2026-09-14))
        2: 2026-11-20 6420 - key=2026-11-20|6420|Applied Science|Working At Grade|Y12 Aut2|Working At Grade WorkingAt M on gce-a-level@2024 Applied Science / Working At Grade / Y12 Aut2
        2: 2026-10-02 6420 - key=88123|6420 Negative LowLevelDisruption "Disruption" 2026-10-02T10:10:00Z at Classroom role=Some(Perpetrator) points=Some(1) action=Detention by=None  +internal
        2: 2026-10-02 6420 - key=91|6420 Positive Achievement "Effort"  at  role=None points=Some(2) action=Postcard by=None  +internal
        2: learner 6420 Home upn=F860400125001 uln= born=2008-11-03 Imogen Ashby (Immy)
        covers: Learners
    "#]]
    .assert_eq(&text);
}

/// Three of one thing and three of another in one report: nine rows.
#[test]
fn a_report_that_multiplies_its_rows_is_refused_and_repeated_rows_are_one() {
    let mapping = template("sims-behaviour-csv");
    let head = "PersonID,UPN,IncidentID,Type,Date,Time,Activity,Location,Role,Points,Action,ActionDate,Status,Staff,Comments\n";
    let mut multiplied = head.to_owned();
    let mut repeated = head.to_owned();
    for incident in 0..20 {
        for action in ["Detention", "Letter", "Call"] {
            let row = |action: &str, staff: &str| {
                format!(
                    "64,,{incident},Disruption,2026-10-02,11:10,,,Aggressor,1,{action},,Resolved,{staff},\n"
                )
            };
            multiplied.push_str(&row(action, "A"));
            // Staff isn't read, so these rows say the same.
            repeated.push_str(&row("Detention", action));
        }
    }
    assert_eq!(run(mapping, &multiplied).unwrap_err().rule(), "CSV-CROSS-PRODUCT");
    assert_eq!(run(mapping, &repeated).unwrap().items.len(), 20);
    let latest = mapping.replace("rows = \"behaviour\"", "rows = \"behaviour\"\nrepeats = \"latest\"");
    assert_eq!(run(&latest, &multiplied).unwrap().items.len(), 60);
    assert!(settings(&latest).mapping.unwrap().is_for("sims-behaviour-1.csv"));
}
