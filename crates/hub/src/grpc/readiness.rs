//! The readiness service: how tight a partner's data is, what stands in its way, where partners differ, how data is mapped, what
//! agents tell of their sources, and what the hub holds of a day.

use super::{alignment, person, speaker, unmatched};
use crate::{clock::Surroundings, limits::Pace, status};
use bytes::Bytes;
use commonroll_core::{Invalid, RecordKind, Role, SchoolDate, Slug, Timestamp};
use commonroll_exchange::{
    Acting, DayError, DayHeld, Exchange, HeldSeen, PartnerReadiness, PersonSpeaker, ProblemSeen,
    ReadinessSeen, Speaker, TellError, UnmatchedPart,
};
use commonroll_views::readiness::{Fix, GOAL, NOT_MEASURED, Part};
use commonroll_wire::{
    Held, day_root,
    pb::readiness::v1::{
        self as pb, AlignmentRequest, AlignmentResponse, DayRequest, DayResponse, HeldKind, HeldRecord,
        MappingRequest, MappingResponse, Partner, Problem, ProblemsRequest, ProblemsResponse,
        ReadinessRequest, ReadinessResponse, TellSourcesRequest, TellSourcesResponse, UnmatchedRequest,
        UnmatchedResponse, readiness_service_server::ReadinessService,
    },
    read_source,
};
use std::{sync::Arc, time::Duration};
use tonic::{Request, Response, Status};

/// Records in one message of a day.
const RECORDS: usize = 2_000;
/// After which time an agent asks again whose day is being read already.
const BUSY: Duration = Duration::from_secs(2);
/// After which time an agent tells again of its sources.
const AGAIN: Duration = Duration::from_secs(60);

/// The service.
#[derive(Clone)]
pub(crate) struct ReadinessDoor {
    pub exchange: Exchange,
    pub around: Surroundings,
    /// How fast each person asks, on pages and here.
    pub pace: Arc<Pace>,
}

/// Who asks: an agent, for its own institution, or a person in a role, perhaps about one partner.
enum Asker {
    Agent(Speaker),
    Person(PersonSpeaker, Role, Option<Slug>),
}

fn asker<T>(request: &Request<T>, role: &str, of: &str) -> Result<Asker, Status> {
    if let Ok(agent) = speaker(request) {
        return Ok(Asker::Agent(agent));
    }
    let caller = person(request)?;
    let read = || {
        let of = (!of.is_empty()).then(|| of.parse::<Slug>()).transpose()?;
        Ok((role.parse::<Role>()?, of))
    };
    let (role, of) = read().map_err(|e: Invalid| status::invalid(&e))?;
    Ok(Asker::Person(caller, role, of))
}

#[tonic::async_trait]
impl ReadinessService for ReadinessDoor {
    type DayStream = tokio_stream::Iter<Pieces>;

    async fn readiness(
        &self,
        request: Request<ReadinessRequest>,
    ) -> Result<Response<ReadinessResponse>, Status> {
        let (asked, now) = (request.get_ref(), self.around.now());
        let seen = match asker(&request, &asked.role, &asked.institution)? {
            Asker::Agent(agent) => self.exchange.own_readiness(&agent, now),
            Asker::Person(speaker, role, of) => {
                self.exchange.readiness(Acting { speaker: &speaker, role }, of.as_ref(), now).await
            }
        };
        let seen = seen.map_err(|error| status::of_read(&error))?;
        Ok(Response::new(write(&seen)))
    }

    async fn problems(
        &self,
        request: Request<ProblemsRequest>,
    ) -> Result<Response<ProblemsResponse>, Status> {
        let (asked, now) = (request.get_ref(), self.around.now());
        let seen = match asker(&request, &asked.role, &asked.institution)? {
            Asker::Agent(agent) => self.exchange.own_problems(&agent, now),
            Asker::Person(speaker, role, of) => {
                self.exchange.problems(Acting { speaker: &speaker, role }, of.as_ref(), now).await
            }
        };
        let seen = seen.map_err(|error| status::of_read(&error))?;
        Ok(Response::new(ProblemsResponse { problems: seen.problems.iter().map(problem).collect() }))
    }

