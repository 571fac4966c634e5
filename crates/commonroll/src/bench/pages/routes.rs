//! Which pages there are and for whom, by the table that the hub itself is built from; and where one of each sort is found.

use super::client::Connection;
use commonroll_core::Role;

/// Who may ask for which page.
const ROUTES: &str = include_str!("../../../../../policies/routes.txt");
/// What a browser listens to ends so: it answers for as long as somebody listens.
const NEWS: &str = "/news";

/// The routes of pages that somebody who is signed in in this role may open.
pub fn of(role: Role) -> Vec<&'static str> {
    let lines = ROUTES.lines().filter_map(|line| line.strip_prefix("GET "));
    let columns = lines.filter_map(|line| {
        let mut columns = line.split('|').map(str::trim);
        Some((columns.next()?, columns.next()?))
    });
    let may = |who: &str| who == "signed" || who.split(", ").any(|one| one == role.as_str());
    // The first leads elsewhere.
    let page = |path: &str| path != "/" && !path.ends_with(NEWS);
    columns.filter(|(path, who)| may(who) && page(path)).map(|(path, _)| path).collect()
}

/// An address of a route; `None` if nothing leads to one.
pub fn address(route: &str, connection: &mut Connection) -> Result<Option<String>, String> {
    if !route.contains('{') {
        return Ok(Some(route.to_owned()));
    }
    match route {
        "/learners/{learner}" => learner(connection),
        "/learners/{learner}/report" => Ok(learner(connection)?.map(|path| path + "/report")),
        _ => {
            let list = route.split("/{").next().unwrap_or(route);
            linked(connection, list, list)
        }
    }
}

/// A learner of the list, or of a group where there is no list.
fn learner(connection: &mut Connection) -> Result<Option<String>, String> {
    if let Some(found) = linked(connection, "/learners", "/learners")? {
        return Ok(Some(found));
    }
    match linked(connection, "/groups", "/groups")? {
        Some(group) => linked(connection, &group, "/learners"),
        None => Ok(None),
    }
}

/// The first address below another that a page links to.
fn linked(connection: &mut Connection, page: &str, below: &str) -> Result<Option<String>, String> {
    let answer = connection.get(page)?;
    let link = format!("href=\"{below}/");
    let found = answer.body.split(&link).skip(1).find_map(|rest| rest.split(['"', '?', '#']).next());
    Ok(found.filter(|_| answer.status == 200).map(|found| format!("{below}/{found}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_the_pages_that_the_table_gives_it() {
        let teacher = of(Role::Teacher);
        assert!(teacher.contains(&"/groups/{group}") && teacher.contains(&"/account"), "{teacher:?}");
        assert!(!teacher.contains(&"/whereabouts") && !teacher.contains(&"/demo"), "{teacher:?}");
        assert!(Role::ALL.into_iter().all(|role| of(role).iter().all(|path| !path.ends_with(NEWS))));
        assert!(of(Role::AttendanceOfficer).contains(&"/whereabouts/visitors/evacuation"));
        let signed_in = Role::ALL.into_iter().filter(|role| !of(*role).is_empty()).count();
        assert!(signed_in >= 9, "{signed_in} kinds of user have pages");
    }
}
