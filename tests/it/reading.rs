//! People who read one learner at the command line, with the real program: a tutor, a teacher in an emergency, a DPO.

use crate::{
    outside::printed,
    people::{Town, fails},
};
use std::fs;

const PLACED: &str = "[[institution]]\nslug = \"kingsmead\"\nname = \"Kingsmead School\"\ntype = \"school\"\n\
    [[institution]]\nslug = \"northgate\"\nname = \"Northgate College\"\ntype = \"fe_college\"\n\
    [[placement]]\nhome = \"kingsmead\"\nhost = \"northgate\"\nfirst_date = \"2020-01-01\"\n\
    last_date = \"2090-12-31\"\nlearners = [[\"K-1\", \"N-77\"]]\n";

impl Town {
    /// Somebody whom a data manager of the institution has let in.
    fn colleague(&self, institution: &str, by: &str, who: &str, role: &str) {
        let file = self.path(&format!("{who}.invitation"));
        let asked = ["person", "invite", institution, "--role", role, "--name", who, "--out"];
        printed(self.does(by, &asked).arg(&file));
        self.joins(who, &file);
    }
}

#[test]
fn a_tutor_reads_a_learner_a_teacher_opens_an_emergency_and_the_dpo_sees_both() {
    let town = Town::new();
    fs::write(town.path("placed.toml"), PLACED).unwrap();
    printed(town.hub(&["directory", "import"]).arg(town.path("placed.toml")));
    town.first_at("kingsmead", "Vane", "data_manager");
    town.first_at("kingsmead", "Quill", "dpo");
    town.first_at("northgate", "Marsh", "data_manager");
    town.colleague("kingsmead", "Vane", "Plum", "tutor");
    town.colleague("northgate", "Marsh", "Teal", "teacher");

    let shown = printed(&mut town.does("Plum", &["learner", "show", "K-1", "--purpose", "pastoral"]));
    assert!(shown.contains("home       Kingsmead School (kingsmead)"), "{shown}");
    assert!(shown.contains("placed at  northgate, every group, 2020-01-01 to 2090-12-31"), "{shown}");
    assert!(
        shown.contains("today      no mark yet: unknown") && shown.contains("no record to show"),
        "{shown}"
    );
    assert!(shown.contains("ask home   for emergency contact and needs"), "{shown}");
    assert!(
        shown.contains("not shown: attendance of northgate:"),
        "no agreement lets anything flow: {shown}"
    );
    let unknown = fails(&mut town.does("Plum", &["learner", "show", "K-9", "--purpose", "pastoral"]));
    let others = fails(&mut town.does("Plum", &["learner", "show", "N-77", "--purpose", "pastoral"]));
    assert!(unknown == others && unknown.contains("or it is not there"), "{unknown}{others}");

    let emergency = ["learner", "show", "N-77", "--purpose", "emergency", "--json"];
    assert_eq!(fails(&mut town.does("Teal", &emergency)), unknown, "not open yet");
    let open = ["emergency", "open", "N-77", "--reason", "Fainted in the workshop", "--minutes", "30"];
    assert!(printed(&mut town.does("Teal", &open)).contains("the learner's home is told"));
    let card: serde_json::Value =
        serde_json::from_str(printed(&mut town.does("Teal", &emergency)).lines().next().unwrap()).unwrap();
    assert_eq!(card["card"]["home_name"], "Kingsmead School");
    let told = printed(&mut town.does("Vane", &["emergency", "list"]));
    assert!(told.contains("learner K-1") && told.contains("by a teacher of northgate"), "{told}");
    assert!(!told.contains("waits for your review"), "a data manager sees it, the DPO reviews it");
    let told = printed(&mut town.does("Quill", &["emergency", "list", "--open"]));
    let id = told.split_whitespace().next().unwrap();
    assert!(fails(&mut town.does("Vane", &["emergency", "review", id])).contains("does not allow"));
    let review = ["emergency", "review", id, "--remark", "Rang us at once"];
    assert_eq!(printed(&mut town.does("Quill", &review)), "reviewed: justified\n");
    assert_eq!(
        printed(&mut town.does("Quill", &["emergency", "list", "--open"])),
        "no emergency access concerns your institution\n"
    );

    let saw = printed(&mut town.does("Quill", &["audit", "who-saw", "K-1"]));
    assert!(saw.contains("a tutor of kingsmead for pastoral") && saw.contains("identity"), "{saw}");
    assert!(saw.contains("a teacher of northgate for emergency"), "{saw}");
    assert_eq!(fails(&mut town.does("Plum", &["audit", "who-saw", "K-1"])), unknown);
    let taken = printed(&mut town.does("Vane", &["audit", "exports", "--in-role", "data_manager"]));
    let flat = taken.split_whitespace().collect::<Vec<_>>().join(" ");
    let opened = "opened emergency access to a learner; teacher of northgate (person:";
    assert!(flat.contains(opened) && flat.contains("read about a learner: for pastoral"), "{taken}");
    assert!(taken.lines().all(|line| line.chars().count() <= 100), "{taken}");
    assert!(!taken.contains("Fainted") && !taken.contains("K-1"), "the log names nobody: {taken}");
    let sums =
        printed(&mut town.does("Vane", &["audit", "received-by", "kingsmead", "--in-role", "data_manager"]));
    assert_eq!(sums, "nothing in the log answers that\n");
    let refused = printed(&mut town.does("Vane", &["audit", "refused", "--in-role", "data_manager"]));
    assert!(refused.contains("reading refused: "), "{refused}");

    // A learner asks what is held: the DPO answers with a folder.
    let out = town.path("request");
    let export = ["subject", "export", "K-1", "--for", "kingsmead", "--out"];
    let said = printed(town.does("Quill", &export).arg(&out));
    assert!(said.contains("other controllers to ask: northgate"), "{said}");
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("What Kingsmead School holds") && page.contains("a tutor of kingsmead"), "{page}");
    assert!(!page.contains("person:") && !page.contains("Plum"), "staff stand as roles: {page}");
    assert!(fs::read_to_string(out.join("disclosures.csv")).unwrap().starts_with("entry,at,"));
    assert_eq!(fs::read_to_string(out.join("records.json")).unwrap(), "[]\n");
    assert!(fails(town.does("Quill", &export).arg(&out)).contains("is there already"));
    assert_eq!(fails(town.does("Vane", &export).arg(town.path("no"))), unknown);
    let others = ["subject", "export", "K-1", "--for", "northgate", "--out"];
    assert!(fails(town.does("Quill", &others).arg(town.path("no"))).contains("answers for itself"));
}
