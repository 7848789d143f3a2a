"""How hard a crawler works. The numbers are per instance of swarmdex; its nodes divide them.

Home routers fail on new UDP flows, not on bytes: tables of 2,000 to 8,192 entries, trouble above about 100 new flows a second. libtorrent
silences an address that asks more than five times a second, so no profile but the lab asks one address more than once a second.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to work."""

    name: str
    packets_per_s: float
    """Queries sent."""
    new_addresses_per_s: float
    """Queries to addresses not talked to in the last minute: what costs a router a flow."""
    max_in_flight: int
    """Sample queries waiting for their answer."""
    answers_per_s: float
    """Queries of others that are answered."""
    answers_per_host: int = 50
    """In ten seconds; libtorrent's own limit."""
    lookups_per_address: int = 1
    """Queries that look-ups may send to one address within `ask_again_after_s`; everything else sends one."""
    ask_again_after_s: float = 1.0
    """How long one address is left alone after a query."""
    is_local_only: bool = False
    """Talks to loopback and private addresses and to nobody else."""

    def divided(self, nodes: int, kin: int = 1) -> "Profile":
        """One node's part when `nodes` of them share this profile, `kin` of them in its address family."""
        return replace(
            self,
            packets_per_s=self.packets_per_s / nodes,
            new_addresses_per_s=self.new_addresses_per_s / nodes,
            max_in_flight=max(8, self.max_in_flight // nodes),
            answers_per_s=self.answers_per_s / nodes,
            # To others all of them are one host. They know nothing of each other's queries, so each asks as much less often.
            ask_again_after_s=self.ask_again_after_s * (1 if self.is_local_only else kin),
        )


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("gentle", packets_per_s=40, new_addresses_per_s=25, max_in_flight=160, answers_per_s=100),
        Profile("home", packets_per_s=150, new_addresses_per_s=100, max_in_flight=600, answers_per_s=300),
        Profile("server", packets_per_s=2000, new_addresses_per_s=1500, max_in_flight=8000, answers_per_s=4000),
        Profile(
            "lab",
            packets_per_s=1e6,
            new_addresses_per_s=1e6,
            max_in_flight=4096,
            answers_per_s=1e6,
            answers_per_host=1_000_000_000,
            lookups_per_address=3,  # a simulated network of two thousand nodes has to stand for one of millions
            is_local_only=True,
        ),
    )
}
