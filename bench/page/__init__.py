"""The page of a hundred thousand jobs, and fifty readers beside a daemon that submits.

Each page is made as the page's own process makes it, so often that the median says something; readers do as the page's
script does: they fetch it again every three seconds.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bench.finished import settings_of
from bench.grown import MODEL, grow
from bench.latency import measured
from bench.page import readers
from bench.program import Program
from bench.rows import Row
from bench.scale.sizes import repository, step
from controller.page.message import PageRequest
from controller.page.site import PAGES, Site

COUNT, FOLDERS, TIMES = 100_000, 1_000, 15
MOST_MS, MOST_KIB = 150.0, 60.0
READERS, MORE, GRACE = 50, 1.1, 20.0  # readers, the latency beside them as a multiple, or so many ms above it
FINISHED = 100
QUERIES = {"jobs": ("phase=Succeeded&text=77", "label=team%3Dagri"), "map": ("zoom=6&lat=35.8&lon=14.5",)}
"""Filters that are measured besides the plain page."""


def rows() -> Iterator[Row]:
    yield from pages(COUNT, FOLDERS)
    with step("latency beside readers"):
        alone = statistics.median(measured(FINISHED))
        beside = statistics.median(measured(FINISHED, beside=_reading))
    yield Row(
        what="change to POST, median", scale=f"{READERS} readers of the page", figure=beside, unit="ms", baseline=alone,
        against="without them", most=max(MORE, (alone + GRACE) / alone),
    )  # fmt: skip


def pages(count: int, folders: int) -> Iterator[Row]:
    """Every page of so many finished jobs: the processor time to make it, and its size."""
    with repository() as root:
        with step("finished jobs"):
            grow(root, count, folders=folders)
        site = Site(settings_of(root))
        with step("pages"):
            for path, query in _addresses():
                yield from _page(site, path, query, count)


def _addresses() -> Iterator[tuple[str, str]]:
    for name in PAGES:
        path = "/" if name == "overview" else f"/{name}"
        yield path, ""
        yield from ((path, query) for query in QUERIES.get(name, ()))
    yield f"/jobs/job-{MODEL}", ""


def _page(site: Site, path: str, query: str, count: int) -> Iterator[Row]:
    request, took = PageRequest(path=path, query=query), []
    for _ in range(TIMES):
        began = time.thread_time()
        response = site.respond(request)
        took.append(1000 * (time.thread_time() - began))
        assert response.status == 200, response.content
    row = partial(Row, scale=f"{count:,} finished jobs", of="figure")
    address = f"{path}?{query}" if query else path
    yield row(what=f"{address}, median", figure=statistics.median(took), unit="ms", most=MOST_MS)
    yield row(what=f"{address}, size", figure=len(response.content) / 1024, unit="KiB", most=MOST_KIB)


@contextmanager
def _reading(program: Program) -> Iterator[None]:
    """Fifty readers of the daemon's page, in a process of their own, until it is left."""
    process = subprocess.Popen([sys.executable, readers.__file__, program.url, str(READERS)])
    try:
        yield
        assert process.poll() is None, "the readers go on"
    finally:
        process.kill()
        process.wait()
