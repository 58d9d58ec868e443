-- The function of migration 15, which says what it does. What is put is unnested once instead of looked up in each array for
-- each row: a call of one entry takes the server 350 us instead of 550, one of 32 an eighth less.

CREATE OR REPLACE FUNCTION {schema}.stele_put_many(locks bigint[], names text[], hashes text[], queries text[], responses text[],
    vectors bytea[], metadatas jsonb[], ttls bigint[], settled_by text[], default_ttls bigint[], tokens uuid[], epochs bigint[],
    own_entries bigint[], own_bytes bigint[], at_once bigint[],
    OUT place integer, OUT id bigint, OUT writer bigint, OUT refused_for text, OUT gone_from text, OUT evicted bigint, OUT expired bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    now_is bigint;
    settled record;
    refused text[];
    places integer[];
    ids bigint[];
    writers bigint[];
BEGIN
    PERFORM {schema}.stele_raise_version(1);
    SELECT coalesce((SELECT max(e.epoch) FROM {schema}.stele_cache_epochs e), 0) AS epoch,
        EXISTS (SELECT FROM {schema}.stele_cache_policies) AS policies, (SELECT min(n) FROM unnest(own_entries) n) AS entries,
        (SELECT min(n) FROM unnest(own_bytes) n) AS bytes, (SELECT max(n) FROM unnest(at_once) n) AS at_once,
        EXISTS (SELECT FROM {schema}.namespace_quotas) OR EXISTS (SELECT FROM {schema}.stele_cache_limits) AS limits
        INTO settled;
    refused := ARRAY(SELECT CASE WHEN NOT pg_try_advisory_xact_lock(locks[n]) THEN 'busy'
            WHEN epochs[n] <> settled.epoch THEN 'epoch' END
        FROM generate_subscripts(names, 1) n ORDER BY n);
    IF cardinality(array_remove(tokens, NULL)) > 0 THEN
        WITH ended AS (
            DELETE FROM {schema}.stele_computations c USING generate_subscripts(names, 1) n
                WHERE c.namespace = names[n] AND c.query_hash = hashes[n] AND c.token = tokens[n] AND refused[n] IS NULL
            RETURNING n)
        SELECT array_agg(CASE WHEN refused[n] IS NULL AND tokens[n] IS NOT NULL AND e.n IS NULL THEN 'claim' ELSE refused[n] END
            ORDER BY n) INTO refused FROM generate_subscripts(names, 1) n LEFT JOIN ended e USING (n);
    END IF;
    now_is := floor(extract(epoch FROM clock_timestamp()));
    WITH stored AS (
        INSERT INTO {schema}.entries AS e (namespace, query_hash, query, response, embedding, metadata, created_at,
            last_accessed_at, ttl, access_count)
        SELECT g.name, g.hash, g.query, g.response,
                CASE WHEN octet_length(g.vector) > 0 THEN g.vector ELSE {schema}.stele_no_vector() END,
                g.metadata, now_is, now_is, coalesce(g.ttl, CASE WHEN settled.policies THEN
                    (SELECT p.default_ttl FROM {schema}.stele_cache_policies p WHERE p.namespace = g.settled) END,
                    g.default_ttl), 0
            FROM unnest(names, hashes, queries, responses, vectors, metadatas, ttls, settled_by, default_ttls, refused)
                AS g(name, hash, query, response, vector, metadata, ttl, settled, default_ttl, refused) WHERE g.refused IS NULL
        ON CONFLICT (namespace, query_hash) DO UPDATE SET query = EXCLUDED.query, response = EXCLUDED.response,
            embedding = EXCLUDED.embedding, metadata = EXCLUDED.metadata, created_at = EXCLUDED.created_at,
            last_accessed_at = EXCLUDED.last_accessed_at, ttl = EXCLUDED.ttl, access_count = 0
        RETURNING e.id, e.namespace, e.query_hash, e.xmin::text::bigint AS writer)
    SELECT array_agg(u.place), array_agg(s.id), array_agg(s.writer) INTO places, ids, writers FROM stored s
        JOIN unnest(names, hashes) WITH ORDINALITY AS u(name, hash, place) ON u.name = s.namespace AND u.hash = s.query_hash;
    RETURN QUERY
    SELECT u.place, u.id, u.writer, NULL, NULL, NULL::bigint, NULL::bigint FROM unnest(places, ids, writers) u(place, id, writer)
    UNION ALL
    SELECT n, NULL, NULL, refused[n], NULL, NULL, NULL FROM generate_subscripts(refused, 1) n WHERE refused[n] IS NOT NULL;

    IF settled.limits OR settled.entries IS NOT NULL OR settled.bytes IS NOT NULL THEN
        RETURN QUERY SELECT 1, NULL::bigint, NULL::bigint, NULL, g.gone_from, g.evicted, g.expired
            FROM {schema}.stele_evict(ARRAY(SELECT DISTINCT n FROM unnest(names) n), coalesce(ids, '{}'), settled.entries,
                settled.bytes, settled.at_once) g;
    ELSIF random() < 1.0 / 64 THEN
        PERFORM {schema}.stele_fold_sizes();
    END IF;
END
$$;
