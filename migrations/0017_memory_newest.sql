-- The function of migration 8, which says what it does. It looks for the newest variables and the newest element in one
-- statement instead of two: an eighth less work for the server, for a call of ten elements.

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
    SELECT (SELECT v.created FROM {schema}.memories_variables v WHERE v.identifier = given_memory
            ORDER BY v.created DESC LIMIT 1),
        greatest(newest, (SELECT e.created FROM {schema}.memories_elements e WHERE e.identifier = given_memory
            ORDER BY e.created DESC LIMIT 1))
        INTO newest_variables, newest;
    newest := greatest(newest, newest_variables);
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
