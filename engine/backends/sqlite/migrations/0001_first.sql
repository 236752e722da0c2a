CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL);

-- Times are UTC microseconds everywhere, digests and ids are hex text, amounts exact decimal text.

-- transport ----------------------------------------------------------------------------------------------------------

-- What is in a queue has ids from number << 40 on, in the order of publishing: one B-tree serves all queues.
CREATE TABLE queue (
  number INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  UNIQUE (kind, name)
);
CREATE TABLE binding (
  type TEXT NOT NULL,
  route TEXT NOT NULL,
  PRIMARY KEY (type, route)
) WITHOUT ROWID;
CREATE TABLE item (
  id INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  due INTEGER NOT NULL,   -- 0: at once
  at INTEGER NOT NULL,
  born INTEGER NOT NULL,  -- opening of the transport in which it was published
  headers BLOB NOT NULL,
  body BLOB NOT NULL
);
CREATE INDEX item_due ON item (queue, due) WHERE due > 0;
CREATE TABLE opening (number INTEGER PRIMARY KEY);

-- inbox and ledger ---------------------------------------------------------------------------------------------------

CREATE TABLE inbox (
  route TEXT NOT NULL,
  day TEXT NOT NULL,
  id TEXT NOT NULL,
  "plan" TEXT NOT NULL,
  kind TEXT NOT NULL,
  planned TEXT NOT NULL,  -- JSON list of [sink, day, delivery id, via]
  reason TEXT NOT NULL,
  replay INTEGER NOT NULL,
  state TEXT NOT NULL,
  origin TEXT NOT NULL,
  guard TEXT NOT NULL,
  body TEXT NOT NULL,
  amount TEXT NOT NULL,
  currency TEXT NOT NULL,
  at INTEGER NOT NULL,
  segment TEXT NOT NULL,
  duplicates INTEGER NOT NULL DEFAULT 0,
  UNIQUE (route, day, id)
);
CREATE INDEX inbox_open ON inbox ("plan") WHERE state = 'open';
CREATE INDEX inbox_at ON inbox (at);
CREATE INDEX inbox_continued ON inbox (route, id) WHERE segment <> '';

CREATE TABLE ledger (
  day TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  route TEXT NOT NULL,
  sink TEXT NOT NULL,
  effect TEXT NOT NULL,
  event_id TEXT NOT NULL,
  origin TEXT NOT NULL,
  guard TEXT NOT NULL,
  body TEXT NOT NULL,
  revision INTEGER NOT NULL,
  token TEXT NOT NULL,
  lease_until INTEGER NOT NULL,
  result BLOB NOT NULL,
  reason TEXT NOT NULL,
  amount TEXT NOT NULL,
  currency TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (day, id)
);
CREATE INDEX ledger_event ON ledger (event_id);

-- work items ---------------------------------------------------------------------------------------------------------

CREATE TABLE work_item (
  id TEXT PRIMARY KEY,
  level TEXT NOT NULL,
  route TEXT NOT NULL,
  reason TEXT NOT NULL,
  subject TEXT NOT NULL,
  day TEXT NOT NULL,
  sink TEXT NOT NULL,
  event_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  owner TEXT NOT NULL,
  detail TEXT NOT NULL,
  data TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  root TEXT NOT NULL,
  search TEXT NOT NULL,
  amount TEXT NOT NULL,
  currency TEXT NOT NULL,
  revision TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  edits INTEGER NOT NULL,
  state TEXT NOT NULL,
  note TEXT NOT NULL,
  version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
);
CREATE INDEX work_item_state ON work_item (state, route, created);
CREATE INDEX work_item_event ON work_item (event_id);
CREATE INDEX work_item_subject ON work_item (subject);

-- order --------------------------------------------------------------------------------------------------------------

