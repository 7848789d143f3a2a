"""What we know about torrents: the model, the messages, and pure rules."""
