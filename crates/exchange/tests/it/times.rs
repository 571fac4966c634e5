//! Agreements set when people are told that a learner is missing: from the moment that one is in force, on every node.

use crate::{
    whereabouts::{at, between, day, lesson, marked, notice, on_file, text},
    world::*,
};
use commonroll_audit::approval::Approves;
use commonroll_core::{
    Role,
    directory::{DayDeclaration, Declaration, NoticeKind},
    record::attendance::Physical,
};
use commonroll_exchange::*;
use std::time::Duration;

/// The consortium of the board's tests, whose one agreement says this much under `[whereabouts]`, and what is put behind it.
fn agreed(whereabouts: &str, behind: &str) -> ConsortiumFile {
    let text = format!("{}\n[agreement.whereabouts]\n{whereabouts}\n{behind}", text());
    let file = ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE);
    PARTNERS.into_iter().fold(file, |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager))
}

/// The next version of its agreement.
fn version(number: u32, whereabouts: &str) -> String {
    let terms = ConsortiumFile::parse(&text()).unwrap().agreements.remove(0);
    AgreementTerms { version: number, whereabouts: whereabouts.parse().unwrap(), ..terms }.written_out()
}

impl World {
    /// All heads sign a text.
    async fn all_sign(&self, text: &str) {
        let manager = Actor::new(self, "kingsmead", Role::DataManager);
        let hash = self.exchange.propose_agreement(manager.acting(), text, self.now()).await.unwrap();
        for partner in PARTNERS {
            let head = Actor::new(self, partner, Role::Head);
            let signature = head.sign(Approves::Agreement, &hash);
            self.exchange.sign_agreement(head.acting(), hash, signature, self.now()).await.unwrap();
        }
    }

    /// Lets the clock come to a minute; northgate says four times a minute that it has sent all there is.
    async fn heard_until(&self, minute: i64) {
        while self.now() < at(minute) {
            self.pass(15_000_000);
            self.current("northgate").await;
            self.tick().await;
        }
    }

    /// What was told, as minutes after eight, what about, and how many of them; repeats are left out.
    async fn told_at(&self) -> Vec<(i64, String, usize)> {
        let mut all: Vec<(i64, String, usize)> = Vec::new();
        let told = self.entries_of("alert.told").await;
        for entry in told.iter().filter(|entry| entry["more"]["repeated"] == 0) {
            let moment: jiff::Timestamp = entry["at"].as_str().unwrap().parse().unwrap();
            let minute = (moment.as_microsecond() - MORNING) / 60_000_000;
            let about = entry["more"]["about"].as_str().unwrap().to_owned();
            match all.iter_mut().find(|(when, what, _)| (*when, what) == (minute, &about)) {
                Some((.., count)) => *count += 1,
                None => all.push((minute, about, 1)),
            }
        }
        all
    }
}

