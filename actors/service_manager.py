"""sd_notify(3): what systemd wants to hear from a Type=notify service.

Own code because the protocol is one datagram and the published packages add nothing but their age.
"""

import socket


class ServiceManager:
    """Speaks to systemd through $NOTIFY_SOCKET; silent where there is none."""

    def __init__(self, notify_socket: str | None) -> None:
        """`notify_socket`: the value of $NOTIFY_SOCKET, or None when systemd did not start us."""
        self._address = None if not notify_socket else notify_socket.replace("@", "\0", 1) if notify_socket[0] == "@" else notify_socket

    def notify(self, **variables: str) -> None:
        """Send assignments such as READY="1", STATUS="..."; a manager that does not listen is no error of ours."""
        if self._address is None:
            return
        message = "\n".join(f"{name}={value}" for name, value in variables.items())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            try:
                channel.sendto(message.encode(), self._address)
            except OSError:
                return
