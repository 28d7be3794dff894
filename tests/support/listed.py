"""A ledger with jobs in many states, for what lists them: filled through the store, without a loop."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.ledger.store import Store
from controller.model.answers import Accepted
from controller.model.job import SetCell
from controller.model.submission import Evidence
from tests.support.factories import at, job, submission, wanted

HOUR = 3600
AGRI, WATER = (("team", "agri"),), (("team", "water"),)
ALPS = (*AGRI, ("set", "alps"))
JOBS: Mapping[str, tuple[str, int, tuple[tuple[str, str], ...]]] = {
    "alps-1": ("Delivered: every declared output is in the bucket", 1 * HOUR, ALPS),
    "alps-2": ("ErrorReported: no data", 2 * HOUR, ALPS),
    "lake": ("Running: the service is working on it", 3 * HOUR, WATER),
    "moor": ("Queued: will be submitted when a slot is free", 4 * HOUR, ()),
    "shore": ("LargeChange: 60 jobs are due; `shjobs accept 3fa1c02be7d9` says yes", 0, AGRI),
    "swamp": ("NeedsPerson: no answer, and nothing in the bucket", 6 * HOUR, ()),
}
"""By name: what was reported, how many seconds after the factories' `NOW`, and the labels."""
REJECTED = "bad: bad.yaml:3:5: E101 spec.request.output: has no size"
PAID = {"alps-1": (1, 12.5), "alps-2": (2, 4.0), "lake": (2, None)}
"""The day of March 2026 on which each was submitted, and what it cost; each reserved 20."""


def filled(state: Path) -> None:
    """Fill a new ledger in this folder with the jobs above, one document that was never accepted, and their costs."""
    with Store.open(state, {}) as store, store.transaction():
        for name, (told, seconds, labels) in JOBS.items():
            cell = SetCell(set_name="alps", recipe="r", window="") if name.startswith("alps") else None
            store.save_job(
                job(name=name, path=f"{name}.yaml", history=None, wanted=wanted(labels=labels, cell=cell)), "{}"
            )
            store.mark_reported({name: told}, at(seconds))
        store.set_fact("rejected bad.yaml", REJECTED)
        for name, (day, cost) in PAID.items():
            began = datetime(2026, 3, day, tzinfo=UTC)
            intent = submission(job=name, number=0, intended_at=began, reserved=20.0)
            done = intent.answered(Accepted(request_id=f"id-{name}"), began, began + timedelta(seconds=30))
            seen = Evidence(at=began, since=began, readable=True, spent=cost)
            store.save(replace(done, number=store.add(intent, "{}"), evidence=seen))
            store.add_event(began, "Running", "the service is working on it", name, intent.id)
