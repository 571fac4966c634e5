//! Where alerts go besides the console, as it is written in `hub.toml`: `[mail]` for the consortium's mail server, and one
//! `[[alerts]]` for each institution that wants mails or a webhook.

use super::SettingsError;
use crate::{
    outbound::{AlertSettings, HookSettings, MailSettings, MailTls},
    signin::{provider::Secret, reach},
};
use commonroll_core::Slug;
use lettre::{Address, message::Mailbox};
use serde::Deserialize;
use std::{fs, path::PathBuf};

/// People or lists of one institution that get its mails.
const RECIPIENTS_MAX: usize = 20;
/// Shortest secret by which a webhook's receiver knows who speaks.
const SECRET_MIN: usize = 32;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMail {
    server: Option<String>,
    port: Option<u16>,
    tls: Option<bool>,
    user: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    from: Option<String>,
    inside: bool,
    authorities: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAlerts {
    institution: String,
    #[serde(default)]
    mail: Vec<String>,
    #[serde(default)]
    managers: Vec<String>,
    webhook: Option<String>,
    secret_file: Option<PathBuf>,
    #[serde(default)]
    inside: bool,
    authorities: Option<PathBuf>,
}

/// What is checked of both.
pub(super) fn check(
    mail: Option<RawMail>,
    alerts: Vec<RawAlerts>,
    console: bool,
) -> Result<(Option<MailSettings>, Vec<AlertSettings>), SettingsError> {
    let rule = |key: &str, fix| Err(SettingsError::rule(key, fix));
    let mail = mail.map(RawMail::check).transpose()?;
    let alerts: Vec<AlertSettings> = alerts.into_iter().map(RawAlerts::check).collect::<Result<_, _>>()?;
    let mut seen: Vec<&Slug> = alerts.iter().map(|one| &one.institution).collect();
    seen.sort_unstable();
    if seen.windows(2).any(|two| two[0] == two[1]) {
        return rule(
            "alerts.institution",
            "each institution stands once; put all its addresses in one [[alerts]]",
        );
    }
    if mail.is_none() && alerts.iter().any(|one| !one.mail.is_empty() || !one.managers.is_empty()) {
        return rule("alerts.mail", "needs a mail server: add [mail] with server and from");
    }
    if !alerts.is_empty() && !console {
        return rule("alerts", "messages name nobody and lead to the console: set listen.console");
    }
    Ok((mail, alerts))
}

fn file(key: &str, path: Option<PathBuf>) -> Result<Option<Vec<u8>>, SettingsError> {
    let read = path
        .map(|path| fs::read(path).map_err(|_| SettingsError::rule(key, "names a file that can't be read")));
    read.transpose()
}

fn secret(key: &str, path: Option<PathBuf>) -> Result<Option<Secret>, SettingsError> {
    let Some(bytes) = file(key, path)? else { return Ok(None) };
    let text = String::from_utf8(bytes).ok().map(|text| text.trim().to_owned());
    let text = text.filter(|text| !text.is_empty() && !text.contains(char::is_control));
    text.map(Secret).map(Some).ok_or(SettingsError::rule(key, "must hold the secret as one line of text"))
}

impl RawMail {
    fn check(self) -> Result<MailSettings, SettingsError> {
        let rule = SettingsError::rule;
        let server = self.server.unwrap_or_default();
        let named = |server: &str| reach::address(&format!("https://{server}/"), self.inside).is_ok();
        let plain = server.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
        if server.is_empty() || !plain || !named(&server) {
            let fix = "must be the name of a mail server on the open internet, such as smtp.example.org; for one in your own network set inside = true";
            return Err(rule("mail.server", fix));
        }
        let port = self.port.unwrap_or(587);
        let tls = match (self.tls.unwrap_or(true), port) {
            (true, 465) => MailTls::FromTheStart,
            (true, _) => MailTls::Upgraded,
            (false, _) if self.inside && self.user.is_none() => MailTls::None,
            (false, _) => {
                let fix = "can be false only for a server in your own network (inside = true) that asks for no password";
                return Err(rule("mail.tls", fix));
            }
        };
        let from = self.from.unwrap_or_default();
        let from: Mailbox = from.parse().map_err(|_| {
            rule(
                "mail.from",
                "must be the address that mails come from, such as Commonroll <alerts@example.org>",
            )
        })?;
        let password = match (self.password, secret("mail.password_file", self.password_file)?) {
            (Some(_), Some(_)) => {
                return Err(rule(
                    "mail.password_file",
                    "give the password in one place: a file, or the environment",
                ));
            }
            (given, file) => given.filter(|given| !given.is_empty()).map(Secret).or(file),
        };
        let login = match (self.user, password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) => {
                let fix = "needs a password: mail.password_file, or COMMONROLL_HUB__MAIL__PASSWORD in the environment";
                return Err(rule("mail.user", fix));
            }
            (None, Some(_)) => return Err(rule("mail.user", "is missing: whose password is it?")),
        };
        let authorities = file("mail.authorities", self.authorities)?;
        Ok(MailSettings { server, port, tls, login, from, inside: self.inside, authorities })
    }
}

fn addresses(written: &[String]) -> Option<Vec<Address>> {
    let all: Vec<Address> = written.iter().map(|one| one.parse()).collect::<Result<_, _>>().ok()?;
    (all.len() <= RECIPIENTS_MAX).then_some(all)
}

impl RawAlerts {
    fn check(self) -> Result<AlertSettings, SettingsError> {
        let rule = SettingsError::rule;
        let institution = self.institution.parse().map_err(|_| {
            rule("alerts.institution", "must be the slug of an institution, such as kingsmead")
        })?;
        let mail = addresses(&self.mail).ok_or(rule(
            "alerts.mail",
            "must be at most 20 plain addresses, such as attendance@kingsmead.example.org",
        ))?;
        let managers = addresses(&self.managers).ok_or(rule(
            "alerts.managers",
            "must be at most 20 plain addresses, such as data.manager@kingsmead.example.org",
        ))?;
        let key = secret("alerts.secret_file", self.secret_file)?;
        let webhook = match (self.webhook, key) {
            (None, None) => None,
            (Some(url), Some(key)) => {
                reach::address(&url, self.inside).map_err(|_| {
                    rule(
                        "alerts.webhook",
                        "must be an https address on the open internet; for one in your own network set inside = true",
                    )
                })?;
                if key.0.len() < SECRET_MIN {
                    return Err(rule(
                        "alerts.secret_file",
                        "must hold at least 32 characters that nobody can guess",
                    ));
                }
                let authorities = file("alerts.authorities", self.authorities)?;
                Some(HookSettings { url, key, inside: self.inside, authorities })
            }
            (Some(_), None) => {
                let fix = "is missing: the receiver knows by it that a message is the hub's";
                return Err(rule("alerts.secret_file", fix));
            }
            (None, Some(_)) => return Err(rule("alerts.webhook", "is missing: where do messages go?")),
        };
        if mail.is_empty() && managers.is_empty() && webhook.is_none() {
            return Err(rule(
                "alerts.mail",
                "alerts.managers or alerts.webhook must say where the alerts go",
            ));
        }
        if managers.is_empty() && webhook.is_none() {
            tracing::warn!(institution = %institution, "has no `managers` in [[alerts]]: its data managers are mailed no warnings");
        }
        Ok(AlertSettings { institution, mail, managers, webhook })
    }
}
