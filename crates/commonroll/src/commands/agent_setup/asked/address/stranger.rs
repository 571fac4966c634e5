//! An address that answers with rows of JSON which nobody knows: a mapping is proposed as for a file, and the list is asked for
//! whole. A list that comes page by page in a way that isn't understood is refused: a part must not pass for all.

use super::super::super::{Args, answers, ask::Asker, rows, screen::Screen};
use super::super::{Outcome, Ready, place::plain};
use super::{
    Plan, lines,
    probe::{self, Answered},
};
use crate::commands::told;
use commonroll_connectors::{
    api::{self, Request, plain::Plain},
    mapping::{Container, JsonRows},
    propose::{Answers, Value, propose},
};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Rows of a sample.
const SAMPLE: usize = 2_000;
/// How deep a list may lie in its envelope.
const DEEP: usize = 3;
/// As many rows as pages usually have: a list of this length may be the first page of a longer one that says nothing of it.
const PAGEFUL: [usize; 11] = [20, 25, 30, 50, 100, 200, 250, 500, 1_000, 5_000, 10_000];

/// One answer that has rows.
pub struct Page {
    rows: Vec<Json>,
    /// Where they lie; `None` if the answer is the list.
    at: Option<String>,
    /// What says that there is more.
    hint: Option<String>,
    /// A header leads to the next page.
    is_linked: bool,
}

impl Page {
    /// The rows of an answer.
    pub fn read(answered: Answered) -> Result<Self, &'static str> {
        let body: Json = serde_json::from_str(&answered.body).map_err(|_| "an answer, but no JSON")?;
        let mut lists = Vec::new();
        find(&body, "", DEEP, &mut lists);
        // The longest; of two as long the one that lies higher.
        let (at, rows) = lists
            .into_iter()
            .rev()
            .max_by_key(|(_, rows)| rows.len())
            .ok_or("JSON, but no list of rows in it")?;
        let n = rows.len();
        let hint = answered
            .total
            .filter(|total| *total > n as u64)
            .map(|_| "a header names a longer list".to_owned())
            .map_or_else(|| beside(&answered.body, n as u64), Some);
        let is_linked = answered.link.is_some_and(|link| link.replace('"', "").contains("rel=next"));
        let rows = rows.to_vec();
        Ok(Self { rows, at: (!at.is_empty()).then_some(at), hint, is_linked })
    }

    /// The member whose values tell the rows apart, by its name and by what it holds.
    fn id(&self) -> Option<&str> {
        let names = self.rows.first()?.as_object()?.keys();
        let mut ids = names.filter(|name| name.to_lowercase().ends_with("id"));
        ids.find(|name| {
            let mut seen = BTreeSet::new();
            self.rows.iter().all(|row| match &row[name.as_str()] {
                Json::String(text) if !text.is_empty() => seen.insert(text.clone()),
                Json::Number(number) => seen.insert(number.to_string()),
                _ => false,
            })
        })
        .map(String::as_str)
    }
}

/// What beside the rows says that there are more of them.
fn beside(body: &str, rows: u64) -> Option<String> {
    match api::tells_more(body, rows) {
        Ok(name) => name.map(|name| format!("its member `{name}` says so")),
        Err(_) => Some("it can't be read to its end".to_owned()),
    }
}

/// Lists of objects, by the path to them.
fn find<'b>(body: &'b Json, path: &str, deep: usize, lists: &mut Vec<(String, &'b [Json])>) {
    match body {
        Json::Array(rows) if !rows.is_empty() && rows.iter().all(Json::is_object) => {
            lists.push((path.to_owned(), rows));
        }
        Json::Object(members) if deep > 0 => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                find(member, &path, deep - 1, lists);
            }
        }
        _ => {}
    }
}

/// Proposes a mapping of the rows.
pub async fn settle(
    args: &Args,
    plan: &mut Plan,
    page: Page,
    screen: &Screen,
    asker: &mut Asker,
) -> Result<Outcome, String> {
    let at = page.at.as_deref().map_or_else(|| "the answer itself".to_owned(), |at| format!("`{at}`"));
    screen.say(&format!("  It is nobody that we know: {} row(s) of JSON in {at}", page.rows.len()));
    let records;
    (plan.connection.address, records) = apart(&plan.connection.address);
    whole(args, plan, (&page, &records), screen, asker).await?;
    plan.connection.api = Some("json".to_owned());
    plan.check(args)?;
    let lines = page.rows.iter().take(SAMPLE).map(Json::to_string).collect::<Vec<_>>();
    let sheet = lines::at_hand(lines.iter().map(String::as_str)).map_err(told)?;
    let container = Container::Json(JsonRows::default());
    let about = records.rsplit('/').next().unwrap_or_default().to_owned();
    let sample = sheet.sample(&container, &about)?;
    let mut answers = answers(args, &sample, &about, false, screen)?;
    let make = |answers: &Answers| propose(container.clone(), &sample, &about, answers);
    let first = make(&answers);
    screen.found(&plan.shown, &first, &sample);
    if args.propose {
        print!("{}", first.to_toml(""));
        return Ok(Outcome::Printed(!first.doubts.is_empty()));
    }
    let proposal = asker.settle(screen, first, &mut answers, &sample, &make);
    if proposal.is_open() {
        screen.left(&proposal, &format!("--from '{}'", plan.shown));
        return Ok(Outcome::Left);
    }
    let mapping = proposal.mapping("").map_err(told)?;
    let columns = rows::used(&proposal, &sample);
    let shown =
        rows::translated(sheet.open().map_err(told)?, &about, mapping, &sample, &columns, args.show_values)?;
    screen.rows(&shown, args.show_values);
    let kind = match proposal.choice("rows").map(|choice| &choice.value) {
        Some(Value::Text(kind)) => kind.as_str(),
        _ => "rows",
    };
    let name = plain(&format!("{}-{kind}", plan.connection.name));
    Ok(Outcome::Ready(vec![Ready { name, mapping: proposal.to_toml(""), records: Some(records) }], false))
}

