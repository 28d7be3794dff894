"""The caller's side of the process that draws: starts it for one raster, and ends it when it takes too long.

Whatever the process does is a value here: a picture, or a sentence why there is none. The worker of the page and
`fetch --preview` call it.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import IO

from controller.operations.picture.child import CPU, MEMORY, PICTURE, RANGES
from controller.operations.picture.drawing import Drawing
from controller.operations.picture.legend import Legend
from controller.wire.environment import bare_environment

PATIENCE = 60.0  # seconds, which a busy machine may need for what takes one
MOST_RANGES = 64
LARGEST = 4 * 1024 * 1024  # bytes of one PNG
LARGEST_SIDE = 512  # pixels
LONGEST_NOTE = 300  # characters
PROGRAM = "from controller.operations.picture.child import main; import sys; main(sys.argv[1], *map(int, sys.argv[2:]))"
_PNG = b"\x89PNG\r\n\x1a\n"
_OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)


class PictureProcess:
    """Draws one raster at a time, each in a process of its own. Any thread may `close` it.

    Each has `memory` bytes, `cpu` seconds of processor time, and `patience` seconds in all.
    """

    def __init__(self, patience: float = PATIENCE, *, memory: int = MEMORY, cpu: int = CPU) -> None:
        self._patience = patience
        self._bounds = [str(memory), str(cpu)]
        self._process: subprocess.Popen[bytes] | None = None
        self.is_closed = False

    def draw(self, raster: IO[bytes], reply: IO[bytes]) -> Drawing | str:
        """The picture of a file, or why there is none; `reply` is a file for what the process writes."""
        if problem := self._run(PICTURE, raster, reply):
            return problem
        return _drawing(reply.readline(LARGEST), lambda: reply.read(LARGEST + 1))

    def ranges(self, head: IO[bytes], reply: IO[bytes], size: int) -> list[tuple[int, int]] | None:
        """Which bytes of a file of this size its picture needs beside the head; None when it is not known."""
        if self._run(RANGES, head, reply):
            return None
        try:
            found = [(start, end) for start, end in json.loads(reply.readline(LARGEST))["ranges"]]
            in_order = all(isinstance(each, int) for pair in found for each in pair)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        is_sound = in_order and len(found) <= MOST_RANGES and all(0 <= start < end <= size for start, end in found)
        return found if is_sound and found else None

    def _run(self, task: str, source: IO[bytes], reply: IO[bytes]) -> str:
        """Run the process until it has replied; why it did not."""
        for file in (source, reply):
            file.seek(0)
        reply.truncate()
        with subprocess.Popen(
            [sys.executable, "-P", "-S", "-c", PROGRAM, task, *self._bounds],
            stdin=source,
            stdout=reply,
            stderr=subprocess.DEVNULL,
            env=bare_environment(LANG="C.UTF-8", TZ="UTC", OPENBLAS_NUM_THREADS="1"),
            start_new_session=True,
        ) as self._process:
            if self.is_closed:
                self._process.kill()
            status = _status(self._process, self._patience)
        reply.seek(0)
        if status in _OUT_OF_TIME:
            return "drawing it took too long"
        return f"the process that drew it ended with {_name(status)}" if status else ""

    def close(self) -> None:
        """End the process, if there is one, and every later one."""
        self.is_closed = True
        if process := self._process:
            process.kill()


def _status(process: subprocess.Popen[bytes], patience: float) -> int:
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
    except BaseException:  # such as Ctrl-C, which does not reach it
        process.kill()
        raise


def _drawing(line: bytes, png: Callable[[], bytes]) -> Drawing | str:
    """What the process replied; nothing of it is taken that is not of the form expected."""
    try:
        header = json.loads(line)
        if note := header.get("note"):
            return str(note)[:LONGEST_NOTE]
        width, height, content = header["width"], header["height"], png()
        is_picture = content.startswith(_PNG) and len(content) <= LARGEST
        if not is_picture or not all(isinstance(side, int) and 0 < side <= LARGEST_SIDE for side in (width, height)):
            return "what was drawn is no picture"
        return Drawing(png=content, width=width, height=height, legend=Legend.read(header["legend"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "what was drawn is no picture"


def _name(status: int) -> str:
    try:
        return signal.Signals(-status).name if status < 0 else f"exit code {status}"
    except ValueError:
        return f"signal {-status}"
