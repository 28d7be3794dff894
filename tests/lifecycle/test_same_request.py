"""One request under two names: who is told, before it is paid for again."""

from collections.abc import Mapping

import pytest

from controller.lifecycle.same_request import SameRequest, paid_requests, same_requests
from controller.model.answers import Refusal
from tests.support.factories import DIGEST, OTHER_DIGEST, accepted, failed, refused, succeeded, unconfirmed


@pytest.mark.parametrize(
    ("wanted", "paid", "expected"),
    [
        pytest.param({"a": "1", "b": "2"}, [], {}, id="different requests"),
        pytest.param({"a": "1"}, [("a", "1")], {}, id="paid for under its own name"),
        pytest.param(
            {"a": "1", "b": "1"}, [],
            {"a": SameRequest(declared=("b",)), "b": SameRequest(declared=("a",))}, id="two new names"),
        pytest.param(
            {"a": "1", "b": "1"}, [("a", "1")], {"b": SameRequest(declared=("a",))}, id="a second name: only it pays"),
        pytest.param({"b": "1"}, [("a", "1")], {"b": SameRequest(former=("a",))}, id="a renamed job"),
        pytest.param({"b": "1"}, [("a", "1"), ("b", "1")], {}, id="a renamed job that has paid"),
        pytest.param({"a": "2", "b": "1"}, [("a", "1")], {}, id="a name that moved on: it wants something else now"),
        pytest.param(
            {"b": "1", "c": "1"}, [("a", "1"), ("b", "1")],
            {"c": SameRequest(declared=("b",), former=("a",))}, id="renamed, and a second name"),
    ],
)  # fmt: skip
def test_who_pays_for_what_others_pay_for(
    wanted: Mapping[str, str], paid: list[tuple[str, str]], expected: Mapping[str, SameRequest]
) -> None:
    assert same_requests(wanted, paid) == expected


def test_what_counts_as_paid_for() -> None:
    rows = [succeeded(), accepted(job="b"), unconfirmed(job="c", digest=OTHER_DIGEST)]
    free = [failed(job="d"), refused(Refusal.BODY, job="e")]
    assert list(paid_requests([*rows, *free])) == [("ndvi", DIGEST), ("b", DIGEST), ("c", OTHER_DIGEST)]


@pytest.mark.parametrize(
    ("same", "words"),
    [
        pytest.param(
            SameRequest(declared=("a", "b", "c", "d", "e")),
            "the jobs 'a', 'b', 'c' and 2 more have the same request, but each job is paid for",
            id="many names",
        ),
        pytest.param(
            SameRequest(declared=("b",), former=("a",)),
            "it was paid for as 'a', which is no longer declared: under another name it is paid for again; "
            "the job 'b' has the same request, but each job is paid for",
            id="renamed, and a second name",
        ),
    ],
)
def test_what_is_said(same: SameRequest, words: str) -> None:
    assert str(same) == words
