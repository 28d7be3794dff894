"""Which changes are events that receivers hear of. Pure: the loop's announcer records what these return.

An event's id is made of what happened, so that it is the same whenever it is recorded again: a restart repeats none.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache

from controller.lifecycle.phase import overspending
from controller.limits.budget import DUST, Spending, overspent_hash, reservation
from controller.model.job import Job, Wanted
from controller.model.job_set import set_reference
from controller.model.notices.event import Event, Topic, event_id
from controller.model.reasons import JobState, Phase, Reason
from controller.model.submission import Submission, digest16
from controller.notify.commands import commands_for_job

COMPLETE = "Complete"
"""The reason of the event of a set whose cells that are due are all Succeeded."""
NEARLY, ALL = 80, 100
"""Percent of the monthly budget that are an event."""
ENDED = "Ended"
"""The phase of an event that says that a condition is over."""
_TOPICS = {
    Phase.FAILED: Topic.FAILED,
    Phase.UNKNOWN: Topic.UNKNOWN,
    Phase.HELD: Topic.HELD,
    Phase.SUCCEEDED: Topic.SUCCEEDED,
}
_NO_NEWS = frozenset({Reason.ON_HOLD, Reason.PAUSED, Reason.UNCOMMITTED})
"""Holds that the user asked for, or is about to end with a commit."""
_BY_SET = frozenset({Reason.TRIAL, Reason.WINDOW_LIMIT})
"""Holds that all cells of a set have in common: they are one event of the set."""


def topic_of(reason: Reason) -> Topic | None:
    """What receivers hear a state as; None: it is no news. One that is searched for needs no operator yet."""
    if reason is Reason.NEEDS_PERSON:
        return Topic.UNCONFIRMED
    return None if reason in _NO_NEWS else _TOPICS.get(reason.phase)


def job_event(
    instance: str, at: datetime, job: Job, job_state: JobState, submission: Submission | None, set_name: str = ""
) -> Event | None:  # fmt: skip
    """The event of a job that has come to this state; None: it is no news.

    `submission` is the one in force. A hold is another event when another yes is needed, and for another submission.
    """
    topic, wanted, reason = topic_of(job_state.reason), job.wanted, job_state.reason
    if topic is None or wanted is None:
        return None
    run = job_state.shared.run if job_state.shared else submission
    command = _command(job, job_state)
    is_of_set = reason in _BY_SET and wanted.cell is not None
    subject = set_reference(set_name) if is_of_set else job.name
    what = [wanted.cell.recipe] if is_of_set and wanted.cell else [_submission_part(wanted, run)]
    hold = [] if topic is not Topic.HELD else [reason, job_state.message if is_of_set else command]
    return Event(
        id=event_id(instance, subject, *what, reason.phase, *hold),
        at=at,
        topic=topic,
        message=job_state.message,
        subject=subject,
        set_name=set_name,
        labels=_labels(wanted.labels),
        revision=(submission.revision if submission else "") or wanted.revision,
        submission=run.id if run and not is_of_set else "",
        phase=reason.phase,
        reason=reason,
        processing_units=None if is_of_set else _units(topic, wanted, job_state, submission),
        command=command,
    )


def completed_event(
    instance: str, at: datetime, set_name: str, message: str, labels: tuple[tuple[str, str], ...] = (),
    revision: str = "",
) -> Event:  # fmt: skip
    """The event of a set whose cells that are due are all Succeeded. It may become so many times."""
    return Event(
        id=event_id(instance, set_reference(set_name), COMPLETE, at.isoformat()),
        at=at,
        topic=Topic.SET_COMPLETE,
        message=message,
        subject=set_reference(set_name),
        set_name=set_name,
        labels=_labels(labels),
        revision=revision,
        phase=Phase.SUCCEEDED,
        reason=COMPLETE,
    )


def rejected_event(
    instance: str, at: datetime, path: str, name: str, message: str, labels: tuple[tuple[str, str], ...] = (),
    set_name: str = "",
) -> Event:  # fmt: skip
    """The event of a manifest that is not accepted, as recorded at this time.

    `name` is that of its job, `set/<name>` of its set, or "" when it cannot be read; then the event is of the file.
    """
    return Event(
        id=event_id(instance, path, name, message, Reason.REJECTED, at.isoformat()),
        at=at,
        topic=Topic.FAILED,
        message=message,
        subject=name or path,
        set_name=set_name,
        labels=_labels(labels),
        phase=Phase.INVALID,
        reason=Reason.REJECTED,
        command="shjobs check",
    )


def budget_events(
    instance: str, at: datetime, spending: Spending | None, overspent: Submission | None, *, is_holding: bool
) -> Iterator[Event]:  # fmt: skip
    """The levels of the monthly budget that are reached, once a month each, and what cost more than was reserved.

    `is_holding`: a job waits since its cost is above what is left, which counts as 100 %.
    """
    if spending is not None and spending.budget:
        share = 100 * (spending.spent + spending.reserved + DUST) / spending.budget
        if share >= NEARLY:
            words = f"{NEARLY} % of monthlyBudget ({spending.budget:,.0f} PU) are spent or reserved"
            yield _budget_event(instance, at, spending, NEARLY, words)
        if share >= ALL or is_holding:
            words = f"monthlyBudget ({spending.budget:,.0f} PU) is used up, or less is left than a job may cost,"
            yield _budget_event(instance, at, spending, ALL, words)
    if overspent is not None:
        yield Event(
            id=event_id(instance, "budget", "overspent", overspent_hash(overspent)),
            at=at,
            topic=Topic.BUDGET,
            message=overspending(overspent),
            phase=Phase.HELD,
            reason=Reason.OVERSPENT,
            revision=overspent.revision,
            submission=overspent.id,
            processing_units=overspent.spent,
            command=f"shjobs accept {overspent_hash(overspent)}",
        )


def begun_event(instance: str, at: datetime, word: str, message: str) -> Event:
    """A condition of the controller as a whole begins, such as `CredentialsRefused`."""
    return Event(
        id=event_id(instance, "condition", word, at.isoformat()),
        at=at,
        topic=Topic.SERVICE,
        message=message,
        reason=word,
        command="shjobs doctor",
    )


def ended_event(instance: str, at: datetime, word: str, since: str) -> Event:
    """The condition that began at `since` (ISO 8601) is over."""
    return Event(
        id=event_id(instance, "condition", word, since, ENDED),
        at=at,
        topic=Topic.SERVICE,
        message=f"is well again: {word} is over, which began at {since[:19]}Z",
        phase=ENDED,
        reason=word,
    )


def _budget_event(instance: str, at: datetime, spending: Spending, level: int, words: str) -> Event:
    left = max(0.0, spending.left or 0.0)
    amounts = f"{spending.spent:,.2f} spent, {spending.reserved:,.2f} reserved, {left:,.2f} left"
    return Event(
        id=event_id(instance, "budget", spending.month, str(level)),
        at=at,
        topic=Topic.BUDGET,
        message=f"{words} in {spending.month} (UTC): {amounts}",
        reason=f"Budget{level}",
        processing_units=spending.spent + spending.reserved,
    )


def _submission_part(wanted: Wanted, run: Submission | None) -> str:
    """What identifies the submission, also one that is still to be made."""
    return run.id if run else f"{digest16(wanted.digest)}-r{wanted.rerun}"


def _units(topic: Topic, wanted: Wanted, job_state: JobState, submission: Submission | None) -> float | None:
    if topic is Topic.HELD:
        return reservation(wanted)
    if job_state.shared:
        return 0.0
    return submission.spent if submission else None


def _command(job: Job, job_state: JobState) -> str:
    """What an operator types; "" where the manifest or the settings are to be edited."""
    if job_state.reason.phase is Phase.SUCCEEDED:
        return ""
    owner = job_state.shared.owner if job_state.shared else ""
    found = commands_for_job(job.name, "", job_state.reason, job_state.message, owner)
    return found[-1 if job_state.phase is Phase.HELD else 0]["command"] if found else ""


@lru_cache(maxsize=1024)
def _labels(pairs: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Kept once for all jobs with the same labels."""
    return dict(pairs)
