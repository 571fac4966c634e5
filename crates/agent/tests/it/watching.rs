//! Watching the log's history.

use crate::{
    fake_hub::FakeHub,
    rig::{School, borrowed, many},
};
use commonroll_agent::{status, watchman};
use commonroll_audit::{Checkpoint, leaf_hash};

#[tokio::test]
async fn a_log_that_grows_is_fine_and_one_that_was_rewritten_raises_an_alarm() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    let key = hub.with(|s| s.log_key.public().clone());
    for n in [3, 8, 8, 21] {
        school.marks(&borrowed(&many(n)));
        school.look().await;
        school.publish(&hub).await.unwrap();
        assert_eq!(watchman::check(&hub, &school.spool, &key, school.now).await.unwrap(), Some(n as u64));
    }
    assert!(school.spool.alarms().await.unwrap().is_empty());

    let mut other: Vec<_> = hub.holds().iter().map(|text| leaf_hash(text.as_bytes())).collect();
    other[4] = leaf_hash(b"another history");
    other.push(leaf_hash(b"and more"));
    hub.with(|s| s.rewritten = Some(other));
    assert_eq!(watchman::check(&hub, &school.spool, &key, school.now).await.unwrap(), None);
    assert_eq!(school.spool.alarms().await.unwrap()[0].name, watchman::ALARM);
    // Both notes are kept: each is signed by the log's key, and they can't both be true.
    let (seen, refused) = watchman::evidence(&school.spool).await.unwrap().unwrap();
    let [seen, refused] = [seen, refused].map(|note| Checkpoint::open(&note, &key).unwrap());
    assert_eq!((seen.size, refused.size), (21, 22));
    // The data manager is told, in the status and in the problems file.
    status::write_problems(&school.settings, &school.spool).await.unwrap();
    let problems = std::fs::read_to_string(school.settings.problems_file()).unwrap();
    assert!(problems.contains("its past was changed") && problems.contains("history"), "{problems}");

    // The good checkpoint is kept, so an honest log is still recognised, and the alarm stands until somebody looks.
    hub.with(|s| s.rewritten = None);
    assert_eq!(watchman::check(&hub, &school.spool, &key, school.now).await.unwrap(), Some(21));
    assert_eq!(school.spool.alarms().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_log_that_shrank_raises_an_alarm() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    let key = hub.with(|s| s.log_key.public().clone());
    school.marks(&borrowed(&many(5)));
    school.look().await;
    school.publish(&hub).await.unwrap();
    watchman::check(&hub, &school.spool, &key, school.now).await.unwrap();
    hub.with(|s| s.log.truncate(3));
    assert_eq!(watchman::check(&hub, &school.spool, &key, school.now).await.unwrap(), None);
}
