//! The agent at work: scanning, publishing, receiving and upkeep side by side, until it is told to stop.
//!
//! Each loop survives its own failures: it waits, longer each time, and goes on from what the spool holds. Nothing here
//! is needed for correctness after a crash; that is the spool's.

mod loops;

use crate::{
    apply::{self, Applied, Applier, Carrier},
    asides::{self, Decided},
    chance::{Clock, Randomness, backoff},
    check,
    decided::Decider,
    difference::{self, Difference},
    error::AgentError,
    fetch::{self, Fetcher, Fetchers},
    hook,
    hub::{Hub, HubError, grpc::GrpcHub},
    identity::Identity,
    outbox::{self, WriteBack, results},
    publish::{Published, Publisher, Signer},
    recall,
    receive::{Received, Receiver},
    renew,
    scan::{Looked, Reading, Scanner},
    settings::{Apply, Settings},
    spool::Spool,
    status, telling, watchman,
};
use commonroll_core::{SchoolDate, Timestamp};
use commonroll_wire::{acknowledge, pb::exchange::v1::ReceiveResponse};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// First and longest wait after a failure.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Between looks for recalls that nobody carries out any more, in microseconds.
const DAY_US: i64 = 86_400_000_000;
/// How long `once` waits for another piece of the feed before it takes it for read.
const QUIET: Duration = Duration::from_millis(1_500);

/// An agent that has joined.
pub struct Agent {
    settings: Settings,
    spool: Spool,
    reading: Reading,
    write_back: Option<Box<dyn WriteBack>>,
    carrier: Option<Arc<dyn Carrier>>,
    /// Wakes whoever carries rows into the MIS.
    written: tokio::sync::Notify,
    fetchers: Fetchers,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Randomness>,
    dial: Box<dyn Dial>,
    me: Mutex<Arc<Identity>>,
    link: tokio::sync::Mutex<Option<Arc<dyn Hub>>>,
    /// When recalls that nobody carries out any more were last looked for, since the start.
    settled: Mutex<Option<Timestamp>>,
}

/// Makes connections to the hub and renews what they are made with.
#[async_trait::async_trait]
pub trait Dial: Send + Sync {
    /// Connects.
    async fn connect(&self, identity: &Identity) -> Result<Arc<dyn Hub>, HubError>;
    /// Gets and stores a new certificate.
    async fn renew(&self, identity: &Identity, now: Timestamp) -> Result<Identity, AgentError>;
}

/// gRPC over mutual TLS.
struct GrpcDial {
    settings: Settings,
}

#[async_trait::async_trait]
impl Dial for GrpcDial {
    async fn connect(&self, identity: &Identity) -> Result<Arc<dyn Hub>, HubError> {
        let address = self.settings.hub.address.as_deref().unwrap_or(&identity.card.hub);
        Ok(Arc::new(GrpcHub::connect(identity, address).await?))
    }

    async fn renew(&self, identity: &Identity, now: Timestamp) -> Result<Identity, AgentError> {
        let address = self.settings.hub.join.as_deref().unwrap_or(&identity.card.join);
        renew::renew(identity, address, &self.settings.identity_folder(), now).await
    }
}

impl Agent {
    /// Opens the data folder of an agent that has joined.
    ///
    /// # Errors
    /// When the identity is missing, or the spool or the outbox can't be opened.
    pub async fn open(
        settings: Settings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
    ) -> Result<Self, AgentError> {
        let identity = Identity::load(&settings.identity_folder())?;
        let dial = Box::new(GrpcDial { settings: settings.clone() });
        Self::with(settings, identity, dial, clock, rng).await
    }

