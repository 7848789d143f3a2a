-- What arrived when, and how swarms went; storage/history.py.

-- How many torrents each source brought, by the minute. Old minutes become hours, old hours days: actors/janitor.py folds them.
CREATE TABLE arrival (
    start timestamptz NOT NULL,          -- of the span
    new integer NOT NULL,
    updated integer NOT NULL,            -- known before
    span smallint NOT NULL,              -- minutes: 1, 60, 1440
    source smallint NOT NULL,
    PRIMARY KEY (start, span, source)
) WITH (fillfactor = 60);                -- a minute's row is rewritten with each batch, on its own page (HOT)

-- The counts of days gone by, one a day, six bytes each: day since 2020-01-01, seeders, leechers (65535: unknown), as unsigned numbers of
-- two bytes. Only torrents that were counted on two days have a row; the count of the last of them stands in `swarm`.
CREATE TABLE swarm_history (
    id bigint PRIMARY KEY REFERENCES torrent ON DELETE CASCADE,
    days bytea NOT NULL
) WITH (fillfactor = 80);
ALTER TABLE swarm_history ALTER days SET STORAGE MAIN;

CREATE FUNCTION swarm_day(moment timestamptz) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    ((moment AT TIME ZONE 'UTC')::date - date '2020-01-01')::smallint;

CREATE FUNCTION swarm_count(moment timestamptz, seeders integer, leechers integer) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    int2send(swarm_day(moment)) || substring(int4send(least(seeders, 65534)) FROM 3)
    || substring(int4send(least(coalesce(leechers, 65535), CASE WHEN leechers IS NULL THEN 65535 ELSE 65534 END)) FROM 3);

-- Without the days before `first`. They stand in order, and there are at most 90.
CREATE FUNCTION swarm_days_since(days bytea, first smallint) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    place integer := 1;
BEGIN
    WHILE place < octet_length(days) AND substring(days FROM place FOR 2) < int2send(first) LOOP
        place := place + 6;
    END LOOP;
    RETURN substring(days FROM place);
END $$;

-- The last count of a day is kept when the next day's first one comes: one write a torrent and day, whoever counts.
CREATE FUNCTION swarm_day_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO swarm_history AS h (id, days) VALUES (OLD.id, swarm_count(OLD.at, OLD.seeders, OLD.leechers))
    ON CONFLICT (id) DO UPDATE SET days = swarm_days_since(h.days, (swarm_day(NEW.at) - 90)::smallint) || excluded.days;
    RETURN NULL;
END $$;
CREATE TRIGGER swarm_day AFTER UPDATE ON swarm FOR EACH ROW WHEN (swarm_day(OLD.at) < swarm_day(NEW.at)) EXECUTE FUNCTION swarm_day_ended();
