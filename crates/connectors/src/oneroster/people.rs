//! Users, roles, demographics, classes and enrolments: learners, groups, and placements where the mapping says who is a guest.

use super::{read::Reader, staff::Teaching, table::Line};
use crate::{
    item::{Item, Problem},
    mapping::DateFormat,
    parse,
};
use commonroll_core::{
    Invalid, LocalId, SchoolDate, Slug, Timestamp,
    directory::{
        DateRange, GroupDeclaration, LearnerDeclaration, PlacementAcceptance, PlacementDeclaration,
        PlacementEnd, Registration,
    },
    record::Text,
};
use std::collections::{HashMap, HashSet};

/// What later files must look up about people and classes.
#[derive(Default)]
pub struct People {
    births: HashMap<String, SchoolDate>,
    sessions: HashMap<String, DateRange>,
    /// Users who are students, by roles.csv; `None` if the package has no such file.
    students: Option<HashSet<String>>,
    /// Users with a student role at the mapping's school.
    here: HashSet<String>,
    /// Home of each guest.
    guests: HashMap<String, Slug>,
    known: HashSet<String>,
    classes: HashMap<String, Class>,
    teaching: Teaching,
    told: bool,
}

/// A class, as far as others need it.
pub struct Class {
    pub school: String,
    pub subjects: String,
    dates: Option<DateRange>,
}

impl People {
    pub fn class(&self, id: &str) -> Option<&Class> {
        self.classes.get(id)
    }

    pub fn is_full(&self, most: usize) -> bool {
        let people = [self.births.len(), self.here.len(), self.known.len(), self.teaching.len()];
        people.iter().chain(&[self.sessions.len(), self.classes.len()]).any(|count| *count > most)
    }

    pub fn birth(&mut self, line: &Line<'_, '_>) {
        if let Some(date) = parse::date(line.get("birthDate"), DateFormat::Iso) {
            self.births.insert(line.id().to_owned(), date);
        }
    }

    pub fn session(&mut self, line: &Line<'_, '_>) {
        if let Some(dates) = range(line.get("startDate"), line.get("endDate")) {
            self.sessions.insert(line.id().to_owned(), dates);
        }
    }

    /// Gives everybody who teaches here.
    pub fn staff(&mut self, reader: &mut Reader<'_>) {
        std::mem::take(&mut self.teaching).tell(reader);
    }

    pub fn role(&mut self, line: &Line<'_, '_>, reader: &Reader<'_>) {
        if line.get("role") == "teacher" && !line.is_gone() && reader.is_school(line.get("orgSourcedId")) {
            self.teaching.is_teacher(line.get("userSourcedId"));
        }
        let students = self.students.get_or_insert_default();
        if line.get("role") == "student" && !line.is_gone() {
            students.insert(line.get("userSourcedId").to_owned());
            if reader.is_school(line.get("orgSourcedId")) {
                self.here.insert(line.get("userSourcedId").to_owned());
            }
        }
    }

    pub fn user(&mut self, line: &Line<'_, '_>, reader: &mut Reader<'_>) {
        let orgs = line.get("orgSourcedIds");
        let primary = line.get("primaryOrgSourcedId");
        let student = match &self.students {
            Some(students) => students.contains(line.id()),
            // A delta package may name no roles; then only those who leave can be told.
            None => line.get("role") == "student" || line.is_gone(),
        };
        if line.get("role") == "teacher" && orgs.split(',').any(|org| reader.is_school(org.trim())) {
            self.teaching.is_teacher(line.id());
        }
        self.teaching.stands_at(line);
        if !student {
            return;
        }
        let here = self.here.contains(line.id())
            || reader.is_school(primary)
            || orgs.split(',').any(|org| reader.is_school(org.trim()));
        if !here {
            return;
        }
        let home = std::iter::once(primary)
            .chain(orgs.split(',').map(str::trim))
            .find_map(|org| reader.mapping.homes.get(org))
            .cloned();
        match self.learner(line, home.is_some(), reader) {
            Ok(learner) => {
                self.known.insert(line.id().to_owned());
                if let Some(home) = home {
                    self.guests.insert(line.id().to_owned(), home);
                }
                reader.give(Item::Learner(learner), line.line);
            }
            Err(invalid) => reader.invalid("users", line.line, &invalid),
        }
    }

    fn learner(
        &self,
        line: &Line<'_, '_>,
        guest: bool,
        reader: &Reader<'_>,
    ) -> Result<LearnerDeclaration, Invalid> {
        let ids = identifiers(line, reader);
        let id = |name: &str| ids.get(name).cloned().unwrap_or_default();
        Ok(LearnerDeclaration {
            local_id: LocalId::parse("sourcedId", line.id())?,
            registration: match (line.is_gone(), guest) {
                (true, _) => Registration::Previous,
                (false, true) => Registration::Guest,
                (false, false) => Registration::Home,
            },
            upn: id("upn"),
            uln: id("uln"),
            uci: id("uci"),
            birth_date: self.births.get(line.id()).copied(),
            surname: Text::parse("familyName", line.get("familyName"), 100)?,
            forename: Text::parse("givenName", line.get("givenName"), 100)?,
            known_as: Text::parse("preferredGivenName", line.get("preferredGivenName"), 100)?,
            former_upns: parse::former_upns(&id("former_upn")),
        })
    }

