//! Session codes into the home's own database: what was proposed, what an officer decided over it, and what a person made stays.

use super::{
    Database, GIBBON, OPENSIS, ROSARIOSIS,
    database::Product,
    home::{home, host},
    screens,
};
use crate::{fake_hub::FakeHub, rig::School};
use commonroll_agent::{
    AgentError,
    apply::{self, Applied},
    outbox::{Folder, Handed, WriteBack},
};
use commonroll_connectors::{
    mapping::Dialect,
    render::{MarkRow, RowHead, Session},
};
use commonroll_core::{LocalId, Revision, SchoolDate};
use commonroll_wire::{SessionOf, session_code_id};

/// A registration period before the first lesson, in the schedule of both learners, and a code for being educated elsewhere.
const REGISTRATION: &str = "
insert into school_periods (period_id, syear, school_id, title, short_name, start_time, end_time, attendance)
  values (82, 2026, 1, 'Registration', 'AM', '08:40', '08:50', 'Y');
insert into course_periods (course_period_id, syear, school_id, course_id, short_name, marking_period_id, teacher_id, calendar_id)
  values (71, 2026, 1, 60, 'Reg', 1, 1, 90);
insert into schedule (id, syear, school_id, student_id, start_date, course_id, course_period_id)
  values (3, 2026, 1, 11, '2000-09-01', 60, 71), (4, 2026, 1, 12, '2000-09-01', 60, 71);
insert into attendance_codes (id, syear, school_id, title, short_name, type, state_code, default_code, table_name, sort_order)
  values (6, 2026, 1, 'Educated elsewhere', 'B', 'official', 'P', null, 0, 6);
";

async fn school(product: Product, dialect: Dialect) -> Database {
    let mis = Database::of(product, dialect).await;
    if product.name == "gibbon" {
        mis.run(screens::GIBBON_SCHOOL).await;
        return mis;
    }
    mis.run(&screens::school(product.name)).await;
    mis.run(REGISTRATION).await;
    mis.run(match product.name {
        "rosariosis" => "insert into course_period_school_periods (course_period_id, period_id, days) values (71, 82, 'MTWHFSU')",
        _ => "insert into course_period_var (course_period_id, period_id, days, room_id) values (71, 82, 'MTWHFSU', 1)",
    })
    .await;
    mis
}

/// The home's settings: its morning closes at nine, and its MIS has the morning there.
fn settings(product: Product) -> String {
    let (more, place) = match product.name {
        "gibbon" => {
            ("taker = \"commonroll\"\ngroups = { \"70\" = \"12PHY.1\" }\ncodes = { B = \"PS\" }", "day")
        }
        _ => ("codes = { B = \"B\" }", "AM"),
    };
    format!("{more}\n[outbox.apply.sessions]\nam = \"{place}\"\n[outbox.sessions]\nam = \"09:00:00\"\n")
}

/// The morning as the home's own screens would show it: learner, code, where it stands, and the words beside it without our tag.
fn shown(product: Product) -> &'static str {
    match product.name {
        "gibbon" => {
            "select cast(l.gibbonPersonID as unsigned), c.nameShort, l.direction, l.context, substring_index(l.comment, ' [cr:', 1) \
             from gibbonAttendanceLogPerson l join gibbonAttendanceCode c on c.gibbonAttendanceCodeID = l.gibbonAttendanceCodeID \
             where l.context <> 'Class' order by 1, l.gibbonAttendanceLogPersonID"
        }
        "rosariosis" => {
            "select a.student_id, c.short_name, coalesce(a.admin, '-'), a.course_period_id, \
             left(coalesce(a.comment, ''), 15) from attendance_period a \
             join attendance_codes c on c.id = a.attendance_code where a.period_id = 82 order by 1"
        }
        _ => {
            "select a.student_id, c.short_name, coalesce(a.admin, '-'), a.course_period_id, \
             left(coalesce(a.comment, ''), 15) from attendance_period a \
             join attendance_codes c on c.id = a.attendance_code where a.period_id = 82 order by 1"
        }
    }
}

/// What the home's tutor enters for a learner's morning.
fn tutor(product: Product, learner: u32, code: &str) -> String {
    match product.name {
        "gibbon" => screens::gibbon_person(learner, "current_date", code).replace("'Person'", "'Form Group'"),
        _ => screens::teacher(learner, "current_date", 82, code).replace(", id, 70 from", ", id, 71 from"),
    }
}

