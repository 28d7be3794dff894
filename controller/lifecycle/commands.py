"""The operator's commands from the inbox, applied to submissions.

Pure. The command line appends commands to the ledger's inbox table; the loop processes them in its next turn, so that
only one process ever decides (DESIGN §7). Each names the submission it is about, so that the same command twice, or
one that comes late, pays nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from controller.lifecycle.adoption import intent
from controller.lifecycle.attempts import in_force
from controller.model.answers import Accepted, Refusal, Refused
from controller.model.errors import truncate
from controller.model.job import RETRIED, Job, Wanted
from controller.model.submission import REQUEST_ID, Answer, Outcome, Submission


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Resolve(_Command):
    """The outcome of an Unconfirmed submission, given by an operator; `request_id` None: it was not accepted."""

    command: Literal["resolve"] = "resolve"
    job: str
    request_id: str | None
    submission: str = ""
    """Which one, by its id and by its time: one that was refused is sent again under its id. "": the one that is shown,
    as before versions that say it."""
    intended_at: datetime | None = None


class Adopt(_Command):
    """The request that was already paid for what the job wants now, named by an operator."""

    command: Literal["adopt"] = "adopt"
    job: str
    request_id: str
    submission: str = ""
    """The id that the job's current request has; "" when it was not said."""


class Accept(_Command):
    """Approval of a large change, or to go on after a submission that cost too much: whichever has the hash."""

    command: Literal["accept"] = "accept"
    hash: str
    by: str = ""
    """Who, as the command line found it."""


class Retry(_Command):
    """Pay again for runs that did not succeed, each named by its job and submission: what has moved on is left alone.

    With `unknown` also for those of unknown outcome. `of` is the reference of the set that was named; "" for jobs.
    """

    command: Literal["retry"] = "retry"
    runs: tuple[tuple[str, str], ...]
    unknown: bool = False
    of: str = ""
    by: str = ""
    """Who, as the command line found it."""


class FirstRun(_Command):
    """An operator confirms that nothing was submitted before this ledger was created."""

    command: Literal["first-run"] = "first-run"


