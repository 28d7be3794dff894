"""The sandbox as a service, through real sockets and real folders; only the pixels come from a small stand-in."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import obstore
import pytest
import rasterio
import requests
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from controller.evalscript import close_shared
from controller.model.errors import UsageError
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
from controller.sandbox.faults.faults import Fault, FaultError
from controller.sandbox.http.server import SandboxServer
from controller.sandbox.jobs.limits import RateLimit
from controller.sandbox.ledger import SandboxLedger, posts
from controller.sandbox.options import SandboxOptions, ScriptCheck
from controller.sandbox.pricing import CLASSIC
from controller.sandbox.program import Sandbox, run_sandbox
from controller.sandbox.render.render import Rendered, RenderedFile, RenderOptions
from tests.support.charges import accepted_entries, charges_by_prefix

OLD, NEW = "/api/v1/async/process", "/async/v1/process"
CANARY = "canary-secret-7f3a"
PRICE = 4000 * 3000 / (512 * 512) * 2 / 3 * 3 * 2 / 3
EVALSCRIPT = "//VERSION=3 fine"


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
            self.url + path, json=request_body() if body is None else body, **{"timeout": 10, **changes}
        )

    def get(self, id: str, path: str = OLD) -> requests.Response:
        return self.web.get(f"{self.url}{path}/{id}", timeout=10)

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
        response = self.web.post(f"{self.url}/sandbox/faults", json={"name": name, **changes}, timeout=10)
        assert response.status_code == 200, response.text


def until(condition: Callable[[], object], seconds: float = 10) -> None:
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


@contextmanager
def running(folder: Path, **changes: Any) -> Iterator[Service]:
    given = {"port": 0, "buckets": ("my-bucket",), "requests_per_minute": 0, "max_running": 20, **changes}
    options = SandboxOptions(folder=folder, **given)
    with (
        Sandbox(options, renderer=render_nothing_much, examine=read_script) as sandbox,
        requests.Session() as web,
    ):
        web.headers["Authorization"] = f"Bearer {token(sandbox)}"
        yield Service(sandbox=sandbox, web=web)


def token(sandbox: Sandbox, path: str = "/oauth/token") -> str:
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    response = requests.post(sandbox.base_url + path, data=form, timeout=10)
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as one:
        yield one


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Service]:
    """A service whose requests stay RUNNING for as long as a test lasts."""
    with running(tmp_path, run_seconds=60) as one:
        yield one


def error_of(response: requests.Response) -> tuple[int, str, str]:
    """Status, code and message, after checking the wrapper."""
    error = response.json()["error"]
    assert error["status"] == response.status_code
    assert error["reason"] == response.reason
    return response.status_code, error["code"], error["message"]


# --- the life of a request


@pytest.mark.parametrize("path", [OLD, NEW])
def test_running_then_gone_with_everything_in_the_bucket(service: Service, path: str) -> None:
    response = service.post(path=path)
    assert (response.status_code, response.json()["status"]) == (200, "RUNNING")
    id = response.json()["id"]
    until(lambda: service.get(id, path).status_code == 404)
    assert service.names(id) == {"default.tif", "request-ID.json"}
    assert (service.folder / "my-bucket/ndvi" / id / "default.tif").read_bytes() == b"raster of default"
    copy = service.read(id, "request-ID.json")
    assert copy["costPU"] == pytest.approx(PRICE)
    assert copy["evalscript"] == EVALSCRIPT
    assert service.events(id) == ["accepted", "running", "charged", "delivered"]


def test_both_paths_share_one_store_and_the_copy_is_there_at_once(slow: Service) -> None:
    id = slow.submit()
    assert slow.get(id, OLD).json() == slow.get(id, NEW).json() == {"id": id, "status": "RUNNING"}
    assert slow.names(id) == {"request-ID.json"}
    assert "costPU" not in slow.read(id, "request-ID.json")


def test_unknown_and_malformed_ids_are_404_in_the_wrapper(service: Service) -> None:
    for id in ("6b0c2f4e-0000-4000-8000-000000000000", "not-an-id"):
        assert error_of(service.get(id))[:2] == (404, "COMMON_NOT_FOUND")


def test_several_outputs_are_all_delivered(service: Service) -> None:
    id = service.finish(request_body(EVALSCRIPT, "s3://my-bucket/ndvi", "default", "mask"))
    assert service.names(id) == {"default.tif", "mask.tif", "request-ID.json"}


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        pytest.param("throw", "RENDERER_EXCEPTION", "Failed to evaluate script! Error: no", id="the script throws"),
        pytest.param("broken", "RENDERER_EXCEPTION", "Unexpected token", id="the script cannot be read"),
        pytest.param("crash", "COMMON_EXCEPTION", "ZeroDivisionError", id="the renderer itself fails"),
    ],
)
def test_a_failed_run_leaves_error_json_and_costs_nothing(service: Service, script: str, code: str, words: str) -> None:
    id = service.finish(request_body(script))
    error = service.read(id, "error.json")
    assert (error["status"], error["reason"], error["code"]) == (400, "Bad Request", code)
    assert words in error["message"]
    assert "costPU" not in service.read(id, "request-ID.json")
    assert service.events(id) == ["accepted", "running", "failed"]
    assert charges_by_prefix(service.entries()) == {}
    until(lambda: service.get(id).status_code == 404)


def test_the_price_follows_the_rules_of_the_deployment(tmp_path: Path) -> None:
    with running(tmp_path, price_rules=CLASSIC) as service:
        id = service.finish()
        assert service.read(id, "request-ID.json")["costPU"] == pytest.approx(PRICE * 1.5)


REAL_SCRIPT = """//VERSION=3
function setup() { return {input: ["B04", "B08"], output: {bands: 1, sampleType: "FLOAT32"}}; }
function evaluatePixel(sample) { %s return [index(sample.B08, sample.B04)]; }
"""


def test_real_scripts_make_real_rasters_and_real_errors(tmp_path: Path) -> None:
    good = request_body(REAL_SCRIPT % "")
    good["output"] |= {"width": 40, "height": 30}
    good["input"]["data"][0]["dataFilter"] = {
        "timeRange": {"from": "2022-06-01T00:00:00Z", "to": "2022-06-30T23:59:59Z"}
    }
    bad = {**good, "evalscript": REAL_SCRIPT % "throw new Error('no such day');"}
    with Sandbox(SandboxOptions(folder=tmp_path, port=0, buckets=("my-bucket",))) as sandbox, requests.Session() as web:
        web.headers["Authorization"] = f"Bearer {token(sandbox)}"
        service = Service(sandbox=sandbox, web=web)
        done, failed = service.finish(good), service.finish(bad)
        assert charges_by_prefix(service.entries()) == {"s3://my-bucket/ndvi": 10.0}
    close_shared()
    with rasterio.open(tmp_path / "my-bucket" / "ndvi" / done / "default.tif") as raster:
        assert (raster.width, raster.height, raster.dtypes, raster.crs.to_epsg()) == (40, 30, ("float32",), 4326)
    message = service.read(failed, "error.json")["message"]
    assert message.startswith("Failed to evaluate script!")
    assert "no such day" in message


@pytest.mark.parametrize("identifier", ["../../escaped", "/tmp/escaped", "a/b", "nul\0"])
def test_an_identifier_that_is_a_path_writes_nowhere(service: Service, identifier: str) -> None:
    id = service.finish(request_body(EVALSCRIPT, "s3://my-bucket/ndvi", identifier))
    assert service.names(id) == {"error.json", "request-ID.json"}
    assert "file name" in service.read(id, "error.json")["message"]


def test_a_script_can_be_checked_at_submit(tmp_path: Path) -> None:
    with running(tmp_path, script_check=ScriptCheck.AT_SUBMIT) as service:
        assert error_of(service.post(request_body("broken"))) == (400, "RENDERER_EXCEPTION", "Unexpected token")
        assert service.post().status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("s3://no-such-bucket/ndvi", id="no such bucket"),
        pytest.param("s3://<your-bucket>/<path>", id="the placeholder of the documentation"),
        pytest.param("s3://my-bucket/../elsewhere", id="a path that climbs out"),
        pytest.param("s3://my-bucket/occupied", id="a file where the folder should be"),
        pytest.param("s3://my-bucket/\x00", id="a path no file system takes"),
    ],
)
def test_an_unusable_bucket_gets_nothing_and_the_request_still_ends(service: Service, url: str) -> None:
    (service.folder / "my-bucket" / "occupied").write_text("in the way")
    before = {path for path in service.folder.rglob("*") if ".work" not in path.parts}
    id = service.finish(request_body(url=url))
    until(lambda: service.get(id).status_code == 404)
    assert service.events(id) == ["accepted", "running", "failed"]
    assert {path for path in service.folder.rglob("*") if ".work" not in path.parts} == before
    assert list((service.folder / ".work").iterdir()) == []


def test_only_known_keys_open_a_bucket_when_they_are_named(tmp_path: Path) -> None:
    with running(tmp_path, keys={"AK": "another"}) as service:
        id = service.finish()
        assert (service.names(id), service.events(id)[-1]) == (set(), "failed")
    with running(tmp_path, keys={"AK": CANARY}) as service:
        assert service.names(service.finish()) == {"default.tif", "request-ID.json"}


@pytest.mark.parametrize(
    ("url", "raster", "copy"),
    [
        pytest.param("s3://my-bucket", "ID/default.tif", "ID/request-ID.json", id="no path"),
        pytest.param("s3://my-bucket/a/b/", "a/b/ID/default.tif", "a/b/ID/request-ID.json", id="a closing slash"),
        pytest.param(
            "s3://my-bucket/a/<OUTPUT>/<REQUEST_ID>", "a/default.tif/ID", "a/request-ID.json/ID", id="both placeholders"
        ),
        pytest.param("s3://my-bucket/<REQUEST_ID>/x", "ID/x/default.tif", "ID/x/request-ID.json", id="only the id"),
        pytest.param("s3://my-bucket/a/<OUTPUT>", "a/default.tif", "a/request-ID.json", id="only the output"),
    ],
)
def test_where_objects_go(service: Service, url: str, raster: str, copy: str) -> None:
    id = service.finish(request_body(url=url))
    bucket = service.folder / "my-bucket"
    keys = {str(path.relative_to(bucket)).replace(id, "ID") for path in bucket.rglob("*") if path.is_file()}
    assert keys == {raster, copy}


def test_name_and_place_of_the_copy_are_options(tmp_path: Path) -> None:
    with running(tmp_path, copy_name="copy-<REQUEST_ID>.json", copy_in_root=True) as service:
        id = service.finish()
        assert (tmp_path / "my-bucket" / "ndvi" / f"copy-{id}.json").exists()
        assert service.names(id) == {"default.tif"}


def test_secrets_stay_out_of_copy_and_ledger_unless_asked_for(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        id = service.finish()
        service.post({"output": {"delivery": {"s3": {"url": 5, "secretAccessKey": CANARY}}}})
        assert service.read(id, "request-ID.json")["output"]["delivery"]["s3"] == {
            "url": "s3://my-bucket/ndvi",
            "accessKey": "<redacted>",
            "secretAccessKey": "<redacted>",
        }
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CANARY.encode() not in everything
    assert b"sandbox-secret" not in everything
    with running(tmp_path, keep_secrets=True) as service:
        copy = service.read(service.finish(), "request-ID.json")
        assert copy["output"]["delivery"]["s3"]["secretAccessKey"] == CANARY


# --- an S3 endpoint


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    requests.put(f"http://{host}:{port}/my-bucket", timeout=10).raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


def test_delivery_to_an_s3_endpoint(tmp_path: Path, s3: str) -> None:
    with running(tmp_path, s3_endpoint=s3) as service:
        id = service.finish()
        assert service.events(id) == ["accepted", "running", "charged", "delivered"]
    store = S3Store(
        "my-bucket",
        endpoint=s3,
        access_key_id="AK",
        secret_access_key=CANARY,
        client_options={"allow_http": True},
    )
    assert bytes(obstore.get(store, f"ndvi/{id}/default.tif").bytes()) == b"raster of default"
    copy = json.loads(bytes(obstore.get(store, f"ndvi/{id}/request-{id}.json").bytes()))
    assert copy["costPU"] == pytest.approx(PRICE)


def test_an_s3_bucket_that_is_not_there(tmp_path: Path, s3: str) -> None:
    with running(tmp_path, s3_endpoint=s3) as service:
        id = service.finish(request_body(url="s3://no-such-bucket/ndvi"))
        assert service.events(id) == ["accepted", "running", "failed"]


def test_keys_an_s3_endpoint_does_not_know(tmp_path: Path, s3: str) -> None:
    requests.post(f"{s3}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
    try:
        with running(tmp_path, s3_endpoint=s3) as service:
            id = service.finish()
            assert service.events(id) == ["accepted", "running", "failed"]
    finally:
        requests.post(f"{s3}/moto-api/reset-auth", data="inf", timeout=10).raise_for_status()


def test_an_s3_endpoint_that_does_not_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with running(tmp_path, s3_endpoint=f"http://127.0.0.1:{port}") as service:
        id = service.finish()
        assert service.events(id) == ["accepted", "running", "failed"]


# --- tokens and accounts

FORM = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}


@pytest.mark.parametrize("path", ["/oauth/token", "/auth/realms/main/protocol/openid-connect/token"])
def test_a_token_for_the_client_in_body_or_header(service: Service, path: str) -> None:
    url = service.url + path
    by_body = requests.post(url, data=FORM, timeout=10)
    by_header = requests.post(
        url, data={"grant_type": "client_credentials"}, auth=("sandbox", "sandbox-secret"), timeout=10
    )
    for response in (by_body, by_header):
        answer = response.json()
        assert (response.status_code, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 3600)
        assert answer["access_token"].count(".") == 2


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        pytest.param({**FORM, "client_secret": "wrong"}, 401, "invalid_client", id="a wrong secret"),
        pytest.param({"grant_type": "client_credentials"}, 401, "invalid_client", id="no client"),
        pytest.param({**FORM, "grant_type": "password"}, 400, "unsupported_grant_type", id="another grant"),
        pytest.param({}, 400, "invalid_request", id="nothing at all"),
    ],
)
def test_token_errors_have_the_oauth_form(service: Service, form: dict[str, str], status: int, error: str) -> None:
    response = requests.post(f"{service.url}/oauth/token", data=form, timeout=10)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.json()["error_description"]


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("", id="no token"),
        pytest.param("Bearer a.b.c", id="a token of another service"),
        pytest.param("Bearer nonsense", id="not a token"),
        pytest.param("Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA==", id="the secret itself"),
    ],
)
def test_calls_without_a_good_token_are_401_in_the_wrapper(service: Service, authorization: str) -> None:
    service.web.headers["Authorization"] = authorization
    assert error_of(service.post())[:2] == (401, "COMMON_UNAUTHORIZED")
    assert error_of(service.get("some-id"))[:2] == (401, "COMMON_UNAUTHORIZED")


def test_an_expired_token_is_401(tmp_path: Path) -> None:
    with running(tmp_path, token_seconds=0) as service:
        status, code, message = error_of(service.post())
        assert (status, code) == (401, "COMMON_UNAUTHORIZED")
        assert "expired" in message


def test_the_rate_limit_answers_with_milliseconds(tmp_path: Path) -> None:
    with running(tmp_path, requests_per_minute=2, run_seconds=60) as service:
        id = service.submit()
        assert service.get(id).status_code == 200
        response = service.get(id)
        assert error_of(response)[:2] == (429, "RATE_LIMIT_EXCEEDED")
        assert 20_000 < int(response.headers["Retry-After"]) <= 30_000


def test_the_rate_limit_refills_steadily_and_never_beyond_its_capacity() -> None:
    now = 0.0
    limit = RateLimit(60, lambda: now)
    assert [limit.take() for _ in range(61)] == [0] * 60 + [1000]
    now = 0.25
    assert limit.take() == 750
    now = 1.0
    assert (limit.take(), limit.take()) == (0, 1000)
    now = 10_000.0
    assert [limit.take() for _ in range(61)] == [0] * 60 + [1000]


def test_too_many_at_once_is_429_without_retry_after(tmp_path: Path) -> None:
    with running(tmp_path, run_seconds=60, max_running=3) as service:
        for _ in range(3):
            service.submit()
        response = service.post()
        assert error_of(response)[:2] == (429, "RATE_LIMIT_EXCEEDED")
        assert "Retry-After" not in response.headers
        assert len(accepted_entries(service.entries())) == 3


def test_posts_at_the_same_moment_never_exceed_the_limit(tmp_path: Path) -> None:
    with running(tmp_path, run_seconds=60, max_running=3) as service:
        statuses: list[int] = []
        threads = [threading.Thread(target=lambda: statuses.append(post_once(service).status_code)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] * 3 + [429] * 9


def post_once(service: Service) -> requests.Response:
    """One POST on a connection of its own."""
    headers = {"Authorization": str(service.web.headers["Authorization"])}
    return requests.post(service.url + OLD, json=request_body(), headers=headers, timeout=10)


def test_an_exhausted_account_is_403_and_stays_so_after_a_restart(tmp_path: Path) -> None:
    for first in (True, False):
        with running(tmp_path, monthly_units=PRICE) as service:
            if first:
                service.finish()
            status, code, message = error_of(service.post())
            assert (status, code) == (403, "COMMON_INSUFFICIENT_PERMISSIONS")
            assert "quota" in message


# --- bodies and addresses


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        pytest.param(b"", "application/json", 400, "COMMON_BAD_PAYLOAD", id="an empty body"),
        pytest.param(b"{", "application/json", 400, "COMMON_BAD_PAYLOAD", id="not JSON"),
        pytest.param(b"\xff\xfe", "application/json", 400, "COMMON_BAD_PAYLOAD", id="not even text"),
        pytest.param(b'{"a": NaN}', "application/json", 400, "COMMON_BAD_PAYLOAD", id="NaN is not JSON"),
        pytest.param(b"[" * 100_000, "application/json", 400, "COMMON_BAD_PAYLOAD", id="a bottomless body"),
        pytest.param(b"[]", "application/json", 400, "COMMON_BAD_PAYLOAD", id="not an object"),
        pytest.param(b"{}", "text/plain", 415, "COMMON_UNSUPPORTED_MEDIA_TYPE", id="another content type"),
        pytest.param(b"{}", "application/json; charset=utf-8", 400, "COMMON_BAD_PAYLOAD", id="nothing in the object"),
    ],
)
def test_bodies_that_are_refused(service: Service, content: bytes, kind: str, status: int, code: str) -> None:
    response = service.web.post(service.url + OLD, data=content, headers={"Content-Type": kind}, timeout=10)
    assert error_of(response)[:2] == (status, code)
    assert accepted_entries(service.entries()) == []
    assert list((service.folder / "my-bucket").iterdir()) == []


def test_a_violation_names_the_field(service: Service) -> None:
    body = request_body()
    body["output"]["width"] = 10001
    response = service.post(body)
    assert response.json()["error"]["errors"] == [
        {"parameter": "output->width", "violation": "must be a whole number from 1 to 10000"}
    ]
    refusal = next(entry for entry in service.entries() if entry.event == "refused")
    assert (refusal.status, refusal.code, refusal.prefix) == (400, "COMMON_BAD_PAYLOAD", "s3://my-bucket/ndvi")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        pytest.param("GET", OLD, "POST", id="there is no list"),
        pytest.param("DELETE", f"{NEW}/some-id", "GET", id="there is no cancel"),
        pytest.param("PUT", OLD, "POST", id="no PUT"),
        pytest.param("GET", "/oauth/token", "POST", id="tokens are posted for"),
    ],
)
def test_methods_that_do_not_exist_are_405(service: Service, method: str, path: str, allowed: str) -> None:
    response = service.web.request(method, service.url + path, timeout=10)
    assert error_of(response)[:2] == (405, "COMMON_METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == allowed


def test_addresses_that_do_not_exist_are_404(service: Service) -> None:
    response = service.web.get(f"{service.url}/api/v2/async", timeout=10)
    assert error_of(response)[:2] == (404, "COMMON_NOT_FOUND")


def test_a_connection_is_kept_for_the_next_call_even_after_an_error(service: Service) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    connection = HTTPConnection(host, int(port), timeout=10)
    try:
        for method, path, status in (("POST", OLD, 401), ("PATCH", OLD, 405), ("GET", "/sandbox/health", 200)):
            connection.request(method, path, body=b"some body")
            response = connection.getresponse()
            response.read()
            assert (response.status, response.version) == (status, 11)
            assert connection.sock is not None
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param("Transfer-Encoding: chunked", 411, id="a body without a length"),
        pytest.param("Content-Length: many", 400, id="a length that is no number"),
        pytest.param("Content-Length: 99999999999", 413, id="a length past the limit"),
    ],
)
def test_lengths_that_cannot_be_trusted_end_the_connection(service: Service, head: str, status: int) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(f"POST {OLD} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


# --- the ledger


def test_the_ledger_tells_posts_acceptances_and_charges(service: Service) -> None:
    first = service.finish(request_body(url="s3://my-bucket/a"))
    service.finish(request_body(url="s3://my-bucket/a"))
    service.finish(request_body(url="s3://my-bucket/b"))
    service.finish(request_body("throw", "s3://my-bucket/c"))
    service.post({})
    entries = service.entries()
    assert [entry.prefix for entry in posts(entries)] == [f"s3://my-bucket/{name}" for name in "aabc"] + [""]
    assert len(accepted_entries(entries)) == 4
    charges = charges_by_prefix(entries)
    assert charges == {"s3://my-bucket/a": pytest.approx(2 * PRICE), "s3://my-bucket/b": pytest.approx(PRICE)}
    delivered = next(entry for entry in entries if entry.id == first and entry.event == "delivered")
    assert delivered.keys == (f"a/{first}/default.tif",)
    shown = requests.get(f"{service.url}/sandbox/ledger", timeout=10).json()["entries"]
    assert [entry["event"] for entry in shown] == [entry.event for entry in entries]


def test_the_digest_follows_the_request_and_not_the_keys(service: Service) -> None:
    other_keys, other_script = request_body(), request_body("//VERSION=3 other")
    other_keys["output"]["delivery"]["s3"]["accessKey"] = "BK"
    for body in (request_body(), other_keys, other_script):
        service.submit(body)
    first, second, third = (entry.digest for entry in posts(service.entries()))
    assert first == second != third


def test_a_ledger_is_appended_to_from_many_threads_line_by_line(tmp_path: Path) -> None:
    ledger = SandboxLedger(tmp_path / "ledger.jsonl", lambda: datetime.now(UTC))
    threads = [
        threading.Thread(target=lambda: [ledger.add("status", message="x" * 500) for _ in range(50)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    assert [entry.event for entry in SandboxLedger.read(ledger.path)] == ["status"] * 400


def test_a_line_cut_off_by_a_crash_is_called_torn_and_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"time": "2026-01-01T00:00:00.000+00:00", "event": "post"}\n{"time": "2026-0')
    ledger = SandboxLedger(path, lambda: datetime.now(UTC))
    ledger.add("accepted", id="one")
    ledger.close()
    assert [entry.event for entry in SandboxLedger.read(path)] == ["post", "torn", "accepted"]


# --- faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a client and the bucket saw of one POST under a fault."""

    status: int | None
    code: str
    taken: int


