-- Why a revision was rejected, and how far each process is with one.

ALTER TABLE revision ADD COLUMN problem text NOT NULL DEFAULT '';

CREATE TABLE revision_report (
    number bigint NOT NULL,
    worker text COLLATE "C" NOT NULL,
    stage text NOT NULL,
    problem text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (number, worker)
);
