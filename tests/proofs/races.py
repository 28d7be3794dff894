"""Two controllers on one state: a pair of `shjobs sync` is started at the same moment, again and again.

In two of four pairs one is stopped by a signal at a seeded moment and continued at another: once the first one, at any
moment of its life, once whoever holds the lock. A pair counts only if one of the two was refused while the other,
alive, held the lock. The oracle is the sandbox's ledger.
"""

import random
import re
import signal
import time
from collections import Counter

from tests.proofs.ground import Ended, Ground, Running, ground, until
from tests.proofs.record import tell

JOBS = 3
REFUSED = re.compile(r"is in use by process (\d+); only one process at a time may submit")
NAMELESS = "is in use by another process;"


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """200 contended pairs (small: 2): 0 double submissions, and the loser names the holder and ends with 2."""
    wanted = 2 if small else 200
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
    with ground(scale=0.02) as field:
        for pair in range(3 * wanted):
            if counts["pairs"] == wanted:
                break
            replay = f"races, seed {seed}, pair {pair}"
            if pair % 25 == 0:
                tell(replay)
            for job in range(JOBS):
                field.write(f"job-{job}", JOBS * pair + job)
            counts += _raced(field, chance, replay, ("", "first", "", "holder")[pair % 4])
            field.assert_paid_once(replay)
            _assert_all_done(field, JOBS * (pair + 1), replay)
        posts = field.posts()
    assert counts["pairs"] == wanted, f"only {counts['pairs']} of {wanted} pairs met, seed {seed}"
    return {
        "pairs": counts["pairs"],
        "pairs_with_a_stop": counts["stops"],
        "pairs_stopped_while_holding_the_lock": counts["stops while holding"],
        "pairs_that_did_not_meet": counts["apart"],
        "losers_that_named_the_holder": counts["named"],
        "submissions": len(posts),
        "double_submissions": posts.total() - len(posts),
    }


def _raced(field: Ground, chance: random.Random, replay: str, whom: str) -> Counter[str]:
    """One pair from start to end, `whom` of it stopped for a while; what is to be counted of it."""
    counts: Counter[str] = Counter()
    first, second = field.start("first"), field.start("second")
    stop = ""
    if whom == "first":
        time.sleep(chance.uniform(0.2, 2.0))
        stop = _stopped(field, first, chance)
    elif whom == "holder":
        until(lambda: _holder(field) in (first.pid, second.pid) or not (first.is_alive or second.is_alive))
        time.sleep(chance.uniform(0, 0.5))
        stop = _stopped(field, first if _holder(field) == first.pid else second, chance)
    ends = {first.pid: first.ended(), second.pid: second.ended()}
    losers = [pid for pid, end in ends.items() if end.code == 2]
    if not losers:
        assert {end.code for end in ends.values()} == {0}, f"{replay}: {ends}"
        return Counter(apart=1)
    assert len(losers) == 1, f"{replay}: both lost: {ends}"
    [winner] = ends.keys() - losers
    assert ends[winner].code == 0, f"{replay}: the winner ended otherwise: {ends[winner]}"
    if NAMELESS in ends[losers[0]].said:
        return Counter(apart=1)  # the winner was held up before it had written its name
    assert _named(ends[losers[0]]) == winner, f"{replay}: the holder {winner} was not named: {ends[losers[0]]}"
    counts.update(["pairs", "named"])
    if stop:
        counts.update(["stops"])
    if stop == "holding":
        counts.update(["stops while holding"])
    return counts


def _stopped(field: Ground, one: Running, chance: random.Random) -> str:
    """Stop it now, and continue it a seeded time later; says whether it held the lock meanwhile."""
    how = ""
    one.process.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(0.1, 1.0))
    if one.is_stopped:
        how = "holding" if _holder(field) == one.pid else "waiting"
    one.process.send_signal(signal.SIGCONT)
    return how


def _holder(field: Ground) -> int | None:
    """Who wrote itself into the lock file last."""
    try:
        words = (field.state / "lock").read_text().split()
    except FileNotFoundError:
        return None
    return int(words[-1]) if words else None


def _named(end: Ended) -> int | None:
    found = REFUSED.search(end.said)
    return int(found[1]) if found else None


def _assert_all_done(field: Ground, submissions: int, replay: str) -> None:
    rows = field.submissions()
    verdicts = Counter(verdict for *_, verdict in rows)
    assert verdicts == {"succeeded": submissions}, f"{replay}: {submissions} submissions, {dict(verdicts)}"
