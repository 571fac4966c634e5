//! Emergency access: a visitor collapses, a teacher needs to know whom to call, and everybody hears of it.

use crate::world::*;
use commonroll_audit::{approval::Approves, keys::SigningKey, sha256};
use commonroll_core::{PersonId, Purpose, RecordKind, Role};
use commonroll_exchange::*;
use std::time::Duration;

const REASON: &str = "Fainted in the workshop; the ambulance asks for allergies";
const DENIED: LawError = LawError::NotAllowed(NotAllowed::Denied);

async fn open(
    world: &World,
    who: &PersonSpeaker,
    role: Role,
    learner: &str,
    minutes: u64,
) -> Result<EmergencyOpened, LawError> {
    let acting = Acting { speaker: who, role };
    let valid = Duration::from_secs(60 * minutes);
    world.exchange.open_emergency(acting, (&id(learner), REASON), valid, ([9; 16], world.now())).await
}

async fn card(world: &World, who: &PersonSpeaker, learner: &str) -> Result<Reading, ReadError> {
    let ask = ReadAsk::about(id(learner), Purpose::Emergency);
    world.exchange.read(Acting { speaker: who, role: Role::Teacher }, &ask, world.now()).await
}

#[tokio::test]
async fn an_emergency_shows_what_the_home_wrote_for_it_and_the_entry_says_which_parts() {
    let world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let text = |said| commonroll_core::record::Text::parse("text", said, 500).unwrap();
    let said = commonroll_core::directory::SupportDeclaration {
        learner: id("k-1"),
        needs: text("Carries an auto-injector"),
        emergency: text(""),
        last_date: date("2026-09-14"),
    };
    let declared = commonroll_core::directory::Declaration::Support(said);
    assert_eq!(world.declare("kingsmead", declared).await, DeclareResult::Accepted);
    let teacher = world.colleague("northgate", staff(Role::Teacher, None), 50).await;
    open(&world, &teacher, Role::Teacher, "n-77", 60).await.unwrap();
    let seen = card(&world, &teacher, "n-77").await.unwrap().card.unwrap();
    assert_eq!((seen.needs.as_deref(), seen.emergency), (Some("Carries an auto-injector"), None));
    assert_eq!(seen.not_held, ["emergency_contact"], "for this the home is to be asked");
    let shown = world.exchange.show(1, 1_000).await.unwrap();
    let entry = shown.iter().rfind(|entry| entry["what"] == "read.disclosed").unwrap();
    assert_eq!(entry["more"]["groups"]["card"].as_u64().unwrap() & 0b1100, 0b1000);
    assert!(!entry.to_string().contains("injector"));
    world.pass(DAY);
    let acting = Acting { speaker: &teacher, role: Role::Teacher };
    let (hour, chance) = (Duration::from_secs(3600), ([8; 16], world.now()));
    world.exchange.open_emergency(acting, (&id("n-77"), REASON), hour, chance).await.unwrap();
    let seen = card(&world, &teacher, "n-77").await.unwrap().card.unwrap();
    assert_eq!(seen.needs, None, "what was said until yesterday holds no more");
}

