//! What a message says: how many, where and since when, and where to look. Never who: no name, no course, no number of a learner,
//! and of an emergency access no reason.

use commonroll_core::Timestamp;
use commonroll_exchange::{Outbound, OutboundAlert};
use jiff::tz::TimeZone;
use serde_json::json;

/// Lines of a mail; what is more is counted.
const LINES_MAX: usize = 30;
/// Characters of an institution's name.
const NAME_MAX: usize = 80;

/// The log, of what was refused.
const REFUSALS: &str = "/log?kind=refused";
/// What has to be seen to, where a home finds what partners' records it was warned of: the refusals themselves are the partner's.
const PROBLEMS: &str = "/problems";

/// Where whoever reads it finds out who it is about.
fn links(message: &Outbound, console: &str) -> Vec<String> {
    let page = |alert: &OutboundAlert| match alert {
        _ if is_access(alert) => "/emergencies",
        _ if alert.about == "records_refused" => PROBLEMS,
        _ if is_warning(alert) => REFUSALS,
        _ => "/whereabouts",
    };
    let pages = ["/emergencies", PROBLEMS, REFUSALS, "/whereabouts"];
    let is_there = |one: &&str| message.alerts.iter().any(|alert| page(alert) == *one);
    pages.into_iter().filter(is_there).map(|page| format!("{console}{page}")).collect()
}

/// A mail's subject.
pub(super) fn subject(message: &Outbound) -> String {
    let open = || message.alerts.iter().filter(|alert| alert.over.is_none());
    let learners = open().filter(|alert| is_of_learner(alert)).count();
    match open().filter(|alert| is_access(alert)).count() {
        0 => {}
        1 => return "Emergency access to a learner's card".to_owned(),
        count => return format!("Emergency access to learners' cards, {count} times"),
    }
    let warnings = open().filter(|alert| is_warning(alert)).count();
    match (learners, open().count()) {
        (0, 1) if warnings == 1 => "Warning: far too much was refused".to_owned(),
        (0, count) if warnings > 0 && warnings == count => {
            format!("{count} warnings: far too much was refused")
        }
        (0, 0) if message.alerts.len() == 1 => "Whereabouts: 1 alert is over".to_owned(),
        (0, 0) => format!("Whereabouts: {} alerts are over", message.alerts.len()),
        (0, 1) => "Whereabouts: 1 alert".to_owned(),
        (0, count) => format!("Whereabouts: {count} alerts"),
        (1, _) => "1 learner to find".to_owned(),
        (count, _) => format!("{count} learners to find"),
    }
}

