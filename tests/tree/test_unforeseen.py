"""An error of ours while a document is read is a problem of that document: it once ended the daemon at every start."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.manifest.document import Document, read_documents
from controller.manifest.validate import Broken, Script, ValidManifest, accept
from controller.model.errors import DEFECT, Problem, UsageError, defect
from controller.model.job import Appraisal, Job
from controller.tree import contents
from controller.tree.declared import cells
from controller.tree.tree import Tree
from controller.tree.undecided import AGAIN
from tests.conftest import NETS, ndvi
from tests.support.factories import NOW, wanted
from tests.support.small_set import farm

ERRORS = [
    pytest.param(RecursionError("too deep"), id="too deep"),
    pytest.param(MemoryError(), id="no memory"),
    pytest.param(KeyError("s3cret"), id="a missing key"),
    pytest.param(OverflowError("s3cret"), id="a number"),
    pytest.param(UnicodeEncodeError("utf-8", "s3cret", 0, 1, "s3cret"), id="text"),
]


@pytest.fixture(autouse=True)
def nets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nets as they are; everywhere else in the tests they let through what falls into them."""
    for module in NETS:
        monkeypatch.setattr(module, "defect", defect)


class Reading:
    """Appraises every job but those named in `errors`."""

    def __init__(self, root: Path) -> None:
        self.errors: dict[str, Exception] = {}
        self.tree, self.jobs, self.now = Tree(root, self.appraise), dict[str, Job](), NOW

    def appraise(self, item: ValidManifest) -> Appraisal:
        if error := self.errors.get(item.name):
            raise error
        return Appraisal(wanted=wanted(digest=item.request.digest))

    def refresh(self) -> list[str]:
        """The jobs that changed, with the codes of their problems."""
        change = self.tree.refresh(self.jobs, self.now)
        assert change.ready
        self.jobs |= {job.name: job for job, _ in change.jobs}
        return sorted(" ".join([job.name, *(each.code for each in job.problems)]) for job, _ in change.jobs)

    def problems(self, path: str) -> list[Problem]:
        return [problem for item in self.tree.documents(path) for problem in item.problems]


def raising(error: Exception, function: Callable[..., Any], at: Callable[..., bool]) -> Callable[..., Any]:
    """The function, which fails where `at` says so."""

    def call(*given: Any, **named: Any) -> Any:
        if at(*given):
            raise error
        return function(*given, **named)

    return call


@pytest.mark.parametrize("error", ERRORS)
def test_a_document_that_cannot_be_appraised_is_broken_alone_and_read_again_after_a_while(
    tmp_path: Path, error: Exception
) -> None:
    (tmp_path / "all.yaml").write_text(f"{ndvi('one')}---\n{ndvi('two')}")
    (tmp_path / "three.yaml").write_text(ndvi("three"))
    reading = Reading(tmp_path)
    reading.errors["one"] = error
    assert reading.refresh() == ["three", "two"]
    (problem,) = reading.problems("all.yaml")
    assert (problem.code, problem.line) == (DEFECT, 4)
    assert problem.message.startswith(f"shjobs fails on this ({type(error).__name__} in controller.tree.")
    assert "s3cret" not in problem.message
    reading.errors.clear()
    assert reading.refresh() == []
    reading.now += AGAIN + timedelta(seconds=1)
    assert reading.refresh() == ["one"]


