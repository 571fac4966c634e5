//! Marks that can't be so are sent, and whoever sends them is told.

use crate::{
    fake_hub::FakeHub,
    rig::{School, taken},
};
use commonroll_agent::{scan::Taken, telling};

const MAPPING: &str = "format = \"delimited\"\nrows = \"attendance\"\ncovers = \"dates\"\n[codes]\nset = \"ENG-2024\"\n\
    [fields]\nlearner = \"Id\"\ngroup = \"Class\"\ndate = \"Date\"\nstart = \"Start\"\nend = \"End\"\nmark = \"Mark\"\n\
    minutes_late = \"Late\"\nminutes_left_early = \"Left\"\n";
const SOURCE: &str = "[[source]]\nname = \"own\"\nfolder = \"exports\"\npattern = \"own*.csv\"\nconnector = \"delimited\"\n\
    mapping = \"own.toml\"\n";
const ROWS: [&str; 7] = [
    "ada,12A,2026-09-14,09:00,10:00,/,,",
    "ben,12B,2026-09-14,11:00,12:00,/,,",
    // Known to be ill tomorrow.
    "cleo,12B,2026-09-15,11:00,12:00,I,,",
    "dan,12C,2026-09-14,09:00,09:30,L,45,",
    // The teacher has opened the register a little early.
    "eve,12D,2026-09-14,10:10,11:00,/,,",
    "fay,12C,2026-09-14,09:00,09:30,L,20,10",
    "gil,12C,2026-09-14,09:00,09:30,L,20,11",
];

async fn school() -> School {
    School::of("northgate", SOURCE, &[("own.toml", MAPPING)]).await
}

/// Its MIS exports these rows; it is ten o'clock, or so many seconds later than before.
async fn export(school: &mut School, rows: &[&str], later: i64) -> Taken {
    school.wait(later);
    school.put("own.csv", &format!("Id,Class,Date,Start,End,Mark,Late,Left\n{}\n", rows.join("\n")));
    taken(&school.look().await["own.csv"]).clone()
}

fn told(taken: &Taken) -> Vec<(u64, &str)> {
    taken.problems.iter().map(|problem| (problem.line.unwrap(), problem.rule.as_str())).collect()
}

#[tokio::test]
async fn a_mark_that_cant_be_so_is_told_with_its_line_and_sent() {
    let mut school = school().await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    let said = export(&mut school, &ROWS, 0).await;
    let (ahead, longer) = ("ATT-LESSON-AHEAD", "ATT-MINUTES-LESSON");
    assert_eq!(told(&said), [(3, ahead), (5, longer), (8, longer)]);
    assert_eq!((said.new, said.problem_count), (7, 3));
    assert!(said.problems.iter().all(|problem| problem.fix.contains("sent as it is")));
    assert_eq!(school.publish(&hub).await.unwrap().accepted, 7);
    let sources = telling::sources(&school.spool, &school.settings).await.unwrap();
    assert!(sources.iter().all(|source| source.kept.is_empty()), "nothing is kept back: {sources:?}");

    // The lesson begins; what a teacher mistyped stands until it is mended.
    let mended = ROWS.map(|row| row.replace(",20,11", ",20,"));
    let mended = mended.each_ref().map(String::as_str);
    let said = export(&mut school, &mended, 3_600).await;
    assert_eq!((told(&said), said.corrected), (vec![(5, longer)], 1));
}

#[tokio::test]
async fn a_day_to_come_is_ahead_where_a_mark_has_no_time() {
    let mut school = School::new("northgate").await;
    school.put(
        "marks.csv",
        "Id,Class,Date,Mark\nada,12A,2026-09-14,/\nben,12A,2026-09-15,/\ncleo,12A,2026-09-15,I\n",
    );
    let looked = school.look().await;
    let said = taken(&looked["marks.csv"]);
    assert_eq!((told(said), said.new), (vec![(3, "ATT-LESSON-AHEAD")], 3));
}
