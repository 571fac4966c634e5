//! Ed-Fi over REST: a resource in pages by offset, later only what changed between two change versions, and what was deleted.
//!
//! The newest change version is asked for first, and all that follows is asked up to it, so that nothing which changes while we
//! read is missed the next time. What a learner did in an incident has no date of its own: the incident's is laid beside it.

use crate::api::{
    Answer, Api, ApiFault, Ask, Conversation, Finish, Page, Pages, Paging, Request, Rows, SignIn, scalar,
    signs::{Kind, Sign},
};
use std::collections::HashMap;

const LIMIT: u64 = 500;
/// Incidents that are remembered.
const INCIDENTS_MAX: usize = 500_000;

const RECORDS: &[&str] = &[
    "students",
    "studentSchoolAttendanceEvents",
    "studentSectionAttendanceEvents",
    "disciplineIncidents",
    "studentDisciplineIncidentBehaviorAssociations",
    "studentAssessments",
    "grades",
];

/// What an ODS tells anybody of itself.
const SIGNS: &[Sign] = &[Sign {
    is_public: true,
    scalars: &["version", "urls.dataManagementApi", "urls.oauth"],
    token_at: Some("urls.oauth"),
    ..Sign::at("an Ed-Fi ODS/API", "")
}];

const KINDS: &[Kind] = &[
    Kind { records: "students", template: "edfi-students" },
    Kind { records: "studentSchoolAttendanceEvents", template: "edfi-attendance" },
    Kind { records: "studentSectionAttendanceEvents", template: "edfi-lessons" },
    Kind { records: "studentDisciplineIncidentBehaviorAssociations", template: "edfi-discipline" },
    Kind { records: "studentAssessments", template: "edfi-assessments" },
];

/// Reads an Ed-Fi ODS.
pub struct Rest;

