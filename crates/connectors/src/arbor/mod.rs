//! Arbor's GraphQL: what we ask for is a query of our own, member by member, so that nothing else of a person is ever sent.
//!
//! It pages by numbers from 0 and tells no total: a page that is not full is the last. So that a list which changes under our hands is
//! found out, the row before each page is asked for once more: it must be the last one of the page before. An answer that names errors
//! is a fault, however much data stands beside them.

use crate::api::{
    Answer, Api, ApiFault, Ask, Conversation, Finish, Request, Rows, SignIn, each, id_of, scalar, signs::Kind,
};
use std::collections::HashSet;

/// Rows of a page. Arbor's own limit is 3,000; it recommends fewer.
const PER_PAGE: u64 = 500;
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

const KINDS: &[Kind] = &[
    Kind { records: "students", template: "arbor-students" },
    Kind { records: "attendance", template: "arbor-attendance" },
    Kind { records: "behaviour", template: "arbor-behaviour" },
];

/// Reads Arbor.
pub struct Arbor;

impl Api for Arbor {
    fn name(&self) -> &'static str {
        "arbor"
    }

    fn about(&self) -> &'static str {
        "Arbor's GraphQL; the address is the school's own, https://SCHOOL.uk.arbor.sc; a source's `query` are further arguments"
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Basic
    }

    fn records(&self) -> &'static [&'static str] {
        RECORDS
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
            is_full: true,
            known: HashSet::new(),
        }))
    }
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
    is_full: bool,
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
        if names_errors(body) {
            let fix = "Arbor answered with errors, so nothing was taken: usually the application may not read one of the members \
                       that are asked for. Have the school allow it (the page of Arbor has the list), or look at the source's `query`";
            return Err(ApiFault::new("ARBOR-ERRORS", fix));
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
        match self.joint {
            Some(_) => Some(self.query(1, (self.page - 1) * PER_PAGE - 1, "id")),
            None if self.is_full => Some(self.query(PER_PAGE, self.page, self.list.members)),
            None => None,
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
        self.is_full = n >= PER_PAGE;
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

/// True if an answer names errors, as a list or in any other way.
fn names_errors(body: &str) -> bool {
    let mut named = false;
    let listed = each(body, Some("errors"), &mut |_| {
        named = true;
        Ok(())
    });
    named || listed.is_err() && scalar(body, "errors").is_some()
}
