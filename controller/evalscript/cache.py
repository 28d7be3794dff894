"""The facts and the rehearsals of evalscripts for everyone who asks, from one engine that all threads share.

The controller asks again and again for the same few scripts, so answers are remembered by what was asked.
"""

import atexit
from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import TypeVar

from controller.evalscript.engine import Engine
from controller.model.script import FailureKind, Rehearsal, ScriptFacts, ScriptFailure, Stage

REMEMBERED = 1024  # scripts, and as many rehearsals
LASTING = (FailureKind.SYNTAX, FailureKind.SETUP)  # the others may be the machine's fault: ask again

Answer = TypeVar("Answer")


class _Remembered(OrderedDict[bytes, Answer]):
    """The answers asked for last."""

    def keep(self, key: bytes, answer: Answer) -> Answer:
        self[key] = answer
        self.move_to_end(key)
        if len(self) > REMEMBERED:
            self.popitem(last=False)
        return answer


class _Shared:
    """One engine, started at the first question, and its remembered answers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._engine = Engine()
        self._facts = _Remembered[ScriptFacts | ScriptFailure]()
        self._rehearsals = _Remembered[Rehearsal]()
        self._loaded = b""  # the script that the engine holds, untouched since it was loaded

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
    """What setup() of this script says. The first question starts the engine; a script known already costs a hash.

    `seconds` bounds the top level and setup() together with a little grace; a script that takes longer is a TIMEOUT.
    """
    return _shared.facts(text, seconds)


def rehearsal(text: str, stage: Stage, *, seconds: float = 5.0) -> Rehearsal | ScriptFailure:
    """What a dry run of this script on this stage shows; cheapest right after its `facts` were asked for.

    `seconds` bounds the whole run.
    """
    return _shared.rehearsal(text, stage, seconds)


def close_shared() -> None:
    """End the shared engine; a later question starts it again. Also done at exit."""
    _shared.close()


atexit.register(close_shared)
