-- One run of an asset's graph: a walk that a replica claimed, or one that brought news.
CREATE TABLE runs (
    id             TEXT PRIMARY KEY NOT NULL,
    asset_id       TEXT NOT NULL REFERENCES assets (id),
    boot_id        TEXT,
    -- Its lease: the replica that runs it, and until when nobody else may.
    holder         TEXT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    begun_ms       BIGINT NOT NULL,
    -- NULL while it is under way.
    ended_ms       BIGINT,
    -- JSON array of dag::replay::Step, in order; NULL: it is under way, or was lost with its replica.
    path           TEXT
);
-- An asset has one run under way at a time, whoever runs it.
CREATE UNIQUE INDEX runs_one_under_way ON runs (asset_id) WHERE ended_ms IS NULL;
CREATE INDEX runs_asset ON runs (asset_id, id);

-- The run that a transition is of; NULL: it is from before runs were kept.
ALTER TABLE transitions ADD COLUMN run_id TEXT;

-- Why the loop breaker stopped an asset; NULL: it did not.
ALTER TABLE assets ADD COLUMN looping TEXT;
-- When a person last cleared that: what was before counts no more.
ALTER TABLE assets ADD COLUMN loop_cleared_ms BIGINT;
