//! The stage: a hub and an agent for each partner, as processes of their own, on loopback.
//!
//! Everything is done as an operator would: init, import, an invitation for each, join, run. Children end with this
//! program, also when it panics.

use super::setup::{Content, FileToWrite, Partner, Setup};
use crate::{
    commands::told,
    real::{Real, now},
};
use commonroll_core::Slug;
use commonroll_exchange::{ConsortiumFile, Exchange};
use commonroll_hub::Sources;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

/// How long an invitation of the demo is good.
const INVITED_FOR: Duration = Duration::from_secs(3600);
/// How long a child may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Processes and folders.
pub struct Stage {
    root: PathBuf,
    program: PathBuf,
    hub: Option<Child>,
    agents: Vec<Option<Child>>,
    /// Address of the hub's local port, for metrics.
    local: String,
    /// Where the console is.
    pub console: String,
}

/// What the hub counted.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counted {
    pub accepted: u64,
    pub repeats: u64,
    pub delivered: u64,
}

impl Stage {
    /// Makes folders, keys and files, imports the consortium, and starts the hub. `port` is the first of four to use;
    /// any that are free if left out.
    pub async fn raise(root: &Path, setup: &Setup, port: Option<u16>) -> Result<(Self, Vec<String>), String> {
        let program = std::env::current_exe().map_err(|error| format!("can't find this program: {error}"))?;
        for partner in &setup.partners {
            lay_out(root, partner)?;
        }
        fs::write(root.join("consortium.toml"), &setup.consortium)
            .map_err(|error| format!("consortium.toml: {error}"))?;
        let ports = ports(port)?;
        let listen = |name: &str, port: u16| (format!("listen.{name}"), format!("127.0.0.1:{port}"));
        let flags = vec![
            listen("agents", ports[0]),
            listen("join", ports[1]),
            listen("local", ports[2]),
            listen("console", ports[3]),
        ];
        let (invitations, list) = found(&root.join("hub"), setup, flags).await?;
        fs::write(people(root), list).map_err(|error| format!("console-people.toml: {error}"))?;
        let mut stage = Self {
            root: root.to_owned(),
            program,
            hub: None,
            agents: setup.partners.iter().map(|_| None).collect(),
            local: format!("127.0.0.1:{}", ports[2]),
            console: format!("https://localhost:{}", ports[3]),
        };
        stage.start_hub().await?;
        Ok((stage, invitations))
    }

