//! A host's teacher tells a home something, the home answers, and nobody else ever reads it.

use crate::{erasure::found, world::*};
use commonroll_core::{
    Role,
    directory::{Declaration, Registration},
};
use commonroll_exchange::*;
use std::time::Duration;

const CANARY: &str = "Quartzlike care over the gearbox drawing";
const DENIED: LawError = LawError::NotAllowed(NotAllowed::Denied);

/// Kingsmead's k-1 is in ENG-1 at Northgate (n-77, S1 teaches it) and at Ridgeway (r-5, S9 teaches it).
async fn school(database: &str, file: ConsortiumFile) -> World {
    let world = World::with(database, file).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.declare("ridgeway", learner("r-5", Registration::Guest, "1000000019")).await;
    world.declare("kingsmead", placement("k-1", "ridgeway")).await;
    world.declare("ridgeway", acceptance("r-5", "kingsmead")).await;
    world.declare("northgate", teaches("S1", &["ENG-1"])).await;
    world.declare("northgate", teaches("S2", &["ART-1"])).await;
    world.declare("ridgeway", teaches("S9", &["ENG-1"])).await;
    world
}

struct Cast {
    teacher: PersonSpeaker,
    other_group: PersonSpeaker,
    other_host: PersonSpeaker,
    tutor: PersonSpeaker,
}

async fn cast(world: &World) -> Cast {
    Cast {
        teacher: world.colleague("northgate", staff(Role::Teacher, Some("S1")), 40).await,
        other_group: world.colleague("northgate", staff(Role::Teacher, Some("S2")), 41).await,
        other_host: world.colleague("ridgeway", staff(Role::Teacher, Some("S9")), 42).await,
        tutor: world.colleague("kingsmead", staff(Role::Tutor, None), 43).await,
    }
}

const fn teacher(who: &PersonSpeaker) -> Acting<'_> {
    Acting { speaker: who, role: Role::Teacher }
}

const fn tutor(who: &PersonSpeaker) -> Acting<'_> {
    Acting { speaker: who, role: Role::Tutor }
}

fn praise() -> Telling {
    Telling { praise: true, words: CANARY.to_owned(), act_by: None }
}

fn request() -> Telling {
    let act_by = Some(date("2026-09-18"));
    Telling { praise: false, words: "Coursework missing twice".to_owned(), act_by }
}

impl World {
    async fn page(&self, acting: Acting<'_>, learner: u32) -> Result<LearnerRead, ReadError> {
        self.exchange.read_learner(acting, learner, ((None, None), Vec::new()), self.now()).await
    }

    async fn messages(&self, acting: Acting<'_>, learner: u32) -> Vec<MessageSeen> {
        self.page(acting, learner).await.unwrap().reading.messages
    }

    async fn tell(&self, who: &PersonSpeaker, telling: &Telling) -> Result<MessageId, LawError> {
        self.exchange.tell_home(teacher(who), 0, telling, self.now()).await
    }
}

async fn named(world: &World, what: &str) -> Vec<serde_json::Value> {
    let shown = world.exchange.show(1, 10_000).await.unwrap();
    shown.into_iter().filter(|entry| entry["what"] == what).collect()
}

