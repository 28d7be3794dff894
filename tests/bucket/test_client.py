"""The bucket edge against a real S3 protocol and a local folder: what lies there, or in plain words why not."""

import hashlib
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer
from obstore.store import S3Store
from pydantic import SecretStr

from controller.bucket.client import Bucket
from controller.model.answers import Listing, Unreadable
from controller.model.timing import Timing
from controller.settings.deployments import DEPLOYMENTS, Credential
from tests.conftest import served
from tests.support.patience import LONGEST, PATIENT

SANDBOX = DEPLOYMENTS["sandbox"]
ACCESS, SECRET = "CANARY-access", "CANARY/secret"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A store with one bucket; it speaks S3, but believes every key pair."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    made = raw(url, "PUT", "/results")
    assert made == 200, made
    yield url
    server.stop()


def raw(url: str, method: str, path: str) -> int:
    import requests

    with requests.Session() as http:
        http.trust_env = False
        return http.request(method, url + path, timeout=LONGEST).status_code


def put(endpoint: str, **objects: str) -> None:
    config = {"endpoint": endpoint, "region": "us-east-1", "access_key_id": "a", "secret_access_key": "b"}
    store = S3Store("results", config=config, client_options={"allow_http": True})  # type: ignore[arg-type]
    for key, text in objects.items():
        store.put(key, text.encode())


def credential(**changes: Any) -> Credential:
    keys = {"access_key": SecretStr(ACCESS), "secret_access_key": SecretStr(SECRET)}
    return Credential(**({"name": "mine", "prefixes": ("s3://results", "s3://absent")} | keys | changes))


def bucket(**changes: Any) -> Bucket:
    return Bucket(SANDBOX, {"mine": credential(**changes)}, timing=PATIENT)


def keys(answer: object) -> list[str]:
    assert isinstance(answer, Listing), answer
    return [each.key for each in answer.objects]


KEYS = {
    "job/s1/id/default.tif": "x" * 9,
    "job/s1/id/error.json": '{"message": "ü"}',
    "job/s2 #%20/ü.tif": "",
    "job2/x": "",
}


