-- What answers were made from, tags by which they are removed together, and what a tenant has settled about its answers.

-- null: nothing is kept beside the entry; false: tags only; true: what it was made from, which a hit compares. An entry
-- without costs nothing then.
ALTER TABLE {schema}.entries ADD COLUMN IF NOT EXISTS stele_depends boolean;

CREATE TABLE IF NOT EXISTS {schema}.stele_entry_dependencies (
    namespace text NOT NULL,
    entry_id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    PRIMARY KEY (namespace, entry_id, kind, name, version)
);
COMMENT ON COLUMN {schema}.stele_entry_dependencies.version IS 'empty: there was none';
-- For those who look for what is outdated.
CREATE INDEX IF NOT EXISTS stele_entry_dependencies_version ON {schema}.stele_entry_dependencies (kind, name, version);

CREATE TABLE IF NOT EXISTS {schema}.stele_entry_tags (
    namespace text NOT NULL,
    entry_id bigint NOT NULL,
    tag text NOT NULL,
    PRIMARY KEY (namespace, entry_id, tag)
);
CREATE INDEX IF NOT EXISTS stele_entry_tags_tag ON {schema}.stele_entry_tags (namespace, tag);

-- What is current of everything but configurations and templates, whose own tables and labels say it.
CREATE TABLE IF NOT EXISTS {schema}.stele_heads (
    kind text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    published timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, name)
);

CREATE TABLE IF NOT EXISTS {schema}.stele_cache_policies (
    namespace text PRIMARY KEY,
    similarity_threshold real CHECK (similarity_threshold BETWEEN -1 AND 1),
    default_ttl bigint CHECK (default_ttl BETWEEN 1 AND 3155760000),
    min_confidence real
);

