"""Appraises documents for `check`: as the loop does, but in parallel, also without settings, and without caching
failures that may be transient.

`cli` creates it from the settings; the script engine is loaded with the first document that needs it.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from controller.manifest.validate import ValidManifest
from controller.model.job import Appraisal
from controller.model.script import FailureKind, Rehearsal, ScriptFacts, ScriptFailure, Stage
from controller.operations.check.cache import package_stamp
from controller.settings.settings import Settings

NO_SUCH_CREDENTIAL = "E250"
MOST_ENGINES = 4
_DOCUMENTS_OF_AN_ENGINE = 8  # fewer are finished before another engine has started
_SECONDS = 5.0  # for a script and its rehearsal
_LASTING = (FailureKind.SYNTAX, FailureKind.SETUP, FailureKind.RUNTIME)
"""The other failures (time, memory, a crashed engine) may be due to the machine."""

Answer = tuple[Appraisal, bool]
Answered = TypeVar("Answered", bound=ScriptFacts | Rehearsal | ScriptFailure)


class Examiner:
    """Appraises documents for `check`.

    Without a settings file it is unknown which credentials exist, so none is reported missing.
    """

    def __init__(self, settings: Settings, *, configured: bool) -> None:
        self._settings = settings
        self._configured = configured
        self._answers: dict[tuple[str, int, str], Answer | Exception] = {}

    @property
    def stamp(self) -> str:
        """Everything a result depends on besides the files: the program, and the settings that matter."""
        credentials = {name: each.prefixes for name, each in self._settings.credentials.items()}
        parts = (package_stamp(), self._settings.deployment.name, self._configured, credentials)
        return json.dumps(parts, sort_keys=True)

    def prepare(self, items: Sequence[ValidManifest]) -> None:
        """Appraise these documents, with as many engines as the machine can use."""
        engines = min(MOST_ENGINES, len(os.sched_getaffinity(0)), -(-len(items) // _DOCUMENTS_OF_AN_ENGINE))
        if not engines:
            return
        with _examiners(self._settings) as (examiner, stop):
            if engines == 1:
                answers = [self._attempt(examiner(), item) for item in items]
            else:
                answers = _in_parallel(lambda item: self._attempt(examiner(), item), items, engines, stop)
        self._answers = {_key(item): each for item, each in zip(items, answers, strict=True)}

    def __call__(self, item: ValidManifest) -> Answer:
        """The appraisal of a prepared document, and whether the next run may reuse it."""
        found = self._answers.pop(_key(item))
        if isinstance(found, Exception):
            raise found
        return found

    def _attempt(self, examiner: "_Examiner", item: ValidManifest) -> Answer | Exception:
        """The answer, or an error of ours: it is raised when this document is asked for, and ends no other."""
        try:
            return self._answer(examiner, item)
        except Exception as error:  # noqa: BLE001  raised again by the call
            return error

    def _answer(self, examiner: "_Examiner", item: ValidManifest) -> Answer:
        answer, failures = examiner.appraisal(item)
        lasts = answer.until is None and all(each.kind in _LASTING for each in failures)
        if self._configured:
            return answer, lasts
        known = tuple(each for each in answer.problems if each.code != NO_SUCH_CREDENTIAL)
        return replace(answer, problems=known), lasts


def _key(item: ValidManifest) -> tuple[str, int, str]:
    """The cells of a set are one document."""
    return item.path, item.index, item.name


class _Examiner:
    """The context of one thread: an appraiser with its own engine, and the results that engine gave before."""

    def __init__(self, settings: Settings) -> None:
        from controller.analysis.appraisal import Appraiser
        from controller.evalscript.engine import Engine
        from controller.model.clock import Clock

        self.engine = Engine(seconds=_SECONDS)
        self._appraise = Appraiser(settings.deployment, settings.credentials, self, Clock().today)
        self._facts: dict[str, ScriptFacts | ScriptFailure] = {}
        self._rehearsals: dict[tuple[str, Stage], Rehearsal | ScriptFailure] = {}
        self._loaded = ""
        self._failures: list[ScriptFailure] = []

    def appraisal(self, item: ValidManifest) -> tuple[Appraisal, list[ScriptFailure]]:
        """The appraisal, and the engine's failures while making it."""
        self._failures = []
        return self._appraise(item), self._failures

    def facts(self, text: str) -> ScriptFacts | ScriptFailure:
        if text not in self._facts:
            self._facts[text] = self._load(text)
        return self._noted(self._facts[text])

    def rehearsal(self, text: str, stage: Stage) -> Rehearsal | ScriptFailure:
        asked = (text, stage)
        if asked not in self._rehearsals:
            self._rehearsals[asked] = self._rehearse(text, stage)
        return self._noted(self._rehearsals[asked])

    def _load(self, text: str) -> ScriptFacts | ScriptFailure:
        self._loaded = text
        return self.engine.load(text)

    def _rehearse(self, text: str, stage: Stage) -> Rehearsal | ScriptFailure:
        """Each load of a script allows one rehearsal."""
        loaded = None if self._loaded == text else self._load(text)
        self._loaded = ""
        return loaded if isinstance(loaded, ScriptFailure) else self.engine.rehearse(stage)

    def _noted(self, answer: Answered) -> Answered:
        if isinstance(answer, ScriptFailure):
            self._failures.append(answer)
        return answer


def _in_parallel(
    answer: Callable[[ValidManifest], Answer | Exception], items: Sequence[ValidManifest], threads: int,
    stop: Callable[[], None],
) -> list[Answer | Exception]:  # fmt: skip
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        try:
            return list(pool.map(answer, items))
        except BaseException:  # Ctrl-C and SIGTERM wait neither for the others nor for an endless script
            pool.shutdown(wait=False, cancel_futures=True)
            stop()
            raise


@contextmanager
def _examiners(settings: Settings) -> Iterator[tuple[Callable[[], _Examiner], Callable[[], None]]]:
    """Yields a function that returns each thread's own context, and one that stops them all; closes the engines."""
    mine, made = threading.local(), list[_Examiner]()

    def examiner() -> _Examiner:
        if not hasattr(mine, "examiner"):
            mine.examiner = _Examiner(settings)
            made.append(mine.examiner)
        found: _Examiner = mine.examiner
        return found

    def stop() -> None:
        for each in made:
            each.engine.kill()

    try:
        yield examiner, stop
    finally:
        for each in made:
            each.engine.close()