struct Story {
    theirs: Database,
    ours: Database,
    host: School,
    home: School,
    hub: FakeHub,
    product: Product,
    today: SchoolDate,
    files: u64,
}

impl Story {
    async fn of(product: Product, dialect: Dialect, settings: &str) -> Self {
        let (theirs, ours) =
            (Database::of(ROSARIOSIS, Dialect::Postgres).await, school(product, dialect).await);
        theirs.run(&screens::school("rosariosis")).await;
        let (host, hub) = host(&theirs, "rosariosis").await;
        let home = home(&ours, product.name, settings).await;
        let today = ours.rows("select current_date").await[0].parse().unwrap();
        Self { theirs, ours, host, home, hub, product, today, files: 0 }
    }

    /// What the host has is sent and carried.
    async fn carries(&mut self) -> Applied {
        self.host.send(&self.hub).await;
        self.home.receive_and_apply(&self.hub).await
    }

    /// The officer decides a learner's morning, for the n-th time; without a code the home's own mark is to stay.
    async fn decides(&mut self, learner: &str, revision: u32, code: &str) -> Applied {
        self.decides_of(Session::Am, learner, revision, code).await
    }

    async fn decides_of(&mut self, session: Session, learner: &str, revision: u32, code: &str) -> Applied {
        self.hands_out(session, learner, revision, code);
        self.home.apply().await
    }

    /// What was decided is in the outbox.
    fn hands_out(&mut self, session: Session, learner: &str, revision: u32, code: &str) {
        self.files += 1;
        let learner = LocalId::parse("learner", learner).unwrap();
        let of = SessionOf { learner: learner.clone(), date: self.today, afternoon: session == Session::Pm };
        let row = MarkRow {
            head: RowHead {
                record: session_code_id(&self.home.reading.institution, &of),
                revision: Revision::new(revision).unwrap(),
                learner,
                source: "northgate".parse().unwrap(),
                date: self.today,
                withdrawn: code.is_empty(),
            },
            group: String::new(),
            start: None,
            end: None,
            session: Some(session),
            mark: code.to_owned(),
            minutes_late: None,
            comment: "northgate; accepted 09:12".to_owned(),
            decided: true,
        };
        let outbox = self.home.settings.outbox.as_ref().unwrap();
        let folder = Folder::open(outbox, self.home.settings.zone.clone()).unwrap();
        assert_eq!(folder.decide(self.files, &[row]).unwrap(), Handed::Program, "nobody types it in");
    }

    async fn shown(&self) -> Vec<String> {
        self.ours.rows(shown(self.product)).await
    }

    /// Words of the newest refusal.
    async fn refused(&self) -> Vec<String> {
        self.home.refused().await.into_iter().map(|row| row.message).collect()
    }
}

/// A host's marks are evidence for two mornings; the home's tutor has one of them.
async fn told(product: Product, dialect: Dialect, own: &str, [proposed, decided]: [&str; 2]) {
    let mut story = Story::of(product, dialect, &settings(product)).await;
    for learner in [11, 12] {
        story.theirs.run(&screens::teacher(learner, "current_date", 80, "P")).await;
    }
    story.ours.run(&tutor(product, 12, "A")).await;

    let applied = story.carries().await;
    assert_eq!(
        (applied.applied, applied.refused),
        (3, 1),
        "two lessons, a morning: {:?}",
        story.refused().await
    );
    assert_eq!(story.shown().await, [proposed, own], "the tutor's own mark stays");
    assert!(story.refused().await[0].contains("what a person made stays"));

    assert_eq!(story.decides("11", 1, "B").await.applied, 1, "{:?}", story.refused().await);
    assert_eq!(story.shown().await, [decided, own], "it takes the place of what was proposed");
    assert_eq!(
        story.decides("12", 1, "B").await.refused,
        1,
        "what an officer decides here is no tutor's mark"
    );
    assert_eq!(story.shown().await, [decided, own]);

    // The host's teacher corrects the lesson: what the officer decided stays until the officer decides anew.
    story.theirs.run(&screens::office(11, 80, "T")).await;
    let applied = story.carries().await;
    assert_eq!((applied.applied, applied.refused), (1, 0), "the lesson alone: {:?}", story.refused().await);
    assert_eq!(story.shown().await, [decided, own]);

    // The home reads its own database: none of it comes back as the home's own.
    let template = match product.name {
        "gibbon" => "gibbon-attendance-day".to_owned(),
        name => format!("{name}-attendance"),
    };
    let mut reads = super::asking::school("ridgeway", &story.ours, &[&template]).await;
    reads.ask_well().await;
    let rows = reads.rows(&template);
    assert!(rows.len() == 1 && rows[0].starts_with("12,"), "{rows:?}");

    assert_eq!(story.decides("11", 2, "").await.applied, 1);
    assert_eq!(story.shown().await, [own], "the officer lets the home's own mark stay: ours goes");
    assert_eq!(story.decides("11", 3, "N").await.applied, 1, "{:?}", story.refused().await);
    assert_eq!(story.shown().await.len(), 2, "and decides anew");
}

