"""The node heard last in each part of the key space: where look-ups begin.

A crawler hears thousands of nodes an hour, a routing table keeps about a hundred of them, and only eight for each half of the key space.
Starting from a node that shares twelve bits with the target saves two thirds of the steps and spreads the load over everybody.
"""

from collections.abc import Iterator

from protocol.compact import CompactNode

_BITS = 12


class RecentNodes:
    """One place for each twelve-bit prefix; whoever answered last has it, and until then whoever was named first."""

    def __init__(self) -> None:
        self._places: list[CompactNode | None] = [None] * (1 << _BITS)

    def heard(self, node: CompactNode) -> None:
        """A node that just answered."""
        self._places[node[0] << 4 | node[1] >> 4] = node

    def named(self, node: CompactNode) -> None:
        """A node that others named: better than nobody."""
        place = node[0] << 4 | node[1] >> 4
        if self._places[place] is None:
            self._places[place] = node

    def silent(self, node: CompactNode) -> None:
        """It did not answer: another may have its place."""
        place = node[0] << 4 | node[1] >> 4
        if self._places[place] == node:
            self._places[place] = None

    def near(self, target: bytes, count: int) -> list[CompactNode]:
        """Up to `count` nodes near the target; nearest prefixes first, and at most a sixteenth of the key space is looked at."""
        place = target[0] << 4 | target[1] >> 4
        found: list[CompactNode] = []
        for step in range(1 << (_BITS - 4)):  # places in the order of their distance to the target's
            node = self._places[place ^ step]
            if node is not None:
                found.append(node)
                if len(found) == count:
                    break
        return found

    def __iter__(self) -> Iterator[CompactNode]:
        return (node for node in self._places if node is not None)
