-- How much a check matters where it did not pass: protocol::finding::Severity. Findings from before it was known are
-- judged anew with the next facts; until then they hold an asset back, as they did.
ALTER TABLE findings ADD COLUMN severity TEXT NOT NULL DEFAULT 'major';
