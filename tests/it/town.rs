//! A consortium of real processes in a temporary folder: a hub, agents, people, and all that they say, kept in files.
//!
//! Whoever uses it says what the settings, the exports and the story are. Every process ends with it.

use crate::outside::{commonroll, printed};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longest wait for anything that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// The folder, the hub's ports and what runs.
pub struct Town {
    folder: TempDir,
    ports: [u16; 3],
    running: Vec<(String, Child)>,
}

/// A school and a college that share nothing yet.
pub const SCHOOL_AND_COLLEGE: &str = "[[institution]]\nslug = \"kingsmead\"\nname = \"Kingsmead School\"\ntype = \"school\"\n\
    [[institution]]\nslug = \"northgate\"\nname = \"Northgate College\"\ntype = \"fe_college\"\n";

impl Town {
    /// A hub that runs, for people: certificates are past half of their life from the start.
    pub fn of_people(consortium: &str) -> Self {
        let mut town = Self::new(consortium, &[]);
        let mut hub = town.hub(&["hub", "run"]);
        // A certificate of 36 seconds began 300 seconds ago.
        hub.args(["--set", "certificates.client_hours=0.01"]);
        town.start("hub", hub);
        town.wait_until_ready(PATIENCE);
        town
    }

    /// A folder with a hub's data in it, into which a consortium file was imported. Nothing runs yet.
    pub fn new(consortium: &str, import: &[&str]) -> Self {
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = held.map(|listener| listener.local_addr().unwrap().port());
        let town = Self { folder: tempfile::tempdir().unwrap(), ports, running: Vec::new() };
        printed(&mut town.hub(&["hub", "init"]));
        fs::write(town.path("consortium.toml"), consortium).unwrap();
        let mut command = town.hub(&["directory", "import"]);
        printed(command.args(import).arg(town.path("consortium.toml")));
        town
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command on the hub's data folder.
    pub fn hub(&self, command: &[&str]) -> Command {
        let mut hub = Command::new(commonroll());
        hub.args(command).arg("--dir").arg(self.path("hub"));
        for (name, port) in ["agents", "join", "local"].into_iter().zip(self.ports) {
            hub.arg("--set").arg(format!("listen.{name}=127.0.0.1:{port}"));
        }
        hub
    }

    /// A command of an institution's agent: its folder is named after it.
    pub fn agent(&self, slug: &str, command: &[&str]) -> Command {
        let mut agent = Command::new(commonroll());
        agent.arg("agent").args(command).arg("--settings").arg(self.path(slug).join("agent.toml"));
        agent
    }

    /// A command of somebody, by the name of their folder.
    pub fn person(&self, who: &str, command: &[&str]) -> Command {
        let mut person = Command::new(commonroll());
        person.args(command).env("COMMONROLL_PERSON", self.path(who));
        person
    }

    /// Uses up a person's invitation, from a file.
    pub fn joins(&self, who: &str, invitation: &Path) -> String {
        printed(self.person(who, &["person", "join"]).arg(invitation))
    }

    /// The first of an office at an institution, invited on the hub's data folder.
    pub fn first(&self, institution: &str, who: &str, role: &str) {
        let mut invite = self.hub(&["hub", "invite", institution, "--person", "--role", role, "--name", who]);
        let file = self.path(&format!("{who}.invitation"));
        fs::write(&file, printed(&mut invite)).unwrap();
        assert!(self.joins(who, &file).contains(&format!("joined {institution} as {role}")));
    }

    /// Somebody whom a data manager of the institution has let in.
    pub fn colleague(&self, institution: &str, by: &str, who: &str, role: &str) {
        let file = self.path(&format!("{who}.invitation"));
        let asked = ["person", "invite", institution, "--role", role, "--name", who, "--out"];
        printed(self.person(by, &asked).arg(&file));
        self.joins(who, &file);
    }

    /// Invites an institution's agent and joins as it. Gives the invitation's line.
    pub fn join(&self, slug: &str) -> String {
        let line = printed(&mut self.hub(&["hub", "invite", slug]));
        let file = self.path(slug).join("invitation");
        fs::write(&file, &line).unwrap();
        printed(self.agent(slug, &["join"]).arg(file));
        line.trim().to_owned()
    }

    /// Starts a process; what it says goes into `NAME.log`.
    pub fn start(&mut self, name: &str, mut command: Command) {
        let log =
            fs::File::options().create(true).append(true).open(self.path(&format!("{name}.log"))).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running.push((name.to_owned(), command.spawn().unwrap()));
    }

    /// The process's id.
    pub fn id(&self, name: &str) -> u32 {
        self.running.iter().find(|(running, _)| running == name).expect("it was started").1.id()
    }

    /// Ends a process, which must still run.
    pub fn kill(&mut self, name: &str) {
        let place = self.running.iter().position(|(running, _)| running == name).expect("it was started");
        let mut child = self.running.swap_remove(place).1;
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "{name} ended by itself ({ended:?}); {}", self.log(name));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until the hub says that it is ready.
    pub fn wait_until_ready(&self, at_most: Duration) {
        self.wait(at_most, "the hub is ready", || {
            self.page("/readyz").is_some_and(|page| page.starts_with("HTTP/1.1 200"))
        });
    }

    /// Waits for something that must come.
    pub fn wait_for(&self, what: &str, is_there: impl FnMut() -> bool) {
        self.wait(PATIENCE, what, is_there);
    }

    fn wait(&self, at_most: Duration, what: &str, mut is_there: impl FnMut() -> bool) {
        let until = Instant::now() + at_most;
        while !is_there() {
            assert!(Instant::now() < until, "waited {at_most:?} in vain: {what}; {}", self.logs());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A page of the hub's local port, with its head; `None` if nobody answers.
    pub fn page(&self, path: &str) -> Option<String> {
        let ask = || -> std::io::Result<String> {
            let local = SocketAddr::from(([127, 0, 0, 1], self.ports[2]));
            let mut stream = TcpStream::connect_timeout(&local, Duration::from_millis(200))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().ok()
    }

    pub fn agents_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    pub fn join_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1])
    }

    /// All that a process has said.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default()
    }

    /// The ends of the logs of what runs, for the reader of a failure.
    pub fn logs(&self) -> String {
        let tail = |(name, _): &(String, Child)| {
            let text = self.log(name);
            let lines: Vec<&str> = text.lines().collect();
            format!("{name}:\n{}\n", lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        self.running.iter().map(tail).collect()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
