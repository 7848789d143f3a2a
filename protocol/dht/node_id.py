"""Node ids: distance, bucket numbers, and ids tied to an IP address (BEP 42)."""

from collections.abc import Callable

from protocol.compact import CompactAddress, is_public
from protocol.identifiers import NODE_ID_LENGTH, NodeId

RandomBits = Callable[[int], int]
"""Gives an integer of that many random bits, like `random.Random.getrandbits`."""

ID_BITS = NODE_ID_LENGTH * 8

_MASK_V4 = bytes.fromhex("030f3fff")
_MASK_V6 = bytes.fromhex("0103070f1f3f7fff")


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x82F63B78 * (crc & 1)  # Castagnoli, reflected
        table.append(crc)
    return tuple(table)


_CRC32C = _crc32c_table()


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), as BEP 42 wants it; zlib has only the other one."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def random_id_near(node_id: bytes, shared_bits: int, random_bits: RandomBits) -> NodeId:
    """An id that shares exactly the first `shared_bits` bits (0 to 159) with `node_id` and is random behind them."""
    free_bits = ID_BITS - shared_bits - 1
    own = int.from_bytes(node_id, "big") >> free_bits ^ 1
    return NodeId((own << free_bits | (random_bits(free_bits) if free_bits else 0)).to_bytes(NODE_ID_LENGTH, "big"))


def secure_id(ip: bytes, seed: int, random_bits: RandomBits) -> NodeId:
    """An id that belongs to the address.

    Args:
        ip: 4 or 16 bytes, the address others see us under.
        seed: 0 to 255, BEP 42's `rand`; its low three bits choose among the eight prefixes an address has.
        random_bits: fills what BEP 42 leaves free.
    """
    crc = _prefix_crc(ip, seed)
    free = random_bits(ID_BITS - 32).to_bytes(NODE_ID_LENGTH - 4, "big")
    third = crc >> 8 & 0xF8 | random_bits(3)
    return NodeId(bytes((crc >> 24, crc >> 16 & 0xFF, third)) + free + bytes((seed,)))


def is_secure(node_id: bytes, compact: CompactAddress) -> bool:
    """Whether BEP 42 allows this id at this address; local addresses may carry any."""
    if not is_public(compact):
        return True
    crc = _prefix_crc(compact[:-2], node_id[-1])
    return node_id[0] == crc >> 24 and node_id[1] == crc >> 16 & 0xFF and node_id[2] & 0xF8 == crc >> 8 & 0xF8  # the first 21 bits


def _prefix_crc(ip: bytes, seed: int) -> int:
    mask = _MASK_V4 if len(ip) == 4 else _MASK_V6
    masked = bytearray(byte & mask_byte for byte, mask_byte in zip(ip, mask, strict=False))
    masked[0] |= (seed & 0x7) << 5
    return crc32c(bytes(masked))


def distance(one: bytes, other: bytes) -> int:
    """Kademlia's metric: exclusive or, read as a number."""
    return int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
