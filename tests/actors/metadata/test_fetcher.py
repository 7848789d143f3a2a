import hashlib
import random
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from catalog.messages import MetadataWanted, TorrentsFound
from catalog.model import File
from protocol.bencode import encode
from protocol.identifiers import InfoHash
from protocol.metainfo import Info, parse_info
from protocol.peer.extension import data, extended_handshake
from protocol.peer.wire import Handshake
from tests.fakes.peers import black_hole, sintel
from tests.fakes.torrents import single_file_info

if TYPE_CHECKING:
    from tests.actors.metadata.conftest import Bench


HASH, RAW = sintel()


def held(bench: "Bench") -> int:
    return bench.wanted.statistics().held


async def test_a_wanted_hash_with_a_peer_becomes_a_torrent(bench: "Bench", virtual_clock: object) -> None:
    fetcher = bench.start()
    await bench.want(HASH, peers=[(HASH, await bench.peers.honest(RAW))])
    [torrent] = await bench.torrents(1)
    assert (torrent.info_hash, torrent.name, torrent.size) == (HASH, "Sintel.2010.1080p.0.mkv", 30 * 65_536)
    assert (torrent.files, torrent.file_count) == ((File("Sintel.2010.1080p.0.mkv", 30 * 65_536),), 1)
    assert (torrent.source, torrent.info_hash_v2, torrent.seeders) == ("dht", None, None)
    await bench.until(bench.is_done)
    statistics = fetcher.statistics()
    assert (statistics.attempts, statistics.succeeded, statistics.failed, statistics.queued) == (1, 1, {}, 0)
    assert bench.look_ups == []


async def test_large_metadata_in_many_pieces(bench: "Bench", virtual_clock: object) -> None:
    info_hash, raw = sintel(pieces=80_000)  # 1.6 MB: more pieces than may be asked for at once
    assert len(raw) > 64 * 16_384
    bench.start()
    await bench.want(info_hash, peers=[(info_hash, await bench.peers.honest(raw))])
    [torrent] = await bench.torrents(1)
    assert torrent.info_hash == info_hash


async def test_peers_come_from_a_look_up_group_by_group(bench: "Bench", virtual_clock: object) -> None:
    with black_hole() as dead:
        bench.planted[HASH] = [[dead], [await bench.peers.honest(RAW)]]
        bench.lookup_pause = 1.0
        bench.start()
        started = trio.current_time()
        await bench.want(HASH)
        assert len(await bench.torrents(1)) == 1
        assert trio.current_time() - started < 3.0  # the dead one did not hold it up
        assert bench.fetcher.statistics().lookups.with_peers == 1


async def test_a_race_is_won_by_the_peer_that_answers_and_the_others_are_called_off(bench: "Bench", virtual_clock: object) -> None:
    with black_hole() as one, black_hole() as two:
        bench.planted[HASH] = [[one, two, await bench.peers.honest(RAW)]]
        bench.start()
        started = trio.current_time()
        await bench.want(HASH)
        await bench.torrents(1)
        await bench.until(lambda: bench.fetcher.statistics().connections == 0)
        assert trio.current_time() - started < 2.0
        assert bench.fetcher.statistics().failed == {"outrun": 2}


async def test_wicked_peers_are_counted_and_the_next_one_is_asked(bench: "Bench", virtual_clock: object) -> None:
    size = len(RAW)
    other = random.Random(3).randbytes(size)
    wicked = {
        "rejected": await bench.peers.rejecting(size),
        "piece_out_of_range": await bench.peers.lying_about_the_piece(size),
        "too_large": await bench.peers.scripted(extended_handshake(100_000_000)),
        "metadata_size_changed": await bench.peers.scripted(extended_handshake(size) + extended_handshake(size + 1)),
        "wrong_metadata": await bench.peers.scripted(extended_handshake(size), data(1, 0, other)),
        "wrong_piece_length": await bench.peers.scripted(extended_handshake(size - 50), data(1, 0, RAW[:-50])[:-1]),
        "no_metadata": await bench.peers.scripted(extended_handshake()),
    }
    del wicked["wrong_piece_length"]
    bench.planted[HASH] = [[address] for address in wicked.values()]
    bench.planted[HASH].append([await bench.peers.honest(RAW)])
    bench.lookup_pause = 1.0
    fetcher = bench.start()
    await bench.want(HASH)
    await bench.torrents(1)
    assert fetcher.statistics().failed == dict.fromkeys(wicked, 1)


