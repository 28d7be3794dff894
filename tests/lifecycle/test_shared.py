"""Equal requests under several names: who pays, and what the others make of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from controller.lifecycle.next_step import next_step
from controller.lifecycle.phase import phase
from controller.lifecycle.status import document
from controller.limits.gate import Limits
from controller.limits.peers import Peers
from controller.limits.set_limits import SetRuling
from controller.model.answers import Refusal
from controller.model.errors import Problem
from controller.model.job import Estimate, Job, SetCell
from controller.model.reasons import Phase, Reason
from controller.model.step import List, Step, Submit, Wait
from controller.model.submission import Submission
from tests.support.factories import (
    DIGEST,
    NOW,
    OTHER_DIGEST,
    REQUEST_ID,
    URL,
    accepted,
    at,
    by_name,
    evidence,
    failed,
    gone,
    history,
    job,
    limits,
    refused,
    submission,
    succeeded,
    unconfirmed,
    unknown,
    wanted,
)

BROKEN = (Problem(path="x.yaml", message="is not YAML"),)
PAYS, ASKS_BUCKET = Submit(rerun=0, attempt=0), List
GIVEN_UP = unconfirmed(job="a", look_at=None)
SPURIOUS = [refused(Refusal.SPURIOUS, job="a", number=each) for each in (1, 2, 3)]


def named(name: str, *problems: Problem, **policy: Any) -> Job:
    """A job that wants `DIGEST`, unless its policy says another one, and whose bucket was listed."""
    desired = wanted(**policy)
    return job(name=name, wanted=desired, problems=problems, history=history(digest=desired.digest))


A, B, C = named("a"), named("b"), named("c")
GONE_A = replace(A, wanted=None)


def decided(
    declared: Job, others: list[Job], submissions: list[Submission], **different: Any
) -> tuple[Step, Limits, list[Submission]]:  # fmt: skip
    """The step of a job among others, all of whose submissions these are."""
    seen = limits(peers=Peers(by_name(declared, *others), submissions), **different)
    own = [item for item in submissions if item.job == declared.name]
    return next_step(declared, own, seen, NOW), seen, own


@pytest.mark.parametrize(
    ("others", "runs", "reason"),
    [
        pytest.param([A], [succeeded(job="a")], Reason.REUSED, id="delivered for a declared job"),
        pytest.param([GONE_A], [succeeded(job="a")], Reason.REUSED, id="delivered for a removed job: a renamed one"),
        pytest.param([], [succeeded(job="a")], Reason.REUSED, id="delivered for a job that is not in the ledger"),
        pytest.param(
            [named("a", digest=OTHER_DIGEST)], [succeeded(job="a")], Reason.REUSED,
            id="delivered for a job that wants something else now",
        ),
        pytest.param([A], [succeeded(job="a", adopted=True)], Reason.REUSED, id="delivered, and found in the bucket"),
        pytest.param([A], [succeeded(job="a", rerun=2)], Reason.REUSED, id="delivered for a higher rerun"),
        pytest.param([A], [submission(job="a")], Reason.SHARED_RUN, id="an intent whose POST is under way"),
        pytest.param([A], [accepted(job="a")], Reason.SHARED_RUN, id="running"),
        pytest.param([GONE_A], [accepted(job="a")], Reason.SHARED_RUN, id="running for a removed job"),
        pytest.param([A], [gone(job="a")], Reason.SHARED_RUN, id="gone, and its evidence is read"),
        pytest.param([A], [unconfirmed(job="a")], Reason.SHARED_RUN, id="without an answer, and searched for"),
        pytest.param([A], [GIVEN_UP], Reason.SHARED_RUN, id="without an answer, and an operator decides"),
        pytest.param(
            [GONE_A], [GIVEN_UP], Reason.NEEDS_PERSON, id="an operator decides about a removed job: shown by this one",
        ),
        pytest.param(
            [GONE_A], [unconfirmed(job="a")], Reason.SHARED_RUN, id="searched for, for a removed job",
        ),
        pytest.param([A], [unknown(job="a")], Reason.NOTHING_DELIVERED, id="Unknown: so is this one"),
        pytest.param([A], [failed(job="a")], Reason.ERROR_REPORTED, id="failed: so has this one"),
        pytest.param([GONE_A], [failed(job="a")], Reason.ERROR_REPORTED, id="failed for a removed job"),
        pytest.param(
            [named("a", retries=1)], [failed(job="a")], Reason.SHARED_RUN, id="failed, and a retry is left there",
        ),
        pytest.param(
            [named("a", retries=1)], [failed(job="a", adopted=True)], Reason.ERROR_REPORTED,
            id="failed, and found in the bucket, so that it is not tried again",
        ),
        pytest.param(
            [named("a", *BROKEN, retries=1)], [failed(job="a")], Reason.ERROR_REPORTED,
            id="failed, and its manifest is broken, so that the retry is not paid for",
        ),
        pytest.param(
            [named("a", retries=1, hold=True)], [failed(job="a")], Reason.ERROR_REPORTED,
            id="failed, and it is on hold, so that the retry is not paid for",
        ),
        pytest.param(
            [named("a", retries=1)],
            [failed(job="a", number=1), refused(Refusal.BODY, job="a", attempt=1, number=2)],
            Reason.ERROR_REPORTED, id="failed, and its retry was refused for good",
        ),
        pytest.param(
            [named("a", retries=1)],
            [failed(job="a", number=1), refused(Refusal.RATE, job="a", attempt=1, number=2)],
            Reason.SHARED_RUN, id="failed, and its retry was refused for a while",
        ),
        pytest.param(
            [A, C], [failed(job="a", number=1), accepted(job="c", number=2)], Reason.SHARED_RUN,
            id="failed for one name, and runs for another",
        ),
        pytest.param(
            [A, C], [accepted(job="a", number=2), succeeded(job="c", number=1)], Reason.REUSED,
            id="delivered for one name before it runs for another",
        ),
        pytest.param(
            [A, C], [unknown(job="a", number=1), failed(job="c", number=2)], Reason.NOTHING_DELIVERED,
            id="Unknown for one name goes before failed for another",
        ),
    ],
)  # fmt: skip
def test_a_job_without_a_run_takes_over_that_of_another_name(
    others: list[Job], runs: list[Submission], reason: Reason
) -> None:
    step, seen, own = decided(B, others, runs)
    assert step == Wait(reason=reason)
    state = phase(B, own, seen, NOW)
    assert (state.reason, state.shared and state.shared.run in runs) == (reason, True)
    assert repr(state.shared.owner if state.shared else "") in state.message


@pytest.mark.parametrize(
    ("declared", "others", "submissions", "expected"),
    [
        pytest.param(A, [B], [], PAYS, id="of two new names the first pays"),
        pytest.param(B, [A], [], Wait(reason=Reason.SHARED_RUN), id="of two new names the second waits"),
        pytest.param(C, [A, B], [], Wait(reason=Reason.SHARED_RUN), id="of three new names the third waits, too"),
        pytest.param(B, [GONE_A], [], PAYS, id="the first was removed before it paid"),
        pytest.param(B, [named("a", *BROKEN)], [], PAYS, id="the first is broken"),
        pytest.param(B, [named("a", hold=True)], [], PAYS, id="the first is on hold"),
        pytest.param(B, [named("a", estimate=None)], [], PAYS, id="what the first may cost is unknown"),
        pytest.param(
            B, [named("a", estimate=Estimate(expected=900, upper=900))], [], PAYS, id="the first needs approval",
        ),
        pytest.param(
            B, [named("a", warnings=(Problem(path="a.yaml", message="odd", code="W004"),))], [], PAYS,
            id="the first is held by a warning",
        ),
        pytest.param(B, [named("a", credentials_ref="keyless")], [], PAYS, id="the key pair of the first is missing"),
        pytest.param(
            named("b", labels=(("team", "x"),)), [A], [], PAYS, id="this run of sync does not select the first",
        ),
        pytest.param(named("b", hold=True), [A], [], Wait(reason=Reason.ON_HOLD), id="the second is on hold itself"),
        pytest.param(named("b", *BROKEN), [A], [], Wait(reason=Reason.REJECTED), id="the second is broken itself"),
        pytest.param(
            named("b", hold=True), [A], [succeeded(job="a")], Wait(reason=Reason.REUSED),
            id="on hold, but there is nothing to pay",
        ),
        pytest.param(
            named("b", *BROKEN), [A], [succeeded(job="a")], Wait(reason=Reason.REUSED),
            id="broken, and stays as last accepted",
        ),
        pytest.param(B, [A], [refused(Refusal.BODY, job="a")], PAYS, id="the body of the first was refused"),
        pytest.param(B, [A], SPURIOUS, PAYS, id="the first was refused three times for no reason"),
        pytest.param(
            B, [A], [refused(Refusal.RATE, job="a")], Wait(reason=Reason.SHARED_RUN),
            id="the first was refused for a while, and asks again",
        ),
        pytest.param(
            B, [A], [refused(Refusal.NOT_ACCEPTED, job="a")], Wait(reason=Reason.SHARED_RUN),
            id="an operator said that the first was not accepted: it asks again",
        ),
        pytest.param(named("a", rerun=1), [B], [succeeded(job="b")], Submit(rerun=1, attempt=0), id="a rerun pays"),
        pytest.param(
            A, [named("b", rerun=1)], [], Wait(reason=Reason.SHARED_RUN), id="the highest rerun pays, and serves all",
        ),
        pytest.param(named("b", rerun=1), [A], [], Submit(rerun=1, attempt=0), id="the highest rerun is the second's"),
        pytest.param(
            named("b", rerun=1), [named("a", rerun=1)], [succeeded(job="a")], Wait(reason=Reason.SHARED_RUN),
            id="a rerun of both: the first pays",
        ),
        pytest.param(
            named("b", rerun=1), [A], [failed(job="a"), succeeded(job="b", number=2)], Submit(rerun=1, attempt=0),
            id="a rerun after a failure under another name",
        ),
        pytest.param(
            B, [A], [succeeded(job="a", number=1), failed(job="b", number=2)], Wait(reason=Reason.ERROR_REPORTED),
            id="its own run goes before another's",
        ),
        pytest.param(
            B, [A], [succeeded(job="a", number=1), succeeded(job="b", number=2)], Wait(reason=Reason.DELIVERED),
            id="both were paid for before: each keeps its own",
        ),
        pytest.param(B, [named("a", digest=OTHER_DIGEST)], [], PAYS, id="another request"),
        pytest.param(
            B, [A], [succeeded(job="a", digest=OTHER_DIGEST)], Wait(reason=Reason.SHARED_RUN),
            id="another's run of another request does not count",
        ),
        pytest.param(replace(B, wanted=None), [A], [succeeded(job="a")], Wait(reason=Reason.REMOVED), id="removed"),
    ],
)  # fmt: skip
def test_one_of_them_pays(declared: Job, others: list[Job], submissions: list[Submission], expected: Step) -> None:
    selector = ("team=x",) if declared.wanted and declared.wanted.labels else ()
    hostile = {"hold_on": ["W004"], "without_keys": frozenset({"keyless"}), "selector": selector}
    step, _, _ = decided(declared, others, submissions, **hostile)
    assert step == expected


CELL = SetCell(set_name="farm", recipe="r")
SHARES = Wait(reason=Reason.SHARED_RUN)


@pytest.mark.parametrize(
    ("declared", "others", "expected"),
    [
        pytest.param(B, [named("a", cell=CELL)], PAYS, id="an ordinary job waits for no cell that needs a yes"),
        pytest.param(
            B, [named("a", cell=CELL, rerun=1)], PAYS, id="nor for one whose higher rerun would serve it",
        ),
        pytest.param(named("a", cell=CELL), [B], SHARES, id="the cell shares what an ordinary job pays for"),
        pytest.param(
            named("a", cell=CELL, rerun=1), [B], Submit(rerun=1, attempt=0), id="unless that serves a lower rerun",
        ),
        pytest.param(named("b", cell=CELL), [named("a", cell=CELL)], SHARES, id="of two cells the first pays"),
        pytest.param(named("a", cell=CELL), [named("b", cell=CELL)], PAYS, id="of two cells it is the first"),
        pytest.param(named("b", cell=CELL), [named("a", hold=True)], PAYS, id="an ordinary job on hold serves none"),
    ],
)  # fmt: skip
def test_who_needs_a_yes_of_its_set_pays_after_who_does_not(declared: Job, others: list[Job], expected: Step) -> None:
    endless = SetRuling(name="farm", recipes=frozenset({"r"}), unagreed=frozenset({"r"}), is_endless=True)
    step, _, _ = decided(declared, others, [], sets={"farm": endless})
    assert step == expected


@pytest.mark.parametrize("names", [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]], ids=str)
@pytest.mark.parametrize("reruns", [(0, 0, 0), (1, 0, 0), (0, 2, 1), (1, 1, 0)], ids=str)
@pytest.mark.parametrize("held", [(), (0,), (0, 1)], ids=str)
def test_exactly_one_pays_in_whatever_order_they_came(
    names: list[str], reruns: tuple[int, ...], held: tuple[int, ...]
) -> None:
    jobs = [
        named(name, rerun=rerun, hold=number in held)
        for number, (name, rerun) in enumerate(zip(names, reruns, strict=True))
    ]
    peers = limits(peers=Peers(by_name(*jobs)))
    steps = [next_step(each, (), peers, NOW) for each in jobs]
    assert sum(isinstance(step, Submit) for step in steps) == 1


@pytest.mark.parametrize(
    ("declared", "runs", "different", "expected"),
    [
        pytest.param(
            named("b", retries=1),
            [succeeded(job="a", number=2)],
            {},
            Reason.REUSED,
            id="delivered for another name: the retry is not paid for",
        ),
        pytest.param(
            named("b", retries=1),
            [accepted(job="a", number=2)],
            {},
            Reason.SHARED_RUN,
            id="running for another name: the retry waits for it",
        ),
        pytest.param(
            named("b", retries=1),
            [failed(job="a", number=2)],
            {},
            Reason.RETRY_SCHEDULED,
            id="failed for the other name, too: the retry is paid for",
        ),
        pytest.param(
            named("b", retries=1),
            [unconfirmed(job="a", number=2)],
            {},
            Reason.SHARED_RUN,
            id="without an answer for the other name, and searched for: the retry waits for it",
        ),
        pytest.param(
            named("b", retries=1),
            [unconfirmed(job="a", number=2, look_at=None)],
            {},
            Reason.RETRY_SCHEDULED,
            id="searched for in vain: two of them would wait for each other",
        ),
        pytest.param(
            named("b", retries=1),
            [unknown(job="a", number=2)],
            {},
            Reason.NOTHING_DELIVERED,
            id="Unknown for the other name, which may have delivered: the retry is not paid for",
        ),
        pytest.param(
            named("b", retries=1),
            [succeeded(job="a", number=2, digest=OTHER_DIGEST)],
            {},
            Reason.RETRY_SCHEDULED,
            id="another request was delivered",
        ),
        pytest.param(
            named("b"),
            [succeeded(job="a", number=2)],
            {},
            Reason.ERROR_REPORTED,
            id="no retry is left: what this job paid for has failed",
        ),
    ],
)
def test_no_attempt_is_paid_for_beside_a_run_that_serves_it(
    declared: Job, runs: list[Submission], different: dict[str, Any], expected: Reason
) -> None:
    own = failed(job="b", number=1)
    step, _, _ = decided(declared, [A], [own, *runs], **different)
    assert isinstance(step, Wait)
    assert step.reason is expected


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        pytest.param([succeeded(job="c", rerun=2, number=2)], Reason.REUSED, id="delivered"),
        pytest.param([accepted(job="c", rerun=2, number=2)], Reason.SHARED_RUN, id="running"),
        pytest.param([unknown(job="c", rerun=2, number=2)], Reason.NOTHING_DELIVERED, id="Unknown, looked at again"),
        pytest.param([unknown(job="c", number=2, look_at=None)], Reason.NOTHING_DELIVERED, id="Unknown for good"),
        pytest.param([failed(job="c", rerun=2, number=2)], Reason.ERROR_REPORTED, id="failed: so would this one"),
        pytest.param([unconfirmed(job="c", number=2)], Reason.SHARED_RUN, id="without an answer, and searched for"),
        pytest.param(
            [unconfirmed(job="c", rerun=2, number=2, look_at=None)], Reason.SHARED_RUN, id="a higher rerun, not found"
        ),
        pytest.param([unconfirmed(job="c", number=2, look_at=None)], None, id="an equal one, not found: this one pays"),
        pytest.param([refused(Refusal.RATE, job="c", rerun=2, number=2)], None, id="refused: this one pays"),
        pytest.param([], None, id="alone: this one pays"),
    ],
)
def test_what_may_never_have_been_sent_is_not_resubmitted_beside_a_run_of_another_name(
    runs: list[Submission], expected: Reason | None
) -> None:
    """`c` asked for a higher rerun, while the answer to `b` was lost or `b` was stopped before its POST."""
    lost = unconfirmed(job="b", look_at=None, evidence=evidence(objects=()))
    step, _, _ = decided(B, [C], [lost, *runs], on_unconfirmed="resubmit")
    assert step.reason is expected if isinstance(step, Wait) else expected is None


def test_a_retry_whose_answer_was_lost_is_resubmitted_beside_what_failed_under_another_name() -> None:
    """The manifest pays for one more run, and both have shown that this request fails."""
    own = [failed(job="b"), unconfirmed(job="b", attempt=1, number=2, look_at=None, evidence=evidence(objects=()))]
    others = [failed(job="c", number=3), unconfirmed(job="c", rerun=2, number=4, look_at=None)]
    step, _, _ = decided(named("b", retries=1), [C], [*own, *others], on_unconfirmed="resubmit")
    assert not isinstance(step, Wait)


def test_what_is_not_resubmitted_waits_for_the_retry_of_the_other_name() -> None:
    lost = unconfirmed(job="b", look_at=None, evidence=evidence(objects=()))
    step, _, _ = decided(B, [named("c", retries=1)], [lost, failed(job="c", number=2)], on_unconfirmed="resubmit")
    assert step == Wait(reason=Reason.SHARED_RUN)


class _Counting(Peers):
    """Counts how many jobs are looked at for who pays, and how often the runs of a request are."""

    looked_at = looked_up = 0

    def wanting(self, digest: str) -> Iterator[Job]:
        for each in super().wanting(digest):
            self.looked_at += 1
            yield each

    def runs(self, digest: str) -> Sequence[Submission]:
        self.looked_up += 1
        return super().runs(digest)


def test_a_thousand_held_names_for_one_request_are_looked_through_once_a_turn() -> None:
    jobs = [named(f"j{number:04}", hold=number < 1000) for number in range(2000)]
    peers = _Counting(by_name(*jobs))
    turn = limits(peers=peers)
    steps = [next_step(each, (), turn, NOW) for each in jobs]
    assert sum(isinstance(step, Submit) for step in steps) == 1
    assert peers.looked_at == len(jobs)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(succeeded(job="a"), id="delivered"),
        pytest.param(accepted(job="a"), id="under way"),
        pytest.param(unknown(job="a"), id="Unknown"),
        pytest.param(failed(job="a"), id="failed, without a retry"),
    ],
)
def test_a_job_whose_own_run_stands_looks_at_no_other_run(run: Submission) -> None:
    """A start looked for the runs of others for each of a hundred thousand finished jobs."""
    peers = _Counting(by_name(A, B), [run, succeeded(job="b")])
    assert isinstance(next_step(A, [run], limits(peers=peers), NOW), Wait)
    assert peers.looked_up == 0


def test_before_it_pays_its_own_prefix_is_listed_and_a_job_that_shares_needs_no_listing() -> None:
    first, second = (replace(each, history=None) for each in (A, B))
    step, _, _ = decided(first, [second], [])
    assert isinstance(step, List)
    assert step.prefix == f"{URL}/a"
    assert decided(second, [first], [])[0] == Wait(reason=Reason.SHARED_RUN)


def test_what_a_superseded_run_of_its_own_needs_goes_on() -> None:
    mine = accepted(job="b", digest=OTHER_DIGEST, number=2, look_at=at(30))
    assert decided(B, [A], [succeeded(job="a"), mine])[0] == Wait(reason=Reason.REUSED, until=at(30))


@pytest.mark.parametrize(
    ("others", "runs", "message"),
    [
        pytest.param(
            [A],
            [],
            "will share the run of 'a', which has the same request: nothing is paid for this job; "
            "`shjobs why a` shows what that waits for",
            id="to come",
        ),
        pytest.param(
            [A], [accepted(job="a")], "the same request runs as 'a': its result is taken over", id="running"
        ),
        pytest.param(
            [A], [unconfirmed(job="a")],
            "the same request got no clear answer as 'a': if it is found, its result is taken over", id="searched for",
        ),
        pytest.param(
            [A], [GIVEN_UP],
            "the same request may have been taken as 'a': `shjobs resolve a` settles both", id="an operator decides",
        ),
        pytest.param(
            [named("a", retries=1)], [failed(job="a")],
            "the same request failed as 'a', which has a paid retry left: its result is taken over", id="tried again",
        ),
        pytest.param(
            [A], [failed(job="a")],
            "the same request failed as 'a', and is not paid for again; the script threw", id="failed",
        ),
        pytest.param(
            [A], [unknown(job="a")],
            "the same request is Unknown as 'a', and is not paid for again; nothing is there", id="Unknown",
        ),
        pytest.param(
            [A], [succeeded(job="a")],
            "delivered for 'a', which has the same request: nothing was paid for this job", id="delivered",
        ),
    ],
)  # fmt: skip
def test_the_message_says_whose_run_it_is(others: list[Job], runs: list[Submission], message: str) -> None:
    _, seen, own = decided(B, others, runs)
    assert phase(B, own, seen, NOW).message == message


def test_the_status_shows_what_was_delivered_for_the_other_at_no_cost() -> None:
    _, seen, own = decided(B, [A], [succeeded(job="a", prefix=f"{URL}/a/x")])
    state = phase(B, own, seen, NOW)
    shown = document(B, own, state, "sandbox")
    assert (state.phase, shown["reason"], shown["sharedWith"]) == (Phase.SUCCEEDED, "Reused", "a")
    assert (shown["requestId"], shown["digest"], shown["processingUnits"]) == (REQUEST_ID, DIGEST, {"spent": 0.0})
    outputs = shown["outputs"]
    assert isinstance(outputs, list)
    assert [each["href"] for each in outputs] == [f"{URL}/a/x/{REQUEST_ID}/default.tif"]
    assert "history" not in shown


@pytest.mark.parametrize(
    ("change", "names"),
    [
        pytest.param(lambda peers: peers.declare(C), {"a", "b", "c"}, id="a third name"),
        pytest.param(lambda peers: peers.declare(GONE_A), {"b"}, id="a name is gone"),
        pytest.param(lambda peers: peers.declare(named("a", *BROKEN)), {"a", "b"}, id="a manifest is broken"),
        pytest.param(
            lambda peers: peers.declare(named("a", digest=OTHER_DIGEST)), {"a", "b", "z"}, id="it wants another's",
        ),
        pytest.param(lambda peers: peers.declare(replace(A, history=None)), set(), id="its bucket is listed again"),
        pytest.param(lambda peers: peers.keep(accepted(job="a", look_at=at(99))), set(), id="only polled"),
        pytest.param(lambda peers: peers.keep(succeeded(job="a")), {"a", "b"}, id="a run ended"),
        pytest.param(lambda peers: peers.keep(accepted(job="q", number=9)), {"a", "b"}, id="another's run"),
    ],
)  # fmt: skip
def test_only_those_with_the_same_request_are_looked_at_again(change: Any, names: set[str]) -> None:
    peers = Peers(by_name(A, B, named("z", digest=OTHER_DIGEST)), [accepted(job="a")])
    change(peers)
    assert (peers.take_changed(), peers.take_changed()) == (names, set())
