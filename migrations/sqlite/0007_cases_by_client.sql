-- All cases of a client, closed ones too: asked before each message, so that she does not hear from
-- two cases within a day. Without it every case there ever was is read for that.
CREATE INDEX cases_client ON cases (client);