async def test_peers_that_are_none_are_counted(bench: "Bench", virtual_clock: object) -> None:
    async def talk_http(stream: trio.SocketStream) -> None:
        await stream.receive_some(1000)
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def hang_up(stream: trio.SocketStream) -> None:
        await stream.receive_some(1000)

    async def be_old(stream: trio.SocketStream) -> None:
        await stream.receive_some(1000)
        await stream.send_all(Handshake(HASH, bytes(20), bytes(8)).encode())

    closed = await bench.peers.peer(hang_up)
    nobody = (closed[0], 1)
    for conversation in (talk_http, be_old):
        bench.planted.setdefault(HASH, []).append([await bench.peers.peer(conversation)])
    bench.planted[HASH] += [[closed], [nobody], [await bench.peers.honest(RAW)]]
    bench.lookup_pause = 1.0
    fetcher = bench.start()
    await bench.want(HASH)
    await bench.torrents(1)
    assert fetcher.statistics().failed == {"not_bittorrent": 1, "no_extensions": 1, "closed": 1, "refused": 1}
    assert fetcher.statistics().bad_peers == 3  # all but the one that hung up: it may have other torrents


async def test_a_black_hole_costs_the_connect_timeout_and_rounds_are_minutes_apart(bench: "Bench", virtual_clock: Any) -> None:
    virtual_clock.autojump_threshold = 0.0  # nothing will arrive, and many minutes must pass
    with black_hole() as dead:
        bench.planted[HASH] = [[dead]]
        fetcher = bench.start(attempts=3, retry_after_s=200.0)
        started = trio.current_time()
        await bench.want(HASH)
        await bench.until(lambda: fetcher.statistics().to_retry == 1)
        assert 4.0 <= trio.current_time() - started < 5.0
        assert held(bench) == 1
        await bench.until(bench.is_done)  # given up: the order is done with
        assert [round(when - started, -2) for when, _ in bench.look_ups] == [0, 200, 1000]
        assert fetcher.statistics().failed == {"connect_timeout": 2}  # in the second round it was still known to be dead
        assert (fetcher.statistics().given_up, fetcher.statistics().queued) == (1, 0)


async def test_a_slow_drip_ends_at_the_fetch_timeout(bench: "Bench", virtual_clock: object) -> None:
    bench.planted[HASH] = [[await bench.peers.dripping(RAW, pause=0.5)]]
    fetcher = bench.start(attempts=1)
    started = trio.current_time()
    await bench.want(HASH)
    await bench.until(bench.is_done)
    assert 15.0 <= trio.current_time() - started < 16.0
    assert fetcher.statistics().failed == {"timeout": 1}