def post_under(service: Service, fault: str, **changes: Any) -> Seen:
    service.switch_on(fault, **changes)
    try:
        response = post_once(service)
    except requests.ConnectionError:
        return Seen(status=None, code="", taken=len(accepted_entries(service.entries())))
    is_json = response.headers["Content-Type"] == "application/json"
    code = response.json().get("error", {}).get("code", "") if is_json else "HTML"
    return Seen(status=response.status_code, code=code, taken=len(accepted_entries(service.entries())))


POST_FAULTS = [
    pytest.param("answer-lost", Seen(status=None, code="", taken=1), id="answer-lost: taken, nothing said"),
    pytest.param("reset-before-read", Seen(status=None, code="", taken=0), id="reset-before-read: nothing taken"),
    pytest.param("refuse-502-before", Seen(status=502, code="HTML", taken=0), id="refuse-502-before: not taken"),
    pytest.param("refuse-502-after", Seen(status=502, code="HTML", taken=1), id="refuse-502-after: taken"),
    pytest.param("rate-429", Seen(status=429, code="RATE_LIMIT_EXCEEDED", taken=0), id="rate-429"),
    pytest.param("concurrency-429", Seen(status=429, code="RATE_LIMIT_EXCEEDED", taken=0), id="concurrency-429"),
    pytest.param("spurious-400", Seen(status=400, code="COMMON_BAD_PAYLOAD", taken=0), id="spurious-400"),
    pytest.param("unauthorized-401", Seen(status=401, code="COMMON_UNAUTHORIZED", taken=0), id="unauthorized-401"),
    pytest.param(
        "forbidden-403", Seen(status=403, code="COMMON_INSUFFICIENT_PERMISSIONS", taken=0), id="forbidden-403"
    ),
    pytest.param("quota-403", Seen(status=403, code="COMMON_INSUFFICIENT_PERMISSIONS", taken=0), id="quota-403"),
]


