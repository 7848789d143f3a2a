"""What a simulated swarm is made of: sizes, shares of trouble, and the seed that decides everything else."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class SwarmOptions:
    """One swarm. Shares are between 0 and 1; the defaults are a mildly unfriendly network."""

    seed: int = 1
    torrents: int = 500
    nodes: int = 2000
    loss: float = 0.02  # of the exchanges: half of them lose the query, half the answer
    delay_ms: float = 20.0  # mean delay of an answer; each is drawn between half and one and a half of it
    dead: float = 0.10  # of the nodes never answer, though their neighbours still name them
    malformed: float = 0.01  # of the answers are broken: garbage, cut short, a wrong transaction, a nesting bomb ...
    unsorted: float = 0.05  # of the nodes send their keys unsorted (BEP 3 wants them sorted)
    duplicates: float = 0.01  # of the answers arrive twice
    wrong_ids: float = 0.01  # of the nodes answer with another id than their neighbours know
    bogus: float = 0.01  # of the nodes name neighbours that do not exist
    no_samples: float = 0.10  # of the nodes do not know sample_infohashes (BEP 51) and answer with error 204
    interval_s: float = 20.0  # mean BEP 51 interval; each node draws between half and one and a half of it
    mixed_peers: float = 0.20  # of the torrents have one honest peer among faulty ones
    faulty_peers: float = 0.05  # of the torrents have faulty peers only: not reachable
    hostile: float = 0.02  # of the torrents carry hostile metadata (a huge name, NUL bytes, ...): not counted as reachable
    chatter_per_s: float = 0.0  # queries the nodes send to the nodes that asked them: ping, find_node, get_peers, announce_peer

    def without_trouble(self) -> "SwarmOptions":
        """The same swarm on a perfect network of honest nodes and peers."""
        return replace(
            self,
            loss=0.0,
            delay_ms=0.0,
            dead=0.0,
            malformed=0.0,
            unsorted=0.0,
            duplicates=0.0,
            wrong_ids=0.0,
            bogus=0.0,
            no_samples=0.0,
            mixed_peers=0.0,
            faulty_peers=0.0,
            hostile=0.0,
        )


def option_flag(name: str) -> str:
    """The command-line flag of a field of SwarmOptions."""
    return "--" + name.removesuffix("_s").removesuffix("_per").replace("_", "-")
