"""The parent's side of the engine child: start it, call it within a deadline, find out how it ended.

Used by `engine`. A child that crashes, hangs or sends garbage is a return value here, never an exception.
"""

import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer
from typing import IO, Any

from controller.evalscript.frames import READY, FrameError, Header, Plane, read_header, read_plane, write_frame
from controller.model.errors import truncate
from controller.model.script import FailureKind, ScriptFailure
from controller.wire.environment import bare_environment

START = 30.0  # seconds for the process to start
GRACE = 2.0  # seconds between the engine's own time limit, which leaves the child alive, and the kill
# Quick to start. asyncio, which the engine's library uses for its timeouts, would load ssl for connections that nobody
# opens here; loading modules makes no garbage.
PROGRAM = """\
import gc, sys
gc.disable()
sys.modules["ssl"] = None
from controller.evalscript.child import main
gc.enable()
main(sys.argv[1:])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReply:
    """The child's reply."""

    header: Header
    planes: tuple[bytes, ...] = ()


class Child:
    """At most one engine process at a time; `start` starts a new one when the last is gone."""

    def __init__(self, *, memory: int, ramps: str) -> None:
        self._arguments = [str(memory), ramps]
        self._process: subprocess.Popen[bytes] | None = None
        self._overdue: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the running process, None when there is none."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def kill(self) -> None:
        """End the process from another thread than the caller's: its call then returns a crash."""
        if process := self._process:
            process.kill()

    def start(self) -> ScriptFailure | None:
        """Make sure that a process is running; a new one has no script.

        Its start is not the script's time: a busy machine may need seconds.
        """
        if self.pid is not None:
            return None
        self.close()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-S", "-c", PROGRAM, *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=bare_environment(LANG="C.UTF-8", TZ="UTC"),  # no credential, and the same dates on every machine
                start_new_session=True,  # Ctrl-C in the terminal is for the parent only
            )
        except OSError as error:
            return _crash(f"The script engine could not be started: {error}")
        reply = self.call({"step": READY}, seconds=START)
        return _not_started(reply) if isinstance(reply, ScriptFailure) else None

    def call(
        self, header: Mapping[str, Any], planes: Sequence[Plane] = (), *, seconds: float
    ) -> EngineReply | ScriptFailure:
        """One request and its reply. Past `seconds` (and a little grace) the child is killed."""
        if self._process is None:
            return _crash("The script engine is not running")
        answered = False
        try:
            exchange = self._watched_exchange if planes else self._exchange
            reply = exchange(self._process, header, planes, seconds + GRACE)
            answered = True
        except (OSError, FrameError):
            return self._cause_of_death(seconds)
        finally:
            if not answered:
                self.close()
        return reply

    def close(self) -> None:
        """End the process, if any."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):  # unflushed data has nowhere to go
                stream.close()  # type: ignore[union-attr]

    def _watched_exchange(
        self, process: subprocess.Popen[bytes], header: Mapping[str, Any], planes: Sequence[Plane], seconds: float
    ) -> EngineReply:
        """Planes may fill the pipe, so that even writing blocks on the child: a thread enforces the deadline."""
        timer = Timer(seconds, self._end_overdue, args=(process,))
        timer.daemon = True
        timer.start()
        try:
            return self._exchange(process, header, planes, None)
        finally:
            timer.cancel()

    def _exchange(
        self,
        process: subprocess.Popen[bytes],
        header: Mapping[str, Any],
        planes: Sequence[Plane],
        seconds: float | None,
    ) -> EngineReply:
        """Without planes the child is idle and reads at once: waiting for the first byte of its reply is enough."""
        assert process.stdin is not None and process.stdout is not None
        write_frame(process.stdin, header, planes)
        if seconds is not None and not _speaks(process.stdout, seconds):
            self._end_overdue(process)
        reply = read_header(process.stdout)
        if reply is None:
            raise FrameError("the child closed its output")
        return EngineReply(
            header=reply, planes=tuple(bytes(read_plane(process.stdout, length)) for length in reply["planes"])
        )

    def _end_overdue(self, process: subprocess.Popen[bytes]) -> None:
        self._overdue = process
        process.kill()

    def _cause_of_death(self, seconds: float) -> ScriptFailure:
        process = self._process
        assert process is not None and process.stderr is not None
        process.kill()  # a child that broke the frame may still be running
        status = process.wait()
        words = process.stderr.read().decode(errors="replace").strip()
        if self._overdue is process:
            return ScriptFailure(kind=FailureKind.TIMEOUT, message=f"The script ran longer than {seconds:g} s")
        if "out of memory" in words or "MemoryError" in words:
            return ScriptFailure(kind=FailureKind.MEMORY, message="The script needs more memory than it may have")
        last_words = f": {truncate(words[-300:])}" if words else ""
        return _crash(f"The script engine died ({_status_name(status)}){last_words}")


def _speaks(stream: IO[bytes], seconds: float) -> bool:
    """Whether there is something to read, or the end of the stream, within this many seconds."""
    poller = select.poll()
    poller.register(stream, select.POLLIN)
    return bool(poller.poll(seconds * 1000))


def _status_name(status: int) -> str:
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _not_started(failure: ScriptFailure) -> ScriptFailure:
    """No script is to blame for it."""
    words = {FailureKind.TIMEOUT: f"within {START:g} s", FailureKind.MEMORY: "with the memory that it may have"}
    why = words.get(failure.kind)
    return _crash(f"The script engine did not start {why}") if why else failure


def _crash(message: str) -> ScriptFailure:
    return ScriptFailure(kind=FailureKind.CRASH, message=message)
