"""What the ledger says of a commit, read beside the process that writes."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.ledger.commits.statuses import (
    _REVISION,
    KEPT,
    MOST_COMMITS,
    OBSERVED,
    CommitStatuses,
)
from controller.ledger.store import Store
from controller.model.errors import StateError
from controller.model.notices.commit import CommitCounts, SentStatus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, TWO, DIRTY = "1" * 40, "2" * 40, f"{'1' * 40}-dirty"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path, {}) as opened:
        yield opened


@pytest.fixture
def statuses(tmp_path: Path) -> Iterator[CommitStatuses]:
    with closing(CommitStatuses(tmp_path, "code")) as opened:
        yield opened


def put(state: Path, name: str, wanted: object, reason: str, told: str = "") -> None:
    with closing(sqlite3.connect(state / "shjobs.db")) as ledger, ledger:
        ledger.execute(
            "insert into job (name, path, position, generation, wanted, reason, told) values (?, ?, 0, 1, ?, ?, ?)",
            [name, f"{name}.yaml", wanted, reason, told],
        )


def touch(store: Store, revisions: Iterable[str], now: datetime) -> None:
    with store.transaction():
        store.commits.touch(revisions, now)


def wants(revision: str) -> str:
    return json.dumps({"revision": revision})


def test_the_jobs_of_a_commit_are_counted_by_reason(tmp_path: Path, store: Store, statuses: CommitStatuses) -> None:
    touch(store, {ONE, TWO}, NOW)
    put(tmp_path, "a", wants(ONE), "Delivered")
    put(
        tmp_path, "b", wants(ONE), "LargeChange", "LargeChange: 3 need approval: `shjobs accept 0a1b2c3d` releases them"
    )
    put(tmp_path, "c", wants(TWO), "Delivered")
    put(tmp_path, "d", wants(DIRTY), "Delivered")
    for name, damaged in (("e", "{"), ("f", b"\xff\xfe"), ("g", None), ("h", "[]"), ("i", 7)):
        put(tmp_path, name, damaged, "Delivered")
    assert statuses.counts(ONE) == CommitCounts(
        revision=ONE, newest=TWO, reasons={"Delivered": 1, "LargeChange": 1}, command="shjobs accept 0a1b2c3d"
    )


def test_what_a_commit_counts_is_read_from_indices(store: Store) -> None:
    ledger = store._db.conn

    def plan(sql: str) -> str:
        return " ".join(str(row[3]) for row in ledger.execute(f"explain query plan {sql}", [ONE]))

    jobs = plan(f"select reason, count(*) from job where {_REVISION} = ? group by reason")
    assert "USING INDEX job_by_revision" in jobs
    assert "TEMP B-TREE" not in jobs
    costs = plan("select total(spent_pu) from submission where revision = ?")
    assert "COVERING INDEX submission_by_revision" in costs


@pytest.mark.parametrize(
    "revision",
    [
        pytest.param(DIRTY, id="a commit with changes beside it"),
        pytest.param("", id="no repository"),
        pytest.param("main", id="no hash"),
    ],
)
def test_what_no_one_can_see_is_not_touched(store: Store, statuses: CommitStatuses, revision: str) -> None:
    touch(store, {revision}, NOW)
    assert statuses.commits() == []


def test_a_commit_that_is_touched_again_keeps_its_place(store: Store, statuses: CommitStatuses) -> None:
    for number, revision in enumerate((ONE, TWO, ONE)):
        touch(store, {revision}, NOW + timedelta(seconds=number))
    assert [each.revision for each in statuses.commits()] == [ONE, TWO]
    assert statuses.counts(ONE).newest == TWO


def test_the_commit_that_was_taken_in_is_touched_once(store: Store, statuses: CommitStatuses) -> None:
    with store.transaction():
        store.set_fact(OBSERVED, f"{TWO} {NOW.isoformat()}")
    for seconds in (0, 5):
        statuses.observe(NOW + timedelta(seconds=seconds))
    assert [(each.revision, each.touched_at) for each in statuses.commits()] == [
        (TWO, NOW.isoformat(timespec="microseconds"))
    ]
    assert statuses.counts(TWO).newest == TWO


def test_a_commit_is_whole_once_it_was_taken_in(store: Store, statuses: CommitStatuses) -> None:
    """Its jobs may be delivered while the scripts of others are still examined."""
    touch(store, {ONE}, NOW)
    assert statuses.counts(ONE).is_whole, "nothing is known of what was taken in"
    whole = []
    for observed in (ONE, TWO):
        with store.transaction():
            store.set_fact(OBSERVED, f"{observed} {NOW.isoformat()}")
        statuses.observe(NOW)
        touch(store, {TWO}, NOW)
        whole.append([statuses.counts(each).is_whole for each in (ONE, TWO)])
    assert whole == [[True, False], [True, True]]


def test_files_that_cannot_be_accepted_count_for_the_newest_commit(store: Store, statuses: CommitStatuses) -> None:
    for revision in (ONE, TWO):
        touch(store, {revision}, NOW)
    with store.transaction():
        store.set_fact("rejected a.yaml", "E101 …")
    assert [statuses.counts(each).rejected for each in (ONE, TWO)] == [0, 1]


def test_what_was_sent_is_kept_for_each_sink(tmp_path: Path, store: Store, statuses: CommitStatuses) -> None:
    touch(store, {ONE}, NOW)
    sent = SentStatus(state="success", description="1 of 1 delivered", jobs=1, times=3, sent_at=NOW, error="it was 502")
    statuses.keep(ONE, sent)
    with closing(CommitStatuses(tmp_path, "other")) as other:
        assert [each.sent for each in other.commits()] == [SentStatus()]
    assert [each.sent for each in statuses.commits()] == [sent]


def test_only_the_newest_thousand_commits_are_kept(store: Store, statuses: CommitStatuses) -> None:
    revisions = [f"{number:040x}" for number in range(1_010)]
    touch(store, revisions, NOW)
    for revision in (*revisions[:20], revisions[-1]):
        statuses.keep(revision, SentStatus(state="success"))
    counted = [next(store._rows(f"select count(*) number from {each}")) for each in ("touched_commit", "commit_status")]
    assert [row["number"] for row in counted] == [1_000, 11]


@pytest.mark.parametrize(
    ("sent", "is_known"),
    [
        pytest.param(SentStatus(state="pending"), True, id="pending"),
        pytest.param(SentStatus(state="running"), True, id="running"),
        pytest.param(SentStatus(state="success"), False, id="finished"),
        pytest.param(SentStatus(state="pending", given_up_at=NOW), False, id="given up"),
    ],
)
@pytest.mark.parametrize("later", [MOST_COMMITS, KEPT + 10])
def test_an_unfinished_commit_is_followed_however_many_come_later(
    store: Store, statuses: CommitStatuses, sent: SentStatus, later: int, is_known: bool
) -> None:
    touch(store, {ONE}, NOW)
    statuses.keep(ONE, sent)
    revisions = [f"{number:040x}" for number in range(later)]
    touch(store, revisions, NOW)
    statuses.keep(revisions[-1], SentStatus(state="success"))
    expected = [*([ONE] if is_known else []), *revisions[-MOST_COMMITS:]]
    assert [each.revision for each in statuses.commits()] == expected


def test_a_change_by_another_process_is_news_once(store: Store, statuses: CommitStatuses) -> None:
    assert statuses.has_news()
    assert not statuses.has_news()
    touch(store, {ONE}, NOW)
    assert statuses.has_news()
    statuses.keep(ONE, SentStatus(state="pending"))
    assert not statuses.has_news()


def test_a_ledger_that_is_not_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    with closing(CommitStatuses(tmp_path / "nowhere", "code")) as statuses, pytest.raises(StateError):
        statuses.has_news()
