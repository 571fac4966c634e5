//! Copies that were to go and are sent again, to homes where a program came or went meanwhile.

use crate::{
    outbox_by_hand::{ADA, NAMES, Pair},
    recalls::notice,
};

impl Pair {
    /// The hub sends a record of its log once more, behind all that the home has.
    async fn sends_again(&self, place: u64) {
        let after = self.home.spool.cursor().await.unwrap().sequence;
        self.hub.with(|state| {
            let (mut batch, text) = state.log[place as usize - 1].clone();
            (batch.records[0].sequence, batch.records[0].again) = (after + 1, true);
            state.log.push((batch, text));
        });
    }
}

#[tokio::test]
async fn what_was_to_go_before_a_program_came_is_the_persons_when_it_is_sent_again() {
    for (kind, formats) in [("attendance", "\"sims-xml\""), ("behaviour", "\"sims-records-xml\"")] {
        let mut pair = Pair::new().await;
        match kind {
            "attendance" => pair.marks(&[("ada", "/")]).await,
            _ => pair.send(&[ADA]).await,
        }
        pair.receive("\"csv\"", NAMES).await;
        notice(&pair.hub, 1, 2, "placement_ended", &[1]);
        pair.receive("\"csv\"", NAMES).await;
        assert_eq!(pair.told().await, (1, 0), "{kind}");

        // The program comes, and then the placement is granted anew: nobody has said that the entry is gone.
        pair.receive(formats, NAMES).await;
        pair.sends_again(1).await;
        pair.receive(formats, NAMES).await;
        assert_eq!(pair.files(&format!("{kind}-"), ".xml"), "", "it would stand there twice: {kind}");
        assert!(pair.files(&format!("by-hand-{kind}-"), ".csv").contains("home-ada"), "{kind}");
        notice(&pair.hub, 2, 4, "placement_ended", &[1]);
        pair.receive(formats, NAMES).await;
        assert_eq!(pair.told().await, (2, 0), "{kind}");
    }
}

#[tokio::test]
async fn what_a_program_took_out_and_gets_again_is_its_own_also_after_it_was_left_out_for_a_while() {
    let mut pair = Pair::new().await;
    let xml = "\"csv\", \"sims-xml\"";
    pair.receive(xml, "").await;
    pair.marks(&[("ada", "/"), ("ben", "/")]).await;
    pair.receive(xml, "").await;
    notice(&pair.hub, 1, 3, "placement_ended", &[1]);
    pair.receive(xml, "").await;
    assert_eq!(pair.told().await, (0, 1));

    // A list for people alone, and the program again. What is to go in between is a person's to take out.
    pair.receive("\"csv\"", "").await;
    notice(&pair.hub, 2, 4, "placement_ended", &[2]);
    pair.receive("\"csv\"", "").await;
    assert_eq!(pair.told().await, (1, 1));
    pair.receive(xml, "").await;
    pair.sends_again(1).await;
    pair.receive(xml, "").await;
    assert!(pair.files("by-hand-", ".csv").is_empty());
    let entered = pair.files("attendance-000000000005", ".xml");
    assert!(entered.contains("home-ada") && !entered.contains("Withdrawn>true"), "{entered}");
    pair.sends_again(2).await;
    pair.receive(xml, "").await;
    assert!(pair.files("by-hand-attendance-", ".csv").contains("home-ben"), "nobody says that it is gone");
}
