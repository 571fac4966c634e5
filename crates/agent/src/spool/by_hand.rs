//! Records that a person was handed before a program entered their kind in the MIS: it knows none of them, so a person sees to them
//! for good. That a copy must go is said to that person, and nobody says when it is gone: what is sent again is theirs, too.

use super::{ROWS, Spool, list};
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
