//! Entries of the log as lines that a person reads: when, what in plain words, who in which role, how many.
//!
//! Nothing is interpreted that an entry does not say; what has no words here is shown by its own name. `--json` has all.

use crate::commands::line::printable;
use serde_json::Value;

/// Columns of a terminal that lines keep to.
const COLUMNS: usize = 100;
/// Where the words begin: behind the entry's number and the time.
const INDENT: usize = 34;

/// One entry in lines of at most 100 columns.
pub fn lines(sequence: u64, at: &str, what: &str, by: &str, more: &Value) -> String {
    let text = format!("{}{}; {}", words(what, more), detail(what, more), who(by, more));
    wrapped(&format!("{sequence:>10}  {at:<20}  "), &printable(&text))
}

fn words(what: &str, more: &Value) -> String {
    let said = match what {
        "publish.refused" => "records refused",
        "delivery.withheld" => "records withheld from their recipient",
        "warning.told" => "data managers warned: far too much was refused",
        "read.refused" => "reading refused",
        "read.slowed" => "reading slowed down: too much was asked",
        "aside.refused" => "an agent told in vain what became of a record set aside",
        "act.refused" => "an act of an office refused",
        "audit.refused" => "a question to the log refused",
        "call.refused" => "a call refused that is not for this caller",
        "emergency.refused" => "emergency access refused",
        "feed.refused" => "a feed refused",
        "invitation.refused" => "an invitation refused: wrong, used, expired or not approved",
        "person.refused" => "an act on people refused",
        "policy.rejected" => "a proposal for the rules turned down",
        "renewal.refused" => "a new certificate refused",
        "subject.refused" => "an export for a learner's request refused",
        "audit.asked" => "asked the log",
        "read.disclosed" => "read about a learner",
        "report.printed" => "printed a learner's report",
        "readiness.shown" => "looked at how ready data is",
        "problems.shown" => "looked at what is refused and waits",
        "publish.out_of_step" => "a batch out of step",
        "people.shown" => "looked at the list of people",
        "subject.exported" => "exported what is held of a learner, for their request",
        "record.erased" => "erased payloads of records",
        "record.expired" => "payloads went that are kept no longer",
        "retention.ran" => "looked for payloads that are kept no longer",
        "retention.asked" => "asked for a rule on how long payloads are kept",
        "retention.set" => "set how long payloads are kept",
        "breach.pack" if more["drill"] == true => "drew up a breach pack, as a drill",
        "breach.pack" => "drew up a breach pack",
        "exit.pack" => "drew up an exit pack",
        "emergency.opened" => "opened emergency access to a learner",
        "emergency.reviewed" => "reviewed an emergency access",
        "emergency.listed" => "looked at the list of emergency accesses",
        "policy.proposed" => "proposed new rules",
        "policy.approved" => "approved new rules",
        "policy.activated" => "new rules are in force",
        "policy.in_force" => "rules in force",
        "policy.closed" => "a proposal for the rules is closed",
        "agreement.proposed" => "proposed an agreement",
        "agreement.signed" => "signed an agreement",
        "agreement.in_force" => "an agreement is in force",
        "agreement.ended" => "ended an agreement",
        "agreement.changed" => "an agreement was set",
        "institution.left" => "an institution left",
        other => other,
    };
    said.to_owned()
}

