"""The fates of the fault matrix, by dimension, and the cells drawn from them; `faults` takes each through the loop.

A cell is one fate for every dimension: what refuses the POST, what becomes of its answer, what the polls say, what is
delivered and when, where the request copy is, and whether the bucket can be read.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product

from controller.sandbox.faults.faults import Fault
from tests.proofs.site import BUCKET, LATE, REFUSED, SHUT

FAILS = "// fails when it is run"
STRANGER = "// a stranger puts outputs beside its own folder"
Names = tuple[str, ...]
Pair = tuple[tuple[int, str], tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What one dimension does to a job: faults of the sandbox, a line of the script, or another bucket."""

    faults: tuple[Fault, ...] = ()
    line: str = ""
    bucket: str = BUCKET


def _fault(name: str, times: int = 1, **parameters: float) -> Fate:
    return Fate(faults=(Fault(name=name, times=times, parameters=parameters),))


PLAIN = Fate()
MATRIX: Mapping[str, Mapping[str, Fate]] = {
    "refusal": {
        "none": PLAIN,
        "429 rate": _fault("rate-429", milliseconds=300),
        "429 concurrency": _fault("concurrency-429"),
        "spurious 400": _fault("spurious-400"),
        "401": _fault("unauthorized-401"),
        "403": _fault("forbidden-403"),
        "quota": _fault("quota-403"),
        "body refused": Fate(line=REFUSED),
        "spurious 400 for good": _fault("spurious-400", times=3),
        "502 before": _fault("refuse-502-before"),
    },
    "answer": {
        "heard": PLAIN,
        "slow": _fault("slow-answer", seconds=0.2),
        "lost": _fault("answer-lost"),
        "502 after": _fault("refuse-502-after"),
    },
    "polls": {
        "true": PLAIN,
        "early 404": _fault("early-404", seconds=0.4),
        "404 while it runs": _fault("early-404", seconds=60),
        "flapping 404": _fault("flapping-404"),
        "500": _fault("status-500"),
        "429": _fault("status-429", milliseconds=300),
    },
    "outputs": {
        "whole": PLAIN,
        "nothing": _fault("never-deliver"),
        "partial": _fault("partial-delivery"),
        "empty": _fault("zero-byte"),
        "error.json": Fate(line=FAILS),
        "error.json beside outputs": _fault("error-with-outputs"),
        "error.json cut off": _fault("error-json-malformed"),
        "foreign object": _fault("foreign-object"),
        "stranger's outputs": replace(_fault("never-deliver"), line=STRANGER),
    },
    "arrival": {
        "at once": PLAIN,
        "in grace": _fault("late-delivery", seconds=0.5),
        "past grace": _fault("late-delivery", seconds=2.5),
    },
    "copy": {
        "at both ends": PLAIN,
        "never": _fault("copy-never"),
        "late": _fault("copy-late", seconds=1),
        "in root": _fault("copy-in-root"),
    },
    "bucket": {"readable": PLAIN, "unreadable": Fate(bucket=SHUT), "readable later": Fate(bucket=LATE)},
}
NEVER_TAKEN = frozenset({"body refused", "spurious 400 for good", "502 before"})
UNHEARD = frozenset({"lost", "502 after"})
SELDOM = frozenset({*NEVER_TAKEN, "unreadable", "readable later"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One job and its fates, named in the order of `MATRIX`."""

    job: str
    names: Names

    def __str__(self) -> str:
        return f"{self.job} ({', '.join(self.names)})"

    @property
    def fates(self) -> list[Fate]:
        return [fates[name] for fates, name in zip(MATRIX.values(), self.names, strict=True)]

    @property
    def faults(self) -> list[Fault]:
        """The faults of its fates, for this job alone."""
        return [replace(fault, match=f"/{self.job}/") for fate in self.fates for fault in fate.faults]

    @property
    def line(self) -> str:
        return next((fate.line for fate in self.fates if fate.line), "")

    @property
    def bucket(self) -> str:
        return self.fates[-1].bucket


def chosen(draw: random.Random, count: int, *, every_pair: bool) -> list[Cell]:
    """`count` different cells, and with `every_pair` more until every two fates that can meet have met."""
    drawn: dict[Names, None] = {}
    while len(drawn) < count:
        drawn[_drawn(draw)] = None
    missing = sorted(pairs(possible()) - pairs(drawn)) if every_pair else []
    for pair in missing:
        while pair not in pairs([names := _drawn(draw)]):
            pass
        drawn[names] = None
    return [Cell(job=f"cell-{number:03}", names=names) for number, names in enumerate(drawn)]


def pairs(cells: Iterable[Names]) -> set[Pair]:
    """Every two fates that meet in one of the cells."""
    return {pair for names in cells for pair in combinations(enumerate(names), 2)}


def possible() -> set[Names]:
    """Every cell there can be."""
    return {_possible(names) for names in product(*MATRIX.values())}


def _drawn(draw: random.Random) -> Names:
    weights = ([1 if name in SELDOM else 3 for name in fates] for fates in MATRIX.values())
    return _possible(
        tuple(draw.choices(list(fates), each)[0] for fates, each in zip(MATRIX.values(), weights, strict=True))
    )


def _possible(names: Names) -> Names:
    """The cell itself, with what could not happen replaced by the plain fate of its dimension."""
    refusal, answer, polls, outputs, arrival, copy, bucket = names
    if refusal in NEVER_TAKEN:
        return (refusal, *(next(iter(fates)) for fates in [*MATRIX.values()][1:-1]), bucket)
    if answer in UNHEARD and outputs == "stranger's outputs":
        answer = "heard"  # otherwise nobody could tell which of the two was paid for
    if answer in UNHEARD and (copy in {"never", "late"} or bucket != "readable"):
        polls = "true"  # nobody knows the id while it runs, so nobody asks
    return refusal, answer, polls, outputs, arrival, copy, bucket
