"""Kill the real program at every call of a job's life, start it again, and ask the sandbox's ledger what was paid.

A life is recorded for each fate of the POST and each policy; then its calls that touch the state, a status file, a
socket or the claim are met by SIGKILL, each in a fresh workspace: all that concern the claim, and MOST of all.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

from controller.sandbox.ledger import Entry, posts
from tests.proofs.bench import FATES, NEVER_RECEIVED, bench
from tests.proofs.lives import Target, claim_targets, killed, targets
from tests.proofs.record import tell
from tests.proofs.traced import traced_sync, why_not
from tests.support.charges import accepted_entries

POLICIES = ("hold", "resubmit")
EARLY = 4  # sends of the token request and of the POST, two each
SOCKET = ("connect", "sendto", "recvfrom")
# Phase, reason, exit code and number of charges that a run may end with.
SUCCEEDED = ("Succeeded", "Delivered", 0, 1)
HELD = ("Unconfirmed", "NeedsPerson", 1, 0)
MOST = 1000  # kills in one run; which of the others are left out is the seed's choice
LANES = 2
TRIES = 3  # how often a call is aimed at
RECORDINGS = 3  # of each life, whose length depends on how quick the machine is; the shortest is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run: what becomes of the POST, what the operator decided for unconfirmed ones, and where it is killed."""

    fate: str
    policy: str
    target: Target

    @property
    def place(self) -> tuple[str, str | None, str, int]:
        """The same under either policy."""
        return self.fate, self.target.path, self.target.name, self.target.ordinal

    def __str__(self) -> str:
        return f"{self.fate}, onUnconfirmed = {self.policy}, killed at {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there was after the restart.

    `under_way` submissions had no stored answer at the death; the service had taken none of the `forgotten` ones, and
    had refused `refused` of these, which only the dead process knew. The claims of the `unclaimed` of these did not
    stand in the bucket. `repeated` ones were sent again though their POST had been read and not refused.
    """

    phase: str
    reason: str
    code: int
    under_way: int
    forgotten: int
    unclaimed: int
    refused: int
    repeated: int
    entries: Sequence[Entry]
    said: str


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Kill at every call of every life (`small`: at a few), and answer the counts.

    Raises AssertionError for the first run whose end is not what was promised; SystemExit without strace.
    """
    if (reason := why_not()) is not None:
        raise SystemExit(f"the crash proof cannot run: {reason}")
    chance = random.Random(seed)
    kinds = [(fate, chance.choice(POLICIES)) for fate in FATES] if small else list(product(FATES, POLICIES))
    with ThreadPoolExecutor(LANES) as lanes:
        lives = list(lanes.map(_life, kinds, [1 if small else RECORDINGS] * len(kinds)))
        cases = [
            Case(fate=fate, policy=policy, target=target)
            for (fate, policy), life in zip(kinds, lives, strict=True)
            for target in life
        ]
        chosen = _few(cases, chance) if small else _many(cases, chance)
        runs = []
        for case, found in zip(chosen, lanes.map(lambda case: _judged(case, seed), chosen), strict=True):
            runs.append((case, found))
            if len(runs) % 100 == 0:
                tell(f"crash: {len(runs)} of {len(chosen)} runs")
    return _figures(cases, runs)