    /// As [`Agent::open`], with another way to the hub.
    ///
    /// # Errors
    /// When the spool or the outbox can't be opened.
    pub async fn with(
        settings: Settings,
        identity: Identity,
        dial: Box<dyn Dial>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
    ) -> Result<Self, AgentError> {
        let spool = Spool::open(&settings.spool_file()).await?;
        let reading = check::reading(&settings, &identity);
        let write_back = match &settings.outbox {
            None => None,
            Some(outbox) => {
                let doing = format!("making the outbox {}", outbox.folder.display());
                let folder =
                    outbox::Folder::open(outbox, settings.zone.clone()).map_err(AgentError::io(doing))?;
                Some(Box::new(folder) as Box<dyn WriteBack>)
            }
        };
        let carrier = apply::carrier(&settings, &clock, &rng, &spool)?;
        let fetchers = fetch::fetchers(&settings, &clock, &rng)?;
        let doing = format!("clearing {}", settings.fetched_folder().display());
        check::clear_leftovers(&settings).map_err(AgentError::io(doing))?;
        for source in settings.sources.iter().filter(|source| source.asked.is_some()) {
            let doing = format!("making the folder {}", source.folder.display());
            crate::durable::private_folder(&source.folder).map_err(AgentError::io(doing))?;
        }
        let (me, link) = (Mutex::new(Arc::new(identity)), tokio::sync::Mutex::new(None));
        let written = tokio::sync::Notify::new();
        Ok(Self {
            settings,
            spool,
            reading,
            write_back,
            carrier,
            written,
            fetchers,
            clock,
            rng,
            dial,
            me,
            link,
            settled: Mutex::new(None),
        })
    }

    /// Before anything new is received by an agent that writes: the settings of now hold from here on. Whoever only looks at the
    /// spool, beside an agent that runs by older settings, begins nothing.
    async fn begin(&self) -> Result<(), AgentError> {
        let Some(outbox) = &self.settings.outbox else { return Ok(()) };
        apply::begin(outbox, &self.spool).await?;
        // What the MIS or the settings didn't take they may take now.
        self.spool.try_aside_anew(self.clock.now()).await
    }

    /// Works until `stop` says true (or its sender is gone), then ends what is under way and returns.
    ///
    /// # Errors
    /// When the spool can't be used at all.
    pub async fn run(self, stop: watch::Receiver<bool>) -> Result<(), AgentError> {
        self.begin().await?;
        let agent = Arc::new(self);
        let mut loops = tokio::task::JoinSet::new();
        loops.spawn(loops::scanning(agent.clone(), stop.clone()));
        for index in 0..agent.settings.sources.len() {
            loops.spawn(loops::fetching(agent.clone(), index, stop.clone()));
        }
        loops.spawn(loops::publishing(agent.clone(), stop.clone()));
        loops.spawn(loops::upkeep(agent.clone(), stop.clone()));
        if agent.write_back.is_some() {
            loops.spawn(loops::receiving(agent.clone(), stop.clone()));
            loops.spawn(loops::deciding(agent.clone(), stop.clone()));
        }
        if agent.carrier.is_some() {
            loops.spawn(loops::applying(agent.clone(), stop));
        }
        while loops.join_next().await.is_some() {}
        agent.spool.close().await;
        Ok(())
    }

    /// Fetches this source by other means than the settings say.
    pub fn fetch_by(&mut self, source: &str, fetcher: Box<dyn Fetcher>) {
        self.fetchers.insert(source.to_owned(), fetcher);
    }

    /// Does everything once: fetches, reads the folders, publishes, receives what is there, reads results.
    ///
    /// # Errors
    /// When the hub can't be used or the spool fails. What was done stands.
    pub async fn once(&self) -> Result<Once, AgentError> {
        self.begin().await?;
        let done = self.pass().await;
        // Whatever the hub answered, and what was found out on the way.
        self.tell_alarms().await?;
        done
    }

