//! The consortium whose pages are measured: homes that teach each other's learners in groups of 25, with a few weeks of records
//! behind them and a day under way.

use super::super::rig::slug_of;
use crate::{commands::told, demo::people::person};
use commonroll_core::{
    Body, Head, Interval, LocalId, PersonId, Record, RecordKind, Revision, Role, SchoolDate, Slug, Timestamp,
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
use commonroll_exchange::{ConsortiumFile, Exchange, MadePerson, PlacementText};
use commonroll_wire::record_id;
use jiff::{civil::Time, tz::TimeZone};

/// Fewest partners, and most, as many as an agreement may have parties.
const PARTNERS: (u64, u64) = (8, 200);
/// Learners who visit a partner, about, if nothing else is said.
const VISITORS: u64 = 500;
/// People that the demo's list has room for.
const LISTED: usize = 24;
/// Seed of the made heads who sign.
const HEADS: [u8; 32] = [1; 32];
/// Learners of a group.
const GROUP: u64 = 25;
const HOUR_US: i64 = 3_600_000_000;
const MINUTE_US: i64 = 60_000_000;

/// What there is, and what today is.
#[derive(Clone, Copy)]
pub struct Town {
    /// Partners.
    pub partners: u16,
    /// Learners that one partner hosts.
    pub hosted: u64,
    /// Records of one partner before today.
    pub history: u64,
    today: SchoolDate,
    /// Start of today's first lesson; it is over.
    first: Timestamp,
}

impl Town {
    /// Fewest learners, where nothing is said of partners.
    pub const FEWEST: u64 = PARTNERS.0 * GROUP;

    /// A town of so many learners, at a moment of its day.
    pub fn new(learners: u64, records: u64, partners: u16, now: Timestamp) -> Result<Self, String> {
        let partners = match u64::from(partners) {
            0 => (learners / VISITORS).clamp(PARTNERS.0, PARTNERS.1),
            said if said >= 2 && said <= PARTNERS.1 => said,
            _ => return Err(format!("partners of the bench: 2 to {}", PARTNERS.1)),
        };
        let hosted = learners / partners;
        if hosted < GROUP {
            return Err(format!("too few learners: {partners} partners need {} at least", GROUP * partners));
        }
        // Today's marks are records too.
        let history = (records / partners).saturating_sub(2 * hosted);
        let today = now.date_in(&TimeZone::UTC);
        let first = now.plus_micros(-2 * HOUR_US).max(today.start(&TimeZone::UTC));
        let partners = u16::try_from(partners).map_err(told)?;
        Ok(Self { partners, hosted, history, today, first })
    }

    /// Where a partner's own learners are taught.
    pub const fn host_of(&self, home: u16) -> u16 {
        (home + self.partners - 1) % self.partners
    }

    /// The learner of every partner who goes missing, by forename.
    pub fn missing(&self) -> String {
        format!("Number{}", self.hosted - 1)
    }

    /// The date of its day.
    pub const fn today(&self) -> SchoolDate {
        self.today
    }

    /// The group that a learner visits.
    pub fn group_of(&self, learner: u64) -> Result<LocalId, String> {
        id(&format!("G-{}", learner / GROUP))
    }

    fn groups(&self) -> u64 {
        self.hosted.div_ceil(GROUP)
    }

    /// Lesson 0 is over, lesson 1 runs, lesson 2 lies ahead.
    pub fn lesson(&self, number: i64) -> Result<Interval, String> {
        let start = self.first.plus_micros(number * 80 * MINUTE_US);
        Interval::new(start, start.plus_micros(70 * MINUTE_US)).map_err(told)
    }

    /// Institutions, one agreement under which cards and all kinds are shared, and each host's groups.
    pub fn files(&self) -> Result<Vec<ConsortiumFile>, String> {
        let slugs = (0..self.partners).map(slug_of).collect::<Result<Vec<_>, _>>()?;
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
        let mut files = vec![ConsortiumFile::parse(&text).map_err(told)?.signed_by(&HEADS)];
        for host in 0..self.partners {
            let placement = |group: u64| {
                let learners = (group * GROUP)..((group + 1) * GROUP).min(self.hosted);
                Ok(PlacementText {
                    home: slug_of((host + 1) % self.partners)?,
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
                group: Some(self.group_of(learner)?),
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

/// The people of the town, as the demo's sign-in lists them.
pub struct Cast {
    /// The list.
    pub list: String,
    /// One of each kind of user, at the first partner: their places in it.
    pub people: Vec<(Role, usize)>,
    /// Who opens boards, in turn: whose officer, and their place.
    pub officers: Vec<(u16, usize)>,
}

impl Cast {
    /// Enrols them. There are more boards than the demo's list has room for people: each is a session of its own, and several
    /// are one person's.
    pub async fn enrol(exchange: &Exchange, partners: u16, boards: usize) -> Result<Self, String> {
        let mut cast = Self { list: String::new(), people: Vec::new(), officers: Vec::new() };
        let mut place = 0;
        let mut managers = Vec::new();
        for partner in 0..partners {
            let slug = slug_of(partner)?;
            managers.push(person(exchange, &slug, ("Data Manager", Role::DataManager), None, None).await?);
        }
        let first = slug_of(0)?;
        let offices = [Role::Dpo, Role::ConsortiumLead];
        let staff =
            [Role::AttendanceOfficer, Role::HeadOfSixth, Role::Tutor, Role::Teacher, Role::Technician];
        // The head is the one who signed.
        let head = MadePerson::new(&HEADS, &first, Role::Head).id;
        let mut enrolled = vec![(managers[0], Role::DataManager), (head, Role::Head)];
        for role in offices {
            enrolled.push((person(exchange, &first, ("Somebody", role), None, None).await?, role));
        }
        for role in staff {
            let id = (role == Role::Teacher).then_some("T-1");
            enrolled.push((person(exchange, &first, ("Somebody", role), id, Some(managers[0])).await?, role));
        }
        for (id, role) in enrolled {
            cast.people.push((role, place));
            cast.put(&mut place, id, role, &first);
        }
        let officers = boards.min(LISTED - cast.people.len());
        for (partner, manager) in (0..partners).zip(&managers).cycle().take(officers) {
            let (slug, role) = (slug_of(partner)?, Role::AttendanceOfficer);
            let id = person(exchange, &slug, ("Somebody", role), None, Some(*manager)).await?;
            cast.officers.push((partner, place));
            cast.put(&mut place, id, role, &slug);
        }
        Ok(cast)
    }

    fn put(&mut self, place: &mut usize, id: PersonId, role: Role, slug: &Slug) {
        self.list += &format!(
            "[[person]]\nid = \"{id}\"\nrole = \"{role}\"\nlabel = \"{role}\"\nblurb = \"{slug}\"\n\n"
        );
        *place += 1;
    }
}
