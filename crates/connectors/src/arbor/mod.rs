//! Arbor's GraphQL: what we ask for is a query of our own, member by member, so that nothing else of a person is ever sent.
//!
//! It pages by numbers from 0 and tells no total. A page that is not full may be one of a server that gives fewer rows than asked for, or
//! that leaves out rows which the application may not read: nothing may stand behind it, neither as the next row nor on the next page.
//! So that a list which changes under our hands is found out, the row before each page is asked for once more: it must be the last one
//! of the page before. An answer that names errors is a fault, however much data stands beside them.

use crate::{
    api::{
        Answer, Api, ApiFault, Ask, Conversation, Finish, Request, Rows, SignIn, each, id_of, signs::Kind,
    },
    json::{Cursor, Value},
};
use std::collections::HashSet;

/// Rows of a page. Arbor's own limit is 3,000; it recommends fewer.
const PER_PAGE: u64 = 500;
/// How deep what stands beside the rows may be nested.
const DEPTH_MAX: usize = 64;
/// Most pages of one list.
const PAGES_MAX: u64 = 4_000;

/// A list: its name for people, its entity, and the members that are asked for.
struct List {
    records: &'static str,
    entity: &'static str,
    members: &'static str,
}

const LISTS: &[List] = &[
    List {
        records: "students",
        entity: "Student",
        members: "id uniqueLearnerNumber person { legalFirstName legalLastName preferredFirstName dateOfBirth }",
    },
    List {
        records: "attendance",
        entity: "AttendanceRecord",
        members: "id startDatetime endDatetime minutesLate recordNote isRedundant student { id } attendanceMark { code }",
    },
    List {
        records: "behaviour",
        entity: "BehaviouralIncidentStudentInvolvement",
        members: "id student { id } behaviouralIncident { id incidentDatetime narrative behaviour { behaviourName } }",
    },
];

const RECORDS: &[&str] = &["students", "attendance", "behaviour"];

/// Without `attendance`: unless a `query` says for which time, it is every mark there ever was, and after some months no reading of it
/// comes to an end. Which arguments there are, only the school's own page tells.
const KINDS: &[Kind] = &[
    Kind { records: "students", template: "arbor-students" },
    Kind { records: "behaviour", template: "arbor-behaviour" },
];

/// Reads Arbor.
pub struct Arbor;

impl Api for Arbor {
    fn name(&self) -> &'static str {
        "arbor"
    }

    fn about(&self) -> &'static str {
        "Arbor's GraphQL; the address is the school's own, https://SCHOOL.uk.arbor.sc; a source's `query` are further \
         arguments; attendance is set up by hand, with one for its time"
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Basic
    }

    fn records(&self) -> &'static [&'static str] {
        RECORDS
    }

    fn wants_query(&self, records: &str) -> Option<&'static str> {
        (records == "attendance").then_some(
            "Arbor's attendance is every mark there ever was unless an argument says for which time: add one, such as \
             `query = { academicYear = \"..\" }`; which there are, your Arbor's own GraphQL page says",
        )
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["arbor.sc"]
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn begin(&self, ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault> {
        let list = LISTS.iter().find(|list| list.records == ask.records).ok_or_else(|| {
            ApiFault::new("API-RECORDS", format!("`records` must be one of {}", RECORDS.join(", ")))
        })?;
        let mut arguments = String::new();
        for (name, value) in ask.parameters(&[]) {
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                let fix = "an argument's name in `query` must be letters, digits and `_`";
                return Err(ApiFault::new("API-OPTION", fix));
            }
            // A text of JSON is one of GraphQL.
            arguments += &format!(", {name}: {}", serde_json::Value::String(value));
        }
        Ok(Box::new(Talk {
            list,
            arguments,
            page: 0,
            last: String::new(),
            joint: None,
            step: Step::Page,
            known: HashSet::new(),
        }))
    }
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A page.
    Page,
    /// The row behind a page that was not full: there must be none.
    RowBehind,
    /// The page behind it: it must be empty.
    PageBehind,
    /// Nothing.
    Done,
}

struct Talk {
    list: &'static List,
    arguments: String,
    /// The page that comes next.
    page: u64,
    /// Id of the last row.
    last: String,
    /// Id that the row before the page that was read must have.
    joint: Option<String>,
    step: Step,
    known: HashSet<String>,
}

impl Talk {
    fn query(&self, per_page: u64, page: u64, members: &str) -> Request {
        let (entity, arguments) = (self.list.entity, &self.arguments);
        let query =
            format!("{{ {entity}(page_size: {per_page}, page_num: {page}{arguments}) {{ {members} }} }}");
        Request::post("graphql/query", serde_json::json!({ "query": query }).to_string())
    }

