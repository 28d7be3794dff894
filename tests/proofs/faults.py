"""The fault matrix: what POST, polls, delivery and bucket may do, in every pair, against what really happened.

Every cell is a job of its own in the real loop. What it must come to is read from the sandbox's ledger and the bytes in
its buckets; the verdict's author has no say in it. After a first sync comes a second one, later by its clock: what
arrived late must settle what was Unknown, and nothing may be sent again.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.lifecycle.commands import FirstRun
from controller.model.clock import Clock
from controller.model.timing import Timing
from controller.operations.inspect.ask import ask
from controller.sandbox.failure import script_failed
from controller.sandbox.faults.faults import Moment
from controller.sandbox.ledger import Entry, unfinished
from controller.sandbox.render.render import Rendered, RenderOptions
from tests.proofs.matrix import FAILS, STRANGER, Cell, chosen, pairs, possible
from tests.proofs.site import LATE, OUTPUTS, RASTER, SHUT, Ended, Site, rendered, site

# About a two-hundredth of the real pauses. What tells the order of things in a bucket keeps room for a busy machine,
# and no trouble of one cell keeps the others waiting for long.
RHYTHM = replace(
    Timing().scaled(0.005),
    early_gone=0.6,
    gone_again=0.1,
    stable=0.3,
    breaker_first=0.05,
    breaker_longest=0.15,
    account_first=0.05,
    account_longest=0.15,
    concurrency_wait=0.05,
    delivery_grace=1.5,
    retry_after_longest=0.5,
)
RUN_SECONDS = 1.0
BATCH = 60  # cells that share a site; with many more, each trouble of one would keep all others busy
LATER = timedelta(seconds=RHYTHM.late_looks[-1] + 60)
PATIENCE = 60.0
NOT_FOUND = 404
BODY_REFUSED = frozenset({400, 413, 422})
LOSES_THE_ANSWER = frozenset({"answer-lost", "refuse-502-after"})
STRANGERS_ID = "0badf00d-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What really happened to a job: the ledger's lines, and what lies in the bucket by key, in bytes."""

    entries: Sequence[Entry]
    objects: Mapping[str, int]

    def of(self, event: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.event == event]

    def struck(self, fault: str) -> int:
        """How often a fault took effect."""
        return sum(entry.message == fault for entry in self.of("fault"))

    @property
    def delivered(self) -> dict[str, int]:
        """What the service wrote at the end: names and sizes."""
        keys = [key for entry in (*self.of("delivered"), *self.of("failed")) for key in entry.keys]
        return {key.rpartition("/")[2]: self.objects[key] for key in keys}

    @property
    def is_whole(self) -> bool:
        """Every declared output was delivered, and none is empty."""
        return all(self.delivered.get(f"{output}.tif") for output in OUTPUTS)

    @property
    def is_failure_told(self) -> bool:
        """It failed, and an error.json was delivered."""
        return bool(self.of("failed")) and "error.json" in self.delivered

    @property
    def is_body_refused(self) -> bool:
        """Its last POST was refused for what it says."""
        refusals = self.of("refused")
        return not self.of("accepted") and bool(refusals) and refusals[-1].status in BODY_REFUSED

    @property
    def is_id_known(self) -> bool:
        """Whether the answer arrived, or something in the bucket names the request."""
        ids = [entry.id for entry in self.of("accepted")]
        is_heard = not any(self.struck(fault) for fault in LOSES_THE_ANSWER)
        return is_heard or any(id in key for id in ids for key in self.objects)

    @property
    def spent(self) -> float | None:
        return next((entry.processing_units for entry in self.of("charged")), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A cell that went through both syncs: its phase after each, and what really happened."""

    cell: Cell
    first: str
    last: str
    truth: Truth


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Take every cell through both syncs; counts of what the jobs came to."""
    cells = chosen(random.Random(seed), 24 if small else 450, every_pair=not small)
    batches = [cells[start : start + BATCH] for start in range(0, len(cells), BATCH)]
    taken = [each for batch in batches for each in _gone_through(batch, seed)]
    counted = [each for each in taken if _is_exercised(each)]
    assert len(counted) >= (16 if small else 200), f"seed {seed}: only {len(counted)} cells were exercised"
    return _figures(taken, counted)


def _gone_through(cells: Sequence[Cell], seed: int) -> list[Taken]:
    """A site of their own for these cells, and every promise held against the ledger on the way."""
    with site(RHYTHM, running=40, run_seconds=RUN_SECONDS, renderer=_rendered) as place:
        _set_up(place, cells)
        first = _all_sent(place, cells)
        _assert_nothing_guessed(cells, first, _truths(place), seed)
        _wait_until_all_has_arrived(place)
        _open_the_late_bucket(place)
        last = place.sync(Clock(wall=lambda: datetime.now(UTC) + LATER))
        truths = _truths(place)
    _assert_nothing_guessed(cells, last, truths, seed)
    for cell in cells:
        _assert_right(cell, last, truths[cell.job], seed)
    return [
        Taken(cell=cell, first=first.phase(cell.job), last=last.phase(cell.job), truth=truths[cell.job])
        for cell in cells
    ]


def _all_sent(place: Site, cells: Sequence[Cell]) -> Ended:
    """`sync`, and again while some cell was never sent: what a refused account keeps waiting is left for the next."""
    for _ in cells:
        ended = place.sync()
        if place.entries_by_job().keys() >= {cell.job for cell in cells}:
            return ended
    raise AssertionError("some cells were never sent")


def _set_up(place: Site, cells: Sequence[Cell]) -> None:
    """Manifests and faults; and a person says that nothing was submitted before, though two buckets cannot be read."""
    for cell in cells:
        place.write(cell.job, bucket=cell.bucket, line=cell.line)
        for fault in cell.faults:
            place.sandbox.faults.add(fault)
    ask(place.settings, FirstRun())


def _rendered(body: Mapping[str, Any], folder: Path, options: RenderOptions) -> Rendered:
    """The stand-in for pixels; it also plays the stranger who writes below a prefix that is not his."""
    if FAILS in body["evalscript"]:
        raise script_failed("the script was told to fail")
    if STRANGER in body["evalscript"]:
        bucket, _, path = body["output"]["delivery"]["s3"]["url"].removeprefix("s3://").partition("/")
        strange = folder.parent.parent / bucket / path / STRANGERS_ID
        strange.mkdir(parents=True)
        for output in OUTPUTS:
            (strange / f"{output}.tif").write_bytes(RASTER)
    return rendered(body, folder, options)


def _wait_until_all_has_arrived(place: Site) -> None:
    ends_at = time.monotonic() + PATIENCE
    while unfinished(place.sandbox.ledger.entries()):
        assert time.monotonic() < ends_at, "the sandbox did not finish what it had accepted"
        time.sleep(0.1)


def _open_the_late_bucket(place: Site) -> None:
    (place.root / "late").mkdir()
    (place.root / "late" / LATE).symlink_to(place.sandbox.options.folder / LATE)


def _truths(place: Site) -> dict[str, Truth]:
    return {
        job: Truth(entries=entries, objects=_objects(place, entries[0].prefix))
        for job, entries in place.entries_by_job().items()
    }


def _objects(place: Site, prefix: str) -> dict[str, int]:
    bucket, _, path = prefix.removeprefix("s3://").partition("/")
    root = place.sandbox.options.folder / bucket
    return {str(each.relative_to(root)): each.stat().st_size for each in (root / path).rglob("*") if each.is_file()}


def _assert_nothing_guessed(cells: Sequence[Cell], ended: Ended, truths: Mapping[str, Truth], seed: int) -> None:
    """At any time: Succeeded and Failed are true, and nothing was paid for twice."""
    for cell in cells:
        truth, phase = truths[cell.job], ended.phase(cell.job)
        reported = f"seed {seed}: {cell} is {phase}"
        assert phase != "Succeeded" or truth.is_whole, f"{reported}, but the ledger delivered only {truth.delivered}"
        assert phase != "Failed" or truth.is_failure_told or truth.is_body_refused, f"{reported}, but did not fail"
        assert max(Counter(entry.prefix for entry in truth.of("accepted")).values(), default=0) <= 1, (
            f"{reported}: twice"
        )
        assert max(Counter(entry.prefix for entry in truth.of("charged")).values(), default=0) <= 1, (
            f"{reported}: twice"
        )


def _assert_right(cell: Cell, ended: Ended, truth: Truth, seed: int) -> None:
    """In the end: exactly what the ledger says, and Unknown or Unconfirmed only where nobody could know."""
    status = ended.statuses[cell.job]
    expected = _expected(truth, is_readable=cell.bucket != SHUT)
    reported = f"seed {seed}: {cell} is {status['phase']} ({status['message']})"
    assert status["phase"] == expected, f"{reported}; the ledger says {expected}"
    spent = status.get("processingUnits", {}).get("spent")
    assert spent in (None, truth.spent), f"{reported} and spent {spent}; the ledger charged {truth.spent}"


def _expected(truth: Truth, *, is_readable: bool) -> str:
    if not truth.of("accepted"):
        return "Failed" if truth.is_body_refused else "Unconfirmed"
    if not is_readable:
        heard = not any(truth.struck(fault) for fault in LOSES_THE_ANSWER)
        return "Unknown" if heard else "Unconfirmed"
    if not truth.is_id_known:
        return "Unconfirmed"
    if truth.is_failure_told:
        return "Failed"
    return "Succeeded" if truth.is_whole else "Unknown"


def _is_exercised(taken: Taken) -> bool:
    """Whether every fault of the cell struck as often as it was to: only then has the cell been tried.

    A 404 for a request that runs has struck when somebody saw it.
    """
    saw_404 = any(entry.status == NOT_FOUND for entry in taken.truth.of("status"))
    return all(
        saw_404 if fault.kind.moment is Moment.FOLLOW else taken.truth.struck(fault.name) >= fault.times
        for fault in taken.cell.faults
    )


def _figures(taken: Sequence[Taken], counted: Sequence[Taken]) -> dict[str, object]:
    phases = Counter(each.last for each in counted)
    charges = Counter(entry.prefix for each in taken for entry in each.truth.of("charged"))
    return {
        "cells": len(counted),
        "not_exercised": len(taken) - len(counted),
        "pairs_of_fates": len(pairs(each.cell.names for each in counted)),
        "pairs_that_can_meet": len(pairs(possible())),
        **{phase.lower(): count for phase, count in sorted(phases.items())},
        "settled_late": sum(each.first != each.last for each in counted),
        "posts": sum(len(each.truth.of("post")) for each in taken),
        "charges": charges.total(),
        "double_charges": sum(count > 1 for count in charges.values()),
        "wrong_outcomes": 0,
    }
