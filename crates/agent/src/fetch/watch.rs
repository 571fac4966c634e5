//! Cheap questions that come before the query: whether anything it reads has changed since.
//!
//! The server itself is asked about tables where it can tell truthfully; a view, or a table of an engine that keeps no such
//! figures, always looks changed. What is done with the answer is not known here.

use super::FetchFault;
use crate::database::{DatabaseFault, Link};
use commonroll_connectors::mapping::{Dialect, Sql};

/// The answer of the mapping's probe, or of the server about the tables that the mapping watches; `None` without either.
pub(super) async fn probe(link: &mut Link, sql: &Sql) -> Result<Option<String>, FetchFault> {
    link.begin_reading().await?;
    let answer = if let Some(probe) = sql.probe() {
        Some(link.one(probe).await?)
    } else if sql.watch.is_empty() {
        None
    } else {
        Some(watched(link, &sql.watch).await?)
    };
    link.run("rollback").await?;
    Ok(answer)
}

/// When each table was last written to, or how often. Names are letters, digits, `_` and `$`: the mapping was checked.
async fn watched(link: &mut Link, tables: &[String]) -> Result<String, FetchFault> {
    let query = match link.dialect() {
        // The time has whole seconds: in this one and the one before, another change could hide behind the same time. Views
        // and tables of other engines have none: then it always looks changed.
        Dialect::MySql => {
            let names: Vec<String> = tables.iter().map(|table| format!("'{table}'")).collect();
            format!(
                "select table_name, case when update_time >= now() - interval 1 second then now(6) \
                 when update_time is null and (engine is null or engine <> 'InnoDB') then now(6) else update_time end \
                 from information_schema.tables where table_schema = database() and table_name in ({}) order by 1",
                names.join(", ")
            )
        }
        Dialect::Postgres => {
            // As the mapping writes it, and else as the database folds what isn't quoted.
            let name = |table: &String| {
                let quoted: Vec<String> = table.split('.').map(|part| format!("\"{part}\"")).collect();
                format!("coalesce(to_regclass('{}'), to_regclass('{table}'))", quoted.join("."))
            };
            let names: Vec<String> = tables.iter().map(name).collect();
            format!(
                "select c.relname, case when c.relkind = 'r' then concat(c.oid, ' ', pg_stat_get_tuples_inserted(c.oid), ' ', \
                 pg_stat_get_tuples_updated(c.oid), ' ', pg_stat_get_tuples_deleted(c.oid)) \
                 else concat(clock_timestamp()) end from pg_class c where c.oid in ({}) order by 1",
                names.join(", ")
            )
        }
    };
    let (mut answer, mut found) = (String::new(), Vec::new());
    link.rows::<DatabaseFault>(&query, &mut |cells| {
        found.push(cells.first().copied().flatten().unwrap_or_default().to_lowercase());
        for cell in cells {
            answer.push_str(cell.unwrap_or("never"));
            answer.push('\u{1f}');
        }
        Ok(())
    })
    .await?;
    if let Some(table) = tables.iter().find(|table| !found.contains(&table.to_lowercase())) {
        let fix = format!(
            "the database has no table `{table}` that the mapping watches, or the account may not see it: the MIS is of another \
             version than the mapping, or the account lacks SELECT on it. Compare with the MIS's own tables"
        );
        return Err(FetchFault::new("SQL-TABLE", fix));
    }
    Ok(answer)
}
