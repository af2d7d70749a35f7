-- Where the BMC of the machine is, as it last told: whoever asks for a campaign is told who is off and can't be turned on. One
-- that was off before this is told of once it boots.
ALTER TABLE machines ADD COLUMN bmc_address TEXT;
