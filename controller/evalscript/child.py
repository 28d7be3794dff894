"""The child process that holds the JavaScript engine: `main` with the arguments MEMORY and RAMPS.

Reads one frame and writes one, until its standard input closes. Started by `process`; it limits its own memory, so
that a script cannot exhaust the machine's.
"""

import asyncio
import json
import os
import re
import resource
import select
from collections.abc import Awaitable
from contextlib import ExitStack
from functools import cache
from importlib.resources import files
from threading import Thread
from typing import IO, Any, cast

from py_mini_racer import (
    JSEvalException,
    JSFunction,
    JSMappedObject,
    JSOOMException,
    JSParseException,
    MiniRacer,
    mini_racer,
)

from controller.evalscript.exceptions import SCRIPT_NAME, locate
from controller.evalscript.frames import READY, FailureName, Header, fill_plane, read_header, read_plane, write_frame
from controller.evalscript.short_form import with_functions

FUNCTIONS = (
    "setup",
    "evaluatePixel",
    "preProcessScenes",
    "updateOutput",
    "updateOutputMetadata",
    "filterScenes",
    "setInputComponents",
    "setOutputComponentCount",
)
_LATER = re.compile(r"\b(?:Promise|async|await)\b")  # what may leave pending promises
_LEFT_OUT = re.compile(r"^[ \t]*(?:// .*\n)?", re.MULTILINE)  # of our own files, which each realm reads anew
_RETURNS = "SyntaxError: Illegal return statement"
OLDER = "older"  # RAMPS: colour ramps as documented in 2025
TOO_MUCH_MEMORY = "The script needs more memory than it may have"
# The engine's own heap may take a quarter of the process's memory. Merely starting it counts as 560 MiB of data to the
# kernel; a larger heap hits that limit inside the garbage collector, where the engine hangs instead of failing.
HEAP_SHARE = 4


