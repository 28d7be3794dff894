"""How fast the sandbox is, on one core: pixels of a mosaic, samples of a time series, calls a second.

The start and the process of the engine, the synthesis of the scenes and the writing of the GeoTIFFs are included.
Renderings are measured in processor time, which is what they take on a core that does nothing else.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from bench.rows import Row, processor_seconds
from controller.sandbox.render.render import RenderOptions, render

BUDGETS = {"ndvi pixels/s": 2_000_000, "orbit pixel-samples/s": 1_000_000, "calls/s": 300}

_ROOT = Path(__file__).parent.parent
_UTM33 = "http://www.opengis.net/def/crs/EPSG/0/32633"
_TIFF = [{"identifier": "default", "format": {"type": "image/tiff"}}]
_PROCESS = "/api/v1/async/process"
_ORBIT_SCENES = 30
# The first quartile of the clear days, as the documented mosaic has it, over the newest scenes.
_NEWEST = f"collections.scenes.orbits = collections.scenes.orbits.slice(0, {_ORBIT_SCENES});\n  return collections;"


def rows() -> list[Row]:
    """Each figure with the budget that it must reach."""
    return [
        Row(what="sandbox", scale="one core", figure=figure, unit=name, least=BUDGETS[name], of="figure")
        for name, figure in figures().items()
    ]


def figures(*, small: bool = False) -> dict[str, float]:
    """What can be done in a second, by the names of BUDGETS; `small` only shows that it can be measured."""
    with one_core():
        return {
            "ndvi pixels/s": ndvi(200 if small else 3400),
            "orbit pixel-samples/s": orbit(16 if small else 256),
            "calls/s": calls(4 if small else 300),
        }


def ndvi(rows: int) -> float:
    """Pixels of the documented NDVI job at full resolution, from scene synthesis to the GeoTIFF on disk."""
    width = 3600
    body = _body("ndvi.js", [426000, 3994000 - rows * 10, 462000, 3994000], ("2022-06-20", "2022-06-30"))
    seconds, _ = _rendered(body | {"output": {"width": width, "height": rows, "responses": _TIFF}})
    return width * rows / seconds


def orbit(side: int) -> float:
    """Samples of the documented cloudless mosaic over 30 scenes, each pixel seen in each of them."""
    east, north = 440000 + side * 10, 3970000 + side * 10
    body = _body("cloudless.js", [440000, 3970000, east, north], ("2022-01-01", "2022-06-30"))
    script = body["evalscript"]
    body["evalscript"] = script.replace("return collections;", _NEWEST).replace("3 * 31", "6 * 31")
    seconds, samples = _rendered(body | {"output": {"width": side, "height": side, "responses": _TIFF}})
    assert samples == _ORBIT_SCENES, f"{samples:g} scenes instead of {_ORBIT_SCENES}"
    return side * side * samples / seconds


def calls(requests_made: int) -> float:
    """POSTs and GETs at a sandbox on the same core as its client, one GET after each POST; every request is accepted
    and waits its turn to run."""
    body = _body("ndvi.js", [440000, 3970000, 440160, 3970160], ("2022-06-20", "2022-06-30"))
    keys = {"url": "s3://my-bucket/bench", "accessKey": "any", "secretAccessKey": "any"}
    body["output"] = {"width": 16, "height": 16, "responses": _TIFF, "delivery": {"s3": keys}}
    with tempfile.TemporaryDirectory() as folder, _sandbox(Path(folder)) as url, requests.Session() as web:
        form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
        token = web.post(f"{url}/oauth/token", data=form, timeout=10).json()["access_token"]
        web.headers["Authorization"] = f"Bearer {token}"
        began = time.perf_counter()
        for _ in range(requests_made):
            posted = web.post(url + _PROCESS, json=body, timeout=30)
            posted.raise_for_status()
            web.get(f"{url}{_PROCESS}/{posted.json()['id']}", timeout=30).raise_for_status()
        return 2 * requests_made / (time.perf_counter() - began)


@contextmanager
def one_core() -> Iterator[None]:
    """This process, and those it starts, on the last of its cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _body(script: str, box: list[float], days: tuple[str, str]) -> dict[str, Any]:
    first, last = days
    times = {"from": f"{first}T00:00:00Z", "to": f"{last}T23:59:59Z"}
    return {
        "input": {
            "bounds": {"bbox": box, "properties": {"crs": _UTM33}},
            "data": [{"type": "sentinel-2-l2a", "dataFilter": {"timeRange": times}}],
        },
        "evalscript": (_ROOT / "jobs.d" / script).read_text(encoding="utf-8"),
    }


def _rendered(body: Mapping[str, Any]) -> tuple[float, float]:
    """Processor seconds of a rendering, those of its engine included, and the samples each pixel had."""
    with tempfile.TemporaryDirectory() as folder:
        began = processor_seconds()
        answer = render(body, Path(folder), RenderOptions(full_resolution=True))
        return processor_seconds() - began, answer.samples_per_pixel


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    """The program on a free port; what it accepts waits in its queue, so that calls alone are measured."""
    options = folder / "sandbox.toml"
    options.write_text("requestsPerMinute = 0\nmaxRunning = 1000000\nqueueSeconds = 3600\n", encoding="utf-8")
    command = [sys.executable, "-m", "controller", "sandbox", "--port", "0", "--folder", str(folder / "s")]
    with subprocess.Popen([*command, "--options", str(options)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None, "its output is piped"
            yield process.stdout.readline().strip().rpartition(" ")[2]
        finally:
            process.terminate()
