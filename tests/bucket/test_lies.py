"""A listing counts only when it is one: no other answer of a store may pass for an empty bucket."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from controller.bucket.client import Bucket
from controller.model.answers import Listing, Unreadable
from controller.model.timing import Timing
from controller.settings.deployments import DEPLOYMENTS, Credential
from tests.bucket.test_client import keys as keys_of
from tests.conftest import Workspace, ndvi
from tests.operations.test_doctor import diagnoses, doctor
from tests.support.patience import LONGEST
from tests.support.stores import LIES, NEXT, Query, Reply, body, false_store, listing

pytestmark = pytest.mark.slow

KEYS: dict[str, Any] = {"access_key": SecretStr("CANARY-access"), "secret_access_key": SecretStr("CANARY/secret")}


def mine(url: str, prefixes: tuple[str, ...] = ("s3://results",)) -> dict[str, Credential]:
    return {"mine": Credential(name="mine", prefixes=prefixes, endpoint=url, **KEYS)}


def bucket(url: str, *, read_timeout: float = 30, prefixes: tuple[str, ...] = ("s3://results",)) -> Bucket:
    timing = Timing(read_timeout=read_timeout, connect_timeout=5)
    return Bucket(DEPLOYMENTS["sandbox"], mine(url, prefixes), timing=timing)


def at(workspace: Workspace, url: str) -> None:
    """The workspace's bucket is at this endpoint."""
    credential = f'[credentials.my-bucket]\nprefixes = ["s3://my-bucket"]\nendpoint = "{url}"\n'
    (workspace.root / "shjobs.toml").write_text(f'deployment = "sandbox"\ntimeScale = 0.001\n{credential}')


@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_lies_is_unreadable_and_never_an_empty_bucket(lie: str) -> None:
    answer, words = LIES[lie]
    with false_store(answer) as store:
        read = bucket(store.url).read("s3://results/job", "mine")
        peeked = bucket(store.url).peek("s3://results/job", "mine")
    assert isinstance(read, Unreadable), read
    assert words in read.message
    assert read.message.startswith("bucket results, credential mine: ")
    assert isinstance(peeked, Unreadable) or "repeats" in words


@pytest.mark.parametrize("lie", LIES)
def test_nothing_is_paid_for_on_the_word_of_a_store_that_lies(lie: str, workspace: Workspace) -> None:
    """With a new ledger, as after the loss of the old one."""
    answer, _ = LIES[lie]
    workspace.write("ndvi.yaml", ndvi())
    with false_store(answer) as store:
        at(workspace, store.url)
        found = workspace.sync()["ndvi"]
    assert workspace.posts() == 0
    assert found["reason"] in ("HistoryUnknown", "Listing"), found
    assert found["phase"] in ("Held", "Pending")


def test_doctor_says_what_came_instead_of_a_listing(workspace: Workspace) -> None:
    with false_store(LIES["a web console's page"][0]) as store:
        at(workspace, store.url)
        _, document = doctor(workspace)
    health, message, _ = diagnoses(document)["s3://my-bucket"]
    assert health == "fail"
    assert "cannot be listed: an HTML page (is the endpoint a web console" in message


def test_a_body_that_drips_is_given_up_in_time() -> None:
    """Each byte comes in time, and the answer never ends."""
    ended = threading.Event()

    def drip() -> Iterator[bytes]:
        while not ended.wait(0.05):
            yield b" "

    with false_store(lambda _path, _query: Reply(body=b"<ListBucketResult>", pieces=drip)) as store:
        begun = time.monotonic()
        answer = bucket(store.url, read_timeout=1.5).read("s3://results/x", "mine")
        lasted = time.monotonic() - begun
        ended.set()
    assert answer == Unreadable(message="bucket results, credential mine: no answer in time")
    assert lasted < LONGEST


def paged(_path: str, query: Query) -> Reply:
    token = query.get("continuation-token")
    if token is None:
        return Reply(body=listing("job/", "job/a", "job/b", cut="true", more=NEXT.replace("more", "to+ken/=&amp;")))
    assert token == "to+ken/=&"
    return Reply(body=listing("job/", "job/c"))


def test_every_page_counts_and_connections_are_kept() -> None:
    with false_store(paged) as store:
        once = bucket(store.url)
        answers = [once.read("s3://results/job", "mine") for _ in range(3)]
        assert len(store.connections) == 1
    assert [keys_of(answer) for answer in answers] == [["a", "b", "c"]] * 3


def test_a_connection_outlives_the_thread_that_opened_it() -> None:
    answers = []
    with false_store(paged) as store:
        once = bucket(store.url)
        for _ in range(3):
            thread = threading.Thread(target=lambda: answers.append(once.read("s3://results/job", "mine")))
            thread.start()
            thread.join()
        assert len(store.connections) == 1
    assert [keys_of(answer) for answer in answers] == [["a", "b", "c"]] * 3


