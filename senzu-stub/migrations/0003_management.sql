-- The network that an asset's BMC is reached in: protocol::expectation::ManagementNetwork; NULL: nobody said.
ALTER TABLE plans ADD COLUMN management TEXT;
