"""The status document of a set: whole, deterministic and bounded, however many cells it has."""

from typing import Any

import pytest
import yaml

from controller.lifecycle.set_status import (
    MOST_NAMES,
    MOST_PROBLEMS,
    URGENCY,
    CellCounts,
    cell_note,
    is_complete,
    set_document,
)
from controller.lifecycle.status import document
from controller.model.errors import Problem
from controller.model.job import Job
from controller.model.job_set import JobSet, set_reference
from controller.model.reasons import EXAMINING, JobState, Phase, Reason
from controller.tree.status_files import LONGEST_OF_SET, status_bytes
from tests.support.factories import NOW, accepted, at, job, succeeded, wanted

BROKEN = (Problem(path="alps.yaml", line=3, column=5, field="spec.axes", message="has no values"),)
EXAMINED = (Problem(path="alps.yaml", message="is examined", code=EXAMINING),)
HEAD: dict[str, object] = {"apiVersion": "shjobs/v1", "kind": "AsyncProcessSetStatus", "name": "alps"}
ACCEPTED: dict[str, object] = {"accepted": True}
REJECTED: dict[str, object] = {
    "accepted": False,
    "reason": "Rejected",
    "problems": ["alps.yaml:3:5: spec.axes: has no values"],
}


def job_set(count: int, **different: Any) -> JobSet:
    plain: dict[str, Any] = {"name": "alps", "path": "alps.yaml", "index": 0}
    return JobSet(**(plain | {"cells": tuple(f"alps-{number:04}" for number in range(count))} | different))


def counts(**reasons: int) -> CellCounts:
    """So many cells with each reason, named in a row."""
    numbers = iter(range(sum(reasons.values())))
    names = {Reason(key): [f"alps-{next(numbers):04}" for _ in range(count)] for key, count in reasons.items()}
    return CellCounts(
        reasons={Reason(key): count for key, count in reasons.items()},
        names={reason: found for reason, found in names.items() if reason is not Reason.DELIVERED},
        words={reason: f"words of {reason}" for reason in names},
        units={"estimated": 250.0, "spent": 248.0},
        revision="1a2b3c",
    )


