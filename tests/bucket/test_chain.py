"""Reading a bucket with AWS's default chain: each link against a stand-in, and no other variable of AWS."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from controller.bucket.client import Bucket
from controller.model.answers import Listing, Unreadable
from controller.model.timing import Timing
from controller.settings.deployments import DEPLOYMENTS, Credential
from tests.conftest import served
from tests.support.patience import LONGEST, PATIENT

pytestmark = pytest.mark.slow

EMPTY = b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><KeyCount>0</KeyCount></ListBucketResult>'
REACHED = "2099-01-01T00:00:00Z"


def keys(name: str) -> bytes:
    """Keys as a container or an instance hands them out."""
    pair = {"AccessKeyId": name, "SecretAccessKey": "CANARY", "Token": f"token of {name}", "Expiration": REACHED}
    return json.dumps({**pair, "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z"}).encode()


@dataclass(kw_only=True)
class Cloud:
    """An empty bucket, the metadata of an instance and of a container, at one address; and who asked for the bucket."""

    url: str = ""
    listing: bytes = EMPTY
    missing: bytes = b"<Error><Code>NoSuchKey</Code></Error>"
    status: int = 404
    was_cut: threading.Event = field(default_factory=threading.Event)
    signed: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    found = Cloud()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.answer(b"a token of the instance")

        def do_GET(self) -> None:
            if self.path.startswith("/latest/"):
                self.answer(keys("INSTANCE") if self.path.endswith("/reader") else b"reader")
            elif self.path == "/container":
                self.answer(keys(f"CONTAINER-{self.headers['Authorization']}"))
            else:
                found.signed.append(self.headers["Authorization"].partition("Credential=")[2].partition("/")[0])
                found.tokens.append(self.headers["x-amz-security-token"])
                if "list-type" in self.path:
                    self.answer(found.listing)
                else:
                    self.answer(found.missing, found.status)

        def answer(self, content: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                found.was_cut.set()

        def log_message(self, *_: Any) -> None:
            return

    with served(Handler) as url:
        found.url = url
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", found.url)
        yield found


def bucket(cloud: Cloud, *, timing: Timing = PATIENT, **changes: Any) -> Bucket:
    plain = {"name": "mine", "prefixes": ("s3://results",), "default_chain": True, "endpoint": cloud.url}
    return Bucket(DEPLOYMENTS["sandbox"], {"mine": Credential(**(plain | changes))}, timing=timing)


@pytest.mark.parametrize(
    ("variables", "key", "token"),
    [
        pytest.param(
            {"AWS_ACCESS_KEY_ID": "VARIABLE", "AWS_SECRET_ACCESS_KEY": "CANARY", "AWS_SESSION_TOKEN": "a session"},
            "VARIABLE",
            "a session",
            id="variables",
        ),
        pytest.param(
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "{url}/container",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{folder}/token",
            },
            "CONTAINER-pod",
            "token of CONTAINER-pod",
            id="a container",
        ),
        pytest.param({}, "INSTANCE", "token of INSTANCE", id="the instance"),
        pytest.param(
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "mars-1", "AWS_SKIP_SIGNATURE": "true"},
            "INSTANCE",
            "token of INSTANCE",
            id="an endpoint or region in a variable changes nothing",
        ),
    ],
)
def test_the_bucket_is_read_with_what_the_chain_finds(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], key: str, token: str
) -> None:
    (tmp_path / "token").write_text("pod")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(url=cloud.url, folder=tmp_path))
    assert bucket(cloud).read("s3://results/x", "mine") == Listing()
    assert (set(cloud.signed), set(cloud.tokens)) == ({key}, {token})


def test_a_key_pair_beside_the_chain_is_for_the_service_alone(cloud: Cloud) -> None:
    pair: dict[str, Any] = {"access_key": SecretStr("WRITER"), "secret_access_key": SecretStr("CANARY")}
    assert bucket(cloud, **pair).read("s3://results/x", "mine") == Listing()
    assert set(cloud.signed) == {"INSTANCE"}


def test_of_several_credentials_for_a_role_one_that_can_read_is_taken(cloud: Cloud) -> None:
    without = Credential(name="a-first", prefixes=("s3://results",))
    able = Credential(name="z-last", prefixes=("s3://results",), endpoint=cloud.url, default_chain=True)
    both = Bucket(DEPLOYMENTS["sandbox"], {"a-first": without, "z-last": able}, timing=PATIENT)
    assert both.read("s3://results/x", None) == Listing()


def test_a_web_identity_is_exchanged_at_the_token_service_and_nowhere_else(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is handed over in TLS only: here somebody listens, but has no certificate to show."""
    (tmp_path / "token").write_text("CANARY-identity")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/reader")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"https://127.0.0.1:{listener.getsockname()[1]}")
        first: list[bytes] = []

        def listen() -> None:
            connection, _ = listener.accept()
            with connection:
                first.append(connection.recv(1))

        thread = threading.Thread(target=listen)
        thread.start()
        once = Timing(read_timeout=3, connect_timeout=1)  # a second connection gets no answer
        answer = bucket(cloud, timing=once).read("s3://results/x", "mine")
        thread.join()
    assert first == [b"\x16"]  # the beginning of a TLS handshake
    assert isinstance(answer, Unreadable)
    assert "AWS's default chain (variables, web identity, container, instance) gave no credentials" in answer.message
    assert "CANARY" not in answer.message
    assert cloud.signed == []


def test_no_more_of_an_object_is_read_than_a_listing_allows(cloud: Cloud) -> None:
    """It has grown since: all of it was read into memory, and cut only then."""
    entry = b"<Contents><Key>x/error.json</Key><Size>10</Size><LastModified>2026-01-01T00:00:00Z</LastModified>"
    cloud.listing = EMPTY.replace(b"</ListBucketResult>", entry + b"<ETag>e</ETag></Contents></ListBucketResult>")
    cloud.missing, cloud.status = b"x" * 64_000_000, 200
    answer = bucket(cloud).read("s3://results/x", "mine")
    assert isinstance(answer, Listing), answer
    assert {key: len(text) for key, text in answer.documents.items()} == {"error.json": 256 * 1024}
    assert cloud.was_cut.wait(LONGEST)


def test_a_chain_that_finds_nothing_is_told_as_that(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    answer = bucket(cloud).read("s3://results/x", "mine")
    words = "AWS's default chain (variables, web identity, container, instance) gave no credentials"
    reported = f"bucket results, credential mine: {words}: nothing listens there"
    assert answer == Unreadable(message=reported)


def test_without_the_chain_no_variable_is_read(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "VARIABLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARY")
    answer = bucket(cloud, default_chain=False).read("s3://results/x", "mine")
    assert isinstance(answer, Unreadable)
    assert "credential mine has no key pair" in answer.message
    assert cloud.signed == []


@pytest.mark.parametrize(
    ("status", "missing"),
    [
        pytest.param(200, b"<html><body>Console</body></html>", id="everything is there: a web console"),
        pytest.param(404, b"<html><body>Not found</body></html>", id="a page says that it is not there"),
        pytest.param(404, b"", id="nothing is said"),
        pytest.param(302, b"", id="it leads elsewhere"),
    ],
)
def test_what_does_not_speak_s3_is_no_empty_bucket_with_the_chain_either(
    cloud: Cloud, status: int, missing: bytes
) -> None:
    cloud.listing, cloud.status, cloud.missing = b"<html><body>Console</body></html>", status, missing
    answer = bucket(cloud).read("s3://results/x", "mine")
    assert isinstance(answer, Unreadable)
    assert "cannot be listed: the server there does not speak S3" in answer.message
