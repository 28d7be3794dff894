"""The ledger on a real disk: what is stored comes back, and what cannot be used is refused by name."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.ledger.location import FILE_NAME
from controller.ledger.rows.cells import KeptObjects
from controller.ledger.store import Store
from controller.model.answers import Accepted, Refusal, Refused, StoredObject, Unconfirmed
from controller.model.errors import StateError
from controller.model.job import Estimate, Job, Wanted
from controller.model.submission import Evidence, Outcome, Submission
from tests.support.factories import TIFF

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INTENT = Submission(
    job="ndvi",
    digest="1:" + "ab" * 32,
    rerun=0,
    attempt=0,
    generation=1,
    prefix="s3://my-bucket/rasters/ndvi/abababababababab-r0-a0",
    intended_at=NOW,
    outputs=(TIFF,),
    credentials_ref="my-bucket",
    reserved=20.5,
)
SETTLED = replace(
    INTENT.answered(Accepted(request_id="6fd0b4e5-0000-4000-8000-000000000001"), NOW, NOW + timedelta(seconds=10)),
    missing_at=NOW + timedelta(minutes=1),
    gone_at=NOW + timedelta(minutes=2),
    outcome=Outcome.SUCCEEDED,
    reason="Delivered",
    message="every declared output is delivered",
    finished_at=NOW + timedelta(minutes=3),
    evidence=Evidence(
        at=NOW,
        since=NOW,
        readable=True,
        objects=(StoredObject(key="x/default.tif", bytes=9, etag="e", modified=NOW),),
        spent=20.25,
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path, {"deployment": "sandbox", "account": "me"})


@pytest.mark.parametrize(
    "submission",
    [
        pytest.param(INTENT, id="an intent"),
        pytest.param(SETTLED, id="settled with evidence"),
        pytest.param(INTENT.answered(Unconfirmed(message="no answer"), NOW, NOW), id="unconfirmed"),
        pytest.param(replace(SETTLED, said_by_operator=True), id="named by an operator"),
        pytest.param(
            INTENT.answered(Refused(why=Refusal.RATE, message="slow down", status=429, retry_after=3.4), NOW, None),
            id="refused for a while",
        ),
    ],
)
def test_a_submission_comes_back_as_it_was_stored(store: Store, submission: Submission) -> None:
    with store, store.transaction():
        number = store.add(INTENT, '{"input": {}}')
        stored = replace(submission, number=number)
        store.save(stored)
        assert list(store.submissions()) == [stored]
        assert store.reader().sent_request(number) == {"input": {}}


def test_one_submission_cannot_be_stored_twice_unless_it_was_refused(store: Store) -> None:
    refused = INTENT.answered(Refused(why=Refusal.RATE, message="slow down"), NOW, None)
    with store:
        with store.transaction():
            store.save(replace(refused, number=store.add(INTENT, "{}")))
            store.add(INTENT, "{}")
        with pytest.raises(sqlite3.IntegrityError), store.transaction():
            store.add(INTENT, "{}")


def test_a_job_comes_back_and_keeps_its_body_until_there_is_another(store: Store) -> None:
    wanted = Wanted(
        digest=INTENT.digest,
        delivery_url="s3://my-bucket/rasters",
        outputs=(TIFF,),
        estimate=Estimate(expected=1, upper=None),
    )
    job = Job(name="ndvi", path="a/ndvi.yaml", index=1, generation=3, wanted=wanted)
    with store, store.transaction():
        store.save_job(job, "{}")
        store.save_job(replace(job, path="b.yaml"))
        assert list(store.jobs()) == [replace(job, path="b.yaml")]
        assert store.wanted_body("ndvi") == "{}"


def test_what_fails_inside_a_transaction_leaves_nothing(store: Store) -> None:
    with store:
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.add(INTENT, "{}")
            raise ZeroDivisionError
        assert list(store.submissions()) == []


def test_the_intent_is_stored_with_full_synchronous(store: Store) -> None:
    with store:
        assert store._db.execute("pragma synchronous").fetchone() == (2,)


@pytest.mark.parametrize(
    ("bindings", "words"),
    [
        pytest.param(
            {"deployment": "cdse"}, "the deployment 'sandbox', the settings name 'cdse'", id="other deployment"
        ),
        pytest.param({"account": "you"}, "the OAuth client 'me', the settings name 'you'", id="other account"),
    ],
)
def test_a_ledger_of_somebody_else_is_refused(
    store: Store, tmp_path: Path, bindings: dict[str, str], words: str
) -> None:
    store.close()
    with pytest.raises(StateError, match=words):
        Store.open(tmp_path, bindings)


def test_a_newer_ledger_is_refused_by_name(store: Store, tmp_path: Path) -> None:
    store.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
        db.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) values ('shjobs', 'from_the_future', '')"
        )
    with pytest.raises(StateError, match="newer version of shjobs \\(schema 'from_the_future'\\)"):
        Store.open(tmp_path, {})
    with pytest.raises(StateError, match="newer version"):
        Store.copy_of(tmp_path)


@pytest.mark.parametrize("opened", [lambda path: Store.open(path, {}), Store.copy_of], ids=["to write", "to look"])
def test_a_file_that_is_no_database_is_told_plainly(tmp_path: Path, opened: Callable[[Path], Store]) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is not a database" * 100)
    with pytest.raises(StateError, match="cannot be used: file is not a database"):
        opened(tmp_path)


def without_a_row_in_an_index(path: Path) -> None:
    """Empty the index of a submission's digest, as a bad disk might: every row can still be read."""
    with closing(sqlite3.connect(path / FILE_NAME, isolation_level=None)) as db:
        [(declared,)] = db.execute("select sql from sqlite_master where name = 'submission_by_digest'")
        db.execute("drop index submission_by_digest")
        db.execute("create index submission_by_digest on submission (digest) where digest = ''")
        db.execute("pragma writable_schema = on")
        db.execute("update sqlite_master set sql = ? where name = 'submission_by_digest'", [declared])


