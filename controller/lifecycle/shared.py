"""Equal requests under several names: one of them pays, and the others take over its run (DESIGN §17 "Reuse").

Pure. `next_step`, `phase` and the status ask here about a job that has no run of its own. A run that was refused cost
nothing and is not shared. One that failed is: an equal request gets an equal answer, and may have been charged.
"""

from collections.abc import Sequence

from controller.lifecycle.attempts import in_force, is_refused_for_good, pays_again
from controller.limits.gate import Limits
from controller.limits.holds import is_unable
from controller.limits.peers import Peers
from controller.model.job import Job, Wanted
from controller.model.reasons import Reason
from controller.model.step import Submit
from controller.model.submission import Answer, Outcome, SharedRun, Submission


def shared_run(job: Job, submissions: Sequence[Submission], limits: Limits) -> SharedRun | None:
    """The run under another name that serves the job, or is about to; None: it has its own, or is to pay for it."""
    wanted, peers = job.wanted, limits.peers
    if wanted is None or peers is None:
        return None
    current = in_force(wanted, submissions)
    if current is None:
        run = run_of_another(job.name, wanted, peers)
    else:
        is_due = pays_again(wanted, current, submissions, limits) is not None
        run = _instead_of_an_attempt(job.name, wanted, current, submissions, peers) if is_due else None
        if run is None:
            return None
    if run is not None:
        owner = peers.job(run.job)
        is_abandoned = owner is None or owner.wanted is None or owner.wanted.digest != run.digest
        is_tried_again = _is_tried_again(run, peers, limits)
        return SharedRun(owner=run.job, run=run, is_tried_again=is_tried_again, is_abandoned=is_abandoned)
    payer = _payer(job, wanted, peers, limits)
    return SharedRun(owner=payer) if payer else None


def run_of_another(name: str, wanted: Wanted, peers: Peers | None) -> Submission | None:
    """The run of another job, declared or removed, that serves this one as long as it has none of its own.

    What was delivered goes before what is open, that before what is Unknown, and what failed comes last.
    """
    runs = peers.runs(wanted.digest) if peers else ()
    others = (item for item in runs if item.job != name and not item.is_refused and item.rerun >= wanted.rerun)
    return max(others, key=_merit, default=None)


def _instead_of_an_attempt(
    name: str, wanted: Wanted, current: Submission, submissions: Sequence[Submission], peers: Peers
) -> Submission | None:
    """The run of another job that makes one more paid attempt needless: it delivered, or may, or may have.

    A job none of whose own attempts is known to have been taken is like one without a run: what failed serves it, too.
    """
    own = (item for item in submissions if (item.digest, item.rerun) == (current.digest, current.rerun))
    was_taken = any(item.answer is Answer.ACCEPTED for item in own)
    found = (
        item
        for item in peers.runs(wanted.digest)
        if item.job != name and item.rerun >= wanted.rerun and _may_deliver(item, current, was_taken)
    )
    return max(found, key=_merit, default=None)


def _may_deliver(run: Submission, current: Submission, was_taken: bool) -> bool:
    """Whether it counts beside `current`, whose attempt is due.

    An answer that was lost is waited for while it is searched for, and after that only by a lower rerun: of equals each
    would wait for the other.
    """
    if run.answer is Answer.UNCONFIRMED:
        return run.look_at is not None or (run.rerun > current.rerun and not was_taken)
    return not run.is_refused and not (was_taken and run.outcome is Outcome.FAILED)


def shared_reason(shared: SharedRun) -> Reason:
    """The reason of the job that shares it; what needs an operator is shown by its own job, unless that is gone."""
    run = shared.run
    if run is not None and shared.is_abandoned and run.answer is Answer.UNCONFIRMED and run.look_at is None:
        return Reason.NEEDS_PERSON
    if run is None or run.outcome is None or shared.is_tried_again:
        return Reason.SHARED_RUN
    return Reason.REUSED if run.outcome is Outcome.SUCCEEDED else Reason(run.reason)


