import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.metadata.queue import Attempt, FetchQueue, QueueLimits
from protocol.identifiers import Address, InfoHash


def hash_of(number: int) -> InfoHash:
    return InfoHash(number.to_bytes(20, "big"))


def peer(number: int, port: int = 6881) -> Address:
    return f"192.0.{number // 256}.{number % 256}", port


A, B, C = hash_of(1), hash_of(2), hash_of(3)


def attempt(queue: FetchQueue, now: float = 0.0) -> Attempt:
    taken = queue.next_attempt(now)
    assert taken is not None
    return taken


def test_hashes_whose_peers_announced_themselves_go_first() -> None:
    queue = FetchQueue(QueueLimits())
    queue.add(A, [], 0.0)
    assert queue.next_lookup() == A
    queue.add_peers(A, [peer(1)], 0.0)
    queue.add(B, [peer(2)], 0.0)
    assert attempt(queue).info_hash == B
    assert attempt(queue).info_hash == A


def test_a_hash_without_peers_is_looked_up_once_a_round() -> None:
    queue = FetchQueue(QueueLimits())
    queue.add(A, [], 0.0)
    assert queue.next_attempt(0.0) is None
    assert queue.next_lookup() == A
    assert queue.next_lookup() is None


def test_announced_peers_that_fail_are_followed_by_a_look_up_ahead_of_others() -> None:
    queue = FetchQueue(QueueLimits())
    queue.add(B, [], 0.0)
    queue.add(A, [peer(1)], 0.0)
    queue.attempt_ended(attempt(queue), 1.0)
    assert [queue.next_lookup(), queue.next_lookup()] == [A, B]


def test_other_hashes_come_before_a_second_peer_of_the_same() -> None:
    queue = FetchQueue(QueueLimits(races=2))
    queue.add(A, [peer(1), peer(2), peer(3)], 0.0)
    queue.add(B, [peer(4)], 0.0)
    assert [attempt(queue).info_hash for _ in range(3)] == [A, B, A]
    assert queue.next_attempt(0.0) is None  # two race already


def test_rounds_are_minutes_apart_and_the_last_one_gives_up() -> None:
    queue = FetchQueue(QueueLimits(rounds=3, retry_s=180.0))
    queue.add(A, [], 0.0)
    now, starts = 0.0, []
    while A in queue:
        queue.start_due_rounds(now)
        if queue.next_lookup():
            starts.append(now)
            queue.add_peers(A, [peer(1)], now)
            queue.lookup_ended(A, now)
            queue.attempt_ended(attempt(queue, now), now)
        now += 1.0
    assert starts == [0.0, 180.0, 900.0]
    assert queue.take_given_up() == [A]
    assert queue.take_given_up() == []


def test_a_round_goes_on_while_a_look_up_or_an_attempt_does() -> None:
    queue = FetchQueue(QueueLimits(rounds=1))
    queue.add(A, [], 0.0)
    queue.next_lookup()
    queue.add_peers(A, [peer(1)], 0.0)
    first = attempt(queue)
    queue.lookup_ended(A, 0.0)
    assert A in queue
    queue.attempt_ended(first, 0.0)
    assert A not in queue


def test_peers_come_in_while_a_hash_pauses() -> None:
    queue = FetchQueue(QueueLimits(rounds=2, retry_s=100.0))
    queue.add(A, [], 0.0)
    queue.next_lookup()
    queue.lookup_ended(A, 0.0)
    queue.add(A, [peer(1)], 50.0)
    queue.attempt_ended(attempt(queue, 50.0), 51.0)
    assert (A in queue, queue.next_lookup()) == (True, None)
    queue.start_due_rounds(100.0)
    assert queue.next_lookup() == A


def test_a_peer_that_failed_during_the_pause_is_asked_again_in_the_next_round() -> None:
    queue = FetchQueue(QueueLimits(rounds=2, retry_s=100.0))
    queue.add(A, [], 0.0)
    queue.next_lookup()
    queue.lookup_ended(A, 0.0)
    queue.add(A, [peer(1)], 1.0)
    queue.attempt_ended(attempt(queue, 1.0), 2.0)
    queue.start_due_rounds(100.0)
    assert queue.next_lookup() == A
    queue.add_peers(A, [peer(1)], 101.0)
    assert attempt(queue, 101.0).peer == peer(1)


def test_a_peer_that_waits_when_a_round_begins_is_asked_once() -> None:
    queue = FetchQueue(QueueLimits(rounds=2, retry_s=100.0))
    queue.add(A, [], 0.0)
    queue.next_lookup()
    queue.lookup_ended(A, 0.0)
    queue.add(A, [peer(1)], 99.0)
    queue.start_due_rounds(100.0)
    queue.add_peers(A, [peer(1)], 101.0)
    queue.attempt_ended(attempt(queue, 101.0), 102.0)
    assert queue.next_attempt(102.0) is None


