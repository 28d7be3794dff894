"""Random histories of editing, crashing, losing and waiting, on the real loop against a model of service and bucket.

Every step is data, so a history can be replayed and made shorter. `Court` holds the promises: what was charged,
delivered and refused is asked of the model only.
"""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any, ClassVar

from controller.lifecycle.attempts import in_force
from controller.lifecycle.commands import Adopt, Command, FirstRun, Resolve
from controller.model.submission import Answer, Submission
from tests.proofs.cloud import CopyFate, PostFate, PutFate, RunFate, Sent, StatusFate, Weather
from tests.proofs.court import Court
from tests.proofs.drafts import URL, Draft, Files, digest_of, jobs_in
from tests.proofs.record import tell
from tests.proofs.set_steps import CELLS, SET_STEPS, SetSteps
from tests.proofs.world import Machine, PromiseError, World

HISTORIES = 10_000
SMALL = 15
STRANGER = {"early": "00000000-9999-4999-8999-000000000000", "late": "ffffffff-9999-4999-8999-ffffffffffff"}
CALM = 30 * 3600.0
"""Seconds of fair weather at the end of every history, after which nothing may be left open."""
STORM = 7200.0
"""Seconds after which POSTs are accepted again."""
EXERCISED = (
    *("posts", "charges", "crashes", "kills", "lost_databases", "clones", "commands", "reruns", "retries", "resubmits"),
    *("restored_databases", "posts_not_sent_for_a_claim", "posts_without_a_claim"),
    *("times_reused", "times_waited_for_another_name", "reruns_beside_another_name"),
    *("sets_declared", "decided_for_cells", "decided_for_later_windows", "decided_for_trials", "decided_after_a_yes"),
    *("times_held_for_a_trial", "times_held_for_a_window", "times_held_for_a_yes", "retries_by_a_person"),
    *("moved_into_sets", "moved_out_of_sets"),
    *("lost_answers_found", "times_held_for_history", "outcome_succeeded", "outcome_failed", "outcome_unknown"),
)
"""What a full run must have done at least once to count."""
DETAIL = re.compile(r"\(.*?\)|\b[0-9a-f]{4,}\b|\d+|\b[abc]\b|\b(acre|farm)\b")

