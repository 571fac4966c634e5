//! People at the command line, with the real program: from the operator's first invitation to a teacher whose access ends.

use crate::{
    outside::{commonroll, fails, printed},
    town::{SCHOOL_AND_COLLEGE, Town},
};
use std::{fs, process::Command};

/// A `person` command of somebody.
fn person(town: &Town, who: &str, command: &[&str]) -> Command {
    town.person(who, &[&["person"], command].concat())
}

#[test]
fn a_school_lets_its_people_in_by_invitation_approves_an_office_by_two_and_ends_access() {
    let town = Town::of_people(SCHOOL_AND_COLLEGE);
    assert!(fails(&mut person(&town, "nobody", &["whoami"])).contains("ask your head or data manager"));
    town.first("kingsmead", "Vane", "data_manager");
    town.first("kingsmead", "Plum", "head");
    let again = ["hub", "invite", "kingsmead", "--person", "--role", "head", "--name", "Other"];
    assert!(fails(&mut town.hub(&again)).contains("person invite"), "the operator brings in the first alone");

    let tls = fs::read(town.path("Vane/tls.pem")).unwrap();
    let me = printed(&mut person(&town, "Vane", &["whoami"]));
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
    let said = printed(person(&town, "Vane", &asked).arg(&out));
    assert!(said.contains("once a second person has approved it"), "{said}");
    assert!(fails(person(&town, "Quill", &["join"]).arg(&out)).contains("wrong, used or expired"));
    let mut as_agent = Command::new(commonroll());
    fs::write(town.path("agent.toml"), "data = \"data\"\n").unwrap();
    as_agent.args(["agent", "join", "--settings"]).arg(town.path("agent.toml")).arg(&out);
    assert!(fails(&mut as_agent).contains("is for a person"));

    let waiting = printed(&mut person(&town, "Plum", &["approve"]));
    assert!(waiting.contains("name Rosalind Quill") && waiting.contains("roles teacher, dpo"), "{waiting}");
    assert!(waiting.contains("approve it with: commonroll person approve "), "{waiting}");
    let hash = waiting.lines().find_map(|line| line.strip_suffix("  waits for you")).unwrap();
    assert!(
        fails(&mut person(&town, "Vane", &["approve", hash]))
            .contains("no text with this hash waits for you")
    );
    assert!(fails(&mut person(&town, "Plum", &["approve", &hash[..8]])).contains("at least 16 digits"));
    assert!(printed(&mut person(&town, "Plum", &["approve", &hash[..16]])).ends_with("approved\n"));
    assert!(
        fails(&mut person(&town, "Plum", &["approve", hash])).contains("no text with this hash"),
        "a replay"
    );
    town.joins("Quill", &out);

    let unsaid = fails(&mut person(&town, "Quill", &["list"]));
    assert!(unsaid.contains("teacher, dpo") && unsaid.contains("--in-role"), "{unsaid}");
    let as_teacher = fails(&mut person(&town, "Quill", &["list", "--in-role", "teacher"]));
    assert!(as_teacher.contains("does not allow this to you in this role"), "{as_teacher}");
    let listed = printed(&mut person(&town, "Quill", &["list", "--in-role", "dpo"]));
    assert!(listed.starts_with("3 people\n") && listed.contains("0 open invitations"), "{listed}");

    let id = listed.lines().find(|line| line.contains("Quill")).unwrap().split(' ').next().unwrap();
    printed(&mut person(&town, "Vane", &["revoke", id]));
    assert!(fails(&mut person(&town, "Quill", &["whoami"])).contains("your access has ended"));
    printed(&mut town.hub(&["audit", "verify"]));
}
