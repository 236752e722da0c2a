-- Times are UTC microseconds everywhere, digests and ids are hex text, amounts exact decimal text. Keys and what is
-- sorted compare by code point ("C"), whatever the database's language. Rows that change often leave room in their page.

-- inbox and ledger ---------------------------------------------------------------------------------------------------

CREATE TABLE inbox (
  day text COLLATE "C" NOT NULL,
  route text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  "plan" text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  planned json NOT NULL,  -- list of [sink, day, delivery id, via]
  reason text COLLATE "C" NOT NULL,
  replay bigint NOT NULL,
  state text NOT NULL,
  origin text NOT NULL,
  guard text NOT NULL,
  body text NOT NULL,
  amount text NOT NULL,
  currency text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  segment text NOT NULL,
  duplicates bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (day, route, id)
) WITH (fillfactor = 85);
CREATE INDEX inbox_plan ON inbox ("plan");
CREATE INDEX inbox_at ON inbox (at);
CREATE INDEX inbox_continued ON inbox (route, id) WHERE segment <> '';

CREATE TABLE ledger (
  day text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  state text NOT NULL,
  attempt bigint NOT NULL,
  route text NOT NULL,
  sink text NOT NULL,
  effect text NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  origin text NOT NULL,
  guard text NOT NULL,
  body text NOT NULL,
  revision bigint NOT NULL,
  token text NOT NULL,
  lease_until bigint NOT NULL,
  result bytea NOT NULL,
  reason text NOT NULL,
  amount text NOT NULL,
  currency text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (day, id)
) WITH (fillfactor = 75);
CREATE INDEX ledger_event ON ledger (event_id);

-- work items ---------------------------------------------------------------------------------------------------------

CREATE TABLE work_item (
  id text COLLATE "C" PRIMARY KEY,
  level text NOT NULL,
  route text COLLATE "C" NOT NULL,
  reason text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  day text COLLATE "C" NOT NULL,
  sink text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  event_type text NOT NULL,
  owner text NOT NULL,
  detail text NOT NULL,
  data text NOT NULL,
  headers text NOT NULL,
  body bytea NOT NULL,
  root text NOT NULL,
  search text NOT NULL,  -- JSON object, written without spaces
  amount text NOT NULL,
  currency text NOT NULL,
  revision text NOT NULL,
  attempts bigint NOT NULL,
  edits bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  note text NOT NULL,
  version bigint NOT NULL,
  created bigint NOT NULL,
  updated bigint NOT NULL
);
CREATE INDEX work_item_state ON work_item (state, route, created);
CREATE INDEX work_item_event ON work_item (event_id);
CREATE INDEX work_item_subject ON work_item (subject);

-- order --------------------------------------------------------------------------------------------------------------

CREATE TABLE order_counter (
  type text COLLATE "C" NOT NULL,
  order_key text COLLATE "C" NOT NULL,
  last bigint NOT NULL,
  PRIMARY KEY (type, order_key)
) WITH (fillfactor = 50);
CREATE TABLE order_number (
  type text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  day text COLLATE "C" NOT NULL,
  order_key text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (type, event_id)
);
CREATE TABLE fence (
  name text COLLATE "C" PRIMARY KEY,
  type text COLLATE "C" NOT NULL
);
-- settled: every number up to this one; admitted: the largest number that was told `go`.
CREATE TABLE fence_key (
  fence text COLLATE "C" NOT NULL,
  order_key text COLLATE "C" NOT NULL,
  settled bigint NOT NULL,
  admitted bigint NOT NULL,
  PRIMARY KEY (fence, order_key)
) WITH (fillfactor = 50);
-- Numbers settled before the ones in front of them.
CREATE TABLE fence_ahead (
  fence text COLLATE "C" NOT NULL,
  order_key text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (fence, order_key, number)
);
CREATE TABLE held (
  fence text COLLATE "C" NOT NULL,
  order_key text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  day text COLLATE "C" NOT NULL,
  delivery_id text NOT NULL,
  lane text NOT NULL,
  headers text NOT NULL,
  body bytea NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (fence, order_key, number)
);
CREATE TABLE latest (
  fence text COLLATE "C" NOT NULL,
  order_key text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (fence, order_key)
) WITH (fillfactor = 50);

