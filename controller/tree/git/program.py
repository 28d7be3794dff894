"""Runs a program that reads what someone else wrote: git, and what verifies signatures.

It gets only the variables named by the caller, a session of its own, a time and a size that its output may take; when
it ends, or has to, so does everything it started. Used by `command` and `source/signature`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MOST_ERRORS = 2000  # bytes of what a program says on stderr, from its end: there is the reason


class ProgramError(Exception):
    """It did not run to its end. The message goes on after the program's name: `did not end within 4 s`."""


class TooMuchOutput(ProgramError):  # noqa: N818  (the name of an outcome)
    """It wrote more than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What became of a program. `said` is its stderr, cut short."""

    code: int
    output: bytes
    said: str


class Stop:
    """Ends the program that is running, and every later one at once: set by another thread when our process ends."""

    def __init__(self) -> None:
        self.is_set = False
        self._guard = threading.Lock()
        self._kill: Callable[[], None] = lambda: None

    def set(self) -> None:
        with self._guard:
            self.is_set = True
            self._kill()

    @contextmanager
    def ends(self, kill: Callable[[], None]) -> Iterator[None]:
        """While the block runs, `kill` is called as soon as this is set."""
        with self._guard:
            self._kill = kill
            if self.is_set:
                kill()
        try:
            yield
        finally:
            with self._guard:
                self._kill = lambda: None


def search_path() -> str:
    """PATH without relative folders, which could be in the tree."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if folder.startswith("/"))


def find_program(name: str) -> str | None:
    """Where this program is; None: it is not installed."""
    return shutil.which(name, path=search_path())


def run_program(
    command: Sequence[str], folder: Path, variables: Mapping[str, str], given: bytes, patience: float, most: int,
    stop: Stop | None = None,
) -> Ended:  # fmt: skip
    """Run it in a folder with these variables alone, and `given` on stdin.

    Raises `ProgramError` when it cannot be run, takes more than `patience` seconds or writes more than `most` bytes, or
    when `stop` is set.
    """
    try:
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
            asked.write(given)
            asked.seek(0)
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=variables,
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )
            with (stop or Stop()).ends(lambda: _kill(process)):
                output = _output(process, patience, most)
            if stop is not None and stop.is_set:
                raise ProgramError("was stopped")
            said.seek(max(0, said.seek(0, os.SEEK_END) - MOST_ERRORS))
            words = said.read(MOST_ERRORS).decode(errors="replace").strip()
            return Ended(code=process.returncode, output=output, said=words)
    except OSError as error:
        raise ProgramError(f"cannot be run: {error.strerror}") from error


def _output(process: "subprocess.Popen[bytes]", patience: float, most: int) -> bytes:
    """What it writes until it ends."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(patience, give_up)
    timer.start()
    try:
        assert process.stdout is not None
        output = process.stdout.read(most + 1)
        if len(output) > most:
            raise TooMuchOutput(f"wrote more than {most} bytes")
        process.wait()
    finally:
        timer.cancel()
        _kill(process)
        process.stdout.close() if process.stdout else None
        process.wait()
    if late.is_set():
        raise ProgramError(f"did not end within {patience:.0f} s")
    return output


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill it with everything it may have started."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
