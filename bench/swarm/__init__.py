"""A simulated swarm on loopback: thousands of DHT nodes and hundreds of peers in one process, all from one seed.

    python -m bench.swarm --seed 1 --torrents 500 --nodes 2000 --list planted.ndjson --report report.json

`plan.py` decides everything before a socket is open (nodes, torrents, peers, who stores what, what is reachable), so recall can be
asserted, not only speed. `sockets.py` gives each node and peer an address of its own within 127/8 behind three sockets; `dht.py` with
`answers.py` and `weather.py` is the DHT, `peers.py` with `faults.py` the peers, `chatter.py` what the swarm asks of its visitors, and
`counters.py` what it noticed of their manners. `launch.py` starts it as a process of its own that never outlives who started it.

The list has one torrent a line: name, info_hash, info_hash_v2, version, reachable, fault (`none`, `mixed_peers`, `faulty_peers`,
`no_holder`, or the kind of hostile metadata), size, metadata_size, peers, files. Hostile torrents do not count as reachable: an index may
refuse them or store them under a cleaned name. A hybrid is announced under both of its hashes and counts once.

Imports the standard library, trio and `protocol` only: it travels in the wheel, because `swarmdex demo` uses it.
"""
