//! What an entry says, in words. Values are taken out of it one by one, so that nothing is shown by mistake.

use super::super::words;
use crate::console::nav;
use commonroll_core::{Role, agreement::ItemKind};
use commonroll_exchange::{Deed, LogKind, LogLine};
use serde_json::Value;

/// An entry in words.
pub(super) struct Said {
    /// What happened.
    pub what: String,
    /// What of it.
    pub of: String,
    /// A tag beside it.
    pub tag: &'static str,
    /// True for what was refused or withheld.
    pub no: bool,
}

/// What people call a kind of entry.
pub(super) const fn kind(kind: LogKind) -> &'static str {
    match kind {
        LogKind::All => "Everything",
        LogKind::Records => "Records",
        LogKind::Seen => "Seen",
        LogKind::Refused => "Refused",
        LogKind::Rules => "Rules",
        LogKind::People => "People and agents",
        LogKind::Kept => "Erased and kept",
    }
}

/// Who did it, with the role where the entry says one.
pub(super) fn by(line: &LogLine) -> String {
    let Deed::Note { more, .. } = &line.deed else { return line.by.clone() };
    let role = [&more["role"], &more["asker"]["role"]].into_iter().find_map(Value::as_str);
    let role = role.and_then(|role| role.parse::<Role>().ok());
    role.map_or_else(|| line.by.clone(), |role| format!("{}, {}", line.by, nav::role_words(role)))
}

/// An entry in words.
pub(super) fn said(deed: &Deed) -> Said {
    match deed {
        Deed::Record { kind, revision, withdrawn, learner, to, .. } => {
            let what = match (withdrawn, revision) {
                (true, _) => "Withdrawn",
                (_, 1) => "Accepted",
                _ => "Corrected",
            };
            let to: Vec<String> = to
                .iter()
                .map(|(name, groups)| format!("{name} ({})", words::fields(ItemKind::Record(*kind), *groups)))
                .collect();
            let to = if to.is_empty() { "for nobody".to_owned() } else { format!("for {}", to.join("; ")) };
            let revision = if *revision > 1 { format!(", revision {revision}") } else { String::new() };
            Said {
                what: what.to_owned(),
                of: format!("{}{revision}, learner {learner}, {to}", words::record(*kind)),
                tag: "Permitted",
                no: false,
            }
        }
        Deed::Note { what, more } => note(what, more),
    }
}

fn note(what: &str, more: &Value) -> Said {
    let no =
        what.ends_with(".refused") || matches!(what, "delivery.withheld" | "read.slowed" | "warning.told");
    let title = title(what);
    let said = Said { what: title.to_owned(), of: of(what, more), tag: if no { "Refused" } else { "" }, no };
    if title.is_empty() {
        Said { what: words::capital(&what.replace(['.', '_'], " ")), ..said }
    } else {
        said
    }
}

