-- Searches that people saved: everybody on the instance sees them, and feeds are made of them.

CREATE TABLE saved_search (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created timestamptz NOT NULL DEFAULT now(),
    name text NOT NULL,
    fields jsonb NOT NULL                -- the search form's, as its address has them: {"q": "sintel", "kind": "movie"}
);
