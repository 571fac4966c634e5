//! Who teaches which class: users with the role of a teacher at the school, and their enrolments as teachers.

use super::{read::Reader, table::Line};
use crate::item::{Item, Problem};
use commonroll_core::{Invalid, LocalId, Role, directory::StaffDeclaration};
use std::collections::{BTreeSet, HashMap};

/// Most classes of one member of staff.
const CLASSES_MAX: usize = 200;

/// The teachers of a package, as they come together.
#[derive(Default)]
pub struct Teaching {
    /// By `sourcedId`: the line in users.csv, and the classes.
    teachers: HashMap<String, (u64, BTreeSet<String>)>,
}

impl Teaching {
    pub fn len(&self) -> usize {
        self.teachers.len()
    }

    /// Somebody teaches at the school.
    pub fn is_teacher(&mut self, user: &str) {
        self.teachers.entry(user.to_owned()).or_default();
    }

    /// Where in users.csv a user stands.
    pub fn stands_at(&mut self, line: &Line<'_, '_>) {
        if let Some((place, _)) = self.teachers.get_mut(line.id()) {
            *place = line.line;
        }
    }

    /// A user is enrolled in a class as its teacher. An enrolment makes nobody a teacher: their role does.
    pub fn teaches(&mut self, user: &str, class: &str, line: u64, reader: &mut Reader<'_>) {
        let Some((_, classes)) = self.teachers.get_mut(user) else { return };
        classes.insert(class.to_owned());
        if classes.len() > CLASSES_MAX {
            classes.clear();
            let fix = "makes somebody the teacher of more than 200 classes; nobody is, and nobody's classes are declared";
            reader.lost("enrollments");
            reader.out.problem(Problem::new(line, "enrollments.csv userSourcedId", "OR-STAFF-CLASSES", fix));
        }
    }

    /// Gives everybody, in the order of their ids.
    pub fn tell(self, reader: &mut Reader<'_>) {
        let mut teachers: Vec<_> = self.teachers.into_iter().collect();
        teachers.sort_unstable();
        for (user, (line, classes)) in teachers {
            match staff(&user, &classes) {
                Ok(staff) => reader.give(Item::Staff(staff), line),
                Err(invalid) => reader.invalid("users", line, &invalid),
            }
        }
    }
}

fn staff(user: &str, classes: &BTreeSet<String>) -> Result<StaffDeclaration, Invalid> {
    Ok(StaffDeclaration {
        local_id: LocalId::parse("sourcedId", user)?,
        roles: vec![Role::Teacher],
        groups: classes
            .iter()
            .map(|class| LocalId::parse("classSourcedId", class))
            .collect::<Result<_, _>>()?,
    })
}
