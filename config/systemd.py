"""What systemd tells a service through its environment (sd_notify(3), sd_watchdog_enabled(3))."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemdEnvironment:
    """Where to send notifications, and how often a sign of life is wanted."""

    notify_socket: str | None
    keep_alive_s: float | None
    """Half of the unit's WatchdogSec, as the manual advises; None: not wanted, or meant for another process."""


def systemd_environment(environment: Mapping[str, str] | None = None) -> SystemdEnvironment:
    """Read $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID."""
    environment = os.environ if environment is None else environment
    microseconds = environment.get("WATCHDOG_USEC", "")
    is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    keep_alive_s = int(microseconds) / 2_000_000 if microseconds.isdigit() and int(microseconds) > 0 and is_ours else None
    return SystemdEnvironment(environment.get("NOTIFY_SOCKET") or None, keep_alive_s)
