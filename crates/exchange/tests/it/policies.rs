//! The policy set in force, as the log keeps it.

use crate::world::*;
use commonroll_exchange::*;
use std::process::Command;

/// Rewrites the row of the policy set in force: `edit` is Python over `files` (a dict) and may set `files = None` for a
/// log of the first kind. The hash is made right again.
fn rewrite(folder: &tempfile::TempDir, edit: &str) -> String {
    let script = format!(
        r#"
import hashlib, json, sqlite3, struct, sys
c = sqlite3.connect(sys.argv[1])
row = json.loads(c.execute('select value from fact where kind=10').fetchone()[0])
files = row['texts']
{edit}
if files is None:
    del row['texts']
else:
    h = hashlib.sha256(b'commonroll/policy/v1\0')
    for name, text in sorted(files.items()):
        name, text = name.encode(), text.encode()
        h.update(struct.pack('>QQ', len(name), len(text)) + name + text)
    row['hash'], row['texts'] = h.hexdigest(), files
c.execute('update fact set value=? where kind=10', (json.dumps(row, separators=(',', ':')).encode(),))
c.commit()
print(row['hash'])
"#
    );
    let database = folder.path().join("hub.db");
    let done = Command::new("python3").args(["-c", &script]).arg(database).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

async fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::at(&database).await;
    world.exchange.close(world.now()).await;
    (folder, database)
}

fn now() -> commonroll_core::Timestamp {
    commonroll_core::Timestamp::from_micros("now", MORNING).unwrap()
}

#[tokio::test]
async fn the_set_in_force_is_the_logs_and_not_the_programs() {
    let (folder, database) = folder().await;
    let other = rewrite(&folder, "files['common.cedar'] += '// another remark\\n'");
    let again = Exchange::open(options(&database), now()).await.unwrap();
    assert_eq!(again.stats().policy, other, "the set inside the program changes nothing");
    assert!(!again.stats().policy_broken);
    let shown = again.show(1, 100).await.unwrap();
    assert_eq!(shown.iter().filter(|e| e["what"] == "policy.in_force").count(), 1);
}

#[tokio::test]
async fn a_log_of_the_first_kind_gets_the_texts_that_its_hash_stood_for() {
    let (folder, database) = folder().await;
    rewrite(&folder, "files = None");
    let again = Exchange::open(options(&database), now()).await.unwrap();
    let shown = again.show(1, 100).await.unwrap();
    let named: Vec<_> = shown.iter().filter(|e| e["what"] == "policy.in_force").collect();
    assert_eq!(named.len(), 2, "one more entry, with the texts");
    assert_eq!(named[1]["by"], "embedded");
    again.close(now()).await;
    let third = Exchange::open(options(&database), now()).await.unwrap();
    assert_eq!(third.stats().log_entries, again.stats().log_entries, "and that once");
}

#[tokio::test]
async fn case_16_a_start_on_a_broken_set_refuses_and_names_the_line() {
    let (folder, database) = folder().await;
    rewrite(&folder, "files['attendance.cedar'] = 'permit (principal,\\n  action = nonsense'");
    let refused = Exchange::open(options(&database), now()).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, OpenError::Policy(_)), "{refused}");
    let told = refused.to_string();
    assert!(told.contains("attendance.cedar:2:"), "{told}");

    rewrite(&folder, "del files['attendance.cedar']");
    let refused = Exchange::open(options(&database), now()).await.map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("attendance.cedar"), "{refused}");
}
