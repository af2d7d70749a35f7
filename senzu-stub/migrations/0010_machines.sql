-- Who made the machine that an asset is, and which model, as it last told (SMBIOS type 1): campaigns look at every asset, and
-- facts are large.
CREATE TABLE machines (
    asset_id     TEXT PRIMARY KEY NOT NULL REFERENCES assets (id),
    manufacturer TEXT NOT NULL,
    model        TEXT NOT NULL
);
