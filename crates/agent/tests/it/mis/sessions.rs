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
    apply::Applied,
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
        self.files += 1;
        let learner = LocalId::parse("learner", learner).unwrap();
        let of = SessionOf { learner: learner.clone(), date: self.today, afternoon: false };
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
            session: Some(Session::Am),
            mark: code.to_owned(),
            minutes_late: None,
            comment: "northgate; accepted 09:12".to_owned(),
            decided: true,
        };
        let outbox = self.home.settings.outbox.as_ref().unwrap();
        let folder = Folder::open(outbox, self.home.settings.zone.clone()).unwrap();
        assert_eq!(folder.decide(self.files, &[row]).unwrap(), Handed::Program, "nobody types it in");
        self.home.apply().await
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
