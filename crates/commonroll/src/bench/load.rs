//! The load: marks like those of a real register, sealed, signed, published, verified and acknowledged as agents do.

use super::rig::{Rig, slug_of};
use crate::commands::told;
use commonroll_agent::{Hub, Identity, hub::grpc::GrpcHub};
use commonroll_audit::{PublicKey, ReceiptDigest, SigningKey};
use commonroll_core::{
    Body, Head, Interval, LocalId, Record, RecordKind, Revision, SchoolDate, Slug, Timestamp,
    record::{
        Text,
        attendance::{Attendance, Physical, Presence, SourceCode},
    },
};
use commonroll_wire::{
    acknowledge,
    pb::exchange::v1::{PublishRequest, PublishResponse},
    record_id, seal, seal_batch, verify_delivery,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Learners of each host.
pub const LEARNERS: u64 = 1_250;
/// Lessons a day of each learner.
const LESSONS: u64 = 6;
/// Days by which the first marks are older than today, at least.
const DAYS_BACK: u64 = 110;
/// Days by which the last marks are older than today. Those of the last six weeks are counted by more views: a long run
/// that came to them would compare two sorts of work.
const DAYS_LEFT: u64 = 50;
/// Batches that one stream has on its way.
const IN_FLIGHT: u64 = 16;

/// What is still to be published, by source.
pub struct Load {
    pub agents: u16,
    pub records: u64,
    pub batch: u32,
    /// Date of the first marks: so long ago that the last ones are past, as a register's are. What is older than the last
    /// school year costs less.
    pub first_day: SchoolDate,
    /// Marks made so far, of each source.
    made: Vec<u64>,
}

impl Load {
    /// A load of `records` marks, shared out among the agents; `later` more will follow.
    pub fn new(agents: u16, records: u64, batch: u32, later: u64, today: SchoolDate) -> Result<Self, String> {
        if agents < 2 || batch == 0 || batch > 1000 || records < u64::from(agents) {
            return Err(
                "bench needs at least 2 agents, a record for each, and batches of 1 to 1,000".to_owned()
            );
        }
        let days = (records + later).div_ceil(u64::from(agents) * LEARNERS * LESSONS) + DAYS_LEFT;
        let back = i32::try_from(days.max(DAYS_BACK)).map_err(told)?;
        let first_day = SchoolDate::from_days(today.days() - back).unwrap_or(today);
        Ok(Self { agents, records, batch, first_day, made: vec![0; usize::from(agents)] })
    }

    fn take(&mut self, agent: u16, count: u64) -> u64 {
        let made = &mut self.made[usize::from(agent)];
        let first = *made;
        *made += count;
        first
    }
}

/// Mark number `n` of a source: its learners in turn, a lesson an hour, then the next day.
fn mark(source: &Slug, zone_day: SchoolDate, n: u64) -> Result<Record, String> {
    let learner = n % LEARNERS;
    let slot = n / LEARNERS;
    let days = i32::try_from(slot / LESSONS).map_err(told)?;
    let date = SchoolDate::from_days(zone_day.days() + days).ok_or("the bench ran out of days")?;
    let midnight = i64::from(date.days()) * 86_400_000_000;
    let start = Timestamp::from_micros("start", midnight + (9 + (slot % LESSONS) as i64) * 3_600_000_000)
        .map_err(told)?;
    let interval = Interval::new(start, start.plus_micros(3_600_000_000)).map_err(told)?;
    let late = n.is_multiple_of(11);
    let physical = if late { Physical::Late } else { Physical::Present };
    Ok(Record {
        head: Head {
            id: record_id(source, RecordKind::Attendance, date, &format!("{learner}|{}", slot % LESSONS)),
            revision: Revision::FIRST,
            source: source.clone(),
            learner: LocalId::parse("learner", &format!("n-{learner}")).map_err(told)?,
            group: Some(LocalId::parse("group", "ENG-1").map_err(told)?),
            date,
            recorded_at: start,
            confidential: false,
        },
        body: Body::Attendance(Attendance {
            presence: Some(Presence {
                physical,
                interval: Some(interval),
                minutes_late: late.then_some(7),
                minutes_left_early: None,
            }),
            source_code: Some(SourceCode::new(if late { "L" } else { "/" }, "ENG-2024").map_err(told)?),
            note: Some(Text::parse("note", "seen at the start of the lesson", 500).map_err(told)?),
            register: None,
        }),
    })
}

/// Seals and signs a batch of marks.
pub fn batch(
    source: &Slug,
    (key, salts): (&SigningKey, &[u8; 32]),
    first_day: SchoolDate,
    number: u64,
    (first, count): (u64, u64),
) -> Result<PublishRequest, String> {
    let records = (first..first + count).map(|n| mark(source, first_day, n)).collect::<Result<_, _>>()?;
    sealed(source, (key, salts), number, records)
}

/// Seals and signs a batch of records.
pub fn sealed(
    source: &Slug,
    (key, salts): (&SigningKey, &[u8; 32]),
    number: u64,
    records: Vec<Record>,
) -> Result<PublishRequest, String> {
    let sealed = records.iter().map(|record| seal(record, salts, &[])).collect();
    seal_batch(source, number, sealed, key).map_err(told)
}

/// One agent's client.
pub struct Client {
    pub slug: Slug,
    pub hub: GrpcHub,
    pub me: Arc<Identity>,
    /// Whose records it receives: the key of the only source.
    pub source_key: PublicKey,
}

/// The run that counts: every record published, decided, durable, delivered, verified and acknowledged.
pub struct Flow;

impl Flow {
    /// Runs the load once and gives the time from the first batch made to the last acknowledgement.
    pub async fn run(rig: &Rig, load: &mut Load) -> Result<Duration, String> {
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        let day = load.first_day;
        for agent in 0..load.agents {
            let share = share(load.records, load.agents, agent);
            let first = load.take(agent, share);
            let size = u64::from(load.batch);
            let source = rig.client(agent).await?;
            tasks.spawn(async move { publish(&source, (first, share), size, marks(&source, day)).await });
            let recipient = rig.client(rig.home_of(agent)).await?;
            tasks.spawn(async move { receive(&recipient, share).await });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(told)??;
        }
        Ok(begun.elapsed())
    }
}

fn share(records: u64, agents: u16, agent: u16) -> u64 {
    let agents = u64::from(agents);
    records / agents + u64::from(u64::from(agent) < records % agents)
}

/// The bench's usual marks of a source.
fn marks(source: &Client, first_day: SchoolDate) -> impl Fn(u64) -> Result<Record, String> {
    let slug = source.slug.clone();
    move |n| mark(&slug, first_day, n)
}

/// Publishes the records `first` to `first + count` in batches, several on their way at a time.
pub async fn publish(
    client: &Client,
    (first, count): (u64, u64),
    size: u64,
    make: impl Fn(u64) -> Result<Record, String>,
) -> Result<(), String> {
    let mut session = client.hub.publish().await.map_err(told)?;
    let greeting = session.answer().await.map_err(told)?.ok_or("the hub ended the stream")?;
    let mut number = greeting.next_batch_number;
    let (mut sent, mut open) = (0, 0);
    while sent < count || open > 0 {
        while sent < count && open < IN_FLIGHT {
            let some = size.min(count - sent);
            let from = first + sent;
            let records = (from..from + some).map(&make).collect::<Result<_, _>>()?;
            let keys = (&client.me.signing, &client.me.salt.0);
            session.send(sealed(&client.slug, keys, number, records)?).await.map_err(told)?;
            (number, sent, open) = (number + 1, sent + some, open + 1);
        }
        taken(&session.answer().await.map_err(told)?.ok_or("the hub ended the stream")?)?;
        open -= 1;
    }
    Ok(())
}

fn taken(answer: &PublishResponse) -> Result<(), String> {
    match answer.results.iter().find(|r| r.outcome != 1) {
        Some(bad) => Err(format!("a record was not accepted: {} {}", bad.code, bad.reason)),
        None => Ok(()),
    }
}

/// Publishes some records of a source, in batches of ten, at a steady rate for as long as somebody waits.
pub async fn steadily(
    client: &Client,
    pace: Duration,
    make: impl Fn(u64) -> Result<Record, String>,
    acknowledged: impl Fn(u64),
) -> Result<(), String> {
    const SIZE: u64 = 10;
    let begun = Instant::now();
    let mut session = client.hub.publish().await.map_err(told)?;
    let greeting = session.answer().await.map_err(told)?.ok_or("the hub ended the stream")?;
    for (turn, number) in (0..).zip(greeting.next_batch_number..) {
        let due = begun + pace * u32::try_from(turn * SIZE).map_err(told)?;
        tokio::time::sleep_until(due.into()).await;
        let from = turn * SIZE;
        let records = (from..from + SIZE).map(&make).collect::<Result<_, _>>()?;
        let keys = (&client.me.signing, &client.me.salt.0);
        session.send(sealed(&client.slug, keys, number, records)?).await.map_err(told)?;
        taken(&session.answer().await.map_err(told)?.ok_or("the hub ended the stream")?)?;
        acknowledged(SIZE);
    }
    Ok(())
}

/// Receives, verifies and acknowledges until `count` records are in. What arrives during an acknowledgement is
/// acknowledged by the next.
async fn receive(client: &Client, count: u64) -> Result<(), String> {
    let mut session = client.hub.receive(0).await.map_err(told)?;
    let (cursors, mut wanted) = tokio::sync::watch::channel((0u64, ReceiptDigest::default()));
    let (hub, slug, me) = (client.hub.clone(), client.slug.clone(), client.me.clone());
    let acknowledging = tokio::spawn(async move {
        while wanted.changed().await.is_ok() {
            let (cursor, digest) = *wanted.borrow_and_update();
            let receipt = acknowledge(&slug, cursor, &digest, &me.signing).map_err(told)?;
            hub.acknowledge(receipt).await.map_err(told)?;
        }
        Ok::<(), String>(())
    });
    let (mut got, mut digest) = (0, ReceiptDigest::default());
    while got < count {
        let piece = session.next().await.map_err(told)?.ok_or("the hub ended the feed")?;
        for one in &piece.batches {
            for delivered in verify_delivery(one, &client.source_key).map_err(told)? {
                delivered.record.map_err(told)?;
                digest.add(delivered.sequence, &delivered.root);
                got += 1;
            }
        }
        let _ = cursors.send((piece.cursor, digest));
    }
    drop(cursors);
    acknowledging.await.map_err(told)?
}

/// Time from when a record was due to be sent until its recipient had verified it.
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// One record a batch at a steady rate, from one source to its home.
pub async fn latency(rig: &Rig, load: &mut Load, lasting: Duration, rate: u64) -> Result<Latency, String> {
    let count = lasting.as_secs() * rate;
    let first = load.take(0, count);
    let source = rig.client(0).await?;
    let recipient = rig.client(rig.home_of(0)).await?;
    let begun = Instant::now() + Duration::from_millis(200);
    let due = move |n: u64| begun + Duration::from_micros(n * 1_000_000 / rate);
    let receiving = tokio::spawn(async move { arrivals(&recipient, count, due).await });
    let mut session = source.hub.publish().await.map_err(told)?;
    let greeting = session.answer().await.map_err(told)?.ok_or("the hub ended the stream")?;
    let (mut open, mut number) = (0u64, greeting.next_batch_number);
    for n in 0..count {
        tokio::time::sleep_until(due(n).into()).await;
        session
            .send(batch(
                &source.slug,
                (&source.me.signing, &source.me.salt.0),
                load.first_day,
                number,
                (first + n, 1),
            )?)
            .await
            .map_err(told)?;
        (number, open) = (number + 1, open + 1);
        // Answers are read as they come, without waiting: the sender keeps its rate. (A timeout of zero would wait for
        // the timer's next tick, a millisecond.)
        while open > 0 {
            tokio::select! {
                biased;
                answer = session.answer() => {
                    answer.map_err(told)?.ok_or("the hub ended the stream")?;
                    open -= 1;
                }
                () = std::future::ready(()) => break,
            }
        }
    }
    let mut waits = receiving.await.map_err(told)??;
    waits.sort_by(f64::total_cmp);
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    Ok(Latency { p50_ms: at(0.5), p99_ms: at(0.99) })
}

async fn arrivals(client: &Client, count: u64, due: impl Fn(u64) -> Instant) -> Result<Vec<f64>, String> {
    // What the runs before have left unacknowledged comes first; it is passed over by its time.
    let start = client
        .hub
        .acknowledge(
            acknowledge(&client.slug, 1, &ReceiptDigest::default(), &client.me.signing).map_err(told)?,
        )
        .await
        .map_err(told)?;
    let mut session = client.hub.receive(start).await.map_err(told)?;
    let mut waits = Vec::with_capacity(count as usize);
    let mut digest = ReceiptDigest::default();
    while (waits.len() as u64) < count {
        let piece = session.next().await.map_err(told)?.ok_or("the hub ended the feed")?;
        for one in &piece.batches {
            for delivered in verify_delivery(one, &client.source_key).map_err(told)? {
                delivered.record.map_err(told)?;
                digest.add(delivered.sequence, &delivered.root);
                waits.push(
                    Instant::now().saturating_duration_since(due(waits.len() as u64)).as_secs_f64() * 1e3,
                );
            }
        }
    }
    Ok(waits)
}

/// Publishes many records and gives the cost of a record, in microseconds, over the first 50,000 and over the last.
pub async fn flatness(rig: &Rig, load: &mut Load, total: u64) -> Result<(f64, f64), String> {
    const PIECE: u64 = 50_000;
    let (mut first, mut last) = (None, 0.0);
    let mut done = 0;
    // The last figure is over a tenth of the run, since a single piece is at the mercy of the neighbours.
    let tail = (total / 10).max(PIECE);
    let mut tail_begun = None;
    while done < total {
        if done >= total - tail {
            tail_begun.get_or_insert((Instant::now(), done));
        }
        let begun = Instant::now();
        let day = load.first_day;
        let mut tasks = tokio::task::JoinSet::new();
        for agent in 0..load.agents {
            let count = share(PIECE, load.agents, agent);
            let from = load.take(agent, count);
            let source = rig.client(agent).await?;
            let size = u64::from(load.batch);
            tasks.spawn(async move { publish(&source, (from, count), size, marks(&source, day)).await });
        }
        while let Some(one) = tasks.join_next().await {
            one.map_err(told)??;
        }
        done += PIECE;
        first.get_or_insert(begun.elapsed().as_secs_f64() * 1e6 / PIECE as f64);
        eprintln!(
            "  {done} of {total} records, {:.1} us each",
            begun.elapsed().as_secs_f64() * 1e6 / PIECE as f64
        );
    }
    if let Some((begun, from)) = tail_begun {
        last = begun.elapsed().as_secs_f64() * 1e6 / (done - from) as f64;
    }
    Ok((first.unwrap_or_default(), last))
}

/// The institution with a number.
pub fn name(agent: u16) -> Result<Slug, String> {
    slug_of(agent)
}
