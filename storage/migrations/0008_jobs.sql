-- Long work over all torrents, one at a time: storage/jobs.py.

CREATE TABLE job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created timestamptz NOT NULL DEFAULT now(),
    started timestamptz,
    ended timestamptz,
    last_id bigint NOT NULL DEFAULT 0,   -- torrents up to this id are through
    done bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL,
    older_than smallint,                 -- only what a classifier before this version has read
    kinds smallint[],
    task text NOT NULL CHECK (task IN ('reprocess', 'reindex')),
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
    CHECK ((state = 'running') = (ended IS NULL))
);
CREATE UNIQUE INDEX job_running ON job (state) WHERE state = 'running';

-- Torrents that were stored before anybody had read their names, while more came than could be read: actors/reprocessor.py.
CREATE INDEX torrent_unread ON torrent (id) WHERE classifier_version = 0;