/// A mail's text.
pub(super) fn body(message: &Outbound, console: &str) -> String {
    let zone = TimeZone::get(&message.time_zone).unwrap_or(TimeZone::UTC);
    let mut lines: Vec<Line> = Vec::new();
    for alert in &message.alerts {
        let (what, is_over) = (what(alert, &zone), alert.over.is_some());
        let again = if is_over { 0 } else { alert.repeated };
        match lines.iter_mut().find(|line| line.what == what && line.is_over == is_over) {
            Some(line) => (line.count, line.again) = (line.count + 1, line.again.max(again)),
            None => lines.push(Line { what, count: 1, again, is_over }),
        }
    }
    let accesses = message.alerts.iter().filter(|alert| is_access(alert)).count();
    let warnings = message.alerts.iter().filter(|alert| is_warning(alert)).count();
    let mut more_to_find = Vec::new();
    if accesses > 0 {
        more_to_find.push(
            "Why it was opened is on the page, for your head, data managers and data protection officer, who reviews it. \
             You are told of it once.",
        );
    }
    if warnings > 0 {
        more_to_find.push(
            "Of the same you are warned once a day, and at once if it becomes five times as much. The log of each institution, which its \
             data managers open, has every refusal of its own.",
        );
    }
    let is_alert = |alert: &&OutboundAlert| !is_access(alert) && !is_warning(alert);
    if message.alerts.iter().filter(is_alert).any(|alert| alert.over.is_none()) {
        more_to_find.push("You are told again until somebody at your institution says that they are on it.");
    } else if accesses + warnings < message.alerts.len() {
        more_to_find
            .push("Nobody has to look into what is over any more; who settled it, and how, is on the page.");
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    let mut said: Vec<String> = lines.into_iter().take(LINES_MAX).map(line).collect();
    if more > 0 {
        said.push(format!("And {more} more."));
    }
    format!(
        "{}\n\n{}\n\nOpen {}\n\nThis mail names nobody: who it is about is shown to whoever may see it, after sign-in.\n\
         {}\n",
        plain(&message.name),
        said.join("\n"),
        links(message, console).join("\nand "),
        more_to_find.join("\n"),
    )
}

/// What a webhook carries.
pub(super) fn json(message: &Outbound, console: &str, now: Timestamp) -> Vec<u8> {
    let zone = TimeZone::get(&message.time_zone).unwrap_or(TimeZone::UTC);
    let alert = |alert: &OutboundAlert| {
        json!({
            "id": alert.id, "alert": alert.alert, "kind": alert.about, "site": alert.site.0,
            "since": alert.since.to_string(), "over": alert.over.map(|at| at.to_string()), "told": alert.told.to_string(), "repeated": alert.repeated,
            "lesson": alert.lesson.map(|at| at.to_string()), "until": alert.until.map(|at| at.to_string()), "day": alert.day.map(|day| day.to_string()), "count": alert.count, "text": line(Line { what: what(alert, &zone), count: 1, again: 0, is_over: alert.over.is_some() }),
        })
    };
    let all = json!({
        "version": 1, "institution": message.institution, "message": message.number, "try": message.tries,
        "sent": now.to_string(), "link": links(message, console).first(),
        "alerts": message.alerts.iter().map(alert).collect::<Vec<_>>(),
    });
    all.to_string().into_bytes()
}

fn is_access(alert: &OutboundAlert) -> bool {
    alert.about == "emergency_access"
}

/// True for what data managers are warned of.
const fn is_warning(alert: &OutboundAlert) -> bool {
    alert.count.is_some()
}

fn is_of_learner(alert: &OutboundAlert) -> bool {
    alert.about == "unaccounted"
}

/// One alert without its number: alike ones are one line.
fn what(alert: &OutboundAlert, zone: &TimeZone) -> String {
    let site = plain(&alert.site.1);
    let hm = |at: Timestamp| {
        let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        zone.to_datetime(at).strftime("%H:%M").to_string()
    };
    let since = hm(alert.since);
    let lesson = alert.lesson.map(hm);
    let day = alert.day.map_or_else(String::new, |day| day.civil().strftime("%A %-d %B").to_string());
    match (alert.about, lesson) {
        ("unaccounted", Some(lesson)) => format!("learner to find: expected at {site} {lesson} in a lesson"),
        ("unaccounted", None) => {
            format!("learner to find: expected at {site}, not accounted for since {since}")
        }
        ("left_early", _) => format!("learner left early: {site}, {since}"),
        ("register", Some(lesson)) => format!("register is not in: {site}, lesson of {lesson}"),
        ("register", None) => format!("register is not in: {site}, since {since}"),
        ("class_cancelled", Some(lesson)) => {
            format!("class does not take place: {site}, {lesson}; take your learners back")
        }
        ("source_silent", _) => {
            format!("source is silent: no word from {site} since {since}; unknown, not absent")
        }
        ("nobody_expects", _) => format!("learner nobody expects at {site} on {day}"),
        ("both_expect" | "two_hosts", _) => {
            format!("learner expected in two places at once on {day}, {site} is one of them")
        }
        ("expected_elsewhere", _) => format!("learner whom another partner expects too on {day}"),
        ("site_closed", _) => {
            format!("site closed on {day}: {site}, and learners are left to it")
        }
        ("many_misfits", _) => format!("timetable that does not fit for many learners on {day}: {site}"),
        ("emergency_access", _) => {
            let until = alert.until.map(hm).unwrap_or_default();
            format!("emergency access to a learner's card: opened by {site} at {since}, until {until}")
        }
        ("own_records_refused", _) => {
            let count = alert.count.unwrap_or_default();
            format!(
                "warning: {count} records of yours were refused since {since}; no placement covers their learners"
            )
        }
        ("records_refused", _) => {
            let count = alert.count.unwrap_or_default();
            format!(
                "warning: {count} records of {site} about learners of yours were refused since {since}; no placement covers them"
            )
        }
        ("guessing", _) => {
            let count = alert.count.unwrap_or_default();
            format!(
                "warning: somebody of yours asked {count} times for what is not theirs to see, since {since}"
            )
        }
        ("week_slip", _) => {
            format!("timetable in another week on {day}: yours and that of {site}")
        }
        _ => format!("alert: {site}, since {since}"),
    }
}

/// Alike alerts of a mail.
struct Line {
    what: String,
    count: usize,
    again: u32,
    is_over: bool,
}

fn line(Line { what, count, again, is_over }: Line) -> String {
    let (first, rest) = what.split_once(' ').unwrap_or((&what, ""));
    let many = if count == 1 {
        ""
    } else if first == "class" {
        "es"
    } else if first == "emergency" || first == "warning:" {
        ""
    } else {
        "s"
    };
    let told = match again {
        0 => String::new(),
        1 => " (told again)".to_owned(),
        times => format!(" (told again, {times} times)"),
    };
    // `1 register is`, `2 registers are`; what is alike but for its number is one thing.
    let rest = match count {
        1 => rest.to_owned(),
        _ => rest.replacen("is not in", "are not in", 1).replacen("does not", "do not", 1).replacen(
            "access to",
            "accesses to",
            1,
        ),
    };
    let over = if is_over { "Over: " } else { "" };
    format!("{over}{count} {first}{many} {rest}{told}.")
}

/// A name as one line of text.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_exchange::Channel;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros("at", 1_789_372_800_000_000 + minute * 60_000_000).unwrap()
    }

    fn alert(about: &'static str, site: &str, lesson: Option<i64>, repeated: u32) -> OutboundAlert {
        let (id, alert) = ("11".repeat(16), "22".repeat(16));
        let site = ("northgate".parse().unwrap(), site.to_owned());
        let (since, told, lesson) = (at(15), at(16), lesson.map(at));
        OutboundAlert {
            id,
            alert,
            about,
            site,
            since,
            told,
            repeated,
            over: None,
            lesson,
            day: commonroll_core::SchoolDate::from_days(20_711),
            until: None,
            count: None,
        }
    }

    #[test]
    fn a_warning_says_how_much_was_refused_and_leads_to_where_its_reader_finds_it() {
        let warning = |about, count| OutboundAlert {
            count: Some(count),
            day: None,
            ..alert(about, "Northgate College", None, 0)
        };
        let one = message(vec![warning("records_refused", 23)]);
        assert_eq!(subject(&one), "Warning: far too much was refused");
        let said = body(&one, "https://hub.example.org");
        let line = "\n1 warning: 23 records of Northgate College about learners of yours were refused since 09:15; no placement covers them.\n";
        assert!(said.contains(line), "{said}");
        // The refusals stand in the partner's log, and not in the home's.
        assert!(said.contains("\nOpen https://hub.example.org/problems\n"), "{said}");
        let own = body(&message(vec![warning("own_records_refused", 23)]), "https://hub.example.org");
        assert!(own.contains("\nOpen https://hub.example.org/log?kind=refused\n"), "{own}");
        assert!(said.contains("warned once a day") && !said.contains("told again"), "{said}");
        let more = vec![warning("guessing", 60), warning("own_records_refused", 20)];
        assert_eq!(subject(&message(more)), "2 warnings: far too much was refused");
        let both =
            message(vec![warning("guessing", 60), alert("unaccounted", "Northgate College", Some(10), 0)]);
        assert_eq!(subject(&both), "1 learner to find");
        let said = body(&both, "https://hub.example.org");
        assert!(said.contains("asked 60 times") && said.contains("told again until"), "{said}");
        let sent: serde_json::Value =
            serde_json::from_slice(&json(&one, "https://hub.example.org", at(16))).unwrap();
        assert_eq!(
            (&sent["alerts"][0]["kind"], &sent["alerts"][0]["count"]),
            (&"records_refused".into(), &23.into())
        );
        assert_eq!(sent["link"], "https://hub.example.org/problems");
    }

    #[test]
    fn an_emergency_access_is_said_with_its_time_and_leads_to_its_page_alone() {
        let access = |minutes| OutboundAlert {
            until: Some(at(minutes)),
            day: None,
            ..alert("emergency_access", "Northgate College", None, 0)
        };
        let one = message(vec![access(75)]);
        assert_eq!(subject(&one), "Emergency access to a learner's card");
        let said = body(&one, "https://hub.example.org");
        for words in [
            "\n1 emergency access to a learner's card: opened by Northgate College at 09:15, until 10:15.\n",
            "\nOpen https://hub.example.org/emergencies\n",
            "\nWhy it was opened is on the page, for your head, data managers and data protection officer, who reviews it. You are told of it once.\n",
        ] {
            assert!(said.contains(words), "{words} is not in {said}");
        }
        assert!(!said.contains("told again") && !said.contains("over any more"), "{said}");
        let both =
            message(vec![access(75), access(75), alert("unaccounted", "Northgate College", Some(10), 0)]);
        assert_eq!(subject(&both), "Emergency access to learners' cards, 2 times");
        let said = body(&both, "https://hub.example.org");
        let opened = "\n2 emergency accesses to a learner's card: opened by Northgate College at 09:15, until 10:15.\n";
        assert!(said.contains(opened) && said.contains("told again until"), "{said}");
        let open = "\nOpen https://hub.example.org/emergencies\nand https://hub.example.org/whereabouts\n";
        assert!(said.contains(open), "{said}");
        let sent: serde_json::Value =
            serde_json::from_slice(&json(&one, "https://hub.example.org", at(16))).unwrap();
        assert_eq!(sent["link"], "https://hub.example.org/emergencies");
        assert_eq!(sent["alerts"][0]["until"], at(75).to_string());
    }

    fn message(alerts: Vec<OutboundAlert>) -> Outbound {
        Outbound {
            institution: "kingsmead".parse().unwrap(),
            name: "Kingsmead\r\nBcc: everybody@example.org".to_owned(),
            time_zone: "Europe/London".to_owned(),
            channel: Channel::Mail,
            number: 3,
            tries: 1,
            alerts,
        }
    }

    #[test]
    fn alike_alerts_are_one_line_with_a_number_and_names_can_open_no_header() {
        let missing = |again| alert("unaccounted", "Northgate College", Some(10), again);
        let all = vec![
            missing(0),
            missing(2),
            alert("register", "Northgate College", Some(70), 0),
            alert("source_silent", "Ridgeway", None, 1),
            alert("nobody_expects", "Ridgeway", None, 0),
            alert("nobody_expects", "Ridgeway", None, 0),
        ];
        let message = message(all);
        assert_eq!(subject(&message), "2 learners to find");
        let said = body(&message, "https://hub.example.org");
        for line in [
            "\n2 learners to find: expected at Northgate College 09:10 in a lesson (told again, 2 times).\n",
            "\n1 register is not in: Northgate College, lesson of 10:10.\n",
            "\n1 source is silent: no word from Ridgeway since 09:15; unknown, not absent (told again).\n",
            "\n2 learners nobody expects at Ridgeway on Tuesday 15 September.\n",
            "\nOpen https://hub.example.org/whereabouts\n",
        ] {
            assert!(said.contains(line), "{line} is not in {said}");
        }
        assert!(said.starts_with("KingsmeadBcc: everybody@example.org\n"), "one line: {said}");
    }

    #[test]
    fn what_is_over_is_said_behind_what_is_open_and_alone_it_asks_nobody_to_look() {
        let over = |about, lesson| {
            let alert = alert(about, "Northgate College", lesson, 2);
            OutboundAlert { over: Some(alert.told), ..alert }
        };
        let ended = message(vec![over("unaccounted", Some(10)), over("unaccounted", Some(10))]);
        assert_eq!(subject(&ended), "Whereabouts: 2 alerts are over");
        let said = body(&ended, "https://hub.example.org");
        let line = "\nOver: 2 learners to find: expected at Northgate College 09:10 in a lesson.\n";
        assert!(said.contains(line) && !said.contains("told again"), "{said}");
        let both =
            message(vec![alert("unaccounted", "Northgate College", Some(70), 0), over("register", Some(10))]);
        assert_eq!(subject(&both), "1 learner to find");
        let said = body(&both, "https://hub.example.org");
        assert!(
            said.contains("\nOver: 1 register is not in: Northgate College, lesson of 09:10.\n"),
            "{said}"
        );
        assert!(said.contains("You are told again"), "{said}");
        let sent = json(&ended, "https://hub.example.org", at(30));
        let sent: serde_json::Value = serde_json::from_slice(&sent).unwrap();
        assert_eq!(sent["alerts"][0]["over"], ended.alerts[0].told.to_string());
    }

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let many = (0..50).map(|minute| alert("register", "Northgate College", Some(minute), 0)).collect();
        let said = body(&message(many), "https://hub.example.org");
        assert!(said.contains("\nAnd 20 more.\n") && said.len() < 4_000, "{said}");
    }
}