def test_nothing_is_written_before_the_whole_file_is_known_to_be_undamaged(store: Store, tmp_path: Path) -> None:
    with store, store.transaction():
        store.add(INTENT, "{}")
    without_a_row_in_an_index(tmp_path)
    with pytest.raises(StateError, match="missing from index submission_by_digest"), Store.open(tmp_path, {}) as again:
        assert len(list(again.submissions())) == 1, "the rows are read while the file is checked"
        for _ in range(2):
            with pytest.raises(StateError, match="missing from index"), again.transaction():
                again.set_fact("history", "known")
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        assert db.execute("select count(*) from meta where key = 'history'").fetchone() == (0,)


def test_what_a_damaged_ledger_leads_to_is_said_as_its_damage(store: Store, tmp_path: Path) -> None:
    with store, store.transaction():
        store.add(INTENT, "{}")
    without_a_row_in_an_index(tmp_path)
    with pytest.raises(StateError, match="it is damaged"), Store.open(tmp_path, {}):
        raise KeyError("a digest that no index has")
    with pytest.raises(StateError, match="it is damaged"):
        Store.copy_of(tmp_path)


def test_a_copy_sees_everything_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    with store, Store.copy_of(tmp_path) as empty, store.transaction():
        store.add(INTENT, "{}")
        assert list(empty.submissions()) == []
    with Store.copy_of(tmp_path) as copy:
        with copy.transaction():
            copy.set_fact("history", "known")
        assert len(list(copy.submissions())) == 1
    with Store.open(tmp_path, {}) as again:
        assert again.fact("history") is None


def test_a_large_copy_is_in_a_file_that_is_gone_already(store: Store, tmp_path: Path) -> None:
    """So that a plan of many jobs does not hold all their manifests in memory."""
    with store, store.transaction():
        store.add(INTENT, "{}" * 4_000_000)
    with Store.copy_of(tmp_path) as copy:
        links = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        assert [path for path in links if path.name.endswith("(deleted)") and path.name.startswith("etilqs_")]
        assert len(list(copy.submissions())) == 1


def test_a_copy_that_finds_no_room_says_so_and_nothing_of_the_ledger(store: Store, tmp_path: Path) -> None:
    store.close()
    with Store.copy_of(tmp_path) as copy:
        copy._db.execute("pragma max_page_count = 1")  # what a full disk answers
        with (
            pytest.raises(StateError, match=r"temporary copy of the ledger .* is full; make room in the folder"),
            copy.transaction(),
        ):
            copy.add(INTENT, "{}" * 1_000_000)