@pytest.mark.parametrize(("fault", "seen"), POST_FAULTS)
def test_faults_of_a_post_strike_once(service: Service, fault: str, seen: Seen) -> None:
    assert post_under(service, fault) == seen
    assert [entry.message for entry in service.entries() if entry.event == "fault"] == [fault]
    assert service.post().status_code == 200


def test_the_two_429_differ_in_retry_after_and_the_spurious_400_has_the_known_words(service: Service) -> None:
    service.switch_on("rate-429", parameters={"milliseconds": 1234})
    assert service.post().headers["Retry-After"] == "1234"
    service.switch_on("concurrency-429")
    assert "Retry-After" not in service.post().headers
    service.switch_on("spurious-400")
    assert "body should be non-empty" in error_of(service.post())[2]


def test_slow_answer_takes_the_request_and_answers_late(service: Service) -> None:
    service.switch_on("slow-answer", parameters={"seconds": 0.5})
    began = time.monotonic()
    assert service.post().status_code == 200
    assert time.monotonic() - began >= 0.5


def test_stopping_does_not_wait_for_a_slow_answer(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.switch_on("slow-answer", parameters={"seconds": 600})
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(post_once(service).status_code))
        thread.start()
        until(lambda: accepted_entries(service.entries()))
    thread.join()
    assert statuses == [200]


