//! The hub as a running thing: binds its doors, serves, keeps house, and stops in order.
//!
//! At a stop readiness fails first, then streams finish what they have taken, then the exchange is closed. Whoever
//! published gets an answer or UNAVAILABLE.

use crate::{
    authority::{Authority, AuthorityError, KeyFolder, ServerCertificate},
    clock::{Clock, Randomness, Surroundings},
    console::{Console, ConsoleCertificate, ConsoleDoor, DemoFault, DemoPeople, Live},
    doors::{agents::AgentsDoor, join, local::Local, tls::Tls},
    grpc::Enrolment,
    invitation::Inviting,
    limits::{Pace, Shares},
    metrics::Metrics,
    outbound::Courier,
    scratch::Scratch,
    settings::Settings,
    signin::{SignIn, reach::Unreached},
    strangers::Strangers,
};
use commonroll_core::{Slug, Timestamp};
use commonroll_exchange::Exchange;
use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
    time::interval,
};
use tokio_util::sync::CancellationToken;

/// How often the exchange's upkeep runs.
const TICK: Duration = Duration::from_millis(250);
/// How often slower upkeep runs: certificates, strangers, metrics.
const SLOW_TICK: Duration = Duration::from_secs(5);
/// How long readiness fails before the doors close, so that whoever watches it can look away first.
const NOTICE: Duration = Duration::from_millis(200);
/// Longest wait for another node's news.
const FOLLOW: Duration = Duration::from_secs(1);

