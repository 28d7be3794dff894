"""The outage: an hour of 502 before a thousand pending jobs, and lines that break after a POST was read.

The hour is scaled like every pause of the controller, and the loop is the real one. What was taken and charged is read
from the sandbox's ledger.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from controller.model.answers import Refusal
from controller.model.timing import Timing
from controller.sandbox.faults.faults import Fault
from controller.sandbox.ledger import Entry
from tests.proofs.site import Ended, Site, phases_seen, site
from tests.proofs.wire import SPOILS, bad_line

HOUR = 3600.0
MOST_UNCONFIRMED = 20
LEAST_CANARIES = 2
BROKEN_HANDSHAKES = 3
# Unlike `sync` by itself, this waits for the longest pause of the breaker and for the end of every search.
PATIENT = replace(Timing(), sync_patience=1.1 * Timing().breaker_longest, unconfirmed_grace=HOUR)
# What a broken line teaches does not depend on the pauses.
HASTY = replace(Timing().scaled(0.002), breaker_longest=0.2, unconfirmed_grace=2.0, sync_patience=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One outage: `running` places at the service; of the POSTs that are answered 502, `taken` (a share) are taken."""

    jobs: int
    running: int
    taken: float
    scale: float


SMALL = (Plan(jobs=60, running=50, taken=0.0, scale=0.001),)
FULL = (
    Plan(jobs=1000, running=50, taken=0.0, scale=0.01),
    Plan(jobs=500, running=10, taken=0.5, scale=0.01),
)


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """Every outage, then the broken lines; counts of both."""
    return {**hours_of_502(seed, SMALL if small else FULL), **broken_lines(seed, repeats=1 if small else 10)}


def hours_of_502(seed: int, plans: Sequence[Plan]) -> dict[str, object]:
    """Go through each outage; what was sent into it, and what became of all jobs."""
    draw = random.Random(seed)
    outages = [_outage(f"seed {seed}: {plan}", draw, plan) for plan in plans]
    return {
        "outages": len(outages),
        "jobs": sum(each["jobs"] for each in outages),
        "answered_502": sum(each["answered_502"] for each in outages),
        "canaries": sum(each["canaries"] for each in outages),
        "most_unconfirmed": max(each["unconfirmed"] for each in outages),
        "submitted_by_themselves": sum(each["succeeded"] for each in outages),
        "double_charges": 0,
    }


def _outage(replay: str, draw: random.Random, plan: Plan) -> dict[str, int]:
    """One scaled hour: a handful of jobs may be left Unconfirmed, all others must succeed by themselves."""
    names = [f"job-{number:04}" for number in range(plan.jobs)]
    with site(PATIENT.scaled(plan.scale), running=plan.running) as place:
        for name in names:
            place.write(name)
            fault = "refuse-502-after" if draw.random() < plan.taken else "refuse-502-before"
            place.sandbox.faults.add(Fault(name=fault, times=-1, match=f"/{name}/"))
        with _over_after(HOUR * plan.scale, place, plan):
            ended = place.sync()
        entries = place.entries_by_job()
    _assert_paid_once(replay, entries)
    struck = {name: _of(entries[name], "fault")[0].time for name in names if _of(entries.get(name, ()), "fault")}
    unconfirmed = sorted(name for name in names if ended.phase(name) == "Unconfirmed")
    succeeded = sum(ended.phase(name) == "Succeeded" for name in names)
    never_taken = sorted(name for name in struck if not _of(entries[name], "accepted"))
    assert unconfirmed == never_taken, f"{replay}: Unconfirmed {unconfirmed}, but never taken were {never_taken}"
    assert len(unconfirmed) <= MOST_UNCONFIRMED, f"{replay}: {len(unconfirmed)} Unconfirmed of {len(struck)} sent"
    assert succeeded == plan.jobs - len(unconfirmed), f"{replay}: {Counter(map(ended.phase, names))}"
    canaries = _canaries(sorted(struck.values()), plan)
    assert canaries >= LEAST_CANARIES, f"{replay}: {canaries} canaries, the outage was over too soon to prove anything"
    return {
        "jobs": plan.jobs,
        "answered_502": len(struck),
        "canaries": canaries,
        "unconfirmed": len(unconfirmed),
        "succeeded": succeeded,
    }


