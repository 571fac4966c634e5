//! When people are told that a learner is missing, as agreements say it: what is read, what is refused, and what counts of several.

use crate::agreement::{PAIR, read};
use commonroll_core::agreement::{
    AgreementText, AlertTimes, Fault, Moment, STARTING_TEXT, Times, documents::signing_page,
};
use jiff::{civil, tz::TimeZone};

/// The pair's text with this section in it, and the line of the section's heading.
fn with(section: &str) -> (String, u32) {
    let at = PAIR.find("[controllers]").unwrap();
    let heading = u32::try_from(PAIR[..at].matches('\n').count()).unwrap() + 1;
    (format!("{}[whereabouts]\n{section}\n{}", &PAIR[..at], &PAIR[at..]), heading)
}

fn said(section: &str) -> AlertTimes {
    read(&with(section).0).terms().limits.times
}

#[test]
fn a_text_without_the_section_says_nothing_and_the_usual_times_hold() {
    let terms = read(PAIR).terms();
    assert!(terms.limits.times.is_empty());
    assert!(!serde_json::to_string(&terms).unwrap().contains("times"), "its terms are stored as before");
    let usual = Times::strictest([&terms.limits.times]);
    assert_eq!(usual, Times::default());
    assert_eq!(Moment::ALL.map(|moment| usual.of(moment)), [15, 5, 30, 15, 10, 10, 960]);
    assert_eq!(usual.next_day(), civil::time(16, 0, 0, 0));
}

#[test]
fn what_a_text_says_is_in_its_terms_and_they_come_back_the_same() {
    let terms =
        read(&with("register_minutes = 8\nhost_first_minutes = 0\nnext_day_from = \"15:30\"").0).terms();
    let times = &terms.limits.times;
    assert_eq!(times.get(Moment::Register), Some(8));
    assert_eq!(times.get(Moment::Travel), None);
    let all = Times::strictest([times]);
    assert_eq!((all.of(Moment::HostFirst), all.of(Moment::Travel)), (0, 30));
    assert_eq!(all.next_day(), civil::time(15, 30, 0, 0));
    let stored = serde_json::to_string(&terms).unwrap();
    assert_eq!(serde_json::from_str::<commonroll_core::directory::Agreement>(&stored).unwrap(), terms);
    assert!(said("").is_empty(), "an empty section says nothing");
}

#[test]
fn of_several_agreements_the_earliest_of_each_time_counts_and_silence_promises_nothing() {
    let (one, other) = (
        said("register_minutes = 20\ntravel_minutes = 10"),
        said("register_minutes = 12\nagain_minutes = 30"),
    );
    let both = Times::strictest([&one, &other]);
    assert_eq!(both, Times::strictest([&other, &one]));
    let [register, host, travel, _, again, ..] = Moment::ALL.map(|moment| both.of(moment));
    assert_eq!((register, host, travel, again), (12, 5, 10, 30));
    assert_eq!(Times::strictest([&one, &AlertTimes::default()]).of(Moment::Register), 20);
    assert_eq!(Times::strictest([]), Times::default());
}

#[test]
fn a_time_out_of_bounds_or_of_another_shape_is_a_fault_with_line_field_and_fix() {
    let one = |section: &str| -> Fault {
        let (text, heading) = with(&format!("# a remark\n{section}"));
        let mut found = AgreementText::parse(&text).unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].line, heading + 2);
        found.remove(0)
    };
    for moment in Moment::ALL {
        let (field, (least, most)) = (moment.field(), moment.bounds());
        assert!((least..=most).contains(&moment.usual()));
        for wrong in [i64::from(least) - 1, i64::from(most) + 1, 1 << 40] {
            let wrong = match moment {
                Moment::NextDay => format!("\"{:02}:{:02}\"", wrong / 60, wrong % 60),
                _ => wrong.to_string(),
            };
            let fault = one(&format!("{field} = {wrong}"));
            assert_eq!(fault.field, format!("whereabouts.{field}"));
            assert!(fault.rule.contains(" from "), "{fault}");
            assert!(wrong.len() < 6 || !fault.to_string().contains(&wrong), "no value is repeated: {fault}");
        }
    }
    let fault = one("register_minutes = \"10\"").to_string();
    assert!(
        fault.ends_with("must be a whole number from 1 to 60; write it without quotation marks"),
        "{fault}"
    );
    let fault = one("next_day_from = \"13:59\"").to_string();
    assert!(
        fault.ends_with(
            "must be a time of day from 14:00 to 20:00; write hours and minutes, such as \"14:00\""
        ),
        "{fault}"
    );
    for wrong in
        ["16", "\"16\"", "\"4 pm\"", "\"16:60\"", "\"016:00\"", "\"1６:00\"", "\"+4:00\"", "16:00:00"]
    {
        assert_eq!(one(&format!("next_day_from = {wrong}")).field, "whereabouts.next_day_from");
    }
    let fault = one("grace = 5");
    assert_eq!(fault.field, "whereabouts.grace");
    assert_eq!(fault.fix.matches("register_minutes").count(), 1, "{fault}");
    let stored = r#"{"register":0}"#;
    assert!(serde_json::from_str::<AlertTimes>(stored).is_err(), "nor by another way in");
}

#[test]
fn the_page_that_heads_sign_says_when_somebody_is_told() {
    let page = |text: &str| signing_page(&read(text), "0", &[], &TimeZone::UTC).markdown();
    let page_of = |section: &str| page(&with(section).0);
    let some = page_of("register_minutes = 1\nhost_first_minutes = 0\nnext_day_from = \"15:30\"");
    for line in [
        "A register is due 1 minute after its lesson's start. If it isn't in, the host is told.",
        "At the same moment a learner whom nobody has marked is missing",
        "A learner may take 30 minutes from one site to the next.",
        "From 15:30 on, timetables of the next school day",
        "This text sets some of these times; the others are the hub's own.",
    ] {
        assert!(some.contains(line), "{line}\n{some}");
    }
    assert!(page(PAIR).contains("This text sets none of these times"));
    assert!(page(PAIR).contains("5 minutes later a learner whom nobody has marked"));
}

#[test]
fn the_starting_text_says_what_would_hold_anyhow() {
    let section = STARTING_TEXT.split("[whereabouts]").nth(1).unwrap().split("[controllers]").next().unwrap();
    let times = said(section);
    assert_eq!(times.iter().count(), Moment::ALL.len(), "each is there to be seen");
    assert_eq!(Times::strictest([&times]), Times::default());
}
