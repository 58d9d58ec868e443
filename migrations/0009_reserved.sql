-- Keeps the number of a migration that is written elsewhere.

COMMENT ON TABLE {schema}.stele_changes IS 'what was changed, noted by triggers in the transaction that changes it';
