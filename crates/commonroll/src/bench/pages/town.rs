//! The consortium whose pages are measured: homes that teach each other's learners in groups of 25, with a few weeks of records
//! behind them and a day under way.

use super::super::rig::slug_of;
use crate::{commands::told, demo::people::person};
use commonroll_core::{
    Body, Head, Interval, LocalId, Record, RecordKind, Revision, Role, SchoolDate, Slug, Timestamp,
    directory::{
        DayDeclaration, Declaration, GroupDeclaration, LearnerDeclaration, LessonDeclaration, Registration,
        StaffDeclaration,
    },
    record::{
        Assessment, Text,
        assessment::{GradeKind, GradeValue, ResultGiven},
        attendance::{Attendance, Physical, Presence, SourceCode},
        behaviour::{Behaviour, Category, Event, Polarity},
    },
};
use commonroll_exchange::{ConsortiumFile, Exchange, PlacementText};
use commonroll_wire::record_id;
use jiff::{civil::Time, tz::TimeZone};

/// Partners.
pub const PARTNERS: u16 = 8;
/// Learners of a group.
const GROUP: u64 = 25;
const HOUR_US: i64 = 3_600_000_000;
const MINUTE_US: i64 = 60_000_000;

/// What there is, and what today is.
#[derive(Clone, Copy)]
pub struct Town {
    /// Learners that one partner hosts.
    pub hosted: u64,
    /// Records of one partner before today.
    pub history: u64,
    today: SchoolDate,
    /// Start of today's first lesson; it is over.
    first: Timestamp,
}

impl Town {
    /// A town of so many learners, at a moment of its day.
    pub fn new(learners: u64, records: u64, now: Timestamp) -> Result<Self, String> {
        let hosted = learners / u64::from(PARTNERS);
        if hosted < GROUP {
            return Err("--pages: at least 200 learners".to_owned());
        }
        // Today's marks are records too.
        let history = (records / u64::from(PARTNERS)).saturating_sub(2 * hosted);
        let today = now.date_in(&TimeZone::UTC);
        let first = now.plus_micros(-2 * HOUR_US).max(today.start(&TimeZone::UTC));
        Ok(Self { hosted, history, today, first })
    }

    fn groups(&self) -> u64 {
        self.hosted.div_ceil(GROUP)
    }

    /// Lesson 0 is over, lesson 1 runs, lesson 2 lies ahead.
    fn lesson(&self, number: i64) -> Result<Interval, String> {
        let start = self.first.plus_micros(number * 80 * MINUTE_US);
        Interval::new(start, start.plus_micros(70 * MINUTE_US)).map_err(told)
    }

    /// Institutions, one agreement under which cards and all kinds are shared, and each host's groups.
    pub fn files(&self) -> Result<Vec<ConsortiumFile>, String> {
        let slugs = (0..PARTNERS).map(slug_of).collect::<Result<Vec<_>, _>>()?;
        let mut text: String = slugs
            .iter()
            .map(|slug| {
                format!(
                    "[[institution]]\nslug = \"{slug}\"\nname = \"The {slug} school\"\ntype = \"school\"\ntime_zone = \"UTC\"\nphone = \"01632 960 210\"\n"
                )
            })
            .collect();
        let parties: Vec<String> = slugs.iter().map(|slug| format!("\"{slug}\"")).collect();
        text += &format!(
            "[[agreement]]\nid = \"all\"\nversion = 1\nparties = [{}]\npurpose = \"measuring\"\nfirst_date = \"2020-01-01\"\nlast_date = \"2099-12-31\"\n\
             card = [\"identity\", \"emergency_contact\", \"needs\", \"presence_today\"]\n\
             [agreement.kinds]\nattendance = [\"presence\", \"source_code\"]\nassessment = [\"result\"]\n\
             behaviour = [\"event\", \"involvement\", \"share_safe_text\"]\n",
            parties.join(", ")
        );
        let mut files = vec![ConsortiumFile::parse(&text).map_err(told)?.signed_by(&[1; 32])];
        for host in 0..PARTNERS {
            let placement = |group: u64| {
                let learners = (group * GROUP)..((group + 1) * GROUP).min(self.hosted);
                Ok(PlacementText {
                    home: slug_of((host + 1) % PARTNERS)?,
                    host: slug_of(host)?,
                    group: format!("G-{group}"),
                    first_date: "2020-01-01".to_owned(),
                    last_date: "2099-12-31".to_owned(),
                    learners: learners.map(|n| [format!("h-{n}"), format!("n-{n}")]).collect(),
                })
            };
            let placements = (0..self.groups()).map(placement).collect::<Result<_, String>>()?;
            files.push(ConsortiumFile { placements, ..ConsortiumFile::default() });
        }
        Ok(files)
    }