#[tokio::test]
async fn an_emergency_opens_the_card_for_its_time_and_the_home_hears_of_it_at_once() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let teacher = world.colleague("northgate", staff(Role::Teacher, None), 50).await;
    let denied = Err(ReadError::NotAllowed(NotAllowed::Denied));
    assert_eq!(card(&world, &teacher, "n-77").await, denied, "an emergency isn't claimed, it is opened");

    let opened = open(&world, &teacher, Role::Teacher, "n-77", 60).await.unwrap();
    let reading = card(&world, &teacher, "n-77").await.unwrap();
    let seen = reading.card.unwrap();
    assert_eq!(seen.home.unwrap().0, slug("kingsmead"), "whom to call first");
    assert_eq!(seen.not_held, ["emergency_contact", "needs"]);
    assert_eq!((seen.presence, reading.records), (None, Vec::new()), "no record, not even today's marks");
    let said: Vec<_> = reading.not_shown.iter().map(|said| (said.kind, said.code.as_str())).collect();
    assert!(said.contains(&(RecordKind::Attendance, "wrong_purpose")), "{said:?}");

    // The log says who and for whom, and not what had happened.
    let shown = world.exchange.show(1, 1_000).await.unwrap();
    let entry = shown.iter().find(|entry| entry["what"] == "emergency.opened").unwrap();
    assert_eq!((&entry["by"], &entry["more"]["recipient"]), (&teacher.by().into(), &"kingsmead".into()));
    assert!(!entry.to_string().contains("Fainted") && !entry.to_string().contains("n-77"), "{entry}");

    // The home's head and data manager see it at once, by their own id of the learner; a third partner sees nothing.
    let head = Actor::new(&world, "kingsmead", Role::Head);
    let told = world.exchange.emergencies(head.acting(), world.now()).await.unwrap();
    assert_eq!((told.len(), told[0].learner.clone(), told[0].reason.as_str()), (1, Some(id("k-1")), REASON));
    assert!(!format!("{told:?}").contains("Fainted"));
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let asker =
        world.exchange.asker(&manager.speaker, Role::DataManager, Question::Events(Topic::Exports)).unwrap();
    let events = world.exchange.events(&asker, Topic::Exports, Window::default(), world.now()).await.unwrap();
    assert!(events.iter().any(|event| event.what == "emergency.opened"), "{events:?}");
    let other = Actor::new(&world, "ridgeway", Role::Head);
    assert_eq!(world.exchange.emergencies(other.acting(), world.now()).await.unwrap(), []);

    // It ends by itself, at the reading.
    world.pass(59 * 60_000_000);
    assert!(card(&world, &teacher, "n-77").await.is_ok());
    assert_eq!(opened.until, world.now().plus_micros(60_000_000));
    world.pass(60_000_000);
    assert_eq!(card(&world, &teacher, "n-77").await, denied);
}

#[tokio::test]
async fn an_emergency_is_only_for_staff_and_for_whoever_is_placed_here_now() {
    let world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let teacher = world.colleague("northgate", staff(Role::Teacher, None), 50).await;
    let stranger = world.colleague("ridgeway", staff(Role::Teacher, None), 51).await;
    let manager = Actor::new(&world, "northgate", Role::DataManager);
    for (who, role, learner) in [
        (&teacher, Role::Teacher, "nobody"),
        (&teacher, Role::Teacher, "k-1"),
        (&teacher, Role::Head, "n-77"),
        (&stranger, Role::Teacher, "n-77"),
        (&manager.speaker, Role::DataManager, "n-77"),
    ] {
        assert_eq!(open(&world, who, role, learner, 60).await, Err(DENIED), "{role} {learner}");
    }
    assert!(matches!(
        open(&world, &teacher, Role::Teacher, "n-77", 25 * 60).await,
        Err(LawError::Invalid(_))
    ));
    assert!(matches!(open(&world, &teacher, Role::Teacher, "n-77", 0).await, Err(LawError::Invalid(_))));
    let acting = Acting { speaker: &teacher, role: Role::Teacher };
    let moment = Duration::from_secs(59);
    let short =
        world.exchange.open_emergency(acting, (&id("n-77"), REASON), moment, ([1; 16], world.now())).await;
    assert!(matches!(short, Err(LawError::Invalid(invalid)) if invalid.field == "valid_for"));
    let hour = Duration::from_secs(3600);
    let short =
        world.exchange.open_emergency(acting, (&id("n-77"), "quick"), hour, ([1; 16], world.now())).await;
    assert!(matches!(short, Err(LawError::Invalid(invalid)) if invalid.field == "reason"));
    // One person's access opens nothing to a colleague; and nothing once the placement has ended.
    open(&world, &teacher, Role::Teacher, "n-77", 60).await.unwrap();
    let colleague = world.colleague("northgate", staff(Role::Teacher, None), 52).await;
    assert!(card(&world, &colleague, "n-77").await.is_err());
    assert!(card(&world, &teacher, "n-77").await.is_ok());
    world.declare("kingsmead", end("k-1", "northgate", world.now())).await;
    assert!(card(&world, &teacher, "n-77").await.is_err());
    let refused = world.exchange.show(1, 1_000).await.unwrap();
    world.exchange.tick(world.now()).await;
    let after = world.exchange.show(refused.len() as u64 + 1, 100).await.unwrap();
    assert!(after.iter().any(|entry| entry["what"] == "emergency.refused"), "attempts are counted");
}

