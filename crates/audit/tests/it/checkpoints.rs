//! Checkpoints, held to notes that other programs signed.

use commonroll_audit::{Checkpoint, CheckpointError, LogKey, LogPublicKey, SigningKey};
use proptest::prelude::*;

use crate::{hash, key};

/// A tree note of the Go checksum database, as served by sum.golang.org, and the key that Go ships for it.
const GO_KEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
const GO_NOTE: &str = "go.sum database tree\n65209736\n5+uGFjx6xBZG8ip1+wi77v+grwbhhukIrxEUS8PXvRo=\n\n\u{2014} sum.golang.org Az3grnbssgK7ubgFX36gVETtNv0U23qxyAhAMai2QUfeGa3nB/akvkMdlUErfcZz7l/R3cVtYspg3dxXABkGZZKdsQ8=\n";

fn log_key() -> LogKey {
    LogKey::new("hub.example/log", key(1)).unwrap()
}

fn checkpoint() -> Checkpoint {
    let root = hash("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    Checkpoint { origin: "hub.example/log".into(), size: 8, root }
}

#[test]
fn a_note_signed_by_the_go_checksum_database_opens() {
    let key: LogPublicKey = GO_KEY.parse().unwrap();
    assert_eq!(key.to_string(), GO_KEY);
    let opened = Checkpoint::from_text(key.open_note(GO_NOTE).unwrap()).unwrap();
    assert_eq!((opened.origin.as_str(), opened.size), ("go.sum database tree", 65_209_736));
    // Its origin is not its key's name, which we ask of our own logs.
    assert_eq!(Checkpoint::open(GO_NOTE, &key), Err(CheckpointError::Origin));
    assert_eq!(key.open_note(&GO_NOTE.replace("65209736", "65209737")), Err(CheckpointError::Signature));
}

#[test]
fn the_example_of_the_c2sp_signed_note_page_opens() {
    let key: LogPublicKey =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".parse().unwrap();
    let note = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    assert_eq!(key.open_note(note), Ok("This is an example message.\n"));
    assert_eq!(Checkpoint::open(note, &key), Err(CheckpointError::Text));
}

#[test]
fn a_checkpoint_is_the_same_bytes_every_time() {
    let expected = expect_test::expect_file!["../checkpoint.note"];
    let note = checkpoint().sign(&log_key()).unwrap();
    expected.assert_eq(&note);
    assert_eq!(Checkpoint::open(&note, log_key().public()), Ok(checkpoint()));
    let public = log_key().public().to_string();
    let again: LogPublicKey = public.parse().unwrap();
    assert_eq!(&again, log_key().public());
    assert_eq!(Checkpoint::open(&note, &again), Ok(checkpoint()));
}

#[test]
fn witnesses_and_extension_lines_are_passed_over() {
    let note = checkpoint().sign(&log_key()).unwrap();
    let witnessed = format!("{note}\u{2014} witness.example AAAAAAAA\n");
    assert_eq!(Checkpoint::open(&witnessed, log_key().public()), Ok(checkpoint()));
    let extended = format!("{}a later extension\n", checkpoint().text());
    assert_eq!(Checkpoint::from_text(&extended), Ok(checkpoint()));
}

#[test]
fn another_key_another_log_and_a_missing_signature_are_told_apart() {
    let note = checkpoint().sign(&log_key()).unwrap();
    let stranger = LogKey::new("hub.example/log", key(2)).unwrap();
    assert_eq!(Checkpoint::open(&note, stranger.public()), Err(CheckpointError::Unsigned));
    let elsewhere = LogKey::new("other.example/log", key(1)).unwrap();
    assert_eq!(Checkpoint::open(&note, elsewhere.public()), Err(CheckpointError::Unsigned));
    assert_eq!(checkpoint().sign(&elsewhere), Err(CheckpointError::Origin));
}

#[test]
fn other_spellings_of_a_checkpoint_are_refused() {
    let good = checkpoint().text();
    assert_eq!(Checkpoint::from_text(&good), Ok(checkpoint()));
    let root = good.lines().last().unwrap().to_owned();
    for bad in [
        "".to_owned(),
        good.trim_end().to_owned(),
        good.replace("\n8\n", "\n08\n"),
        good.replace("\n8\n", "\n+8\n"),
        good.replace("\n8\n", "\n8 \n"),
        good.replace("\n8\n", "\n18446744073709551616\n"),
        good.replace(&root, &root[..40]),
        good.replace(&root, root.trim_end_matches('=')),
        good.replace('\n', "\r\n"),
        format!("\n8\n{root}\n"),
        format!("{good}\n"),
        format!("{good}extension\n\n"),
    ] {
        assert_eq!(Checkpoint::from_text(&bad), Err(CheckpointError::Text), "{bad:?}");
    }
}

#[test]
fn malformed_notes_are_refused() {
    let note = checkpoint().sign(&log_key()).unwrap();
    let public = log_key();
    let public = public.public();
    let crowd = "\u{2014} witness.example AAAAAAAA\n".repeat(100);
    for bad in [
        note.trim_end().to_owned(),
        note.replace("\n\n", "\n"),
        note.replace('\u{2014}', "--"),
        format!("{note}not a signature\n"),
        format!("{note}\n"),
        format!("{note}{crowd}"),
        format!("\u{7}{note}"),
        "x".repeat(70_000),
    ] {
        assert_eq!(Checkpoint::open(&bad, public), Err(CheckpointError::Note), "{:?}", &bad[..20]);
    }
}

#[test]
fn every_changed_byte_of_a_note_is_found() {
    let note = checkpoint().sign(&log_key()).unwrap();
    let key = log_key();
    for at in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(Checkpoint::open(&changed, key.public()).is_err(), "byte {at}");
        }
    }
}

#[test]
fn a_log_key_text_must_agree_with_itself() {
    let good = log_key().public().to_string();
    let swapped = good.replace("hub.example", "hub.evil");
    assert_eq!(swapped.parse::<LogPublicKey>().unwrap_err(), CheckpointError::KeyId);
    for bad in ["", "name", "name+00000000", "name+00000000+AAAA", "name+0000000+AekyeRrm"] {
        assert_eq!(bad.parse::<LogPublicKey>().unwrap_err(), CheckpointError::Key, "{bad}");
    }
    for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b", &"n".repeat(256)] {
        let seed = SigningKey::from_seed(&[1; 32]).unwrap();
        assert_eq!(LogKey::new(name, seed).unwrap_err(), CheckpointError::Name, "{name:?}");
    }
}

proptest! {
    #[test]
    fn hostile_notes_never_panic(note in "(\u{2014} |[ -~]|\n|\n\n|é){0,60}", key in "[a-z+0-9/=]{0,80}") {
        prop_assert!(Checkpoint::open(&note, log_key().public()).is_err());
        drop(key.parse::<LogPublicKey>());
    }
}
