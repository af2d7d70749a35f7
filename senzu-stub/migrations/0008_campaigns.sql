-- Firmware for many assets, in waves; and how many are written to at once.

CREATE TABLE campaigns (
    id               TEXT PRIMARY KEY NOT NULL,
    name             TEXT NOT NULL,
    -- campaign::Spec, JSON.
    spec             TEXT NOT NULL,
    why              TEXT NOT NULL,
    -- 'draft', 'approved', 'running', 'paused', 'halted', 'aborted', 'finished'
    status           TEXT NOT NULL,
    -- Why it is so.
    words            TEXT,
    asked_by         TEXT NOT NULL,
    asked_ms         BIGINT NOT NULL,
    approved_by      TEXT,
    approved_ms      BIGINT,
    started_ms       BIGINT,
    ended_ms         BIGINT,
    -- How many of its members have a wave: what a percentage is of.
    members          BIGINT NOT NULL,
    -- The wave whose members may be admitted, until when; 0: none.
    open_wave        BIGINT NOT NULL,
    open_until_ms    BIGINT NOT NULL,
    -- Failures before this do not count: a person has looked since.
    counted_since_ms BIGINT NOT NULL,
    -- The asset that its alert is raised about.
    halted_asset     TEXT,
    -- When to look at it next; NULL: nothing is to be done.
    look_ms          BIGINT,
    -- Who looks, and until when nobody else may.
    holder           TEXT,
    lease_until_ms   BIGINT
);
CREATE INDEX campaigns_look ON campaigns (look_ms) WHERE look_ms IS NOT NULL;

CREATE TABLE campaign_members (
    campaign_id TEXT NOT NULL REFERENCES campaigns (id),
    asset_id    TEXT NOT NULL REFERENCES assets (id),
    -- Counts from 1; 0: it did not qualify.
    wave        BIGINT NOT NULL,
    -- 'waiting', 'admitted', 'done', 'recovery', 'impossible', 'skipped'
    status      TEXT NOT NULL,
    words       TEXT,
    goal_id     TEXT,
    changed_ms  BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, asset_id)
);
CREATE INDEX campaign_members_asset ON campaign_members (asset_id, status);
CREATE INDEX campaign_members_status ON campaign_members (campaign_id, status);

-- Who may be written to now. A slot that is over counts as none; one that was asked for and not given yet is over from the
-- beginning.
CREATE TABLE firmware_slots (
    asset_id    TEXT PRIMARY KEY NOT NULL REFERENCES assets (id),
    -- NULL: the goal is of no campaign.
    campaign_id TEXT,
    -- The management network, as 10.78.0.0/24.
    network     TEXT NOT NULL,
    rack        TEXT,
    region      TEXT,
    expires_ms  BIGINT NOT NULL,
    -- When it was taken, or asked for.
    taken_ms    BIGINT NOT NULL
);
CREATE INDEX firmware_slots_expiry ON firmware_slots (expires_ms);

-- How many are written to at once in one management network, unless a campaign says otherwise. Whoever takes a slot has
-- this row to itself.
INSERT INTO counters (name, value) VALUES ('firmware_per_network', 16);
