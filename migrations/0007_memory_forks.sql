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

-- A thread at depth 0, whole, and above it what it has of its parent, of its parent's parent and so on, each up to a
-- stamp. The fork of a thread is the first of at least that thread: looked up by the primary key, however many forks
-- there are by now. Whatever somebody wrote into the table, it ends.
CREATE OR REPLACE FUNCTION {schema}.stele_lineage(given_kind text, given_thread text, OUT thread text,
    OUT until timestamptz, OUT depth integer) RETURNS SETOF record LANGUAGE sql STABLE AS $$
    WITH RECURSIVE lineage AS (
        SELECT given_thread AS thread, 'infinity'::timestamptz AS until, 0 AS depth
        UNION ALL
        SELECT f.parent, least(l.until, f.until), l.depth + 1 FROM lineage l CROSS JOIN LATERAL (
            SELECT * FROM {schema}.stele_memory_forks g WHERE (g.kind, g.thread) >= (given_kind, l.thread)
            ORDER BY g.kind, g.thread LIMIT 1) f
        WHERE f.kind = given_kind AND f.thread = l.thread AND l.depth < 1000)
    SELECT lineage.thread, lineage.until, lineage.depth FROM lineage
$$;
