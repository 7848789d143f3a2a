"""Torznab clients nobody here wrote, against our server on loopback."""

import json
import re

from tests.fakes.flexget import CLIENTS, accepted, discover, needs_flexget, run_client
from tests.fakes.library import EPISODE, EPISODE_X, EPISODES_1_TO_3, SINTEL, SOFTWARE, TEARS, hash_of

pytestmark = needs_flexget


async def test_flexget_reads_the_capabilities(site, tmp_path):
    (tmp_path / "config.yml").write_text("tasks: {}\n")
    output = await run_client(CLIENTS / "flexget", "-c", tmp_path / "config.yml", "torznab", site.url, site.key, cwd=tmp_path)
    assert "Server: swarmdex" in output
    assert "Limits: max=100, default=100" in output
    assert "✓ tv-search: yes" in output
    assert "5040: TV/HD" in output


async def test_flexget_finds_by_text_and_takes_size_and_hash(site, tmp_path):
    output = await discover(site.url, site.key, tmp_path, "{title: 'debian netinst', url: 'mock://a'}", "searcher: search")
    assert accepted(output) == {SOFTWARE.torrent.name}, output
    assert f"content_size: {SOFTWARE.torrent.size}" in re.sub(r" *: ", ": ", output)
    assert hash_of(SOFTWARE.torrent.name).hex() in output
    assert f"magnet:?xt=urn:btih:{hash_of(SOFTWARE.torrent.name).hex()}" in output


async def test_flexget_finds_a_film_with_its_swarm(site, tmp_path):
    wanted = "{title: 'Sintel 1080p', url: 'mock://b', imdb_id: 'tt1727587', tmdb_id: 45745}"
    output = await discover(site.url, site.key, tmp_path, wanted, "searcher: movie, categories: [2000, 2040]")
    assert accepted(output) == {SINTEL.torrent.name}, output
    assert "torrent_seeds: 12" in re.sub(r" *: ", ": ", output)


async def test_flexget_finds_an_episode_by_its_numbers(site, tmp_path):
    wanted = (
        "{title: 'The Beverly Hillbillies S01E02', url: 'mock://c', series_name: 'The Beverly Hillbillies',"
        " series_season: 1, series_episode: 2, tvdb_id: 71471}"
    )
    output = await discover(site.url, site.key, tmp_path, wanted, "searcher: tv")
    assert accepted(output) == {found.torrent.name for found in (EPISODE, EPISODE_X, EPISODES_1_TO_3)}, output
    assert "series_episode: 2" in re.sub(r" *: ", ": ", output)


async def test_flexget_is_told_when_its_key_is_wrong(site, tmp_path):
    site.key = "0" * 40
    output = await discover(site.url, site.key, tmp_path, "{title: 'Sintel', url: 'mock://d'}", "searcher: search")
    assert accepted(output) == set()
    assert "401" in output


async def test_the_torznab_package_reads_our_feed(site, tmp_path):
    program = (
        "import json, sys, torznab\n"
        "client = torznab.Torznab(sys.argv[2])\n"
        "found = client.search_torrent('tears of steel', sys.argv[1] + '/api')\n"
        "print(json.dumps([[item.title, item.size] for item in found]))\n"
    )
    output = await run_client(CLIENTS / "python", "-c", program, site.url, site.key, cwd=tmp_path)
    assert json.loads(output) == [[TEARS.torrent.name, TEARS.torrent.size]]
