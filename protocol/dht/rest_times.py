"""Until when an address is left alone, for millions of addresses in constant memory.

BEP 51 intervals last up to six hours, and a crawler meets more nodes in that time than a dictionary should hold. So an address is only a
place in a table of times. Two that share a place share its time: once in a while a stranger is left alone, and nobody is asked too early.
"""

from math import ceil
from mmap import mmap

PLACES = 1 << 24
"""Four bytes each. At a hundred questions a second about one stranger in twelve is left alone by mistake."""


class RestTimes:
    """Times by address, in whole seconds rounded up.

    Args:
        places: size of the table; its memory is taken from the system as it fills.
    """

    def __init__(self, places: int = PLACES) -> None:
        self._places = places
        # Anonymous memory: pages nobody writes cost nothing. Arrays and bytearrays write their zeros.
        self._until = memoryview(mmap(-1, 4 * places)).cast("I")

    def __getitem__(self, address: bytes) -> int:
        """Until when it rests; a time long past for one never met."""
        return self._until[hash(address) % self._places]

    def rest(self, address: bytes, until: float) -> None:
        """Leave it alone until then."""
        self._until[hash(address) % self._places] = ceil(until)