def test_a_bad_peer_is_left_alone_for_every_hash_for_a_while() -> None:
    queue = FetchQueue(QueueLimits(bad_peer_s=300.0))
    queue.add(A, [peer(1)], 0.0)
    queue.attempt_ended(attempt(queue), 0.0, is_peer_bad=True)
    queue.add(B, [peer(1)], 299.0)
    assert queue.next_attempt(299.0) is None
    queue.add(C, [peer(1)], 300.0)
    assert attempt(queue, 300.0).info_hash == C


def test_a_peer_found_bad_while_waiting_is_not_tried() -> None:
    queue = FetchQueue(QueueLimits(rounds=1))
    queue.add(A, [peer(1)], 0.0)
    queue.add(B, [peer(1)], 0.0)
    queue.attempt_ended(attempt(queue), 0.0, is_peer_bad=True)
    assert queue.next_attempt(0.0) is None
    assert {queue.next_lookup(), queue.next_lookup()} == {A, B}


def test_the_memory_of_bad_peers_is_bounded() -> None:
    queue = FetchQueue(QueueLimits(bad_peers=10, connections_per_ip=100, races=100, peers_per_round=100))
    queue.add(A, [peer(number) for number in range(50)], 0.0)
    for _ in range(50):
        queue.attempt_ended(attempt(queue), 0.0, is_peer_bad=True)
    assert queue.bad_peers == 10


def test_no_ip_gets_more_than_its_connections_and_those_who_waited_follow_in_order() -> None:
    queue = FetchQueue(QueueLimits(connections_per_ip=2))
    for number in range(1, 6):
        queue.add(hash_of(number), [("192.0.2.1", 6881 + number)], 0.0)
    running = [attempt(queue), attempt(queue)]
    assert queue.next_attempt(0.0) is None
    order = []
    while running:
        ended = running.pop(0)
        order.append(ended.info_hash)
        queue.finish(ended.info_hash)
        queue.attempt_ended(ended, 0.0)
        if (following := queue.next_attempt(0.0)) is not None:
            running.append(following)
    assert order == [hash_of(number) for number in range(1, 6)]


def test_a_household_has_one_ipv6_prefix() -> None:
    queue = FetchQueue(QueueLimits(connections_per_ip=1, races=3))
    queue.add(A, [("2001:db8::1", 1), ("2001:db8::2", 1), ("2001:db8:0:1::1", 1)], 0.0)
    assert [attempt(queue).peer[0], attempt(queue).peer[0]] == ["2001:db8::1", "2001:db8:0:1::1"]
    assert queue.next_attempt(0.0) is None


def test_a_hash_that_waits_for_a_busy_ip_takes_another_peer_when_one_is_named() -> None:
    queue = FetchQueue(QueueLimits(connections_per_ip=1))
    queue.add(A, [peer(1)], 0.0)
    queue.add(B, [peer(1)], 0.0)
    first = attempt(queue)
    assert queue.next_attempt(0.0) is None
    queue.add_peers(B, [peer(2)], 0.0)
    assert attempt(queue).peer == peer(2)
    queue.attempt_ended(first, 0.0)
    assert attempt(queue).peer == peer(1)  # B races


def test_a_finished_hash_does_not_swallow_the_connection_others_wait_for() -> None:
    queue = FetchQueue(QueueLimits(connections_per_ip=1))
    for info_hash in (A, B, C):
        queue.add(info_hash, [peer(1)], 0.0)
    first = attempt(queue)
    assert queue.next_attempt(0.0) is None
    queue.attempt_ended(first, 0.0)  # wakes B
    queue.finish(B)
    assert attempt(queue).info_hash == C


def test_a_round_tries_a_limited_number_of_peers() -> None:
    queue = FetchQueue(QueueLimits(peers_per_round=5, rounds=1))
    queue.add(A, [peer(number) for number in range(50)], 0.0)
    tried = 0
    while (taken := queue.next_attempt(0.0)) is not None:
        tried += 1
        queue.attempt_ended(taken, 0.0)
    assert tried == 5


def test_finishing_a_hash_leaves_its_running_attempts_to_end() -> None:
    queue = FetchQueue(QueueLimits(connections_per_ip=1))
    queue.add(A, [peer(1), peer(2)], 0.0)
    first, second = attempt(queue), attempt(queue)
    queue.finish(A)
    queue.attempt_ended(first, 0.0)
    queue.add(A, [peer(1)], 0.0)  # wanted again, while an attempt of before still runs
    third = attempt(queue)
    queue.attempt_ended(second, 0.0, is_peer_bad=True)
    queue.attempt_ended(third, 0.0)
    assert queue.next_lookup() == A