class StepError(Exception):
    """The step failed; `failure` is the reply that says so."""

    def __init__(self, kind: FailureName, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.failure = {"kind": kind, "message": message, "line": line, "column": column}


class Realm:
    """A fresh global scope for one evalscript, with the prelude before it and the harness around it.

    All realms use the event loop that runs here: a thread of its own, which the engine's library would start for each,
    would take longer than a short script.
    """

    def __init__(self, *, heap: int, ramps: str) -> None:
        self._held = ExitStack()
        self._engine: MiniRacer = self._held.enter_context(mini_racer(asyncio.get_running_loop()))
        self._engine.set_hard_memory_limit(heap)
        context = cast(JSMappedObject, self._engine.eval(_surroundings(ramps)))
        self._harness = cast(JSFunction, context["harness"]).cancelable()
        # Ordinary arguments would be collected with Array.prototype.push, which a script may replace.
        self._call = cast(JSMappedObject, context["call"])
        self._text, self._seconds = "", 0.0

    async def load(self, text: str, seconds: float) -> dict[str, Any]:
        """Run the top level and setup(): the known `functions` it defined, and setup's `answer` as JSON.

        Every later step has this many seconds.
        """
        self._text, self._seconds = text, seconds
        await self._run_script()
        known = ", ".join(f"{name}: typeof {name} === 'function' ? {name} : undefined" for name in FUNCTIONS)
        begun: dict[str, Any] = json.loads(await self.step("setup", "begin", await self._run(f"({{{known}}})")))
        return begun

    async def step(self, kind: FailureName, step: str, argument: Any = None, more: Any = None) -> Any:
        """One step of the harness; a script's exception becomes a StepError of this kind."""
        self._call["step"], self._call["argument"], self._call["more"] = step, argument, more
        return await self._guarded(kind, self._harness(this=self._call))

    async def finish_promises(self) -> None:
        """Run the script's pending promises; quick when there are none."""
        if _LATER.search(self._text):
            await self._run("undefined")

    def close(self) -> None:
        del self._harness, self._call
        self._held.close()

    async def _run_script(self) -> None:
        """As it is; in its short form with the functions around it, which no ordinary script could do without."""
        try:
            await self._run(f"{self._text}\n//# sourceURL={SCRIPT_NAME}")
        except StepError as error:
            whole = with_functions(self._text, self._unknown) if _RETURNS in str(error) else None
            if whole is None:
                raise
            await self._run(f"{whole}\n//# sourceURL={SCRIPT_NAME}")

    def _unknown(self, names: list[str]) -> list[str]:
        """The names that are no global. No code of the script has run yet, so this ends."""
        test = f"JSON.stringify({json.dumps(names)}.filter((name) => !(name in globalThis)))"
        found: list[str] = json.loads(cast(str, self._engine.eval(test)))
        return found

    async def _run(self, source: str) -> Any:
        return await self._guarded("setup", self._engine.eval_cancelable(source))

    async def _guarded(self, kind: FailureName, work: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._seconds):
                return await work
        except TimeoutError as error:
            raise StepError("timeout", f"The script ran longer than {self._seconds:g} s") from error
        except JSParseException as error:
            raise self._failed("syntax", error) from error
        except JSOOMException as error:
            raise StepError("memory", TOO_MUCH_MEMORY) from error
        except JSEvalException as error:
            raise self._failed(kind, error) from error

    def _failed(self, kind: FailureName, error: JSEvalException) -> StepError:
        if self._engine.was_hard_memory_limit_reached():
            return StepError("memory", TOO_MUCH_MEMORY)
        place = locate(str(error), self._text)
        if "RangeError: Array buffer allocation failed" in place.message:
            return StepError("memory", f"{TOO_MUCH_MEMORY}: {place.message}", place.line, place.column)
        return StepError(kind, place.message, place.line, place.column)


class ScriptSession:
    """Handles the parent's frames; holds at most one realm with a script, and an empty one for the next script."""

    def __init__(self, *, heap: int, ramps: str) -> None:
        self._heap, self._ramps = heap, ramps
        self._realm: Realm | None = None
        self._spare: Realm | None = None
        self._loaded = 0

    def prepare(self) -> None:
        """Prepare the realm of the next script."""
        if self._spare is None:
            self._spare = Realm(heap=self._heap, ramps=self._ramps)

    async def answer(self, request: Header, stream: IO[bytes]) -> tuple[Header, list[memoryview]]:
        """The reply to one request; the request's planes are always read from `stream`."""
        lengths: list[int] = request["planes"]
        try:
            if request["step"] == READY:
                return {}, []
            if request["step"] == "load":
                return await self._load(request), []
            if request["step"] == "evaluate":
                return await self._evaluate(request, stream, lengths)
            answer = await self._held().step("runtime", request["step"], request.get("argument"))
            if request["step"] == "rehearse":
                await self._held().finish_promises()
            return {"answer": answer}, []
        except StepError as error:
            for length in lengths:
                read_plane(stream, length)
            if error.failure["kind"] in ("memory", "timeout"):
                self.close()
            return {"failure": error.failure}, []

    def go_on(self) -> None:
        """While the parent reads the report, prepare for its next script. After the first there may be none."""
        self.close()
        if self._loaded > 1:
            self.prepare()

    def close(self) -> None:
        if self._realm is not None:
            self._realm.close()
            self._realm = None

    def _held(self) -> Realm:
        if self._realm is None:
            raise StepError("crash", "No script is loaded")
        return self._realm

    async def _load(self, request: Header) -> Header:
        self.close()
        self.prepare()
        self._realm, self._spare = self._spare, None
        self._loaded += 1
        return await self._held().load(request["text"], request["seconds"])

    async def _evaluate(
        self, request: Header, stream: IO[bytes], lengths: list[int]
    ) -> tuple[Header, list[memoryview]]:
        realm = self._held()
        position = 0
        while lengths:
            memory = await realm.step("memory", "input", position, lengths[0])
            fill_plane(stream, memory)
            del lengths[0]
            position += 1
        complaint = await realm.step("runtime", "evaluate", request["argument"])
        if complaint:
            return {"complaint": complaint}, []
        outputs = range(request["outputs"])
        return {}, [await realm.step("memory", "output", number) for number in outputs]


def main(arguments: list[str]) -> None:
    memory, ramps = int(arguments[0]), arguments[1]
    requests, answers = _private_pipes()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    Thread(target=_end_with_parent, args=(requests.fileno(),), daemon=True).start()
    asyncio.run(_serve(memory // HEAP_SHARE, ramps, requests, answers))


async def _serve(heap: int, ramps: str, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until the requests end. Waiting for one may stop the loop, which has nothing else to do."""
    session = ScriptSession(heap=heap, ramps=ramps)
    session.prepare()
    _close_the_doors()
    try:
        while (request := read_header(requests)) is not None:
            reply, planes = await session.answer(request, requests)
            write_frame(answers, reply, planes)
            if request["step"] == "rehearse":
                session.go_on()
    finally:
        session.close()


def _close_the_doors() -> None:
    """From here on this process cannot open a file or socket, whatever a script finds in the engine: every allowed
    descriptor is in use.
    """
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, lowest))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The frames' streams, moved off the standard ones, where anything printed by a library would corrupt them."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    os.set_blocking(2, False)  # it is not read before the end: excess output is dropped, never waited for
    return requests, answers


def _end_with_parent(descriptor: int) -> None:
    """Exit as soon as the parent closes its end or exits, even in the middle of a script."""
    poller = select.poll()
    poller.register(descriptor, 0)
    poller.poll()
    os._exit(0)


@cache
def _surroundings(ramps: str) -> str:
    """Source text that defines a script's environment, and whose value is what the child keeps."""
    prelude, dates, rehearsal, harness = (
        _LEFT_OUT.sub("", (files("controller.evalscript") / f"{name}.js").read_text(encoding="utf-8"))
        for name in ("prelude", "dates", "rehearsal", "harness")
    )
    prelude = prelude.replace("OLDER_RAMPS", str(ramps == OLDER).lower())
    return f"{prelude}\n({{harness: {harness}\n({rehearsal}\n, {dates}\n), call: Object.create(null)}})"
