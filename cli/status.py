"""`swarmdex status`: asks the running daemon how its parts are."""

import time
from pathlib import Path
from typing import Any

import httpx

from cli import runfile
from protocol.errors import SwarmdexError

_WELL = {"running", "finished"}


class DaemonUnreachable(SwarmdexError):
    """No daemon runs on this data folder, or it does not answer; the message says which."""


def fetch_status(data_dir: Path) -> dict[str, Any]:
    """The daemon's own /api/v1/status. Raises DaemonUnreachable."""
    found = runfile.read(data_dir)
    if found is None:
        raise DaemonUnreachable(f"no daemon of yours runs on {data_dir}; start one with: swarmdex run")
    try:
        answer = httpx.get(f"{found.url}/api/v1/status", headers={"X-Api-Key": found.token}, timeout=10, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as exc:
        raise DaemonUnreachable(f"the daemon (process {found.pid}) does not answer at {found.url}: {exc}") from exc
    status: dict[str, Any] = answer.json()
    return status


def is_well(status: dict[str, Any]) -> bool:
    """Whether every part runs."""
    return all(child["state"] in _WELL for child in status["children"])


def status_in_words(status: dict[str, Any]) -> str:
    """The tree, a part a line, then the mailboxes."""
    pushers = [child["statistics"] for child in status["children"] if child["path"].endswith("/pusher") and child["statistics"]]
    lines = [*map(_line, status["children"]), "", *map(_mailbox_line, status["mailboxes"])]
    return "\n".join([*lines, *(line for pusher in pushers for line in ("", *_pusher_lines(pusher)))])


def _pusher_lines(pusher: dict[str, Any]) -> list[str]:
    """How the central instance is, and what waits for it."""
    now = time.time()
    line = f"central instance: {'well' if pusher['breaker'] == 'closed' else 'fails'}"
    if pusher["breaker_since"] is not None:
        line += f" for {_in_words(now - pusher['breaker_since'])}"
    if pusher["breaker"] != "closed":
        line += f" ({pusher['breaker_reason']})"
    if pusher["next_probe"] is not None:
        line += f", next try in {_in_words(max(0.0, pusher['next_probe'] - now))}"
    refused = sum(pusher["refused"].values())
    sent = f"sent: {pusher['sent_new']} new, {pusher['sent_updated']} known, {pusher['blocked']} blocked, {refused} refused"
    spool = f"spool: {pusher['spooled_batches']} batches, {pusher['spooled_bytes'] / 1e6:.1f} of {pusher['spool_limit_bytes'] / 1e6:.0f} MB"
    if pusher["oldest_at"] is not None:
        spool += f", the oldest for {_in_words(now - pusher['oldest_at'])}"
    if pusher["set_aside"]:
        spool += f", {pusher['set_aside']} set aside"
    return [line, sent, spool]


def _mailbox_line(mailbox: dict[str, Any]) -> str:
    line = f"mailbox {mailbox['name']:<16} {mailbox['depth']} of {mailbox['capacity']} waiting, {mailbox['sent']} sent"
    for name, words in (("waits", "times full"), ("drops", "dropped"), ("poisoned", "given up")):
        if mailbox[name]:
            line += f", {mailbox[name]} {words}"
    return line


def _line(child: dict[str, Any]) -> str:
    *parents, name = child["path"].split("/")
    line = "  " * (len(parents) - 1) + name
    line = f"{line:<24} {child['state']:<9}"
    if child["uptime"] is not None:
        line += f" up {_in_words(child['uptime']):>8}"
    if child["restarts"]:
        line += f"   {child['restarts']} restarts"
    if child["state"] not in _WELL and child["last_crash"]:
        line += f"   {child['last_crash']['summary']}"
    return line.rstrip()


def _in_words(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
