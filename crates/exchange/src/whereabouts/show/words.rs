//! How a state looks on a board, and what it says in words.

use super::super::{BoardAsk, Looks, show::Desk};
use commonroll_core::Timestamp;
use commonroll_views::whereabouts::{AlertKey, Excuse, Expectation, Finding, Id, State, Why};

impl Desk<'_> {
    /// How a state looks, and what it says. A host isn't told where else a visitor was.
    pub(in crate::whereabouts) fn said(&self, of: &Expectation, state: &State) -> (Looks, String) {
        let at_home = self.ask == BoardAsk::Away;
        let place = |site: u16| {
            if at_home || site == self.own() { self.named(site).1 } else { "another site".to_owned() }
        };
        let clock = |at: Timestamp| self.clock(at);
        let told = |id: Id| self.board.told.get(&id.learner).and_then(|told| told.marks.get(&id));
        match *state {
            State::Expected => (Looks::Expected, format!("Expected at {}", clock(of.time.start()))),
            State::Excused(why) => (Looks::Excused, excused(why).to_owned()),
            State::Due => (Looks::Expected, "Begun, register not due yet".to_owned()),
            State::InTravel { from, until } => {
                (Looks::Expected, format!("On the way from {}, expected by {}", place(from), clock(until)))
            }
            State::Seen => {
                let at = told(of.id()).map(|mark| format!("Seen, marked {}", clock(mark.at)));
                (Looks::Seen, at.unwrap_or_else(|| "Seen".to_owned()))
            }
            State::Late { minutes: Some(minutes) } => (Looks::Late, format!("Late, {minutes} min")),
            State::Late { minutes: None } => (Looks::Late, "Late".to_owned()),
            State::LeftEarly { at } => (Looks::Late, format!("Left at {}", clock(at))),
            State::NotSeen { elsewhere } => (Looks::Seen, format!("Not here: seen at {}", place(elsewhere))),
            State::SeenSince { site, at } => {
                (Looks::Seen, format!("Missed this lesson, seen since at {}, {}", place(site), clock(at)))
            }
            State::NotMarked { since } => {
                (Looks::NotMarked, format!("Not marked yet: register overdue since {}", clock(since)))
            }
            State::Cancelled { taken_back: true } => {
                (Looks::Excused, "Class cancelled, back with home".to_owned())
            }
            State::Cancelled { taken_back: false } => (Looks::Unknown, "Class cancelled".to_owned()),
            State::UnknownSince { heard } => {
                let life = self.board.heard.get(&of.site).copied();
                (Looks::Unknown, self.silence(of.site, heard.max(life)))
            }
            State::Found { at } => (Looks::Seen, format!("Found at {}", clock(at))),
            State::Unaccounted { since, why } => self.unaccounted(since, why),
        }
    }

    pub(super) fn silence(&self, site: u16, heard: Option<Timestamp>) -> String {
        let name = self.named(site).1;
        match heard.filter(|at| at.date_in(&self.zone) == self.now.date_in(&self.zone)) {
            Some(at) => format!("Unknown: no word from {name} since {}", self.clock(at)),
            None => format!("Unknown: no word from {name} today"),
        }
    }

    fn unaccounted(&self, since: Timestamp, why: Why) -> (Looks, String) {
        let at = self.clock(since);
        match why {
            Why::MarkedAbsent => (Looks::NotSeen, format!("Marked absent at {at}")),
            Why::RegisterNotTaken => {
                (Looks::NotMarked, format!("No register at {at}: nobody can say where they are"))
            }
            Why::NotOnRegister => (Looks::NotSeen, format!("Not on the register that was taken, {at}")),
            Why::NoLongerExpected => {
                let words = format!("Missing since {at}, not expected any more, and never accounted for");
                (Looks::NotSeen, words)
            }
            Why::NotArrived => (Looks::NotSeen, format!("Left another site, not arrived by {at}")),
            Why::Cancelled => {
                let words = "Class cancelled, and nobody has placed them since. This isn't an absence";
                (Looks::Unknown, words.to_owned())
            }
        }
    }

    pub(super) fn about(&self, key: &AlertKey, site: u16) -> String {
        match key {
            AlertKey::Register { .. } => "The register should be in and isn't".to_owned(),
            AlertKey::ClassCancelled { .. } => {
                "The class does not take place: take your learners back".to_owned()
            }
            AlertKey::SourceSilent { .. } => self.silence(site, self.board.heard.get(&site).copied()),
            AlertKey::Unaccounted(_) | AlertKey::LeftEarly(_) => "Not expected any more".to_owned(),
            AlertKey::Misfit { finding, .. } => self.misfit(finding),
        }
    }

    /// What doesn't fit, as the own institution reads it. A host isn't told which other partner expects its visitor.
    pub(super) fn misfit(&self, finding: &Finding) -> String {
        let [one, other] = finding.between();
        let (own, at_home) = (self.own(), self.ask == BoardAsk::Away);
        let theirs = |number: u16| self.named(number).1;
        match finding {
            Finding::NobodyExpects { host: Some(host), .. } if at_home => {
                format!("Your timetable leaves them to {}, which has no lesson for them then", theirs(*host))
            }
            Finding::NobodyExpects { host: None, .. } => {
                "Your timetable leaves them to a partner, and no partner has a lesson for them then"
                    .to_owned()
            }
            Finding::NobodyExpects { .. } => {
                "Their home leaves them to you, and you have no lesson for them then".to_owned()
            }
            Finding::BothExpect { .. } => {
                let second = if one == own { other } else { one };
                format!("You have a lesson for them, and {} expects them at the same time", theirs(second))
            }
            Finding::TwoHosts { .. } => {
                format!("{} and {} expect them at the same time", theirs(one), theirs(other))
            }
            Finding::Elsewhere { .. } => {
                "You have a lesson for them, and another partner expects them at the same time".to_owned()
            }
            Finding::SiteClosed { .. } if at_home => {
                format!("Your timetable leaves learners to {}, which is closed that day", theirs(other))
            }
            Finding::SiteClosed { .. } => {
                format!(
                    "The timetable of {} leaves learners to you, and you are closed that day",
                    theirs(one)
                )
            }
            Finding::Many { host: None, .. } => {
                "Your timetable leaves many learners to partners that have no lesson for them".to_owned()
            }
            Finding::Many { .. } => {
                let second = if one == own { other } else { one };
                format!("Your timetable and that of {} don’t fit for many learners", theirs(second))
            }
            Finding::WeekSlip { .. } => {
                let second = if one == own { other } else { one };
                format!("You and {} are in different weeks of your timetables that day", theirs(second))
            }
        }
    }
}

const fn excused(why: Excuse) -> &'static str {
    match why {
        Excuse::Notice => "Absence expected",
        Excuse::NotAttending => "Not attending for now",
        Excuse::TakenBack => "Back with home",
        Excuse::Closed => "Site closed",
        Excuse::NotRequired => "Not required",
    }
}
