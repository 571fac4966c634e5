//! People at the command line, with the real program: from the operator's first invitation to a teacher whose access ends.

use crate::outside::{commonroll, printed};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const CONSORTIUM: &str = "[[institution]]\nslug = \"kingsmead\"\nname = \"Kingsmead School\"\ntype = \"school\"\n\
    [[institution]]\nslug = \"northgate\"\nname = \"Northgate College\"\ntype = \"fe_college\"\n";

/// A hub that runs until it is dropped, and the folders of the people around it.
pub struct Town {
    folder: TempDir,
    ports: [u16; 3],
    hub: Option<Child>,
}

impl Town {
    pub fn new() -> Self {
        let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = held.map(|listener| listener.local_addr().unwrap().port());
        let mut town = Self { folder: tempfile::tempdir().unwrap(), ports, hub: None };
        printed(&mut town.hub(&["hub", "init"]));
        fs::write(town.path("consortium.toml"), CONSORTIUM).unwrap();
        printed(town.hub(&["directory", "import"]).arg(town.path("consortium.toml")));
        let log = fs::File::create(town.path("hub.log")).unwrap();
        let mut run = town.hub(&["hub", "run"]);
        // A certificate of 36 seconds began 300 seconds ago: it is past half of its life from the start.
        run.args(["--set", "certificates.client_hours=0.01"]).stdin(Stdio::null());
        town.hub = Some(run.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let (until, join) = (Instant::now() + Duration::from_secs(20), ("127.0.0.1", ports[1]));
        while TcpStream::connect(join).is_err() {
            assert!(Instant::now() < until, "{}", fs::read_to_string(town.path("hub.log")).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
        town
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn hub(&self, command: &[&str]) -> Command {
        let mut hub = Command::new(commonroll());
        hub.args(command).arg("--dir").arg(self.path("hub"));
        for (name, port) in ["agents", "join", "local"].into_iter().zip(self.ports) {
            hub.arg("--set").arg(format!("listen.{name}=127.0.0.1:{port}"));
        }
        hub
    }

    /// A `person` command of somebody, by the name of their folder.
    fn person(&self, who: &str, command: &[&str]) -> Command {
        self.does(who, &[&["person"], command].concat())
    }

    /// Any command of somebody.
    pub fn does(&self, who: &str, command: &[&str]) -> Command {
        let mut does = Command::new(commonroll());
        does.args(command).env("COMMONROLL_PERSON", self.path(who));
        does
    }

    pub fn joins(&self, who: &str, invitation: &Path) -> String {
        printed(self.person(who, &["join"]).arg(invitation))
    }

    /// The first of an office, invited on the hub's data folder.
    fn first(&self, who: &str, role: &str) {
        self.first_at("kingsmead", who, role);
    }

    /// The same of any institution.
    pub fn first_at(&self, institution: &str, who: &str, role: &str) {
        let mut invite = self.hub(&["hub", "invite", institution, "--person", "--role", role, "--name", who]);
        let line = printed(&mut invite);
        let file = self.path(&format!("{who}.invitation"));
        fs::write(&file, line).unwrap();
        assert!(self.joins(who, &file).contains(&format!("joined {institution} as {role}")));
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if let Some(hub) = &mut self.hub {
            let _ = hub.kill();
            let _ = hub.wait();
        }
    }
}

/// Runs a command that must fail; gives what it said.
pub fn fails(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_school_lets_its_people_in_by_invitation_approves_an_office_by_two_and_ends_access() {
    let town = Town::new();
    assert!(fails(&mut town.person("nobody", &["whoami"])).contains("ask your head or data manager"));
    town.first("Vane", "data_manager");
    town.first("Plum", "head");
    let again = ["hub", "invite", "kingsmead", "--person", "--role", "head", "--name", "Other"];
    assert!(fails(&mut town.hub(&again)).contains("person invite"), "the operator brings in the first alone");

    let tls = fs::read(town.path("Vane/tls.pem")).unwrap();
    let me = printed(&mut town.person("Vane", &["whoami"]));
    assert!(me.contains("kingsmead  Vane  data_manager") && me.contains("certificate good until"), "{me}");
    assert_ne!(
        fs::read(town.path("Vane/tls.pem")).unwrap(),
        tls,
        "a certificate past half of its life is renewed"
    );
    #[cfg(unix)]
    for file in ["card.json", "tls.pem", "signing.key"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(town.path("Vane").join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }

    let out = town.path("dpo.invitation");
    let asked =
        ["invite", "kingsmead", "--role", "dpo", "--role", "teacher", "--name", "Rosalind Quill", "--out"];
    let said = printed(town.person("Vane", &asked).arg(&out));
    assert!(said.contains("once a second person has approved it"), "{said}");
    assert!(fails(town.person("Quill", &["join"]).arg(&out)).contains("wrong, used or expired"));
    let mut as_agent = Command::new(commonroll());
    fs::write(town.path("agent.toml"), "data = \"data\"\n").unwrap();
    as_agent.args(["agent", "join", "--settings"]).arg(town.path("agent.toml")).arg(&out);
    assert!(fails(&mut as_agent).contains("is for a person"));

    let waiting = printed(&mut town.person("Plum", &["approve"]));
    assert!(waiting.contains("name Rosalind Quill") && waiting.contains("roles teacher, dpo"), "{waiting}");
    assert!(waiting.contains("approve it with: commonroll person approve "), "{waiting}");
    let hash = waiting.lines().find_map(|line| line.strip_suffix("  waits for you")).unwrap();
    assert!(
        fails(&mut town.person("Vane", &["approve", hash])).contains("no text with this hash waits for you")
    );
    assert!(fails(&mut town.person("Plum", &["approve", &hash[..8]])).contains("at least 16 digits"));
    assert!(printed(&mut town.person("Plum", &["approve", &hash[..16]])).ends_with("approved\n"));
    assert!(
        fails(&mut town.person("Plum", &["approve", hash])).contains("no text with this hash"),
        "a replay"
    );
    town.joins("Quill", &out);

    let unsaid = fails(&mut town.person("Quill", &["list"]));
    assert!(unsaid.contains("teacher, dpo") && unsaid.contains("--in-role"), "{unsaid}");
    let as_teacher = fails(&mut town.person("Quill", &["list", "--in-role", "teacher"]));
    assert!(as_teacher.contains("does not allow this to you in this role"), "{as_teacher}");
    let listed = printed(&mut town.person("Quill", &["list", "--in-role", "dpo"]));
    assert!(listed.starts_with("3 people\n") && listed.contains("0 open invitations"), "{listed}");

    let id = listed.lines().find(|line| line.contains("Quill")).unwrap().split(' ').next().unwrap();
    printed(&mut town.person("Vane", &["revoke", id]));
    assert!(fails(&mut town.person("Quill", &["whoami"])).contains("your access has ended"));
    printed(&mut town.hub(&["audit", "verify"]));
}
