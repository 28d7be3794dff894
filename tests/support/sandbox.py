"""A running sandbox seen from outside, through real sockets and real folders; only its pixels come from a stand-in."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from controller.model.script import (
    FailureKind,
    Mosaicking,
    SampleType,
    ScriptFacts,
    ScriptFailure,
    ScriptInput,
    ScriptOutput,
)
from controller.sandbox.failure import RenderFailed
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from controller.sandbox.render.render import Rendered, RenderedFile, RenderOptions
from tests.support.patience import LONGEST

OLD, NEW = "/api/v1/async/process", "/async/v1/process"
CANARY = "canary-secret-7f3a"
PRICE = 4000 * 3000 / (512 * 512) * 2 / 3 * 3 * 2 / 3
EVALSCRIPT = "//VERSION=3 fine"
FORM = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}


def render_nothing_much(body: Mapping[str, object], folder: Path, options: RenderOptions) -> Rendered:
    """Stands in for the raster side: small files, three samples per pixel, and the failures a script can ask for."""
    assert CANARY not in json.dumps(body)
    if body["evalscript"] == "throw":
        raise RenderFailed("RENDERER_EXCEPTION", "Failed to evaluate script! Error: no")
    if body["evalscript"] == "crash":
        raise ZeroDivisionError("in the renderer")
    output: Any = body["output"]
    files = []
    for response in output["responses"]:
        path = folder / f"{response['identifier']}.tif"
        path.write_bytes(b"raster of " + response["identifier"].encode())
        files.append(RenderedFile(identifier=response["identifier"], name=path.name, path=path))
    return Rendered(files=tuple(files), samples_per_pixel=3.0, scenes=3, userdata={})


def read_script(text: str) -> ScriptFacts | ScriptFailure:
    if "broken" in text:
        return ScriptFailure(kind=FailureKind.SYNTAX, message="Unexpected token")
    return ScriptFacts(
        inputs=(ScriptInput(bands=("B04", "B08")),),
        outputs=(ScriptOutput(id="default", bands=1, sample_type=SampleType.UINT16),),
        mosaicking=Mosaicking.ORBIT,
        functions=frozenset(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One running sandbox, seen from outside."""

    sandbox: Sandbox
    web: requests.Session

    @property
    def url(self) -> str:
        return self.sandbox.base_url

    @property
    def folder(self) -> Path:
        return self.sandbox.options.folder

    def post(self, body: object = None, path: str = OLD, **changes: Any) -> requests.Response:
        return self.web.post(
            self.url + path, json=request_body() if body is None else body, **{"timeout": LONGEST, **changes}
        )

    def get(self, id: str, path: str = OLD) -> requests.Response:
        return self.web.get(f"{self.url}{path}/{id}", timeout=LONGEST)

    def submit(self, body: object = None) -> str:
        response = self.post(body)
        assert response.status_code == 200, response.text
        return str(response.json()["id"])

    def finish(self, body: object = None) -> str:
        """Submits and waits until the ledger knows the end."""
        id = self.submit(body)
        self.await_end(id)
        return id

    def await_end(self, id: str) -> None:
        until(lambda: {"delivered", "failed"} & {entry.event for entry in self.entries() if entry.id == id})

    def entries(self) -> list[Any]:
        return self.sandbox.ledger.entries()

    def events(self, id: str) -> list[str]:
        return [entry.event for entry in self.entries() if entry.id == id and entry.event != "status"]

    def names(self, id: str, bucket: str = "my-bucket") -> set[str]:
        """What lies below the folder of a request."""
        folder = self.folder / bucket / "ndvi" / id
        return {path.name.replace(id, "ID") for path in folder.iterdir()} if folder.exists() else set()

    def read(self, id: str, name: str) -> Any:
        return json.loads((self.folder / "my-bucket" / "ndvi" / id / name.replace("ID", id)).read_text())

    def switch_on(self, name: str, **changes: Any) -> None:
        response = self.web.post(f"{self.url}/sandbox/faults", json={"name": name, **changes}, timeout=LONGEST)
        assert response.status_code == 200, response.text


def until(condition: Callable[[], object], seconds: float = LONGEST) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def request_body(script: str = EVALSCRIPT, url: str = "s3://my-bucket/ndvi", *outputs: str) -> dict[str, Any]:
    return {
        "input": {"bounds": {"bbox": [9.0, 36.0, 9.4, 36.3]}, "data": [{"type": "sentinel-2-l2a"}]},
        "output": {
            "width": 4000,
            "height": 3000,
            "responses": [{"identifier": one, "format": {"type": "image/tiff"}} for one in outputs or ("default",)],
            "delivery": {"s3": {"url": url, "accessKey": "AK", "secretAccessKey": CANARY}},
        },
        "evalscript": script,
    }


STAND_INS: Mapping[str, Any] = {"renderer": render_nothing_much, "examine": read_script}


@contextmanager
def running(folder: Path, stand_ins: Mapping[str, Any] = STAND_INS, **changes: Any) -> Iterator[Service]:
    """Without stand-ins, scripts are really read and rasters really made."""
    given = {"port": 0, "buckets": ("my-bucket",), "requests_per_minute": 0, "max_running": 20, **changes}
    options = SandboxOptions(folder=folder, **given)
    with Sandbox(options, **stand_ins) as sandbox, requests.Session() as web:
        web.headers["Authorization"] = f"Bearer {token(sandbox)}"
        yield Service(sandbox=sandbox, web=web)


def token(sandbox: Sandbox, path: str = "/oauth/token") -> str:
    response = requests.post(sandbox.base_url + path, data=FORM, timeout=LONGEST)
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def error_of(response: requests.Response) -> tuple[int, str, str]:
    """Status, code and message, after checking the wrapper."""
    error = response.json()["error"]
    assert error["status"] == response.status_code
    assert error["reason"] == response.reason
    return response.status_code, error["code"], error["message"]


REAL_SCRIPT = """//VERSION=3
function setup() { return {input: ["B04", "B08"], output: {bands: 1, sampleType: "FLOAT32"}}; }
function evaluatePixel(sample) { %s return [index(sample.B08, sample.B04)]; }
"""


def real_request(first: str = "", **size: int) -> dict[str, Any]:
    """June in so many pixels, by a real script that does this first."""
    body = request_body(REAL_SCRIPT % first)
    body["output"] |= size
    june = {"timeRange": {"from": "2022-06-01T00:00:00Z", "to": "2022-06-30T23:59:59Z"}}
    body["input"]["data"][0]["dataFilter"] = june
    return body


def post_once(service: Service) -> requests.Response:
    """One POST on a connection of its own."""
    headers = {"Authorization": str(service.web.headers["Authorization"])}
    return requests.post(service.url + OLD, json=request_body(), headers=headers, timeout=LONGEST)
