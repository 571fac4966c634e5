//! The pages of a breach pack, as text that a person reads: what happened, and what has to be said to whom by when.
//!
//! The wording follows UK GDPR Articles 33 and 34. It is a form to be filled in and checked by the data protection officer.

use super::{
    breach::{BreachSpan, Part},
    pack::local_time,
};
use commonroll_core::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// 72 hours, in microseconds.
const HOURS_72: i64 = 72 * 3_600_000_000;

/// What a controller's pages are made from.
pub struct Page<'a> {
    pub ask: &'a serde_json::Value,
    pub span: BreachSpan,
    pub zone: &'a TimeZone,
    pub name: &'a str,
    pub part: &'a Part,
    /// True if the part has the controller's own ids.
    pub ids: bool,
}

fn heading(drill: bool, text: &str) -> String {
    match drill {
        true => format!(
            "**DRILL - nothing has happened. Do not send this to anybody outside.**\n\n# DRILL: {text}\n\n"
        ),
        false => format!("# {text}\n\n"),
    }
}

impl Page<'_> {
    fn at(&self, at: Timestamp) -> String {
        local_time(at, self.zone)
    }

    fn people(&self) -> usize {
        self.part.learners.len()
    }

    /// What was disclosed.
    pub fn index(&self, now: Timestamp) -> String {
        let mut page = heading(self.span.drill, &format!("What was disclosed of {}'s data", self.name));
        let (from, to) = self.span.between;
        let _ = write!(
            page,
            "From {} to before {}. Drawn up {}. Times are {}'s.\n\n{}\n{} disclosures of {} learners.\n\n",
            self.at(from),
            self.at(to),
            self.at(now),
            self.name,
            concerned(self.ask),
            self.part.entries,
            self.people()
        );
        if self.part.before > 0 {
            let _ = write!(
                page,
                "Besides, {} records were handed out before: whoever held this recipient's key could have had them sent once \
                 more, since a feed can be read again from its beginning.\n\n",
                self.part.before
            );
        }
        page.push_str("| from | to | what | field groups | disclosures | learners | last |\n|---|---|---|---|---|---|---|\n");
        for ((from, to, what), sum) in &self.part.sums {
            let groups: Vec<&str> = sum.groups.iter().copied().collect();
            let last = sum.last.map_or_else(String::new, |at| self.at(at));
            let _ = writeln!(
                page,
                "| {from} | {to} | {what} | {} | {} | {} | {last} |",
                groups.join(", "),
                sum.entries,
                sum.learners.len()
            );
        }
        for ((what, who), count) in &self.part.duties {
            let _ = write!(page, "\nNot counted above, as a duty: {what} by {who}, {}\n", times(*count));
        }
        page.push_str("\n## The files here\n\n");
        page.push_str(match self.ids {
            true => "- `disclosures.csv`: every disclosure, with your own ids of the learners\n- `learners.csv`: each learner once\n",
            false => "- no ids: your data protection officer draws up the part with them, as a person (`breach pack`)\n",
        });
        page.push_str(
            "- `notification.md`: the form for the supervisory authority and for those concerned\n\
             - `checkpoint.txt`, `log.key`: the log as it was signed when this was drawn up\n",
        );
        if !self.part.proofs.is_empty() {
            page.push_str(
                "- `proofs/`: for the first 200 entries, the proof that the log has them; check one with\n  \
                 `commonroll audit verify-proof proofs/entry-N.proof --key log.key`, others come with `commonroll audit prove N`\n",
            );
        }
        page.push_str("\nCompare `log.key` with the key that you were given when you joined. ");
        page.push_str(match self.ids {
            true => {
                "Withheld records are listed in `disclosures.csv` and not counted here: they did not leave.\n"
            }
            false => "Withheld records are not counted here: they did not leave.\n",
        });
        page
    }

    /// The form of Articles 33 and 34.
    pub fn notification(&self, now: Timestamp) -> String {
        let mut page =
            heading(self.span.drill, &format!("Notification of a personal data breach: {}", self.name));
        let due = self.span.known.plus_micros(HOURS_72);
        let _ = write!(
            page,
            "Aware since {}. **To the Information Commissioner by {} (72 hours), unless the breach is unlikely to result in a \
             risk to anybody's rights and freedoms.** If it is later, say why. What is not known yet may follow in steps.\n\n",
            self.at(self.span.known),
            self.at(due)
        );
        let _ = write!(
            page,
            "## To the Information Commissioner (UK GDPR Article 33(3))\n\n\
             1. **What happened**: [describe]. In the span from {} to {}.\n\
             2. **Who is concerned**: learners, mostly under 18; about {} of them.\n\
             3. **What is concerned**: {}\n\
             4. **Data protection officer**: [name, address, telephone].\n\
             5. **Likely consequences**: [describe; attendance codes can reveal health, religion or detention, behaviour events \
             can reveal offences].\n\
             6. **Measures taken or proposed**: [access revoked at ...; copies called back; keys renewed].\n\
             7. **Why later than 72 hours**, if it is: [reason].\n\n",
            self.at(self.span.between.0),
            self.at(self.span.between.1),
            self.people(),
            self.concerned()
        );
        page.push_str(
            "## To those concerned, where the risk is high (Article 34), without undue delay\n\n\
             > We are writing because information about you was seen by somebody who should not have seen it. It was about \
             [what], on [dates]. We have [what was done]. You may want to [what they can do]. Ask [data protection officer] \
             anything; you can also complain to the Information Commissioner.\n\n\
             ## Who else has to be told\n\n\
             - The hub's operator is a processor and tells every controller concerned without undue delay (Article 33(2)).\n\
             - Each controller notifies about its own learners; nobody does it for another.\n\
             - Partners under an agreement are told within the hours that it states.\n\
             - Write the breach into your own register, notified or not (Article 33(5)).\n\n",
        );
        let _ = writeln!(
            page,
            "Drawn up {} from the hub's log; a data protection officer checks it first.",
            self.at(now)
        );
        page
    }

    /// Records by kind, who read in which role, and what was done as a duty.
    fn concerned(&self) -> String {
        let Part { records, readers, duties, learners, .. } = self.part;
        let kinds: Vec<String> = records.iter().map(|(kind, count)| format!("{count} of {kind}")).collect();
        let sum: u64 = records.values().sum();
        let mut text = match sum {
            0 => "no records were sent to anybody in the span.".to_owned(),
            _ => format!("{sum} records and revisions that were sent: {}.", kinds.join(", ")),
        };
        let of = |count: usize| if count == 1 { "1 learner".to_owned() } else { format!("{count} learners") };
        for (who, (count, of_whom)) in readers {
            let _ = write!(text, "\n   - {who}: {}, {}", times(*count), of(of_whom.len()));
        }
        if !readers.is_empty() || sum > 0 {
            let _ = write!(text, "\n   - in all {}", of(learners.len()));
        }
        for ((what, who), count) in duties {
            let _ = write!(text, "\n   - as a duty, not counted here: {what} by {who}, {}", times(*count));
        }
        text
    }
}

