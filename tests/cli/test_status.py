import time
from dataclasses import asdict
from typing import Any

from actors.breaker import State
from actors.pusher import PusherStatistics
from cli.status import status_in_words


def status_with(pusher: PusherStatistics) -> dict[str, Any]:
    child = {"path": "swarmdex/index/pipeline/pusher", "state": "running", "uptime": 5.0, "restarts": 0, "last_crash": None}
    return {"children": [{**child, "statistics": asdict(pusher)}], "mailboxes": []}


def test_a_crawler_tells_how_its_central_instance_fares():
    now = time.time()
    pusher = PusherStatistics(
        sent_new=120,
        sent_updated=3,
        blocked=1,
        refused={"no-size": 2, "too-large": 1},
        batches=4,
        spooled_batches=7,
        spooled_bytes=2_500_000,
        spool_limit_bytes=1_000_000_000,
        oldest_at=now - 180,
        set_aside=1,
        is_full=False,
        disk_failures=0,
        breaker=State.OPEN,
        breaker_since=now - 60.4,
        breaker_opened=2,
        breaker_reason="HTTP 503",
        next_probe=now + 14.4,
        waiting=2,
    )
    assert status_in_words(status_with(pusher)).splitlines()[-3:] == [
        "central instance: fails for 1.0 min (HTTP 503), next try in 14 s",
        "sent: 120 new, 3 known, 1 blocked, 3 refused",
        "spool: 7 batches, 2.5 of 1000 MB, the oldest for 3.0 min, 1 set aside",
    ]
