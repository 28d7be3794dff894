"""The way in: `shjobs` and `python -m controller`. Turns every foreseen error into a sentence and an exit code."""

import sys


def main() -> None:
    from controller.cli import main as command_line

    sys.exit(command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
