"""Triage's question "which of these are unknown?", put to the central instance; what it once knew is not asked about again."""

import math
from collections.abc import Sequence
from typing import Final

import trio

from actors.push.central import CentralIndex
from protocol.dht.budget import TwoGenerations
from protocol.identifiers import InfoHash

_REMEMBER_S: Final = 24 * 3600.0
_REMEMBER: Final = 300_000
"""Hashes in each of the two generations, about 90 bytes each: a crawler may be a small machine."""


class Questions:
    """Asks, and remembers for a day or two what is known; of the answer "unknown" nothing is kept, for it soon is none any more."""

    def __init__(self, central: CentralIndex) -> None:
        self._central = central
        self._known = TwoGenerations(_REMEMBER_S, -math.inf, capacity=_REMEMBER)

    async def unknown(self, info_hashes: Sequence[InfoHash]) -> Sequence[InfoHash]:
        """Those worth a fetch. Waits while the central instance is away, so that nothing new is wanted meanwhile."""
        asked = [info_hash for info_hash in info_hashes if info_hash not in self._known]
        unknown = await self._central.unknown(asked)
        self.learn(set(asked).difference(unknown))
        return unknown

    def learn(self, info_hashes: "set[InfoHash]") -> None:
        """These are known over there, or soon will be."""
        self._known.turn(trio.current_time())
        self._known.add_new(set(info_hashes))
