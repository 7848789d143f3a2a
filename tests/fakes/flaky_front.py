"""A front before a daemon, as a proxy is: passes on what it gets, answers 503 by itself, or is not there, as the test says."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

WELL, BUSY, GONE = "well", "busy", "gone"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class FlakyFront:
    """Listens on a port of its own for 127.0.0.1:`port`; one request a connection as far as it counts them."""

    def __init__(self, port: int) -> None:
        self.mood = WELL
        self.requests: Counter[str] = Counter()
        """How many of each first line came in while it was well, and under its mood's name while not."""
        self._behind = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def become(self, mood: str) -> None:
        """From now on; connections that are open break off, in the middle of whatever they carry."""
        self.mood = mood
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.become(GONE)
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mood == GONE:
                self.requests[GONE] += 1
                client.close()
            else:
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        try:
            with client:
                head = client.recv(65536)
                if self.mood == BUSY:
                    self.requests[BUSY] += 1
                    client.sendall(_BUSY)
                    return
                self.requests[head.split(b" HTTP", 1)[0].decode("latin-1")] += 1
                self._relay(client, head)
        except OSError:
            pass
        finally:
            self._open.discard(client)

    def _relay(self, client: socket.socket, head: bytes) -> None:
        with socket.create_connection(self._behind, timeout=5) as behind:
            behind.settimeout(None)
            self._open.add(behind)
            try:
                behind.sendall(head)
                back = threading.Thread(target=_pump, args=(behind, client), daemon=True)
                back.start()
                _pump(client, behind)
                back.join(10)
            finally:
                self._open.discard(behind)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def flaky_front(port: int) -> Iterator[FlakyFront]:
    front = FlakyFront(port)
    try:
        yield front
    finally:
        front.close()


def free_port() -> int:
    """A port nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
