"""Scripts examined beside the deciding thread, and those that are remembered for having no end."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from controller.evalscript import examination
from controller.evalscript import slow_scripts as slowscripts
from controller.evalscript.engine import Engine
from controller.evalscript.examination import Beside, NotYet, Patient
from controller.evalscript.slow_scripts import FILE_NAME, SlowScripts
from controller.model.script import FailureKind, Mosaicking, ScriptFacts, ScriptFailure
from tests.support.patience import LONGEST

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOOD = """//VERSION=3
function setup() { return {input: ["B04"], output: {bands: 1}}; }
function evaluatePixel(sample) { return [sample.B04]; }
"""
ENDLESS = GOOD.replace("function setup", "while (true) {}\nfunction setup")


def slow(state: Path, now: datetime = NOW, *, keeps: bool = True) -> SlowScripts:
    return SlowScripts(state, lambda: now, keeps=keeps)


def asked(beside: Beside, text: str) -> ScriptFacts | ScriptFailure | None:
    """The answer, None when there is none yet."""
    try:
        return beside.facts(text)
    except NotYet:
        return None


def answer(beside: Beside, text: str) -> ScriptFacts | ScriptFailure:
    ends_at = time.monotonic() + LONGEST
    while (found := asked(beside, text)) is None:
        assert time.monotonic() < ends_at, "there is no answer"
        time.sleep(0.01)
    return found


def test_whoever_asks_beside_never_waits_and_hears_of_the_answer(tmp_path: Path) -> None:
    heard: list[str] = []
    with Beside(slow(tmp_path), lambda: heard.append("answered")) as beside:
        with pytest.raises(NotYet) as question:
            beside.facts(GOOD)
        assert isinstance(answer(beside, GOOD), ScriptFacts)
        assert not beside.is_pending(question.value.key)
    assert heard


@pytest.mark.slow
def test_a_good_script_does_not_wait_behind_those_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "FIRST_TRY", 5.0)
    monkeypatch.setattr(examination, "SECONDS", LONGEST)
    with Beside(slow(tmp_path), lambda: None) as beside:
        endless = [f"{ENDLESS}// {number}" for number in range(2)]
        assert [asked(beside, text) for text in endless] == [None, None]
        assert isinstance(answer(beside, GOOD), ScriptFacts)
        assert [asked(beside, text) for text in endless] == [None, None]


TOO_LONG = ScriptFailure(kind=FailureKind.TIMEOUT, message="The script ran longer")
FACTS = ScriptFacts(inputs=(), outputs=(), mosaicking=Mosaicking.SIMPLE, functions=frozenset())


def key_of(beside: Beside, text: str) -> str:
    """That of a question without an answer."""
    with pytest.raises(NotYet) as question:
        beside.facts(text)
    return question.value.key


class Stopwatch:
    """In place of the engine: the scripts by the seconds that they need, and every try that was longer than the first.

    Those begin when all scripts had their first.
    """

    def __init__(self, needs: dict[str, float]) -> None:
        self.needs = needs
        self.first: list[str] = []
        self.later: list[tuple[str, float]] = []
        self.had_first = Event()

    def load(self, engine: Engine, text: str) -> ScriptFacts | ScriptFailure:
        if engine.seconds == examination.FIRST_TRY:
            self.first.append(text)
            if len(self.first) == len(self.needs):
                self.had_first.set()
        else:
            assert self.had_first.wait(LONGEST)
            self.later.append((text, engine.seconds))
        return FACTS if self.needs[text] <= engine.seconds else TOO_LONG


def timed(monkeypatch: pytest.MonkeyPatch, needs: dict[str, float]) -> Stopwatch:
    stopwatch = Stopwatch(needs)
    monkeypatch.setattr(Engine, "load", lambda engine, text: stopwatch.load(engine, text))
    return stopwatch


def test_a_script_that_takes_half_a_second_does_not_wait_behind_those_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was examined after all others that had exceeded the first try, each of which took five seconds."""
    endless = ("one", "two", "three", "four")
    scripts = ("one", "two", "half a second", "three", "four")
    stopwatch = timed(monkeypatch, {text: 0.4 if text == "half a second" else LONGEST for text in scripts})
    beside = Beside(slow(tmp_path), lambda: None)
    assert [asked(beside, text) for text in scripts] == [None] * 5
    with beside:
        assert answer(beside, "half a second") == FACTS
        assert {answer(beside, text) for text in endless} == {TOO_LONG}
    before = stopwatch.later[: stopwatch.later.index(("half a second", 0.5))]
    assert before == [("one", 0.5), ("two", 0.5)]
    assert [seconds for text, seconds in stopwatch.later if text == "four"] == [0.5, 2.0, 5.0]


