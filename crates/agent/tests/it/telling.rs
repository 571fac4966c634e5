//! The hub is told of sources: codes, captions and counts alone, when they have changed, and never in haste.

use crate::{
    fake_hub::FakeHub,
    rig::{School, csv},
};
use commonroll_agent::{HubError, telling};
use commonroll_core::sources::{KeptBack, SourceTold};

/// An export of marks of one day, so many with each code.
fn marks(codes: &[(&str, usize)]) -> String {
    let mut rows = Vec::new();
    for (place, (code, n)) in codes.iter().enumerate() {
        rows.extend((0..*n).map(|row| (format!("L{place}-{row}"), *code)));
    }
    csv(&rows.iter().map(|(learner, code)| (learner.as_str(), *code)).collect::<Vec<_>>())
}

fn kept(told: &[SourceTold], source: &str) -> Vec<(String, Option<String>, u64)> {
    let source = told.iter().find(|one| one.name == source).unwrap();
    let line = |kept: &KeptBack| (kept.rule.clone(), kept.code.clone(), kept.rows);
    source.kept.iter().map(line).collect()
}

#[tokio::test]
async fn a_code_is_told_and_a_name_that_strayed_into_its_column_is_only_counted() {
    let mut school = School::new("northgate").await;
    school.put("marks.csv", &marks(&[("/", 30), ("Q9", 7), ("Whitlow", 6), ("W7", 2)]));
    school.look().await;
    let told = telling::sources(&school.spool, &school.settings).await.unwrap();
    assert_eq!(told.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["marks", "visits", "staff"]);
    let (rule, code) = ("ATT-UNKNOWN-CODE".to_owned(), Some("Q9".to_owned()));
    assert_eq!(kept(&told, "marks"), [(rule.clone(), None, 8), (rule, code, 7)]);
    assert_eq!(told[0].kept[1].caption, "Mark");
    assert_eq!((told[0].connector.as_str(), told[0].mapping.len()), ("delimited", 8));
    assert!(!format!("{told:?}").contains("Whitlow"), "{told:?}");
    // The problems at the agent hold no value either.
    let (problems, count) = school.spool.problems(100).await.unwrap();
    assert_eq!(count, 15);
    assert!(!format!("{problems:?}").contains("Whitlow"));

    // What is mended is told no more; an export that is refused as a whole is.
    school.put("marks.csv", &marks(&[("/", 30)]));
    school.wait(60);
    school.look().await;
    let told = telling::sources(&school.spool, &school.settings).await.unwrap();
    assert_eq!((kept(&told, "marks"), told[0].refused.as_deref()), (Vec::new(), None));
    school.put("marks.csv", "Id,Class,Date\nada,12A,2026-09-14\n");
    school.wait(60);
    school.look().await;
    let told = telling::sources(&school.spool, &school.settings).await.unwrap();
    assert_eq!(told[0].refused.as_deref(), Some("CSV-CAPTION-MISSING"));
}

#[tokio::test]
async fn of_surnames_in_the_column_of_marks_only_a_count_is_told_though_some_are_as_short_as_codes() {
    let short = ["LI", "LEE", "ALI", "KIM", "LAW", "COX", "FOX", "NG", "WU", "XU", "RAY", "MAY", "DAY"];
    let letter = |n: usize| char::from(b'A' + (n % 26) as u8);
    let long = (0..587).map(|n| format!("WHIT{}{}", letter(n), letter(n / 26)));
    let names: Vec<String> = short.into_iter().map(str::to_owned).chain(long).collect();
    let rows: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 5)).collect();
    let mut school = School::new("northgate").await;
    for (export, n) in [(&rows[..], 3_000), (&rows[1..2], 5)] {
        school.put("marks.csv", &marks(&[&[("/", 30)], export].concat()));
        school.wait(60);
        school.look().await;
        let told = telling::sources(&school.spool, &school.settings).await.unwrap();
        assert_eq!(kept(&told, "marks"), [("ATT-UNKNOWN-CODE".to_owned(), None, n)]);
        assert!(!format!("{told:?}").contains("LEE"));
    }
}

#[tokio::test]
async fn it_is_told_when_it_has_changed_and_every_five_minutes_at_most() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    let times = |hub: &FakeHub| hub.with(|s| s.sources.len());
    school.put("marks.csv", &marks(&[("/", 3), ("Q9", 5)]));
    school.look().await;
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    assert_eq!(times(&hub), 1, "once");
    school.put("marks.csv", &marks(&[("/", 3), ("Q9", 9), ("Q8", 5)]));
    school.wait(60);
    school.look().await;
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    assert_eq!(times(&hub), 1, "not in haste");
    school.wait(300);
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    assert_eq!(times(&hub), 2);
    assert_eq!(hub.with(|s| s.sources[1][0].kept[0].rows), 9);
    school.wait(3_600);
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    assert_eq!(times(&hub), 2, "nothing is new");

    // What the hub did not get is told again; a hub of before is asked again the next day.
    school.put("marks.csv", &marks(&[("/", 3)]));
    school.look().await;
    hub.with(|s| s.sources_fail = Some(HubError::Unreachable));
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    school.wait(300);
    hub.with(|s| s.sources_fail = Some(HubError::Refused("unknown method".to_owned())));
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    assert_eq!(times(&hub), 4);
    school.wait(3_600);
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    assert_eq!(times(&hub), 4, "it can't be told today");
    hub.with(|s| s.sources_fail = None);
    school.wait(86_400);
    telling::tell(&hub, &school.spool, &school.settings, school.now).await;
    assert_eq!(times(&hub), 5);
    let alarms = school.spool.alarms().await.unwrap();
    assert!(alarms.is_empty(), "nobody is bothered with it: {alarms:?}");
}

#[tokio::test]
async fn where_only_the_number_of_rows_is_another_it_is_told_once_an_hour() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    for (seconds, codes, times) in [
        (0, &[("/", 3), ("Q9", 5)][..], 1),
        (900, &[("/", 3), ("Q9", 6)], 1),
        (900, &[("/", 3), ("Q9", 7)], 1),
        (900, &[("/", 3), ("Q9", 7), ("Q8", 8)], 2),
        (900, &[("/", 3), ("Q9", 9), ("Q8", 8)], 2),
        (2_700, &[("/", 3), ("Q9", 9), ("Q8", 8)], 3),
    ] {
        school.wait(seconds);
        school.put("marks.csv", &marks(codes));
        school.look().await;
        telling::tell(&hub, &school.spool, &school.settings, school.now).await;
        assert_eq!(hub.with(|s| s.sources.len()), times, "{codes:?}");
    }
    assert_eq!(hub.with(|s| s.sources[2][0].kept[0].rows), 9);
}