JOBS = ("a", "b", "c")
NAMES = (*JOBS, *JOBS, *CELLS)
"""What an operator may name: cells of sets less often, as they are there less often."""
PATHS = ("one.yaml", "two.yaml", "deep/three.yaml")
DOWN = (0.0, 1.0, 400.0, 4000.0, 100_000.0)
CLOCKS = (0.0, 0.0, 2 * 86400.0, 33 * 86400.0, -2 * 86400.0, 200.0)
"""Seconds by which a clock is ahead; the last of them is no reason for doubt."""
WAITS = (0.5, 1.0, 2.0, 6.0, 20.0, 60.0, 150.0, 600.0, 1800.0, 7200.0, 30_000.0, 90_000.0)
F = PostFate
STORMS = (
    (F.ACCEPTED,),
    (F.ACCEPTED, F.LOST),
    (F.LOST,),
    (F.SLOW,),
    (F.BEFORE,),
    (F.BEFORE, F.LOST, F.ACCEPTED),
    (F.STALLED, F.ACCEPTED),
    (F.UNSENT,),
    (F.UNSENT, F.LOST, F.ACCEPTED),
    (F.BODY, F.ACCEPTED),
    (F.SPURIOUS,),
    (F.SPURIOUS, F.ACCEPTED),
    (F.CREDENTIALS,),
    (F.FORBIDDEN, F.QUOTA, F.ACCEPTED),
    (F.RATE, F.CONCURRENCY, F.ACCEPTED),
    (F.CONCURRENCY, F.LOST),
    (F.ENDPOINT,),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: the name of a method of `History` and its arguments."""

    name: str
    arguments: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(repr(each) for each in self.arguments)})"


Kinds = Mapping[str, tuple[int, tuple[Sequence[Any], ...]]]
"""What may happen: how often, and every value of every argument."""
STEPS: Kinds = {
    "wait": (30, (WAITS,)),
    "edit": (8, (JOBS, ("A", "B", "C"))),
    "rerun": (3, (JOBS, (0, 1, 2))),
    "retries": (3, (JOBS, (0, 1, 2))),
    "hold": (2, (JOBS, (True, False))),
    "move": (3, (JOBS, PATHS)),
    "remove": (3, (JOBS,)),
    "rename": (4, (JOBS, JOBS)),
    "repeat": (3, (JOBS, JOBS)),
    "twin": (1, (JOBS, PATHS)),
    "garble": (2, (JOBS,)),
    "checkout": (5, ((1, 2, 3, 6),)),
    "pull": (3, ((0, 1),)),
    "clone": (2, ()),
    "posts": (7, (STORMS,)),
    "runs": (5, (tuple(RunFate), (20.0, 600.0, 10_000.0))),
    "copies": (4, (tuple(CopyFate),)),
    "statuses": (3, (tuple(StatusFate),)),
    "bucket": (5, ((True, True, False),)),
    "lies": (2, ((True, False),)),
    "puts": (3, (tuple(PutFate),)),
    "fair": (3, ()),
    "doom": (8, ((0, 1), tuple(range(24)), DOWN, (True, False))),
    "kill": (4, ((0, 1), DOWN, (True, False))),
    "lose": (3, ((0, 1), DOWN, (True, False))),
    "keep": (5, ((0, 1),)),
    "restore": (3, ((0, 1), DOWN, (True, False))),
    "choose": (2, (("hold", "resubmit", "resubmit"),)),
    "settings": (2, ((0, 1, 2),)),
    "clock": (3, ((0, 1), CLOCKS, DOWN)),
    "resolve": (3, ((0, 1), NAMES, ("id", "no", "false no", "another's id"))),
    "adopt": (1, ((0, 1), NAMES, ("own", "another's"))),
    "first_run": (1, ((0, 1),)),
    "meddle": (2, (NAMES, ("note", "early", "late", "copy"))),
    **SET_STEPS,
}


class History(SetSteps):
    """One history: a world, and what can happen in it. The public methods after `close` are the kinds of steps."""

    kinds: ClassVar[Kinds] = STEPS

    def __init__(self, court: Court | None = None) -> None:
        self.court = court or Court()
        self.world = World(self.court)
        self.court.world = self.world
        self.tree: dict[str, tuple[Draft, ...]] = {
            "one.yaml": (Draft(job="a"),),
            "two.yaml": (Draft(job="b", text="D"),),
        }
        self.past: list[Files] = []
        self.world.machines.append(Machine(self.world, self.tree))

    def take(self, step: Step) -> None:
        """One step, and every promise after it."""
        self.court.figures["steps"] += 1
        getattr(self, step.name)(*step.arguments)
        for machine in self.world.machines:
            self.court.rows(machine)

    def end(self) -> None:
        """A long calm, after which nothing may be open."""
        self.fair()
        for machine in self.world.machines:
            machine.disk.db.fuse = None
            if machine.skew:
                self._set_clock(machine, 0.0)
        self.world.wait(max(DOWN) + CALM)
        for machine in self.world.machines:
            self.court.rows(machine)
            self.court.rest(machine)
        self.court.figures["crashes"] += self.world.crashes

    def close(self) -> None:
        self.world.close()

    # time and weather

    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    def posts(self, fates: tuple[PostFate, ...]) -> None:
        self._weather(posts=fates)
        self.world.cloud.storm_ends_at = self.world.now + timedelta(seconds=STORM)

    def runs(self, fate: RunFate, takes: float) -> None:
        self._weather(run=fate, takes=takes)

    def copies(self, fate: CopyFate) -> None:
        self._weather(copy=fate)

    def statuses(self, fate: StatusFate) -> None:
        self._weather(status=fate)

    def bucket(self, readable: bool) -> None:
        self._weather(readable=readable)

    def lies(self, on: bool) -> None:
        self._weather(lies=on)

    def puts(self, fate: PutFate) -> None:
        self._weather(puts=fate)

    def fair(self) -> None:
        self.world.cloud.weather = Weather()

    # files

    def edit(self, job: str, text: str) -> None:
        self._rewrite(job, text=text, is_broken=False)

    def rerun(self, job: str, number: int) -> None:
        self._rewrite(job, rerun=number)

    def retries(self, job: str, number: int) -> None:
        self._rewrite(job, retries=number)

    def hold(self, job: str, on: bool) -> None:
        self._rewrite(job, hold=on)

    def garble(self, job: str) -> None:
        self._rewrite(job, is_broken=True)

    def move(self, job: str, path: str) -> None:
        drafts = [draft for drafts in self.tree.values() for draft in drafts if draft.job == job]
        if drafts:
            rest = self._without(job)
            self._commit({**rest, path: (*rest.get(path, ()), drafts[0])})

    def rename(self, job: str, name: str) -> None:
        """The same document under a name that is free."""
        drafts = [draft for drafts in self.tree.values() for draft in drafts]
        if name not in {draft.job for draft in drafts}:
            self._commit({
                path: tuple(replace(draft, job=name) if draft.job == job else draft for draft in drafts)
                for path, drafts in self.tree.items()
            })  # fmt: skip

    def repeat(self, job: str, name: str) -> None:
        """A second name for the same request, at the same rerun."""
        drafts = [draft for drafts in self.tree.values() for draft in drafts if draft.job == job]
        for draft in drafts[:1]:
            self._rewrite(name, text=draft.text, rerun=draft.rerun, is_broken=False)

    def remove(self, job: str) -> None:
        self._commit(self._without(job))

    def twin(self, job: str, path: str) -> None:
        self._commit({**self.tree, path: (*self.tree.get(path, ()), Draft(job=job, text="C"))})

    def checkout(self, back: int) -> None:
        """An earlier tree: a revert, a restored file, another branch."""
        if len(self.past) >= back:
            self._commit(dict(self.past[-back]))

    def pull(self, number: int) -> None:
        for machine in self._machines(number):
            machine.files = self.tree
            machine.notice()

    def clone(self) -> None:
        if len(self.world.machines) < 2:
            self.court.figures["clones"] += 1
            self.world.machines.append(Machine(self.world, self.tree))

    # deaths

    def doom(self, number: int, fuse: int, down: float, arrives: bool) -> None:
        """The process will die at the n-th write, commit or call from here."""
        for machine in self._machines(number):
            self.world.down, self.world.arrives = down, arrives
            machine.disk.db.fuse = fuse

    def kill(self, number: int, down: float, arrives: bool) -> None:
        for machine in self._machines(number):
            self.court.figures["kills"] += 1
            machine.die(down, arrives=arrives)

    def lose(self, number: int, down: float, arrives: bool) -> None:
        """The database and every status file are gone; the bucket and the manifests are not."""
        for machine in self._machines(number):
            self.court.figures["lost_databases"] += 1
            machine.die(down, arrives=arrives)
            machine.lose_database()

    def keep(self, number: int) -> None:
        """Somebody copies the database, whatever is under way."""
        for machine in self._machines(number):
            machine.keep_backup()

    def restore(self, number: int, down: float, arrives: bool) -> None:
        """The database is put back to the last copy."""
        for machine in self._machines(number):
            if machine.backup:
                machine.die(down, arrives=arrives)
                self.court.figures["restored_databases"] += machine.restore_backup()

    # people

    def choose(self, choice: str) -> None:
        """The standing choice about Unconfirmed is changed, which takes a restart."""
        self.world.policy = self.world.policy.model_copy(update={"on_unconfirmed": choice})
        for number in range(len(self.world.machines)):
            self.kill(number, 0.0, True)

    def clock(self, number: int, ahead: float, down: float) -> None:
        """A process begins with a clock that is wrong, or right again."""
        for machine in self._machines(number):
            self._set_clock(machine, ahead, down)

    def settings(self, number: int) -> None:
        """The settings change, under which manifests are accepted: every one is to be accepted anew."""
        self.world.terms = f"terms {number}"
        for machine in range(len(self.world.machines)):
            self.kill(machine, 0.0, True)

    def resolve(self, number: int, job: str, how: str) -> None:
        for machine in self._machines(number):
            row = _shown_unconfirmed(machine, job)
            if row is None:
                continue
            own = [item for item in self.world.cloud.sent if item.prefix == row.prefix and _may_be_charged(item)]
            if how == "another's id":
                self._claim(machine, Resolve(job=job, request_id=self._another(job)), row.prefix)
            elif how == "id" and own and own[-1].charged:
                self._ask(machine, Resolve(job=job, request_id=own[-1].request_id))
            elif how == "false no" or (how == "no" and not own):
                machine.disk.denied.add((row.job, row.digest, row.rerun, row.attempt))
                self._ask(machine, Resolve(job=job, request_id=None))

    def adopt(self, number: int, job: str, whose: str) -> None:
        for machine in self._machines(number):
            known = machine.ledger.jobs.get(job) if machine.is_up else None
            if known is None or known.wanted is None:
                continue
            wanted = known.wanted
            own = [item for item in self.world.cloud.sent if item.charged and item.key[:2] == (job, wanted.digest)]
            prefixes = [f"{URL}/{job}/{wanted.digest[2:18]}-r{wanted.rerun}-a0"]
            if whose == "own" and own:
                self._claim(machine, Adopt(job=job, request_id=own[-1].request_id), *prefixes)
            elif whose != "own" and (other := self._another(job)):
                self._claim(machine, Adopt(job=job, request_id=other), *prefixes)

    def first_run(self, number: int) -> None:
        for machine in self._machines(number):
            machine.disk.is_first_run = True
            self._ask(machine, FirstRun())

    def meddle(self, job: str, how: str) -> None:
        """Somebody else writes below the prefix of what the job wants: a note, another request's results, a copy."""
        drafts = [draft for draft in jobs_in(self.tree) if draft.job == job]
        for draft in drafts[:1]:
            prefix = f"{URL}/{job}/{digest_of(draft.text)[2:18]}-r{draft.rerun}-a0"
            self.court.meddled.add(prefix)
            if how == "note":
                self.world.cloud.put(prefix, "notes.txt", self.world.now)
            elif how == "copy":
                others = [item for item in self.world.cloud.sent if item.charged and item.prefix != prefix]
                if others:
                    self.world.cloud.copy_folder(others[-1].prefix, prefix, self.world.now)
            else:
                self.world.cloud.put(prefix, f"{STRANGER[how]}/default.tif", self.world.now)

    # parts of steps

    def _set_clock(self, machine: Machine, ahead: float, down: float = 0.0) -> None:
        machine.die(down, arrives=True)
        machine.set_clock(ahead)
        self.court.figures["wrong_clocks"] += bool(ahead)

    def _weather(self, **changed: Any) -> None:
        self.world.cloud.weather = replace(self.world.cloud.weather, **changed)

    def _rewrite(self, job: str, **changed: Any) -> None:
        if not any(draft.job == job for drafts in self.tree.values() for draft in drafts):
            self._commit({**self.tree, f"{job}.yaml": (replace(Draft(job=job), **changed),)})
            return
        self._commit({
            path: tuple(replace(draft, **changed) if draft.job == job else draft for draft in drafts)
            for path, drafts in self.tree.items()
        })  # fmt: skip

    def _without(self, job: str) -> dict[str, tuple[Draft, ...]]:
        kept = {path: tuple(draft for draft in drafts if draft.job != job) for path, drafts in self.tree.items()}
        return {path: drafts for path, drafts in kept.items() if drafts}

    def _commit(self, tree: dict[str, tuple[Draft, ...]]) -> None:
        self.past.append(self.tree)
        self.tree = tree
        self.pull(0)

    def _machines(self, number: int) -> Sequence[Machine]:
        return self.world.machines[number : number + 1]

    def _ask(self, machine: Machine, command: Command) -> None:
        self.court.figures["commands"] += 1
        machine.ask(command.model_dump_json())

    def _claim(self, machine: Machine, command: Resolve | Adopt, *prefixes: str) -> None:
        """A person may name a wrong request; what then stands there is theirs to answer for."""
        if command.request_id:
            self.court.meddled.update(prefixes)
            self._ask(machine, command)

    def _another(self, job: str) -> str | None:
        return next((item.request_id for item in self.world.cloud.sent if item.charged and item.job != job), None)


def _may_be_charged(sent: Sent) -> bool:
    return sent.charged or (not sent.is_dropped and sent.fate in (F.ACCEPTED, F.SLOW, F.LOST, F.STALLED))


def _shown_unconfirmed(machine: Machine, job: str) -> Submission | None:
    """What a person sees as Unconfirmed, and therefore means."""
    known = machine.ledger.jobs.get(job) if machine.is_up else None
    if known is None:
        return None
    shown = in_force(known.wanted, machine.ledger.of(job)) if known.wanted else None
    rows = [row for row in machine.ledger.of(job) if row.answer is Answer.UNCONFIRMED]
    return shown if shown in rows else rows[-1] if rows else None


# many of them


def steps_of(seed: int, index: int, kinds: Kinds = STEPS) -> list[Step]:
    """The steps of one history, the same for the same numbers."""
    random = Random(f"{seed}/{index}")
    names, weights = list(kinds), [weight for weight, _ in kinds.values()]
    chosen = random.choices(names, weights, k=random.randint(30, 60))
    return [Step(name, tuple(random.choice(values) for values in kinds[name][1])) for name in chosen]


def outcome_of(steps: Iterable[Step], make: Callable[[], History] = History) -> tuple[str, Court]:
    """What broke ("" if nothing did), and the court with its figures."""
    history = make()
    try:
        for step in steps:
            history.take(step)
        history.end()
    except PromiseError as broken:
        return str(broken), history.court
    except (sqlite3.Error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}", history.court
    finally:
        history.close()
    return "", history.court


def shortened(steps: list[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """A history that still fails, without the steps it can do without."""
    size = len(steps) // 2
    while size:
        place = 0
        while place < len(steps):
            fewer = steps[:place] + steps[place + size :]
            if fails(fewer):
                steps = fewer
            else:
                place += size
        size //= 2
    return steps


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Run them all; AssertionError with a replayable history when a promise is broken."""
    number = SMALL if small else HISTORIES
    figures, fates = lived(seed, number, History, "histories")
    kinds = {"post_fates": PostFate, "run_fates": RunFate, "copy_fates": CopyFate}
    counted = {name: sum(fate in fates for fate in kind) for name, kind in kinds.items()}
    missing = [name for name in EXERCISED if not figures[name]]
    missing += [name for name, kind in kinds.items() if counted[name] < len(kind)]
    assert small or not missing, f"seed {seed}: these histories never exercised {', '.join(missing)}"
    promised = {"double_charges": figures.pop("double_charges", 0), "lost_ids": figures.pop("lost_ids", 0)}
    reported = {**dict.fromkeys(EXERCISED, 0), **figures}
    return {"histories": number, **dict(sorted(reported.items())), **counted, **promised}


Lived = tuple[Counter[str], set[StrEnum]]
SHARE = 100
"""Histories that a process lives through before it reports."""


def lived(seed: int, number: int, make: Callable[[], History], name: str) -> Lived:
    """Live through so many, on every core; AssertionError with a replayable history when a promise is broken."""
    if number <= SHARE:
        return _lived(seed, make, range(number))
    figures, fates = Counter[str](), set[StrEnum]()
    shares = [range(first, min(number, first + SHARE)) for first in range(0, number, SHARE)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        for share, (counted, met) in zip(shares, processes.map(partial(_lived, seed, make), shares), strict=True):
            figures.update(counted)
            fates |= met
            if share.stop % 1000 == 0:
                tell(f"{name}: {share.stop} of {number}")
    return figures, fates


def _lived(seed: int, make: Callable[[], History], share: Iterable[int]) -> Lived:
    figures, fates = Counter[str](), set[StrEnum]()
    with closing(make()) as history:
        kinds = history.kinds
    for index in share:
        steps = steps_of(seed, index, kinds)
        broken, court = outcome_of(steps, make)
        figures.update(court.figures)
        fates |= court.fates
        assert not broken, f"seed {seed}, history {index}: {broken}\n{_story(steps, broken, make)}"
    return figures, fates


def _story(steps: list[Step], broken: str, make: Callable[[], History]) -> str:
    """The shortest history that breaks in the same way."""

    def breaks_alike(fewer: list[Step]) -> bool:
        return DETAIL.sub("", outcome_of(fewer, make)[0]) == DETAIL.sub("", broken)

    return "\n".join(f"  {step}" for step in shortened(steps, breaks_alike))