#[tokio::test]
async fn a_teacher_tells_the_home_which_says_what_came_of_it_and_no_entry_holds_a_word() {
    let world = school("sqlite::memory:", governed()).await;
    let cast = cast(&world).await;
    let page = world.page(teacher(&cast.teacher), 0).await.unwrap();
    let tell = page.tell.unwrap();
    assert!(tell.open && tell.may_ask);
    assert_eq!((tell.home.0.as_str(), tell.agreement.as_deref()), ("kingsmead", Some("vale-2026 v1")));
    assert!(tell.readers.contains(&(Role::Tutor, true)), "it says before who will read it: {tell:?}");

    let first = world.tell(&cast.teacher, &praise()).await.unwrap();
    assert_eq!(world.tell(&cast.teacher, &praise()).await, Ok(first), "pressed twice is sent once");
    world.pass(1_000);
    let asked = world.tell(&cast.teacher, &request()).await.unwrap();
    let seen = world.messages(tutor(&cast.tutor), 0).await;
    assert_eq!(seen.iter().map(|one| one.id).collect::<Vec<_>>(), [asked, first], "newest first");
    assert_eq!(seen[1].words.as_deref(), Some(CANARY));
    assert_eq!((seen[0].act_by, seen[0].overdue), (Some(date("2026-09-18")), false));
    assert_eq!((&seen[0].from, seen[0].may_answer), (&None, true), "staff of others have no name here");

    let list = world.exchange.asked_of_us(tutor(&cast.tutor), world.now()).await.unwrap();
    assert_eq!(list.messages.len(), 2);
    assert_eq!(list.messages[0].1, "Imogen Ashby");
    world.pass(6 * DAY);
    assert!(world.messages(teacher(&cast.teacher), 0).await[0].overdue, "silence past the date is shown");
    let answered = world.exchange.answer_host(tutor(&cast.tutor), asked, "Spoke to her", world.now()).await;
    assert_eq!(answered, Ok(()));
    let came = world.messages(teacher(&cast.teacher), 0).await;
    assert_eq!((came[0].answers[0].words.as_str(), came[0].overdue), ("Spoke to her", false));
    assert!(came[0].own && came[0].answers[0].name.is_none() && !came[0].may_answer);
    let list = world.exchange.asked_of_us(tutor(&cast.tutor), world.now()).await.unwrap();
    assert_eq!(list.messages[0].0.id, first, "what nobody has answered comes first");

    let sent = &named(&world, "message.sent").await;
    assert_eq!(sent.len(), 2);
    assert_eq!(
        (&sent[0]["more"]["institution"], &sent[0]["more"]["learner"]),
        (&"northgate".into(), &0.into())
    );
    assert_eq!(sent[0]["more"]["agreements"], serde_json::json!(["vale-2026 v1"]));
    assert_eq!(named(&world, "message.answered").await[0]["more"]["recipient"], "northgate");
    let shown = &named(&world, "messages.shown").await[0]["more"];
    assert_eq!(
        (&shown["groups"]["behaviour"], &shown["learners"]),
        (&0b11100.into(), &serde_json::json!([[0, 0]]))
    );
    assert_eq!(named(&world, "read.disclosed").await.last().unwrap()["more"]["messages"], 2);
    let log = serde_json::to_string(&world.exchange.show(1, 10_000).await.unwrap()).unwrap();
    for words in ["Quartzlike", "Coursework", "Spoke", "Ashby", "n-77", "k-1"] {
        assert!(!log.contains(words), "{words} is in an entry");
    }
    let dpo = world.office("kingsmead", Role::Dpo, 70).await;
    let acting = Acting { speaker: &dpo, role: Role::Dpo };
    let export = world.exchange.subject_export(acting, &id("k-1"), world.now()).await.unwrap();
    let said: Vec<_> =
        export.declared.iter().filter(|(kind, _)| ["praise", "concern"].contains(kind)).collect();
    assert!(said.len() == 2 && said[1].1.contains(CANARY), "{said:?}");
    assert!(said[0].1.contains("home to act by 2026-09-18") && said[0].1.contains("Spoke to her"));
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn nobody_else_sends_reads_or_answers_and_the_agreement_decides() {
    let world = school("sqlite::memory:", governed()).await;
    let cast = cast(&world).await;
    let sent = world.tell(&cast.teacher, &praise()).await.unwrap();
    // Another host of the same learner, a colleague who doesn't teach them, the home itself.
    assert!(world.messages(teacher(&cast.other_host), 0).await.is_empty(), "another host's is not theirs");
    assert_eq!(world.tell(&cast.other_group, &praise()).await, Err(DENIED));
    let at_home = world.exchange.tell_home(tutor(&cast.tutor), 0, &praise(), world.now()).await;
    assert_eq!(at_home, Err(DENIED));
    let nobody = world.exchange.tell_home(teacher(&cast.teacher), 77, &praise(), world.now()).await;
    assert_eq!(nobody, Err(DENIED), "the same for a learner who isn't there");
    for (who, role) in [
        (&cast.other_host, Role::Teacher),
        (&cast.other_group, Role::Teacher),
        (&cast.teacher, Role::Teacher),
    ] {
        let acting = Acting { speaker: who, role };
        assert_eq!(world.exchange.answer_host(acting, sent, "Seen", world.now()).await, Err(DENIED));
        if role == Role::Teacher && !std::ptr::eq(who, &cast.teacher) {
            assert_eq!(world.exchange.take_back(acting, sent, world.now()).await, Err(DENIED));
        }
    }
    assert_eq!(
        world.exchange.answer_host(tutor(&cast.tutor), MessageId([9; 16]), "", world.now()).await,
        Err(DENIED)
    );
    assert!(world.exchange.asked_of_us(teacher(&cast.teacher), world.now()).await.is_err());
    // The attendance officer isn't shown behaviour by this agreement.
    let officer = world.colleague("kingsmead", staff(Role::AttendanceOfficer, None), 44).await;
    let acting = Acting { speaker: &officer, role: Role::AttendanceOfficer };
    assert!(world.messages(acting, 0).await.is_empty());
    assert_eq!(world.exchange.answer_host(acting, sent, "", world.now()).await, Err(DENIED));

    // What it may say.
    for (telling, field) in [
        (Telling { words: "x".repeat(501), ..praise() }, "words"),
        (Telling { words: " ".to_owned(), ..praise() }, "words"),
        (Telling { words: "a\u{202e}b".to_owned(), ..praise() }, "words"),
        (Telling { praise: true, ..request() }, "act_by"),
        (Telling { act_by: Some(date("2026-09-13")), ..request() }, "act_by"),
        (Telling { act_by: Some(date("2027-09-13")), ..request() }, "act_by"),
    ] {
        let refused = world.tell(&cast.teacher, &telling).await;
        assert!(matches!(&refused, Err(LawError::Invalid(wrong)) if wrong.field == field), "{refused:?}");
    }
    let long = world.exchange.answer_host(tutor(&cast.tutor), sent, &"y".repeat(201), world.now()).await;
    assert!(matches!(long, Err(LawError::Invalid(_))));

    // The need ends: what was written within the placement stays the home's, and nothing new is sent.
    world.declare("kingsmead", end("k-1", "northgate", world.now().plus_micros(1))).await;
    world.pass(60_000_000);
    assert_eq!(world.tell(&cast.teacher, &request()).await, Err(DENIED));
    assert!(world.page(teacher(&cast.teacher), 0).await.is_err());
    assert_eq!(world.messages(tutor(&cast.tutor), 0).await.len(), 1);
}

#[tokio::test]
async fn where_the_agreement_shares_no_words_none_are_taken() {
    let text = CONSORTIUM.replace("\"involvement\", \"share_safe_text\"", "\"involvement\"");
    let file = ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE);
    let file =
        PARTNERS.into_iter().fold(file, |f, name| f.with_person(&PEOPLE, &slug(name), Role::DataManager));
    let world = school("sqlite::memory:", file).await;
    let cast = cast(&world).await;
    let tell = world.page(teacher(&cast.teacher), 0).await.unwrap().tell.unwrap();
    assert!(!tell.open);
    let refused = world.tell(&cast.teacher, &praise()).await;
    assert!(matches!(refused, Err(LawError::State(_))), "{refused:?}");
    assert!(named(&world, "message.sent").await.is_empty());
}

