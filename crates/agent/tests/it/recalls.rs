//! Copies that must go: taken back as far as the MIS can, answered once, and new when they come again.

use crate::{
    fake_hub::FakeHub,
    rig::{Dice, Mis, School, csv},
};
use commonroll_agent::{
    outbox::{Folder, WriteBack},
    recall,
    receive::{Received, Receiver},
    settings::{Outbox, OutboxFormat, Sessions},
};
use commonroll_audit::{CopyOutcome, DeletionDigest, verify_deletion};
use commonroll_core::RecordKind;
use commonroll_wire::{
    open,
    pb::exchange::v1::{AnswerWithdrawalRequest, WithdrawalNotice, WithdrawnCopy},
    read_answers,
};
use std::fs;

const REGISTER: &str = "statutory_register";

pub async fn pair() -> (School, School, FakeHub) {
    let host = School::new("northgate").await;
    let home = School::new("ridgeway").await;
    let hub = FakeHub::new().knows("northgate", &host.key);
    (host, home, hub)
}

pub async fn send(host: &mut School, hub: &FakeHub, marks: &[(&str, &str)]) {
    host.put("marks.csv", &csv(marks));
    host.look().await;
    host.publish(hub).await.unwrap();
}

pub async fn receive(home: &School, hub: &FakeHub, write_back: &dyn WriteBack) -> Received {
    let receiver = Receiver { hub, spool: &home.spool, write_back, rng: &Dice, now: home.now };
    let mut last = receiver.resume().await.unwrap().unwrap_or_default();
    let after = home.spool.cursor().await.unwrap().sequence;
    let mut feed = commonroll_agent::Hub::receive(hub, after).await.unwrap();
    while let Some(piece) = feed.next().await.unwrap() {
        last = receiver.take(&piece).await.unwrap();
    }
    last
}

pub async fn answer(home: &School, hub: &FakeHub) -> Result<u64, commonroll_agent::AgentError> {
    recall::answer(hub, &home.spool, &"ridgeway".parse().unwrap(), &home.key, home.now).await
}

/// A notice at a place behind the log, for records at these places of it.
pub fn notice(hub: &FakeHub, number: u64, at: u64, reason: &str, of: &[u64]) {
    let copies = of.iter().map(|sequence| {
        let (batch, _) = hub.with(|s| s.log[*sequence as usize - 1].clone());
        let record = batch.records[0].clone();
        let opened = open(&record.record.unwrap()).unwrap().record;
        let kind = match opened.kind() {
            RecordKind::Attendance => 1,
            RecordKind::Assessment => 2,
            RecordKind::Behaviour => 3,
        };
        let head = opened.head;
        WithdrawnCopy {
            sequence: *sequence,
            record_id: head.id.0.to_vec().into(),
            source: "northgate".to_owned(),
            revision: head.revision.get(),
            kind,
            recipient_learner_local_id: record.recipient_learner_local_id,
        }
    });
    let copies = copies.collect();
    let reason = reason.to_owned();
    let notice = WithdrawalNotice { sequence: at, number, reason, issued_at_us: 1, copies };
    hub.with(|s| s.notices.push((at, notice)));
}

pub fn outcomes(hub: &FakeHub) -> Vec<Vec<(CopyOutcome, String)>> {
    let answers = hub.with(|s| s.answers.clone());
    let read = |request: &AnswerWithdrawalRequest| {
        read_answers(request).unwrap().into_iter().map(|a| (a.outcome, a.reason)).collect()
    };
    answers.iter().map(read).collect()
}

fn outbox(home: &School, formats: Vec<OutboxFormat>, am: Option<i8>) -> Folder {
    let at = |hour| jiff::civil::time(hour, 0, 0, 0);
    let settings = Outbox {
        folder: home.folder.path().join("outbox"),
        formats,
        sessions: Sessions { am: am.map(at), pm: None },
        sif: None,
        names: Default::default(),
        apply: None,
    };
    Folder::open(&settings, jiff::tz::TimeZone::get("Europe/London").unwrap()).unwrap()
}

fn file(home: &School, name: &str) -> String {
    fs::read_to_string(home.folder.path().join("outbox").join(name)).unwrap()
}

