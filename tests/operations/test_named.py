"""The rows of the jobs named say of them what those of all jobs say; and what is shown early is shown right."""

from pathlib import Path
from typing import Any

import pytest

from controller.analysis.terms import terms_of, threshold_of
from controller.ledger.lock import submitter_lock
from controller.ledger.reads.reader import Reader
from controller.ledger.store import Store
from controller.model.errors import UsageError
from controller.model.files import STATUS
from controller.operations.inspect.job_states import cells_by_name, job_states
from controller.operations.inspect.named import names_of, states_named
from controller.operations.inspect.selection import Selection, selected
from controller.settings.settings import Settings
from tests.support.factories import NOW
from tests.support.set_loops import PLAIN, farm, running, settings_of

pytestmark = pytest.mark.slow


def plain(name: str, number: int) -> str:
    return PLAIN.replace("name: plain", f"name: {name}").replace("14.50", f"14.5{number}")


FILES = {
    "a/first.yaml": plain("first", 1),
    "broken.yaml": "spec: [",
    "farm.yaml": farm("from: 2025-11, to: 2025-12"),
    "held.yaml": plain("held", 2).replace("spec:\n", "spec:\n  hold: true\n"),
    "other.yaml": farm("from: 2025-11, to: 2025-12", width=500).replace("{name: farm}", "{name: plain}"),
    "pair.yaml": f"{plain('left', 3)}---\n{plain('right', 4)}",
    "plain.yaml": plain("plain", 5),
    "refused.yaml": plain("refused", 6).replace("width: 600", "width: -1"),
    "twin.yaml": plain("first", 7),
}
NAMES = ("first", "held", "left", "right", "plain", "refused", "farm", "set/farm", "set/plain")


