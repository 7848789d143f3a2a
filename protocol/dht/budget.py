"""Budgets that keep us polite: packets per second, one address asked once a second, answers per address. Time is an argument."""

from typing import Any

from protocol.compact import CompactAddress, pack_address
from protocol.dht.address_policy import AddressPolicy
from protocol.identifiers import Address

MIN_BURST = 4.0
"""Tokens. Half of a burst is kept from the sweep while look-ups run, so it must be more than one token."""


class TokenBucket:
    """`rate_per_s` tokens a second, saved up for at most `burst_s` seconds, or four of them where that is less than four."""

    __slots__ = ("_capacity", "_filled_at", "_rate", "_tokens")

    def __init__(self, rate_per_s: float, now: float, *, burst_s: float = 0.25) -> None:
        self._rate = rate_per_s
        self._capacity = max(MIN_BURST, rate_per_s * burst_s)
        self._tokens = self._capacity
        self._filled_at = now

    def available(self, now: float) -> int:
        """Whole tokens there are now."""
        if now > self._filled_at:
            self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
        return int(self._tokens) if self._tokens > 0 else 0

    def spare(self, now: float) -> int:
        """Whole tokens above half of what can be saved up: for what must not take the last ones."""
        return max(0, int(self.available(now) - self._capacity / 2))

    def debt_s(self, now: float) -> float:
        """Seconds until what was spent too early is paid."""
        self.available(now)
        return max(0.0, -self._tokens / self._rate)

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        if self._tokens < 1.0 and not self.available(now):
            return False
        self._tokens -= 1.0
        return True

    def spend(self, count: int = 1) -> None:
        """Take tokens, also those not there yet: what must be sent is sent, and what can wait waits longer."""
        self._tokens -= count


class TwoGenerations:
    """A set that forgets: what was added is remembered for `period_s` to twice that, and in at most `2 * capacity` entries."""

    __slots__ = ("_before", "_capacity", "_current", "_period", "_turns_at")

    def __init__(self, period_s: float, now: float, *, capacity: int = 1_000_000) -> None:
        self._period = period_s
        self._capacity = capacity
        self._current: set[bytes] = set()
        self._before: set[bytes] = set()
        self._turns_at = now + period_s

    def __contains__(self, key: bytes) -> bool:
        return key in self._current or key in self._before

    def __len__(self) -> int:
        return len(self._current) + len(self._before)

    def add(self, key: bytes) -> None:
        """Remember `key`."""
        self._current.add(key)

    def add_new(self, keys: "set[bytes]") -> "set[bytes]":
        """Remember `keys`; returns those that were not remembered before."""
        new = keys - self._current - self._before
        self._current |= new
        return new

    def turn(self, now: float) -> None:
        """Let the older generation go when its time is over or the younger one is full."""
        if now >= self._turns_at or len(self._current) >= self._capacity:
            # After a long silence even the younger generation is too old.
            self._before = self._current if now < self._turns_at + self._period else set()
            self._current = set()
            self._turns_at = now + self._period


class AnswerBudget:
    """How much others may make us answer: `per_host` in ten seconds for one address, `per_s` for all together.

    It keeps what is known of a host for as long as it counts it: its packed address, or that its address is none we answer.
    """

    __slots__ = ("_bucket", "_hosts", "_per_host", "_policy", "_turns_at")

    WINDOW_S = 10.0
    MAX_HOSTS = 100_000

    def __init__(self, per_s: float, per_host: int, now: float, policy: AddressPolicy) -> None:
        self._bucket = TokenBucket(per_s, now, burst_s=1.0)
        self._per_host = per_host
        self._policy = policy
        self._hosts: dict[str, list[Any]] = {}  # text: [answers left, packed address or None]
        self._turns_at = now + self.WINDOW_S

    def admit(self, address: Address, now: float) -> CompactAddress | str:
        """The compact address of an asker who gets an answer, else the counter that says why not."""
        host, port = address
        if not port:
            return "unusable_address"
        known = self._hosts.get(host)
        if known is None or now >= self._turns_at:
            known = self._meet(host, now)
        known[0] -= 1
        if known[0] < 0:
            return "host_asks_too_often"
        if known[1] is None:
            return "unusable_address"
        if not self._bucket.take(now):
            return "answer_budget"
        compact: CompactAddress = known[1] + port.to_bytes(2, "big")
        return compact

    def _meet(self, host: str, now: float) -> list[Any]:
        if now >= self._turns_at or len(self._hosts) >= self.MAX_HOSTS:
            self._hosts = {}
            self._turns_at = now + self.WINDOW_S
        compact = pack_address((host, 1))
        known = self._hosts[host] = [self._per_host, compact[:-2] if self._policy.allows(compact) else None]
        return known
