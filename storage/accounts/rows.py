"""What the tables of accounts share."""

from typing import Any


def only(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    """The row of a statement that always gives one."""
    if row is None:
        raise LookupError("a statement that always gives a row gave none")
    return row


MAX_ADDRESS_LENGTH, MAX_AGENT_LENGTH = 64, 200


def origin(address: str, agent: str) -> tuple[str, str]:
    """Where a request came from, as it is kept: short, and without what PostgreSQL or a terminal chokes on."""
    printable = "".join(character if character.isprintable() else "?" for character in agent)
    return address[:MAX_ADDRESS_LENGTH], printable[:MAX_AGENT_LENGTH]