def test_status_and_token_faults(slow: Service) -> None:
    id = slow.submit()
    slow.switch_on("status-500")
    assert error_of(slow.get(id))[:2] == (500, "COMMON_EXCEPTION")
    slow.switch_on("status-429")
    assert slow.get(id).headers["Retry-After"] == "3398"
    assert slow.get(id).status_code == 200
    slow.switch_on("token-503")
    response = requests.post(f"{slow.url}/oauth/token", data=FORM, timeout=10)
    assert (response.status_code, response.headers["Content-Type"]) == (503, "text/html")


def test_a_service_whose_reads_lag_behind_its_writes(tmp_path: Path) -> None:
    with running(tmp_path, run_seconds=60, hidden_seconds=60) as service:
        assert service.get(service.submit()).status_code == 404


def test_early_404_hides_a_running_request_for_a_while(slow: Service) -> None:
    slow.switch_on("early-404", parameters={"seconds": 0.5})
    id = slow.submit()
    assert slow.get(id).status_code == 404
    until(lambda: slow.get(id).status_code == 200)


def test_flapping_404_alternates_while_the_request_runs(slow: Service) -> None:
    slow.switch_on("flapping-404")
    id = slow.submit()
    assert [slow.get(id).status_code for _ in range(4)] == [404, 200, 404, 200]


