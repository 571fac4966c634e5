//! A host's teacher and a home talk about a learner over HTTPS, and a head of sixth form is told of a drop: what is on whose
//! page, in bytes, and what never is.

use crate::{
    browser::Browser,
    console_pages::{has, has_not, learners, school},
};
use commonroll_core::Role;

#[tokio::test]
async fn a_teacher_asks_the_home_and_reads_what_came_of_it() {
    let school = school().await;
    let hub = &school.hub;
    let teacher = Browser::of(hub, &school.teacher, Role::Teacher).await;
    let head = Browser::of(hub, &school.head, Role::HeadOfSixth).await;
    let group = teacher.get(teacher.get("/groups").await.to()).await;
    let learner = learners(&group)[0].clone();
    let page = teacher.get(&learner).await;
    has(
        &page,
        &[
            "Praise or concern",
            "value=\"praise\" required checked",
            "Read at Ridgeway School by: tutor and head of sixth.",
            "No other partner can.",
            "Send to Ridgeway School",
            "Don’t write it here",
        ],
    );
    let (tell, token) = (format!("{learner}/tell"), teacher.token().await);
    let soon = hub.now().plus_micros(3 * 86_400_000_000).date_in(&jiff::tz::TimeZone::UTC).to_string();
    let words = "Two <b>labs</b> missing";
    let fields = [("token", token.as_str()), ("kind", "concern"), ("words", words), ("act_by", &soon)];
    let sent = teacher.post(&tell, &fields).await;
    assert_eq!((sent.status, sent.to()), (303, format!("{learner}#told").as_str()), "{sent:?}");
    let praise = [("token", token.as_str()), ("kind", "praise"), ("words", "Helped two others")];
    assert_eq!(teacher.post(&tell, &praise).await.status, 303);

    // What can't be sent is said, and sent by nobody else and from nowhere else.
    for (kind, said, by) in
        [("", "x", ""), ("praise", "", ""), ("concern", "x", "tomorrow"), ("praise", "x", &soon)]
    {
        let fields = [("token", token.as_str()), ("kind", kind), ("words", said), ("act_by", by)];
        assert_eq!(teacher.post(&tell, &fields).await.status, 400, "{kind} {said} {by}");
    }
    let foreign = [("token", "0000"), ("kind", "praise"), ("words", "x")];
    assert_eq!(teacher.post(&tell, &foreign).await.status, 403);
    let colleague = Browser::of(hub, &school.colleague, Role::Teacher).await;
    let theirs = colleague.token().await;
    let fields = [("token", theirs.as_str()), ("kind", "praise"), ("words", "x")];
    assert_eq!(colleague.post(&tell, &fields).await.status, 404, "who doesn't teach them");

    // The home: praise first, escaped, without the teacher's name or anybody's ids.
    let asked = head.get("/asked").await;
    has(
        &asked,
        &[
            "1 thing is asked of us",
            "Immy Tarrant",
            "Two &#60;b&#62;labs&#60;/b&#62; missing",
            "Home is asked to act by",
        ],
    );
    assert!(asked.body.find("Helped two others").unwrap() < asked.body.find("Two &#60;b").unwrap());
    has_not(&asked, &[">N1", ">R1", ">T1", "<b>labs", "Rosalind", "Zac"]);
    let body = &asked.body;
    let id = body.split("id=\"m-").nth(2).unwrap().split('"').next().unwrap();
    let token = head.token().await;
    let answer = [("token", token.as_str()), ("message", id), ("words", "Rang home"), ("to", "/asked")];
    assert_eq!(head.post("/asked/answer", &answer).await.to(), "/asked");
    let elsewhere =
        [("token", token.as_str()), ("message", id), ("words", "Rang home"), ("to", "https://evil.example/")];
    assert_eq!(head.post("/asked/answer", &elsewhere).await.to(), "/", "never to another site");
    assert_eq!(head.post("/asked/answer", &[("token", token.as_str()), ("message", "7")]).await.status, 404);
    has(&head.get("/asked").await, &["Nothing is asked of us", "Rang home"]);
    has(
        &head.get(&learner).await,
        &["From hosts", "Helped two others", "Praise told to the home", "Tell the teacher"],
    );

    // The teacher sees what came of it, on both pages; a colleague of another group and the officer see none of it.
    let group = teacher.get(teacher.get("/groups").await.to()).await;
    has(&group, &["Ridgeway School, head of sixth", "“Rang home”", "hasn’t answered yet"]);
    let own = teacher.get(&learner).await;
    has(&own, &["Told to the home", "“Rang home”", "Take it back"]);
    let officer = Browser::of(hub, &school.officer, Role::AttendanceOfficer).await;
    has_not(&officer.get(&learner).await, &["labs", "Helped two"]);
    for browser in [&officer, &teacher] {
        assert_eq!(browser.get("/asked").await.status, 404);
    }
    let token = teacher.token().await;
    let fields = [("token", token.as_str()), ("message", id), ("to", learner.as_str())];
    assert_eq!(teacher.post("/messages/back", &fields).await.to(), learner);
    has_not(&head.get("/asked").await, &["labs", "Rang home"]);
    let log = serde_json::to_string(&hub.exchange.show(1, 2_000).await.unwrap()).unwrap();
    for words in ["labs", "Helped", "Rang home"] {
        assert!(!log.contains(words), "{words} is in an entry");
    }
}