Command = Resolve | Adopt | Accept | Retry | FirstRun
COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="command")])
LONGEST_COMMAND = 10_000  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A row of the inbox that is not a command of this version, and why."""

    why: str


def read_command(text: bytes) -> Command | Ignored:
    """The command as written; anything else in the inbox is ignored and blocks nothing."""
    if len(text) > LONGEST_COMMAND:
        return Ignored(why=f"a command was ignored: it is longer than {LONGEST_COMMAND:,} bytes")
    try:
        return COMMANDS.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        why = truncate(ascii(f"{field}: {first['msg']}" if field else first["msg"])[1:-1], 200)
        start = truncate(ascii(text[:100].decode(errors="replace"))[1:-1], 100)
        return Ignored(why=f"a command that this version does not know was ignored: {start} ({why})")


def apply_command(
    command: Resolve | Adopt, job: Job | None, submissions: Sequence[Submission], holder: Submission | None,
    now: datetime, shared: Submission | None = None,
) -> Submission | str:  # fmt: skip
    """The submission that the command creates or changes; a sentence when it cannot be done.

    `holder` is the submission that already has the named request, of any job; `shared` another job's run of the same
    request, which serves this one as long as it has none of its own. An id not in the service's format is a
    typo: it would be polled in vain and never settle.
    """
    if job is None:
        return f"there is no job {command.job}"
    if command.request_id is not None and not REQUEST_ID.fullmatch(command.request_id):
        return (
            f"{truncate(command.request_id, 60)!r} is no request id: write the whole id as the service gave it, "
            "such as 6fd0b4e5-0000-4000-8000-000000000001"
        )
    if holder is not None:
        return f"{command.request_id} is already the request of {holder.job} ({holder.id})"
    is_own = any(item.answer is Answer.UNCONFIRMED for item in submissions) and isinstance(command, Resolve)
    if shared is not None and not is_own and (job.wanted is None or in_force(job.wanted, submissions) is None):
        return f"{job.name} shares the run of {shared.job} ({shared.id}): `shjobs describe {shared.job}` shows it"
    if isinstance(command, Resolve):
        return _resolved(command, job, submissions, now)
    return _adopted(command, job, submissions, now)


def _resolved(command: Resolve, job: Job, submissions: Sequence[Submission], now: datetime) -> Submission | str:
    """The Unconfirmed submission with its answer: the one the job shows, else the latest; a sentence if there is none.

    The time of its lost response is kept, so the breaker does not change.
    """
    unconfirmed = [item for item in submissions if item.answer is Answer.UNCONFIRMED]
    if not unconfirmed:
        return f"{command.job} has no unconfirmed submission"
    meant = _meant(command, job, unconfirmed, submissions)
    if meant is None:
        return f"{command.submission} of {command.job} is not the submission that waits for an answer any more"
    if command.request_id is not None:
        said = meant.answered(Accepted(request_id=command.request_id), now, look_at=now)
    else:
        refused = Refused(why=Refusal.NOT_ACCEPTED, message="an operator said that the service did not accept it")
        said = meant.answered(refused, now, look_at=None)
    return replace(said, said_by_operator=True, answered_at=meant.answered_at)


def _meant(
    command: Resolve, job: Job, unconfirmed: Sequence[Submission], submissions: Sequence[Submission]
) -> Submission | None:
    if command.submission:
        named = (item for item in unconfirmed if item.id == command.submission)
        return next((item for item in named if command.intended_at in (None, item.intended_at)), None)
    shown = in_force(job.wanted, submissions) if job.wanted else None
    return shown if shown in unconfirmed else unconfirmed[-1]


def _adopted(command: Adopt, job: Job, submissions: Sequence[Submission], now: datetime) -> Submission | str:
    """A submission of what the job wants, already accepted under this id; a sentence when it must not be created."""
    if job.wanted is None:
        return f"{job.name} has no accepted manifest"
    current = in_force(job.wanted, submissions)
    if current is not None:
        return f"{job.name} already has a submission for this digest ({current.id}, {current.request_id or 'no id'})"
    made = replace(intent(job, job.wanted, job.wanted.rerun, 0, now), adopted=True, revision="")
    if command.submission not in ("", made.id):
        return f"{job.name} asks for something else now ({made.id}) than when this was said ({command.submission})"
    named = made.answered(Accepted(request_id=command.request_id), now, look_at=now)
    return replace(named, said_by_operator=True, answered_at=None)


_REFUSED = frozenset({Refusal.BODY, Refusal.SPURIOUS})
"""Refusals that stop a job for good."""


def shown_run(
    wanted: Wanted, submissions: Sequence[Submission], shared: Submission | None = None
) -> Submission | None:  # fmt: skip
    """The run whose outcome the job shows: the one in force, else the `shared` one, but a refused one that came later.

    `shared` is the run under another name that serves a job without one.
    """
    current = in_force(wanted, submissions) or shared
    sought = (wanted.digest, wanted.rerun)
    refused = [item for item in submissions if item.is_refused and (item.digest, item.rerun) == sought]
    last = max(refused, key=lambda item: (item.attempt, item.number), default=None)
    if last is None or last.refused is None or last.refused.why not in _REFUSED:
        return current
    is_later = current is None or (last.rerun, last.attempt) > (current.rerun, current.attempt)
    return last if is_later else current


def retried(
    job: Job | None,
    submissions: Sequence[Submission],
    run: str,
    by: str,
    *,
    unknown: bool = False,
    shared: Submission | None = None,
) -> Job | str:
    """The job with its `rerun` raised so that this run is repeated; a sentence when it is not to be."""
    if job is None or job.wanted is None:
        return "there is no such job"
    if job.problems:
        return f"its manifest cannot be accepted as it is now ({job.problems[0]})"
    shown = shown_run(job.wanted, submissions, shared)
    if shown is None or shown.id != run:
        return f"{run} is not what it shows now" + (f" ({shown.id})" if shown else "")
    if reason := _not_repeated(shown, unknown=unknown):
        return reason
    raised = job.wanted.with_raise(shown.rerun + 1 - job.wanted.declared_rerun, by)
    return replace(job, wanted=replace(raised, cause=RETRIED))


def _not_repeated(shown: Submission, *, unknown: bool) -> str:
    """Why a run needs no repetition; "" when it does."""
    if shown.is_refused or shown.outcome is Outcome.FAILED:
        return ""
    if shown.outcome is Outcome.UNKNOWN:
        return (
            ""
            if unknown
            else "its outcome is unknown, and late evidence may settle it; --unknown pays again all the same"
        )
    return f"it has {'succeeded' if shown.outcome is Outcome.SUCCEEDED else 'not ended'}"
