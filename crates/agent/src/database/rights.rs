//! What the account of a connection could do. Reading needs an account that can't write: if it can, that is said.

use super::{DatabaseFault, Link};
use commonroll_connectors::mapping::Dialect;

/// Rights that change nothing in the MIS's data.
const HARMLESS: [&str; 7] =
    ["USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "PROCESS", "REPLICATION CLIENT", "BINLOG MONITOR"];

/// Also what single columns allow, and roles that the account could take on.
const POSTGRES: &str = "select case when exists (select 1 from pg_roles r where pg_has_role(r.oid, 'MEMBER') and (r.rolsuper or exists (
  select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'f') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
    and (has_table_privilege(r.oid, c.oid, 'INSERT,UPDATE,DELETE,TRUNCATE') or has_any_column_privilege(r.oid, c.oid, 'INSERT,UPDATE'))))
  ) then 'yes' else 'no' end";

/// True if the account could write to the MIS's tables, by itself or with a role that it may take on. So it is too if the server
/// doesn't show what a role may do.
///
/// # Errors
/// In words.
pub async fn may_write(link: &mut Link) -> Result<bool, DatabaseFault> {
    if link.dialect() == Dialect::Postgres {
        return Ok(link.one(POSTGRES).await?.starts_with("yes"));
    }
    let grants = link.one("show grants").await?;
    if grants.split('\u{1f}').any(writes) {
        return Ok(true);
    }
    let is_mariadb = link.one("select version()").await?.to_lowercase().contains("mariadb");
    for roles in grants.split('\u{1f}').filter_map(roles) {
        let shown = if is_mariadb { in_role(link, roles).await } else { using(link, roles).await };
        match shown {
            Ok(grants) if !grants.split('\u{1f}').any(writes) => {}
            Err(fault) if fault.passes => return Err(fault),
            Ok(_) | Err(_) => return Ok(true),
        }
    }
    Ok(false)
}

/// What MySQL allows with these roles.
async fn using(link: &mut Link, roles: &str) -> Result<String, DatabaseFault> {
    link.one(&format!("show grants for current_user() using {roles}")).await
}

/// What MariaDB allows in this role, which shows it only to who has taken it on. The one that was taken on before is so again.
async fn in_role(link: &mut Link, role: &str) -> Result<String, DatabaseFault> {
    let before = link.one("select concat('`', replace(current_role(), '`', '``'), '`')").await?;
    let before = before.trim_end_matches('\u{1f}').trim_matches('\u{0}');
    link.run(&format!("set role {role}")).await?;
    let grants = link.one("show grants").await;
    link.run(&format!("set role {}", if before.is_empty() { "none" } else { before })).await?;
    grants
}

/// The roles that one line of `show grants` gives, as they are named there.
fn roles(grant: &str) -> Option<&str> {
    let rest = grant.trim().strip_prefix("GRANT ")?;
    let (roles, _) = rest.split_once(" TO ")?;
    (!roles.to_uppercase().contains(" ON ")).then_some(roles)
}

/// True if one line of `show grants` gives a right to write. What everybody may do in the database for trying things out, which
/// MariaDB comes with, is none.
fn writes(grant: &str) -> bool {
    let upper = grant.trim().to_uppercase();
    if [" ON `TEST`.* TO PUBLIC", " ON `TEST\\_%`.* TO PUBLIC"].iter().any(|end| upper.ends_with(end)) {
        return false;
    }
    let Some((rights, _)) = upper.strip_prefix("GRANT ").and_then(|rest| rest.split_once(" ON ")) else {
        return false;
    };
    // `SELECT (a, b), UPDATE (c)`: what stands in brackets are columns.
    let mut depth = 0_u32;
    let plain: String = rights
        .chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && *c != ')'
        })
        .collect();
    plain.split(',').map(str::trim).any(|right| !HARMLESS.contains(&right))
}

#[cfg(test)]
mod tests {
    use super::{roles, writes};

    #[test]
    fn a_grant_that_writes_is_seen() {
        for harmless in [
            "GRANT USAGE ON *.* TO `roll`@`localhost` IDENTIFIED BY PASSWORD '*0'",
            "GRANT SELECT, SHOW VIEW ON `gibbon`.* TO `roll`@`%`",
            "GRANT SELECT (surname, dob) ON `gibbon`.`gibbonPerson` TO `roll`@`%`",
            "GRANT SELECT, INSERT ON `test`.* TO PUBLIC",
        ] {
            assert!(!writes(harmless), "{harmless}");
        }
        for writing in [
            "GRANT ALL PRIVILEGES ON `gibbon`.* TO `roll`@`%`",
            "GRANT SELECT, INSERT ON `gibbon`.`a` TO `roll`@`%`",
            "GRANT SELECT (a), UPDATE (b) ON `gibbon`.`a` TO `roll`@`%`",
            "GRANT SUPER ON *.* TO `roll`@`%`",
        ] {
            assert!(writes(writing), "{writing}");
        }
    }

    #[test]
    fn a_role_that_is_given_is_seen() {
        assert_eq!(roles("GRANT `staff` TO `roll`@`%`"), Some("`staff`"));
        assert_eq!(roles("GRANT `a`@`%`,`b`@`%` TO `roll`@`%` WITH ADMIN OPTION"), Some("`a`@`%`,`b`@`%`"));
        assert_eq!(roles("GRANT SELECT ON `gibbon`.* TO `roll`@`%`"), None);
    }
}
