//! How the day ended: counts, times, differences, and the log verified.

use super::{
    play::Play,
    readback::{self, Outbox},
    screen::{Screen, Tone, listed, shown},
    setup::{Expected, Kind},
    stage, tally,
};
use crate::commands::told;
use commonroll_exchange::Verified;
use std::collections::{BTreeMap, BTreeSet};

/// Tells the summary. True if every expected record arrived once and nothing else did.
pub async fn tell(play: &mut Play, screen: &Screen) -> Result<bool, String> {
    // Read anew from the files as they are now: what was seen live is not trusted here.
    let outboxes: Vec<Outbox> = play
        .setup
        .partners
        .iter()
        .map(|partner| {
            let folder = stage::outbox(play.root(), &partner.slug);
            readback::read(&partner.slug, &folder, &mut BTreeSet::new())
        })
        .collect();
    let standing = tally::standing(&outboxes);
    let say = |line: String| screen.say(Tone::Plain, line.trim_end());
    screen.say(Tone::Plain, "");
    play.table().iter().for_each(|(tone, line)| screen.say(*tone, line));
    screen.say(Tone::Heading, "\nThe day is over");
    let expected = match &play.setup.expected {
        Expected::Records(records) => Some(records.len() as u64),
        Expected::Counts(counts) => Some(counts.values().sum::<u64>()),
        Expected::Unknown => None,
    };
    let stand: u64 = standing.records.values().sum();
    let of = |kind: Kind| {
        standing.records.iter().filter(|(record, _)| record.kind == kind).map(|(_, rows)| rows).sum::<u64>()
    };
    let counted = play.counted;
    let verified = verify(play, screen).await?;
    let refused = refused(play);
    let mut by_code: BTreeMap<String, u64> = BTreeMap::new();
    refused.iter().for_each(|((_, code), count)| *by_code.entry(code.clone()).or_default() += count);
    say(format!("  accepted into the log      {:>6}", verified.records));
    say(format!("  delivered                  {:>6}", counted.delivered));
    say(format!(
        "  written back and standing  {stand:>6}   {} attendance, {} assessment, {} behaviour; {} corrected, {} taken back",
        of(Kind::Attendance),
        of(Kind::Assessment),
        of(Kind::Behaviour),
        standing.corrected,
        standing.withdrawn
    ));
    match expected {
        Some(expected) => say(format!("  expected by the day itself {expected:>6}")),
        None => say("  no expected counts were given: what was accepted is what must arrive".to_owned()),
    }
    if standing.sessions > 0 {
        let sound = standing.sessions - standing.without_evidence;
        say(format!(
            "  session marks proposed     {:>6}   B, {sound} of them with a host's evidence behind it",
            standing.sessions
        ));
    }
    say(format!("  refused                    {:>6}   {}", by_code.values().sum::<u64>(), listed(&by_code)));
    say(format!("  repeats recognised         {:>6}   at the hub", counted.repeats));
    times(play, screen);
    let root: String = verified.root[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    say(format!(
        "  audit verify               {:>6}   entries, {} records, {} payloads, all sound; root {root}…",
        verified.entries, verified.records, verified.payloads
    ));
    let mut differences = tally::differences(&play.setup.expected, &standing);
    if verified.records != standing.revisions {
        let (log, written) = (verified.records, standing.revisions);
        differences.push(format!("{log} records in the hub's log, {written} written back"));
    }
    if let Some(wanted) = &play.setup.refused {
        differences.extend(refusals_differ(wanted, &refused));
    }
    verdict(screen, expected.is_some(), &differences);
    Ok(differences.is_empty())
}

fn verdict(screen: &Screen, counted_before: bool, differences: &[String]) {
    if differences.is_empty() {
        let what = if counted_before { "expected" } else { "accepted" };
        return screen.say(Tone::Good, &format!("  every {what} record arrived once, and nothing else did"));
    }
    screen.say(Tone::Refused, "  expected and arrived differ:");
    differences.iter().for_each(|line| screen.say(Tone::Refused, &format!("    {line}")));
}

fn times(play: &Play, screen: &Screen) {
    let p = |times: &[_], percent| shown(tally::percentile(times, percent));
    let line = format!(
        "  from export to write-back  p50 {}, p99 {}   of {} records, each measured from the moment its\n  {:34} export was in place to its row seen in the home's outbox",
        p(&play.times, 50),
        p(&play.times, 99),
        play.times.len(),
        ""
    );
    screen.say(Tone::Plain, &line);
    if !play.caught_up.is_empty() {
        let longest = play.caught_up.iter().max().copied().unwrap_or_default();
        let line = format!(
            "  caught up later            {:>6}   after a partner was cut off; the longest waited {}",
            play.caught_up.len(),
            shown(longest)
        );
        screen.say(Tone::Plain, &line);
    }
    if let Some(first) = play.first {
        screen.say(
            Tone::Plain,
            &format!("  first mark written back    {:>6}   after the start of this program", shown(first)),
        );
    }
}

/// What the hub refused, by partner and code, as the agents know it.
fn refused(play: &Play) -> BTreeMap<(String, String), u64> {
    let mut all = BTreeMap::new();
    for (partner, seat) in play.setup.partners.iter().zip(&play.partners) {
        for (code, count) in seat.status.iter().flat_map(|status| &status.refused_by_code) {
            all.insert((partner.slug.clone(), code.clone()), *count);
        }
    }
    all
}

fn refusals_differ(
    wanted: &BTreeMap<(String, String), u64>,
    found: &BTreeMap<(String, String), u64>,
) -> Vec<String> {
    let keys: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    let count = |counts: &BTreeMap<_, u64>, key| counts.get(key).copied().unwrap_or(0);
    let differ = keys.into_iter().filter(|key| count(wanted, key) != count(found, key));
    differ
        .map(|key| {
            format!(
                "{}: {} x {} must be refused, {} were",
                key.0,
                count(wanted, key),
                key.1,
                count(found, key)
            )
        })
        .collect()
}

/// Verifies the log, as `audit verify` does.
async fn verify(play: &Play, screen: &Screen) -> Result<Verified, String> {
    let log = play.stage.log().await?;
    let bar = screen.step("audit verify", usize::try_from(log.stats().log_entries).unwrap_or(0));
    let verified = log.verify(|entries| bar.set_position(entries)).await.map_err(told)?;
    bar.finish_and_clear();
    Ok(verified)
}
