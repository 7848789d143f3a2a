"""What the network does to an exchange: loses it, delays it, doubles it, breaks it; all drawn from the seed."""

import random
from collections.abc import Callable
from enum import Enum

from bench.swarm.options import SwarmOptions


class Fate(Enum):
    """What becomes of one query and its answer."""

    DELIVERED = "delivered"
    QUERY_LOST = "query_lost"
    ANSWER_LOST = "answer_lost"
    MALFORMED = "malformed"
    DOUBLED = "doubled"


class Weather:
    """Draws fates and delays, in the order of the queries."""

    def __init__(self, options: SwarmOptions) -> None:
        self._rng = random.Random(f"weather {options.seed}")
        self._options = options

    def fate(self) -> Fate:
        """One of the fates, at the rates of the options."""
        options, draw = self._options, self._rng.random()
        for share, fate in (
            (options.loss / 2, Fate.QUERY_LOST),
            (options.loss / 2, Fate.ANSWER_LOST),
            (options.malformed, Fate.MALFORMED),
            (options.duplicates, Fate.DOUBLED),
        ):
            if draw < share:
                return fate
            draw -= share
        return Fate.DELIVERED

    def delay(self) -> float:
        """Seconds until the answer leaves."""
        return self._options.delay_ms / 1000 * self._rng.uniform(0.5, 1.5)

    def broken(self, datagram: bytes) -> bytes:
        """The answer, spoiled in one of the ways seen in the field."""
        return self._rng.choice(_WAYS)(datagram, self._rng)


def _cut_short(datagram: bytes, rng: random.Random) -> bytes:
    return datagram[: rng.randrange(len(datagram))]


def _garbage(datagram: bytes, rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, 400))


def _trailing(datagram: bytes, rng: random.Random) -> bytes:
    return datagram + rng.randbytes(rng.randint(1, 20))


def _wrong_transaction(datagram: bytes, rng: random.Random) -> bytes:
    key = datagram.rfind(b"1:t")
    return datagram[:key] + b"1:t4:" + rng.randbytes(4) + b"1:y1:re"


def _nesting_bomb(datagram: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"l", b"d1:a")) * rng.choice((100, 1500, 15_000))


def _short_id(datagram: bytes, rng: random.Random) -> bytes:
    shortened = datagram.replace(b"2:id20:", b"2:id19:", 1)
    return shortened if shortened != datagram else _cut_short(datagram, rng)  # an error has no id


def _odd_nodes(datagram: bytes, rng: random.Random) -> bytes:
    return datagram.replace(b"5:nodes208:", b"5:nodes207:", 1)[:-1]


def _huge_number(datagram: bytes, rng: random.Random) -> bytes:
    return b"d1:ri" + b"9" * rng.choice((30, 5000)) + b"e1:t2:aa1:y1:re"


def _no_answer_in_it(datagram: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"de", b"le", b"i1e", b"0:", b"d1:y1:re", b"d1:rle1:t2:aa1:y1:re", b"d1:t2:aa1:y1:xe"))


_WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut_short,
    _garbage,
    _trailing,
    _wrong_transaction,
    _nesting_bomb,
    _short_id,
    _odd_nodes,
    _huge_number,
    _no_answer_in_it,
)