@pytest.mark.parametrize(
    ("fault", "names", "end", "is_charged"),
    [
        pytest.param("never-deliver", {"request-ID.json"}, "delivered", True, id="never-deliver: only the early copy"),
        pytest.param("partial-delivery", {"a.tif", "request-ID.json"}, "delivered", True, id="partial-delivery"),
        pytest.param(
            "foreign-object",
            {"a.tif", "b.tif", "notes.json", "request-ID.json"},
            "delivered",
            True,
            id="foreign-object: one more",
        ),
        pytest.param("copy-never", {"a.tif", "b.tif"}, "delivered", True, id="copy-never"),
        pytest.param("copy-in-root", {"a.tif", "b.tif"}, "delivered", True, id="copy-in-root: not in the folder"),
        pytest.param(
            "error-with-outputs",
            {"a.tif", "b.tif", "error.json", "request-ID.json"},
            "failed",
            False,
            id="error-with-outputs: both, and free",
        ),
        pytest.param(
            "error-json-malformed", {"error.json", "request-ID.json"}, "failed", False, id="error-json-malformed"
        ),
    ],
)
def test_faults_of_a_delivery(service: Service, fault: str, names: set[str], end: str, is_charged: bool) -> None:
    service.switch_on(fault)
    id = service.finish(request_body(EVALSCRIPT, "s3://my-bucket/ndvi", "a", "b"))
    assert service.names(id) == names
    assert service.events(id)[-1] == end
    assert bool(charges_by_prefix(service.entries())) is is_charged


