"""The peer wire protocol and its extensions (BEP 3, 9, 10) without I/O."""
