//! The second pass over the package: its files in the order in which they need each other.

use super::{
    check::Checked,
    manifest::{Manifest, Mode},
    people::People,
    results::Gradebook,
    table::{Line, each},
};
use crate::{
    connector::{FileFault, Settings},
    item::{Item, Place, Problem, Scope, Sink},
    mapping::OneRoster,
    package::Package,
};
use commonroll_core::{Invalid, RecordKind, Slug};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// What all parts of the second pass share.
pub struct Reader<'a> {
    pub mapping: &'a OneRoster,
    pub institution: &'a Slug,
    pub zone: &'a TimeZone,
    pub out: &'a mut dyn Sink,
    lost: BTreeSet<&'static str>,
    given: BTreeSet<Scope>,
}

impl<'a> Reader<'a> {
    pub fn new(mapping: &'a OneRoster, settings: &'a Settings, out: &'a mut dyn Sink) -> Self {
        Self {
            mapping,
            institution: &settings.institution,
            zone: &settings.zone,
            out,
            lost: BTreeSet::new(),
            given: BTreeSet::new(),
        }
    }

    /// True if the mapping reads this school.
    pub fn is_school(&self, org: &str) -> bool {
        self.mapping.school.as_ref().is_none_or(|school| school.has(org))
    }

    /// Gives an item of a line.
    pub fn give(&mut self, item: Item, line: u64) {
        self.given.insert(match &item {
            Item::Record(draft) => Scope::Records(draft.kind),
            Item::Learner(_) => Scope::Learners,
            Item::Group(_) => Scope::Groups,
            Item::Placement(_) | Item::End(_) => Scope::Placements,
            Item::Acceptance(_) => Scope::Acceptances,
            Item::Staff(_) => Scope::Staff,
            // No package holds these.
            Item::Day(_) => Scope::Groups,
            Item::Notice(_) => Scope::Notices,
            Item::Support(_) => Scope::Support,
        });
        self.out.item(item, Place { line });
    }

    /// A row broke a rule of our own words.
    pub fn invalid(&mut self, file: &'static str, line: u64, invalid: &Invalid) {
        self.lost(file);
        let field = format!("{file}.csv {}", invalid.field);
        self.out.problem(Problem::new(line, field, "OR-VALUE", invalid.rule));
    }

    /// Something of this file could not be read, so absence from it means nothing.
    pub fn lost(&mut self, file: &'static str) {
        self.lost.insert(file);
    }

    /// True if a file is all there is, and all of it could be read.
    fn is_whole(&self, file: &'static str, manifest: &Manifest, checked: &Checked) -> bool {
        manifest.mode(file) == Mode::Bulk && checked.is_sound(file) && !self.lost.contains(file)
    }

    /// True if the package says of everybody who they are and in which classes.
    pub fn knows_enrolments(&self, manifest: &Manifest, checked: &Checked) -> bool {
        let whole = |file| self.is_whole(file, manifest, checked);
        // Roles say who is a student: without them, nobody can be missed.
        let people = whole("users") && (manifest.mode("roles") == Mode::Absent || whole("roles"));
        people && whole("enrollments") && whole("classes")
    }

    /// Tells what the package is complete about.
    pub fn covers(self, manifest: &Manifest, checked: &Checked) {
        let whole = |file| self.is_whole(file, manifest, checked);
        let learners = whole("users") && (manifest.mode("roles") == Mode::Absent || whole("roles"));
        let enrolled = self.knows_enrolments(manifest, checked);
        let scopes = [
            (learners, Scope::Learners),
            (whole("classes"), Scope::Groups),
            (enrolled && !self.mapping.hosts.is_empty(), Scope::Placements),
            (enrolled && !self.mapping.homes.is_empty(), Scope::Acceptances),
            (enrolled, Scope::Staff),
            (whole("results") && whole("lineItems"), Scope::Records(RecordKind::Assessment)),
        ];
        // None at all is rather a failed export than an empty school.
        let scopes = scopes.into_iter().filter(|(told, scope)| *told && self.given.contains(scope));
        scopes.for_each(|(_, scope)| self.out.covers(scope));
    }
}

/// Reads the package for its items.
pub fn read(
    package: &mut Package<'_>,
    manifest: &Manifest,
    checked: &Checked,
    settings: &Settings,
    reader: &mut Reader<'_>,
) -> Result<(), FileFault> {
    let limits = settings.limits;
    let (mut people, mut book) = (People::default(), Gradebook::default());
    let mut pass = |file: &'static str, take: &mut dyn FnMut(&Line<'_, '_>, &mut People, &mut Gradebook)| {
        each(package, manifest, checked, file, limits, &mut |line| {
            take(line, &mut people, &mut book);
            if people.is_full(limits.lookups_max) || book.is_full(limits.lookups_max) {
                let fix = format!("{file}.csv names more things than allowed; export one school at a time");
                return Err(FileFault::too_big("OR-ROWS", Some(line.line), fix));
            }
            Ok(())
        })
    };
    pass("demographics", &mut |line, people, _| people.birth(line))?;
    pass("academicSessions", &mut |line, people, book| {
        people.session(line);
        book.session(line);
    })?;
    pass("roles", &mut |line, people, _| people.role(line, reader))?;
    pass("users", &mut |line, people, _| people.user(line, reader))?;
    pass("classes", &mut |line, people, _| people.take_class(line, reader))?;
    pass("enrollments", &mut |line, people, _| people.enrolment(line, reader))?;
    pass("categories", &mut |line, _, book| book.category(line))?;
    pass("lineItemScoreScales", &mut |line, _, book| book.item_scale(line))?;
    pass("resultScoreScales", &mut |line, _, book| book.result_scale(line))?;
    pass("lineItems", &mut |line, _, book| book.line_item(line, reader))?;
    pass("results", &mut |line, people, book| book.result(line, people, reader))?;
    // A declaration says all that somebody teaches, so a package that knows only a part says nothing of it.
    if reader.knows_enrolments(manifest, checked) {
        people.staff(reader);
    }
    Ok(())
}
