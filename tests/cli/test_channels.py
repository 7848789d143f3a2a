import trio

from catalog.messages import MetadataWanted
from cli.channels import Channels
from protocol.identifiers import InfoHash


async def test_wanted_hashes_outlive_the_crashes_of_a_fetcher_that_holds_them_long():
    channels = Channels.open(nodes=1)
    wanted = MetadataWanted((InfoHash(b"\x01" * 20),), ())
    await channels.wanted.send(wanted)
    with trio.fail_after(1):
        for _ in range(20):
            assert await channels.wanted.open_inbox().receive() is wanted
    assert channels.wanted.statistics().poisoned == 0
