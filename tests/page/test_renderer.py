"""The process that makes pages: without secrets, below the loop's priority, and no reason for the daemon to fail."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
from pydantic import SecretStr

from controller.cli.settings import load_settings
from controller.page import renderer as module
from controller.page.message import PageRequest
from controller.page.renderer import Renderer
from controller.wire.server import LimitedServer
from tests.support.patience import LONGEST

CANARIES = {
    "SHJOBS_CLIENT_SECRET": "canary-1",
    "SHJOBS_PAGE_TOKEN": "canary-2",
    "SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY": "canary-3",
    "SHJOBS_CREDENTIALS_MY_BUCKET_SECRET_ACCESS_KEY": "canary-4",
}


@pytest.fixture
def one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a renderer that is made later."""
    monkeypatch.setattr(module, "MOST_AT_ONCE", 1)


@pytest.fixture
def renderer(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Renderer]:
    monkeypatch.setattr(module, "PATIENCE", LONGEST)
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    settings = 'deployment = "sandbox"\n[credentials.my-bucket]\nprefixes = ["s3://my-bucket/"]\nfolder = "sandbox"\n'
    (root / "shjobs.toml").write_text(settings, encoding="utf-8")
    made = Renderer(load_settings(root / "shjobs.toml", os.environ))
    yield made
    made.close()


def pid_of(renderer: Renderer) -> int:
    assert renderer._process is not None
    return renderer._process.pid


def test_a_page_is_made_by_another_process_with_lower_priority(renderer: Renderer) -> None:
    response = renderer.respond(PageRequest(path="/jobs"))
    assert (response.status, b"alps-1" in response.content) == (200, True)
    assert os.getpriority(os.PRIO_PROCESS, pid_of(renderer)) >= min(19, os.nice(0) + module.LOWER)


def test_no_secret_reaches_the_process(renderer: Renderer) -> None:
    renderer.respond(PageRequest(path="/"))
    environment = Path(f"/proc/{pid_of(renderer)}/environ").read_bytes()
    assert b"canary" not in environment and b"SHJOBS" not in environment
    sent = load_settings(None, CANARIES).without_secrets().model_dump()
    found = [each.get_secret_value() for each in _secrets(sent)]
    assert found == []


def _secrets(value: object) -> Iterator[SecretStr]:
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _secrets(each)


def test_a_process_that_is_killed_is_started_again(renderer: Renderer) -> None:
    renderer.respond(PageRequest(path="/"))
    first = pid_of(renderer)
    os.kill(first, signal.SIGKILL)
    assert renderer.respond(PageRequest(path="/")).status == 200
    assert pid_of(renderer) != first


def test_a_process_that_hangs_is_ended_and_the_next_page_comes_again(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer.respond(PageRequest(path="/"))
    hung = pid_of(renderer)
    os.kill(hung, signal.SIGSTOP)
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    assert renderer.respond(PageRequest(path="/")).status == 503
    monkeypatch.setattr(module, "PATIENCE", LONGEST)
    assert renderer.respond(PageRequest(path="/")).status == 200
    assert pid_of(renderer) != hung


def test_many_readers_get_what_they_asked_for(renderer: Renderer) -> None:
    found: dict[int, bytes] = {}

    def read(number: int) -> None:
        found[number] = renderer.respond(PageRequest(path="/jobs.json", query=f"text=x{number}")).content

    threads = [threading.Thread(target=read, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f'"text":"x{number}"'.encode() in found[number] for number in range(20))


def test_there_are_fewer_readers_at_once_than_connections() -> None:
    assert LimitedServer.most // 2 >= module.MOST_AT_ONCE


def test_who_comes_while_too_many_wait_is_refused_at_once(one_at_once: None, renderer: Renderer) -> None:
    renderer.respond(PageRequest(path="/"))
    os.kill(pid_of(renderer), signal.SIGSTOP)
    found: SimpleQueue[int] = SimpleQueue()
    for _ in range(2):
        threading.Thread(target=lambda: found.put(renderer.respond(PageRequest(path="/")).status)).start()
    assert found.get(timeout=LONGEST) == 503
    os.kill(pid_of(renderer), signal.SIGCONT)
    assert found.get(timeout=LONGEST) == 200


def test_it_ends_when_the_daemon_is_gone(renderer: Renderer) -> None:
    renderer.respond(PageRequest(path="/"))
    process, connection = renderer._process, renderer._connection
    assert process is not None and connection is not None
    connection.close()
    assert process.wait(LONGEST) == 0
