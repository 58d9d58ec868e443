-- What models are to remember, as draive keeps it: elements and variables of memories (up to 0.92), turns of
-- conversations (from 0.100 on), so that a schema of draive's is taken over as it is.

CREATE TABLE IF NOT EXISTS {schema}.memories (
    identifier text NOT NULL,
    created timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (identifier)
);

CREATE TABLE IF NOT EXISTS {schema}.memories_variables (
    identifier text NOT NULL REFERENCES {schema}.memories (identifier) ON DELETE CASCADE,
    variables jsonb NOT NULL DEFAULT '{}',
    created timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS {schema}.memories_elements (
    identifier text NOT NULL REFERENCES {schema}.memories (identifier) ON DELETE CASCADE,
    content jsonb NOT NULL,
    created timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS {schema}.conversation_memory (
    thread_id text NOT NULL,
    turn text NOT NULL,
    identifier uuid NOT NULL,
    payload jsonb NOT NULL,
    created timestamptz NOT NULL,
    PRIMARY KEY (thread_id, identifier)
);
CREATE INDEX IF NOT EXISTS conversation_memory_idx ON {schema}.conversation_memory
    (thread_id, created DESC, identifier DESC);
