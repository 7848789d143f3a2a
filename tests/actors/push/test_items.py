from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actors.push.items import item_of
from catalog.model import File, Torrent
from protocol.identifiers import ExternalId, InfoHash, InfoHashV2
from tests.fakes.classified import torrent
from web.ingest.items import read_item

V1, V2 = InfoHash(b"\x01" * 20), InfoHashV2(b"\x02" * 32)
PLAIN = torrent("Sintel.2010.1080p.BluRay.x264").torrent


@pytest.mark.parametrize(
    "found",
    [
        PLAIN,
        replace(PLAIN, info_hash=V1, info_hash_v2=V2),
        replace(PLAIN, info_hash=InfoHash(V2[:20]), info_hash_v2=V2),
        replace(PLAIN, files=(), file_count=0, size=700),
        replace(PLAIN, files=(File("a/b.mkv", 1), File("日本.srt", 0)), file_count=5000, size=10**9),
        replace(PLAIN, name="日本語 \u00e9 \U0001f3ac", is_private=True, seeders=0, leechers=7, source="x-1337.site_2"),
        replace(
            PLAIN,
            published_at=datetime(2026, 11, 23, 20, 0, 1, tzinfo=UTC),
            site_category="5040",
            trackers=("udp://tracker.example:6969/announce",),
            ids=(ExternalId("imdb", 1727587), ExternalId("tmdb", 45745), ExternalId("tvdb", 71471)),
        ),
    ],
    ids=["v1", "hybrid", "v2", "no files", "more files", "swarm", "facts"],
)
def test_what_is_sent_is_read_as_the_same_torrent(found: Torrent):
    entry = read_item(item_of(found), 2000)
    assert (entry.faults, entry.warning) == ((), "")
    assert entry.torrent == found


def test_a_line_is_one_line():
    assert b"\n" not in item_of(replace(PLAIN, name="two\nlines"))
