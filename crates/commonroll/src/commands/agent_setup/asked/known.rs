//! An MIS that we know: the mappings that we ship for it, tried on what the database really has.

use super::{
    super::{Args, ask::Asker, rows, screen::Screen},
    Outcome, Ready,
    database::Database,
    kinds::{self, Named},
    sheet::Sheet,
    sorts,
};
use crate::commands::told;
use commonroll_agent::database::DatabaseFault;
use commonroll_connectors::{
    Mapping,
    mapping::{Container, Format},
    templates::{self, Template},
};

/// Rows that are fetched to be shown.
const SHOWN: u32 = 50;

/// A kind of record that can be read.
struct Kind {
    what: &'static str,
    template: &'static Template,
    mapping: Mapping,
    query: String,
    sheet: Sheet,
}

impl Kind {
    const fn named(&self) -> Named {
        (self.what, self.template)
    }
}

/// Tries every mapping of an MIS, and settles which are taken.
pub async fn settle(
    args: &Args,
    database: &mut Database<'_>,
    mis: &str,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Outcome, String> {
    let mut kinds = Vec::new();
    for template in templates::ALL.iter().filter(|template| template.mis == mis) {
        let (_, what) = template.name.split_once('-').unwrap_or(("", template.name));
        match try_one(database, what, template).await? {
            Ok((kind, rows)) => {
                screen.kind(what, &format!("{rows} row(s)"), template.about);
                kinds.push(kind);
            }
            Err(fault) => screen.kind(what, "not now", &fault.to_string()),
        }
    }
    if kinds.is_empty() {
        return Err(format!(
            "nothing of {mis} can be read with this account: each kind of record says above why not. The page of the MIS \
             (crates/connectors) has the lines that give the rights"
        ));
    }
    let kinds = chosen(args, kinds, screen, asker)?;
    if args.propose {
        return kinds::print(&kinds, Kind::named);
    }
    for kind in &kinds {
        show(args, screen, kind)?;
    }
    let queries: Vec<String> = kinds.iter().map(|kind| kind.query.clone()).collect();
    database.say_rights(screen, &queries);
    let mut ready = Vec::new();
    for kind in kinds {
        let of = (&kind.sheet, kind.what);
        let mapping = sorts::with_categories(args, kind.template.text, of, screen, asker)?;
        ready.push(Ready { name: kind.template.name.to_owned(), mapping, records: None });
    }
    Ok(Outcome::Ready(ready, false))
}

/// Asks what a mapping asks, and how much there is of it.
async fn try_one(
    database: &mut Database<'_>,
    what: &'static str,
    template: &'static Template,
) -> Result<Result<(Kind, String), DatabaseFault>, String> {
    let mapping: Mapping = template.text.parse().map_err(told)?;
    let Format::Table(Container::Sql(sql), _) = &mapping.format else {
        return Err(format!("{} asks no database", template.name));
    };
    let query = sql.query_for(database.dialect());
    let tried = database
        .reading(async |link| {
            // First by itself: a name that is missing is told as the mapping writes it.
            link.columns(&query).await?;
            let rows = link.one(&format!("select count(*) from ({query}) counted")).await?;
            let sheet = Sheet::of(link, &format!("select * from ({query}) shown limit {SHOWN}")).await?;
            Ok((sheet, rows.trim_end_matches('\u{1f}').to_owned()))
        })
        .await?;
    Ok(tried.map(|(sheet, rows)| (Kind { what, template, mapping, query, sheet }, rows)))
}

/// The kinds that were named, or those that somebody chooses; all if nobody is asked.
fn chosen(
    args: &Args,
    mut kinds: Vec<Kind>,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Vec<Kind>, String> {
    let wanted = &args.asked.records;
    if !wanted.is_empty() {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.what).collect();
        if let Some(wrong) = wanted.iter().find(|name| !names.contains(&name.as_str())) {
            return Err(format!("--records {wrong}: what can be read here is {}", names.join(", ")));
        }
        kinds.retain(|kind| wanted.iter().any(|name| name == kind.what));
        return Ok(kinds);
    }
    kinds::one_by_one(kinds, "all that can be read", Kind::named, screen, asker)
}

fn show(args: &Args, screen: &Screen, kind: &Kind) -> Result<(), String> {
    screen.heading(kind.what);
    let Format::Table(container, _) = &kind.mapping.format else { return Ok(()) };
    let sample = kind.sheet.sample(container, kind.what)?;
    let columns = rows::named(kind.template.text, &sample);
    let shown = rows::translated(
        kind.sheet.open().map_err(told)?,
        kind.what,
        kind.mapping.clone(),
        &sample,
        &columns,
        args.show_values,
    )?;
    screen.rows(&shown, args.show_values);
    Ok(())
}
