-- What a coach is asked about a client in one task of the CRM: the open items about the client, and the
-- latest of the effects that belong to the client alone.
CREATE INDEX work_items_client ON work_items (client, seq) WHERE settled_at IS NULL AND client IS NOT NULL;
CREATE INDEX effects_of_client ON effects (client, kind, seq) WHERE scope = 'client';
