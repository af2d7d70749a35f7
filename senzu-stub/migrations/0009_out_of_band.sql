-- What Senzu does itself, from outside, through an asset's BMC: instructions like any other that no agent is handed.
ALTER TABLE instructions ADD COLUMN out_of_band BIGINT NOT NULL DEFAULT 0;
-- The replica that is at it, and until when nobody else may. It renews that while it works.
ALTER TABLE instructions ADD COLUMN holder TEXT;
ALTER TABLE instructions ADD COLUMN lease_until_ms BIGINT;
-- Looked for every second.
CREATE INDEX instructions_out_of_band ON instructions (status, issued_ms) WHERE out_of_band = 1;
