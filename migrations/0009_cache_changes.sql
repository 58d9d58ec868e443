-- Changes of the cache's entries are noted like those of other stores, by namespace and query_hash, whoever makes them.

-- A statement that changes more entries than anybody wants to fetch one by one is noted by their namespaces.
CREATE OR REPLACE FUNCTION {schema}.stele_note_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM changed LIMIT 5001) few) > 5000 THEN
        INSERT INTO {schema}.stele_changes (store, namespace) SELECT DISTINCT 'cache', namespace FROM changed;
    ELSE
        INSERT INTO {schema}.stele_changes (store, namespace, key) SELECT 'cache', namespace, query_hash FROM changed;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.stele_note_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO {schema}.stele_changes (store, namespace, key) VALUES ('cache', NEW.namespace, NEW.query_hash);
    IF (OLD.namespace, OLD.query_hash) IS DISTINCT FROM (NEW.namespace, NEW.query_hash) THEN
        INSERT INTO {schema}.stele_changes (store, namespace, key) VALUES ('cache', OLD.namespace, OLD.query_hash);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER stele_note_inserted AFTER INSERT ON {schema}.entries
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_entries();
CREATE OR REPLACE TRIGGER stele_note_deleted AFTER DELETE ON {schema}.entries
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_entries();
-- By column, so that an access, which every hit may note, is no change; hence for each row, as PostgreSQL wants it then.
CREATE OR REPLACE TRIGGER stele_note_updated
    AFTER UPDATE OF id, namespace, query_hash, query, response, embedding, metadata, created_at, ttl ON {schema}.entries
    FOR EACH ROW EXECUTE FUNCTION {schema}.stele_note_entry();
CREATE OR REPLACE TRIGGER stele_note_truncated AFTER TRUNCATE ON {schema}.entries
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_all('cache');

-- They run with their owner's rights: only for triggers.
REVOKE EXECUTE ON FUNCTION {schema}.stele_note_entries() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_note_entry() FROM PUBLIC;
