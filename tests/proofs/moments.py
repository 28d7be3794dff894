"""Every moment of a job's life, on the model: the process dies there, and its database is kept, lost, or put back.

The life is cut into steps of a quarter of a second, finer than any call of the model, and at every write and commit of
the ledger. Each moment meets each fate of the POST and of the request copy, and a copy of the database from each
earlier moment. `histories` draws such cases by chance; here none is left out.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from random import Random

from controller.model.submission import Answer
from tests.proofs.cloud import CopyFate, PostFate
from tests.proofs.histories import CALM, History
from tests.proofs.record import tell

STEP = 0.25
"""Seconds."""
LIFE = 6.0
"""Seconds in which a job is listed, claimed and posted in the model."""
FUSES = 24
POSTS = (PostFate.ACCEPTED, PostFate.LOST, PostFate.BEFORE, PostFate.RATE, PostFate.BODY, PostFate.UNSENT)
COPIES = (CopyFate.AT_ACCEPT, CopyFate.LATE, CopyFate.NEVER)
KEPT, LOST = "kept", "lost"
SMALL = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One case: it dies `after` seconds, or at the `fuse`-th write; its database is kept, lost, or an older one."""

    post: PostFate
    copy: CopyFate
    arrives: bool
    database: str | float
    after: float = 0.0
    fuse: int | None = None


def moments() -> Iterator[Moment]:
    """All of them."""
    times = [number * STEP for number in range(int(LIFE / STEP) + 1)]
    for post, copy, arrives in product(POSTS, COPIES, (True, False)):
        for fuse, database in product(range(FUSES), (KEPT, LOST)):
            yield Moment(post=post, copy=copy, arrives=arrives, database=database, fuse=fuse)
        for after in times:
            earlier: list[str | float] = [time for time in times if time < after]
            for then in (KEPT, LOST, *earlier):
                yield Moment(post=post, copy=copy, arrives=arrives, database=then, after=after)


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Every case (small: 100 of them by chance): at most one charge, and delivered or a hold that has a name."""
    cases = list(moments())
    chosen = Random(seed).sample(cases, SMALL) if small else cases
    figures = Counter[str]()
    for number, case in enumerate(chosen, 1):
        figures += _lived(case)
        if number % 2000 == 0:
            tell(f"moments: {number} of {len(chosen)}")
    double = {"charged_twice": figures.pop("charged_twice", 0)}
    return {"moments": len(chosen), **dict(sorted(figures.items())), **double}


def _lived(case: Moment) -> Counter[str]:
    """One life and its end."""
    with closing(History()) as history:
        history.remove("b")
        history.posts((case.post, PostFate.ACCEPTED))
        history.copies(case.copy)
        _die(history, case)
        history.fair()
        history.copies(case.copy)
        history.world.wait(CALM)
        charges = sum(sent.charged for sent in history.world.cloud.sent)
        assert charges <= 1, f"{case}: charged {charges} times"
        history.end()
        kind = case.database if isinstance(case.database, str) else "put_back"
        sent = "" if history.world.cloud.sent else "_nothing_was_sent"
        return Counter({f"{_ended(history)}_{kind}{sent}": 1, "charges": charges})


def _die(history: History, case: Moment) -> None:
    """Bring the life to its moment, and do to the database what the case says."""
    [machine] = history.world.machines
    copied = case.database if isinstance(case.database, float) else None
    if case.fuse is not None:
        history.world.down, history.world.arrives = 0.0, case.arrives
        machine.disk.db.fuse = case.fuse
        history.world.wait(LIFE)
        machine.disk.db.fuse = None
    elif copied is not None:
        history.world.wait(copied)
        machine.keep_backup()
    history.world.wait(case.after - (copied or 0.0))
    machine.die(0.0, arrives=case.arrives)
    if case.database == LOST:
        machine.lose_database()
    elif copied is not None:
        machine.restore_backup()


def _ended(history: History) -> str:
    """Delivered, refused by the service, or held for an operator."""
    [machine] = history.world.machines
    rows = [row for row in machine.rows() if row.job == "a"]
    if any(row.outcome for row in rows):
        return "delivered"
    if any(row.answer is Answer.UNCONFIRMED for row in rows):
        return "operator"
    return "refused"
