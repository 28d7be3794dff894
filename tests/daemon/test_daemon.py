"""`shjobs run`: the real process, with real signals, files and a sandbox."""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.ledger.reads.reader import Reader
from controller.model.submission import Answer
from controller.sandbox.faults.faults import Fault
from controller.sandbox.ledger import posts
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.forked import Forked
from tests.support.patience import LONGEST

pytestmark = pytest.mark.slow
LISTENING = re.compile(r"listening at (http://127\.0\.0\.1:\d+)")


class Running:
    """A daemon that runs; its log is read while it does."""

    def __init__(self, process: Forked, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        found = LISTENING.search(self.log)
        assert found, self.log
        return found[1]

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=LONGEST) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(LONGEST)


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    ends_at = time.monotonic() + LONGEST
    while time.monotonic() < ends_at:
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, TypeError):
            if holds():
                return
        time.sleep(0.01)
    raise AssertionError(f"never: {what}")


@contextmanager
def running(workspace: Workspace, *arguments: str, **changed: str) -> Iterator[Running]:
    """A daemon on a free port whose tree may change at once, until it is left."""
    given = {key: value for key, value in os.environ.items() if not key.startswith("SHJOBS_")}
    # Without work beside the loop, which would write into the state while a test takes it away.
    ours = {"SHJOBS_LISTEN": "127.0.0.1:0", "SHJOBS_SETTLE": "0s", "SHJOBS_PICTURES": "false"}
    environment = {**given, **workspace.environment, **ours, **changed}
    log = workspace.root / "run.log"
    log.write_bytes(b"")
    process = Forked(("run", *arguments), cwd=workspace.root, environment=environment, log=log)
    daemon = Running(process, log)
    try:
        until(lambda: "watching" in daemon.log or process.poll() is not None, "it begins")
        yield daemon
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(LONGEST)


def status(workspace: Workspace, name: str = "ndvi") -> Mapping[str, Any]:
    found: dict[str, Any] = workspace.status(f"{name}.status.yaml")[0]
    return found


def healthy(daemon: Running) -> bool:
    """Whether it says so; a newcomer may be dropped while the threads of others end."""
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        return daemon.page("/healthz") == (200, "ok\n")
    return False


def reaches(workspace: Workspace, phase: str, name: str = "ndvi") -> None:
    until(lambda: status(workspace, name)["phase"] == phase, f"{name} is {phase}")


def test_a_manifest_that_comes_later_is_taken_to_its_outcome(workspace: Workspace) -> None:
    with running(workspace) as daemon:
        workspace.write("ndvi.yaml", ndvi())
        reaches(workspace, "Succeeded")
        assert daemon.stop() == 0
    assert workspace.posts() == 1
    phases = re.findall(r" INFO ndvi (\w+)", daemon.log)
    assert [phases[0], phases[-1]] == ["Pending", "Succeeded"]
    assert "stopped: what runs at the service goes on" in daemon.log


def test_it_stops_while_it_reads_a_large_tree(workspace: Workspace) -> None:
    """It read ten thousand manifests to the end, and wrote their status files, before it heeded SIGTERM: 15 seconds."""
    for number in range(5_000):
        workspace.write(f"job-{number}.yaml", ndvi(f"job-{number}"))
    with running(workspace) as daemon:
        assert daemon.stop() == 0, daemon.log
    assert daemon.log.endswith("followed by the next start\n")
    assert list(workspace.jobs.glob("*.status.yaml")) == []


def test_hundreds_of_half_open_requests_do_not_keep_a_job_from_being_paid_for(workspace: Workspace) -> None:
    """Each took a descriptor and a thread for as long as its client liked: the daemon ended without any left."""
    with running(workspace) as daemon, contextlib.ExitStack() as stack:
        until(lambda: "is empty" in daemon.log, "the first scan")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (200, 200))
        host, port = daemon.url.removeprefix("http://").split(":")
        for _ in range(400):
            client = stack.enter_context(socket.create_connection((host, int(port)), timeout=LONGEST))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        workspace.write("ndvi.yaml", ndvi())
        reaches(workspace, "Succeeded")
        until(lambda: healthy(daemon), "a good request is answered")
        assert daemon.stop() == 0
    assert workspace.posts() == 1


def test_without_any_descriptor_left_it_goes_on(workspace: Workspace) -> None:
    with running(workspace, SHJOBS_SCAN_EVERY="10s") as daemon:
        until(lambda: "is empty" in daemon.log, "the first scan")
        _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (3, hard))
        for number in range(3):
            workspace.write(f"job-{number}.yaml", ndvi(f"job-{number}"))
            time.sleep(0.5)
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", int(daemon.url.rpartition(":")[2])), timeout=0.1).close()
        assert daemon.process.poll() is None, daemon.log
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (hard, hard))
        for number in range(3):
            reaches(workspace, "Succeeded", f"job-{number}")
        assert daemon.page("/healthz") == (200, "ok\n")
        assert daemon.stop() == 0
    assert "Traceback" not in daemon.log
    assert workspace.posts() == 3


