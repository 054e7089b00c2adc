-- What contacts opened and clicked, and whom the relay looks at between decisions.
--
-- One row per event, whoever told it first. The same mail and moment is one event; so is what a
-- post and a look tell of a mail of the same name within ten minutes (the statements see to that:
-- a post has no time of its own).

CREATE TABLE engagement (
    seq       INTEGER PRIMARY KEY,
    contact   TEXT    NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind IN ('open', 'click')),
    at        INTEGER NOT NULL,
    exact     INTEGER NOT NULL CHECK (exact IN (0, 1)),
    seen_at   INTEGER NOT NULL,
    source    TEXT    NOT NULL CHECK (source IN ('post', 'poll', 'history')),
    -- Who else told of it, when somebody did.
    confirmed TEXT    CHECK (confirmed IS NULL OR confirmed IN ('post', 'poll', 'history')),
    email     TEXT,
    sent_at   INTEGER,
    label     TEXT,
    -- The label as two sources would spell it alike.
    label_key TEXT    NOT NULL,
    link      TEXT,
    -- What was read has its mail and its own time; what was posted has neither.
    CHECK (exact = 0 OR email IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX engagement_read ON engagement (contact, kind, email, at)
    WHERE email IS NOT NULL;
CREATE UNIQUE INDEX engagement_told ON engagement (contact, kind, at, label_key)
    WHERE email IS NULL;
CREATE INDEX engagement_at ON engagement (contact, at);

-- No address is kept: only its SHA-256, to know it again in a list.
CREATE TABLE watched_addresses (
    contact   TEXT    NOT NULL PRIMARY KEY,
    address   TEXT,
    looked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX watched_addresses_address ON watched_addresses (address) WHERE address IS NOT NULL;
