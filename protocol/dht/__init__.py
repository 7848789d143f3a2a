"""The mainline DHT (BEP 5, 32, 42, 51) without I/O."""