impl World {
    /// When alerts about registers were over, as minutes after eight.
    async fn registers_over_at(&self) -> Vec<i64> {
        let over = self.entries_of("alert.over").await;
        let registers = over.iter().filter(|entry| entry["more"]["about"] == "register");
        let at =
            |entry: &serde_json::Value| entry["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        registers.map(|entry| (at(entry).as_microsecond() - MORNING) / 60_000_000).collect()
    }
}

fn told(minute: i64, about: &str, count: usize) -> (i64, String, usize) {
    (minute, about.to_owned(), count)
}

#[tokio::test]
async fn the_agreement_sets_when_the_host_and_then_the_home_are_told() {
    let file = agreed("register_minutes = 6\nhost_first_minutes = 2", "");
    let world = on_file(open_store("sqlite::memory:").await, file).await;
    world.declare("northgate", day(vec![lesson("L1", 10, 70)])).await;
    world.heard_until(30).await;
    assert_eq!(world.told_at().await, [told(16, "register", 1), told(18, "unaccounted", 3)]);
}

#[tokio::test]
async fn a_new_version_holds_at_once_on_every_node_and_after_a_start_and_the_old_one_comes_back_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on_file(open_store(&url).await, agreed("register_minutes = 30", "")).await;
    world.declare("northgate", day(vec![lesson("L1", 10, 70), lesson("L2", 100, 160)])).await;
    let other = Exchange::open(options(&url), world.now()).await.unwrap();
    other.open_views(read_body, world.now());
    world.heard_until(25).await;
    assert_eq!(world.told_at().await, [], "thirty minutes are agreed");
    world.all_sign(&version(2, "register_minutes = 5\nhost_first_minutes = 4\nagain_minutes = 7")).await;
    world.tick().await;
    assert_eq!(
        world.told_at().await,
        [told(25, "unaccounted", 3)],
        "by the new one they are missing since 08:19"
    );
    // The node that looked on comes to the same board, and tells nobody twice.
    other.follow(Duration::from_millis(1)).await.unwrap();
    other.tick(world.now()).await;
    world.exchange.follow(Duration::from_millis(1)).await.unwrap();
    assert_eq!(world.told_at().await.len(), 1);
    drop(other);
    world.started_again(open_store(&url).await).await;
    world.exchange.open_views(read_body, world.now());
    world.heard_until(33).await;
    let again = world.entries_of("alert.told").await;
    let repeated = again.iter().filter(|entry| entry["more"]["repeated"] == 1);
    assert_eq!(repeated.map(|entry| entry["at"].clone()).collect::<Vec<_>>(), vec![at(32).to_string(); 3]);
    // A version that says nothing leaves it to the hub, and finds nobody.
    world.all_sign(&version(3, "")).await;
    world.heard_until(99).await;
    assert_eq!(world.entries_of("alert.over").await.len(), 0);
    world.heard_until(125).await;
    let of_second: Vec<_> = world.told_at().await.into_iter().filter(|(minute, ..)| *minute > 99).collect();
    assert_eq!(of_second, [told(115, "register", 1), told(120, "unaccounted", 3)]);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_register_that_was_told_of_stays_told_when_a_later_moment_is_agreed() {
    let mut world = on_file(
        open_store("sqlite::memory:").await,
        agreed("register_minutes = 6\nhost_first_minutes = 20", ""),
    )
    .await;
    world.declare("northgate", day(vec![lesson("L1", 10, 70)])).await;
    world.heard_until(18).await;
    world.all_sign(&version(2, "register_minutes = 15\nhost_first_minutes = 20")).await;
    world.heard_until(28).await;
    assert_eq!(world.told_at().await, [told(16, "register", 1)], "neither over nor told as another");
    assert_eq!(world.registers_over_at().await, [0; 0]);
    let here = |guest| marked(guest, 10, Physical::Present, 1);
    world.publish("northgate", ["n-1", "n-2", "n-3"].map(here).into()).await;
    world.tick().await;
    assert_eq!(world.registers_over_at().await, [28], "the register came");
}

#[tokio::test]
async fn of_two_agreements_between_a_pair_the_earlier_moment_counts_and_for_that_pair_alone() {
    let pair = "[[agreement]]\nid = \"pair\"\nversion = 1\nparties = [\"kingsmead\", \"northgate\"]\npurpose = \"grades\"\n\
                first_date = \"2026-09-01\"\nlast_date = \"2026-09-14\"\n[agreement.kinds]\nassessment = [\"result\"]\n\
                [agreement.whereabouts]\nregister_minutes = 8\nhost_first_minutes = 30\n";
    let file = agreed("register_minutes = 20\nhost_first_minutes = 3", pair);
    let world = on_file(open_store("sqlite::memory:").await, file).await;
    world.declare("northgate", day(vec![lesson("L1", 10, 70)])).await;
    world.heard_until(40).await;
    let all = world.told_at().await;
    let first = [told(18, "register", 1), told(21, "unaccounted", 2)];
    let second = [told(33, "unaccounted", 1)];
    let is_over = "the other home's own moment is its agreement's, and there is one register";
    assert_eq!(all, [&first[..], &second].concat(), "{is_over}");
    assert_eq!(world.registers_over_at().await, [33], "it stood until everybody was told of");
    // The day after its last one it is gone.
    let next =
        DayDeclaration::new(date("2026-09-15"), false, None, vec![lesson("T1", DAY + 10, DAY + 70)]).unwrap();
    world.declare("northgate", Declaration::Day(next)).await;
    world.pass(at(DAY).micros() - world.now().micros());
    world.heard_until(DAY + 40).await;
    let next: Vec<_> = world.told_at().await.into_iter().filter(|(minute, ..)| *minute > DAY + 9).collect();
    assert_eq!(next, [told(DAY + 30, "register", 1), told(DAY + 33, "unaccounted", 3)]);
}

/// A day in minutes.
const DAY: i64 = 24 * 60;

#[tokio::test]
async fn the_agreement_sets_from_when_on_a_home_looks_at_the_next_day() {
    let world = on_file(open_store("sqlite::memory:").await, agreed("next_day_from = \"14:30\"", "")).await;
    let officer = world.officer("kingsmead", 40).await;
    let next = DayDeclaration::new(date("2026-09-15"), false, None, vec![lesson("T1", DAY + 250, DAY + 310)]);
    world.declare("northgate", Declaration::Day(next.unwrap())).await;
    let plan = notice("P1", "k-1", NoticeKind::AtPartner, between(DAY + 130, DAY + 190), false);
    world.declare("kingsmead", plan).await;
    let misfits = async |minute: i64| {
        world.pass(at(minute).micros() - world.now().micros());
        world.tick().await;
        world.seen(&officer, Role::AttendanceOfficer, BoardAsk::Away).await.unwrap().misfits.len()
    };
    // London keeps summer time: half past two there is half past one here.
    assert_eq!(misfits(5 * 60 + 29).await, 0);
    assert_eq!(misfits(5 * 60 + 31).await, 1);
}
