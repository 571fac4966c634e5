//! When lessons are: bells, closures and the letters of weeks, as they were declared.

use super::{Difference, Fact, SiteFacts, Topic, count, day, fact};
use commonroll_core::SchoolDate;
use std::collections::{BTreeMap, BTreeSet};

fn clock(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

pub(super) fn bells(sites: &[SiteFacts]) -> Vec<Difference> {
    let with: Vec<&SiteFacts> = sites.iter().filter(|site| !site.lessons.is_empty()).collect();
    let starts = |site: &SiteFacts| -> BTreeSet<u32> {
        // What happens once in twenty lessons is a trip or a club, not the bell.
        let all: u64 = site.lessons.values().sum();
        let mut by: BTreeMap<u32, u64> = BTreeMap::new();
        site.lessons.iter().for_each(|((start, _), lessons)| *by.entry(*start).or_default() += lessons);
        by.into_iter().filter(|(_, lessons)| lessons * 20 >= all).map(|(start, _)| start).collect()
    };
    let all: BTreeSet<BTreeSet<u32>> = with.iter().map(|site| starts(site)).collect();
    if all.len() < 2 {
        return Vec::new();
    }
    let facts = with.iter().map(|site| {
        let starts: Vec<String> = starts(site).into_iter().map(clock).collect();
        let mut lengths: BTreeMap<u32, u64> = BTreeMap::new();
        for ((start, end), lessons) in &site.lessons {
            *lengths.entry(end.saturating_sub(*start)).or_default() += lessons;
        }
        let usual = lengths.iter().max_by_key(|(_, lessons)| **lessons).map_or(0, |(length, _)| *length);
        let last = site.lessons.keys().map(|(_, end)| *end).max().unwrap_or(0);
        let evidence = format!("mostly {usual} minutes; the last ends at {}", clock(last));
        fact(site.site, starts.join(", "), evidence)
    });
    vec![Difference {
        topic: Topic::Bells,
        title: "Lessons begin at different times".to_owned(),
        subject: String::new(),
        text: "Whoever goes between sites loses the minutes in between. The board reckons with each partner’s own times; agree on bells only where a timetable is shared.",
        facts: facts.collect(),
        suggest: None,
    }]
}

pub(super) fn calendars(sites: &[SiteFacts]) -> Vec<Difference> {
    let dates: BTreeSet<SchoolDate> = sites.iter().flat_map(|site| site.days.keys().copied()).collect();
    let mut found: Vec<Difference> = Vec::new();
    let mut weeks: BTreeSet<i32> = BTreeSet::new();
    for date in dates {
        let said: Vec<(u16, &(bool, Option<String>))> =
            sites.iter().filter_map(|site| Some((site.site, site.days.get(&date)?))).collect();
        let closed = said.iter().filter(|(_, day)| day.0).count();
        if (1..said.len()).contains(&closed) {
            let facts = said.iter().map(|(site, day)| {
                let words = if day.0 { "closed" } else { "teaches" };
                fact(*site, words, "declared timetable")
            });
            let facts: Vec<Fact> = facts.collect();
            let same = |held: &Difference| held.topic == Topic::Calendar && held.facts == facts;
            match found.iter_mut().find(|held| same(held)) {
                Some(held) => held.title = format!("{}, {}", held.title, day(date)),
                None => found.push(Difference {
                    topic: Topic::Calendar,
                    title: format!("One is closed while another teaches: {}", day(date)),
                    subject: String::new(),
                    text: "A visiting learner has no lesson at home and one at the host, or the other way round. Both are told the evening before.",
                    facts,
                    suggest: None,
                }),
            }
        }
        let letters: BTreeSet<&str> = said.iter().filter_map(|(_, day)| day.1.as_deref()).collect();
        let week = (date.days() + 3).div_euclid(7);
        if letters.len() > 1 && weeks.insert(week) {
            let facts = said.iter().filter_map(|(site, day)| {
                Some(fact(*site, format!("week {}", day.1.as_deref()?), "declared timetable"))
            });
            found.push(Difference {
                topic: Topic::Calendar,
                title: format!("The week of {} has {} letters", day(date), count(letters.len())),
                subject: String::new(),
                text: "Lessons of the one week are held in the other’s. If the letters mean the same cycle, one of them has slipped.",
                facts: facts.collect(),
                suggest: None,
            });
        }
    }
    found
}
