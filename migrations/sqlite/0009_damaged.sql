-- Rows that could not be read, as they stood: before anything is done about one, its bytes are kept
-- here. Nothing reads this table but a person; nothing is ever taken out of it.
--
-- `columns` maps each column to its storage class and its bytes in hexadecimal.

CREATE TABLE damaged (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    who        TEXT    NOT NULL,
    what       TEXT    NOT NULL CHECK (what IN ('set_aside', 'mended', 'discarded')),
    table_name TEXT    NOT NULL,
    row        TEXT    NOT NULL,
    columns    TEXT    NOT NULL CHECK (json_valid(columns))
) STRICT;

CREATE INDEX damaged_row ON damaged (table_name, row);
