-- Facts about the file itself. `doubt` is written after a commit whose outcome is unknown, to settle it.
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta(name, value) VALUES ('doubt', 0);

-- The log. `topics.id` names one life of a topic (E2). `log_floors` remembers where swept partitions go on.
CREATE TABLE topics(
  no INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  id TEXT NOT NULL,
  partitions INTEGER NOT NULL,
  retention_ms INTEGER,
  max_message_bytes INTEGER NOT NULL
);
CREATE TABLE log(
  topic INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  timestamp_ms INTEGER NOT NULL,
  key BLOB NOT NULL,
  headers BLOB NOT NULL,
  payload BLOB NOT NULL,
  correlation TEXT,
  PRIMARY KEY (topic, partition, offset)
) WITHOUT ROWID;
CREATE INDEX log_by_correlation ON log(correlation) WHERE correlation IS NOT NULL;
CREATE TABLE log_floors(
  topic INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  floor INTEGER NOT NULL,
  PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
CREATE TABLE checkpoints(
  consumer TEXT NOT NULL,
  topic INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  watermark INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (consumer, topic, partition)
) WITHOUT ROWID;

-- The state.
CREATE TABLE state(
  collection TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  partition INTEGER NOT NULL,
  wake_at_ms INTEGER,
  expires_at_ms INTEGER,
  body BLOB NOT NULL,
  PRIMARY KEY (collection, id)
) WITHOUT ROWID;
CREATE INDEX state_due ON state(collection, partition, wake_at_ms) WHERE wake_at_ms IS NOT NULL;
CREATE INDEX state_expiring ON state(collection, expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- Blobs. A chunk's place is blob * 2^20 + its number. A blob is visible through its row in `blobs`;
-- `blob_rests` names those that are being written or removed.
CREATE TABLE blobs(
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  blob INTEGER NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) WITHOUT ROWID;
CREATE TABLE blob_chunks(place INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE blob_rests(blob INTEGER PRIMARY KEY);

-- Schemas and their ids.
CREATE TABLE schemas(
  id INTEGER PRIMARY KEY,
  record TEXT NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (record, text)
);

-- Search. A passage's id is revision * 2^20 + its ordinal. A scope is one chatbot of one tenant; its epoch
-- rises with every switch. `published` is the revision that is found. `search_rests` names the revisions whose
-- passages are to be removed.
CREATE TABLE search_scopes(
  no INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  chatbot TEXT NOT NULL,
  epoch INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant, chatbot)
);
CREATE TABLE search_documents(
  tenant TEXT NOT NULL,
  document TEXT NOT NULL,
  version INTEGER NOT NULL,
  published INTEGER,
  scope INTEGER,
  PRIMARY KEY (tenant, document)
) WITHOUT ROWID;
CREATE INDEX search_published ON search_documents(scope, published) WHERE published IS NOT NULL;
CREATE TABLE search_revisions(
  no INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  document TEXT NOT NULL,
  revision TEXT NOT NULL,
  scope INTEGER NOT NULL,
  name TEXT NOT NULL,
  staged_at_ms INTEGER NOT NULL,
  UNIQUE (tenant, document, revision)
);
CREATE TABLE search_passages(
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  heading TEXT NOT NULL,
  page INTEGER,
  vector BLOB NOT NULL
);
CREATE VIRTUAL TABLE search_text USING fts5(
  scope, heading, text,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE search_rests(revision INTEGER PRIMARY KEY);