@pytest.mark.parametrize("error", ERRORS)
def test_a_document_that_cannot_be_checked_keeps_its_job_as_last_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(f"{ndvi('one')}---\n{ndvi('two')}")
    reading = Reading(tmp_path)
    assert reading.refresh() == ["one", "two"]
    before = reading.jobs["one"].wanted

    def at(document: Document, _path: str, _script: Script | None) -> bool:
        return bool(document.value["metadata"]["name"] == "one")

    monkeypatch.setattr(contents, "accept", raising(error, accept, at))
    file.write_text(f"{ndvi('one', 14.41)}---\n{ndvi('two', 14.42)}")
    assert reading.refresh() == [f"one {DEFECT}", "two"]
    assert reading.jobs["one"].wanted == before
    monkeypatch.undo()
    assert reading.refresh() == []
    reading.now += AGAIN + timedelta(seconds=1)
    assert reading.refresh() == ["one"], "it is read again after a while"


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("function", ["read_documents", "manifest_comments"])
def test_a_text_that_cannot_be_read_holds_every_job_of_its_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: Exception
) -> None:
    (tmp_path / "all.yaml").write_text(f"{ndvi('one')}---\n{ndvi('two')}")
    (tmp_path / "three.yaml").write_text(ndvi("three"))
    reading = Reading(tmp_path)
    assert reading.refresh() == ["one", "three", "two"]
    failing = raising(error, getattr(contents, function), lambda _text, path: path == "all.yaml")
    monkeypatch.setattr(contents, function, failing)
    (tmp_path / "all.yaml").write_text(ndvi("two", 14.41))
    (tmp_path / "three.yaml").write_text(ndvi("three", 14.42))
    assert reading.refresh() == [f"one {DEFECT}", "three", f"two {DEFECT}"]


def test_two_files_of_which_nothing_can_be_read_are_not_taken_for_foreign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    (tmp_path / "one.json").write_text("{}")
    monkeypatch.setattr(contents, "read_documents", raising(KeyError(), read_documents, lambda *_: True))
    reading = Reading(tmp_path)
    assert reading.refresh() == []
    assert [problem.code for path in ("one.json", "one.yaml") for problem in reading.problems(path)] == ["E191"] * 2


@pytest.mark.parametrize("error", ERRORS)
def test_a_set_that_cannot_be_expanded_keeps_its_cells_and_is_read_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    (tmp_path / "farm.yaml").write_text(farm(fields=2))
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    reading = Reading(tmp_path)
    assert reading.refresh() == ["farm-f0", "farm-f1", "one"]
    monkeypatch.setattr(cells, "expand_set", raising(error, cells.expand_set, lambda *_: True))
    (tmp_path / "farm.yaml").write_text(farm(fields=3))
    (tmp_path / "one.yaml").write_text(ndvi("one", 14.41))
    assert reading.refresh() == [f"farm-f0 {DEFECT}", f"farm-f1 {DEFECT}", "one"]
    assert all(job.wanted is not None for job in reading.jobs.values())
    (problem,) = reading.problems("farm.yaml")
    assert (problem.code, problem.line) == (DEFECT, 3)
    monkeypatch.undo()
    reading.now += AGAIN + timedelta(seconds=1)
    assert reading.refresh() == ["farm-f0", "farm-f1", "farm-f2"]


def test_a_set_that_cannot_be_checked_is_broken_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "farm.yaml").write_text(farm(fields=2))
    monkeypatch.setattr("controller.sets.accept.accept_set", raising(KeyError(), Broken, lambda *_: True))
    reading = Reading(tmp_path)
    assert reading.refresh() == []
    (item,) = reading.tree.documents("farm.yaml")
    assert (item.name, item.set_name, item.is_set) == (None, "farm", True)


def test_what_the_user_can_mend_is_not_about_a_document(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ndvi("one"))
    reading = Reading(tmp_path)
    reading.errors["one"] = UsageError("no engine here")
    with pytest.raises(UsageError, match="no engine here"):
        reading.refresh()


def test_a_script_that_is_named_with_half_of_a_character_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(
        r'{"apiVersion": "shjobs/v1", "kind": "AsyncProcess", "spec": {"evalscriptFile": "\ud800.js"}}'
    )
    reading = Reading(tmp_path)
    assert reading.refresh() == []
    codes = {problem.code for problem in reading.problems("one.json")}
    assert "E102" in codes
    assert DEFECT not in codes
