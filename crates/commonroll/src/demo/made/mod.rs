//! The made-up consortium: people, files, and the truth that its day is held against.

mod before;
mod conduct;
mod day;
mod dialect;
mod expected;
mod live;
mod packages;
mod people;
mod registers;
mod rosters;
mod staff;
mod today;
mod world;
mod write;

pub use day::Brings;
pub use live::{Day, FAILS, Live, Missed};

use super::setup::{Expected, Partner, Setup};
use crate::chance::Chance;
use std::{collections::BTreeSet, fmt::Write};
use world::{ASHDOWN, GROUPS, NORTHGATE, PARTNERS, Who, World};

/// A made-up day.
pub struct Made {
    /// The day.
    pub setup: Setup,
    /// For each step, what it brings to the homes.
    pub brings: Vec<Brings>,
    /// What can go on in real time after the day; files of others can't.
    pub live: Option<Live>,
}

/// Makes the consortium and the day of a seed. `date` is a school day as (year, month, day).
pub fn make(seed: u64, date: (i16, i8, i8)) -> Result<Made, String> {
    let mut chance = Chance::new(seed);
    let year = if date.1 >= 8 { date.0 } else { date.0 - 1 };
    let world = World::new(year, &mut chance);
    let day = format!("{:04}-{:02}-{:02}", date.0, date.1, date.2);
    let played = day::make(&world, &day, &mut chance)?;
    let partners =
        (0..PARTNERS.len()).map(|who| partner(&world, who, &day)).collect::<Result<_, String>>()?;
    let learners: usize = world.people.iter().map(Vec::len).sum();
    let visitors: BTreeSet<_> =
        world.visits.iter().filter(|v| v.declared).map(|v| (v.home, v.person)).collect();
    let hosts: BTreeSet<_> = GROUPS.iter().map(|group| group.host).collect();
    let title = format!(
        "{} partners, {learners} learners, {} of them taught at {} hosts; seed {seed}",
        PARTNERS.len(),
        visitors.len(),
        hosts.len()
    );
    let setup = Setup {
        title,
        consortium: consortium(&world),
        date: day.clone(),
        partners,
        steps: played.steps,
        expected: Expected::Records(played.expected.into_iter().collect()),
        refused: Some(played.refused),
        home: Some(PARTNERS[ASHDOWN].slug.to_owned()),
        teacher: Some((PARTNERS[NORTHGATE].slug.to_owned(), staff::TEACHER.to_owned())),
    };
    Ok(Made { setup, brings: played.brings, live: Some(Live::new(world, day)) })
}

fn partner(world: &World, who: Who, day: &str) -> Result<Partner, String> {
    let spec = &PARTNERS[who];
    let mut sources = rosters::sources(world, who);
    if GROUPS.iter().any(|group| group.host == who) {
        sources.push(registers::source(who));
    }
    if who >= NORTHGATE {
        sources.push(conduct::source(who));
    }
    sources.extend(expected::sources(who));
    let mut files = rosters::files(world, who, day)?;
    files.extend(expected::files(world, who, day));
    if who == NORTHGATE {
        sources.push(staff::source());
        files.push(staff::file());
    }
    let keeps_register = matches!(spec.kind, "school" | "academy");
    Ok(Partner {
        slug: spec.slug.to_owned(),
        name: spec.name.to_owned(),
        zone: "Europe/London".to_owned(),
        sources,
        sessions: keeps_register.then(|| ("09:30:00".to_owned(), "13:45:00".to_owned())),
        files,
    })
}

