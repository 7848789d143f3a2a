"""The harness measures the process under test, pairs the rounds and refuses figures of a busy generator."""

import json
import socket
import time
from functools import partial

import pytest

from bench import harness
from bench.harness import GENERATOR, SUBJECT, Case, Contender, Options, Outcome, RoundFailed, Watch, compare
from bench.process import cpu_seconds


def burn(seconds: float) -> None:
    ends = time.process_time() + seconds
    while time.process_time() < ends:
        pass


def work(cost_s: float, offered: object, watch: Watch) -> Outcome:
    burn(0.05)  # set-up: not measured
    watch.start()
    burn(cost_s)
    watch.stop()
    burn(0.05)  # tear-down: not measured
    return Outcome(10, {"seen": 3.0})


def echo(offer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        offer(server.getsockname())
        while True:
            data, address = server.recvfrom(100)
            server.sendto(data, address)


def ask(cost_s: float, offered: tuple[str, int], watch: Watch) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        watch.start()
        for _ in range(20):
            client.sendto(b"ping", offered)
            client.recv(100)
            burn(cost_s)
    return 20


def fail(offered: object, watch: Watch) -> int:
    watch.start()
    raise ValueError("the subject broke")


def die(offered: object, watch: Watch) -> int:
    raise SystemExit(7)


def test_the_rate_counts_the_measured_part_only_and_the_ratio_is_paired():
    case = Case(
        "names",
        "names",
        drives=SUBJECT,
        subject=Contender("quick", partial(work, 0.05)),
        pairs=[Contender("slow", partial(work, 0.1))],
    )
    report = compare("titles", Options(), [case])
    assert report.valid
    assert report.metrics["names.quick.per_cpu_s"] == pytest.approx(200, rel=0.2)
    assert report.ratios["names/slow"] == pytest.approx(2, rel=0.3)
    assert report.metrics["names.quick.seen"] == 3.0


def test_a_driving_generator_is_not_counted_as_the_subject():
    case = Case("echo", "answers", drives=GENERATOR, generator=partial(ask, 0.0), subject=Contender("echo", echo))
    report = compare("dht", Options(), [case])
    assert report.metrics["echo.echo.per_cpu_s"] > 0
    assert "echo.echo.generator_share" in report.metrics


def test_a_generator_that_is_too_busy_makes_the_result_invalid(monkeypatch):
    monkeypatch.setattr(harness, "MAX_GENERATOR_SHARE", 0.05)  # a shared machine may not give it a whole core to fill
    case = Case("echo", "answers", drives=GENERATOR, generator=partial(ask, 0.01), subject=Contender("echo", echo))
    report = compare("dht", Options(), [case])
    assert not report.valid
    assert report.notes


@pytest.mark.parametrize(("broken", "word"), [(fail, "the subject broke"), (die, "SystemExit")])
def test_a_process_that_fails_names_its_case_and_its_traceback(broken, word):
    with pytest.raises(RoundFailed, match=word) as raised:
        compare("dht", Options(), [Case("names", "names", drives=SUBJECT, subject=Contender("broken", broken))])
    assert "names, broken, round 1" in str(raised.value)


def test_the_json_has_the_agreed_fields():
    case = Case("names", "names", drives=SUBJECT, subject=Contender("quick", partial(work, 0.01)))
    said = json.loads(compare("titles", Options(), [case]).as_json())
    assert {"name", "commit", "machine", "metrics", "ratios", "valid"} <= said.keys()
    assert said["name"] == "titles"


def test_cpu_seconds_are_those_of_the_whole_process():
    import os

    before = time.process_time()
    seen = cpu_seconds(os.getpid())
    assert before - 0.02 <= seen <= time.process_time() + 0.02
