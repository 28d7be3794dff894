"""The command line as tests call it: in this process where that shows the same, else as a program of its own."""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

from click.testing import CliRunner

from controller.cli import main
from tests.support.patience import LONGEST

Done = subprocess.CompletedProcess[str]


def shjobs(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> Done:
    """Exit code and output of a command, as a person gets them in a pipe. A start of Python costs more than most."""
    with _within(cwd, environment) as (out, err, _):
        code = _ended(arguments)
        return Done(arguments, code, out.getvalue().decode(), err.getvalue().decode())


def shown(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> str:
    """What a person sees of it: both outputs, as they come."""
    with _within(cwd, environment) as (_, _, both):
        _ended(arguments)
        return both.getvalue().decode()


def program(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None, longest: float = LONGEST) -> Done:
    """The same of a program of its own: for what only a process has, such as its end, its encodings and its memory."""
    command = [sys.executable, "-m", "controller", *arguments]
    given = {**os.environ, **_ours(cwd), "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})}
    return subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=longest, check=False)


def python(code: str, *options: str, cwd: Path, environment: Mapping[str, str] | None = None) -> Done:
    """What a piece of Python prints and ends with, in a process of its own that finds the controller."""
    given = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})}
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=LONGEST, check=False)


def _ended(arguments: Sequence[str]) -> int:
    """The exit code, once all that was written has come out."""
    code = main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


@contextlib.contextmanager
def _within(cwd: Path, environment: Mapping[str, str] | None) -> Iterator[tuple[BytesIO, BytesIO, BytesIO]]:
    """In that folder, with those variables: what is written to output, to errors, and to both."""
    given = {**_ours(cwd), **(environment or {})}
    with contextlib.chdir(cwd), _its_own_log(), CliRunner().isolation(env=given) as outputs:
        yield outputs


def _ours(cwd: Path) -> dict[str, str]:
    return {"NO_COLOR": "1", "XDG_CACHE_HOME": str(cwd.absolute() / ".cache")}


@contextlib.contextmanager
def _its_own_log() -> Iterator[None]:
    """The program writes its log where it wants to, not where the tests' own log goes."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
