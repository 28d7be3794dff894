"""The intent of a submission is on the disk before the first byte of its POST is sent: seen from outside, by strace.

And its answer is, before the next call.
"""

import re
from collections.abc import Sequence

import pytest

from controller.model.submission import SUBMISSION_ID
from tests.proofs.bench import ANSWERED, bench
from tests.proofs.traced import Call, calls_in, traced_sync, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")

PAGE = 4096  # letters of a text argument that are kept: a whole page of the database


def violation(calls: Sequence[Call], submission: str) -> str | None:
    """Why the POST was not safe to send; None when its intent was on the disk before.

    Raises AssertionError when the trace shows no intent or no POST, so that it says nothing.
    """
    written = [call for call in calls if _writes_ledger(call) and submission in call.given]
    posts = [call for call in calls if call.name == "sendto" and '"POST /async/v1/process' in call.given]
    assert written, f"the intent of {submission} was never written"
    assert posts, "nothing was posted"
    if written[0].ended >= posts[0].began:
        return "the POST was sent before its intent was written"
    synced = [call for call in calls if _syncs_ledger(call) and call.began > written[0].ended]
    if not any(call.ended < posts[0].began for call in synced):
        return "the POST was sent before its intent was on the disk"
    return None


def late_answer(calls: Sequence[Call], request_id: str) -> str | None:
    """Why the answer was not safe when the request was first polled; None when it was on the disk before."""
    written = [call for call in calls if _writes_ledger(call) and request_id in call.given]
    polls = [call for call in calls if call.name == "sendto" and f"GET /async/v1/process/{request_id}" in call.given]
    assert written, f"the answer {request_id} was never written"
    assert polls, "nothing was polled"
    synced = [call for call in calls if _syncs_ledger(call) and call.began > written[0].ended]
    if not any(call.ended < polls[0].began for call in synced):
        return "the request was polled before its id was on the disk"
    return None


def _writes_ledger(call: Call) -> bool:
    return call.name == "pwrite64" and "/state/shjobs.db-wal>" in call.given


def _syncs_ledger(call: Call) -> bool:
    return call.name in ("fdatasync", "fsync") and "/state/shjobs.db-wal>" in call.given and call.result == "0"


def _traced(module: str) -> tuple[list[Call], str, str]:
    """The calls of a whole sync, the id of its one submission as the bucket names it, and that of its request."""
    with bench(ANSWERED, "hold") as one:
        ended = traced_sync(one.root, one.settings, one.environment, letters=PAGE, module=module)
        assert (ended.code, one.job_state) == (0, ("Succeeded", "Delivered")), ended.said
        [accepted] = [entry for entry in one.entries() if entry.event == "accepted"]
    submission = accepted.prefix.rpartition("/")[2]
    assert re.fullmatch(SUBMISSION_ID, submission)
    return list(ended.calls), submission, accepted.id


@pytest.mark.slow
def test_the_intent_is_on_the_disk_before_the_first_byte_of_its_post() -> None:
    calls, submission, request_id = _traced("controller")
    assert violation(calls, submission) is None
    assert late_answer(calls, request_id) is None


@pytest.mark.slow
def test_a_ledger_that_does_not_wait_for_the_disk_is_found_out() -> None:
    calls, submission, request_id = _traced("tests.proofs.careless")
    assert violation(calls, submission) == "the POST was sent before its intent was on the disk"
    assert late_answer(calls, request_id) == "the request was polled before its id was on the disk"


WRITE = '7 pwrite64(5</x/state/shjobs.db-wal>, "abc-r0-a0", 9, 0) = 9\n'
SYNC = "7 fdatasync(5</x/state/shjobs.db-wal>) = 0\n"
POST = '8 sendto(9<TCP:[1]>, "POST /async/v1/process HTTP/1.1", 31, 0, NULL, 0) = 31\n'


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(WRITE + SYNC + POST, None, id="written, on the disk, sent"),
        pytest.param(
            POST + WRITE + SYNC, "the POST was sent before its intent was written", id="sent before it is written"
        ),
        pytest.param(
            SYNC + WRITE + POST + SYNC,
            "the POST was sent before its intent was on the disk",
            id="the disk is waited for before the write and after the POST, not between",
        ),
        pytest.param(
            WRITE
            + "7 fdatasync(5</x/state/shjobs.db-wal> <unfinished ...>\n"
            + POST
            + "7 <... fdatasync resumed>) = 0\n",
            "the POST was sent before its intent was on the disk",
            id="the POST is sent while the disk is waited for",
        ),
        pytest.param(
            WRITE + SYNC.replace("= 0", "= -1 EIO (Input/output error)") + POST,
            "the POST was sent before its intent was on the disk",
            id="the disk refuses",
        ),
    ],
)
def test_the_order_is_read_from_the_trace(log: str, expected: str | None) -> None:
    assert violation(calls_in(log), "abc-r0-a0") == expected