#[tokio::test]
async fn an_erased_learners_messages_are_gone_on_every_node_and_from_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = school(&database, with_officers()).await;
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    let cast = cast(&world).await;
    let sent = world.tell(&cast.teacher, &praise()).await.unwrap();
    world.exchange.answer_host(tutor(&cast.tutor), sent, "Grand, told her", world.now()).await.unwrap();
    other.follow(Duration::from_secs(1)).await.unwrap();
    let there = other.asked_of_us(tutor(&cast.tutor), world.now()).await.unwrap();
    assert_eq!(there.messages[0].0.answers.len(), 1, "the other node knows it");
    assert!(found(folder.path(), b"Quartzlike") > 0);

    let dpo = Actor::new(&world, "kingsmead", Role::Dpo);
    let what = Erasing::Learner(id("k-1"));
    let reason = ErasureReason::ObjectionUpheld;
    let erased =
        world.exchange.erase(dpo.acting(), &what, reason, (false, false), world.now()).await.unwrap();
    assert!(erased.done && erased.directory >= 3, "name, message and answer: {erased:?}");
    assert!(world.messages(teacher(&cast.teacher), 0).await.is_empty());
    other.follow(Duration::from_secs(1)).await.unwrap();
    assert!(other.asked_of_us(tutor(&cast.tutor), world.now()).await.unwrap().messages.is_empty());
    for words in [b"Quartzlike".as_slice(), b"Grand, told her"] {
        assert_eq!(found(folder.path(), words), 0, "in no file of the database");
    }
    assert!(world.exchange.verify(|_| {}).await.is_ok());
    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    assert!(again.asked_of_us(tutor(&cast.tutor), world.now()).await.unwrap().messages.is_empty());
}

