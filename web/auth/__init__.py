"""Who is asking: keys, sessions, the internal secret, and the pages people sign in on. web/access.py decides what they may do."""
