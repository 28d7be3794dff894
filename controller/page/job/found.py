"""What the ledger says of one name: a job, a removed one, a document that was never accepted; or that there is none."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.ledger.lock import is_held
from controller.ledger.reads.order import phase_of
from controller.ledger.reads.reader import Reader
from controller.ledger.reads.single import SingleJob, count_alike, near_names, rejected_as, single_job, wanted_length
from controller.lifecycle.attempts import in_force
from controller.lifecycle.conditions import is_of_set
from controller.lifecycle.status import document, rejected_status
from controller.model.errors import StateError
from controller.model.job import Job
from controller.model.job_set import set_reference
from controller.model.reasons import JobState, Reason
from controller.model.submission import Outcome, Submission
from controller.operations.inspect.single.alone import case_alone
from controller.operations.inspect.single.reported import case_reported
from controller.operations.inspect.why import Case, explain, explain_reported
from controller.page.context import NotFound, ViewContext
from controller.settings.settings import Settings

MOST_SUBMISSIONS = 13  # one more than are shown, to compare the last of them with
MOST_ALIKE = 200
"""Jobs or submissions with one request, above which the rules are not asked what follows from all of them."""
LARGEST_REQUEST = 1_500_000  # characters
DAMAGED = "a part of what the ledger has of it cannot be read by this version: what can be read is shown"
TOO_LARGE = "its request is too large for this page"
NOT_REPORTED = "it was accepted, and nothing was reported of it yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundJob:
    """One job. `status` is its status document; `job` is None for what was never accepted, or cannot be read.

    `submissions` are the latest, newest first, `older` counts the others, and `spent` is what all cost, in PU.
    `delivered` is the one that shows what the job delivered, of whichever job.
    `is_as_reported`: the state is the one last reported, not derived now. `notes` say what cannot be shown.
    """

    name: str
    path: str
    status: Mapping[str, Any]
    why: str
    job: Job | None = None
    submissions: Sequence[Submission] = ()
    delivered: Submission | None = None
    older: int = 0
    spent: float = 0.0
    request: Mapping[str, Any]
    is_as_reported: bool = True
    notes: Sequence[str] = ()


def found_job(context: ViewContext) -> FoundJob:
    """The job of the address. Raises `NotFound`, with the names that were probably meant."""
    store, name = context.store, context.name
    if store is None:
        raise NotFound("there is no ledger in this state directory yet, or one of an older version")
    single = single_job(store, name, MOST_SUBMISSIONS)
    if single is None:
        return _never_accepted(store, name) or _nothing(store, name)
    return _accepted(store, context.settings, name, single, context.now)


def _accepted(store: Reader, settings: Settings, name: str, single: SingleJob, now: datetime) -> FoundJob:
    notes = [] if single.is_whole else [DAMAGED]
    case = _case(store, settings, name, single, now)
    job = case.job if case else single.job
    reported, recorded = store.reported(name), {} if case else _recorded(store, name, job)
    state = case.job_state if case else _state(*reported) or _state_in(recorded)
    submissions = case.submissions if case else single.submissions
    status = recorded or _status(name, job, submissions, state, settings, reported)
    request, problem = _request(store, name, job, single.submissions)
    return FoundJob(
        name=name,
        path=job.path if job else "",
        job=job,
        status=status,
        why=explain(case, now) if case else _why(name, state, status),
        submissions=single.submissions,
        delivered=_delivered(job, case.job_state if case else None, single.submissions),
        older=single.older,
        spent=single.spent,
        request=request,
        is_as_reported=case is None and not is_held(settings.state),
        notes=[*notes, *filter(None, [problem])],
    )


def _case(store: Reader, settings: Settings, name: str, single: SingleJob, now: datetime) -> Case | None:
    """What follows from its own rows now; None where that takes a turn of the loop."""
    wanted = single.job.wanted if single.job else None
    if wanted is None or not single.is_whole or single.older > MOST_ALIKE:
        return None
    if count_alike(store, wanted.digest, MOST_ALIKE) > MOST_ALIKE:
        return None
    return case_alone(store, settings, name, now) or case_reported(store, settings, name, now)


def _delivered(job: Job | None, state: JobState | None, submissions: Sequence[Submission]) -> Submission | None:
    """The run of another job that serves this one, its own in force, or the last that delivered what it wanted then."""
    if state and state.shared:
        return state.shared.run
    current = in_force(job.wanted, submissions) if job and job.wanted else None
    if current and current.outcome is Outcome.SUCCEEDED:
        return current
    return next((each for each in submissions if each.outcome is Outcome.SUCCEEDED), None)


def _state(reason: str, message: str) -> JobState | None:
    """The state that was recorded; None when this version does not know the reason."""
    return JobState(reason=Reason(reason), message=message) if reason in set(Reason) else None


def _state_in(status: Mapping[str, Any]) -> JobState | None:
    return _state(str(status["reason"]), str(status["message"])) if status else None


def _why(name: str, state: JobState | None, status: Mapping[str, Any]) -> str:
    if state:
        return explain_reported(name, state)
    if not status["reason"]:
        return f"{name}: {NOT_REPORTED}."
    return f"{name} is {status['phase']} ({status['reason']}): {status['message']}."


def _recorded(store: Reader, name: str, job: Job | None) -> dict[str, Any]:
    """The status document as last written; nothing for a cell, whose set has one."""
    if job is None:
        return {}
    with suppress(StateError):
        for each in store.statuses_of(job.path):
            if each.get("name") == name and not is_of_set(each):
                return each
    return {}


def _status(
    name: str, job: Job | None, submissions: Sequence[Submission], state: JobState | None, settings: Settings,
    reported: tuple[str, str],
) -> Mapping[str, Any]:  # fmt: skip
    """The status document of what has none of its own, such as a cell."""
    bare, (reason, message) = job or Job(name=name, path=""), reported
    if state is None:
        plain = {"name": name, "phase": str(phase_of(reason)), "reason": reason, "message": message or NOT_REPORTED}
        return {**plain, "manifest": {"accepted": True}}
    return document(bare, submissions, state, settings.deployment.name)


def _request(
    store: Reader, name: str, job: Job | None, submissions: Sequence[Submission]
) -> tuple[Mapping[str, Any], str]:  # fmt: skip
    """The request that the job wants, of a removed one what it sent last; and why it is not shown."""
    try:
        if job and job.wanted and wanted_length(store, name) > LARGEST_REQUEST:
            return {}, TOO_LARGE
        wanted = store.wanted_request(name)
        return wanted or (store.sent_request(submissions[0].number) if submissions else {}), ""
    except StateError:
        return {}, "its request cannot be read"


def _never_accepted(store: Reader, name: str) -> FoundJob | None:
    for path in rejected_as(store, name, 1):
        status = {**rejected_status(name, ()), "manifest": {"accepted": False, "problems": []}}
        with suppress(StateError):
            found = [each for each in store.statuses_of(path) if each.get("name") == name and not is_of_set(each)]
            status = {**status, **(found[0] if found else {})}
        why = _why(name, _state_in(status), status)
        return FoundJob(name=name, path=path, status=status, why=why, request={})
    return None


def _nothing(store: Reader, name: str) -> FoundJob:
    if store.cells_of(name, most=1):
        raise NotFound(f"{name} is a set, not a job: its page is sets/{name}")
    if rejected_as(store, set_reference(name), 1):
        raise NotFound(f"{name} is a set that was never accepted; `shjobs check` shows why")
    near = near_names(store, name)
    hint = f": did you mean {' or '.join(near)}?" if near else "; the list of jobs has all names"
    raise NotFound(f"there is no job {name}{hint}")