#[tokio::test]
async fn a_message_can_be_taken_back_and_is_kept_no_longer_than_behaviour() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = school(&database, governed()).await;
    let cast = cast(&world).await;
    let wrong = Telling { words: "Zephyrine was rude".to_owned(), ..request() };
    let sent = world.tell(&cast.teacher, &wrong).await.unwrap();
    assert_eq!(world.messages(tutor(&cast.tutor), 0).await.len(), 1);
    world.exchange.take_back(teacher(&cast.teacher), sent, world.now()).await.unwrap();
    assert!(world.messages(tutor(&cast.tutor), 0).await.is_empty());
    assert_eq!(found(folder.path(), b"Zephyrine"), 0);
    assert_eq!(world.exchange.answer_host(tutor(&cast.tutor), sent, "", world.now()).await, Err(DENIED));
    assert_eq!(named(&world, "message.taken_back").await.len(), 1);

    world.pass(DAY);
    let sent = world.tell(&cast.teacher, &praise()).await.unwrap();
    world.pass(10 * DAY);
    world.exchange.answer_host(tutor(&cast.tutor), sent, "", world.now()).await.unwrap();
    let look = async || {
        for _ in 0..6 {
            world.exchange.tick(world.now()).await;
        }
    };
    world.pass(29 * DAY);
    look().await;
    assert_eq!(
        world.messages(teacher(&cast.teacher), 0).await.len(),
        1,
        "the agreement says 30 days after the last word"
    );
    world.pass(2 * DAY);
    look().await;
    assert!(world.messages(teacher(&cast.teacher), 0).await.is_empty());
    assert_eq!(found(folder.path(), b"Quartzlike"), 0);
    assert_eq!(named(&world, "message.gone").await.len(), 1);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

/// Ridgeway's r-9, whom the host took for kingsmead's k-1: what was told of n-77 is about r-9.
async fn taken_for_another(world: &World) {
    let text = |text: &str| commonroll_core::record::Text::parse("forename", text, 100).unwrap();
    let twin = |local: &str, registration| match learner(local, registration, "1000000027") {
        Declaration::Learner(mut twin) => {
            twin.forename = text("Isabel");
            Declaration::Learner(twin)
        }
        other => other,
    };
    world.declare("ridgeway", twin("r-9", Registration::Home)).await;
    world.declare("ridgeway", placement("r-9", "northgate")).await;
    world.declare("northgate", acceptance("n-77", "ridgeway")).await;
    world.declare("northgate", twin("n-77", Registration::Guest)).await;
}

