"""Logging: words for a person on a terminal, JSON lines for a journal; always on stderr, never with a key in them."""

import logging
import re
import sys
from typing import TextIO

import structlog

_SECRETS = re.compile(r"(?i)\b((?:api_?key|passkey|token|secret)=)[^&\s\"']+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line feed
_NOISY = ("httpx", "httpcore", "hypercorn.access", "trio_parallel")


def redact(text: str) -> str:
    """Replace the values of `apikey=` and its like."""
    return _SECRETS.sub(r"\1***", text)


def set_up_logging(level: str, stream: TextIO = sys.stderr) -> None:
    """Send everything logged by us and by libraries to `stream`, at `level` ("debug", "info", "warning", "error") and above."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    rendering: list[structlog.typing.Processor] = (
        [_show_controls, structlog.dev.ConsoleRenderer(colors=True, pad_event_to=0)]
        if stream.isatty()
        else [structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _redact_event(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = redact(value)
    return event


def _show_controls(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Peers choose some of the words; they must not move the cursor or change the title of a terminal. JSON escapes them by itself."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _CONTROLS.sub(lambda control: f"\\x{ord(control[0]):02x}", value)
    return event