    async fn alignment(
        &self,
        request: Request<AlignmentRequest>,
    ) -> Result<Response<AlignmentResponse>, Status> {
        let (speaker, asked) = (person(&request)?, request.get_ref());
        let role = asked.role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let seen = self.exchange.alignment(Acting { speaker: &speaker, role }, self.around.now()).await;
        let seen = seen.map_err(|error| status::of_read(&error))?;
        Ok(Response::new(alignment::alignment(&seen)))
    }

    async fn mapping(&self, request: Request<MappingRequest>) -> Result<Response<MappingResponse>, Status> {
        let (speaker, asked) = (person(&request)?, request.get_ref());
        let of = (!asked.institution.is_empty()).then(|| asked.institution.parse::<Slug>()).transpose();
        let of = of.map_err(|e| status::invalid(&e))?;
        let role = asked.role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let acting = Acting { speaker: &speaker, role };
        let seen = self.exchange.mapping(acting, of.as_ref(), self.around.now()).await;
        let seen = seen.map_err(|error| status::of_read(&error))?;
        Ok(Response::new(alignment::mapping(&seen)))
    }

    async fn unmatched(
        &self,
        request: Request<UnmatchedRequest>,
    ) -> Result<Response<UnmatchedResponse>, Status> {
        let (speaker, asked) = (person(&request)?, request.get_ref());
        let role = asked.role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let paced = self.pace.person(speaker.id());
        paced.map_err(|wait| {
            status::too_much("more a second than a person may ask for; wait and ask again", wait)
        })?;
        let acting = Acting { speaker: &speaker, role };
        let seen = self.exchange.unmatched(acting, (None, &UnmatchedPart::FIRST), self.around.now()).await;
        let seen = seen.map_err(|error| status::of_ask(&error))?;
        Ok(Response::new(unmatched::unmatched(&seen)))
    }

    async fn tell_sources(
        &self,
        request: Request<TellSourcesRequest>,
    ) -> Result<Response<TellSourcesResponse>, Status> {
        let (agent, asked) = (speaker(&request)?, request.get_ref());
        let told: Result<Vec<_>, Invalid> = asked.sources.iter().map(read_source).collect();
        let told = told.map_err(|broken| status::invalid(&broken))?;
        let done = self.exchange.tell_sources(&agent, told, self.around.now()).await;
        done.map(|()| Response::new(TellSourcesResponse {})).map_err(|error| match error {
            TellError::NotAllowed(who) => status::of_speaker(who),
            TellError::Invalid(broken) => status::invalid(&broken),
            TellError::TooSoon => status::too_much("sources were told of a moment ago", AGAIN),
            TellError::Unavailable => status::unavailable(),
        })
    }

    async fn day(&self, request: Request<DayRequest>) -> Result<Response<Self::DayStream>, Status> {
        let (agent, asked) = (speaker(&request)?, request.get_ref());
        let date = SchoolDate::parse("date", &asked.date).map_err(|e| status::invalid(&e))?;
        let held = self.exchange.held_day(&agent, date).await.map_err(|error| match error {
            DayError::NotAllowed(who) => status::of_speaker(who),
            DayError::Busy => status::too_much("a day of your institution is being read already", BUSY),
            DayError::TooMany => Status::resource_exhausted(error.to_string()),
            DayError::Unavailable => status::unavailable(),
            DayError::Damaged => Status::data_loss(error.to_string()),
        })?;
        let records = asked.records;
        let pieces = tokio::task::spawn_blocking(move || Pieces::new(held, records)).await;
        Ok(Response::new(tokio_stream::iter(pieces.map_err(|_| status::unavailable())?)))
    }
}

/// The messages of a day, each made when it is to leave: first the roots, then the records if they were asked for.
pub(crate) struct Pieces {
    roots: Option<Vec<HeldKind>>,
    /// What is still to be said; dropped with the last message, so that another day may be asked for.
    held: Option<(DayHeld, usize)>,
}

