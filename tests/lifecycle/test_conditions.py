"""Conditions as Kubernetes has them: derived from phase and reason, and what `wait` makes of them."""

import re
from typing import Any

import pytest

from controller.lifecycle.conditions import (
    COMPLETE_CONDITION,
    TYPES,
    WaitTarget,
    is_rejected,
    kubernetes_conditions,
    phases_of,
    target,
)
from controller.model.errors import UsageError
from controller.model.reasons import Phase, Reason
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "wait.md").read_text(encoding="utf-8")


def document(reason: Reason) -> dict[str, Any]:
    return {"phase": str(reason.phase), "reason": str(reason), "message": "words", "generation": 3}


def statuses(reason: Reason) -> tuple[str, ...]:
    """Those that are derived from the phase."""
    return tuple(str(each["status"]) for each in kubernetes_conditions(document(reason))[:-1])


@pytest.mark.parametrize("reason", [each for each in Reason if each.phase is not Phase.REMOVED])
def test_the_statuses_are_those_of_the_page(reason: Reason) -> None:
    rows = {row[0]: row[1:] for row in re.findall(r"^\| ([A-Z]\w+) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)}
    searched, needed = str(reason is Reason.SEARCHING), str(reason is Reason.NEEDS_PERSON)
    words = {"while the bucket is searched": searched, "when a person is needed": needed}
    assert statuses(reason) == tuple(words.get(cell, cell) for cell in rows[reason.phase])


def test_each_condition_carries_reason_message_and_generation() -> None:
    about = {"reason": "Delivered", "message": "words", "observedGeneration": 3}
    assert kubernetes_conditions(document(Reason.DELIVERED)) == [
        {"type": "Ready", "status": "True", **about},
        {"type": "Reconciling", "status": "False", **about},
        {"type": "Stalled", "status": "False", **about},
        {
            "type": "Accepted",
            "status": "True",
            "reason": "Accepted",
            "observedGeneration": 3,
            "message": "the manifest is the one in force",
        },
    ]
    dated = kubernetes_conditions(document(Reason.DELIVERED), "2026-11-30T01:00:00Z")
    assert [each.get("lastTransitionTime") for each in dated] == [*["2026-11-30T01:00:00Z"] * 3, None]
    bare = {key: value for key, value in document(Reason.REJECTED).items() if key != "generation"}
    assert [sorted(each) for each in kubernetes_conditions(bare)] == [["message", "reason", "status", "type"]] * 4


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param({"accepted": True}, ("True", "Accepted"), id="it is in force"),
        pytest.param(
            {"accepted": False, "reason": "Rejected", "problems": ["a.yaml:1:1: E107: is empty", "another"]},
            ("False", "Rejected"),
            id="its last edit has no effect",
        ),
        pytest.param(
            {"accepted": False, "problems": ["a.yaml:1:1: E107: is empty"]},
            ("False", "Rejected"),
            id="as an earlier version recorded it",
        ),
        pytest.param(
            {"accepted": False, "reason": "Examining", "problems": ["a.yaml:1:1: E305: is examined"]},
            ("Unknown", "Examining"),
            id="not known yet",
        ),
    ],
)
def test_a_job_that_succeeded_says_whether_its_manifest_is_still_accepted(
    manifest: dict[str, Any], expected: tuple[str, str]
) -> None:  # fmt: skip
    """`Succeeded` was all one saw of a job whose manifest was broken by the last merge."""
    found = {**document(Reason.DELIVERED), "manifest": manifest}
    last = kubernetes_conditions(found)[-1]
    assert (last["type"], last["status"], last["reason"]) == ("Accepted", *expected)
    assert is_rejected(found) is (expected[0] == "False")


@pytest.mark.parametrize("reason", [each for each in Reason if each.phase is not Phase.REMOVED])
def test_a_job_is_never_under_way_and_stalled_at_once(reason: Reason) -> None:
    ready, reconciling, stalled = statuses(reason)
    assert [ready, reconciling, stalled].count("True") == 1


