//! Bromcom's partner API: entities by name, filtered in words that look like SQL, in pages of 100,000.

use crate::api::{
    Answer, Api, ApiFault, Ask, Conversation, Finish, Request, Rows, SignIn, each, scalar, signs::Kind,
};

/// Rows of a full page.
const FULL: u64 = 100_000;
/// Most pages.
const PAGES_MAX: u32 = 200;

const RECORDS: &[&str] = &[
    "StudentFlatView",
    "BasicAttendance",
    "StudentAttendanceByWeek",
    "BehaviourEventRecords",
    "AssociationAssessmentResultsRaw",
];

const KINDS: &[Kind] = &[
    Kind { records: "StudentFlatView", template: "bromcom-students" },
    Kind { records: "BasicAttendance", template: "bromcom-attendance" },
    Kind { records: "BehaviourEventRecords", template: "bromcom-behaviour" },
    Kind { records: "AssociationAssessmentResultsRaw", template: "bromcom-results" },
];

/// Reads Bromcom.
pub struct Bromcom;

impl Api for Bromcom {
    fn name(&self) -> &'static str {
        "bromcom"
    }

    fn about(&self) -> &'static str {
        "Bromcom's partner API v2; option `school` is the school's number, `user` the ApplicationId"
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Headers("ApplicationId", "ApplicationSecret")
    }

    fn records(&self) -> &'static [&'static str] {
        RECORDS
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["bromcomcloud.com"]
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn begin(&self, ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault> {
        let school = ask.option("school")?;
        if !school.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ApiFault::new("API-OPTION", "the option `school` must be a number"));
        }
        let mut query = ask.parameters(&[("schoolId", school)]);
        let filter = query.iter().position(|(name, _)| name == "entityFilter");
        let filter = filter.map(|at| query.remove(at).1).unwrap_or_default();
        let path = ask.records.to_owned();
        Ok(Box::new(Talk { path, query, filter, page: 0, done: false }))
    }
}

struct Talk {
    path: String,
    query: Vec<(String, String)>,
    filter: String,
    page: u32,
    done: bool,
}

impl Conversation for Talk {
    fn next(&mut self) -> Option<Request> {
        if self.done {
            return None;
        }
        let mut query = self.query.clone();
        query.push(("entityFilter".to_owned(), format!("{}{{page:{}}}", self.filter, self.page)));
        Some(Request::get(self.path.clone(), query))
    }

    fn answer(&mut self, answer: &Answer<'_>, out: &mut dyn Rows) -> Result<(), ApiFault> {
        // Flags come as strings or as truths.
        if !scalar(answer.body, "success").is_some_and(|told| told.eq_ignore_ascii_case("true")) {
            let fix = "Bromcom answered without saying that it went well; nothing was taken. Look at the source's \
                       `records` and `query`, and whether the school has allowed this entity";
            return Err(ApiFault::new("BROMCOM-NO-SUCCESS", fix));
        }
        let n = each(answer.body, Some("data"), &mut |row| out.row("", row))?;
        self.page += 1;
        self.done = n < FULL;
        if !self.done && self.page >= PAGES_MAX {
            return Err(ApiFault::new(
                "API-PAGES",
                "the list has more pages than any school's; name a time with `query`",
            ));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Finish, ApiFault> {
        Ok(Finish::Rows { next: None })
    }
}
