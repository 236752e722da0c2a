-- The engine processes that work on this store, as each tells of itself now and then.

CREATE TABLE worker (
    name TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL
) WITHOUT ROWID;
