-- mneme keeps its counters as one JSON object with keys "<namespace>:<name>". A process of its reads them when it opens the
-- tables and overwrites them when it closes them, so of several the last one wins. Here such a process reads what all have
-- counted, and what it counted itself is added to that.

-- As mneme's own table has it, which only its owner could alter.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = '{schema}.cache_counters'::regclass AND attname = 'value'
            AND NOT attnotnull) THEN
        DELETE FROM {schema}.cache_counters WHERE value IS NULL;
        ALTER TABLE {schema}.cache_counters ALTER COLUMN value SET NOT NULL;
    END IF;
END
$$;

-- What processes read that opened the tables before this.
INSERT INTO {schema}.schema_meta (key, value)
    SELECT 'stele_counters_began', m.value FROM {schema}.schema_meta m WHERE m.key = 'stele_counters_taken'
    ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;

-- All counts as mneme reads them. Beside each stands the same number with the name "stele <name>", which a process of mneme's
-- carries along and writes back as it was: it says where that process began to count. It forgets both when it clears the
-- namespace. Counts of namespaces with a colon are left out, since mneme does not know them again; it counts them from 0.
CREATE OR REPLACE FUNCTION {schema}.stele_published_counters() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT (coalesce(jsonb_object_agg(c.namespace || ':' || p.prefix || c.name, c.value), '{}') || '{"stele:published": 1}')::text
        FROM {schema}.cache_counters c CROSS JOIN (VALUES (''), ('stele ')) p(prefix)
        WHERE c.value > 0 AND strpos(c.namespace, ':') = 0
            AND c.name = ANY ('{hits_exact,hits_semantic,misses,evictions,expirations}')
$$;

-- The first thing that mneme writes when it opens the tables is the schema's version; then it reads the counters.
CREATE OR REPLACE FUNCTION {schema}.stele_publish_counters() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    published text := {schema}.stele_published_counters();
BEGIN
    INSERT INTO {schema}.schema_meta AS m (key, value)
    VALUES ('counters', published), ('stele_counters_taken', published)
    ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value WHERE m.value <> EXCLUDED.value;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.stele_take_counters() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    written jsonb;
    began jsonb;
BEGIN
    BEGIN
        written := NEW.value::jsonb;
        IF jsonb_typeof(written) <> 'object' THEN
            RETURN NEW;
        END IF;
        IF NOT written ? 'stele:published' THEN
            began := (SELECT m.value::jsonb FROM {schema}.schema_meta m WHERE m.key = 'stele_counters_began');
        END IF;
    EXCEPTION WHEN data_exception THEN
        RETURN NEW;
    END;
    INSERT INTO {schema}.cache_counters AS c (namespace, name, value)
    SELECT d.namespace, d.name, d.counted FROM (
        SELECT k.namespace, k.name, floor(CASE
                WHEN v.now_is < v.began_at OR (v.now_is <> v.began_at AND strpos(k.namespace, ':') > 0) THEN v.now_is
                ELSE v.now_is - v.began_at END)::bigint AS counted
            FROM jsonb_each(written) p
            CROSS JOIN LATERAL (SELECT substring(p.key FROM '^(.*):[^:]*$') AS namespace,
                substring(p.key FROM '[^:]*$') AS name) k
            CROSS JOIN LATERAL (SELECT coalesce(written -> (k.namespace || ':stele ' || k.name), began -> p.key) AS at) b
            CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(p.value) = 'number' THEN p.value::numeric END AS now_is,
                CASE WHEN jsonb_typeof(b.at) = 'number' THEN b.at::numeric ELSE 0 END AS began_at) v
            WHERE k.name = ANY ('{hits_exact,hits_semantic,misses,evictions,expirations}')
                AND v.now_is BETWEEN 1 AND 1e15) d
        WHERE d.counted > 0 ORDER BY 1, 2
    ON CONFLICT (namespace, name) DO UPDATE SET value = c.value + EXCLUDED.value;
    NEW.value := {schema}.stele_published_counters();
    INSERT INTO {schema}.schema_meta (key, value) VALUES ('stele_counters_taken', NEW.value)
        ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
    RETURN NEW;
END
$$;

-- They run with their owner's rights: only for triggers.
REVOKE EXECUTE ON FUNCTION {schema}.stele_publish_counters() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_take_counters() FROM PUBLIC;

CREATE OR REPLACE TRIGGER stele_publish_counters BEFORE INSERT ON {schema}.schema_meta
    FOR EACH ROW WHEN (NEW.key = 'schema_version') EXECUTE FUNCTION {schema}.stele_publish_counters();
-- An upsert fires it twice: the second time it finds what it made of it the first time, and adds nothing.
CREATE OR REPLACE TRIGGER stele_take_counters BEFORE INSERT OR UPDATE OF value ON {schema}.schema_meta
    FOR EACH ROW WHEN (NEW.key = 'counters' AND pg_trigger_depth() = 0)
    EXECUTE FUNCTION {schema}.stele_take_counters();
