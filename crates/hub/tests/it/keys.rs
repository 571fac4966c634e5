//! The key folder: made once, readable by its owner alone, never half-written, never used when damaged.

use crate::kit::{TestClock, loopback};
use commonroll_hub::{Authority, AuthorityError, Clock, KeyFolder, ProviderRandomness, SetupError, init};

fn fresh() -> (tempfile::TempDir, KeyFolder) {
    let folder = tempfile::tempdir().unwrap();
    let settings = loopback(&folder.path().join("hub"));
    let keys = init(&settings, TestClock::default().now(), &ProviderRandomness).unwrap();
    (folder, keys)
}

#[test]
fn keys_are_made_once_and_the_settings_file_can_be_read_back() {
    let (folder, keys) = fresh();
    let held = keys.exchange_keys().unwrap();
    assert_ne!(held.log_seed, held.matching);
    assert_eq!(held.log_seed, KeyFolder::open(keys.path()).unwrap().exchange_keys().unwrap().log_seed);
    let again = loopback(&folder.path().join("hub"));
    assert_eq!(again.consortium, "testshire");
    let error = init(&again, TestClock::default().now(), &ProviderRandomness).unwrap_err();
    assert!(matches!(error, SetupError::Authority(AuthorityError::Exists(_))), "{error}");
    assert!(!format!("{held:?}").contains(|c: char| c.is_ascii_digit()), "Debug shows no key");
}

#[cfg(unix)]
#[test]
fn keys_that_others_can_read_are_refused() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let (_folder, keys) = fresh();
    assert_eq!(std::fs::metadata(keys.path()).unwrap().mode() & 0o777, 0o700);
    for file in std::fs::read_dir(keys.path()).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
    }
    let seed = keys.path().join("log.seed");
    std::fs::set_permissions(&seed, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(keys.exchange_keys(), Err(AuthorityError::Open(_))));
}

#[test]
fn a_damaged_key_is_named_and_nothing_is_made_up() {
    let (_folder, keys) = fresh();
    for (file, text) in [("log.seed", "00ff"), ("ca.key", "no key"), ("ca.pem", "no certificate")] {
        let path = keys.path().join(file);
        let sound = std::fs::read(&path).unwrap();
        std::fs::write(&path, text).unwrap();
        let error =
            keys.exchange_keys().map(drop).and(Authority::load(&keys).map(drop)).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains("restore"), "{error}");
        std::fs::write(&path, sound).unwrap();
    }
    Authority::load(&keys).unwrap();
}