    async fn start_hub(&mut self) -> Result<(), String> {
        let mut command = self.command("hub.log")?;
        command.args(["hub", "run", "--dir"]).arg(self.root.join("hub"));
        command.arg("--demo-people").arg(people(&self.root)).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("the hub can't be started: {error}"))?;
        let output = child.stdout.take().ok_or("the hub has no output")?;
        let mut line = String::new();
        let read =
            tokio::time::timeout(Duration::from_secs(20), BufReader::new(output).read_line(&mut line)).await;
        self.hub = Some(child);
        match read {
            Ok(Ok(read)) if read > 0 => Ok(()),
            _ => Err(format!("the hub did not start; see {}", self.root.join("hub.log").display())),
        }
    }

    /// A command of this program whose log goes to a file, and which ends with us.
    fn command(&self, log: &str) -> Result<Command, String> {
        let path = self.root.join(log);
        let log = fs::OpenOptions::new().create(true).append(true).open(&path);
        let log = log.map_err(|error| format!("{}: {error}", path.display()))?;
        let mut command = Command::new(&self.program);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        // Ctrl-C is for us: we end our children ourselves, in order.
        #[cfg(unix)]
        command.process_group(0);
        Ok(command)
    }

    /// Uses up an invitation and starts the agent.
    pub async fn join(&self, partner: &Partner, invitation: &str) -> Result<Child, String> {
        let folder = folder(&self.root, &partner.slug);
        let file = folder.join(format!("{}.invitation", partner.slug));
        fs::write(&file, invitation).map_err(|error| format!("{}: {error}", file.display()))?;
        let log = format!("partners/{}/agent.log", partner.slug);
        let mut join = self.command(&log)?;
        join.args(["agent", "join", "--settings"]).arg(folder.join("agent.toml")).arg(&file);
        let status = join.status().await.map_err(|error| format!("{}: {error}", partner.slug))?;
        if !status.success() {
            return Err(format!("{} could not join; see {}", partner.slug, self.root.join(log).display()));
        }
        self.spawn_agent(&partner.slug)
    }

    /// Takes a started agent in.
    pub fn take_in(&mut self, place: usize, agent: Child) {
        self.agents[place] = Some(agent);
    }

    /// Starts the agent of a partner that has joined.
    pub fn spawn_agent(&self, slug: &str) -> Result<Child, String> {
        let mut run = self.command(&format!("partners/{slug}/agent.log"))?;
        run.args(["agent", "run", "--settings"]).arg(folder(&self.root, slug).join("agent.toml"));
        run.spawn().map_err(|error| format!("the agent of {slug} can't be started: {error}"))
    }

    /// Stops an agent in its tracks, as a power cut does.
    pub async fn cut_off(&mut self, place: usize) {
        if let Some(mut agent) = self.agents[place].take() {
            let _ = agent.kill().await;
        }
    }

    /// Ends an agent in order.
    pub async fn stop(&mut self, place: usize) {
        end(self.agents[place].take().into_iter().collect()).await;
    }

    /// A child that ended though nobody told it to.
    pub fn fallen(&mut self) -> Option<String> {
        let ended = |child: &mut Option<Child>| {
            child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
        };
        if ended(&mut self.hub) {
            return Some("hub.log".to_owned());
        }
        self.agents.iter_mut().position(ended).map(|place| format!("the agent.log of partner {}", place + 1))
    }

    /// What the hub counted, from its local port.
    pub async fn counted(&self) -> Option<Counted> {
        let read = async {
            let mut stream = TcpStream::connect(&self.local).await.ok()?;
            stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.ok()?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await.ok()?;
            Some(text)
        };
        let text = tokio::time::timeout(Duration::from_secs(2), read).await.ok()??;
        let sum = |name: &str, label: &str| -> u64 {
            let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
            lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() as u64
        };
        Some(Counted {
            accepted: sum("commonroll_records_total", "\"accepted\""),
            repeats: sum("commonroll_records_total", "\"duplicate\""),
            delivered: sum("commonroll_delivered_records_total", ""),
        })
    }

    /// Waits until the hub has taken so many records more, for a few seconds at most.
    pub async fn wait_for_more(&self, records: u64) {
        let taken = async || self.counted().await.unwrap_or_default().accepted;
        let enough = taken().await + records;
        let until = std::time::Instant::now() + Duration::from_secs(3);
        while taken().await < enough && std::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Ends the agents, then the hub: asked first, made to if they don't.
    pub async fn clear(&mut self) {
        let agents: Vec<Child> = self.agents.iter_mut().filter_map(Option::take).collect();
        end(agents).await;
        end(self.hub.take().into_iter().collect()).await;
    }

    /// Opens the hub's log, beside the hub.
    pub async fn log(&self) -> Result<Exchange, String> {
        open(&self.root.join("hub"), Vec::new()).await.map(|(_, exchange)| exchange)
    }
}

async fn end(children: Vec<Child>) {
    for child in &children {
        ask(child).await;
    }
    for mut child in children {
        if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }
}

/// Asks a process to end.
#[cfg(unix)]
async fn ask(child: &Child) {
    if let Some(id) = child.id() {
        let _ = Command::new("kill").arg(id.to_string()).stderr(Stdio::null()).status().await;
    }
}

/// Windows has no way to ask; the agent and the hub bear being ended.
#[cfg(not(unix))]
async fn ask(_: &Child) {}

/// Folder of a partner.
pub fn folder(root: &Path, slug: &str) -> PathBuf {
    root.join("partners").join(slug)
}

/// A home's outbox.
pub fn outbox(root: &Path, slug: &str) -> PathBuf {
    folder(root, slug).join("outbox")
}

async fn open(
    hub: &Path,
    flags: Vec<(String, String)>,
) -> Result<(commonroll_hub::Settings, Exchange), String> {
    let sources =
        Sources { file: None, data: Some(hub.to_owned()), environment: Some(Default::default()), flags };
    let settings = commonroll_hub::Settings::load(&sources).map_err(told)?;
    let exchange = commonroll_hub::open_exchange(&settings, now(), &Real).await.map_err(told)?;
    Ok((settings, exchange))
}

