"""What people asked for through the inbox, carried out on the book: one sentence each for the events.

The loop calls this at every turn, inside one transaction; `inbox` says what becomes of a submission.
"""

import logging
from datetime import datetime

from controller.admission import Admission
from controller.ledger.ledger import Book
from controller.lifecycle.commands import Accept, Adopt, Command, FirstRun, Ignored, Resolve, carried_out
from controller.limits.budget import overspent_hash

log = logging.getLogger(__name__)


def concerned(command: Command | Ignored) -> str:
    """The job a command is about; "" when it may be about all of them."""
    return command.job if isinstance(command, Resolve | Adopt) else ""


def carry_out(command: Command | Ignored, book: Book, admission: Admission, now: datetime) -> str:
    """Do it; answers what was done, or why it cannot be done."""
    match command:
        case FirstRun():
            book.begin_history()
            return "a person said that nothing was submitted before"
        case Accept(hash=label):
            return _accept(label, book, admission, now)
        case Resolve() | Adopt():
            return _settle(command, book, now)
        case Ignored(why=why):
            log.warning("%s", why)
            return why


def _settle(command: Resolve | Adopt, book: Book, now: datetime) -> str:
    job, holder = book.jobs.get(command.job), book.holder(command.request_id)
    answer = carried_out(command, job, book.of(command.job), holder, now)
    if isinstance(answer, str):
        return answer
    if answer.number:
        book.save(answer)
    else:
        book.add(answer)
    return f"an operator resolved {answer.id}: {answer.answer}"


def _accept(label: str, book: Book, admission: Admission, now: datetime) -> str:
    told = f"a person accepted {label}: {meaning_of(label, book, admission)}"
    book.accept(label, now)
    admission.accepted(label)
    return told


def meaning_of(label: str, book: Book, admission: Admission) -> str:
    """What a yes to this hash does now."""
    waiting = admission.waiting()
    for batch in waiting:
        if batch.hash == label:
            return f"{batch.jobs:,} of up to {batch.units:,.2f} PU are released ({batch.cause})"
    for submission in book.overspent():
        if overspent_hash(submission) == label:
            return f"submissions go on after {submission.job} ({submission.id})"
    others = ", ".join([*(batch.hash for batch in waiting), *map(overspent_hash, book.overspent())])
    return (
        f"nothing waits for it now ({f'what waits is {others}' if others else 'nothing waits for any'}); "
        "it is remembered, and releases exactly that set should it become due"
    )
