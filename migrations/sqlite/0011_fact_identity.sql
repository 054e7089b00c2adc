-- A fact is known by its client as well: ids of objects are unique for a client at most. And one that
-- carries a state is known by what it says: two states of one object may be told with one time, and
-- both count. `digest` is `VERSION:SHA-256` of the state, and empty for everything else; rows of
-- before have none, so that a state they hold is news once more at most, which changes nothing.
--
-- The old index can't stay for a release, as it would refuse the second state. A program of before
-- that still runs fails to store facts from here on: its receipts stay new, and are read by this one.
ALTER TABLE facts ADD COLUMN digest TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX facts_known ON facts (client, kind, object, source_time, digest);
DROP INDEX facts_once;
