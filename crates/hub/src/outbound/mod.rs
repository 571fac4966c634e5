//! Alerts by mail and signed webhook: for each institution that wants them, in lanes that don't wait for each other.
//!
//! What has to be said and who says it is the exchange's (`begin_sending`); this reaches servers, and says how it went. A message
//! holds nothing about anybody. Addresses are judged when the hub starts and again at every connection; redirects are not followed.

mod circuit;
mod hook;
mod mail;
mod text;

use crate::{
    clock::{Surroundings, draw},
    settings::Settings,
    signin::provider::Secret,
};
use circuit::Circuit;
use commonroll_core::Slug;
use commonroll_exchange::{Channel, Exchange, SendFault};
use hook::Hook;
use lettre::{Address, message::Mailbox};
use mail::Mailer;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::JoinSet, time::interval};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether there is something to send.
const LOOK: Duration = Duration::from_millis(250);
/// Messages on their way at once.
const AT_ONCE: usize = 32;

/// How mail is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// From the first byte: port 465.
    FromTheStart,
    /// By STARTTLS, which must succeed before anything is said.
    Upgraded,
    /// Not at all: only a server inside, without a password.
    None,
}

/// The consortium's mail server.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Its name.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way there is encrypted.
    pub tls: MailTls,
    /// User and password, if it asks.
    pub login: Option<(String, Secret)>,
    /// Whom mails come from.
    pub from: Mailbox,
    /// True if it may be an address of a private network.
    pub inside: bool,
    /// PEM certificates trusted besides the usual.
    pub authorities: Option<Vec<u8>>,
}

/// Where an institution's webhook is.
#[derive(Debug, Clone)]
pub struct HookSettings {
    /// Its address.
    pub url: String,
    /// What signs the messages.
    pub key: Secret,
    /// True if it may be an address of a private network.
    pub inside: bool,
    /// PEM certificates trusted besides the usual.
    pub authorities: Option<Vec<u8>>,
}

/// Where one institution's alerts go.
#[derive(Debug, Clone)]
pub struct AlertSettings {
    /// Whose.
    pub institution: Slug,
    /// Who gets mails of the whereabouts board and of emergency accesses.
    pub mail: Vec<Address>,
    /// Its data managers, who get mails of what they are warned of.
    pub managers: Vec<Address>,
    /// Where its webhook is.
    pub webhook: Option<HookSettings>,
}

/// An institution and a way to it.
struct Lane {
    institution: Slug,
    way: Way,
}

enum Way {
    Mail(Arc<Mailer>, Vec<Address>),
    Managers(Arc<Mailer>, Vec<Address>),
    Hook(Box<Hook>),
}

impl Lane {
    const fn channel(&self) -> Channel {
        match self.way {
            Way::Mail(..) => Channel::Mail,
            Way::Managers(..) => Channel::ManagersMail,
            Way::Hook(_) => Channel::Webhook,
        }
    }

    fn server(&self) -> &str {
        match &self.way {
            Way::Mail(mailer, _) | Way::Managers(mailer, _) => mailer.server(),
            Way::Hook(hook) => hook.server(),
        }
    }
}

/// Whatever sends.
pub(crate) struct Courier {
    exchange: Exchange,
    around: Surroundings,
    console: String,
    lanes: Vec<Lane>,
    circuits: Mutex<HashMap<String, Circuit>>,
    /// This node, since its start.
    node: u64,
}

impl Courier {
    /// `None` if nobody wants any.
    ///
    /// # Errors
    /// The key of a setting that names no certificate.
    pub fn new(
        settings: &Settings,
        exchange: &Exchange,
        around: &Surroundings,
    ) -> Result<Option<Arc<Self>>, &'static str> {
        let wanted = settings.public_console.as_deref().filter(|_| !settings.alerts.is_empty());
        let Some(console) = wanted else { return Ok(None) };
        let mailer = settings.mail.as_ref().map(|mail| Mailer::new(mail.clone(), console));
        let mailer = mailer.transpose()?.map(Arc::new);
        let mut lanes = Vec::new();
        for one in &settings.alerts {
            if exchange.institution_name(&one.institution).is_none() {
                tracing::warn!(institution = %one.institution, "`alerts.institution` names no partner yet");
            }
            for (way, to) in [(Way::Mail as fn(_, _) -> _, &one.mail), (Way::Managers, &one.managers)] {
                if let Some(mailer) = mailer.as_ref().filter(|_| !to.is_empty()) {
                    let way = way(mailer.clone(), to.clone());
                    lanes.push(Lane { institution: one.institution.clone(), way });
                }
            }
            if let Some(hook) = &one.webhook {
                let way = Way::Hook(Box::new(Hook::new(hook)?));
                lanes.push(Lane { institution: one.institution.clone(), way });
            }
        }
        Ok(Some(Arc::new(Self {
            exchange: exchange.clone(),
            around: around.clone(),
            console: console.to_owned(),
            lanes,
            circuits: Mutex::default(),
            node: u64::from_be_bytes(draw(around.random.as_ref())),
        })))
    }

    /// Sends until `over`. What is on its way then is sent again after the next start, if nobody knows how it went.
    pub async fn run(self: Arc<Self>, over: CancellationToken) {
        let (mut look, mut flying, mut busy) = (interval(LOOK), JoinSet::new(), HashMap::new());
        loop {
            tokio::select! {
                () = over.cancelled() => return,
                Some(ended) = flying.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    busy.remove(&id);
                }
                _ = look.tick() => {
                    let sending: HashSet<usize> = busy.values().copied().collect();
                    for lane in (0..self.lanes.len()).filter(|lane| !sending.contains(lane)) {
                        if flying.len() >= AT_ONCE {
                            break;
                        }
                        if self.is_due(lane) {
                            let handle = flying.spawn(self.clone().send(lane));
                            busy.insert(handle.id(), lane);
                        }
                    }
                }
            }
        }
    }

    fn is_due(&self, lane: usize) -> bool {
        let (now, lane) = (self.around.now(), &self.lanes[lane]);
        self.exchange.clock_holds(now).is_ok()
            && self.exchange.has_to_send(&lane.institution, lane.channel(), now)
            && self.circuit(lane.server(), |circuit| circuit.lets(now))
    }

    fn circuit<T>(&self, server: &str, ask: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        ask(circuits.entry(server.to_owned()).or_default())
    }

    async fn send(self: Arc<Self>, lane: usize) {
        let lane = &self.lanes[lane];
        let now = self.around.now();
        let begun = self.exchange.begin_sending(&lane.institution, lane.channel(), self.node, now).await;
        let Ok(Some(message)) = begun else { return };
        let outcome = match &lane.way {
            Way::Mail(mailer, to) | Way::Managers(mailer, to) => {
                mailer.send(to, &message, &self.console, now).await
            }
            Way::Hook(hook) => hook.send(&message, &self.console, now).await,
        };
        let (institution, channel) = (&lane.institution, lane.channel().as_str());
        match outcome {
            Ok(()) => tracing::info!(%institution, channel, count = message.alerts.len(), "alerts sent"),
            Err(why) => {
                tracing::warn!(%institution, channel, why = why.as_str(), "alerts could not be sent yet")
            }
        }
        let now = self.around.now();
        self.circuit(lane.server(), |circuit| circuit.answered(outcome != Err(SendFault::Silent), now));
        let chance = u64::from_be_bytes(draw(self.around.random.as_ref()));
        if self.exchange.sent(&message, outcome, (self.node, chance), now).await.is_err() {
            tracing::error!(%institution, channel, "what became of a message could not be written to the log");
        }
    }
}
