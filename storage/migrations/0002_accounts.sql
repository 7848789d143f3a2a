-- Who may do what: keys, people, their sessions.

CREATE TABLE api_key (
    id text PRIMARY KEY CHECK (length(id) = 8),
    created timestamptz NOT NULL DEFAULT now(),
    last_used timestamptz,
    expires timestamptz,
    revoked timestamptz,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    scopes text[] NOT NULL
);
