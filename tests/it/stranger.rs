//! A client that shares no code with us joins a hub, publishes, receives, verifies, acknowledges and renews.
//!
//! `tests/python/stranger.py` is one partner; the test plays the other with our own crates, so that each side judges
//! what the other signed. Both take turns by the lines that the script prints.

mod partner;

use crate::outside::{installed, text, top};
use commonroll_wire::{open, verify_delivery};
use partner::{Partner, TestHub};
use serde_json::Value;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// After this the script hangs. It is done in about two seconds, most of them spent on making stubs.
const HANGS: Duration = Duration::from_secs(60);

/// The running script.
struct Stranger {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Stranger {
    fn start(invitation: &std::path::Path, partner: &str) -> Self {
        let mut child = Command::new(installed("tests/.cache/python/bin/python"))
            .arg(top().join("tests/python/stranger.py"))
            .arg(top().join("proto"))
            .arg(invitation)
            .arg(partner)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The script's next line, which must be about this step.
    async fn step(&mut self, step: &str) -> Value {
        let line =
            tokio::time::timeout(HANGS, self.lines.next_line()).await.expect("the script hangs").unwrap();
        if let Some((said, more)) = line.as_deref().and_then(|line| line.split_once(' '))
            && said == step
        {
            return serde_json::from_str(more).unwrap();
        }
        let mut error = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(1), stderr.read_to_string(&mut error)).await;
        panic!("expected `{step}`, but the script said {line:?}\n{error}");
    }
}

#[tokio::test]
async fn a_stranger_with_the_published_schema_alone_is_a_partner_like_any_other() {
    let hub = TestHub::start().await;
    let mut ridgeway = Partner::join(&hub, "ridgeway").await;
    ridgeway.declares_its_side().await;
    let mut stranger = Stranger::start(&hub.invitation_file("northgate").await, "ridgeway");
    assert_eq!(stranger.step("joined").await["institution"], "northgate");
    stranger.step("declared").await;

    // What the stranger signed stands before our own verifier, and is exactly what it meant.
    let published = stranger.step("published").await;
    assert_eq!(published["broken_field"], "physical", "the broken neighbour was refused by the field's name");
    let page = ridgeway.next_page().await;
    let key = ridgeway.key_of("northgate").await;
    let verified = verify_delivery(&page.batches[0], &key).expect("the stranger's signature and path hold");
    assert_eq!(verified.len(), 1, "accepted once, although published twice");
    assert_eq!(published["sequence"], verified[0].sequence);
    let delivered = &page.batches[0].records[0];
    assert_eq!(delivered.recipient_learner_local_id, "R-1", "by ridgeway's own id");
    let record = open(delivered.record.as_ref().unwrap()).unwrap().record;
    assert_eq!(record.head.id, partner::record_id("northgate", "reg-1"), "ids are derived alike");

    // What we signed stands before the stranger's verifier, although the agreement withholds the note.
    let sequences = ridgeway.publishes_three_marks().await;
    for expected in &sequences {
        let received = stranger.step("received").await;
        assert_eq!(received["sequence"], *expected);
        assert_eq!(received["source"], "ridgeway");
        assert_eq!(received["learner"], "S-1");
        assert_eq!(received["physical"], "PHYSICAL_LATE");
        assert_eq!(received["withheld"], serde_json::json!([4]), "the note is not in the agreement");
        assert_eq!(received["of_batch"], 2, "one of three was not for the stranger");
    }
    let acknowledged = stranger.step("acknowledged").await;
    assert!(acknowledged["cursor"].as_u64() >= sequences.last().copied(), "{acknowledged}");
    let renewed = stranger.step("renewed").await;
    assert_eq!(renewed["placements_in_force"], 2, "one each way, asked for with the renewed certificate");
    let status = tokio::time::timeout(HANGS, stranger.child.wait()).await.expect("the script ends").unwrap();
    assert!(status.success(), "{status}");

    let stats = hub.exchange.stats();
    let northgate = stats.institutions.iter().find(|one| one.slug == "northgate").unwrap();
    assert_eq!(acknowledged["cursor"], northgate.acknowledged, "the signed receipt counts at the hub");
    hub.stop().await;
}

#[test]
fn the_page_names_every_text_that_a_stranger_signs() {
    let (page, script) = (text("proto/README.md"), text("tests/python/stranger.py"));
    for name in ["batch/v1", "receipt/v1", "renew/v1", "record-id/v1", "group/v1"] {
        let name = format!("commonroll/{name}");
        assert!(
            page.contains(&name) && script.contains(&name),
            "{name} is missing from the page or the script"
        );
    }
    assert!(page.contains("tests/python/stranger.py"), "proto/README.md points to the example");
}
