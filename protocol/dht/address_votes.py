"""Under which address do others see us? Nodes tell it back in their answers (BEP 42 `ip`); one of them may lie, a dozen hardly."""

from collections import Counter

ENOUGH = 10
"""Votes for one address, and at least two thirds of all, from as many different voters."""
MAX_VOTERS = 60


class AddressVotes:
    """One vote per voting IP address; the count starts again after each decision and when it gets long."""

    def __init__(self) -> None:
        self._voters: set[bytes] = set()
        self._votes: Counter[bytes] = Counter()

    def vote(self, ip: bytes, voter: bytes) -> bytes | None:
        """Count a vote; returns the address once it is decided."""
        if voter in self._voters:
            return None
        self._voters.add(voter)
        self._votes[ip] += 1
        winner = ip if self._votes[ip] >= max(ENOUGH, len(self._voters) * 2 // 3) else None
        if winner is not None or len(self._voters) >= MAX_VOTERS:
            self._voters.clear()
            self._votes.clear()
        return winner
