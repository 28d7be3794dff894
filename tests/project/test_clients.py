"""Clients of others at the sandbox: the vendor's package, code as in the documentation, and the samples of our page.

They run unchanged but for addresses and credentials.
"""

import importlib
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rasterio
import requests
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError
from requests_oauthlib import OAuth2Session

from controller.evalscript.cache import close_shared
from controller.sandbox.faults.faults import Fault
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import Sandbox
from tests.support.paths import ROOT

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what the package imports
    vendor: Any = importlib.import_module("sentinelhub")
    Download: Any = vendor.download.SentinelHubDownloadClient

PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
SAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SCRIPT = """//VERSION=3
function setup() { return {input: ["B04", "B08"], output: {bands: 1, sampleType: "FLOAT32"}}; }
function evaluatePixel(sample) { return [index(sample.B08, sample.B04)]; }
"""


SEEN_RUNNING = pytest.mark.parametrize("sandbox", [1], indirect=True, ids=["seen running"])
"""The first GET of each request sees it run, however late it comes."""


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    options = SandboxOptions(
        folder=tmp_path / "state" / "sandbox",
        port=0,
        buckets=("my-bucket",),
        requests_per_minute=0,
        run_seconds=0.3,
        run_polls=getattr(request, "param", 0),
        max_running=10,
    )
    with Sandbox(options) as running:
        yield running
    close_shared()
    Download.clear_cache()


def charged(sandbox: Sandbox) -> int:
    return sum(entry.event == "charged" for entry in sandbox.ledger.entries())


def settings(sandbox: Sandbox, **changes: Any) -> Any:
    given = {
        "sh_client_id": "sandbox",
        "sh_client_secret": "sandbox-secret",
        "sh_base_url": sandbox.base_url,
        "sh_token_url": f"{sandbox.base_url}/oauth/token",
        "download_sleep_time": 0.01,
        **changes,
    }
    return vendor.SHConfig(use_defaults=True, **given)


def vendor_request(sandbox: Sandbox, config: Any = None, script: str = SCRIPT, **changes: Any) -> Any:
    collection = vendor.DataCollection.SENTINEL2_L2A
    here = collection.define_from(f"SANDBOX_{sandbox.base_url.rpartition(':')[2]}", service_url=sandbox.base_url)
    given = {
        "bbox": vendor.BBox((14.2, 45.9, 14.4, 46.1), crs=vendor.CRS.WGS84),
        "size": (64, 64),
        "responses": [vendor.AsyncProcessRequest.output_response("default", "tiff")],
        **changes,
    }
    return vendor.AsyncProcessRequest(
        evalscript=script,
        input_data=[vendor.AsyncProcessRequest.input_data(here, time_interval=("2022-06-01", "2022-06-30"), maxcc=0.8)],
        delivery=vendor.AsyncProcessRequest.s3_specification(
            url="s3://my-bucket/vendor", access_key="any", secret_access_key="any"
        ),
        config=config or settings(sandbox),
        **given,
    )


def status(id: str, sandbox: Sandbox) -> bool:
    return bool(vendor.get_async_running_status([id], settings(sandbox))[id])


@pytest.mark.slow
@SEEN_RUNNING
def test_the_vendors_client_submits_and_follows_a_request(sandbox: Sandbox) -> None:
    [answer] = vendor_request(sandbox).get_data()
    assert answer["status"] == "RUNNING"
    assert status(answer["id"], sandbox)
    while status(answer["id"], sandbox):
        pass
    with rasterio.open(sandbox.options.folder / "my-bucket" / "vendor" / answer["id"] / "default.tif") as raster:
        assert (raster.width, raster.height, raster.crs.to_epsg()) == (64, 64, 4326)
    assert charged(sandbox) == 1


@pytest.mark.slow
def test_the_vendors_client_may_send_a_geometry_and_a_resolution(sandbox: Sandbox) -> None:
    ring = [(500000, 5090000), (510000, 5090000), (505000, 5100000), (500000, 5090000)]
    geometry = vendor.Geometry({"type": "Polygon", "coordinates": [ring]}, crs=vendor.CRS("32633"))
    [answer] = vendor_request(sandbox, bbox=None, size=None, geometry=geometry, resolution=(100, 100)).get_data()
    while status(answer["id"], sandbox):
        pass
    with rasterio.open(sandbox.options.folder / "my-bucket" / "vendor" / answer["id"] / "default.tif") as raster:
        values = raster.read(1)
        assert (raster.width, raster.height, raster.crs.to_epsg()) == (100, 100, 32633)
        assert values[0, 0] == 0 and values[-1, 50] != 0


