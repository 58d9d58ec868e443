-- What gives memories an order that the server decides, and lets a call be made twice. draive's processes go on using
-- their tables: what is added to those may be null.

ALTER TABLE {schema}.memories ADD COLUMN IF NOT EXISTS stele_newest timestamptz;
COMMENT ON COLUMN {schema}.memories.stele_newest IS 'the last stamp that Stele gave, null if none';
ALTER TABLE {schema}.memories_elements ADD COLUMN IF NOT EXISTS stele_element uuid;
COMMENT ON COLUMN {schema}.memories_elements.stele_element IS 'the identifier of the element, if it has one';

CREATE INDEX IF NOT EXISTS stele_memories_variables_order ON {schema}.memories_variables (identifier, created DESC);
CREATE INDEX IF NOT EXISTS stele_memories_elements_order ON {schema}.memories_elements (identifier, created DESC);
CREATE UNIQUE INDEX IF NOT EXISTS stele_memories_elements_element ON {schema}.memories_elements (stele_element)
    WHERE stele_element IS NOT NULL;

-- Calls that were given a key, so that making one again does nothing and comes to the same.
CREATE TABLE IF NOT EXISTS {schema}.stele_memory_keys (
    memory text NOT NULL REFERENCES {schema}.memories (identifier) ON DELETE CASCADE,
    key text NOT NULL,
    newest timestamptz NOT NULL,
    PRIMARY KEY (memory, key)
);

