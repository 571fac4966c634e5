//! A small consortium of real processes in a temporary folder: a hub, a host and a home, each of which can be killed.

use super::disk::SmallDisk;
use crate::outside::{commonroll, printed};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Learners of the home; each is a guest of both hosts.
pub const LEARNERS: u64 = 20;
/// Rows of each export.
const ROWS: usize = 40;

const MAPPING: &str = "format = \"delimited\"\nrows = \"attendance\"\ncovers = \"dates\"\n[codes]\nset = \"ENG-2024\"\n\
    [fields]\nlearner = \"Id\"\ngroup = \"Class\"\ndate = \"Date\"\nstart = \"From\"\nend = \"To\"\nmark = \"Mark\"\n";

/// What can be killed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Hub,
    /// The agent of ridgeway, which reads exports and publishes.
    Host,
    /// The agent of kingsmead, which receives and writes back.
    Home,
}

pub struct Consortium {
    folder: TempDir,
    /// Where the hub's folder lies, if not beside the others.
    disk: Option<SmallDisk>,
    ports: [u16; 3],
    running: [Option<Child>; 3],
    exported: usize,
}

impl Consortium {
    /// Sets everything up and starts it. `northgate` has joined and has no agent of its own: a test speaks for it.
    pub fn new() -> Self {
        Self::set_up(tempfile::tempdir().unwrap(), None)
    }

    /// The same with the hub's folder on a disk of so many MiB.
    pub fn on_a_small_disk(mib: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = SmallDisk::mount(folder.path().join("hub"), mib);
        Self::set_up(folder, Some(disk))
    }

    fn set_up(folder: TempDir, disk: Option<SmallDisk>) -> Self {
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = held.map(|listener| listener.local_addr().unwrap().port());
        let mut consortium = Self { folder, disk, ports, running: [None, None, None], exported: 0 };
        printed(&mut consortium.hub(&["hub", "init"]));
        let file = consortium.path("consortium.toml");
        fs::write(&file, text()).unwrap();
        let mut import = consortium.hub(&["directory", "import", "--play-heads"]);
        printed(import.arg(&file));
        consortium.start(Program::Hub);
        consortium.wait_until_ready(Duration::from_secs(20));
        for slug in ["kingsmead", "ridgeway", "northgate"] {
            consortium.join(slug);
        }
        consortium.start(Program::Host);
        consortium.start(Program::Home);
        consortium
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The disk that the hub's folder lies on.
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().unwrap()
    }

    /// A command of the operator.
    pub fn hub(&self, command: &[&str]) -> Command {
        let mut hub = match &self.disk {
            Some(disk) => disk.command(commonroll()),
            None => Command::new(commonroll()),
        };
        hub.args(command).arg("--dir").arg(self.path("hub"));
        if self.disk.is_some() {
            hub.args(["--set", "reserve_mib=8"]);
        }
        for (name, port) in ["agents", "join", "local"].into_iter().zip(self.ports) {
            hub.arg("--set").arg(format!("listen.{name}=127.0.0.1:{port}"));
        }
        hub
    }

    fn join(&self, slug: &str) {
        let folder = self.path(slug);
        fs::create_dir_all(folder.join("exports")).unwrap();
        fs::write(folder.join("marks.toml"), MAPPING).unwrap();
        let outbox =
            if slug == "kingsmead" { "[outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n" } else { "" };
        let settings = format!(
            "data = \"data\"\n{outbox}[pace]\nsettle_ms = 0\nbatch_records_max = 10\n[[source]]\nname = \"marks\"\n\
             folder = \"exports\"\npattern = \"marks-*.csv\"\nconnector = \"delimited\"\nmapping = \"marks.toml\"\n"
        );
        fs::write(folder.join("agent.toml"), settings).unwrap();
        let mut invite = self.hub(&["hub", "invite"]);
        let invitation = printed(invite.arg(slug));
        let file = folder.join("invitation");
        fs::write(&file, invitation).unwrap();
        let mut join = Command::new(commonroll());
        printed(join.args(["agent", "join", "--settings"]).arg(folder.join("agent.toml")).arg(&file));
    }

    pub fn identity(&self, slug: &str) -> PathBuf {
        self.path(slug).join("data/identity")
    }

    pub fn agents_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    pub fn outbox(&self) -> PathBuf {
        self.path("kingsmead").join("outbox")
    }

