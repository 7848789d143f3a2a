"""The door: puts our folders first on the import path and calls the command line.

In a wheel the folders live in `_swarmdex/`, because `config`, `web` and `supervisor` are also published packages.
"""

import sys
from pathlib import Path

_here = Path(__file__).resolve().parent
_code = _here / "_swarmdex"
sys.path.insert(0, str(_code if _code.is_dir() else _here))


def main() -> None:
    """Run the `swarmdex` command."""
    from cli.main import main as run_command_line

    run_command_line()


if __name__ == "__main__":
    main()
