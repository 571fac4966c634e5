//! Everybody on the board: how many stand how, each in the lesson that counts, and session codes with their rule.

use super::{
    super::super::{
        parts::{self, Standing, StateTag},
        times,
    },
    Made,
    alarm::{Tel, tel},
    course,
    lists::List,
    looks_words, room, says_group, standing,
};
use commonroll_exchange::{ConflictSeen, LineSeen, Looks, ProposalSeen, Proposals, Session};

/// Width of the bar of states, in units of the drawing.
const BAR: u32 = 360;

pub(super) struct Tally {
    pub state: Standing,
    pub count: u32,
    pub words: &'static str,
    pub x: u32,
    pub width: u32,
    /// Where the first of them stands.
    pub address: String,
}

pub(super) struct Group {
    pub state: Standing,
    pub words: String,
    pub lines: Vec<Line>,
}

pub(super) struct Line {
    pub learner: u32,
    pub name: String,
    pub address: Option<String>,
    pub tag: StateTag,
    pub course: String,
    pub lesson: String,
    pub place: String,
    pub ring: Option<Tel>,
    pub code: Option<Code>,
}

pub(super) struct Code {
    pub mark: String,
    pub class: &'static str,
    pub words: String,
}

pub(super) struct Codes {
    pub session: &'static str,
    pub clear: u32,
    pub clear_words: String,
    /// In all, and those of the page.
    pub disagree: usize,
    pub conflicts: Vec<Conflict>,
    pub rules: &'static [(u8, &'static str)],
}

pub(super) struct Conflict {
    pub name: String,
    pub home: &'static str,
    pub host: &'static str,
    pub host_name: String,
    pub code: String,
    pub because: &'static str,
}

impl Made<'_> {
    pub(super) fn tally(&self) -> (Vec<Tally>, String) {
        let total = self.seen.learners().max(1);
        let mut tally = Vec::new();
        let mut before = 0;
        for looks in Looks::ALL {
            let count = self.count(&[looks]);
            if count > 0 {
                // To the edge behind the last, a gap behind every other.
                let (x, end) = (before * BAR / total, (before + count) * BAR / total);
                let width = (end - x).saturating_sub(if end == BAR { 0 } else { 2 }).max(2);
                let state = standing(looks);
                let address = self.lists.to(List::Everybody, before as usize, state.name());
                before += count;
                tally.push(Tally { state, count, words: looks_words(looks), x, width, address });
            }
        }
        let words: Vec<String> =
            tally.iter().map(|one| format!("{} {}", one.count, one.words.to_lowercase())).collect();
        (tally, format!("Of {}: {}", self.seen.learners(), words.join(", ")))
    }

    /// Those of the page, by how they stand; each group says how many there are of it in all.
    pub(super) fn groups(&self) -> Vec<Group> {
        let group = |looks: Looks| {
            let mine = self.seen.lines.iter().filter(|line| line.looks == looks);
            let lines: Vec<Line> = mine.map(|line| self.line(line)).collect();
            (!lines.is_empty()).then(|| Group {
                state: standing(looks),
                words: format!("{}, {}", looks_words(looks), self.count(&[looks])),
                lines,
            })
        };
        Looks::ALL.into_iter().filter_map(group).collect()
    }

    fn line(&self, line: &LineSeen) -> Line {
        let room = room(&line.lesson);
        let group = if says_group(&line.lesson) { String::new() } else { line.lesson.group.clone() };
        let place = [group, times::hm(line.lesson.time.start(), self.zone), room];
        let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
        let host = self.seen.hosts.iter().find(|host| host.slug == line.host);
        // Of whom all is known, nobody has to ring.
        let calm = matches!(line.looks, Looks::Seen | Looks::Expected | Looks::Excused);
        let (whose, ring) = match (&line.home, host) {
            (Some(home), _) => (home.1.clone(), None),
            (None, Some(host)) => (host.name.clone(), tel(&host.ring).filter(|_| !calm)),
            (None, None) => (line.host.to_string(), None),
        };
        Line {
            learner: line.learner,
            name: line.name.clone(),
            address: self.learner(line.learner),
            tag: parts::state(standing(line.looks), line.words.clone()),
            course: course(&line.lesson),
            lesson: place.join(", "),
            place: whose,
            ring,
            code: line.proposal.as_ref().map(code),
        }
    }
}

fn code(proposal: &ProposalSeen) -> Code {
    let late = proposal.minutes_late.map_or_else(String::new, |minutes| format!(", {minutes} min"));
    let words = format!("Rule {}: {}{late}.", proposal.rule, proposal.because);
    let (mark, class) = match proposal.code {
        Some(code) => (code.to_owned(), "mark--proposed"),
        None => ("?".to_owned(), "mark--held"),
    };
    Code { mark, class, words }
}

pub(super) fn codes(proposals: &Proposals, disagree: usize) -> Codes {
    let clear: u32 = proposals.clear.values().sum();
    let by_rule: Vec<String> =
        proposals.clear.iter().map(|(rule, count)| format!("{count} by rule {rule}")).collect();
    let conflict = |one: &ConflictSeen| Conflict {
        name: one.name.clone(),
        home: one.home,
        host: one.host,
        host_name: one.at.1.clone(),
        code: one.proposal.code.unwrap_or("?").to_owned(),
        because: one.proposal.because,
    };
    Codes {
        session: match proposals.session {
            Session::Morning => "morning",
            Session::Afternoon => "afternoon",
        },
        clear,
        clear_words: by_rule.join(", "),
        disagree,
        conflicts: proposals.conflicts.iter().map(conflict).collect(),
        rules: proposals.rules,
    }
}
