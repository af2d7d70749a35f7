-- Firmware images. The images themselves are files in the data directory.
CREATE TABLE artifacts (
    -- Of the image, lower-case hex.
    sha256       TEXT PRIMARY KEY NOT NULL,
    size_bytes   BIGINT NOT NULL,
    vendor       TEXT NOT NULL,
    -- '*' stands for any text.
    model        TEXT NOT NULL,
    -- pious_protocol::firmware::FirmwareComponent
    component    TEXT NOT NULL,
    version      TEXT NOT NULL,
    -- A minisign signature file, whole.
    signature    TEXT NOT NULL,
    release_note TEXT NOT NULL,
    -- 'critical', 'recommended', 'optional'
    severity     TEXT NOT NULL,
    file_name    TEXT NOT NULL,
    added_by     TEXT NOT NULL,
    added_ms     BIGINT NOT NULL,
    -- When the image came and was as it should be; NULL: it did not yet.
    image_ms     BIGINT
);
