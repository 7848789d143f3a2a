"""The routing table of one node (BEP 5): contacts in buckets by distance, and the answer to "who is closest?".

Bucket n holds the contacts whose distance has n significant bits, eight at most. That is the table of BEP 5 with every split already
made: only the bucket of our own id is ever split there, so the buckets come out the same.
Differs from BEP 5: a full bucket does not ping its questionable contacts when somebody new knocks, they are pinged on a schedule
(`to_ping`) and the newcomer waits in a replacement cache; one public IP address has at most one place in the table.
"""

from collections import deque
from collections.abc import Iterator

from protocol.compact import CompactAddress, CompactNode
from protocol.dht.address_policy import host_key
from protocol.dht.node_id import ID_BITS, RandomBits, random_id_near
from protocol.identifiers import NodeId

K = 8
"""Contacts in a bucket, and nodes in an answer."""

QUESTIONABLE_AFTER_S = 15 * 60.0
REFRESH_AFTER_S = 15 * 60.0
PING_AGAIN_AFTER_S = 60.0
BAD_AFTER_FAILURES = 2
FORGOTTEN_AFTER_FAILURES = 8
"""A bad contact keeps its place until somebody wants it: when our own line is down everybody is bad."""


class Contact:
    """A node that has answered us."""

    __slots__ = ("address", "failures", "heard_at", "node", "node_id", "number", "pinged_at")

    def __init__(self, node_id: bytes, address: CompactAddress, now: float) -> None:
        self.node_id = node_id
        self.number = int.from_bytes(node_id, "big")
        self.address = address
        self.node: CompactNode = node_id + address
        self.heard_at = now  # last answer or query: each counts, because a contact has answered at least once (BEP 5)
        self.failures = 0  # queries in a row that stayed without an answer
        self.pinged_at = now

    @property
    def is_bad(self) -> bool:
        """It stayed silent more than once in a row; its place is free for others."""
        return self.failures >= BAD_AFTER_FAILURES

    def is_good(self, now: float) -> bool:
        """It was heard within a quarter of an hour and is not bad; one lost packet changes nothing."""
        return self.failures < BAD_AFTER_FAILURES and now < self.heard_at + QUESTIONABLE_AFTER_S


class Bucket:
    """Contacts of one range of distances, the longest known first."""

    __slots__ = ("changed_at", "contacts", "has_bad", "replacements")

    def __init__(self, now: float) -> None:
        self.contacts: list[Contact] = []
        self.replacements: deque[tuple[CompactNode, float]] = deque(maxlen=K)  # with the time they answered
        self.changed_at = now
        self.has_bad = False  # somebody here is bad; saves a look at all eight for every newcomer


