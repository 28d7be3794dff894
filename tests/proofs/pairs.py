"""Two controllers, each with a state of its own, start on one new job at nearly the same moment, in one bucket.

The lock of a state directory cannot keep them apart: the claim in the bucket must. They run the real loop, each in a
process, against a real sandbox, whose ledger is the oracle. Half of the pairs share a folder, half an S3 store.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import boto3
from moto.server import ThreadedMotoServer

from controller.model.timing import Timing
from controller.sandbox.faults.faults import Fault
from controller.sandbox.ledger import posts
from controller.settings.settings import Settings
from tests.proofs.record import tell
from tests.proofs.site import BUCKET, Site, job_of, site, sync
from tests.support.charges import accepted_entries

PAIRS = 500
SMALL = 2
LONGEST_GAP = 0.1
"""Seconds between the two starts, at the most."""
LEAD = 0.05
"""Seconds for both to be ready."""
RUN_SECONDS = 0.4
TIMING = Timing(sync_patience=600).scaled(0.01)
COPIES = {
    "at accept": (),
    "late": (Fault(name="copy-late", parameters={"seconds": 0.3}, times=-1),),
    "with the results": (Fault(name="copy-never", times=-1),),
}


def synced(settings: Settings, starts_at: float, name: str) -> str:
    """Turn one controller to rest from a moment of the system's clock on; answers the phase of the job."""
    time.sleep(max(0.0, starts_at - time.time()))
    return sync(settings).phase(name)


def prove(seed: int, *, small: bool = False) -> dict[str, object]:
    """500 pairs (small: 2): 0 double charges, and in every pair one gets the raster at once, the other one later."""
    chance, figures = random.Random(seed), Counter[str]()
    kinds = [("folder", copy) for copy in COPIES] + [("s3", copy) for copy in COPIES]
    number, kinds = (SMALL, chance.sample(kinds, 2)) if small else (PAIRS, kinds)
    with _two() as two:
        for place, (store, copy) in enumerate(kinds):
            share = len(range(place, number, len(kinds)))
            with _opened(store) as endpoint, _field(copy, endpoint) as field:
                for pair in range(share):
                    gap, replay = chance.uniform(0, LONGEST_GAP), f"pairs, seed {seed}, {store}, copy {copy}, {pair}"
                    figures += _met(field, two, f"job-{place}-{pair}", gap, replay)
                figures += _judged(field, f"pairs, seed {seed}, {store}, copy {copy}")
            figures[f"pairs_copy_{copy}".replace(" ", "_")] += share
            figures[f"pairs_in_{store}"] += share
            tell(f"pairs: {copy}, {store}: {share} done")
    assert figures["pairs"] == number, f"only {figures['pairs']} of {number} pairs ran"
    return {**dict(sorted(figures.items())), "double_charges": figures["double_charges"]}


def _met(field: Site, two: Executor, name: str, gap: float, replay: str) -> Counter[str]:
    """One pair from start to end, and the one that did not get the raster once more."""
    field.write(name)
    pair = [_clone(field, name, each) for each in ("first", "second")]
    begin = time.time() + LEAD
    runs = [two.submit(synced, each, begin + number * gap, name) for number, each in enumerate(pair)]
    phases = [run.result() for run in runs]
    assert "Succeeded" in phases, f"{replay}: nobody got the raster: {phases}"
    late = [each for each, phase in zip(pair, phases, strict=True) if phase != "Succeeded"]
    for each in late:
        phase = two.submit(synced, each, time.time() + RUN_SECONDS, name).result()
        assert phase == "Succeeded", f"{replay}: {phase}, though the raster is there"
    return Counter(pairs=1, of_these_one_waited=len(late))


def _judged(field: Site, replay: str) -> Counter[str]:
    """What the sandbox's ledger says of all pairs together."""
    entries = field.sandbox.ledger.entries()
    charges = Counter(job_of(entry.prefix) for entry in accepted_entries(entries))
    double = {name: times for name, times in charges.items() if times > 1}
    assert not double, f"{replay}: charged more than once: {double}"
    return Counter(posts=len(posts(entries)), charges=charges.total(), double_charges=len(double))


def _clone(field: Site, name: str, which: str) -> Settings:
    """A second repository with a state of its own, which holds this job alone."""
    root = field.root / name / which
    (root / "jobs.d").mkdir(parents=True)
    (root / "jobs.d" / f"{name}.yaml").write_bytes((field.settings.jobs / f"{name}.yaml").read_bytes())
    return field.settings.model_copy(update={"jobs": root / "jobs.d", "state": root / "state"})


def _two() -> Executor:
    """Two processes that stay, so that starting them costs nothing when it matters."""
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


@contextmanager
def _field(copy: str, endpoint: str) -> Iterator[Site]:
    with site(TIMING, running=4, run_seconds=RUN_SECONDS, faults=COPIES[copy], endpoint=endpoint) as field:
        yield field


@contextmanager
def _opened(store: str) -> Iterator[str]:
    """The endpoint of an S3 store of our own with one bucket; "" for a folder."""
    if store == "folder":
        yield ""
        return
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="any", aws_secret_access_key="any"
    )
    try:
        client.create_bucket(Bucket=BUCKET)
        yield endpoint
    finally:
        client.close()
        server.stop()