/// Why a hub could not run.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Keys or certificates.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// An address cannot be listened on.
    #[error("setting `{key}`: cannot listen on {address}: {error}; free the port or choose another")]
    Listen {
        /// The key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The console's certificate or key.
    #[error("settings `console.certificate` and `console.key`: {path} {what}")]
    ConsoleCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An institution's sign-in.
    #[error("setting `console.provider` of {institution}: {why}")]
    Provider {
        /// Whose.
        institution: Slug,
        /// What is wrong with it.
        why: Unreached,
    },
    /// Mails or webhooks can't be set up.
    #[error("setting `{0}`: must be a PEM file with a certificate of an authority")]
    Outbound(&'static str),
    /// The demo's list of people.
    #[error(transparent)]
    Demo(#[from] DemoFault),
    /// TLS cannot be set up.
    #[error("could not set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The schema cannot be shown by reflection.
    #[error("could not set up gRPC reflection")]
    Reflection,
    /// A gRPC server failed.
    #[error("a gRPC server failed: {0}")]
    Serve(#[source] tonic::transport::Error),
    /// The local port failed.
    #[error("the local port failed: {0}")]
    Local(#[source] io::Error),
}

/// Where a hub listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// For agents.
    pub agents: SocketAddr,
    /// For joining and renewing.
    pub join: SocketAddr,
    /// For health and metrics.
    pub local: SocketAddr,
    /// For browsers, if the hub has a console.
    pub console: Option<SocketAddr>,
}

/// A hub whose doors are bound and not yet open.
pub struct Hub {
    settings: Settings,
    exchange: Exchange,
    around: Surroundings,
    /// For certificates, by the time that is known to have been.
    known: Surroundings,
    authority: Arc<Authority>,
    certificate: Arc<ServerCertificate>,
    addresses: Addresses,
    listeners: (TcpListener, TcpListener, TcpListener),
    pages: Option<ReadyConsole>,
    courier: Option<Arc<Courier>>,
}

/// A console whose address is bound and not yet open.
struct ReadyConsole {
    listener: TcpListener,
    certificate: Arc<ConsoleCertificate>,
    demo: Option<Arc<DemoPeople>>,
    sign_in: Arc<SignIn>,
}

impl ReadyConsole {
    async fn bind(
        settings: &Settings,
        exchange: &Exchange,
        authority: &Arc<Authority>,
        known: &Surroundings,
    ) -> Result<Option<(Self, SocketAddr)>, HubError> {
        let Some(address) = settings.listen.console else { return Ok(None) };
        let files = settings.console_certificate.as_ref();
        let certificate = ConsoleCertificate::new(files, authority.clone(), &settings.names, known.clone())?;
        let demo = settings.demo_people.as_deref().map(DemoPeople::read).transpose()?.map(Arc::new);
        let key = exchange.browser_key("sign-in");
        let sign_in = SignIn::new(&settings.providers, settings.public_console.as_deref(), &key)
            .map_err(|(institution, why)| HubError::Provider { institution, why })?;
        let (listener, at) = listen("listen.console", address).await?;
        Ok(Some((Self { listener, certificate, demo, sign_in: Arc::new(sign_in) }, at)))
    }
}

/// Binds and serves until `shutdown`, and then until everything has ended.
///
/// # Errors
/// When keys are missing, an address is taken, or a server fails.
pub async fn run(
    settings: Settings,
    exchange: Exchange,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
    shutdown: CancellationToken,
) -> Result<(), HubError> {
    Hub::bind(settings, exchange, clock, random).await?.serve(shutdown).await
}

impl Hub {
    /// Loads the keys and binds the three addresses.
    ///
    /// # Errors
    /// When keys are missing or an address is taken.
    pub async fn bind(
        mut settings: Settings,
        exchange: Exchange,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
    ) -> Result<Self, HubError> {
        let around = Surroundings { clock, random };
        let known = around.known(&exchange);
        let authority = Arc::new(Authority::load(&KeyFolder::open(&settings.keys)?)?);
        let certificate = ServerCertificate::new(authority.clone(), settings.names.clone(), known.clone())?;
        let (agents, agents_at) = listen("listen.agents", settings.listen.agents).await?;
        let (join, join_at) = listen("listen.join", settings.listen.join).await?;
        let (local, local_at) = listen("listen.local", settings.listen.local).await?;
        for (public, at) in [(&mut settings.public_agents, agents_at), (&mut settings.public_join, join_at)] {
            // Whoever is invited can't come to port 0, but to the one that the system chose for it.
            if let Some(host) = public.strip_suffix(":0") {
                *public = format!("{host}:{}", at.port());
            }
        }
        let (pages, console) = ReadyConsole::bind(&settings, &exchange, &authority, &known).await?.unzip();
        let courier = Courier::new(&settings, &exchange, &around).map_err(HubError::Outbound)?;
        let addresses = Addresses { agents: agents_at, join: join_at, local: local_at, console };
        let listeners = (agents, join, local);
        Ok(Self {
            settings,
            exchange,
            around,
            known,
            authority,
            certificate,
            addresses,
            listeners,
            pages,
            courier,
        })
    }

    /// Where the hub listens, with the ports that the system chose for port 0.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Serves until `shutdown`, and then until everything has ended.
    ///
    /// # Errors
    /// When a server fails; the others are stopped in order then.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), HubError> {
        let (exchange, around, drain) =
            (self.exchange.clone(), self.around.clone(), self.settings.limits.drain());
        let Addresses { agents, join, local, console } = self.addresses;
        let ends = Ends::default();
        let begins = self.known.now();
        exchange.started(around.now()).await;
        match Scratch::open(&self.settings.data, &*around.random) {
            Ok(scratch) => {
                exchange.open_views_on(Box::new(scratch), crate::reader::read_body, begins);
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), "no scratch file in the data folder: figures keep all in memory");
                exchange.open_views(crate::reader::read_body, begins);
            }
        }
        let mut open = self.open(&ends)?;
        let said =
            if exchange.ready(around.now()).is_ok() { "hub ready" } else { "hub started, and not ready" };
        tracing::info!(%agents, %join, %local, console = console.map(tracing::field::display), "{said}");
        let outcome = tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            ended = open.doors.join_next() => ended.and_then(Result::ok).unwrap_or(Ok(())),
        };
        tracing::info!("hub stopping");
        ends.unready.store(true, Ordering::Release);
        tokio::time::sleep(NOTICE).await;
        ends.stopping.cancel();
        let drained = tokio::time::timeout(drain, all(&mut open.doors)).await;
        ends.cut.cancel();
        let drained = drained.unwrap_or_else(|_| {
            tracing::warn!("streams were still open after the time given; they were cut");
            Ok(())
        });
        exchange.close(around.now()).await;
        ends.over.cancel();
        let told = open.local.await.unwrap_or(Ok(()));
        tracing::info!("hub stopped");
        outcome.and(drained).and(told.map_err(HubError::Local))
    }

    /// Starts everything that serves and keeps house.
    fn open(self, ends: &Ends) -> Result<Open, HubError> {
        let Self {
            settings, exchange, around, known, authority, certificate, listeners, pages, courier, ..
        } = self;
        let (agents, join, local) = listeners;
        let limits = settings.limits.clone();
        let (strangers, metrics) = (Arc::new(Strangers::default()), Arc::new(Metrics::new()));
        let pace = Pace::new(&limits);
        let page = Local {
            exchange: exchange.clone(),
            around: around.clone(),
            metrics: metrics.clone(),
            stopping: ends.unready.clone(),
        };
        let local = tokio::spawn(serve_local(page, local, ends.over.clone()));
        let house = House {
            exchange: exchange.clone(),
            around: around.clone(),
            certificate: certificate.clone(),
            console: pages.as_ref().map(|pages| pages.certificate.clone()),
        };
        tokio::spawn(house.keep(strangers.clone(), metrics.clone(), ends.over.clone()));
        tokio::spawn(follow(exchange.clone(), ends.over.clone()));
        if let Some(courier) = courier {
            tokio::spawn(courier.run(ends.stopping.clone()));
        }

        let mut doors = JoinSet::new();
        if let Some(ReadyConsole { listener, certificate, demo, sign_in }) = pages {
            let door = ConsoleDoor {
                console: Console {
                    exchange: exchange.clone(),
                    around: around.clone(),
                    demo,
                    sign_in,
                    pace: pace.clone(),
                    live: Live::new(limits.live_pages_per_person),
                    certificate_life: settings.client_certificate_life,
                    stopping: ends.stopping.clone(),
                },
                certificate,
                known: known.clone(),
                limits: limits.clone(),
                strangers: strangers.clone(),
                metrics: metrics.clone(),
                stopping: ends.stopping.clone(),
                cut: ends.cut.clone(),
            };
            doors.spawn(async move {
                door.serve(listener).await;
                Ok(())
            });
        }
        let door = AgentsDoor {
            exchange: exchange.clone(),
            around: around.clone(),
            limits: limits.clone(),
            shares: Shares::new(limits.clone()),
            people: Shares::new(limits.clone()),
            pace,
            inviting: Inviting::new(&settings, &authority),
            strangers: strangers.clone(),
            metrics: metrics.clone(),
            stopping: ends.stopping.clone(),
            cut: ends.cut.clone(),
        };
        doors.spawn(door.serve(agents, Tls::mutual(&authority, certificate.clone(), known.clone())?));
        let tls = Tls::open(certificate, known);
        let certificate_life = settings.client_certificate_life;
        let enrolment = Enrolment { exchange, authority, around, certificate_life };
        let (stopping, cut) = (ends.stopping.clone(), ends.cut.clone());
        doors.spawn(join::serve(enrolment, join, tls, (limits, strangers, metrics), (stopping, cut)));
        Ok(Open { doors, local })
    }
}

