"""A simulated swarm on loopback: DHT nodes and peers from a seed."""
