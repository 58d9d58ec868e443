-- Threads of memories that go on from another: what a fork has of its parent is read there and not copied.

CREATE TABLE IF NOT EXISTS {schema}.stele_memory_forks (
    kind text NOT NULL CHECK (kind IN ('conversations', 'models')),
    thread text NOT NULL,
    parent text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (kind, thread)
);
COMMENT ON COLUMN {schema}.stele_memory_forks.until IS 'the stamp of the last thing that the fork has of its parent';
CREATE INDEX IF NOT EXISTS stele_memory_forks_parent ON {schema}.stele_memory_forks (kind, parent);