def _few(cases: Sequence[Case], chance: random.Random) -> list[Case]:
    """For each fate one run: in turn at the socket of the token or the POST, and anywhere but late in the life."""
    chosen = []
    for number, fate in enumerate(chance.sample(list(FATES), len(FATES))):
        life = [case for case in cases if case.fate == fate]
        sockets = [case for case in life if case.target.name in SOCKET and case.target.ordinal <= EARLY]
        chosen.append(chance.choice(sockets if number % 2 else life[: len(life) // 2]))
    return chosen


def _many(cases: Sequence[Case], chance: random.Random) -> list[Case]:
    """Every call that concerns the claim, and as many others as MOST allows."""
    ours = [case for case in cases if case.target.path is not None]
    others = [case for case in cases if case.target.path is None]
    chosen = ours + chance.sample(others, min(len(others), max(0, MOST - len(ours))))
    return chance.sample(chosen, len(chosen))


def _life(kind: tuple[str, str], recordings: int) -> list[Target]:
    """The calls of one undisturbed life."""
    return min((_recorded(*kind) for _ in range(recordings)), key=len) + claim_targets(kind[0])


def _recorded(fate: str, policy: str) -> list[Target]:
    with bench(fate, policy) as one:
        ended = traced_sync(one.root, one.settings, one.environment)
        phase, reason = one.job_state
        settled = "NeedsPerson" if (fate, policy) == (NEVER_RECEIVED, "hold") else "Delivered"
        assert reason == settled, f"{fate}, {policy}: undisturbed it ended {phase} ({reason}): {ended.said}"
        return targets(ended.calls)


def _judged(case: Case, seed: int) -> Found | None:
    """The end of a run, checked; None when the program never came to the call."""
    for _ in range(TRIES):
        found = _run(case)
        if found is not None:
            problems = list(_broken(case, found))
            assert not problems, "\n".join([f"seed {seed}: {case}", *problems, found.said, *map(str, found.entries)])
            return found
    return None


def _run(case: Case) -> Found | None:
    with bench(case.fate, case.policy) as one:
        ended = killed(one, case.target)
        if ended is None:
            return None
        intents, refusals = set(one.stored("unanswered")), one.stored("refused")
        before, has_claim = one.entries_of_the_dead(), bool(one.claims)
        forgotten = intents - {entry.prefix for entry in accepted_entries(before)}
        refused = {entry.prefix for entry in before if entry.event == "refused"}
        read = intents.intersection(entry.prefix for entry in posts(before)) - refused
        again = one.sync()
        phase, reason = one.job_state
        entries = one.entries()
        return Found(
            phase=phase,
            reason=reason,
            code=again.returncode,
            under_way=len(intents),
            forgotten=len(forgotten),
            unclaimed=0 if has_claim else len(forgotten),
            refused=len(forgotten & refused - set(refusals)),
            repeated=sum(entry.prefix in read for entry in posts(entries[len(before) :])),
            entries=entries,
            said=ended.said + again.stdout + again.stderr,
        )


def _broken(case: Case, found: Found) -> Iterator[str]:
    """Every promise that this run breaks."""
    charges = Counter(entry.prefix for entry in found.entries if entry.event == "charged")
    takings = Counter(entry.prefix for entry in accepted_entries(found.entries))
    for prefix, count in (charges | takings).items():
        if count > 1:
            yield f"{prefix}: taken {takings[prefix]} times, charged {charges[prefix]} times"
    if found.repeated:
        yield f"{found.repeated} POSTs of submissions whose POST had been read before the death"
    is_nobodys = case.fate == NEVER_RECEIVED or found.forgotten > found.unclaimed
    wanted = HELD if is_nobodys and case.policy == "hold" else SUCCEEDED
    seen = (found.phase, found.reason, found.code, charges.total())
    if seen != wanted:
        yield f"phase, reason, exit code and charges are {seen}, not {wanted}"


def _figures(cases: Sequence[Case], runs: Sequence[tuple[Case, Found | None]]) -> dict[str, object]:
    """The counts. A run counts only if the program died of signal 9 at the named call."""
    died = [(case, found) for case, found in runs if found is not None]
    names = Counter(case.target.name for case, _ in died)
    fates = Counter(case.fate for case, _ in died)
    phases = Counter(found.phase for _, found in died)
    charged = [sum(entry.event == "charged" for entry in found.entries) for _, found in died]
    by_itself = [found for case, found in died if case.fate != NEVER_RECEIVED]
    held = [found for case, found in died if case.fate != NEVER_RECEIVED and case.policy == "hold"]
    missed = [str(case) for case, found in runs if found is None]
    assert len(missed) <= max(1, len(runs) // 20), "\n".join(
        [f"of {len(runs)} runs, these never came to their call:", *missed]
    )
    return {
        "calls in the lives of the four fates": len({case.place for case in cases}),
        "of these died at": len({case.place for case, _ in died}),
        "calls under both policies": len(cases),
        "runs": len(runs),
        "killed at the named call": len(died),
        "call never reached": len(missed),
        **{f"killed at {name}": count for name, count in sorted(names.items())},
        **{f"fate {fate}": fates[fate] for fate in FATES},
        "most charges in one run": max(charged, default=0),
        "succeeded": phases["Succeeded"],
        "unconfirmed, an operator decides": phases["Unconfirmed"],
        "died with an intent and no answer": sum(found.under_way for _, found in died),
        "of these never taken by the service": sum(found.forgotten for _, found in died),
        "of these refused, and the refusal lost with the process": sum(found.refused for _, found in died),
        "killed before the claim was put or after it was withdrawn, sent again by itself": sum(
            found.unclaimed for found in by_itself if found.phase == "Succeeded"
        ),
        "kills that need an operator": sum(found.phase == "Unconfirmed" for found in held),
        "kills that needed one before there were claims": sum(found.forgotten > 0 for found in held),
        "kills under hold of a POST that the service would take": len(held),
    }
