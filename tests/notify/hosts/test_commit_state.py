"""What the status of a commit says, and when it is sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.model.notices.commit import CommitCounts, SentStatus
from controller.notify.hosts.commit_state import CommitState, CommitStatus, send_at, status_of, without_departed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
THIS, NEWER = "1" * 40, "abcdef1" + "0" * 33
ACCEPT = "shjobs accept 0f3a9c21"


def counts(newest: str = THIS, **more: Any) -> CommitCounts:
    return CommitCounts(revision=THIS, newest=newest, **more)


@pytest.mark.parametrize(
    ("given", "state", "words"),
    [
        pytest.param(counts(reasons={}), "success", "nothing new to deliver", id="a commit without jobs succeeds"),
        pytest.param(
            counts(newest=NEWER, reasons={}), "success", "replaced by abcdef1",
            id="a commit whose jobs all want something newer succeeds, and says what replaced it",
        ),
        pytest.param(
            counts(reasons={}, rejected=2), "failure", "2 files cannot be accepted",
            id="a commit that only breaks manifests fails",
        ),
        pytest.param(
            counts(reasons={"Queued": 3}), "pending", "0 of 3 delivered, 0 PU", id="what waits for a slot is pending",
        ),
        pytest.param(
            counts(reasons={"": 1, "SomethingNew": 1}), "pending", "0 of 2 delivered, 0 PU",
            id="what was not reported yet, or by another version, is pending",
        ),
        pytest.param(
            counts(reasons={"Delivered": 38, "Running": 2}, spent=310.4), "running", "38 of 40 delivered, 310 PU",
            id="a part that runs keeps it from being final",
        ),
        pytest.param(
            counts(reasons={"Delivered": 38, "ErrorReported": 1, "Verifying": 1}, spent=310), "running",
            "38 of 40 delivered, 1 failed, 310 PU", id="a failure is said while the rest is under way",
        ),
        pytest.param(
            counts(reasons={"Delivered": 39, "ErrorReported": 1}, spent=3.14159), "failure",
            "39 of 40 delivered, 1 failed, 3.14 PU", id="one failure fails the commit once all have ended",
        ),
        pytest.param(
            counts(reasons={"Delivered": 1, "Reused": 1}, spent=2.5), "success", "2 of 2 delivered, 2.5 PU",
            id="what was reused is delivered",
        ),
        pytest.param(
            counts(reasons={"NothingDelivered": 1}), "failure", "0 of 1 delivered, 1 unknown, 0 PU",
            id="an unknown outcome is no success",
        ),
        pytest.param(
            counts(reasons={"LargeChange": 40}, command=ACCEPT), "pending",
            f"0 of 40 delivered, 40 wait for a yes: {ACCEPT}, 0 PU", id="what waits for a yes says what to type",
        ),
        pytest.param(
            counts(reasons={"BudgetExceeded": 1, "Warned": 1}), "pending",
            "0 of 2 delivered, 2 held (BudgetExceeded, Warned), 0 PU", id="what is held says why",
        ),
        pytest.param(
            counts(reasons={"OnHold": 1, "Delivered": 1}), "success", "1 of 2 delivered, 1 on hold, 0 PU",
            id="what the commit itself holds back is not waited for",
        ),
        pytest.param(
            counts(reasons={"Delivered": 5}, is_whole=False), "running", "5 of 5 delivered, 0 PU",
            id="as long as its tree is still being read, more jobs may come",
        ),
        pytest.param(
            counts(reasons={"NeedsPerson": 1}), "running", "0 of 1 delivered, 1 held (NeedsPerson), 0 PU",
            id="an unconfirmed POST that needs an operator is unfinished",
        ),
        pytest.param(
            counts(reasons={"Delivered": 1}, rejected=1), "failure",
            "1 of 1 delivered, 1 file cannot be accepted, 0 PU", id="a broken file of the newest commit fails it",
        ),
    ],
)  # fmt: skip
def test_what_a_status_says(given: CommitCounts, state: str, words: str) -> None:
    found = status_of(given)
    assert (found.state, found.description, found.jobs) == (state, words, given.jobs)


def status(state: str, words: str = "1 of 2", jobs: int = 2, unfinished: int = 0) -> CommitStatus:
    return CommitStatus(state=CommitState(state), description=words, jobs=jobs, unfinished=unfinished)


def sent(state: str, words: str = "1 of 2", *, ago: float = 600, jobs: int = 2, **more: Any) -> SentStatus:
    return SentStatus(
        state=state, description=words, jobs=jobs, sent_at=NOW - timedelta(seconds=ago), **{"times": 1, **more}
    )


@pytest.mark.parametrize(
    ("fresh", "before", "seconds"),
    [
        pytest.param(status("pending"), SentStatus(), 0, id="what was never sent is sent at once"),
        pytest.param(status("running"), sent("running"), None, id="what did not change is not sent"),
        pytest.param(status("running", "2 of 2"), sent("running"), 0, id="progress is sent"),
        pytest.param(status("running", "2 of 2"), sent("running", ago=20), 40, id="progress waits for a minute"),
        pytest.param(status("success"), sent("running", ago=20), 40, id="so does the end"),
        pytest.param(status("success"), sent("pending"), 0, id="the end is sent"),
        pytest.param(
            status("running", "2 of 2"), sent("running", times=20, ago=60), 120,
            id="progress becomes rarer the more of it was sent",
        ),
        pytest.param(
            status("running", "2 of 2"), sent("running", times=900, ago=10**6), None,
            id="the last hundred of a thousand statuses are kept for the end",
        ),
        pytest.param(status("success"), sent("running", times=950), 0, id="and the end is sent with them"),
        pytest.param(
            status("success", "37 of 37", jobs=37), sent("success", "40 of 40", jobs=40), None,
            id="jobs that leave a commit for a later one change nothing",
        ),
        pytest.param(
            status("success", "39 of 39", jobs=39), sent("failure", "39 of 40", jobs=40), None,
            id="a failure that a later commit mends stays a failure of this one",
        ),
        pytest.param(
            status("success", "0 of 0", jobs=0), sent("failure", jobs=1), None,
            id="a failed commit that is replaced stays failed",
        ),
        pytest.param(status("success", "12 PU"), sent("success", "11 PU"), None, id="a late amount is not sent"),
        pytest.param(status("success"), sent("failure"), 0, id="a failed job that was retried makes it a success"),
        pytest.param(status("running", jobs=3), sent("success"), 0, id="another job of the commit opens it again"),
        pytest.param(
            status("success"), sent("running", tries=2, next_at=NOW + timedelta(seconds=300)), 300,
            id="after a failure it waits as long as was agreed",
        ),
        pytest.param(
            status("success"), sent("running", tries=2, next_at=NOW + timedelta(days=30)), 0,
            id="but not for as long as a clock that was ahead has written",
        ),
        pytest.param(
            status("success"), sent("running", ago=-3600), 60, id="a clock that was ahead delays it by a minute at most"
        ),
    ],
)  # fmt: skip
def test_when_a_status_is_sent(fresh: CommitStatus, before: SentStatus, seconds: float | None) -> None:
    found = send_at(fresh, before, NOW, shows_progress=True)
    assert found == (None if seconds is None else NOW + timedelta(seconds=seconds))


WORDS = {"success": "10 of 10", "failure": "9 of 10, 1 failed"}


@pytest.mark.parametrize(
    ("before", "looks", "is_sent"),
    [
        pytest.param(
            "failure", [status("failure", jobs=8), status("success", jobs=8)], [False, True],
            id="a retried job makes it a success after others have left",
        ),
        pytest.param(
            "failure", [status("running", jobs=8, unfinished=1)], [True], id="a job is retried while others leave"
        ),
        pytest.param("failure", [status("success", jobs=9)], [False], id="the failed job has left"),
        pytest.param(
            "success", [status("success", jobs=8), status("failure", jobs=9)], [False, True],
            id="a cell that becomes due fails after others have left",
        ),
        pytest.param("success", [status("failure", jobs=9)], [True], id="a job fails while others leave"),
        pytest.param(
            "success", [status("success", jobs=8), status("success", WORDS["success"], jobs=10)], [False, False],
            id="jobs that left come back",
        ),
        pytest.param("success", [status("running", jobs=8)], [False], id="its tree is read again while jobs leave"),
    ],
)  # fmt: skip
def test_what_is_news_of_a_commit_that_jobs_have_left(
    before: str, looks: list[CommitStatus], is_sent: list[bool]
) -> None:
    known, found = sent(before, WORDS[before], jobs=10), []
    for look in looks:
        known = without_departed(known, look)
        found.append(send_at(look, known, NOW, shows_progress=True) is not None)
    assert found == is_sent


@pytest.mark.parametrize(
    ("fresh", "before", "is_sent"),
    [
        pytest.param("running", "pending", True, id="that it began is a state of its own"),
        pytest.param("pending", "running", False, id="what runs does not wait again"),
        pytest.param("running", "running", False, id="progress cannot be shown"),
        pytest.param("failure", "running", True, id="the end is shown"),
        pytest.param("pending", "failure", True, id="what is retried opens it again"),
    ],
)
def test_a_host_whose_statuses_keep_their_description(fresh: str, before: str, is_sent: bool) -> None:
    found = send_at(status(fresh, "new words"), sent(before), NOW, shows_progress=False)
    assert (found is not None) is is_sent
