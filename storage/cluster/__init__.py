"""The parts of the embedded server: binaries, account, places, configuration, process; storage/embedded.py puts them together."""