/// How often.
fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// The first page of a pack.
pub fn top(
    ask: &serde_json::Value,
    span: BreachSpan,
    concerned_parts: &[(String, u64, usize)],
    own: bool,
    now: Timestamp,
) -> String {
    let mut page = heading(span.drill, "Breach pack");
    let _ = write!(
        page,
        "From {} to before {} (UTC). Drawn up {now}.\n\n{}\n",
        span.between.0,
        span.between.1,
        concerned(ask)
    );
    page.push_str("| controller | disclosures | learners | pages |\n|---|---|---|---|\n");
    for (slug, entries, learners) in concerned_parts {
        let _ = writeln!(
            page,
            "| {slug} | {entries} | {learners} | [what]({slug}/index.md), [notification]({slug}/notification.md) |"
        );
    }
    page.push_str(match own {
        true => "\nThis is your own institution's part. The other controllers draw up theirs; the hub's operator can tell them.\n",
        false => "\nHand each controller its own folder and nobody else's.\n",
    });
    page
}

fn concerned(ask: &serde_json::Value) -> String {
    let named: Vec<String> = ["agent", "person", "institution"]
        .iter()
        .filter_map(|key| Some(format!("{key} {}", ask[*key].as_str()?)))
        .collect();
    match named.is_empty() {
        true => String::new(),
        false => format!("Only what concerns {}.\n", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::RecordKind;

    #[test]
    fn the_form_tells_records_by_kind_readers_by_role_and_duties_apart() {
        let mut part = Part::default();
        part.records.extend([(RecordKind::Attendance, 12), (RecordKind::Behaviour, 1)]);
        part.readers.insert("tutor of northgate, read for pastoral".to_owned(), (3, [7, 8].into()));
        part.learners.extend([(7, Default::default()), (8, Default::default()), (9, Default::default())]);
        part.duties.insert(("export for a learner's request".to_owned(), "dpo of kingsmead".to_owned()), 1);
        let at = Timestamp::from_micros("at", 1_789_372_800_000_000).unwrap();
        let span = BreachSpan { between: (at, at.plus_micros(1)), known: at, drill: false };
        let (ask, zone) = (serde_json::json!({}), TimeZone::UTC);
        let page = Page { ask: &ask, span, zone: &zone, name: "Kingsmead", part: &part, ids: false };
        let form = page.notification(at);
        for said in [
            "about 3 of them",
            "13 records and revisions that were sent: 12 of attendance, 1 of behaviour.",
            "- tutor of northgate, read for pastoral: 3 times, 2 learners",
            "as a duty, not counted here: export for a learner's request by dpo of kingsmead, once",
        ] {
            assert!(form.contains(said), "{said}: {form}");
        }
        assert!(!page.index(at).contains("proofs/"), "no proofs, no folder of them");
    }
}
