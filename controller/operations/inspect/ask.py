"""Sends a command to the running controller: tries it on a copy of the ledger, then appends it to the inbox."""

from datetime import datetime
from pathlib import Path

from controller.ledger.inbox import append
from controller.ledger.location import FILE_NAME
from controller.ledger.lock import holder, submitter_lock
from controller.ledger.reads.reader import Reader
from controller.ledger.store import Store
from controller.lifecycle.commands import Accept, Adopt, Command, FirstRun, Resolve, Retry
from controller.model.clock import Clock
from controller.model.errors import StateError, UsageError, no_such_jobs
from controller.model.submission import Submission
from controller.reconcile.admission import Admission
from controller.reconcile.recorder import meaning_of, outcome_of_command
from controller.reconcile.wiring import Assembly, turned_copy
from controller.settings.settings import Settings


def ask(settings: Settings, command: Command) -> str:
    """Append a command, bound to what it is about now; returns what it will do, if that needs words.

    Raises `UsageError` with the reason when it cannot be carried out now.
    """
    now = Clock().now()
    with turned_copy(settings, now) as assembly:
        bound, words = _tried(command, assembly, settings, now)
    send(settings.state, now, bound)
    return words


def send(state: Path, now: datetime, *commands: Command) -> None:
    """Append commands to the inbox, all or none.

    A ledger is created or migrated only under the lock: an older controller may be working on it."""
    reader = Reader.of(state)
    if reader is not None:
        reader.close()
        append(state, now, (each.model_dump_json() for each in commands))
        return
    if worker := holder(state):
        raise StateError(
            f"{state / FILE_NAME} was written by an older version of shjobs, and {worker} is working on it: stop that "
            "one and start this version, or run the command with the older one"
        )
    with submitter_lock(state), Store.open(state, {}) as store, store.transaction():
        for each in commands:
            store.add_command(now, each.model_dump_json())


def _tried(command: Command, assembly: Assembly, settings: Settings, now: datetime) -> tuple[Command, str]:
    match command:
        case Accept(hash=label):
            return command, meaning_of(label, assembly.ledger, Admission(assembly.ledger, settings))
        case Resolve() | Adopt():
            if command.job not in assembly.ledger.jobs:
                raise no_such_jobs([command.job], assembly.ledger.jobs)
            answer = outcome_of_command(command, assembly.ledger, now)
            if isinstance(answer, str):
                raise UsageError(answer)
            return _bound(command, answer)
        case FirstRun() | Retry():
            pass
    return command, ""


def _bound(command: Resolve | Adopt, found: Submission) -> tuple[Command, str]:
    """The command for this submission alone: what is unconfirmed, or asked for, may be another one when it is read."""
    if isinstance(command, Adopt):
        return command.model_copy(update={"submission": found.id}), found.id
    named = {"submission": found.id, "intended_at": found.intended_at}
    return command.model_copy(update=named), f"{found.id}, sent at {found.intended_at:%Y-%m-%d %H:%M:%S} UTC"
