CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
-- Every export that was looked at, taken or refused. Its id marks what was seen in it (`generation`).
CREATE TABLE IF NOT EXISTS export(
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, name TEXT NOT NULL, origin TEXT NOT NULL,
  hash BLOB NOT NULL, recipe BLOB NOT NULL, size INTEGER NOT NULL, modified_us INTEGER NOT NULL,
  items INTEGER NOT NULL, at_us INTEGER NOT NULL, taken INTEGER NOT NULL,
  rule TEXT NOT NULL DEFAULT '', line INTEGER, fix TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS export_name ON export(source, name, id);
-- What the consortium holds of this institution, as far as it was spooled: one row a record.
CREATE TABLE IF NOT EXISTS sent(
  id BLOB PRIMARY KEY, kind INTEGER NOT NULL, origin TEXT NOT NULL, revision INTEGER NOT NULL, print BLOB NOT NULL,
  generation INTEGER NOT NULL, withdrawn INTEGER NOT NULL, learner TEXT NOT NULL, grp TEXT NOT NULL,
  confidential INTEGER NOT NULL) WITHOUT ROWID;
-- Records of which the hub is shown to hold no revision. What is not here counts as taken.
CREATE TABLE IF NOT EXISTS untaken(id BLOB PRIMARY KEY) WITHOUT ROWID;
-- What records were before the export that is being read: empty outside of its change.
CREATE TABLE IF NOT EXISTS overtaken(
  id BLOB PRIMARY KEY, kind INTEGER, origin TEXT, revision INTEGER, print BLOB, generation INTEGER, withdrawn INTEGER,
  learner TEXT, grp TEXT, confidential INTEGER) WITHOUT ROWID;
-- What the stretches of large exports came to: of each origin, the newest export's.
CREATE TABLE IF NOT EXISTS stretched(
  origin TEXT PRIMARY KEY, reading BLOB NOT NULL, generation INTEGER NOT NULL, settled TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stretch(
  id INTEGER PRIMARY KEY, origin TEXT NOT NULL, hash BLOB NOT NULL, alone INTEGER NOT NULL, short BLOB NOT NULL,
  seen BLOB NOT NULL, ids BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS stretch_origin ON stretch(origin);
-- Sealed records that the hub has not answered for.
CREATE TABLE IF NOT EXISTS queue(
  position INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, revision INTEGER NOT NULL, root BLOB NOT NULL,
  message BLOB NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL, tries INTEGER NOT NULL, queued_us INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS queue_id ON queue(id);
-- Records that the hub refused, with its reason.
CREATE TABLE IF NOT EXISTS refused(
  id BLOB NOT NULL, revision INTEGER NOT NULL, root BLOB NOT NULL, message BLOB NOT NULL, file TEXT NOT NULL,
  line INTEGER NOT NULL, tries INTEGER NOT NULL, code TEXT NOT NULL, field TEXT NOT NULL, reason TEXT NOT NULL,
  at_us INTEGER NOT NULL, retry_us INTEGER, PRIMARY KEY(id, revision)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refused_retry ON refused(retry_us);
-- What was declared. `message` is kept only until the hub has it.
CREATE TABLE IF NOT EXISTS declared(
  kind INTEGER NOT NULL, key BLOB NOT NULL, print BLOB NOT NULL, origin TEXT NOT NULL, generation INTEGER NOT NULL,
  state INTEGER NOT NULL, message BLOB, position INTEGER NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL,
  code TEXT NOT NULL DEFAULT '', field TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
  tries INTEGER NOT NULL DEFAULT 0, retry_us INTEGER, undo BLOB, PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS declared_state ON declared(state, position);
-- A piece of the feed between its arrival and its acknowledgement.
CREATE TABLE IF NOT EXISTS delivery(after INTEGER PRIMARY KEY, cursor INTEGER NOT NULL, message BLOB NOT NULL);
-- The newest revision written back of each record: id and source.
CREATE TABLE IF NOT EXISTS received(record BLOB PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
-- Where in the feed the newest copy of a record stood that was sent again and written back: an older one changes nothing.
CREATE TABLE IF NOT EXISTS written_again(record BLOB PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
-- Records that were handed to a person before a program entered their kind in the MIS: id and source, as above. And up to which
-- place of the feed all of a kind is a person's, since that piece was under way when the program came.
CREATE TABLE IF NOT EXISTS by_person(record BLOB NOT NULL, kind INTEGER NOT NULL, PRIMARY KEY(record, kind)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS by_person_until(kind INTEGER PRIMARY KEY, sequence INTEGER NOT NULL);
-- What a program entered that is gone from the settings, and is its own should it come back; and records that were received and are to be
-- held no longer.
CREATE TABLE IF NOT EXISTS by_program(
  record BLOB NOT NULL, kind INTEGER NOT NULL, program TEXT NOT NULL, PRIMARY KEY(record, kind, program)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS let_go(record BLOB PRIMARY KEY) WITHOUT ROWID;
-- An older agent told no kinds apart, and noted results and behaviour alone.
CREATE TABLE IF NOT EXISTS by_hand(record BLOB PRIMARY KEY) WITHOUT ROWID;
-- Notices to remove copies: what became of them, and whether the hub has the answer.
CREATE TABLE IF NOT EXISTS recall(
  number INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, reason TEXT NOT NULL, at_us INTEGER NOT NULL,
  answers BLOB NOT NULL, removed INTEGER NOT NULL, flagged INTEGER NOT NULL, kept INTEGER NOT NULL,
  answered INTEGER NOT NULL);
-- What could not be written back, in sight.
CREATE TABLE IF NOT EXISTS aside(
  sequence INTEGER PRIMARY KEY, id BLOB NOT NULL, revision INTEGER NOT NULL, source TEXT NOT NULL, code TEXT NOT NULL,
  message TEXT NOT NULL, at_us INTEGER NOT NULL, tries INTEGER NOT NULL, retry_us INTEGER, batch BLOB NOT NULL);
-- What became of it, for the hub's log, until the hub has it.
CREATE TABLE IF NOT EXISTS aside_step(
  number INTEGER PRIMARY KEY AUTOINCREMENT, sequence INTEGER NOT NULL, id BLOB NOT NULL, revision INTEGER NOT NULL,
  code TEXT NOT NULL, deed INTEGER NOT NULL, at_us INTEGER NOT NULL);
-- Partners' signing keys, pinned at first sight.
CREATE TABLE IF NOT EXISTS signer(
  institution TEXT NOT NULL, key_id BLOB NOT NULL, public_key BLOB NOT NULL, revoked_us INTEGER NOT NULL,
  seen_us INTEGER NOT NULL, PRIMARY KEY(institution, key_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS problem(
  origin TEXT NOT NULL, file TEXT NOT NULL, line INTEGER, field TEXT NOT NULL, rule TEXT NOT NULL, fix TEXT NOT NULL,
  at_us INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS problem_origin ON problem(origin);
CREATE TABLE IF NOT EXISTS problem_count(origin TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
-- Rows of the newest exports that are kept back, counted: by column, rule and, where it is one, code.
CREATE TABLE IF NOT EXISTS kept_back(
  origin TEXT NOT NULL, source TEXT NOT NULL, field TEXT NOT NULL, rule TEXT NOT NULL, code TEXT, n INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS kept_back_origin ON kept_back(origin);
CREATE TABLE IF NOT EXISTS alarm(name TEXT PRIMARY KEY, text TEXT NOT NULL, since_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS result_file(
  name TEXT PRIMARY KEY, size INTEGER NOT NULL, modified_us INTEGER NOT NULL, rows INTEGER NOT NULL,
  written INTEGER NOT NULL, fix TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS result(
  file TEXT NOT NULL, row INTEGER NOT NULL, record TEXT NOT NULL, revision INTEGER NOT NULL, message TEXT NOT NULL,
  PRIMARY KEY(file, row)) WITHOUT ROWID;
-- Records whose withdrawal in a list was not carried, since a newer row of the mark took its place.
CREATE TABLE IF NOT EXISTS superseded(file TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY(file, record)) WITHOUT ROWID;
-- Lists of the outbox whose every row came to its end in the MIS, and rows that are to be tried again.
CREATE TABLE IF NOT EXISTS applied(list TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trying(
  list TEXT NOT NULL, record TEXT NOT NULL, revision INTEGER NOT NULL, tries INTEGER NOT NULL, again_us INTEGER NOT NULL,
  PRIMARY KEY(list, record, revision)) WITHOUT ROWID;
-- Rows that something held up, which passes by itself: how often, and in which sweep over the outbox the last time.
CREATE TABLE IF NOT EXISTS held_up(
  list TEXT NOT NULL, record TEXT NOT NULL, revision INTEGER NOT NULL, times INTEGER NOT NULL, sweep INTEGER NOT NULL,
  PRIMARY KEY(list, record, revision)) WITHOUT ROWID;
-- Rows that were handed to an MIS which writes them later, until they are read back. Noted before they are handed in.
CREATE TABLE IF NOT EXISTS posted(
  record TEXT NOT NULL, learner TEXT NOT NULL, session TEXT NOT NULL, revision INTEGER NOT NULL, at_us INTEGER NOT NULL,
  taken INTEGER NOT NULL, before TEXT NOT NULL, PRIMARY KEY(record, learner, session, revision)) WITHOUT ROWID;
-- Copies whose rows are on their way out of the MIS: their recall is not answered before the list's result is there.
CREATE TABLE IF NOT EXISTS recall_carried(
  number INTEGER NOT NULL, copy INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY(number, copy)) WITHOUT ROWID;
-- What people here decided of session codes: the newest decision about each learner's session, what became of it (0: not written
-- yet), and what of that the hub knows.
CREATE TABLE IF NOT EXISTS decided(
  learner TEXT NOT NULL, date TEXT NOT NULL, session TEXT NOT NULL, day INTEGER NOT NULL, revision INTEGER NOT NULL,
  at_us INTEGER NOT NULL, record TEXT NOT NULL, row INTEGER NOT NULL, number INTEGER NOT NULL, message BLOB NOT NULL,
  outcome INTEGER NOT NULL, words TEXT NOT NULL, said INTEGER NOT NULL, PRIMARY KEY(learner, date, session)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS decided_number ON decided(number);
CREATE INDEX IF NOT EXISTS decided_day ON decided(day);
