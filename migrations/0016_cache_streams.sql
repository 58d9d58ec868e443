-- Who waits for an answer in another process may read it while it is computed.

-- Until when somebody wants to; null: nobody has wanted to yet.
ALTER TABLE {schema}.stele_computations ADD COLUMN IF NOT EXISTS followed_until timestamptz;

-- What has been written of such answers, each piece from that byte on. It is of use while the computation's token stands;
-- who computes removes it in the end.
CREATE TABLE IF NOT EXISTS {schema}.stele_computation_pieces (
    namespace text NOT NULL,
    query_hash text NOT NULL,
    token uuid NOT NULL,
    from_byte bigint NOT NULL,
    piece bytea NOT NULL,
    PRIMARY KEY (namespace, query_hash, token, from_byte)
);