def test_what_the_strange_objects_hold(service: Service) -> None:
    service.switch_on("never-deliver")
    assert "costPU" not in service.read(service.finish(), "request-ID.json")
    service.switch_on("copy-in-root")
    id = service.finish()
    copy = json.loads((service.folder / "my-bucket" / "ndvi" / f"request-{id}.json").read_text())
    assert copy["costPU"] == pytest.approx(PRICE)
    service.switch_on("error-json-malformed")
    id = service.finish()
    with pytest.raises(json.JSONDecodeError):
        service.read(id, "error.json")
    service.switch_on("zero-byte")
    id = service.finish()
    assert (service.folder / "my-bucket/ndvi" / id / "default.tif").read_bytes() == b""


def test_late_delivery_comes_after_the_404(service: Service) -> None:
    service.switch_on("late-delivery", parameters={"seconds": 0.5})
    id = service.submit()
    until(lambda: service.get(id).status_code == 404)
    assert service.names(id) == {"request-ID.json"}
    service.await_end(id)
    assert service.names(id) == {"default.tif", "request-ID.json"}


def test_a_late_copy_comes_after_the_outputs(service: Service) -> None:
    service.switch_on("copy-late", parameters={"seconds": 0.5})
    id = service.finish()
    assert service.names(id) == {"default.tif"}
    until(lambda: "request-ID.json" in service.names(id))
    assert service.read(id, "request-ID.json")["costPU"] == pytest.approx(PRICE)