    pub fn take_class(&mut self, line: &Line<'_, '_>, reader: &mut Reader<'_>) {
        let school = line.get("schoolSourcedId");
        let terms = line.get("termSourcedIds").split(',').filter_map(|term| self.sessions.get(term.trim()));
        let dates = terms.copied().reduce(|one, other| {
            DateRange::new(one.first().min(other.first()), one.last().max(other.last())).unwrap_or(one)
        });
        let class = Class { school: school.to_owned(), subjects: line.get("subjects").to_owned(), dates };
        self.classes.insert(line.id().to_owned(), class);
        if line.is_gone() || !reader.is_school(school) || reader.mapping.hosts.contains_key(school) {
            return;
        }
        let group = || {
            Ok(GroupDeclaration {
                local_id: LocalId::parse("sourcedId", line.id())?,
                course_title: Text::parse("title", line.get("title"), 200)?,
                subject: Text::parse("subjects", line.get("subjects"), 100)?,
            })
        };
        match group() {
            Ok(group) => reader.give(Item::Group(group), line.line),
            Err(invalid) => reader.invalid("classes", line.line, &invalid),
        }
    }

    pub fn enrolment(&mut self, line: &Line<'_, '_>, reader: &mut Reader<'_>) {
        let (user, class) = (line.get("userSourcedId"), line.get("classSourcedId"));
        if line.get("role") == "teacher" && reader.is_school(line.get("schoolSourcedId")) && !line.is_gone() {
            self.teaching.teaches(user, class, line.line, reader);
        }
        if line.get("role") != "student" {
            return;
        }
        let host = reader.mapping.hosts.get(line.get("schoolSourcedId")).cloned();
        if host.is_none() && !reader.is_school(line.get("schoolSourcedId")) {
            return;
        }
        let home = self.guests.get(user).cloned();
        if host.is_none() && home.is_none() {
            if !reader.mapping.homes.is_empty()
                && !self.known.contains(user)
                && !std::mem::replace(&mut self.told, true)
            {
                let fix = "names users whom the package doesn't describe, so guests among them can't be told; export users too";
                reader.out.problem(Problem::new(line.line, "enrollments.csv userSourcedId", "OR-GUEST", fix));
            }
            return;
        }
        match self.placement(line, user, class, host, home) {
            Ok(item) => reader.give(item, line.line),
            Err(invalid) => reader.invalid("enrollments", line.line, &invalid),
        }
    }

    fn placement(
        &self,
        line: &Line<'_, '_>,
        user: &str,
        class: &str,
        host: Option<Slug>,
        home: Option<Slug>,
    ) -> Result<Item, Invalid> {
        let learner = LocalId::parse("userSourcedId", user)?;
        let group = Some(LocalId::parse("classSourcedId", class)?);
        if line.is_gone() {
            let other =
                host.or(home).ok_or(Invalid::new("schoolSourcedId", "must be one of the mapping's hosts"))?;
            let instant: jiff::Timestamp = line
                .get("dateLastModified")
                .parse()
                .map_err(|_| Invalid::new("dateLastModified", "must be an instant"))?;
            return Ok(Item::End(PlacementEnd {
                learner,
                other,
                group,
                from: Timestamp::from_jiff(instant),
            }));
        }
        let of_class = self.classes.get(class).and_then(|class| class.dates);
        let part =
            |name: &str, usual: Option<SchoolDate>| parse::date(line.get(name), DateFormat::Iso).or(usual);
        let (first, last) = (
            part("beginDate", of_class.map(DateRange::first)),
            part("endDate", of_class.map(DateRange::last)),
        );
        let missing =
            Invalid::new("endDate", "must be given, or the class must have terms in academicSessions.csv");
        let dates = DateRange::new(first.ok_or(missing.clone())?, last.ok_or(missing.clone())?)?;
        match (host, home) {
            (Some(host), _) => Ok(Item::Placement(PlacementDeclaration { learner, host, group, dates })),
            (None, Some(home)) => Ok(Item::Acceptance(PlacementAcceptance { learner, home, group, dates })),
            (None, None) => Err(missing),
        }
    }
}

fn range(first: &str, last: &str) -> Option<DateRange> {
    DateRange::new(parse::date(first, DateFormat::Iso)?, parse::date(last, DateFormat::Iso)?).ok()
}

/// National identifiers among `userIds`, written as `{type:id},{type:id}`, and in `identifier`.
fn identifiers(line: &Line<'_, '_>, reader: &Reader<'_>) -> HashMap<String, String> {
    let ids = line.get("userIds").trim_matches(['{', '}']);
    let pairs = ids.split("},{").filter_map(|pair| pair.split_once(':'));
    pairs
        .chain(std::iter::once(("identifier", line.get("identifier"))))
        .filter(|(_, id)| id.len() <= 32 && !id.chars().any(char::is_control))
        .filter_map(|(key, id)| {
            Some((reader.mapping.identifiers.get(key.trim())?.clone(), id.trim().to_owned()))
        })
        .collect()
}
