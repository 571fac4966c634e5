//! The people service: who is calling, and who lets whom in. Read, call the exchange once, answer.

use super::{convert::exactly, person};
use crate::{
    clock::{Surroundings, draw},
    invitation::Inviting,
    status,
};
use bytes::Bytes;
use commonroll_core::{Invalid, LocalId, PersonId, Purpose, Role, Slug, Timestamp};
use commonroll_exchange::{Acting, Exchange, Inviter, OpenInvitation, PersonSeen, PersonWanted};
use commonroll_wire::pb::people::v1::{
    self as pb, ApproveRequest, ApproveResponse, InviteRequest, InviteResponse, ListRequest, ListResponse,
    RevokeRequest, RevokeResponse, SetAccessRequest, SetAccessResponse, WhoamiRequest, WhoamiResponse,
    people_service_server::PeopleService,
};
use std::time::Duration;
use tonic::{Request, Response, Status};

/// Roles in one request at most: as many as there are.
const ROLES_MAX: usize = Role::ALL.len();

/// The service.
#[derive(Clone)]
pub(crate) struct People {
    pub exchange: Exchange,
    pub around: Surroundings,
    pub inviting: Inviting,
}

#[tonic::async_trait]
impl PeopleService for People {
    async fn whoami(&self, request: Request<WhoamiRequest>) -> Result<Response<WhoamiResponse>, Status> {
        let caller = person(&request)?;
        let seen = self.exchange.whoami(&caller).map_err(status::of_speaker)?;
        Ok(Response::new(WhoamiResponse { person: Some(write(caller.institution(), seen)) }))
    }

    async fn invite(&self, request: Request<InviteRequest>) -> Result<Response<InviteResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let (role, institution, wanted) = read_invite(asked).map_err(|e| status::invalid(&e))?;
        let valid = Duration::from_secs(u64::from(asked.valid_seconds));
        let (random, now) = (draw(self.around.random.as_ref()), self.around.now());
        let by = Inviter::Person(&caller, role);
        let made = self.exchange.invite_person(&institution, wanted, valid, by, (random, now)).await;
        let made = made.map_err(status::of_declare)?;
        Ok(Response::new(InviteResponse {
            invitation: self.inviting.person(&institution, &made.code, made.expires),
            invitation_hash: Bytes::copy_from_slice(&made.hash),
            needs_second: made.needs_second,
        }))
    }

    async fn approve(&self, request: Request<ApproveRequest>) -> Result<Response<ApproveResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let hash = exactly("invitation_hash", &asked.invitation_hash, "must have exactly 32 bytes")?;
            let signature = exactly("signature", &asked.signature, "must have exactly 64 bytes")?;
            Ok((asked.role.parse::<Role>()?, hash, signature))
        };
        let (role, hash, signature) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let done = self.exchange.approve_person((&caller, role), hash, signature, self.around.now());
        done.await.map_err(status::of_declare)?;
        Ok(Response::new(ApproveResponse {}))
    }

    async fn revoke(&self, request: Request<RevokeRequest>) -> Result<Response<RevokeResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || Ok((asked.role.parse::<Role>()?, PersonId::from_slice(&asked.person_id)?));
        let (role, whom) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let done = self.exchange.revoke_person((&caller, role), whom, self.around.now());
        done.await.map_err(status::of_declare)?;
        Ok(Response::new(RevokeResponse {}))
    }

    async fn set_access(
        &self,
        request: Request<SetAccessRequest>,
    ) -> Result<Response<SetAccessResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let role = asked.role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let done = self.exchange.set_access(Acting { speaker: &caller, role }, asked.on, self.around.now());
        done.await.map_err(status::of_declare)?;
        Ok(Response::new(SetAccessResponse {}))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || Ok((asked.role.parse::<Role>()?, asked.purpose.parse::<Purpose>()?));
        let (role, purpose) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let listed = self.exchange.people((&caller, role), purpose, self.around.now());
        let listed = listed.await.map_err(status::of_declare)?;
        let people = listed.people.into_iter().map(|seen| write(caller.institution(), seen));
        Ok(Response::new(ListResponse {
            people: people.collect(),
            access_on: listed.access,
            invitations: listed.invitations.into_iter().map(write_invitation).collect(),
        }))
    }
}

fn read_invite(asked: &InviteRequest) -> Result<(Role, Slug, PersonWanted), Invalid> {
    if asked.roles.len() > ROLES_MAX {
        return Err(Invalid::new("roles", "must be at most 11 roles"));
    }
    let id = |field, text: &str| match text {
        "" => Ok(None),
        text => LocalId::parse(field, text).map(Some),
    };
    let rule = Invalid::new("roles", "must be words of the schema, such as teacher or data_manager");
    let roles = asked.roles.iter().map(|word| word.parse().map_err(|_| rule.clone()));
    let wanted = PersonWanted {
        name: asked.name.clone(),
        roles: roles.collect::<Result<_, _>>()?,
        staff: id("staff_local_id", &asked.staff_local_id)?,
        learner: id("learner_local_id", &asked.learner_local_id)?,
    };
    Ok((asked.role.parse()?, asked.institution.parse()?, wanted))
}

fn write(institution: &Slug, seen: PersonSeen) -> pb::Person {
    let text = |id: Option<LocalId>| id.map_or_else(String::new, |id| id.as_str().to_owned());
    pb::Person {
        person_id: Bytes::copy_from_slice(&seen.id.0),
        institution: institution.to_string(),
        name: seen.name,
        roles: seen.roles.iter().map(ToString::to_string).collect(),
        staff_local_id: text(seen.staff),
        learner_local_id: text(seen.learner),
        enrolled_at_us: seen.enrolled.micros(),
        used_at_us: seen.used.micros(),
        revoked_at_us: seen.revoked.map_or(0, Timestamp::micros),
    }
}

fn write_invitation(open: OpenInvitation) -> pb::OpenInvitation {
    pb::OpenInvitation {
        invitation_hash: Bytes::copy_from_slice(&open.hash),
        text: open.text,
        waiting: open.waiting,
        approvable: open.approvable,
    }
}