def test_edits_and_removals_are_followed(workspace: Workspace) -> None:
    path = workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        reaches(workspace, "Succeeded")
        path.write_text(ndvi(west=14.41))
        until(lambda: workspace.posts() == 2, "the edit is submitted")
        workspace.write("other.yaml", ndvi("other"))
        reaches(workspace, "Succeeded", "other")
        path.unlink()
        until(lambda: not (workspace.jobs / "ndvi.status.yaml").exists(), "its status goes")
        assert daemon.stop(signal.SIGINT) == 0


def test_a_hangup_looks_at_the_tree_again(workspace: Workspace) -> None:
    """With a scan every hour and no events, nothing else would."""
    with running(workspace, SHJOBS_SCAN_EVERY="1h", SHJOBS_WATCH="false") as daemon:
        until(lambda: "is empty" in daemon.log, "the first scan")
        time.sleep(0.1)
        workspace.write("ndvi.yaml", ndvi())
        daemon.process.send_signal(signal.SIGHUP)
        reaches(workspace, "Succeeded")
        assert daemon.stop() == 0


def test_without_events_the_next_scan_sees_it(workspace: Workspace) -> None:
    with running(workspace, SHJOBS_SCAN_EVERY="10s", SHJOBS_WATCH="false") as daemon:  # scaled to a fifth of a second
        until(lambda: "is empty" in daemon.log, "the first scan")
        workspace.write("ndvi.yaml", ndvi())
        reaches(workspace, "Succeeded")


def test_a_post_under_way_is_awaited_and_recorded(workspace: Workspace) -> None:
    workspace.sandbox.faults.add(Fault(name="slow-answer", parameters={"seconds": 1.5}))
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        until(workspace.posts, "the POST was read")
        assert daemon.stop() == 0
    assert workspace.posts() == 1
    ledger = Reader.of(workspace.state)  # a stop in the middle of a scan writes no status file
    assert ledger is not None
    with ledger:
        [recorded] = ledger.submissions("ndvi", "")
    assert recorded.answer is Answer.ACCEPTED


def test_a_second_signal_leaves_at_once(workspace: Workspace) -> None:
    workspace.sandbox.faults.add(Fault(name="slow-answer", parameters={"seconds": 20}))
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        until(workspace.posts, "the POST was read")
        daemon.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert daemon.process.poll() is None
        # Two of one kind may come as one; of two kinds, either may be handled last.
        assert daemon.stop(signal.SIGINT) in (128 + signal.SIGINT, 128 + signal.SIGTERM)


def test_a_pause_and_its_end_are_seen_without_a_restart(workspace: Workspace) -> None:
    with running(workspace):
        workspace.state.mkdir(exist_ok=True)
        (workspace.state / "PAUSE").touch()
        workspace.write("ndvi.yaml", ndvi())
        until(lambda: status(workspace)["reason"] == "Paused", "it is paused")
        assert workspace.posts() == 0
        (workspace.state / "PAUSE").unlink()
        reaches(workspace, "Succeeded")


def test_what_people_ask_for_is_carried_out_while_it_runs(workspace: Workspace) -> None:
    workspace.write("one.yaml", ndvi("one", 14.41))
    workspace.write("two.yaml", ndvi("two", 14.42))

    def held() -> list[str]:
        """Both, or the second one whose script is known: as many as the limit may go ahead."""
        return [name for name in ("one", "two") if status(workspace, name)["reason"] == "LargeChange"]

    with running(workspace, SHJOBS_LARGE_CHANGE_JOBS="1"):
        until(held, "something is held")
        [label] = re.findall("shjobs accept ([0-9a-f]{12})", status(workspace, held()[-1])["message"])
        given = {**workspace.environment, "SHJOBS_LARGE_CHANGE_JOBS": "1"}
        assert shjobs("accept", label, cwd=workspace.root, environment=given).returncode == 0
        reaches(workspace, "Succeeded", "one")
        reaches(workspace, "Succeeded", "two")


def test_a_second_one_is_refused_and_told_who_holds_the_state(workspace: Workspace) -> None:
    with running(workspace) as daemon:
        until(lambda: (workspace.state / "lock").read_text(), "the lock is held")
        given = {**workspace.environment, "SHJOBS_LISTEN": "127.0.0.1:0"}
        second = shjobs("run", cwd=workspace.root, environment=given)
        assert second.returncode == 2
        assert f"is in use by process {daemon.process.pid}; only one process at a time may submit" in second.stderr


def test_a_port_that_is_taken_is_told(workspace: Workspace) -> None:
    with running(workspace) as daemon:
        where = daemon.url.removeprefix("http://")
        second = shjobs("run", "--listen", where, cwd=workspace.root, environment=dict(workspace.environment))
        assert (second.returncode, f"listen: {where} cannot be used" in second.stderr) == (2, True)


