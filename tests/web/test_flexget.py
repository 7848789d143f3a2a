"""Torznab clients nobody here wrote, against our server on loopback."""

import json
import re

from tests.fakes.flexget import CLIENTS, accepted, discover, needs_flexget, run_client
from tests.fakes.library import (
    EPISODE,
    EPISODE_X,
    EPISODES_1_TO_3,
    NIGHT,
    NIGHT_BARE,
    NIGHT_FOREIGN,
    NIGHT_YEAR_OFF,
    SEASON_2,
    SINTEL,
    SINTEL_SD,
    SOFTWARE,
    TEARS,
    hash_of,
    names,
)  # fmt: skip

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


async def test_flexget_finds_films_by_their_numbers_whatever_they_are_called(site, tmp_path):
    wanted = (
        "{title: 'Project Durian', url: 'mock://b', imdb_id: 'tt1727587', tmdb_id: 45745},"
        " {title: 'Noc zywych trupow', url: 'mock://e', imdb_id: 'tt0063350'}"
    )
    output = await discover(site.url, site.key, tmp_path, wanted, "searcher: movie, categories: [2000, 2030, 2040]")
    assert accepted(output) == names(SINTEL, SINTEL_SD, NIGHT, NIGHT_BARE, NIGHT_YEAR_OFF, NIGHT_FOREIGN), output
    told = re.sub(r" *: ", ": ", output)
    for said in ("torrent_seeds: 12", "imdb_id: tt1727587", "tmdb_id: 45745", "imdb_id: tt0063350"):
        assert said in told


async def test_flexget_finds_episodes_by_the_number_of_their_series(site, tmp_path):
    wanted = ", ".join(
        f"{{title: 'Prime Time Hillbillies S{season:02}E02', url: 'mock://c{season}', series_name: 'Prime Time Hillbillies',"
        f" series_season: {season}, series_episode: 2, tvdb_id: 71471}}"
        for season in (1, 2)
    )
    output = await discover(site.url, site.key, tmp_path, wanted, "searcher: tv")
    assert accepted(output) == names(EPISODE, EPISODE_X, EPISODES_1_TO_3, SEASON_2), output
    told = re.sub(r" *: ", ": ", output)
    for said in ("tvdb_id: 71471", "imdb_id: tt0055662", "series_season: 2", "series_episode: 2"):
        assert said in told


async def test_flexget_is_told_when_its_key_is_wrong(site, tmp_path):
    site.key = "0" * 40
    output = await discover(site.url, site.key, tmp_path, "{title: 'Sintel', url: 'mock://d'}", "searcher: search")
    assert accepted(output) == set()
    assert "401" in output


async def test_the_torznab_package_reads_our_capabilities_and_feeds(site, tmp_path):
    program = (
        "import json, sys, torznab\n"
        "key, url = sys.argv[1], sys.argv[2] + '/api'\n"
        "client = torznab.Torznab(key)\n"
        "caps = client.get_capabilities(url)\n"
        "by_text = client.search_torrent('tears of steel', url)\n"
        "client.session.params = {'imdbid': 'tt0063350', 'cat': '2040'}\n"
        "by_id = client.search_torrent('noc zywych trupow', url)\n"
        "print(json.dumps([\n"
        "    [caps.server.title, caps.limits.max],\n"
        "    [caps.searching.tv_search.supported_params, caps.searching.movie_search.supported_params],\n"
        "    [[item.title, item.size, item.seeders] for item in by_text],\n"
        "    [[item.title, item.movie_info.imdb_id, item.year] for item in by_id],\n"
        "]))\n"
    )
    output = await run_client(CLIENTS / "python", "-c", program, site.key, site.url, cwd=tmp_path)
    assert json.loads(output) == [
        ["swarmdex", 100],
        [["q", "season", "ep", "tvdbid", "imdbid"], ["q", "year", "imdbid", "tmdbid"]],
        [[TEARS.torrent.name, TEARS.torrent.size, None]],
        [[NIGHT.torrent.name, "0063350", 1968]],
    ]
