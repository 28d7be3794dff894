"""The calls of one job's life that a proof kills the real program at, and the kill at one of them.

A call that touches the state, a status file or a socket is aimed at by its count in its thread. The claim is put by
threads whose counts others reach first, so its calls are aimed at by their path, in a program whose claim has a name
that is known.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.proofs.bench import REFUSED, Bench
from tests.proofs.named import NAME
from tests.proofs.traced import Call, Ended, traced_sync


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A call to die at: the `nth` of its name in its thread, and the `ordinal`-th of that name that matters.

    With `path`, a file below the folder of the claims, only the calls on that file count.
    """

    name: str
    nth: int
    ordinal: int
    path: str | None = None

    def __str__(self) -> str:
        if self.path is None:
            return f"{self.name} number {self.nth} of its thread"
        return f"{self.name} number {self.nth} on {self.path or 'the folder'} of the claims"


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


def claim_targets(fate: str) -> list[Target]:
    """The calls that put a claim and look at it again, and those that withdraw it where the POST is refused."""
    return [*_puts(NAME), _on("", "openat"), *(_puts(f"{NAME}.withdrawn", has_folder=True) if fate == REFUSED else ())]


def _puts(name: str, *, has_folder: bool = False) -> Iterator[Target]:
    """The object store writes `<name>#1`, which no listing shows, and renames it."""
    written = f"{name}#1"
    if not has_folder:
        yield _on("", "mkdir")
        yield _on(written, "openat", 2)
    yield _on(written, "openat")
    yield _on(written, "write")
    yield _on(written, "rename")


def _on(path: str, name: str, nth: int = 1) -> Target:
    return Target(name=name, nth=nth, ordinal=nth, path=path)


def killed(one: Bench, target: Target) -> Ended | None:
    """A sync that died in this very call; None when it never came to it."""
    at, paths, module = (target.name, target.nth), [], "controller"
    if target.path is not None:
        paths, module = [one.claims_folder / target.path], "tests.proofs.named"
    ended = traced_sync(one.root, one.settings, one.environment, kill_at=at, module=module, paths=paths)
    return ended if ended.code == -9 and died_at(target, ended.calls) else None


def died_at(target: Target, calls: Sequence[Call]) -> bool:
    """Whether the process died in this very call: the same count in its thread, after the same calls that matter."""
    matters = _matters if target.path is None else _always
    for place, call in enumerate(calls):
        if (call.name, call.nth, call.result) == (target.name, target.nth, "?"):
            return sum(each.name == call.name and matters(each) for each in calls[:place]) == target.ordinal - 1
    return False


def _matters(call: Call) -> bool:
    if call.name == "openat" and "O_CREAT" not in call.given:
        return False
    return re.search(r'[/"]state[/>]|\.status\.yaml|<TCP:|\.shjobs-writable', call.given) is not None


def _always(_: Call) -> bool:
    """The trace holds nothing but the calls on one path."""
    return True
