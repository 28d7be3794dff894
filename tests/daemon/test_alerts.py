"""The alert rules: each fires when what it is for really happens to a daemon, and none for one that is well."""

import contextlib
import re
import resource
import shutil
import subprocess
import threading
import time
import urllib.error
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial

import pytest
import yaml

from controller.daemon.daemon import Daemon
from controller.daemon.metrics import Metrics
from controller.limits.budget import Spending
from controller.model.clock import Clock
from controller.notify.sender import NotSent
from controller.reconcile.health import Health
from controller.sandbox.faults.faults import Fault
from controller.source.outcome import SourceStale, SourceUnverified
from tests.conftest import Workspace, ndvi
from tests.daemon.test_daemon import Running, reaches, running, until
from tests.daemon.test_fetched_tree import running as fetching
from tests.daemon.test_fetched_tree import with_source
from tests.daemon.test_notifier import add_sink
from tests.support.folder_source import FolderSource
from tests.support.outboxes import Sending, recorded
from tests.support.paths import ROOT
from tests.support.promql import firing, samples
from tests.support.receiver import NOW, Receiver, event

pytestmark = pytest.mark.slow
FILE = ROOT / "deploy" / "alerts.yaml"
RULES: Mapping[str, str] = {
    rule["alert"]: " ".join(rule["expr"].split())
    for rule in yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"][0]["rules"]
}


def fires(alert: str, page: str, later: float = 0.0) -> bool:
    return bool(firing(RULES[alert], page, time.time() + later))


def metrics(daemon: Running) -> str:
    """What a scrape gets; nothing from a daemon that does not answer."""
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        return daemon.page("/metrics")[1]
    return ""


def test_the_rules_are_rules() -> None:
    """By the tool of Prometheus where there is one (Debian: `prometheus`), and else by our own reader."""
    tool = shutil.which("promtool")
    if tool:
        done = subprocess.run([tool, "check", "rules", FILE], capture_output=True, text=True, check=False)
        assert (done.returncode, f"{len(RULES)} rules found" in done.stdout) == (0, True), done.stderr
    for rule in yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"][0]["rules"]:
        assert {*rule} <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        firing(rule["expr"], "", 0.0)


def test_an_alert_outlasts_what_a_single_scrape_shows() -> None:
    """A window keeps one scrape in the expression for its whole length: `for` must be longer."""
    found = {}
    for rule in yaml.safe_load(FILE.read_text(encoding="utf-8"))["groups"][0]["rules"]:
        windows = re.findall(r"\[(\w+)\]", rule["expr"])
        if windows and max(map(_seconds, windows)) >= _seconds(rule.get("for", "0s")):
            found[rule["alert"]] = windows
    assert found == {}


def _seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def test_a_daemon_that_is_well_alarms_nobody(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.write("held.yaml", ndvi("held").replace("spec:\n", "spec:\n  hold: true\n"))
    with Receiver() as receiver, ExitStack() as stack:
        add_sink(workspace, "team", receiver.url)
        daemon = stack.enter_context(running(workspace, SHJOBS_MONTHLY_BUDGET="1000"))
        reaches(workspace, "Succeeded")
        until(lambda: 'shjobs_held_jobs{reason="OnHold"} 1.0' in metrics(daemon), "the hold is counted")
        named = {name for expression in RULES.values() for name in re.findall(r"shjobs_\w+", expression)}
        assert named <= samples(metrics(daemon)).keys()
        until(lambda: not [alert for alert in RULES if fires(alert, metrics(daemon))], "nothing fires")


Act = Callable[[Workspace], None]


def fault(name: str) -> Act:
    def act(workspace: Workspace) -> None:
        workspace.sandbox.faults.add(Fault(name=name, times=-1))
        workspace.write("ndvi.yaml", ndvi())

    return act


def one_job(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())


def two_jobs(workspace: Workspace) -> None:
    """Both in one scan."""
    workspace.write("../more/one.yaml", ndvi("one", 14.41))
    workspace.write("../more/two.yaml", ndvi("two", 14.42))
    (workspace.root / "more").rename(workspace.jobs / "more")


def a_broken_manifest(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi().replace("width: 64", "width: many"))


def no_tree(workspace: Workspace) -> None:
    workspace.jobs.rename(workspace.root / "away")


HAPPENINGS: Mapping[str, tuple[Act, Mapping[str, str]]] = {
    "ShjobsUnconfirmed": (fault("reset-while-read"), {}),
    "ShjobsUnknown": (fault("never-deliver"), {}),
    "ShjobsFailed": (fault("run-fails"), {}),
    "ShjobsInvalid": (a_broken_manifest, {}),
    "ShjobsHeld": (two_jobs, {"SHJOBS_LARGE_CHANGE_JOBS": "1"}),
    "ShjobsBudgetNearlyUsed": (one_job, {"SHJOBS_MONTHLY_BUDGET": "11"}),
    "ShjobsCredentialsRefused": (one_job, {"SHJOBS_CLIENT_SECRET": "wrong"}),
    "ShjobsBreakerOpen": (fault("reset-while-read"), {"SHJOBS_TIME_SCALE": "1"}),
    "ShjobsNotReady": (no_tree, {}),
}
"""What happens, with which settings, by the alert that is to fire."""


@pytest.mark.parametrize("alert", HAPPENINGS)
def test_an_alert_fires_when_it_happens(workspace: Workspace, alert: str) -> None:
    act, changed = HAPPENINGS[alert]
    with running(workspace, **changed) as daemon:
        until(lambda: "is empty" in daemon.log, "the first scan")
        assert alert == "ShjobsNotReady" or not fires(alert, metrics(daemon))
        act(workspace)
        until(lambda: fires(alert, metrics(daemon)), alert)


def test_a_ledger_that_cannot_be_written_is_an_alert(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    with running(workspace) as daemon:
        reaches(workspace, "Succeeded")
        assert not fires("ShjobsLedgerUnusable", metrics(daemon))
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))  # as a full disk
        workspace.write("other.yaml", ndvi("other"))
        until(lambda: fires("ShjobsLedgerUnusable", metrics(daemon)), "it fires")


