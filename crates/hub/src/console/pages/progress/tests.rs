//! The page as it is made from figures of an invented partnership: what it says, and what it must not say.

use super::*;
use crate::console::layout::{Frame, Theme};
use askama::Template;
use commonroll_core::{RecordId, SchoolDate};
use commonroll_views::progress::{About, Mark, Outcome, Progress as View, Scope, Standing};

const SITES: [&str; 4] = ["Fenwick High", "Harbour <Sixth>", "Northgate College", "St Aldhelm’s"];
const COURSES: [&str; 4] = ["Art and Design", "Further Maths", "Engineering L3", "Textiles"];

/// Ten weeks at four sites: in Engineering learners miss every third travel day, and Textiles has four learners.
fn made() -> ProgressSeen {
    let first: SchoolDate = "2026-09-07".parse().unwrap();
    let noon =
        |day: i32| Timestamp::from_micros("at", i64::from(day) * 86_400_000_000 + 43_200_000_000).unwrap();
    let (mut view, mut number) = (View::default(), 0_u32);
    let mut mark = |view: &mut View, day: i32, site: u16, learner: u32, outcome| {
        number += 1;
        let mut id = [0; 16];
        id[..4].copy_from_slice(&day.to_be_bytes());
        id[12..].copy_from_slice(&number.to_be_bytes());
        let date = SchoolDate::from_days(day).unwrap();
        let about = About { host: site, home: Some(4), learner, course: Some(u32::from(site)), date };
        let mark = Mark { outcome, lesson: None };
        view.mark(RecordId(id), Standing::new(0, 1), &about, Some(&mark), noon(day));
    };
    for day in first.days()..first.days() + 70 {
        view.tick(noon(day));
        let weekday = (day - first.days()) % 7;
        if weekday > 4 {
            continue;
        }
        for learner in 0..30 {
            let there = Outcome::Attended { late: (learner + day as u32).is_multiple_of(17) };
            let slips = weekday == 3 && (learner + day as u32).is_multiple_of(3);
            mark(&mut view, day, 2, learner, if slips { Outcome::Missed } else { there });
            if weekday == 3 {
                mark(&mut view, day, 1, learner, there);
            }
            if learner < 9 {
                mark(
                    &mut view,
                    day,
                    0,
                    100 + learner,
                    if (day as u32 + learner).is_multiple_of(11) { Outcome::Missed } else { there },
                );
            }
            if learner < 4 {
                mark(&mut view, day, 3, 200 + learner, Outcome::Missed);
            }
        }
    }
    (0..20).for_each(|more| view.tick(noon(first.days() + 70 + more)));
    let institution =
        |number: u16, name: &str| (number, (format!("site-{number}").parse().unwrap(), name.to_owned()));
    ProgressSeen {
        of: None,
        seen: view.seen(Scope::default()),
        as_home: None,
        institutions: (0..4)
            .zip(SITES)
            .map(|(number, name)| institution(number, name))
            .chain([institution(4, "Ridgeway School")])
            .collect(),
        courses: (0..4).zip(COURSES).map(|(number, title)| (number, title.to_owned())).collect(),
        bridge: None,
        whole: (0..4).map(|site| (site, site < 3)).collect(),
        learners: Some(40),
        as_of: Some(noon(first.days() + 70)),
        complete: true,
        policy: String::new(),
        reason: "lead-sees-sums".to_owned(),
    }
}

fn reader() -> Reader {
    Reader {
        name: "Phil Averill".to_owned(),
        role: Role::ConsortiumLead,
        institution: "site-4".parse().unwrap(),
        now: Timestamp::from_micros("now", 1_794_900_000_000_000).unwrap(),
        zone: TimeZone::UTC,
    }
}

fn frame() -> Frame {
    Frame {
        title: "Progress".to_owned(),
        density: "dense",
        theme: Theme::default(),
        crest: "R".to_owned(),
        institution: "Ridgeway School".to_owned(),
        person: "Phil Averill, consortium lead".to_owned(),
        ways: Vec::new(),
        token: String::new(),
        made: "08:00:00".to_owned(),
        live: None,
        why: "#why".to_owned(),
        warnings: Vec::new(),
        emergency: String::new(),
        slip: None,
    }
}

fn printed_page(seen: &ProgressSeen, by: &'static str) -> String {
    compose(frame(), &reader(), &ProgressAsk::default(), seen, by).render().unwrap()
}

