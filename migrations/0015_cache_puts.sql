-- Puts of many callers in one statement, so that what triggers do for a statement is done once for all.

-- The elements with the same number belong together; no question stands there twice. For whoever has raised the version
-- counter. Does not wait for a transaction that is putting one of the questions: all others would wait for that, too. What
-- has a token is stored only while the computation with it is claimed, and ends it; what has an epoch, in that of the
-- vectors. Says which entry each element (`place`, from 1) became, or what it is refused for, and in further rows of the
-- first what had to go.
CREATE OR REPLACE FUNCTION {schema}.stele_put(locks bigint[], names text[], hashes text[], queries text[], responses text[],
    vectors bytea[], metadatas jsonb[], ttls bigint[], settled_by text[], default_ttls bigint[], tokens uuid[], epochs bigint[],
    own_entries bigint[], own_bytes bigint[], at_once bigint[],
    OUT place integer, OUT id bigint, OUT writer bigint, OUT refused_for text, OUT gone_from text, OUT evicted bigint, OUT expired bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    now_is bigint := floor(extract(epoch FROM clock_timestamp()));
    most_entries bigint := (SELECT min(n) FROM unnest(own_entries) n);
    most_bytes bigint := (SELECT min(n) FROM unnest(own_bytes) n);
    ids bigint[] := '{}';
    late bigint[] := '{}';
    replaced bigint[] := '{}';
    puts record;
BEGIN
    IF NOT (SELECT bool_and(pg_try_advisory_xact_lock(k)) FROM unnest(locks) k) THEN
        RAISE lock_not_available USING MESSAGE = 'another transaction is putting the same question';
    END IF;
    IF cardinality(array_remove(epochs, NULL)) > 0 THEN
        late := ARRAY(SELECT u.place FROM unnest(epochs) WITH ORDINALITY AS u(epoch, place) WHERE u.epoch <>
            coalesce((SELECT max(e.epoch) FROM {schema}.stele_cache_epochs e), 0));
    END IF;
    IF cardinality(array_remove(tokens, NULL)) > 0 THEN
        WITH ended AS (
            DELETE FROM {schema}.stele_computations c USING unnest(names, hashes, tokens) WITH ORDINALITY
                    AS u(name, hash, token, place)
                WHERE c.namespace = u.name AND c.query_hash = u.hash AND c.token = u.token AND u.place <> ALL (late)
            RETURNING u.place)
        SELECT coalesce(array_agg(u.place), '{}') INTO replaced FROM unnest(tokens) WITH ORDINALITY AS u(token, place)
            WHERE u.token IS NOT NULL AND u.place <> ALL (late) AND NOT EXISTS (SELECT FROM ended WHERE ended.place = u.place);
    END IF;
    FOR puts IN
        WITH stored AS (
            INSERT INTO {schema}.entries AS e (namespace, query_hash, query, response, embedding, metadata, created_at,
                last_accessed_at, ttl, access_count)
            SELECT u.name, u.hash, u.query, u.response, CASE WHEN octet_length(u.vector) > 0 THEN u.vector
                    ELSE coalesce(decode(repeat('00000000',
                        (SELECT m.value::integer FROM {schema}.schema_meta m WHERE m.key = 'embedder_dim')), 'hex'), '') END,
                    u.metadata, now_is, now_is, coalesce(u.ttl,
                        (SELECT p.default_ttl FROM {schema}.stele_cache_policies p WHERE p.namespace = u.tenant), u.default_ttl), 0
                FROM unnest(names, hashes, queries, responses, vectors, metadatas, ttls, settled_by, default_ttls) WITH ORDINALITY
                    AS u(name, hash, query, response, vector, metadata, ttl, tenant, default_ttl, place)
                WHERE u.place <> ALL (late) AND u.place <> ALL (replaced)
            ON CONFLICT (namespace, query_hash) DO UPDATE SET query = EXCLUDED.query, response = EXCLUDED.response,
                embedding = EXCLUDED.embedding, metadata = EXCLUDED.metadata, created_at = EXCLUDED.created_at,
                last_accessed_at = EXCLUDED.last_accessed_at, ttl = EXCLUDED.ttl, access_count = 0
            RETURNING e.id, e.namespace, e.query_hash, e.xmin::text::bigint AS writer)
        SELECT u.place::integer AS place, s.id, s.writer FROM stored s
            JOIN unnest(names, hashes) WITH ORDINALITY AS u(name, hash, place) ON u.name = s.namespace AND u.hash = s.query_hash
    LOOP
        place := puts.place;
        id := puts.id;
        writer := puts.writer;
        ids := ids || puts.id;
        RETURN NEXT;
    END LOOP;
    RETURN QUERY
    SELECT n::integer, NULL::bigint, NULL::bigint, 'epoch', NULL, NULL::bigint, NULL::bigint FROM unnest(late) n
    UNION ALL
    SELECT n::integer, NULL, NULL, 'claim', NULL, NULL, NULL FROM unnest(replaced) n;

    IF most_entries IS NOT NULL OR most_bytes IS NOT NULL OR EXISTS (SELECT FROM {schema}.namespace_quotas)
        OR EXISTS (SELECT FROM {schema}.stele_cache_limits) THEN
        RETURN QUERY SELECT 1, NULL::bigint, NULL::bigint, NULL, g.gone_from, g.evicted, g.expired
            FROM {schema}.stele_evict(ARRAY(SELECT DISTINCT n FROM unnest(names) n), ids, most_entries, most_bytes,
                (SELECT max(n) FROM unnest(at_once) n)) g;
    ELSIF random() < cardinality(names) / 64.0 THEN
        PERFORM {schema}.stele_fold_sizes();
    END IF;
END
$$;