def set_status(reason: Reason, problems: tuple[str, ...] = (), **cells: int) -> dict[str, Any]:
    manifest = {"accepted": False, "problems": problems} if problems else {"accepted": True}
    return {**document(reason), "kind": "AsyncProcessSetStatus", "manifest": manifest, "cells": cells}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            set_status(Reason.RUNNING, due=492, Succeeded=480, Running=12),
            {"Ready": "False", "Reconciling": "True", "Stalled": "False", "Complete": "False", "Accepted": "True"},
            id="cells run",
        ),
        pytest.param(
            set_status(Reason.ERROR_REPORTED, due=492, Succeeded=480, Running=10, Failed=2),
            {"Ready": "False", "Reconciling": "False", "Stalled": "True", "Complete": "False", "Accepted": "True"},
            id="a cell failed, though others run",
        ),
        pytest.param(
            set_status(Reason.DELIVERED, due=492, later=12, Succeeded=492),
            {"Ready": "True", "Reconciling": "False", "Stalled": "False", "Complete": "True", "Accepted": "True"},
            id="every cell that is due succeeded",
        ),
        pytest.param(
            set_status(Reason.DELIVERED, problems=("no values",), due=2, Succeeded=2),
            {"Ready": "True", "Reconciling": "False", "Stalled": "False", "Complete": "True", "Accepted": "False"},
            id="complete, and broken by a later edit",
        ),
        pytest.param(
            set_status(Reason.NOT_DUE, due=0, later=12),
            {"Ready": "False", "Reconciling": "True", "Stalled": "False", "Complete": "False", "Accepted": "True"},
            id="nothing is due yet",
        ),
    ],
)
def test_the_conditions_of_a_set(found: dict[str, Any], expected: dict[str, str]) -> None:
    assert {str(each["type"]): each["status"] for each in kubernetes_conditions(found)} == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(set_status(Reason.RUNNING, due=492, Succeeded=480, Running=12), "480/492", id="some succeeded"),
        pytest.param(set_status(Reason.QUEUED, due=9, Pending=9), "0/9", id="none did yet"),
        pytest.param(set_status(Reason.NOT_DUE, due=0), "0/0", id="none is due"),
    ],
)
def test_how_complete_a_set_is(found: dict[str, Any], expected: str) -> None:
    [complete] = [each for each in kubernetes_conditions(found) if each["type"] == COMPLETE_CONDITION]
    assert (complete["message"], complete["reason"], complete["observedGeneration"]) == (expected, found["reason"], 3)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(document(Reason.OVERDUE), {"Running"}, id="a job"),
        pytest.param(
            set_status(Reason.ON_HOLD, due=5, later=2, Succeeded=2, Held=1, Pending=2),
            {"Succeeded", "Held", "Pending"},
            id="a set: those of its cells, not only the most urgent",
        ),
        pytest.param(set_status(Reason.NOT_DUE, due=0, later=2), set(), id="a set without cells waits for nothing now"),
        pytest.param(set_status(Reason.REJECTED, problems=("no values",), due=0), {"Invalid"}, id="a broken set"),
    ],
)
def test_which_phases_a_document_is_about(found: dict[str, Any], expected: set[str]) -> None:
    assert phases_of(found) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Succeeded", WaitTarget(phase=Phase.SUCCEEDED), id="a phase"),
        pytest.param("succeeded", WaitTarget(phase=Phase.SUCCEEDED), id="in any case"),
        pytest.param("Unknown", WaitTarget(phase=Phase.UNKNOWN), id="a phase named like a status"),
        pytest.param("Ready", WaitTarget(condition="Ready"), id="a condition"),
        pytest.param("condition=ready", WaitTarget(condition="Ready"), id="as kubectl writes it"),
        pytest.param("condition=Ready=false", WaitTarget(condition="Ready", status="False"), id="with its status"),
        pytest.param("Stalled=Unknown", WaitTarget(condition="Stalled", status="Unknown"), id="in short"),
    ],
)
def test_what_is_waited_for_may_be_written_in_several_ways(text: str, expected: WaitTarget) -> None:
    assert target(text) == expected


@pytest.mark.parametrize("text", ["", "Redy", "condition=Succeeded", "Ready=Maybe", "Succeeded=True", "condition="])
def test_what_is_neither_phase_nor_condition_is_refused_with_all_of_them(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        target(text)
    assert all(each in str(caught.value) for each in (*TYPES, *(phase for phase in Phase if phase != "Removed")))


@pytest.mark.parametrize("reason", [each for each in Reason if each.phase is not Phase.REMOVED])
def test_success_is_given_up_only_where_nothing_leads_to_it_any_more(reason: Reason) -> None:
    at_rest = {Phase.INVALID, Phase.FAILED, Phase.UNKNOWN}
    expected = reason.phase in at_rest or reason is Reason.NEEDS_PERSON
    for aim in ("Ready", "Succeeded", "condition=Ready=True"):
        assert target(aim).is_hopeless(document(reason)) is expected
    for aim in ("Running", "Stalled", "condition=Ready=False"):
        assert not target(aim).is_hopeless(document(reason))
