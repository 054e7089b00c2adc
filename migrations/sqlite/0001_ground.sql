-- The ground: everything the relay keeps.
--
-- Conventions
--   times      INTEGER, microseconds since 1970-01-01 UTC
--   our ids    BLOB of 16 bytes (UUID); vendors' ids TEXT as the vendor wrote them
--   seq        the rowid: order of storing, and what rows of one table are sorted by in the end
--   documents  TEXT that is valid JSON
-- What must never be true is refused here as well as in code, because the file outlives the code.
--
-- Foreign keys stand where the port itself requires the parent, and are checked at once. None is
-- deferred: a deferred one fails the COMMIT, and with it every other request of the same group.

CREATE TABLE receipts (
    seq            INTEGER PRIMARY KEY,
    id             BLOB    NOT NULL CHECK (length(id) = 16),
    source         TEXT    NOT NULL,
    dedupe_key     TEXT    NOT NULL,
    dedupe_forever INTEGER NOT NULL CHECK (dedupe_forever IN (0, 1)),
    verified_by    TEXT    NOT NULL,
    received_at    INTEGER NOT NULL,
    content_type   TEXT,
    body           BLOB    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('new', 'done', 'quarantined', 'duplicate')),
    duplicate_of   BLOB    REFERENCES receipts (id),
    note           TEXT,
    processed_at   INTEGER,
    CHECK ((state = 'duplicate') = (duplicate_of IS NOT NULL)),
    CHECK (state <> 'new' OR processed_at IS NULL),
    CHECK (state <> 'done' OR processed_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX receipts_id ON receipts (id);
CREATE INDEX receipts_state ON receipts (state, seq);
-- A vendor's own id stays taken for ever; a body hash only while an equal receipt is unread.
CREATE UNIQUE INDEX receipts_original ON receipts (source, dedupe_key)
    WHERE dedupe_forever = 1 AND state <> 'duplicate';
CREATE UNIQUE INDEX receipts_unread ON receipts (source, dedupe_key)
    WHERE dedupe_forever = 0 AND state = 'new';

CREATE TABLE facts (
    seq         INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL,
    object      TEXT    NOT NULL,
    source_time INTEGER NOT NULL,
    client      TEXT    NOT NULL,
    body        TEXT    NOT NULL CHECK (json_valid(body)),
    receipt     BLOB    REFERENCES receipts (id),
    learned_at  INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX facts_once ON facts (kind, object, source_time);
CREATE INDEX facts_client ON facts (client, source_time, seq);
CREATE INDEX facts_receipt ON facts (receipt, seq) WHERE receipt IS NOT NULL;

CREATE TABLE cases (
    seq            INTEGER PRIMARY KEY,
    id             BLOB    NOT NULL CHECK (length(id) = 16),
    client         TEXT    NOT NULL,
    procedure      TEXT    NOT NULL,
    procedure_hash TEXT    NOT NULL,
    logic          INTEGER NOT NULL,
    mode           TEXT    NOT NULL CHECK (mode IN ('propose', 'act')),
    version        INTEGER NOT NULL CHECK (version >= 0),
    status         TEXT    NOT NULL CHECK (status IN ('open', 'paused', 'held', 'closed')),
    reason         TEXT,
    step           TEXT    NOT NULL,
    visit          INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    wait           TEXT    CHECK (wait IS NULL OR json_valid(wait)),
    data           TEXT    NOT NULL CHECK (json_valid(data)),
    opened_at      INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL,
    CHECK ((status = 'open') = (reason IS NULL)),
    -- A case never silently expires: what is not closed waits for something.
    CHECK (status = 'closed' OR wait IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX cases_id ON cases (id);
CREATE UNIQUE INDEX cases_open ON cases (client, procedure) WHERE status <> 'closed';
CREATE INDEX cases_changed ON cases (changed_at, seq);

CREATE TABLE timeline (
    seq     INTEGER PRIMARY KEY,
    case_id BLOB    NOT NULL REFERENCES cases (id),
    at      INTEGER NOT NULL,
    step    TEXT    NOT NULL,
    text    TEXT    NOT NULL,
    sop     TEXT,
    detail  TEXT    CHECK (detail IS NULL OR json_valid(detail))
) STRICT;

CREATE INDEX timeline_case ON timeline (case_id, seq);

CREATE TABLE effects (
    seq         INTEGER PRIMARY KEY,
    key         TEXT    NOT NULL,
    case_id     BLOB    NOT NULL CHECK (length(case_id) = 16),
    client      TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    blocking    INTEGER NOT NULL CHECK (blocking IN (0, 1)),
    not_before  INTEGER NOT NULL,
    input       TEXT    NOT NULL CHECK (json_valid(input)),
    input_hash  TEXT    NOT NULL,
    mode        TEXT    NOT NULL CHECK (mode IN ('propose', 'act')),
    state       TEXT    NOT NULL CHECK (state IN ('planned', 'intended', 'unclear', 'done',
                    'proposed', 'overtaken', 'held', 'dead', 'unsettled', 'cancelled')),
    revision    INTEGER NOT NULL CHECK (revision >= 0),
    request     TEXT    CHECK (request IS NULL OR json_valid(request)),
    intended_at INTEGER,
    probes      INTEGER NOT NULL CHECK (probes >= 0),
    settled     TEXT    CHECK (settled IS NULL OR json_valid(settled)),
    -- Taken out of `settled`, for look-ups by the vendor's id.
    vendor_ref  TEXT,
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    -- Nothing can have been sent without the bytes and the moment of an intent.
    CHECK (state NOT IN ('intended', 'unclear')
        OR (request IS NOT NULL AND intended_at IS NOT NULL AND revision > 0))
) STRICT;

CREATE UNIQUE INDEX effects_key ON effects (key);
CREATE INDEX effects_case ON effects (case_id, seq);
CREATE INDEX effects_vendor_ref ON effects (vendor_ref) WHERE vendor_ref IS NOT NULL;
CREATE INDEX effects_client_refs ON effects (client, kind, seq) WHERE vendor_ref IS NOT NULL;

-- One row per right to mutate. (effect, revision) is the right itself: it can't be given twice.
CREATE TABLE intents (
    seq      INTEGER PRIMARY KEY,
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    effect   TEXT    NOT NULL REFERENCES effects (key),
    revision INTEGER NOT NULL CHECK (revision > 0),
    request  TEXT    NOT NULL CHECK (json_valid(request)),
    reading  TEXT    NOT NULL CHECK (json_valid(reading)),
    at       INTEGER NOT NULL,
    outcome  TEXT
) STRICT;

CREATE UNIQUE INDEX intents_id ON intents (id);
CREATE UNIQUE INDEX intents_once ON intents (effect, revision);

CREATE TABLE jobs (
    -- AUTOINCREMENT: a number is never given twice, so the order of a lane can't turn round.
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB    NOT NULL CHECK (length(id) = 16),
    key           TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    lane          TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('ready', 'running', 'done', 'parked', 'dead',
                      'cancelled')),
    run_at        INTEGER NOT NULL,
    fence         INTEGER NOT NULL CHECK (fence >= 0),
    failures      INTEGER NOT NULL CHECK (failures >= 0),
    failing_since INTEGER,
    leased_by     TEXT,
    lease_until   INTEGER,
    client        TEXT,
    case_id       BLOB    CHECK (case_id IS NULL OR length(case_id) = 16),
    payload       TEXT    NOT NULL CHECK (json_valid(payload)),
    error_class   TEXT,
    error_message TEXT,
    note          TEXT,
    created_at    INTEGER NOT NULL,
    changed_at    INTEGER NOT NULL,
    CHECK ((state = 'running') = (leased_by IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK (state <> 'running' OR fence > 0),
    CHECK ((failures = 0) = (failing_since IS NULL)),
    CHECK ((error_class IS NULL) = (error_message IS NULL))
) STRICT;

CREATE UNIQUE INDEX jobs_id ON jobs (id);
CREATE UNIQUE INDEX jobs_key ON jobs (key);
-- A lane can't have two running jobs, whatever the code above believes.
CREATE UNIQUE INDEX jobs_running ON jobs (lane) WHERE state = 'running';
-- What a claim reads. Neither index knows of jobs that are over.
CREATE INDEX jobs_due ON jobs (run_at, seq) WHERE state = 'ready';
CREATE INDEX jobs_lane ON jobs (lane, seq, run_at) WHERE state = 'ready';
-- What people ask for: few rows, listed and counted often.
CREATE INDEX jobs_stopped ON jobs (state, lane, seq)
    WHERE state IN ('parked', 'dead', 'cancelled');
CREATE INDEX jobs_case ON jobs (case_id, lane, seq) WHERE case_id IS NOT NULL;

CREATE TABLE attempts (
    job           INTEGER NOT NULL REFERENCES jobs (seq),
    fence         INTEGER NOT NULL CHECK (fence > 0),
    ended_at      INTEGER NOT NULL,
    result        TEXT    NOT NULL CHECK (result IN ('done', 'again', 'snoozed', 'parked', 'dead',
                      'cancelled', 'rescued')),
    error_class   TEXT,
    error_message TEXT,
    note          TEXT,
    PRIMARY KEY (job, fence),
    CHECK ((error_class IS NULL) = (error_message IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE work_items (
    seq            INTEGER PRIMARY KEY,
    id             BLOB    NOT NULL CHECK (length(id) = 16),
    dedupe_key     TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    owner          TEXT    NOT NULL,
    title          TEXT    NOT NULL,
    detail         TEXT    NOT NULL CHECK (json_valid(detail)),
    actions        TEXT    NOT NULL CHECK (json_valid(actions)),
    client         TEXT,
    case_id        BLOB    CHECK (case_id IS NULL OR length(case_id) = 16),
    effect         TEXT,
    opened_at      INTEGER NOT NULL,
    due            INTEGER NOT NULL,
    remind_at      INTEGER NOT NULL,
    reminders      INTEGER NOT NULL CHECK (reminders >= 0),
    settled_at     INTEGER,
    settled_by     TEXT,
    settled_action TEXT,
    CHECK ((settled_at IS NULL) = (settled_by IS NULL)),
    CHECK ((settled_at IS NULL) = (settled_action IS NULL))
) STRICT;

CREATE UNIQUE INDEX work_items_id ON work_items (id);
CREATE UNIQUE INDEX work_items_open ON work_items (dedupe_key) WHERE settled_at IS NULL;
CREATE INDEX work_items_due ON work_items (due, seq) WHERE settled_at IS NULL;
CREATE INDEX work_items_case ON work_items (case_id, seq) WHERE case_id IS NOT NULL;

CREATE TABLE links (
    client  TEXT    NOT NULL PRIMARY KEY,
    contact TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX links_contact ON links (contact, client);

CREATE TABLE coaches (
    id       TEXT NOT NULL PRIMARY KEY,
    name     TEXT NOT NULL,
    email    TEXT NOT NULL,
    crm_user TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value))
) STRICT, WITHOUT ROWID;

CREATE TABLE procedures (
    hash TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    who    TEXT    NOT NULL,
    what   TEXT    NOT NULL,
    object TEXT    NOT NULL,
    detail TEXT    NOT NULL CHECK (json_valid(detail))
) STRICT;