def test_its_pages_tell_that_it_lives_and_is_ready(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace, SHJOBS_MONTHLY_BUDGET="100") as daemon:
        reaches(workspace, "Succeeded")
        until(lambda: 'shjobs_jobs{phase="Succeeded"} 1.0' in daemon.page("/metrics")[1], "the metrics know")
        assert daemon.page("/healthz") == (200, "ok\n")
        assert daemon.page("/readyz") == (200, "ok\n")
        assert daemon.page("/nothing")[0] == 404
        reported = daemon.page("/metrics")[1].splitlines()
    for line in (
        "shjobs_ready 1.0",
        "shjobs_processing_units_spent 10.0",
        "shjobs_processing_units_left 90.0",
        'shjobs_call_seconds_count{answer="Accepted",call="submit"} 1.0',
    ):
        assert line in reported


def test_it_is_not_ready_when_the_credentials_are_refused(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace, SHJOBS_CLIENT_SECRET="wrong") as daemon:
        until(lambda: daemon.page("/readyz")[0] == 503, "it is not ready")
        until(lambda: "CredentialsRefused: " in daemon.page("/readyz")[1], "and says why")
        assert daemon.page("/healthz")[0] == 200
        assert "wrong" not in daemon.log + daemon.page("/readyz")[1] + daemon.page("/metrics")[1]


def test_a_corrected_file_of_a_secret_is_tried_at_once(workspace: Workspace) -> None:
    """The client's secret first, then a key pair that was missing; neither needs a restart."""
    settings = workspace.root / "shjobs.toml"
    text = settings.read_text().replace("prefixes = [", 'accessKeyFile = "access"\nprefixes = [')
    settings.write_text(f'clientSecretFile = "secret"\n{text}')
    (workspace.root / "secret").write_text("wrong")
    right = workspace.environment["SHJOBS_CLIENT_SECRET"]
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace, SHJOBS_CLIENT_SECRET="", SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY="") as daemon:
        until(lambda: status(workspace)["reason"] == "CredentialMissing", "the key pair is missing")
        (workspace.root / "access").write_text(workspace.environment["SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY"])
        until(lambda: status(workspace)["reason"] == "AccountRefused", "it goes on, and the client is refused")
        (workspace.root / "secret").write_text(right)
        reaches(workspace, "Succeeded")
        assert daemon.log.count("other credentials were read") == 2
        assert right not in daemon.log


def test_it_is_not_ready_when_the_tree_is_gone_and_goes_on_when_it_is_back(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        reaches(workspace, "Succeeded")
        workspace.jobs.rename(workspace.root / "away")
        until(lambda: "TreeNotReady: " in daemon.page("/readyz")[1], "the tree is missed")
        (workspace.root / "away").rename(workspace.jobs)
        workspace.write("other.yaml", ndvi("other"))
        reaches(workspace, "Succeeded", "other")
        until(lambda: daemon.page("/readyz")[0] == 200, "it is ready again")
    assert workspace.posts() == 2


def test_a_state_that_is_taken_away_pays_for_nothing_again(workspace: Workspace) -> None:
    """The next start may begin a new ledger; the process that lost the old one may not."""
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        reaches(workspace, "Succeeded")
        for path in workspace.state.iterdir():
            path.unlink(missing_ok=True)
        assert daemon.process.wait(LONGEST) == 2
    assert "was removed or replaced while it was in use" in daemon.log
    with running(workspace) as daemon:
        workspace.write("other.yaml", ndvi("other"))
        reaches(workspace, "Succeeded", "other")
        assert daemon.stop() == 0
    prefixes = [entry.prefix for entry in posts(workspace.sandbox.ledger.entries())]
    assert len(prefixes) == len(set(prefixes)) == 2


def test_its_log_can_be_read_by_machines(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace, "--log-format", "json") as daemon:
        reaches(workspace, "Succeeded")
        assert daemon.stop() == 0
    lines = [json.loads(line) for line in daemon.log.splitlines()]
    assert [line for line in lines if line["level"] != "info"] == []
    last = [line for line in lines if line.get("job") == "ndvi"][-1]
    assert {key: last[key] for key in ("phase", "reason", "message")} == {
        "phase": "Succeeded",
        "reason": "Delivered",
        "message": "every declared output is in the bucket",
    }
    assert last["requestId"] == status(workspace)["requestId"]


def test_nothing_new_writes_nothing(workspace: Workspace) -> None:
    """With a scan every few milliseconds there are a thousand of them, and of the polls, in no time."""
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        reaches(workspace, "Succeeded")
        time.sleep(0.5)
        before = (daemon.log, (workspace.jobs / "ndvi.status.yaml").stat().st_mtime_ns)
        for _ in range(20):
            daemon.process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
        assert (daemon.log, (workspace.jobs / "ndvi.status.yaml").stat().st_mtime_ns) == before
