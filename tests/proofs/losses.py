"""Kill the real program at a call of a job's life, take its state away, start it again, and count what was paid.

The state is removed, or replaced by a copy from an earlier kill of the same life, while the request runs; what shows
the request in the bucket is there at once, or only with its results. Whoever is held is then released by an operator.
"""

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product

from controller.sandbox.faults.faults import Fault
from controller.sandbox.ledger import Entry, posts
from tests.proofs.bench import ANSWERED, Bench, bench
from tests.proofs.lives import Target, claim_targets, killed, targets
from tests.proofs.record import tell
from tests.proofs.traced import LONGEST, traced_sync, why_not
from tests.support.charges import accepted_entries

LOST, RESTORED = "lost", "restored"
AT_ACCEPT, WITH_RESULTS = "at accept", "with the results"
COPIES = (AT_ACCEPT, WITH_RESULTS)
KINDS = list(product((LOST, RESTORED), COPIES))
CALLS = 100  # of a life, for each kind
RUN_SECONDS = 2.0  # so that the restart meets a running request
GRACE = "600s"  # as the settings say it; scaled it is three times as long as the request runs
LANES = 2
TRIES = 3  # how often a call is aimed at
RECORDINGS = 2  # of each life; the shorter one is taken
SUCCEEDED = ("Succeeded", "Delivered", 0)
SEARCHING = ("Unconfirmed", "Searching")
SYNCS = 30  # that may be needed until a search has ended
HELD = ("Unconfirmed", "NeedsPerson", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run: what becomes of the state, when the bucket shows the request, and where the program is killed."""

    loss: str
    copy: str
    target: Target

    def __str__(self) -> str:
        return f"state {self.loss}, request copy {self.copy}, killed at {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Phase, reason and exit code after the restart, and after an operator's word where one was needed.

    `entries` is the sandbox's ledger before that word, `after` all of it.
    """

    restarted: tuple[str, str, int]
    released: tuple[str, str, int] | None
    has_claim: bool
    entries: Sequence[Entry]
    after: Sequence[Entry]
    said: str


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Run CALLS kills of each kind (`small`: one each); answers the counts.

    Raises AssertionError for the first run whose end is not what was promised; SystemExit without strace.
    """
    if (reason := why_not()) is not None:
        raise SystemExit(f"the proof of losses cannot run: {reason}")
    chance = random.Random(seed)
    with ThreadPoolExecutor(LANES) as lanes:
        recordings = [1 if small else RECORDINGS] * 2
        lives = dict(
            zip((AT_ACCEPT, WITH_RESULTS), lanes.map(_life, (AT_ACCEPT, WITH_RESULTS), recordings), strict=True)
        )
        cases = [
            Case(loss=loss, copy=copy, target=target)
            for loss, copy in KINDS
            for target in _chosen(lives[copy], chance, 1 if small else CALLS)
        ]
        chance.shuffle(cases)
        runs = []
        for case, found in zip(cases, lanes.map(lambda case: judged(case, seed), cases), strict=True):
            runs.append((case, found))
            if len(runs) % 50 == 0:
                tell(f"losses: {len(runs)} of {len(cases)} runs")
    return _figures(runs)


def judged(case: Case, seed: int = 0) -> Found | None:
    """The end of a run, checked; None when the program never came to the call."""
    for _ in range(TRIES):
        found = _run(case)
        if found is not None:
            replay = f'replay: python -c "from tests.proofs.losses import *; judged({case!r})"'
            problems = list(_broken(found))
            assert not problems, "\n".join(
                [f"seed {seed}: {case}", replay, *problems, found.said, *map(str, found.after)]
            )
            return found
    return None


def _life(copy: str, recordings: int) -> list[Target]:
    return min((_recorded(copy) for _ in range(recordings)), key=len)


def _recorded(copy: str) -> list[Target]:
    with _bench(copy) as one:
        ended = traced_sync(one.root, one.settings, one.environment)
        assert one.job_state == SUCCEEDED[:2], f"{copy}: undisturbed it ended {one.job_state}: {ended.said}"
        return targets(ended.calls)


def _chosen(life: Sequence[Target], chance: random.Random, count: int) -> list[Target]:
    """`count` calls: those that put the claim, where there is room for them, and others of the whole life.

    A few lie anywhere but late: how often the end of a request is asked for is another number on a busy machine.
    """
    claims = claim_targets(ANSWERED)
    if count <= len(claims):
        return spread(life[: len(life) // 2], count, begin=chance.random())
    return claims + spread(life, count - len(claims), begin=chance.random())


def spread(life: Sequence[Target], count: int, *, begin: float) -> list[Target]:
    """`count` calls, evenly over the life; `begin` says where in its part each lies, from 0 to 1."""
    return [life[int((begin + number) * len(life) / count)] for number in range(count)]


def _bench(copy: str) -> AbstractContextManager[Bench]:
    faults = [Fault(name="copy-never")] if copy == WITH_RESULTS else []
    return bench(ANSWERED, "hold", run_seconds=RUN_SECONDS, faults=faults, grace=GRACE)


def _run(case: Case) -> Found | None:
    with _bench(case.copy) as one:
        ended = killed(one, case.target)
        if ended is None:
            return None
        if case.loss == RESTORED:
            _replaced_after_a_post(one)
        else:
            shutil.rmtree(one.root / "state", ignore_errors=True)
        has_claim = bool(one.claims)
        restarted, words = _rested(one)
        entries = one.entries()
        released = _released(one, entries) if restarted == HELD else None
        said = ended.said + words
        return Found(
            restarted=restarted,
            released=released,
            has_claim=has_claim,
            entries=entries,
            after=one.entries(),
            said=said,
        )


def _rested(one: Bench) -> tuple[tuple[str, str, int], str]:
    """Phase, reason, exit code and words of the syncs from now on: one alone does not wait for a long search."""
    words = ""
    for _ in range(SYNCS):
        again = one.sync()
        words += again.stdout + again.stderr
        if one.job_state != SEARCHING:
            break
    return (*one.job_state, again.returncode), words


def _replaced_after_a_post(one: Bench) -> None:
    """Let a second sync go on until a POST was read, if it sends one; then its state is that of the kill before."""
    state, aside = one.root / "state", one.root / "aside"
    if state.exists():
        shutil.copytree(state, aside)
    before = len(posts(one.entries_of_the_dead()))
    with one.started("sync") as process:
        deadline = time.monotonic() + LONGEST
        while process.poll() is None and len(posts(one.sandbox.ledger.entries())) == before:
            assert time.monotonic() < deadline, "the second sync neither sent anything nor ended"
            time.sleep(0.01)
        process.kill()
    one.entries_of_the_dead()
    shutil.rmtree(state, ignore_errors=True)
    if aside.exists():
        aside.rename(state)


def _released(one: Bench, entries: Sequence[Entry]) -> tuple[str, str, int]:
    """What the job ends with once an operator has said what the account shows."""
    taken = accepted_entries(entries)
    one.command("resolve", "ndvi", *(("--request-id", taken[0].id) if taken else ("--not-accepted",)))
    return _rested(one)[0]


def _broken(found: Found) -> Iterator[str]:
    """Every promise that this run breaks."""
    if len(posts(found.entries)) > 1:
        yield f"{len(posts(found.entries))} POSTs before an operator said anything"
    if _charges(found.entries) > 1 or len(accepted_entries(found.entries)) > 1:
        yield f"taken {len(accepted_entries(found.entries))} times, charged {_charges(found.entries)} times"
    if found.restarted not in (SUCCEEDED, HELD):
        yield f"phase, reason and exit code are {found.restarted}: neither {SUCCEEDED} nor {HELD}"
    if found.restarted == HELD and not found.has_claim:
        yield "it needs an operator though nothing was claimed"
    if (found.released or SUCCEEDED) != SUCCEEDED:
        yield f"after an operator's word phase, reason and exit code are {found.released}, not {SUCCEEDED}"
    if _charges(found.after) != 1:
        yield f"in the end it was charged {_charges(found.after)} times"


def _charges(entries: Sequence[Entry]) -> int:
    return sum(entry.event == "charged" for entry in entries)


def _figures(runs: Sequence[tuple[Case, Found | None]]) -> dict[str, object]:
    """The counts. A run counts only if the program died of signal 9 at the named call."""
    died = [(case, found) for case, found in runs if found is not None]
    missed = [str(case) for case, found in runs if found is None]
    assert len(missed) <= max(1, len(runs) // 20), "\n".join(
        [f"of {len(runs)} runs, these missed their call:", *missed]
    )
    held = [(case, found) for case, found in died if found.released]
    kinds = Counter((case.loss, case.copy) for case, _ in died)
    needing = Counter((case.loss, case.copy) for case, _ in held)
    return {
        "runs": len(runs),
        "killed at the named call": len(died),
        "call never reached": len(missed),
        "most charges before an operator's word": max((_charges(found.entries) for _, found in died), default=0),
        "succeeded by itself": len(died) - len(held),
        "needed an operator": len(held),
        "of these claimed and never sent": sum(not accepted_entries(found.entries) for _, found in held),
        "of these taken and not found in time": sum(bool(accepted_entries(found.entries)) for _, found in held),
        "released by an operator, succeeded with one charge": len(held),
        **{f"state {loss}, copy {copy}": kinds[loss, copy] for loss, copy in KINDS},
        **{f"state {loss}, copy {copy}, needed an operator": needing[loss, copy] for loss, copy in KINDS},
    }
