-- What gives memories an order that the server decides, and lets a call be made twice. draive's processes go on using
-- their tables: what is added to those may be null.

ALTER TABLE {schema}.memories ADD COLUMN IF NOT EXISTS stele_newest timestamptz;
COMMENT ON COLUMN {schema}.memories.stele_newest IS 'the last stamp that Stele gave, null if none';
ALTER TABLE {schema}.memories ADD COLUMN IF NOT EXISTS stele_forked boolean;
COMMENT ON COLUMN {schema}.memories.stele_forked IS 'true if it was begun as a fork; null if not';
ALTER TABLE {schema}.memories_elements ADD COLUMN IF NOT EXISTS stele_element uuid;
COMMENT ON COLUMN {schema}.memories_elements.stele_element IS 'the identifier of the element, if it has one';

-- Ascending, so that rows of one time are read from the newest back in the order in which they came.
CREATE INDEX IF NOT EXISTS stele_memories_variables_order ON {schema}.memories_variables (identifier, created);
CREATE INDEX IF NOT EXISTS stele_memories_elements_order ON {schema}.memories_elements (identifier, created);
CREATE UNIQUE INDEX IF NOT EXISTS stele_memories_elements_element ON {schema}.memories_elements (stele_element)
    WHERE stele_element IS NOT NULL;

-- Calls that were given a key, so that making one again does nothing and comes to the same.
CREATE TABLE IF NOT EXISTS {schema}.stele_memory_keys (
    memory text NOT NULL REFERENCES {schema}.memories (identifier) ON DELETE CASCADE,
    key text NOT NULL,
    newest timestamptz NOT NULL,
    PRIMARY KEY (memory, key)
);

-- By which the request of a tool is found that a response belongs to, however long ago it was: numbers made of the
-- thread and what `path` finds in the body. Only what holds a request is in these indexes.
CREATE OR REPLACE FUNCTION {schema}.stele_tool_requests(thread text, body jsonb, path jsonpath) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT hashtextextended(request #>> '{}', hashtextextended(thread, 0))
        FROM jsonb_path_query(body, path) request)
$$;
CREATE INDEX IF NOT EXISTS stele_memories_elements_requests ON {schema}.memories_elements
    USING gin ({schema}.stele_tool_requests(identifier, content, '$.blocks[*] ? (@.type == "tool_request").identifier'))
    WITH (fastupdate = off) WHERE content @> '{"blocks": [{"type": "tool_request"}]}';
CREATE INDEX IF NOT EXISTS stele_conversation_memory_requests ON {schema}.conversation_memory
    USING gin ({schema}.stele_tool_requests(thread_id, payload,
        '$.content[*] ? (@.event == "tool_request").content.artifact.identifier'))
    WITH (fastupdate = off) WHERE payload @> '{"content": [{"event": "tool_request"}]}';

-- Stores elements (an array, or null) and variables (or null) of one memory, and says what became of it: "stored",
-- "repeated" (the key was used, here or in what a fork has of the threads above it), "moved" (the newest is not what was
-- expected), or "unasked" (of the responses of tools whose requests are not among the elements, none for most calls,
-- this one has no request in the memory either). The lock makes writers of a memory take turns, draive's too, whose rows
-- refer to it; each statement after it sees what they have committed.
--
-- Whatever the planner thinks of the table (its plans may be older than most rows), each look is by the right index:
-- that is what a comparison with "at least" in the order of one index, a condition that IS TRUE, which no index knows,
-- no scans of all and no sorting leave it.
CREATE OR REPLACE FUNCTION {schema}.stele_remember(given_memory text, given_elements jsonb, given_variables jsonb,
    given_key text, checked boolean, expected timestamptz, given_responses text[], OUT outcome text,
    OUT newest timestamptz, OUT which text)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    used timestamptz;
    newest_variables timestamptz;
    now_is timestamptz;
    stamp timestamptz;
    given record;
    there record;
    added bigint := 0;
    forked boolean;