    /// Names, groups and who teaches them, as each partner declares them about itself.
    pub fn names(&self) -> Result<Vec<Declaration>, String> {
        let named = |local: String, registration, n: u64| -> Result<Declaration, String> {
            Ok(Declaration::Learner(LearnerDeclaration {
                local_id: id(&local)?,
                registration,
                upn: String::new(),
                uln: String::new(),
                uci: String::new(),
                former_upns: Vec::new(),
                birth_date: None,
                surname: text(&format!("Tarrant{}", n % 97))?,
                forename: text(&format!("Number{n}"))?,
                known_as: text("")?,
            }))
        };
        let mut all = Vec::new();
        for n in 0..self.hosted {
            all.push(named(format!("h-{n}"), Registration::Home, n)?);
            all.push(named(format!("n-{n}"), Registration::Guest, n)?);
        }
        for group in 0..self.groups() {
            all.push(Declaration::Group(GroupDeclaration {
                local_id: id(&format!("G-{group}"))?,
                course_title: text(&format!("Engineering {group}"))?,
                subject: text("Engineering")?,
            }));
        }
        let groups =
            (0..self.groups().min(6)).map(|group| id(&format!("G-{group}"))).collect::<Result<_, _>>()?;
        all.push(Declaration::Staff(StaffDeclaration {
            local_id: id("T-1")?,
            roles: vec![Role::Teacher],
            groups,
        }));
        Ok(all)
    }

    /// Today's lessons of every group.
    pub fn day(&self) -> Result<Declaration, String> {
        let mut lessons = Vec::new();
        for (group, lesson) in (0..self.groups()).flat_map(|group| (0..3).map(move |lesson| (group, lesson)))
        {
            lessons.push(LessonDeclaration {
                local_id: id(&format!("G-{group}-{lesson}"))?,
                group: id(&format!("G-{group}"))?,
                time: self.lesson(lesson)?,
                room: text("B12")?,
                cancelled: false,
            });
        }
        DayDeclaration::new(self.today, false, None, lessons).map(Declaration::Day).map_err(told)
    }

    /// Record `n` of a partner's history: each learner has one on each day, of all three kinds.
    pub fn past(&self, source: &Slug, n: u64) -> Result<Record, String> {
        let (learner, back) = (n % self.hosted, n / self.hosted);
        let date = SchoolDate::from_days(self.today.days() - 1 - i32::try_from(back).map_err(told)?);
        let date = date.ok_or("the bench ran out of days")?;
        let start = date.at(Time::constant(9, 0, 0, 0), &TimeZone::UTC);
        let time = Interval::new(start, start.plus_micros(HOUR_US)).map_err(told)?;
        let body = match back % 10 {
            8 => Body::Behaviour(Behaviour {
                event: Some(Event {
                    polarity: Polarity::Positive,
                    category: Category::Achievement,
                    severity: None,
                    source_label: text("Helped others")?,
                    happened_at: Some(start),
                    location: text("")?,
                    event_id: None,
                }),
                share_safe_text: Some(text("Helped a newcomer to settle in.")?),
                ..Behaviour::default()
            }),
            9 => Body::Assessment(Assessment {
                result: Some(ResultGiven {
                    kind: GradeKind::WorkingAt,
                    scale_id: "gce-a-level".to_owned(),
                    scale_version: "1".to_owned(),
                    value: GradeValue::Given("B".to_owned()),
                    subject: text("Engineering")?,
                    title: text("Autumn")?,
                    result_set: text("Autumn")?,
                    points: None,
                }),
                comment: None,
            }),
            _ => presence(if n.is_multiple_of(11) { Physical::Late } else { Physical::Present }, time)?,
        };
        self.record(source, learner, (date, start), &back.to_string(), (Revision::FIRST, body))
    }

