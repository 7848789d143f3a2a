"""Who a request speaks for; the gate sets `g.principal` before any handler runs."""

from dataclasses import dataclass
from typing import Literal

PrincipalKind = Literal["anonymous", "key", "session", "internal", "run"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody with rights, or nobody."""

    kind: PrincipalKind
    """How they showed who they are: not at all, with an API key, signed in, with the internal secret, with this run's own token."""
    id: str
    """The key's id or the user's number; empty for nobody."""
    name: str
    """The key's or the user's name, for people."""
    scopes: frozenset[str]
    user: int | None = None
    """The number of the user who is signed in, or whose key it is; None: nobody's."""

    def allows(self, scope: str) -> bool:
        """Whether they may do what `scope` stands for; "admin" includes the others."""
        return scope in self.scopes or "admin" in self.scopes


ANONYMOUS = Principal("anonymous", "", "", frozenset())
OPEN_HOUSE = Principal("anonymous", "", "", frozenset({"search"}))
"""Anybody, while the pages of a fresh instance are open to its own machine."""
INTERNAL = Principal("internal", "internal", "another instance", frozenset({"ingest"}))
"""Another swarmdex of the same owner, which sends what it found."""
RUN = Principal("run", "run", "this machine", frozenset({"admin"}))
"""The commands of this machine: they read the run's token in the data folder, which only its user can."""
