-- Credentials that change under way: a pair of tokens per connection, sealed.
--
-- `sealed` is ciphertext; which key opens it says `key_id`. Name, version and key id are bound into
-- it, so a row that was moved, renamed or set back on its own does not open. What stands beside it
-- in the open is what alarms need, and no secret.

CREATE TABLE credentials (
    name               TEXT    NOT NULL PRIMARY KEY,
    -- Counts pairs. It changes with `sealed` and with nothing else.
    version            INTEGER NOT NULL CHECK (version > 0),
    state              TEXT    NOT NULL CHECK (state IN ('fresh', 'uncertain', 'dead')),
    key_id             TEXT    NOT NULL,
    sealed             BLOB    NOT NULL CHECK (length(sealed) > 40),
    tenant             TEXT,
    issued_at          INTEGER NOT NULL,
    access_expires_at  INTEGER NOT NULL,
    refresh_expires_at INTEGER NOT NULL,
    -- Refreshes with this pair whose outcome is not known, the one under way included.
    tries              INTEGER NOT NULL CHECK (tries >= 0),
    tried_at           INTEGER,
    note               TEXT,
    -- Who refreshes, and until when nobody else does: real time.
    lease_owner        TEXT,
    lease_until        INTEGER,
    changed_at         INTEGER NOT NULL,
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
    -- A refresh under way is an uncertain one until its answer is stored.
    CHECK (lease_owner IS NULL OR (state = 'uncertain' AND tries > 0)),
    CHECK (state <> 'fresh' OR tries = 0),
    CHECK (tries = 0 OR tried_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- One authorization at a time per connection: the hash of the word that must come back with it.
CREATE TABLE authorizations (
    name       TEXT    NOT NULL PRIMARY KEY,
    state_hash BLOB    NOT NULL CHECK (length(state_hash) = 32),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
