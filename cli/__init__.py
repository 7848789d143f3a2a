"""Commands, and the wiring of the daemon."""
