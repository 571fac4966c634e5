//! A whereabouts board that is longer than a page: the worst first, everybody counted, and named in the log who was shown.

use crate::{
    whereabouts::{marked, school},
    world::*,
};
use commonroll_core::{Role, record::attendance::Physical};
use commonroll_exchange::*;

/// One alarm and two learners to a page.
fn page(number: usize) -> BoardPart {
    BoardPart { alarms: (number, 1), lines: (2 * number, 2), ..BoardPart::ALL }
}

impl World {
    async fn part(&self, who: &PersonSpeaker, part: BoardPart) -> BoardSeen {
        let acting = Acting { speaker: who, role: Role::AttendanceOfficer };
        self.exchange.board(acting, (BoardAsk::Away, part), self.now()).await.unwrap()
    }
}

#[tokio::test]
async fn a_long_board_comes_in_parts_the_worst_first_and_the_log_names_who_was_on_each() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.placed("kingsmead", "k-9", "northgate", "n-9", "1000000043").await;
    world.placed("kingsmead", "k-10", "northgate", "n-10", "1000000051").await;
    world.come_to(14).await;
    for (guest, physical) in [
        ("n-1", Physical::Present),
        ("n-2", Physical::Absent),
        ("n-9", Physical::Present),
        ("n-10", Physical::Absent),
    ] {
        world.publish("northgate", vec![marked(guest, 10, physical, 1)]).await;
    }
    world.tick().await;

    let whole = world.away(&officer).await;
    assert_eq!((whole.learners(), whole.to_find(), whole.alarms.len(), whole.lines.len()), (4, 2, 2, 4));
    let end = world.exchange.stats().log_entries;
    let (first, second) = (world.part(&officer, page(0)).await, world.part(&officer, page(1)).await);
    assert_eq!(world.exchange.stats().log_entries, end, "the whole board named them a moment ago");
    for part in [&first, &second] {
        assert_eq!((&part.counts, part.all, &part.hosts), (&whole.counts, whole.all, &whole.hosts));
    }
    assert!(first.lines.iter().all(|line| line.looks == Looks::NotSeen), "the worst first");
    assert!(second.lines.iter().all(|line| line.looks == Looks::Seen));
    assert_eq!([first.lines.clone(), second.lines.clone()].concat(), whole.lines, "each is on one of them");
    assert_eq!([first.alarms.clone(), second.alarms.clone()].concat(), whole.alarms);
    assert_eq!(world.part(&officer, page(9)).await.lines, second.lines, "behind the end is the last part");

    // Who opens the second page alone, minutes later, was shown those on it and nobody else.
    world.come_to(30).await;
    let before = world.entries_of("board.shown").await.len();
    let second = world.part(&officer, page(1)).await;
    let entries = world.entries_of("board.shown").await;
    assert_eq!(entries.len(), before + 1);
    let shown: Vec<u32> = second.lines.iter().map(|line| line.learner).collect();
    let named = |entry: &serde_json::Value, learner: u32| {
        let runs = entry["more"]["learners"].as_array().unwrap();
        let within = |run: &serde_json::Value| {
            (run[0].as_u64().unwrap()..=run[1].as_u64().unwrap()).contains(&u64::from(learner))
        };
        runs.iter().any(within)
    };
    let on_page = |learner: u32| {
        shown.contains(&learner) || second.alarms.iter().any(|alarm| alarm.learner == Some(learner))
    };
    for line in &whole.lines {
        assert_eq!(named(&entries[before], line.learner), on_page(line.learner));
    }
    assert_eq!(entries[before]["more"]["count"], 3);

    // Two windows, one on each page: an entry for each, and none more while the same stand there.
    world.part(&officer, page(0)).await;
    let both = world.entries_of("board.shown").await.len();
    for number in [1, 0, 1, 0] {
        world.part(&officer, page(number)).await;
    }
    assert_eq!(world.entries_of("board.shown").await.len(), both);
    assert_eq!(both, before + 2);
}