def test_a_script_that_no_file_waits_for_any_more_is_not_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scripts of files that were removed stayed in the queue."""
    stopwatch = timed(monkeypatch, {"kept": 0.0})
    beside = Beside(slow(tmp_path), lambda: None)
    removed, kept = key_of(beside, "removed"), key_of(beside, "kept")
    beside.keep_pending({kept})
    assert (beside.is_pending(removed), beside.is_pending(kept)) == (False, True)
    with beside:
        assert answer(beside, "kept") == FACTS
    assert stopwatch.first == ["kept"]


def test_a_script_that_is_removed_while_it_is_tried_gets_no_longer_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopwatch = timed(monkeypatch, {"removed": LONGEST, "kept": LONGEST})
    beside = Beside(slow(tmp_path), lambda: None)
    load, kept = stopwatch.load, ""

    def dropping(engine: Engine, text: str) -> ScriptFacts | ScriptFailure:
        if text == "removed":
            beside.keep_pending({kept})
        return load(engine, text)

    monkeypatch.setattr(stopwatch, "load", dropping)
    assert asked(beside, "removed") is None
    kept = key_of(beside, "kept")
    with beside:
        assert answer(beside, "kept") == TOO_LONG
    assert {text for text, _ in stopwatch.later} == {"kept"}


def test_it_ends_at_once_while_a_script_has_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "SECONDS", LONGEST)
    with Beside(slow(tmp_path), lambda: None) as beside:
        asked(beside, ENDLESS)
        time.sleep(0.2)
        began = time.monotonic()
    assert time.monotonic() - began < LONGEST / 2


@pytest.mark.slow
def test_it_ends_at_once_while_an_engine_is_only_being_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine came up after it had been told to end, and the script had all of its time."""
    monkeypatch.setattr(examination, "SECONDS", LONGEST)
    for pause in (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6):
        began = time.monotonic()
        with Beside(slow(tmp_path), lambda: None) as beside:
            asked(beside, ENDLESS)
            time.sleep(pause)
        assert time.monotonic() - began < LONGEST / 2, pause


@pytest.mark.slow
def test_a_script_without_an_end_costs_its_time_once_over_restarts(tmp_path: Path) -> None:
    with Beside(slow(tmp_path), lambda: None) as beside:
        first = answer(beside, ENDLESS)
    with Beside(slow(tmp_path), lambda: None) as beside:
        again = asked(beside, ENDLESS)
        assert asked(beside, f"{ENDLESS}// changed") is None
    assert isinstance(first, ScriptFailure) and first.kind is FailureKind.TIMEOUT
    assert again == Patient(slow(tmp_path)).facts(ENDLESS) == first


def test_a_script_that_was_given_only_part_of_its_time_is_not_remembered_as_one_without_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After four endless scripts a good one that takes two seconds was refused as "longer than 5 s" for a day."""
    monkeypatch.setattr(examination, "PATIENCE", 0.0)
    monkeypatch.setattr(examination, "SHORT", 0.1)
    patient = Patient(slow(tmp_path))
    found = patient.facts(ENDLESS)
    assert isinstance(found, ScriptFailure) and found.kind is FailureKind.TIMEOUT
    monkeypatch.setattr(examination, "SHORT", LONGEST)
    assert patient.facts(ENDLESS) == found, "each further job with it costs nothing"
    assert "other scripts took too long" in found.message and "longer than" not in found.message
    assert not (tmp_path / FILE_NAME).exists()
    monkeypatch.setattr(examination, "PATIENCE", 1.0)
    monkeypatch.setattr(examination, "SECONDS", 0.2)
    assert "longer than" in str(Patient(slow(tmp_path)).facts(ENDLESS))
    assert (tmp_path / FILE_NAME).exists()


def another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade."""
    monkeypatch.setattr(slowscripts, "__version__", "99.0")


def nothing(_monkeypatch: pytest.MonkeyPatch) -> None:
    """No change."""


@pytest.mark.parametrize(
    ("change", "later", "known"),
    [
        pytest.param(nothing, timedelta(hours=23), True, id="within a day: remembered"),
        pytest.param(nothing, timedelta(hours=25), False, id="after a day: tried again"),
        pytest.param(nothing, timedelta(days=-2), False, id="a clock that was wrong: tried again"),
        pytest.param(another_version, timedelta(0), False, id="another version: tried again"),
    ],
)
def test_a_remembered_script_is_not_forever_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[pytest.MonkeyPatch], None], later: timedelta,
    known: bool,
) -> None:  # fmt: skip
    slow(tmp_path).note("script")
    change(monkeypatch)
    assert slow(tmp_path, NOW + later).has("script") is known


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff", b"{}", b'{"version": 1, "scripts": []}', b"[" * 100_000]
)
def test_what_is_remembered_is_only_a_cache(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    found = slow(tmp_path)
    assert not found.has("script")
    found.note("script")
    assert slow(tmp_path).has("script")


def test_whoever_only_looks_writes_nothing(tmp_path: Path) -> None:
    slow(tmp_path, keeps=False).note("script")
    assert list(tmp_path.iterdir()) == []


def test_an_unforeseen_error_ends_no_other_examination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of the first tries ended with it, and no script was examined any more."""
    load = Engine.load

    def failing(engine: Engine, text: str) -> ScriptFacts | ScriptFailure:
        if "odd" in text:
            raise LookupError
        return load(engine, text)

    monkeypatch.setattr(Engine, "load", failing)
    with Beside(slow(tmp_path), lambda: None) as beside:
        failure = answer(beside, f"{GOOD}// odd")
        assert failure == ScriptFailure(kind=FailureKind.CRASH, message="The examination failed: LookupError")
        assert isinstance(answer(beside, GOOD), ScriptFacts)