/// Makes the hub, imports the consortium, and invites every partner; enrols the people of the console.
async fn found(
    hub: &Path,
    setup: &Setup,
    flags: Vec<(String, String)>,
) -> Result<(Vec<String>, String), String> {
    let sources = Sources {
        file: None,
        data: Some(hub.to_owned()),
        environment: Some(Default::default()),
        flags: flags.clone(),
    };
    let settings = commonroll_hub::Settings::load(&sources).map_err(told)?;
    commonroll_hub::init(&settings, now(), &Real).map_err(told)?;
    let (settings, exchange) = open(hub, flags).await?;
    let consortium =
        ConsortiumFile::parse(&setup.consortium).map_err(|error| format!("consortium.toml: {error}"))?;
    // The demo plays the heads, and says so: nobody else has signed anything.
    let consortium = consortium.signed_by(&Real.random_seed());
    exchange.import(&consortium, "demo", now()).await.map_err(told)?;
    let mut invitations = Vec::new();
    for partner in &setup.partners {
        let slug: Slug = partner.slug.parse().map_err(|error| format!("{}: {error}", partner.slug))?;
        let whom = (&slug, INVITED_FOR, "demo");
        invitations
            .push(commonroll_hub::invite(&settings, &exchange, whom, now(), &Real).await.map_err(told)?);
    }
    let list = super::people::enrol(&exchange, setup).await?;
    exchange.close(now()).await;
    Ok((invitations, list))
}

/// The list of people of the console.
fn people(root: &Path) -> PathBuf {
    root.join("console-people.toml")
}

/// Four ports: from `first` on, or any that are free.
fn ports(first: Option<u16>) -> Result<[u16; 4], String> {
    if let Some(first) = first {
        let next = |more| first.checked_add(more).ok_or("--port must leave room for four ports");
        return Ok([first, next(1)?, next(2)?, next(3)?]);
    }
    let free = || TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"));
    // All four are held at once, so that they differ.
    let held = [free()?, free()?, free()?, free()?];
    let mut ports = [0; 4];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr().map_err(|error| format!("no free port: {error}"))?.port();
    }
    Ok(ports)
}

/// Folders, settings, mappings and first files of a partner.
fn lay_out(root: &Path, partner: &Partner) -> Result<(), String> {
    let base = folder(root, &partner.slug);
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let make = |path: PathBuf| fs::create_dir_all(&path).map_err(|error| failed(&path, error));
    make(base.join("mappings"))?;
    make(base.join("outbox"))?;
    for source in &partner.sources {
        make(base.join("exports").join(&source.folder))?;
        if let Some(text) = &source.mapping {
            let path = base.join("mappings").join(format!("{}.toml", source.name));
            fs::write(&path, text).map_err(|error| failed(&path, error))?;
        }
    }
    let path = base.join("agent.toml");
    fs::write(&path, settings(partner)).map_err(|error| failed(&path, error))?;
    partner.files.iter().try_for_each(|file| write(root, &partner.slug, file))
}

/// The text of `agent.toml`.
fn settings(partner: &Partner) -> String {
    let mut text = format!("data = \"data\"\nzone = {:?}\n\n[outbox]\nfolder = \"outbox\"\n", partner.zone);
    if let Some((am, pm)) = &partner.sessions {
        text.push_str(&format!("sessions = {{ am = {am:?}, pm = {pm:?} }}\n"));
    }
    // Exports of the demo are renamed into place, so there is nothing to wait for. Small batches let a power cut fall
    // between two of them.
    text.push_str("\n[pace]\nsettle_ms = 20\nbatch_records_max = 25\n");
    for source in &partner.sources {
        let folder = format!("exports/{}", source.folder);
        text.push_str(&format!(
            "\n[[source]]\nname = {:?}\nfolder = {folder:?}\npattern = {:?}\nconnector = {:?}\n",
            source.name, source.pattern, source.connector
        ));
        if source.mapping.is_some() {
            text.push_str(&format!("mapping = \"mappings/{}.toml\"\n", source.name));
        }
        if source.delta {
            text.push_str("export = \"delta\"\n");
        }
        if source.absence_in_folder {
            text.push_str("absence = \"folder\"\n");
        }
        if let Some(percent) = source.shrink_percent_max {
            text.push_str(&format!("shrink_percent_max = {percent}\n"));
        }
    }
    text
}

/// Puts an export into a partner's folder: whole or not at all, as a careful MIS does.
pub fn write(root: &Path, slug: &str, file: &FileToWrite) -> Result<(), String> {
    let path = folder(root, slug).join("exports").join(&file.path);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let aside = folder(root, slug).join("export-being-written");
    match &file.content {
        Content::Bytes(bytes) => fs::write(&aside, bytes).map_err(failed)?,
        Content::CopyOf(from) => fs::copy(from, &aside).map(|_| ()).map_err(failed)?,
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::rename(&aside, &path).map_err(failed)
}
