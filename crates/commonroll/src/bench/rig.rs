//! What is measured: a hub as a process of its own over a fresh database, with its institutions and their clients.

use super::load::{Client, LEARNERS};
use crate::{
    commands::told,
    real::{Real, now},
};
use commonroll_agent::{Identity, hub::grpc::GrpcHub};
use commonroll_audit::PublicKey;
use commonroll_core::{Role, Slug};
use commonroll_exchange::{ConsortiumFile, Exchange, PersonWanted, PlacementText};
use commonroll_hub::{Settings, Sources};
use std::{
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

/// Name of the embedded engine.
pub const ENGINE_SQLITE: &str = "sqlite";

/// A hub under test.
pub struct Rig {
    site: Site,
    hub: HubProcess,
    identities: Vec<Arc<Identity>>,
}

/// A hub that is set up, and not yet running.
pub struct Site {
    folder: tempfile::TempDir,
    database: String,
    agents: u16,
    /// Settings besides the usual.
    more: Vec<(String, String)>,
    /// The hub's data, opened here.
    pub exchange: Exchange,
}

/// Slug of an agent's institution.
pub fn slug_of(agent: u16) -> Result<Slug, String> {
    format!("partner-{agent}").parse().map_err(told)
}

impl Site {
    /// Sets up a hub with these partners over a fresh database.
    pub async fn found(
        files: Vec<ConsortiumFile>,
        agents: u16,
        postgres: Option<&str>,
        more: Vec<(String, String)>,
    ) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(told)?;
        let dir = folder.path().join("hub");
        let database =
            postgres.map_or_else(|| format!("sqlite:{}", dir.join("hub.db").display()), str::to_owned);
        let settings = settings(&dir, &database, None)?;
        commonroll_hub::init(&settings, now(), &Real).map_err(told)?;
        let exchange = commonroll_hub::open_exchange(&settings, now(), &Real).await.map_err(told)?;
        if !exchange.stats().institutions.is_empty() {
            return Err("--postgres: the database is not empty; give one that the bench may fill".to_owned());
        }
        for file in files {
            exchange.import(&file, "bench", now()).await.map_err(told)?;
        }
        Ok(Self { folder, database, agents, more, exchange })
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    fn start(&self) -> Result<HubProcess, String> {
        HubProcess::start(
            &self.dir(),
            &self.database,
            &self.more,
            self.people().exists().then(|| self.people()),
        )
    }

    /// The list of people that the console's demo sign-in offers, if there is one.
    pub fn people(&self) -> PathBuf {
        self.folder.path().join("people.toml")
    }

    /// Starts the hub, and lets every partner's agent join.
    pub async fn open(self) -> Result<Rig, String> {
        let hub = self.start()?;
        let settings = settings(&self.dir(), &self.database, Some(&hub))?;
        let mut identities = Vec::new();
        for agent in 0..self.agents {
            let institution = slug_of(agent)?;
            let valid = Duration::from_secs(3600);
            let whom = (&institution, valid, "bench");
            let invitation =
                commonroll_hub::invite(&settings, &self.exchange, whom, now(), &Real).await.map_err(told)?;
            let home = self.folder.path().join(institution.as_str());
            commonroll_agent::join::join(&invitation, &home, now(), &Real).await.map_err(told)?;
            identities.push(Arc::new(Identity::load(&home).map_err(told)?));
        }
        Ok(Rig { site: self, hub, identities })
    }
}

impl Rig {
    /// A hub with a ring of partners: each hosts the learners of the next.
    pub async fn start(agents: u16, postgres: Option<&str>) -> Result<Self, String> {
        let rig = Site::found(ring(agents)?, agents, postgres, Vec::new()).await?.open().await?;
        rig.site.exchange.close(now()).await;
        Ok(rig)
    }

    /// Where the console is, and who vouches for it.
    pub fn console(&self) -> Result<(SocketAddr, String), String> {
        let authority = std::fs::read_to_string(self.site.dir().join("keys/ca.pem")).map_err(told)?;
        Ok((self.hub.console.ok_or("the hub has no console")?, authority))
    }

    /// The hub's data, opened here beside the hub.
    pub fn exchange(&self) -> &Exchange {
        &self.site.exchange
    }

    /// Where this run keeps its files.
    pub fn folder(&self) -> &Path {
        self.site.folder.path()
    }

    /// The operator's invitation for the first of an office.
    pub async fn invite_first(&self, institution: &Slug, role: Role) -> Result<String, String> {
        let settings = settings(&self.site.dir(), &self.site.database, Some(&self.hub))?;
        let wanted = PersonWanted {
            name: format!("The {role} of {institution}"),
            roles: [role].into(),
            staff: None,
            learner: None,
        };
        let (whom, valid) = ((institution, wanted), Duration::from_secs(3600));
        commonroll_hub::invite_person(&settings, self.exchange(), whom, (valid, "bench"), (now(), &Real))
            .await
            .map_err(told)
    }

    /// The home of the learners that an agent's institution hosts.
    pub fn home_of(&self, agent: u16) -> u16 {
        (agent + 1) % self.site.agents
    }

    /// A connected client of an agent's institution.
    pub async fn client(&self, agent: u16) -> Result<Client, String> {
        let at = |n: u16| self.identities.get(usize::from(n)).ok_or("no such agent");
        let me = at(agent)?;
        let source = at((agent + self.site.agents - 1) % self.site.agents)?;
        let hub = GrpcHub::connect(me, &self.hub.agents.to_string()).await.map_err(told)?;
        let source_key: PublicKey = source.signing.public();
        Ok(Client { slug: slug_of(agent)?, hub, me: me.clone(), source_key })
    }

    /// What the bare engine needs for as many rows, on the same disk and with the same durability. `turn` tells the
    /// measurements of a run apart.
    pub async fn raw_append(&self, rows: u64, turn: u8) -> Result<Duration, String> {
        let url = match self.site.database.starts_with("postgres") {
            true => self.site.database.clone(),
            false => {
                format!("sqlite:{}", self.site.folder.path().join(format!("ceiling-{turn}.db")).display())
            }
        };
        commonroll_store::ceiling::raw_append(&url, rows, 200, dated_id).await.map_err(told)
    }

    /// Median time of a 4 KiB append with fdatasync beside the database, in milliseconds.
    pub fn flush_ms(&self) -> Result<f64, String> {
        let mut file = std::fs::File::create(self.site.folder.path().join("flush")).map_err(told)?;
        let mut times = Vec::new();
        for _ in 0..200 {
            let begun = Instant::now();
            file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).map_err(told)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[times.len() / 2])
    }

    /// Processor time that the hub's process and this one have used, in seconds, where the system tells.
    pub fn cpu_seconds(&self) -> Option<(f64, f64)> {
        Some((cpu_seconds(self.hub.child.id())?, cpu_seconds(std::process::id())?))
    }

    /// Most memory that the hub's process ever had resident, where the system tells.
    pub fn hub_peak_mib(&self) -> Option<f64> {
        peak_mib(self.hub.child.id())
    }

    /// Stops the hub and starts it again; gives the time until it is ready and the size of its log.
    pub async fn restart(&mut self) -> Result<(Duration, u64), String> {
        self.hub.stop().map_err(told)?;
        let dir = self.site.dir();
        let begun = Instant::now();
        self.hub = self.site.start()?;
        while !answers_ready(self.hub.local) {
            if begun.elapsed() > Duration::from_secs(60) {
                return Err("the hub did not get ready within a minute".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let ready = begun.elapsed();
        let settings = settings(&dir, &self.site.database, None)?;
        let exchange = commonroll_hub::open_exchange(&settings, now(), &Real).await.map_err(told)?;
        Ok((ready, exchange.stats().log_entries))
    }

    /// Stops the hub, verifies its log as `audit verify` does, and has some of its entries proved.
    pub async fn stop_and_verify(mut self) -> Result<Checked, String> {
        self.hub.stop().map_err(told)?;
        let settings = settings(&self.site.dir(), &self.site.database, None)?;
        let exchange = commonroll_hub::open_exchange(&settings, now(), &Real).await.map_err(told)?;
        let begun = Instant::now();
        let verified = exchange.verify(|_| ()).await.map_err(told)?;
        let rate = verified.entries as f64 / begun.elapsed().as_secs_f64();
        let mut times = Vec::new();
        for n in 0..PROOFS {
            let begun = Instant::now();
            exchange.prove(1 + n * verified.entries / PROOFS).await.map_err(told)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(Checked { rate, proof_ms: times[times.len() * 99 / 100] })
    }
}

/// Entries that are proved, spread over the log.
const PROOFS: u64 = 200;

/// What the log's own evidence costs.
pub struct Checked {
    /// Entries verified a second.
    pub rate: f64,
    /// Time of a proof that an entry is in the log, 99th percentile, in milliseconds.
    pub proof_ms: f64,
}

/// Ids that sort by date, as the product's do: the ceiling is not made slower by random ones.
fn dated_id(number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(number / 60_000).to_be_bytes());
    id[8..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id
}

fn settings(dir: &Path, database: &str, hub: Option<&HubProcess>) -> Result<Settings, String> {
    let mut flags = flags(database);
    if let Some(hub) = hub {
        flags.push(("public.agents".to_owned(), hub.agents.to_string()));
        flags.push(("public.join".to_owned(), hub.join.to_string()));
    }
    Settings::load(&Sources { file: None, data: Some(dir.to_owned()), environment: None, flags })
        .map_err(told)
}

fn flags(database: &str) -> Vec<(String, String)> {
    let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let fixed = [
        ("consortium", "bench"),
        ("listen.agents", "127.0.0.1:0"),
        ("listen.join", "127.0.0.1:0"),
        ("listen.local", "127.0.0.1:0"),
        ("limits.records_per_second", "10000000"),
        ("limits.records_burst", "10000000"),
        ("limits.calls_per_second", "100000"),
        ("database", database),
    ];
    fixed.map(own).into()
}

/// Institutions, one agreement, and each host's learners as a file of its own, so that no entry of the log is huge.
fn ring(agents: u16) -> Result<Vec<ConsortiumFile>, String> {
    let mut text = String::new();
    let mut parties = Vec::new();
    for agent in 0..agents {
        let slug = slug_of(agent)?;
        text += &format!(
            "[[institution]]\nslug = \"{slug}\"\nname = \"Partner {agent}\"\ntype = \"school\"\ntime_zone = \"UTC\"\n"
        );
        parties.push(format!("\"{slug}\""));
    }
    text += &format!(
        "[[agreement]]\nid = \"all\"\nversion = 1\nparties = [{}]\npurpose = \"measuring\"\nfirst_date = \"2020-01-01\"\nlast_date = \"2099-12-31\"\n\
         [agreement.kinds]\nattendance = [\"presence\", \"source_code\", \"note\"]\n",
        parties.join(", ")
    );
    let mut files = vec![ConsortiumFile::parse(&text).map_err(told)?.signed_by(&[1; 32])];
    for agent in 0..agents {
        let learners = (0..LEARNERS).map(|n| [format!("h-{n}"), format!("n-{n}")]).collect();
        let placement = PlacementText {
            home: slug_of((agent + 1) % agents)?,
            host: slug_of(agent)?,
            group: "ENG-1".to_owned(),
            first_date: "2020-01-01".to_owned(),
            last_date: "2099-12-31".to_owned(),
            learners,
        };
        files.push(ConsortiumFile { placements: vec![placement], ..ConsortiumFile::default() });
    }
    Ok(files)
}

/// A running `commonroll hub run`, ended with its owner.
struct HubProcess {
    child: Child,
    agents: SocketAddr,
    join: SocketAddr,
    local: SocketAddr,
    console: Option<SocketAddr>,
}

impl HubProcess {
    fn start(
        dir: &Path,
        database: &str,
        more: &[(String, String)],
        people: Option<PathBuf>,
    ) -> Result<Self, String> {
        let program: PathBuf = std::env::current_exe().map_err(told)?;
        let mut command = Command::new(program);
        // As deploy/commonroll-hub.service starts it.
        command
            .args(["hub", "run", "--dir"])
            .arg(dir)
            .env("COMMONROLL_LOG", "warn")
            .env("MALLOC_ARENA_MAX", "2")
            .env("MIMALLOC_PURGE_DELAY", "20");
        for (key, value) in flags(database).iter().chain(more) {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        if let Some(people) = people {
            command.arg("--demo-people").arg(people);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(told)?;
        let out = child.stdout.take().ok_or("the hub has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).map_err(told)?;
        let word = |name: &str| {
            let mut words = line.split_whitespace().skip_while(|word| *word != name);
            words.nth(1).and_then(|at| at.parse().ok())
        };
        let must = |name: &str| word(name).ok_or_else(|| "the hub did not start".to_owned());
        let (agents, join, local) = (must("agents")?, must("join")?, must("local")?);
        let console = word("console");
        Ok(Self { child, agents, join, local, console })
    }

    /// Kills the process: a hub must be ready again after that too.
    fn stop(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ())
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

fn answers_ready(local: SocketAddr) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = std::net::TcpStream::connect(local)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line.contains(" 200 "))
    };
    ask().unwrap_or(false)
}

/// Peak resident memory of a process in MiB; only Linux tells.
fn peak_mib(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

/// User and system time of a process in seconds; only Linux tells, in hundredths.
fn cpu_seconds(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let ticks = |at: usize| stat.rsplit(')').next()?.split_whitespace().nth(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}
