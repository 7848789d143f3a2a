import trio

from supervisor.heartbeat import Heart


async def test_the_start_is_the_first_beat(autojump_clock):
    await trio.sleep(5)
    heart = Heart()
    assert heart.last_beat == heart.started_at == 5
    await trio.sleep(2)
    heart.beat()
    assert (heart.started_at, heart.last_beat) == (5, 7)


async def test_ready_is_said_once():
    said = []
    heart = Heart("tree/child", lambda: said.append("ready"))
    assert not heart.is_ready
    heart.ready()
    heart.ready()
    assert heart.is_ready
    assert said == ["ready"]


async def test_it_goes_on_beating_until_cancelled(nursery, autojump_clock):
    heart = Heart()
    nursery.start_soon(heart.keep_beating)
    for _ in range(100):
        await trio.sleep(1)
        assert trio.current_time() - heart.last_beat <= 5
