//! Whom one can be in a demo: a list that `commonroll demo` hands to the hub it starts. A hub without it has no such page.

use commonroll_core::{PersonId, Role};
use serde::Deserialize;
use std::{fs, path::Path};

/// People of a demo at most.
const PEOPLE: usize = 24;

/// The people of a demo.
pub(crate) struct DemoPeople(Vec<DemoPerson>);

/// One of them.
pub(super) struct DemoPerson {
    pub person: PersonId,
    pub role: Role,
    /// The kind of user.
    pub label: String,
    /// Who it is and what they come for.
    pub blurb: String,
    pub icon: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    person: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    role: String,
    label: String,
    blurb: String,
}

/// Why a demo's list can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the demo's list of people can't be used: {0}")]
pub struct DemoFault(String);

impl DemoPeople {
    /// Reads the list: `[[person]]` with `id`, `role`, `label` and `blurb`.
    pub fn read(path: &Path) -> Result<Self, DemoFault> {
        let text = fs::read_to_string(path).map_err(|error| DemoFault(error.to_string()))?;
        let file: File = toml::from_str(&text).map_err(|error| DemoFault(error.message().to_owned()))?;
        if file.person.is_empty() || file.person.len() > PEOPLE {
            return Err(DemoFault(format!("it must have 1 to {PEOPLE} people")));
        }
        let person = |line: Line| {
            let role: Role =
                line.role.parse().map_err(|_| DemoFault(format!("no such role: {}", line.role)))?;
            Ok(DemoPerson {
                person: line.id.parse().map_err(|_| DemoFault("an id is not a person's id".to_owned()))?,
                role,
                label: line.label,
                blurb: line.blurb,
                icon: icon(role),
            })
        };
        file.person.into_iter().map(person).collect::<Result<_, _>>().map(Self)
    }

    /// All of them, in the list's order.
    pub(super) fn all(&self) -> &[DemoPerson] {
        &self.0
    }
}

const fn icon(role: Role) -> &'static str {
    match role {
        Role::AttendanceOfficer => "where",
        Role::Teacher => "people",
        Role::HeadOfSixth | Role::Tutor => "person",
        Role::DataManager | Role::Dpo => "eye",
        Role::ConsortiumLead | Role::Head => "chart",
        Role::Parent => "home",
        Role::Learner => "calendar",
        Role::Program | Role::Technician => "tool",
    }
}