def test_a_fault_strikes_only_matching_urls_and_as_often_as_asked(slow: Service) -> None:
    slow.switch_on("quota-403", times=2, match="/b")
    urls = ["s3://my-bucket/a", "s3://my-bucket/b", "s3://my-bucket/b", "s3://my-bucket/b"]
    assert [slow.post(request_body(url=url)).status_code for url in urls] == [200, 403, 403, 200]


def test_a_fault_without_end_lasts_until_it_is_switched_off(slow: Service) -> None:
    slow.switch_on("refuse-502-before", times=-1)
    assert [slow.post().status_code for _ in range(3)] == [502] * 3
    shown = slow.web.get(f"{slow.url}/sandbox/faults", timeout=10).json()
    assert shown == {
        "faults": [
            {"name": "refuse-502-before", "times": -1, "after": 0, "rate": 1.0, "match": "", "parameters": {}},
        ]
    }
    assert slow.web.delete(f"{slow.url}/sandbox/faults", timeout=10).json() == {"faults": []}
    assert slow.post().status_code == 200


def test_faults_can_be_on_from_the_start(tmp_path: Path) -> None:
    with running(tmp_path, faults=(Fault(name="quota-403"),)) as service:
        assert [service.post().status_code for _ in range(2)] == [403, 200]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param({"name": "gremlins"}, "answer-lost", id="an unknown name: the known ones are listed"),
        pytest.param({"name": "late-delivery", "parameters": {"hours": 1}}, "seconds", id="an unknown parameter"),
        pytest.param({"name": "rate-429", "times": 0}, "times", id="never"),
        pytest.param({"name": "rate-429", "time": 1}, "time", id="a misspelt field"),
        pytest.param({"name": "reset-before-read", "match": "x"}, "match", id="a match before anything is read"),
        pytest.param({"name": "rate-429", "after": -1}, "after", id="before the first"),
        pytest.param({"name": "rate-429", "rate": 0}, "rate", id="with no probability"),
        pytest.param("rate-429", "object", id="not an object"),
    ],
)
def test_faults_that_cannot_be_switched_on(service: Service, document: object, words: str) -> None:
    response = service.web.post(f"{service.url}/sandbox/faults", json=document, timeout=10)
    assert error_of(response)[0] == 400
    assert words in response.text
    with pytest.raises(FaultError):
        Fault.from_document(document)


def test_the_ledger_can_be_read_by_people_too(service: Service) -> None:
    id = service.finish()
    service.post({})
    shown = service.web.get(f"{service.url}/sandbox/ledger", headers={"Accept": "text/plain"}, timeout=10)
    assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = {line.split()[1]: line for line in shown.text.splitlines()}
    assert len(shown.text.splitlines()) == len(service.entries())
    assert lines["charged"].endswith(f"{id}  s3://my-bucket/ndvi  {PRICE:.2f} PU")
    assert lines["delivered"].endswith(f"  ndvi/{id}/default.tif")
    assert "400 COMMON_BAD_PAYLOAD The request is not valid" in lines["refused"]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d  token ", shown.text)


HOSTILE = {
    "an endless loop": "for (;;);",
    "endless recursion": "(function again() { again(); })();",
    "all the memory": "const kept = []; for (;;) kept.push(new Float64Array(1e7).fill(1));",
    "many small objects": "const kept = []; for (;;) kept.push({a: 1});",
    "a file": "return [require('fs').readFileSync('/etc/hostname')];",
    "the network": "return [fetch('http://127.0.0.1:1')];",
    "the program": "return [process.exit(1)];",
    "an enormous answer": "return new Array(4e9);",
    "a deep answer": "let deep = []; for (let i = 0; i < 1e6; i++) deep = [deep]; return deep;",
}


def test_no_script_takes_the_program_down(tmp_path: Path) -> None:
    """Each of them ends as a failed request; the one after them is rendered."""
    options = SandboxOptions(
        folder=tmp_path, port=0, buckets=("my-bucket",), max_running=20, render_seconds=1.0, workers=1
    )
    good = request_body(REAL_SCRIPT % "")
    good["output"] |= {"width": 64, "height": 64}
    good["input"]["data"][0]["dataFilter"] = {
        "timeRange": {"from": "2022-06-01T00:00:00Z", "to": "2022-06-30T00:00:00Z"}
    }
    with Sandbox(options) as sandbox, requests.Session() as web:
        web.headers["Authorization"] = f"Bearer {token(sandbox)}"
        service = Service(sandbox=sandbox, web=web)
        bad = {name: service.submit({**good, "evalscript": REAL_SCRIPT % body}) for name, body in HOSTILE.items()}
        last = service.submit(good)
        until(lambda: service.events(last)[-1] in ("delivered", "failed"), 60)
        ends = {name: service.events(id)[-1] for name, id in bad.items()}
        assert ends == dict.fromkeys(HOSTILE, "failed")
        assert all("error.json" in service.names(id) for id in bad.values())
        assert service.events(last)[-1] == "delivered"
        told = {name: service.read(id, "error.json")["code"] for name, id in bad.items()}
        assert told == dict.fromkeys(HOSTILE, "RENDERER_EXCEPTION")


