"""Asked to end at any moment: SIGTERM in the midst of a busy life, with slow answers under way, a hundred times.

Unlike a kill it may leave nothing open: every POST that was sent is answered in the ledger when the process is gone.
"""

import random
import sqlite3
import time
from contextlib import closing
from functools import partial

from controller.sandbox.faults.faults import Fault
from tests.proofs.daemons import MOST_STOP, daemon
from tests.proofs.ground import Ground, changing, ground, until
from tests.proofs.record import tell

MOMENTS, SMALL = 100, 2
JOBS = 12
LATEST = 1.0  # seconds after the daemon began to submit
SLOW = 0.4  # seconds: now and then an answer takes so long, so that some POST is often under way
MOST_WITHOUT = 5.0  # seconds; DESIGN §12, with no POST under way


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Stop and start again; exit code 0 within the budget each time, nothing open, and each request paid for once.

    In small the time of a stop is not judged, since that depends on the machine.
    """
    moments, chance = SMALL if small else MOMENTS, random.Random(seed)
    replay = f"drain, seed {seed}"
    stops: list[float] = []
    underway = 0
    with ground(scale=0.005, scan_every="60s") as field:
        field.sandbox.faults.add(Fault(name="slow-answer", times=-1, rate=0.3, parameters={"seconds": SLOW}))
        with changing(field, JOBS, chance.randrange(2**31)):
            for moment in range(moments):
                before = field.posts().total()
                with daemon(field) as running:
                    assert until(partial(_has_sent, field, before)), f"{replay}: nothing is sent"
                    time.sleep(chance.uniform(0, LATEST))
                    underway += _unanswered(field) > 0
                    end, took = running.stopped()
                assert end.code == 0, f"{replay}, moment {moment}: it ended with {end.code}: {end.said[-2000:]}"
                assert _unanswered(field) == 0, f"{replay}, moment {moment}: a POST was left without its answer"
                stops.append(took)
                if moment % 20 == 19:
                    tell(f"{replay}: {moment + 1} of {moments}")
        field.sandbox.faults.clear()
        last = field.sync()
        assert last.code == 0, f"{replay}: the last sync ended with {last.code}: {last.said[-2000:]}"
        field.assert_paid_once(replay)
        lost = field.accepted().keys() - {request_id for _, _, request_id, _ in field.submissions()}
        assert not lost, f"{replay}: accepted, but not in the controller's ledger: {lost}"
        charges = field.charges()
    assert small or max(stops) < MOST_WITHOUT + SLOW, f"{replay}: the longest stop took {max(stops):.1f} s"
    return {
        "stops": len(stops),
        "stops_with_a_post_under_way": underway,
        "longest_stop_s": round(max(stops), 2),
        "budget_s": MOST_STOP,
        "submissions_paid_for": len(charges),
        "paid_twice": charges.total() - len(charges),
        "left_without_an_answer": 0,
    }


def _has_sent(field: Ground, before: int) -> bool:
    return field.posts().total() > before


def _unanswered(field: Ground) -> int:
    """Submissions whose intent is in the ledger, and whose answer is not."""
    with closing(sqlite3.connect(field.state / "shjobs.db")) as ledger:
        [[count]] = ledger.execute("select count(*) from submission where answer is null").fetchall()
    return int(count)