#[tokio::test]
async fn a_session_code_reaches_gibbon_as_the_days_mark() {
    let ours = ["11 PS In Person northgate 09:00", "11 PS In Person northgate; accepted 09:12"];
    told(GIBBON, Dialect::MySql, "12 A Out Form Group ", ours).await;
}

#[tokio::test]
async fn a_session_code_reaches_the_registration_period_of_rosariosis_on_postgresql() {
    told(
        ROSARIOSIS,
        Dialect::Postgres,
        "12 A - 71 ",
        ["11 B Y 71 northgate 09:00", "11 B Y 71 northgate; acce"],
    )
    .await;
}

#[tokio::test]
async fn a_session_code_reaches_the_registration_period_of_rosariosis_on_mariadb() {
    told(
        ROSARIOSIS,
        Dialect::MySql,
        "12 A - 71 ",
        ["11 B Y 71 northgate 09:00", "11 B Y 71 northgate; acce"],
    )
    .await;
}

#[tokio::test]
async fn a_session_code_reaches_the_registration_period_of_opensis() {
    told(OPENSIS, Dialect::MySql, "12 A - 71 ", ["11 B Y 71 northgate 09:00", "11 B Y 71 northgate; acce"])
        .await;
}

#[tokio::test]
async fn a_session_code_that_somebody_changed_in_the_mis_is_theirs() {
    for (product, change) in [
        (
            GIBBON,
            "update gibbonAttendanceLogPerson set gibbonAttendanceCodeID = 4, type = 'Absent', direction = 'Out' \
             where context = 'Person'",
        ),
        (OPENSIS, "update attendance_period set attendance_code = 4 where period_id = 82"),
    ] {
        let mut story = Story::of(product, Dialect::MySql, &settings(product)).await;
        assert_eq!(story.decides("11", 1, "B").await.applied, 1);
        story.ours.run(change).await;
        let theirs = story.shown().await;
        assert_eq!(story.decides("11", 2, "N").await.refused, 1, "neither what is decided anew");
        assert_eq!(story.decides("11", 3, "").await.refused, 1, "nor what is taken back touches it");
        assert_eq!(story.shown().await, theirs, "{}", product.name);
    }
}

#[tokio::test]
async fn a_mornings_mark_that_was_wrong_is_taken_out_and_a_person_is_told_to_look() {
    let mut story = Story::of(ROSARIOSIS, Dialect::MySql, &settings(ROSARIOSIS)).await;
    story.theirs.run(&screens::teacher(11, "current_date", 80, "P")).await;
    assert_eq!(story.carries().await.applied, 2, "the lesson and the morning");
    assert_eq!(story.shown().await, ["11 B Y 71 northgate 09:00"]);
    crate::recalls::notice(&story.hub, 1, 5, "match_undone", &[1]);
    assert_eq!(story.home.receive_and_apply(&story.hub).await.applied, 2, "both are another learner's");
    assert_eq!(story.ours.rows("select student_id from attendance_period").await, Vec::<String>::new());
    let outbox = &story.home.settings.outbox.as_ref().unwrap().folder;
    let list = std::fs::read_to_string(outbox.join("recall-000000000005.csv")).unwrap();
    assert!(list.contains("remove the session mark by hand"), "{list}");
}

#[tokio::test]
async fn an_officers_code_never_takes_the_place_of_a_lessons_mark() {
    // The home named a period in which there is a lesson, too.
    let text = "codes = { B = \"B\" }\n[outbox.apply.sessions]\nam = \"1\"\n";
    for dialect in [Dialect::MySql, Dialect::Postgres] {
        let mut story = Story::of(ROSARIOSIS, dialect, text).await;
        story.theirs.run(&screens::teacher(11, "current_date", 80, "A")).await;
        assert_eq!(story.carries().await.applied, 1, "the lesson");
        let lesson = "select attendance_code, left(comment, 15) from attendance_period";
        let before = story.ours.rows(lesson).await;
        assert_eq!(story.decides("11", 1, "B").await.refused, 1);
        assert!(story.refused().await[0].contains("lesson"), "{:?}", story.refused().await);
        assert_eq!(story.decides("11", 2, "").await.refused, 0);
        assert_eq!(story.ours.rows(lesson).await, before, "taking the code back leaves the lesson");
    }
}

