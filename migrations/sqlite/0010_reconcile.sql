-- How often in a row a job was taken back because its process died while it ran: what ends its
-- process again and again must come to an end itself, and to a person.
ALTER TABLE jobs ADD COLUMN rescues INTEGER NOT NULL DEFAULT 0 CHECK (rescues >= 0);

-- Almost always empty: looked at by every claim.
CREATE INDEX jobs_suspect ON jobs (run_at, seq) WHERE rescues >= 2;

-- What the reconcile walks through, page by page: only what is going on.
CREATE INDEX cases_open_by_id ON cases (id) WHERE status <> 'closed';
CREATE INDEX work_items_open_by_id ON work_items (id) WHERE settled_at IS NULL;
CREATE INDEX effects_in_doubt ON effects (key) WHERE state IN ('intended', 'unclear', 'unsettled');

-- Whether somebody was told already, also when she has settled it.
CREATE INDEX work_items_key ON work_items (dedupe_key, seq);