fn title(what: &str) -> &'static str {
    match what {
        "read.disclosed" => "Shown to a person",
        "board.shown" => "Whereabouts board shown",
        "group.shown" => "Group shown",
        "progress.shown" => "Progress shown",
        "report.printed" => "Learner’s report printed",
        "readiness.shown" => "Readiness shown",
        "problems.shown" => "Problems shown",
        "mapping.shown" => "Mapping and problems shown",
        "steps.shown" => "Steps of readiness shown",
        "unlock.proposed" => "Proposed to unlock a kind of record",
        "unlock.agreed" => "Kind of record unlocked",
        "unlock.declined" => "Unlock declined",
        "unlock.taken_back" => "Unlock taken back",
        "unlock.locked" => "Kind of record locked again",
        "unlock.refused" => "Unlock refused",
        "sources.told" => "Agent told of its sources",
        "alignment.shown" => "Alignment shown",
        "convention.proposed" => "Convention proposed",
        "convention.accepted" => "Convention accepted",
        "convention.agreed" => "Convention agreed by all",
        "convention.declined" => "Convention declined",
        "convention.taken_back" => "Convention taken back",
        "convention.refused" => "Convention refused",
        "publish.out_of_step" => "Batch out of step",
        "people.shown" => "List of people shown",
        "learners.shown" => "List of learners shown",
        "watches.shown" => "Own watches shown",
        "watch.set" => "Watch set, or nothing to tell any more",
        "watch.raised" => "Watch has something to tell",
        "watch.withdrawn" => "Watch taken back",
        "watch.ended" => "Watch ended",
        "watch.refused" => "Watch refused",
        "codes.shown" => "Session codes shown",
        "codes.exported" => "Session codes taken out as a file",
        "codes.decided" => "Session codes decided",
        "codes.carried" => "The home’s agent said what became of session codes",
        "codes.gone" => "Session codes kept no longer",
        "codes.refused" => "Session codes refused",
        "messages.shown" => "List of messages shown",
        "message.sent" => "Message to a home",
        "message.answered" => "Message answered by the home",
        "message.taken_back" => "Message taken back",
        "message.gone" => "Message kept no longer",
        "message.refused" => "Message refused",
        "match.asked" => "Asked a home who a guest is",
        "match.taken_back" => "Question about a guest taken back",
        "match.linked" => "Home said who a guest is: matched",
        "match.declined" => "Home said that a guest is none of theirs",
        "match.reopened" => "Home took its no about a guest back",
        "match.undone" => "Match undone",
        "match.changed" => "Number or date of birth declared anew: an answer holds no more",
        "match.main_said" => "Said where the main registration of a learner is whom two claim",
        "match.main_agreed" => "Two who claim a learner agreed on the main registration",
        "match.main_taken_back" => "Word on a main registration taken back",
        "match.forgotten" => "What was said of a forgotten learner’s matches is gone",
        "match.refused" => "Settling a match refused",
        "alert.told" => "Alert told to people",
        "alert.taken" => "Alert taken in hand",
        "alert.found" => "Learner found",
        "alert.not_found" => "Learner not found after all",
        "alert.over" => "Alert over",
        "alert.remark" => "Remark on an alert",
        "alert.sending" => "Alerts on their way",
        "alert.delayed" => "Alerts could not be sent yet",
        "alert.sent" => "Alerts sent",
        "alert.unsent" => "Alerts could not be sent",
        "alert.forgotten" => "Alerts kept no longer",
        "audit.asked" => "Asked",
        "feed.acknowledged" => "Feed acknowledged",
        "delivery.withheld" => "Withheld at delivery",
        "delivery.set_aside" => "Record set aside by its recipient’s agent: the MIS doesn’t take it",
        "delivery.retried" => "Record set aside is to be tried again",
        "delivery.dismissed" => "Record set aside was given up",
        "delivery.written" => "Record set aside was written after all",
        "delivery.overtaken" => "Record set aside was overtaken by a newer revision",
        "aside.refused" => "What became of a record set aside was told in vain",
        "publish.refused" => "Records refused",
        "warning.told" => "Data managers warned: far too much was refused",
        "read.refused" => "Reading refused",
        "read.slowed" => "Reading slowed down",
        "page.refused" => "Page refused",
        "act.refused" | "person.refused" | "audit.refused" => "Act refused",
        "call.refused" => "Call refused",
        "signin.refused" => "Sign-in refused",
        "signin.opened" => "Signed in",
        "signin.ended" => "Signed out",
        "person.invited" => "Person invited",
        "person.approved" => "Invitation approved",
        "person.enrolled" => "Person enrolled",
        "person.revoked" => "Person’s access ended",
        "invitation.issued" => "Invitation for an agent",
        "invitation.used" => "Invitation used",
        "agent.enrolled" => "Agent joined, or renewed its certificate",
        "agent.revoked" => "Agent revoked",
        "access.opened" => "Learners and parents let in",
        "access.closed" => "Learners and parents no longer let in",
        "policy.in_force" | "policy.activated" => "Policies put in force",
        "policy.proposed" => "Change of the policies proposed",
        "policy.approved" => "Change of the policies approved",
        "policy.closed" => "Change of the policies closed",
        "agreement.proposed" => "Agreement proposed",
        "agreement.signed" => "Agreement signed",
        "agreement.in_force" => "Agreement signed by all",
        "agreement.ended" => "Agreement ended",
        "directory.institution" => "Partner added or changed",
        "institution.left" => "Partner left",
        "directory.learner" => "Learner declared",
        "directory.group" => "Group declared",
        "directory.staff" => "Teaching declared",
        "directory.day" => "Lessons of a day declared",
        "directory.notice" => "Notice about a learner",
        "directory.support" => "Support needs declared",
        "placement.declared" => "Placement declared",
        "placement.accepted" => "Placement accepted",
        "placement.ended" => "Placement ended",
        "notice.issued" => "Copies called back",
        "notice.answered" => "Call-back answered",
        "notice.reversed" => "Sent once more",
        "record.erased" => "Erased",
        "record.expired" => "Kept no longer",
        "erasure.done" => "Erasing done",
        "retention.asked" => "Other keeping asked for",
        "retention.set" => "Keeping set",
        "subject.exported" => "Subject export",
        "export.asked" => "Export asked for",
        "export.approved" => "Export approved",
        "export.made" => "Export made",
        "export.refused" => "Export refused",
        "breach.pack" => "Breach pack drawn up",
        "exit.pack" => "Exit pack drawn up",
        "emergency.opened" => "Emergency access opened",
        "emergency.reviewed" => "Emergency access reviewed",
        "emergency.listed" => "Emergencies listed",
        "hub.started" => "Hub started",
        "hub.disk_was_full" => "Hub’s disk was full",
        _ => "",
    }
}

