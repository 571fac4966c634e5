//! Who is who, as the partners' systems export it: learners, guests, placements, acceptances, ends; and the mappings that
//! read it. OneRoster packages are made in `packages`.

use super::{
    dialect::{Dialect, dialect},
    packages::{org, package},
    people::Person,
    world::{GROUPS, NORTHGATE, PARTNERS, RIVERSIDE, THORNHILL, WYVERN, Who, World},
};
use crate::demo::setup::{Content, FileToWrite, Source};

/// True for a partner whose people come in OneRoster packages, with the version.
pub const fn roster_version(who: Who) -> Option<&'static str> {
    match who {
        THORNHILL | NORTHGATE => Some("1.2"),
        RIVERSIDE | WYVERN => Some("1.1"),
        _ => None,
    }
}

fn file(path: &str, what: &str, bytes: Vec<u8>) -> FileToWrite {
    FileToWrite { path: path.to_owned(), content: Content::Bytes(bytes), what: what.to_owned() }
}

/// Files about people that lie there from the start.
pub fn files(world: &World, who: Who, day: &str) -> Result<Vec<FileToWrite>, String> {
    if roster_version(who).is_some() {
        return Ok(vec![file(
            "people/roster.zip",
            "people, classes, enrolments",
            package(world, who, day, &[])?,
        )]);
    }
    let mut files = vec![file("people/learners.csv", "learners", learners(world, who, &[]))];
    files.push(file("placements/placements.csv", "placements", placements(world, who, 0)));
    if world.guests(who).next().is_some() {
        files.push(file("acceptances/acceptances.csv", "acceptances", acceptances(world, who, 0)));
    }
    Ok(files)
}

/// What is said besides of visits from this place on, by partners with delimited exports.
pub fn more_files(world: &World, who: Who, from: usize) -> Vec<FileToWrite> {
    let mut files = Vec::new();
    if roster_version(who).is_some() {
        return files;
    }
    if world.visits.iter().skip(from).any(|visit| visit.is_sent_by(who)) {
        files.push(file("placements/more.csv", "more placements", placements(world, who, from)));
    }
    if world.guests(who).any(|(place, _)| place >= from) {
        files.push(file("people/more.csv", "more guests", guests(world, who, from)));
        files.push(file("acceptances/more.csv", "more acceptances", acceptances(world, who, from)));
    }
    files
}

/// The sources that read them.
pub fn sources(world: &World, who: Who) -> Vec<Source> {
    if roster_version(who).is_some() {
        let pattern = "*.zip".to_owned();
        let mapping = Some(roster_mapping(who));
        return vec![Source {
            name: "roster".to_owned(),
            folder: "people".to_owned(),
            pattern,
            connector: "oneroster".to_owned(),
            mapping,
            ..Source::default()
        }];
    }
    let d = dialect(who);
    let source = |name: &str, folder: &str, mapping: String| Source {
        name: name.to_owned(),
        folder: folder.to_owned(),
        pattern: "*.csv".to_owned(),
        connector: "delimited".to_owned(),
        mapping: Some(mapping),
        ..Source::default()
    };
    let dates = [("first_date", "From"), ("last_date", "To")];
    let of = |rows: &str, fields: [(&str, &str); 3]| d.mapping(rows, "", &[&fields[..], &dates[..]].concat());
    let mut sources = vec![
        source("learners", "people", d.learners_mapping()),
        source(
            "placements",
            "placements",
            of("placements", [("learner", "Learner"), ("host", "Host"), ("group", "Group")]),
        ),
        source(
            "ends",
            "ends",
            d.mapping(
                "ends",
                "",
                &[
                    ("learner", "Learner"),
                    ("other", "Host"),
                    ("group", "Group"),
                    ("from_date", "Date"),
                    ("from_time", "Time"),
                ],
            ),
        ),
    ];
    if world.guests(who).next().is_some() {
        let fields = [("learner", "Learner"), ("home", "Home"), ("group", "Group")];
        sources.push(source("acceptances", "acceptances", of("acceptances", fields)));
    }
    sources
}

