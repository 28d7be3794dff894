"""Many jobs through the sandbox: submissions a second beside a bare loop of POSTs, processor time beside a loop that is
written by hand with the vendor's client.

`python -m bench.throughput vendor ADDRESS COUNT` is that loop, in a process of its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import requests

from bench.finished import MANIFEST, SCRIPT, manifests
from bench.program import LONGEST, ROOT, environment
from bench.rows import Row
from bench.stand import sandbox, times_of

SCALES = (10, 100, 1_000)
SETTINGS = """\
deployment = "sandbox"
timeScale = 0.05
maxRunning = 100000
workers = 8
requestsPerMinute = 1000000000
largeChangeJobs = 1000000
largeChangeProcessingUnits = 1000000000

[credentials.my-bucket]
prefixes = ["s3://my-bucket/"]
folder = "sandbox"
"""


def rows(scales: tuple[int, ...] = SCALES) -> Iterator[Row]:
    for count in scales:
        is_large = count == max(scales)
        ours, our_processor = _ours(count)
        bare = _bare(count)
        vendor = _vendor(count)
        row = partial(Row, scale=f"{count:,} jobs")
        yield row(
            what="submissions a second", figure=ours, unit="/s", baseline=bare, against="bare POST loop",
            least=0.7 if is_large else None,
        )  # fmt: skip
        yield row(
            what="processor time per job", figure=1000 * our_processor / count, unit="ms", against="vendor's client",
            baseline=1000 * vendor / count, most=1.0 if is_large else None,
        )  # fmt: skip


def _ours(count: int) -> tuple[float, float]:
    """Submissions a second of one `sync`, and the processor seconds of the whole of it, start included."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        root = Path(name)
        manifests(root, count)
        (root / "shjobs.toml").write_text(SETTINGS, encoding="utf-8")
        with sandbox(root / "sandbox") as address, (root / "out").open("wb") as out:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "controller", "sync"]
            given = environment(SHJOBS_BASE_URL=address)
            subprocess.run(command, cwd=root, env=given, stdout=out, stderr=out, timeout=LONGEST, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        accepted = times_of(root / "sandbox", "accepted")
        assert len(accepted) == count, f"{len(accepted)} of {count} were accepted"
        seconds = (max(accepted) - min(accepted)).total_seconds()
    return (count - 1) / seconds, _processor(after) - _processor(before)


def _bare(count: int) -> float:
    """POSTs a second of a loop that keeps its connection and does nothing else."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        folder = Path(name)
        with sandbox(folder) as address, requests.Session() as http:
            http.trust_env = False
            http.headers.update({"Authorization": f"Bearer {_token(address)}", "Content-Type": "application/json"})
            bodies = [json.dumps(body(number)) for number in range(count)]
            began = time.perf_counter()
            for text in bodies:
                answer = http.post(f"{address}/async/v1/process", data=text)
                assert answer.status_code == 200, answer.text
            return (count - 1) / (time.perf_counter() - began)


def body(number: int) -> dict[str, Any]:
    """The request of one of the manifests, with keys and a prefix of its own."""
    import yaml

    request: dict[str, Any] = yaml.load(
        MANIFEST.format(number=number, west=14 + number / 1e6, script="x.js").replace("Z", ".000Z"), yaml.CBaseLoader
    )["spec"]["request"]
    request["input"]["bounds"]["bbox"] = [14 + number / 1e6, 35.8, 14.9, 35.9]
    request["output"] = {
        **request["output"],
        "width": 64,
        "height": 32,
        "delivery": {"s3": {"url": f"s3://my-bucket/bare/{number}", "accessKey": "any", "secretAccessKey": "any"}},
    }
    return {**request, "evalscript": SCRIPT}


def _token(address: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    return str(requests.post(f"{address}/oauth/token", data=form, timeout=30).json()["access_token"])


def _vendor(count: int) -> float:
    """Processor seconds of the hand-written loop, start included."""
    with tempfile.TemporaryDirectory(prefix="shjobs-bench-") as name:
        folder = Path(name)
        with sandbox(folder) as address:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "bench.throughput", address, str(count)]
            given = {**environment(), "OAUTHLIB_INSECURE_TRANSPORT": "1", "HOME": name}
            subprocess.run(command, cwd=ROOT, env=given, timeout=LONGEST, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        accepted = times_of(folder, "accepted")
        assert len(accepted) == count, f"{len(accepted)} of {count} were accepted"
    return _processor(after) - _processor(before)


def _processor(used: "resource.struct_rusage") -> float:
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Submit, ask until nothing runs any more, and look for each raster: what a person writes who has no controller."""
    import sentinelhub
    from sentinelhub.api.process import AsyncProcessRequest, SentinelHubRequest, get_async_running_status

    address, count = sys.argv[1], int(sys.argv[2])
    config = sentinelhub.SHConfig(use_defaults=True)
    config.sh_base_url, config.sh_token_url = address, f"{address}/oauth/token"
    config.sh_client_id, config.sh_client_secret = "sandbox", "sandbox-secret"
    collection = sentinelhub.DataCollection.SENTINEL2_L2A.define_from("here", service_url=address)
    interval = ("2022-06-20T00:00:00Z", "2022-06-30T23:59:59Z")
    ids = []
    for number in range(count):
        request = AsyncProcessRequest(
            evalscript=SCRIPT,
            input_data=[SentinelHubRequest.input_data(collection, time_interval=interval)],
            responses=[AsyncProcessRequest.output_response("default", sentinelhub.MimeType.TIFF)],
            delivery=AsyncProcessRequest.s3_specification(f"s3://my-bucket/vendor/{number}", "any", "any"),
            bbox=sentinelhub.BBox((14 + number / 1e6, 35.8, 14.9, 35.9), sentinelhub.CRS.WGS84),
            size=(64, 32),
            config=config,
        )
        [answer] = request.get_data()
        ids.append(answer["id"])
    while ids:
        running = get_async_running_status(ids, config)
        ids = [each for each in ids if running[each]]
        time.sleep(0.5)


if __name__ == "__main__":
    main()
