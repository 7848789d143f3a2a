-- The torrents and how they are searched; docs/schema.md explains it. Works on PostgreSQL 15 and later, needs no extension.
-- Columns stand in the order of their alignment (8, 4, 2, 1 bytes, then variable): no padding between them.

-- Where torrents come from: "dht", a site's name, the name an ingest client gave.
CREATE TABLE source (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

-- Announce URLs, as few as there are trackers; none that is somebody's own.
CREATE TABLE tracker (
    id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL UNIQUE
);

CREATE TABLE torrent (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    size bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    published_at timestamptz,
    file_count integer NOT NULL,
    date date,
    kind smallint NOT NULL,
    classifier_version smallint NOT NULL,
    first_source smallint NOT NULL,      -- a source; no foreign key, its lock would be everybody's
    year smallint,
    confidence smallint NOT NULL,        -- thousandths
    files_codec smallint,
    is_private boolean NOT NULL,
    info_hash bytea NOT NULL UNIQUE CHECK (octet_length(info_hash) = 20),
    info_hash_v2 bytea CHECK (octet_length(info_hash_v2) = 32),
    name text NOT NULL,
    title text NOT NULL,
    stage text NOT NULL,
    resolution text,
    video_codec text,
    release_source text,
    release_group text,
    seasons smallint[],
    episodes smallint[],
    absolute_episodes smallint[],
    languages text[],
    site_category text,                  -- what a source files it under, its own word or a Torznab id
    trackers smallint[],                 -- numbers of `tracker`; NULL: none, or private
    files bytea                          -- storage/filelist.py; NULL: nobody has told us
);
ALTER TABLE torrent ALTER files SET STORAGE EXTERNAL;  -- compressed already

-- What is known and what is new together, the known first, at most twenty.
CREATE FUNCTION trackers_of_both(known smallint[], more smallint[]) RETURNS smallint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN more IS NULL OR more <@ known THEN known
    WHEN known IS NULL THEN more
    ELSE (known || ARRAY(SELECT n FROM unnest(more) WITH ORDINALITY AS new (n, place) WHERE n <> ALL (known) ORDER BY place))[1:20]
END;

-- A v2 hash is looked up whole and, as in the DHT, by its first 20 bytes; so those are unique.
CREATE UNIQUE INDEX torrent_short_v2 ON torrent (substring(info_hash_v2 FROM 1 FOR 20)) WHERE info_hash_v2 IS NOT NULL;

-- Sources besides torrent.first_source: most torrents have none, so most have no row here.
CREATE TABLE torrent_source (
    torrent_id bigint NOT NULL REFERENCES torrent ON DELETE CASCADE,
    seen timestamptz NOT NULL,
    source smallint NOT NULL,
    PRIMARY KEY (torrent_id, source)
);

-- Counts change often: a narrow row with room on its page for the next version (HOT), and no index but its key.
CREATE TABLE swarm (
    id bigint PRIMARY KEY REFERENCES torrent ON DELETE CASCADE,
    at timestamptz NOT NULL,
    seeders integer NOT NULL,
    leechers integer
) WITH (fillfactor = 70);

-- Popularity: the bits of a number of seeders. It moves when the number doubles or halves, so the row below is rewritten seldom.
CREATE FUNCTION popularity(seeders integer) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    width_bucket(seeders, ARRAY[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288, 1048576])::smallint;

-- Sizes in steps of 3 %: few enough that an index of them stores each once, 7 bytes a torrent instead of 23.
CREATE FUNCTION size_class(size bigint) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (ln(greatest(size, 0) + 1) * 32)::smallint;

-- What is searched. `tsv` holds the words of title and name (with weight and position), those of the files (without), and the facts
-- as words that no name can contain ("#2040" a category, "#s1e2" an episode): one index answers them together.
CREATE TABLE search (
    id bigint PRIMARY KEY REFERENCES torrent ON DELETE CASCADE,
    size bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    pop smallint NOT NULL,               -- popularity(swarm.seeders), 0 when unknown
    title_words smallint NOT NULL,
    tsv tsvector NOT NULL
);
CREATE INDEX search_words ON search USING gin (tsv) WITH (gin_pending_list_limit = 1024);
CREATE INDEX search_words_pop1 ON search USING gin (tsv) WITH (gin_pending_list_limit = 256) WHERE pop >= 1;
CREATE INDEX search_words_pop5 ON search USING gin (tsv) WITH (gin_pending_list_limit = 256) WHERE pop >= 5;
CREATE INDEX search_words_pop9 ON search USING gin (tsv) WITH (gin_pending_list_limit = 256) WHERE pop >= 9;
CREATE INDEX search_feed ON search (first_seen);       -- equal within a batch, so its entries share their key
CREATE INDEX search_size ON search (size_class(size));
CREATE INDEX search_pop ON search (pop) WHERE pop >= 1;
ALTER TABLE search ALTER tsv SET STATISTICS 200;

-- How many torrents of each kind, as a sum of changes: every statement adds its own, nobody waits for anybody.
CREATE TABLE tally (
    n bigint NOT NULL,
    kind smallint NOT NULL
);
CREATE FUNCTION tally_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally (kind, n) SELECT kind, count(*) FROM added GROUP BY kind;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally (kind, n) SELECT kind, -count(*) FROM removed GROUP BY kind;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally (kind, n)
    SELECT kind, sum(n)
    FROM (SELECT kind, 1 AS n FROM added UNION ALL SELECT kind, -1 FROM removed) AS changes
    GROUP BY kind HAVING sum(n) <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_insert AFTER INSERT ON torrent REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION tally_added();
CREATE TRIGGER tally_delete AFTER DELETE ON torrent REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION tally_removed();
CREATE TRIGGER tally_update AFTER UPDATE ON torrent REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION tally_changed();

-- What must never come back. Exact: a filter that may err would lose torrents.
CREATE TABLE blocked (
    info_hash bytea PRIMARY KEY CHECK (octet_length(info_hash) = 20),
    at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL
);