    pub fn start(&mut self, program: Program) {
        let (log, mut command) = match program {
            Program::Hub => ("hub.log", self.hub(&["hub", "run"])),
            Program::Host => ("ridgeway.log", self.agent("ridgeway")),
            Program::Home => ("kingsmead.log", self.agent("kingsmead")),
        };
        let log = fs::File::options().create(true).append(true).open(self.path(log)).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running[program as usize] = Some(command.spawn().unwrap());
    }

    fn agent(&self, slug: &str) -> Command {
        let mut agent = Command::new(commonroll());
        agent.args(["agent", "run", "--settings"]).arg(self.path(slug).join("agent.toml"));
        agent
    }

    /// Kill -9. What had ended by itself before is a fault of its own.
    pub fn kill(&mut self, program: Program) {
        let mut child = self.running[program as usize].take().unwrap();
        if let Some(ended) = child.try_wait().unwrap() {
            panic!("a process ended by itself ({ended}); {}", self.logs());
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn stop(&mut self) {
        for program in [Program::Hub, Program::Host, Program::Home] {
            self.kill(program);
        }
    }

    /// Waits until the hub says that it is ready.
    pub fn wait_until_ready(&self, at_most: Duration) {
        self.wait_until("HTTP/1.1 200", at_most);
    }

    /// Waits until the hub says this of its readiness.
    pub fn wait_until(&self, says: &str, at_most: Duration) {
        let until = Instant::now() + at_most;
        let local = SocketAddr::from(([127, 0, 0, 1], self.ports[2]));
        while !readiness(local).is_ok_and(|answer| answer.contains(says)) {
            assert!(Instant::now() < until, "the hub doesn't say {says} after {at_most:?}; {}", self.logs());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The host's MIS exports marks of a round.
    pub fn export(&mut self, round: u64) {
        let mut text = "Id,Class,Date,From,To,Mark\n".to_owned();
        for row in 0..ROWS as u64 {
            let (learner, half) = (row % LEARNERS, row / LEARNERS);
            let (day, hour) = (1 + round % 28, 8 + round / 28 % 12);
            text.push_str(&format!(
                "r-{learner},ENG-1,2026-09-{day:02},{hour:02}:{:02},{hour:02}:{:02},/\n",
                half * 30,
                half * 30 + 29
            ));
        }
        let folder = self.path("ridgeway").join("exports");
        fs::write(folder.join("half-written"), text).unwrap();
        fs::rename(folder.join("half-written"), folder.join(format!("marks-{round:04}.csv"))).unwrap();
        self.exported += ROWS;
    }

    /// How many marks the host's MIS has exported.
    pub fn exported(&self) -> usize {
        self.exported
    }

    /// The log verifies, and holds at least so many entries.
    pub fn verify(&self, entries: u64) {
        let said = printed(&mut self.hub(&["audit", "verify"]));
        let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
        let largest = said.split_whitespace().filter_map(|word| digits(word).parse::<u64>().ok()).max();
        assert!(largest.is_some_and(|found| found >= entries), "the log is shorter than {entries}: {said}");
    }

    /// The ends of the logs, for the reader of a failure.
    pub fn logs(&self) -> String {
        let tail = |name: &str| {
            let text = fs::read_to_string(self.path(name)).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("{name}:\n{}\n", lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        ["hub.log", "ridgeway.log", "kingsmead.log"].map(tail).concat()
    }
}

impl Drop for Consortium {
    fn drop(&mut self) {
        for mut child in self.running.iter_mut().filter_map(Option::take) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn readiness(local: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&local, Duration::from_millis(200))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn text() -> String {
    let institution = |slug: &str| {
        format!("[[institution]]\nslug = \"{slug}\"\nname = \"The {slug}\"\ntype = \"school\"\n")
    };
    let placement = |host: &str, initial: &str| {
        let pairs: Vec<_> = (0..LEARNERS).map(|n| format!("[\"k-{n}\", \"{initial}-{n}\"]")).collect();
        format!(
            "[[placement]]\nhome = \"kingsmead\"\nhost = \"{host}\"\nfirst_date = \"2026-09-01\"\n\
             last_date = \"2027-07-20\"\nlearners = [{}]\n",
            pairs.join(", ")
        )
    };
    format!(
        "{}[[agreement]]\nid = \"vale\"\nversion = 1\nparties = [\"kingsmead\", \"ridgeway\", \"northgate\"]\n\
         purpose = \"shared courses\"\nfirst_date = \"2020-01-01\"\nlast_date = \"2090-01-01\"\n[agreement.kinds]\n\
         attendance = [\"presence\", \"source_code\"]\n{}{}",
        ["kingsmead", "ridgeway", "northgate"].map(institution).concat(),
        placement("ridgeway", "r"),
        placement("northgate", "n"),
    )
}
