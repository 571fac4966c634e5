//! An API that we know: the kinds of records that it gives us, each tried with the mapping that we ship for it.

use super::super::super::{Args, ask::Asker, rows, screen::Screen};
use super::super::{
    Outcome, Ready,
    kinds::{self, Named},
    sorts,
};
use super::{
    Plan,
    lines::{self, First, Refused},
    probe,
};
use crate::{commands::told, real::now};
use commonroll_agent::fetch::{FetchFault, http::Line};
use commonroll_connectors::{
    Mapping,
    api::{
        self, Api, Ask,
        signs::{Kind, Sign},
    },
    mapping::Format,
    propose::{Value, unfit},
    templates::{self, Template},
};
use std::collections::BTreeMap;

/// A kind of record that can be read.
struct Readable {
    what: &'static str,
    records: &'static str,
    template: &'static Template,
    first: First,
}

impl Readable {
    const fn named(&self) -> Named {
        (self.what, self.template)
    }
}

/// Tries every kind of record, and settles which are taken.
pub async fn settle(
    args: &Args,
    plan: &mut Plan,
    (api, proof): (&'static dyn Api, Option<(&'static Sign, String)>),
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Outcome, String> {
    if let Some((sign, body)) = &proof {
        screen.say(&format!("  It is {}: its answer has {}", sign.what, sign.proof()));
        understood(plan, sign, body, screen, asker)?;
        if let Some(told) = sign.token_at.and_then(|at| api::scalar(body, at)) {
            plan.token_from(&told, api)?;
        }
    }
    plan.check(args)?;
    if api.kinds().is_empty() {
        return Err(format!(
            "nothing of {} is set up by itself; its page in crates/connectors has the lines",
            api.name()
        ));
    }
    screen.say("");
    let line = probe::line(&plan.connection, api).map_err(told)?;
    let (mut readable, mut faults) = (Vec::new(), Vec::new());
    for kind in wanted(args, api)? {
        let Some(template) = templates::by_name(kind.template) else { continue };
        let what = name(kind);
        match try_one(plan, &line, api, kind, screen).await {
            Ok(first) => {
                let more = if first.more { "or more " } else { "" };
                let unit = if first.is_package { "file(s)" } else { "row(s)" };
                screen.kind(what, &format!("{} {more}{unit}", first.sheet.rows), template.about);
                readable.push(Readable { what, records: kind.records, template, first });
            }
            Err(fault) => {
                screen.kind(what, "not now", &fault.to_string());
                faults.push(fault);
            }
        }
    }
    if readable.is_empty() {
        let fault = faults.into_iter().next().map(|fault| fault.to_string()).unwrap_or_default();
        return Err(plan.with_help(args, &format!("nothing can be read with this secret: {fault}")));
    }
    let chosen = chosen(args, readable, screen, asker)?;
    if args.propose {
        return kinds::print(&chosen, Readable::named);
    }
    let (mut ready, mut left) = (Vec::new(), false);
    for kind in chosen {
        let Some(mapping) = with_times(args, &kind, screen, asker) else {
            left = true;
            continue;
        };
        let of = (&kind.first.sheet, kind.what);
        let mapping = sorts::with_categories(args, &mapping, of, screen, asker)?;
        show(args, screen, &kind, &mapping)?;
        ready.push(Ready {
            name: kind.template.name.to_owned(),
            mapping,
            records: Some(kind.records.to_owned()),
        });
    }
    Ok(if ready.is_empty() { Outcome::Left } else { Outcome::Ready(ready, left) })
}

