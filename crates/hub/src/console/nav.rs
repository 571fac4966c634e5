//! The ways through the console: for each role the pages that are theirs, first the one that they come for.
//!
//! For whom a page is stands in `policies/routes.txt`; a way is shown to whoever may go it.

use super::routes::is_for;
use commonroll_core::Role;

/// One way.
pub(super) struct Way {
    /// Where to.
    pub path: &'static str,
    /// The symbol before it.
    pub icon: &'static str,
    /// In words.
    pub words: &'static str,
}

/// Every way, in the order in which they are shown; the first that is a role's is the page that it comes for.
const WAYS: &[Way] = &[
    Way { path: "/groups", icon: "people", words: "My groups today" },
    Way { path: "/learners", icon: "people", words: "My learners" },
    Way { path: "/watches", icon: "bell", words: "My watches" },
    Way { path: "/asked", icon: "chat", words: "From hosts" },
    Way { path: "/whereabouts", icon: "where", words: "Whereabouts" },
    Way { path: "/sharing", icon: "eye", words: "Who sees what" },
    Way { path: "/emergencies", icon: "key", words: "Emergencies" },
    Way { path: "/explain", icon: "help", words: "Explain" },
    Way { path: "/progress", icon: "chart", words: "Progress" },
    Way { path: "/readiness", icon: "gauge", words: "Readiness" },
    Way { path: "/problems", icon: "warn", words: "Problems" },
    Way { path: "/mapping", icon: "doc", words: "Mapping" },
    Way { path: "/alignment", icon: "swap", words: "Alignment" },
    Way { path: "/agreements", icon: "doc", words: "Agreements" },
    Way { path: "/log", icon: "log", words: "Log" },
    Way { path: "/exports", icon: "doc", words: "Exports" },
    Way { path: "/unmatched", icon: "link", words: "Unmatched" },
    Way { path: "/people", icon: "people", words: "People" },
    Way { path: "/agents", icon: "tool", words: "Agents" },
];

/// The ways of a role, first the one that it comes for.
pub(super) fn ways(role: Role) -> Vec<&'static Way> {
    let mut ways: Vec<&Way> = WAYS.iter().filter(|way| is_for(way.path, role)).collect();
    let first = match role {
        Role::AttendanceOfficer => "/whereabouts",
        Role::Technician => "/agents",
        _ => "",
    };
    ways.sort_by_key(|way| way.path != first);
    ways
}

/// The page that a role comes for.
pub(super) fn home(role: Role) -> &'static str {
    ways(role).first().map_or("/account", |way| way.path)
}

/// A role in words.
pub(super) const fn role_words(role: Role) -> &'static str {
    match role {
        Role::Head => "head",
        Role::Teacher => "teacher",
        Role::Tutor => "tutor",
        Role::HeadOfSixth => "head of sixth",
        Role::AttendanceOfficer => "attendance",
        Role::DataManager => "data manager",
        Role::Dpo => "data protection officer",
        Role::ConsortiumLead => "consortium lead",
        Role::Technician => "technician",
        Role::Learner => "learner",
        Role::Parent => "parent",
        Role::Program => "program",
    }
}
