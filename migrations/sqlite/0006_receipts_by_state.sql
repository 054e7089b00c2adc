-- An index of every receipt by state costs every webhook a row, and moves it when it is read. What
-- is asked for by state is what has not left the queue, and what a person must look at: few rows.
CREATE INDEX receipts_new ON receipts (seq) WHERE state = 'new';
CREATE INDEX receipts_quarantined ON receipts (seq) WHERE state = 'quarantined';
DROP INDEX receipts_state;
