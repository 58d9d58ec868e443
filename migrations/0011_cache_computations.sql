-- Which answers are being computed, so that several processes compute one once.

-- An answer is stored only while its computation's token stands here, and takes the row away with it. A row whose lease is
-- over is anybody's.
CREATE TABLE IF NOT EXISTS {schema}.stele_computations (
    namespace text NOT NULL,
    query_hash text NOT NULL,
    token uuid NOT NULL,
    lease_end timestamptz NOT NULL,
    PRIMARY KEY (namespace, query_hash)
);

-- Those who wait in other processes learn that it is over, however it ended.
CREATE OR REPLACE TRIGGER stele_note_computed AFTER DELETE ON {schema}.stele_computations
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_entries();
