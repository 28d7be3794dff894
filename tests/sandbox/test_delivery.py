"""Where the sandbox delivers to, in folders and at an S3 endpoint, and what it keeps to itself."""

import json
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
import requests
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from tests.support.patience import LONGEST
from tests.support.ports import closed_port
from tests.support.sandbox import CANARY, EVALSCRIPT, PRICE, Service, request_body, running, until


def test_several_outputs_are_all_delivered(service: Service) -> None:
    id = service.finish(request_body(EVALSCRIPT, "s3://my-bucket/ndvi", "default", "mask"))
    assert service.names(id) == {"default.tif", "mask.tif", "request-ID.json"}


@pytest.mark.parametrize("identifier", ["../../escaped", "/tmp/escaped", "a/b", "nul\0"])
def test_an_identifier_that_is_a_path_writes_nowhere(service: Service, identifier: str) -> None:
    id = service.finish(request_body(EVALSCRIPT, "s3://my-bucket/ndvi", identifier))
    assert service.names(id) == {"error.json", "request-ID.json"}
    assert "file name" in service.read(id, "error.json")["message"]


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


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    requests.put(f"http://{host}:{port}/my-bucket", timeout=LONGEST).raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


def test_delivery_to_an_s3_endpoint(tmp_path: Path, s3: str) -> None:
    with running(tmp_path, s3_endpoint=s3) as service:
        id = service.finish()
        assert service.events(id) == ["accepted", "running", "charged", "delivered"]
    store = S3Store(
        "my-bucket", endpoint=s3, access_key_id="AK", secret_access_key=CANARY, client_options={"allow_http": True}
    )
    assert bytes(obstore.get(store, f"ndvi/{id}/default.tif").bytes()) == b"raster of default"
    copy = json.loads(bytes(obstore.get(store, f"ndvi/{id}/request-{id}.json").bytes()))
    assert copy["costPU"] == pytest.approx(PRICE)


def test_an_s3_bucket_that_is_not_there(tmp_path: Path, s3: str) -> None:
    with running(tmp_path, s3_endpoint=s3) as service:
        id = service.finish(request_body(url="s3://no-such-bucket/ndvi"))
        assert service.events(id) == ["accepted", "running", "failed"]


@pytest.mark.parametrize(
    ("url", "key"),
    [
        pytest.param("s3://my-bucket/\ud800", "AK", id="a path that is no text"),
        pytest.param("s3://my-bucket/a//b", "AK", id="a path with an empty part"),
        pytest.param("s3://my-bucket/ndvi", "A\nK", id="a key that is no header"),
        pytest.param("s3://my-bucket/ndvi", "A\ud800", id="a key that is no text"),
    ],
)
def test_what_cannot_be_sent_to_an_s3_endpoint_fails_its_own_request(tmp_path: Path, url: str, key: str) -> None:
    """It was answered with 500, or ended the connection, and held a slot for ever."""
    with running(tmp_path, s3_endpoint=f"http://127.0.0.1:{closed_port()}", max_running=1) as service:
        body = request_body(url=url)
        body["output"]["delivery"]["s3"]["accessKey"] = key
        id = service.finish(body)
        assert service.events(id) == ["accepted", "running", "failed"]
        until(lambda: service.get(id).status_code == 404)


def test_keys_an_s3_endpoint_does_not_know(tmp_path: Path, s3: str) -> None:
    requests.post(f"{s3}/moto-api/reset-auth", data="0", timeout=LONGEST).raise_for_status()
    try:
        with running(tmp_path, s3_endpoint=s3) as service:
            id = service.finish()
            assert service.events(id) == ["accepted", "running", "failed"]
    finally:
        requests.post(f"{s3}/moto-api/reset-auth", data="inf", timeout=LONGEST).raise_for_status()


def test_an_s3_endpoint_that_does_not_answer(tmp_path: Path) -> None:
    with running(tmp_path, s3_endpoint=f"http://127.0.0.1:{closed_port()}") as service:
        id = service.finish()
        assert service.events(id) == ["accepted", "running", "failed"]
