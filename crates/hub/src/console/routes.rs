//! Who may ask for which page: `policies/routes.txt`, read once and asked before any page's own code runs.
//!
//! It only says which roles a page is for. What a person then sees is decided in `exchange`. A page that the file does not
//! name can't be built in, so that none is open by mistake.

use commonroll_core::Role;
use std::sync::LazyLock;

/// The reviewed file.
const ROUTES: &str = include_str!("../../../../policies/routes.txt");

static TABLE: LazyLock<Vec<Door>> = LazyLock::new(|| read(ROUTES));

/// One line of the file.
#[derive(Debug)]
pub(super) struct Door {
    /// Method and path, as `GET /learners/{learner}`.
    pub route: &'static str,
    /// For whom it is.
    pub who: Who,
}

/// For whom a page is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Nobody needs to be signed in.
    Anyone,
    /// Whoever is signed in, in any role.
    Signed,
    /// Whoever is signed in and uses one of these roles.
    Roles(Vec<Role>),
}

impl Who {
    /// Whether a page is for somebody who uses this role.
    pub fn has(&self, role: Role) -> bool {
        match self {
            Self::Anyone | Self::Signed => true,
            Self::Roles(roles) => roles.contains(&role),
        }
    }
}

/// The line of a route.
pub(super) fn door(route: &str) -> Option<&'static Door> {
    TABLE.iter().find(|door| door.route == route)
}

/// Whether a page that is asked for with GET is for somebody who uses this role.
pub(super) fn is_for(path: &str, role: Role) -> bool {
    let found = TABLE.iter().find(|door| door.route.strip_prefix("GET ") == Some(path));
    found.is_some_and(|door| door.who.has(role))
}

fn read(text: &'static str) -> Vec<Door> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut columns = line.split('|').map(str::trim);
            let (route, who) = (columns.next()?, columns.next()?);
            let who = match who {
                "anyone" => Who::Anyone,
                "signed" => Who::Signed,
                roles => Who::Roles(roles.split(", ").filter_map(|role| role.parse().ok()).collect()),
            };
            Some(Door { route, who })
        })
        .collect()
}
