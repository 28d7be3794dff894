"""What a careful user writes who has no controller: a loop with the vendor's client that submits, asks and looks.

`python -m bench.throughput.vendor ADDRESS COUNT FOLDER`. It asks when `sync` would: first after ten seconds, then after
six tenths of the request's age; a 404 counts when there is another ten seconds later. Of each request that has ended it
lists the bucket, a folder in FOLDER, and reads the copy of the request.
"""

import heapq
import json
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import sentinelhub
from obstore.store import LocalStore
from sentinelhub.api.process import AsyncProcessRequest, SentinelHubRequest, get_async_running_status

from bench.finished import SCRIPT, west_of

FIRST, GROWTH, JITTER = 10.0, 0.6, 0.1
CONFIRMED = 10.0  # seconds between two 404s
GATHERED = 0.25  # seconds whose polls are asked for together


@dataclass(slots=True)
class _Followed:
    """A request that was accepted at `began`, on the monotonic clock."""

    id: str
    number: int
    began: float
    age: float = FIRST
    """At which it is asked for next; a slow machine asks late, and no less often."""
    is_missing: bool = False


class _Line:
    """The requests that are not known to have ended, by the time of their next poll."""

    def __init__(self, config: Any, bucket: LocalStore) -> None:
        self._config, self._bucket = config, bucket
        self._due: list[tuple[float, int, _Followed]] = []

    def put(self, each: _Followed) -> None:
        heapq.heappush(self._due, (each.began + each.age, each.number, each))

    def wait(self) -> bool:
        """Sleep until the next polls are due; False: there is none any more."""
        if self._due:
            time.sleep(max(0.0, self._due[0][0] + GATHERED - time.monotonic()))
        return bool(self._due)

    def ask(self) -> None:
        """Ask for all that are due, if one has been due for a moment."""
        now, due = time.monotonic(), list[_Followed]()
        if not self._due or self._due[0][0] + GATHERED > now:
            return
        while self._due and self._due[0][0] <= now:
            due.append(heapq.heappop(self._due)[2])
        running = get_async_running_status([each.id for each in due], self._config)
        for each in due:
            self._take(each, is_running=running[each.id])

    def _take(self, each: _Followed, *, is_running: bool) -> None:
        if is_running:
            each.age += max(FIRST, GROWTH * each.age) * random.uniform(1, 1 + JITTER)
            self.put(each)
        elif not each.is_missing:
            each.is_missing, each.age = True, time.monotonic() - each.began + CONFIRMED
            self.put(each)
        else:
            assert _is_delivered(self._bucket, each), f"nothing was delivered for {each.id}"


def main() -> None:
    address, count, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    config = sentinelhub.SHConfig(use_defaults=True)
    config.sh_base_url, config.sh_token_url = address, f"{address}/oauth/token"
    config.sh_client_id, config.sh_client_secret = "sandbox", "sandbox-secret"
    collection = sentinelhub.DataCollection.SENTINEL2_L2A.define_from("here", service_url=address)
    line = _Line(config, LocalStore(folder / "my-bucket"))
    for number in range(count):
        line.put(_submitted(number, collection, config))
        line.ask()
    while line.wait():
        line.ask()


def _submitted(number: int, collection: Any, config: Any) -> _Followed:
    interval = ("2022-06-20T00:00:00Z", "2022-06-30T23:59:59Z")
    request = AsyncProcessRequest(
        evalscript=SCRIPT,
        input_data=[SentinelHubRequest.input_data(collection, time_interval=interval)],
        responses=[AsyncProcessRequest.output_response("default", sentinelhub.MimeType.TIFF)],
        delivery=AsyncProcessRequest.s3_specification(f"s3://my-bucket/vendor/{number}", "any", "any"),
        bbox=sentinelhub.BBox((west_of(number), 35.8, 14.9, 35.9), sentinelhub.CRS.WGS84),
        size=(64, 32),
        config=config,
    )
    began = time.monotonic()
    [answer] = request.get_data()
    return _Followed(id=answer["id"], number=number, began=began)


def _is_delivered(bucket: LocalStore, each: _Followed) -> bool:
    """Whether there is a raster, and a copy of the request that can be read."""
    keys = [found["path"] for page in obstore.list(bucket, f"vendor/{each.number}") for found in page]
    copies = [json.loads(bytes(obstore.get(bucket, key).bytes())) for key in keys if key.endswith(".json")]
    return any(key.endswith(".tif") for key in keys) and any("input" in copy for copy in copies)


if __name__ == "__main__":
    main()