#[tokio::test]
async fn a_copy_is_taken_back_and_a_signed_receipt_says_so() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    let folder = outbox(&home, vec![OutboxFormat::SimsXml, OutboxFormat::Csv], None);
    receive(&home, &hub, &folder).await;
    notice(&hub, 1, 7, "placement_ended", &[1]);
    assert_eq!(receive(&home, &hub, &folder).await.recalled, 1);
    let xml = file(&home, "attendance-000000000007.xml");
    assert!(xml.contains("<PersonID>home-ada</PersonID>") && xml.contains("<Withdrawn>true</Withdrawn>"));
    assert!(!xml.contains("home-ben"));
    assert!(file(&home, "recall-000000000007.csv").contains("placement_ended,removed"));

    assert_eq!(answer(&home, &hub).await.unwrap(), 1);
    assert_eq!(outcomes(&hub), [[(CopyOutcome::Removed, String::new())]]);
    let request = hub.with(|s| s.answers[0].clone());
    let mut digest = DeletionDigest::default();
    digest.add(1, CopyOutcome::Removed, "");
    let signature = request.signature.as_ref().try_into().unwrap();
    assert!(verify_deletion(&home.key.public(), "ridgeway", 1, 7, &digest, &signature).is_ok());
    assert_eq!(answer(&home, &hub).await.unwrap(), 0, "answered once");
    assert_eq!(home.spool.recall_totals().await.unwrap().removed, 1);
}

#[tokio::test]
async fn what_no_program_takes_out_is_flagged_until_a_person_has_said_so() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    let folder = outbox(&home, vec![OutboxFormat::Csv], None);
    receive(&home, &hub, &folder).await;
    notice(&hub, 1, 5, "agreement_ended", &[1]);
    receive(&home, &hub, &folder).await;
    answer(&home, &hub).await.unwrap();
    assert_eq!(outcomes(&hub), [[(CopyOutcome::Flagged, "by_hand".to_owned())]]);
    let list = file(&home, "recall-000000000005.csv");
    assert!(
        list.contains("home-ada,northgate,2026-09-14,attendance,agreement_ended,remove by hand"),
        "{list}"
    );
    assert_eq!(home.spool.recall_totals().await.unwrap().flagged_open, 1);
    let id = list.lines().nth(1).unwrap().split(',').next().unwrap();
    let said = format!("RecordID,Revision,Status,Message\n{id},1,applied,\n");
    fs::write(home.folder.path().join("outbox/recall-000000000005.result.csv"), said).unwrap();
    commonroll_agent::outbox::results::read_all(&home.folder.path().join("outbox"), &home.spool)
        .await
        .unwrap();
    assert_eq!(home.spool.recall_totals().await.unwrap().flagged_open, 0);
}

#[tokio::test]
async fn a_mark_in_the_statutory_register_stays_with_its_reason_unless_it_was_wrong() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    let folder = outbox(&home, vec![OutboxFormat::SimsXml], Some(9));
    receive(&home, &hub, &folder).await;
    notice(&hub, 1, 5, "agreement_ended", &[1]);
    notice(&hub, 2, 6, "match_undone", &[2]);
    receive(&home, &hub, &folder).await;
    answer(&home, &hub).await.unwrap();
    let expected = [(CopyOutcome::Kept, REGISTER.to_owned()), (CopyOutcome::Removed, String::new())];
    assert_eq!(outcomes(&hub).concat(), expected);
    assert!(
        file(&home, "attendance-000000000005.xml").contains("home-ada"),
        "the lesson's mark goes all the same"
    );
    assert!(!home.folder.path().join("outbox/session-000000000005.xml").exists());
    assert!(file(&home, "session-000000000006.xml").contains("home-ben"));
}

#[tokio::test]
async fn case_22_a_crash_between_removal_and_answer_writes_the_same_and_answers_alike() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    receive(&home, &hub, &Mis::default()).await;
    notice(&hub, 1, 4, "placement_ended", &[1]);
    // The piece is kept and the removal written; the power goes before the cursor moves.
    let mut feed = commonroll_agent::Hub::receive(&hub, 1).await.unwrap();
    let piece = feed.next().await.unwrap().unwrap();
    home.spool.keep_delivery(1, &piece).await.unwrap();
    let folder = outbox(&home, vec![OutboxFormat::SimsXml], None);
    home.restart().await;
    assert_eq!(receive(&home, &hub, &folder).await.cursor.sequence, 4);
    let written = file(&home, "attendance-000000000004.xml");
    home.restart().await;
    // The hub takes the receipt, and the agent never hears of it: it says the same once more.
    hub.with(|s| s.lose_receipts = 1);
    assert!(answer(&home, &hub).await.is_err());
    home.restart().await;
    assert_eq!(answer(&home, &hub).await.unwrap(), 1);
    let answers = hub.with(|s| s.answers.clone());
    assert_eq!(answers[0], answers[1], "byte for byte");
    assert_eq!(file(&home, "attendance-000000000004.xml"), written);
    assert_eq!(answer(&home, &hub).await.unwrap(), 0);
}