/// Somebody with an office of northgate, which its data manager gives and its head approves.
async fn second_office(world: &World, who: PersonWanted, number: u8) -> PersonSpeaker {
    let manager = Actor::new(world, "northgate", Role::DataManager);
    let head = Actor::new(world, "northgate", Role::Head);
    let by = Inviter::Person(&manager.speaker, manager.role);
    let (hour, seed) = (Duration::from_secs(3600), ([number; 32], world.now()));
    let invited = world.exchange.invite_person(&slug("northgate"), who, hour, by, seed).await.unwrap();
    let second = (&head.speaker, head.role);
    let listed = world.exchange.people(second, Purpose::Administration, world.now()).await.unwrap();
    let asked = listed.invitations.into_iter().find(|one| one.hash == invited.hash).unwrap();
    let signature = head.sign(Approves::Act, &sha256(asked.text.as_bytes()));
    world.exchange.approve_person(second, invited.hash, signature, world.now()).await.unwrap();
    let key = SigningKey::from_seed(&[number; 32]).unwrap();
    let (id, peer) = (PersonId([number; 16]), "127.0.0.1".parse().unwrap());
    let public = *key.public().as_bytes();
    world.exchange.join_person(&invited.code, id, public, peer, world.now()).await.unwrap();
    world.exchange.person(id).unwrap()
}

#[tokio::test]
async fn case_17_nobody_reviews_their_own_emergency_and_each_side_reviews_once() {
    let world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let host = world.office("northgate", Role::Dpo, 60).await;
    // Somebody with two hats: teacher and, at the same college, data protection officer.
    let both = [Role::Teacher, Role::Dpo].into();
    let teacher = second_office(&world, PersonWanted { roles: both, ..staff(Role::Teacher, None) }, 50).await;
    let opened = open(&world, &teacher, Role::Teacher, "n-77", 60).await.unwrap();
    let home = world.office("kingsmead", Role::Dpo, 61).await;
    let third = world.office("ridgeway", Role::Dpo, 62).await;
    let review = async |who: &PersonSpeaker, role, remark: &'static str| {
        let acting = Acting { speaker: who, role };
        world.exchange.review_emergency(acting, opened.id, (true, remark), world.now()).await
    };
    assert_eq!(review(&teacher, Role::Teacher, "mine").await, Err(DENIED), "no office that reviews");
    assert_eq!(
        review(&teacher, Role::Dpo, "mine").await,
        Err(DENIED),
        "their own, though the office would do"
    );
    let own = Acting { speaker: &teacher, role: Role::Dpo };
    let listed = world.exchange.emergencies(own, world.now()).await.unwrap();
    assert!(listed.len() == 1 && !listed[0].reviewable, "nor is it offered");
    assert_eq!(review(&third, Role::Dpo, "").await, Err(DENIED), "not another's");
    let unknown = Acting { speaker: &home, role: Role::Dpo };
    let unknown = world.exchange.review_emergency(unknown, [3; 16], (true, ""), world.now()).await;
    assert_eq!(unknown, Err(DENIED), "nor what isn't there");
    review(&host, Role::Dpo, "Spoke with the first-aider").await.unwrap();
    assert!(matches!(review(&host, Role::Dpo, "").await, Err(LawError::State(_))));
    review(&home, Role::Dpo, "").await.unwrap();
    // It was only that it was their own: a colleague's they review like any officer.
    let colleague = world.colleague("northgate", staff(Role::Teacher, None), 51).await;
    let (acting, hour) = (Acting { speaker: &colleague, role: Role::Teacher }, Duration::from_secs(3600));
    let seed = ([8; 16], world.now());
    world.exchange.open_emergency(acting, (&id("n-77"), REASON), hour, seed).await.unwrap();
    world.exchange.review_emergency(own, [8; 16], (true, "Was there"), world.now()).await.unwrap();

    let listed =
        world.exchange.emergencies(Acting { speaker: &home, role: Role::Dpo }, world.now()).await.unwrap();
    let first = listed.iter().find(|one| one.id == opened.id).unwrap();
    assert_eq!((first.reviews.len(), first.reviewable), (2, false));
    let shown = world.exchange.show(1, 1_000).await.unwrap();
    let entries: Vec<_> = shown.iter().filter(|entry| entry["what"] == "emergency.reviewed").collect();
    assert!(entries.len() == 3 && !entries[0].to_string().contains("first-aider"));
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn what_is_open_is_open_at_every_node_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::with(&database, governed()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let teacher = world.colleague("northgate", staff(Role::Teacher, None), 50).await;
    open(&world, &teacher, Role::Teacher, "n-77", 60).await.unwrap();
    let head = Actor::new(&world, "kingsmead", Role::Head);
    world.exchange.set_access(head.acting(), true, world.now()).await.unwrap();
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    let ask = ReadAsk::about(id("n-77"), Purpose::Emergency);
    let acting = Acting { speaker: &teacher, role: Role::Teacher };
    assert!(other.read(acting, &ask, world.now()).await.unwrap().card.is_some());
    assert_eq!(other.emergencies(head.acting(), world.now()).await.unwrap().len(), 1);
}

