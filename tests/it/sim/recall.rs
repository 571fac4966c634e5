//! Need ends, copies end: the laws of recalls, after each of some rounds in which need comes and goes.
//!
//! A round changes a placement or the agreement, lets sweeps run (or kills the hub in one of them), and holds what the
//! recipients have against what they may have: nobody has a copy without need and without an open notice. Once they have
//! read their feeds and answered, nobody has one at all, everybody has what they may have, and no notice is open.

use super::{
    PARTNERS, heal_publish,
    line::Line,
    model::{LINKS, Terms},
    partner::Partner,
    world::World,
};
use commonroll_agent::recall;
use std::{collections::BTreeSet, time::Duration};

/// Rounds of a seed.
const ROUNDS: usize = 4;
/// Looks after which what was owed must be there.
const PATIENCE: usize = 40;
/// The field group of a mark's code.
const CODE: u32 = 3;
/// Ticks after which every sweep of so small a log is done.
const TICKS: usize = 8;

/// What happened in the rounds.
#[derive(Debug, Default, Clone, Copy)]
pub struct Rounds {
    /// Notices that were issued.
    pub notices: usize,
    /// Records that came again.
    pub again: usize,
}

/// Plays the rounds. Everything has been delivered before.
pub async fn rounds(world: &mut World) -> Rounds {
    world.model().recalling = true;
    world.partners.iter().for_each(|partner| partner.mis.recalling());
    sweep(world).await;
    everybody_reads(world).await;
    hold(world, "at the beginning of recalls").await;
    let mut seen = Rounds::default();
    for round in 0..ROUNDS {
        world.ether.tell(format!("recalls, round {round}"));
        world.now += 60_000_000;
        change(world).await;
        if world.ether.dice.percent(30) {
            let now = world.time();
            let who = world.ether.dice.below(PARTNERS.len());
            let dice = world.ether.dice.clone();
            world.partners[who].teach(&dice);
            world.partners[who].export(now).await;
            heal_publish(world, who).await;
        }
        sweep(world).await;
        world.check().await;
        nothing_without_need_or_notice(world).await;
        everybody_reads(world).await;
        world.check().await;
        hold(world, "after a round").await;
        seen.notices = world.node().exchange.withdrawals().len();
    }
    seen.again = world.partners.iter().map(|partner| partner.mis.came_again()).sum();
    seen
}

/// Need ends, or begins again.
async fn change(world: &mut World) {
    let dice = world.ether.dice.clone();
    let (link, side) = (dice.below(LINKS.len()), dice.below(2));
    match dice.below(10) {
        0..4 => {
            let from = Partner::hour(6 + dice.below(9) as u32);
            world.ether.tell(format!("link {link} is ended by side {side} from {from}"));
            world.end(link, side, from).await;
        }
        4..7 => {
            let last = *dice.pick(&[13, 20, 30]);
            world.ether.tell(format!("link {link} is placed by side {side} until {last}"));
            world.place(link, side, last).await;
        }
        _ => {
            let terms = *dice.pick(&[Terms::Full, Terms::Full, Terms::PresenceOnly, Terms::NoAttendance]);
            world.ether.tell(format!("agreed: {terms:?}"));
            world.agree(terms).await;
        }
    }
}

/// Lets sweeps run to their end, on whichever hub is there; now and then a hub is killed in the middle of one.
async fn sweep(world: &mut World) {
    if world.ether.dice.percent(25) {
        world.ether.tell("a hub is killed while it sweeps");
        for _ in 0..world.ether.dice.below(3) {
            let node = world.node();
            node.exchange.tick(world.time()).await;
        }
        world.node().kill();
        world.restart_hubs().await;
    }
    for _ in 0..TICKS {
        for node in world.nodes.clone() {
            node.exchange.follow(Duration::ZERO).await.unwrap();
            node.exchange.tick(world.time()).await;
        }
    }
}

/// Everybody reads what is there for them, is killed now and then, and answers what they were asked.
async fn everybody_reads(world: &mut World) {
    for node in &world.nodes {
        node.exchange.follow(Duration::ZERO).await.unwrap();
    }
    for (who, name) in PARTNERS.iter().enumerate() {
        let Some(line) = world.line(who) else { continue };
        world.partners[who].hang_up();
        if world.ether.dice.percent(25) {
            let _ = world.partners[who].receive(&line, 1, false).await;
            world.ether.tell(format!("{name} has its agent killed between two pieces"));
            world.partners[who].restart().await;
        }
        world.partners[who].receive(&line, 1_000, true).await.unwrap();
        answer(&world.partners[who], &line).await;
    }
    for node in &world.nodes {
        node.exchange.follow(Duration::ZERO).await.unwrap();
    }
}

