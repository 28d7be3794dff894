"""Draws up the vital signs of a loop from its parts; `vitals` says what they mean."""

from datetime import datetime

from controller.agenda import Agenda
from controller.ledger.ledger import Book
from controller.limits.gate import Limits
from controller.lookout import Lookout
from controller.telling import Teller
from controller.vitals import Vitals


def health(
    book: Book, agenda: Agenda, lookout: Lookout, teller: Teller, limits: Limits, budget: float | None, now: datetime
) -> Vitals:
    """The vital signs at the time of the last turn."""
    is_shut = limits.opens_at is not None and limits.opens_at > now
    return Vitals(
        at=now,
        spending=book.spending(now, budget),
        phases=dict(teller.phases),
        running=book.running,
        places=book.running + limits.slots,
        waiting=agenda.waiting,
        oldest=agenda.oldest,
        gate=limits.reason if is_shut else None,
        message=limits.message,
        is_paused=limits.paused,
        clock=limits.doubt,
        scanned_at=lookout.scanned_at,
        tree=lookout.unready,
        status=teller.board.trouble,
    )
