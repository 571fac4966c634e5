//! People who read one learner at the command line, with the real program: a tutor, a teacher in an emergency, a DPO.

use crate::{
    outside::{fails, printed},
    town::{SCHOOL_AND_COLLEGE, Town},
};
use std::fs;

const PLACED: &str = "[[placement]]\nhome = \"kingsmead\"\nhost = \"northgate\"\nfirst_date = \"2020-01-01\"\n\
    last_date = \"2090-12-31\"\nlearners = [[\"K-1\", \"N-77\"]]\n";

#[test]
fn a_tutor_reads_a_learner_a_teacher_opens_an_emergency_and_the_dpo_sees_both() {
    let town = Town::of_people(&format!("{SCHOOL_AND_COLLEGE}{PLACED}"));
    town.first("kingsmead", "Vane", "data_manager");
    town.first("kingsmead", "Quill", "dpo");
    town.first("northgate", "Marsh", "data_manager");
    town.colleague("kingsmead", "Vane", "Plum", "tutor");
    town.colleague("northgate", "Marsh", "Teal", "teacher");

    let shown = printed(&mut town.person("Plum", &["learner", "show", "K-1", "--purpose", "pastoral"]));
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
    let unknown = fails(&mut town.person("Plum", &["learner", "show", "K-9", "--purpose", "pastoral"]));
    let others = fails(&mut town.person("Plum", &["learner", "show", "N-77", "--purpose", "pastoral"]));
    assert!(unknown == others && unknown.contains("or it is not there"), "{unknown}{others}");

    let emergency = ["learner", "show", "N-77", "--purpose", "emergency", "--json"];
    assert_eq!(fails(&mut town.person("Teal", &emergency)), unknown, "not open yet");
    let open = ["emergency", "open", "N-77", "--reason", "Fainted in the workshop", "--minutes", "30"];
    let opened = printed(&mut town.person("Teal", &open));
    assert!(opened.contains("the learner's home sees it when it looks") && opened.contains("ring them"));
    assert!(
        opened.contains("commonroll learner show N-77 --purpose emergency --in-role teacher"),
        "{opened}"
    );
    let card: serde_json::Value =
        serde_json::from_str(printed(&mut town.person("Teal", &emergency)).lines().next().unwrap()).unwrap();
    assert_eq!(card["card"]["home_name"], "Kingsmead School");
    let told = printed(&mut town.person("Vane", &["emergency", "list"]));
    assert!(told.contains("learner K-1") && told.contains("by a teacher of northgate"), "{told}");
    assert!(!told.contains("waits for your review"), "a data manager sees it, the DPO reviews it");
    let waits = printed(&mut town.person("Vane", &["emergency", "list", "--open", "--json"]));
    let line: serde_json::Value = serde_json::from_str(waits.trim()).unwrap();
    assert_eq!((&line["reviewable"], &line["reviews"]), (&false.into(), &serde_json::json!([])));
    let times = ["opened", "until"].map(|key| line[key].as_str().unwrap().ends_with('Z'));
    assert_eq!(times, [true, true], "the zone of a time is said: {waits}");
    let told = printed(&mut town.person("Quill", &["emergency", "list", "--open"]));
    let id = told.split_whitespace().next().unwrap();
    assert!(fails(&mut town.person("Vane", &["emergency", "review", id])).contains("does not allow"));
    let review = ["emergency", "review", id, "--remark", "Rang us at once"];
    assert_eq!(printed(&mut town.person("Quill", &review)), "reviewed: justified\n");
    assert_eq!(
        printed(&mut town.person("Quill", &["emergency", "list", "--open"])),
        "no emergency access waits for a review by your institution\n"
    );
    let hosts = printed(&mut town.person("Marsh", &["emergency", "list", "--open"]));
    assert!(hosts.contains("learner N-77") && hosts.contains("justified, says kingsmead"), "{hosts}");

    let saw = printed(&mut town.person("Quill", &["audit", "who-saw", "K-1"]));
    assert!(saw.contains("a tutor of kingsmead for pastoral") && saw.contains("identity"), "{saw}");
    assert!(saw.contains("a teacher of northgate for emergency"), "{saw}");
    assert_eq!(fails(&mut town.person("Plum", &["audit", "who-saw", "K-1"])), unknown);
    let taken = printed(&mut town.person("Vane", &["audit", "exports", "--in-role", "data_manager"]));
    let flat = taken.split_whitespace().collect::<Vec<_>>().join(" ");
    let opened = "opened emergency access to a learner; teacher of northgate (person:";
    assert!(flat.contains(opened) && flat.contains("read about a learner: for pastoral"), "{taken}");
    assert!(taken.lines().all(|line| line.chars().count() <= 100), "{taken}");
    assert!(!taken.contains("Fainted") && !taken.contains("K-1"), "the log names nobody: {taken}");
    let sums = printed(
        &mut town.person("Vane", &["audit", "received-by", "kingsmead", "--in-role", "data_manager"]),
    );
    assert_eq!(sums, "nothing in the log answers that\n");
    let refused = printed(&mut town.person("Vane", &["audit", "refused", "--in-role", "data_manager"]));
    assert!(refused.contains("reading refused: "), "{refused}");
    // A data folder that is named goes before the person of the environment; both on one line contradict each other.
    let hub = town.path("hub");
    let mine = printed(&mut town.person("Marsh", &["audit", "exports", "--json"]));
    let all = printed(town.person("Marsh", &["audit", "exports", "--json", "--dir"]).arg(&hub));
    let kingsmeads = |text: &str| text.matches("\"institution\":\"kingsmead\"").count();
    assert!(kingsmeads(&mine) == 0 && kingsmeads(&all) > 2, "{all}{mine}");
    let both = ["audit", "exports", "--as", "elsewhere", "--dir"];
    assert!(fails(town.person("Marsh", &both).arg(&hub)).contains("say one of the two"));

    // A learner asks what is held: the DPO answers with a folder.
    let out = town.path("request");
    let export = ["subject", "export", "K-1", "--for", "kingsmead", "--out"];
    let said = printed(town.person("Quill", &export).arg(&out));
    assert!(said.contains("other controllers to ask: northgate"), "{said}");
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("What Kingsmead School holds") && page.contains("a tutor of kingsmead"), "{page}");
    assert!(!page.contains("person:") && !page.contains("Plum"), "staff stand as roles: {page}");
    let key = fs::read_to_string(out.join("log.key")).unwrap();
    assert!(printed(&mut town.hub(&["audit", "verify"])).contains(&format!("key  {key}")), "{key}");
    assert!(fs::read_to_string(out.join("disclosures.csv")).unwrap().starts_with("entry,at,"));
    assert_eq!(fs::read_to_string(out.join("records.json")).unwrap(), "[]\n");
    assert!(fails(town.person("Quill", &export).arg(&out)).contains("is there already"));
    assert_eq!(fails(town.person("Vane", &export).arg(town.path("no"))), unknown);
    let others = ["subject", "export", "K-1", "--for", "northgate", "--out"];
    assert!(fails(town.person("Quill", &others).arg(town.path("no"))).contains("answers for itself"));
}
