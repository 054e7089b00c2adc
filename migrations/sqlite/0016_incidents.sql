-- What many cases meet alike at a vendor: one row for each vendor of which there is anything to remember. A
-- row is replaced only by who has read its version, so that any number of workers and processes know the same
-- incidents.
CREATE TABLE incidents (
    vendor  TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL CHECK (version > 0),
    body    TEXT    NOT NULL CHECK (json_valid(body))
) STRICT, WITHOUT ROWID;
