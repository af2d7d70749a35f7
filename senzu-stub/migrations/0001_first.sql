-- Senzu's first tables. TEXT and BIGINT only, so that another database differs in one dialect file at most.
-- Times are milliseconds since 1970-01-01T00:00:00Z. Ids are UUIDv7, so they sort by age. JSON lies in TEXT columns whose
-- names say what it is.

-- Counts changes that somebody waits for.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('boot_targets', 1);
INSERT INTO counters (name, value) VALUES ('imports', 0);

CREATE TABLE assets (
    id                TEXT PRIMARY KEY NOT NULL,
    name              TEXT NOT NULL UNIQUE,
    state             TEXT NOT NULL,
    evaluation        TEXT NOT NULL,
    -- Where it stands in the DAG, and why.
    step              TEXT,
    reason            TEXT,
    -- Counts the changes of state, evaluation, step and reason.
    standing_revision BIGINT NOT NULL,
    -- protocol::identity::Fingerprint, as last seen; of an asset that never booted, as planned.
    fingerprint       TEXT NOT NULL,
    serial            TEXT,
    -- Why it can't be told which machine this is.
    doubt             TEXT,
    held_by           TEXT,
    held_since_ms     BIGINT,
    next_sequence     BIGINT NOT NULL,
    -- When the DAG must be walked again though nothing happens.
    next_walk_ms      BIGINT,
    created_ms        BIGINT NOT NULL,
    last_seen_ms      BIGINT,
    current_boot      TEXT
);
CREATE INDEX assets_next_walk ON assets (next_walk_ms);

-- The single values of fingerprints, to find candidates by.
CREATE TABLE asset_keys (
    asset_id TEXT NOT NULL REFERENCES assets (id),
    kind     TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (asset_id, kind, value)
);
CREATE INDEX asset_keys_value ON asset_keys (kind, value);

-- Whose a MAC address is: 'seen', 'planned' or 'bmc'.
CREATE TABLE asset_macs (
    asset_id TEXT NOT NULL REFERENCES assets (id),
    mac      TEXT NOT NULL,
    kind     TEXT NOT NULL,
    PRIMARY KEY (asset_id, mac, kind)
);
CREATE INDEX asset_macs_mac ON asset_macs (mac);

CREATE TABLE profiles (
    name    TEXT NOT NULL,
    version BIGINT NOT NULL,
    -- protocol::expectation::HardwareProfile
    body    TEXT NOT NULL,
    PRIMARY KEY (name, version)
);

-- What the import says of an asset.
CREATE TABLE plans (
    asset_id        TEXT PRIMARY KEY NOT NULL REFERENCES assets (id),
    serial          TEXT,
    uuid            TEXT,
    -- JSON array of MAC addresses.
    macs            TEXT NOT NULL,
    profile         TEXT,
    -- NULL: the newest.
    profile_version BIGINT,
    -- protocol::expectation::CablingPlan; NULL: nobody said.
    cabling         TEXT
);

CREATE TABLE imports (
    id     TEXT PRIMARY KEY NOT NULL,
    at_ms  BIGINT NOT NULL,
    source TEXT NOT NULL,
    body   TEXT NOT NULL
);

CREATE TABLE sessions (
    boot_id          TEXT PRIMARY KEY NOT NULL,
    asset_id         TEXT NOT NULL REFERENCES assets (id),
    started_ms       BIGINT NOT NULL,
    last_seen_ms     BIGINT NOT NULL,
    -- When it ended by an instruction of ours; NULL while it may still live.
    ended_ms         BIGINT,
    ended_why        TEXT,
    firmware_mode    TEXT NOT NULL,
    agent_version    TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,
    -- JSON array of protocol::message::TimelineEntry
    timeline         TEXT NOT NULL,
    last_words       TEXT,
    -- The newest standing and expectation that the agent was told.
    told_revision    BIGINT NOT NULL,
    told_expectation TEXT NOT NULL
);
CREATE INDEX sessions_asset ON sessions (asset_id, started_ms);