/// What else an entry says in a few words: the purpose, the question, kinds, codes and counts.
fn detail(what: &str, more: &Value) -> String {
    let mut parts = Vec::new();
    let text = |key: &str| more[key].as_str().filter(|text| !text.is_empty());
    parts.extend(text("purpose").map(|purpose| format!("for {purpose}")));
    parts.extend(text("question").map(|question| question.replace('_', " ")));
    let names: Vec<&str> = more["kinds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !names.is_empty() {
        parts.push(names.join(", "));
    }
    parts.extend(text("kind").map(str::to_owned));
    parts.extend(text("reason").map(|reason| reason.replace('_', " ")));
    parts.extend(text("claimed").map(|claimed| format!("as if it were {claimed}")));
    if let Some(recipient) =
        text("recipient").filter(|_| matches!(what, "delivery.withheld" | "warning.told"))
    {
        parts.push(format!("for {recipient}"));
    }
    let source = text("source").filter(|_| what == "warning.told");
    parts.extend(source.map(|source| format!("by {source}")));
    for code in more["refused"].as_array().into_iter().flatten() {
        if let (Some(code), Some(count)) = (code[0].as_str(), code[1].as_u64()) {
            parts.push(format!("{count} {code}"));
        }
    }
    let again = more["again"].as_array().into_iter().flatten().filter_map(|code| code[1].as_u64());
    let again = again.fold(0, u64::saturating_add);
    if again > 0 {
        parts.push(format!("{again} of them refused before"));
    }
    if let Some(withheld) = more["withheld"].as_array() {
        let mut codes = std::collections::BTreeMap::<&str, u64>::new();
        let named = withheld.iter().filter_map(|one| one[1].as_str());
        named.for_each(|code| *codes.entry(code).or_default() += 1);
        parts.extend(codes.iter().map(|(code, count)| format!("{count} {code}")));
    }
    parts.extend(more["batch"].as_u64().map(|batch| format!("batch {batch}")));
    let counted = |count: u64| match (
        what.ends_with(".refused") || matches!(what, "read.slowed" | "warning.told"),
        count,
    ) {
        (true, 1) => "once".to_owned(),
        (true, count) => format!("{count} times"),
        (false, 1) => "1 record".to_owned(),
        (false, count) => format!("{count} records"),
    };
    parts.extend(more["count"].as_u64().map(counted));
    parts.extend(text("set").or_else(|| text("hash")).map(|hash| format!("SHA-256 {hash:.16}")));
    let approved = more["approved_by"].as_array().into_iter().flatten().filter_map(Value::as_str);
    parts.extend(approved.map(|one| format!("approved by {one}")));
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

/// Who: their role and institution where the entry says it, and the id behind.
fn who(by: &str, more: &Value) -> String {
    let by = more["actor"].as_str().unwrap_or(by);
    let asker = if more["asker"].is_object() { &more["asker"] } else { more };
    match (asker["role"].as_str(), asker["institution"].as_str()) {
        (Some(role), Some(institution)) => format!("{} of {institution} ({by})", role.replace('_', " ")),
        (Some(role), None) => format!("{} ({by})", role.replace('_', " ")),
        _ => by.to_owned(),
    }
}

/// Breaks a text at blanks; a word that is longer than a line is broken anywhere.
fn wrapped(first: &str, text: &str) -> String {
    let mut out = first.to_owned();
    let mut at = first.chars().count();
    let mut begun = true;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if !begun && at + 1 + length > COLUMNS {
            out.push('\n');
            out.push_str(&" ".repeat(INDENT));
            (at, begun) = (INDENT, true);
        }
        if !begun {
            out.push(' ');
            at += 1;
        }
        for c in word.chars() {
            if at == COLUMNS {
                out.push('\n');
                out.push_str(&" ".repeat(INDENT));
                at = INDENT;
            }
            out.push(c);
            at += 1;
        }
        begun = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_entry_is_told_in_plain_words_within_a_hundred_columns() {
        let asker = json!({ "role": "data_manager", "institution": "kingsmead" });
        let more = json!({ "question": "who_saw", "about": null, "asker": asker });
        let told = lines(12, "2026-09-14T08:00:00Z", "audit.asked", "person:1f", &more);
        assert_eq!(
            told,
            "        12  2026-09-14T08:00:00Z  asked the log: who saw; data manager of kingsmead (person:1f)"
        );
        let refused = json!({ "actor": "ridgeway", "claimed": "northgate", "count": 3 });
        let told = lines(9, "2026-09-14T08:00:00Z", "publish.refused", "hub", &refused);
        assert!(told.ends_with("records refused: as if it were northgate, 3 times; ridgeway"), "{told}");
        let codes =
            json!({ "batch": 4, "refused": [["no_placement", 2], ["x".repeat(200), 1]], "repeated": 0 });
        let told = lines(9, "2026-09-14T08:00:00Z", "publish.refused", "ridgeway\u{1b}[2J", &codes);
        assert!(told.contains("2 no_placement") && !told.contains('\u{1b}'), "{told}");
        assert!(told.lines().count() > 2 && told.lines().all(|line| line.chars().count() <= 100), "{told}");
    }
}