def test_the_vendors_client_is_told_what_is_wrong(sandbox: Sandbox) -> None:
    with pytest.raises(vendor.exceptions.DownloadFailedException, match="COMMON_BAD_PAYLOAD") as caught:
        vendor_request(sandbox, size=(20_000, 64)).get_data()
    assert "output->width" in str(caught.value)
    assert not status("6b0c2f4e-0000-4000-8000-000000000000", sandbox)
    Download.clear_cache()
    with pytest.raises(InvalidClientError):
        vendor_request(sandbox, settings(sandbox, sh_client_secret="wrong")).get_data()


def test_the_vendors_client_waits_for_the_milliseconds_it_is_told(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(name="rate-429", parameters={"milliseconds": 20}))
    with pytest.warns(vendor.exceptions.SHRateLimitWarning):
        [answer] = vendor_request(sandbox).get_data()
    assert answer["status"] == "RUNNING"


@pytest.mark.slow
def test_the_vendors_client_repeats_a_post_after_a_gateways_error_and_pays_twice(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(name="refuse-502-after"))
    [answer] = vendor_request(sandbox).get_data()
    while status(answer["id"], sandbox):
        pass
    while charged(sandbox) < 2:
        pass
    assert sum(entry.event == "accepted" for entry in sandbox.ledger.entries()) == 2


def test_the_vendors_client_reads_its_name_in_the_token(sandbox: Sandbox) -> None:
    session = Download(config=settings(sandbox)).get_session()
    assert session.info()["azp"] == "sandbox"
    assert session.info()["exp"] - session.info()["iat"] == 3600


@pytest.mark.slow
@SEEN_RUNNING
def test_plain_oauth_code_submits_and_asks(sandbox: Sandbox) -> None:
    client = BackendApplicationClient(client_id="sandbox")
    with OAuth2Session(client=client) as oauth:
        token = oauth.fetch_token(
            token_url=f"{sandbox.base_url}/auth/realms/main/protocol/openid-connect/token",
            client_secret="sandbox-secret",
            include_client_id=True,
        )
        assert token["expires_in"] == 3600
        body = {
            "input": {
                "bounds": {"bbox": [14.2, 45.9, 14.4, 46.1]},
                "data": [
                    {
                        "type": "S2L2A",
                        "dataFilter": {"timeRange": {"from": "2022-06-01T00:00:00Z", "to": "2022-06-30T23:59:59Z"}},
                    }
                ],
            },
            "output": {
                "width": 32,
                "height": 32,
                "delivery": {"s3": {"url": "s3://my-bucket/x", "accessKey": "any", "secretAccessKey": "any"}},
            },
            "evalscript": SCRIPT.replace("FLOAT32", "AUTO"),
        }
        for base in ("/api/v1/async/process", "/async/v1/process"):
            answer = oauth.post(sandbox.base_url + base, json=body)
            answer.raise_for_status()
            place = f"{sandbox.base_url}{base}/{answer.json()['id']}"
            assert oauth.get(place).json() == {"id": answer.json()["id"], "status": "RUNNING"}
            while oauth.get(place).status_code == 200:
                pass
            assert oauth.get(place).status_code == 404
            assert (sandbox.options.folder / "my-bucket/x" / answer.json()["id"] / "default.png").exists()
        wrong = oauth.post(f"{sandbox.base_url}/api/v1/async/process", json={**body, "output": {}})
        with pytest.raises(requests.HTTPError):
            wrong.raise_for_status()
        assert wrong.json()["error"]["code"] == "COMMON_BAD_PAYLOAD"


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_a_sample_of_the_page_runs_as_it_is_printed(number: int, sandbox: Sandbox, tmp_path: Path) -> None:
    assert len(SAMPLES) == 3
    sample = SAMPLES[number].replace("http://127.0.0.1:8087", sandbox.base_url)
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", sample], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if number == 2:
        assert done.stdout.startswith("http://127.0.0.1:")
        return
    assert charged(sandbox) == 1
    [delivered] = [entry for entry in sandbox.ledger.entries() if entry.event == "delivered"]
    if number == 0:
        assert [line.split()[0] for line in done.stdout.splitlines()] == ["default.tif", f"request-{delivered.id}.json"]
    else:
        assert done.stdout.strip() == delivered.id