    /// Gives each row of an answer with its id.
    fn rows(
        &self,
        body: &str,
        give: &mut dyn FnMut(String, &str) -> Result<(), ApiFault>,
    ) -> Result<u64, ApiFault> {
        match names_errors(body) {
            Some(false) => {}
            Some(true) => {
                let fix = "Arbor answered with errors, so nothing was taken: usually the application may not read one of the members \
                           that are asked for. Have the school allow it (the page of Arbor has the list), or look at the source's `query`";
                return Err(ApiFault::new("ARBOR-ERRORS", fix));
            }
            None => {
                let fix = "the answer is no whole object of JSON, so it was not taken for an empty list; ask the vendor what it means, \
                           or look whether the address is right";
                return Err(ApiFault::new("API-ENVELOPE", fix));
            }
        }
        each(body, Some(&format!("data.{}", self.list.entity)), &mut |row| {
            let id = id_of(row, "id").ok_or_else(|| {
                ApiFault::new("API-ROW-ID", "a row of the answer has no `id`; ask the vendor what changed")
            })?;
            give(id, row)
        })
    }
}

impl Conversation for Talk {
    fn next(&mut self) -> Option<Request> {
        if self.joint.is_some() {
            return Some(self.query(1, (self.page - 1) * PER_PAGE - 1, "id"));
        }
        match self.step {
            Step::Page => Some(self.query(PER_PAGE, self.page, self.list.members)),
            Step::RowBehind => Some(self.query(1, self.known.len() as u64, "id")),
            Step::PageBehind => Some(self.query(PER_PAGE, self.page, "id")),
            Step::Done => None,
        }
    }

    fn answer(&mut self, answer: &Answer<'_>, out: &mut dyn Rows) -> Result<(), ApiFault> {
        if let Some(before) = self.joint.take() {
            let mut is_same = false;
            self.rows(answer.body, &mut |id, _| {
                is_same = id == before;
                Ok(())
            })?;
            return if is_same { Ok(()) } else { Err(ApiFault::changed("rows moved from page to page")) };
        }
        if matches!(self.step, Step::RowBehind | Step::PageBehind) {
            if self.rows(answer.body, &mut |_, _| Ok(()))? > 0 {
                return Err(short());
            }
            self.step = if self.step == Step::RowBehind { Step::PageBehind } else { Step::Done };
            return Ok(());
        }
        let (mut known, mut last) = (std::mem::take(&mut self.known), String::new());
        let n = self.rows(answer.body, &mut |id, row| {
            out.row(&id, row)?;
            last.clone_from(&id);
            if known.insert(id) { Ok(()) } else { Err(ApiFault::changed("a row came twice")) }
        })?;
        self.known = known;
        let before = std::mem::replace(&mut self.last, last);
        self.joint = (self.page > 0).then_some(before);
        self.page += 1;
        self.step = match n {
            0 => Step::Done,
            PER_PAGE.. => Step::Page,
            _ => Step::RowBehind,
        };
        if self.page >= PAGES_MAX {
            let fix = "the list has more pages than any school's; ask for a shorter time with `query`";
            return Err(ApiFault::new("API-PAGES", fix));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Finish, ApiFault> {
        Ok(Finish::Rows { next: None })
    }
}

/// A page was not full, and more came behind it.
fn short() -> ApiFault {
    let fix = "Arbor gave fewer rows on a page than it was asked for, and has more behind them; a part must not pass for all, so nothing \
               was taken. Unless a row was added just now, ask Arbor whether it limits `page_size`, or leaves out rows that the application \
               may not read";
    // A row that was added meanwhile is there when all is read once more.
    ApiFault { again: true, ..ApiFault::new("ARBOR-PAGES", fix) }
}

/// True if an answer names errors, in whatever way: only none, `null` or an empty list of them are none. `None` if it is no object, or
/// can't be read to its end.
fn names_errors(body: &str) -> Option<bool> {
    let mut cursor = Cursor::new(body);
    if cursor.value().ok()? != Value::Object {
        return None;
    }
    let mut first = true;
    while let Some(key) = cursor.key(first).ok()? {
        first = false;
        let is_errors = match key {
            Value::Text(key) => key == "errors",
            _ => cursor.unescaped() == "errors",
        };
        match (cursor.value().ok()?, is_errors) {
            (Value::Null, true) => {}
            (Value::List, true) if !cursor.element(true).ok()? => {}
            (_, true) => return Some(true),
            (value, false) => cursor.skip(&value, DEPTH_MAX).ok()?,
        }
    }
    Some(false)
}
