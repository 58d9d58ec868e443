-- What was changed, noted by triggers in the transaction that changes it, whoever makes it. Processes that keep rows in
-- memory follow it. Writers share nothing: each appends rows of its own.

CREATE TABLE IF NOT EXISTS {schema}.stele_changes (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    store text NOT NULL,
    namespace text,
    key text,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN {schema}.stele_changes.namespace IS 'null: all of the store';
COMMENT ON COLUMN {schema}.stele_changes.key IS 'null: all of the namespace';

-- for those who follow, and for the removal of old rows
CREATE INDEX IF NOT EXISTS stele_changes_xid ON {schema}.stele_changes (xid);

-- One row: which log this is, up to which transaction rows may have been removed, and when the primary was alive.
CREATE TABLE IF NOT EXISTS {schema}.stele_change_log (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    removed_up_to xid8 NOT NULL DEFAULT '0',
    heartbeat timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO {schema}.stele_change_log DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Of a table whose rows are known by their identifier. A role that may write the table needs no right on the log.
-- changed: the rows before or after, as its trigger names them.
CREATE OR REPLACE FUNCTION {schema}.stele_note_identifiers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO {schema}.stele_changes (store, namespace, key)
    SELECT DISTINCT TG_ARGV[0], '', identifier FROM changed;
    RETURN NULL;
END
$$;

-- Of a table that was emptied without looking at its rows.
CREATE OR REPLACE FUNCTION {schema}.stele_note_all() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO {schema}.stele_changes (store) VALUES (TG_ARGV[0]);
    RETURN NULL;
END
$$;
