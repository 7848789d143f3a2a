-- Who may do what: people, their sessions, keys.

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created timestamptz NOT NULL DEFAULT now(),
    last_login timestamptz,
    is_admin boolean NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL UNIQUE, -- the name without case: Jane and jane are one
    password_hash text NOT NULL
);

CREATE TABLE session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- names it in lists; the cookie holds something else
    account bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    created timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32), -- SHA-256 of what the cookie holds
    address text NOT NULL,
    agent text NOT NULL
);

CREATE INDEX session_account ON session (account);

CREATE TABLE api_key (
    id text PRIMARY KEY CHECK (length(id) = 8),
    owner bigint REFERENCES account ON DELETE CASCADE, -- none: made on the command line
    created timestamptz NOT NULL DEFAULT now(),
    last_used timestamptz,
    expires timestamptz,
    revoked timestamptz,
    requests_per_minute int CHECK (requests_per_minute >= 0), -- null: http.requests_per_minute; 0: no limit
    name text NOT NULL,
    secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
    scopes text[] NOT NULL,
    last_address text NOT NULL DEFAULT '',
    last_agent text NOT NULL DEFAULT ''
);

CREATE INDEX api_key_owner ON api_key (owner);
