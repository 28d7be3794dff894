"""The way in: `shjobs` and `python -m controller`. Turns every foreseen error into a sentence and an exit code."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType


def main() -> None:
    _on_signals(_leave)
    _open_what_is_closed()
    _read_names_as_utf8()
    # Else pydantic asks every installed package for plugins, at each start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()  # loading modules makes no garbage; the command line enables it before the command runs
    from controller.cli import main as command_line

    _on_signals(_unwind)
    try:
        code = command_line(sys.argv[1:])
    finally:
        _on_signals(_leave)
        gc.freeze()  # what is about to be freed with the process need not be searched once more
    sys.exit(code)


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """What SIGTERM and Ctrl-C do. A SIGHUP asks the daemon to look at its files, which a start does anyway."""
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)
    if "run" in sys.argv[1:]:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Before a command has begun, and after it has ended, there is nothing to bring to an end."""
    os._exit(128 + number)


def _unwind(number: int, _frame: FrameType | None) -> None:
    """Within a command, what was opened is closed first; `sync` and `run` have handlers of their own."""
    raise SystemExit(128 + number)


def _open_what_is_closed() -> None:
    """A stream that was closed is one nobody reads; else the next file that is opened would take its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _read_names_as_utf8() -> None:
    """Under a locale of another encoding begin anew without it: names of files and manifests are UTF-8 everywhere."""
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
        os.execv(sys.executable, [sys.orig_argv[0], "-X", "utf8", *sys.orig_argv[1:]])


if __name__ == "__main__":
    main()
