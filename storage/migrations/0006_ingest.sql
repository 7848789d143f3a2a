-- What was answered to ingest clients, for the case that they send the same request again (Idempotency-Key). A day later it is forgotten.

CREATE TABLE ingest_answer (
    at timestamptz NOT NULL DEFAULT now(),
    request bytea PRIMARY KEY CHECK (octet_length(request) = 32),  -- SHA-256 of who sent it and of its key
    body bytea NOT NULL CHECK (octet_length(body) = 32),           -- SHA-256 of what was sent, and where to
    outcomes bytea NOT NULL                                        -- storage/ingest_answers.py; a few bytes, the rest is in the request
);
CREATE INDEX ingest_answer_at ON ingest_answer (at);
