-- Configurations and prompt templates as draive keeps them, so that a schema of draive's is taken over as it is and its
-- Python processes go on using it. Every revision is a row; the newest counts.

CREATE TABLE IF NOT EXISTS {schema}.configurations (
    identifier text NOT NULL,
    content jsonb NOT NULL,
    created timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (identifier, created)
);

CREATE TABLE IF NOT EXISTS {schema}.templates (
    identifier text NOT NULL,
    description text DEFAULT NULL,
    content text NOT NULL,
    variables jsonb NOT NULL DEFAULT '{}',
    meta jsonb NOT NULL DEFAULT '{}',
    created timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (identifier, created)
);

CREATE OR REPLACE TRIGGER stele_note_inserted AFTER INSERT ON {schema}.configurations
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_note_identifiers('configurations');
CREATE OR REPLACE TRIGGER stele_note_deleted AFTER DELETE ON {schema}.configurations
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_note_identifiers('configurations');
CREATE OR REPLACE TRIGGER stele_note_updated_from AFTER UPDATE ON {schema}.configurations
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_note_identifiers('configurations');
CREATE OR REPLACE TRIGGER stele_note_updated_to AFTER UPDATE ON {schema}.configurations
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_note_identifiers('configurations');
CREATE OR REPLACE TRIGGER stele_note_truncated AFTER TRUNCATE ON {schema}.configurations
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_all('configurations');

CREATE OR REPLACE TRIGGER stele_note_inserted AFTER INSERT ON {schema}.templates
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_note_identifiers('templates');
CREATE OR REPLACE TRIGGER stele_note_deleted AFTER DELETE ON {schema}.templates
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_note_identifiers('templates');
CREATE OR REPLACE TRIGGER stele_note_updated_from AFTER UPDATE ON {schema}.templates
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_note_identifiers('templates');
CREATE OR REPLACE TRIGGER stele_note_updated_to AFTER UPDATE ON {schema}.templates
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION {schema}.stele_note_identifiers('templates');
CREATE OR REPLACE TRIGGER stele_note_truncated AFTER TRUNCATE ON {schema}.templates
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.stele_note_all('templates');
