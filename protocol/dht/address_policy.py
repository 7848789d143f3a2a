"""Which addresses a node talks to, and which of them count as one."""

from protocol.compact import ADDRESS_LENGTH_V4, CompactAddress, is_public, is_usable

_NO, _YES, _LOOK = range(3)


class AddressPolicy:
    """What is_usable says, with the settings built in: a crawler asks this ten times per datagram.

    Args:
        allow_local: loopback and private addresses are spoken to as well.
        is_local_only: and public ones are not.
    """

    __slots__ = ("_allow_local", "_by_first_octet", "_is_local_only")

    def __init__(self, *, allow_local: bool = False, is_local_only: bool = False) -> None:
        self._allow_local = allow_local
        self._is_local_only = is_local_only
        self._by_first_octet = bytes(map(self._judge_first_octet, range(256)))

    def allows(self, compact: CompactAddress) -> bool:
        """Whether a packet may go there."""
        if len(compact) != ADDRESS_LENGTH_V4:
            return self._allows_slowly(compact)
        verdict = self._by_first_octet[compact[0]]
        if verdict == _YES:
            return compact[4] != 0 or compact[5] != 0
        return verdict == _LOOK and self._allows_slowly(compact)

    def host_key(self, compact: CompactAddress) -> bytes:
        """As `host_key`, for an address this policy allows."""
        if not self._allow_local:
            return compact[:-2]
        return compact if self._is_local_only else host_key(compact)

    def _allows_slowly(self, compact: CompactAddress) -> bool:
        if self._is_local_only and is_public(compact):
            return False
        return is_usable(compact, allow_local=self._allow_local)

    def _judge_first_octet(self, octet: int) -> int:
        first, last = bytes((octet, 0, 0, 1, 0, 1)), bytes((octet, 255, 255, 254, 0, 1))
        # Where the private and reserved networks are smaller than the octet, its ends do not tell.
        if octet in {100, 169, 172, 192, 198, 203}:
            return _LOOK
        return _YES if self._allows_slowly(first) and self._allows_slowly(last) else _NO


def host_key(compact: CompactAddress) -> bytes:
    """Whom a limit counts as one: the IP address on the internet, address and port on local networks, where one host plays many."""
    return compact[:-2] if is_public(compact) else compact
