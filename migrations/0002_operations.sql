-- Writes that were done under an operation id, so that sending one again does nothing and gives the same outcome.

CREATE TABLE IF NOT EXISTS {schema}.stele_operations (
    id uuid PRIMARY KEY,
    outcome jsonb,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- for the removal of old ones
CREATE INDEX IF NOT EXISTS stele_operations_created_at ON {schema}.stele_operations (created_at);