    async fn pass(&self) -> Result<Once, AgentError> {
        for source in &self.settings.sources {
            if let Some(fetcher) = self.fetchers.get(&source.name) {
                fetch::round(source, &**fetcher, &self.spool, self.today()).await?;
            }
        }
        let mut scanner = Scanner::default();
        let mut looked = self.look(&mut scanner).await?;
        while looked.unsettled > 0 {
            tokio::time::sleep(Duration::from_millis(self.settings.pace.settle_ms.max(10))).await;
            let again = self.look(&mut scanner).await?;
            looked.verdicts.extend(again.verdicts);
            looked.unsettled = again.unsettled;
        }
        self.renew_if_due().await?;
        let hub = self.hub().await?;
        self.contact(&*hub).await?;
        let mut publisher = Publisher::new();
        let mut published = self.publish(&mut publisher, &*hub).await?;
        if published.forgotten > 0 {
            looked.verdicts.extend(self.look(&mut scanner).await?.verdicts);
            published += self.publish(&mut publisher, &*hub).await?;
        }
        let received = if self.write_back.is_some() { self.receive_what_is_there(&*hub).await? } else { 0 };
        self.decide(&*hub).await?;
        if self.apply().await?.is_some()
            && let Some(outbox) = &self.settings.outbox
        {
            results::read_all(&outbox.folder, &self.spool).await?;
            self.answer(&*hub).await?;
            self.decide(&*hub).await?;
        }
        Ok(Once { looked, published, received })
    }

    /// What was sent of a day against what the hub holds of it.
    ///
    /// # Errors
    /// When the hub can't be asked or the spool fails.
    pub async fn difference(&self, date: SchoolDate) -> Result<Difference, AgentError> {
        let hub = self.hub().await?;
        difference::compare(&*hub, &self.spool, date).await
    }

    /// Carries into the MIS what waits in the outbox; `None` if that is somebody else's work.
    async fn apply(&self) -> Result<Option<Applied>, AgentError> {
        let (Some(carrier), Some(outbox)) = (&self.carrier, &self.settings.outbox) else { return Ok(None) };
        let applier = Applier {
            folder: &outbox.folder,
            carrier,
            spool: &self.spool,
            rng: &*self.rng,
            first_retry: Duration::from_secs(self.settings.pace.retry_seconds),
            now: self.clock.now(),
        };
        applier.round().await.map(Some)
    }

