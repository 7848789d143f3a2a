"""Every address of the app, taken from the app itself: a page that is added tomorrow is attacked tomorrow."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from tests.attacks.hostile import Victim
from web.app import create_app
from web.errors import Language, language_of
from web.parts import WebParts


@dataclass(frozen=True)
class Address:
    """One method of one rule."""

    method: str
    rule: str
    arguments: tuple[str, ...]
    """The names of the variable parts of its path."""

    def path(self, values: Mapping[str, str]) -> str:
        """With the values of its arguments, escaped; one that is not named is "1"."""
        path = self.rule
        for name in self.arguments:
            start, end = path.index("<"), path.index(">")
            path = path[:start] + quote(values.get(name, "1"), safe="", errors="surrogatepass") + path[end + 1 :]
        return path

    @property
    def is_for_people(self) -> bool:
        """Whether it is a page."""
        return language_of(self.path({})) is Language.HTML

    def credentials(self, victim: Victim) -> dict[str, str]:
        """What opens it whatever it asks for: a session on pages, a key elsewhere."""
        return {"Cookie": f"swx={victim.session}"} if self.is_for_people else {"X-Api-Key": victim.keys["admin"]}


def addresses(parts: WebParts, method: str | None = None) -> list[Address]:
    """All of them, or those of one method."""
    found = []
    for rule in create_app(parts).url_map.iter_rules():
        ordered = sorted(rule.arguments, key=lambda name, text=rule.rule: text.index(f"{name}>"))
        found += [Address(one, rule.rule, tuple(ordered)) for one in (rule.methods or ()) if one not in {"HEAD", "OPTIONS"}]
    return [address for address in found if method in {None, address.method}]
