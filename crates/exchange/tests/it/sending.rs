//! Alerts on their way out of the hub: what waits, who has the turn, what became of it, through restarts and on two nodes.

use crate::{whereabouts::*, world::*};
use commonroll_core::{Role, record::attendance::Physical};
use commonroll_exchange::*;

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const MAIL: Channel = Channel::Mail;

fn acting(speaker: &PersonSpeaker) -> Acting<'_> {
    Acting { speaker, role: Role::AttendanceOfficer }
}

impl World {
    async fn begin(&self, exchange: &Exchange, to: &str, node: u64) -> Option<Outbound> {
        let due = exchange.has_to_send(&slug(to), MAIL, self.now());
        let begun = exchange.begin_sending(&slug(to), MAIL, node, self.now()).await.unwrap();
        assert!(due || begun.is_none(), "whatever is to be done is said to be due");
        begun
    }

    async fn ends(&self, message: &Outbound, outcome: Result<(), SendFault>, node: u64) {
        self.exchange.sent(message, outcome, (node, 0), self.now()).await.unwrap();
    }

    async fn absent(&mut self, guests: &[&str]) {
        let marks = guests.iter().map(|guest| marked(guest, 10, Physical::Absent, 1)).collect();
        self.publish("northgate", marks).await;
        self.tick().await;
    }

    async fn said(&self, what: &str) -> Vec<serde_json::Value> {
        self.entries_of(what).await.into_iter().map(|mut entry| entry["more"].take()).collect()
    }
}

#[tokio::test]
async fn alerts_that_come_together_are_one_message_and_its_words_name_nobody() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    world.absent(&["n-1", "n-2"]).await;
    assert_eq!(world.begin(&world.exchange, "kingsmead", 1).await, None, "others may come with them");
    world.pass(5 * SECOND);
    let message = world.begin(&world.exchange, "kingsmead", 1).await.unwrap();
    assert_eq!((message.alerts.len(), message.number, message.tries), (2, 1, 1));
    let alert = &message.alerts[0];
    assert_eq!((alert.about, alert.site.0.as_str()), ("unaccounted", "northgate"));
    assert_eq!((alert.told, alert.lesson), (at(15), Some(at(10))));
    let board = world.away(&officer).await;
    for alarm in &board.alarms {
        assert_eq!(alarm.sent, [SentSeen { channel: MAIL, state: SentState::Trying(1) }]);
        let id = alarm.id.to_string();
        assert!(!message.alerts.iter().any(|alert| alert.id == id || alert.alert == id));
    }
    assert!(!format!("{message:?}").contains("Ashby"));
    let at_host = world.begin(&world.exchange, "northgate", 1).await.unwrap();
    assert!(at_host.alerts.iter().all(|one| message.alerts.iter().all(|other| other.alert != one.alert)));

    world.pass(SECOND);
    world.ends(&message, Ok(()), 1).await;
    let board = world.away(&officer).await;
    assert!(board.alarms.iter().all(|alarm| matches!(alarm.sent[0].state, SentState::Sent(_))), "{board:?}");
    let sent = world.said("alert.sent").await;
    let wanted = serde_json::json!({ "institution": "kingsmead", "channel": "mail", "message": 1, "count": 2, "tries": 1 });
    assert_eq!(sent, [wanted]);
    assert!(!world.exchange.has_to_send(&slug("kingsmead"), MAIL, world.now()), "once");

    // Nobody takes them in hand: they are told again, and sent again under another id.
    world.come_to(26).await;
    let again = world.begin(&world.exchange, "kingsmead", 1).await.unwrap();
    assert_eq!((again.number, again.alerts.len()), (2, 2));
    assert!(again.alerts.iter().all(|one| message.alerts.iter().any(|old| old.alert == one.alert)));
    assert!(again.alerts.iter().all(|one| message.alerts.iter().all(|old| old.id != one.id)));
    world.ends(&again, Ok(()), 1).await;
    let ids: Vec<AlertId> = board.alarms.iter().map(|alarm| alarm.id).collect();
    for id in ids {
        world.exchange.take_in_hand(acting(&officer), id, "", world.now()).await.unwrap();
    }
    world.come_to(50).await;
    assert!(!world.exchange.has_to_send(&slug("kingsmead"), MAIL, world.now()), "it is in hand");
    assert!(world.exchange.has_to_send(&slug("northgate"), MAIL, world.now()), "there it is not");
    world.exchange.verify(|_| {}).await.unwrap();
}

#[tokio::test]
async fn what_comes_within_the_same_minute_goes_in_the_next_message() {
    let mut world = school().await;
    world.come_to(15).await;
    world.absent(&["n-1"]).await;
    world.pass(5 * SECOND);
    let first = world.begin(&world.exchange, "kingsmead", 1).await.unwrap();
    world.ends(&first, Ok(()), 1).await;
    world.pass(5 * SECOND);
    world.absent(&["n-2"]).await;
    world.pass(40 * SECOND);
    assert_eq!(world.begin(&world.exchange, "kingsmead", 1).await, None);
    world.pass(15 * SECOND);
    assert_eq!(world.begin(&world.exchange, "kingsmead", 1).await.unwrap().alerts.len(), 1);
}