@pytest.mark.parametrize(
    ("cells", "declared", "problems", "expected"),
    [
        pytest.param(
            counts(Delivered=4, ErrorReported=1, Running=2),
            job_set(7, later=12, next_due=NOW),
            (),
            {
                **HEAD,
                "phase": "Failed",
                "reason": "ErrorReported",
                "message": "4/7 Succeeded, 1 Failed, 2 Running",
                "manifest": ACCEPTED,
                "deployment": "sandbox",
                "revision": "1a2b3c",
                "cells": {"due": 7, "later": 12, "Succeeded": 4, "Failed": 1, "Running": 2},
                "processingUnits": {"estimated": 250.0, "spent": 248.0},
                "next": {"at": "2026-03-01T12:00:00Z"},
                "notSucceeded": {"Failed": ["alps-0004"], "Running": ["alps-0005", "alps-0006"]},
                "reasons": {"ErrorReported": 1, "Running": 2},
                "messages": {"ErrorReported": "words of ErrorReported", "Running": "words of Running"},
            },
            id="under way: what did not succeed, the most urgent first",
        ),
        pytest.param(
            counts(Delivered=2),
            job_set(2),
            (),
            {
                **HEAD,
                "phase": "Succeeded",
                "reason": "Delivered",
                "message": "2/2 Succeeded",
                "manifest": ACCEPTED,
                "deployment": "sandbox",
                "revision": "1a2b3c",
                "cells": {"due": 2, "Succeeded": 2},
                "processingUnits": {"estimated": 250.0, "spent": 248.0},
            },
            id="complete: nothing but counts",
        ),
        pytest.param(
            CellCounts(),
            job_set(0, later=3, next_due=NOW),
            (),
            {
                **HEAD,
                "phase": "Pending",
                "reason": "NotDue",
                "message": "no cell is due yet",
                "manifest": ACCEPTED,
                "deployment": "sandbox",
                "cells": {"due": 0, "later": 3},
                "next": {"at": "2026-03-01T12:00:00Z"},
            },
            id="nothing is due yet",
        ),
        pytest.param(
            CellCounts(),
            None,
            BROKEN,
            {
                **HEAD,
                "phase": "Invalid",
                "reason": "Rejected",
                "message": "the manifest cannot be accepted; see manifest.problems",
                "manifest": REJECTED,
                "deployment": "sandbox",
                "cells": {"due": 0},
            },
            id="never accepted",
        ),
        pytest.param(
            CellCounts(),
            None,
            EXAMINED,
            {
                **HEAD,
                "phase": "Pending",
                "reason": "Examining",
                "message": "the evalscript is still being examined",
                "manifest": {"accepted": False, "reason": "Examining", "problems": [str(EXAMINED[0])]},
                "deployment": "sandbox",
                "cells": {"due": 0},
            },
            id="its scripts are still examined",
        ),
        pytest.param(
            counts(Delivered=2, Running=1),
            None,
            BROKEN,
            {
                **HEAD,
                "phase": "Running",
                "reason": "Running",
                "message": "2/3 Succeeded, 1 Running; nothing more is submitted until the manifest is mended",
                "manifest": REJECTED,
                "deployment": "sandbox",
                "revision": "1a2b3c",
                "cells": {"due": 3, "Succeeded": 2, "Running": 1},
                "processingUnits": {"estimated": 250.0, "spent": 248.0},
                "notSucceeded": {"Running": ["alps-0002"]},
                "reasons": {"Running": 1},
                "messages": {"Running": "words of Running"},
            },
            id="broken by an edit: what runs is shown as before",
        ),
    ],
)
def test_the_whole_document(
    cells: CellCounts, declared: JobSet | None, problems: tuple[Problem, ...], expected: dict[str, object]
) -> None:
    found = set_document("alps", cells, declared, problems, "sandbox")
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize(
    ("reasons", "phase", "reason"),
    [
        pytest.param({"Rejected": 1, "NeedsPerson": 5}, "Invalid", "Rejected", id="invalid before unconfirmed"),
        pytest.param({"NeedsPerson": 1, "Refused": 5}, "Unconfirmed", "NeedsPerson", id="unconfirmed before failed"),
        pytest.param({"Refused": 1, "NothingDelivered": 5}, "Failed", "Refused", id="failed before unknown"),
        pytest.param({"NothingDelivered": 1, "OnHold": 5}, "Unknown", "NothingDelivered", id="unknown before held"),
        pytest.param({"OnHold": 1, "Submitting": 5}, "Held", "OnHold", id="held before submitting"),
        pytest.param({"Submitting": 1, "Running": 5}, "Submitting", "Submitting", id="submitting before running"),
        pytest.param({"Running": 1, "Verifying": 5}, "Running", "Running", id="running before verifying"),
        pytest.param({"Verifying": 1, "Queued": 5}, "Verifying", "Verifying", id="verifying before pending"),
        pytest.param({"Queued": 1, "Delivered": 5}, "Pending", "Queued", id="pending before succeeded"),
        pytest.param({"OnHold": 2, "LargeChange": 3}, "Held", "LargeChange", id="of one phase that of most cells"),
        pytest.param({"OnHold": 2, "LargeChange": 2}, "Held", "LargeChange", id="of equally many the first by name"),
    ],
)
def test_a_set_is_where_its_most_urgent_cell_is(reasons: dict[str, int], phase: str, reason: str) -> None:
    found = set_document("alps", counts(**reasons), job_set(sum(reasons.values())), (), "sandbox")
    assert (found["phase"], found["reason"]) == (phase, reason)


def test_every_phase_of_a_job_has_its_urgency() -> None:
    assert set(URGENCY) == set(Phase) - {Phase.REMOVED}


@pytest.mark.parametrize(
    ("reasons", "lengths", "last"),
    [
        pytest.param({"Refused": MOST_NAMES}, {"Failed": MOST_NAMES}, "alps-0049", id="as many as there is room for"),
        pytest.param({"Refused": 430}, {"Failed": MOST_NAMES + 1}, "and 380 more", id="of more the rest is counted"),
        pytest.param(
            {"Refused": 430, "Queued": 9_000},
            {"Failed": MOST_NAMES + 1, "Pending": 4},
            "and 8,997 more",
            id="every phase names three",
        ),
        pytest.param({"Refused": 45, "Queued": 5}, {"Failed": 45, "Pending": 5}, "alps-0049", id="what is left over"),
    ],
)
def test_names_are_listed_as_far_as_there_is_room(reasons: dict[str, int], lengths: dict[str, int], last: str) -> None:
    found = set_document("alps", counts(**reasons), job_set(sum(reasons.values())), (), "sandbox")
    names = found["notSucceeded"]
    assert isinstance(names, dict)
    assert {phase: len(listed) for phase, listed in names.items()} == lengths
    assert [*names.values()][-1][-1] == last


