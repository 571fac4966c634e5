//! A form that the hub refuses comes back as it was typed: the field is named by its label and marked, the words are still
//! there, and what was typed stands in no address.

use crate::{
    browser::{Answer, Browser},
    console_pages::{learners, school},
};
use commonroll_core::Role;

/// The answer of a refused form: its status, what it holds, and nothing of how the hub calls its fields.
pub fn refused(answer: &Answer, status: u16, words: &[&str]) {
    assert_eq!(answer.status, status, "{answer:?}");
    for words in words {
        assert!(answer.body.contains(words), "no {words:?} in {}", answer.body);
    }
    assert!(!answer.body.contains("field `"), "{}", answer.body);
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    assert!(!answer.headers.contains_key("location") && answer.header("cache-control") == "no-store");
}

#[tokio::test]
async fn a_teacher_whose_concern_is_refused_finds_it_as_typed_with_the_field_marked() {
    let school = school().await;
    let hub = &school.hub;
    let teacher = Browser::of(hub, &school.teacher, Role::Teacher).await;
    let learner = learners(&teacher.get(teacher.get("/groups").await.to()).await)[0].clone();
    let (tell, token) = (format!("{learner}/tell"), teacher.token().await);
    let day = |days: i64| {
        hub.now().plus_micros(days * 86_400_000_000).date_in(&jiff::tz::TimeZone::UTC).to_string()
    };
    let (far, near) = (day(90), day(3));
    let concern = |by| {
        let words = "Two <b>labs</b> & \"notes\" missing";
        [("token", token.as_str()), ("kind", "concern"), ("words", words), ("act_by", by)]
    };
    let answer = teacher.post(&tell, &concern(&far)).await;
    let date = format!(
        "type=\"date\" value=\"{far}\" aria-describedby=\"wrong tell-h2\" aria-invalid=\"true\" autofocus>"
    );
    refused(
        &answer,
        400,
        &[
            "<title>1 thing to put right · ",
            "<a href=\"#tell-d\">“The home should act by” must be a date from today to 60 days ahead.</a>",
            "class=\"field field--wrong\"><label for=\"tell-d\">",
            "<p class=\"wrong\" id=\"wrong\">",
            &date,
            "aria-describedby=\"tell-h1\">Two &#60;b&#62;labs&#60;/b&#62; &#38; &#34;notes&#34; missing</textarea>",
            "value=\"concern\" required checked>",
        ],
    );
    assert_eq!(answer.body.matches(" checked").count(), 1, "what was chosen, and not what is offered");
    assert_eq!(answer.body.matches("aria-invalid").count(), 1, "the one field that is at fault");
    let fresh = teacher.get(&learner).await;
    assert!(!fresh.body.contains("labs") && !fresh.body.contains("autofocus"), "kept by the hub nowhere");

    let none = [("token", token.as_str()), ("kind", "concern"), ("words", "  "), ("act_by", near.as_str())];
    let answer = teacher.post(&tell, &none).await;
    let kept = format!("value=\"{near}\" aria-describedby=\"tell-h2\">");
    refused(
        &answer,
        400,
        &["<a href=\"#tell-w\">“What happened” must say in a line or two what happened.</a>", &kept],
    );
    assert_eq!(teacher.post(&tell, &concern(&near)).await.status, 303, "put right and sent");
    // Of a learner who isn't theirs, the form says no more than the page.
    let elsewhere = teacher.post("/learners/4000000/tell", &concern(&near)).await;
    assert!(elsewhere.status == 404 && !elsewhere.body.contains("labs"), "{elsewhere:?}");

    // What can't be done as things stand says so, and keeps the words as well.
    let head = Browser::of(hub, &school.head, Role::HeadOfSixth).await;
    let asked = head.get("/asked").await.body;
    let id = asked.split("id=\"m-").nth(1).unwrap().split('"').next().unwrap();
    let theirs = head.token().await;
    let long = "x".repeat(201);
    for (to, said) in [("/asked", "From hosts"), (learner.as_str(), "Tell the teacher")] {
        let fields = [("token", theirs.as_str()), ("message", id), ("words", long.as_str()), ("to", to)];
        let answer = head.post("/asked/answer", &fields).await;
        let link = format!(
            "<a href=\"#a-{id}\">“What came of it” must be at most 200 characters of plain text.</a>"
        );
        refused(&answer, 400, &[said, &link, &long]);
    }
    for turn in 0..7 {
        let words = format!("Rang home {turn}");
        let fields = [("token", theirs.as_str()), ("message", id), ("words", &words), ("to", "/asked")];
        let answer = head.post("/asked/answer", &fields).await;
        match turn {
            0..6 => assert_eq!(answer.status, 303, "{turn}"),
            _ => refused(
                &answer,
                409,
                &["That can’t be done as things stand", "This has six answers; ring the host for more."],
            ),
        }
    }
}

#[tokio::test]
async fn a_head_of_sixth_whose_watch_is_refused_finds_their_figures_again() {
    let school = school().await;
    let head = Browser::of(&school.hub, &school.head, Role::HeadOfSixth).await;
    let learner = learners(&head.get("/learners").await)[0].clone();
    let number = learner.rsplit('/').next().unwrap();
    let token = head.token().await;
    for (days, below, under, says) in [
        (
            "5",
            "",
            "",
            "<a href=\"#w-below\">“Under so many per cent” must be given, or how many per cent under",
        ),
        (
            "12",
            "x",
            "7",
            "<a href=\"#w-below\">“Under so many per cent” must be a whole number, 1 to 100.</a>",
        ),
        (
            "12",
            "",
            "101",
            "<a href=\"#w-under\">“Or so many per cent under their usual” must be 1 to 100.</a>",
        ),
        ("31", "85", "", "<a href=\"#w-days\">“School days that count” must be 1 to 30 school days.</a>"),
    ] {
        let fields = [
            ("token", token.as_str()),
            ("learner", number),
            ("on", "attendance"),
            ("days", days),
            ("below", below),
            ("under", under),
        ];
        let answer = head.post("/watches", &fields).await;
        let typed = format!("name=\"days\" type=\"number\" min=\"1\" max=\"30\" value=\"{days}\"");
        refused(&answer, 400, &[says, &typed]);
        assert!(answer.body.contains(&format!("max=\"100\" value=\"{under}\"")), "{}", answer.body);
    }
}
