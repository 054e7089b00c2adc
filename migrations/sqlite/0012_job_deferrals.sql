-- What was read out of a job's note, or of its error's text, until now.
--
-- The vendor that keeps a job waiting, and whether a call of its own was refused with "too many".
ALTER TABLE jobs ADD COLUMN deferred_by TEXT;
ALTER TABLE jobs ADD COLUMN refused INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1));

-- The vendor whose call failed last, where it was a vendor's.
ALTER TABLE jobs ADD COLUMN error_vendor TEXT;
ALTER TABLE attempts ADD COLUMN error_vendor TEXT;

-- The texts of before are read this once. Only what goes on is decided on: a job that is over or stopped
-- begins anew without any of it.
UPDATE jobs SET
    deferred_by = CASE WHEN state IN ('ready', 'running') AND substr(note, 1, 22) = 'waits for its turn at '
            AND instr(substr(note, 23), ':') > 1
        THEN substr(note, 23, instr(substr(note, 23), ':') - 1) END,
    refused = state IN ('ready', 'running')
        AND (ifnull(substr(note, -32) = ' (a call of its own was refused)', 0)
             OR ifnull(substr(error_message, -32) = ' (a call of its own was refused)', 0)),
    error_vendor = CASE WHEN error_class = 'unauthorised' AND instr(error_message, ' ') > 1
        THEN substr(error_message, 1, instr(error_message, ' ') - 1) END
WHERE (note IS NOT NULL OR error_message IS NOT NULL);