async def test_large_metadata_may_take_longer_than_the_fetch_timeout(bench: "Bench", virtual_clock: object) -> None:
    info_hash, raw = sintel(pieces=80_000)  # 1.6 MB, at 80 kB/s
    script = [data(1, piece, raw) for piece in range(-(-len(raw) // 16_384))]
    greeting = Handshake(info_hash, bytes(20)).encode() + extended_handshake(len(raw))

    async def talk_slowly(stream: trio.SocketStream) -> None:
        for message in [greeting, *script]:
            await stream.send_all(message)
            await trio.sleep(0.2)

    fetcher = bench.start(attempts=1)
    started = trio.current_time()
    await bench.want(info_hash, peers=[(info_hash, await bench.peers.peer(talk_slowly))])
    assert [torrent.info_hash for torrent in await bench.torrents(1)] == [info_hash]
    assert (fetcher.statistics().succeeded, fetcher.statistics().failed) == (1, {})
    assert trio.current_time() - started > 18.0


async def test_silence_after_the_handshake_ends_at_the_fetch_timeout(bench: "Bench", virtual_clock: object) -> None:
    bench.planted[HASH] = [[await bench.peers.scripted()]]
    fetcher = bench.start(attempts=1)
    await bench.want(HASH)
    await bench.until(bench.is_done)
    assert fetcher.statistics().failed == {"timeout": 1}


async def test_one_ip_gets_two_connections_at_most(bench: "Bench", virtual_clock: object) -> None:
    silent = await bench.peers.scripted()
    hashes = [sintel(number)[0] for number in range(6)]
    fetcher = bench.start(attempts=1)
    await bench.want(*hashes, peers=[(info_hash, silent) for info_hash in hashes])
    for seconds in (1, 15, 15):
        await trio.sleep(seconds)
        assert bench.peers.open[silent] == fetcher.statistics().connections == 2
    await bench.until(bench.is_done)
    assert bench.peers.connections[silent] == 6


async def test_many_hashes_of_one_peer_go_through_its_two_connections(bench: "Bench", virtual_clock: object) -> None:
    infos = [sintel(number) for number in range(40)]
    address = await bench.peers.honest(*(raw for _, raw in infos))
    bench.start()
    await bench.want(*(info_hash for info_hash, _ in infos), peers=[(info_hash, address) for info_hash, _ in infos])
    assert len(await bench.torrents(40)) == 40
    assert bench.peers.connections[address] == 40


async def test_no_more_workers_than_the_setting(bench: "Bench", virtual_clock: object) -> None:
    with black_hole() as dead:
        hashes = [sintel(number)[0] for number in range(20)]
        fetcher = bench.start(workers=5, connections_per_ip=100)
        await bench.want(*hashes, peers=[(info_hash, dead) for info_hash in hashes])
        await trio.sleep(1.0)
        assert fetcher.statistics().connections == 5


async def test_private_and_impossible_addresses_are_refused(bench: "Bench", virtual_clock: object) -> None:
    fetcher = bench.start(allow_loopback=False, attempts=1)
    local = await bench.peers.honest(RAW)
    await bench.want(
        HASH, peers=[(HASH, local), (HASH, ("10.0.0.1", 6881)), (HASH, ("::1", 6881)), (HASH, ("junk", 1)), (HASH, ("8.8.8.8", 0))]
    )
    await bench.until(bench.is_done)
    assert fetcher.statistics().refused_addresses == 5
    assert fetcher.statistics().attempts == 0
    assert bench.peers.connections[local] == 0


async def test_ipv6_peers_are_asked(bench: "Bench", virtual_clock: object) -> None:
    try:
        address = await bench.peers.honest(RAW, host="::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    bench.start()
    await bench.want(HASH, peers=[(HASH, address)])
    assert len(await bench.torrents(1)) == 1


async def test_malformed_info_is_given_up_at_once(bench: "Bench", virtual_clock: object) -> None:
    bombs = {
        "name_too_long": encode(single_file_info(name=b"Sintel" * 20_000)),
        "no_pieces": b"d6:lengthi5e4:name6:Sintele",
        "not_bencode": b"l" * 60_000,
    }
    hashes = {reason: InfoHash(hashlib.sha1(raw, usedforsecurity=False).digest()) for reason, raw in bombs.items()}
    address = await bench.peers.honest(*bombs.values())
    fetcher = bench.start()
    await bench.want(*hashes.values(), peers=[(info_hash, address) for info_hash in hashes.values()])
    await bench.until(bench.is_done)
    malformed = fetcher.statistics().malformed
    assert malformed.pop("too_deep", 0) + malformed.pop("not_bencode", 0) == 1
    assert malformed == {"name_too_long": 1, "no_pieces": 1}
    assert fetcher.statistics().attempts == 3
    assert fetcher.statistics().given_up == 0


async def test_a_v1_info_dict_under_its_sha256_is_no_torrent(bench: "Bench", virtual_clock: object) -> None:
    pretended = InfoHash(hashlib.sha256(RAW).digest()[:20])
    fetcher = bench.start()
    await bench.want(pretended, peers=[(pretended, await bench.peers.honest(RAW))])
    await bench.until(bench.is_done)
    assert fetcher.statistics().malformed == {"other_version": 1}


async def test_names_that_had_to_be_cleaned_are_counted(bench: "Bench", virtual_clock: object) -> None:
    raw = encode(single_file_info("Sintel\x00\u202egpj.exe".encode()))
    info_hash = InfoHash(hashlib.sha1(raw, usedforsecurity=False).digest())
    fetcher = bench.start()
    await bench.want(info_hash, peers=[(info_hash, await bench.peers.honest(raw))])
    [torrent] = await bench.torrents(1)
    assert torrent.name == "Sintel gpj.exe"
    assert fetcher.statistics().cleaned == 1


async def test_a_small_batch_leaves_within_a_quarter_of_a_second(bench: "Bench", virtual_clock: object) -> None:
    infos = [sintel(number) for number in range(3)]
    address = await bench.peers.honest(*(raw for _, raw in infos))
    bench.start()
    started = trio.current_time()
    await bench.want(*(info_hash for info_hash, _ in infos), peers=[(info_hash, address) for info_hash, _ in infos])
    await bench.torrents(3)
    assert [len(message.torrents) for _, message in bench.batches] == [3]
    assert bench.batches[0][0] - started <= 0.3


async def test_a_full_outbox_holds_everything_up_and_loses_nothing(
    bench: "Bench", virtual_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.metadata.unsent.BATCH", 5)
    monkeypatch.setattr("actors.metadata.unsent.MAX_UNSENT", 10)
    infos = [sintel(number) for number in range(100)]
    address = await bench.peers.honest(*(raw for _, raw in infos))
    for _ in range(8):
        bench.found.send_nowait(TorrentsFound(()))  # nobody reads
    fetcher = bench.start(workers=4)
    await bench.want(*(info_hash for info_hash, _ in infos), peers=[(info_hash, address) for info_hash, _ in infos])
    await trio.sleep(5.0)
    assert 10 <= fetcher.statistics().unsent <= 14
    assert held(bench) == 1
    names = {torrent.name for torrent in await bench.torrents(100)}
    assert len(names) == 100
    await bench.until(bench.is_done)


async def test_info_dicts_are_handed_on_when_they_are_to_be_kept(bench: "Bench", virtual_clock: object) -> None:
    small, large = sintel(1), sintel(2, pieces=1000)
    address = await bench.peers.honest(small[1], large[1])
    bench.start(keep_info=True, keep_info_max_bytes=10_000)
    await bench.want(small[0], large[0], peers=[(small[0], address), (large[0], address)])
    kept = {torrent.info_hash: torrent.info for torrent in await bench.torrents(2)}
    assert kept == {small[0]: small[1], large[0]: None}


async def test_info_dicts_are_let_go_by_default(bench: "Bench", virtual_clock: object) -> None:
    bench.start()
    await bench.want(HASH, peers=[(HASH, await bench.peers.honest(RAW))])
    assert [torrent.info for torrent in await bench.torrents(1)] == [None]


async def test_messages_with_info_dicts_stay_small(bench: "Bench", virtual_clock: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.metadata.unsent.BATCH_INFO_BYTES", 2 * len(RAW) + 10)
    infos = [sintel(number) for number in range(7)]
    address = await bench.peers.honest(*(raw for _, raw in infos))
    bench.start(keep_info=True)
    await bench.want(*(info_hash for info_hash, _ in infos), peers=[(info_hash, address) for info_hash, _ in infos])
    await bench.torrents(7)
    assert max(len(message.torrents) for _, message in bench.batches) == 2
    await bench.until(bench.is_done)


async def test_large_info_dicts_that_cannot_be_sent_hold_everything_up_sooner(
    bench: "Bench", virtual_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.metadata.unsent.MAX_UNSENT_INFO_BYTES", 3 * len(RAW))
    infos = [sintel(number) for number in range(20)]
    address = await bench.peers.honest(*(raw for _, raw in infos))
    for _ in range(8):
        bench.found.send_nowait(TorrentsFound(()))  # nobody reads
    fetcher = bench.start(keep_info=True, workers=1)
    await bench.want(*(info_hash for info_hash, _ in infos), peers=[(info_hash, address) for info_hash, _ in infos])
    await trio.sleep(5.0)
    assert fetcher.statistics().unsent == 3
    assert len(await bench.torrents(20)) == 20
    await bench.until(bench.is_done)


async def test_an_order_is_done_only_when_all_its_hashes_are(bench: "Bench", virtual_clock: object) -> None:
    missing, _ = sintel(99)
    fetcher = bench.start(attempts=1)
    bench.lookup_pause = 3.0
    bench.planted[missing] = [[], []]
    await bench.want(HASH, missing, peers=[(HASH, await bench.peers.honest(RAW))])
    await bench.torrents(1)
    await trio.sleep(0.1)
    assert held(bench) == 1
    await bench.until(lambda: fetcher.statistics().given_up == 1)
    assert held(bench) == 0


async def test_two_orders_for_one_hash_share_its_fetch(bench: "Bench", virtual_clock: object) -> None:
    address = await bench.peers.scripted(extended_handshake(len(RAW)), data(1, 0, RAW), pause=1.0)
    fetcher = bench.start()
    for _ in range(2):
        await bench.want(HASH, peers=[(HASH, address)])
    assert len(await bench.torrents(1)) == 1
    await bench.until(bench.is_done)
    assert fetcher.statistics().attempts == 1


async def test_an_empty_order_is_done_at_once(bench: "Bench", virtual_clock: object) -> None:
    bench.start()
    await bench.wanted.send(MetadataWanted(()))
    await bench.until(lambda: bench.wanted.statistics().received == 1)
    await trio.testing.wait_all_tasks_blocked()
    assert held(bench) == 0


async def test_what_a_crashed_fetcher_held_is_fetched_by_the_next(bench: "Bench", virtual_clock: object) -> None:
    with black_hole() as dead:
        bench.planted[HASH] = [[dead], [await bench.peers.honest(RAW)]]
        bench.lookup_pause = 2.0
        bench.start()
        await bench.want(HASH)
        await trio.sleep(1.0)
        bench.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        bench.start()
        assert [torrent.info_hash for torrent in await bench.torrents(1)] == [HASH]


async def test_asked_to_stop_it_finishes_what_is_under_way_and_sends_it(bench: "Bench", virtual_clock: object) -> None:
    address = await bench.peers.scripted(extended_handshake(len(RAW)), data(1, 0, RAW), pause=0.1)
    with black_hole() as dead:
        other, _ = sintel(1)
        bench.start()
        await bench.want(HASH, other, peers=[(HASH, address), (other, dead)])
        await trio.sleep(0.05)
        started = trio.current_time()
        bench.wanted.close()
        assert [torrent.info_hash for torrent in await bench.torrents(1)] == [HASH]
        assert trio.current_time() - started < 1.0


async def test_a_full_queue_takes_in_no_more(bench: "Bench", virtual_clock: object, monkeypatch: pytest.MonkeyPatch) -> None:
    fetcher = bench.start(attempts=1)
    monkeypatch.setattr(fetcher._queue, "_limits", _with_room_for(fetcher._queue._limits, 3))
    bench.lookup_pause = 5.0
    for number in range(6):
        info_hash, _ = sintel(number)
        bench.planted[info_hash] = [[]]
        await bench.want(info_hash)
    await trio.sleep(1.0)
    assert (held(bench), bench.wanted.statistics().depth) == (3, 3)
    await bench.until(lambda: fetcher.statistics().given_up == 6)
    assert held(bench) == 0


async def test_cut_off_it_sends_on_what_it_has_fetched(bench: "Bench", virtual_clock: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue keeps it from seeing the end of its inbox, so a stop may well run out of time."""
    fetcher = bench.start()
    monkeypatch.setattr(fetcher._queue, "_limits", _with_room_for(fetcher._queue._limits, 1))
    monkeypatch.setattr("actors.metadata.fetcher.BATCH_S", 60.0)
    infos = [sintel(number) for number in range(3)]
    address = await bench.peers.honest(*(raw for _, raw in infos))
    with black_hole() as dead:
        other, _ = sintel(4)
        await bench.want(
            other, *(info_hash for info_hash, _ in infos), peers=[(other, dead), *((info_hash, address) for info_hash, _ in infos)]
        )
        await bench.until(lambda: fetcher.statistics().unsent == 3)
        await bench.want(sintel(5)[0])
        bench.wanted.close()
        await trio.testing.wait_all_tasks_blocked()
        bench.scope.cancel()
        assert {torrent.info_hash for torrent in await bench.torrents(3)} == {info_hash for info_hash, _ in infos}


async def test_cut_off_before_a_full_outbox_it_keeps_its_orders(
    bench: "Bench", virtual_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(8):
        bench.found.send_nowait(TorrentsFound(()))  # nobody reads
    fetcher = bench.start()
    await bench.want(HASH, peers=[(HASH, await bench.peers.honest(RAW))])
    await bench.until(lambda: fetcher.statistics().unsent == 1)
    bench.scope.cancel()
    await trio.testing.wait_all_tasks_blocked()
    assert held(bench) == 1


def _with_room_for(limits: Any, hashes: int) -> Any:
    return replace(limits, hashes=hashes)


@pytest.mark.parametrize("files", [100, 20_000])
async def test_large_info_dicts_are_read_in_a_thread(bench: "Bench", monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """On the real clock, because virtual time does not wait for threads."""
    readers = []

    def read(*args: Any, **limits: Any) -> Info:
        readers.append(threading.current_thread())
        return parse_info(*args, **limits)

    monkeypatch.setattr("actors.metadata.fetcher.parse_info", read)
    listed = [{b"length": 1, b"path": [b"chapter %d" % number]} for number in range(files)]
    pieces = bytes(20 * -(-files // 16_384))
    raw = encode({b"files": listed, b"name": b"Frankenstein", b"piece length": 16_384, b"pieces": pieces})
    info_hash = InfoHash(hashlib.sha1(raw, usedforsecurity=False).digest())
    bench.start()
    await bench.want(info_hash, peers=[(info_hash, await bench.peers.honest(raw))])
    with trio.fail_after(30):
        [torrent] = await bench.torrents(1)
    assert (len(torrent.files), torrent.file_count) == (min(files, 2000), files)
    assert (readers == [threading.main_thread()]) == (len(raw) <= 128 * 1024)
