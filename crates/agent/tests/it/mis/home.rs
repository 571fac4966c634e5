//! A home whose agent carries partners' marks into its MIS.

use super::{Database, asking};
use crate::{
    fake_hub::FakeHub,
    rig::{Dice, School},
};
use commonroll_agent::{
    AgentError, Clock, Hub, Randomness,
    apply::{self, Applied, Applier, Carrier},
    outbox::{Folder, results},
    receive::Receiver,
    settings::Outbox,
    spool::sight::RefusedRow,
};
use commonroll_wire::{HEAD_BIT, redact};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// A home with this `[outbox.apply]`.
pub async fn home(database: &Database, mis: &str, more: &str) -> School {
    let text = format!(
        "{}[outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n[outbox.apply]\nto = \"write\"\nmis = \"{mis}\"\n{more}",
        database.connection("write", "write")
    );
    School::of("ridgeway", &text, &[("right", "right")]).await
}

/// A host whose attendance is read from its database.
pub async fn host(database: &Database, product: &str) -> (School, FakeHub) {
    let host = asking::school("northgate", database, &[&format!("{product}-attendance")]).await;
    let hub = FakeHub::new().knows("northgate", &host.key);
    hub.with(|state| state.home_prefix = "");
    (host, hub)
}

/// A host whose MIS exports rows of one kind, with the hub that it sends them to.
pub struct Exporter {
    host: School,
    captions: &'static str,
    pub hub: FakeHub,
}

impl Exporter {
    /// One whose rows have these captions and are read by this mapping.
    pub async fn new(mapping: &str, captions: &'static str) -> Self {
        let source = "[[source]]\nname = \"own\"\nfolder = \"exports\"\npattern = \"own*.csv\"\nconnector = \"delimited\"\n\
                      mapping = \"own.toml\"\nshrink_percent_max = 100\n";
        let host = School::of("northgate", source, &[("own.toml", mapping)]).await;
        let hub = FakeHub::new().knows("northgate", &host.key);
        hub.with(|state| state.home_prefix = "");
        Self { host, captions, hub }
    }

    /// Its MIS exports these rows and no others, and what is new in them is sent.
    pub async fn exports(&mut self, rows: &[&str]) {
        self.host.wait(60);
        self.host.put("own.csv", &format!("{}\n{}\n", self.captions, rows.join("\n")));
        self.host.look().await;
        self.host.publish(&self.hub).await.unwrap();
    }

    /// The hub sends the newest record of its log once more, with these field groups of it beside its head.
    pub fn sends_again(&self, groups: u32) {
        self.hub.with(|state| {
            let (mut batch, text) =
                state.log.iter().rfind(|(batch, _)| !batch.records[0].again).unwrap().clone();
            let (at, record) = (state.log.len() as u64 + 1, &mut batch.records[0]);
            (record.sequence, record.again) = (at, true);
            record.record = record.record.as_ref().map(|whole| redact(whole, HEAD_BIT | groups).unwrap());
            state.log.push((batch, text));
        });
    }
}

impl School {
    /// What the host's MIS says is sent.
    pub async fn send(&mut self, hub: &FakeHub) {
        // Past the quarter of an hour after which a query is asked anyway: the server notes changes a moment later.
        self.wait(16 * 60);
        self.ask_and_look().await;
        self.publish(hub).await.unwrap();
    }

    /// What the hub has is written into the outbox, and from there carried into the MIS.
    pub async fn receive_and_apply(&mut self, hub: &FakeHub) -> Applied {
        self.receive_into(self.settings.outbox.as_ref().unwrap(), hub).await;
        self.apply().await
    }

    /// From now on rows are carried over this socket. Gives the one before.
    pub fn goes_over(&mut self, socket: &Path) -> PathBuf {
        let apply = self.settings.outbox.as_mut().unwrap().apply.as_mut().unwrap();
        let mut connection = (*apply.connection).clone();
        let before = connection.options.insert("socket".to_owned(), socket.display().to_string());
        apply.connection = connection.into();
        before.unwrap().into()
    }

    /// The agent starts with these settings of its outbox. Gives how many lists it passes over.
    pub async fn begins(&self, outbox: &Outbox) -> u64 {
        Folder::open(outbox, self.settings.zone.clone()).unwrap();
        apply::begin(outbox, &self.spool).await.unwrap()
    }

    /// What the hub has is written into an outbox, and lies there.
    pub async fn receive_into(&self, outbox: &Outbox, hub: &FakeHub) {
        let folder = Folder::open(outbox, self.settings.zone.clone()).unwrap();
        let receiver = Receiver { hub, spool: &self.spool, write_back: &folder, rng: &Dice, now: self.now };
        let mut feed = hub.receive(self.spool.cursor().await.unwrap().sequence).await.unwrap();
        while let Some(piece) = feed.next().await.unwrap() {
            receiver.take(&piece).await.unwrap();
        }
    }

    pub async fn apply(&self) -> Applied {
        self.apply_by(&self.carrier().unwrap()).await
    }

    /// Whoever carries rows into the MIS, as the settings say.
    pub fn carrier(&self) -> Result<Arc<dyn Carrier>, AgentError> {
        let clock: Arc<dyn Clock> = Arc::new(crate::wonde::Still(self.now));
        let rng: Arc<dyn Randomness> = Arc::new(Dice);
        Ok(apply::carrier(&self.settings, &clock, &rng, &self.spool)?.unwrap())
    }

    pub async fn apply_by(&self, carrier: &Arc<dyn Carrier>) -> Applied {
        let folder = &self.settings.outbox.as_ref().unwrap().folder;
        let first_retry = Duration::from_secs(30);
        let applier = Applier { folder, carrier, spool: &self.spool, rng: &Dice, first_retry, now: self.now };
        let applied = applier.round().await.unwrap();
        results::read_all(folder, &self.spool).await.unwrap();
        applied
    }

    /// Refusals that `agent status` shows.
    pub async fn refused(&self) -> Vec<RefusedRow> {
        self.spool.results(100).await.unwrap().0
    }

    /// The outbox's result files, oldest first.
    pub fn result_files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.settings.outbox.as_ref().unwrap().folder).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.to_str().unwrap().ends_with(".result.csv"));
        files.sort();
        files
    }
}