/// Partners and the agreement between them, for `directory import`. Learners and placements are the partners' own to say.
fn consortium(world: &World) -> String {
    let mut text = String::new();
    for (place, spec) in PARTNERS.iter().enumerate() {
        // Numbers that are kept free for drama.
        let (phone, desk) = (format!("01632 960{}", 101 + place), format!("{} attendance desk", spec.name));
        let _ = write!(
            text,
            "[[institution]]\nslug = {:?}\nname = {:?}\ntype = {:?}\nurn = {:?}\nukprn = {:?}\nphone = {phone:?}\ndesk = {desk:?}\n\n",
            spec.slug, spec.name, spec.kind, spec.urn, spec.ukprn
        );
    }
    let slugs: Vec<&str> = PARTNERS.iter().map(|spec| spec.slug).collect();
    let (first, last) = world.dates();
    let _ = write!(
        text,
        "[[agreement]]\nid = \"partnership\"\nversion = 1\nparties = {slugs:?}\npurpose = \"Teaching and safeguarding learners at two sites\"\nfirst_date = {first:?}\nlast_date = {last:?}\ncard = [\"identity\", \"emergency_contact\", \"needs\", \"presence_today\"]\n\n[agreement.kinds]\nattendance = [\"presence\", \"source_code\", \"note\"]\nassessment = [\"result\", \"comment\"]\nbehaviour = [\"event\", \"involvement\", \"share_safe_text\"]\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::setup::{self, Action, Arrived};
    use commonroll_core::identifiers::{Uln, Upn};

    const FRIDAY: (i16, i8, i8) = (2026, 9, 18);

    fn records(made: &Made) -> &[Arrived] {
        match &made.setup.expected {
            Expected::Records(records) => records,
            _ => &[],
        }
    }

    #[test]
    fn a_seed_is_one_consortium_and_another_seed_another() {
        let (one, again, other) = (make(1, FRIDAY), make(1, FRIDAY), make(2, FRIDAY));
        let (one, again, other) = (one.expect("a day"), again.expect("a day"), other.expect("a day"));
        assert!(records(&one) == records(&again) && records(&one) != records(&other));
        assert!(records(&one).len() > 900, "a day worth watching");
    }

    #[test]
    fn identifiers_are_sound_and_nobody_shares_one() {
        let world = World::new(2026, &mut Chance::new(3));
        let people: Vec<_> = world.people.iter().flatten().collect();
        assert!(people.len() > 1_150 && people.len() < 1_250);
        assert!(people.iter().all(|person| person.upn.parse::<Upn>().is_ok_and(|upn| !upn.is_temporary())));
        assert!(people.iter().all(|person| person.uln.parse::<Uln>().is_ok()));
        let all =
            |of: fn(&people::Person) -> &String| people.iter().map(|p| of(p)).collect::<BTreeSet<_>>().len();
        assert_eq!((all(|p| &p.upn), all(|p| &p.uln)), (people.len(), people.len()));
        let twins =
            people.windows(2).filter(|two| two[0].surname == two[1].surname && two[0].born == two[1].born);
        assert!(twins.filter(|two| two[0].forename != two[1].forename).count() >= 8, "twins");
        assert!(people.iter().any(|person| person.surname.contains('-')), "two surnames");
    }

    #[test]
    fn every_mapping_can_be_read_and_the_consortium_too() {
        let made = make(4, FRIDAY).expect("a day");
        for source in made.setup.partners.iter().flat_map(|partner| &partner.sources) {
            let text = source.mapping.as_deref().unwrap_or_default();
            let mapping = text.parse::<commonroll_connectors::Mapping>().expect("a mapping");
            assert_eq!(mapping.connector(), source.connector);
        }
        let file =
            commonroll_exchange::ConsortiumFile::parse(&made.setup.consortium).expect("a consortium file");
        assert_eq!((file.institutions.len(), file.agreements.len(), file.placements.len()), (8, 1, 0));
    }

    /// What a partner's files of a source say, read by its own mapping.
    pub(super) fn said(partner: &Partner, name: &str) -> Vec<commonroll_connectors::Item> {
        #[derive(Default)]
        struct Heard(Vec<commonroll_connectors::Item>);
        impl commonroll_connectors::Sink for Heard {
            fn item(&mut self, item: commonroll_connectors::Item, _: commonroll_connectors::Place) {
                self.0.push(item);
            }
            fn problem(&mut self, problem: commonroll_connectors::Problem) {
                panic!("{problem}");
            }
            fn covers(&mut self, _: commonroll_connectors::Scope) {}
        }
        let mut heard = Heard::default();
        for source in partner.sources.iter().filter(|source| source.name == name) {
            let mapping = source.mapping.as_deref().unwrap_or_default().parse().expect("a mapping");
            let zone = jiff::tz::TimeZone::get(&partner.zone).expect("a zone");
            let slug = partner.slug.parse().expect("a slug");
            let settings = commonroll_connectors::Settings::new(slug, zone, Some(mapping));
            let connector = commonroll_connectors::by_name(&source.connector).expect("a connector");
            let inside = |file: &&setup::FileToWrite| file.path.starts_with(&source.folder);
            for file in partner.files.iter().filter(inside) {
                let setup::Content::Bytes(bytes) = &file.content else { continue };
                let reader = &mut std::io::Cursor::new(bytes);
                let size = bytes.len() as u64;
                let input = commonroll_connectors::Input { file_name: &file.path, reader, size };
                connector.translate(input, &settings, &mut heard).expect("a sound file");
            }
        }
        heard.0
    }

    #[test]
    fn every_mark_lies_in_a_lesson_that_its_host_has_told_of() {
        let made = make(5, FRIDAY).expect("a day");
        let zone = jiff::tz::TimeZone::get("Europe/London").expect("a zone");
        let mut lessons = BTreeSet::new();
        for partner in &made.setup.partners {
            for item in said(partner, "timetable") {
                let commonroll_connectors::Item::Day(day) = item else { panic!("a day") };
                assert_eq!((day.date.to_string(), day.closed), (made.setup.date.clone(), false));
                lessons.extend(day.lessons().iter().map(|lesson| {
                    let at = jiff::Timestamp::from_microsecond(lesson.time.start().micros());
                    let local = zone.to_datetime(at.expect("an instant"));
                    (partner.slug.clone(), format!("{:02}:{:02}", local.hour(), local.minute()))
                }));
            }
        }
        let marks = records(&made).iter().filter(|record| record.kind == setup::Kind::Attendance);
        let told = |mark: &&Arrived| lessons.contains(&(mark.source.clone(), mark.start.clone()));
        let (told, silent): (Vec<_>, Vec<_>) = marks.partition(told);
        assert!(told.len() > 500 && silent.is_empty());
        let count = |name: &str| {
            let of = made.setup.partners.iter().map(|partner| said(partner, name).len());
            of.filter(|count| *count > 0).collect::<Vec<_>>()
        };
        assert!(count("support").len() == 6 && count("support").iter().all(|notes| *notes >= 5));
        assert!(count("absences").len() == 6, "each school knows of somebody who is away");
    }

    #[test]
    fn somebody_is_seen_at_one_site_missed_at_the_next_and_found() {
        let made = make(7, FRIDAY).expect("a day");
        let world = World::new(2026, &mut Chance::new(7));
        let (first, second) = (&world.visits[world.missing.0], &world.visits[world.missing.1]);
        assert_eq!((first.home, first.person), (second.home, second.person));
        let learner = World::local_id(second.home, second.person);
        let told: Vec<String> = made
            .brings
            .iter()
            .flat_map(|brings| &brings.new)
            .filter(|record| record.learner == learner && record.kind == setup::Kind::Attendance)
            .map(|record| format!("{} {} {}", record.source, record.start, record.content))
            .collect();
        let expected = ["wyvern 09:00 /", "kingsmead 11:10 N", "kingsmead 11:10 L 42", "wyvern 13:00 /"];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_expected_was_brought_by_some_file_and_the_day_has_all_its_troubles() {
        let made = make(5, FRIDAY).expect("a day");
        let brought: BTreeSet<_> = made.brings.iter().flat_map(|brings| &brings.new).collect();
        assert!(records(&made).iter().all(|record| brought.contains(record)));
        assert_eq!(made.brings.len(), made.setup.steps.len());
        let count = |is: fn(&Action) -> bool| made.setup.steps.iter().filter(|step| is(&step.action)).count();
        assert_eq!(count(|action| matches!(action, Action::CutOff)), 1);
        assert_eq!(count(|action| matches!(action, Action::CutWhileSending)), 1);
        assert_eq!(count(|action| matches!(action, Action::Back)), 2);
        assert!(made.setup.steps.is_sorted_by_key(|step| step.at));
        let refused = made.setup.refused.unwrap_or_default();
        let times = |who: &str, code: &str| refused.get(&(who.to_owned(), code.to_owned())).copied();
        assert_eq!(times("wyvern", "confidential"), Some(1));
        assert_eq!(times("wyvern", "no_placement"), Some(2), "a visitor whom nobody placed, in two lessons");
        assert_eq!(times("northgate", "no_placement"), Some(1), "a placement that ended at noon");
    }
}
