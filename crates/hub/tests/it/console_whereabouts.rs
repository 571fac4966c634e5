//! The whereabouts page over HTTPS: a learner is missed, taken in hand and found, and nobody else reads of it.

use crate::{
    browser::{Browser, with_console, without_random},
    console_slips,
    kit::{Agent, TestHub},
    school::{About, declare, id, learner, lesson, mark, minutes, record},
};
use commonroll_core::{
    Record, Role, Timestamp,
    directory::{
        DateRange, DayDeclaration, Declaration, LessonDeclaration, PlacementAcceptance, PlacementDeclaration,
        Registration,
    },
    record::attendance::Physical,
};
use commonroll_exchange::Revoke;
use std::time::Duration;

const NAME: &str = "Zac Penhale";

/// The lesson that has just begun at northgate.
fn begun(now: Timestamp) -> LessonDeclaration {
    lesson("L1", "ENG3-A", minutes(now.plus_micros(-1_000_000), 60), "C12")
}

fn marked(
    agent: &Agent,
    lesson: &LessonDeclaration,
    physical: Physical,
    zone: &jiff::tz::TimeZone,
) -> Record {
    let (date, recorded_at) = (lesson.time.start().date_in(zone), lesson.time.start());
    let about = About { learner: "N1", group: "ENG3-A", date, key: "L1", recorded_at };
    record(agent, about, mark(physical, lesson.time, None))
}

