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
-- Those that may expire: looked for every second, among years of those that are over.
CREATE INDEX approvals_expiry ON approvals (expires_ms)
    WHERE status IN ('pending', 'approved') AND outcome IS NULL AND begun_ms IS NULL;

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

-- What was ordered.
CREATE TABLE vendors (
    name    TEXT PRIMARY KEY NOT NULL,
    made_ms BIGINT NOT NULL
);

CREATE TABLE purchase_orders (
    number    TEXT PRIMARY KEY NOT NULL,
    vendor    TEXT NOT NULL REFERENCES vendors (name),
    made_by   TEXT NOT NULL,
    made_ms   BIGINT NOT NULL,
    -- When its last line was full; NULL: something is missing still.
    closed_ms BIGINT
);

CREATE TABLE order_lines (
    order_number    TEXT NOT NULL REFERENCES purchase_orders (number),
    line            BIGINT NOT NULL,
    profile         TEXT NOT NULL,
    -- NULL: any.
    profile_version BIGINT,
    count           BIGINT NOT NULL,
    -- How many of them are listed by serial.
    listed          BIGINT NOT NULL,
    matched         BIGINT NOT NULL,
    -- How many of the listed ones were matched.
    matched_listed  BIGINT NOT NULL,
    closed_ms       BIGINT,
    PRIMARY KEY (order_number, line)
);
CREATE INDEX order_lines_open ON order_lines (profile) WHERE closed_ms IS NULL;

CREATE TABLE order_serials (
    -- In upper case, as serials are compared.
    serial       TEXT PRIMARY KEY NOT NULL,
    order_number TEXT NOT NULL,
    line         BIGINT NOT NULL,
    -- Which asset was matched by it.
    asset_id     TEXT REFERENCES assets (id),
    FOREIGN KEY (order_number, line) REFERENCES order_lines (order_number, line)
);
CREATE INDEX order_serials_line ON order_serials (order_number, line);

CREATE TABLE deliveries (
    order_number TEXT NOT NULL,
    line         BIGINT NOT NULL,
    stage        TEXT NOT NULL,
    -- A date, as 2026-12-24.
    due          TEXT,
    count        BIGINT NOT NULL,
    arrived      BIGINT NOT NULL,
    PRIMARY KEY (order_number, line, stage),
    FOREIGN KEY (order_number, line) REFERENCES order_lines (order_number, line)
);

CREATE TABLE order_matches (
    asset_id     TEXT PRIMARY KEY NOT NULL REFERENCES assets (id),
    -- NULL: an operator said that it needs no order.
    order_number TEXT,
    line         BIGINT,
    stage        TEXT,
    -- 'serial', 'profile', 'hardware', 'person', 'dismissed'
    how          TEXT NOT NULL,
    matched_by   TEXT NOT NULL,
    at_ms        BIGINT NOT NULL
);
CREATE INDEX order_matches_line ON order_matches (order_number, line);

-- An alert ends when its cause does (resolved_by is NULL), or when an operator says so.
ALTER TABLE alerts ADD COLUMN resolved_ms BIGINT;
ALTER TABLE alerts ADD COLUMN resolved_by TEXT;
ALTER TABLE alerts ADD COLUMN resolved_why TEXT;
CREATE INDEX alerts_at ON alerts (at_ms, id);
CREATE INDEX alerts_open ON alerts (kind, asset_id) WHERE resolved_ms IS NULL;
CREATE INDEX alerts_open_asset ON alerts (asset_id) WHERE resolved_ms IS NULL;

-- Where alerts are sent.
CREATE TABLE webhooks (
    id       TEXT PRIMARY KEY NOT NULL,
    name     TEXT NOT NULL,
    url      TEXT NOT NULL,
    -- What deliveries are signed with: not hashed, because it signs.
    secret   TEXT NOT NULL,
    -- The authority in PEM that an https:// receiver is believed by; NULL: those of the system.
    ca       TEXT,
    made_by  TEXT NOT NULL,
    made_ms  BIGINT NOT NULL,
    ended_ms BIGINT
);

CREATE TABLE webhook_deliveries (
    id         TEXT PRIMARY KEY NOT NULL,
    webhook_id TEXT NOT NULL REFERENCES webhooks (id),
    body       TEXT NOT NULL,
    -- 'pending', 'delivered', 'dead'
    status     TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    made_ms    BIGINT NOT NULL,
    -- When to try next; while somebody tries, when to try if nothing was heard of that.
    next_ms    BIGINT NOT NULL,
    ended_ms   BIGINT,
    last_error TEXT
);
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (next_ms) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_status ON webhook_deliveries (status, id);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_ms) WHERE status = 'delivered';

-- Each change of a check's verdict within one boot: who looks for flapping counts them.
CREATE TABLE verdict_changes (
    id         TEXT PRIMARY KEY NOT NULL,
    asset_id   TEXT NOT NULL REFERENCES assets (id),
    -- The check, and what it was checked on.
    object     TEXT NOT NULL,
    at_ms      BIGINT NOT NULL
);
CREATE INDEX verdict_changes_object ON verdict_changes (asset_id, object, at_ms);
CREATE INDEX verdict_changes_at ON verdict_changes (at_ms);

-- The firmware that each asset was last seen with.
CREATE TABLE asset_firmware (
    asset_id  TEXT NOT NULL REFERENCES assets (id),
    -- 'bios', 'bmc'
    component TEXT NOT NULL,
    -- Of what it is: the system's product.
    product   TEXT NOT NULL,
    version   TEXT NOT NULL,
    PRIMARY KEY (asset_id, component)
);
CREATE INDEX asset_firmware_version ON asset_firmware (component, product, version);
