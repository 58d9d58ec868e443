-- How much the cache holds, by whoever writes, and how much it may hold.

-- Limits beside mneme's namespace_quotas, which hold the entries that a tenant may have.
CREATE TABLE IF NOT EXISTS {schema}.stele_cache_limits (
    namespace text NOT NULL DEFAULT '',
    whole boolean NOT NULL DEFAULT false,
    max_entries bigint,
    max_bytes bigint,
    PRIMARY KEY (namespace, whole)
);
COMMENT ON COLUMN {schema}.stele_cache_limits.whole IS 'true: of all entries together, the namespace is empty then';

-- Sums of what is stored, a row for each namespace and one of all, and what has changed since they were made. Writers only
-- append changes, so that none waits for another however long its transaction is open; what a snapshot sees of both
-- tables adds up to what it sees of the entries. Now and then a put folds the changes into the sums.
CREATE TABLE IF NOT EXISTS {schema}.stele_cache_sizes (
    namespace text NOT NULL DEFAULT '',
    whole boolean NOT NULL DEFAULT false,
    entries bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (namespace, whole)
);
CREATE TABLE IF NOT EXISTS {schema}.stele_cache_deltas (
    namespace text NOT NULL,
    entries bigint NOT NULL,
    bytes bigint NOT NULL
);
-- It is read whole, and all of it is replaced all the time.
ALTER TABLE {schema}.stele_cache_deltas SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE INDEX IF NOT EXISTS stele_scopes_tenant ON {schema}.stele_scopes (tenant);
-- What goes first when all entries together are too many; of a namespace mneme's index tells.
CREATE INDEX IF NOT EXISTS stele_entries_last_accessed ON {schema}.entries (last_accessed_at);
-- As fractions, which no lifetime that a writer gives can make overflow.
CREATE INDEX IF NOT EXISTS stele_entries_end ON {schema}.entries ((created_at::float8 + ttl::float8))
    WHERE ttl IS NOT NULL;

-- What an entry counts for. Lengths, not what is on the disk: the same before and after compression.
CREATE OR REPLACE FUNCTION {schema}.stele_entry_bytes(query text, response text, embedding bytea, metadata jsonb)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT octet_length(query)::bigint + octet_length(response) + octet_length(embedding) + octet_length(metadata::text)
$$;

CREATE OR REPLACE FUNCTION {schema}.stele_count_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sign bigint := CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END;
BEGIN
    INSERT INTO {schema}.stele_cache_deltas (namespace, entries, bytes)
    SELECT c.namespace, sign * count(*),
            sign * sum({schema}.stele_entry_bytes(c.query, c.response, c.embedding, c.metadata))
        FROM changed c GROUP BY c.namespace;
    RETURN NULL;
END
$$;

-- Of one row: triggers that name columns see no table of changes, and without the names each use of an entry would count.
CREATE OR REPLACE FUNCTION {schema}.stele_count_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before bigint := {schema}.stele_entry_bytes(OLD.query, OLD.response, OLD.embedding, OLD.metadata);
    after bigint := {schema}.stele_entry_bytes(NEW.query, NEW.response, NEW.embedding, NEW.metadata);
BEGIN
    IF OLD.namespace = NEW.namespace THEN
        INSERT INTO {schema}.stele_cache_deltas (namespace, entries, bytes) VALUES (NEW.namespace, 0, after - before);
    ELSE
        INSERT INTO {schema}.stele_cache_deltas (namespace, entries, bytes)
        VALUES (OLD.namespace, -1, -before), (NEW.namespace, 1, after);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.stele_count_none() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM {schema}.stele_cache_deltas;
    DELETE FROM {schema}.stele_cache_sizes;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER stele_count_inserted AFTER INSERT ON {schema}.entries
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_count_entries();
CREATE OR REPLACE TRIGGER stele_count_deleted AFTER DELETE ON {schema}.entries
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_count_entries();
CREATE OR REPLACE TRIGGER stele_count_changed
    AFTER UPDATE OF namespace, query, response, embedding, metadata ON {schema}.entries
    FOR EACH ROW WHEN (OLD.namespace <> NEW.namespace
        OR {schema}.stele_entry_bytes(OLD.query, OLD.response, OLD.embedding, OLD.metadata)
            <> {schema}.stele_entry_bytes(NEW.query, NEW.response, NEW.embedding, NEW.metadata))
    EXECUTE FUNCTION {schema}.stele_count_changed();
CREATE OR REPLACE TRIGGER stele_count_truncated AFTER TRUNCATE ON {schema}.entries
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_count_none();

REVOKE EXECUTE ON FUNCTION {schema}.stele_count_entries() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_count_changed() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_count_none() FROM PUBLIC;

