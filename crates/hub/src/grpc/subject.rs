//! The subject service: one learner, read by a person who needs to. Read, call the exchange once, answer.

use super::{
    audit::write_saw,
    convert::{exactly, sealed},
    person,
};
use crate::{
    clock::{Surroundings, draw},
    status,
};
use bytes::Bytes;
use commonroll_core::{Invalid, LocalId, Purpose, RecordKind, Role, SchoolDate, Slug, Timestamp};
use commonroll_exchange::{
    Acting, CardSeen, EmergencySeen, Exchange, KindSaid, PresenceSeen, ReadAsk, RecordSeen,
};
use commonroll_wire::pb::{
    attendance::v1::Presence,
    subject::v1::{
        self as pb, EmergenciesRequest, EmergenciesResponse, ExportRequest, ExportResponse,
        OpenEmergencyRequest, OpenEmergencyResponse, ReadRequest, ReadResponse, ReviewEmergencyRequest,
        ReviewEmergencyResponse, subject_service_server::SubjectService,
    },
};
use prost::Message;
use std::{pin::Pin, time::Duration};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status};

/// Records in one message of an answer.
const RECORDS: usize = 200;
/// Parts of a card by number, as the schema names them.
const CARD: [(u32, &str); 4] =
    [(1, "identity"), (2, "emergency_contact"), (3, "needs"), (4, "presence_today")];

/// The service.
#[derive(Clone)]
pub(crate) struct Subjects {
    pub exchange: Exchange,
    pub around: Surroundings,
}

/// Pieces of an answer, each handed out only while the person may still act.
type Pieces<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Subjects {
    fn pieces<T: Send + 'static>(&self, to: commonroll_core::PersonId, pieces: Vec<T>) -> Pieces<T> {
        let exchange = self.exchange.clone();
        let still = move |piece| exchange.person(to).map(|_| piece).map_err(status::of_speaker);
        Box::pin(tokio_stream::iter(pieces).map(still))
    }
}

#[tonic::async_trait]
impl SubjectService for Subjects {
    type ReadStream = Pieces<ReadResponse>;
    type ExportStream = Pieces<ExportResponse>;

    async fn export(&self, request: Request<ExportRequest>) -> Result<Response<Self::ExportStream>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            Ok((asked.role.parse::<Role>()?, LocalId::parse("learner_local_id", &asked.learner_local_id)?))
        };
        let (role, learner) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let export = self.exchange.subject_export(acting, &learner, self.around.now()).await;
        let export = export.map_err(|error| status::of_read(&error))?;
        let declared = export.declared.into_iter();
        let others = export.others.into_iter();
        let mut pieces = vec![ExportResponse {
            institution_name: export.institution.0,
            time_zone: export.institution.1,
            declared: declared.map(|(what, value)| pb::Declared { what: what.to_owned(), value }).collect(),
            others: others
                .map(|(slug, name)| pb::OtherController { institution: slug.to_string(), name })
                .collect(),
            ..ExportResponse::default()
        }];
        pieces.extend(export.records.chunks(RECORDS).map(|some| ExportResponse {
            records: some.iter().map(write_record).collect(),
            ..ExportResponse::default()
        }));
        pieces.extend(export.disclosures.chunks(RECORDS).map(|some| ExportResponse {
            disclosures: some.iter().map(write_saw).collect(),
            ..ExportResponse::default()
        }));
        let proof = |(sequence, text): &(u64, String)| {
            let (sequence, text) = (*sequence, text.clone());
            pb::EntryProof { sequence, text }
        };
        pieces.extend(export.proofs.chunks(RECORDS).map(|some| ExportResponse {
            proofs: some.iter().map(proof).collect(),
            ..ExportResponse::default()
        }));
        Ok(Response::new(self.pieces(caller.id(), pieces)))
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<Self::ReadStream>, Status> {
        let caller = person(&request)?;
        let (role, ask) = read_ask(request.get_ref()).map_err(|e| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let reading = self.exchange.read(acting, &ask, self.around.now()).await;
        let reading = reading.map_err(|error| status::of_read(&error))?;
        let mut pieces = vec![ReadResponse {
            card: reading.card.map(write_card),
            records: Vec::new(),
            not_shown: reading.not_shown.iter().map(write_not_shown).collect(),
            policy: reading.policy,
            time_zone: reading.time_zone,
        }];
        pieces.extend(reading.records.chunks(RECORDS).map(|some| ReadResponse {
            records: some.iter().map(write_record).collect(),
            ..ReadResponse::default()
        }));
        Ok(Response::new(self.pieces(caller.id(), pieces)))
    }

    async fn open_emergency(
        &self,
        request: Request<OpenEmergencyRequest>,
    ) -> Result<Response<OpenEmergencyResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            Ok((asked.role.parse::<Role>()?, LocalId::parse("learner_local_id", &asked.learner_local_id)?))
        };
        let (role, learner) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let valid = Duration::from_secs(u64::from(asked.valid_seconds));
        let (id, now) = (draw::<16>(self.around.random.as_ref()), self.around.now());
        let acting = Acting { speaker: &caller, role };
        let opened = self.exchange.open_emergency(acting, (&learner, &asked.reason), valid, (id, now)).await;
        let opened = opened.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(OpenEmergencyResponse {
            emergency_id: Bytes::copy_from_slice(&opened.id),
            until_us: opened.until.micros(),
        }))
    }

    async fn emergencies(
        &self,
        request: Request<EmergenciesRequest>,
    ) -> Result<Response<EmergenciesResponse>, Status> {
        let caller = person(&request)?;
        let role = request.get_ref().role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let seen = self.exchange.emergencies(acting, self.around.now()).await;
        let seen = seen.map_err(|error| status::of_law(&error))?;
        let emergencies = seen.into_iter().map(write_emergency).collect();
        Ok(Response::new(EmergenciesResponse { emergencies }))
    }

    async fn review_emergency(
        &self,
        request: Request<ReviewEmergencyRequest>,
    ) -> Result<Response<ReviewEmergencyResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let id = exactly("emergency_id", &asked.emergency_id, "must have exactly 16 bytes")?;
            Ok((asked.role.parse::<Role>()?, id))
        };
        let (role, id) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let (acting, said) = (Acting { speaker: &caller, role }, (asked.justified, asked.remark.as_str()));
        let done = self.exchange.review_emergency(acting, id, said, self.around.now()).await;
        done.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(ReviewEmergencyResponse {}))
    }
}