CREATE TABLE session_tokens (
    -- SHA-256, hex.
    token_hash TEXT PRIMARY KEY NOT NULL,
    boot_id    TEXT NOT NULL REFERENCES sessions (boot_id),
    issue      BIGINT NOT NULL
);
CREATE INDEX session_tokens_boot ON session_tokens (boot_id);

CREATE TABLE facts (
    boot_id     TEXT PRIMARY KEY NOT NULL REFERENCES sessions (boot_id),
    generation  BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    -- protocol::facts::Facts
    body        TEXT NOT NULL
);

CREATE TABLE findings (
    asset_id   TEXT NOT NULL REFERENCES assets (id),
    position   BIGINT NOT NULL,
    check_name TEXT NOT NULL,
    subject    TEXT,
    verdict    TEXT NOT NULL,
    seen       TEXT NOT NULL,
    expected   TEXT NOT NULL,
    remedy     TEXT NOT NULL,
    PRIMARY KEY (asset_id, position)
);

CREATE TABLE instructions (
    id         TEXT PRIMARY KEY NOT NULL,
    asset_id   TEXT NOT NULL REFERENCES assets (id),
    sequence   BIGINT NOT NULL,
    boot_id    TEXT,
    -- The bean, or the operator.
    issuer     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    -- protocol::instruction::Instruction; signed when handed out.
    body       TEXT NOT NULL,
    status     TEXT NOT NULL,
    issued_ms  BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    UNIQUE (asset_id, sequence)
);
-- A bean has one instruction under way at a time, whatever else goes wrong.
CREATE UNIQUE INDEX instructions_one_per_bean ON instructions (asset_id, issuer)
    WHERE status IN ('issued', 'accepted') AND issuer <> 'operator';

-- 'accepted', 'progress' (the newest) and 'final' of each instruction.
CREATE TABLE reports (
    instruction_id TEXT NOT NULL REFERENCES instructions (id),
    stage          TEXT NOT NULL,
    at_ms          BIGINT NOT NULL,
    -- protocol::message::Report
    body           TEXT NOT NULL,
    PRIMARY KEY (instruction_id, stage)
);

CREATE TABLE promotions (
    id        TEXT PRIMARY KEY NOT NULL,
    asset_id  TEXT NOT NULL REFERENCES assets (id),
    boot_id   TEXT NOT NULL,
    requester TEXT NOT NULL,
    why       TEXT,
    source    TEXT NOT NULL,
    asked_ms  BIGINT NOT NULL,
    -- 'pending', 'done', 'failed', 'refused'
    status    TEXT NOT NULL,
    words     TEXT
);
CREATE UNIQUE INDEX promotions_one_pending ON promotions (asset_id) WHERE status = 'pending';

-- Each change of a bean's outcome, written before it is acted on.
CREATE TABLE transitions (
    id       TEXT PRIMARY KEY NOT NULL,
    asset_id TEXT NOT NULL REFERENCES assets (id),
    boot_id  TEXT,
    graph    TEXT NOT NULL,
    bean     TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    reason   TEXT NOT NULL,
    at_ms    BIGINT NOT NULL
);
CREATE INDEX transitions_asset ON transitions (asset_id, graph, bean, id);

CREATE TABLE alerts (
    id       TEXT PRIMARY KEY NOT NULL,
    asset_id TEXT NOT NULL REFERENCES assets (id),
    kind     TEXT NOT NULL,
    -- What makes this occurrence another one than that: the boot ids, the last words.
    object   TEXT NOT NULL,
    words    TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    UNIQUE (asset_id, kind, object)
);

CREATE TABLE audit (
    id       TEXT PRIMARY KEY NOT NULL,
    asset_id TEXT NOT NULL REFERENCES assets (id),
    at_ms    BIGINT NOT NULL,
    who      TEXT NOT NULL,
    what     TEXT NOT NULL,
    why      TEXT NOT NULL
);
CREATE INDEX audit_asset ON audit (asset_id, id);