-- A revision as Stele writes it.
CREATE OR REPLACE FUNCTION {schema}.stele_revision(created timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN isfinite(created)
        THEN replace(to_char(created AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '.000000', '') || '+00:00'
        ELSE created::text END
$$;

-- The version that counts now; null: nobody ever published one, so any will do; empty: there is none any more. Of a
-- configuration or a template the newest revision, or the one that a label names ("template:production"): asked of its
-- table, so that no two who define the same wait for each other.
CREATE OR REPLACE FUNCTION {schema}.stele_current(given_kind text, given_name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    kind_of text := split_part(given_kind, ':', 1);
    revision timestamptz;
BEGIN
    IF kind_of NOT IN ('configuration', 'template') THEN
        RETURN (SELECT h.version FROM {schema}.stele_heads h WHERE h.kind = given_kind AND h.name = given_name);
    ELSIF given_kind <> kind_of THEN
        revision := (SELECT l.revision FROM {schema}.stele_labels l WHERE l.store = kind_of || 's'
            AND l.identifier = given_name AND l.label = substr(given_kind, length(kind_of) + 2));
    ELSIF kind_of = 'configuration' THEN
        revision := (SELECT c.created FROM {schema}.configurations c WHERE c.identifier = given_name
            ORDER BY c.created DESC LIMIT 1);
    ELSE
        revision := (SELECT t.created FROM {schema}.templates t WHERE t.identifier = given_name
            ORDER BY t.created DESC LIMIT 1);
    END IF;
    RETURN coalesce({schema}.stele_revision(revision), '');
END
$$;

-- The names of what an entry was made from; none: one of them is not current any more; null: it was made from nothing.
CREATE OR REPLACE FUNCTION {schema}.stele_made_from(given_namespace text, given_id bigint) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    names text[];
    outdated boolean;
BEGIN
    SELECT array_agg(d.name), bool_or(d.version <> {schema}.stele_current(d.kind, d.name)) INTO names, outdated
        FROM {schema}.stele_entry_dependencies d WHERE d.namespace = given_namespace AND d.entry_id = given_id;
    RETURN CASE WHEN outdated THEN '{}' ELSE names END;
END
$$;

-- Tags, and what it was made from, of the entry that was just put, if it is still there. A version is that which counts
-- now where `take_current` says 1. What a restore may have left under its id goes.
CREATE OR REPLACE FUNCTION {schema}.stele_attach(given_namespace text, given_hash text, tags text[], kinds text[],
    names text[], versions text[], take_current bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given_id bigint;
BEGIN
    UPDATE {schema}.entries e SET stele_depends = kinds <> '{}'
        WHERE e.namespace = given_namespace AND e.query_hash = given_hash RETURNING e.id INTO given_id;
    DELETE FROM {schema}.stele_entry_tags t WHERE t.namespace = given_namespace AND t.entry_id = given_id;
    DELETE FROM {schema}.stele_entry_dependencies d WHERE d.namespace = given_namespace AND d.entry_id = given_id;
    INSERT INTO {schema}.stele_entry_tags (namespace, entry_id, tag)
        SELECT given_namespace, given_id, t FROM unnest(tags) t WHERE given_id IS NOT NULL ON CONFLICT DO NOTHING;
    INSERT INTO {schema}.stele_entry_dependencies (namespace, entry_id, kind, name, version)
        SELECT given_namespace, given_id, u.kind, u.name,
            CASE WHEN u.is_current = 1 THEN coalesce({schema}.stele_current(u.kind, u.name), '') ELSE u.version END
        FROM unnest(kinds, names, versions, take_current) u (kind, name, version, is_current)
        WHERE given_id IS NOT NULL ON CONFLICT DO NOTHING;
END
$$;

-- An entry that is replaced or deleted, by whoever, leaves nothing behind; a put of Stele's attaches after it.
CREATE OR REPLACE FUNCTION {schema}.stele_detach() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM {schema}.stele_entry_tags t WHERE t.namespace = OLD.namespace AND t.entry_id = OLD.id;
    DELETE FROM {schema}.stele_entry_dependencies d WHERE d.namespace = OLD.namespace AND d.entry_id = OLD.id;
    IF TG_OP = 'UPDATE' THEN
        UPDATE {schema}.entries e SET stele_depends = NULL WHERE e.id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.stele_detach_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM {schema}.stele_entry_tags;
    DELETE FROM {schema}.stele_entry_dependencies;
    RETURN NULL;
END
$$;

-- After the change: a trigger before it would make every use of an entry lock it twice.
CREATE OR REPLACE TRIGGER stele_detach_replaced AFTER UPDATE OF id, namespace, query_hash, response ON {schema}.entries
    FOR EACH ROW WHEN (OLD.stele_depends IS NOT NULL) EXECUTE FUNCTION {schema}.stele_detach();
CREATE OR REPLACE TRIGGER stele_detach_deleted AFTER DELETE ON {schema}.entries
    FOR EACH ROW WHEN (OLD.stele_depends IS NOT NULL) EXECUTE FUNCTION {schema}.stele_detach();
CREATE OR REPLACE TRIGGER stele_detach_truncated AFTER TRUNCATE ON {schema}.entries
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_detach_all();

-- A head by its kind and name, as those who keep answers in memory want it.
CREATE OR REPLACE FUNCTION {schema}.stele_note_head() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO {schema}.stele_changes (store, namespace, key) VALUES ('heads', OLD.kind, OLD.name);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO {schema}.stele_changes (store, namespace, key) VALUES ('heads', NEW.kind, NEW.name);
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER stele_note_head AFTER INSERT OR UPDATE OR DELETE ON {schema}.stele_heads
    FOR EACH ROW EXECUTE FUNCTION {schema}.stele_note_head();
CREATE OR REPLACE TRIGGER stele_note_truncated AFTER TRUNCATE ON {schema}.stele_heads
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_all('heads');

CREATE OR REPLACE TRIGGER stele_note_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {schema}.stele_cache_policies
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_all('policies');

REVOKE EXECUTE ON FUNCTION {schema}.stele_detach() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_detach_all() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_note_head() FROM PUBLIC;
