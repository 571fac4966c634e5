//! Pages of institutions with hundreds of learners elsewhere stay small enough for a slow line, and nobody is left out of them.

use crate::{
    browser::{Browser, with_console},
    kit::{Person, TestClock, TestHub},
    school::{About, declare, group, id, learner, lesson, mark, minutes, record, teaches, text},
};
use commonroll_core::{
    Record, Role, SchoolDate, Timestamp,
    directory::{
        DayDeclaration, Declaration, LessonDeclaration, NoticeDeclaration, NoticeKind, Registration,
        SupportDeclaration,
    },
    record::attendance::Physical,
};
use commonroll_exchange::{Acting, BoardAsk, BoardPart};
use commonroll_hub::Clock;
use jiff::{civil, tz::TimeZone};
use std::{collections::BTreeSet, fmt::Write, time::Duration};

/// Bytes of a page with its style sheets and its script.
const LARGEST: usize = 200_000;
/// Ridgeway's learners at Northgate, in groups of so many.
const LEARNERS: usize = 500;
const GROUP: usize = 50;

fn consortium() -> String {
    let institution = |slug: &str, name: &str, kind: &str| {
        format!(
            "[[institution]]\nslug = \"{slug}\"\nname = \"{name}\"\ntype = \"{kind}\"\nphone = \"01632 960 210\"\n\
             desk = \"Sixth form attendance desk\"\n\n"
        )
    };
    let mut text = institution("ridgeway", "Ridgeway Community School and Sixth Form", "school");
    text += &institution("northgate", "Northgate College of Further Education", "fe_college");
    text += "[[agreement]]\nid = \"shared-teaching\"\nversion = 1\nparties = [\"ridgeway\", \"northgate\"]\npurpose = \"shared teaching\"\n\
             first_date = \"2020-01-01\"\nlast_date = \"2090-12-31\"\n\
             card = [\"identity\", \"emergency_contact\", \"needs\", \"presence_today\"]\n\
             [agreement.kinds]\nattendance = [\"presence\", \"source_code\"]\n\n";
    for group in 0..LEARNERS / GROUP {
        let pairs = (group * GROUP..(group + 1) * GROUP).map(|n| format!("[\"R{n}\", \"N{n}\"]"));
        let pairs: Vec<String> = pairs.collect();
        write!(
            text,
            "[[placement]]\nhome = \"ridgeway\"\nhost = \"northgate\"\ngroup = \"ENG3-{group}\"\nfirst_date = \"2020-01-01\"\n\
             last_date = \"2090-12-31\"\nlearners = [{}]\n\n",
            pairs.join(", ")
        )
        .unwrap();
    }
    text
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

/// The newest Tuesday whose 09:40 has been.
fn tuesday() -> SchoolDate {
    let yesterday = TestClock::default().now().plus_micros(-86_400_000_000).date_in(&zone());
    let back: i32 = yesterday.civil().weekday().since(civil::Weekday::Tuesday).into();
    SchoolDate::from_days(yesterday.days() - back).unwrap()
}

fn at(date: SchoolDate, hour: i8, minute: i8) -> Timestamp {
    date.at(civil::time(hour, minute, 0, 0), &zone())
}

/// Ridgeway and Northgate on a Tuesday at 09:40.
struct Crowd {
    hub: TestHub,
    home: Person,
    host: Person,
}

impl Crowd {
    /// Every learner was marked so in the lesson that began at nine.
    async fn marked(physical: Physical) -> Self {
        let (today, clock) = (tuesday(), TestClock::default());
        clock.set(at(today, 8, 30));
        let hub = TestHub::begun(&consortium(), clock, |settings| {
            with_console(settings);
            settings.limits.pages_per_second = 10_000;
        })
        .await;
        let (home, host) =
            (hub.first("ridgeway", Role::DataManager).await, hub.first("northgate", Role::DataManager).await);
        let (school, mut college) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
        let named = |letter: char, registration, n: usize| {
            let surname = format!("Featherstonehaugh-Cholmondeley {n}");
            learner(&format!("{letter}{n}"), registration, ["Maximilian", "Maximilian", &surname])
        };
        declare(&hub, &school, (0..LEARNERS).map(|n| named('R', Registration::Home, n)).collect()).await;
        let needs = |n: usize| {
            Declaration::Support(SupportDeclaration {
                learner: id(&format!("R{n}")),
                needs: text("Sit near the front, and read out what is written on the board."),
                emergency: text("First aid, then ring the sixth form attendance desk."),
                last_date: "2090-12-31".parse().unwrap(),
            })
        };
        declare(&hub, &school, (0..GROUP).map(needs).collect()).await;
        let group_of = |n: usize| format!("ENG3-{}", n / GROUP);
        let lesson_of = |n: usize| -> LessonDeclaration {
            let (name, room) = (format!("L{}", n / GROUP), "Engineering workshop 2");
            lesson(&name, &group_of(n), minutes(at(today, 9, 0), 60), room)
        };
        let mut theirs: Vec<Declaration> =
            (0..LEARNERS).map(|n| named('N', Registration::Guest, n)).collect();
        theirs.extend((0..LEARNERS).step_by(GROUP).map(|n| {
            group(&group_of(n), "Engineering and Advanced Manufacturing Level 3, group A", "Engineering")
        }));
        theirs.push(teaches("T1", &["ENG3-0"]));
        let lessons = (0..LEARNERS).step_by(GROUP).map(lesson_of).collect();
        theirs.push(Declaration::Day(DayDeclaration::new(today, false, None, lessons).unwrap()));
        // Guests of whom nobody knows who they are.
        theirs.extend((0..300).map(|n| named('X', Registration::Guest, n)));
        declare(&hub, &college, theirs).await;
        // Of some the home said beforehand that they are absent: where the host saw them, the two disagree.
        let told = (0..20).map(|n| {
            Declaration::Notice(NoticeDeclaration {
                local_id: id(&format!("A{n}")),
                learner: id(&format!("R{n}")),
                kind: NoticeKind::ExpectedAbsence,
                time: minutes(at(today, 8, 30), 120),
                withdrawn: false,
            })
        });
        if physical == Physical::Present {
            declare(&hub, &school, told.collect()).await;
        }
        hub.clock.set(at(today, 9, 12));
        let mut stream = college.publishing().await.unwrap();
        for part in 0..LEARNERS / GROUP {
            let marks: Vec<Record> = (part * GROUP..(part + 1) * GROUP)
                .map(|n| {
                    let (guest, key, group) = (format!("N{n}"), format!("L1-{n}"), group_of(n));
                    let recorded_at = at(today, 9, 7);
                    let about = About { learner: &guest, group: &group, date: today, key: &key, recorded_at };
                    record(&college, about, mark(physical, lesson_of(n).time, None))
                })
                .collect();
            let batch = college.batch(&marks);
            stream.ask(batch).await.unwrap();
        }
        hub.clock.set(at(today, 9, 40));
        for _ in 0..4 {
            hub.exchange.tick(hub.now()).await;
        }
        Self { hub, home, host }
    }

    async fn officer(&self, manager: &Person, institution: &str) -> (Person, Browser) {
        let officer = self.hub.invited(manager, institution, Role::AttendanceOfficer, None).await;
        let browser = Browser::of(&self.hub, &officer, Role::AttendanceOfficer).await;
        (officer, browser)
    }

    /// The page once it says something, within two seconds.
    async fn until(&self, browser: &Browser, path: &str, says: &str) -> String {
        let looking = async {
            loop {
                self.hub.exchange.tick(self.hub.now()).await;
                let page = browser.get(path).await;
                assert_eq!(page.status, 200, "{path}: {page:?}");
                if page.body.contains(says) {
                    return page.body;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(2), looking).await.expect(says)
    }
}

/// Bytes of a page with what it brings.
async fn weighs(browser: &Browser, page: &str) -> usize {
    let brings =
        |path: &&str| path.starts_with("/assets/") && [".css", ".js"].iter().any(|end| path.ends_with(end));
    let mut bytes = page.len();
    for path in page.split('"').filter(brings).collect::<BTreeSet<_>>() {
        bytes += browser.get(path).await.body.len();
    }
    bytes
}

async fn is_small(browser: &Browser, path: &str) {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}");
    let bytes = weighs(browser, &page.body).await;
    assert!(bytes > 60_000 && bytes <= LARGEST, "{path}: {bytes} bytes");
}

/// Where the page leads on.
fn next(page: &str, section: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("id=\"{section}\""))?;
    let own = rest.split("</section>").next()?;
    let (before, _) = own.split_once("\">Next</a>")?;
    let address = before.rsplit("href=\"").next()?;
    Some(address.split('#').next()?.to_owned())
}

/// The learners whom a section of the page names.
fn named(page: &str, section: &str) -> Vec<String> {
    let (_, rest) = page.split_once(&format!("id=\"{section}\"")).unwrap();
    let own = rest.split("</section>").next().unwrap();
    own.split("Cholmondeley ").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn with_500_out_and_nobody_accounted_for_the_board_is_small_and_its_pages_leave_nobody_out() {
    let crowd = Crowd::marked(Physical::Absent).await;
    let (officer, browser) = crowd.officer(&crowd.home, "ridgeway").await;
    let first = crowd.until(&browser, "/whereabouts", "500 learners to find").await;
    assert!(first.contains("500 are out at partners: 500 not there."), "every count is over everybody");
    assert!(first.contains("1 to 20 of 500") && first.contains("1 to 60 of 500"));

    // Some were found: that list comes in pages, too.
    let speaker = crowd.hub.exchange.person(officer.id).unwrap();
    let acting = Acting { speaker: &speaker, role: Role::AttendanceOfficer };
    let now = crowd.hub.now();
    let board = crowd.hub.exchange.board(acting, (BoardAsk::Away, BoardPart::ALL), now).await.unwrap();
    for alarm in board.alarms.iter().take(15) {
        crowd.hub.exchange.found(acting, alarm.id, "In the library, on the first floor", now).await.unwrap();
    }
    let page = crowd.until(&browser, "/whereabouts", "485 learners to find").await;
    assert!(page.contains("1 to 10 of 15"), "those who were found");
    for section in ["find", "all"] {
        let (mut page, mut at, mut all, mut pages) = (page.clone(), None, Vec::new(), 0);
        loop {
            let bytes = weighs(&browser, &page).await;
            assert!(bytes <= LARGEST, "{section} at {at:?}: {bytes} bytes");
            let mut names = named(&page, section);
            names.dedup(); // a name stands in its row, and again in its buttons for whoever only hears them
            all.extend(names);
            pages += 1;
            at = next(&page, section);
            let Some(path) = &at else { break };
            page = browser.get(path).await.body;
        }
        let expected = if section == "find" { 485 } else { LEARNERS };
        let set: BTreeSet<&String> = all.iter().collect();
        assert_eq!((all.len(), set.len()), (expected, expected), "{section}: each on one of {pages} pages");
    }
    // What a form on a later page does leads back to it.
    let (_, rest) = page.split_once("name=\"alert\" value=\"").unwrap();
    let (alert, token) = (rest.split('"').next().unwrap(), browser.token().await);
    let fields = [("token", token.as_str()), ("alert", alert), ("to", "/whereabouts?find=3&page=2")];
    assert_eq!(browser.post("/whereabouts/take", &fields).await.to(), "/whereabouts?find=3&page=2");

    is_small(&browser, "/whereabouts/codes").await;
    is_small(&browser, "/learners").await;
    let head = crowd.hub.invited(&crowd.home, "ridgeway", Role::HeadOfSixth, None).await;
    let head = Browser::of(&crowd.hub, &head, Role::HeadOfSixth).await;
    for path in ["/whereabouts", "/whereabouts?find=2&page=3", "/learners", "/learners?page=2"] {
        is_small(&head, path).await;
    }
    let (_, college) = crowd.officer(&crowd.host, "northgate").await;
    crowd.until(&college, "/whereabouts/visitors", "to find").await;
    for path in ["/whereabouts/visitors", "/whereabouts/visitors?find=2&page=3"] {
        is_small(&college, path).await;
    }
    let manager = Browser::of(&crowd.hub, &crowd.host, Role::DataManager).await;
    for path in ["/unmatched", "/problems", "/agents", "/people", "/log", "/sharing", "/mapping"] {
        is_small(&manager, path).await;
    }
}

#[tokio::test]
async fn of_300_guests_whom_nobody_has_matched_each_stands_on_one_page_and_whoever_settles_the_last_stays_there()
 {
    let crowd = Crowd::marked(Physical::Absent).await;
    let manager = Browser::of(&crowd.hub, &crowd.host, Role::DataManager).await;
    let (mut at, mut all) = (Some("/unmatched".to_owned()), Vec::new());
    while let Some(path) = at {
        is_small(&manager, &path).await;
        let page = manager.get(&path).await.body;
        assert!(page.contains("Guests whom nobody has matched <span class=\"count\">300</span>"), "{path}");
        all.push(page.matches("Nobody fits").count());
        let (_, rest) = page.split_once("id=\"guests\"").unwrap();
        let ids = rest.split("</section>").next().unwrap().split("Your id X").skip(1);
        let ids: BTreeSet<&str> = ids.map(|rest| rest.split('.').next().unwrap()).collect();
        assert_eq!(ids.len(), 12, "{path}");
        at = next(&page, "guests");
    }
    assert_eq!((all.len(), all.iter().sum::<usize>()), (25, 300));
    // The last page of before, where there is no such page any more.
    let last = manager.get("/unmatched?guests=26").await.body;
    assert!(last.contains("289 to 300 of 300") && last.contains("/unmatched?guests=24#guests"), "{last}");
    assert!(manager.get("/unmatched").await.body.contains("300 things wait for a person"));
}

#[tokio::test]
async fn with_500_seen_the_codes_and_the_teachers_cards_come_in_pages_and_the_log_names_who_was_on_them() {
    let crowd = Crowd::marked(Physical::Present).await;
    let (_, browser) = crowd.officer(&crowd.home, "ridgeway").await;
    crowd.until(&browser, "/whereabouts", "Nobody to find").await;
    let first = crowd.until(&browser, "/whereabouts/codes", "480 clear").await;
    assert!(
        first.contains("20 conflicts") && first.contains("Who 10 of them are"),
        "the conflicts come first"
    );
    assert!(
        first.contains("20 where the two sides disagree, 480 clear"),
        "and what stands on other pages is said"
    );
    assert!(
        first.contains("470 of them stand on other pages; whoever becomes clear meanwhile isn’t taken in.")
    );
    for path in ["/whereabouts/codes", "/whereabouts/codes?am=2", "/whereabouts/codes?am=17"] {
        is_small(&browser, path).await;
    }
    let shown = |what: &'static str| {
        let hub = &crowd.hub;
        async move {
            let log = hub.exchange.show(1, 20_000).await.unwrap();
            let mut found: Vec<_> = log.into_iter().filter(|entry| entry["what"] == what).collect();
            found.pop().unwrap()["more"]["count"].as_u64().unwrap()
        }
    };
    assert_eq!(shown("codes.shown").await, 20, "who stands on the last of 17 pages");

    // All that are clear are accepted at once, whichever page one is on.
    let (_, rest) = first.split_once("name=\"learner\" value=\"").unwrap();
    let (learners, token) = (rest.split('"').next().unwrap(), browser.token().await);
    let today = tuesday().to_string();
    let fields = [("token", token.as_str()), ("date", &today), ("session", "am"), ("learner", learners)];
    assert_eq!(browser.post("/whereabouts/codes/accept", &fields).await.to(), "/whereabouts/codes");
    let page = browser.get("/whereabouts/codes").await.body;
    assert!(page.contains("20 where the two sides disagree, 480 decided"), "{page}");
    for path in ["/whereabouts/codes", "/whereabouts/codes?am=2"] {
        is_small(&browser, path).await;
    }

    let teacher = crowd.hub.invited(&crowd.host, "northgate", Role::Teacher, Some("T1")).await;
    let teacher = Browser::of(&crowd.hub, &teacher, Role::Teacher).await;
    let group = teacher.get("/groups").await.to().to_owned();
    let page = teacher.get(&group).await.body;
    assert!(page.contains("50 visit from 1 school.") && page.contains("1 to 48 of 50"));
    assert_eq!(shown("group.shown").await, 48, "cards that are on the page");
    is_small(&teacher, &group).await;
    teacher.get(&format!("{group}?page=2")).await;
    assert_eq!(shown("group.shown").await, 2);
}

#[tokio::test]
async fn with_200_partners_the_lead_s_pages_are_small_and_name_each_of_them() {
    const PARTNERS: usize = 200;
    let mut text = String::new();
    for n in 0..PARTNERS {
        let name = format!("The Cholmondeley {n:03} Academy and Sixth Form College");
        write!(text, "[[institution]]\nslug = \"p{n:03}\"\nname = \"{name}\"\ntype = \"school\"\n\n")
            .unwrap();
    }
    let hub = TestHub::begun(&text, TestClock::default(), |settings| {
        with_console(settings);
        settings.limits.pages_per_second = 10_000;
    })
    .await;
    let lead = hub.first("p000", Role::ConsortiumLead).await;
    let lead = Browser::of(&hub, &lead, Role::ConsortiumLead).await;
    for path in ["/progress", "/progress?by=home", "/problems", "/readiness?of=p117"] {
        let page = lead.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        let bytes = weighs(&lead, &page.body).await;
        assert!(bytes <= LARGEST, "{path}: {bytes} bytes");
    }
    let (mut path, mut all) = ("/readiness".to_owned(), Vec::new());
    loop {
        let page = lead.get(&path).await.body;
        let bytes = weighs(&lead, &page).await;
        assert!(bytes <= LARGEST, "{path}: {bytes} bytes");
        let named = page.split("/readiness?of=p").skip(1).map(|rest| rest[..3].to_owned());
        all.extend(named);
        let Some((before, _)) = page.split_once("\">Next</a>") else { break };
        path = before.rsplit("href=\"").next().unwrap().to_owned();
    }
    let expected: Vec<String> = (0..PARTNERS).map(|n| format!("{n:03}")).collect();
    assert_eq!(all, expected, "each on one page, in order of name");
}