impl Api for Rest {
    fn name(&self) -> &'static str {
        "edfi"
    }

    fn about(&self) -> &'static str {
        "Ed-Fi ODS/API over REST; the address ends before `/data/v3`; option `changes` = `no` for a server without change queries"
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Oauth2
    }

    fn token_path(&self) -> Option<&'static str> {
        Some("oauth/token")
    }

    fn records(&self) -> &'static [&'static str] {
        RECORDS
    }

    fn signs(&self) -> &'static [Sign] {
        SIGNS
    }

    fn kinds(&self) -> &'static [Kind] {
        KINDS
    }

    fn begin(&self, ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault> {
        let changes = ask.options.get("changes").is_none_or(|told| told != "no");
        let joins = ask.records == "studentDisciplineIncidentBehaviorAssociations";
        let since = ask.since.filter(|_| changes && !joins).map(str::to_owned);
        Ok(Box::new(Talk {
            resource: ask.records.to_owned(),
            query: ask.parameters(&[]),
            since,
            newest: None,
            incidents: HashMap::new(),
            joins,
            step: if changes { Step::Version } else { first(joins) },
            asked: false,
            pages: None,
        }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Version,
    Incidents,
    Rows,
    Deletes,
    Done,
}

fn first(joins: bool) -> Step {
    if joins { Step::Incidents } else { Step::Rows }
}

struct Talk {
    resource: String,
    query: Vec<(String, String)>,
    since: Option<String>,
    newest: Option<String>,
    incidents: HashMap<String, String>,
    joins: bool,
    step: Step,
    asked: bool,
    pages: Option<Pages>,
}

impl Talk {
    fn list(&self, path: &str, id: &str) -> Pages {
        let mut query = self.query.clone();
        if let (Some(since), Some(newest)) = (&self.since, &self.newest) {
            query.push(("minChangeVersion".to_owned(), since.clone()));
            query.push(("maxChangeVersion".to_owned(), newest.clone()));
        }
        Pages::new(format!("data/v3/ed-fi/{path}"), query, None, id, (Paging::Offset, LIMIT))
    }

    fn go(&mut self, step: Step) {
        self.step = step;
        self.pages = match step {
            Step::Incidents => Some(self.list("disciplineIncidents", "id")),
            Step::Rows => Some(self.list(&self.resource, "id")),
            Step::Deletes => Some(self.list(&format!("{}/deletes", self.resource), "id")),
            Step::Version | Step::Done => None,
        };
    }
}

impl Conversation for Talk {
    fn next(&mut self) -> Option<Request> {
        if !self.asked {
            self.asked = true;
            match self.step {
                Step::Version => {
                    let mut request = Request::get("changeQueries/v1/availableChangeVersions", Vec::new());
                    request.may_be_missing = true;
                    return Some(request);
                }
                step => self.go(step),
            }
        }
        self.pages.as_mut().and_then(Pages::next)
    }

    fn answer(&mut self, answer: &Answer<'_>, out: &mut dyn Rows) -> Result<(), ApiFault> {
        if self.step == Step::Version {
            self.newest = scalar(answer.body, "newestChangeVersion")
                .or_else(|| scalar(answer.body, "NewestChangeVersion"))
                .filter(|version| answer.status != 404 && version.parse::<u64>().is_ok());
            if self.newest.is_none() && self.since.is_some() {
                let fix = "the server has no change versions any more; everything is read again";
                return Err(ApiFault { again: true, ..ApiFault::new("EDFI-CHANGES", fix) });
            }
            self.go(first(self.joins));
            return Ok(());
        }
        let Some(pages) = &mut self.pages else { return Ok(()) };
        let last = match self.step {
            Step::Incidents => pages.answer(answer, &mut Incidents(&mut self.incidents))?,
            Step::Deletes => pages.answer(answer, &mut Gone(out))?,
            _ if self.joins => pages.answer(answer, &mut Joined { incidents: &self.incidents, out })?,
            _ => pages.answer(answer, out)?,
        } == Page::Last;
        if last {
            let next = match self.step {
                Step::Incidents => Step::Rows,
                Step::Rows if self.since.is_some() => Step::Deletes,
                _ => Step::Done,
            };
            self.go(next);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Finish, ApiFault> {
        let next = self.newest.take().filter(|_| !self.joins).and_then(|newest| newest.parse::<u64>().ok());
        Ok(Finish::Rows { next: next.map(|newest| (newest + 1).to_string()) })
    }
}

/// Incidents by their number.
struct Incidents<'a>(&'a mut HashMap<String, String>);

impl Rows for Incidents<'_> {
    fn row(&mut self, _: &str, json: &str) -> Result<(), ApiFault> {
        let field = |name: &str| scalar(json, name).unwrap_or_default();
        let incident =
            serde_json::json!({"incidentDate": field("incidentDate"), "incidentTime": field("incidentTime")});
        if self.0.len() >= INCIDENTS_MAX {
            return Err(ApiFault::new("EDFI-INCIDENTS", "there are more incidents than any school has"));
        }
        self.0.insert(key(json, "incidentIdentifier", "schoolReference.schoolId"), incident.to_string());
        Ok(())
    }

    fn gone(&mut self, _: &str) {}
}

/// An incident's number is one of its school.
fn key(json: &str, id: &str, school: &str) -> String {
    format!("{}\u{1f}{}", scalar(json, school).unwrap_or_default(), scalar(json, id).unwrap_or_default())
}

/// What stands beside a row whose incident is not there: without a date it becomes a problem, and its neighbours are read.
const NO_INCIDENT: &str = r#"{"incidentDate":"","incidentTime":""}"#;

/// Rows with their incident beside.
struct Joined<'a> {
    incidents: &'a HashMap<String, String>,
    out: &'a mut dyn Rows,
}

impl Rows for Joined<'_> {
    fn row(&mut self, id: &str, json: &str) -> Result<(), ApiFault> {
        let of = "disciplineIncidentReference";
        let key = key(json, &format!("{of}.incidentIdentifier"), &format!("{of}.schoolId"));
        let incident = self.incidents.get(&key).map_or(NO_INCIDENT, String::as_str);
        match json.strip_suffix('}') {
            Some(open) => self.out.row(id, &format!("{open},\"incident\":{incident}}}")),
            None => Err(ApiFault::new(
                "API-ENVELOPE",
                "a row of the answer is no object; ask the vendor what changed",
            )),
        }
    }

    fn gone(&mut self, _: &str) {}
}

/// Deletions.
struct Gone<'a>(&'a mut dyn Rows);

impl Rows for Gone<'_> {
    fn row(&mut self, id: &str, _: &str) -> Result<(), ApiFault> {
        self.0.gone(id);
        Ok(())
    }

    fn gone(&mut self, _: &str) {}
}
