//! Who may call which method: `policies/doors.txt`, read once and asked before any handler runs.
//!
//! It only says which kind of caller a method is for. What a caller then sees or changes is decided in `exchange`. A
//! method that the file does not name is refused to everybody, so that a new one can't be open by mistake.

use crate::authority::Caller;
use std::{collections::HashMap, sync::LazyLock};

/// The reviewed file.
const DOORS: &str = include_str!("../../../../policies/doors.txt");

static TABLE: LazyLock<HashMap<&str, Who>> = LazyLock::new(|| read(DOORS));

/// Which kinds of caller may call a method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Who {
    agent: bool,
    person: bool,
}

/// Whether a caller's kind may call the method at this path (`/package.Service/Method`).
pub(crate) fn may_call(caller: Caller, path: &str) -> bool {
    let who = path.strip_prefix('/').and_then(|method| TABLE.get(method)).copied().unwrap_or_default();
    match caller {
        Caller::Agent(_) => who.agent,
        Caller::Person(_) => who.person,
    }
}

fn read(text: &str) -> HashMap<&str, Who> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut columns = line.split('|').map(str::trim);
            let (method, who) = (columns.next()?, columns.next()?);
            let named = |kind| who.split(", ").any(|word| word == kind);
            Some((method, Who { agent: named("agent"), person: named("person") }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_not_in_the_file_is_nobodys() {
        let (agent, person) = (Caller::Agent([1; 16]), Caller::Person([1; 16]));
        let publish = "/commonroll.exchange.v1.ExchangeService/Publish";
        assert!(may_call(agent, publish) && !may_call(person, publish));
        let invite = "/commonroll.people.v1.PeopleService/Invite";
        assert!(may_call(person, invite) && !may_call(agent, invite));
        for path in [
            "/commonroll.people.v1.PeopleService/Else",
            "",
            "/",
            "//",
            "/commonroll.exchange.v1.ExchangeService",
        ] {
            assert!(!may_call(agent, path) && !may_call(person, path), "{path}");
        }
    }
}