BEGIN
    LOOP
        SELECT m.stele_newest, m.stele_forked INTO newest, forked FROM {schema}.memories m
            WHERE m.identifier = given_memory FOR UPDATE;
        EXIT WHEN FOUND;
        IF checked AND expected IS NOT NULL THEN
            outcome := 'moved';
            RETURN;
        END IF;
        INSERT INTO {schema}.memories (identifier) VALUES (given_memory) ON CONFLICT DO NOTHING;
    END LOOP;
    IF given_key IS NOT NULL THEN
        used := (SELECT k.newest FROM {schema}.stele_memory_keys k WHERE k.memory = given_memory AND k.key = given_key);
        IF forked AND used IS NULL THEN
            used := (SELECT k.newest FROM {schema}.stele_lineage('models', given_memory) l
                JOIN {schema}.stele_memory_keys k ON k.memory = l.thread AND k.key = given_key AND k.newest <= l.until
                ORDER BY l.depth LIMIT 1);
        END IF;
        IF used IS NOT NULL THEN
            outcome := 'repeated';
            newest := used;
            RETURN;
        END IF;
    END IF;
    newest_variables := (SELECT v.created FROM {schema}.memories_variables v WHERE v.identifier = given_memory
        ORDER BY v.created DESC LIMIT 1);
    newest := greatest(newest, newest_variables,
        (SELECT e.created FROM {schema}.memories_elements e WHERE e.identifier = given_memory
            ORDER BY e.created DESC LIMIT 1));
    IF checked AND newest IS DISTINCT FROM expected THEN
        outcome := 'moved';
        RETURN;
    END IF;
    IF given_responses IS NOT NULL THEN
        -- the newest first: some models use an identifier again and again, and then the index has it as often
        SELECT r.response INTO which FROM unnest(given_responses) WITH ORDINALITY AS r (response, place)
            WHERE CASE WHEN EXISTS (SELECT FROM (SELECT e.content AS body FROM {schema}.memories_elements e
                    WHERE e.identifier = given_memory ORDER BY e.created DESC LIMIT 8) near
                WHERE {schema}.stele_tool_requests(given_memory, near.body,
                        '$.blocks[*] ? (@.type == "tool_request").identifier')
                    @> ARRAY[hashtextextended(r.response, hashtextextended(given_memory, 0))])
            THEN false ELSE NOT EXISTS (SELECT FROM {schema}.stele_lineage('models', given_memory) l
                JOIN {schema}.memories_elements e ON {schema}.stele_tool_requests(e.identifier, e.content,
                        '$.blocks[*] ? (@.type == "tool_request").identifier')
                    @> ARRAY[hashtextextended(r.response, hashtextextended(l.thread, 0))]
                AND e.content @> '{"blocks": [{"type": "tool_request"}]}' AND (e.created <= l.until) IS TRUE) END
            ORDER BY r.place LIMIT 1;
        IF FOUND THEN
            outcome := 'unasked';
            RETURN;
        END IF;
    END IF;
    now_is := clock_timestamp();
    stamp := greatest(now_is, newest + interval '1 us');
    IF given_elements @? '$[*].identifier' THEN
        FOR given IN SELECT each.content, (each.content ->> 'identifier')::uuid AS element
                FROM jsonb_array_elements(given_elements) WITH ORDINALITY AS each (content, place) ORDER BY each.place LOOP
            SELECT e.ctid AS place, e.identifier, e.stele_element INTO there FROM {schema}.memories_elements e
                WHERE e.stele_element >= given.element ORDER BY e.stele_element LIMIT 1;
            IF FOUND AND there.stele_element = given.element AND there.identifier = given_memory THEN
                UPDATE {schema}.memories_elements e SET content = given.content WHERE e.ctid = there.place;
            ELSE
                INSERT INTO {schema}.memories_elements (identifier, content, created, stele_element)
                    VALUES (given_memory, given.content, stamp + added * interval '1 us', given.element);
                added := added + 1;
            END IF;
        END LOOP;
    ELSE
        INSERT INTO {schema}.memories_elements (identifier, content, created)
            SELECT given_memory, each.content, stamp + (each.place - 1) * interval '1 us'
            FROM jsonb_array_elements(given_elements) WITH ORDINALITY AS each (content, place);
        GET DIAGNOSTICS added = ROW_COUNT;
    END IF;
    newest := stamp + greatest(added - 1, 0) * interval '1 us';
    IF given_variables IS NOT NULL THEN
        -- behind a client's stamp in the future they follow their own kind, so that draive's next ones are newer
        newest_variables := CASE WHEN stamp = now_is THEN stamp + added * interval '1 us'
            ELSE greatest(now_is, newest_variables + interval '1 us') END;
        INSERT INTO {schema}.memories_variables (identifier, variables, created)
            VALUES (given_memory, given_variables, newest_variables);
        newest := greatest(newest, newest_variables);
    END IF;
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
    newest timestamptz,
    forked boolean
);
COMMENT ON COLUMN {schema}.stele_conversations.newest IS 'the last stamp that Stele gave, null if none';
COMMENT ON COLUMN {schema}.stele_conversations.forked IS 'true if it was begun as a fork; null if not';

-- Stores turns (an array of payloads) of one conversation. A turn that is there already, here or in what a fork has of
-- the threads above it, and is the same, is left; if all are, the outcome is "repeated", and the newest the newest of
-- them. One that is there and differs: "taken", and which. "moved" and "unasked" as above. A turn without a time of its
-- own gets one, later than all before it. Whatever is stored moves the newest.
CREATE OR REPLACE FUNCTION {schema}.stele_remember_turns(given_thread text, given_turns jsonb, checked boolean,
    expected timestamptz, given_responses text[], OUT outcome text, OUT newest timestamptz, OUT which text)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
    given record;
    there record;
    repeated timestamptz;
    stamp timestamptz;
    at timestamptz;
    latest timestamptz;
    new_turns jsonb[] := '{}';
    new_turn jsonb;
    forked boolean;
    known boolean;