#[tokio::test]
async fn a_record_that_is_sent_again_after_its_recall_is_written_and_one_that_was_never_held_is_not_claimed()
{
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    let mis = Mis::default();
    mis.refuse.lock().unwrap().push("home-ben".to_owned());
    receive(&home, &hub, &mis).await;
    assert_eq!(mis.rows(), ["home-ada r1"]);
    notice(&hub, 1, 3, "placement_ended", &[1, 2]);
    receive(&home, &hub, &mis).await;
    assert!(home.spool.set_aside(10).await.unwrap().is_empty(), "what waited is dropped");
    // The first record once more, behind the notice.
    hub.with(|s| {
        let (mut batch, text) = s.log[0].clone();
        (batch.records[0].sequence, batch.records[0].again) = (4, true);
        s.log.push((batch, text));
    });
    assert_eq!(receive(&home, &hub, &mis).await.written, 1);
    assert_eq!(mis.rows(), ["home-ada r1", "home-ada r1"]);
    notice(&hub, 2, 6, "placement_ended", &[2]);
    receive(&home, &hub, &mis).await;
    answer(&home, &hub).await.unwrap();
    let by_hand = (CopyOutcome::Flagged, "by_hand".to_owned());
    let none = String::new();
    assert_eq!(outcomes(&hub)[0], [by_hand, (CopyOutcome::Removed, none.clone())]);
    assert_eq!(outcomes(&hub)[1], [(CopyOutcome::NotHeld, none)]);
}

#[tokio::test]
async fn what_could_not_be_believed_goes_with_its_recall_and_is_not_written_once_it_can() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    let known = hub.with(|s| s.keys.insert("northgate".to_owned(), Vec::new())).unwrap();
    let mis = Mis::default();
    receive(&home, &hub, &mis).await;
    assert_eq!(home.spool.set_aside(10).await.unwrap()[0].code, "unknown_key");
    notice(&hub, 1, 2, "placement_ended", &[1]);
    receive(&home, &hub, &mis).await;
    assert!(home.spool.set_aside(10).await.unwrap().is_empty(), "nothing of it is held");
    // The hub names the key again.
    hub.with(|s| s.keys.insert("northgate".to_owned(), known));
    home.wait(4_000);
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    assert_eq!(receiver.retry_aside().await.unwrap(), 0);
    assert!(mis.rows().is_empty());
    answer(&home, &hub).await.unwrap();
    assert_eq!(outcomes(&hub)[0], [(CopyOutcome::Removed, String::new())]);
}

#[tokio::test]
async fn a_record_that_its_source_took_back_is_answered_without_another_file() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    let folder = outbox(&home, vec![OutboxFormat::SimsXml], None);
    receive(&home, &hub, &folder).await;
    send(&mut host, &hub, &[("ben", "/")]).await;
    notice(&hub, 1, 4, "record_withdrawn", &[1]);
    receive(&home, &hub, &folder).await;
    answer(&home, &hub).await.unwrap();
    assert_eq!(outcomes(&hub), [[(CopyOutcome::Removed, String::new())]]);
    assert!(!home.folder.path().join("outbox/attendance-000000000004.xml").exists());
    assert!(file(&home, "attendance-000000000003.xml").contains("<Withdrawn>true</Withdrawn>"));
}

/// A home whose lesson marks the agent itself carries into a database.
async fn carried(sessions: &str) -> (School, Folder) {
    let settings = format!(
        "[connection.write]\nkind = \"postgres\"\naddress = \"127.0.0.1:1/mis\"\nuser = \"write\"\n\
         [outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n{sessions}\
         [outbox.apply]\nto = \"write\"\nmis = \"rosariosis\"\n"
    );
    let home = School::with("ridgeway", &settings).await;
    let folder = Folder::open(home.settings.outbox.as_ref().unwrap(), home.settings.zone.clone()).unwrap();
    (home, folder)
}

