//! A feed in a simulated run: every piece is held against what is owed at that moment, and may then be lost.

use super::{
    convert, laws,
    line::Line,
    node::{Node, Still},
};
use async_trait::async_trait;
use commonroll_agent::hub::{HubError, ReceiveSession};
use commonroll_exchange::{Feed, FeedError, Speaker};
use commonroll_wire::pb::exchange::v1::ReceiveResponse;
use std::{sync::Arc, time::Duration};

/// Longest wait for something that is owed.
const OWED: Duration = Duration::from_secs(20);
/// Wait for something that must not come.
const NOT_OWED: Duration = Duration::from_millis(5);

/// Wait for what is there already, if it is.
const SOON: Duration = Duration::from_millis(20);

/// An open feed.
pub struct FeedSession {
    line: Line,
    feed: Feed,
    /// How far the agent has come.
    after: u64,
    is_broken: bool,
}

impl FeedSession {
    pub fn open(line: Line, speaker: &Speaker, after: u64) -> Result<Self, HubError> {
        let feed = line.node.exchange.receive(speaker, after).map_err(|_| HubError::NotKnown)?;
        Ok(Self { line, feed, after, is_broken: false })
    }
}

async fn next(feed: &mut Feed, line: &Line, node: &Arc<Node>) -> Result<commonroll_exchange::Page, HubError> {
    let page = feed.next(&Still(line.now)).await;
    page.map_err(|error| match error {
        FeedError::NotAllowed(_) => HubError::NotKnown,
        FeedError::Damaged => panic!("the hub says that its log is damaged"),
        FeedError::Unavailable | FeedError::Clock(_) | FeedError::Closed => {
            assert!(node.is_dead() || line.is_faulty(), "the hub can't read its log");
            HubError::Unreachable
        }
    })
}

#[async_trait]
impl ReceiveSession for FeedSession {
    async fn next(&mut self) -> Result<Option<ReceiveResponse>, HubError> {
        let (line, node) = (self.line.clone(), self.line.node.clone());
        if std::mem::take(&mut self.is_broken) {
            return Err(HubError::Unreachable);
        }
        line.speaker()?;
        // A hub follows other hubs all the time.
        let faults = line.ether.faults.set(0);
        node.exchange.follow(Duration::ZERO).await.unwrap();
        line.ether.faults.set(faults);
        line.look().await;
        if line.ether.model.lock().unwrap().recalling {
            return self.whatever_comes().await;
        }
        let (owed, forbidden) = {
            let model = line.ether.model.lock().unwrap();
            (!model.due(line.who, self.after).is_empty(), model.is_kept_back(line.who, self.after))
        };
        if !owed && !forbidden && !line.ether.dice.percent(10) {
            return Ok(None);
        }
        let wait = if owed { OWED } else { NOT_OWED };
        let Ok(page) = tokio::time::timeout(wait, next(&mut self.feed, &line, &node)).await else {
            assert!(!owed, "what is owed behind {} did not come", self.after);
            line.ether.model.lock().unwrap().kept_back += usize::from(forbidden);
            return Ok(None);
        };
        let mut piece = convert::page(page?);
        let first = piece.batches.first().map_or(u64::MAX, |batch| batch.records[0].sequence);
        // A cursor that the hub does not remember is not believed: it begins where it was acknowledged.
        let after = if first <= self.after { acknowledged(&line) } else { self.after };
        let records: usize = piece.batches.iter().map(|batch| batch.records.len()).sum();
        laws::delivered(&mut line.ether.model.lock().unwrap(), line.who, after, &piece);
        if records > 1 && line.ether.is_trouble() {
            piece = convert::cut(piece, 1 + line.ether.dice.below(records - 1));
            self.is_broken = true;
            line.ether.tell("  a piece broke off");
        }
        self.after = piece.cursor;
        Ok(Some(piece))
    }
}

impl FeedSession {
    /// The next piece while sweeps run, if there is one.
    async fn whatever_comes(&mut self) -> Result<Option<ReceiveResponse>, HubError> {
        let (line, node) = (self.line.clone(), self.line.node.clone());
        let Ok(page) = tokio::time::timeout(SOON, next(&mut self.feed, &line, &node)).await else {
            return Ok(None);
        };
        let piece = convert::page(page?);
        line.look().await;
        laws::narrowed(&mut line.ether.model.lock().unwrap(), &piece);
        Ok(Some(piece))
    }
}

/// Where a feed begins whose cursor was not believed.
fn acknowledged(line: &Line) -> u64 {
    let stats = line.node.exchange.stats();
    let name = super::model::PARTNERS[line.who];
    stats.institutions.iter().find(|i| i.slug == name).map_or(0, |i| i.acknowledged)
}
