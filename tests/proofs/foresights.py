"""What a plan foresees against what the loop then does, on the model of the world: promise 8 without a process.

Every history first lives through a storm, as in `histories`, and a calm in which everything comes to its end. Then come
rounds of edits, each planned on a copy of the ledger and then lived through by the loop itself.
"""

import sys
from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from random import Random

from sqlite_utils import Database

from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.limits.gate import Limits
from controller.model.answers import BucketAnswer
from controller.model.submission import Outcome, Submission
from controller.operations.plan.simulate import Sight, foresee
from controller.reconcile.calls.workers import Call, ListObjects
from controller.reconcile.loop import Loop
from controller.reconcile.reporter import Reporter
from controller.reconcile.wiring import Nowhere
from controller.tree.status_cache import StatusCache
from tests.proofs.cloud import RunFate
from tests.proofs.histories import CALM, JOBS, STEPS, History, Step, steps_of
from tests.proofs.shelf import Shelf
from tests.proofs.world import TIMING, Machine

ROUNDS = 5
CALM_AFTER_STORM = max(100_000.0, CALM)
LIVED = 4 * 3600.0
"""Seconds that a round is lived through: enough for every request, one after the other, and for its retries."""
EDITS = (
    *("edit", "rerun", "retries", "hold", "move", "remove", "twin", "garble", "checkout", "rename", "repeat"),
    *("declare_set", "rule_set", "resize_set", "change_recipe", "rename_set", "break_set", "mend_set", "remove_set"),
    *("move_in", "move_out", "agree", "retry"),
    *("choose", "runs", "copies", "bucket", "first_run"),
)
HIGHEST_RERUN = 40

Key = tuple[str, str, int, int]


def histories_of(seed: int, first: int, count: int) -> Counter[str]:
    """Live through `count` histories; AssertionError with seed and number when a plan was wrong."""
    figures: Counter[str] = Counter()
    for index in range(first, first + count):
        figures.update(_lived(seed, index))
    return figures


def _lived(seed: int, index: int) -> Counter[str]:
    random = Random(f"{seed}/{index}/plans")
    history = History()
    figures: Counter[str] = Counter()
    try:
        for step in steps_of(seed, index):
            if step.name != "clone":
                history.take(step)
        history.fair()
        machine = history.world.machines[0]
        machine.disk.db.fuse = None
        if machine.skew:
            history.clock(0, 0.0, 0.0)  # with a wrong one a new ledger pays for nothing, which no plan can know
        history.wait(CALM_AFTER_STORM)
        for number in range(ROUNDS):
            edits = _edits(random)
            for step in edits:
                history.take(step)
            place = f"seed {seed}, history {index}, round {number}: {', '.join(map(str, edits))}"
            figures.update(_compared(history, machine, place))
    finally:
        history.close()
    return figures


def _edits(random: Random) -> list[Step]:
    """A few edits; a change of the weather stays fair to POSTs, and requests end within the round."""
    steps = []
    for name in random.choices(EDITS, [STEPS[name][0] for name in EDITS], k=random.randint(1, 5)):
        values = tuple(random.choice(choices) for choices in STEPS[name][1])
        if name == "runs":
            values = (random.choice(list(RunFate)), random.choice((20.0, 600.0)))
        if name == "rerun":  # the storm has used up the low numbers
            values = (random.choice(JOBS), random.randrange(HIGHEST_RERUN))
        steps.append(Step(name, values))
    if random.random() < 0.1:
        steps.append(Step("lose", (0, 0.0, True)))
    return steps


def _compared(history: History, machine: Machine, place: str) -> Counter[str]:
    """One round: what is foreseen now, and what is sent until everything is at rest again."""
    world, began, sent = history.world, history.world.now, len(history.world.cloud.sent)
    posts = foreseen(history, machine, began).posts.values()
    planned = {(post.job, post.digest, post.rerun, post.attempt) for post in posts}
    history.wait(LIVED)
    made = {item.key for item in world.cloud.sent[sent:]}
    late = {key for key in made - planned if _is_later_retry(key, machine.rows(), began)}
    late |= {key for key in made - planned if key[0] in _due_later(history, began)}
    assert made - late == planned, f"{place}: planned {_named(planned)}, sent {_named(made)}"
    return Counter(rounds=1, submits=len(planned), later_retries=len(late), rounds_that_pay=bool(planned))


def foreseen(history: History, machine: Machine, now: datetime) -> Sight:
    """What is foreseen on a copy of the machine's ledger."""
    copy = Database(memory=True)
    machine.disk.db.conn.backup(copy.conn)
    ledger, shelf, calls = Ledger(Store(copy)), Shelf(), deque[Call]()
    shelf.shown = machine.files
    boundless = history.world.policy.model_copy(update={"max_running": sys.maxsize, "requests_per_minute": sys.maxsize})
    free = Limits(policy=boundless, timing=TIMING, slots=boundless.max_running)
    loop = Loop(ledger, shelf, free, calls.append, Reporter(StatusCache(Nowhere()), "sandbox", lambda _news: None))
    loop.start(now)

    def read(look: ListObjects) -> BucketAnswer:
        return history.world.cloud.read(look.step.prefix, look.step.only, now)

    sight = foresee(loop, ledger, calls, read, now, TIMING.sync_patience)
    copy.close()
    return sight


def _is_later_retry(key: Key, rows: Sequence[Submission], began: datetime) -> bool:
    """A paid retry of a run that failed only after the plan was made, which nobody could know."""
    known = [row for row in rows if (row.job, row.digest, row.rerun) == key[:3] and row.attempt < key[3]]
    return any(row.outcome is Outcome.FAILED and row.finished_at and row.finished_at > began for row in known)


def _due_later(history: History, began: datetime) -> set[str]:
    """The cells of sets that became due, or will be, after the plan was made."""
    drafts = [draft for drafts in history.tree.values() for draft in drafts if draft.cells]
    return {job.job for draft in drafts for job in draft.jobs()} - {
        job.job for draft in drafts for job in draft.jobs(began)
    }


def _named(keys: set[Key]) -> list[str]:
    return sorted(f"{job} {digest[2:6]} r{rerun} a{attempt}" for job, digest, rerun, attempt in keys)
