//! A database that nobody knows: which table is which kind of record, by what its columns are called and what stands in them.

use super::{
    super::{Args, answers, ask::Asker, rows, screen::Screen},
    Outcome, Ready,
    database::Database,
    sheet::Sheet,
};
use crate::commands::told;
use commonroll_connectors::{
    mapping::{Container, Sql},
    propose::{
        Answers, Proposal, Sample, Value, propose,
        schema::{self, SeenTable},
    },
};
use std::collections::BTreeMap;

/// Tables that are looked into.
const TABLES_MAX: usize = 60;
/// Rows of each.
const ROWS_MAX: usize = 500;
/// Kinds of records that are taken without being named. Others are seldom what a table is.
const USUAL: [&str; 7] =
    ["learners", "groups", "staff", "timetable", "attendance", "assessment", "behaviour"];
/// Kinds less sure than this aren't shown.
const WORTH_SHOWING: u8 = 55;

/// What a table may be.
struct Likely {
    table: SeenTable,
    kind: String,
    sure: u8,
    /// Its kind is settled, not only the likeliest.
    settled: bool,
    sample: Sample,
}

/// Finds the likely tables, and settles which are read and how.
pub async fn settle(
    args: &Args,
    database: &mut Database<'_>,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Outcome, String> {
    let kinds = by_kind(args, likely(args, database, screen).await?);
    screen.say(&format!(
        "  It is no MIS that we know: {} tables, looked at by their columns' names and some of their rows",
        database.tables.len()
    ));
    for (kind, tables) in &kinds {
        let others: Vec<String> =
            tables.iter().skip(1).take(3).map(|of| format!("{} ({} %)", of.table.name, of.sure)).collect();
        let others = if others.is_empty() { String::new() } else { format!("; or {}", others.join(", ")) };
        screen.kind(
            kind,
            &format!("{} %", tables[0].sure),
            &format!("table {}{others}", tables[0].table.name),
        );
    }
    if kinds.is_empty() {
        return Err("no table looks like records of learners; name one with --table, or ask the MIS's vendor for a view".to_owned());
    }
    let chosen = chosen(args, kinds, screen, asker)?;
    if args.propose {
        let [one] = &chosen[..] else {
            let names: Vec<&str> = chosen.iter().map(|of| of.kind.as_str()).collect();
            return Err(format!(
                "a mapping file is for one kind of record; add --records with one of {}, or --table",
                names.join(", ")
            ));
        };
        let proposal = propose_one(args, database, one, screen, &mut Asker::new(true))?;
        print!("{}", proposal.to_toml(""));
        return Ok(Outcome::Printed(!proposal.doubts.is_empty()));
    }
    let (mut ready, mut queries, mut left) = (Vec::new(), Vec::new(), false);
    for one in &chosen {
        let proposal = propose_one(args, database, one, screen, asker)?;
        if proposal.is_open() {
            let again = format!("--from '{}' --table '{}'", database.plan.shown, one.table.name);
            screen.left(&proposal, &again);
            left = true;
            continue;
        }
        let Container::Sql(sql) = &proposal.container else { continue };
        let query = sql.query_for(database.dialect());
        show(args, database, one, (&proposal, &query), screen).await?;
        queries.push(query);
        ready.push(Ready {
            name: format!("{}-{}", database.plan.connection.name, one.kind),
            mapping: proposal.to_toml(""),
            records: None,
        });
    }
    if ready.is_empty() {
        return Ok(Outcome::Left);
    }
    database.say_rights(screen, &queries);
    Ok(Outcome::Ready(ready, left))
}

fn plain() -> Container {
    Container::Sql(Sql::default())
}

/// Looks into the tables that promise most, or into those that were named.
async fn likely(args: &Args, database: &mut Database<'_>, screen: &Screen) -> Result<Vec<Likely>, String> {
    let named = &args.asked.tables;
    if let Some(wrong) = named.iter().find(|name| !database.tables.iter().any(|table| table.name == **name)) {
        return Err(format!("--table {wrong}: the account sees no table of this name"));
    }
    let tables: Vec<SeenTable> = if named.is_empty() {
        schema::promising(&database.tables).into_iter().take(TABLES_MAX).cloned().collect()
    } else {
        database.tables.iter().filter(|table| named.contains(&table.name)).cloned().collect()
    };
    let mut all = Vec::new();
    for table in tables {
        let Some(query) = schema::sample_query(&table, database.dialect(), ROWS_MAX) else { continue };
        let sheet = match database.reading(async |link| Sheet::of(link, &query).await).await? {
            Ok(sheet) => sheet,
            Err(fault) => {
                screen.say(&format!("  {}: {fault}", table.name));
                continue;
            }
        };
        if sheet.rows == 0 {
            continue;
        }
        let sample = sheet.sample(&plain(), &table.name)?;
        let answers = answers(args, &sample, &table.name, named.len() != 1, screen)?;
        if let Some((kind, sure, settled)) = kind(&propose(plain(), &sample, &table.name, &answers)) {
            all.push(Likely { table, kind, sure, settled, sample });
        }
    }
    Ok(all)
}

