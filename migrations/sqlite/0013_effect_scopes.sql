-- What an effect belongs to: a case, as all did until now, a client, a work item, or the installation.
-- Which of the three names is there follows from it. SQLite changes no rule of a table: both are made anew,
-- because intents name their effect.
CREATE TABLE scoped_effects (
    seq          INTEGER PRIMARY KEY,
    key          TEXT    NOT NULL,
    -- The default is for a process of the version before, while both run.
    scope        TEXT    NOT NULL DEFAULT 'case' CHECK (scope IN ('case', 'client', 'work_item', 'installation')),
    case_id      BLOB    CHECK (case_id IS NULL OR length(case_id) = 16),
    client       TEXT,
    item_id      BLOB    CHECK (item_id IS NULL OR length(item_id) = 16),
    kind         TEXT    NOT NULL,
    blocking     INTEGER NOT NULL CHECK (blocking IN (0, 1)),
    not_before   INTEGER NOT NULL,
    input        TEXT    NOT NULL CHECK (json_valid(input)),
    input_hash   TEXT    NOT NULL,
    mode         TEXT    NOT NULL CHECK (mode IN ('propose', 'act')),
    state        TEXT    NOT NULL CHECK (state IN ('planned', 'intended', 'unclear', 'done',
                     'proposed', 'overtaken', 'held', 'dead', 'unsettled', 'cancelled')),
    revision     INTEGER NOT NULL CHECK (revision >= 0),
    request      TEXT    CHECK (request IS NULL OR json_valid(request)),
    intended_at  INTEGER,
    probes       INTEGER NOT NULL CHECK (probes >= 0),
    settled      TEXT    CHECK (settled IS NULL OR json_valid(settled)),
    -- Taken out of `settled`, for look-ups by the vendor's id.
    vendor_ref   TEXT,
    -- What makes two effects one thing to whoever sees it. Made by the program.
    identity     TEXT,
    -- When it was found to be no longer wanted although a request for it may have been carried out.
    withdrawn_at INTEGER,
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    -- Nothing can have been sent without the bytes and the moment of an intent.
    CHECK (state NOT IN ('intended', 'unclear')
        OR (request IS NOT NULL AND intended_at IS NOT NULL AND revision > 0)),
    CHECK ((case_id IS NOT NULL) = (scope = 'case')),
    CHECK (client IS NOT NULL OR scope IN ('work_item', 'installation')),
    CHECK (client IS NULL OR scope <> 'installation'),
    CHECK ((item_id IS NOT NULL) = (scope = 'work_item'))
) STRICT;

INSERT INTO scoped_effects (seq, key, scope, case_id, client, item_id, kind, blocking, not_before, input,
    input_hash, mode, state, revision, request, intended_at, probes, settled, vendor_ref, identity,
    withdrawn_at, created_at, changed_at)
SELECT seq, key, 'case', case_id, client, NULL, kind, blocking, not_before, input,
    input_hash, mode, state, revision, request, intended_at, probes, settled, vendor_ref, identity,
    withdrawn_at, created_at, changed_at
FROM effects;

-- Needed by what references it.
CREATE UNIQUE INDEX scoped_effects_key ON scoped_effects (key);

CREATE TABLE scoped_intents (
    seq      INTEGER PRIMARY KEY,
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    effect   TEXT    NOT NULL REFERENCES scoped_effects (key),
    revision INTEGER NOT NULL CHECK (revision > 0),
    request  TEXT    NOT NULL CHECK (json_valid(request)),
    reading  TEXT    NOT NULL CHECK (json_valid(reading)),
    at       INTEGER NOT NULL,
    outcome  TEXT
) STRICT;

INSERT INTO scoped_intents (seq, id, effect, revision, request, reading, at, outcome)
SELECT seq, id, effect, revision, request, reading, at, outcome FROM intents;

DROP TABLE intents;
DROP TABLE effects;
-- Renaming renames the reference, too.
ALTER TABLE scoped_effects RENAME TO effects;
ALTER TABLE scoped_intents RENAME TO intents;

DROP INDEX scoped_effects_key;
CREATE UNIQUE INDEX effects_key ON effects (key);
CREATE INDEX effects_case ON effects (case_id, seq);
CREATE INDEX effects_vendor_ref ON effects (vendor_ref) WHERE vendor_ref IS NOT NULL;
CREATE INDEX effects_client_refs ON effects (client, kind, seq) WHERE vendor_ref IS NOT NULL;
CREATE INDEX effects_identity ON effects (identity, seq) WHERE identity IS NOT NULL;
CREATE INDEX effects_in_doubt ON effects (key) WHERE state IN ('intended', 'unclear', 'unsettled');
CREATE UNIQUE INDEX intents_id ON intents (id);
CREATE UNIQUE INDEX intents_once ON intents (effect, revision);
