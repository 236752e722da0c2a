-- Why a revision was rejected, and how far each process is with one.

ALTER TABLE revision ADD COLUMN problem TEXT NOT NULL DEFAULT '';

CREATE TABLE revision_report (
    number INTEGER NOT NULL,
    worker TEXT NOT NULL,
    stage TEXT NOT NULL,
    problem TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (number, worker)
) WITHOUT ROWID;