@contextmanager
def _over_after(seconds: float, place: Site, plan: Plan) -> Iterator[None]:
    """Switch every fault off so many seconds after the first one struck, once there were canaries."""
    leaving = threading.Event()

    def struck() -> list[str]:
        return sorted(entry.time for entry in place.sandbox.ledger.entries() if entry.event == "fault")

    def wait() -> None:
        while not struck():
            if leaving.wait(0.05):
                return
        leaving.wait(seconds)
        while _canaries(struck(), plan) < LEAST_CANARIES and not leaving.wait(0.05):
            pass  # the controller was held up
        place.sandbox.faults.clear()

    thread = threading.Thread(target=wait, name="outage")
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()


def _canaries(struck: Sequence[str], plan: Plan) -> int:
    """How many POSTs went into the outage after the breaker had been shut for its first pause."""
    times = [datetime.fromisoformat(each) for each in struck]
    pause = 0.9 * Timing().breaker_first * plan.scale
    return sum((each - times[0]).total_seconds() > pause for each in times)


def broken_lines(seed: int, *, repeats: int) -> dict[str, int]:
    """Break lines after the POST was read, and before it could be: what was taken is found, nothing is sent twice."""
    draw = random.Random(seed)
    fates = [(spoil, taken) for spoil in SPOILS for taken in (True, False)] * repeats
    draw.shuffle(fates)
    jobs = {f"job-{number:03}": fate for number, fate in enumerate(fates)}
    seen: dict[str, list[str]] = {}
    with site(HASTY, running=4) as place:
        for job in jobs:
            place.write(job)
        port = int(place.sandbox.base_url.rpartition(":")[2])
        with bad_line(port, place.root, lambda body: jobs.get(_job_in(body)), broken=BROKEN_HANDSHAKES) as line:
            ended = _moved_to(line.url, place).sync(watch=phases_seen(seen))
        entries = place.entries_by_job()
    sent = Counter(_job_in(body) for body in line.read)
    for job, (spoil, taken) in jobs.items():
        replay = f"seed {seed}: {job} ({spoil}, taken: {taken}), seen as {', '.join(seen[job])}"
        assert sent[job] == 1, f"{replay}: its POST was read {sent[job]} times"
        assert "Unconfirmed" in seen[job], f"{replay}: never called Unconfirmed"
        assert ended.phase(job) == ("Succeeded" if taken else "Unconfirmed"), f"{replay}: ended as {ended.phase(job)}"
        charges = len(_of(entries.get(job, ()), "charged"))
        assert charges == taken, f"{replay}: {charges} charges"
    unsent = _unsent(ended)
    assert unsent, f"seed {seed}: no POST met a broken handshake"
    return {
        "broken_lines": len(jobs),
        "broken_lines_found_in_the_bucket": sum(taken for _, taken in fates),
        "broken_lines_sent_twice": 0,
        "broken_handshakes_tried_again": unsent,
    }


def _moved_to(url: str, place: Site) -> Site:
    """The same site, its service behind another address."""
    deployment = place.settings.deployment.model_copy(update={"base_url": url})
    return replace(place, settings=place.settings.model_copy(update={"deployment": deployment}))


def _assert_paid_once(replay: str, entries: Mapping[str, Sequence[Entry]]) -> None:
    for job, lines in entries.items():
        for event in ("post", "accepted", "charged"):
            assert len(_of(lines, event)) <= 1, f"{replay}: {job} has {event} {len(_of(lines, event))} times"


def _of(entries: Sequence[Entry], event: str) -> list[Entry]:
    return [entry for entry in entries if entry.event == event]


def _unsent(ended: Ended) -> int:
    """How many submissions were refused because no byte of them was written."""
    return sum(each.refused is not None and each.refused.why is Refusal.UNSENT for each in ended.submissions)


def _job_in(body: bytes) -> str:
    """The job that the delivery URL of a request names."""
    return body.partition(b"/rasters/")[2].partition(b"/")[0].decode()
