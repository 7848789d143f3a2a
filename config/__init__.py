"""Settings: dataclasses, loader, defaults."""
