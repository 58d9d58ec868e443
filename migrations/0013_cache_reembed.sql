-- All vectors of the cache are replaced by those of another embedder, while it is used.

-- By question, whose text alone a vector depends on: answers may be replaced meanwhile. Before the switch `embedding` is
-- what is to come and `before` what there is; after it, until it is finished, what there is and what was before. Empty:
-- the question has none.
CREATE TABLE IF NOT EXISTS {schema}.stele_shadow_vectors (
    namespace text NOT NULL,
    query_hash text NOT NULL,
    embedding bytea NOT NULL,
    before bytea NOT NULL,
    PRIMARY KEY (namespace, query_hash)
);
-- Floats do not get smaller by compression.
ALTER TABLE {schema}.stele_shadow_vectors ALTER COLUMN embedding SET STORAGE EXTERNAL,
    ALTER COLUMN before SET STORAGE EXTERNAL;

-- Each switch begins an epoch. Who has vectors of the one before in memory, or is about to put some, compares.
CREATE TABLE IF NOT EXISTS {schema}.stele_cache_epochs (
    epoch bigint PRIMARY KEY,
    embedder text,
    began timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE OR REPLACE TRIGGER stele_note_epoch AFTER INSERT ON {schema}.stele_cache_epochs
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_all('cache');

CREATE OR REPLACE FUNCTION {schema}.stele_same_epoch(given bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF given <> coalesce((SELECT max(e.epoch) FROM {schema}.stele_cache_epochs e), 0) THEN
        RAISE EXCEPTION 'the vectors of the cache were replaced by those of another embedder' USING ERRCODE = '40001';
    END IF;
END
$$;
