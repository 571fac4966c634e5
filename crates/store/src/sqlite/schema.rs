//! The tables on SQLite. A step that has been shipped is never changed; a new one is added.

pub(super) const STEPS: &[&str] = &["
    -- One row is one commit. Small columns first: reading them leaves the large ones on disk.
    CREATE TABLE block (
        first_seq INTEGER PRIMARY KEY,
        n INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        frontier BLOB NOT NULL,
        entries BLOB NOT NULL,
        payloads BLOB
    );
    -- Newest revision of a record. val: revision 4, seq 8, source 2, root 14.
    CREATE TABLE recid (id BLOB PRIMARY KEY, val BLOB NOT NULL) WITHOUT ROWID;
    -- Older revisions. id_revision: id 16, revision 4; val: seq 8, source 2, root 14.
    CREATE TABLE superseded (id_revision BLOB PRIMARY KEY, val BLOB NOT NULL) WITHOUT ROWID;
    -- Complete subtrees of the log's tree. level_ix: level 1, index 8.
    CREATE TABLE tile (level_ix BLOB PRIMARY KEY, hash BLOB NOT NULL) WITHOUT ROWID;
    -- What goes to whom, a row per block. seqs: varint differences.
    CREATE TABLE fseg (
        recipient INTEGER NOT NULL,
        first_seq INTEGER NOT NULL,
        n INTEGER NOT NULL,
        seqs BLOB NOT NULL,
        PRIMARY KEY (recipient, first_seq)
    ) WITHOUT ROWID;
    -- Directory facts.
    CREATE TABLE fact (
        kind INTEGER NOT NULL,
        key BLOB NOT NULL,
        seq INTEGER NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID;
", "
    -- Which entries are about whom, a row per key and stretch of the log. seqs: varint differences. It follows behind the
    -- log; n of the row with key -1 says how far it has come.
    CREATE TABLE about (
        key INTEGER NOT NULL,
        first_seq INTEGER NOT NULL,
        n INTEGER NOT NULL,
        seqs BLOB NOT NULL,
        PRIMARY KEY (key, first_seq)
    ) WITHOUT ROWID;
", "
    -- Who is signed in to the console, by the hash of what their browser holds. Not in the log: it is gone when it ends.
    CREATE TABLE session (
        id BLOB PRIMARY KEY,
        opened_us INTEGER NOT NULL,
        seen_us INTEGER NOT NULL,
        value BLOB NOT NULL
    ) WITHOUT ROWID;
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