/// The ways in which a hub ends, one after the other.
#[derive(Default)]
struct Ends {
    /// Readiness fails.
    unready: Arc<AtomicBool>,
    /// Doors close; streams finish what they have taken.
    stopping: CancellationToken,
    /// Connections that are still open are cut.
    cut: CancellationToken,
    /// Upkeep and the local port end.
    over: CancellationToken,
}

/// What is running.
struct Open {
    doors: JoinSet<Result<(), HubError>>,
    local: JoinHandle<io::Result<()>>,
}

async fn all(doors: &mut JoinSet<Result<(), HubError>>) -> Result<(), HubError> {
    let mut outcome = Ok(());
    while let Some(ended) = doors.join_next().await {
        outcome = outcome.and(ended.unwrap_or(Ok(())));
    }
    outcome
}

async fn listen(key: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), HubError> {
    let failed = |error| HubError::Listen { key, address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn serve_local(page: Local, listener: TcpListener, over: CancellationToken) -> io::Result<()> {
    axum::serve(listener, page.router()).with_graceful_shutdown(over.cancelled_owned()).await
}

async fn follow(exchange: Exchange, over: CancellationToken) {
    loop {
        tokio::select! {
            () = over.cancelled() => return,
            followed = exchange.follow(FOLLOW) => if followed.is_err() {
                tokio::time::sleep(TICK).await;
            }
        }
    }
}

/// Upkeep by the clock.
struct House {
    exchange: Exchange,
    around: Surroundings,
    certificate: Arc<ServerCertificate>,
    console: Option<Arc<ConsoleCertificate>>,
}

impl House {
    async fn keep(self, strangers: Arc<Strangers>, metrics: Arc<Metrics>, over: CancellationToken) {
        let (mut tick, mut slow) = (interval(TICK), interval(SLOW_TICK));
        let mut ahead = false;
        loop {
            tokio::select! {
                () = over.cancelled() => return,
                _ = tick.tick() => {
                    let now = self.around.now();
                    ahead = self.tell_of_clock(ahead, now);
                    self.exchange.tick(now).await;
                }
                _ = slow.tick() => {
                    strangers.tell();
                    metrics.upkeep();
                    if let Err(error) = self.certificate.renew_if_due() {
                        tracing::error!(%error, "could not renew the server certificate");
                    }
                    self.console.iter().for_each(|certificate| certificate.look());
                }
            }
        }
    }

    /// Says once that the clock can't be believed, and once that it can again.
    fn tell_of_clock(&self, before: bool, now: Timestamp) -> bool {
        let holds = self.exchange.clock_holds(now);
        match (before, &holds) {
            (false, Err(ahead)) => {
                let newest = self.exchange.time_known(now);
                tracing::error!(clock = %now, %newest, "{ahead}");
            }
            (true, Ok(())) => tracing::info!(clock = %now, "the clock is right again: the hub goes on"),
            _ => {}
        }
        holds.is_err()
    }
}
