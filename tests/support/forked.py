"""The program as a process of its own that need not load its modules: half the processor time of a short run.

A process that has loaded them and does nothing else is kept for it, and each run is a fork of that: it has its own
number, signals, limits, descriptors, folder and variables, and goes through `controller.__main__` as any start does.
One thread starts the runs and asks for their ends: two that ask at once would take the exit code from each other.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from controller.source.signature import tool
from controller.tree.git import command
from tests.support.patience import LONGEST

command.PATIENCE = tool.PATIENCE = LONGEST
LOADED = ["tests.support.forked", "controller.daemon.daemon", "controller.cli.run", "controller.cli.sync"]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(LOADED)


class Forked:
    """One run; what tests use of `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> None:
        """`log` gets what is written to the standard error output; the standard output is discarded."""
        given = (tuple(arguments), str(cwd), dict(environment), str(log))
        self._process: ForkServerProcess = _context.Process(target=_run, args=given)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float = LONGEST) -> int:
        self._process.join(seconds)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("shjobs", seconds)
        return code

    def kill(self) -> None:
        self._process.kill()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _run(arguments: Sequence[str], cwd: str, environment: Mapping[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for number, path in ((1, os.devnull), (2, log)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["shjobs", *arguments]
    from controller.__main__ import main

    main()