#[tokio::test]
async fn after_a_wrong_match_no_home_reads_what_another_answered_and_either_can_erase_it() {
    for eraser in ["kingsmead", "ridgeway"] {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("hub.db").display());
        let file = with_officers().with_person(&PEOPLE, &slug("ridgeway"), Role::Dpo);
        let world = school(&database, file).await;
        let cast = cast(&world).await;
        let other = world.colleague("ridgeway", staff(Role::Tutor, None), 45).await;
        let sent = world.tell(&cast.teacher, &request()).await.unwrap();
        let words = "Her brother Oswaldine is ill";
        world.exchange.answer_host(tutor(&cast.tutor), sent, words, world.now()).await.unwrap();
        taken_for_another(&world).await;
        let twin = 1;

        assert!(world.messages(tutor(&other), twin).await.is_empty(), "it was told to another home");
        assert!(world.messages(tutor(&cast.tutor), 0).await.is_empty(), "it is about another's learner");
        assert!(
            world.exchange.asked_of_us(tutor(&cast.tutor), world.now()).await.unwrap().messages.is_empty()
        );
        let host = world.messages(teacher(&cast.teacher), twin).await;
        assert_eq!(host.len(), 1, "the host keeps what it wrote");
        assert!(host[0].answers.is_empty() && !host[0].overdue, "without what was said of another");
        assert_eq!(world.exchange.answer_host(tutor(&other), sent, "", world.now()).await, Err(DENIED));

        let local = if eraser == "kingsmead" { "k-1" } else { "r-9" };
        let dpo = Actor::new(&world, eraser, Role::Dpo);
        let (what, reason) = (Erasing::Learner(id(local)), ErasureReason::ObjectionUpheld);
        let erased = world.exchange.erase(dpo.acting(), &what, reason, (false, false), world.now()).await;
        assert!(erased.unwrap().done);
        assert_eq!(found(folder.path(), words.as_bytes()), 0, "{eraser} spoke, or it is about its learner");
        assert_eq!(found(folder.path(), b"Coursework missing"), 0);
        assert!(world.exchange.verify(|_| {}).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_said_while_a_message_goes_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = school(&database, with_officers()).await;
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    let cast = cast(&world).await;
    other.follow(Duration::from_secs(1)).await.unwrap();
    let none = |words: &str| assert_eq!(found(folder.path(), words.as_bytes()), 0, "{words}");

    // The home answers while the teacher takes it back.
    let sent = world.tell(&cast.teacher, &praise()).await.unwrap();
    let (gone, said) = tokio::join!(
        world.exchange.take_back(teacher(&cast.teacher), sent, world.now()),
        world.exchange.answer_host(tutor(&cast.tutor), sent, "Vermilion thanks", world.now()),
    );
    assert_eq!((gone, said), (Ok(()), Ok(())));
    none("Vermilion");
    none("Quartzlike");
    assert_eq!(found(folder.path(), b"\"praise\":"), 0, "neither rows nor payloads say what it was");

    // It is taken back at a node that has not read of it yet.
    world.pass(1_000);
    let sent = world.tell(&cast.teacher, &praise()).await.unwrap();
    assert_eq!(other.take_back(teacher(&cast.teacher), sent, world.now()).await, Ok(()));
    none("Quartzlike");
    world.exchange.follow(Duration::from_secs(1)).await.unwrap();

    // The learner is erased while the home answers.
    world.pass(1_000);
    let sent = world.tell(&cast.teacher, &request()).await.unwrap();
    let dpo = Actor::new(&world, "kingsmead", Role::Dpo);
    let (what, reason) = (Erasing::Learner(id("k-1")), ErasureReason::ObjectionUpheld);
    let (erased, said) = tokio::join!(
        world.exchange.erase(dpo.acting(), &what, reason, (false, false), world.now()),
        world.exchange.answer_host(tutor(&cast.tutor), sent, "Vermilion again", world.now()),
    );
    assert!(erased.unwrap().done && said.is_ok());
    none("Vermilion");
    none("Coursework missing");
    assert_eq!(found(folder.path(), b"\"praise\":"), 0);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_request_stands_before_any_amount_of_praise() {
    let world = school("sqlite::memory:", governed()).await;
    let cast = cast(&world).await;
    let asked = world.tell(&cast.teacher, &request()).await.unwrap();
    for number in 0..205 {
        world.pass(DAY / 50);
        let words = format!("Well done, {number}");
        world.tell(&cast.teacher, &Telling { words, ..praise() }).await.unwrap();
    }
    let list = world.exchange.asked_of_us(tutor(&cast.tutor), world.now()).await.unwrap();
    assert!(list.more && list.messages.len() == 200);
    assert_eq!(list.messages[0].0.id, asked, "what is asked by a date comes first");
    assert_eq!((list.requests, list.uncounted), (1, false));
    assert!(list.messages[1].0.words.as_deref() == Some("Well done, 204"), "then the newest");
}

#[tokio::test]
async fn what_was_taken_back_counts_as_sent_that_day() {
    let world = school("sqlite::memory:", governed()).await;
    let cast = cast(&world).await;
    for _ in 0..60 {
        world.pass(1_000);
        let sent = world.tell(&cast.teacher, &praise()).await.unwrap();
        world.exchange.take_back(teacher(&cast.teacher), sent, world.now()).await.unwrap();
    }
    world.pass(1_000);
    let refused = world.tell(&cast.teacher, &praise()).await;
    assert!(matches!(refused, Err(LawError::State(_))), "{refused:?}");
    world.pass(DAY);
    assert!(world.tell(&cast.teacher, &praise()).await.is_ok());
}
