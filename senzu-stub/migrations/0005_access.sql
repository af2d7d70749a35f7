-- Who may do what, what two people decide, what was ordered, what a person should know of, and how assets are found.

-- People (and programs) that operate Senzu. A role is 'viewer', 'operator', 'approver' or 'admin'.
CREATE TABLE operators (
    name       TEXT PRIMARY KEY NOT NULL,
    role       TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    made_ms    BIGINT NOT NULL,
    -- When they were shut out; NULL: they may still do what their role may.
    ended_ms   BIGINT
);

CREATE TABLE tokens (
    id         TEXT PRIMARY KEY NOT NULL,
    -- SHA-256, hex.
    token_hash TEXT NOT NULL UNIQUE,
    operator   TEXT NOT NULL REFERENCES operators (name),
    name       TEXT NOT NULL,
    -- At most that of the operator counts.
    role       TEXT NOT NULL,
    -- 'made', 'file' (operator-token in the data directory) or 'first' (the one that the first start prints).
    origin     TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    made_ms    BIGINT NOT NULL,
    -- NULL: it does not expire.
    expires_ms BIGINT,
    ended_ms   BIGINT,
    ended_by   TEXT
);
CREATE INDEX tokens_operator ON tokens (operator);

-- Whoever signed in on the pages.
CREATE TABLE ui_sessions (
    -- SHA-256 of the cookie, hex.
    session_hash TEXT PRIMARY KEY NOT NULL,
    token_id     TEXT NOT NULL REFERENCES tokens (id),
    -- Stands in each form of the session.
    csrf         TEXT NOT NULL,
    made_ms      BIGINT NOT NULL,
    expires_ms   BIGINT NOT NULL
);
CREATE INDEX ui_sessions_expiry ON ui_sessions (expires_ms);

-- What one operator asks for and another approves.
CREATE TABLE approvals (
    id          TEXT PRIMARY KEY NOT NULL,
    asset_id    TEXT NOT NULL REFERENCES assets (id),
    -- 'promote', 'wipe', 'retire'
    kind        TEXT NOT NULL,
    why         TEXT NOT NULL,
    -- 'pending', 'approved', 'denied', 'expired'
    status      TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    asked_ms    BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    decided_by  TEXT,
    decided_ms  BIGINT,
    decided_why TEXT,
    -- When a bean began to carry it out: from then on it does not expire.
    begun_ms    BIGINT,
    -- Of an approved one: 'done' or 'failed' once beans ended it, and how.
    outcome     TEXT,
    words       TEXT,
    ended_ms    BIGINT
);
-- One thing at a time is asked of an asset, or done to it.
CREATE UNIQUE INDEX approvals_one_open ON approvals (asset_id)
    WHERE status = 'pending' OR (status = 'approved' AND outcome IS NULL);
CREATE INDEX approvals_status ON approvals (status, id);
CREATE INDEX approvals_asset ON approvals (asset_id, id);

-- The approval that a promotion carries out; NULL: it was asked through the agent.
ALTER TABLE promotions ADD COLUMN approval_id TEXT;

-- Not everything that happens happens to an asset.
CREATE TABLE audit_trail (
    id       TEXT PRIMARY KEY NOT NULL,
    asset_id TEXT REFERENCES assets (id),
    at_ms    BIGINT NOT NULL,
    who      TEXT NOT NULL,
    what     TEXT NOT NULL,
    why      TEXT NOT NULL
);
INSERT INTO audit_trail (id, asset_id, at_ms, who, what, why) SELECT id, asset_id, at_ms, who, what, why FROM audit;
DROP TABLE audit;
ALTER TABLE audit_trail RENAME TO audit;
CREATE INDEX audit_asset ON audit (asset_id, id);

-- Where an asset stands in the world, as imported, and the profile that its plan names.
ALTER TABLE assets ADD COLUMN region TEXT;
ALTER TABLE assets ADD COLUMN rack TEXT;
ALTER TABLE assets ADD COLUMN profile TEXT;
UPDATE assets SET profile = (SELECT plans.profile FROM plans WHERE plans.asset_id = assets.id);
CREATE INDEX assets_state ON assets (state, name);
CREATE INDEX assets_evaluation ON assets (evaluation, name);
CREATE INDEX assets_region ON assets (region, name);
CREATE INDEX assets_rack ON assets (rack, name);
CREATE INDEX assets_profile ON assets (profile, name);
CREATE INDEX assets_last_seen ON assets (last_seen_ms);

-- The name stands here too, so that a page of one tag's assets is read in order from one index.
CREATE TABLE asset_tags (
    asset_id TEXT NOT NULL REFERENCES assets (id),
    tag      TEXT NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (asset_id, tag)
);
CREATE INDEX asset_tags_tag ON asset_tags (tag, name);

-- What an asset is found by: beginnings of words of its name, serial and MAC addresses, in lower case, letters and digits
-- alone.
CREATE TABLE asset_words (
    asset_id TEXT NOT NULL REFERENCES assets (id),
    word     TEXT NOT NULL,
    PRIMARY KEY (asset_id, word)
);
CREATE INDEX asset_words_word ON asset_words (word, asset_id);
