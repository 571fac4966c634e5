//! What was received: the piece under way, the newest revision of each record, the cursor and its digest, partners' keys.
//!
//! A piece of the feed is stored before anything is written back, so that a crash in the middle writes the very same
//! files again, whatever the hub would send next.

use super::{
    ROWS, Spool, Tx, asides, list,
    recalls::{self, Recalled},
    rows, set,
};
use crate::error::AgentError;
use bytes::Bytes;
use commonroll_audit::{KeyId, PublicKey, ReceiptDigest};
use commonroll_core::{RecordId, Revision, Slug, Timestamp, aside::AsideDeed};
use commonroll_wire::pb::exchange::v1::{DeliveredBatch, ReceiveResponse};
use prost::Message;
use std::collections::HashMap;

/// How far the feed was written back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Everything up to it is safe here.
    pub sequence: u64,
    /// Digest over what was received up to it.
    pub digest: ReceiptDigest,
}

/// A record to set aside.
#[derive(Debug, Clone)]
pub struct Aside {
    /// Its sequence number.
    pub sequence: u64,
    /// The record's id; zeros if it could not be read.
    pub id: RecordId,
    /// Its revision; 0 if it could not be read.
    pub revision: u32,
    /// Whose record it is.
    pub source: String,
    /// Stable code of what is wrong.
    pub code: &'static str,
    /// What the write-back or the check said, in plain words.
    pub message: String,
    /// When to try again; `None` for never by itself.
    pub retry: Option<Timestamp>,
    /// The batch that brought it, with this record alone.
    pub batch: DeliveredBatch,
}

/// What became of a piece of the feed.
#[derive(Debug, Clone, Copy)]
pub struct Settled<'a> {
    /// Records that were written back, at these revisions.
    pub written: &'a [(Vec<u8>, Revision)],
    /// Those of them that were sent again, and where in the feed they stood.
    pub again: &'a [(Vec<u8>, u64)],
    /// Records that were not.
    pub aside: &'a [Aside],
    /// Copies that were taken back.
    pub recalled: &'a [Recalled],
}

/// A pinned key.
#[derive(Debug, Clone, Copy)]
pub struct Signer {
    /// The key.
    pub key: PublicKey,
    /// When it was revoked, microseconds since the epoch; 0 if it is in force.
    pub revoked_us: i64,
}

/// The record as [`Spool::received`] knows it: a partner can't stand in for another by reusing an id.
pub fn record_key(source: &Slug, id: RecordId) -> Vec<u8> {
    [&id.0[..], source.as_str().as_bytes()].concat()
}