class RoutingTable:
    """Who is where, as far as one node knows."""

    def __init__(self, own_id: NodeId) -> None:
        self.own_id = own_id
        self._own_number = int.from_bytes(own_id, "big")
        self._buckets: dict[int, Bucket] = {}
        self._by_id: dict[bytes, Contact] = {}
        self._hosts: set[bytes] = set()
        self._answers: dict[int, tuple[bytes, float]] = {}  # bucket number: the nodes of an answer, and until when they are all good

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._by_id.values())

    def __contains__(self, node_id: bytes) -> bool:
        return node_id in self._by_id

    def good(self, now: float) -> int:
        """How many contacts are good."""
        return sum(contact.is_good(now) for contact in self)

    def heard_response(self, node_id: bytes, address: CompactAddress, now: float) -> None:
        """A node answered a query of ours from this address."""
        contact = self._by_id.get(node_id)
        if contact is None:
            self._newcomer(node_id, address, now)
        elif contact.address == address:
            if not contact.is_good(now):
                self._answers.clear()
            contact.failures = 0
            contact.heard_at = now
        # else: an id we know at another address. Whoever was there first keeps it as long as it answers.

    def heard_query(self, node_id: bytes, address: CompactAddress, now: float) -> bool:
        """A node asked us something; False when it is not one of our contacts."""
        contact = self._by_id.get(node_id)
        if contact is None or contact.address != address:
            return False
        if not contact.is_good(now):
            self._answers.clear()
        contact.heard_at = now
        return True

    def has_room_for(self, node_id: bytes) -> bool:
        """Whether a node with this id would get a place if it answered."""
        number = (int.from_bytes(node_id, "big") ^ self._own_number).bit_length()
        if not number or node_id in self._by_id:
            return False
        bucket = self._buckets.get(number)
        return bucket is None or len(bucket.contacts) < K or bucket.has_bad

    def failed(self, node_id: bytes, address: CompactAddress, now: float) -> None:
        """A query to this node stayed without an answer."""
        contact = self._by_id.get(node_id)
        if contact is None or contact.address != address:
            return
        contact.failures += 1
        if contact.is_bad:
            self._answers.clear()
            bucket = self._buckets[self._number(node_id)]
            bucket.has_bad = True
            while bucket.replacements:
                node, heard_at = bucket.replacements.pop()
                if node[:20] not in self._by_id and self._replace(bucket, contact, node[:20], node[20:], heard_at):
                    return
            if contact.failures >= FORGOTTEN_AFTER_FAILURES:
                self._remove(bucket, contact)

    def closest_compact(self, target: bytes, now: float) -> bytes:
        """The (at most) eight closest good nodes, joined, as `nodes` of an answer; their order means nothing.

        Every node of the target's own bucket is closer to the target than any other, so a full bucket is the answer for all of its targets:
        it is made once and kept until one of its contacts stops being good. The same goes for a table of fewer than eight.
        """
        number = (int.from_bytes(target, "big") ^ self._own_number).bit_length()
        kept = self._answers.get(number)
        if kept is not None and now < kept[1]:
            return kept[0]
        chosen, depends_on_target = self._closest_good(target, number, now)
        joined = b"".join([contact.node for contact in chosen])
        if chosen and not depends_on_target:
            self._answers[number] = joined, min(contact.heard_at for contact in chosen) + QUESTIONABLE_AFTER_S
        return joined

    def closest(self, target: bytes, now: float, count: int = K) -> list[Contact]:
        """The closest contacts that are not bad, for our own look-ups: the questionable are worth a packet."""
        usable = [contact for contact in self if not contact.is_bad]
        wanted = int.from_bytes(target, "big")
        usable.sort(key=lambda contact: contact.number ^ wanted)
        return usable[:count]

    def to_ping(self, now: float, limit: int) -> list[Contact]:
        """Contacts that are no longer good and have not been pinged within a minute; they count as pinged now."""
        due = []
        for contact in self:
            if not contact.is_good(now) and now >= contact.pinged_at + PING_AGAIN_AFTER_S:
                contact.pinged_at = now
                due.append(contact)
                if len(due) == limit:
                    break
        return due

    def to_refresh(self, now: float, random_bits: RandomBits) -> NodeId | None:
        """A random id of a bucket in which nothing changed for a quarter of an hour (BEP 5); it counts as refreshed now."""
        for number, bucket in self._buckets.items():
            if now >= bucket.changed_at + REFRESH_AFTER_S:
                bucket.changed_at = now
                return random_id_near(self.own_id, ID_BITS - number, random_bits)
        return None

    def change_own_id(self, own_id: NodeId, now: float) -> None:
        """Sort everybody again, around a new id."""
        contacts = sorted(self, key=lambda contact: contact.heard_at, reverse=True)
        self.__init__(own_id)  # type: ignore[misc]  # a fresh table, same object: others hold it
        for contact in contacts:
            if not contact.is_bad:
                self._newcomer(contact.node_id, contact.address, contact.heard_at)
        for bucket in self._buckets.values():
            bucket.changed_at = now

    def _number(self, node_id: bytes) -> int:
        return (int.from_bytes(node_id, "big") ^ self._own_number).bit_length()

    def _newcomer(self, node_id: bytes, address: CompactAddress, now: float) -> None:
        number = (int.from_bytes(node_id, "big") ^ self._own_number).bit_length()
        bucket = self._buckets.get(number)
        if bucket is None:
            if not number:
                return  # ourselves
            bucket = self._buckets[number] = Bucket(now)
        if len(bucket.contacts) < K:
            self._add(bucket, node_id, address, now)
            return
        if bucket.has_bad:
            bad = [contact for contact in bucket.contacts if contact.is_bad]
            bucket.has_bad = bool(bad)
            if any(self._replace(bucket, contact, node_id, address, now) for contact in bad):
                return
        bucket.replacements.append((node_id + address, now))

    def _replace(self, bucket: Bucket, contact: Contact, node_id: bytes, address: CompactAddress, now: float) -> bool:
        host = host_key(address)
        if host in self._hosts and host != host_key(contact.address):
            return False
        self._remove(bucket, contact)
        self._add(bucket, node_id, address, now)
        return True

    def _add(self, bucket: Bucket, node_id: bytes, address: CompactAddress, now: float) -> None:
        host = host_key(address)
        if host in self._hosts:
            return
        contact = Contact(node_id, address, now)
        self._hosts.add(host)
        self._by_id[node_id] = contact
        bucket.contacts.append(contact)
        bucket.changed_at = now
        self._answers.clear()

    def _remove(self, bucket: Bucket, contact: Contact) -> None:
        bucket.contacts.remove(contact)
        del self._by_id[contact.node_id]
        self._hosts.discard(host_key(contact.address))
        self._answers.clear()

    def _closest_good(self, target: bytes, number: int, now: float) -> tuple[list[Contact], bool]:
        """The closest good contacts, and whether another target of this bucket might have others.

        Groups come in the order of their distance: the target's bucket, all that are nearer to us (equally far from it), then each further
        bucket. Only a group that does not fit whole has to be sorted.
        """
        nearer = [contact for other, bucket in self._buckets.items() if other < number for contact in bucket.contacts]
        own = self._buckets.get(number)
        groups = [own.contacts if own else [], nearer]
        groups += [self._buckets[other].contacts for other in sorted(self._buckets) if other > number]
        chosen: list[Contact] = []
        for group in groups:
            good = [contact for contact in group if contact.is_good(now)]
            if len(chosen) + len(good) > K:
                wanted = int.from_bytes(target, "big")
                good.sort(key=lambda contact: contact.number ^ wanted)
                return chosen + good[: K - len(chosen)], True
            chosen += good
            if len(chosen) == K:
                break
        return chosen, False
