//! Case 4: invitations that are reused, expired, guessed or found.

use crate::kit::{TestHub, certificate_request, join_request};
use commonroll_audit::SigningKey;
use commonroll_hub::{ProviderRandomness, RETRY_AFTER_MS};
use std::time::Duration;
use tonic::{Code, Status};

async fn join(hub: &TestHub, code: &str) -> Result<String, Status> {
    let (request, _) = certificate_request();
    let signing = SigningKey::from_seed(&[3; 32]).unwrap();
    let joined = hub.join_door().await.join(join_request(code, request, &signing)).await?;
    Ok(joined.into_inner().institution)
}

#[tokio::test]
async fn case_04_wrong_used_and_expired_invitations_get_one_answer() {
    let hub = TestHub::start().await;
    let (used, late) = (hub.code("ridgeway").await, hub.code("northgate").await);
    assert_eq!(
        join(&hub, &used).await.unwrap(),
        "ridgeway",
        "bound to the institution that it was issued for"
    );

    let mut answers = vec![join(&hub, &used).await.unwrap_err(), join(&hub, "guessed").await.unwrap_err()];
    hub.advance(Duration::from_secs(2 * 86_400));
    answers.push(join(&hub, &late).await.unwrap_err());
    for answer in &answers {
        assert_eq!(answer.code(), Code::Unauthenticated);
        assert_eq!(answer.message(), answers[0].message(), "one wording");
        assert!(answer.details().is_empty() && !answer.message().contains("guessed"));
    }
}

#[tokio::test]
async fn case_04_the_eleventh_failure_within_a_minute_waits_even_with_a_good_code() {
    let hub = TestHub::start().await;
    for _ in 0..10 {
        assert_eq!(join(&hub, "guess").await.unwrap_err().code(), Code::Unauthenticated);
    }
    let good = hub.code("ridgeway").await;
    let slowed = join(&hub, &good).await.unwrap_err();
    assert_eq!(slowed.code(), Code::ResourceExhausted);
    assert!(slowed.metadata().get(RETRY_AFTER_MS).is_some(), "it says when to try again");
    hub.advance(Duration::from_secs(61));
    assert_eq!(join(&hub, &good).await.unwrap(), "ridgeway", "the invitation was not used up by the refusal");
}

#[tokio::test]
async fn case_04_an_invitation_in_a_backup_is_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let hub = TestHub::with(|settings| settings.database = format!("sqlite:{}", path.display())).await;
    let code = hub.code("ridgeway").await;
    let mut stored = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        stored.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |needle: &[u8]| stored.windows(needle.len()).any(|w| w == needle);
    assert!(holds(b"ridgeway"), "the database was read");
    assert!(!holds(code.as_bytes()), "the code is stored as a hash only");
}

#[tokio::test]
async fn case_04_an_invitation_lasts_72_hours_at_most_and_carries_what_a_join_needs() {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let hub = TestHub::start().await;
    let institution = "ridgeway".parse().unwrap();
    let invite = |hours: u64| {
        let life = (&institution, Duration::from_secs(hours * 3_600), "test");
        commonroll_hub::invite(&hub.settings, &hub.exchange, life, hub.now(), &ProviderRandomness)
    };
    assert!(invite(73).await.is_err());
    let text = invite(72).await.unwrap();
    let json = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix("crinv1.").unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["institution"], "ridgeway");
    let code = json["code"].as_str().unwrap();
    assert!(code.len() >= 43, "32 random bytes");
    assert!(
        json["ca"].as_str().unwrap().len() > 100 && json["hub"].is_string() && json["expires"].is_number()
    );
    assert_eq!(join(&hub, code).await.unwrap(), "ridgeway");
}