def test_where_no_temporary_file_can_be_made_a_copy_is_in_memory(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with store, store.transaction():
        store.add(INTENT, "{}")
    with Store.copy_of(tmp_path) as copy, copy.transaction():
        copy.set_fact("history", "known")
        assert len(list(copy.submissions())) == 1


def test_a_database_that_died_while_it_was_made_can_still_be_looked_at(tmp_path: Path) -> None:
    """A crash in the first sync left a hot journal, which a read-only connection must not roll back."""
    made, left = tmp_path / "made", tmp_path / "left"
    made.mkdir()
    with closing(sqlite3.connect(made / FILE_NAME, isolation_level=None)) as db:
        db.execute("pragma cache_size = 1")
        db.execute("create table filler (text)")
        db.execute("begin")
        db.executemany("insert into filler values (?)", [("x" * 1000,)] * 1000)
        shutil.copytree(made, left)
    with (
        closing(sqlite3.connect(f"file:{left / FILE_NAME}?mode=ro", uri=True)) as only,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        only.execute("select * from filler")
    with Store.copy_of(left) as copy:
        assert list(copy.submissions()) == []


def test_looking_at_a_state_that_is_not_there_makes_no_file(tmp_path: Path) -> None:
    Store.copy_of(tmp_path / "nowhere").close()
    assert not (tmp_path / "nowhere").exists()


def test_commands_wait_in_the_inbox_until_they_are_done(store: Store) -> None:
    with store, store.transaction():
        store.add_command(NOW, "one")
        store.add_command(NOW, "two")
        [(first, _), _] = store.pending_commands(100)
        store.mark_done(first, NOW)
        assert [text for _, text in store.pending_commands(100)] == [b"two"]


DONE = replace(SETTLED, look_at=None)


@pytest.mark.parametrize(
    ("submission", "is_later"),
    [
        pytest.param(DONE, True, id="what was delivered is read when it is asked for"),
        pytest.param(SETTLED, False, id="what is looked at again is in memory"),
        pytest.param(replace(DONE, outcome=None, reason=""), False, id="what may still change is in memory"),
        pytest.param(
            replace(DONE, evidence=replace(DONE.evidence, message='"')),  # type: ignore[type-var]
            False,
            id="words that need escapes are read at once",
        ),
    ],
)
def test_the_objects_of_a_settled_submission_are_not_kept_in_memory(
    store: Store, submission: Submission, *, is_later: bool
) -> None:
    with store, store.transaction():
        stored = replace(submission, number=store.add(submission, "{}"))
        (found,) = store.submissions()
        assert found == stored
        assert isinstance(found.evidence and found.evidence.objects, KeptObjects) is is_later


def test_a_settled_submission_is_stored_again_with_the_objects_it_had(store: Store) -> None:
    with store, store.transaction():
        store.add(DONE, "{}")
        (found,) = store.submissions()
        store.save(found)
        assert list(store.submissions()) == [found] == [replace(DONE, number=1)]


def test_a_copy_of_the_ledger_shows_what_was_delivered_after_it_is_closed(store: Store, tmp_path: Path) -> None:
    with store, store.transaction():
        store.add(DONE, "{}")
    with Store.copy_of(tmp_path) as copy:
        (found,) = copy.submissions()
    assert found == replace(DONE, number=1)


def test_what_jobs_have_in_common_is_kept_once(store: Store) -> None:
    wanted = Wanted(
        digest="", delivery_url="s3://my-bucket/rasters", outputs=(TIFF,), labels=(("team", "agri"),),
        estimate=Estimate(expected=1.5, upper=2.5),
    )  # fmt: skip
    with store, store.transaction():
        for name, digit in (("a", "1"), ("b", "2")):
            store.save_job(Job(name=name, path=f"{name}.yaml", wanted=replace(wanted, digest=f"1:{digit * 64}")), "{}")
        a, b = (each.wanted for each in store.jobs())
    assert a is not None
    assert b is not None
    assert (a.digest, b.digest) == (f"1:{'1' * 64}", f"1:{'2' * 64}")
    assert (a.labels is b.labels, a.estimate is b.estimate, a.outputs is b.outputs) == (True, True, True)
