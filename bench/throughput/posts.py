"""Loops of POSTs by hand, beside which submissions are measured.

`plain` keeps one connection and does nothing else, one request after another. It is what the service answers to one who
may pay twice: when it is stopped, or an answer is lost, nothing says what was sent, and a kept connection that the
service has just closed looks like a lost answer.

`careful` gives the guarantees of shjobs by the shortest way, with as many threads as `sync` has workers: it lists the
prefix for what was paid for before, stores the intent on the disk, puts a claim, lists again to see it alone, sends the
POST on a connection of its own, and stores the answer on the disk. It has no queue, no budget, no status and no
manifests to read, so it is less than what `sync` does for a submission.

Neither is slowed by deliveries, and nor is `sync`: no request ends before the last one is sent.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import obstore
import requests
from obstore.store import LocalStore

from bench.finished import MANIFEST, SCRIPT
from bench.stand import sandbox

RUN = 120.0  # seconds that a request runs while only submissions are measured
WORKERS = 8  # threads, of `sync` too


def plain(count: int, delay: float = 0.0) -> float:
    """POSTs a second of a loop that keeps its connection and does nothing else; each is answered after `delay`."""
    texts = _texts(count, "plain")
    with _stand(delay) as (_, address), _session(address) as http:
        began = time.perf_counter()
        for text in texts:
            _post(http, address, text)
        return count / (time.perf_counter() - began)


def careful(count: int) -> float:
    """POSTs a second of a loop that never pays twice, whatever stops it."""
    texts = _texts(count, "careful")
    with _stand() as stand, _Careful(*stand) as loop, ThreadPoolExecutor(WORKERS) as pool:
        began = time.perf_counter()
        list(pool.map(loop.submit, range(count), texts))
        return count / (time.perf_counter() - began)


class _Careful:
    """One submission after the other in each thread; its ledger is a file with a line for each intent and answer."""

    def __init__(self, folder: Path, address: str) -> None:
        self._bucket = LocalStore(folder / "my-bucket")
        self._address = address
        self._http = _session(address)
        self._http.headers["Connection"] = "close"
        self._ledger = (folder / "submissions").open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._ledger.close()

    def submit(self, number: int, text: str) -> None:
        prefix = f"careful/{number}"
        assert not self._keys(prefix), f"{prefix} was submitted before"
        self._store(f"intent {number} {text}")
        obstore.put(self._bucket, f"{prefix}/claim", text.encode())
        assert self._keys(prefix) == [f"{prefix}/claim"], f"{prefix} is claimed by another"
        self._store(f"answer {number} {_post(self._http, self._address, text)}")

    def _keys(self, prefix: str) -> list[str]:
        return [found["path"] for page in obstore.list(self._bucket, prefix) for found in page]

    def _store(self, line: str) -> None:
        """As durable as a commit."""
        self._ledger.write(f"{line}\n")
        self._ledger.flush()
        os.fdatasync(self._ledger.fileno())


@contextmanager
def _stand(delay: float = 0.0) -> Iterator[tuple[Path, str]]:
    """The folder and the address of a sandbox."""
    folder = tempfile.TemporaryDirectory(prefix="shjobs-bench-")
    with folder as name, sandbox(Path(name), RUN, delay=delay) as address:
        yield Path(name), address


def _texts(count: int, folder: str) -> list[str]:
    return [json.dumps(_body(number, folder)) for number in range(count)]


def _post(http: requests.Session, address: str, text: str) -> str:
    answer = http.post(f"{address}/async/v1/process", data=text)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def _body(number: int, folder: str) -> dict[str, Any]:
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
        "delivery": {"s3": {"url": f"s3://my-bucket/{folder}/{number}", "accessKey": "any", "secretAccessKey": "any"}},
    }
    return {**request, "evalscript": SCRIPT}


def _session(address: str) -> requests.Session:
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    token = requests.post(f"{address}/oauth/token", data=form, timeout=30).json()["access_token"]
    http = requests.Session()
    http.trust_env = False
    http.headers.update({"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    return http
