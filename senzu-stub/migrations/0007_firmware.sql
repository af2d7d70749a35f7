-- Which firmware assets shall have, which they were read to have, and how their BMCs are got at.

-- What an asset shall run. At most one of an asset's is not over.
CREATE TABLE firmware_goals (
    id          TEXT PRIMARY KEY NOT NULL,
    asset_id    TEXT NOT NULL REFERENCES assets (id),
    -- The versions, JSON.
    wanted      TEXT NOT NULL,
    -- NULL: an operator asked for this one asset.
    campaign_id TEXT,
    why         TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    asked_ms    BIGINT NOT NULL,
    -- What was tried before that does not count: when it was asked for, or last asked to be tried again.
    since_ms    BIGINT NOT NULL,
    -- 'open', 'recovery' (a person must look), 'done', 'withdrawn'
    status      TEXT NOT NULL,
    words       TEXT,
    ended_ms    BIGINT
);
CREATE UNIQUE INDEX firmware_goals_one_open ON firmware_goals (asset_id) WHERE status IN ('open', 'recovery');
CREATE INDEX firmware_goals_asset ON firmware_goals (asset_id, id);
CREATE INDEX firmware_goals_campaign ON firmware_goals (campaign_id, status);

-- What a component ran when it was last read from the device.
CREATE TABLE firmware_installed (
    asset_id  TEXT NOT NULL REFERENCES assets (id),
    component TEXT NOT NULL,
    version   TEXT NOT NULL,
    source    TEXT NOT NULL,
    -- The boot session that read it; NULL: Senzu did, from outside.
    boot_id   TEXT,
    read_ms   BIGINT NOT NULL,
    PRIMARY KEY (asset_id, component)
);

-- A BMC as Senzu gets at it. Its password is nowhere: it is derived, from a key of Senzu's and these counts.
CREATE TABLE bmcs (
    asset_id           TEXT PRIMARY KEY NOT NULL REFERENCES assets (id),
    -- Counts its passwords.
    generation         BIGINT NOT NULL,
    -- The generation that an agent set and proved; 0: none yet.
    proved             BIGINT NOT NULL,
    proved_ms          BIGINT,
    certificate_sha256 TEXT
);
