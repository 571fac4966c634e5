//! Records of which the hub has taken no revision, as far as that is shown: there is nothing of them to withdraw.
//!
//! It is shown by a refusal of a record's first revision for whom it is about or what it is: the hub looks first whether it holds
//! any revision of the record, and says so. Of a later revision, and of a record that breaks a rule of the schema, no refusal
//! shows it: a placement, an agreement or an unlocking may have ended since, and what breaks a rule is not looked up. What isn't
//! noted here counts as taken: an older agent noted none.
//!
//! When the row of such a record goes, its revision stays in `sent`: the number was used, and what comes back has the next.

use super::{ROWS, Tx, list};
use crate::error::AgentError;
use commonroll_core::{RecordId, Revision};
use std::collections::HashSet;

/// Codes of the hub's answer about a record that it looked up before.
const AFTER_LOOKING: [&str; 5] =
    ["no_placement", "no_agreement", "not_unlocked", "confidential", "policy_error"];

/// Notes what a refusal of the record at this place of the queue shows. True if it withdraws what was never taken: nobody has
/// anything of it, so it is not tried again.
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
    let is_over = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM queue q JOIN sent s ON s.id = q.id AND s.revision = q.revision AND s.withdrawn = 1
           JOIN untaken u ON u.id = q.id WHERE q.position = $1
            AND NOT EXISTS (SELECT 1 FROM queue AS other WHERE other.id = q.id AND other.position <> q.position))",
    );
    Ok(is_over.bind(position).fetch_one(&mut **tx).await?)
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
