//! What no honest agent does, and what no lucky one meets: echoes, used numbers, wild receipts, a hub that lags behind.

use super::{
    convert, laws,
    model::{PARTNERS, Terms},
    world::World,
};
use commonroll_audit::ReceiptDigest;
use std::time::Duration;

impl World {
    /// Acknowledgements that no honest agent sends, and two that overtake each other.
    pub async fn wild_acknowledgement(&mut self, who: usize) {
        let Some(line) = self.line(who) else { return };
        let partner = &self.partners[who];
        // A hub that is asked looks first at what others appended, so what lies beyond is counted from there.
        line.node.exchange.follow(Duration::ZERO).await.unwrap();
        let beyond = line.node.exchange.stats().log_entries + 1 + self.ether.dice.below(100) as u64;
        let lower = self.ether.dice.below(20) as u64;
        for cursor in [beyond, lower] {
            let digest = ReceiptDigest::default();
            let me = &partner.reading.institution;
            let request = commonroll_wire::acknowledge(me, cursor, &digest, &partner.key).unwrap();
            let receipt = convert::acknowledgement(&request);
            let speaker = line.speaker().unwrap();
            let answer = line.node.exchange.acknowledge(&speaker, receipt, self.time()).await;
            let held = self.ether.model.lock().unwrap().cursors[who];
            if cursor == beyond {
                assert!(answer.is_err(), "nobody acknowledges what was never sent");
            } else if lower <= held {
                assert!(answer.is_ok_and(|cursor| cursor >= held), "a lower cursor changes nothing");
            }
        }
    }

    /// A request that travelled once comes out of the network again.
    pub async fn echo(&mut self) {
        let request = {
            let past = self.ether.past.lock().unwrap();
            if past.is_empty() {
                return;
            }
            self.ether.dice.pick(&past).clone()
        };
        let source = request.seal.as_ref().unwrap().source.clone();
        let who = PARTNERS.iter().position(|name| *name == source).unwrap();
        let Some(line) = self.line(who) else { return };
        if let Ok(answer) = line.take(request.clone()).await {
            self.ether.read.lock().unwrap().push((request, answer));
        }
    }

    /// A source's numbering goes back: what is new comes under a number that was used.
    pub async fn used_number(&mut self, who: usize) {
        let Some(line) = self.line(who) else { return };
        let speaker = line.speaker().unwrap();
        line.node.exchange.follow(Duration::ZERO).await.unwrap();
        let next = line.node.exchange.next_batch(&speaker);
        let used = next.saturating_sub(1 + self.ether.dice.below(2) as u64);
        if used == 0 {
            return;
        }
        let Some(request) = self.partners[who].batch(used).await else { return };
        line.hear(&request);
        if let Ok(answer) = line.take(request.clone()).await {
            self.ether.read.lock().unwrap().push((request, answer));
        }
    }

    /// One hub learns that something is agreed again, and the other is asked before it has looked.
    pub async fn behind_its_back(&mut self, who: usize) {
        let [first, second] = &self.nodes[..] else { return };
        let (first, second) = (first.clone(), second.clone());
        self.agree_at(&first, Terms::NoAttendance).await;
        second.exchange.follow(Duration::ZERO).await.unwrap();
        laws::read_log(&self.ether.model, &second.exchange).await;
        let Some(mut line) = self.line(who) else { return };
        line.node = second;
        let next = line.node.exchange.next_batch(&line.speaker().unwrap());
        let Some(request) = self.partners[who].batch(next).await else { return };
        line.hear(&request);
        self.agree_at(&first, Terms::Full).await;
        let answer = line.take(request.clone()).await.expect("the batch is the next one");
        self.ether.read.lock().unwrap().push((request, answer));
    }
}
