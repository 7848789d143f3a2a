"""The 160-bit key space of the DHT: who is closest to whom by XOR (BEP 5)."""

from bisect import bisect_left
from collections.abc import Sequence

_BITS = 160


class KeySpace:
    """Node ids, sorted once; answers "the k closest" in microseconds.

    XOR distance keeps prefixes together: all ids that share p bits with a target are closer to it than any other. So the smallest
    aligned range of the sorted ids that holds k of them holds the k closest.
    """

    def __init__(self, ids: Sequence[bytes]) -> None:
        ordered = sorted((int.from_bytes(node_id), index) for index, node_id in enumerate(ids))
        self._keys = [key for key, _ in ordered]
        self._indices = [index for _, index in ordered]

    def closest(self, target: bytes, count: int) -> list[int]:
        """The positions (in `ids`) of the `count` closest, closest first."""
        keys, wanted = self._keys, int.from_bytes(target)
        count = min(count, len(keys))
        depth = max(0, (len(keys) // max(1, 2 * count)).bit_length() - 1)  # a range this deep holds 2 to 4 times `count` on average
        while True:
            shift = _BITS - depth
            prefix = wanted >> shift
            low = bisect_left(keys, prefix << shift)
            high = bisect_left(keys, (prefix + 1) << shift, low)
            if high - low >= count:
                break
            depth -= 1
        near = sorted(range(low, high), key=lambda position: keys[position] ^ wanted)[:count]
        return [self._indices[position] for position in near]
