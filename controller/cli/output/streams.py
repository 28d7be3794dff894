"""The standard streams of a command: a reader that leaves early ends no command, and changes no exit code.

`main` puts them into place; commands without an end ask `has_reader`.
"""

import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Output(io.BufferedWriter):
    """What is written after the reader has left is dropped, so that the command goes on to its exit code.

    Not below the buffer: a signal between the write and its count would have the same written twice.
    """

    drops: type[OSError] = BrokenPipeError

    def write(self, data: "ReadableBuffer") -> int:
        with suppress(self.drops):
            return super().write(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        with suppress(self.drops):
            super().flush()


class _Errors(_Output):
    """Remarks and progress: what cannot be written, for any reason, is dropped."""

    drops = OSError


def prepare_streams() -> None:
    """Let the process's own streams outlive their readers, and write what the terminal's encoding does not have."""
    sys.stdout = _prepared(sys.stdout, _Output)
    sys.stderr = _prepared(sys.stderr, _Errors)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def has_reader() -> bool:
    """Whether the output has a reader, as far as that can be seen: a pipe shows when it has none any more."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # it is no file
        return True
    looked = select.poll()
    looked.register(number, 0)
    return not any(events & (select.POLLERR | select.POLLHUP) for _, events in looked.poll(0))


def let_go_of_the_output() -> None:
    """The output cannot be written; without this, Python would report that once more at exit."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
            continue
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _prepared(stream: TextIO, kind: type[_Output]) -> TextIO:
    """The process's own stream, written through `kind`; any other, as that of a test, stays as it is."""
    if stream not in (sys.__stdout__, sys.__stderr__) or not isinstance(stream, io.TextIOWrapper):
        return stream
    buffer = kind(io.FileIO(stream.fileno(), "w", closefd=False))
    is_prompt = stream.line_buffering or stream.write_through  # as with PYTHONUNBUFFERED
    return io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=is_prompt)
