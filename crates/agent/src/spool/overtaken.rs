//! What records were before the export that is being read, where a later row of it may still say otherwise.
//!
//! Filled and emptied within one export's change, so nothing of it is ever seen. Only where the mapping says that the latest row
//! counts.

use super::{ROWS, Tx, list};
use crate::error::AgentError;
use commonroll_core::{RecordId, Revision};
use std::collections::HashMap;

const COLUMNS: &str = "id, kind, origin, revision, print, generation, withdrawn, learner, grp, confidential";

/// Notes what these records are before they are sent anew, or that they are none.
pub(crate) async fn note(tx: &mut Tx, ids: &[RecordId]) -> Result<(), AgentError> {
    let known = format!("INSERT INTO overtaken({COLUMNS}) SELECT {COLUMNS} FROM sent WHERE id IN ");
    for ids in ids.chunks(ROWS) {
        each(tx, &known, ids, "").await?;
        let sql = super::rows("INSERT OR IGNORE INTO overtaken(id) VALUES ", 1, ids.len(), "");
        let mut new = sqlx::query(sql).persistent(ids.len() == ROWS);
        for id in ids {
            new = new.bind(&id.0[..]);
        }
        new.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Which of these records this export sends, and whether they were known before.
pub(crate) async fn noted(tx: &mut Tx, ids: &[RecordId]) -> Result<HashMap<RecordId, bool>, AgentError> {
    let mut noted = HashMap::new();
    for ids in ids.chunks(ROWS) {
        let sql = list("SELECT id, revision IS NOT NULL FROM overtaken WHERE id IN ", ids.len(), "");
        let mut query = sqlx::query_as::<_, (Vec<u8>, bool)>(sql).persistent(ids.len() == ROWS);
        for id in ids {
            query = query.bind(&id.0[..]);
        }
        for (id, is_known) in query.fetch_all(&mut **tx).await? {
            let id = RecordId::from_slice(&id).map_err(|_| AgentError::Damaged("overtaken.id"))?;
            noted.insert(id, is_known);
        }
    }
    Ok(noted)
}

/// Takes what this export sends of these records out of the queue, and makes them what they were before.
pub(crate) async fn restore(tx: &mut Tx, sent: &[(RecordId, Revision)]) -> Result<(), AgentError> {
    for (id, revision) in sent {
        sqlx::query("DELETE FROM queue WHERE id = $1 AND revision = $2")
            .bind(&id.0[..])
            .bind(i64::from(revision.get()))
            .execute(&mut **tx)
            .await?;
    }
    let ids: Vec<RecordId> = sent.iter().map(|(id, _)| *id).collect();
    let back = format!("INSERT INTO sent({COLUMNS}) SELECT {COLUMNS} FROM overtaken WHERE id IN ");
    for ids in ids.chunks(ROWS) {
        each(tx, "DELETE FROM sent WHERE id IN ", ids, "").await?;
        each(tx, &back, ids, " AND revision IS NOT NULL").await?;
        each(tx, "DELETE FROM overtaken WHERE id IN ", ids, "").await?;
    }
    Ok(())
}

/// Ends an export: of what it sends now nothing that was refused before is tried again.
pub(crate) async fn end(tx: &mut Tx) -> Result<(), AgentError> {
    sqlx::query("DELETE FROM refused WHERE id IN (SELECT id FROM overtaken)").execute(&mut **tx).await?;
    clear(tx).await
}

/// Forgets all of it, at the beginning and the end of an export.
pub(crate) async fn clear(tx: &mut Tx) -> Result<(), AgentError> {
    sqlx::query("DELETE FROM overtaken").execute(&mut **tx).await?;
    Ok(())
}

async fn each(tx: &mut Tx, head: &str, ids: &[RecordId], tail: &str) -> Result<(), AgentError> {
    let mut query = sqlx::query(list(head, ids.len(), tail)).persistent(ids.len() == ROWS);
    for id in ids {
        query = query.bind(&id.0[..]);
    }
    query.execute(&mut **tx).await?;
    Ok(())
}