-- The triggers keep writers out until this is committed, so it misses nobody.
DELETE FROM {schema}.stele_cache_deltas;
DELETE FROM {schema}.stele_cache_sizes;
INSERT INTO {schema}.stele_cache_sizes (namespace, whole, entries, bytes)
    SELECT coalesce(e.namespace, ''), grouping(e.namespace) = 1, count(*),
            coalesce(sum({schema}.stele_entry_bytes(e.query, e.response, e.embedding, e.metadata)), 0)
        FROM {schema}.entries e GROUP BY ROLLUP (e.namespace);

-- Adds the changes to the sums. Callers hold the version counter's row, so that one does it at a time.
CREATE OR REPLACE FUNCTION {schema}.stele_fold_sizes() RETURNS void LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM {schema}.stele_cache_deltas RETURNING namespace, entries, bytes)
    INSERT INTO {schema}.stele_cache_sizes AS s (namespace, whole, entries, bytes)
    SELECT coalesce(g.namespace, ''), grouping(g.namespace) = 1, coalesce(sum(g.entries), 0), coalesce(sum(g.bytes), 0)
        FROM gone g GROUP BY ROLLUP (g.namespace) ORDER BY 1, 2
    ON CONFLICT (namespace, whole) DO UPDATE SET entries = s.entries + EXCLUDED.entries, bytes = s.bytes + EXCLUDED.bytes
$$;

-- Removes so many entries and bytes of these namespaces (null: of all), and up to `slack` entries more: first what has
-- expired, then what was used longest ago, given_ids last. An entry that is being changed, or was used meanwhile, stays.
-- Says the namespace of each that went. Planning anew for each put would take longer than doing it, so there is one plan,
-- and whatever it thinks of the table it goes by the indexes. What must be scanned all the same looks so dear then that it
-- would be compiled first.
CREATE OR REPLACE FUNCTION {schema}.stele_trim(names text[], over_entries bigint, over_bytes bigint, slack bigint,
    given_ids bigint[], OUT evicted text[], OUT expired text[])
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    now_is bigint := floor(extract(epoch FROM clock_timestamp()));
    kept bigint[] := given_ids;
    reach bigint;
    ids bigint[];
    times bigint[];
    removed text[];
    entries_gone bigint;
    bytes_gone bigint;
BEGIN
    evicted := '{}';
    expired := '{}';
    WHILE over_entries > 0 OR over_bytes > 0 LOOP
        WITH dead AS (
            SELECT e.id FROM {schema}.entries e
                WHERE e.ttl IS NOT NULL AND e.created_at::float8 + e.ttl::float8 <= now_is
                    AND e.ttl <= now_is - e.created_at AND (names IS NULL OR e.namespace = ANY (names))
                LIMIT greatest(over_entries, 16) FOR UPDATE SKIP LOCKED),
        deleted AS (
            DELETE FROM {schema}.entries e USING dead d WHERE e.id = d.id
            RETURNING e.namespace, {schema}.stele_entry_bytes(e.query, e.response, e.embedding, e.metadata) AS bytes)
        SELECT array_agg(d.namespace), count(*), sum(d.bytes) INTO removed, entries_gone, bytes_gone FROM deleted d;
        EXIT WHEN removed IS NULL;
        expired := expired || removed;
        over_entries := over_entries - entries_gone;
        over_bytes := over_bytes - bytes_gone;
    END LOOP;

    reach := greatest(over_entries + slack, CASE WHEN over_bytes > 0 THEN 16 ELSE 1 END);
    WHILE over_entries > 0 OR over_bytes > 0 LOOP
        IF names IS NULL THEN
            SELECT array_agg(v.id), array_agg(v.last_accessed_at) INTO ids, times FROM (
                SELECT e.id, e.last_accessed_at FROM {schema}.entries e WHERE e.id <> ALL (kept)
                    ORDER BY e.last_accessed_at LIMIT reach) v;
        ELSE
            SELECT array_agg(v.id), array_agg(v.last_accessed_at) INTO ids, times FROM (
                SELECT c.id, c.last_accessed_at FROM unnest(names) n CROSS JOIN LATERAL (
                    SELECT e.id, e.last_accessed_at FROM {schema}.entries e
                        WHERE e.namespace = n AND e.id <> ALL (kept) ORDER BY e.last_accessed_at LIMIT reach) c
                    ORDER BY c.last_accessed_at LIMIT reach) v;
        END IF;
        WITH free AS (
            SELECT e.id, c.place, {schema}.stele_entry_bytes(e.query, e.response, e.embedding, e.metadata) AS bytes
                FROM unnest(ids, times) WITH ORDINALITY c(id, last_used, place)
                JOIN {schema}.entries e ON e.id = c.id AND e.last_accessed_at = c.last_used
                ORDER BY c.place FOR UPDATE OF e SKIP LOCKED),
        ranked AS (
            SELECT f.id, f.bytes, row_number() OVER by_age AS nth, sum(f.bytes) OVER by_age - f.bytes AS older_bytes
                FROM free f WINDOW by_age AS (ORDER BY f.place)),
        deleted AS (
            DELETE FROM {schema}.entries e USING ranked r
            WHERE e.id = r.id AND ((over_entries > 0 AND r.nth <= over_entries + slack) OR r.older_bytes < over_bytes)
            RETURNING e.namespace, r.bytes)
        SELECT array_agg(d.namespace), count(*), sum(d.bytes) INTO removed, entries_gone, bytes_gone FROM deleted d;
        IF removed IS NOT NULL THEN
            evicted := evicted || removed;
            over_entries := over_entries - entries_gone;
            over_bytes := over_bytes - bytes_gone;
        ELSIF coalesce(cardinality(ids), 0) < reach THEN
            EXIT WHEN kept = '{}';
            kept := '{}';
        END IF;
        reach := reach * 2;
    END LOOP;
