"""`swarmdex demo`: the daemon against a simulated swarm, and what came of it."""
