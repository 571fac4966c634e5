//! How institutions' people sign in, as it is written in `hub.toml`: one `[[console.provider]]` for each institution.

use super::SettingsError;
use crate::signin::{
    provider::{ProviderSettings, Secret},
    reach,
};
use commonroll_core::{Role, Slug};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::PathBuf};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProvider {
    institution: String,
    issuer: String,
    client: String,
    secret_file: Option<PathBuf>,
    #[serde(default)]
    inside: bool,
    authorities: Option<PathBuf>,
    #[serde(default = "scopes")]
    scopes: Vec<String>,
    #[serde(default = "roles_claim")]
    roles_claim: String,
    #[serde(default)]
    roles: Vec<RawRole>,
    #[serde(default)]
    second_factor: Vec<String>,
    staff_claim: Option<String>,
}

/// A pair and not a table: the names are the provider's, with its capitals and dots.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRole {
    value: String,
    role: String,
}

fn scopes() -> Vec<String> {
    ["profile", "offline_access"].map(str::to_owned).to_vec()
}

fn roles_claim() -> String {
    "roles".to_owned()
}

pub(super) fn check(all: Vec<RawProvider>) -> Result<Vec<ProviderSettings>, SettingsError> {
    let all: Vec<ProviderSettings> = all.into_iter().map(RawProvider::check).collect::<Result<_, _>>()?;
    for (at, one) in all.iter().enumerate() {
        let others = &all[..at];
        if others.iter().any(|other| other.institution == one.institution) {
            return Err(SettingsError::rule(
                "console.provider.institution",
                "each institution has one provider; name it once",
            ));
        }
        if others.iter().any(|other| other.issuer == one.issuer && other.client == one.client) {
            return Err(SettingsError::rule(
                "console.provider.client",
                "two institutions can't share one issuer and client: whose people would sign in?",
            ));
        }
    }
    Ok(all)
}

impl RawProvider {
    fn check(self) -> Result<ProviderSettings, SettingsError> {
        let key = |name: &str| format!("console.provider.{name}");
        let institution: Slug = self.institution.parse().map_err(|_| {
            SettingsError::rule(&key("institution"), "must be the slug of an institution, such as kingsmead")
        })?;
        reach::address(&self.issuer, self.inside).map_err(|_| {
            SettingsError::rule(
                &key("issuer"),
                "must be an https address on the open internet; for a provider in your own network set inside = true",
            )
        })?;
        let file = |name, path: Option<PathBuf>| {
            path.map(|path| {
                fs::read(path).map_err(|_| SettingsError::rule(&key(name), "names a file that can't be read"))
            })
            .transpose()
        };
        let secret = file("secret_file", self.secret_file)?
            .map(|bytes| {
                let text = String::from_utf8(bytes).ok().map(|text| text.trim().to_owned());
                text.filter(|text| !text.is_empty()).map(Secret).ok_or(SettingsError::rule(
                    &key("secret_file"),
                    "must hold the client secret as one line of text",
                ))
            })
            .transpose()?;
        let roles: BTreeMap<String, Role> = self
            .roles
            .into_iter()
            .map(|pair| {
                let role: Role = pair.role.parse().map_err(|_| {
                    SettingsError::rule(&key("roles"), "`role` must be a role, such as teacher or attendance_officer")
                })?;
                let given = matches!(
                    role,
                    Role::Teacher | Role::Tutor | Role::HeadOfSixth | Role::AttendanceOfficer
                );
                match given {
                    true => Ok((pair.value, role)),
                    false => Err(SettingsError::rule(
                        &key("roles"),
                        "a provider gives teacher, tutor, head_of_sixth and attendance_officer; an office comes by invitation",
                    )),
                }
            })
            .collect::<Result<_, _>>()?;
        if self.client.trim().is_empty() {
            return Err(SettingsError::rule(
                &key("client"),
                "must be the id that the provider gave this hub",
            ));
        }
        Ok(ProviderSettings {
            institution,
            issuer: self.issuer,
            client: self.client,
            secret,
            inside: self.inside,
            authorities: file("authorities", self.authorities)?,
            scopes: self.scopes,
            roles_claim: self.roles_claim,
            roles,
            second_factor: self.second_factor,
            staff_claim: self.staff_claim,
        })
    }
}
