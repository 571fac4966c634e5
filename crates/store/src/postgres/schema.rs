//! The tables on PostgreSQL. A step that has been shipped is never changed; a new one is added.

pub(super) const STEPS: &[&str] = &["
    -- One row is one commit. Small columns first: reading them leaves the large ones on disk.
    CREATE TABLE block (
        first_seq BIGINT PRIMARY KEY,
        n BIGINT NOT NULL,
        at_us BIGINT NOT NULL,
        frontier BYTEA NOT NULL,
        entries BYTEA NOT NULL,
        payloads BYTEA
    );
    -- Large values out of line and as they are: compressing them costs more than it saves.
    ALTER TABLE block ALTER COLUMN entries SET STORAGE EXTERNAL;
    ALTER TABLE block ALTER COLUMN payloads SET STORAGE EXTERNAL;
    -- Newest revision of a record. val: revision 4, seq 8, source 2, root 14.
    CREATE TABLE recid (id BYTEA PRIMARY KEY, val BYTEA NOT NULL);
    -- Older revisions. id_revision: id 16, revision 4; val: seq 8, source 2, root 14.
    CREATE TABLE superseded (id_revision BYTEA PRIMARY KEY, val BYTEA NOT NULL);
    -- Complete subtrees of the log's tree. level_ix: level 1, index 8.
    CREATE TABLE tile (level_ix BYTEA PRIMARY KEY, hash BYTEA NOT NULL);
    -- What goes to whom, a row per block. seqs: varint differences.
    CREATE TABLE fseg (
        recipient BIGINT NOT NULL,
        first_seq BIGINT NOT NULL,
        n BIGINT NOT NULL,
        seqs BYTEA NOT NULL,
        PRIMARY KEY (recipient, first_seq)
    );
    -- Directory facts.
    CREATE TABLE fact (
        kind BIGINT NOT NULL,
        key BYTEA NOT NULL,
        seq BIGINT NOT NULL,
        value BYTEA NOT NULL,
        PRIMARY KEY (kind, key)
    );
", "
    -- Which entries are about whom, a row per key and stretch of the log. seqs: varint differences. It follows behind the
    -- log; n of the row with key -1 says how far it has come.
    CREATE TABLE about (
        key BIGINT NOT NULL,
        first_seq BIGINT NOT NULL,
        n BIGINT NOT NULL,
        seqs BYTEA NOT NULL,
        PRIMARY KEY (key, first_seq)
    );
", "
    -- Who is signed in to the console, by the hash of what their browser holds. Not in the log: it is gone when it ends.
    CREATE TABLE session (
        id BYTEA PRIMARY KEY,
        opened_us BIGINT NOT NULL,
        seen_us BIGINT NOT NULL,
        value BYTEA NOT NULL
    );
", "
    -- No table changes. Entries say things from here on that older programs can't read (former UPNs, main registrations,
    -- times of alerts): they are refused by this number and not by a log that looks damaged to them.
    DELETE FROM schema_version WHERE version < 0;
", "
    -- No table changes. Older programs can't read that data managers were warned.
    DELETE FROM schema_version WHERE version < 0;
", "
    -- No table changes. Older programs can't read that data managers have mails of their own.
    DELETE FROM schema_version WHERE version < 0;
", "
    -- No table changes. Older programs can't read how many of a batch's refusals were tries once more.
    DELETE FROM schema_version WHERE version < 0;
"];
