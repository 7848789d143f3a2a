-- Info dicts that are kept, so that .torrent files can be made (metadata.keep_info). A row is there only if the file would be complete.

CREATE TABLE info_dict (
    torrent_id bigint PRIMARY KEY REFERENCES torrent ON DELETE CASCADE,
    raw bytea NOT NULL,
    piece_layers bytea                   -- bencode, beside the info dict (BEP 52); NULL: none is needed
);
ALTER TABLE info_dict ALTER raw SET STORAGE EXTERNAL, ALTER piece_layers SET STORAGE EXTERNAL;  -- hashes: nothing to compress