impl Spool {
    /// How far the feed was written back.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn cursor(&self) -> Result<Cursor, AgentError> {
        let Some(bytes) = self.meta("cursor").await? else { return Ok(Cursor::default()) };
        let (sequence, digest) = bytes.split_at_checked(8).ok_or(AgentError::Damaged("cursor"))?;
        let damaged = |_| AgentError::Damaged("cursor");
        Ok(Cursor {
            sequence: u64::from_be_bytes(sequence.try_into().map_err(damaged)?),
            digest: ReceiptDigest::from_bytes(digest.try_into().map_err(damaged)?),
        })
    }

    /// Keeps a piece of the feed before it is written back.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn keep_delivery(&self, after: u64, piece: &ReceiveResponse) -> Result<(), AgentError> {
        sqlx::query("INSERT OR REPLACE INTO delivery(after, cursor, message) VALUES ($1, $2, $3)")
            .bind(after as i64)
            .bind(piece.cursor as i64)
            .bind(piece.encode_to_vec())
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// The piece that was under way when the agent stopped.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn kept_delivery(&self) -> Result<Option<ReceiveResponse>, AgentError> {
        let kept: Option<Vec<u8>> = sqlx::query_scalar("SELECT message FROM delivery ORDER BY after LIMIT 1")
            .fetch_optional(self.pool())
            .await?;
        let read = |bytes: Vec<u8>| {
            ReceiveResponse::decode(Bytes::from(bytes)).map_err(|_| AgentError::Damaged("delivery.message"))
        };
        kept.map(read).transpose()
    }

    /// The newest revision written back of these records.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn received(&self, keys: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, u32>, AgentError> {
        let mut found = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(ROWS) {
            let sql = list("SELECT record, revision FROM received WHERE record IN ", keys.len(), "");
            let mut query = sqlx::query_as::<_, (Vec<u8>, u32)>(sql).persistent(keys.len() == ROWS);
            for key in keys {
                query = query.bind(key);
            }
            found.extend(query.fetch_all(self.pool()).await?);
        }
        Ok(found)
    }

    /// True if a newer copy of a record that was sent again is written back than the one at this place of the feed.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn is_sent_again_since(&self, key: &[u8], sequence: u64) -> Result<bool, AgentError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM written_again WHERE record = $1 AND sequence > $2)";
        let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
        Ok(sqlx::query_scalar(sql).bind(key).bind(sequence).fetch_one(self.pool()).await?)
    }

    /// Moves the cursor, in one step with what was written back, set aside and recalled.
    ///
    /// # Errors
    /// When the spool fails; the piece is then written back again, into the same files.
    pub async fn settle_delivery(
        &self,
        cursor: Cursor,
        settled: &Settled<'_>,
        now: Timestamp,
    ) -> Result<(), AgentError> {
        let mut tx = self.begin().await?;
        note_written(&mut tx, settled.written, settled.again).await?;
        recalls::put(&mut tx, settled.recalled, now).await?;
        for aside in settled.aside {
            asides::put(&mut tx, aside, 1, now).await?;
            asides::step(&mut tx, aside.sequence, AsideDeed::SetAside, now).await?;
        }
        sqlx::query("DELETE FROM delivery").execute(&mut *tx).await?;
        let mut bytes = cursor.sequence.to_be_bytes().to_vec();
        bytes.extend_from_slice(cursor.digest.as_bytes());
        set(&mut tx, "cursor", &bytes).await?;
        Ok(tx.commit().await?)
    }

    /// The pinned key of a partner, if it is known.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn signer(&self, institution: &Slug, key_id: KeyId) -> Result<Option<Signer>, AgentError> {
        let found: Option<(Vec<u8>, i64)> = sqlx::query_as(
            "SELECT public_key, revoked_us FROM signer WHERE institution = $1 AND key_id = $2",
        )
        .bind(institution.as_str())
        .bind(&key_id.as_bytes()[..])
        .fetch_optional(self.pool())
        .await?;
        let read = |(key, revoked_us): (Vec<u8>, i64)| {
            let key: [u8; 32] = key.try_into().map_err(|_| AgentError::Damaged("signer.public_key"))?;
            Ok(Signer { key: PublicKey::from_bytes(key), revoked_us })
        };
        found.map(read).transpose()
    }

    /// Pins a partner's key. A pinned key never changes; only its revocation is noted. False if another key is pinned
    /// under this id.
    ///
    /// # Errors
    /// When the spool fails.
    pub async fn pin(&self, institution: &Slug, signer: Signer, now: Timestamp) -> Result<bool, AgentError> {
        let done = sqlx::query(
            "INSERT INTO signer(institution, key_id, public_key, revoked_us, seen_us) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT(institution, key_id) DO UPDATE SET revoked_us = excluded.revoked_us
                   WHERE public_key = excluded.public_key",
        )
        .bind(institution.as_str())
        .bind(&signer.key.id().as_bytes()[..])
        .bind(&signer.key.as_bytes()[..])
        .bind(signer.revoked_us)
        .bind(now.micros())
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

pub(super) async fn note_written(
    tx: &mut Tx,
    written: &[(Vec<u8>, Revision)],
    again: &[(Vec<u8>, u64)],
) -> Result<(), AgentError> {
    const TAIL: &str = " ON CONFLICT(record) DO UPDATE SET revision = MAX(revision, excluded.revision)";
    for written in written.chunks(ROWS) {
        let sql = rows("INSERT INTO received(record, revision) VALUES ", 2, written.len(), TAIL);
        let mut query = sqlx::query(sql).persistent(written.len() == ROWS);
        for (record, revision) in written {
            query = query.bind(record).bind(i64::from(revision.get()));
        }
        query.execute(&mut **tx).await?;
    }
    for (record, sequence) in again {
        sqlx::query(
            "INSERT INTO written_again(record, sequence) VALUES ($1, $2)
             ON CONFLICT(record) DO UPDATE SET sequence = MAX(sequence, excluded.sequence)",
        )
        .bind(record)
        .bind(i64::try_from(*sequence).unwrap_or(i64::MAX))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