# --- the program


def test_a_restart_ends_what_was_left_and_goes_on_with_the_ledger(tmp_path: Path) -> None:
    with running(tmp_path, run_seconds=60) as service:
        id = service.submit()
        until(lambda: "running" in service.events(id))
        old_token = service.web.headers["Authorization"]
        before = len(service.entries())
    with running(tmp_path) as service:
        assert service.events(id) == ["accepted", "running", "failed"]
        assert service.read(id, "error.json")["message"] == "The sandbox was restarted while this request ran."
        assert service.get(id).status_code == 404
        assert list((tmp_path / ".work").iterdir()) == []
        service.web.headers["Authorization"] = old_token
        assert service.names(service.finish()) == {"default.tif", "request-ID.json"}
        assert len(service.entries()) > before
    with running(tmp_path) as service:
        assert service.events(id) == ["accepted", "running", "failed"]


def test_stopping_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with running(tmp_path, run_seconds=60) as service:
        service.submit()
    assert set(threading.enumerate()) == before


def test_a_folder_is_for_one_sandbox_at_a_time(tmp_path: Path) -> None:
    with running(tmp_path), pytest.raises(UsageError, match="another sandbox"), running(tmp_path):
        pass
    with running(tmp_path) as service:
        assert service.post().status_code == 200


def test_a_taken_port_is_told_plainly_and_the_folder_is_free_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"{port} cannot be used"), running(tmp_path, port=port):
            pass
    with running(tmp_path):
        pass


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"host": "0.0.0.0"}, "reached from outside", id="every interface"),
        pytest.param({"host": "192.168.1.7"}, "reached from outside", id="another interface"),
        pytest.param({"host": "example.org"}, "reached from outside", id="a name"),
        pytest.param({"port": 70000}, "port 70000", id="a port that does not exist"),
        pytest.param({"buckets": ("../up",)}, "not a bucket name", id="a bucket that climbs"),
        pytest.param({"workers": 0}, "workers", id="nobody to work"),
        pytest.param({"copy_name": "a/b.json"}, "copy name", id="a copy in a folder"),
    ],
)
def test_options_that_are_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SandboxOptions(folder=tmp_path, **changes)


def test_options_never_show_secrets(tmp_path: Path) -> None:
    options = SandboxOptions(folder=tmp_path, client_secret=CANARY, keys={"AK": CANARY})
    assert CANARY not in repr(options)


def test_the_program_says_when_it_is_ready_and_ends_when_told(tmp_path: Path) -> None:
    stop, told = threading.Event(), list[str]()
    options = SandboxOptions(folder=tmp_path, port=0)
    thread = threading.Thread(target=run_sandbox, args=(options,), kwargs={"stop": stop, "ready": told.append})
    thread.start()
    until(lambda: told)
    health = requests.get(f"{told[0]}/sandbox/health", timeout=10)
    assert health.json() == {"status": "ok", "running": 0}
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("POST", "/sandbox/faults", {"Origin": "http://evil.example"}, 403, id="a page adds a fault"),
        pytest.param("POST", "/sandbox/faults", {"Origin": "null"}, 403, id="a page without an origin does"),
        pytest.param("POST", "/sandbox/faults", {"Sec-Fetch-Site": "cross-site"}, 403, id="a form does"),
        pytest.param("DELETE", "/sandbox/faults", {"Origin": "http://127.0.0.1:1"}, 403, id="one of another port"),
        pytest.param("POST", "/oauth/token", {"Origin": "http://evil.example"}, 403, id="a page asks for a token"),
        pytest.param("POST", NEW, {"Origin": "http://evil.example"}, 403, id="a page submits"),
        pytest.param("GET", "/sandbox/ledger", {"Host": "evil.example"}, 403, id="a name that leads here"),
        pytest.param("POST", "/sandbox/faults", {"Host": "evil.example"}, 403, id="a name that leads here, to change"),
        pytest.param("POST", "/sandbox/faults", {"Content-Type": "text/plain"}, 415, id="a body in plain text"),
        pytest.param("POST", "/sandbox/faults", {}, 200, id="a program"),
    ],
)
def test_no_web_page_changes_anything(
    service: Service, method: str, path: str, headers: Mapping[str, str], status: int
) -> None:
    given = {"Content-Type": "application/json", **headers}
    answer = service.web.request(method, f"{service.url}{path}", data=b"[]", headers=given, timeout=10)
    assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (status, "nosniff")
    assert posts(service.sandbox.ledger.entries()) == []


def serving() -> int:
    return sum("process_request_thread" in each.name for each in threading.enumerate())


def test_hundreds_of_half_open_connections_keep_the_sandbox_from_nobody(service: Service) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    others = serving()  # servers of other tests may keep threads of theirs
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=10)).sendall(b"POST ")
        assert service.web.get(f"{service.url}/sandbox/health", timeout=10).ok
        ends_at = time.monotonic() + 30  # the threads of those that were dropped end by themselves
        while (threads := serving() - others) > SandboxServer.most and time.monotonic() < ends_at:
            time.sleep(0.01)
        assert threads <= SandboxServer.most
