"""Corrected credentials are tried at once: a new secret, a changed file, or an operator who asks ends the back-off."""

import dataclasses
import queue
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from controller.cli.output.tables import job_table
from controller.ledger.ledger import Ledger
from controller.ledger.store import Store
from controller.limits.gate import narrow
from controller.model.answers import Refusal
from controller.model.clock import Clock
from controller.model.reasons import Reason
from controller.model.submission import Evidence, Submission
from controller.operations.inspect.describe import explanation
from controller.reconcile.renewal import renew
from controller.reconcile.runner import Flags, turn_to_rest
from controller.reconcile.wiring import Inbox, controller
from controller.settings.settings import Settings
from tests.conftest import Workspace, ndvi
from tests.support.command import shjobs
from tests.support.factories import NOW, accepted, at, job, limits, refused


def denied(answered_at: float) -> Submission:
    return refused(Refusal.CREDENTIALS, answered_at=at(answered_at), intended_at=at(answered_at - 1))


@pytest.mark.parametrize(
    ("refusals", "opens_at"),
    [
        pytest.param([denied(-10), denied(-200)], -5, id="corrected since the last refusal: the probe goes at once"),
        pytest.param([denied(0), denied(-10), denied(-200)], 60, id="refused again: the back-off begins anew"),
    ],
)
def test_a_correction_ends_the_back_off_of_the_account(refusals: list[Submission], opens_at: float) -> None:
    found = narrow(limits(slots=3, renewed_at=at(-5)), refusals)
    assert (found.reason, found.slots, found.opens_at) == (Reason.ACCOUNT_REFUSED, 1, at(opens_at))


def patient(workspace: Workspace, **changed: str) -> Settings:
    """Settings under which no back-off ends by itself."""
    settings = workspace.settings(**changed)
    timing = dataclasses.replace(settings.timing, account_first=3600, account_longest=3600, late_looks=(3600,) * 3)
    return settings.model_copy(update={"timing": timing})


def synced(settings: Settings, *, is_asked: bool = False) -> dict[str, dict[str, Any]]:
    inbox: Inbox = queue.SimpleQueue()
    clock = Clock()
    with controller(settings, lambda _news: None, inbox, is_asked=is_asked) as (assembly, workers):
        turn_to_rest(assembly.loop, inbox, workers, clock, Flags(inbox))
        return {str(document["name"]): document for document in assembly.documents(clock.now())}


def refusals(workspace: Workspace) -> int:
    with closing(sqlite3.connect(workspace.state / "shjobs.db")) as ledger:
        return int(ledger.execute("select count(*) from submission where answer = 'refused'").fetchone()[0])


@pytest.mark.slow
def test_a_new_secret_is_tried_at_once_and_a_restart_with_the_same_is_not(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    wrong = patient(workspace, SHJOBS_CLIENT_SECRET="wrong")
    assert synced(wrong)["ndvi"]["reason"] == "AccountRefused"
    assert synced(wrong)["ndvi"]["reason"] == "AccountRefused"
    assert refusals(workspace) == 1
    assert synced(patient(workspace))["ndvi"]["reason"] == "Delivered"


@pytest.mark.slow
def test_who_asks_for_a_sync_gets_a_probe_and_why_says_when_the_next_goes(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    wrong = patient(workspace, SHJOBS_CLIENT_SECRET="wrong")
    for count in (1, 2):
        synced(wrong, is_asked=True)
        assert refusals(workspace) == count
    now = Clock().now()
    said = explanation(wrong, "ndvi", now)
    assert "does not accept the OAuth client" in said
    assert "The next probe goes in 60 min, at " in said or "The next probe goes in 59 min, at " in said
    assert said.endswith(
        "Corrected credentials are tried at once: at a restart, as a file that `run` sees, or by `shjobs sync`."
    )


def unread(**different: Any) -> Submission:
    seen = Evidence(at=NOW, since=NOW, objects=(), readable=False, message="my-bucket: there is no such bucket")
    return accepted(gone_at=NOW, evidence=seen, look_at=at(3600), **different)


@pytest.mark.parametrize(
    ("key", "is_asked", "looks_at"),
    [
        pytest.param("other", False, 60, id="another key pair: its bucket is listed now"),
        pytest.param("same", False, 3600, id="a restart with the same: it waits on"),
        pytest.param("same", True, 60, id="an operator asks: it is listed now"),
    ],
)
def test_a_bucket_that_could_not_be_read_is_listed_again(
    workspace: Workspace, tmp_path: Path, key: str, is_asked: bool, looks_at: float
) -> None:
    def settings(access_key: str) -> Settings:
        return workspace.settings(SHJOBS_CREDENTIALS_MY_BUCKET_ACCESS_KEY=access_key)

    with Store.open(tmp_path / "ledger", {}) as store:
        ledger = Ledger(store)
        with ledger.transaction():
            ledger.put_job(job(), "{}")
            ledger.add(unread(credentials_ref="my-bucket"))
        ledger.add_event(NOW, "x", "x")
        renew(ledger, settings("same"), "salt", at(-1), is_asked=False)
        with ledger.transaction():
            [stored] = ledger.of("ndvi")
            ledger.save(dataclasses.replace(stored, look_at=at(3600)))
        renew(ledger, settings(key), "salt", at(60), is_asked=is_asked)
        assert [item.look_at for item in ledger.of("ndvi")] == [at(looks_at)]


@pytest.mark.slow
def test_a_sync_that_could_do_nothing_because_a_bucket_refused_ends_with_1(workspace: Workspace) -> None:
    workspace.write("ndvi.yaml", ndvi())
    workspace.bucket.rename(workspace.root / "elsewhere")
    done = shjobs("sync", cwd=workspace.root, environment=dict(workspace.environment))
    assert (done.returncode, "HistoryUnknown" in done.stdout) == (1, True)


def test_no_secret_can_be_learned_from_the_ledger(workspace: Workspace, tmp_path: Path) -> None:
    with Store.open(tmp_path / "ledger", {}) as store:
        renew(Ledger(store), workspace.settings(), "salt", NOW, is_asked=False)
        kept = store.facts("fingerprint ")
    assert kept.keys() == {"account", "bucket my-bucket"}
    assert {len(each) for each in kept.values()} == {6}


def test_a_bucket_that_refuses_many_jobs_is_said_once_with_its_reason() -> None:
    def held(number: int, bucket: str) -> dict[str, Any]:
        message = f"the bucket cannot be listed, so it is unknown what was already paid for: {bucket}: no such bucket"
        return {
            "name": f"job-{number}",
            "phase": "Held",
            "reason": "HistoryUnknown",
            "message": message,
            "manifest": {},
        }

    documents = [held(number, "a" if number < 30 else "b") for number in range(31)]
    lines = list(job_table(documents, "table"))
    said = "HistoryUnknown: the bucket cannot be listed, so it is unknown what was already paid for:"
    assert lines[-2:] == [
        f"30 jobs (job-0, job-1, job-2 and 27 more): {said} a: no such bucket",
        f"job-30: {said} b: no such bucket",
    ]