#[tokio::test]
async fn the_afternoons_code_never_takes_the_place_of_the_mornings() {
    // The same period by its short name and by its title.
    let text =
        "codes = { B = \"B\", N = \"A\" }\n[outbox.apply.sessions]\nam = \"AM\"\npm = \"Registration\"\n";
    let mut story = Story::of(OPENSIS, Dialect::MySql, text).await;
    assert_eq!(story.decides("11", 1, "B").await.applied, 1);
    let morning = story.shown().await;
    assert_eq!(story.decides_of(Session::Pm, "11", 1, "N").await.refused, 1);
    assert_eq!(story.shown().await, morning);
}

#[tokio::test]
async fn a_course_whose_marking_period_is_over_is_not_in_the_schedule() {
    for (product, dialect) in [(ROSARIOSIS, Dialect::Postgres), (OPENSIS, Dialect::MySql)] {
        let mut story = Story::of(product, dialect, &settings(product)).await;
        let (periods, meets) = match product.name {
            "rosariosis" => (
                "school_marking_periods (marking_period_id, syear, mp, school_id, title, start_date, end_date) values (3, 2026, 'SEM', ",
                "course_period_school_periods (course_period_id, period_id, days) values (72, 82, 'MTWHFSU')",
            ),
            _ => (
                "marking_periods (marking_period_id, mp_source, syear, mp_type, school_id, title, start_date, end_date) \
                 values (3, 'openSIS', 2026, 'semester', ",
                "course_period_var (course_period_id, period_id, days, room_id) values (72, 82, 'MTWHFSU', 1)",
            ),
        };
        story.ours.run(&format!(
            "insert into {periods} 1, 'Last term', '2000-09-01', '2001-01-31');
             insert into {meets};
             insert into course_periods (course_period_id, syear, school_id, course_id, short_name, marking_period_id, teacher_id, calendar_id)
               values (72, 2026, 1, 60, 'Old', 3, 1, 90);
             insert into schedule (id, syear, school_id, student_id, start_date, course_id, course_period_id)
               values (5, 2026, 1, 11, '2000-09-01', 60, 72);"
        )).await;
        assert_eq!(story.decides("11", 1, "B").await.applied, 1, "{:?}", story.refused().await);
        assert_eq!(story.shown().await, ["11 B Y 71 northgate; acce"], "{}", product.name);
    }
}

#[tokio::test]
async fn a_lessons_mark_that_somebody_changed_is_no_place_for_the_days_code_in_gibbon() {
    let text = "taker = \"commonroll\"\ncodes = { B = \"PS\" }\n[outbox.apply.sessions]\nam = \"day\"\n";
    let mut story = Story::of(GIBBON, Dialect::MySql, text).await;
    story.theirs.run(&screens::teacher(11, "current_date", 80, "P")).await;
    assert_eq!(story.carries().await.applied, 1, "the lesson, where the day's code would be");
    story.ours.run("update gibbonAttendanceLogPerson set gibbonAttendanceCodeID = 4, type = 'Absent', direction = 'Out'").await;
    let theirs = story.shown().await;
    assert_eq!(story.decides("11", 1, "B").await.refused, 1);
    assert!(story.refused().await[0].contains("what a person made stays"), "{:?}", story.refused().await);
    assert_eq!(story.shown().await, theirs);
}

#[tokio::test]
async fn where_gibbon_counts_classes_for_the_day_a_sessions_code_is_a_persons_to_enter() {
    let mut story = Story::of(GIBBON, Dialect::MySql, &settings(GIBBON)).await;
    story
        .ours
        .run(
            "create table gibbonSetting (scope varchar(50), name varchar(50), value text);
              insert into gibbonSetting values ('Attendance', 'countClassAsSchool', 'Y')",
        )
        .await;
    assert_eq!(story.decides("11", 1, "B").await.applied, 1, "the account may not look");
    let grant = format!(
        "grant select (scope, name, value) on gibbonSetting to {}@localhost",
        story.ours.account("write")
    );
    story.ours.run(&grant).await;
    assert_eq!(story.decides("11", 2, "N").await.refused, 1);
    assert!(story.refused().await[0].contains("countClassAsSchool"), "{:?}", story.refused().await);
    assert_eq!(story.decides("11", 3, "").await.applied, 1, "what stands there can be taken back");
    assert_eq!(story.shown().await, Vec::<String>::new());
    story.ours.run("update gibbonSetting set value = 'N'").await;
    assert_eq!(story.decides("11", 4, "B").await.applied, 1, "{:?}", story.refused().await);
}