BEGIN
    LOOP
        SELECT c.newest, c.forked INTO newest, forked FROM {schema}.stele_conversations c
            WHERE c.thread_id = given_thread FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO {schema}.stele_conversations (thread_id) VALUES (given_thread) ON CONFLICT DO NOTHING;
    END LOOP;
    newest := greatest(newest, (SELECT m.created FROM {schema}.conversation_memory m WHERE m.thread_id = given_thread
        ORDER BY m.created DESC LIMIT 1));
    FOR given IN SELECT each.turn, (each.turn ->> 'identifier')::uuid AS identifier
            FROM jsonb_array_elements(given_turns) WITH ORDINALITY AS each (turn, place) ORDER BY each.place LOOP
        SELECT m.thread_id, m.identifier, m.payload, m.created INTO there FROM {schema}.conversation_memory m
            WHERE (m.thread_id, m.identifier) >= (given_thread, given.identifier)
            ORDER BY m.thread_id, m.identifier LIMIT 1;
        known := FOUND AND there.thread_id = given_thread AND there.identifier = given.identifier;
        IF forked AND NOT known THEN
            SELECT m.thread_id, m.identifier, m.payload, m.created INTO there
                FROM {schema}.stele_lineage('conversations', given_thread) l CROSS JOIN LATERAL (
                    SELECT * FROM {schema}.conversation_memory c
                    WHERE (c.thread_id, c.identifier) >= (l.thread, given.identifier)
                    ORDER BY c.thread_id, c.identifier LIMIT 1) m
                WHERE m.thread_id = l.thread AND m.identifier = given.identifier AND m.created <= l.until
                ORDER BY l.depth LIMIT 1;
            known := FOUND;
        END IF;
        IF NOT known THEN
            new_turns := array_append(new_turns, given.turn);
        ELSIF there.payload - '{created,identifier}'::text[] <> given.turn - '{created,identifier}'::text[]
                OR there.created <> (given.turn ->> 'created')::timestamptz THEN
            outcome := 'taken';
            which := given.identifier;
            RETURN;
        ELSE
            repeated := greatest(repeated, there.created);
        END IF;
    END LOOP;
    IF cardinality(new_turns) = 0 THEN
        outcome := 'repeated';
        newest := repeated;
        RETURN;
    END IF;
    IF checked AND newest IS DISTINCT FROM expected THEN
        outcome := 'moved';
        RETURN;
    END IF;
    IF given_responses IS NOT NULL THEN
        -- the newest first: some models use an identifier again and again, and then the index has it as often
        SELECT r.response INTO which FROM unnest(given_responses) WITH ORDINALITY AS r (response, place)
            WHERE CASE WHEN EXISTS (SELECT FROM (SELECT e.payload AS body FROM {schema}.conversation_memory e
                    WHERE e.thread_id = given_thread ORDER BY e.created DESC LIMIT 8) near
                WHERE {schema}.stele_tool_requests(given_thread, near.body,
                        '$.content[*] ? (@.event == "tool_request").content.artifact.identifier')
                    @> ARRAY[hashtextextended(r.response, hashtextextended(given_thread, 0))])
            THEN false ELSE NOT EXISTS (SELECT FROM {schema}.stele_lineage('conversations', given_thread) l
                JOIN {schema}.conversation_memory e ON {schema}.stele_tool_requests(e.thread_id, e.payload,
                        '$.content[*] ? (@.event == "tool_request").content.artifact.identifier')
                    @> ARRAY[hashtextextended(r.response, hashtextextended(l.thread, 0))]
                AND e.payload @> '{"content": [{"event": "tool_request"}]}' AND (e.created <= l.until) IS TRUE) END
            ORDER BY r.place LIMIT 1;
        IF FOUND THEN
            outcome := 'unasked';
            RETURN;
        END IF;
    END IF;
    stamp := clock_timestamp();
    newest := newest + interval '1 us';
    FOREACH new_turn IN ARRAY new_turns LOOP
        at := coalesce((new_turn ->> 'created')::timestamptz,
            greatest(stamp, newest, latest + interval '1 us'));
        INSERT INTO {schema}.conversation_memory (thread_id, turn, identifier, payload, created)
            VALUES (given_thread, new_turn ->> 'turn', (new_turn ->> 'identifier')::uuid,
                new_turn || jsonb_build_object('created',
                    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')), at);
        latest := greatest(latest, at);
    END LOOP;
    newest := greatest(newest, latest);
    UPDATE {schema}.stele_conversations c SET newest = stele_remember_turns.newest WHERE c.thread_id = given_thread;
    outcome := 'stored';
END
$$;