@given(st.integers())
@settings(max_examples=30)
def test_every_hash_comes_to_an_end(seed: int) -> None:
    """Whatever the peers do, each hash is finished or given up, and nothing is left over."""
    noise = random.Random(seed)
    queue = FetchQueue(QueueLimits(rounds=2, connections_per_ip=noise.randint(1, 2), peers_per_round=4, retry_s=10.0))
    hashes = [hash_of(number) for number in range(30)]
    for info_hash in hashes:
        queue.add(info_hash, [peer(noise.randrange(8)) for _ in range(noise.randint(0, 2))], 0.0)
    now, running, looking_up, ended = 0.0, [], [], []
    for _ in range(20_000):
        now += 0.01
        queue.start_due_rounds(now)
        if (taken := queue.next_attempt(now)) is not None:
            running.append(taken)
        if (info_hash := queue.next_lookup()) is not None:
            looking_up.append(info_hash)
        if looking_up and noise.random() < 0.5:
            info_hash = looking_up.pop()
            queue.add_peers(info_hash, [peer(noise.randrange(8)) for _ in range(noise.randint(0, 4))], now)
            queue.lookup_ended(info_hash, now)
        if running and noise.random() < 0.5:
            over = running.pop(noise.randrange(len(running)))
            if noise.random() < 0.1 and over.info_hash in queue:
                queue.finish(over.info_hash)
                ended.append(over.info_hash)
            queue.attempt_ended(over, now, is_peer_bad=noise.random() < 0.3)
        ended += queue.take_given_up()
        if len(queue) == 0 and not running and not looking_up:
            break
    assert sorted(ended) == hashes
    assert queue._connections == {}
    assert queue._blocked == {}


class QueueMachine(RuleBasedStateMachine):
    """The queue beside a model that only counts: never too many connections, never a peer twice in flight, always a way on."""

    @initialize(per_ip=st.integers(1, 3), races=st.integers(1, 3))
    def start(self, per_ip: int, races: int) -> None:
        self.limits = QueueLimits(rounds=2, retry_s=5.0, connections_per_ip=per_ip, races=races, bad_peer_s=3.0)
        self.queue = FetchQueue(self.limits)
        self.now = 0.0
        self.running: list[Attempt] = []
        self.looking_up: set[InfoHash] = set()

    @rule(number=st.integers(0, 6), peers=st.lists(st.integers(0, 3), max_size=4))
    def want(self, number: int, peers: list[int]) -> None:
        self.queue.add(hash_of(number), [peer(one) for one in peers], self.now)
        assert hash_of(number) in self.queue

    @rule()
    def take(self) -> None:
        taken = self.queue.next_attempt(self.now)
        if taken is not None:
            assert taken.info_hash in self.queue
            self.running.append(taken)

    @rule()
    def begin_lookup(self) -> None:
        if (info_hash := self.queue.next_lookup()) is not None:
            self.looking_up.add(info_hash)

    @precondition(lambda self: self.looking_up)
    @rule(data=st.data(), peers=st.lists(st.integers(0, 3), max_size=4))
    def end_lookup(self, data: st.DataObject, peers: list[int]) -> None:
        info_hash = data.draw(st.sampled_from(sorted(self.looking_up)))
        self.looking_up.remove(info_hash)
        self.queue.add_peers(info_hash, [peer(one) for one in peers], self.now)
        self.queue.lookup_ended(info_hash, self.now)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), is_fetched=st.booleans(), is_bad=st.booleans())
    def end_attempt(self, data: st.DataObject, is_fetched: bool, is_bad: bool) -> None:
        over = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        if is_fetched:
            self.queue.finish(over.info_hash)
        self.queue.attempt_ended(over, self.now, is_peer_bad=is_bad)

    @rule(seconds=st.floats(0.0, 10.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.queue.start_due_rounds(self.now)
        for info_hash in self.queue.take_given_up():
            assert info_hash not in self.queue

    @invariant()
    def no_ip_has_too_many(self) -> None:
        counts = Counter(one.peer[0] for one in self.running)
        assert all(count <= self.limits.connections_per_ip for count in counts.values())
        assert dict(counts) == self.queue._connections

    @invariant()
    def nobody_waits_for_a_free_network(self) -> None:
        for network, blocked in self.queue._blocked.items():
            woken = any(one.freed == network for one in [*self.queue._ready, *self.queue._announced])
            assert not blocked or self.queue._is_busy(network) or woken


QueueMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestQueueMachine = QueueMachine.TestCase
