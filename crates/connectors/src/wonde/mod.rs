//! Wonde REST v1.0: what to ask for, page by page, what changed since, and what is gone.
//!
//! Wonde reads the MIS every couple of hours, so nothing of it is live. Each conversation begins with the school itself: under
//! the wrong regional domain Wonde answers with no data and no error, which must not look like a school without learners.

pub mod write;

use crate::api::{
    Answer, Api, ApiFault, Ask, Conversation, Finish, Page, Pages, Paging, Request, Rows, SignIn, scalar,
    signs::{Kind, Sign},
};
use jiff::{SignedDuration, Timestamp};

/// Rows of a page. Every list gives as many.
const PER_PAGE: &str = "200";
/// Clocks differ, and what is written while we read must not be missed.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// A list: its path, what is nested into each row, and what its rows are called among deletions.
struct List {
    records: &'static str,
    include: &'static str,
    kind: &'static str,
}

const LISTS: &[List] = &[
    List { records: "students", include: "education_details", kind: "student" },
    List { records: "classes", include: "subject,students,employees", kind: "class" },
    List { records: "groups", include: "students,employees", kind: "group" },
    List { records: "employees", include: "", kind: "employee" },
    List { records: "attendance/session", include: "attendance_code,student", kind: "attendance" },
    List {
        records: "attendance/lesson",
        include: "attendance_code,student,lesson",
        kind: "lesson_attendance",
    },
    List { records: "lessons", include: "class", kind: "lesson" },
    List { records: "attendance-codes", include: "", kind: "attendance_code" },
    List { records: "behaviours", include: "students", kind: "behaviour" },
    List { records: "achievements", include: "students", kind: "achievement" },
    List { records: "assessment/results", include: "student,aspect,resultset", kind: "result" },
];

const RECORDS: &[&str] = &[
    "students",
    "classes",
    "groups",
    "employees",
    "attendance/session",
    "attendance/lesson",
    "lessons",
    "attendance-codes",
    "behaviours",
    "achievements",
    "assessment/results",
];

/// The schools that a token reaches.
const SIGNS: &[Sign] = &[Sign {
    scalars: &["meta.pagination.per_page"],
    list: Some(("data", &["id", "name"])),
    offers: Some(("school", "id", "name")),
    ..Sign::at("Wonde", "schools/")
}];

const KINDS: &[Kind] = &[
    Kind { records: "students", template: "wonde-students" },
    Kind { records: "classes", template: "wonde-groups" },
    Kind { records: "classes", template: "wonde-staff" },
    Kind { records: "attendance/session", template: "wonde-sessions" },
    Kind { records: "attendance/lesson", template: "wonde-lessons" },
    Kind { records: "behaviours", template: "wonde-behaviours" },
    Kind { records: "achievements", template: "wonde-achievements" },
    Kind { records: "assessment/results", template: "wonde-results" },
];

/// Reads Wonde.
pub struct Wonde;

impl Api for Wonde {
    fn name(&self) -> &'static str {
        "wonde"
    }

    fn about(&self) -> &'static str {
        "Wonde REST v1.0; option `school` is the school's id at Wonde"
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Bearer
    }

    fn can_be_live(&self) -> bool {
        false
    }

    fn records(&self) -> &'static [&'static str] {
        RECORDS
    }

    fn hosts(&self) -> &'static [&'static str] {
        &["wonde.com"]
    }

    fn signs(&self) -> &'static [Sign] {
        SIGNS
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn begin(&self, ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault> {
        talk(ask, true)
    }
}

/// Begins a conversation that gives our own marks too, for looking where they stand. Everybody else gets the school's alone: what
/// came from a partner must not go out again as the home's own.
///
/// # Errors
/// As [`Api::begin`].
pub fn with_ours(ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault> {
    talk(ask, false)
}

fn talk(ask: &Ask<'_>, without_ours: bool) -> Result<Box<dyn Conversation>, ApiFault> {
    let school = ask.option("school")?.to_owned();
    if !school.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(ApiFault::new("API-OPTION", "the option `school` must be an id such as A1930499544"));
    }
    let list = LISTS.iter().find(|list| list.records == ask.records).ok_or_else(|| {
        ApiFault::new("API-RECORDS", format!("`records` must be one of {}", RECORDS.join(", ")))
    })?;
    let mut usual = vec![("include", list.include), ("per_page", PER_PAGE)];
    if let Some(since) = ask.since {
        usual.push(("updated_after", since));
    }
    let link = (Paging::Link("meta.pagination.next"), 0);
    let rows = Pages::new(
        format!("schools/{school}/{}/", list.records),
        ask.parameters(&usual),
        Some("data"),
        "id",
        link,
    );
    let deletions = ask.since.map(|since| {
        let query = [("updated_after", since), ("per_page", PER_PAGE)];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Pages::new(format!("schools/{school}/deletions/"), query, Some("data"), "", link)
    });
    Ok(Box::new(Talk {
        step: Step::School,
        asked: false,
        host: ask.host.to_owned(),
        kind: list.kind,
        without_ours,
        next: next(ask.now),
        school,
        rows,
        deletions,
    }))
}

