"""The sandbox as a program: its beginning, its end and its options, and scripts that would take it down."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import requests

from controller.model.errors import UsageError
from controller.sandbox.options import SandboxOptions
from controller.sandbox.program import run_sandbox
from tests.support.patience import LONGEST
from tests.support.sandbox import CANARY, real_request, running, until

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


@pytest.mark.slow
def test_no_script_takes_the_program_down(tmp_path: Path) -> None:
    """Each of them ends as a failed request; the one after them is rendered."""
    with running(tmp_path, {}, render_seconds=3.0, workers=1) as service:
        bad = {name: service.submit(real_request(body, width=64, height=64)) for name, body in HOSTILE.items()}
        last = service.submit(real_request(width=64, height=64))
        for id in (*bad.values(), last):
            service.await_end(id)
        ends = {name: service.events(id)[-1] for name, id in bad.items()}
        assert ends == dict.fromkeys(HOSTILE, "failed")
        assert all("error.json" in service.names(id) for id in bad.values())
        assert service.events(last)[-1] == "delivered"
        reported = {name: service.read(id, "error.json")["code"] for name, id in bad.items()}
        assert reported == dict.fromkeys(HOSTILE, "RENDERER_EXCEPTION")


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
    assert set(threading.enumerate()) <= before


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
    stop, reported = threading.Event(), list[str]()
    options = SandboxOptions(folder=tmp_path, port=0)
    thread = threading.Thread(target=run_sandbox, args=(options,), kwargs={"stop": stop, "ready": reported.append})
    thread.start()
    until(lambda: reported)
    health = requests.get(f"{reported[0]}/sandbox/health", timeout=LONGEST)
    assert health.json() == {"status": "ok", "running": 0}
    stop.set()
    thread.join(LONGEST)
    assert not thread.is_alive()
