-- Puts, each in one statement, and those of many callers in one for all, so that what triggers do for a statement is done once.

-- The row lock makes the order of ids the order of commits, so this comes before an entry's id is allocated. A counter that
-- was lost begins higher than any that a process can know.
CREATE OR REPLACE FUNCTION {schema}.stele_raise_version(step bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE {schema}.multi_process_state s SET value = (s.value::bigint + step)::text WHERE s.key = 'version_counter';
    IF NOT FOUND THEN
        INSERT INTO {schema}.multi_process_state AS s (key, value)
        VALUES ('version_counter', (floor(extract(epoch FROM clock_timestamp()))::bigint * 1000)::text)
        ON CONFLICT (key) DO UPDATE SET value = (s.value::bigint + step)::text;
    END IF;
END
$$;

-- What an entry without a vector holds instead, once it is known how long they are.
CREATE OR REPLACE FUNCTION {schema}.stele_no_vector() RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT coalesce(decode(repeat('00000000',
        (SELECT m.value::integer FROM {schema}.schema_meta m WHERE m.key = 'embedder_dim')), 'hex'), '')
$$;

-- Stores one answer. Does not wait for a transaction that is putting the same question (`lock` stands for it; null: it is held
-- already): all others would wait for that, too. What has a token is stored only while the computation with it is claimed,
-- and ends it; what has an epoch, in that of the vectors. Says which entry it became, or what it is refused for, and in
-- further rows what had to go. Without `at_once` it is part of a transaction that raises the version and evicts when it ends.
CREATE OR REPLACE FUNCTION {schema}.stele_put(lock bigint, name text, hash text, query text, response text, vector bytea,
    metadata jsonb, ttl bigint, settled_by text, default_ttl bigint, token uuid, epoch bigint, own_entries bigint, own_bytes bigint,
    at_once bigint,
    OUT id bigint, OUT writer bigint, OUT refused_for text, OUT gone_from text, OUT evicted bigint, OUT expired bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    now_is bigint;
    settled record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(lock) THEN
        refused_for := 'busy';
        RETURN NEXT;
        RETURN;
    END IF;
    IF at_once IS NOT NULL THEN
        PERFORM {schema}.stele_raise_version(1);
    END IF;
    -- together: to begin a statement takes longer than what these look for
    SELECT coalesce((SELECT max(e.epoch) FROM {schema}.stele_cache_epochs e), 0) AS epoch,
        (SELECT p.default_ttl FROM {schema}.stele_cache_policies p WHERE p.namespace = settled_by) AS ttl,
        own_entries IS NOT NULL OR own_bytes IS NOT NULL OR EXISTS (SELECT FROM {schema}.namespace_quotas)
            OR EXISTS (SELECT FROM {schema}.stele_cache_limits) AS limits
        INTO settled;
    IF epoch <> settled.epoch THEN
        refused_for := 'epoch';
    ELSIF token IS NOT NULL THEN
        DELETE FROM {schema}.stele_computations c
            WHERE c.namespace = name AND c.query_hash = hash AND c.token = stele_put.token;
        IF NOT FOUND THEN
            refused_for := 'claim';
        END IF;
    END IF;
    IF refused_for IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    IF octet_length(vector) = 0 THEN
        vector := {schema}.stele_no_vector();
    END IF;
    now_is := floor(extract(epoch FROM clock_timestamp()));
    INSERT INTO {schema}.entries AS e (namespace, query_hash, query, response, embedding, metadata, created_at,
        last_accessed_at, ttl, access_count)
    VALUES (name, hash, query, response, vector, metadata, now_is, now_is, coalesce(ttl, settled.ttl, default_ttl), 0)
    ON CONFLICT (namespace, query_hash) DO UPDATE SET query = EXCLUDED.query, response = EXCLUDED.response,
        embedding = EXCLUDED.embedding, metadata = EXCLUDED.metadata, created_at = EXCLUDED.created_at,
        last_accessed_at = EXCLUDED.last_accessed_at, ttl = EXCLUDED.ttl, access_count = 0
    RETURNING e.id, e.xmin::text::bigint INTO id, writer;
    RETURN NEXT;
    IF at_once IS NULL THEN
        RETURN;
    ELSIF settled.limits THEN
        RETURN QUERY SELECT NULL::bigint, NULL::bigint, NULL, g.gone_from, g.evicted, g.expired
            FROM {schema}.stele_evict(ARRAY[name], ARRAY[id], own_entries, own_bytes, at_once) g;
    ELSIF random() < 1.0 / 64 THEN
        PERFORM {schema}.stele_fold_sizes();
    END IF;
END
$$;

-- The same for many at once: the elements with the same number belong together, and no question stands there twice. `place`,
-- from 1, is the element that a row is about; what had to go is told of the first.
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
        SELECT names[n], hashes[n], queries[n], responses[n],
                CASE WHEN octet_length(vectors[n]) > 0 THEN vectors[n] ELSE {schema}.stele_no_vector() END,
                metadatas[n], now_is, now_is, coalesce(ttls[n], CASE WHEN settled.policies THEN
                    (SELECT p.default_ttl FROM {schema}.stele_cache_policies p WHERE p.namespace = settled_by[n]) END,
                    default_ttls[n]), 0
            FROM generate_subscripts(names, 1) n WHERE refused[n] IS NULL
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

-- What is inserted or deleted is noted, and counted by the same trigger if it says so: a put pays for each. A statement that
-- changes more entries than anybody wants to fetch one by one is noted by their namespaces.
CREATE OR REPLACE FUNCTION {schema}.stele_note_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sign bigint := CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END;
BEGIN
    IF TG_NARGS > 0 THEN
        INSERT INTO {schema}.stele_cache_deltas (namespace, entries, bytes)
        SELECT c.namespace, sign * count(*),
                sign * sum({schema}.stele_entry_bytes(c.query, c.response, c.embedding, c.metadata))
            FROM changed c GROUP BY c.namespace;
    END IF;
    INSERT INTO {schema}.stele_changes (store, namespace, key) SELECT 'cache', namespace, query_hash FROM changed
        WHERE NOT EXISTS (SELECT FROM changed OFFSET 5000);
    IF NOT FOUND THEN
        INSERT INTO {schema}.stele_changes (store, namespace) SELECT DISTINCT 'cache', namespace FROM changed;
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER stele_note_inserted AFTER INSERT ON {schema}.entries
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_entries('counted');
CREATE OR REPLACE TRIGGER stele_note_deleted AFTER DELETE ON {schema}.entries
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_entries('counted');
DROP TRIGGER IF EXISTS stele_count_inserted ON {schema}.entries;
DROP TRIGGER IF EXISTS stele_count_deleted ON {schema}.entries;
DROP FUNCTION IF EXISTS {schema}.stele_count_entries();

-- Where an eviction ends that began and is not over; null: there is none.
ALTER TABLE {schema}.stele_cache_sizes ADD COLUMN IF NOT EXISTS evict_to bigint;

-- Brings the tenants of these namespaces, and then all together, under their limits: what is stored here, and what the
-- caller asks for besides. For whoever has just put given_ids, or lowered a limit, and holds the version counter's row:
-- then no other put is between its entry and its own call. What must go goes; of what may go besides only some, so that no
-- put takes long, and the next puts of those who evict as much at once go on with it. Counts what went and says how much of
-- which namespace.
CREATE OR REPLACE FUNCTION {schema}.stele_evict(given_namespaces text[], given_ids bigint[], own_entries bigint,
    own_bytes bigint, at_once bigint, OUT gone_from text, OUT evicted bigint, OUT expired bigint)
RETURNS SETOF record LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    cap record;
    names text[];
    slack bigint;
    over bigint;
    target bigint;
    many CONSTANT bigint := 64;
    size record;
    trimmed record;
    removed text[] := '{}';
    dead text[] := '{}';
BEGIN
    IF own_entries IS NOT NULL OR own_bytes IS NOT NULL OR EXISTS (SELECT FROM {schema}.namespace_quotas)
        OR EXISTS (SELECT FROM {schema}.stele_cache_limits) THEN
        FOR cap IN
            SELECT t.tenant, q.max_entries, l.max_bytes, z.evict_to
                FROM (SELECT DISTINCT coalesce(s.tenant, n) AS tenant FROM unnest(given_namespaces) n
                    LEFT JOIN {schema}.stele_scopes s ON s.namespace = n) t
                LEFT JOIN {schema}.namespace_quotas q ON q.namespace = t.tenant
                LEFT JOIN {schema}.stele_cache_limits l ON l.namespace = t.tenant AND NOT l.whole
                LEFT JOIN {schema}.stele_cache_sizes z ON z.namespace = t.tenant AND NOT z.whole
                WHERE coalesce(q.max_entries, l.max_bytes) IS NOT NULL
            UNION ALL
            SELECT NULL, least(own_entries, l.max_entries), least(own_bytes, l.max_bytes), z.evict_to
                FROM (SELECT) one LEFT JOIN {schema}.stele_cache_limits l ON l.namespace = '' AND l.whole
                LEFT JOIN {schema}.stele_cache_sizes z ON z.namespace = '' AND z.whole
                WHERE coalesce(own_entries, own_bytes, l.max_entries, l.max_bytes) IS NOT NULL
        LOOP
            names := CASE WHEN cap.tenant IS NOT NULL THEN
                ARRAY(SELECT cap.tenant UNION SELECT s.namespace FROM {schema}.stele_scopes s WHERE s.tenant = cap.tenant) END;
            SELECT coalesce(sum(z.entries), 0)::bigint AS entries, coalesce(sum(z.bytes), 0)::bigint AS bytes INTO size FROM (
                SELECT s.entries, s.bytes FROM {schema}.stele_cache_sizes s
                    WHERE s.namespace = '' AND s.whole AND names IS NULL
                UNION ALL
                SELECT s.entries, s.bytes FROM {schema}.stele_cache_sizes s WHERE s.namespace = ANY (names) AND NOT s.whole
                UNION ALL
                SELECT d.entries, d.bytes FROM {schema}.stele_cache_deltas d
                    WHERE names IS NULL OR d.namespace = ANY (names)) z;
            slack := least(at_once, coalesce(cap.max_entries, 0) / 10);
            over := greatest(size.entries - coalesce(cap.max_entries, size.entries), 0);
            target := CASE WHEN over > 0 AND slack > many THEN cap.max_entries - slack
                WHEN cap.evict_to >= cap.max_entries - slack THEN cap.evict_to END;
            CONTINUE WHEN over = 0 AND size.bytes <= coalesce(cap.max_bytes, size.bytes) AND target IS NULL;
            IF target IS NOT NULL THEN
                slack := greatest(least(many, size.entries - over - target), 0);
            END IF;
            IF over = 0 THEN
                over := CASE WHEN target IS NULL THEN 0 ELSE slack END;
                slack := 0;
            END IF;
            SELECT * INTO trimmed FROM {schema}.stele_trim(names, over, size.bytes - coalesce(cap.max_bytes, size.bytes), slack,
                given_ids);
            IF size.entries - cardinality(trimmed.evicted) - cardinality(trimmed.expired) <= target THEN
                target := NULL;
            END IF;
            IF target IS DISTINCT FROM cap.evict_to THEN
                INSERT INTO {schema}.stele_cache_sizes AS s (namespace, whole, entries, bytes, evict_to)
                VALUES (coalesce(cap.tenant, ''), cap.tenant IS NULL, 0, 0, target)
                ON CONFLICT (namespace, whole) DO UPDATE SET evict_to = EXCLUDED.evict_to;
            END IF;
            removed := removed || trimmed.evicted;
            dead := dead || trimmed.expired;
        END LOOP;
    END IF;
    IF random() < 1.0 / 64 THEN
        PERFORM {schema}.stele_fold_sizes();
    END IF;
    IF removed = '{}' AND dead = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH gone AS (
        SELECT g.name, count(*) FILTER (WHERE NOT g.was_dead) AS evicted, count(*) FILTER (WHERE g.was_dead) AS expired
            FROM (SELECT unnest(removed) AS name, false AS was_dead UNION ALL SELECT unnest(dead), true) g
            GROUP BY g.name),
    counted AS (
        INSERT INTO {schema}.cache_counters AS c (namespace, name, value)
        SELECT * FROM (SELECT g.name, 'evictions', g.evicted FROM gone g WHERE g.evicted > 0
            UNION ALL SELECT g.name, 'expirations', g.expired FROM gone g WHERE g.expired > 0) v ORDER BY 1, 2
        ON CONFLICT (namespace, name) DO UPDATE SET value = c.value + EXCLUDED.value)
    SELECT g.name, g.evicted, g.expired FROM gone g ORDER BY 1;
END
$$;