def rewrite(path: Path, name: str) -> None:
    path.write_text(plain(name, 8), encoding="utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A repository of every kind of manifest, read and reported by a loop."""
    found = settings_of(tmp_path)
    for path, text in FILES.items():
        (found.jobs / path).parent.mkdir(exist_ok=True)
        (found.jobs / path).write_text(text, encoding="utf-8")
    with Store.open(found.state, {}) as store, store.transaction():
        store.renew(terms_of(found), threshold_of(found), kept=STATUS)
    with running(tmp_path, NOW) as loop:
        loop.rest()
        loop.loop.report(loop.now)
    return found


def of_all(settings: Settings, *names: str) -> list[dict[str, Any]]:
    """What has one of these names among the documents of all files."""
    found = [*job_states(settings, NOW)]
    jobs = {str(each.get("name")) for each in found if each["kind"] == "AsyncProcessStatus"}
    return [each for each in found if not {*names_of(each, jobs)}.isdisjoint(names)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_worked_on", [False, True], ids=["no process works on it", "a process works on it"])
def test_the_rows_of_one_name_say_what_those_of_all_say(settings: Settings, name: str, is_worked_on: bool) -> None:
    if is_worked_on:
        with submitter_lock(settings.state):
            assert states_named(settings, [name], NOW) == of_all(settings, name) != []
    else:
        assert states_named(settings, [name], NOW) == of_all(settings, name) != []


def test_several_names_come_in_the_order_of_their_paths(settings: Settings) -> None:
    assert states_named(settings, NAMES, NOW) == of_all(settings, *NAMES)
    assert [each["path"] for each in selected(settings, Selection(names=("plain", "right", "left")), NOW)] == [
        *("pair.yaml", "pair.yaml", "plain.yaml")
    ]


def test_a_cell_has_the_document_of_a_job(settings: Settings) -> None:
    [cell, _] = cells_by_name(settings, ["farm"])["farm"]
    [document] = states_named(settings, [cell], NOW) or []
    assert [document] == [
        each for each in selected(settings, Selection(names=("farm",), cells=True), NOW) if each["name"] == cell
    ]
    assert (document["set"], document["phase"]) == ("farm", "Succeeded")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda jobs: (jobs / "plain.yaml").write_text(plain("plain", 8)), id="it has another request"),
        pytest.param(lambda jobs: (jobs / "plain.yaml").unlink(), id="it is gone"),
        pytest.param(lambda jobs: (jobs / "ndvi.js").write_text("// nothing"), id="its script is another"),
        pytest.param(lambda jobs: (jobs / "plain.yml").write_text("{}"), id="its status file is shared now"),
        pytest.param(lambda jobs: (jobs / ".shjobsignore").write_text("plain.*\n"), id="it is ignored now"),
        pytest.param(lambda jobs: (jobs / ".shjobsignore").mkdir(), id="the list of what is ignored cannot be read"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_longer_as_recorded_is_left_to_the_loop(settings: Settings, change: Any) -> None:
    change(settings.jobs)
    assert states_named(settings, ["plain"], NOW) is None
    with submitter_lock(settings.state):
        assert states_named(settings, ["plain"], NOW) is not None, "who works on it will see it"


def test_a_change_elsewhere_does_not_matter(settings: Settings) -> None:
    before = of_all(settings, "plain")
    (settings.jobs / "held.yaml").write_text(plain("held", 8), encoding="utf-8")
    (settings.jobs / "plain.yaml").touch()
    (settings.jobs / "a" / ".shjobsignore").write_text("*\n")
    assert states_named(settings, ["plain"], NOW) == before
    assert states_named(settings, ["first"], NOW) is None


def test_a_name_that_nothing_has_is_said_after_all_were_read(settings: Settings) -> None:
    with pytest.raises(UsageError, match="no such job: plane: did you mean plain"):
        selected(settings, Selection(names=("plane",)), NOW)


EARLY = 3


def key_of(document: dict[str, Any]) -> tuple[object, ...]:
    return document["path"], document.get("name"), document["kind"]


@pytest.mark.parametrize(
    ("change", "is_early"),
    [
        pytest.param(lambda _jobs: None, True, id="nothing"),
        pytest.param(lambda jobs: rewrite(jobs / "plain.yaml", "plain"), True, id="a later file"),
        pytest.param(lambda jobs: rewrite(jobs / "a" / "aa.yaml", "aa"), True, id="a new file before them"),
        pytest.param(lambda jobs: (jobs / "twin.yaml").unlink(), True, id="one that is gone"),
        pytest.param(lambda jobs: rewrite(jobs / "a" / "first.yaml", "first"), False, id="an early file"),
    ],
)
def test_what_is_shown_early_is_followed_by_all_that_is_different_of_it(
    settings: Settings, change: Any, is_early: bool
) -> None:
    change(settings.jobs)
    shown = [*job_states(settings, NOW, early=EARLY)]
    whole = [*job_states(settings, NOW)]
    assert {key_of(each): each for each in shown} == {key_of(each): each for each in whole}
    first = next(iter(job_states(settings, NOW, early=EARLY)))
    assert (shown == whole) or is_early
    assert first["path"] == "a/first.yaml"


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda store: store.job("plain"), id="a job"),
        pytest.param(lambda store: store.wanting("1:0"), id="the jobs with one request"),
        pytest.param(lambda store: store.cells_of("farm"), id="the cells of a set"),
        pytest.param(lambda store: store.submissions("plain", "1:0"), id="the submissions of a job and a request"),
        pytest.param(lambda store: store.events(["plain"]), id="the events of a job"),
        pytest.param(lambda store: store.statuses_of("plain.yaml"), id="the status of a file"),
        pytest.param(lambda store: store.file("plain.yaml"), id="the record of a file"),
        pytest.param(lambda store: store.rejected_paths(["plain"]), id="the files with a rejection"),
        pytest.param(lambda store: store.wanted_request("plain"), id="the request of a job"),
    ],
)
def test_no_question_about_one_name_reads_a_whole_table(settings: Settings, ask: Any) -> None:
    with Reader.of(settings.state) as store:  # type: ignore[union-attr]
        said: list[str] = []
        store._connection.set_trace_callback(said.append)
        ask(store)
        store._connection.set_trace_callback(None)
        plans = [str(row[3]) for sql in said for row in store._connection.execute(f"explain query plan {sql}")]
    assert plans
    assert not [each for each in plans if each.startswith("SCAN")]