def test_a_daemon_that_hangs_or_is_gone_is_an_alert(workspace: Workspace) -> None:
    with running(workspace) as daemon:
        until(lambda: "is empty" in daemon.log, "the first scan")
        page = metrics(daemon)
        assert not fires("ShjobsSilent", page)
        assert fires("ShjobsSilent", page, later=180.0)
        daemon.process.kill()
        daemon.process.wait()
        assert fires("ShjobsSilent", metrics(daemon))


def test_a_queue_that_stands_still_is_an_alert(workspace: Workspace) -> None:
    """Seen six hours later: the daemon is real, only the metrics are read with a later clock."""
    workspace.sandbox.faults.add(Fault(name="lingering-200", times=-1))
    two_jobs(workspace)
    settings = workspace.settings(SHJOBS_MAX_RUNNING="1", SHJOBS_SETTLE="0s")
    clock = Clock()
    daemon, seen = Daemon(settings, clock), list[Health]()

    def look() -> None:
        try:
            until(lambda: daemon.health.waiting, "a job waits")
            seen.append(daemon.health)
        finally:
            daemon.flags.stopping = True
            daemon.flags.inbox.put(None)

    thread = threading.Thread(target=look)
    thread.start()
    daemon.run()  # the ledger belongs to this thread
    thread.join()
    for hours, expected in ((0, False), (7, True)):
        now = clock.now() + timedelta(hours=hours)
        page = Metrics(lambda: seen[0], partial(_same, now), "sandbox", 60.0).page().decode()
        assert fires("ShjobsQueueStuck", page) is expected


def test_messages_that_nobody_takes_are_an_alert(workspace: Workspace) -> None:
    """Seen an hour later: the backlog is that of a real sender, only the metrics are read with a later clock."""
    recorded(workspace.state, [event(at=NOW)])
    sending = Sending(workspace.state, [NotSent(message="nothing listens there")])
    with sending.opened() as sender:
        sender.run_once(NOW)
    health = Health(at=NOW, spending=Spending(month="2026-06", budget=None))
    for minutes, expected in ((59, False), (61, True)):
        now = NOW + timedelta(minutes=minutes)
        page = Metrics(lambda: health, partial(_same, now), "sandbox", 60.0, sending.tally).page().decode()
        assert fires("ShjobsNotificationsUndelivered", page) is expected


SOURCES: Mapping[str, SourceStale | SourceUnverified] = {
    "ShjobsSourceStale": SourceStale(message="git.example does not answer"),
    "ShjobsSourceUnverified": SourceUnverified(commit="5e" * 20, message="5e5e5e5e5e5e is not signed"),
}


@pytest.mark.parametrize("alert", SOURCES)
def test_a_tree_that_cannot_be_fetched_or_trusted_is_an_alert(workspace: Workspace, alert: str) -> None:
    settings = with_source(workspace)
    source = FolderSource(settings.state)
    source.problem = SOURCES[alert]
    with fetching(settings, source) as daemon:
        until(lambda: fires(alert, daemon.metrics.page().decode()), alert)
        source.problem = None
        source.push({"ndvi.yaml": ndvi()})
        assert daemon.source
        daemon.source.hint()
        until(lambda: not any(fires(each, daemon.metrics.page().decode()) for each in SOURCES), "it is well again")


def _same(now: datetime) -> datetime:
    return now


LATER = ("ShjobsNotificationsUndelivered",)


def test_every_alert_is_seen_to_fire() -> None:
    assert {*HAPPENINGS, "ShjobsLedgerUnusable", "ShjobsSilent", "ShjobsQueueStuck", *SOURCES, *LATER} == {*RULES}
