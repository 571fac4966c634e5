//! The people of the consortium that is measured. They come in as real ones do: by invitation, each with an own key.

use super::super::rig::Rig;
use crate::{
    commands::{
        person::{As, Caller, connect, refused},
        told,
    },
    real::{Real, now},
};
use commonroll_core::{Role, Slug};
use commonroll_wire::pb::people::v1::{InviteRequest, people_service_client::PeopleServiceClient};
use std::path::Path;

/// The first of an office, whom the operator brings in.
pub async fn first(rig: &Rig, institution: &Slug, role: Role) -> Result<Caller, String> {
    let invitation = rig.invite_first(institution, role).await?;
    enter(rig, &invitation, role).await
}

/// Somebody without an office, whom a data manager invites.
pub async fn colleague(rig: &Rig, manager: &Caller, role: Role) -> Result<Caller, String> {
    let request = InviteRequest {
        role: manager.role.to_string(),
        institution: manager.identity.card.institution.to_string(),
        name: format!("Somebody, {role}"),
        roles: vec![role.to_string()],
        valid_seconds: 3_600,
        ..InviteRequest::default()
    };
    let mut people = PeopleServiceClient::new(manager.channel.clone());
    let made = people.invite(request).await.map_err(|status| refused(&status))?.into_inner();
    enter(rig, &made.invitation, role).await
}

async fn enter(rig: &Rig, invitation: &str, role: Role) -> Result<Caller, String> {
    let folder = tempfile::tempdir_in(rig.folder()).map_err(told)?;
    let at: &Path = folder.path();
    commonroll_agent::person::join(invitation, at, now(), &Real).await.map_err(told)?;
    connect(&As { dir: Some(at.to_owned()), in_role: Some(role) }).await
}