/// What of it: only values that are numbers, words of ours or names of rules and agreements.
fn of(what: &str, more: &Value) -> String {
    let mut parts: Vec<String> = Vec::new();
    if what == "audit.asked" {
        parts.push(question(more["question"].as_str().unwrap_or_default()).to_owned());
        push_learner(&mut parts, &more["about"]["learner"]);
    }
    push_learner(&mut parts, &more["learner"]);
    if let Some(purpose) = more["purpose"].as_str() {
        parts.push(format!("for {}", purpose.replace('_', " ")));
    }
    let named = |key: &str| more[key].as_str().filter(|text| text.len() <= 80).map(str::to_owned);
    if let Some(agreement) = named("agreement") {
        parts.push(match more["version"].as_u64() {
            Some(version) => format!("{agreement}, version {version}"),
            None => agreement,
        });
    }
    let waits: Vec<&str> =
        more["waits_for"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !waits.is_empty() {
        parts.push(format!("waits for {}", waits.join(", ")));
    }
    if what == "warning.told" {
        parts.extend(named("source").map(|source| format!("by {source}")));
    }
    for (key, word) in [("claimed", ""), ("reason", ""), ("how", "by ")] {
        parts.extend(named(key).map(|text| format!("{word}{}", text.replace('_', " "))));
    }
    let counted = match what {
        "learners.shown" | "board.shown" | "group.shown" => ("learner", "learners"),
        "read.disclosed" => ("record", "records"),
        _ => ("time", "times"),
    };
    for (key, one, many) in [
        ("count", counted.0, counted.1),
        ("people", "person", "people"),
        ("cursor", "entry in all", "entries in all"),
    ] {
        parts.extend(more[key].as_u64().map(|count| words::count(count, one, many)));
    }
    for (key, of) in more["groups"].as_object().into_iter().flatten() {
        let kind = words::kind_named(key);
        let fields = kind.zip(of.as_u64()).map(|(kind, mask)| {
            let mask = u32::try_from(mask).unwrap_or(0);
            format!("{}: {}", words::kind(kind).to_lowercase(), words::fields(kind, mask))
        });
        parts.extend(fields);
    }
    parts.join(", ")
}

fn push_learner(parts: &mut Vec<String>, learner: &Value) {
    parts.extend(learner.as_u64().map(|learner| format!("learner {learner}")));
}

/// What was asked.
fn question(question: &str) -> &str {
    match question {
        "log" => "for a page of the log",
        "verify" => "to check the whole log",
        "proof" => "for an entry’s proof",
        "who_saw" => "who saw a learner’s records",
        "sharing" => "what was shared, in sums",
        "refused" => "what was refused",
        "policy_changes" => "which rules changed",
        "exports" => "what was taken out",
        "withdrawals" => "who was asked to let copies go",
        "explain" => "why something is decided as it is",
        "try" => "what a change would change",
        "unmatched" => "whom nobody has matched",
        "match" => "what undoing a match would do",
        other => other,
    }
}
