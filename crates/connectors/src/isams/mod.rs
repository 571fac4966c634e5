//! iSAMS' REST API: learners, in numbered pages. Its batch API carries its key in the address, which would stand in every log on the
//! way, so that it isn't asked.
//!
//! Of a learner nothing is kept but what is read: addresses, health, faith, phones and the like never reach the disk.

use crate::api::{
    Answer, Api, ApiFault, Ask, Conversation, Finish, Pages, Paging, Request, Rows, SignIn,
    signs::{Kind, Sign},
};
use serde_json::{Map, Value};

/// What is kept of a learner.
const KEPT: [&str; 8] = [
    "schoolId",
    "surname",
    "forename",
    "preferredName",
    "dob",
    "uniquePupilNumber",
    "systemStatus",
    "lastUpdated",
];

/// The first page of its learners: nothing else is documented as well.
const SIGNS: &[Sign] = &[Sign {
    query: &[("page", "1")],
    scalars: &["page", "totalCount", "totalPages"],
    list: Some(("students", &["schoolId"])),
    ..Sign::at("iSAMS", "api/students")
}];

const KINDS: &[Kind] = &[Kind { records: "students", template: "isams-students" }];

/// Reads iSAMS.
pub struct Isams;

impl Api for Isams {
    fn name(&self) -> &'static str {
        "isams"
    }

    fn about(&self) -> &'static str {
        "iSAMS' REST API: learners; the address ends before `/api`"
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Oauth2
    }

    fn token_path(&self) -> Option<&'static str> {
        Some("auth/connect/token")
    }

    fn records(&self) -> &'static [&'static str] {
        &["students"]
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["isams.cloud", "isamshosting.cloud"]
    }

    fn signs(&self) -> &'static [Sign] {
        SIGNS
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn begin(&self, ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault> {
        let paging = Paging::Numbered { page: "page", pages: "totalPages", total: "totalCount" };
        let path = format!("api/{}", ask.records);
        let pages = Pages::new(path, ask.parameters(&[]), Some("students"), "schoolId", (paging, 0));
        Ok(Box::new(Talk(pages)))
    }
}

struct Talk(Pages);

impl Conversation for Talk {
    fn next(&mut self) -> Option<Request> {
        self.0.next()
    }

    fn answer(&mut self, answer: &Answer<'_>, out: &mut dyn Rows) -> Result<(), ApiFault> {
        self.0.answer(answer, &mut Reduced(out)).map(drop)
    }

    fn finish(&mut self) -> Result<Finish, ApiFault> {
        Ok(Finish::Rows { next: None })
    }
}

/// Learners without what is nobody's business.
struct Reduced<'a>(&'a mut dyn Rows);

impl Rows for Reduced<'_> {
    fn row(&mut self, id: &str, json: &str) -> Result<(), ApiFault> {
        let mut row: Map<String, Value> = serde_json::from_str(json).map_err(|_| {
            ApiFault::new("API-ENVELOPE", "a row of the answer is no object; ask the vendor what changed")
        })?;
        row.retain(|name, _| KEPT.contains(&name.as_str()));
        self.0.row(id, &Value::Object(row).to_string())
    }

    fn gone(&mut self, id: &str) {
        self.0.gone(id);
    }
}