#[tokio::test]
async fn what_fails_is_tried_again_after_a_restart_and_given_up_after_hours() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&url).await).await;
    world.come_to(15).await;
    world.absent(&["n-2"]).await;
    world.pass(5 * SECOND);
    let message = world.begin(&world.exchange, "kingsmead", 1).await.unwrap();
    world.ends(&message, Err(SendFault::Silent), 1).await;
    assert_eq!(world.begin(&world.exchange, "kingsmead", 1).await, None, "not at once");
    world.started_again(open_store(&url).await).await;
    world.exchange.open_views(read_body, world.now());
    world.tick().await;
    world.pass(14 * SECOND);
    assert_eq!(world.begin(&world.exchange, "kingsmead", 2).await, None);
    world.pass(SECOND);
    let again = world.begin(&world.exchange, "kingsmead", 2).await.unwrap();
    assert_eq!((again.number, again.tries), (1, 2));
    assert_eq!(again.alerts, message.alerts, "whoever got it the first time knows it by its ids");
    world.ends(&again, Err(SendFault::Refused), 2).await;

    world.pass(4 * HOUR);
    assert_eq!(world.begin(&world.exchange, "kingsmead", 2).await, None);
    let unsent = world.said("alert.unsent").await;
    assert_eq!((&unsent[0]["reason"], &unsent[0]["tries"]), (&"refused".into(), &2.into()), "{unsent:?}");
    world.exchange.verify(|_| {}).await.unwrap();
}

#[tokio::test]
async fn an_alert_that_is_over_before_it_could_be_sent_is_said_to_be_unsent() {
    let mut world = school().await;
    world.come_to(15).await;
    world.absent(&["n-1", "n-2"]).await;
    world.pass(5 * SECOND);
    let message = world.begin(&world.exchange, "kingsmead", 1).await.unwrap();
    world.ends(&message, Err(SendFault::Silent), 1).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 2)]).await;
    world.tick().await;
    assert_eq!(world.begin(&world.exchange, "kingsmead", 1).await, None, "the other one waits for its time");
    let unsent = world.said("alert.unsent").await;
    assert_eq!((&unsent[0]["reason"], &unsent[0]["count"]), (&"over".into(), &1.into()));
    world.pass(15 * SECOND);
    let rest = world.begin(&world.exchange, "kingsmead", 1).await.unwrap();
    assert_eq!((rest.number, rest.tries, rest.alerts.len()), (2, 2, 1));
    assert!(message.alerts.contains(&rest.alerts[0]));
}

#[tokio::test]
async fn two_nodes_send_once_and_a_turn_that_nobody_ends_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&url).await).await;
    let other = Exchange::open(options(&url), world.now()).await.unwrap();
    world.come_to(15).await;
    world.absent(&["n-2"]).await;
    other.follow(std::time::Duration::from_millis(1)).await.unwrap();
    world.pass(5 * SECOND);
    let message = world.begin(&world.exchange, "kingsmead", 1).await.unwrap();
    let there = other.begin_sending(&slug("kingsmead"), MAIL, 2, world.now()).await.unwrap();
    assert_eq!(there, None, "the log says who sends");
    world.pass(60 * SECOND);
    let there = other.begin_sending(&slug("kingsmead"), MAIL, 2, world.now()).await.unwrap().unwrap();
    assert_eq!((there.number, there.tries), (1, 2));
    world.ends(&message, Ok(()), 1).await;
    assert_eq!(world.said("alert.sent").await.len(), 0, "who comes back too late says nothing");
    other.sent(&there, Ok(()), (2, 0), world.now()).await.unwrap();
    world.exchange.follow(std::time::Duration::from_millis(1)).await.unwrap();
    assert_eq!(world.said("alert.sent").await.len(), 1);
    assert!(!world.exchange.has_to_send(&slug("kingsmead"), MAIL, world.now()));
}

#[tokio::test]
async fn whoever_was_sent_an_alert_is_sent_once_that_it_is_over_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&url).await).await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    world.absent(&["n-1", "n-2"]).await;
    world.pass(5 * SECOND);
    let message = world.begin(&world.exchange, "kingsmead", 1).await.unwrap();
    assert!(message.alerts.iter().all(|alert| alert.over.is_none()));
    world.ends(&message, Ok(()), 1).await;
    // One is found, the other one's host corrects its mark. Northgate was never sent anything.
    let first = world.away(&officer).await.alarms[0].id;
    world.exchange.found(acting(&officer), first, "Library", world.now()).await.unwrap();
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 2)]).await;
    world.publish("northgate", vec![marked("n-2", 10, Physical::Present, 2)]).await;
    world.tick().await;
    assert!(
        !world.exchange.has_to_send(&slug("northgate"), MAIL, world.now()),
        "who got nothing hears of no end"
    );
    world.started_again(open_store(&url).await).await;
    world.exchange.open_views(read_body, world.now());
    world.tick().await;
    world.pass(61 * SECOND);
    let over = world.begin(&world.exchange, "kingsmead", 2).await.unwrap();
    assert_eq!((over.number, over.alerts.len()), (2, 2));
    for ended in &over.alerts {
        let began = message.alerts.iter().find(|alert| alert.alert == ended.alert).unwrap();
        assert!(ended.over.is_some() && ended.id != began.id, "the same alert, another telling");
    }
    world.ends(&over, Err(SendFault::Silent), 2).await;
    world.pass(60 * SECOND);
    let again = world.begin(&world.exchange, "kingsmead", 2).await.unwrap();
    assert_eq!((again.number, again.tries, &again.alerts), (2, 2, &over.alerts));
    world.ends(&again, Ok(()), 2).await;
    assert_eq!(world.said("alert.sent").await[1]["over"], 2);
    world.pass(10 * 60 * SECOND);
    assert!(!world.exchange.has_to_send(&slug("kingsmead"), MAIL, world.now()), "once");
    world.started_again(open_store(&url).await).await;
    world.exchange.open_views(read_body, world.now());
    world.tick().await;
    assert!(!world.exchange.has_to_send(&slug("kingsmead"), MAIL, world.now()), "nor after a restart");
    world.exchange.verify(|_| {}).await.unwrap();
}