@pytest.fixture(params=["S3", "a local folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Bucket:
    """The same objects in both kinds of store."""
    if request.param == "S3":
        endpoint: str = request.getfixturevalue("endpoint")
        put(endpoint, **KEYS)
        return bucket(endpoint=endpoint)
    for key, text in KEYS.items():
        (tmp_path / "results" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "results" / key).write_text(text)
    return bucket(folder=tmp_path, access_key=None, secret_access_key=None)


def test_everything_below_a_prefix_is_listed_with_keys_relative_to_it(store: Bucket) -> None:
    answer = store.read("s3://results/job", "mine")
    assert keys(answer) == ["s1/id/default.tif", "s1/id/error.json", "s2 #%20/ü.tif"]
    assert isinstance(answer, Listing)
    assert answer.documents == {"s1/id/error.json": '{"message": "ü"}'}
    assert [each.bytes for each in answer.objects] == [9, 17, 0]
    assert all(each.etag and each.modified and each.modified.tzinfo for each in answer.objects)


def test_an_etag_is_told_without_the_quotes_of_http(store: Bucket) -> None:
    answer = store.read("s3://results/job/s1", "mine", only="id/default.tif")
    assert isinstance(answer, Listing)
    assert ['"' in each.etag for each in answer.objects] == [False]


def test_the_etag_of_s3_is_the_bare_tag(endpoint: str) -> None:
    put(endpoint, **{"tagged/x": "abc"})
    answer = bucket(endpoint=endpoint).read("s3://results/tagged", "mine")
    assert isinstance(answer, Listing)
    assert [each.etag for each in answer.objects] == [hashlib.md5(b"abc").hexdigest()]


def test_a_prefix_may_end_with_a_slash_or_hold_odd_letters(store: Bucket) -> None:
    assert keys(store.read("s3://results/job/s1/id/", "mine")) == ["default.tif", "error.json"]
    assert keys(store.read("s3://results/job/s2 #%20", "mine")) == ["ü.tif"]


def test_only_keeps_the_keys_that_start_with_a_text(store: Bucket) -> None:
    answer = store.read("s3://results/job", "mine", only="s2")
    assert keys(answer) == ["s2 #%20/ü.tif"]
    assert isinstance(answer, Listing)
    assert answer.documents == {}


def test_nothing_under_the_prefix_is_an_empty_listing(store: Bucket) -> None:
    assert store.read("s3://results/nothing", "mine") == Listing()


def test_a_bucket_that_is_missing_is_unreadable(store: Bucket) -> None:
    answer = store.read("s3://absent/job", "mine")
    assert isinstance(answer, Unreadable)
    assert "absent" in answer.message
    assert "no such bucket" in answer.message or "there is no folder" in answer.message


def test_without_a_reference_any_credential_for_the_prefix_reads(store: Bucket) -> None:
    assert keys(store.read("s3://results/job2", None)) == ["x"]


def test_only_small_json_objects_become_documents_and_not_more_than_twenty(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    for number in range(25):
        (folder / f"{number:02}.json").write_text(json.dumps(number))
    (folder / "00-big.json").write_text("x" * (256 * 1024 + 1))
    answer = bucket(folder=tmp_path).read("s3://results", "mine")
    assert isinstance(answer, Listing)
    assert len(answer.objects) == 26
    assert list(answer.documents) == [f"{number:02}.json" for number in range(20)]


@pytest.mark.parametrize(
    ("prefix", "ref", "changes", "words"),
    [
        pytest.param(
            "s3://other/x", "mine", {}, "credential mine may not be used for s3://other/x", id="foreign prefix"
        ),
        pytest.param("s3://results/../x", "mine", {}, "may not be used", id="a prefix that leads out"),
        pytest.param("s3://results/x", "yours", {}, "no credential is called yours", id="unknown name"),
        pytest.param("s3://other/x", None, {}, "no credential may be used for s3://other/x", id="none at all"),
        pytest.param("s3://results/x", "mine", {"access_key": None}, "credential mine has no key pair", id="no keys"),
    ],
)
def test_a_credential_that_cannot_serve_is_told_before_anything_is_asked(
    prefix: str, ref: str | None, changes: dict[str, Any], words: str
) -> None:
    answer = bucket(**changes).read(prefix, ref)
    assert isinstance(answer, Unreadable)
    assert words in answer.message


@dataclass(kw_only=True)
class Refusing:
    """A store that refuses everything in its own words, and keeps the headers it was asked with."""

    url: str = ""
    words: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    store = Refusing()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            store.headers.append({name.lower(): value for name, value in self.headers.items()})
            content = store.words.encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_GET  # noqa: N815  (the name is the library's)

        def log_message(self, *_: Any) -> None:
            return

    with served(Handler) as url:
        store.url = url
        yield store


@pytest.mark.parametrize(
    ("code", "words"),
    [
        pytest.param("AccessDenied", "the credential may not list it (AccessDenied)", id="no right"),
        pytest.param("InvalidAccessKeyId", "the access key is not known there (InvalidAccessKeyId)", id="wrong key"),
        pytest.param(
            "SignatureDoesNotMatch", "the secret access key is wrong (SignatureDoesNotMatch)", id="wrong secret"
        ),
        pytest.param("RequestTimeTooSkewed", "the store answers RequestTimeTooSkewed", id="any other code"),
    ],
)
def test_a_refusal_of_the_store_is_told_in_the_same_words_every_time(refusing: Refusing, code: str, words: str) -> None:
    refusing.words = f"<Error><Code>{code}</Code><AWSAccessKeyId>{ACCESS}</AWSAccessKeyId></Error>"
    answer = bucket(endpoint=refusing.url).read("s3://results/x", "mine")
    denied = code == "AccessDenied"
    assert answer == Unreadable(message=f"bucket results, credential mine: {words}", denied=denied)


@pytest.mark.parametrize(
    ("words", "denied"),
    [
        pytest.param("<Error><Code>AccessDenied</Code></Error>", True, id="the right is missing: denied"),
        pytest.param("<Error><Code>InvalidAccessKeyId</Code></Error>", False, id="an unknown key: not denied"),
        pytest.param("<html>Forbidden by the proxy</html>", False, id="the page of a proxy: not denied"),
    ],
)
def test_only_a_missing_right_to_write_counts_as_denied(refusing: Refusing, words: str, denied: bool) -> None:
    refusing.words = words
    refused = bucket(endpoint=refusing.url).write("s3://results/x", "mine", b"x")
    assert refused is not None
    assert refused.denied is denied


WITHOUT_RIGHTS = """
import html, os, sys  # the other user may not read what is imported later
from pathlib import Path
from controller.bucket.client import Bucket
from controller.settings.deployments import DEPLOYMENTS, Credential
mine = Credential(name="mine", prefixes=("s3://results",), folder=Path(sys.argv[1]))
bucket = Bucket(DEPLOYMENTS["sandbox"], {"mine": mine})
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print(bucket.write("s3://results/x", "mine", b"x"), bucket.read("s3://results/closed", "mine"), sep="\\n")
"""


def test_a_local_folder_without_the_right_counts_as_denied() -> None:
    """In a process of its own, since root may do everything."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "results/closed").mkdir(parents=True)
        (Path(folder) / "results/closed").chmod(0)
        (Path(folder) / "results").chmod(0o555)
        program = [sys.executable, "-c", WITHOUT_RIGHTS, folder]
        try:
            done = subprocess.run(program, capture_output=True, text=True, check=True)
        finally:
            (Path(folder) / "results").chmod(0o755)
            (Path(folder) / "results/closed").chmod(0o755)
    assert [line.count("denied=True") for line in done.stdout.splitlines()] == [1, 1], done


def test_a_refusal_without_a_code_repeats_no_secret(refusing: Refusing) -> None:
    refusing.words = f"denied for {ACCESS} with {SECRET}"
    answer = bucket(endpoint=refusing.url).read("s3://results/x", "mine")
    assert isinstance(answer, Unreadable)
    assert "CANARY" not in answer.message


def test_a_store_that_is_not_there_or_never_answers_is_unreadable_in_time() -> None:
    gone = bucket(endpoint="http://127.0.0.1:1").read("s3://results/x", "mine")
    assert gone == Unreadable(message="bucket results, credential mine: nothing listens there")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        hung = Bucket(SANDBOX, {"mine": credential(endpoint=url)}, timing=Timing(read_timeout=1.5, connect_timeout=0.2))
        answer = hung.read("s3://results/x", "mine")
    assert answer == Unreadable(message="bucket results, credential mine: no answer in time")


def test_a_listing_without_end_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results/a.json").write_text("{}")
    ticks = iter(range(0, 1000, 20))
    slow = Bucket(SANDBOX, {"mine": credential(folder=tmp_path)}, monotonic=lambda: next(ticks))
    answer = slow.read("s3://results", "mine")
    assert isinstance(answer, Unreadable)
    assert "took too long" in answer.message


def test_variables_for_other_tools_change_nothing(refusing: Refusing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "someone's")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone's")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    bucket(endpoint=refusing.url).read("s3://results/x", "mine")
    assert len(refusing.headers) == 1
    assert f"Credential={ACCESS}/" in refusing.headers[0]["authorization"]
    assert "x-amz-security-token" not in refusing.headers[0]
