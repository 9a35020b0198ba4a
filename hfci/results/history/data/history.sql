-- A history of runs. What is many (a number for every case of every run) lies in `columns`, a compressed array each;
-- what is few, in rows.

-- The hfci that made this file, or brought it to this schema, in one row.
CREATE TABLE about (
    hfci TEXT NOT NULL
);

CREATE TABLE words (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);

CREATE TABLE subjects (
    id INTEGER PRIMARY KEY,
    model_type TEXT NOT NULL,
    check_name TEXT,
    task TEXT
);

CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    architecture TEXT,
    subject INTEGER NOT NULL
);

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    started TEXT NOT NULL,
    branch TEXT,
    scope TEXT NOT NULL,
    point TEXT NOT NULL
);

CREATE TABLE parts (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    number INTEGER NOT NULL,
    digest BLOB NOT NULL,
    recorded INTEGER NOT NULL,
    header BLOB NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

CREATE TABLE columns (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    name TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run, name)
);

CREATE TABLE details (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    case_id INTEGER NOT NULL,
    stage TEXT,
    error TEXT,
    message TEXT,
    reason TEXT,
    reproduce TEXT,
    fingerprint TEXT,
    PRIMARY KEY (run, case_id)
) WITHOUT ROWID;

CREATE INDEX details_of_a_case ON details (case_id);
