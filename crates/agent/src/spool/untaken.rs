//! Records of which the hub has taken no revision, as far as that is shown: there is nothing of them to withdraw.
//!
//! It is shown by a refusal of a record's first revision for whom it is about or what it is: the hub looks first whether it holds
//! any revision of the record, and says so. Of a later revision, and of a record that breaks a rule of the schema, no refusal
//! shows it: a placement, an agreement or an unlocking may have ended since, and what breaks a rule is not looked up. What isn't
//! noted here counts as taken: an older agent noted none.

use super::{ROWS, Tx, list};
use crate::error::AgentError;
use commonroll_core::{RecordId, Revision};
use std::collections::HashSet;

/// Codes of the hub's answer about a record that it looked up before.
const AFTER_LOOKING: [&str; 5] =
    ["no_placement", "no_agreement", "not_unlocked", "confidential", "policy_error"];

/// Notes what a refusal of the record at this place of the queue shows. A withdrawal of what was never taken is settled with it:
/// true if so, and the record is forgotten.
pub(super) async fn refused(tx: &mut Tx, position: i64, code: &str) -> Result<bool, AgentError> {
    if !AFTER_LOOKING.contains(&code) {
        return Ok(false);
    }
    sqlx::query(
        "INSERT OR IGNORE INTO untaken(id) SELECT id FROM queue WHERE position = $1 AND revision = $2",
    )
    .bind(position)
    .bind(i64::from(Revision::FIRST.get()))
    .execute(&mut **tx)
    .await?;
    let gone: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT s.id FROM queue q JOIN sent s ON s.id = q.id AND s.revision = q.revision AND s.withdrawn = 1
           JOIN untaken u ON u.id = q.id WHERE q.position = $1
            AND NOT EXISTS (SELECT 1 FROM queue AS other WHERE other.id = q.id AND other.position <> q.position)",
    )
    .bind(position)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(id) = gone else { return Ok(false) };
    let id = RecordId::from_slice(&id).map_err(|_| AgentError::Damaged("sent.id"))?;
    forget(tx, &[id]).await?;
    sqlx::query("DELETE FROM queue WHERE position = $1").bind(position).execute(&mut **tx).await?;
    Ok(true)
}

/// The hub holds a revision of the records at these places of the queue.
pub(super) async fn taken(tx: &mut Tx, positions: &[i64]) -> Result<(), AgentError> {
    let any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM untaken)").fetch_one(&mut **tx).await?;
    if !any {
        return Ok(());
    }
    for positions in positions.chunks(ROWS) {
        let head = "DELETE FROM untaken WHERE id IN (SELECT id FROM queue WHERE position IN ";
        let mut query = sqlx::query(list(head, positions.len(), ")")).persistent(positions.len() == ROWS);
        for position in positions {
            query = query.bind(position);
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Those of these records that the hub holds nothing of and that are not on their way to it.
pub(crate) async fn among(tx: &mut Tx, ids: &[RecordId]) -> Result<HashSet<RecordId>, AgentError> {
    let mut untaken = HashSet::new();
    for ids in ids.chunks(ROWS) {
        let tail = " AND NOT EXISTS (SELECT 1 FROM queue WHERE queue.id = untaken.id)";
        let sql = list("SELECT id FROM untaken WHERE id IN ", ids.len(), tail);
        let mut query = sqlx::query_scalar::<_, Vec<u8>>(sql).persistent(ids.len() == ROWS);
        for id in ids {
            query = query.bind(&id.0[..]);
        }
        for id in query.fetch_all(&mut **tx).await? {
            untaken.insert(RecordId::from_slice(&id).map_err(|_| AgentError::Damaged("untaken.id"))?);
        }
    }
    Ok(untaken)
}

/// Forgets records as if they had never been found.
pub(crate) async fn forget(tx: &mut Tx, ids: &[RecordId]) -> Result<(), AgentError> {
    for head in [
        "DELETE FROM sent WHERE id IN ",
        "DELETE FROM refused WHERE id IN ",
        "DELETE FROM untaken WHERE id IN ",
    ] {
        for ids in ids.chunks(ROWS) {
            let mut query = sqlx::query(list(head, ids.len(), ""));
            for id in ids {
                query = query.bind(&id.0[..]);
            }
            query.execute(&mut **tx).await?;
        }
    }
    Ok(())
}
