import random
from collections.abc import Callable

import pytest

from protocol.dht.node import Node
from protocol.dht.profile import PROFILES, Profile
from protocol.dht.sweep import Share

MakeNode = Callable[..., Node]


@pytest.fixture
def make_node() -> MakeNode:
    """Makes nodes whose every random choice follows from a seed."""

    def make(
        seed: int, *, address_length: int = 6, profile: str | Profile = "lab", now: float = 1000.0, share: str = "0/1", **options
    ) -> Node:
        dice = random.Random(seed)
        return Node(
            address_length=address_length,
            profile=PROFILES[profile] if isinstance(profile, str) else profile,
            random_bits=dice.getrandbits,
            make_secret=lambda: dice.randbytes(16),
            now=now,
            allow_local=options.pop("allow_local", True),
            share=Share.parse(share),
            **options,
        )

    return make
