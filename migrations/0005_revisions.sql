-- What is said about revisions of configurations and templates, in tables beside theirs: who made one and why, and
-- labels. A label is a name for one revision of an identifier ("production"); the database keeps it from pointing at
-- nothing, whoever deletes.

CREATE TABLE IF NOT EXISTS {schema}.stele_revision_notes (
    store text NOT NULL,
    identifier text NOT NULL,
    created timestamptz NOT NULL,
    author text,
    message text,
    PRIMARY KEY (store, identifier, created)
);

CREATE TABLE IF NOT EXISTS {schema}.stele_labels (
    store text NOT NULL CHECK (store IN ('configurations', 'templates')),
    identifier text NOT NULL,
    label text NOT NULL,
    revision timestamptz,
    author text,
    message text,
    moved timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (store, identifier, label)
);
COMMENT ON COLUMN {schema}.stele_labels.revision IS 'null: the label was taken away';

-- Every move of every label, for ever.
CREATE TABLE IF NOT EXISTS {schema}.stele_label_moves (
    store text NOT NULL,
    identifier text NOT NULL,
    label text NOT NULL,
    revision timestamptz,
    author text,
    message text,
    moved timestamptz NOT NULL,
    PRIMARY KEY (store, identifier, label, moved)
);

-- The update keeps the revision from being deleted before the label is committed, and by transactions that cannot see the
-- label: they get a serialization failure.
CREATE OR REPLACE FUNCTION {schema}.stele_place_label() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.store, NEW.identifier, NEW.label) <> (OLD.store, OLD.identifier, OLD.label) THEN
        RAISE EXCEPTION 'the label "%" is not renamed; take it away and place another', OLD.label
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.revision IS NOT NULL THEN
        IF NEW.store = 'configurations' THEN
            UPDATE {schema}.configurations SET created = created
                WHERE identifier = NEW.identifier AND created = NEW.revision;
        ELSE
            UPDATE {schema}.templates SET created = created
                WHERE identifier = NEW.identifier AND created = NEW.revision;
        END IF;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no % of "%" in % for the label "%"',
                CASE WHEN isfinite(NEW.revision) THEN 'revision ' || NEW.revision ELSE 'revision' END, NEW.identifier,
                NEW.store, NEW.label USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    NEW.moved := clock_timestamp();
    IF TG_OP = 'UPDATE' THEN
        NEW.moved := greatest(NEW.moved, OLD.moved + interval '1 us');
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.stele_note_label() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO {schema}.stele_label_moves (store, identifier, label, moved)
        VALUES (OLD.store, OLD.identifier, OLD.label, greatest(clock_timestamp(), OLD.moved + interval '1 us'));
        INSERT INTO {schema}.stele_changes (store, namespace, key) VALUES (OLD.store, '', OLD.identifier);
    ELSE
        INSERT INTO {schema}.stele_label_moves (store, identifier, label, revision, author, message, moved)
        VALUES (NEW.store, NEW.identifier, NEW.label, NEW.revision, NEW.author, NEW.message, NEW.moved);
        INSERT INTO {schema}.stele_changes (store, namespace, key) VALUES (NEW.store, '', NEW.identifier);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER stele_place_label BEFORE INSERT OR UPDATE ON {schema}.stele_labels
    FOR EACH ROW EXECUTE FUNCTION {schema}.stele_place_label();
CREATE OR REPLACE TRIGGER stele_note_label AFTER INSERT OR UPDATE OR DELETE ON {schema}.stele_labels
    FOR EACH ROW EXECUTE FUNCTION {schema}.stele_note_label();

CREATE OR REPLACE FUNCTION {schema}.stele_keep_labels() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM {schema}.stele_labels WHERE revision IS NOT NULL) THEN
        RAISE EXCEPTION 'labels are not removed by TRUNCATE; take them away with DELETE, which is noted'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER stele_keep_labels BEFORE TRUNCATE ON {schema}.stele_labels
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_keep_labels();

-- A labelled revision is not deleted or renamed, and what was said about the others goes with them.
-- changed: the rows before, as its triggers name them; changed_to: those after an update.
CREATE OR REPLACE FUNCTION {schema}.stele_keep_labelled() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept record;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT l.identifier, l.label, l.revision INTO kept FROM {schema}.stele_labels l
            JOIN changed c ON l.identifier = c.identifier AND l.revision = c.created
            WHERE l.store = TG_ARGV[0] AND NOT EXISTS (SELECT FROM changed_to t
                WHERE t.identifier = c.identifier AND t.created = c.created) LIMIT 1;
    ELSE
        SELECT l.identifier, l.label, l.revision INTO kept FROM {schema}.stele_labels l
            JOIN changed c ON l.identifier = c.identifier AND l.revision = c.created
            WHERE l.store = TG_ARGV[0] LIMIT 1;
    END IF;
    IF kept.label IS NOT NULL THEN
        RAISE EXCEPTION 'revision % of "%" in % has the label "%"; move the label or take it away first',
            kept.revision, kept.identifier, TG_ARGV[0], kept.label USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM {schema}.stele_revision_notes n USING changed c
            WHERE n.store = TG_ARGV[0] AND n.identifier = c.identifier AND n.created = c.created;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION {schema}.stele_keep_all_labelled() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept record;
BEGIN
    SELECT l.identifier, l.label INTO kept FROM {schema}.stele_labels l
        WHERE l.store = TG_ARGV[0] AND l.revision IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '"%" in % has the label "%"; take all labels away before TRUNCATE', kept.identifier,
            TG_ARGV[0], kept.label USING ERRCODE = 'restrict_violation';
    END IF;
    DELETE FROM {schema}.stele_revision_notes n WHERE n.store = TG_ARGV[0];
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER stele_keep_labelled AFTER DELETE ON {schema}.configurations
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_keep_labelled('configurations');
CREATE OR REPLACE TRIGGER stele_keep_labelled_names AFTER UPDATE ON {schema}.configurations
    REFERENCING OLD TABLE AS changed NEW TABLE AS changed_to FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_keep_labelled('configurations');
CREATE OR REPLACE TRIGGER stele_keep_all_labelled BEFORE TRUNCATE ON {schema}.configurations
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_keep_all_labelled('configurations');
CREATE OR REPLACE TRIGGER stele_keep_labelled AFTER DELETE ON {schema}.templates
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_keep_labelled('templates');
CREATE OR REPLACE TRIGGER stele_keep_labelled_names AFTER UPDATE ON {schema}.templates
    REFERENCING OLD TABLE AS changed NEW TABLE AS changed_to FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_keep_labelled('templates');
CREATE OR REPLACE TRIGGER stele_keep_all_labelled BEFORE TRUNCATE ON {schema}.templates
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_keep_all_labelled('templates');

-- They run with their owner's rights, on tables that their caller names: only for triggers, which need no right to them.
REVOKE EXECUTE ON FUNCTION {schema}.stele_note_identifiers() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_note_all() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_place_label() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_note_label() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_keep_labels() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_keep_labelled() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION {schema}.stele_keep_all_labelled() FROM PUBLIC;