/// Own learners and guests of a partner with delimited exports. `claimed` are others' learners whom it claims as its own.
pub fn learners(world: &World, who: Who, claimed: &[(Who, usize)]) -> Vec<u8> {
    let d = dialect(who);
    let mut rows = vec![captions(&d)];
    let mut add = |id: String, person: &Person, status: &str| rows.push(learner_row(&d, id, person, status));
    for (place, person) in world.people[who].iter().enumerate() {
        add(World::local_id(who, place), person, "C");
    }
    for (_, visit) in world.guests(who) {
        add(visit.at_host.clone(), world.person(visit), "G");
    }
    for (place, (home, person)) in claimed.iter().enumerate() {
        add(World::local_id(who, 9000 + place), &world.people[*home][*person], "C");
    }
    d.file(&rows)
}

fn captions(d: &Dialect) -> Vec<String> {
    d.learner.iter().map(|caption| (*caption).to_owned()).collect()
}

fn learner_row(d: &Dialect, id: String, person: &Person, status: &str) -> Vec<String> {
    vec![
        id,
        person.surname.clone(),
        person.forename.clone(),
        person.known_as.clone(),
        person.upn.clone(),
        person.uln.clone(),
        d.date(&person.born_iso()),
        status.to_owned(),
    ]
}

/// Guests of visits from this place on.
fn guests(world: &World, who: Who, from: usize) -> Vec<u8> {
    let d = dialect(who);
    let mut rows = vec![captions(&d)];
    let fresh = world.guests(who).filter(|(place, _)| *place >= from);
    rows.extend(fresh.map(|(_, visit)| learner_row(&d, visit.at_host.clone(), world.person(visit), "G")));
    d.file(&rows)
}

fn placements(world: &World, who: Who, from: usize) -> Vec<u8> {
    let d = dialect(who);
    let (first, last) = world.dates();
    let mut rows = vec![["Learner", "Host", "Group", "From", "To"].map(str::to_owned).to_vec()];
    for visit in world.visits.iter().skip(from).filter(|visit| visit.is_sent_by(who)) {
        let id = World::local_id(who, visit.person);
        let cells = [
            id.as_str(),
            PARTNERS[visit.host].slug,
            GROUPS[visit.group].code,
            &d.date(&first),
            &d.date(&last),
        ];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    d.file(&rows)
}

fn acceptances(world: &World, who: Who, from: usize) -> Vec<u8> {
    let d = dialect(who);
    let (first, last) = world.dates();
    let mut rows = vec![["Learner", "Home", "Group", "From", "To"].map(str::to_owned).to_vec()];
    for (_, visit) in world.guests(who).filter(|(place, _)| *place >= from) {
        let cells = [
            visit.at_host.as_str(),
            PARTNERS[visit.home].slug,
            GROUPS[visit.group].code,
            &d.date(&first),
            &d.date(&last),
        ];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    d.file(&rows)
}

/// Placements that a home with delimited exports ends at noon.
pub fn ends(world: &World, who: Who, day: &str) -> Vec<u8> {
    let d = dialect(who);
    let mut rows = vec![["Learner", "Host", "Group", "Date", "Time"].map(str::to_owned).to_vec()];
    for visit in world.sent(who).filter(|visit| visit.ends_at_noon) {
        let id = World::local_id(who, visit.person);
        let cells = [id.as_str(), PARTNERS[visit.host].slug, GROUPS[visit.group].code, &d.date(day), "12:00"];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    d.file(&rows)
}

fn roster_mapping(who: Who) -> String {
    let own = org(who);
    let mut text = format!("format = \"oneroster\"\nschool = \"{own}\"\nkind = \"assignment\"\n");
    if who == NORTHGATE {
        text.push_str("text_scale = { id = \"northgate/vocational\" }\n");
    }
    text.push_str("[identifiers]\nupn = \"upn\"\nuln = \"uln\"\n");
    let hosting = GROUPS.iter().any(|group| group.host == who);
    text.push_str(if hosting { "[homes]\n" } else { "[hosts]\n" });
    for other in (0..PARTNERS.len()).filter(|other| *other != who) {
        text.push_str(&format!("{} = \"{}\"\n", org(other), PARTNERS[other].slug));
    }
    text
}
