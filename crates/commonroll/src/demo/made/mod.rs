//! The made-up consortium: people, files, and the truth that its day is held against.

mod chance;
mod conduct;
mod day;
mod dialect;
mod people;
mod registers;
mod rosters;
mod world;
mod write;

use super::setup::{Arrived, Expected, Partner, Setup};
use chance::Chance;
use std::{collections::BTreeSet, fmt::Write};
use world::{GROUPS, NORTHGATE, PARTNERS, Who, World};

/// A made-up day.
pub struct Made {
    /// The day.
    pub setup: Setup,
    /// For each step, the records that it brings, new or changed.
    pub brings: Vec<Vec<Arrived>>,
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
        "{} partners, {learners} learners, {} of them taught at {} hosts; seed {seed}, school day {day}",
        PARTNERS.len(),
        visitors.len(),
        hosts.len()
    );
    let setup = Setup {
        title,
        consortium: consortium(&world),
        date: day,
        partners,
        steps: played.steps,
        expected: Expected::Records(played.expected.into_iter().collect()),
        refused: Some(played.refused),
    };
    Ok(Made { setup, brings: played.brings })
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
    let keeps_register = matches!(spec.kind, "school" | "academy");
    Ok(Partner {
        slug: spec.slug.to_owned(),
        name: spec.name.to_owned(),
        zone: "Europe/London".to_owned(),
        sources,
        sessions: keeps_register.then(|| ("09:30:00".to_owned(), "13:45:00".to_owned())),
        files: rosters::files(world, who, day)?,
    })
}

/// Partners and the agreement between them, for `directory import`. Learners and placements are the partners' own to say.
fn consortium(world: &World) -> String {
    let mut text = String::new();
    for spec in &PARTNERS {
        let _ = write!(
            text,
            "[[institution]]\nslug = {:?}\nname = {:?}\ntype = {:?}\nurn = {:?}\nukprn = {:?}\n\n",
            spec.slug, spec.name, spec.kind, spec.urn, spec.ukprn
        );
    }
    let slugs: Vec<&str> = PARTNERS.iter().map(|spec| spec.slug).collect();
    let (first, last) = world.dates();
    let _ = write!(
        text,
        "[[agreement]]\nid = \"partnership\"\nversion = 1\nparties = {slugs:?}\npurpose = \"Teaching and safeguarding learners at two sites\"\nfirst_date = {first:?}\nlast_date = {last:?}\n\n[agreement.kinds]\nattendance = [\"presence\", \"source_code\", \"note\"]\nassessment = [\"result\", \"comment\"]\nbehaviour = [\"event\", \"involvement\", \"share_safe_text\"]\n"
    );
    text
}