END
$$;

-- Brings the tenants of these namespaces, and then all together, under their limits: what is stored here, and what the
-- caller asks for besides. For whoever has just put given_ids, or lowered a limit, and holds the version counter's row:
-- then no other put is between its entry and its own call. Counts what went and says how much of which namespace.
CREATE OR REPLACE FUNCTION {schema}.stele_evict(given_namespaces text[], given_ids bigint[], own_entries bigint,
    own_bytes bigint, at_once bigint, OUT gone_from text, OUT evicted bigint, OUT expired bigint)
RETURNS SETOF record LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    cap record;
    names text[];
    size record;
    trimmed record;
    removed text[] := '{}';
    dead text[] := '{}';
BEGIN
    IF own_entries IS NOT NULL OR own_bytes IS NOT NULL OR EXISTS (SELECT FROM {schema}.namespace_quotas)
        OR EXISTS (SELECT FROM {schema}.stele_cache_limits) THEN
        FOR cap IN
            SELECT t.tenant, q.max_entries, l.max_bytes
                FROM (SELECT DISTINCT coalesce(s.tenant, n) AS tenant FROM unnest(given_namespaces) n
                    LEFT JOIN {schema}.stele_scopes s ON s.namespace = n) t
                LEFT JOIN {schema}.namespace_quotas q ON q.namespace = t.tenant
                LEFT JOIN {schema}.stele_cache_limits l ON l.namespace = t.tenant AND NOT l.whole
                WHERE coalesce(q.max_entries, l.max_bytes) IS NOT NULL
            UNION ALL
            SELECT NULL, least(own_entries, l.max_entries), least(own_bytes, l.max_bytes)
                FROM (SELECT) one LEFT JOIN {schema}.stele_cache_limits l ON l.namespace = '' AND l.whole
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
            CONTINUE WHEN size.entries <= coalesce(cap.max_entries, size.entries)
                AND size.bytes <= coalesce(cap.max_bytes, size.bytes);
            SELECT * INTO trimmed FROM {schema}.stele_trim(names, size.entries - coalesce(cap.max_entries, size.entries),
                size.bytes - coalesce(cap.max_bytes, size.bytes), least(at_once, coalesce(cap.max_entries, 0) / 10), given_ids);
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

-- mneme's counters, which it keeps as one JSON object with keys "<namespace>:<name>", so that counts go on. What was taken is
-- remembered beside them: taking over the same tables again counts nothing twice. What is damaged is left.
DO $$
DECLARE
    stored jsonb;
    taken jsonb;
BEGIN
    BEGIN
        stored := (SELECT m.value::jsonb FROM {schema}.schema_meta m WHERE m.key = 'counters');
        taken := (SELECT m.value::jsonb FROM {schema}.schema_meta m WHERE m.key = 'stele_counters_taken');
    EXCEPTION WHEN data_exception THEN
        RETURN;
    END;
    IF jsonb_typeof(stored) IS DISTINCT FROM 'object' THEN
        RETURN;
    END IF;
    INSERT INTO {schema}.cache_counters AS c (namespace, name, value)
    SELECT substring(p.key FROM '^(.*):[^:]*$'), substring(p.key FROM '[^:]*$'), floor(v.now_is - v.taken)::bigint
        FROM jsonb_each(stored) p
        CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(p.value) = 'number' THEN p.value::numeric END AS now_is,
            CASE WHEN jsonb_typeof(taken -> p.key) = 'number' THEN (taken ->> p.key)::numeric ELSE 0 END AS taken) v
        WHERE substring(p.key FROM '^.*:([^:]*)$') = ANY ('{hits_exact,hits_semantic,misses,evictions,expirations}')
            AND v.now_is > v.taken AND v.now_is < 9e18 AND v.taken >= 0
    ON CONFLICT (namespace, name) DO UPDATE SET value = coalesce(c.value, 0) + EXCLUDED.value;
    INSERT INTO {schema}.schema_meta (key, value) VALUES ('stele_counters_taken', stored::text)
        ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
END
$$;