/// What is to be sent to a partner now, by mail.
async fn begin(world: &World, to: &str, node: u64) -> Option<Outbound> {
    let due = world.exchange.has_to_send(&slug(to), Channel::Mail, world.now());
    let begun = world.exchange.begin_sending(&slug(to), Channel::Mail, node, world.now()).await.unwrap();
    assert_eq!(due, begun.is_some(), "whatever is to be sent is said to be due");
    begun
}

#[tokio::test]
async fn the_home_is_sent_word_of_an_access_at_once_and_once_also_after_a_restart() {
    const SECOND: i64 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::with(&database, governed()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let teacher = world.colleague("northgate", staff(Role::Teacher, None), 50).await;
    let opened = open(&world, &teacher, Role::Teacher, "n-77", 60).await.unwrap();
    let message = begin(&world, "kingsmead", 1).await.expect("at once");
    for other in ["northgate", "ridgeway"] {
        assert_eq!(begin(&world, other, 1).await, None, "{other} is not the home");
    }
    let [access] = &message.alerts[..] else { panic!("{message:?}") };
    assert_eq!((access.about, access.site.0.as_str()), ("emergency_access", "northgate"));
    assert_eq!((access.since, access.until), (world.now(), Some(opened.until)));
    let said = format!("{message:?}");
    for personal in ["Fainted", "k-1", "n-77", &"09".repeat(16)] {
        assert!(!said.contains(personal), "{personal} in {said}");
    }

    // It fails, the hub is killed, and it is sent again under the same ids.
    world.exchange.sent(&message, Err(SendFault::Silent), (1, 0), world.now()).await.unwrap();
    world.started_again(open_store(&database).await).await;
    world.pass(15 * SECOND);
    let again = begin(&world, "kingsmead", 2).await.unwrap();
    assert_eq!((again.number, again.tries, &again.alerts), (1, 2, &message.alerts));
    world.exchange.sent(&again, Ok(()), (2, 0), world.now()).await.unwrap();
    for _ in 0..2 {
        world.pass(120 * SECOND);
        assert_eq!(begin(&world, "kingsmead", 2).await, None, "once");
        world.started_again(open_store(&database).await).await;
    }

    // One that the home has reviewed before it could be sent needs no word any more.
    let acting = Acting { speaker: &teacher, role: Role::Teacher };
    let (hour, seed) = (Duration::from_secs(3600), ([8; 16], world.now()));
    world.exchange.open_emergency(acting, (&id("n-77"), REASON), hour, seed).await.unwrap();
    let second = begin(&world, "kingsmead", 2).await.unwrap();
    assert_eq!(second.alerts.len(), 1);
    assert!(second.alerts[0].id != access.id && second.alerts[0].alert != access.alert);
    world.exchange.sent(&second, Err(SendFault::Silent), (2, 0), world.now()).await.unwrap();
    let officer = world.office("kingsmead", Role::Dpo, 61).await;
    let acting = Acting { speaker: &officer, role: Role::Dpo };
    world.exchange.review_emergency(acting, [8; 16], (true, ""), world.now()).await.unwrap();
    world.pass(15 * SECOND);
    assert!(
        world
            .exchange
            .begin_sending(&slug("kingsmead"), Channel::Mail, 2, world.now())
            .await
            .unwrap()
            .is_none()
    );
    let shown = world.exchange.show(1, 1_000).await.unwrap();
    let sent: Vec<_> = shown.iter().filter(|entry| entry["what"] == "alert.sent").collect();
    assert_eq!((sent.len(), &sent[0]["more"]["accesses"]), (1, &1.into()), "{sent:?}");
    let unsent: Vec<_> = shown.iter().filter(|entry| entry["what"] == "alert.unsent").collect();
    assert_eq!(unsent[0]["more"]["reason"], "over");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn whoever_answers_for_an_institution_sees_on_every_page_that_an_access_waits() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::with(&database, with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let teacher = world.colleague("northgate", staff(Role::Teacher, None), 50).await;
    let mut number = 0;
    let mut session = async |partner, role: Role| {
        number += 1;
        let person = match role {
            Role::Teacher => teacher.id(),
            role => made(partner, role).id,
        };
        world.exchange.open_session([number; 32], (person, role), "test", world.now()).await.unwrap();
        [number; 32]
    };
    let at_home = [
        session("kingsmead", Role::Head).await,
        session("kingsmead", Role::DataManager).await,
        session("kingsmead", Role::Dpo).await,
    ];
    let at_host = session("northgate", Role::DataManager).await;
    let (third, taught) =
        (session("ridgeway", Role::DataManager).await, session("northgate", Role::Teacher).await);
    let news = async |exchange: &Exchange, id: &SessionId| {
        exchange.session(id, true, world.now()).await.unwrap().emergencies
    };
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    let mut changes = other.emergency_changes();
    open(&world, &teacher, Role::Teacher, "n-77", 60).await.unwrap();
    other.follow(Duration::from_millis(1)).await.unwrap();
    assert!(changes.has_changed().unwrap(), "pages that lie open hear of it, at every node");
    changes.mark_unchanged();
    let said = EmergencyNews { waiting: 1, open: 1 };
    for id in at_home.iter().chain([&at_host]) {
        assert_eq!((news(&world.exchange, id).await, news(&other, id).await), (said, said));
    }
    for id in [&third, &taught] {
        assert_eq!(news(&world.exchange, id).await, EmergencyNews::default());
    }
    world.pass(20 * 60_000_000);
    let _ = news(&world.exchange, &at_home[0]).await;
    let _ = news(&world.exchange, &at_host).await;
    let dpo = Actor::new(&world, "kingsmead", Role::Dpo);
    world.exchange.review_emergency(dpo.acting(), [9; 16], (true, ""), world.now()).await.unwrap();
    world.pass(20 * 60_000_000);
    assert_eq!(news(&world.exchange, &at_home[0]).await, EmergencyNews::default(), "reviewed here");
    assert_eq!(news(&world.exchange, &at_host).await, said, "and not there");
    world.pass(20 * 60_000_000);
    assert_eq!(news(&world.exchange, &at_host).await, EmergencyNews { waiting: 1, open: 0 });
    other.follow(Duration::from_millis(1)).await.unwrap();
    assert!(changes.has_changed().unwrap());
}