#[test]
fn the_page_says_what_stands_out_and_hides_the_course_of_four() {
    let html = printed_page(&made(), "course");
    assert!(html.contains("<h1>Attendance is lower on travel days</h1>"), "{html}");
    assert!(html.contains("Engineering L3: "), "{html}");
    let textiles = html.rsplit("<th scope=\"row\">Textiles</th>").next().unwrap();
    assert!(textiles.starts_with("<td class=\"num\"><span class=\"quiet\">hidden</span>"), "{textiles}");
    assert!(html.contains("hidden, or nothing yet"));
    assert!(
        !html.contains("<Sixth>")
            && html.contains("Harbour &#60;Sixth&#62;")
            && html.contains("Harbour &lt;Sixth&gt;")
    );
    assert!(!html.contains("/learners/"), "no way leads to a child");
    for definition in definitions::ALL {
        assert!(html.contains(&format!("<strong>{}.</strong>", definition.name)));
    }
    assert_eq!(
        html.matches("<svg class=\"chart").count(),
        html.matches("role=\"img\" aria-label=\"").count()
    );
    assert_eq!(html.matches("The same as a table").count(), 3);
    assert!(html.contains("match partners’ own at 3 of 4 sites"));
}

#[test]
fn a_lead_drills_to_a_partner_and_a_head_to_nobody_else() {
    let seen = made();
    assert!(printed_page(&seen, "site").contains("<a href=\"/progress?of=site-2\">Northgate College</a>"));
    let head = Reader { role: Role::Head, institution: "site-1".parse().unwrap(), ..reader() };
    let html = compose(frame(), &head, &ProgressAsk::default(), &seen, "site").render().unwrap();
    assert!(html.contains("of=site-1\"") && !html.contains("of=site-2\""));
}

#[test]
fn a_first_day_and_a_start_say_so() {
    let seen = ProgressSeen { seen: View::default().seen(Scope::default()), complete: false, ..made() };
    let html = printed_page(&seen, "site");
    assert!(html.contains("No figures to show yet") && html.contains("still reading its log"));
    assert!(html.contains("Nothing was marked yet."));
}

#[test]
fn two_thousand_courses_are_a_page_that_shows_those_that_stand_out_and_says_so() {
    let mut seen = made();
    let (course, travel) = (seen.seen.courses[0], seen.seen.travel[0]);
    (seen.seen.courses, seen.seen.travel) = (0..2_000)
        .map(|number| ((course.0, number, course.2), (travel.0, number, travel.2, travel.3)))
        .unzip();
    seen.courses = (0..2_000).map(|number| (number, format!("Course {number}"))).collect();
    let html = printed_page(&seen, "course");
    assert!(html.contains("40 of 2000 courses: those that fall most or rise least."), "{html}");
    assert!(html.contains("40 of 2000 courses: those with the lowest means."));
    assert!(html.contains("The first 200 of 2000;"));
    assert!(html.len() < 120_000, "{} bytes", html.len());
    seen.of = Some(0);
    let html = printed_page(&seen, "course");
    assert!(
        html.contains("<th scope=\"row\">Course 1999</th>") && !html.contains("The first 200"),
        "all of a site's own"
    );
    assert!(!html.contains("A site’s page has its own"));
}

#[test]
fn what_is_cut_are_the_higher_ones_and_those_that_nothing_is_known_of() {
    let hidden = few(vec![None, Some(1.0), None], 2, |one| *one);
    assert_eq!((hidden.shown, hidden.of), (vec![Some(1.0)], 3), "nothing hidden stands among the lowest");
    assert_eq!(few(vec![None::<f64>; 3], 2, |one| *one).shown.len(), 2);
    let all = vec![Some(3.0), None, Some(-1.0), Some(2.0)];
    let cut = few(all.clone(), 2, |one| *one);
    assert!(cut.is_cut());
    assert_eq!((cut.shown, cut.of), (vec![Some(-1.0), Some(2.0)], 4));
    let whole = few(all.clone(), 4, |one| *one);
    assert!(!whole.is_cut());
    assert_eq!(whole.shown, all);
}

#[test]
fn names_before_a_plot_stay_distinct_and_a_plot_of_nothing_is_a_line_of_text() {
    let row = |name: &str, now| charts::Row { name: name.to_owned(), now, before: None, note: String::new() };
    let drawn = |rows: &[charts::Row]| {
        charts::rows("Plot", rows, (0.0, 1.0), None, |value| format!("{value}")).to_string()
    };
    let svg = drawn(&[
        row("Health and Social Care", Some(0.5)),
        row("Course without a title, Northgate", None),
        row("Course without a title, Southgate", None),
        row("Applied and Environmental Science", Some(0.5)),
    ]);
    for name in [">Health and Social Care<", ">Course with…, Northgate<", ">Course with…, Southgate<"] {
        assert!(svg.contains(name), "{name}: {svg}");
    }
    assert!(svg.contains("</title>Applied and Environmen…<") && !svg.contains("<rect"), "{svg}");
    assert!(!drawn(&[row("Textiles", None)]).contains("<svg"));
}