-- steps --------------------------------------------------------------------------------------------------------------

CREATE TABLE step_group (
  route text COLLATE "C" NOT NULL,
  step text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  state text NOT NULL,  -- open | closed | done
  cause text NOT NULL,
  size bigint NOT NULL,
  first_at bigint NOT NULL,
  closed_at bigint NOT NULL,
  continuation text COLLATE "C" NOT NULL,  -- id of the event that goes on for it
  PRIMARY KEY (route, step, name, generation)
) WITH (fillfactor = 75);
CREATE INDEX step_group_state ON step_group (state) WHERE state <> 'done';
CREATE TABLE member (
  number bigint GENERATED ALWAYS AS IDENTITY,  -- the order they joined in
  route text COLLATE "C" NOT NULL,
  step text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  output_key text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  day text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  amount text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (route, step, event_id, output_key)
);
CREATE INDEX member_of ON member (route, step, name, generation);
CREATE INDEX member_event ON member (event_id);
CREATE TABLE timer (
  id text COLLATE "C" PRIMARY KEY,
  due bigint NOT NULL,
  kind text NOT NULL,
  route text COLLATE "C" NOT NULL,
  step text NOT NULL,
  key text COLLATE "C" NOT NULL,
  generation bigint NOT NULL,
  headers text NOT NULL,
  body bytea NOT NULL,
  done boolean NOT NULL
);
CREATE INDEX timer_due ON timer (due, id) WHERE NOT done;
CREATE INDEX timer_delay ON timer (route, key) WHERE kind = 'delay';
CREATE TABLE chain (
  key text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  value bytea NOT NULL
);
CREATE TABLE chain_result (
  key text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  result bytea NOT NULL,
  PRIMARY KEY (key, event_id)
);

-- journal, revisions, leases, tables, audit --------------------------------------------------------------------------

CREATE TABLE journal (
  number bigint GENERATED ALWAYS AS IDENTITY,
  at bigint NOT NULL,
  day text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  trace text COLLATE "C" NOT NULL,
  route text NOT NULL,
  what text NOT NULL,
  sink text NOT NULL,
  attempt bigint NOT NULL,
  detail text NOT NULL,
  revision text NOT NULL,
  event_type text NOT NULL,
  keys text NOT NULL
);
CREATE INDEX journal_trace ON journal (trace);
CREATE INDEX journal_event ON journal (event_id);
CREATE INDEX journal_at ON journal USING brin (at);
CREATE TABLE journal_key (
  value text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  trace text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (value, name, trace)
);

CREATE TABLE revision (
  number bigint PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  state text NOT NULL,
  author text NOT NULL,
  reason text NOT NULL,
  at bigint NOT NULL,
  plans text NOT NULL,  -- JSON object: route -> digest of its Plan
  pruned boolean NOT NULL DEFAULT false
);
CREATE TABLE revision_plan (
  "plan" text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY ("plan", number)
);
CREATE TABLE file_content (digest text COLLATE "C" PRIMARY KEY, content bytea NOT NULL);
CREATE TABLE revision_file (
  number bigint NOT NULL,
  path text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  PRIMARY KEY (number, path)
);

CREATE TABLE lease (
  name text COLLATE "C" PRIMARY KEY,
  owner text NOT NULL,
  token bigint NOT NULL,
  until bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE source_cursor (name text COLLATE "C" PRIMARY KEY, value text NOT NULL) WITH (fillfactor = 50);
CREATE TABLE seen (
  source text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  note text NOT NULL,
  PRIMARY KEY (source, key)
);

CREATE TABLE table_row (
  name text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  row bytea NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (name, key)
);
CREATE TABLE table_stamp (name text COLLATE "C" PRIMARY KEY, stamp bigint NOT NULL) WITH (fillfactor = 50);

CREATE TABLE audit (
  seq bigint PRIMARY KEY,
  at bigint NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  reason text NOT NULL,
  before text NOT NULL,
  after text NOT NULL,
  hash text NOT NULL
);