/// Finds out how all of the list is had.
async fn whole(
    args: &Args,
    plan: &mut Plan,
    (page, records): (&Page, &str),
    screen: &Screen,
    asker: &mut Asker,
) -> Result<(), String> {
    let mut by_offset = page.is_linked;
    let cut = async |plan: &Plan, offset: &str| {
        let query =
            [("limit", "1"), ("offset", offset)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let asked =
            probe::ask(&plan.connection, &Plain, &Request::get(records, query.to_vec())).await.ok()?;
        Page::read(asked).ok()
    };
    if !by_offset && page.rows.len() > 1 {
        let is = |cut: &Option<Page>, place: usize| {
            cut.as_ref().is_some_and(|cut| cut.rows.len() == 1 && cut.rows.first() == page.rows.get(place))
        };
        by_offset = is(&cut(plan, "0").await, 0) && is(&cut(plan, "1").await, 1);
    }
    let options = &mut plan.connection.options;
    let mut set = |name: &str, value: &str| {
        options.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    };
    if let Some(at) = &page.at {
        set("list", at);
    }
    match (by_offset, &page.hint) {
        (true, _) => {
            screen.say("  It gives its list page by page, by `limit` and `offset`");
            set("paging", "offset");
            if let Some(id) = page.id() {
                set("id", id);
            }
        }
        (false, Some(hint)) => {
            return Err(format!(
                "{}: this is one page of a longer list ({hint}), and neither `limit` and `offset` nor a header `Link` leads to the \
                 next; a part would pass for all, so nothing was set up. Ask the vendor whether one answer can hold everything, and \
                 give that address, or export files",
                plan.shown
            ));
        }
        // Somebody said with --option how all of it comes.
        (false, None) if options.contains_key("paging") => {}
        (false, None) if PAGEFUL.contains(&page.rows.len()) => {
            let n = page.rows.len();
            screen.say(&format!(
                "  It gives {n} rows, as a page would, and nothing says whether there are more"
            ));
            if !args.propose && !asker.confirm(&format!("Are these {n} all that there are?"), false) {
                return Err(format!(
                    "{}: {n} rows may be one page of a longer list; a part would pass for all, so nothing was set up. Count them in the \
                     MIS: if these are all, say so with --option paging=once; if not, ask the vendor for an address that answers with \
                     everything, or export files",
                    plan.shown
                ));
            }
        }
        (false, None) => screen.say("  All of it comes in one answer: nothing says that there is more"),
    }
    Ok(())
}

/// Parts an address into that of a connection and the path of the records.
pub fn apart(address: &str) -> (String, String) {
    let address = address.trim_end_matches('/');
    let begin = address.find("://").map_or(0, |at| at + 3);
    match address[begin..].rfind('/') {
        Some(at) => (address[..begin + at].to_owned(), address[begin + at + 1..].to_owned()),
        None => (address.to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Result<Page, &'static str> {
        Page::read(Answered { body: body.to_owned(), link: None, total: None })
    }

    #[test]
    fn the_longest_list_of_objects_is_the_rows() {
        let found =
            page(r#"{"links":[{"a":1}],"result":{"rows":[{"id":1},{"id":2}],"words":["x","y","z"]}}"#)
                .unwrap();
        assert_eq!((found.at.as_deref(), found.rows.len(), found.id()), (Some("result.rows"), 2, Some("id")));
        assert_eq!(page(r#"[{"x":1}]"#).unwrap().at, None);
        for no in ["<html>", "{}", r#"{"status":"ok"}"#, "[]", "[1,2]"] {
            assert!(page(no).is_err(), "{no}");
        }
    }

    #[test]
    fn what_says_that_there_is_more_is_seen() {
        let header = |total| {
            let body = r#"[{"id":1}]"#.to_owned();
            Page::read(Answered { body, link: None, total }).unwrap().hint.is_some()
        };
        assert_eq!([header(None), header(Some(1)), header(Some(2))], [false, false, true]);
        assert!(page(r#"{"rows":[{"id":1}],"next":"https://x"}"#).unwrap().hint.is_some());
        assert!(page(r#"{"rows":[{"id":1}],"next":null}"#).unwrap().hint.is_none());
    }

    #[test]
    fn ids_must_tell_rows_apart() {
        assert_eq!(page(r#"[{"id":1,"rowId":"a"},{"id":1,"rowId":"b"}]"#).unwrap().id(), Some("rowId"));
        assert_eq!(page(r#"[{"id":1},{"id":null}]"#).unwrap().id(), None);
    }

    #[test]
    fn an_address_is_that_of_a_connection_and_a_path() {
        let parts = |address: &str| {
            let (address, records) = apart(address);
            format!("{address} {records}")
        };
        assert_eq!(parts("https://mis.example/api/marks"), "https://mis.example/api marks");
        assert_eq!(parts("https://mis.example:8443"), "https://mis.example:8443 ");
    }
}
