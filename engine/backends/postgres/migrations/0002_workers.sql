-- The engine processes that work on this store, as each tells of itself now and then; and bodies too large for a queue.

CREATE TABLE worker (
    name text COLLATE "C" PRIMARY KEY,
    since bigint NOT NULL,
    at bigint NOT NULL,
    facts text NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE blob (
    digest text COLLATE "C" PRIMARY KEY,
    at bigint NOT NULL,  -- last put, by the clock of the server
    content bytea NOT NULL
);
CREATE INDEX blob_at ON blob (at);