def test_a_connection_that_the_store_has_closed_is_opened_again() -> None:
    def answer(_path: str, _query: Query) -> Reply:
        return Reply(body=listing("job/"), length=len(listing("job/")))  # closed afterwards

    with false_store(answer) as store:
        once = bucket(store.url)
        assert [once.read("s3://results/job", "mine") for _ in range(3)] == [Listing()] * 3
        assert len(store.connections) == 3


def test_trouble_that_passes_is_asked_about_again() -> None:
    replies = iter([Reply(status=503), Reply(status=500), Reply(body=listing("job/", "job/a"))])
    with false_store(lambda _path, _query: next(replies)) as store:
        answer = bucket(store.url).read("s3://results/job", "mine")
    assert keys_of(answer) == ["a"]


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        pytest.param(listing("job/").replace(b"<EncodingType>url</EncodingType>", b""), [], id="without an encoding"),
        pytest.param(
            listing("job/", "job/a%2Bb+c").replace(b"<EncodingType>url</EncodingType>", b""),
            ["a%2Bb+c"],
            id="without an encoding, keys are as they are",
        ),
        pytest.param(listing("job/", "job/a%2Bb+c%0A"), ["a+b c\n"], id="with it, they are decoded"),
        pytest.param(listing("job%2F", "job%2Fa"), ["a"], id="the prefix may be encoded too"),
        pytest.param(listing("job/", "job/"), [], id="the mark of the folder itself is nothing below it"),
        pytest.param(listing("job/").replace(b"<KeyCount>0</KeyCount>", b""), [], id="without a count"),
        pytest.param(
            listing("job/", "job/a").replace(b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', b""),
            ["a"],
            id="without a namespace",
        ),
        pytest.param(b"\xef\xbb\xbf" + listing("job/", "job/a"), ["a"], id="with a byte order mark"),
    ],
)
def test_the_ways_in_which_stores_differ_do_not_count(content: bytes, keys: list[str]) -> None:
    with false_store(body(content)) as store:
        answer = bucket(store.url).read("s3://results/job", "mine")
    assert keys_of(answer) == keys


def test_a_bucket_of_another_tenant_names_itself_without_it() -> None:
    with false_store(body(listing("job/"))) as store:
        answer = bucket(store.url, prefixes=("s3://tenant:results",)).read("s3://tenant:results/job", "mine")
    assert answer == Listing()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00+00:00", id="of another zone"),
        pytest.param("2026-03-01T12:00:00", "2026-03-01T12:00:00+00:00", id="of no zone"),
        pytest.param("0001-01-01T00:00:00+23:00", None, id="before all times"),
        pytest.param("yesterday", None, id="no time"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_time_of_an_object_never_fails_a_listing(written: str, read: str | None) -> None:
    content = listing("job/", "job/a").replace(b"2026-03-01T12:00:00.000Z", written.encode())
    with false_store(body(content)) as store:
        answer = bucket(store.url).read("s3://results/job", "mine")
    assert isinstance(answer, Listing)
    assert [each.modified and each.modified.isoformat() for each in answer.objects] == [read]


ODD = [
    "a//b.json", "./x.json", "x/../y.json", "..", "a%252Fb.json", "a%0Ab.json", "%00.json", "%FF%FE.json",
    "e%CC%81.json", "%C3%A9.json", "folder/", "+.json", "k" * 1020,
]  # fmt: skip


def test_an_odd_key_does_not_fail_the_others() -> None:
    def answer(path: str, query: Query) -> Reply:
        if "list-type" in query:
            return Reply(body=listing("job/", *(f"job/{each}" for each in ODD), "job/good.json"))
        return Reply(body=path.encode())

    with false_store(answer) as store:
        found = bucket(store.url).read("s3://results/job", "mine")
    assert isinstance(found, Listing), found
    assert len(found.objects) == len(ODD) + 1
    assert found.documents["good.json"] == "/results/job/good.json"
    assert found.documents["a%2Fb.json"] == "/results/job/a%252Fb.json"
    assert found.documents["e\u0301.json"] == "/results/job/e%CC%81.json"
    assert not {"a//b.json", "./x.json", "x/../y.json"} & found.documents.keys()


def test_a_document_that_never_ends_is_cut(tmp_path: Path) -> None:
    def answer(_path: str, query: Query) -> Reply:
        if "list-type" in query:
            return Reply(body=listing("job/", "job/a.json"))
        return Reply(body=b"{}", pieces=lambda: iter(lambda: b" " * 65536, b""))

    with false_store(answer) as store:
        found = bucket(store.url).read("s3://results/job", "mine")
    assert isinstance(found, Listing)
    assert len(found.documents["a.json"]) == 256 * 1024
