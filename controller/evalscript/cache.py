"""The facts and rehearsals of evalscripts, from one engine shared by all threads.

The controller asks for the same few scripts repeatedly, so answers are cached by their question.
"""

import atexit
from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import TypeVar

from controller.evalscript.engine import Engine
from controller.model.script import FailureKind, Rehearsal, ScriptFacts, ScriptFailure, Stage

REMEMBERED = 1024  # scripts, and as many rehearsals
LASTING = (FailureKind.SYNTAX, FailureKind.SETUP)  # the others may be caused by the machine: ask again

Answer = TypeVar("Answer")


class _Remembered(OrderedDict[bytes, Answer]):
    """The most recently used answers."""

    def keep(self, key: bytes, answer: Answer) -> Answer:
        self[key] = answer
        self.move_to_end(key)
        if len(self) > REMEMBERED:
            self.popitem(last=False)
        return answer


class _Shared:
    """One engine, started at the first question, and its cached answers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._engine = Engine()
        self._facts = _Remembered[ScriptFacts | ScriptFailure]()
        self._rehearsals = _Remembered[Rehearsal]()
        self._loaded = b""  # the script in the engine, unused since it was loaded

    def facts(self, text: str, seconds: float) -> ScriptFacts | ScriptFailure:
        key = _key(text)
        with self._lock:
            answer = self._facts.get(key) or self._load(key, text, seconds)
            if isinstance(answer, ScriptFailure) and answer.kind not in LASTING:
                return answer
            return self._facts.keep(key, answer)

    def rehearsal(self, text: str, stage: Stage, seconds: float) -> Rehearsal | ScriptFailure:
        script = _key(text)
        key = _key(f"{stage}\n{script.hex()}")
        with self._lock:
            answer = self._rehearsals.get(key) or self._rehearse(script, text, stage, seconds)
            return answer if isinstance(answer, ScriptFailure) else self._rehearsals.keep(key, answer)

    def _load(self, key: bytes, text: str, seconds: float) -> ScriptFacts | ScriptFailure:
        self._engine.seconds = seconds
        answer = self._engine.load(text)
        self._loaded = key if isinstance(answer, ScriptFacts) else b""
        return answer

    def _rehearse(self, key: bytes, text: str, stage: Stage, seconds: float) -> Rehearsal | ScriptFailure:
        if self._loaded != key or self._engine.pid is None:
            loaded = self._load(key, text, seconds)
            if isinstance(loaded, ScriptFailure):
                return loaded
        self._loaded = b""
        return self._engine.rehearse(stage)

    def close(self) -> None:
        with self._lock:
            self._loaded = b""
            self._engine.close()


def _key(text: str) -> bytes:
    return sha256(text.encode(errors="surrogatepass")).digest()


_shared = _Shared()


def facts(text: str, *, seconds: float = 5.0) -> ScriptFacts | ScriptFailure:
    """What setup() of this script returns. The first call starts the engine; a cached script costs only a hash.

    `seconds` limits the top level and setup() together, with a little grace; a script that takes longer is a TIMEOUT.
    """
    return _shared.facts(text, seconds)


def rehearsal(text: str, stage: Stage, *, seconds: float = 5.0) -> Rehearsal | ScriptFailure:
    """The result of a dry run of this script on this stage; cheapest right after calling `facts` for it.

    `seconds` limits the whole run.
    """
    return _shared.rehearsal(text, stage, seconds)


def close_shared() -> None:
    """End the shared engine; a later call starts it again. Also called at exit."""
    _shared.close()


atexit.register(close_shared)
