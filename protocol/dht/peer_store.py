"""What others announce to us: peers by info hash (BEP 5), tokens, and the sample of hashes we hand out (BEP 51)."""

import hashlib
import hmac
from collections import OrderedDict

from protocol.compact import CompactAddress
from protocol.dht.node_id import RandomBits
from protocol.identifiers import InfoHash, Token

MAX_SAMPLES = 20
"""Hashes in a sample: what fits a packet beside eight nodes, and libtorrent's own maximum."""


class Tokens:
    """Tokens tie an announce to the address that asked before; the secret turns every few minutes and the last one still counts."""

    LENGTH = 8

    def __init__(self, secret: bytes) -> None:
        self._secret = self._before = secret

    def turn(self, secret: bytes) -> None:
        """Make tokens with a new secret; those of the one before stay valid until the next turn."""
        self._secret, self._before = secret, self._secret

    def issue(self, ip: bytes) -> Token:
        """The token for an asker's IP address (4 or 16 bytes)."""
        return self._make(self._secret, ip)

    def is_valid(self, token: bytes, ip: bytes) -> bool:
        """Whether we gave this token to that address lately."""
        return any(hmac.compare_digest(token, self._make(secret, ip)) for secret in (self._secret, self._before))

    def _make(self, secret: bytes, ip: bytes) -> Token:
        return Token(hashlib.sha1(secret + ip, usedforsecurity=False).digest()[: self.LENGTH])


class PeerStore:
    """Announced peers with an end to their life, and caps on everything.

    Args:
        max_hashes: beyond, the hash that was announced longest ago goes.
        max_peers: for one hash; beyond, the peer announced longest ago goes.
        lifetime_s: clients announce again every 15 to 30 minutes.
        sample_interval_s: how long a sample stays the same, as BEP 51 wants it.
    """

    def __init__(
        self,
        random_bits: RandomBits,
        *,
        max_hashes: int = 20_000,
        max_peers: int = 200,
        lifetime_s: float = 45 * 60.0,
        sample_interval_s: float = 10 * 60.0,
    ) -> None:
        self._random_bits = random_bits
        self._max_hashes = max_hashes
        self._max_peers = max_peers
        self._lifetime = lifetime_s
        self._sample_interval = sample_interval_s
        self._swarms: OrderedDict[bytes, OrderedDict[CompactAddress, float]] = OrderedDict()  # both: announced last stands last
        self._sample = b""
        self._sample_until = 0.0

    def __len__(self) -> int:
        return len(self._swarms)

    def announce(self, info_hash: InfoHash, peer: CompactAddress, now: float) -> None:
        """Note a peer."""
        swarm = self._swarms.setdefault(info_hash, OrderedDict())
        self._swarms.move_to_end(info_hash)
        swarm[peer] = now + self._lifetime
        swarm.move_to_end(peer)
        if len(swarm) > self._max_peers:
            swarm.popitem(last=False)
        if len(self._swarms) > self._max_hashes:
            self._swarms.popitem(last=False)

    def peers(self, info_hash: bytes, now: float, limit: int) -> list[CompactAddress]:
        """Living peers of a hash, a random stretch of them when there are more than `limit`."""
        swarm = self._swarms.get(info_hash)
        if swarm is None:
            return []
        alive = [peer for peer, ends_at in swarm.items() if ends_at > now]
        if len(alive) <= limit:
            return alive
        start = self._random_bits(32) % len(alive)
        return (alive + alive)[start : start + limit]

    def sample(self, now: float) -> tuple[bytes, int]:
        """Joined hashes (20 bytes each, at most MAX_SAMPLES), and for how many seconds they stay the same."""
        if len(self._swarms) <= MAX_SAMPLES:
            return b"".join(self._swarms), int(self._sample_interval)
        if now >= self._sample_until or len(self._sample) < 20 * MAX_SAMPLES:
            hashes = list(self._swarms)
            for place in range(MAX_SAMPLES):  # the first steps of a Fisher-Yates shuffle
                other = place + self._random_bits(32) % (len(hashes) - place)
                hashes[place], hashes[other] = hashes[other], hashes[place]
            self._sample = b"".join(hashes[:MAX_SAMPLES])
            self._sample_until = now + self._sample_interval
        return self._sample, max(0, int(self._sample_until - now))

    def expire(self, now: float) -> None:
        """Forget peers whose time is over."""
        while self._swarms:
            info_hash, swarm = next(iter(self._swarms.items()))
            while swarm and next(iter(swarm.values())) <= now:
                swarm.popitem(last=False)
            if swarm:
                # The hash announced longest ago still lives, and so does every other; their old peers are left out when asked for.
                return
            del self._swarms[info_hash]
