"""The way in: `shjobs` and `python -m controller`. Turns every foreseen error into a sentence and an exit code."""

import os
import sys


def main() -> None:
    # Else pydantic asks every installed package for plugins, at each start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from controller.cli import main as command_line

    sys.exit(command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