def shared_message(shared: SharedRun) -> str:
    """Whose run it is and what is expected of it, in a sentence that stays the same until the run ends."""
    owner, run = repr(shared.owner), shared.run
    if run is None:
        words = f"will share the run of {owner}, which has the same request: nothing is paid for this job"
        return f"{words}; `shjobs why {shared.owner}` shows what that waits for"
    if shared.is_tried_again:
        return f"the same request failed as {owner}, which has a paid retry left: its result is taken over"
    if run.outcome is Outcome.SUCCEEDED:
        return f"delivered for {owner}, which has the same request: nothing was paid for this job"
    if run.outcome is not None:
        ended = "failed" if run.outcome is Outcome.FAILED else "is Unknown"
        return "; ".join(filter(None, (f"the same request {ended} as {owner}, and is not paid for again", run.message)))
    if run.answer is Answer.UNCONFIRMED and run.look_at is None:
        return f"the same request may have been taken as {owner}: `shjobs resolve {shared.owner}` settles both"
    if run.answer is Answer.UNCONFIRMED:
        return f"the same request got no clear answer as {owner}: if it is found, its result is taken over"
    return f"the same request runs as {owner}: its result is taken over"


def _merit(run: Submission) -> tuple[int, int, int, int]:
    order = {Outcome.SUCCEEDED: 3, None: 2, Outcome.UNKNOWN: 1, Outcome.FAILED: 0}
    return order[run.outcome], run.rerun, run.attempt, run.number


def _is_tried_again(run: Submission, peers: Peers, limits: Limits) -> bool:
    """Whether its own job, as it is declared now, will pay for another attempt."""
    owner = peers.job(run.job)
    if run.outcome is not Outcome.FAILED or owner is None or owner.wanted is None or owner.problems:
        return False
    if is_unable(owner.name, owner.wanted, limits):
        return False
    own = _own(owner.name, run.digest, peers)
    current, following = in_force(owner.wanted, own), Submit(rerun=run.rerun, attempt=run.attempt + 1)
    if current is None or current.number != run.number or is_refused_for_good(following, owner.wanted, own):
        return False
    return pays_again(owner.wanted, run, own, limits) is not None


def _payer(job: Job, wanted: Wanted, peers: Peers, limits: Limits) -> str:
    """The job that will pay for the request instead; "" when this one pays, or cannot ask for anything yet.

    What needs no yes of its set goes before what does, so that it never waits for that yes.
    """
    if peers.is_alone(job.name, wanted.digest):
        return ""
    if not _may_ask(job, wanted, peers, limits):
        return ""
    free, able = _firsts(wanted.digest, peers, limits)
    is_served = free is not None and free.wanted is not None and free.wanted.rerun >= wanted.rerun
    first = free if is_served or not _needs_yes(job, limits) else able
    return first.name if first and first.name != job.name else ""


def _firsts(digest: str, peers: Peers, limits: Limits) -> tuple[Job | None, Job | None]:
    """The first job that may ask for a request and needs no yes, and the first that may ask at all.

    Of equals, one that asked before goes first: its listing shows whether that was paid for after all, which the
    bucket may not have shown when it was decided that nothing was sent. They are found once in a turn: of ten thousand
    names for one request, each would look through all.
    """
    if digest not in limits.payers:
        able = [each for each in peers.wanting(digest) if each.wanted and _may_ask(each, each.wanted, peers, limits)]
        if tried := {run.job for run in peers.runs(digest)}:
            able.sort(key=lambda each: (-each.wanted.rerun if each.wanted else 0, each.name not in tried))
        free = next((each for each in able if not _needs_yes(each, limits)), None)
        limits.payers[digest] = (free, able[0] if able else None)
    return limits.payers[digest]


def _needs_yes(job: Job, limits: Limits) -> bool:
    """Whether it is a cell whose set an operator has to agree to first."""
    cell = job.wanted.cell if job.wanted else None
    ruling = limits.set_ruling(cell)
    return ruling is not None and cell is not None and ruling.needs_yes(job.name, cell)


def _may_ask(job: Job, wanted: Wanted, peers: Peers, limits: Limits) -> bool:
    """Whether nothing of its own keeps the job from being paid for: neither its manifest nor a refused body."""
    if job.problems or is_unable(job.name, wanted, limits):
        return False
    return not is_refused_for_good(Submit(rerun=wanted.rerun, attempt=0), wanted, _own(job.name, wanted.digest, peers))


def _own(name: str, digest: str, peers: Peers) -> list[Submission]:
    return [item for item in peers.runs(digest) if item.job == name]