/// The page once it says something, within two seconds.
pub async fn until(browser: &Browser, says: &str) -> String {
    let looking = async {
        loop {
            let page = browser.get("/whereabouts").await;
            assert_eq!(page.status, 200, "{page:?}");
            if page.body.contains(says) {
                return page.body;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), looking).await.expect(says)
}

/// Zac Penhale of ridgeway is expected in a lesson at northgate that has just begun.
pub struct Expected {
    pub host: Agent,
    pub lesson: LessonDeclaration,
    pub zone: jiff::tz::TimeZone,
}

impl Expected {
    pub async fn at(hub: &TestHub) -> Self {
        let (home, host) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
        let year = DateRange::new("2020-01-01".parse().unwrap(), "2090-12-31".parse().unwrap()).unwrap();
        let placed = PlacementDeclaration {
            learner: id("R1"),
            host: "northgate".parse().unwrap(),
            group: Some(id("ENG3-A")),
            dates: year,
        };
        let accepted = PlacementAcceptance {
            learner: id("N1"),
            home: "ridgeway".parse().unwrap(),
            group: Some(id("ENG3-A")),
            dates: year,
        };
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
        let lesson = begun(hub.now());
        let day = DayDeclaration::new(lesson.time.start().date_in(&zone), false, None, vec![lesson.clone()])
            .unwrap();
        let zac = learner("R1", Registration::Home, ["Zachary", "Zac", "Penhale"]);
        declare(hub, &home, vec![zac, Declaration::Placement(placed)]).await;
        declare(hub, &host, vec![Declaration::Acceptance(accepted), Declaration::Day(day)]).await;
        Self { host, lesson, zone }
    }

    /// The host marks the learner absent.
    pub async fn absent(&mut self) {
        let mark = marked(&self.host, &self.lesson, Physical::Absent, &self.zone);
        let batch = self.host.batch(&[mark]);
        self.host.publishing().await.unwrap().ask(batch).await.unwrap();
    }
}

#[tokio::test]
async fn case_13_live_updates_end_with_the_session_and_with_the_role() {
    let hub = TestHub::with(|settings| {
        with_console(settings);
        settings.limits.live_pages_per_person = 2;
    })
    .await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let officer = hub.invited(&manager, "ridgeway", Role::AttendanceOfficer, None).await;
    let news = "/whereabouts/news";
    let browser = Browser::of(&hub, &officer, Role::AttendanceOfficer).await;
    let other = Browser::of(&hub, &officer, Role::AttendanceOfficer).await;
    let (mut listening, mut beside) = (browser.listens(news).await, other.listens(news).await);
    let token = browser.token().await;
    browser.post("/sign-out", &[("token", &token)]).await;
    let heard = listening.ends().await.expect("over at once, with the session");
    assert!(!heard.contains("changed"), "{heard}");
    assert_eq!(browser.get(news).await.status, 303, "and there is no new one");

    // Of many pages the newest are live; the oldest is told to come back later.
    let (_second, mut third) = (other.listens(news).await, other.listens(news).await);
    let heard = beside.ends().await.expect("the oldest makes room");
    assert!(heard.contains("retry:60000") || heard.contains("retry: 60000"), "{heard}");

    // Whoever may not be here any more isn't told of the next change.
    hub.exchange.revoke(Revoke::Person(officer.id), "operator", hub.now()).await.unwrap();
    let mut host = hub.agent("northgate").await;
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let lesson = begun(hub.now());
    let mut stream = host.publishing().await.unwrap();
    let batch = host.batch(&[marked(&host, &lesson, Physical::Absent, &zone)]);
    stream.ask(batch).await.unwrap();
    let heard = third.ends().await.expect("the next change finds nobody to tell");
    assert!(!heard.contains("changed"), "{heard}");
}

#[tokio::test]
async fn a_learner_is_missed_within_moments_taken_in_hand_and_found() {
    let hub = TestHub::with(|settings| {
        with_console(settings);
        settings.limits.pages_per_second = 10_000;
    })
    .await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let officer = hub.invited(&manager, "ridgeway", Role::AttendanceOfficer, None).await;
    let tutor = hub.invited(&manager, "ridgeway", Role::Tutor, None).await;
    let Expected { mut host, lesson, zone } = Expected::at(&hub).await;

    let browser = Browser::of(&hub, &officer, Role::AttendanceOfficer).await;
    assert_eq!(browser.get("/").await.to(), "/whereabouts", "the page that the role comes for");
    let calm = until(&browser, NAME).await;
    assert!(calm.contains("Nobody to find") && calm.contains("data-live=\"/whereabouts/news\""), "{calm}");
    let read = without_random(&calm);
    assert!(
        !read.contains("<title>Zac") && !read.contains("R1"),
        "no name in the title, no local id anywhere"
    );

    let mut stream = host.publishing().await.unwrap();
    let news = {
        let browser = browser.clone();
        tokio::spawn(async move { browser.hears("/whereabouts/news", "event: changed").await })
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    let batch = host.batch(&[marked(&host, &lesson, Physical::Absent, &zone)]);
    stream.ask(batch).await.unwrap();
    let page = until(&browser, "1 learner to find").await;
    assert!(page.contains("Marked absent at") && page.contains("C12"), "{page}");
    let heard = news.await.unwrap();
    assert!(heard.contains("event: changed") && !heard.contains("Zac"), "{heard}");

    let other = Browser::of(&hub, &tutor, Role::Tutor).await;
    let refused = other.get("/whereabouts").await;
    assert!(refused.status == 404 && !refused.words().contains("Zac"), "{refused:?}");

    let (_, rest) = page.split_once("name=\"alert\" value=\"").unwrap();
    let alert = rest.split('"').next().unwrap();
    let token = browser.token().await;
    let theirs = [("token", token.as_str()), ("alert", alert), ("where", "Library")];
    assert_eq!(other.post("/whereabouts/found", &theirs).await.status, 404);
    let fields = [("token", token.as_str()), ("alert", alert), ("remark", "Rang home")];
    assert_eq!(browser.post("/whereabouts/take", &fields).await.to(), "/whereabouts");
    let page = until(&browser, "You took this at").await;
    assert!(page.contains("“Rang home”"), "{page}");
    let nowhere = [("token", token.as_str()), ("alert", alert), ("where", "")];
    let answer = browser.post("/whereabouts/found", &nowhere).await;
    let link = format!(
        "<a href=\"#where-{alert}\">“Where?” must say in 1 to 300 characters where the learner is.</a>"
    );
    console_slips::refused(
        &answer,
        400,
        &[&link, &format!("<details class=\"fold\" id=\"found-{alert}\" open>")],
    );
    assert!(!answer.body.contains("data-live"), "nothing is swapped under what is typed");
    let fields = [("token", token.as_str()), ("alert", alert), ("where", "In the <library>")];
    assert_eq!(browser.post("/whereabouts/found", &fields).await.to(), "/whereabouts");
    let page = until(&browser, "Found at").await;
    assert!(page.contains("Nobody to find") && !page.contains("<library>"), "{page}");
    assert!(page.contains("Found today") && page.contains(" at Ridgeway School: In the "), "{page}");
    let again = browser.post("/whereabouts/take", &[("token", token.as_str()), ("alert", alert)]).await;
    console_slips::refused(&again, 409, &["That can’t be done as things stand", "This alert is over."]);

    // That was a mistake: whoever said it takes it back, nobody else.
    assert!(page.contains("Not found after all"), "{page}");
    let fields = [("token", token.as_str()), ("alert", alert), ("why", "Her <twin>")];
    assert_eq!(other.post("/whereabouts/not-found", &fields).await.status, 404);
    assert_eq!(browser.post("/whereabouts/not-found", &fields).await.to(), "/whereabouts");
    let page = browser.get("/whereabouts").await.body;
    assert!(page.contains("1 learner to find") && !page.contains("Found today"), "at once: {page}");
    assert!(
        page.contains("took that back at") && page.contains("In the ") && !page.contains("<twin>"),
        "{page}"
    );
    assert_eq!(browser.post("/whereabouts/not-found", &fields).await.status, 409, "once");
    let fields = [("token", token.as_str()), ("alert", alert), ("where", "In the <library>")];
    assert_eq!(browser.post("/whereabouts/found", &fields).await.to(), "/whereabouts");
    let page = until(&browser, "Found at").await;

    // Session codes: whatever session the clock says, the page and its file are the officer's alone.
    assert!(page.contains("href=\"/whereabouts/codes\"") || !page.contains("Session codes,"), "{page}");
    let codes = browser.get("/whereabouts/codes").await;
    assert!(codes.status == 200 && codes.body.contains("how it reaches your register"), "{codes:?}");
    assert!(!codes.body.contains(">R1"), "no local id on a page");
    let file = browser.get("/whereabouts/codes/file").await;
    assert_eq!((file.status, file.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"session-codes-"));
    assert!(file.body.contains("LearnerId,Date,SessionName,Mark,MinsLate,Comments"), "{file:?}");
    let today = lesson.time.start().date_in(&zone).to_string();
    let of = |learner: &'static str| {
        [
            ("token", token.clone()),
            ("date", today.clone()),
            ("session", "am".to_owned()),
            ("learner", learner.to_owned()),
            ("choice", "B".to_owned()),
        ]
    };
    let send = async |who: &Browser, path: &str, learner: &'static str| {
        let fields = of(learner);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        who.post(path, &fields).await.status
    };
    for path in ["/whereabouts/codes/accept", "/whereabouts/codes/decide"] {
        assert_eq!(send(&other, path, "0").await, 404, "{path}");
    }
    assert!([404, 409].contains(&send(&browser, "/whereabouts/codes/decide", "77").await));
    for path in ["/whereabouts/codes", "/whereabouts/codes/file"] {
        assert_eq!(other.get(path).await.status, 404, "{path}");
    }
    let log = hub.exchange.show(1, 5_000).await.unwrap();
    for what in ["codes.shown", "codes.exported"] {
        assert!(log.iter().any(|entry| entry["what"] == what), "{what}");
    }
}