#[tokio::test]
async fn a_head_of_sixth_is_told_of_a_drop_and_nobody_else_is() {
    let school = school().await;
    let hub = &school.hub;
    let head = Browser::of(hub, &school.head, Role::HeadOfSixth).await;
    let officer = Browser::of(hub, &school.officer, Role::AttendanceOfficer).await;
    let learner = learners(&head.get("/learners").await)[0].clone();
    let number = learner.rsplit('/').next().unwrap().to_owned();
    has(&head.get(&learner).await, &["Tell me if it drops", "on the same scale only"]);
    has_not(&officer.get(&learner).await, &["Tell me if it drops"]);
    has(&head.get("/watches").await, &["You watch nobody yet"]);
    let token = head.token().await;
    let grades = [("token", token.as_str()), ("learner", &number), ("on", "grades"), ("to", "/watches")];
    assert_eq!(head.post("/watches", &grades).await.to(), "/watches");
    let attendance = [
        ("token", token.as_str()),
        ("learner", &number),
        ("on", "attendance"),
        ("days", "5"),
        ("below", "85"),
        ("to", "/watches"),
    ];
    assert_eq!(head.post("/watches", &attendance).await.status, 303);
    for (days, below) in [("0", "85"), ("5", "x"), ("5", ""), ("300", "85")] {
        let wrong = [
            ("token", token.as_str()),
            ("learner", &number),
            ("on", "attendance"),
            ("days", days),
            ("below", below),
        ];
        assert_eq!(head.post("/watches", &wrong).await.status, 400, "{days} {below}");
    }
    let page = head.get("/watches").await;
    has(
        &page,
        &[
            "2 watches have something to tell",
            "Immy Tarrant",
            "2 of 5 lessons lately, 40%",
            "Engineering, Northgate College: working at C, target B (gce-a-level)",
        ],
    );
    has_not(&page, &[">N1", ">R1", "Zac", "<script>alert"]);
    has(&head.get("/learners").await, &["Has dropped", "working at C, target B"]);
    let theirs = officer.token().await;
    let fields = [("token", theirs.as_str()), ("learner", &number), ("on", "grades")];
    assert_eq!(officer.post("/watches", &fields).await.status, 404);
    assert_eq!(officer.get("/watches").await.status, 404);
    let id = page.body.split("name=\"watch\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let stop = [("token", token.as_str()), ("watch", id), ("to", "/watches")];
    assert_eq!(head.post("/watches/withdraw", &stop).await.to(), "/watches");
    has(&head.get("/watches").await, &["1 watch has something to tell"]);
    let log = hub.exchange.show(1, 2_000).await.unwrap();
    let count = |what: &str| log.iter().filter(|entry| entry["what"] == what).count();
    assert_eq!((count("watch.raised"), count("watch.set")), (2, 2), "told in the log the moment it was so");
}