/// What the MIS said of the rows of a list.
async fn says(home: &School, list: &str, said: &[&str]) {
    let rows = file(home, &format!("{list}.csv"));
    let ids = rows.lines().skip(1).map(|row| row.split(',').next().unwrap());
    let told: String = ids.zip(said).map(|(id, said)| format!("{id},1,{said},\n")).collect();
    let folder = home.folder.path().join("outbox");
    let text = format!("RecordID,Revision,Status,Message\n{told}");
    fs::write(folder.join(format!("{list}.result.csv")), text).unwrap();
    commonroll_agent::outbox::results::read_all(&folder, &home.spool).await.unwrap();
}

#[tokio::test]
async fn what_the_agent_takes_out_itself_is_answered_when_the_mis_has_said_so() {
    let (mut host, _, hub) = pair().await;
    let (home, folder) = carried("").await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    receive(&home, &hub, &folder).await;
    notice(&hub, 1, 7, "placement_ended", &[1, 2]);
    receive(&home, &hub, &folder).await;
    assert_eq!(answer(&home, &hub).await.unwrap(), 0, "nothing of it is gone yet");
    says(&home, "attendance-000000000007", &["applied"]).await;
    assert_eq!(answer(&home, &hub).await.unwrap(), 0, "the second row waits for its turn");
    says(&home, "attendance-000000000007", &["applied", "refused"]).await;
    assert_eq!(answer(&home, &hub).await.unwrap(), 1);
    let by_hand = (CopyOutcome::Flagged, "by_hand".to_owned());
    assert_eq!(outcomes(&hub), [[(CopyOutcome::Removed, String::new()), by_hand]]);
    let totals = home.spool.recall_totals().await.unwrap();
    assert_eq!((totals.removed, totals.flagged, totals.unanswered), (1, 1, 0));
    assert_eq!(answer(&home, &hub).await.unwrap(), 0, "answered once");
}

#[tokio::test]
async fn a_withdrawal_that_a_newer_row_replaced_is_not_called_removed() {
    let (mut host, _, hub) = pair().await;
    let (home, folder) = carried("").await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    receive(&home, &hub, &folder).await;
    notice(&hub, 1, 7, "placement_ended", &[1, 2]);
    receive(&home, &hub, &folder).await;
    says(&home, "attendance-000000000007", &["superseded", "applied"]).await;
    assert_eq!(answer(&home, &hub).await.unwrap(), 1);
    let kept = (CopyOutcome::Kept, "superseded".to_owned());
    assert_eq!(outcomes(&hub), [[kept, (CopyOutcome::Removed, String::new())]]);
    assert_eq!(home.spool.recall_totals().await.unwrap().removed, 1);
    assert!(home.spool.results(10).await.unwrap().0.is_empty(), "nothing was refused");
}

#[tokio::test]
async fn what_a_source_took_back_and_the_agent_could_not_take_out_is_not_called_removed() {
    let (mut host, _, hub) = pair().await;
    let (home, folder) = carried("").await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    receive(&home, &hub, &folder).await;
    send(&mut host, &hub, &[("ben", "/")]).await;
    notice(&hub, 1, 4, "record_withdrawn", &[1]);
    receive(&home, &hub, &folder).await;
    assert_eq!(answer(&home, &hub).await.unwrap(), 0);
    says(&home, "attendance-000000000004", &["refused"]).await;
    answer(&home, &hub).await.unwrap();
    assert_eq!(outcomes(&hub), [[(CopyOutcome::Flagged, "by_hand".to_owned())]]);
}

#[tokio::test]
async fn a_session_mark_that_no_program_takes_out_is_flagged_for_a_person() {
    let (mut host, _, hub) = pair().await;
    let (home, folder) = carried("[outbox.sessions]\nam = \"09:00:00\"\n").await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    receive(&home, &hub, &folder).await;
    notice(&hub, 1, 5, "match_undone", &[1]);
    receive(&home, &hub, &folder).await;
    assert!(file(&home, "attendance-000000000005.csv").contains("home-ada"), "the lesson's mark goes");
    let list = file(&home, "recall-000000000005.csv");
    assert!(list.contains("remove the session mark by hand"), "{list}");
    says(&home, "attendance-000000000005", &["applied"]).await;
    answer(&home, &hub).await.unwrap();
    assert_eq!(outcomes(&hub), [[(CopyOutcome::Flagged, "by_hand".to_owned())]]);
}
