-- What makes two effects one thing to whoever sees it, whatever their keys: kind, purpose, due date,
-- client. Made by the program; here for the rows that are there. Notes planned before they had a
-- purpose have none, and so has a row whose input can't be read.
ALTER TABLE effects ADD COLUMN identity TEXT;

-- When it was found to be no longer wanted although a request for it may have been carried out: it
-- is then looked for, and never sent again.
ALTER TABLE effects ADD COLUMN withdrawn_at INTEGER;

UPDATE effects
SET identity = kind || '/' || json_extract(input, '$.script') || '/' || json_extract(input, '$.due')
    || '/' || client
WHERE kind IN ('portal_message', 'email', 'call_task') AND json_valid(input);

CREATE INDEX effects_identity ON effects (identity, seq) WHERE identity IS NOT NULL;
