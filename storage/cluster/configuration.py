"""The server's configuration: three files, written anew at every start, outside the folder the server can write to."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from storage.cluster.account import Account
from storage.cluster.places import PORT, Places, hand_over

ROLE = "swarmdex"
DATABASE = "swarmdex"
MEGABYTE = 1024 * 1024
SPARE_CONNECTIONS = 10
"""Beside the pool's: commands, a psql of the owner's, and the three PostgreSQL keeps for superusers."""


def write_configuration(places: Places, account: Account, connections: int, *, durable: bool) -> None:
    """Write postgresql.conf, pg_hba.conf and pg_ident.conf for the next start."""
    _write(places.home / "postgresql.conf", _postgresql_conf(places, connections, durable=durable))
    _write(places.home / "pg_hba.conf", "# Written by swarmdex at every start.\nlocal all all peer map=swarmdex\n")
    users = sorted({account.name, pwd.getpwuid(os.geteuid()).pw_name, pwd.getpwuid(0).pw_name})
    lines = [f'swarmdex "{user}" {ROLE}' for user in users]
    _write(places.home / "pg_ident.conf", "# Written by swarmdex at every start: who may be the role swarmdex.\n" + "\n".join(lines) + "\n")


def server_arguments(places: Places) -> list[str]:
    """The arguments of `postgres`."""
    return ["-D", str(places.cluster), "-c", f"config_file={places.home / 'postgresql.conf'}"]


def conninfo(socket_dir: Path) -> str:
    """How to reach the server. It names all that the user's PG* environment variables would otherwise fill in wrongly."""
    return (
        f"host={_quoted(str(socket_dir))} hostaddr='' port={PORT} user={ROLE} dbname={DATABASE} "
        "options='' client_encoding=UTF8 channel_binding=disable target_session_attrs=any"
    )


def _postgresql_conf(places: Places, connections: int, *, durable: bool) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEGABYTE
    settings = {
        "hba_file": places.home / "pg_hba.conf",
        "ident_file": places.home / "pg_ident.conf",
        # Reached by its socket alone, in a folder only its account and root can enter.
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": f'"{places.socket_dir}"',
        "unix_socket_permissions": "0700",
        "max_connections": connections + SPARE_CONNECTIONS,
        "cluster_name": "swarmdex",
        # A share of a home server, never all of it.
        "shared_buffers": f"{_between(64, memory // 8, 1024)}MB",
        "effective_cache_size": f"{max(256, memory // 2)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{_between(64, memory // 16, 512)}MB",
        "autovacuum_max_workers": 2,
        # Our queries are short and led by indexes; parallel workers also need more /dev/shm than the 64 MB containers have.
        "max_parallel_workers_per_gather": 0,
        "jit": "off",
        "random_page_cost": 1.1,
        # No replicas: the least WAL. 1 GB of it takes some ten seconds to recover.
        "wal_level": "minimal",
        "max_wal_senders": 0,
        "max_logical_replication_workers": 0,
        "max_wal_size": "1GB",
        # The first change of a page after a checkpoint logs all of it: 1.7 kB a torrent become 6.8 with one every 10,000 torrents. So
        # few of them: what recovery takes is bounded by max_wal_size. wal_compression = pglz saves a fifth of that, for 2.7 times the CPU.
        "checkpoint_timeout": "30min",
        # Logged to stderr, our log file. What people search for stays out of it.
        "log_min_messages": "warning",
        "log_min_error_statement": "panic",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "lc_messages": "C",  # storage/cluster/process.py reads them
        "default_text_search_config": "pg_catalog.simple",
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off"}  # survives a crash of the server, not one of the machine
    lines = [f"{name} = {_quoted(str(value))}" for name, value in settings.items()]
    head = "# Written by swarmdex at every start. Your own settings go to custom.conf beside this file; they win.\n"
    return head + "\n".join(lines) + "\ninclude_if_exists = 'custom.conf'\n"


def _write(path: Path, text: str) -> None:
    """Replace a file whole, readable for the server's account; no secrets in it."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
        hand_over(file.fileno(), path.parent)
    draft.replace(path)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))
