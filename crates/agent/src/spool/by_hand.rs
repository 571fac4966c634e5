//! Records that a person was handed before a program entered their kind in the MIS: it knows none of them, so a person sees to them
//! until the copy is gone.

use super::{ROWS, Spool, Tx, list};
use crate::error::AgentError;
use std::collections::HashSet;

impl Spool {
    /// A program enters results or behaviour from now on: whatever was received before was a person's.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn note_by_hand(&self) -> Result<(), AgentError> {
        sqlx::query("INSERT OR IGNORE INTO by_hand(record) SELECT record FROM received")
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Which of these records were a person's before a program came.
    ///
    /// # Errors
    /// When the spool fails.
    pub(crate) async fn by_hand(&self, keys: &[Vec<u8>]) -> Result<HashSet<Vec<u8>>, AgentError> {
        let mut found = HashSet::new();
        for keys in keys.chunks(ROWS) {
            let sql = list("SELECT record FROM by_hand WHERE record IN ", keys.len(), "");
            let mut query = sqlx::query_scalar::<_, Vec<u8>>(sql).persistent(keys.len() == ROWS);
            for key in keys {
                query = query.bind(key);
            }
            found.extend(query.fetch_all(self.pool()).await?);
        }
        Ok(found)
    }
}

/// Forgets records whose copies are gone: what comes anew is the program's.
pub(super) async fn forget(tx: &mut Tx, keys: &[Vec<u8>]) -> Result<(), AgentError> {
    for keys in keys.chunks(ROWS) {
        let mut query = sqlx::query(list("DELETE FROM by_hand WHERE record IN ", keys.len(), ""));
        for key in keys {
            query = query.bind(key);
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}
