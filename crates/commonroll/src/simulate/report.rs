//! What came of a simulated day, as a table for people and as JSON for programs.

use super::{
    Simulated,
    score::{FALSE_PER_1000, IN_TIME},
};
use std::fmt::Write as _;

/// For people.
pub fn table(of: &Simulated) -> String {
    let score = &of.score;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "A simulated school day: {} of seed {}\n  {} learners of {} homes visit {} hosts: {} lessons, {} expectations, {} marks, {} log entries",
        of.day,
        of.seed,
        of.learners,
        of.homes,
        of.hosts,
        of.lessons,
        score.expectations,
        of.marks,
        of.entries
    );
    if let Some(without) = of.without {
        let _ = writeln!(text, "  without the detector {}", without.as_str());
    }
    let _ = writeln!(text, "\nThe ordinary");
    for (what, times) in &of.mess {
        let _ = writeln!(text, "  {times:>6}  {what}");
    }
    let _ = writeln!(
        text,
        "\n{:<38}{:>7}{:>9}{:>10}{:>10}{:>10}",
        "Holes", "there", "found", "half by", "99% by", "all by"
    );
    for (kind, row) in &score.kinds {
        let _ = writeln!(
            text,
            "  {kind:<36}{:>7}{:>9}{:>9.0}s{:>9.0}s{:>9.0}s",
            row.holes,
            format!("{:.0}%", row.found as f64 * 100.0 / row.holes.max(1) as f64),
            row.p50,
            row.p99,
            row.most
        );
    }
    let verdict = |good: bool| if good { "ok " } else { "NO " };
    let all = score.kinds.values().all(|row| row.found == row.holes);
    let most = score.kinds.values().map(|row| row.most).fold(0.0, f64::max);
    let _ = writeln!(text, "\nBars");
    let _ = writeln!(text, "  {} every hole found", verdict(all));
    let _ = writeln!(
        text,
        "  {} each within {IN_TIME:.0} s of the moment that the rules set: {most:.0} s at most",
        verdict(most <= IN_TIME)
    );
    let _ = writeln!(
        text,
        "  {} false alarms: {} beside {} true ones, {:.2} in 1,000 expectations (at most {FALSE_PER_1000:.0})",
        verdict(score.false_per_1000 <= FALSE_PER_1000),
        score.false_alarms,
        score.true_alarms,
        score.false_per_1000
    );
    let _ = writeln!(
        text,
        "  {} alerts that ended before anybody had seen the learner: {}",
        verdict(score.ended_in_silence == 0),
        score.ended_in_silence
    );
    text
}

/// For programs.
pub fn json(of: &Simulated) -> serde_json::Value {
    serde_json::json!({
        "seed": of.seed, "day": of.day.to_string(), "without": of.without.map(|one| one.as_str()),
        "homes": of.homes, "hosts": of.hosts, "learners": of.learners, "lessons": of.lessons,
        "marks": of.marks, "log_entries": of.entries, "alert_entries": of.alerts,
        "ordinary": of.mess, "score": of.score,
    })
}