async fn answer(partner: &Partner, line: &Line) {
    let me = &partner.reading.institution;
    recall::answer(line, &partner.spool, me, &partner.key, line.now).await.unwrap();
    let again = recall::answer(line, &partner.spool, me, &partner.key, line.now).await.unwrap();
    assert_eq!(again, 0, "an answer that was taken is not sent again");
}

/// Whoever holds what it may not hold has been asked to remove it, and has not answered yet.
async fn nothing_without_need_or_notice(world: &World) {
    let exchange = &world.node().exchange;
    exchange.follow(Duration::ZERO).await.unwrap();
    let open = open_notices(world);
    let mut asked = BTreeSet::new();
    let mut from = 1;
    loop {
        let shown = exchange.show(from, 200).await.unwrap();
        let Some(last) = shown.last() else { break };
        from = last["sequence"].as_u64().unwrap() + 1;
        for entry in shown.iter().filter(|entry| entry["what"] == "notice.issued") {
            let more = &entry["more"];
            let recipient = more["recipient"].as_str().unwrap().to_owned();
            if !open.contains(&(recipient.clone(), more["number"].as_u64().unwrap())) {
                continue;
            }
            let of = more["of"].as_array().unwrap().iter().map(|pair| pair[0].as_u64().unwrap());
            asked.extend(of.map(|place| (recipient.clone(), place)));
        }
    }
    let model = world.model();
    for entry in &model.log {
        let (name, said) = (PARTNERS[entry.recipient], model.said_of(entry));
        let row = world.partners[entry.recipient].mis.row(PARTNERS[said.source], &entry.id);
        let Some(row) = row.filter(|row| row.revision == entry.revision && row.mark.is_some()) else {
            continue;
        };
        let newest = model.newest(&entry.id).unwrap();
        let is_asked = asked.contains(&(name.to_owned(), entry.sequence));
        assert!(
            model.may_leave(newest) || is_asked,
            "{name} holds revision {} of {} without need, and nobody has asked it to remove it",
            row.revision,
            entry.id
        );
    }
}

/// Who may have a record has its newest revision, with what was agreed of it; nobody else has it; no notice is open.
async fn hold(world: &mut World, when: &str) {
    // A piece that a busy machine had not ready is there at the next look.
    for _ in 0..PATIENCE {
        if judge(world).is_ok() {
            return;
        }
        everybody_reads(world).await;
    }
    if let Err(fault) = judge(world) {
        panic!("{fault}, {when}");
    }
}

fn judge(world: &World) -> Result<(), String> {
    let open = open_notices(world).len();
    if open > 0 {
        return Err(format!("{open} notices are open after everybody has answered"));
    }
    let model = world.model();
    let ids: BTreeSet<&String> = model.log.iter().map(|entry| &entry.id).collect();
    for id in ids {
        let newest = model.newest(id).unwrap();
        let said = model.said_of(newest);
        let row = world.partners[newest.recipient].mis.row(PARTNERS[said.source], id);
        let name = PARTNERS[newest.recipient];
        let holds = row.as_ref().filter(|row| row.mark.is_some());
        if !model.may_leave(newest) {
            if holds.is_some() {
                return Err(format!("{name} holds {id} without need"));
            }
            continue;
        }
        match (&said.mark, holds) {
            (None, Some(_)) => return Err(format!("{name} still holds {id}, which its source took back")),
            (Some(_), None) => return Err(format!("{name} lacks {id}")),
            (Some(mark), Some(row)) => {
                let shown = [said.groups.as_slice(), newest.granted, model.granted()];
                let code = shown.iter().all(|groups| groups.contains(&CODE));
                // What left with less than was accepted of it is not known as such: more comes with the next revision.
                let narrowed = model.narrowed.contains(&(id.clone(), newest.revision));
                let has = row.mark.as_deref().unwrap_or_default();
                let is_right =
                    if code { has == mark || (narrowed && has.is_empty()) } else { has.is_empty() };
                if row.revision != newest.revision || !is_right {
                    return Err(format!("{name} holds something else of {id} than is agreed: {row:?}"));
                }
            }
            (None, None) => {}
        }
    }
    Ok(())
}

/// Notices without an answer, by recipient and number.
fn open_notices(world: &World) -> BTreeSet<(String, u64)> {
    let withdrawals = world.nodes.iter().flat_map(|node| node.exchange.withdrawals());
    let open = withdrawals.filter(|notice| notice.answered.is_none());
    open.map(|notice| (notice.recipient, notice.number)).collect()
}
