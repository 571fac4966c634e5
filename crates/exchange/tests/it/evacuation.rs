//! The evacuation list: nobody who may be there is left off, and each print is in the log.

use crate::{whereabouts::*, world::*};
use commonroll_core::{Role, record::attendance::Physical};
use commonroll_exchange::*;

/// What the list says of its visitors: words, and whether a lesson expects them.
fn lines(seen: &EvacuationSeen) -> Vec<(&str, bool)> {
    let mut lines: Vec<_> =
        seen.visitors.iter().map(|there| (there.words.as_str(), there.lesson.is_some())).collect();
    lines.sort_unstable();
    lines
}

impl World {
    async fn paper(&self, who: &PersonSpeaker) -> EvacuationSeen {
        let acting = Acting { speaker: who, role: Role::AttendanceOfficer };
        self.exchange.evacuation(acting, self.now()).await.unwrap()
    }
}

#[tokio::test]
async fn who_was_seen_stays_on_the_list_between_lessons_and_each_print_has_its_entry() {
    let mut world = school().await;
    let officer = world.officer("northgate", 40).await;
    world.come_to(14).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 1)]).await;
    world.tick().await;
    assert_eq!(lines(&world.paper(&officer).await).len(), 3);
    // The second lesson lies ahead and is taken away: no timetable expects anybody now.
    world.declare("northgate", day(vec![lesson("L1", 10, 70), lesson("L3", 300, 360)])).await;
    world.come_to(80).await;
    let paper = world.paper(&officer).await;
    let of = lines(&paper);
    assert_eq!((of.len(), paper.unnamed), (3, 0));
    let seen: Vec<_> = of.iter().filter(|(words, _)| words.starts_with("Last seen here 09:10. ")).collect();
    assert_eq!(seen.len(), 1, "{of:?}");
    let homes: Vec<&str> = paper.homes.iter().map(|home| home.name.as_str()).collect();
    assert_eq!(homes, ["Kingsmead School", "Ridgeway Academy"]);
    assert!(!format!("{paper:?}").contains("Ashby"), "Debug shows no name");

    let prints = world.entries_of("board.shown").await;
    let papers = prints.iter().filter(|entry| entry["more"]["form"] == "paper");
    assert_eq!(papers.map(|entry| entry["more"]["count"].clone()).collect::<Vec<_>>(), [3, 3]);
}

#[tokio::test]
async fn without_a_timetable_everybody_who_is_placed_may_be_there() {
    let world = school().await;
    let officer = world.officer("northgate", 40).await;
    world.declare("northgate", day(Vec::new())).await;
    world.tick().await;
    let paper = world.paper(&officer).await;
    assert_eq!(lines(&paper), [("Placed here, no lesson known for now", false); 3]);
}

#[tokio::test]
async fn whom_the_list_may_not_name_is_counted() {
    // Kingsmead shares who is in; Ridgeway, under an agreement of its own, shares marks alone.
    let cards = "parties = [\"kingsmead\", \"northgate\"]\ncard = [\"identity\", \"presence_today\"]";
    let (_, terms) = CONSORTIUM.split_once("[[agreement]]").unwrap();
    let all = "parties = [\"kingsmead\", \"ridgeway\", \"northgate\"]";
    let apart = terms.replace(all, "parties = [\"ridgeway\", \"northgate\"]").replace("vale-2026", "apart");
    let text = format!("{}\n[[agreement]]{apart}", CONSORTIUM.replace(all, cards));
    let file = ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE);
    let file = PARTNERS
        .into_iter()
        .fold(file, |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager));
    let world = on_file(open_store("sqlite::memory:").await, file).await;
    let officer = world.officer("northgate", 40).await;
    let paper = world.paper(&officer).await;
    assert_eq!((paper.visitors.len(), paper.unnamed), (2, 1));
    assert_eq!(paper.homes.len(), 2, "the home of whom it can't name can still be rung");
    let manager = world.colleague("northgate", staff(Role::Teacher, None), 41).await;
    let acting = Acting { speaker: &manager, role: Role::Teacher };
    assert!(world.exchange.evacuation(acting, world.now()).await.is_err());
}