    /// The spool, for status.
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// The status, as it is now.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn status(&self) -> Result<status::Status, AgentError> {
        status::Status::read(&self.settings, &self.identity(), &self.spool, self.clock.now()).await
    }

    /// A person lets a record that was set aside be tried again at once, or gives it up. False if there is none of this number.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn decide_aside(&self, sequence: u64, deed: Decided) -> Result<bool, AgentError> {
        let now = self.clock.now();
        match deed {
            Decided::Retry => self.spool.retry_aside(sequence, now).await,
            Decided::Dismiss => self.spool.dismiss_aside(sequence, now).await,
        }
    }

    /// Now, and which day that is here.
    fn today(&self) -> (Timestamp, SchoolDate) {
        let now = self.clock.now();
        (now, now.date_in(&self.settings.zone))
    }

    fn identity(&self) -> Arc<Identity> {
        self.me.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    async fn look(&self, scanner: &mut Scanner) -> Result<Looked, AgentError> {
        let now = self.clock.now();
        let looked = scanner.look(&self.settings, &self.spool, &self.reading, now).await?;
        if !looked.verdicts.is_empty() {
            status::write_problems(&self.settings, &self.spool).await?;
        }
        if let Some(outbox) = &self.settings.outbox {
            results::read_all(&outbox.folder, &self.spool).await?;
        }
        Ok(looked)
    }

    /// The connection to the hub; made if there is none.
    async fn hub(&self) -> Result<Arc<dyn Hub>, AgentError> {
        let mut link = self.link.lock().await;
        if let Some(hub) = &*link {
            return Ok(hub.clone());
        }
        let hub = self.dial.connect(&self.identity()).await?;
        *link = Some(hub.clone());
        Ok(hub)
    }

    /// Forgets a connection that failed, and gets a new certificate if the hub doesn't know this one.
    async fn after_failure(&self, error: &AgentError) {
        let AgentError::Hub(error) = error else { return };
        *self.link.lock().await = None;
        if *error == HubError::NotKnown
            && let Err(AgentError::Hub(HubError::NotKnown)) = self.renew().await
        {
            let text = "the hub no longer knows this agent: it was revoked, or not used for 90 days; everything is \
                        kept. Ask the data manager for a new invitation";
            let _ = self.spool.alarm("not-known", text, self.clock.now()).await;
        }
    }

    async fn renew_if_due(&self) -> Result<(), AgentError> {
        let due = renew::due(&self.identity(), &*self.rng);
        if self.clock.now() < due { Ok(()) } else { self.renew().await }
    }

    async fn renew(&self) -> Result<(), AgentError> {
        let renewed = self.dial.renew(&self.identity(), self.clock.now()).await?;
        *self.me.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(renewed);
        *self.link.lock().await = None;
        self.spool.calm("not-known").await?;
        tracing::info!("certificate renewed");
        Ok(())
    }

    /// Notes that the hub answered, and checks that its history extends what was seen.
    async fn contact(&self, hub: &dyn Hub) -> Result<(), AgentError> {
        let now = self.clock.now();
        if watchman::check(hub, &self.spool, &self.identity().log_key, now).await?.is_none() {
            status::write_problems(&self.settings, &self.spool).await?;
            self.keep_evidence().await?;
        }
        self.spool.set("contact", &now.micros().unsigned_abs().to_be_bytes()).await?;
        difference::nightly(hub, &self.spool, &self.settings, now).await;
        telling::tell(hub, &self.spool, &self.settings, now).await;
        asides::tell(hub, &self.spool, now).await;
        self.settle_lost(hub, now).await
    }

    /// Tells the institution's own address of alarms about the hub, whatever the hub does or doesn't answer.
    async fn tell_alarms(&self) -> Result<(), AgentError> {
        let Some(alarms) = &self.settings.alarms else { return Ok(()) };
        let told = hook::tell(alarms, &self.spool, self.identity().institution(), self.clock.now()).await?;
        if told > 0 {
            tracing::info!(told, "alarms about the hub were told to the webhook");
        }
        Ok(())
    }

    /// At the start and once a day: answers recalls that no program of ours carries out any more. Nobody must wait for ever.
    async fn settle_lost(&self, hub: &dyn Hub, now: Timestamp) -> Result<(), AgentError> {
        let last = *self.settled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.is_some_and(|last| now.micros() < last.plus_micros(DAY_US).micros()) {
            return Ok(());
        }
        let outbox = self.settings.outbox.as_ref();
        if let Some(outbox) = outbox {
            results::read_all(&outbox.folder, &self.spool).await?;
        }
        self.spool.settle_recalls().await?;
        let carried = outbox.filter(|outbox| outbox.apply.as_ref().is_some_and(Apply::takes_out));
        let lost = self.spool.settle_lost_recalls(carried.map(|outbox| &*outbox.folder)).await?;
        if lost > 0 || outbox.is_none() {
            self.answer(hub).await?;
        }
        *self.settled.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(now);
        Ok(())
    }

    /// Two checkpoints that can't both be true, as files that the data manager can hand to anybody.
    async fn keep_evidence(&self) -> Result<(), AgentError> {
        let Some((kept, refused)) = watchman::evidence(&self.spool).await? else { return Ok(()) };
        for (path, note) in self.settings.evidence_files().into_iter().zip([kept, refused]) {
            let doing = format!("writing {}", path.display());
            crate::durable::replace(&path, note.as_bytes(), crate::durable::Readers::Owner)
                .map_err(AgentError::io(doing))?;
        }
        Ok(())
    }

    async fn publish(&self, publisher: &mut Publisher, hub: &dyn Hub) -> Result<Published, AgentError> {
        let identity = self.identity();
        let (now, pace) = (self.clock.now(), &self.settings.pace);
        publisher.round(hub, &self.spool, Signer::from(&*identity), pace, now, &*self.rng).await
    }

    fn receiver<'a>(&'a self, hub: &'a dyn Hub, write_back: &'a dyn WriteBack) -> Receiver<'a> {
        Receiver { hub, spool: &self.spool, write_back, rng: &*self.rng, now: self.clock.now() }
    }

    async fn take(&self, hub: &dyn Hub, piece: &ReceiveResponse) -> Result<Received, AgentError> {
        let Some(write_back) = self.write_back.as_deref() else { return Ok(Received::default()) };
        let received = self.receiver(hub, write_back).take(piece).await?;
        self.written.notify_one();
        self.acknowledge(hub).await?;
        if received.recalled > 0 {
            self.answer(hub).await?;
        }
        Ok(received)
    }

    /// Finishes what was under way, tries again what was set aside, and repeats the acknowledgement.
    async fn resume(&self, hub: &dyn Hub) -> Result<(), AgentError> {
        let Some(write_back) = self.write_back.as_deref() else { return Ok(()) };
        let receiver = self.receiver(hub, write_back);
        receiver.resume().await?;
        receiver.retry_aside().await?;
        self.acknowledge(hub).await?;
        self.answer(hub).await
    }

    /// Brings what people here decided of session codes into the outbox, and tells the hub what became of it.
    async fn decide(&self, hub: &dyn Hub) -> Result<u64, AgentError> {
        let (Some(write_back), Some(outbox)) = (self.write_back.as_deref(), &self.settings.outbox) else {
            return Ok(0);
        };
        let (identity, now) = (self.identity(), self.clock.now());
        let (home, zone, sessions) = (identity.institution(), &self.settings.zone, &outbox.sessions);
        let written =
            Decider { hub, spool: &self.spool, write_back, home, sessions, zone, now }.round().await?;
        if written > 0 {
            self.written.notify_one();
        }
        Ok(written)
    }

    /// Sends deletion receipts that the hub does not have yet.
    async fn answer(&self, hub: &dyn Hub) -> Result<(), AgentError> {
        let (identity, now) = (self.identity(), self.clock.now());
        recall::answer(hub, &self.spool, identity.institution(), &identity.signing, now).await.map(drop)
    }

    /// Acknowledges what is safe. A lost acknowledgement is made up for by the next one.
    async fn acknowledge(&self, hub: &dyn Hub) -> Result<(), AgentError> {
        let cursor = self.spool.cursor().await?;
        if cursor.sequence <= self.spool.number("acknowledged").await? {
            return Ok(());
        }
        let identity = self.identity();
        let request = acknowledge(identity.institution(), cursor.sequence, &cursor.digest, &identity.signing)
            .map_err(|_| AgentError::Keys("the receipt could not be signed"))?;
        match hub.acknowledge(request).await {
            Ok(_) => self.spool.set("acknowledged", &cursor.sequence.to_be_bytes()).await,
            Err(HubError::OutOfRange) => {
                let text = "the hub has sent less than this agent holds; its operator must look";
                self.spool.alarm("hub-went-back", text, self.clock.now()).await
            }
            Err(other) => Err(other.into()),
        }
    }

    async fn receive_what_is_there(&self, hub: &dyn Hub) -> Result<u64, AgentError> {
        self.resume(hub).await?;
        let mut feed = hub.receive(self.spool.cursor().await?.sequence).await?;
        let mut written = 0;
        while let Ok(piece) = tokio::time::timeout(QUIET, feed.next()).await {
            let Some(piece) = piece? else { break };
            written += self.take(hub, &piece).await?.written;
        }
        Ok(written)
    }

    fn wait(&self, tries: u32, error: &AgentError) -> Duration {
        let wait = backoff(tries, WAITS.0, WAITS.1, &*self.rng);
        match error {
            AgentError::Hub(HubError::Busy { after: Some(after) }) => wait.max(*after),
            AgentError::Hub(HubError::NotKnown | HubError::NotAllowed) => wait.max(Duration::from_secs(5)),
            _ => wait,
        }
    }
}

/// What one pass did.
#[derive(Debug)]
pub struct Once {
    /// What was found in the folders.
    pub looked: Looked,
    /// What was published.
    pub published: Published,
    /// Records written back.
    pub received: u64,
}