impl Pieces {
    fn new(held: DayHeld, records: bool) -> Self {
        let roots = Some(kinds(&held.records));
        Self { roots, held: (records && !held.records.is_empty()).then_some((held, 0)) }
    }
}

impl Iterator for Pieces {
    type Item = Result<DayResponse, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(kinds) = self.roots.take() {
            return Some(Ok(DayResponse { kinds, records: Vec::new() }));
        }
        let (held, from) = self.held.as_mut()?;
        let left = held.records.get(*from..)?;
        let records: Vec<HeldRecord> = left.iter().take(RECORDS).map(record).collect();
        *from += records.len();
        if *from >= held.records.len() {
            self.held = None;
        }
        Some(Ok(DayResponse { kinds: Vec::new(), records }))
    }
}

fn kinds(held: &[HeldSeen]) -> Vec<HeldKind> {
    let kind = |kind: RecordKind| {
        let of = held.iter().filter(|one| one.kind == kind);
        let all: Vec<Held> =
            of.map(|one| Held { id: one.id, revision: one.revision, withdrawn: one.withdrawn }).collect();
        HeldKind {
            kind: kind.as_str().to_owned(),
            records: all.len() as u64,
            withdrawn: all.iter().filter(|one| one.withdrawn).count() as u64,
            root: Bytes::copy_from_slice(&day_root(&all)),
        }
    };
    RecordKind::ALL.into_iter().map(kind).collect()
}

fn record(held: &HeldSeen) -> HeldRecord {
    HeldRecord {
        record_id: Bytes::copy_from_slice(&held.id.0),
        revision: held.revision,
        withdrawn: held.withdrawn,
        kind: held.kind.as_str().to_owned(),
        sequence: held.sequence,
        accepted_at_us: held.accepted.micros(),
    }
}

fn write(seen: &ReadinessSeen) -> ReadinessResponse {
    ReadinessResponse {
        partners: seen.partners.iter().map(partner).collect(),
        goal: GOAL,
        as_of_us: seen.as_of.map_or(0, Timestamp::micros),
        complete: seen.complete,
        not_measured: NOT_MEASURED.to_owned(),
    }
}

fn partner(partner: &PartnerReadiness) -> Partner {
    let report = &partner.report;
    Partner {
        institution: partner.slug.to_string(),
        name: partner.name.clone(),
        first_date: report.between.0.to_string(),
        last_date: report.between.1.to_string(),
        measured: report.score.is_some(),
        score: report.score.unwrap_or(0),
        parts: report.parts.iter().map(part).collect(),
        fixes: report.fixes.iter().map(fix).collect(),
        rounded: report.rounded,
        newest_record_us: report.newest.map_or(0, Timestamp::micros),
        heard_us: partner.heard.map_or(0, Timestamp::micros),
    }
}

fn part(part: &Part) -> pb::Part {
    let definition = part.what.definition();
    pb::Part {
        name: part.what.as_str().to_owned(),
        title: definition.name.to_owned(),
        means: definition.means.to_owned(),
        measured: part.points.is_some(),
        points: part.points.unwrap_or(0),
        weight: part.what.weight(),
        good: part.numbers.0,
        of: part.numbers.1,
        said: part.said.clone(),
    }
}

fn fix(fix: &Fix) -> pb::Fix {
    pb::Fix {
        part: fix.what.as_str().to_owned(),
        title: fix.title.clone(),
        text: fix.text.clone(),
        owner: fix.owner.to_owned(),
        by: fix.by.to_string(),
        adds: fix.adds,
    }
}

fn problem(problem: &ProblemSeen) -> Problem {
    Problem {
        institution: problem.slug.to_string(),
        rule: problem.rule.clone(),
        title: problem.title.to_owned(),
        count: problem.count,
        oldest: problem.oldest.map_or_else(String::new, |date| date.to_string()),
        to_do: problem.to_do.to_owned(),
        owner: problem.owner.to_owned(),
        refused: problem.refused,
        rounded: problem.rounded,
        kept_back: problem.kept_back,
    }
}
