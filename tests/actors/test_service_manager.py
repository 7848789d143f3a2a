import socket

import pytest

from actors.service_manager import ServiceManager
from config.systemd import systemd_environment


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_notifications_reach_the_socket_of_systemd(kind, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.settimeout(5)
        if kind == "path":
            address = str(tmp_path / "notify")
            systemd.bind(address)
        else:
            systemd.bind("")  # the kernel picks an abstract name
            address = "@" + systemd.getsockname()[1:].decode()
        ServiceManager(address).notify(READY="1", STATUS="serving")
        assert systemd.recv(4096) == b"READY=1\nSTATUS=serving"


def test_without_systemd_and_with_a_dead_one_nothing_happens(tmp_path):
    ServiceManager(None).notify(READY="1")
    ServiceManager("").notify(READY="1")
    ServiceManager(str(tmp_path / "gone")).notify(READY="1")


def test_the_watchdog_interval_is_halved_and_only_ours_counts():
    assert systemd_environment({"WATCHDOG_USEC": "60000000", "NOTIFY_SOCKET": "/run/n"}).keep_alive_s == 30.0
    assert systemd_environment({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}).keep_alive_s is None
    assert systemd_environment({}).keep_alive_s is None
    assert systemd_environment({"WATCHDOG_USEC": "soon"}).keep_alive_s is None