#[tokio::test]
async fn lists_of_before_session_codes_were_carried_stay_with_whoever_typed_them_in() {
    let mut story = Story::of(OPENSIS, Dialect::MySql, &settings(OPENSIS)).await;
    let outbox = story.home.settings.outbox.clone().unwrap();
    for learner in ["11", "12"] {
        story.hands_out(Session::Am, learner, 1, "B");
    }
    // One of the two was only proposed.
    let list = |name: &str| outbox.folder.join(name);
    std::fs::rename(list("session-decided-000000000002.csv"), list("session-000000000007.csv")).unwrap();
    assert_eq!(apply::begin(&outbox, &story.home.spool).await.unwrap(), 2);
    let applied = story.home.apply().await;
    assert_eq!((applied.applied, applied.refused, applied.waiting), (0, 0, 0));
    assert_eq!(story.shown().await, Vec::<String>::new());
    let result = std::fs::read_to_string(list("session-000000000007.result.csv")).unwrap();
    assert!(
        result.contains(",superseded,") && result.contains("of before these lists were carried"),
        "{result}"
    );

    story.hands_out(Session::Am, "11", 2, "B");
    assert_eq!(
        apply::begin(&outbox, &story.home.spool).await.unwrap(),
        0,
        "another start passes nothing over"
    );
    assert_eq!(story.home.apply().await.applied, 1, "{:?}", story.refused().await);
    assert_eq!(story.shown().await, ["11 B Y 71 northgate; acce"]);
}

#[tokio::test]
async fn no_lessons_mark_overrules_the_days_code_in_gibbon() {
    // Without a class of the learner's the lesson would lie where the day does.
    let text = settings(GIBBON).replace("groups = { \"70\" = \"12PHY.1\" }\n", "");
    let mut story = Story::of(GIBBON, Dialect::MySql, &text).await;
    story.theirs.run(&screens::teacher(11, "current_date", 80, "A")).await;
    assert_eq!(story.decides("11", 1, "B").await.applied, 1);
    let applied = story.carries().await;
    assert_eq!((applied.applied, applied.refused), (0, 1));
    assert!(
        story.refused().await[0].contains("the officer's code for the session"),
        "{:?}",
        story.refused().await
    );
    assert_eq!(story.shown().await, ["11 PS In Person northgate; accepted 09:12"]);
}

#[tokio::test]
async fn what_the_mis_has_no_place_for_is_said_and_not_guessed() {
    let mut story =
        Story::of(OPENSIS, Dialect::MySql, &settings(OPENSIS).replace("\"AM\"", "\"Reg 1\"")).await;
    assert_eq!(story.decides("11", 1, "B").await.refused, 1);
    assert!(story.refused().await[0].contains("outbox.apply.sessions"), "{:?}", story.refused().await);
    assert_eq!(story.shown().await, Vec::<String>::new());

    let pm = settings(GIBBON).replace("[outbox.apply.sessions]\nam", "[outbox.apply.sessions]\npm");
    let mut story = Story::of(GIBBON, Dialect::MySql, &pm).await;
    assert_eq!(story.decides("11", 1, "B").await.refused, 1, "the afternoon is the day's mark there");
    assert!(story.refused().await[0].contains("enter it by hand"), "{:?}", story.refused().await);

    for (product, sessions, says) in [
        (GIBBON, "am = \"day\"\npm = \"day\"\n", "only one of `am` and `pm`"),
        (GIBBON, "am = \"AM\"\n", "write \"day\""),
        (OPENSIS, "am = \"1\"\npm = \"1\"\n", "the same period"),
        (OPENSIS, "am = \" \"\n", "name or the title"),
    ] {
        let home = home(&story.ours, product.name, &format!("[outbox.apply.sessions]\n{sessions}")).await;
        let Err(AgentError::Settings { problem, .. }) = home.carrier() else {
            panic!("{sessions} was taken")
        };
        assert!(problem.starts_with("outbox.apply: sessions: ") && problem.contains(says), "{problem}");
    }
}
