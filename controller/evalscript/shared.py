"""The facts of evalscripts for everyone who asks, from one engine that all threads share.

The controller asks again and again for the same few scripts, so answers are remembered by the script's hash.
"""

import atexit
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from threading import Lock
from typing import Any

from controller.evalscript.engine import Engine
from controller.script import FailureKind, ScriptFacts, ScriptFailure

REMEMBERED = 1024  # scripts
LASTING = (FailureKind.SYNTAX, FailureKind.SETUP)  # the others may be the machine's fault: ask again


class _Shared:
    """One engine, started at the first question, and its remembered answers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._engine = Engine()
        self._answers: OrderedDict[bytes, ScriptFacts | ScriptFailure] = OrderedDict()

    def facts(self, text: str, seconds: float) -> ScriptFacts | ScriptFailure:
        key = sha256(text.encode(errors="surrogatepass")).digest()
        with self._lock:
            if key not in self._answers:
                self._engine.seconds = seconds
                answer = self._engine.load(text)
                if isinstance(answer, ScriptFailure) and answer.kind not in LASTING:
                    return answer
                self._answers[key] = answer
            self._answers.move_to_end(key)
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
            return self._answers[key]

    def kept(self, text: str, collections: Mapping[str, Any], seconds: float) -> Mapping[str, int] | ScriptFailure:
        with self._lock:
            self._engine.seconds = seconds
            loaded = self._engine.load(text)
            plan = self._engine.scenes(collections) if isinstance(loaded, ScriptFacts) else loaded
        if isinstance(plan, ScriptFailure):
            return plan
        return {name: len(scenes) for name, scenes in plan.kept.items()}

    def close(self) -> None:
        with self._lock:
            self._engine.close()


_shared = _Shared()


def facts(text: str, *, seconds: float = 5.0) -> ScriptFacts | ScriptFailure:
    """What setup() of this script says. The first question starts the engine; a script known already costs a hash.

    `seconds` bounds the top level and setup() together with a little grace; a script that takes longer is a TIMEOUT.
    """
    return _shared.facts(text, seconds)


def kept(text: str, collections: Mapping[str, Any], *, seconds: float = 5.0) -> Mapping[str, int] | ScriptFailure:
    """How many of the scenes in `collections` (as for `Engine.scenes`) the script keeps, by datasource name."""
    return _shared.kept(text, collections, seconds)


def close_shared() -> None:
    """End the shared engine; a later question starts it again. Also done at exit."""
    _shared.close()


atexit.register(close_shared)