fn read_ask(asked: &ReadRequest) -> Result<(Role, ReadAsk), Invalid> {
    let date = |field, text: &str| match text {
        "" => Ok(None),
        text => SchoolDate::parse(field, text).map(Some),
    };
    let rule = Invalid::new("kinds", "must be attendance, assessment or behaviour, each once at most");
    if asked.kinds.len() > RecordKind::ALL.len() {
        return Err(rule);
    }
    let kind = |word: &String| word.parse().map_err(|_| rule.clone());
    let ask = ReadAsk {
        learner: LocalId::parse("learner_local_id", &asked.learner_local_id)?,
        purpose: asked.purpose.parse::<Purpose>()?,
        dates: (date("first_date", &asked.first_date)?, date("last_date", &asked.last_date)?),
        kinds: asked.kinds.iter().map(kind).collect::<Result<_, _>>()?,
        older: asked.older,
        // The method has no place for them; the console shows them.
        messages: false,
    };
    Ok((asked.role.parse()?, ask))
}

fn write_card(card: CardSeen) -> pb::Card {
    let parts = CARD.iter().filter(|(number, _)| card.groups & 1 << number != 0);
    let (home, home_name) = card.home.map_or_else(Default::default, |(slug, name)| (slug.to_string(), name));
    let placements = card.placements.into_iter().map(|one| pb::CardPlacement {
        host: one.host.to_string(),
        group_local_id: one.group.map_or_else(String::new, |group| group.as_str().to_owned()),
        first_date: one.dates.first().to_string(),
        last_date: one.dates.last().to_string(),
    });
    pb::Card {
        parts: parts.map(|(_, name)| (*name).to_owned()).collect(),
        home,
        home_name,
        learner_local_id: card.learner.as_str().to_owned(),
        placements: placements.collect(),
        presence: card.presence.into_iter().flatten().filter_map(write_presence).collect(),
        not_held: card.not_held.into_iter().map(str::to_owned).collect(),
        policies: card.reason,
        agreement: card.agreement.unwrap_or_default(),
        needs: card.needs.unwrap_or_default(),
        emergency: card.emergency.unwrap_or_default(),
    }
}

/// A mark that can't be read says nothing.
fn write_presence(seen: PresenceSeen) -> Option<pb::PresenceToday> {
    Some(pb::PresenceToday {
        source: seen.source.to_string(),
        presence: Some(Presence::decode(seen.content).ok()?),
        accepted_at_us: seen.accepted_at.micros(),
    })
}

pub(super) fn write_record(seen: &RecordSeen) -> pb::ShownRecord {
    let (title, subject) = seen.group_title.clone().unwrap_or_default();
    pb::ShownRecord {
        sequence: seen.sequence,
        record_id: Bytes::copy_from_slice(&seen.record.0.0),
        revision: seen.record.1,
        kind: seen.kind.as_str().to_owned(),
        source: seen.source.to_string(),
        school_date: seen.date.to_string(),
        accepted_at_us: seen.accepted_at.micros(),
        state: seen.state.as_str().to_owned(),
        record: (!seen.groups.is_empty()).then(|| sealed(&seen.groups)),
        group_title: title,
        group_subject: subject,
        policies: seen.reason.clone(),
        agreement: seen.agreement.clone().unwrap_or_default(),
    }
}

fn write_not_shown(said: &KindSaid) -> pb::NotShown {
    pb::NotShown {
        kind: said.kind.as_str().to_owned(),
        code: said.code.clone(),
        reason: said.reason.clone(),
        records: said.records.unwrap_or_default(),
        sources: said.sources.iter().map(Slug::to_string).collect(),
    }
}

fn write_emergency(seen: EmergencySeen) -> pb::Emergency {
    let reviews = seen.reviews.into_iter().map(|review| pb::EmergencyReview {
        institution: review.institution.to_string(),
        by: review.by,
        justified: review.justified,
        remark: review.remark,
        at_us: review.at.micros(),
    });
    pb::Emergency {
        emergency_id: Bytes::copy_from_slice(&seen.id),
        by: seen.by,
        by_role: seen.role.to_string(),
        institution: seen.institution.to_string(),
        home: seen.home.to_string(),
        learner_local_id: seen.learner.map_or_else(String::new, |id| id.as_str().to_owned()),
        reason: seen.reason,
        opened_at_us: seen.opened.micros(),
        until_us: Timestamp::micros(seen.until),
        reviews: reviews.collect(),
        reviewable: seen.reviewable,
    }
}