/// What the rows are, or seem to be; how sure that is, and whether it is settled.
fn kind(proposal: &Proposal) -> Option<(String, u8, bool)> {
    if let Some(choice) = proposal.choice("rows")
        && let Value::Text(kind) = &choice.value
    {
        return Some((kind.clone(), choice.confidence, true));
    }
    let best = proposal.doubts.iter().find(|doubt| doubt.setting == "rows")?.candidates.first()?;
    match &best.value {
        Value::Text(kind) => Some((kind.clone(), best.confidence, false)),
        _ => None,
    }
}

/// Tables by what they may be, the likeliest first.
fn by_kind(args: &Args, all: Vec<Likely>) -> BTreeMap<String, Vec<Likely>> {
    let asked = &args.asked;
    let mut kinds: BTreeMap<String, Vec<Likely>> = BTreeMap::new();
    for one in all {
        let wanted = if asked.records.is_empty() {
            !asked.tables.is_empty() || (USUAL.contains(&one.kind.as_str()) && one.sure >= WORTH_SHOWING)
        } else {
            asked.records.contains(&one.kind)
        };
        if wanted {
            kinds.entry(one.kind.clone()).or_default().push(one);
        }
    }
    for tables in kinds.values_mut() {
        tables.sort_by_key(|of| (!of.settled, std::cmp::Reverse(of.sure)));
    }
    kinds
}

/// One table of each kind: as somebody chooses, else the likeliest where it is settled or was named.
fn chosen(
    args: &Args,
    kinds: BTreeMap<String, Vec<Likely>>,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Vec<Likely>, String> {
    let named = !args.asked.tables.is_empty() || !args.asked.records.is_empty();
    let mut chosen = Vec::new();
    for (kind, mut tables) in kinds {
        let mut items: Vec<String> =
            tables.iter().take(5).map(|of| format!("table {}  ({} %)", of.table.name, of.sure)).collect();
        let none = items.len();
        items.push("none of these; they are not read".to_owned());
        let place = match asker.pick(screen, &format!("Which table has the {kind}?"), &items) {
            Some(place) => place,
            None if named || tables[0].settled => 0,
            None => none,
        };
        if place < none {
            chosen.push(tables.swap_remove(place));
        }
    }
    if chosen.is_empty() {
        return Err("nothing was chosen; name a table with --table".to_owned());
    }
    Ok(chosen)
}

/// A mapping of one table, with its doubts answered as far as somebody answers, that asks for no more than it uses.
fn propose_one(
    args: &Args,
    database: &Database<'_>,
    one: &Likely,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Proposal, String> {
    let mut answers = answers(args, &one.sample, &one.table.name, args.asked.tables.len() != 1, screen)?;
    if !one.settled {
        answers.entry("rows".to_owned()).or_insert_with(|| Value::Text(one.kind.clone()));
    }
    let make = |answers: &Answers| propose(plain(), &one.sample, &one.table.name, answers);
    let first = make(&answers);
    screen.found(&format!("{} from {}", one.kind, one.table.name), &first, &one.sample);
    let mut proposal = asker.settle(screen, first, &mut answers, &one.sample, &make);
    schema::narrow(&mut proposal, &one.table, database.dialect());
    Ok(proposal)
}

/// Shows rows of the query as it will be asked.
async fn show(
    args: &Args,
    database: &mut Database<'_>,
    one: &Likely,
    (proposal, query): (&Proposal, &str),
    screen: &Screen,
) -> Result<(), String> {
    let limited = format!("select * from ({query}) shown limit 50");
    let sheet = database.reading(async |link| Sheet::of(link, &limited).await).await?.map_err(told)?;
    let sample = sheet.sample(&proposal.container, &one.kind)?;
    let mapping = proposal.mapping("").map_err(told)?;
    let columns = rows::used(proposal, &sample);
    let shown = rows::translated(
        sheet.open().map_err(told)?,
        &one.kind,
        mapping,
        &sample,
        &columns,
        args.show_values,
    )?;
    screen.rows(&shown, args.show_values);
    Ok(())
}
