"""The DHT crawler: nodes on their sockets, and the triage of what they find."""
