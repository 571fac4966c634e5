//! An alarm about the hub reaches the institution's own address, without the hub.

use crate::{
    fake_hub::FakeHub,
    fake_mis::{FakeMis, Reply},
    rig::{MORNING, School, borrowed, many},
};
use commonroll_agent::{Settings, hook, settings::Alarms, watchman};
use commonroll_audit::leaf_hash;
use commonroll_core::{Slug, Timestamp};
use commonroll_wire::WebhookKey;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

const SECRET: &str = "a shared secret of thirty-two signs";

/// A school whose agent has seen a log of three, and a webhook that answers with a status.
async fn school(status: &Arc<AtomicU16>) -> (School, FakeHub, FakeMis) {
    let status = status.clone();
    let webhook = FakeMis::start(move |_, _| Reply::status(status.load(Ordering::Relaxed))).await;
    let files = [("webhook.key", SECRET)];
    let mut school = School::of("northgate", "", &files).await;
    let address = format!("{}/alarms", webhook.address);
    let file = school.folder.path().join("agent.toml");
    let text = format!("data = \"data\"\n[alarms]\nwebhook = \"{address}\"\ncredentials = \"webhook.key\"\n");
    school.settings.alarms = Settings::parse(&text, &file).unwrap().alarms;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&borrowed(&many(3)));
    school.look().await;
    school.publish(&hub).await.unwrap();
    (school, hub, webhook)
}

/// What the agent does each minute.
async fn minute(school: &mut School, hub: &FakeHub) -> usize {
    school.wait(60);
    let key = hub.with(|s| s.log_key.public().clone());
    watchman::check(hub, &school.spool, &key, school.now).await.unwrap();
    told(school).await
}

async fn told(school: &School) -> usize {
    let alarms: &Alarms = school.settings.alarms.as_ref().unwrap();
    let institution: Slug = "northgate".parse().unwrap();
    hook::tell(alarms, &school.spool, &institution, school.now).await.unwrap()
}

fn rewrite(hub: &FakeHub) {
    let mut other: Vec<_> = hub.holds().iter().map(|text| leaf_hash(text.as_bytes())).collect();
    other[1] = leaf_hash(b"another history");
    other.push(leaf_hash(b"and more"));
    hub.with(|s| s.rewritten = Some(other));
}

#[tokio::test]
async fn a_forked_checkpoint_reaches_the_schools_own_webhook_once() {
    let (mut school, hub, webhook) = school(&Arc::new(AtomicU16::new(200))).await;
    assert_eq!(minute(&mut school, &hub).await, 0, "an honest log is nothing to tell");
    rewrite(&hub);
    assert_eq!(minute(&mut school, &hub).await, 1);
    for _ in 0..3 {
        assert_eq!(minute(&mut school, &hub).await, 0, "and not again each minute");
    }
    let asked = webhook.asked();
    let [one] = &asked[..] else { panic!("one message: {asked:?}") };
    assert_eq!((one.method.as_str(), one.path.as_str()), ("POST", "/alarms"));
    let said: serde_json::Value = serde_json::from_str(&one.body).unwrap();
    assert_eq!((&said["institution"], &said["from"]), (&"northgate".into(), &"agent".into()));
    assert_eq!(said["alarms"][0]["alarm"], watchman::ALARM);
    let text = said["text"].as_str().unwrap();
    assert!(text.contains("its past was changed") && text.contains("commonroll agent doctor"), "{text}");
    // Whoever reads it checks it as they check the hub's own.
    let at = Timestamp::from_micros("at", MORNING + 120_000_000).unwrap();
    assert_eq!(one.header("commonroll-signature"), WebhookKey::new(SECRET).sign(one.body.as_bytes(), at));

    // Once somebody has seen to it and it happens again, it is told again.
    school.spool.calm(watchman::ALARM).await.unwrap();
    assert_eq!(minute(&mut school, &hub).await, 1);
    assert_eq!(webhook.asked().len(), 2);
}

#[tokio::test]
async fn a_shortened_log_is_told_as_soon_as_the_webhook_answers_and_no_other_alarm_is() {
    let status = Arc::new(AtomicU16::new(503));
    let (mut school, hub, webhook) = school(&status).await;
    minute(&mut school, &hub).await;
    school.spool.alarm("fetch marks", "the MIS does not answer", school.now).await.unwrap();
    hub.with(|s| s.log.truncate(1));
    assert_eq!(minute(&mut school, &hub).await, 0, "the webhook has a fault");
    status.store(302, Ordering::Relaxed);
    assert_eq!(minute(&mut school, &hub).await, 0, "and nobody is followed elsewhere");
    status.store(204, Ordering::Relaxed);
    // The hub is not asked for it.
    assert_eq!((told(&school).await, told(&school).await), (1, 0));
    let asked = webhook.asked();
    assert_eq!(asked.len(), 3);
    let said: serde_json::Value = serde_json::from_str(&asked[2].body).unwrap();
    let alarms: Vec<_> = said["alarms"].as_array().unwrap().iter().map(|one| &one["alarm"]).collect();
    assert_eq!(alarms, [watchman::ALARM]);
}

#[tokio::test]
async fn a_webhook_in_the_open_or_with_its_secret_in_the_settings_is_refused_without_being_repeated() {
    let parse = |alarms: &str| {
        let text = format!("data = \"data\"\n[alarms]\n{alarms}\n");
        Settings::parse(&text, Path::new("agent.toml")).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(parse("webhook = \"https://hooks.example.org/a\""), Ok(()));
    for (alarms, key) in [
        ("webhook = \"http://hooks.example.org/canary\"", "alarms.webhook"),
        ("webhook = \"canary\"", "alarms.webhook"),
        ("webhook = \"https://me:canary@hooks.example.org\"", "alarms.webhook"),
        ("webhook = \"https://hooks.example.org\"\nsecret = \"canary\"", "alarms.secret"),
        ("webhook = \"https://hooks.example.org\"\ncredentials = \"a\"\nenv = \"canary\"", "alarms.env"),
    ] {
        let error = parse(alarms).unwrap_err();
        assert!(error.contains(&format!("`{key}`")) && !error.contains("canary"), "{error}");
    }
}
