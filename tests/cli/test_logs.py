import io
import json
import logging

import pytest

from cli.logs import redact, set_up_logging


@pytest.fixture(autouse=True)
def _restored_logging():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers, root.level = before


def test_keys_never_reach_the_log():
    assert redact("GET /api?t=search&apikey=abc123&q=sintel") == "GET /api?t=search&apikey=***&q=sintel"
    assert redact("ApiKey=abc passkey=def") == "ApiKey=*** passkey=***"
    stream = io.StringIO()
    set_up_logging("info", stream)
    logging.getLogger("web").info("asked for %s", "/api?apikey=abc123")
    try:
        raise ValueError("/api?apikey=abc123")
    except ValueError:
        logging.getLogger("web").exception("failed")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["asked for /api?apikey=***", "failed"]
    assert "abc123" not in stream.getvalue()


def test_the_level_is_honoured():
    stream = io.StringIO()
    set_up_logging("warning", stream)
    logging.getLogger("dht").info("quiet")
    logging.getLogger("dht").warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_strangers_wrote_does_not_steer_the_terminal():
    stream = Terminal()
    set_up_logging("info", stream)
    logging.getLogger("dht").info("a name: %s", "Sintel\x1b]0;owned\x07\r\x9b2J 日本\nsecond line")
    said = stream.getvalue()
    assert "a name: Sintel\\x1b]0;owned\\x07\\x0d\\x9b2J 日本\nsecond line" in said