/// Where the next conversation begins, as Wonde writes moments.
fn next(now: commonroll_core::Timestamp) -> Option<String> {
    let now = Timestamp::from_microsecond(now.micros()).ok()?;
    Some(now.checked_sub(OVERLAP).ok()?.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    School,
    Rows,
    Deletions,
    Done,
}

struct Talk {
    step: Step,
    asked: bool,
    school: String,
    host: String,
    kind: &'static str,
    without_ours: bool,
    next: Option<String>,
    rows: Pages,
    deletions: Option<Pages>,
}

impl Conversation for Talk {
    fn next(&mut self) -> Option<Request> {
        match self.step {
            Step::School if !self.asked => {
                self.asked = true;
                Some(Request::get(format!("schools/{}/", self.school), Vec::new()))
            }
            Step::School | Step::Done => None,
            Step::Rows => self.rows.next(),
            Step::Deletions => self.deletions.as_mut().and_then(Pages::next),
        }
    }

    fn answer(&mut self, answer: &Answer<'_>, out: &mut dyn Rows) -> Result<(), ApiFault> {
        match self.step {
            Step::School => {
                self.is_our_school(answer.body)?;
                self.step = Step::Rows;
            }
            Step::Rows => {
                let mut theirs = Theirs { out };
                let out: &mut dyn Rows = if self.without_ours { &mut theirs } else { theirs.out };
                if self.rows.answer(answer, out)? == Page::Last {
                    self.step = if self.deletions.is_some() { Step::Deletions } else { Step::Done };
                }
            }
            Step::Deletions => {
                let mut gone = Gone { kind: self.kind, out };
                if let Some(pages) = &mut self.deletions
                    && pages.answer(answer, &mut gone)? == Page::Last
                {
                    self.step = Step::Done;
                }
            }
            Step::Done => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Finish, ApiFault> {
        Ok(Finish::Rows { next: self.next.clone() })
    }
}

impl Talk {
    fn is_our_school(&self, body: &str) -> Result<(), ApiFault> {
        if scalar(body, "data.id").is_none_or(|id| id != self.school) {
            let fix = "Wonde has no data of this school here, which it says without an error under the wrong regional \
                       domain, before the school approved the access, and for a wrong id: compare the connection's \
                       address with the domain that Wonde's dashboard shows, and the option `school`";
            return Err(ApiFault::new("WONDE-SCHOOL", fix));
        }
        match scalar(body, "data.region.domain") {
            Some(domain) if domain != self.host && is_wonde(&domain) && is_wonde(&self.host) => {
                let fix = format!(
                    "the school's data is at {domain}; change the connection's address to https://{domain}/v1.0"
                );
                Err(ApiFault::new("WONDE-DOMAIN", fix))
            }
            _ => Ok(()),
        }
    }
}

fn is_wonde(host: &str) -> bool {
    host.ends_with(".wonde.com")
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// Session marks but for those that we wrote and nobody has changed since.
struct Theirs<'a> {
    out: &'a mut dyn Rows,
}

impl Rows for Theirs<'_> {
    fn row(&mut self, id: &str, json: &str) -> Result<(), ApiFault> {
        if write::is_ours(json) {
            // Something else may have stood there when it was read before.
            self.out.gone(id);
            return Ok(());
        }
        self.out.row(id, json)
    }

    fn gone(&mut self, id: &str) {
        self.out.gone(id);
    }
}

/// Deletions of all sorts, of which only ours count.
struct Gone<'a> {
    kind: &'static str,
    out: &'a mut dyn Rows,
}

impl Rows for Gone<'_> {
    fn row(&mut self, _: &str, json: &str) -> Result<(), ApiFault> {
        let restored = scalar(json, "restored_at.date").or_else(|| scalar(json, "restored_at"));
        let is_ours = scalar(json, "type").is_none_or(|kind| kind.starts_with(self.kind));
        if let (None, true, Some(id)) = (restored, is_ours, scalar(json, "id")) {
            self.out.gone(&id);
        }
        Ok(())
    }

    fn gone(&mut self, _: &str) {}
}
