"""The commit that was taken in last: kept with its time, written only when it is another one."""

from datetime import timedelta
from pathlib import Path

import pytest

from controller.ledger.ledger import Ledger
from controller.ledger.reads.observed import OBSERVED, jobs_at, observed_revision, transitions
from controller.ledger.store import Store
from tests.support.factories import NOW, job, wanted

ONE, TWO = "1" * 40, "2" * 40


def opened(path: Path) -> Store:
    return Store.open(path, {})


def test_the_first_time_a_commit_is_taken_in_is_kept_and_the_same_is_not_written_again(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        ledger = Ledger(store)
        assert (ledger.observed.revision(), observed_revision(store.reader())) == (None, None)
        for commit, at in ((ONE, NOW), (ONE, NOW + timedelta(hours=1)), ("", NOW + timedelta(hours=2))):
            with store.transaction():
                ledger.observed.note(commit, at)
        assert ledger.observed.revision() == observed_revision(store.reader()) == (ONE, NOW)
    with opened(tmp_path) as store:
        ledger = Ledger(store)
        assert ledger.observed.revision() == (ONE, NOW)
        with store.transaction():
            ledger.observed.note(TWO, NOW + timedelta(hours=3))
        assert observed_revision(store.reader()) == (TWO, NOW + timedelta(hours=3))


@pytest.mark.parametrize("text", ["", "no time", f"{ONE} yesterday", f" {NOW.isoformat()}"])
def test_what_cannot_be_read_was_not_taken_in(tmp_path: Path, text: str) -> None:
    with opened(tmp_path) as store:
        with store.transaction():
            store.set_fact(OBSERVED, text)
        assert (Ledger(store).observed.revision(), observed_revision(store.reader())) == (None, None)


def test_the_jobs_of_a_commit_are_those_that_want_what_they_want_since_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store, store.transaction():
        for name, revision in (("one", ONE), ("edited", f"{ONE}-dirty"), ("two", TWO), ("none", "")):
            store.save_job(job(name=name, wanted=wanted(revision=revision)))
        store.save_job(job(name="claims", wanted=wanted(revision=TWO, labels=(("a", f'"revision": "{ONE}'),))))
        store.save_job(job(name="removed", wanted=None))
        found = [each.name for each in jobs_at(store.reader(), ONE[:7])]
        assert found == ["one"]


def test_since_when_jobs_have_their_reasons(tmp_path: Path) -> None:
    with opened(tmp_path) as store, store.transaction():
        for name in ("a", "b", "c"):
            store.save_job(job(name=name))
        store.mark_reported({"a": "Queued: words", "b": "Delivered: words"}, NOW)
        reader = store.reader()
        assert sorted(transitions(reader)) == [("a", "Queued", NOW), ("b", "Delivered", NOW)]
        assert [*transitions(reader, ["b", "c", "set/x"])] == [("b", "Delivered", NOW)]
