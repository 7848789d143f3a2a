import random
from collections.abc import AsyncIterator

import pytest

from actors.breaker import Ladder
from actors.circuit import Circuit
from actors.push.central import CentralIndex
from config.settings import PushSettings
from tests.fakes.central import SECRET, MemoryCentral


@pytest.fixture
def memory() -> MemoryCentral:
    """What stands at the other end."""
    return MemoryCentral()


@pytest.fixture
def push() -> PushSettings:
    return PushSettings(url="https://index.example/base", batch_size=10, max_wait_s=0.02, timeout_s=5)


@pytest.fixture
async def central(memory: MemoryCentral, push: PushSettings) -> AsyncIterator[CentralIndex]:
    """The way there, whose breaker is impatient."""
    circuit = Circuit("the central instance", Ladder(0.05, 0.2, jitter=0.0), chance=random.Random(1))
    async with CentralIndex(push, SECRET, "0.1.0", circuit, memory) as opened:
        yield opened