/// What the answer says of the connection: options, and where tokens are handed out.
fn understood(
    plan: &mut Plan,
    sign: &Sign,
    body: &str,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<(), String> {
    for (name, value) in sign.options {
        plan.connection.options.entry((*name).to_owned()).or_insert_with(|| (*value).to_owned());
    }
    let Some((option, ..)) =
        sign.offers.filter(|(option, ..)| !plan.connection.options.contains_key(*option))
    else {
        return Ok(());
    };
    let offered = sign.offered(body);
    let items: Vec<String> = offered.iter().map(|(value, words)| format!("{value}  {words}")).collect();
    let place = match offered.len() {
        0 => {
            return Err(format!(
                "{}: it answers, and has no {option} for this secret. Have the {option} approve the access, or look whether the \
                 address is the one of its region",
                plan.shown
            ));
        }
        1 => 0,
        _ => asker.pick(screen, &format!("Which {option} is yours?"), &items).ok_or_else(|| {
            format!(
                "this secret reaches more than one {option}; say yours with --option {option}=..:\n    {}",
                items.join("\n    ")
            )
        })?,
    };
    screen.say(&format!("  The {option} is {}", items[place]));
    plan.connection.options.insert(option.to_owned(), offered[place].0.clone());
    Ok(())
}

/// The kinds that were named, or all.
fn wanted(args: &Args, api: &'static dyn Api) -> Result<Vec<&'static Kind>, String> {
    let named = &args.asked.records;
    let is = |kind: &Kind, wanted: &String| name(kind) == wanted || kind.records == wanted;
    let names: Vec<&str> = api.kinds().iter().map(name).collect();
    if let Some(wrong) = named.iter().find(|wanted| !api.kinds().iter().any(|kind| is(kind, wanted))) {
        return Err(format!("--records {wrong}: what can be read here is {}", names.join(", ")));
    }
    let all = api.kinds().iter();
    Ok(all.filter(|kind| named.is_empty() || named.iter().any(|wanted| is(kind, wanted))).collect())
}

fn name(kind: &Kind) -> &'static str {
    kind.template.split_once('-').map_or(kind.template, |(_, what)| what)
}

/// Asks for the first rows. What a server may lack and does is left out, and told.
async fn try_one(
    plan: &mut Plan,
    line: &Line,
    api: &'static dyn Api,
    kind: &Kind,
    screen: &Screen,
) -> Result<First, FetchFault> {
    let none = BTreeMap::new();
    loop {
        let ask = Ask {
            records: kind.records,
            options: &plan.connection.options,
            query: &none,
            host: line.host(),
            since: None,
            now: now(),
        };
        match lines::fetch(line, api, &ask).await {
            Ok(first) => return Ok(first),
            Err(Refused { fault, path }) => {
                let of = path.rsplit('/').next().unwrap_or_default();
                if fault.rule != "HTTP-NOT-FOUND" || !api.may_lack().contains(&of) {
                    return Err(fault);
                }
                let held = plan.connection.options.entry("without".to_owned()).or_default();
                if held.split(',').any(|name| name == of) {
                    return Err(fault);
                }
                screen.say(&format!("  It has no {of}; they are left out"));
                held.push_str(if held.is_empty() { "" } else { "," });
                held.push_str(of);
            }
        }
    }
}

/// Those that have rows, or those that somebody chooses; all that were named.
fn chosen(
    args: &Args,
    mut all: Vec<Readable>,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Vec<Readable>, String> {
    if !args.asked.records.is_empty() {
        return Ok(all);
    }
    all.retain(|kind| kind.first.sheet.rows > 0);
    if all.is_empty() {
        return Err(
            "the MIS has no rows of anything yet; name what is to be read all the same with --records"
                .to_owned(),
        );
    }
    kinds::one_by_one(all, "all that has rows", Readable::named, screen, asker)
}

/// The mapping with the school's own session times, which no answer says. `None` if nobody says them.
fn with_times(args: &Args, kind: &Readable, screen: &Screen, asker: &mut Asker) -> Option<String> {
    let (mut text, mut in_periods, mut open) = (String::new(), false, Vec::new());
    for line in kind.template.text.lines() {
        let header = line.trim_start().starts_with('[');
        in_periods = if header { line.trim() == "[periods]" } else { in_periods };
        match line.split_once(" = ").filter(|_| in_periods && !header) {
            Some((period, usual)) => match times(args, period, usual, screen, asker) {
                Some((start, end)) => text.push_str(&format!("{period} = [\"{start}\", \"{end}\"]")),
                None => open.push(period.to_owned()),
            },
            None => text.push_str(line),
        }
        text.push('\n');
    }
    if open.is_empty() {
        return Some(text);
    }
    screen.heading(&format!("Not written: {} needs your session times, which no answer says", kind.what));
    for period in open {
        screen.say(&format!("      --answer 'periods.{period}=08:45-12:30'"));
    }
    None
}

/// When a period is; a template's time is only offered.
fn times(
    args: &Args,
    period: &str,
    usual: &str,
    screen: &Screen,
    asker: &mut Asker,
) -> Option<(String, String)> {
    let setting = format!("periods.{period}");
    let split = |said: &str| {
        let fits = unfit(&setting, &Value::Text(said.to_owned())).is_none();
        let (start, end) = said.split_once('-').filter(|_| fits)?;
        Some((start.trim().to_owned(), end.trim().to_owned()))
    };
    let told = args.answers.iter().find(|(name, _)| *name == setting).map(|(_, said)| said);
    if let Some(said) = told {
        return split(said);
    }
    let usual: String = usual.chars().filter(|c| !matches!(c, '[' | ']' | '"' | ' ')).collect();
    let usual = usual.replace(',', "-");
    loop {
        let said = asker.text(&format!("When is {period} at your school? [{usual}] > "))?;
        let said = if said.is_empty() { usual.as_str() } else { said.as_str() };
        if let Some(times) = split(said) {
            return Some(times);
        }
        screen.say("  must be a start and a later end, such as 08:45-12:30");
    }
}

fn show(args: &Args, screen: &Screen, kind: &Readable, text: &str) -> Result<(), String> {
    screen.heading(kind.what);
    let mapping: Mapping = text.parse().map_err(told)?;
    let sheet = &kind.first.sheet;
    if sheet.rows == 0 {
        screen.rows(&[], args.show_values);
        return Ok(());
    }
    let shown = match &mapping.format {
        Format::Table(container, _) => {
            let sample = sheet.sample(container, kind.what)?;
            let columns = rows::named(text, &sample);
            rows::translated(
                sheet.open().map_err(told)?,
                kind.what,
                mapping.clone(),
                &sample,
                &columns,
                args.show_values,
            )?
        }
        _ => rows::of_package(sheet.open().map_err(told)?, mapping.clone(), args.show_values)?,
    };
    screen.rows(&shown, args.show_values);
    Ok(())
}