-- Stores elements (an array, or null) and variables (or null) of one memory, and says what became of it: "stored",
-- "repeated" (the key was used) or "moved" (the newest is not what was expected). The lock makes writers of a memory
-- take turns, draive's too, whose rows refer to it; each statement after it sees what they have committed.
CREATE OR REPLACE FUNCTION {schema}.stele_remember(given_memory text, given_elements jsonb, given_variables jsonb,
    given_key text, checked boolean, expected timestamptz, OUT outcome text, OUT newest timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    used timestamptz;
    stamp timestamptz;
    added bigint;
BEGIN
    LOOP
        SELECT m.stele_newest INTO newest FROM {schema}.memories m WHERE m.identifier = given_memory FOR UPDATE;
        EXIT WHEN FOUND;
        IF checked AND expected IS NOT NULL THEN
            outcome := 'moved';
            RETURN;
        END IF;
        INSERT INTO {schema}.memories (identifier) VALUES (given_memory) ON CONFLICT DO NOTHING;
    END LOOP;
    IF given_key IS NOT NULL THEN
        SELECT k.newest INTO used FROM {schema}.stele_memory_keys k WHERE k.memory = given_memory AND k.key = given_key;
        IF FOUND THEN
            outcome := 'repeated';
            newest := used;
            RETURN;
        END IF;
    END IF;
    newest := greatest(newest,
        (SELECT e.created FROM {schema}.memories_elements e WHERE e.identifier = given_memory
            ORDER BY e.created DESC LIMIT 1),
        (SELECT v.created FROM {schema}.memories_variables v WHERE v.identifier = given_memory
            ORDER BY v.created DESC LIMIT 1));
    IF checked AND newest IS DISTINCT FROM expected THEN
        outcome := 'moved';
        RETURN;
    END IF;
    stamp := greatest(clock_timestamp(), newest + interval '1 us');
    newest := stamp;
    IF given_elements @? '$[*].identifier' THEN
        UPDATE {schema}.memories_elements e SET content = given.content FROM jsonb_array_elements(given_elements)
            AS given (content) WHERE e.identifier = given_memory
            AND e.stele_element = (given.content ->> 'identifier')::uuid;
        INSERT INTO {schema}.memories_elements (identifier, content, created, stele_element)
            SELECT given_memory, given.content, stamp + (row_number() OVER (ORDER BY given.place) - 1) * interval '1 us',
                (given.content ->> 'identifier')::uuid
            FROM jsonb_array_elements(given_elements) WITH ORDINALITY AS given (content, place)
            WHERE NOT EXISTS (SELECT FROM {schema}.memories_elements e WHERE e.identifier = given_memory
                AND e.stele_element = (given.content ->> 'identifier')::uuid);
    ELSE
        INSERT INTO {schema}.memories_elements (identifier, content, created)
            SELECT given_memory, given.content, stamp + (given.place - 1) * interval '1 us'
            FROM jsonb_array_elements(given_elements) WITH ORDINALITY AS given (content, place);
    END IF;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF given_variables IS NOT NULL THEN
        INSERT INTO {schema}.memories_variables (identifier, variables, created)
            VALUES (given_memory, given_variables, stamp + added * interval '1 us');
        added := added + 1;
    END IF;
    newest := stamp + greatest(added - 1, 0) * interval '1 us';
    UPDATE {schema}.memories m SET stele_newest = stele_remember.newest WHERE m.identifier = given_memory;
    IF given_key IS NOT NULL THEN
        INSERT INTO {schema}.stele_memory_keys (memory, key, newest) VALUES (given_memory, given_key, newest);
    END IF;
    outcome := 'stored';
END
$$;

-- One row a conversation that Stele writes to: the lock that makes its writers take turns.
CREATE TABLE IF NOT EXISTS {schema}.stele_conversations (
    thread_id text PRIMARY KEY,
    newest timestamptz
);
COMMENT ON COLUMN {schema}.stele_conversations.newest IS 'the last stamp that Stele gave, null if none';

-- Stores turns (an array of payloads) of one conversation. A turn that is there already, and is the same, is left; if
-- all are, the outcome is "repeated". One that is there and differs: "taken", and which. "moved" as above. A turn without
-- a time of its own gets one, later than all before it.
CREATE OR REPLACE FUNCTION {schema}.stele_remember_turns(given_thread text, given_turns jsonb, checked boolean,
    expected timestamptz, OUT outcome text, OUT newest timestamptz, OUT which text)
LANGUAGE plpgsql AS $$
DECLARE
    stamp timestamptz;
    new_turns jsonb;
BEGIN
    LOOP
        SELECT c.newest INTO newest FROM {schema}.stele_conversations c WHERE c.thread_id = given_thread FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO {schema}.stele_conversations (thread_id) VALUES (given_thread) ON CONFLICT DO NOTHING;
    END LOOP;
    newest := greatest(newest, (SELECT m.created FROM {schema}.conversation_memory m WHERE m.thread_id = given_thread
        ORDER BY m.created DESC LIMIT 1));
    SELECT given.turn ->> 'identifier' INTO which FROM jsonb_array_elements(given_turns) AS given (turn)
        JOIN {schema}.conversation_memory m ON m.thread_id = given_thread
            AND m.identifier = (given.turn ->> 'identifier')::uuid
        WHERE m.payload - '{created,identifier}'::text[] <> given.turn - '{created,identifier}'::text[]
            OR m.created <> (given.turn ->> 'created')::timestamptz LIMIT 1;
    IF FOUND THEN
        outcome := 'taken';
        RETURN;
    END IF;
    SELECT jsonb_agg(given.turn ORDER BY given.place) INTO new_turns
        FROM jsonb_array_elements(given_turns) WITH ORDINALITY AS given (turn, place)
        WHERE NOT EXISTS (SELECT FROM {schema}.conversation_memory m WHERE m.thread_id = given_thread
            AND m.identifier = (given.turn ->> 'identifier')::uuid);
    IF new_turns IS NULL THEN
        outcome := 'repeated';
        RETURN;
    END IF;
    IF checked AND newest IS DISTINCT FROM expected THEN
        outcome := 'moved';
        RETURN;
    END IF;
    stamp := greatest(clock_timestamp(), newest + interval '1 us');
    WITH stamped AS (
        SELECT given.turn, given.place, coalesce((given.turn ->> 'created')::timestamptz,
            stamp + (given.place - 1) * interval '1 us') AS at
        FROM jsonb_array_elements(new_turns) WITH ORDINALITY AS given (turn, place)
    ), stored AS (
        INSERT INTO {schema}.conversation_memory (thread_id, turn, identifier, payload, created)
            SELECT given_thread, s.turn ->> 'turn', (s.turn ->> 'identifier')::uuid,
                s.turn || jsonb_build_object('created', to_char(s.at AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')), s.at FROM stamped s
            RETURNING created
    )
    SELECT greatest(stele_remember_turns.newest, max(stored.created)) INTO newest FROM stored;
    UPDATE {schema}.stele_conversations c SET newest = stele_remember_turns.newest WHERE c.thread_id = given_thread;
    outcome := 'stored';
END
$$;