CREATE TABLE order_counter (
  type TEXT NOT NULL,
  order_key TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (type, order_key)
) WITHOUT ROWID;
CREATE TABLE order_number (
  type TEXT NOT NULL,
  event_id TEXT NOT NULL,
  day TEXT NOT NULL,
  order_key TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (type, event_id)
) WITHOUT ROWID;
CREATE TABLE fence (
  name TEXT PRIMARY KEY,
  type TEXT NOT NULL
) WITHOUT ROWID;
-- settled: every number up to this one; admitted: the largest number that was told `go`.
CREATE TABLE fence_key (
  fence TEXT NOT NULL,
  order_key TEXT NOT NULL,
  settled INTEGER NOT NULL,
  admitted INTEGER NOT NULL,
  PRIMARY KEY (fence, order_key)
) WITHOUT ROWID;
-- Numbers settled before the ones in front of them.
CREATE TABLE fence_ahead (
  fence TEXT NOT NULL,
  order_key TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (fence, order_key, number)
) WITHOUT ROWID;
CREATE TABLE held (
  fence TEXT NOT NULL,
  order_key TEXT NOT NULL,
  number INTEGER NOT NULL,
  day TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  lane TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (fence, order_key, number)
);
CREATE TABLE latest (
  fence TEXT NOT NULL,
  order_key TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (fence, order_key)
) WITHOUT ROWID;

-- steps --------------------------------------------------------------------------------------------------------------

CREATE TABLE grouping (
  route TEXT NOT NULL,
  step TEXT NOT NULL,
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  state TEXT NOT NULL,  -- open | closed | done
  cause TEXT NOT NULL,
  size INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  closed_at INTEGER NOT NULL,
  PRIMARY KEY (route, step, name, generation)
) WITHOUT ROWID;
CREATE INDEX grouping_state ON grouping (state) WHERE state <> 'done';
CREATE TABLE member (
  number INTEGER PRIMARY KEY,
  route TEXT NOT NULL,
  step TEXT NOT NULL,
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  day TEXT NOT NULL,
  event_id TEXT NOT NULL,
  output_key TEXT NOT NULL,
  body BLOB NOT NULL,
  amount TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (route, step, event_id, output_key)
);
CREATE INDEX member_of ON member (route, step, name, generation);
CREATE INDEX member_event ON member (event_id);
CREATE TABLE timer (
  id TEXT PRIMARY KEY,
  due INTEGER NOT NULL,
  kind TEXT NOT NULL,
  route TEXT NOT NULL,
  step TEXT NOT NULL,
  key TEXT NOT NULL,
  generation INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  done INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX timer_due ON timer (due) WHERE done = 0;
CREATE INDEX timer_delay ON timer (route, key) WHERE kind = 'delay';
CREATE TABLE chain (
  key TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  value BLOB NOT NULL
);
CREATE TABLE chain_result (
  key TEXT NOT NULL,
  event_id TEXT NOT NULL,
  result BLOB NOT NULL,
  PRIMARY KEY (key, event_id)
);

-- journal, revisions, leases, tables, audit, blobs -------------------------------------------------------------------

CREATE TABLE journal (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  day TEXT NOT NULL,
  event_id TEXT NOT NULL,
  trace TEXT NOT NULL,
  route TEXT NOT NULL,
  what TEXT NOT NULL,
  sink TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  detail TEXT NOT NULL,
  revision TEXT NOT NULL,
  event_type TEXT NOT NULL,
  keys TEXT NOT NULL
);
CREATE INDEX journal_trace ON journal (trace);
CREATE INDEX journal_event ON journal (event_id);
CREATE TABLE journal_key (
  value TEXT NOT NULL,
  name TEXT NOT NULL,
  trace TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (value, name, trace)
) WITHOUT ROWID;

CREATE TABLE revision (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  plans TEXT NOT NULL,  -- JSON object: route -> digest of its Plan
  pruned INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE revision_plan (
  "plan" TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY ("plan", number)
) WITHOUT ROWID;
CREATE TABLE revision_file (
  number INTEGER NOT NULL,
  path TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (number, path)
) WITHOUT ROWID;
CREATE TABLE file_content (digest TEXT PRIMARY KEY, content BLOB NOT NULL);

CREATE TABLE lease (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  token INTEGER NOT NULL,
  until INTEGER NOT NULL
);
CREATE TABLE cursor (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE seen (
  source TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (source, key)
) WITHOUT ROWID;

CREATE TABLE table_row (
  "table" TEXT NOT NULL,
  key TEXT NOT NULL,
  row BLOB NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY ("table", key)
);
CREATE TABLE table_stamp ("table" TEXT PRIMARY KEY, stamp INTEGER NOT NULL);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  reason TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  hash TEXT NOT NULL
);

-- at: last put.
CREATE TABLE blob (digest TEXT PRIMARY KEY, at INTEGER NOT NULL, content BLOB NOT NULL);
CREATE INDEX blob_at ON blob (at);
