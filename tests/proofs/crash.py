"""Kill the real program at every call of a job's life, start it again, and ask the sandbox's ledger what was paid.

A life is recorded for each fate of the POST and each policy; then each of its calls that touches the state, a status
file or a socket is met by SIGKILL in a fresh workspace. `python -m tests.proofs crash` runs all of it.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

from controller.sandbox.ledger import Entry, accepted, posts
from tests.proofs.bench import FATES, NEVER_RECEIVED, bench
from tests.proofs.record import tell
from tests.proofs.traced import Call, traced_sync, why_not

POLICIES = ("hold", "resubmit")
EARLY = 4  # sends of the token request and of the POST, two each
SOCKET = ("connect", "sendto", "recvfrom")
# Phase, reason, exit code and number of charges that a run may end with.
SUCCEEDED = ("Succeeded", "Delivered", 0, 1)
HELD = ("Unconfirmed", "NeedsPerson", 1, 0)
LANES = 2
TRIES = 3  # how often a call is aimed at
RECORDINGS = 3  # of each life, whose length depends on how quick the machine is; the shortest is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A call to die at: the `nth` of its name in its thread, and the `ordinal`-th of that name that matters."""

    name: str
    nth: int
    ordinal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run: what becomes of the POST, what a person decided about unconfirmed ones, and where the program dies."""

    fate: str
    policy: str
    target: Target

    @property
    def place(self) -> tuple[str, str, int]:
        """The same under either policy."""
        return self.fate, self.target.name, self.target.ordinal

    def __str__(self) -> str:
        call = f"{self.target.name} number {self.target.nth} of its thread"
        return f"{self.fate}, onUnconfirmed = {self.policy}, killed at {call}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there was after the restart.

    `under_way` POSTs had no stored answer at the death; the service had taken none of the `forgotten` ones, and had
    refused `refused` of these, which only the dead process knew. `repeated` ones were sent again after the restart.
    """

    phase: str
    reason: str
    code: int
    under_way: int
    forgotten: int
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
        chosen = _few(cases, chance) if small else chance.sample(cases, len(cases))
        runs = []
        for case, found in zip(chosen, lanes.map(lambda case: _judged(case, seed), chosen), strict=True):
            runs.append((case, found))
            if len(runs) % 100 == 0:
                tell(f"crash: {len(runs)} of {len(chosen)} runs")
    return _figures(cases, runs)


def targets(calls: Sequence[Call]) -> list[Target]:
    """The calls that touch the state, a status file or a socket; what it prints and reads is left out.

    Every thread counts for itself, and the first to come to a count is met: a second thread's like call is left out.
    """
    counts: Counter[str] = Counter()
    found: dict[tuple[str, int], Target | None] = {}
    for call in calls:
        counts[call.name] += _matters(call)
        target = Target(name=call.name, nth=call.nth, ordinal=counts[call.name]) if _matters(call) else None
        found.setdefault((call.name, call.nth), target)
    return [target for target in found.values() if target]


def _matters(call: Call) -> bool:
    if call.name == "openat" and "O_CREAT" not in call.given:
        return False
    return re.search(r'[/"]state[/>]|\.status\.yaml|<TCP:|\.shjobs-writable', call.given) is not None


def _few(cases: Sequence[Case], chance: random.Random) -> list[Case]:
    """For each fate one run: in turn at the socket of the token or the POST, and anywhere but late in the life."""
    chosen = []
    for number, fate in enumerate(chance.sample(list(FATES), len(FATES))):
        life = [case for case in cases if case.fate == fate]
        sockets = [case for case in life if case.target.name in SOCKET and case.target.ordinal <= EARLY]
        chosen.append(chance.choice(sockets if number % 2 else life[: len(life) // 2]))
    return chosen


def _life(kind: tuple[str, str], recordings: int) -> list[Target]:
    """The calls of one undisturbed life."""
    return min((_recorded(*kind) for _ in range(recordings)), key=len)


def _recorded(fate: str, policy: str) -> list[Target]:
    with bench(fate, policy) as one:
        ended = traced_sync(one.root, one.settings, one.environment)
        phase, reason = one.standing
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
        target = case.target
        ended = traced_sync(one.root, one.settings, one.environment, kill_at=(target.name, target.nth))
        if ended.code != -9 or not died_at(target, ended.calls):
            return None
        intents, refusals = set(one.stored("unanswered")), one.stored("refused")
        before = one.entries_of_the_dead()
        forgotten = intents - {entry.prefix for entry in accepted(before)}
        refused = [entry for entry in before if entry.event == "refused" and entry.prefix in forgotten]
        again = one.sync()
        phase, reason = one.standing
        entries = one.entries()
        return Found(
            phase=phase,
            reason=reason,
            code=again.returncode,
            under_way=len(intents),
            forgotten=len(forgotten),
            refused=len(refused) - len(forgotten.intersection(refusals)),
            repeated=sum(entry.prefix in intents for entry in posts(entries[len(before) :])),
            entries=entries,
            said=ended.said + again.stdout + again.stderr,
        )


def died_at(target: Target, calls: Sequence[Call]) -> bool:
    """Whether the process died in this very call: the same count in its thread, after the same calls that matter."""
    for place, call in enumerate(calls):
        if (call.name, call.nth, call.result) == (target.name, target.nth, "?"):
            before = sum(each.name == call.name and _matters(each) for each in calls[:place])
            return before == target.ordinal - 1
    return False


def _broken(case: Case, found: Found) -> Iterator[str]:
    """Every promise that this run breaks."""
    charges = Counter(entry.prefix for entry in found.entries if entry.event == "charged")
    takings = Counter(entry.prefix for entry in accepted(found.entries))
    for prefix, count in (charges | takings).items():
        if count > 1:
            yield f"{prefix}: taken {takings[prefix]} times, charged {charges[prefix]} times"
    if found.repeated:
        yield f"{found.repeated} POSTs of submissions that were already under way at the death"
    is_nobodys = case.fate == NEVER_RECEIVED or found.forgotten > 0
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
        "unconfirmed, a person decides": phases["Unconfirmed"],
        "died with a POST under way": sum(found.under_way for _, found in died),
        "of these never taken by the service": sum(found.forgotten for _, found in died),
        "of these refused, and the refusal lost with the process": sum(found.refused for _, found in died),
    }