    /// The mark of a learner in one of today's lessons, at some revision.
    pub fn mark(
        &self,
        source: &Slug,
        (learner, lesson): (u64, i64),
        revision: Revision,
        physical: Physical,
    ) -> Result<Record, String> {
        let time = self.lesson(lesson)?;
        let body = presence(physical, time)?;
        self.record(source, learner, (self.today, time.start()), &format!("today{lesson}"), (revision, body))
    }

    fn record(
        &self,
        source: &Slug,
        learner: u64,
        (date, at): (SchoolDate, Timestamp),
        key: &str,
        (revision, body): (Revision, Body),
    ) -> Result<Record, String> {
        let kind = match &body {
            Body::Assessment(_) => RecordKind::Assessment,
            Body::Behaviour(_) => RecordKind::Behaviour,
            _ => RecordKind::Attendance,
        };
        Ok(Record {
            head: Head {
                id: record_id(source, kind, date, &format!("{learner}|{key}")),
                revision,
                source: source.clone(),
                learner: id(&format!("n-{learner}"))?,
                group: Some(id(&format!("G-{}", learner / GROUP))?),
                date,
                recorded_at: at,
                confidential: false,
            },
            body,
        })
    }
}

fn presence(physical: Physical, time: Interval) -> Result<Body, String> {
    let late = physical == Physical::Late;
    let code = match physical {
        Physical::Late => "L",
        Physical::Absent => "N",
        _ => "/",
    };
    Ok(Body::Attendance(Attendance {
        presence: Some(Presence {
            physical,
            interval: Some(time),
            minutes_late: late.then_some(7),
            minutes_left_early: None,
        }),
        source_code: Some(SourceCode::new(code, "ENG-2024").map_err(told)?),
        note: None,
        register: None,
    }))
}

fn id(text: &str) -> Result<LocalId, String> {
    LocalId::parse("id", text).map_err(told)
}

fn text(text: &str) -> Result<Text, String> {
    Text::parse("text", text, 500).map_err(told)
}

/// Enrols an officer at every partner and one of each other kind of user at the first; gives the list of the demo sign-in.
pub async fn people(exchange: &Exchange) -> Result<(String, Vec<Role>), String> {
    let mut list = String::new();
    let mut roles = Vec::new();
    for partner in 0..PARTNERS {
        let slug = slug_of(partner)?;
        let manager = person(exchange, &slug, ("Data Manager", Role::DataManager), None, None).await?;
        let lead = person(exchange, &slug, ("Lead", Role::ConsortiumLead), None, None).await?;
        let mut enrolled = vec![(manager, Role::DataManager), (lead, Role::ConsortiumLead)];
        for (role, staff) in
            [(Role::AttendanceOfficer, None), (Role::HeadOfSixth, None), (Role::Teacher, Some("T-1"))]
        {
            enrolled.push((person(exchange, &slug, ("Somebody", role), staff, Some(manager)).await?, role));
        }
        for (id, role) in enrolled {
            if partner == 0 || role == Role::AttendanceOfficer {
                roles.push(role);
                list += &format!(
                    "[[person]]\nid = \"{id}\"\nrole = \"{role}\"\nlabel = \"{role}\"\nblurb = \"{slug}\"\n\n"
                );
            }
        }
    }
    Ok((list, roles))
}