def test_names_of_one_phase_are_in_order_whatever_their_reasons() -> None:
    cells = CellCounts(
        reasons={Reason.REFUSED: 2, Reason.ERROR_REPORTED: 1},
        names={Reason.REFUSED: ["a", "c"], Reason.ERROR_REPORTED: ["b"]},
    )
    assert set_document("alps", cells, None, (), "sandbox")["notSucceeded"] == {"Failed": ["a", "b", "c"]}


@pytest.mark.parametrize(
    "letter",
    [
        pytest.param("x", id="plain letters"),
        pytest.param("\x07", id="characters that need escapes"),
        pytest.param("\U0001f6f0", id="characters of four bytes"),
        pytest.param("ü\n", id="many lines beyond ASCII"),
        pytest.param('\\"', id="quotes and backslashes"),
    ],
)
def test_ten_thousand_cells_of_every_reason_with_long_messages_fit_the_file(letter: str) -> None:
    reasons = [each for each in Reason if each.phase is not Phase.REMOVED]
    share = 10_000 // len(reasons)
    cells = CellCounts(
        reasons=dict.fromkeys(reasons, share),
        names={each: [f"{each:-<20}{n:043}" for n in range(share)] for each in reasons},
        words=dict.fromkeys(reasons, letter * 5_000),
        units={"estimated": 1e9, "reserved": 1e9, "spent": 1e9},
        revision="a" * 40 + "-dirty",
    )
    problems = [Problem(path="p" * 200, message=letter * 2_000, line=n) for n in range(500)]
    rendered = status_bytes([set_document("s" * 50, cells, job_set(10_000, later=9, next_due=NOW), problems, "cdse")])
    assert len(rendered) < LONGEST_OF_SET
    found = yaml.safe_load(rendered)
    missed = [each for each in reasons if each.phase is not Phase.SUCCEEDED]
    assert found["cells"]["due"] == share * len(reasons)
    assert found["reasons"].keys() == found["messages"].keys() == {str(each) for each in missed}
    assert [listed[-1].startswith("and ") for listed in found["notSucceeded"].values()] == [True] * len(URGENCY[:-1])
    assert found["manifest"]["problems"][-1] == f"and {500 - MOST_PROBLEMS} more"


@pytest.mark.parametrize(
    ("cells", "declared", "expected"),
    [
        pytest.param(counts(Delivered=3), job_set(3), True, id="every cell succeeded"),
        pytest.param(counts(Delivered=3), job_set(3, later=9, next_due=NOW), True, id="later windows do not count"),
        pytest.param(counts(Delivered=2, Running=1), job_set(3), False, id="one runs"),
        pytest.param(counts(Delivered=2), job_set(3), False, id="one was not looked at yet"),
        pytest.param(CellCounts(), job_set(0), False, id="nothing is due"),
        pytest.param(counts(Delivered=3), None, False, id="its manifest cannot be read"),
    ],
)
def test_when_a_set_is_complete(cells: CellCounts, declared: JobSet | None, *, expected: bool) -> None:
    assert is_complete(cells, declared) is expected


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param(job(wanted=wanted(revision="abc")), id="its manifest's revision before a submission"),
        pytest.param(job(problems=BROKEN), id="with a problem"),
    ],
)
@pytest.mark.parametrize(
    "submissions",
    [
        pytest.param([], id="not submitted"),
        pytest.param([accepted(revision="def")], id="running"),
        pytest.param([succeeded(revision="def", intended_at=at(-600))], id="succeeded"),
    ],
)
def test_a_cell_adds_what_its_own_document_says(declared: Job, submissions: list[Any]) -> None:
    state = JobState(reason=Reason.RUNNING, message="words")
    note, own = cell_note(declared, submissions, state), document(declared, submissions, state, "sandbox")
    assert (dict(note.units), note.revision) == (own["processingUnits"], own.get("revision", ""))
    assert (note.submitted_at is None) is not bool(submissions)


def test_a_set_is_named_apart_from_jobs() -> None:
    assert set_reference("alps") == "set/alps"
