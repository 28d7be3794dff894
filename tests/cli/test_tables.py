"""Many documents are printed as they come, and what is printed is what it would be at once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from controller.cli.output.tables import MOST_NOTES, PAGE, job_table, print_documents
from controller.lifecycle.conditions import kubernetes_conditions
from tests.support.factories import NOW


def document(number: int, **different: Any) -> dict[str, Any]:
    plain = {
        "kind": "AsyncProcessStatus", "name": f"job-{number}", "phase": "Succeeded", "reason": "Delivered",
        "message": "every output\nis there", "manifest": {"accepted": True}, "path": f"job-{number}.yaml",
    }  # fmt: skip
    return {**plain, **different}


def counted(number: int, read: list[int]) -> Iterator[dict[str, Any]]:
    for each in range(number):
        read.append(each)
        yield document(each)


@pytest.mark.parametrize("number", [0, 1, 2 * PAGE + 1])
def test_json_is_one_array_as_if_written_at_once(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_documents(counted(number, []), "json")
    whole = [{**document(each), "conditions": kubernetes_conditions(document(each))} for each in range(number)]
    assert capsys.readouterr().out == json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("number", [0, 1, 3])
def test_yaml_is_one_stream_as_if_written_at_once(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_documents(counted(number, []), "yaml")
    whole = [document(each) for each in range(number)]
    assert capsys.readouterr().out == yaml.safe_dump_all(whole, sort_keys=False, allow_unicode=True, width=120)


def test_the_first_rows_are_there_when_no_more_than_a_page_was_read() -> None:
    read: list[int] = []
    lines = job_table(counted(10 * PAGE, read), "table", NOW)
    assert [next(lines) for _ in range(PAGE)][-1].split() == [f"job-{PAGE - 2}", "Succeeded"]
    assert len(read) == PAGE
    assert len([*lines]) == 9 * PAGE + 1


def test_a_later_row_may_be_wider_and_its_cells_stay_apart() -> None:
    wide = document(PAGE, name="a-name-that-is-longer-than-all")
    *_, last = job_table([*map(document, range(PAGE)), wide], "wide", NOW)
    assert last.startswith("a-name-that-is-longer-than-all  Succeeded  Delivered  ")


def test_below_many_rows_stand_those_that_are_stopped_alike_and_the_bad_ones() -> None:
    bad = {3: {"phase": "Failed", "reason": "ErrorReported", "message": "it threw"}}
    held = {number: {"phase": "Held", "reason": "Paused", "message": "paused"} for number in range(90, 190)}
    found = [document(each, **{**bad, **held}.get(each, {})) for each in range(2 * PAGE)]
    lines = [*job_table(iter(found), "table", NOW)]
    assert len(found) > MOST_NOTES
    assert lines[1 + 2 * PAGE :] == [
        *("", "100 jobs (job-90, job-91, job-92 and 97 more): Paused: paused", "job-3: ErrorReported: it threw")
    ]
